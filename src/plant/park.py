"""The park as the rest of the code sees it: frozen, resolved, without text to parse."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import nan
from typing import Literal
from zoneinfo import ZoneInfo

from plant.alerting import Routing
from plant.commitments import (
    Billing,
    Budget,
    Certificate,
    CleanEnergy,
    Exchange,
    Indicators,
    Instrument,
    Measure,
    MeterBalance,
    ResidualFactor,
    Standard,
    Target,
)
from plant.networks import Network
from plant.station.feed import Feed
from plant.topics import Subscription
from plant.units import Unit
from plant.vocabulary import SINCE_EVER, Kind


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
    period: int  # ns; 0 unless interval; the longest that may be where it is entered
    hold_last: bool
    counter_in_gateway: bool
    ratio: float
    serial: str
    swaps: tuple[Swap, ...] = ()
    uncertainty: float = nan  # relative half-width of a 95 % interval; NaN: unknown
    cadence: int = 0  # ns, how often it is read; 0: as its last readings tell
    entered: bool = False  # by people as records, each with its own stretch; no gateway sends it

    @property
    def facts(self) -> str:
        """What of it decides its windows, but for swaps, which have dates."""
        numbers = {
            "ratio": self.ratio,
            "max_rate": self.max_rate,
            "modulus": self.modulus,
            "max_gap_s": self.max_gap / 1e9,
            "period_s": self.period / 1e9,
        }
        told = ", ".join(f"{name} {value:g}" for name, value in numbers.items())
        who = ", entered" if self.entered else ""
        return f"{self.unit.symbol}, {self.kind}, {told}, {self.hold_last}, {self.counter_in_gateway}{who}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a formula on a stack of columns: `channel` and `number` push, everything else takes and pushes."""

    name: str
    number: float = 0.0
    channel: int = -1  # a channel's index, or a virtual channel's


@dataclass(frozen=True, slots=True)
class Virtual:
    """A virtual channel: its windows are a formula over the windows of channels. It has no readings."""

    index: int  # follows those of the channels, so that both stand wherever a source takes a channel
    park: str
    facility: str
    name: str
    title: str
    unit: Unit  # of its windows
    is_level: bool  # a mean over the window; else an amount
    formula: str  # as it was written
    steps: tuple[Step, ...]
    channels: tuple[int, ...]  # whose readings it is made of, through other virtual channels too


@dataclass(frozen=True, slots=True)
class Input:
    """A channel, or a virtual one, in a role of a source's method: role value = channel value * scale + offset."""

    role: str
    channel: int
    scale: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class OutOfControl:
    """A stretch [start, end) ns UTC in which what a monitor sends does not count, whatever its quality says."""

    start: int
    end: int
    role: str  # "" for all roles of the source
    reason: str


@dataclass(frozen=True, slots=True)
class Bias:
    """What the valid flow of an hour is multiplied with, from `start` [ns UTC] until the next one takes over."""

    start: int
    factor: float  # 1 or more
    reason: str


@dataclass(frozen=True, slots=True)
class Regulation:
    """The rule by which a source's hours count; `load` tells when its unit runs, and how hard."""

    rule: str  # mrr or part-75
    substitute: tuple[tuple[str, float], ...]  # by role, in its unit, of an amount per hour
    load: int  # channel, -1 where the unit always runs
    running_above: float  # in the load channel's unit
    load_maximum: float  # in the load channel's unit; NaN where all loads are one range
    cadence: int  # ns between readings; 0 where the covered share of the hour is looked at
    out_of_control: tuple[OutOfControl, ...] = ()
    bias: tuple[Bias, ...] = ()  # in order of time
    low_is_worse: tuple[str, ...] = ()  # roles of which less means more emission


@dataclass(frozen=True, slots=True)
class Terms:
    """What turns the amounts of a source into tonnes, in the windows that begin at `start` [ns UTC] or later."""

    start: int
    method: str
    factor: str  # "" where the method needs none
    parameters: tuple[tuple[str, float], ...]  # NaN: unknown
    gwp: str = ""  # "" the plant's


