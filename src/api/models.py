"""The shapes of the API's answers. Unknown is null, and so is a field that a level does not have."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.addends import AddendBody
from plant.clock import PeriodBody

Level = Literal["all", "park", "facility", "source"]
By = Literal["none", "scope", "method"]
SeriesBy = Literal["scope", "facility", "source"]
Kind = Literal["reading", "activity", "emission"]
Every = Literal["1m", "15m", "1h", "1d", "1mo"]
Agg = Literal["mean", "min", "max", "last", "sum"]
EmissionField = Literal["co2e_t", "co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg", "activity"]
AlertStatus = Literal["open", "firing", "acknowledged", "silenced", "inhibited", "resolved"]
Severity = Literal["info", "warning", "critical"]

_TIME = "2026-11-24T05:00:00Z"


KnownFrom = Annotated[
    str | None,
    Field(
        description="coverage speaks of the time from here on: the latest beginning, inside the period, of a source that has"
        " no `since`; null where all are known from the period's beginning, or their own `since`, on",
        examples=[None],
    ),
]
Unheard = Annotated[
    list[str],
    Field(
        description="sources (park/facility/source) without `since` of which nothing was read until the period's end, or now:"
        " they are in no sum, and coverage does not speak of them",
        examples=[[]],
    ),
]


class SharesBody(BaseModel):
    """How the due windows of a total are known; the four add to 1."""

    measured: float = Field(examples=[0.99])
    interpolated: float = Field(examples=[0.008])
    substituted: float = Field(examples=[0.0])
    missing: float = Field(examples=[0.002])


class Scope2Body(BaseModel):
    """Electricity drawn from the grid, by the grid's average and by what was bought with it; docs/totals.md."""

    location_t: float | None = Field(
        description="by the grid's factor, as in co2e_t [t CO2e]", examples=[659.2]
    )
    market_t: float | None = Field(description="by certificates and contracts [t CO2e]", examples=[494.4])
    matched_mwh: float | None = Field(description="covered by certificates [MWh]", examples=[250.0])
    unmatched_mwh: float | None = Field(description="covered by none [MWh]", examples=[750.0])
    certificates_mwh: float | None = Field(
        description="what the retired certificates of the period's whole years cover at most [MWh]; null of a source",
        examples=[250.0],
    )
    residual_factor: float | None = Field(
        description="of what no certificate covers [kg CO2/kWh]; null where none is known or not one alone",
        examples=[None],
    )
    method_note: str = Field(examples=["electricity from the grid only"])


class UncertaintyBody(BaseModel):
    """The 95 % interval of the tonnes whose uncertainty is known, IPCC 2006 approach 1; docs/totals.md."""

    low_t: float | None = Field(description="covered_t less the half-width [t CO2e]", examples=[95.1])
    high_t: float | None = Field(description="covered_t and the half-width [t CO2e]", examples=[104.9])
    share: float | None = Field(description="the half-width as a share of covered_t", examples=[0.049])
    covered_t: float = Field(description="tonnes whose uncertainty is known [t CO2e]", examples=[100.0])
    covered_share: float = Field(description="covered_t as a share of all tonnes", examples=[0.8])


class FactorUsedBody(BaseModel):
    """A dated row of a factor that a part of a total was calculated with."""

    name: str = Field(examples=["vn-grid"])
    row: str = Field(description="the row's id", examples=["vn-grid/2024"])
    status: str = Field(description="official, provisional or own", examples=["provisional"])
    mark: str | None = Field(
        description="how a shipped value was seen: V, V2, M or D; null of an own one", examples=["V2"]
    )
    co2e_t: float = Field(description="tonnes that rest on it [t CO2e]", examples=[1.23])


