"""Sums of sources over any period, in the one order that gives the same bits every time.

Windows make hours, hours days, days months, months years (semantics.md section 2); each sum adds what is known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Bools, Floats, Ints, Times
from plant.park import Plant
from plant.periods import PART, Summand, day_start, month_start, summands, year_start
from plant.vocabulary import Kind
from store.blocks import AMOUNTS
from store.reader import Snapshot
from store.rows import SUMMED, Emissions
from store.totals.beginnings import UNHEARD
from store.totals.due import Due, Known, due_windows, known_since

_BATCH = 1000  # sources that are summed at once, because a period's rows of all would fill the memory


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open stretch of time [ns UTC], and the clock that its hours, days and months are of."""

    start: int
    end: int
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of a period, one row per source asked for.

    `values` has the columns `SUMMED`, NaN where nothing is known; `windows` counts the windows with coverage
    above 0, `revision` is the highest one in it (0: nothing was ever computed).
    """

    values: Floats
    windows: Ints
    revision: Ints


@dataclass(frozen=True, slots=True)
class SourceSums:
    """What a period's total says of each source.

    `amounts` has the columns `AMOUNTS`; `shares` are sums of shares over the `due` windows, with the columns
    `SHARES`. `windows` counts those with coverage above 0.
    """

    amounts: Floats
    shares: Floats
    due: Ints
    windows: Ints
    revision: Ints
    known: Known


def known_sum(values: Floats) -> Floats:
    """Return the sum along the first axis, one after the other; NaN where nothing is known."""
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    return np.where(np.isnan(values).all(axis=0), np.nan, np.nancumsum(values, axis=0)[-1])


def fold(values: Floats, keys: Times | Ints) -> Floats:
    """Return the known sum of each run of equal keys along the first axis, its rows added one after the other."""
    starts = _run_starts(keys)
    length = np.diff(starts, append=len(keys))
    unknown = np.isnan(values)
    known = np.where(unknown, 0.0, values)
    sums = known[starts]
    for place in range(1, length.max(initial=0)):
        longer = np.flatnonzero(length > place)
        sums[longer] += known[starts[longer] + place]
    sums[np.logical_and.reduceat(unknown, starts)] = np.nan
    return sums


def source_sums(state: Snapshot, sources: Sequence[int], period: Period, as_of: int) -> SourceSums:
    """Return the amounts of a period, and the shares of its due windows, per source.

    Due are the windows from the later of the period's start and the source's `since` to the earlier of its end and
    `as_of` [ns UTC], the window around either included. Where a source has event channels only, and was heard, a due
    window that was never computed is known to be 0.
    """
    sums = period_sums(state, sources, period)
    begins = state.begins(sources)
    edges = np.array([period.start, period.end])
    each = due_windows(state.plant, sources, begins, edges, as_of)
    due = Due(each.start[:, 0], each.end[:, 0], each.windows[:, 0])
    known = known_since(state.plant, sources, begins, period.start, period.end, as_of)
    shares = _due_shares(state, sources, period, sums, due)
    found = SourceSums(
        sums.values[:, : len(AMOUNTS)], shares, due.windows, sums.windows, sums.revision, known
    )
    for row in np.flatnonzero(begins < UNHEARD).tolist():
        if only_events(state.plant, sources[row]):
            _fill_quiet(state, sources[row], row, found, due)
    return found


def period_sums(state: Snapshot, sources: Sequence[int], period: Period) -> Sums:
    """Return the sums of a period on the window grid, from as few stored rows as possible."""
    parts = summands(period.start, period.end, period.zone)
    batches = [sources[at : at + _BATCH] for at in range(0, max(1, len(sources)), _BATCH)]
    found = [_sums_of(state, batch, parts, period.zone) for batch in batches]
    return Sums(*(np.concatenate([getattr(one, name) for one in found]) for name in Sums.__slots__))


def only_events(plant: Plant, source: int) -> bool:
    """Return whether all inputs of a source are event channels, so that silence is no gap."""
    inputs = plant.sources[source].inputs
    channels = (k for given in inputs for k in plant.measured(given.channel))
    return all(plant.channels[k].kind is Kind.EVENT for k in channels)


def missing_shares(windows: Emissions) -> Floats:
    """Return the share of each computed window that is not covered."""
    return np.asarray(np.maximum(1 - windows.values[:, len(AMOUNTS) :].sum(axis=1), 0))


def _sums_of(state: Snapshot, sources: Sequence[int], parts: Sequence[Summand], zone: ZoneInfo) -> Sums:
    starts = np.array([part.start for part in parts], np.int64)
    shape = len(parts), len(sources)
    values = np.full((*shape, len(SUMMED)), np.nan)
    windows, revision = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for rows in _rows(state, sources, parts):
        place = _places(starts, rows.start), _places(np.array(sources), rows.source)
        values[place], windows[place], revision[place] = rows.values, rows.windows, rows.revision
    return Sums(_by_calendar(values, starts, zone), windows.sum(axis=0), revision.max(axis=0, initial=0))


def _by_calendar(values: Floats, starts: Times, zone: ZoneInfo) -> Floats:
    for unit in (day_start, month_start, year_start):
        keys = unit(starts, zone)
        values, starts = fold(values, keys) if len(keys) else values, starts[_run_starts(keys)]
    return known_sum(values)


def _rows(state: Snapshot, sources: Sequence[int], parts: Sequence[Summand]) -> Iterator[Emissions]:
    """Yield what is stored of the summands, a query for each run of one level."""
    for level, run in groupby(parts, key=attrgetter("level")):
        stretch = list(run)
        if level == PART:
            yield from _part_rows(state, sources, stretch)
        else:
            found = state.totals(sources, level, stretch[0].start, stretch[-1].end)
            # A row that starts elsewhere is of another clock: the park's zone was corrected since.
            yield found.take(np.isin(found.start, [part.start for part in stretch]))


def _part_rows(state: Snapshot, sources: Sequence[int], parts: Sequence[Summand]) -> Iterator[Emissions]:
    """Yield sums of the windows of parts of hours, where there are any."""
    starts = np.array([part.start for part in parts], np.int64)
    found = state.windows(sources, parts[0].start, parts[-1].end)
    if not len(found.start):
        return
    number = np.searchsorted(starts, found.start, side="right") - 1
    keys = found.source * len(parts) + number
    runs = _run_starts(keys)
    yield Emissions(
        source=found.source[runs],
        start=starts[number[runs]],
        values=fold(found.values, keys),
        windows=np.add.reduceat(found.windows, runs),
        revision=np.maximum.reduceat(found.revision, runs),
    )


def _due_shares(state: Snapshot, sources: Sequence[int], period: Period, sums: Sums, due: Due) -> Floats:
    """Return the sums of shares over the due windows: the period's, unless something is stored outside of these."""
    shares = np.nan_to_num(sums.values[:, len(AMOUNTS) :])
    apart = _is_stored(state, sources, np.full(len(sources), period.start), due.start)
    apart |= _is_stored(state, sources, due.end, np.full(len(sources), period.end))
    for start, end in sorted({*zip(due.start[apart].tolist(), due.end[apart].tolist(), strict=True)}):
        rows = np.flatnonzero(apart & (due.start == start) & (due.end == end))
        part = period_sums(state, [sources[row] for row in rows.tolist()], Period(start, end, period.zone))
        shares[rows] = np.nan_to_num(part.values[:, len(AMOUNTS) :])
    return shares


