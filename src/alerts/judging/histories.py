"""What channels' readings over a stretch of time come to: means, extremes, sums, changes; a row to each channel.

All take a history, the number of channels and `since`, after which the stretch begins [ns UTC]. Where a channel has too
little to tell, the answer is NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats, Ints, Times
from plant.vocabulary import NS_PER_HOUR
from rules.hours import SHARE_SLACK

ENOUGH = 0.8  # of an interval of the clock must be covered by readings, for its mean


@dataclass(frozen=True, slots=True)
class History:
    """Counting readings of several channels, sorted by channel and time; `run` is the place of its channel.

    Of each channel the last reading before the stretch stands before those within.
    """

    run: Ints
    time: Times
    value: Floats

    def after(self, since: int) -> "History":
        """Return the readings after a time."""
        rows = self.time > since
        return self if rows.all() else self.take(rows)

    def take(self, rows: Bools) -> "History":
        """Return the readings that a mask names."""
        return History(self.run[rows], self.time[rows], self.value[rows])

    @property
    def heads(self) -> Ints:
        """The first row of each channel that has one."""
        return np.flatnonzero(np.append(True, self.run[1:] != self.run[:-1])) if len(self.run) else self.run


def avg(history: History, count: int, since: int) -> Floats:
    """Return the mean of the readings."""
    within = history.after(since)
    heads = within.heads
    return _placed(within, count, np.add, scale=1 / np.diff(np.append(heads, len(within.run))))


def max_over(history: History, count: int, since: int) -> Floats:
    """Return the greatest reading."""
    return _placed(history.after(since), count, np.maximum)


def min_over(history: History, count: int, since: int) -> Floats:
    """Return the least reading."""
    return _placed(history.after(since), count, np.minimum)


def sum_over(history: History, count: int, since: int, *, empty: float) -> Floats:
    """Return the sum of the readings, `empty` where there is none."""
    return _placed(history.after(since), count, np.add, empty=empty)


def spread(history: History, count: int, since: int) -> Floats:
    """Return the greatest reading less the least; one reading alone does not tell that nothing moves."""
    enough = counted(history, count, since) > 1
    return np.where(enough, max_over(history, count, since) - min_over(history, count, since), np.nan)


def counted(history: History, count: int, since: int) -> Floats:
    """Return how many readings there are."""
    return np.bincount(history.after(since).run, minlength=count).astype(np.float64)


def delta(history: History, count: int, since: int) -> Floats:
    """Return the newest reading less the last one before the stretch, or less its first where there is none."""
    change, _ = _change(history, count, since)
    return change


def rate(history: History, count: int, since: int) -> Floats:
    """Return `delta` by the hours between its two readings."""
    change, hours = _change(history, count, since)
    return change / hours


def percentile(history: History, count: int, since: int, percent: float) -> Floats:
    """Return the number that so many percent of the readings do not exceed, between two of them on their straight line."""
    within = history.after(since)
    value = within.value[np.lexsort((within.value, within.run))]
    found, heads = np.full(count, np.nan), within.heads
    if len(heads):
        last = np.diff(np.append(heads, len(value))) - 1
        place = last * (percent / 100)
        low = np.floor(place).astype(np.int64)
        below, above = value[heads + low], value[heads + np.minimum(low + 1, last)]
        found[within.run[heads]] = below + (above - below) * (place - low)
    return found


def rate_percentile(history: History, count: int, since: int, percent: float) -> Floats:
    """Return the same of how fast each reading differs from the one before it, without sign [1/h]."""
    rows = (history.run[1:] == history.run[:-1]) & (history.time[1:] > since)
    hours = np.diff(history.time)[rows] / NS_PER_HOUR
    run, time = history.run[1:][rows], history.time[1:][rows]
    return percentile(History(run, time, np.abs(np.diff(history.value)[rows]) / hours), count, since, percent)


def cusum_above(history: History, count: int, since: int, limit: Floats) -> Floats:
    """Return the CUSUM of the readings above each channel's limit at the newest of them, `S = max(0, S + x - limit)` [1]_.

    It begins with 0 at the first reading of the stretch, so that it is the greatest sum of `x - limit` over the newest so
    many readings, or 0.

    References
    ----------
    .. [1] E. S. Page, Continuous inspection schemes, Biometrika 41 (1954).
    """
    within = history.after(since)
    found, heads = np.full(count, np.nan), within.heads
    beyond = within.value - limit[within.run]
    for run, mine in zip(within.run[heads].tolist(), np.split(beyond, heads[1:]), strict=bool(len(heads))):
        total = np.cumsum(mine)
        found[run] = total[-1] - np.minimum(total.min(), 0)
    return found


def cusum_below(history: History, count: int, since: int, limit: Floats) -> Floats:
    """Return the CUSUM of the readings below each channel's limit, `S = max(0, S + limit - x)`."""
    return cusum_above(History(history.run, history.time, -history.value), count, since, -limit)


