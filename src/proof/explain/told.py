"""What is told of a window: the shapes of an explanation, as the API gives it. Unknown is null."""

from typing import Literal

from pydantic import BaseModel, Field

from plant.clock import PeriodBody

Filled = Literal["interpolated", "missing"]

_TIME = "2026-11-24T05:00:00Z"


class ExplainedMethodBody(BaseModel):
    """The method that turned activities into gases; its equations stand in the reference."""

    name: str = Field(examples=["electricity-location"])
    title: str = Field(examples=["Purchased electricity, location-based"])
    reference: str = Field(examples=["GHG Protocol, Scope 2 Guidance (2015), chapter 6"])
    scope: int = Field(examples=[2])
    activity: str = Field(description="the role whose amount is the activity", examples=["energy"])


class GwpBody(BaseModel):
    """The global warming potentials that turned gases into CO2e."""

    name: str = Field(examples=["AR5"])
    title: str = Field(examples=["IPCC Fifth Assessment Report"])
    year: int = Field(examples=[2013])
    source: str = Field(examples=["IPCC, Climate Change 2013, Working Group I, table 8.A.1"])
    mark: str = Field(
        description="how the values were seen: V, V2, M or D, see docs/factors.md", examples=["V"]
    )
    potentials: dict[str, float] = Field(description="[kg CO2e/kg]", examples=[{"CO2": 1.0, "CH4": 28.0}])


class NumberBody(BaseModel):
    """A named number with its unit."""

    name: str = Field(examples=["co2"])
    value: float | None = Field(examples=[0.6592])
    unit: str | None = Field(examples=["kg/kWh"])


class ExplainedParameterBody(NumberBody):
    """A parameter of the method, and since when it has had this number; null: since ever."""

    since: str | None = Field(examples=[None])


class FactorBody(BaseModel):
    """The factor, and the dated row of it that was in force; a row's fields are null where none was."""

    name: str = Field(examples=["vn-grid"])
    row: str | None = Field(examples=["vn-grid/2023"])
    basis: str = Field(description="what it is per", examples=["electricity"])
    values: list[NumberBody]
    status: str | None = Field(description="official, provisional or own", examples=["official"])
    mark: str | None = Field(
        description="how a shipped value was seen: V, V2, M or D, see docs/factors.md; null of one's own",
        examples=["V"],
    )
    source: str | None = Field(description="where the values stand")
    valid_from: str | None = Field(examples=[_TIME])
    valid_to: str | None = Field(description="null: until further notice", examples=[None])


class UsedRecordBody(BaseModel):
    """The record that a reading is, of a channel that people enter."""

    id: str = Field(examples=["1042-1"])
    start: str = Field(alias="from", description="where its stretch begins", examples=[_TIME])
    value: float = Field(description="as it was entered", examples=[310000.0])
    unit: str = Field(examples=["kWh"])
    source: str = Field(examples=["EVN invoice 1C26TAB 00001234"])
    evidence: str = Field(examples=[f"sha256:{'0' * 64}"])
    entered_by: str = Field(examples=["lan"])
    approved_by: str = Field(examples=["minh"])


class UsedReadingBody(BaseModel):
    """A reading that decides an input's window: as one end of a stretch in it (`used`), or for the verdict on such."""

    time: str = Field(examples=[_TIME])
    value: float = Field(description="in the channel's unit", examples=[123456.7])
    quality: str = Field(examples=["good"])
    verdict: str = Field(examples=["counted"])
    reset: bool = Field(description="the payload said that the counter began anew", examples=[False])
    conflict: bool = Field(description="another value came for this time", examples=[False])
    correction: int = Field(examples=[0])
    boot: str | None = Field(examples=["b7"])
    message: int = Field(description="the journal's offset of the raw message", examples=[1042])
    used: bool = Field(examples=[True])
    record: UsedRecordBody | None = Field(
        default=None, description="only of a channel that people enter; null: it counts no longer"
    )


class ExplainedGapBody(PeriodBody):
    """A stretch of the window that no reading stands over, and how it was filled."""

    how: Filled = Field(examples=["missing"])
    share: float = Field(description="of the window", examples=[0.5])


class SwapBody(BaseModel):
    """A swap of the channel's meter; null is unknown, or as before."""

    time: str = Field(examples=[_TIME])
    final_old: float | None
    first_new: float = Field(examples=[0.0])
    serial: str = Field(examples=["A-1235"])
    ratio: float | None
    max_rate: float | None
    modulus: float | None


