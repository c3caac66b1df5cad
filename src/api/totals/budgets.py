"""Budgets of totals: what a park or a facility has agreed to emit at most, for the time that a total is of."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from plant.arrays import number
from plant.commitments import Budget
from plant.park import Park, Plant, Source
from plant.periods import local_midnight
from plant.vocabulary import NS_PER_S
from store.totals.sums import Period

PeriodOf = Callable[[Park], Period]


def budget_of(budgets: Sequence[Budget], period: Period) -> float | None:
    """Return what a period may emit [t CO2e]: of each year its share by time, on the period's clock.

    None where a year of it has no budget. Where a budget states its months, a part of a month has its share of that
    month; else each instant of the year has the same.
    """
    by_year = {budget.year: budget for budget in budgets}
    tonnes = 0.0
    for year in _years(period):
        if year not in by_year:
            return None
        tonnes += _of_year(by_year[year], period)
    return tonnes


def budget_fields(
    plant: Plant,
    place: tuple[str | None, str | None],
    sources: Sequence[Source],
    period: PeriodOf,
    tonnes: float,
) -> dict[str, float | None]:
    """Return the fields of a total of these sources that tell of its budget; `place` is its park and facility."""
    budget = _budget_of_total(plant, place, sources, period)
    used = number(tonnes / budget) if budget else None
    return {"budget_t": budget, "budget_used_share": used}


def _budget_of_total(
    plant: Plant, place: tuple[str | None, str | None], sources: Sequence[Source], period: PeriodOf
) -> float | None:
    """Return a budget [t CO2e], None where there is none.

    A budget is of all that a facility or a park emits: of a part of its sources there is none. That of all parks is the
    sum of theirs, where each has one.
    """
    park, facility = place
    inside = {
        one.index for one in plant.sources if park in (None, one.park) and facility in (None, one.facility)
    }
    if {one.index for one in sources} != inside:
        return None
    zones = {one.name: one for one in plant.parks}
    found = [budget_of(budgets, period(zones[name])) for budgets, name in _owners(plant, park, facility)]
    known = [tonnes for tonnes in found if tonnes is not None]
    return sum(known) if known and len(known) == len(found) else None


def _owners(plant: Plant, park: str | None, facility: str | None) -> list[tuple[tuple[Budget, ...], str]]:
    """Return the budgets that make a total's, and the park whose clock they are on."""
    if facility is None:
        return [(one.budgets, one.name) for one in plant.parks if park in (None, one.name)]
    return [(one.budgets, one.park) for one in plant.facilities if (one.park, one.name) == (park, facility)]


def _years(period: Period) -> range:
    first, last = (
        datetime.fromtimestamp(time // NS_PER_S, UTC).astimezone(period.zone).year
        for time in (period.start, period.end - 1)
    )
    return range(first, last + 1)


def _of_year(budget: Budget, period: Period) -> float:
    if budget.months is None:
        return budget.t * _overlap(_start(budget.year, 1, period), _start(budget.year + 1, 1, period), period)
    edges = [
        *(_start(budget.year, month, period) for month in range(1, 13)),
        _start(budget.year + 1, 1, period),
    ]
    parts = (
        share * _overlap(start, end, period)
        for share, start, end in zip(budget.months, edges, edges[1:], strict=False)
    )
    return budget.t * sum(parts)


def _start(year: int, month: int, period: Period) -> int:
    return local_midnight(date(year, month, 1), period.zone)


def _overlap(start: int, end: int, period: Period) -> float:
    """Return the share of [start, end) that lies in a period."""
    return max(min(end, period.end) - max(start, period.start), 0) / (end - start)
