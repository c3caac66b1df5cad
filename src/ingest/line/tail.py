"""The newest readings of every channel, in memory: what the rules need to go on without asking SQLite.

A cache and nothing more: a channel that it does not cover is read from the state.
"""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Ints, Readings, Times
from plant.vocabulary import NEVER
from store.readings.kinds import is_baseline
from store.readings.table import LOOK_BACK

KEPT = LOOK_BACK + 2  # counting readings kept: readings may come out of order by as many as exceed LOOK_BACK


class Tail:
    """Rows of channels in one pool; each channel has a slab of it, and a larger one when it needs it."""

    def __init__(self, channels: int, seen: Bools) -> None:
        """Start empty: a channel that the state has `seen` is unknown, the others are known to have nothing."""
        self._pool = Readings.empty()
        self._used = 0
        self._start = np.zeros(channels, np.int64)
        self._count = np.zeros(channels, np.int64)
        self._room = np.zeros(channels, np.int64)
        self._known = ~seen
        self.whole = ~seen

    def rows(self, channels: NDArray[np.int32]) -> tuple[Readings, Ints]:
        """Return the rows of the channels, and for each row the place of its channel in `channels`."""
        which = np.repeat(np.arange(len(channels)), self._count[channels])
        return self._pool.take(self._positions(channels)), which

    def covers(self, channels: NDArray[np.int32], earliest: Times, window: int, period: Ints) -> Bools:
        """Whether the kept rows are all the context that readings from `earliest` on need, channel by channel."""
        rows, which = self.rows(channels)
        before = rows.counting & (rows.time < earliest[which])
        behind = _count_after(before, which, len(channels))
        sixth = np.full(len(channels), NEVER)
        at = np.flatnonzero(before & (behind == LOOK_BACK))
        sixth[which[at]] = rows.time[at]
        edge = (sixth - period) // window * window
        start = _anchored(rows, which, edge, window)
        return self._known[channels] & (self.whole[channels] | (start > NEVER))

    def reaches(self, channel: int, time: int) -> bool:
        """Whether the kept rows are all the context of windows from `time` on."""
        if not self._known[channel]:
            return False
        one = np.array([channel], np.int32)
        return bool(self.covers(one, np.array([time]), 1, np.zeros(1, np.int64))[0])

    def forget(self, channels: NDArray[np.int32]) -> None:
        """Know nothing of the channels any more."""
        self._known[channels] = False
        self.whole[channels] = False
        self._count[channels] = 0

    def replace(
        self,
        channels: NDArray[np.int32],
        rows: Readings,
        which: Ints,
        whole: Bools,
        window: int,
        period: Ints,
    ) -> None:
        """Keep what is needed of the channels' sorted rows; `whole` says that nothing comes before them."""
        keep = _needed(rows, which, len(channels), window, period)
        was_cut = np.bincount(which[~keep], minlength=len(channels)) > 0
        rows, which = rows.take(keep), which[keep]
        count = np.bincount(which, minlength=len(channels))
        self._make_room(channels, count)
        self._count[channels] = count
        positions = self._positions(channels)
        for column in fields(Readings):
            getattr(self._pool, column.name)[positions] = getattr(rows, column.name)
        self._known[channels] = True
        self.whole[channels] = whole & ~was_cut

    def _positions(self, channels: NDArray[np.int32]) -> Ints:
        count = self._count[channels]
        before = np.repeat(np.cumsum(count) - count, count)
        return np.repeat(self._start[channels], count) + np.arange(int(count.sum())) - before

    def _make_room(self, channels: NDArray[np.int32], count: Ints) -> None:
        """Give larger slabs to channels that need them, at the pool's end while it reaches."""
        short = count > self._room[channels]
        if not short.any():
            return
        larger = channels[short]
        self._count[larger] = 0  # what stands in the slabs given up is about to be replaced
        room = -(-np.maximum(count[short], KEPT + 2) * 5 // 16) * 4  # a quarter more, in fours
        self._start[larger], self._room[larger] = self._used + np.cumsum(room) - room, room
        self._used += int(room.sum())
        if self._used > len(self._pool):
            self._lay_out_anew()

    def _lay_out_anew(self) -> None:
        """Make another pool, with room to spare and without the slabs that were given up; a column at a time."""
        everyone = np.arange(len(self._count), dtype=np.int32)
        before = self._positions(everyone)
        self._start = np.cumsum(self._room) - self._room
        self._used = int(self._room.sum())
        after = self._positions(everyone)
        for column in fields(Readings):
            old = getattr(self._pool, column.name)
            new = np.zeros(self._used * 9 // 8, old.dtype)
            new[after] = old[before]
            setattr(self._pool, column.name, new)


def _count_after(marked: Bools, which: Ints, channels: int) -> Ints:
    """Return, for each row, how many marked rows of its channel stand at it or after it."""
    total = np.cumsum(marked)
    last = np.zeros(channels, np.int64)
    np.maximum.at(last, which, total)
    return np.asarray(last[which] - total + marked)


def _needed(rows: Readings, which: Ints, channels: int, window: int, period: Ints) -> Bools:
    """Mark, per channel, the rows from the anchor of the KEPT-th last counting row on."""
    behind = _count_after(rows.counting, which, channels)
    edge = np.full(channels, NEVER)
    at = np.flatnonzero(rows.counting & (behind == KEPT))
    edge[which[at]] = (rows.time[at] - period[which[at]]) // window * window
    return np.asarray(rows.time >= _anchored(rows, which, edge, window)[which])


def _anchored(rows: Readings, which: Ints, edge: Times, window: int) -> Times:
    """Return, per channel, the newest baseline before the whole window of the newest one at or before `edge`.

    As `store.readings.table.ReadingTable.stretch` begins; NEVER where the rows have none.
    """
    at = np.flatnonzero(is_baseline(rows))
    for _ in range(2):
        start = np.full(len(edge), NEVER)
        mine = at[rows.time[at] <= edge[which[at]]]
        np.maximum.at(start, which[mine], rows.time[mine])
        edge = np.where(start > NEVER, start // window * window, NEVER)
    return start
