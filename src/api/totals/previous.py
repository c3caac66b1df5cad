"""The same totals of the time before: as long as the period, and ending where it begins."""

from collections.abc import Callable, Sequence

from api.models import PreviousBody
from api.totals.roll_up import coverage_of, known_fields, rolled_up, source_columns
from plant.arrays import number
from plant.clock import format_time
from plant.park import Park, Source
from store.blocks import CO2E_T
from store.reader import Snapshot
from store.totals.sums import Period

PeriodOf = Callable[[Park], Period]


def previous(
    state: Snapshot, sources: Sequence[Source], groups: Sequence[list[int]], period: PeriodOf, as_of: int
) -> list[PreviousBody]:
    """Return what is told of the time before, of each total; `groups` are the rows of `sources` that count in it."""
    parks = {park.name: park for park in state.plant.parks}
    now = as_of // state.plant.window * state.plant.window
    spans = {name: period(park) for name, park in parks.items()}
    whole = {name: Period(2 * one.start - one.end, one.start, one.zone) for name, one in spans.items()}
    passed = {name: min(max(now - one.start, 0), one.end - one.start) for name, one in spans.items()}
    part = {name: Period(one.start, one.start + passed[name], one.zone) for name, one in whole.items()}
    found = source_columns(state, sources, whole, as_of)
    elapsed = found if part == whole else source_columns(state, sources, part, as_of)
    used = [whole[one.park] for one in sources] or list(whole.values())
    start, end = (format_time(time) for time in (min(p.start for p in used), max(p.end for p in used)))
    return [
        PreviousBody(
            **{"from": start, "to": end, **known_fields(sources, found.known, rows)},
            co2e_t=number(rolled_up(sources, found.values, rows)[CO2E_T]),
            coverage=coverage_of(rolled_up(sources, found.values, rows), int(found.due[rows].sum())),
            elapsed_co2e_t=number(rolled_up(sources, elapsed.values, rows)[CO2E_T]),
        )
        for rows in groups
    ]
