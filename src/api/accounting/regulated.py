"""Hours that count under a regulation, beside the live number of the same hours."""

from collections import Counter
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, Field

from api.access.caller import Caller
from api.access.scope import select_sources
from api.problems import InvalidQuery
from api.totals.totals import PeriodOf
from plant.arrays import Floats, Times, number
from plant.clock import PeriodBody, format_time
from plant.configuration.regulations import PART_75
from plant.park import Regulation, Source
from plant.periods import HOUR, month_start, month_text
from rules.american.part75.reporting import quarter_tons, reported, year
from rules.american.part75.stack_report import EQUATIONS, reported_rate, reported_value
from rules.american.regulation import Status
from rules.american.substitution import Rule
from store.accounting.regulated_hours import HourInputs, RegulatedHours, RoleHour
from store.reader import Snapshot
from store.rows import SUMMED
from store.totals.sums import Period, known_sum

MOST_ROWS = 8784  # the hours of the longest year
_ABSENT = RoleHour(float("nan"), 0.0, float("nan"), Rule.NOTHING)  # a role that the source did not have then


class RoleHourBody(BaseModel):
    """One input of one hour; amounts are per hour of operation."""

    measured: float | None = Field(description="null where the hour has too few readings", examples=[None])
    share: float = Field(description="of the operating time, or of the possible readings", examples=[0.79])
    counted: float | None = Field(examples=[12.4])
    rule: str = Field(description="what made `counted`", examples=["mrr_equation_4"])


class RegulatedHourBody(BaseModel):
    """One clock hour of a source."""

    hour: str = Field(description="its start", examples=["2026-11-24T05:00:00Z"])
    status: str = Field(
        description="valid, substituted, pending, unknown or not_operating", examples=["valid"]
    )
    operating_h: float = Field(description="how long the unit ran [h]", examples=[1.0])
    co2e_t: float | None = Field(description="under the regulation [t CO2e]", examples=[19.6])
    live_co2e_t: float | None = Field(description="the live number [t CO2e]", examples=[19.5])
    reported_short_tons_per_h: float | None = Field(
        description="under part-75, as a report has it: all CO2, biogenic or not, while the unit ran [short tons/h]",
        examples=[None],
    )
    inputs: dict[str, RoleHourBody] = Field(
        examples=[{"co2": {"measured": 12.4, "share": 1.0, "counted": 12.4, "rule": "measured"}}]
    )
    revision: int = Field(examples=[1])


class RegulatedInputBody(BaseModel):
    """How one input of a source was known over the period."""

    availability: float | None = Field(
        description="valid hours of those in which the unit ran [%]; null where it ran in none",
        examples=[97.2],
    )
    by_rule: dict[str, int] = Field(description="hours by what made them", examples=[{"measured": 700}])


class RegulatedSourceBody(BaseModel):
    """The hours of one source; the five kinds add to `hours`."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    source: str = Field(examples=["stack"])
    rule: str = Field(description="mrr or part-75", examples=["mrr"])
    hours: int = Field(examples=[720])
    valid: int = Field(examples=[700])
    substituted: int = Field(examples=[12])
    pending: int = Field(description="their gap is still open", examples=[1])
    unknown: int = Field(description="their gap has closed, and the rule gives no value", examples=[0])
    not_operating: int = Field(examples=[7])
    inputs: dict[str, RegulatedInputBody] = Field(
        examples=[{"co2": {"availability": 97.2, "by_rule": {"measured": 700}}}]
    )
    co2e_t: float | None = Field(
        description="of the hours that are known under the regulation", examples=[14_000.0]
    )
    live_co2e_t: float | None = Field(
        description="live, of those of them whose live number is known", examples=[13_900.0]
    )
    compared: int = Field(description="hours that both numbers know", examples=[712])
    difference_t: float | None = Field(
        description="the regulated number less the live one, over the hours that both know", examples=[100.0]
    )
    reported_short_tons: float | None = Field(
        description="under part-75, as a report has it: the reported hours, summed by quarter [short tons CO2]",
        examples=[None],
    )
    rows: list[RegulatedHourBody] | None = Field(
        description="where hours=true asks for them", examples=[None]
    )


class RegulatedBody(BaseModel):
    """The hours of all sources that stand under a regulation."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    period: PeriodBody
    sources: list[RegulatedSourceBody]


def regulated_body(
    state: Snapshot,
    caller: Caller,
    place: tuple[str | None, str | None, str | None],
    period: PeriodOf,
    as_of: int,
    *,
    hours: bool,
) -> RegulatedBody:
    """Return the counted hours of the sources under a regulation that a caller sees and park, facility and source name.

    Raises
    ------
    InvalidQuery
        A name is not known, the named source stands under no regulation, or the rows are more than a year's.
    """
    sources = [one for one in select_sources(state.plant, caller, *place) if one.regulation is not None]
    if place[2] is not None and not sources:
        raise InvalidQuery(("source", "stands under no regulation"))
    spans = {park.name: period(park) for park in state.plant.parks}
    zones = {park.name: park.zone for park in state.plant.parks}
    found = [(one, _hours(state, one, spans[one.park])) for one in sources]
    if hours and sum(len(of_source.hour) for _, of_source in found) > MOST_ROWS:
        raise InvalidQuery(("hours", f"more than {MOST_ROWS} hours: name a source, or a shorter period"))
    named = {one.park for one in sources} or set(spans)
    return RegulatedBody(
        as_of=format_time(as_of),
        period=PeriodBody.of(
            min(spans[name].start for name in named), max(spans[name].end for name in named)
        ),
        sources=[
            _source(one, zones[one.park], of_source, _live(state, one, of_source), rows=hours)
            for one, of_source in found
        ],
    )