@dataclass(frozen=True, slots=True)
class Source:
    """Something that emits: a method, its inputs, its factor, its scope and category.

    `method`, `factor` and `parameters` hold since ever, until the first of `later` takes over.
    """

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
    scope3_category: int | None = None  # 1 to 15; None: of scope 1 or 2, or nobody said
    uncertainty: float = nan  # of its activity, relative half-width of a 95 % interval; NaN: unknown
    regulation: Regulation | None = None
    sold_by: str = ""  # park/facility that it buys from and whose own emissions hold it already
    since: int | None = None  # ns UTC, when it or its meter was commissioned; None: nobody said
    later: tuple[Terms, ...] = ()  # in order of time
    gwp: str = ""  # the GWP set, "" the plant's

    @property
    def terms(self) -> tuple[Terms, ...]:
        """What turned, and turns, its amounts into tonnes, in order of time."""
        return Terms(SINCE_EVER, self.method, self.factor, self.parameters, self.gwp), *self.later

    def terms_at(self, time: int) -> Terms:
        """Return the terms of a window that begins at a time [ns UTC]."""
        return next(one for one in reversed(self.terms) if one.start <= time)

    @property
    def id(self) -> str:
        """The source's full name: park/facility/source."""
        return f"{self.park}/{self.facility}/{self.name}"


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
class Bilingual:
    """A text in Vietnamese and in English; where one is missing it is the other."""

    vi: str = ""
    en: str = ""


Dated = tuple[tuple[str, float], ...]  # days, ascending, and the number from each on, by the park's clock


@dataclass(frozen=True, slots=True)
class ConditionStep:
    """One step of a condition on a stack of columns; `alerts.judging.conditions` says what each name means."""

    name: str
    number: float = 0.0
    text: str = ""
    span: int = 0  # ns
    index: int = -1  # of the condition's `others`; -1: the subject itself
    dated: Dated = ()  # a number that changes on dates


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a condition compares, as it stands where the condition is true: `value operator limit`."""

    operator: str  # >, >=, <, <=, == or !=
    unit: str  # of both sides
    turned: bool = False  # the limit is written first


class Instants(StrEnum):
    """When a condition is judged."""

    CLOCK = "clock"  # on its grid, for all its subjects at once
    READINGS = "readings"  # a limit on a channel: at the time of each new reading
    WINDOWS = "windows"  # a limit on a source: at the end of each window, when that and the delay are over


@dataclass(frozen=True, slots=True)
class Condition:
    """An alert rule: what must be true of its subjects for alerts to begin.

    Subjects whose units differ are parted: several conditions may have one name, each subject is in one of them. A
    *limit* is the condition `value > x`, or `value < x`, of one channel or source.
    """

    name: str
    subject: str  # channel, source, facility, park or gateway
    subjects: tuple[int, ...]  # indexes of the plant
    expr: str
    steps: tuple[ConditionStep, ...]
    unit: str  # of what its first comparison compares; "" where it compares nothing
    severity: str
    summary: Bilingual
    description: Bilingual = Bilingual()
    first_action: Bilingual = Bilingual()
    runbook: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[int, ...], ...] = ()  # each channel that it names besides, of each subject
    clear: tuple[ConditionStep, ...] = ()  # ends the alert; empty: as soon as `steps` is false
    every: int = 0  # ns between two judgements; of a limit 0
    delay: int = 0  # ns after an instant before it is judged
    hold: int = 0  # ns that it must be true before it fires
    keep: int = 0  # ns that it must be over before it resolves
    clear_expr: str = ""  # as written; "" where nothing else ends it
    parameters: tuple[tuple[str, float | Dated], ...] = ()  # as written, by name
    comparisons: tuple[Comparison, ...] = ()  # those of `steps`, in their order
    instants: Instants = Instants.CLOCK

    @property
    def is_limit(self) -> bool:
        """Whether it is a limit."""
        return self.instants is not Instants.CLOCK

    @property
    def limit(self) -> float:
        """What the value of a limit is compared with [unit]."""
        return self.steps[1].number

    def comparison(self, of: int) -> Comparison:
        """Return the comparison at a place, one without an operator where there is none."""
        return self.comparisons[of] if 0 <= of < len(self.comparisons) else Comparison("", self.unit)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that is told of alerts. The secrets never leave this object's use."""

    name: str
    url: str  # "" where it is part of the secret
    secret: str = field(repr=False)  # kind webhook: signs; apprise: its URL, with all tokens in it
    allow_private: tuple[Network, ...] = ()  # addresses in these too, and http
    previous_secret: str = field(default="", repr=False)  # signs too while receivers change over
    kind: str = "webhook"  # webhook, alertmanager-api, apprise
    format: str = "alert"  # of the bodies: see store.webhook_bodies
    heartbeat: int = 0  # ns between two heartbeats; 0: none
    language: str = "both"  # of what people read: vi, en, both
    zone: ZoneInfo | None = None  # of the clock that people read by; None: that of the alert's park


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A place on the map, WGS 84."""

    lat: float  # degrees north
    lon: float  # degrees east


@dataclass(frozen=True, slots=True)
class Facility:
    """A company's plant inside a park."""

    park: str
    name: str
    title: str
    certificates: tuple[Certificate, ...] = ()
    residual_factors: tuple[ResidualFactor, ...] = ()
    coordinates: Coordinates | None = None
    budgets: tuple[Budget, ...] = ()  # by year
    billing: Billing | None = None
    market: str | None = None  # the carbon market that it has a quota in
    clean_energy: CleanEnergy | None = None


