"""The way to net zero, year by year: targets and budgets beside what was emitted, and where the present year leads."""

from collections.abc import Callable, Iterable, Sequence
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
from api.parameters import Word
from api.problems import documented
from api.times import period_of
from api.totals.roll_up import coverage_of, known_fields, rolled_up, source_columns
from plant.arrays import Times, number
from plant.clock import format_time
from plant.inventory import counted
from plant.park import Park, Plant, Source
from plant.vocabulary import NS_PER_DAY, NS_PER_S
from plant.yearly import Budget, Target
from store.blocks import CO2E_T
from store.reader import Reader, Snapshot
from store.totals.beginnings import UNHEARD, owed_from
from store.totals.sums import Period

COMPLETE = 0.99  # coverage of a year until now from which on it is projected
PROJECTED_AFTER = 30 * NS_PER_DAY  # of the year; less says too little of a year

Projection = Literal["linear", "year_is_over", "year_is_to_come", "too_early", "no_data", "not_complete"]


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
        description="actual_t times the length of the year over what has passed of it [t CO2e]; null unless"
        " projection is linear",
        examples=[11000.0],
    )
    projection: Projection = Field(
        description=f"linear where the present year is projected: {PROJECTED_AFTER // NS_PER_DAY} days of it have passed,"
        f" every source was there before it began, and coverage is {COMPLETE:g} or more; else why it is not",
        examples=["linear"],
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
class _Way:
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
    def roadmap(caller: Asking, park: Word = None, facility: Word = None) -> RoadmapBody:
        """Return targets, budgets and tonnes of every year that has any of them.

        A park is shown to those who may see all of it.
        """
        as_of = clock()
        ways = narrowed(seen_by(caller, _ways(plant)), park=park, facility=facility)
        with reader.snapshot() as state:
            found = [_body(state, way, as_of) for way in ways]
        return RoadmapBody(as_of=format_time(as_of), roadmap=found)

    return router


def _ways(plant: Plant) -> list[_Way]:
    parks = {park.name: park for park in plant.parks}
    ways = [_Way(park.name, "", park, park.budgets, park.targets) for park in plant.parks]
    ways += [_Way(one.park, one.name, parks[one.park], one.budgets, ()) for one in plant.facilities]
    return sorted(ways, key=lambda way: (way.park, way.facility))


def target_of(targets: Sequence[Target], year: int) -> float | None:
    """Return a year's target [t CO2e], on the straight line between two given ones; None outside of them."""
    if not targets or not targets[0].year <= year <= targets[-1].year:
        return None
    return float(np.interp(year, [one.year for one in targets], [one.t for one in targets]))


def _body(state: Snapshot, way: _Way, as_of: int) -> WayBody:
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
        years=[_year_body(state, way, sources, begins, year, as_of) for year in years],
    )


def _counted(plant: Plant, way: _Way) -> list[Source]:
    """Return the sources that count in a way, in the order in which they are summed."""
    inside = [one for one in plant.sources if one.park == way.park and way.facility in ("", one.facility)]
    inside.sort(key=lambda one: (one.facility, one.name))
    return counted(inside, "facility" if way.facility else "park")


def _spanned(targets: Sequence[Target]) -> Iterable[int]:
    return range(targets[0].year, targets[-1].year + 1) if targets else ()


def _year(time: int, park: Park) -> int:
    return datetime.fromtimestamp(time // NS_PER_S, UTC).astimezone(park.zone).year


def _year_body(
    state: Snapshot, way: _Way, sources: Sequence[Source], begins: Times, year: int, as_of: int
) -> YearBody:
    budget = next((one for one in way.budgets if one.year == year), None)
    period = period_of(str(year), way.of.zone, as_of)
    actual = _actual(state, sources, period, as_of)
    tonnes = actual["actual_t"]
    is_there = (begins != UNHEARD) & (owed_from(sources, begins) <= period.start)
    why = _projection(period, tonnes, actual["coverage"], as_of, is_there=bool(is_there.all()))
    passed = (as_of - period.start) / (period.end - period.start)
    return YearBody(
        year=year,
        **_target(way.targets, year),
        budget_t=None if budget is None else budget.t,
        budget_source=None if budget is None else budget.source,
        budget_provisional=None if budget is None else budget.provisional,
        **actual,
        projected_t=tonnes / passed if why == "linear" and tonnes is not None else None,
        projection=why,
    )


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
