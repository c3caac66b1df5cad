"""The newest readings of some channels in memory, sorted by channel and time, as the state has them.

A cache and nothing more: where what came does not simply stand beside what was there, the channel is read again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from alerts.judging.histories import History
from plant.arrays import Bools, Floats, Ints, Times
from plant.vocabulary import NEVER

_SPARE = 4096  # readings beyond a quarter more than were needed, before those that are not needed any more go


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings of channels as columns of equal length; `place` numbers the channel within the pool."""

    place: Ints
    time: Times
    value: Floats
    counting: Bools

    def take(self, rows: Ints | Bools) -> Self:
        """Return the rows that an index array or a mask names."""
        return type(self)(self.place[rows], self.time[rows], self.value[rows], self.counting[rows])

    @classmethod
    def concat(cls, parts: list["Rows"]) -> Self:
        """Return all rows of all parts, in their order."""
        columns = [np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__]
        return cls(*columns)

    @classmethod
    def empty(cls) -> Self:
        """Return no rows."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, bool))


@dataclass(frozen=True, slots=True)
class Sorted:
    """Counting readings by channel and time; those of channel `p` are rows `bounds[p]` to `bounds[p + 1]`."""

    bounds: Ints
    time: Times
    value: Floats

    def after(self, place: Ints, time: int) -> Ints:
        """Return for each channel its first row later than a time; the channel's end where none is, as it mostly is."""
        low, high = self.bounds[place], self.bounds[place + 1]
        search = np.flatnonzero(high > low)
        search = search[self.time[high[search] - 1] > time]
        if len(search):
            high[search] = _bisect(self.time, low[search], high[search], time)
        return high

    def latest(self, place: Ints, now: int) -> tuple[Times, Floats]:
        """Return time and value of each channel's newest reading at or before an instant; `NEVER` and NaN where none is."""
        if not len(self.time):
            return np.full(len(place), NEVER), np.full(len(place), np.nan)
        row = self.after(place, now) - 1
        found = row >= self.bounds[place]
        return np.where(found, self.time[row], NEVER), np.where(found, self.value[row], np.nan)

    def history(self, place: Ints, now: int, span: int) -> History:
        """Return the readings in (now - span, now], and of each channel the last one before."""
        stop = self.after(place, now)
        first = self.after(place, now - span)
        first -= first > self.bounds[place]
        count = stop - first
        run = np.repeat(np.arange(len(place)), count)
        rows = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(len(run))
        return History(run, self.time[rows], self.value[rows])


Load = Callable[[Ints], Rows]


