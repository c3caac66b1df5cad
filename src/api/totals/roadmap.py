"""The way to net zero, year by year: targets and budgets beside what was emitted, and where the present year leads."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.seen import narrowed, seen_by
from api.models import KnownFrom, Unheard
from api.parameters import InLanguage, Word
from api.problems import documented
from api.reasons import told_reason
from api.times import period_of
from api.totals.roll_up import coverage_of, known_fields, rolled_up, source_columns
from api.totals.series import emission_series, steps
from plant.arrays import Bools, Floats, Times, number
from plant.clock import format_time
from plant.commitments import Budget, Target
from plant.inventory import counted
from plant.languages import Language
from plant.park import Park, Plant, Source
from plant.periods import year_start
from plant.vocabulary import NS_PER_DAY, NS_PER_S
from rules.planning.projection import Projected, burn, days_to_exhaustion, seasonal
from store.blocks import CO2E_T
from store.reader import Reader, Snapshot
from store.totals.beginnings import UNHEARD, owed_from
from store.totals.sums import Period

COMPLETE = 0.99  # coverage of a year until now from which on it is projected
PROJECTED_AFTER = 30 * NS_PER_DAY  # of the year; less says too little of a year

CONFIDENCE = 0.95  # of the interval of a projection
RATES = (1, 7, 28)  # days over which it is told how fast a budget is used

Projection = Literal[
    "seasonal", "linear", "year_is_over", "year_is_to_come", "too_early", "no_data", "not_complete"
]
Unseasonal = Literal["last_year_not_complete", "fewer_than_three_months"]


class YearBody(BaseModel):
    """One calendar year of a park's clock."""

    year: int = Field(examples=[2026])
    target_t: float | None = Field(
        description="of a park: on the straight line between the years that have a target [t CO2e]; null outside them",
        examples=[46000.0],
    )
    target_source: str | None = Field(
        description="where the year's own target comes from; null where it lies between two", examples=[None]
    )
    target_provisional: bool | None = Field(
        description="a target that it rests on is not agreed; null where there is none", examples=[True]
    )
    budget_t: float | None = Field(description="[t CO2e]; null where there is none", examples=[12000.0])
    budget_source: str | None = Field(examples=["plan 2026"])
    budget_provisional: bool | None = Field(description="not agreed", examples=[True])
    actual_t: float | None = Field(
        description="what is known of the year until now, location-based [t CO2e]", examples=[9800.0]
    )
    coverage: float | None = Field(description="mean coverage of its due windows until now", examples=[0.998])
    known_from: KnownFrom
    unheard: Unheard
    projected_t: float | None = Field(
        description="where the year leads [t CO2e]; null unless projection is seasonal or linear",
        examples=[11000.0],
    )
    projected_low_t: float | None = Field(
        description=f"{CONFIDENCE:.0%} interval [t CO2e]; null unless projection is seasonal",
        examples=[10700.0],
    )
    projected_high_t: float | None = Field(examples=[11300.0])
    projection: Projection = Field(
        description="seasonal: by the months of the last year, where all of it is known and three months of this year are;"
        f" linear: actual_t times the length of the year over what has passed of it, where {PROJECTED_AFTER // NS_PER_DAY}"
        f" days of it have passed, every source was there before it began, and coverage is {COMPLETE:g} or more; else why"
        " there is none",
        examples=["seasonal"],
    )
    not_seasonal: Unseasonal | None = Field(
        description="why the present year's projection is not seasonal; null where it is, and of other years",
        examples=[None],
    )
    why: list[str] = Field(
        description="how the year is projected or why it is not, and why that is not seasonal, in words",
        examples=[["by the months of the last year, with its interval"]],
    )
    burn_1d: float | None = Field(
        description="how many times as fast as evenly the budget was used over the last day; null without a budget, outside"
        f" the present year, and where coverage is below {COMPLETE:g}",
        examples=[1.1],
    )
    burn_7d: float | None = Field(description="over the last 7 days", examples=[1.05])
    burn_28d: float | None = Field(description="over the last 28 days", examples=[1.04])
    days_to_exhaustion: float | None = Field(
        description="after how many days, at the rate of the last 28, the budget is used up; 0 where it is; null where the"
        " year is not known so far, or the rate is 0",
        examples=[18.2],
    )


class WayBody(BaseModel):
    """A park or a facility, year by year."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(description="null where it is the park", examples=[None])
    base_year: int | None = Field(description="the first year with a target", examples=[2025])
    years: list[YearBody]


class RoadmapBody(BaseModel):
    """Parks and facilities: a park, then its facilities."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    roadmap: list[WayBody]