def clock_means(
    history: History, start: Times, length: Ints, intervals: int, reach: Ints, ends: Ints
) -> Floats:
    """Return the mean of the readings in each of so many intervals in a row, NaN where too little of one is covered.

    Parameters
    ----------
    start, length
        Of each channel: where the first interval begins [ns UTC], and how long each is [ns].
    reach, ends
        Of each channel: how long a reading tells of at the most [ns]; and 1 where that is the time before it, 0 where it
        is the time after it, until the next reading.

    Returns
    -------
    Floats
        [channels, intervals]
    """
    count, run = len(start), history.run
    is_end, reach_of = ends[run] == 1, reach[run]
    following = np.append(history.time[1:], history.time[-1:])
    is_last = np.append(run[1:] != run[:-1], np.ones(min(1, len(run)), bool))
    until = np.where(is_last, history.time + reach_of, np.minimum(following, history.time + reach_of))
    first = np.where(is_end, history.time - reach_of, history.time)
    last = np.where(is_end, history.time, until)
    width = np.maximum(length, 1)[run]
    begin = np.clip(first - start[run], 0, width * intervals)
    end = np.clip(last - start[run], 0, width * intervals)
    touched = np.where(end > begin, (end - 1) // width - begin // width + 1, 0)
    rows = np.repeat(np.arange(len(run)), touched)
    place = (
        begin[rows] // width[rows] + np.arange(len(rows)) - np.repeat(np.cumsum(touched) - touched, touched)
    )
    overlap = np.minimum(end[rows], (place + 1) * width[rows]) - np.maximum(begin[rows], place * width[rows])
    covered = np.bincount(run[rows] * intervals + place, overlap, count * intervals)
    at = (history.time - is_end - start[run]) // width
    inside = (at >= 0) & (at < intervals)
    cell = run[inside] * intervals + at[inside]
    readings = np.bincount(cell, minlength=count * intervals)
    total = np.bincount(cell, history.value[inside], count * intervals)
    whole = np.repeat(length, intervals)
    enough = (whole > 0) & (covered >= ENOUGH * whole * (1 - SHARE_SLACK))
    found = np.where(enough & (readings > 0), total / np.maximum(readings, 1), np.nan)
    return found.reshape(count, intervals)


FUNCTIONS: Mapping[str, Callable[[History, int, int], Floats]] = {
    "avg": avg,
    "max_over": max_over,
    "min_over": min_over,
    "spread": spread,
    "count": counted,
    "delta": delta,
    "rate": rate,
}


PERCENTILES: Mapping[str, Callable[[History, int, int, float], Floats]] = {
    "percentile": percentile,
    "rate_percentile": rate_percentile,
}


CUSUMS: Mapping[str, Callable[[History, int, int, Floats], Floats]] = {
    "cusum_above": cusum_above,
    "cusum_below": cusum_below,
}


def _placed(
    within: History, count: int, reduced: np.ufunc, *, scale: Floats | float = 1.0, empty: float = np.nan
) -> Floats:
    """Return each channel's readings, reduced to one number and scaled, in the channel's row."""
    found = np.full(count, empty)
    heads = within.heads
    if len(heads):
        found[within.run[heads]] = reduced.reduceat(within.value, heads) * scale
    return found


def _change(history: History, count: int, since: int) -> tuple[Floats, Floats]:
    """Return each channel's change and the hours it took, NaN where nothing came or nothing was before."""
    change, hours = np.full((2, count), np.nan)
    first = history.heads
    if len(first):
        last = np.append(first[1:], len(history.run)) - 1
        rows = (history.time[last] > since) & (last > first)
        first, last = first[rows], last[rows]
        change[history.run[first]] = history.value[last] - history.value[first]
        hours[history.run[first]] = (history.time[last] - history.time[first]) / NS_PER_HOUR
    return change, hours