def _hours(state: Snapshot, source: Source, span: Period) -> RegulatedHours:
    return state.regulated(source.index, span.start, span.end)


def _live(state: Snapshot, source: Source, hours: RegulatedHours) -> Floats:
    """Return the live number of each hour as it is published now; NaN where it is unknown."""
    if not len(hours.hour):
        return np.empty(0)
    sums = state.totals([source.index], HOUR, int(hours.hour[0]), int(hours.hour[-1]) + 1)
    column = SUMMED.index("co2e_t")
    published = dict(zip(sums.start.tolist(), sums.values[:, column].tolist(), strict=True))
    return np.array([published.get(hour, np.nan) for hour in hours.hour.tolist()])


def _source(
    source: Source, zone: ZoneInfo, hours: RegulatedHours, live: Floats, *, rows: bool
) -> RegulatedSourceBody:
    inputs = hours.unpacked()
    counts = Counter(hours.status.tolist())
    known = ~np.isnan(hours.co2e_t)
    both = known & ~np.isnan(live)
    rates = _reported_rates(source, hours.hour, inputs)
    return RegulatedSourceBody(
        park=source.park,
        facility=source.facility,
        source=source.name,
        rule=_law(source).rule,
        hours=len(hours.hour),
        valid=counts[Status.VALID],
        substituted=counts[Status.SUBSTITUTED],
        pending=counts[Status.PENDING],
        unknown=counts[Status.UNKNOWN],
        not_operating=counts[Status.NOT_OPERATING],
        inputs={given.role: _role(given.role, inputs) for given in source.inputs},
        co2e_t=number(_sum(hours.co2e_t[known])),
        live_co2e_t=number(_sum(live[known])),
        compared=int(both.sum()),
        difference_t=number(_sum(hours.co2e_t[both]) - _sum(live[both])),
        reported_short_tons=number(_reported_tons(hours.hour, rates, inputs, zone)),
        rows=[_row(hours, live, rates, row, one) for row, one in enumerate(inputs)] if rows else None,
    )


def _law(source: Source) -> Regulation:
    if source.regulation is None:
        raise RuntimeError(f"{source.name} stands under no regulation")
    return source.regulation


def _sum(tonnes: Floats) -> float:
    return float(known_sum(tonnes[:, np.newaxis])[0])


def _reported_rates(source: Source, hour: Times, inputs: list[HourInputs]) -> Floats:
    """Return each hour's rate as part 75 reports it [short tons/h]; NaN under another rule, and where it did not run."""
    if _law(source).rule != PART_75 or source.method not in EQUATIONS:
        return np.full(len(inputs), np.nan)
    values = {given.role: _reported_input(source, given.role, inputs) for given in source.inputs}
    in_force = [dict(source.terms_at(start).parameters) for start in hour.tolist()]
    parameters = {name: np.array([its[name] for its in in_force]) for name, _ in source.parameters}
    rates = reported_rate(source.method, values, parameters)
    ran = np.array([one.operating > 0 for one in inputs], bool)
    return np.where(ran, rates, np.nan)


def _reported_input(source: Source, role: str, inputs: list[HourInputs]) -> Floats:
    """Return an input of each hour as part 75 reports it; NaN where nothing stands for it."""
    of = [one.roles.get(role, _ABSENT) for one in inputs]
    measured, counted = (
        np.array([getattr(one, name) for one in of], np.float64) for name in ("measured", "counted")
    )
    is_measured = np.array([one.rule == Rule.MEASURED for one in of], bool)
    return reported_value(source.method, role, measured, counted, is_measured)


def _reported_tons(hour: Times, rates: Floats, inputs: list[HourInputs], zone: ZoneInfo) -> float:
    """Return the reported CO2 of hours, each quarter of the local year rounded; NaN where no hour is known [short tons]."""
    times = reported("operating_time", np.array([one.operating for one in inputs], np.float64))
    month = month_start(hour, zone)
    quarter = np.zeros(len(hour), np.int64)
    for start in np.unique(month).tolist():
        year_of, number_of = map(int, month_text(start, zone).split("-"))
        quarter[month == start] = year_of * 4 + (number_of - 1) // 3
    tons = np.array(
        [quarter_tons(rates[quarter == one], times[quarter == one]) for one in np.unique(quarter)]
    )
    known = tons[~np.isnan(tons)]
    return year(known) if len(known) else float("nan")


def _role(role: str, inputs: list[HourInputs]) -> RegulatedInputBody:
    rules = Counter(one.roles[role].rule for one in inputs if role in one.roles)
    ran = sum(rules.values()) - rules[Rule.NOT_OPERATING]
    return RegulatedInputBody(
        availability=100 * rules[Rule.MEASURED] / ran if ran else None,
        by_rule={Rule(rule).name.lower(): count for rule, count in sorted(rules.items())},
    )


def _row(
    hours: RegulatedHours, live: Floats, rates: Floats, row: int, inputs: HourInputs
) -> RegulatedHourBody:
    return RegulatedHourBody(
        hour=format_time(int(hours.hour[row])),
        status=Status(int(hours.status[row])).name.lower(),
        operating_h=inputs.operating,
        co2e_t=number(float(hours.co2e_t[row])),
        live_co2e_t=number(float(live[row])),
        reported_short_tons_per_h=number(float(rates[row])),
        inputs={
            role: RoleHourBody(
                measured=number(one.measured),
                share=one.share,
                counted=number(one.counted),
                rule=Rule(one.rule).name.lower(),
            )
            for role, one in inputs.roles.items()
        },
        revision=int(hours.revision[row]),
    )