@dataclass(frozen=True, slots=True)
class Way:
    """What a way is of; `facility` is "" where it is the park as a whole."""

    park: str
    facility: str
    of: Park
    budgets: tuple[Budget, ...]
    targets: tuple[Target, ...]


def routes(reader: Reader, plant: Plant, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["emissions"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/roadmap")
    def roadmap(
        caller: Asking, park: Word = None, facility: Word = None, language: InLanguage = "en"
    ) -> RoadmapBody:
        """Return targets, budgets and tonnes of every year that has any of them.

        A park is shown to those who may see all of it.
        """
        as_of = clock()
        places = narrowed(seen_by(caller, ways(plant)), park=park, facility=facility)
        with reader.snapshot() as state:
            found = [_body(state, way, as_of, language) for way in places]
        return RoadmapBody(as_of=format_time(as_of), roadmap=found)

    return router


def ways(plant: Plant) -> list[Way]:
    """Return the parks and their facilities, by name, a park before its facilities."""
    parks = {park.name: park for park in plant.parks}
    found = [Way(park.name, "", park, park.budgets, park.targets) for park in plant.parks]
    found += [Way(one.park, one.name, parks[one.park], one.budgets, ()) for one in plant.facilities]
    return sorted(found, key=lambda way: (way.park, way.facility))


def target_of(targets: Sequence[Target], year: int) -> float | None:
    """Return a year's target [t CO2e], on the straight line between two given ones; None outside of them."""
    if not targets or not targets[0].year <= year <= targets[-1].year:
        return None
    return float(np.interp(year, [one.year for one in targets], [one.t for one in targets]))


def _body(state: Snapshot, way: Way, as_of: int, language: Language) -> WayBody:
    sources = _counted(state.plant, way)
    begins = state.begins([one.index for one in sources])
    known = begins[begins != UNHEARD]
    now = _year(as_of, way.of)
    with_data = range(_year(int(known.min()), way.of), now + 1) if len(known) else ()
    years = sorted({*(one.year for one in way.budgets), *_spanned(way.targets), *with_data, now})
    return WayBody(
        park=way.park,
        facility=way.facility or None,
        base_year=way.targets[0].year if way.targets else None,
        years=[_year_body(state, way, sources, begins, year, as_of, language) for year in years],
    )


def _counted(plant: Plant, way: Way) -> list[Source]:
    """Return the sources that count in a way, in the order in which they are summed."""
    inside = [one for one in plant.sources if one.park == way.park and way.facility in ("", one.facility)]
    inside.sort(key=lambda one: (one.facility, one.name))
    return counted(inside, "facility" if way.facility else "park")


def _spanned(targets: Sequence[Target]) -> Iterable[int]:
    return range(targets[0].year, targets[-1].year + 1) if targets else ()


def _year(time: int, park: Park) -> int:
    return datetime.fromtimestamp(time // NS_PER_S, UTC).astimezone(park.zone).year


def _year_body(
    state: Snapshot,
    way: Way,
    sources: Sequence[Source],
    begins: Times,
    year: int,
    as_of: int,
    language: Language,
) -> YearBody:
    budget = next((one for one in way.budgets if one.year == year), None)
    period = period_of(str(year), way.of.zone, as_of)
    actual = _actual(state, sources, period, as_of)
    tonnes = actual["actual_t"]
    is_there = (begins != UNHEARD) & (owed_from(sources, begins) <= period.start)
    why = _projection(period, tonnes, actual["coverage"], as_of, is_there=bool(is_there.all()))
    passed = (as_of - period.start) / (period.end - period.start)
    is_present = period.start <= as_of < period.end
    seasons, not_seasonal = _seasonal(state, sources, begins, period, as_of) if is_present else (None, None)
    linear = tonnes / passed if why == "linear" and tonnes is not None else None
    return YearBody(
        year=year,
        **_target(way.targets, year),
        budget_t=None if budget is None else budget.t,
        budget_source=None if budget is None else budget.source,
        budget_provisional=None if budget is None else budget.provisional,
        **actual,
        projected_t=linear if seasons is None else seasons.amount,
        projected_low_t=None if seasons is None else seasons.low,
        projected_high_t=None if seasons is None else seasons.high,
        projection=(how := why if seasons is None else "seasonal"),
        not_seasonal=not_seasonal,
        why=[told_reason(one, language) for one in (how, not_seasonal) if one],
        **_use(state, sources, period, actual, as_of, None if budget is None or not is_present else budget.t),
    )


def _seasonal(
    state: Snapshot, sources: Sequence[Source], begins: Times, period: Period, as_of: int
) -> tuple[Projected | None, Unseasonal | None]:
    """Return the seasonal projection of the present year, or why there is none.

    A month of this year that is not over or not known is one of those that are projected.
    """
    before = int(year_start(period.start - 1, period.zone))
    if not sources or (owed_from(sources, begins) > before).any() or (begins == UNHEARD).any():
        return None, "last_year_not_complete"
    tonnes, is_known = months_of(state, sources, Period(before, period.end, period.zone), as_of)
    months = np.where(is_known, tonnes, np.nan)
    last, this = months[:12], months[12:]
    if np.isnan(last).any():
        return None, "last_year_not_complete"
    found = seasonal(last, this, CONFIDENCE)
    return found, None if found else "fewer_than_three_months"


def months_of(state: Snapshot, sources: Sequence[Source], period: Period, as_of: int) -> tuple[Floats, Bools]:
    """Return what is known of each month of a period [t CO2e], and whether it is over and known as a whole."""
    months = steps(period.start, period.end, "1mo", period.zone)
    told = emission_series(state, sources, "co2e_t", months, as_of)
    tonnes, coverage = (np.array(column, np.float64) for column in (told.values, told.coverage))
    return tonnes, (coverage >= COMPLETE) & (months.edges[1:] <= as_of)


def _use(
    state: Snapshot,
    sources: Sequence[Source],
    period: Period,
    actual: Mapping[str, Any],
    as_of: int,
    budget: float | None,
) -> dict[str, Any]:
    """Return the fields of a year that tell how fast its budget is used; unknown where there is none."""
    names = [f"burn_{days}d" for days in RATES]
    told: dict[str, Any] = dict.fromkeys([*names, "days_to_exhaustion"])
    if not budget:
        return told
    now = as_of // state.plant.window * state.plant.window
    for name, days in zip(names, RATES, strict=True):
        span = Period(now - days * NS_PER_DAY, now, period.zone)
        recent = _actual(state, sources, span, as_of)
        if recent["actual_t"] is None or (recent["coverage"] or 0) < COMPLETE:
            continue
        share = (span.end - span.start) / (period.end - period.start)
        told[name] = burn(budget, recent["actual_t"], share)
        if days == RATES[-1] and actual["actual_t"] is not None and (actual["coverage"] or 0) >= COMPLETE:
            per_day = recent["actual_t"] / days
            told["days_to_exhaustion"] = days_to_exhaustion(budget, actual["actual_t"], per_day)
    return told


def _target(targets: Sequence[Target], year: int) -> dict[str, Any]:
    """Return the fields of a year that tell of its target."""
    tonnes = target_of(targets, year)
    if tonnes is None:
        return {"target_t": None, "target_source": None, "target_provisional": None}
    own = [one for one in targets if one.year == year]
    below, above = [one for one in targets if one.year < year], [one for one in targets if one.year > year]
    rests_on = own or [below[-1], above[0]]
    return {
        "target_t": tonnes,
        "target_source": own[0].source if own else None,
        "target_provisional": any(one.provisional for one in rests_on),
    }


def _actual(state: Snapshot, sources: Sequence[Source], period: Period, as_of: int) -> dict[str, Any]:
    """Return the fields of a year that tell what is known of it until now; unknown of one that is to come."""
    if period.start > as_of:
        return {"actual_t": None, "coverage": None, "known_from": None, "unheard": []}
    found = source_columns(state, sources, {one.park: period for one in sources}, as_of)
    every = range(len(sources))
    total = rolled_up(sources, found.values, every)
    return {
        "actual_t": number(total[CO2E_T]),
        "coverage": coverage_of(total, int(found.due.sum())),
        **known_fields(sources, found.known, every),
    }


def _projection(
    period: Period, tonnes: float | None, coverage: float | None, as_of: int, *, is_there: bool
) -> Projection:
    """Return whether a year is projected, or why not; `is_there`: all sources are known from its beginning on."""
    if period.end <= as_of:
        return "year_is_over"
    if period.start > as_of:
        return "year_is_to_come"
    if tonnes is None or coverage is None:
        return "no_data"
    if as_of - period.start < PROJECTED_AFTER:
        return "too_early"
    return "linear" if is_there and coverage >= COMPLETE else "not_complete"