class ReadingPool:
    """Keeps of every channel its readings from a time on, and the last counting one before."""

    def __init__(self, channels: int, load: Load) -> None:
        """Start unread; `load` reads from the state what is needed of channels, sorted by channel and time."""
        self._count, self._load = channels, load
        self.forget()

    def forget(self) -> None:
        """Know nothing; the next `settle` reads the state."""
        self._rows: Rows | None = None
        self._waiting: list[Rows] = []
        self._trimmed = 0
        self._counting: Sorted | None = None

    def add(self, rows: Rows) -> None:
        """Take readings as they came, in any order, known ones too; `settle` sorts them in."""
        if self._rows is not None and len(rows.time):
            self._waiting.append(rows)

    def settle(self, since: Times) -> Sorted:
        """Return the counting readings, without most of those that are not needed from `since` [by channel, ns UTC] on."""
        if self._rows is None:
            self._rows = self._load(np.arange(self._count))
            self._trimmed, self._counting = len(self._rows.time), None
        if self._waiting:
            self._sort_in(in_order(Rows.concat(self._waiting)))
            self._waiting, self._counting = [], None
        if len(self._rows.time) > self._trimmed + self._trimmed // 4 + _SPARE:
            self._trim(self._rows, since)
        if self._counting is None:
            mine = self._rows if self._rows.counting.all() else self._rows.take(self._rows.counting)
            self._counting = Sorted(self._bounds(mine.place), mine.time, mine.value)
        return self._counting

    def _bounds(self, place: Ints) -> Ints:
        return np.append(0, np.cumsum(np.bincount(place, minlength=self._count)))

    def _sort_in(self, new: Rows) -> None:
        """Put readings at their places; of a channel where two say different things the state knows which counts."""
        rows = self._rows or Rows.empty()
        is_repeat = _like_the_one_before(new)
        doubtful = [new.place[~is_repeat & _at_the_time_before(new)]]
        new = new.take(~_at_the_time_before(new))
        bounds = self._bounds(rows.place)
        at = _bisect(rows.time, bounds[new.place], bounds[new.place + 1], new.time - 1)
        known = np.flatnonzero(at < bounds[new.place + 1])
        known = known[rows.time[at[known]] == new.time[known]]
        old, again = rows.take(at[known]), new.take(known)
        doubtful.append(old.place[(old.value != again.value) | (old.counting != again.counting)])
        fresh = np.ones(len(new.time), bool)
        fresh[known] = False
        self._rows = _inserted(rows, at[fresh], new.take(fresh))
        self._read_again(np.unique(np.concatenate(doubtful)))

    def _read_again(self, places: Ints) -> None:
        if len(places) and self._rows is not None:
            others = self._rows.take(~np.isin(self._rows.place, places))
            loaded = self._load(places)
            self._rows = _inserted(others, self._bounds(others.place)[loaded.place + 1], loaded)

    def _trim(self, rows: Rows, since: Times) -> None:
        """Drop what is older than the last counting reading at or before each channel's time."""
        newest = np.full(self._count, NEVER)
        before = rows.counting & (rows.time <= since[rows.place])
        np.maximum.at(newest, rows.place[before], rows.time[before])
        self._rows = rows.take(rows.time >= newest[rows.place])
        self._trimmed, self._counting = len(self._rows.time), None


def in_order(rows: Rows) -> Rows:
    """Return rows by place and time."""
    return rows.take(np.lexsort((rows.time, rows.place)))


def _at_the_time_before(rows: Rows) -> Bools:
    """Whether each row is of the channel and time of the row before it."""
    same = (rows.place[1:] == rows.place[:-1]) & (rows.time[1:] == rows.time[:-1])
    return np.append(np.zeros(min(1, len(rows.time)), bool), same)


def _like_the_one_before(rows: Rows) -> Bools:
    """Whether each row says what the row before it says, if it is of the same channel and time."""
    same = (rows.value[1:] == rows.value[:-1]) & (rows.counting[1:] == rows.counting[:-1])
    return np.append(np.zeros(min(1, len(rows.time)), bool), same) & _at_the_time_before(rows)


def _inserted(rows: Rows, at: Ints, new: Rows) -> Rows:
    """Return sorted rows with others put in, each before the row that `at` names; `at` never descends."""
    if not len(at):
        return rows
    place = at + np.arange(len(at))
    old = np.ones(len(rows.time) + len(at), bool)
    old[place] = False
    columns = []
    for name in Rows.__slots__:
        was = getattr(rows, name)
        column = np.empty(len(old), was.dtype)
        column[old], column[place] = was, getattr(new, name)
        columns.append(column)
    return Rows(*columns)


def _bisect(time: Times, low: Ints, high: Ints, wanted: Times | int) -> Ints:
    """Return the first row later than `wanted` in each stretch [low, high) of sorted times, else its end."""
    low, high = low.copy(), high.copy()
    if not len(time):
        return low
    last = len(time) - 1
    while (low < high).any():
        middle = (low + high) // 2
        is_later = time[np.minimum(middle, last)] > wanted
        is_open = low < high
        high = np.where(is_open & is_later, middle, high)
        low = np.where(is_open & ~is_later, middle + 1, low)
    return low