class ParameterUsedBody(BaseModel):
    """A number that a source gave its method at some time of the period; null: since ever, or until further notice."""

    source: str = Field(examples=["nam-cau-kien/mill/ladle-heaters"])
    name: str = Field(examples=["ncv"])
    value: float | None = Field(description="null: unknown", examples=[36.0])
    unit: str = Field(examples=["MJ/Nm3"])
    since: str | None = Field(examples=[None])
    until: str | None = Field(description="not part of it", examples=["2026-03-01T00:00:00Z"])


class PreviousBody(BaseModel):
    """The same total of the time before: as long as the period, ending where it begins."""

    from_: str = Field(serialization_alias="from", validation_alias="from", examples=["2026-11-22T17:00:00Z"])
    to: str = Field(examples=["2026-11-23T17:00:00Z"])
    co2e_t: float | None = Field(description="[t CO2e]", examples=[1.31])
    coverage: float | None = Field(description="mean coverage of its due windows", examples=[1.0])
    known_from: KnownFrom
    unheard: Unheard
    elapsed_co2e_t: float | None = Field(
        description="of its first part, as long as what has passed of the period until now [t CO2e]",
        examples=[0.55],
    )


class RecordedSourceBody(BaseModel):
    """A source that takes in what people enter: what an auditor asks of it first."""

    source: str = Field(description="park/facility/source", examples=["nam-cau-kien/mill/grid-by-invoice"])
    records: int = Field(description="approved ones that reach into the period", examples=[2])
    waiting: int = Field(description="entered, and not approved yet", examples=[1])
    oldest_waiting_at: str | None = Field(
        description="when the oldest of them was entered", examples=["2026-11-13T02:10:00Z"]
    )
    gaps: list[PeriodBody] = Field(description="until now, without an approved record; at most 100")


class RecordsOfTotalBody(BaseModel):
    """How much of a total people have entered."""

    entered_t: float | None = Field(description="of sources that take in records [t CO2e]", examples=[204.35])
    entered_share: float | None = Field(description="of the total", examples=[0.31])
    self_approved_t: float | None = Field(
        description="of that, over records that who entered them approved too [t CO2e]", examples=[0.0]
    )
    self_approved_share: float | None = Field(description="of the total", examples=[0.0])
    sources: list[RecordedSourceBody]


