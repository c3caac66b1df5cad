"""The shape of what is measured: channels with their meters' swaps, virtual channels, and balances of meters.

Numbers are in the unit of their channel and of its display, before any ratio, unless stated.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from plant.documents.fields import (
    ChannelName,
    Duration,
    Fault,
    Instant,
    Name,
    Part,
    Positive,
    Share,
    Symbol,
    Text,
    Word,
)
from plant.vocabulary import Kind


class SwapPart(Part):
    """A meter swap: the old meter ends and the new one begins at one instant."""

    time: Instant
    """When the new meter took over: RFC 3339 with zone. A reading at that instant is the new meter's."""
    final_old: Annotated[float, Field(ge=0)] | None = None
    """The old meter's last display [channel's unit]; left out where nobody read it, which leaves a gap."""
    first_new: Annotated[float, Field(ge=0)]
    """The new meter's first display [channel's unit]."""
    serial: str = ""
    """The new meter's serial number."""
    ratio: Positive | None = None
    """The new meter's ratio [1]; as before where left out."""
    max_rate: Positive | None = None
    """The new meter's max_rate [channel's unit per hour]; as before where left out."""
    modulus: Positive | None = None
    """The new meter's modulus [channel's unit]; as before where left out."""


class NamedSwapPart(SwapPart):
    """A meter swap of a channel that stands in a point list."""

    channel: ChannelName
    """The channel's name."""


class ChannelPart(Part):
    """One measurement point. The columns of a point list have the same names and rules."""

    name: ChannelName
    """What gateways call it in their messages; unique in its facility."""
    gateway: Name | None = None
    """The gateway of this facility that sends it; required unless people enter the channel."""
    kind: Annotated[Kind, Field(strict=False)]
    """How readings become amounts: register (counter), rate, interval, level or event."""
    unit: Symbol
    """The unit of its readings. A gas volume needs its reference conditions: Nm3, Nm3@25C, m3@20C, Sm3, scf@60F, scf@68F."""
    quantity: Word
    """What it measures, such as electricity, natural-gas or temperature."""
    min: float | None = None
    """The least value that is possible [unit]; a reading below is quarantined. Where left out, 0 of what cannot be negative:
    energy, volume, mass, flow, concentration, absolute temperature and pressure, counts."""
    max: float | None = None
    """The greatest value that is possible [unit]; a reading above is quarantined. Without it one absurd number is enough
    to spoil a year: `check` names the amounts that have none."""
    signed: bool = False
    """True where such a quantity can be negative all the same, such as the power of a line that also feeds back."""
    max_rate: Positive | None = None
    """Registers: the most it can count in an hour [unit per hour]. Required with modulus."""
    max_gap: Duration | None = None
    """The longest time between readings that is still measured; 1h where left out, for registers 24h."""
    cadence: Annotated[Duration, Field(gt=0)] | None = None
    """How often it is read. Where it is silent for three times as long (2 min at least, max_gap at most), nobody knows its present rate. Where
    left out, the median of its last 20 steps stands for it; give it where readings come only when something changes."""
    modulus: Positive | None = None
    """Registers: the number at which the display returns to 0 [unit]; five digits and one decimal: 100000."""
    period: Duration | None = None
    """Intervals, required: the time that each amount is for; it ends at the reading's time."""
    hold: Literal["last"] | None = None
    """Rates: `last` if a value holds until the next one; straight lines between readings where left out."""
    counter_in_gateway: bool = False
    """Registers: true if the gateway counts (pulses), so that its restart may reset the counter."""
    ratio: Positive = 1.0
    """What the display is multiplied with, such as a transformer ratio [1]."""
    serial: str = ""
    """The meter's serial number."""
    uncertainty: Share | None = None
    """Half-width of the 95 % interval of its amounts, relative: 0.01 for 1 %; unknown where left out, never 0."""
    entered: bool = False
    """Intervals and levels: true if no gateway sends it, but people enter its amounts as records with evidence (docs/records.md). The stretch of
    an interval's record is its own; a level's value holds from its time to the next one, at most max_gap, 366 d where left out."""
    swaps: list[SwapPart] = Field(default_factory=list)
    """Registers: the swaps of its meter. For a point list, see the facility's swaps."""

    def faults(self) -> Iterator[Fault]:
        """Yield the fields that the kind forbids or lacks, and limits that contradict each other."""
        for name, kind in _ONLY.items():
            if getattr(self, name) and self.kind is not kind:
                yield name, f"is for kind {kind}, not {self.kind}"
        yield from self._faults_of_origin()
        if self.kind is Kind.INTERVAL and not self.period and not self.entered:
            yield "period", "is required for kind interval"
        if self.modulus is not None and self.max_rate is None:
            yield "max_rate", "is required where modulus is set"
        if self.max_gap == 0:
            yield "max_gap", "is longer than 0"
        if self.cadence is not None and self.kind is Kind.EVENT:
            yield "cadence", "is not for kind event, which owes nothing by silence"
        if self.min is not None and self.max is not None and self.min >= self.max:
            yield "min", f"{self.min:g} is not below max {self.max:g}"

    def _faults_of_origin(self) -> Iterator[Fault]:
        """Yield what does not go together with who tells it: a gateway, or people."""
        if not self.entered:
            if self.gateway is None:
                yield "gateway", "is required, unless people enter the channel (entered: true)"
            return
        if self.kind not in (Kind.INTERVAL, Kind.LEVEL):
            yield "entered", f"is for kind interval or level, not {self.kind}"
        for name, why in _NOT_ENTERED.items():
            if getattr(self, name) is not None:
                yield name, f"is not for a channel that people enter: {why}"


_NOT_ENTERED = {
    "gateway": "no gateway sends it",
    "period": "each record says its own stretch",
    "cadence": "nothing is owed by silence",
}

_ONLY = {
    "max_rate": Kind.REGISTER,
    "modulus": Kind.REGISTER,
    "counter_in_gateway": Kind.REGISTER,
    "swaps": Kind.REGISTER,
    "period": Kind.INTERVAL,
    "hold": Kind.RATE,
}


class VirtualPart(Part):
    """A virtual channel: a formula over the windows of the facility's channels."""

    name: ChannelName
    """What sources call it; unique among the facility's channels."""
    unit: Symbol
    """The unit that its value is wanted in."""
    expr: Text
    """The formula: main - line_1 - channel("mdb2/active_energy"). See docs/virtual-channels.md."""
    title: Text | None = None
    """What people call it; its name where left out."""


class BalancePart(Part):
    """A main meter and the meters behind it, whose sum should be what it counts."""

    name: Name
    """Unique in its facility, or among its park's own."""
    title: Text | None = None
    """What people call it; its name where left out."""
    main: str
    """The main meter's channel; for a park, as facility/channel."""
    parts: list[str]
    """The channels of the meters behind it; for a park, as facility/channel."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The share of the main meter's amount that may stay unallocated, more or less."""

    def faults(self) -> Iterator[Fault]:
        """Yield a balance of nothing."""
        if not self.parts:
            yield "parts", "names at least one channel"
