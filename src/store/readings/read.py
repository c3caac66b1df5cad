"""What the readings of channels are: the functions by which everybody asks the state for them.

Readings are rows, and blocks of a day (`store.readings.coding`); a row stands for what a block says of the same channel and
time. Who asks sees neither. Several statements make one answer: ask inside a transaction, or as the one who writes.

Channels are database ids here, in what is asked and in what is answered; times are ns UTC.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Ints, Readings, Times
from plant.vocabulary import FOREVER, NS_PER_DAY, SINCE_EVER
from store.readings.block_rows import (
    block_readings,
    blocks_between,
    damaged_between,
    first_channel,
    last_start,
    newest_of_blocks,
    newest_starts,
    next_start,
)
from store.readings.coding import BlockUnreadable
from store.readings.kinds import ANY, COUNTING, ReadingKind
from store.readings.rows import (
    count_rows,
    first_row_channel,
    first_row_times,
    last_rows_between,
    newest_of_rows,
    newest_row_times,
    newest_rows,
    row_time_after,
    row_time_before,
    rows_between,
    rows_from_counting,
)

AT_ONCE = 50_000  # readings of a piece, at most
EVER = FOREVER + 1  # the end of a stretch that takes in all there is


def pieces(
    connection: sqlite3.Connection, channel: int, start: int, end: int, most: int = AT_ONCE
) -> Iterator[Readings]:
    """Yield the readings of a channel with start <= time < end, by time, at most so many at once."""
    at = start
    for days in _runs(blocks_between(connection, channel, start - NS_PER_DAY + 1, end), most):
        yield from _pieces_of_rows(connection, channel, at, days[0], most)
        at, stop = max(at, days[0]), min(days[-1] + NS_PER_DAY, end)
        found = _merged(connection, channel, days, at, stop)
        yield from (found.take(slice(low, low + most)) for low in range(0, len(found), most))
        at = stop
    yield from _pieces_of_rows(connection, channel, at, end, most)


def between(connection: sqlite3.Connection, channel: int, start: int, end: int) -> Readings:
    """Return the readings of a channel with start <= time < end, by time."""
    days = [day for day, _ in blocks_between(connection, channel, start - NS_PER_DAY + 1, end)]
    return _merged(connection, channel, days, start, end)


def whole_between(connection: sqlite3.Connection, channel: int, start: int, end: int) -> Readings:
    """Do as `between`; raise BlockUnreadable where any of them cannot be read, which is set aside elsewhere."""
    if damaged := damaged_between(connection, channel, start - NS_PER_DAY + 1, end):
        raise BlockUnreadable(damaged)
    if count_rows(connection, channel, start, end) != len(rows_between(connection, channel, start, end)):
        raise BlockUnreadable(f"channel {channel} has rows that cannot be read")
    return between(connection, channel, start, end)


def last_before(
    connection: sqlite3.Connection, channel: int, until: int, kind: ReadingKind, most: int = 1
) -> Readings:
    """Return the last readings of a kind with time <= until, at most so many, by time."""
    parts: list[Readings] = []
    while True:
        day = last_start(connection, channel, until)
        since = SINCE_EVER if day is None else day + NS_PER_DAY
        parts.append(last_rows_between(connection, channel, since, until + 1, kind, most))
        most -= len(parts[-1])
        if day is None or not most:
            break
        found = _merged(connection, channel, [day], day, min(until + 1, since))
        parts.append(found.take(np.flatnonzero(kind.of(found))[-most:]))
        most, until = most - len(parts[-1]), day - 1
        if not most:
            break
    return parts[0] if len(parts) == 1 else Readings.concat(parts[::-1])


def first_after(
    connection: sqlite3.Connection,
    channel: int,
    after: int,
    kind: ReadingKind,
    most: int = 1,
    until: int = FOREVER,
) -> Readings:
    """Return the first readings of a kind with after < time <= until, at most so many, by time."""
    parts, at, end = list[Readings](), after + 1, until + 1
    while True:
        day = next_start(connection, channel, at - NS_PER_DAY + 1)
        stop = end if day is None else min(day, end)
        parts.append(rows_between(connection, channel, at, stop, kind, most))
        most -= len(parts[-1])
        if day is None or day >= end or not most:
            break
        at, stop = max(at, day), min(day + NS_PER_DAY, end)
        found = _merged(connection, channel, [day], at, stop)
        parts.append(found.take(np.flatnonzero(kind.of(found))[:most]))
        most, at = most - len(parts[-1]), stop
        if not most:
            break
    return parts[0] if len(parts) == 1 else Readings.concat(parts)


def newest(
    connection: sqlite3.Connection, channels: Collection[int], kind: ReadingKind, most: int = 1
) -> Readings:
    """Return the newest readings of a kind of each channel, at most so many of each, by channel and time."""
    found = newest_rows(connection, channels, kind, most)
    old = _reaching_into_blocks(connection, channels, found.channel, found.time, most)
    if not old:
        return found
    others = {one: last_before(connection, one, FOREVER, kind, most) for one in old}
    found = _replaced(found, others)
    return found.take(np.lexsort((found.time, found.channel)))


def newest_times(
    connection: sqlite3.Connection, channels: Collection[int], kind: ReadingKind, most: int = 1
) -> tuple[Ints, Times]:
    """Return channel and time of what `newest` returns."""
    channel, time = newest_row_times(connection, channels, kind, most)
    old = _reaching_into_blocks(connection, channels, channel, time, most)
    if not old:
        return channel, time
    others = [last_before(connection, one, FOREVER, kind, most) for one in old]
    kept = ~np.isin(channel, list(old))
    channel = np.concatenate([channel[kept], *(one.channel.astype(np.int64) for one in others)])
    time = np.concatenate([time[kept], *(one.time for one in others)])
    order = np.lexsort((time, channel))
    return channel[order], time[order]


def _reaching_into_blocks(
    connection: sqlite3.Connection,
    channels: Collection[int],
    channel: Ints | NDArray[np.int32],
    time: Times,
    most: int,
) -> set[int]:
    """Return the channels whose newest rows, by channel and time, do not say alone what the newest readings are."""
    blocks = newest_starts(connection, channels)
    if not blocks:
        return set()
    number, first, count = np.unique(channel, return_index=True, return_counts=True)
    rows = zip(number.tolist(), time[first].tolist(), count.tolist(), strict=True)
    enough = {
        one for one, oldest, there in rows if there == most and oldest >= blocks.get(one, 0) + NS_PER_DAY
    }
    return blocks.keys() - enough


def first_times(
    connection: sqlite3.Connection, channels: Collection[int], kind: ReadingKind
) -> dict[int, int]:
    """Return the time of the first reading of a kind, of those channels that have one."""
    found = first_row_times(connection, channels, kind)
    for channel in newest_starts(connection, channels):
        first = first_after(connection, channel, SINCE_EVER, kind)
        found |= dict(zip(first.channel.tolist(), first.time.tolist(), strict=True))
    return found


def from_counting(connection: sqlite3.Connection, channels: Sequence[int], since: Sequence[int]) -> Readings:
    """Return of each channel what came from its last counting reading at or before its `since` on, by place among them and time."""
    found = rows_from_counting(connection, channels, since)
    blocks = newest_starts(connection, channels)
    if not blocks:
        return found
    asked = dict(zip(channels, since, strict=True))
    number, first = np.unique(found.channel, return_index=True)
    heads = found.take(first)
    begins = zip(number.tolist(), heads.time.tolist(), heads.counting.tolist(), strict=True)
    enough = {
        one
        for one, time, counts in begins
        if counts and time <= asked[one] and time >= blocks.get(one, 0) + NS_PER_DAY
    }
    others = {one: _from_counting(connection, one, asked[one]) for one in blocks.keys() - enough}
    found = _replaced(found, others)
    place_of = {channel: place for place, channel in enumerate(channels)}
    place = np.array([place_of[one] for one in found.channel.tolist()], np.int64)
    return found.take(np.lexsort((found.time, place)))


def span(connection: sqlite3.Connection, channel: int) -> tuple[int, int] | None:
    """Return the times of the first and the last reading of a channel, None where there is none."""
    first = first_after(connection, channel, SINCE_EVER - 1, ANY).time
    last = last_before(connection, channel, FOREVER, ANY).time
    return (int(first[0]), int(last[0])) if len(first) and len(last) else None


def count(connection: sqlite3.Connection, channel: int, start: int, end: int) -> int:
    """Return how many readings of a channel there are with start <= time < end."""
    if not blocks_between(connection, channel, start - NS_PER_DAY + 1, end):
        return count_rows(connection, channel, start, end)
    return sum(len(part) for part in pieces(connection, channel, start, end))


def newest_message(connection: sqlite3.Connection, channels: Iterable[int], start: int, end: int) -> int:
    """Return the newest message that brought readings of some channels with start <= time < end, 0 where there are none."""
    found = [0]
    for channel in channels:
        blocks = blocks_between(connection, channel, start - NS_PER_DAY + 1, end)
        edges = [day for day, _ in blocks if day < start or day + NS_PER_DAY > end]
        found += [
            newest_of_rows(connection, channel, start, end),
            newest_of_blocks(connection, channel, start, end - NS_PER_DAY + 1),
        ]
        for day in edges:
            found.append(
                int(
                    between(connection, channel, max(day, start), min(day + NS_PER_DAY, end)).message.max(
                        initial=0
                    )
                )
            )
    return max(found)


def channels_read(connection: sqlite3.Connection) -> list[int]:
    """Return the channels that have any reading, whether they are known by name or not, in order."""
    found: set[int] = set()
    for first in (first_row_channel, first_channel):
        channel = first(connection)
        while channel is not None:
            found.add(channel)
            channel = first(connection, channel)
    return sorted(found)


class OneChannel:
    """The readings of one channel as of one moment, for several questions about it."""

    def __init__(self, connection: sqlite3.Connection, channel: int) -> None:
        self._connection, self._channel = connection, channel
        newest = newest_starts(connection, [channel]).get(channel)
        self._rows_from = SINCE_EVER if newest is None else newest + NS_PER_DAY

    def between(self, start: int, end: int) -> Readings:
        """Do as `between`."""
        if start >= self._rows_from:
            return rows_between(self._connection, self._channel, start, end)
        return between(self._connection, self._channel, start, end)

    def time_before(self, until: int, kind: ReadingKind, back: int = 1) -> int | None:
        """Return the time of the `back`-th reading of a kind at or before a time, counted from there, None without one."""
        time = row_time_before(self._connection, self._channel, until, kind, back)
        if self._rows_from == SINCE_EVER or (time is not None and time >= self._rows_from):
            return time
        found = last_before(self._connection, self._channel, until, kind, back).time
        return int(found[0]) if len(found) == back else None

    def time_after(self, after: int, kind: ReadingKind, on: int = 1) -> int | None:
        """Return the time of the `on`-th reading of a kind later than a time, None without one."""
        if after >= self._rows_from - 1:
            return row_time_after(self._connection, self._channel, after, kind, on)
        found = first_after(self._connection, self._channel, after, kind, on).time
        return int(found[-1]) if len(found) == on else None


def of_day(connection: sqlite3.Connection, channel: int, day: int) -> Readings:
    """Return the readings of a channel of the UTC day that begins at a time, by time."""
    return _merged(connection, channel, [day], day, day + NS_PER_DAY)


def _pieces_of_rows(
    connection: sqlite3.Connection, channel: int, start: int, end: int, most: int
) -> Iterator[Readings]:
    while start < end and len(part := rows_between(connection, channel, start, end, ANY, most)):
        yield part
        start = int(part.time[-1]) + 1


def _runs(blocks: list[tuple[int, int]], most: int) -> Iterator[list[int]]:
    """Yield the starts of blocks, days that follow each other and have about so many readings together."""
    run, readings = list[int](), 0
    for start, count in blocks:
        if run and (start != run[-1] + NS_PER_DAY or readings + count > most):
            yield run
            run, readings = [], 0
        run.append(start)
        readings += count
    if run:
        yield run


def _merged(connection: sqlite3.Connection, channel: int, days: list[int], start: int, end: int) -> Readings:
    """Return what blocks (by their starts) and rows say of [start, end), by time; a row holds against a block."""
    rows = rows_between(connection, channel, start, end)
    if not days:
        return rows
    found = Readings.concat([Readings.empty(), *block_readings(connection, channel, days[0], days[-1])])
    kept = (found.time >= start) & (found.time < end)
    if not len(rows):
        return found.take(kept)
    everything = Readings.concat([found.take(kept & ~np.isin(found.time, rows.time)), rows])
    return everything.take(np.argsort(everything.time))


def _from_counting(connection: sqlite3.Connection, channel: int, since: int) -> Readings:
    before = last_before(connection, channel, since, COUNTING).time
    return between(connection, channel, int(before[0]) if len(before) else since, EVER)


def _replaced(found: Readings, others: Mapping[int, Readings]) -> Readings:
    """Return readings, those of some channels replaced."""
    kept = ~np.isin(found.channel, list(others))
    return Readings.concat([found.take(kept), *others.values()])