def _is_stored(state: Snapshot, sources: Sequence[int], starts: Times, ends: Times) -> Bools:
    """Return which sources have windows in their [start, end)."""
    found = np.zeros(len(sources), bool)
    for start, end in sorted({*zip(starts.tolist(), ends.tolist(), strict=True)}):
        if start < end:
            rows = np.flatnonzero((starts == start) & (ends == end))
            found[rows] = state.have_windows([sources[row] for row in rows.tolist()], start, end)
    return found


def _fill_quiet(state: Snapshot, source: int, row: int, found: SourceSums, due: Due) -> None:
    """Count what was never computed of an event source as measured, and as 0; before its first event nothing is known."""
    if not due.windows[row]:
        found.amounts[row] = np.nan
        return
    computed = state.windows([source], int(due.start[row]), int(due.end[row]))
    missing = missing_shares(computed).sum()
    found.shares[row, 0] = due.windows[row] - missing - found.shares[row, 1:].sum()
    unknown = np.count_nonzero(computed.windows == 0)
    if found.windows[row] == 0 and unknown < due.windows[row]:
        found.amounts[row] = 0.0


def _places(known: Times | Ints, wanted: Ints) -> Ints:
    order = np.argsort(known, kind="stable")
    return order[np.searchsorted(known[order], wanted)]


def _run_starts(keys: Times | Ints) -> Ints:
    return np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.empty(0, np.int64)
