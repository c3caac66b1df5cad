"""Which of several readings of one channel and time counts: one total order, whatever came first."""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Ints, Readings
from plant.vocabulary import Flag, Quality
from rules.registers import SAME_VALUE


@dataclass(frozen=True, slots=True)
class Merged:
    """A set of readings after some came to it.

    `rows` number the winners in the input (known ones first, then the new ones), sorted by (run, time);
    `changed` marks winners that were not there before or are not what they were; `fresh` marks each new
    reading that was new when it came; `lost` are the input rows that lost a conflict; `conflict` marks winners
    for which another value came.
    """

    rows: Ints
    changed: Bools
    conflict: Bools
    fresh: Bools
    lost: Ints


def merge(run: Ints, all_readings: Readings, known: int, is_register: Bools, boot_rank: Ints) -> Merged:
    """Choose the winners among `known` readings of the set and the new ones after them, in order of arrival.

    Parameters
    ----------
    run
        The run of each row; identity is (run, time).
    all_readings
        The known readings, sorted by (run, time), then the new ones in order of arrival.
    known
        How many are known.
    is_register
        Whether each row is a register's: then the smaller value wins, else the greater.
    boot_rank
        The place of each row's boot in the order of names.
    """
    r = all_readings
    order = np.lexsort((r.time, run))
    first = _firsts(run[order], r.time[order])
    if first.all():
        fresh = np.ones(len(r) - known, bool)
        return Merged(order, order >= known, np.zeros(len(order), bool), fresh, np.empty(0, np.int64))
    value = np.where(is_register, r.value, -r.value)
    no_reset = (r.flags & Flag.RESET) == 0
    quality = np.minimum(r.quality, Quality.BAD)  # what does not count is alike, and only ever decides last
    correction = r.correction.astype(np.int64)
    arrival = np.arange(len(r))
    order = np.lexsort((arrival, r.quality, boot_rank, no_reset, value, quality, -correction, r.time, run))
    return _with_repeats(r, known, order, first)


def _firsts(run: Ints, time: Ints) -> Bools:
    """Mark the first row of each identity in sorted rows."""
    first = np.ones(len(run), bool)
    first[1:] = (run[1:] != run[:-1]) | (time[1:] != time[:-1])
    return first


def _with_repeats(r: Readings, known: int, order: Ints, first: Bools) -> Merged:
    """Finish a merge in which some identity came more than once."""
    group = np.cumsum(first) - 1
    winners = order[first]
    winner_of = winners[group]
    differs = _differ(r, order, winner_of)
    flagged = (r.flags[order] & Flag.CONFLICT) != 0
    conflict = np.bincount(group, differs | flagged, len(winners)) > 0
    fresh = np.zeros(len(r), bool)
    earliest = np.full(len(winners), len(r), np.int64)
    np.minimum.at(earliest, group, order)
    fresh[earliest] = True
    bounds = np.append(np.flatnonzero(first), len(order))
    for number in np.flatnonzero(conflict).tolist():
        by_rank = order[bounds[number] : bounds[number + 1]]
        _replay(r, np.sort(by_rank), by_rank, fresh)
    return Merged(winners, winners >= known, conflict, fresh[known:], order[differs & (order != winner_of)])


def _differ(r: Readings, a: Ints, b: Ints) -> Bools:
    """Whether two rows say different things; values closer than 1e-12 relative are the same."""
    near = np.abs(r.value[a] - r.value[b]) <= SAME_VALUE * np.maximum(np.abs(r.value[a]), np.abs(r.value[b]))
    same_reset = ((r.flags[a] ^ r.flags[b]) & Flag.RESET) == 0
    same = near & same_reset & (r.quality[a] == r.quality[b]) & (r.correction[a] == r.correction[b])
    return np.asarray(~same)


def _replay(r: Readings, arrivals: Ints, by_rank: Ints, fresh: Bools) -> None:
    """Mark which readings of a conflict were new when they came: those that beat what stood, and differ from it."""
    rank = {int(row): place for place, row in enumerate(by_rank.tolist())}
    standing = int(arrivals[0])
    for row in arrivals[1:].tolist():
        if rank[row] < rank[standing]:
            fresh[row] = bool(_differ(r, np.array([row]), np.array([standing]))[0])
            standing = row
