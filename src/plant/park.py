"""The park as the rest of the code sees it: frozen, resolved, without text to parse."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from plant.units import Unit
from plant.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class Swap:
    """A meter swap: a dated fact of a channel. Displays are in the channel's unit, before any ratio."""

    time: int  # ns UTC
    final_old: float  # NaN: unknown
    first_new: float
    serial: str = ""
    ratio: float | None = None  # None: as before
    max_rate: float | None = None
    modulus: float | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One measurement point. Limits are in its unit and of the display; NaN means no limit."""

    index: int
    park: str
    facility: str
    gateway: str
    name: str
    kind: Kind
    unit: Unit
    quantity: str
    minimum: float
    maximum: float
    max_rate: float  # per hour
    max_gap: int  # ns
    modulus: float
    period: int  # ns; 0 unless interval
    hold_last: bool
    counter_in_gateway: bool
    ratio: float
    serial: str
    swaps: tuple[Swap, ...] = ()


@dataclass(frozen=True, slots=True)
class Input:
    """A channel in a role of a source's method: role value = channel value * scale + offset."""

    role: str
    channel: int
    scale: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Regulation:
    """The rule by which a source's hours count; `load` tells when its unit runs, and how hard."""

    rule: str  # mrr or part-75
    substitute: tuple[tuple[str, float], ...]  # by role, in its unit, of an amount per hour; see plant.model
    load: int  # channel, -1 where the unit always runs
    running_above: float  # in the load channel's unit
    load_maximum: float  # in the load channel's unit; NaN where all loads are one range
    cadence: int  # ns between readings; 0 where the covered share of the hour is looked at


@dataclass(frozen=True, slots=True)
class Source:
    """Something that emits: a method, its inputs, its factor, its scope and category."""

    index: int
    park: str
    facility: str
    name: str
    scope: int
    category: str
    method: str
    factor: str  # "" where the method needs none
    inputs: tuple[Input, ...]
    parameters: tuple[tuple[str, float], ...]
    activity_unit: str
    regulation: Regulation | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """A field device that publishes MQTT; `name` is its last topic level but one."""

    index: int
    park: str
    facility: str
    name: str

    @property
    def id(self) -> str:
        """The gateway's full name: park/facility/gateway."""
        return f"{self.park}/{self.facility}/{self.name}"


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """One limit on a channel's readings, or on a source's emission rate [t/h] in a window."""

    name: str
    park: str
    facility: str
    channel: int  # -1 where the rule is on a source
    source: int  # -1 where the rule is on a channel
    above: bool
    limit: float  # in `unit`
    unit: str
    severity: str
    delay: int  # ns after a window's end before it is judged
    summary: str
    description: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that is told of alerts. The secret never leaves this object's use."""

    name: str
    url: str
    secret: str = field(repr=False)
    allow_private: bool = False  # http and private addresses too


@dataclass(frozen=True, slots=True)
class Facility:
    """A company's plant inside a park."""

    park: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Park:
    """An industrial park and the zone of its clock."""

    name: str
    title: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Plant:
    """Everything that was configured, resolved. `hash` names this configuration for ever."""

    parks: tuple[Park, ...]
    facilities: tuple[Facility, ...]
    gateways: tuple[Gateway, ...]
    channels: tuple[Channel, ...]
    sources: tuple[Source, ...]
    rules: tuple[ThresholdRule, ...]
    webhooks: tuple[Webhook, ...]
    window: int  # ns, divides an hour
    gwp: str
    max_late: int  # ns before arrival that a reading may be of
    allowed_lateness: int  # ns before arrival from which it is called late
    hash: str
    second_approval_above: float = 0.05  # of a final month's tonnes, for a change of them
