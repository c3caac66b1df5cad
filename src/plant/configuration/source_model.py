"""The shape of what emits: sources, the regulations under which their hours count, and what their tonnes and electricity are matched with."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from plant.commitments import InstrumentKind
from plant.configuration.measure_model import DayOf
from plant.configuration.parameter_rows import ParameterRows
from plant.documents.fields import (
    ChannelName,
    Duration,
    Evidence,
    Fault,
    Instant,
    Name,
    Part,
    Positive,
    Share,
    Text,
    Word,
    Year,
)
from plant.vocabulary import NS_PER_HOUR


class LoadPart(Part):
    """What tells that a unit runs, and how hard: power, steam or fuel flow."""

    channel: ChannelName
    """A channel of this facility, of kind rate or level."""
    above: Annotated[float, Field(ge=0)] = 0.0
    """The unit runs while the channel's mean over a window is above this [channel's unit], or unknown."""
    maximum: Positive | None = None
    """Part 75: the load of the highest of ten equal load ranges [channel's unit]; one range where left out."""


class OutOfControlPart(Part):
    """A stretch in which a monitor was out of control, such as after a failed test; see 40 CFR 75.24."""

    start: Instant = Field(alias="from")
    """When it began: RFC 3339 with zone."""
    end: Instant | None = Field(default=None, alias="to")
    """When it was over; left out while it lasts."""
    role: str | None = None
    """The role of the monitor, such as flow; all roles of the source where left out."""
    reason: Text
    """What shows it: the failed test, and the one that was passed."""

    def faults(self) -> Iterator[Fault]:
        """Yield a stretch that ends before it begins."""
        if self.end is not None and self.end <= self.start:
            yield "to", "is not after from"


class BiasPart(Part):
    """A bias adjustment factor of the flow monitor, by 40 CFR 75, appendix A, section 7.6."""

    start: Instant = Field(alias="from")
    """From when on it is in force, until the next one is: RFC 3339 with zone."""
    factor: Annotated[float, Field(ge=1)]
    """What a valid hour's flow is multiplied with [1]; 1 where the monitor passed the test of bias."""
    reason: Text
    """What shows it: the relative accuracy test audit."""


class RegulationPart(Part):
    """The rule by which a source's hours count. The live number stays what it is; both are kept."""

    rule: Literal["mrr", "part-75"]
    """Regulation (EU) 2018/2066, articles 44 and 45, or 40 CFR part 75, sections 75.10(d) and 75.31 to 75.37."""
    substitute: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """By role, in its unit (an amount: per hour). Part 75, all roles: the maximum potential value; the minimum of what lowers
    the emission, as O2 does and moisture in a wet flow.
    MRR, not the concentration: what stands for a missing hour by a mass or energy balance; without it nothing does."""
    load: LoadPart | None = None
    """What tells when the unit runs; it always does where left out."""
    cadence: Annotated[Duration, Field(gt=0, le=NS_PER_HOUR)] | None = None
    """MRR: the time between readings, so that 80 % of the possible ones are counted; without it, 80 % of the hour is covered."""
    out_of_control: list[OutOfControlPart] = Field(default_factory=list)
    """When monitors were out of control: an hour that such a stretch touches is not valid."""
    bias: list[BiasPart] = Field(default_factory=list)
    """Part 75: the bias adjustment factors of the flow monitor; 1 before the first."""

    def faults(self) -> Iterator[Fault]:
        """Yield what only the other rule has."""
        if self.bias and self.rule != "part-75":
            yield "bias", "is for rule part-75"
        if self.cadence is not None and self.rule != "mrr":
            yield "cadence", "is for rule mrr; part-75 looks at the quadrants of the hour"
        if self.load is not None and self.load.maximum is not None and self.rule != "part-75":
            yield "load", "has a maximum, which is for rule part-75"


class SourcePart(Part):
    """Something that emits."""

    name: Name
    """Unique in its facility."""
    method: str
    """How its emissions are calculated, such as electricity-location or fuel-energy."""
    inputs: dict[str, ChannelName]
    """The channel of this facility in each role of the method: {energy: mdb1/active_energy}."""
    factor: str | None = None
    """The emission factor; required where the method needs one."""
    parameters: dict[str, ParameterRows] = Field(default_factory=dict)
    """The method's parameters, in the units that the method states: {density: 0.84}, or with dates as factors have them:
    {ncv: [{value: 36}, {value: 40, valid_from: 2026-03-01}]}. See docs/factors.md."""
    scope: Literal[1, 2, 3] | None = None
    """The scope of the GHG Protocol; the method's own where left out."""
    scope3_category: Annotated[int, Field(ge=1, le=15)] | None = None
    """Of scope 3: the category of the GHG Protocol's Scope 3 Standard, 1 (purchased goods and services) to 15 (investments)."""
    category: Word | None = None
    """A name to group sources by, such as process-heat; the method's name where left out."""
    uncertainty: Share | None = None
    """Half-width of the 95 % interval of its activity with its parameters, relative: 0.02 for 2 %. Where left out, its
    channel's if that is the only input and no parameters are given; else unknown."""
    regulation: RegulationPart | None = None
    """Sources whose stack is measured: the rule by which their hours count, beside the live number."""
    since: Instant | None = None
    """When it or its meter was commissioned: RFC 3339 with zone. From then on time without readings is missing; where left out,
    from the beginning of what its first counting reading tells of, and totals of earlier periods say from when they are known."""
    sold_by: Text | None = None
    """Bought energy: the facility, or park/facility, that sells it and whose own emissions hold it already. Sums that
    hold the seller leave the source out."""


class CertificatePart(Part):
    """What conveys the attributes of generation, such as a retired I-REC, for one calendar year's electricity."""

    year: Year
    """The calendar year of the park's clock whose consumption it is claimed for."""
    kind: Literal["certificate", "contract", "supplier"]
    """A certificate, a contract with a generator, or a supplier's rate; used in this order."""
    amount: Positive
    """What it covers at most [MWh]."""
    factor: Annotated[float, Field(ge=0)] = 0.0
    """What it conveys [kg CO2/kWh]; 0 where left out."""
    evidence: Evidence
    """The document that shows it, and where it is kept."""
    retired: Instant | None = None
    """When it was retired, RFC 3339 with zone; required for a certificate, which covers nothing before."""

    def faults(self) -> Iterator[Fault]:
        """Yield a certificate that does not say when it was retired."""
        if self.kind == "certificate" and self.retired is None:
            yield "retired", "is required for kind certificate: it covers nothing before it is retired"


class ResidualFactorPart(Part):
    """The factor of a year's residual mix: what is left of the grid when all claims are taken out."""

    year: Year
    """The calendar year of the park's clock that it holds for."""
    factor: Positive
    """In kg CO2/kWh."""
    evidence: Evidence
    """The document that publishes it."""


UNITS_OF: dict[InstrumentKind, Literal["t", "MWh"]] = {
    "allowance": "t",
    "credit": "t",
    "energy-certificate": "MWh",
    "contract": "MWh",
}


class InstrumentPart(Part):
    """A claim with an account, whose movements people enter and approve."""

    name: Name
    """Unique in its facility, or among the park's own."""
    kind: InstrumentKind
    """An allowance of a quota, a credit, an energy certificate, or a contract that delivers clean electricity."""
    title: Text | None = None
    """What people call it; its name where left out."""
    unit: Literal["t", "MWh"] | None = None
    """t of allowances and credits, MWh of energy certificates and contracts; need not be given."""
    registry: Text | None = None
    """The tracking system, within which a serial counts once, such as Verra or I-REC."""
    serials: bool = False
    """Each unit has a serial: then every movement names its ranges."""
    technology: Text | None = None
    """Of energy certificates and contracts: what generates, such as solar."""
    factor: Annotated[float, Field(ge=0)] = 0.0
    """Of energy certificates and contracts: what they convey [kg CO2/kWh]; 0 where left out."""
    expires: DayOf | None = None
    """The last day on which it can be surrendered or retired; never where left out."""

    def faults(self) -> Iterator[Fault]:
        """Yield what the kind does not have."""
        of_energy = UNITS_OF[self.kind] == "MWh"
        if self.unit not in (None, UNITS_OF[self.kind]):
            yield "unit", f"is {UNITS_OF[self.kind]} of kind {self.kind}"
        for name in ("technology", "factor"):
            if name in self.model_fields_set and not of_energy:
                yield name, f"is for energy certificates and contracts, not for kind {self.kind}"
        for name in ("serials", "expires"):
            if getattr(self, name) and self.kind == "contract":
                yield name, "is not for kind contract: what it delivers is used in its year"


class CleanEnergyPart(Part):
    """The channels by which a facility's electricity is told to be clean, hour by hour."""

    load: ChannelName
    """The channel, virtual or not, of all electricity that it consumes."""
    generated: ChannelName | None = None
    """Its own clean generation, such as a roof's."""
    exported: ChannelName | None = None
    """What of its own generation goes out to the grid."""
    delivered: ChannelName | None = None
    """What a direct purchase of clean electricity delivers, metered hour by hour."""
    factor: Word | None = None
    """The factor of the grid, for what own generation avoided; not told in tonnes where left out."""

    def faults(self) -> Iterator[Fault]:
        """Yield a load without anything clean, and what is exported of no generation."""
        if self.generated is None and self.delivered is None:
            yield "load", "needs generated or delivered beside it: nothing here is clean"
        if self.exported is not None and self.generated is None:
            yield "exported", "is of own generation: name the channel that generates"