@dataclass(frozen=True, slots=True)
class Park:
    """An industrial park and the zone of its clock."""

    name: str
    title: str
    zone: ZoneInfo
    coordinates: Coordinates | None = None
    budgets: tuple[Budget, ...] = ()  # by year
    targets: tuple[Target, ...] = ()  # by year, the base year first


@dataclass(frozen=True, slots=True)
class Plant:
    """Everything that was configured, resolved. `hash` names this configuration for ever."""

    parks: tuple[Park, ...]
    facilities: tuple[Facility, ...]
    gateways: tuple[Gateway, ...]
    channels: tuple[Channel, ...]
    sources: tuple[Source, ...]
    rules: tuple[Condition, ...]  # the limits
    webhooks: tuple[Webhook, ...]
    window: int  # ns, divides an hour
    gwp: str
    max_late: int  # ns before arrival that a reading may be of
    allowed_lateness: int  # ns before arrival from which it is called late
    hash: str
    second_approval_above: float = 0.05  # of a final month's tonnes, for a change of them
    closing_coverage: float = 0.95  # the least of a month that is closed
    record_approval: Literal["other", "self"] = "other"  # who may approve a record
    conditions: tuple[Condition, ...] = ()
    routing: Routing = field(default_factory=Routing)
    virtuals: tuple[Virtual, ...] = ()
    balances: tuple[MeterBalance, ...] = ()
    measures: tuple[Measure, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    standards: tuple[Standard, ...] = ()
    indicators: tuple[Indicators, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    feeds: tuple[Feed, ...] = ()
    exchanges: tuple[Exchange, ...] = ()

    def channel(self, index: int) -> Channel | Virtual:
        """Return the channel of an index, virtual or not."""
        own = len(self.channels)
        return self.channels[index] if index < own else self.virtuals[index - own]

    def measured(self, channel: int) -> tuple[int, ...]:
        """Return the channels whose readings decide a channel's windows: itself, or all that a virtual one stands on."""
        own = len(self.channels)
        return (channel,) if channel < own else self.virtuals[channel - own].channels