class TotalBody(BaseModel):
    """The tonnes of one park, facility or source, or of all, and how far they are known."""

    park: str | None = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(examples=["mill"])
    source: str | None = Field(examples=["grid"])
    scope: int | None = Field(examples=[2])
    method: str | None = Field(examples=["electricity-location"])
    co2e_t: float | None = Field(description="[t CO2e]", examples=[1.23])
    co2_kg: float | None = Field(description="fossil CO2 [kg]", examples=[1230.0])
    co2_biogenic_kg: float | None = Field(description="biogenic CO2, not part of co2e_t [kg]", examples=[0.0])
    ch4_kg: float | None = Field(description="[kg CH4]", examples=[0.0])
    n2o_kg: float | None = Field(description="[kg N2O]", examples=[0.0])
    activity: float | None = Field(
        description="in activity_unit; of sources and methods only", examples=[1866.0]
    )
    activity_unit: str | None = Field(examples=["kWh"])
    now_t_per_h: float | None = Field(
        description="mean rate before now_at [t CO2e/h], of all sources but those in now_unknown",
        examples=[0.4],
    )
    now_at: str | None = Field(examples=[_TIME])
    now_unknown: list[str] = Field(
        description="sources (park/facility/source) whose present rate nobody knows: an input is away (its gateway said so, or it"
        " has been silent for longer than it is wont to be), or nothing is known of them yet",
        examples=[[]],
    )
    coverage: float | None = Field(description="mean coverage of the due windows", examples=[0.998])
    known_from: KnownFrom
    unheard: Unheard
    shares: SharesBody | None
    worst_source: str | None = Field(description="the least covered source", examples=["grid"])
    complete_until: str | None = Field(
        description="all channels but the stale ones are read to here", examples=[_TIME]
    )
    stale: list[str] = Field(
        description="channels that have fallen silent, or whose Sparkplug node or device is not there",
        examples=[[]],
    )
    revision: int = Field(description="the highest revision of a window in it", examples=[3])
    scope2: Scope2Body | None = Field(
        default=None, description="with=scope2; null where nothing is drawn from the grid"
    )
    uncertainty: UncertaintyBody | None = Field(
        default=None, description="with=uncertainty; null where nothing is known or all is 0"
    )
    factors: list[FactorUsedBody] | None = Field(default=None, description="with=factors")
    parameters: list[ParameterUsedBody] | None = Field(
        default=None, description="with=factors: the parameters of its sources' methods"
    )
    provisional_t: float | None = Field(
        default=None, description="with=factors: tonnes on provisional factors [t CO2e]", examples=[1.23]
    )
    budget_t: float | None = Field(
        default=None,
        description="with=budget: what may be emitted in the period, of a year's budget its share by time [t CO2e];"
        " null where none is configured, and of a part of what a budget is for",
        examples=[2.5],
    )
    budget_used_share: float | None = Field(
        default=None, description="with=budget: co2e_t as a share of budget_t", examples=[0.49]
    )
    previous: PreviousBody | None = Field(default=None, description="with=previous")
    records: RecordsOfTotalBody | None = Field(
        default=None, description="with=records: what of it people have entered"
    )
    parks: list[AddendBody] | None = Field(
        default=None, description="with=parks: what each park adds to it, unrounded"
    )
    excluded_transfers_t: float | None = Field(
        default=None,
        description="of a park or all, where there are some: tonnes of energy that one facility in it sold to another,"
        " left out because the seller's own hold them [t CO2e]",
        examples=[0.5],
    )
    scope3_t: float | None = Field(
        default=None,
        description="where scopes are summed and some sources are of scope 3: their tonnes, which co2e_t leaves out [t CO2e]",
        examples=[12.5],
    )


class TotalsBody(BaseModel):
    """Totals of a period."""

    as_of: str = Field(examples=[_TIME])
    period: PeriodBody
    gwp: str = Field(description="the set of global warming potentials", examples=["AR5"])
    totals: list[TotalBody]
    only: list[str] | None = Field(
        default=None,
        description="of a key for some places: these, over which alone everything here is summed",
        examples=[["nam-cau-kien/mill"]],
    )


class SeriesPartBody(BaseModel):
    """A part of a series of emissions, step by step."""

    name: str = Field(
        description="scope, park/facility or park/facility/source", examples=["nam-cau-kien/mill"]
    )
    values: list[float | None] = Field(examples=[[0.0123]])


class SeriesBody(BaseModel):
    """A time series: equally long lists, one entry per step."""

    unit: str = Field(examples=["t"])
    times: list[str] = Field(description="starts of the steps", examples=[[_TIME]])
    values: list[float | None] = Field(examples=[[0.0123]])
    coverage: list[float | None] = Field(description="null where it has no meaning", examples=[[1.0]])
    known_from: str | None = Field(
        default=None,
        description="of emissions: from when on all sources are in it, but the `unheard`, where that is not from its start on;"
        " as in totals",
        examples=[None],
    )
    unheard: list[str] = Field(
        default=[], description="of emissions: sources that are in no step; as in totals", examples=[[]]
    )
    only: list[str] | None = Field(
        default=None,
        description="of a key for some places: these, over which alone sources are summed",
        examples=[["nam-cau-kien/mill"]],
    )
    parts: list[SeriesPartBody] | None = Field(
        default=None,
        description="where `by` asks for them: of what totals count, and so without what is sold within the park and, but by"
        " scope, without scope 3",
    )


class OutcomesBody(BaseModel):
    """How many came and how they ended; the five ends add to `received`."""

    received: int = Field(examples=[100])
    accepted: int = Field(examples=[96])
    late: int = Field(examples=[1])
    duplicate: int = Field(examples=[2])
    quarantined: int = Field(examples=[1])
    rejected: int = Field(examples=[0])


