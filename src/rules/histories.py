"""What channels' readings over a stretch of time come to: means, extremes, sums, changes; a row to each channel.

All take a history, the number of channels and `since`, after which the stretch begins [ns UTC]. Where a channel has too
little to tell, the answer is NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats, Ints, Times
from plant.vocabulary import NS_PER_HOUR
from rules.hours import SHARE_SLACK

ENOUGH = 0.8  # of an hour must be covered by readings, for its mean


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
        return self if rows.all() else History(self.run[rows], self.time[rows], self.value[rows])

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


def hour_mean(history: History, end: Times, reach: Ints, ends: Ints) -> Floats:
    """Return the mean of the readings of the clock hour that ends at `end`, NaN where too little of it is covered.

    Parameters
    ----------
    end, reach, ends
        Of each channel: the end of the hour [ns UTC]; how long a reading tells of at the most [ns]; and 1 where that is
        the time before it, 0 where it is the time after it, until the next reading.
    """
    count, run = len(end), history.run
    is_end, reach_of, stop = ends[run] == 1, reach[run], end[run]
    following = np.append(history.time[1:], history.time[-1:])
    is_last = np.append(run[1:] != run[:-1], np.ones(min(1, len(run)), bool))
    until = np.where(is_last, history.time + reach_of, np.minimum(following, history.time + reach_of))
    first = np.where(is_end, history.time - reach_of, history.time)
    last = np.where(is_end, history.time, until)
    overlap = np.minimum(last, stop) - np.maximum(first, stop - NS_PER_HOUR)
    covered = np.bincount(run, np.maximum(overlap, 0), count)
    time = history.time - is_end
    rows = (time >= stop - NS_PER_HOUR) & (time < stop)
    within = History(run[rows], history.time[rows], history.value[rows])
    enough = covered >= ENOUGH * NS_PER_HOUR * (1 - SHARE_SLACK)
    return np.where(enough, avg(within, count, -(2**62)), np.nan)


FUNCTIONS: Mapping[str, Callable[[History, int, int], Floats]] = {
    "avg": avg,
    "max_over": max_over,
    "min_over": min_over,
    "spread": spread,
    "count": counted,
    "delta": delta,
    "rate": rate,
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