class MeterBody(BaseModel):
    """The facts of a channel and its first meter that rules go by; swaps change them. Null: there is no such limit."""

    serial: str = Field(description="of the meter in place at the window's start", examples=["A-1234"])
    ratio: float = Field(description="of the meter in place at the window's start", examples=[1.0])
    first_ratio: float = Field(description="before any swap", examples=[1.0])
    max_rate: float | None = Field(description="per hour, of the display", examples=[600.0])
    modulus: float | None = Field(examples=[100000.0])
    max_gap_s: float = Field(examples=[86400.0])
    period_s: float = Field(description="of an interval channel, else 0", examples=[0.0])
    hold_last: bool = Field(examples=[False])
    counter_in_gateway: bool = Field(examples=[False])
    entered: bool = Field(default=False, description="only of a channel that people enter", examples=[False])
    swaps: list[SwapBody]


class StepBody(BaseModel):
    """A step of a formula on a stack: `channel` and `number` push, everything else takes and pushes."""

    name: str = Field(examples=["channel"])
    number: float = Field(examples=[0.0])
    channel: str | None = Field(examples=["mdb1/active_energy"])


class ExplainedChannelBody(BaseModel):
    """A channel's window; of a virtual channel, the formula and the channels that it is made of, in place of readings."""

    channel: str = Field(examples=["mdb1/active_energy"])
    gateway: str | None = Field(examples=["gw1"])
    quantity: str | None = Field(examples=["active_energy"])
    kind: str = Field(description="virtual, or as readings are taken", examples=["register"])
    unit: str = Field(description="of readings", examples=["kWh"])
    value: float | None = Field(description="amount of the window, or mean of a level", examples=[1.8])
    value_unit: str = Field(examples=["kWh"])
    measured: float = Field(description="share of the window", examples=[1.0])
    interpolated: float = Field(description="share of the window", examples=[0.0])
    missing: float = Field(description="share of the window", examples=[0.0])
    gaps: list[ExplainedGapBody]
    readings: list[UsedReadingBody]
    whole: bool = Field(description="no reading of the channel comes before these", examples=[False])
    until: str | None = Field(
        description="later readings than of this time decide nothing here; null: there are none",
        examples=[None],
    )
    holes: list[PeriodBody] = Field(
        description="of an event channel: where its gateway's sequence is open, around the window"
    )
    meter: MeterBody | None
    formula: str | None = Field(examples=[None])
    steps: list[StepBody] = Field(description="the formula in the order of its working", examples=[[]])
    made_of: list["ExplainedChannelBody"] = Field(examples=[[]])


class ExplainedInputBody(ExplainedChannelBody):
    """A channel in a role of the method: role value = value of the window times `scale` plus `offset`."""

    role: str = Field(examples=["energy"])
    role_value: float | None = Field(examples=[1.8])
    role_unit: str = Field(examples=["kWh"])
    scale: float = Field(examples=[1.0])
    offset: float = Field(examples=[0.0])


class PublishedBody(BaseModel):
    """What the ledger records of a window."""

    co2e_t: float | None
    activity: float | None


class RevisionBody(BaseModel):
    """One change of the window's published number, as the ledger has it."""

    ledger: int = Field(description="the ledger's row", examples=[17])
    revision: int = Field(examples=[1])
    at: str = Field(examples=[_TIME])
    cause: str = Field(examples=["readings"])
    actor: str = Field(examples=["line"])
    configuration: str = Field(description="hash of the configuration", examples=["a764697a033a51bb…"])
    journal_from: int = Field(description="first message that it followed from", examples=[1040])
    journal_to: int = Field(description="the message after the last one", examples=[1043])
    old: PublishedBody
    new: PublishedBody


class RecomputedBody(BaseModel):
    """What comes out of the numbers of this answer, and whether it is the published number to the bit."""

    co2e_t: float | None = Field(examples=[0.0012])
    same_bits: bool | None = Field(description="null: nothing was published of the window", examples=[True])


class WindowBody(BaseModel):
    """Everything a window of a source was made of."""

    method: ExplainedMethodBody
    gwp: GwpBody
    factor: FactorBody | None = Field(description="null: the method takes none")
    parameters: list[ExplainedParameterBody]
    inputs: list[ExplainedInputBody]
    history: list[RevisionBody] = Field(description="oldest first")
    configuration: str = Field(
        description="hash of the configuration that this answer was made with", examples=["a764697a033a51bb…"]
    )
    version: str = Field(description="of Stackmeter", examples=["0.1.0"])
    recomputed: RecomputedBody