class BalanceBody(BaseModel):
    """Messages and readings of decoded messages, and the codes of what was refused."""

    messages: OutcomesBody
    readings: OutcomesBody
    codes: dict[str, int] = Field(examples=[{"unit_unknown": 1}])


class GatewayBalanceBody(BalanceBody):
    """The balance of one gateway."""

    gateway: str = Field(
        description="park/facility/gateway; empty where the topic did not say",
        examples=["nam-cau-kien/mill/gw1"],
    )


class BalancesBody(BalanceBody):
    """The balance of all gateways asked for, and of each."""

    from_: str | None = Field(
        default=None,
        serialization_alias="from",
        validation_alias="from",
        description="from when on is counted, null: since ever. Counts older than 2 days are kept by the hour, older than 60 days by the"
        " day of the park's clock: what the stretch asked for cuts of one is counted whole",
        examples=["2026-11-24T05:00:00Z"],
    )
    to: str | None = Field(
        default=None, description="until when is counted; null: until now", examples=["2026-11-24T06:00:00Z"]
    )
    gateways: list[GatewayBalanceBody]


class AlertBody(BaseModel):
    """One alert."""

    id: str = Field(examples=["9f1c2d"])
    rule: str = Field(examples=["mill-grid-rate"])
    status: str = Field(
        description="firing, acknowledged, silenced, inhibited or resolved", examples=["acknowledged"]
    )
    severity: str = Field(examples=["warning"])
    started_at: str = Field(examples=[_TIME])
    ended_at: str | None = Field(examples=[None])
    value: float | None = Field(examples=[5.2])
    comparison: str = Field(
        "",
        description="what was true when it fired, `value comparison limit`: >, >=, <, <=, == or !=; empty where nothing was compared",
        examples=[">"],
    )
    limit: float | None = Field(description="the one that was passed", examples=[5.0])
    unit: str = Field(examples=["t/h"])
    labels: dict[str, str] = Field(examples=[{"park": "nam-cau-kien", "facility": "mill"}])
    summary: str = Field("", examples=["grid emits 5.2 t/h"])
    description: str = Field("", examples=["Ask the shift leader."])
    texts: dict[str, Any] = Field(
        default_factory=dict,
        description="both in Vietnamese and in English, which limit was passed, and what to do first and the runbook where the rule says",
        examples=[{"summary": {"vi": "Lưới phát thải 5.2 t/h", "en": "grid emits 5.2 t/h"}}],
    )
    duration_s: float | None = Field(
        None, description="how long it fired [s]; null while it does", examples=[None]
    )
    muted_by: str | None = Field(
        None,
        description="the silence, maintenance window or alert that keeps it from being told",
        examples=[None],
    )
    acknowledged_at: str | None = Field(None, examples=[_TIME])
    acknowledged_by: str | None = Field(None, examples=["lan"])
    assigned_to: str | None = Field(None, examples=["minh"])
    snoozed_until: str | None = Field(None, examples=[None])


class AlertsBody(BaseModel):
    """Alerts, the newest first."""

    alerts: list[AlertBody]
    next: str | None = Field(
        None,
        description="`cursor` of the question for those after them; null: there are none",
        examples=[None],
    )


class AliveBody(BaseModel):
    """The process answers."""

    alive: bool = Field(examples=[True])


class ReadyBody(BaseModel):
    """Whether the service can do its work; `degradations` are what it works without."""

    ready: bool = Field(examples=[True])
    reasons: list[str] = Field(examples=[[]])
    degradations: list[str] = Field(examples=[["InfluxDB cannot be reached"]])
    broker: str = Field(
        "",
        description="host:port of the broker that is connected, empty where none is",
        examples=["broker-1:8883"],
    )
