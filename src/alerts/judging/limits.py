"""The instants of limits: which of new readings are judged, and at which of them something changes."""

from collections.abc import Iterator

import numpy as np

from alerts.judging.truths import Part, Truth, compared
from plant.arrays import Bools, Floats, Ints, Readings, Times
from plant.park import Condition


def in_turn(new: Readings, wanted: Bools) -> Iterator[Readings]:
    """Yield the counting readings of each channel that are wanted: those of one message by time, message after message."""
    rows = np.flatnonzero(wanted & new.counting & np.isfinite(new.value))
    rows = rows[np.lexsort((new.time[rows], new.message[rows], new.channel[rows]))]
    if len(rows):
        for mine in np.split(rows, np.flatnonzero(np.diff(new.channel[rows])) + 1):
            yield new.take(mine)


def is_newer(judged: int, time: Times) -> Bools:
    """Return which readings of a channel, in their turn, are newer than what was `judged` [ns UTC] and all before them.

    The others come late. Of two with one time the first is judged.
    """
    return time > np.maximum.accumulate(np.append(judged, time))[:-1]


def turns(before: float, truth: Floats) -> Ints:
    """Return at which instants a limit says something else than it did before; NaN is something else than itself."""
    said = np.append(before, truth)
    return np.flatnonzero(said[1:] != said[:-1])


def limit_truth(limit: Condition, value: Floats) -> Truth:
    """Return where a limit is passed, a row to each value [the limit's unit]; NaN where that is not finite."""
    [of] = limit.comparisons
    sides = (value, np.full(len(value), limit.limit))
    truth = compared(of.operator, *sides)
    return Truth(truth, 1 - truth, Part(of.operator, truth, sides=sides, of=0))
