"""Sums of sources' columns, in the one order that gives the same bits every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from plant.arrays import Floats, Ints
from plant.clock import format_time
from plant.park import Source
from store.blocks import AMOUNTS
from store.reader import Snapshot
from store.rows import SHARES
from store.totals.due import WHOLE, Known
from store.totals.sums import Period, known_sum, source_sums


def rolled_up(sources: Sequence[Source], values: Floats, rows: Sequence[int]) -> Floats:
    """Return a facility as the sum of its sources, a park of its facilities, all of the parks; NaN of no source.

    `values` has a row per source; the sources are by park, facility and name.
    """
    if not rows:
        return np.full(values.shape[1], np.nan)
    return known_sum(np.array([of_park(sources, values, part) for part in by_park(sources, rows)]))


def by_park(sources: Sequence[Source], rows: Sequence[int]) -> list[list[int]]:
    """Return the rows of each park that has any, by its name."""
    return [list(part) for _, part in groupby(rows, key=lambda row: sources[row].park)]


def of_park(sources: Sequence[Source], values: Floats, rows: Sequence[int]) -> Floats:
    """Return the sum of some sources of one park, at least one, by facility."""
    facilities = groupby(rows, key=lambda row: sources[row].facility)
    return known_sum(np.array([known_sum(values[list(group)]) for _, group in facilities]))


@dataclass(frozen=True, slots=True)
class SourceColumns:
    """What is known of sources in a period, a row each: amounts and sums of shares, how many windows are owed, since when."""

    values: Floats
    due: Ints
    known: Known


def source_columns(
    state: Snapshot, sources: Sequence[Source], periods: Mapping[str, Period], as_of: int
) -> SourceColumns:
    """Return the columns of sources, which are by park; periods are by park."""
    values, due = [np.empty((0, len(AMOUNTS) + len(SHARES)))], [np.empty(0, np.int64)]
    known = [Known.of_nothing()]
    for park, group in groupby(sources, key=lambda source: source.park):
        sums = source_sums(state, [source.index for source in group], periods[park], as_of)
        values.append(np.column_stack([sums.amounts, sums.shares]))
        due.append(sums.due)
        known.append(sums.known)
    return SourceColumns(np.concatenate(values), np.concatenate(due), Known.concat(known))


def coverage_of(total: Floats, due: int) -> float | None:
    """Return the mean coverage of due windows, from a sum of `source_columns`; None where none was due."""
    return float(np.clip(total[len(AMOUNTS) :].sum() / due, 0, 1)) if due else None


def known_fields(sources: Sequence[Source], known: Known, rows: Sequence[int]) -> dict[str, Any]:
    """Return the fields of `KnownBody` of a sum over some rows of sources."""
    since = int(known.since[rows].max(initial=WHOLE))
    return {
        "known_from": None if since == WHOLE else format_time(since),
        "unheard": [sources[row].id for row in rows if known.unheard[row]],
    }
