"""All readings in order of the messages that brought them, those that lost a conflict among them."""

import heapq
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant.arrays import Floats, Ints, Readings, Times
from plant.vocabulary import FOREVER, NS_PER_DAY
from store.readings.block_rows import block_readings, blocks_by_low
from store.readings.rows import rows_between

AT_ONCE = 200_000  # readings of a part, about: those of one message are not parted
ROWS_AT_ONCE = 20_000
FEW = 256  # messages of the first part


@dataclass(frozen=True, slots=True)
class StoredReadings:
    """Readings in order of their messages, as they are stored; channels and boots are database ids."""

    lost: Ints  # 1 where the row is of `reading_lost`
    channel: Ints
    time: Times
    value: Floats
    quality: Ints
    flags: Ints
    boot: Ints
    correction: Ints
    message: Ints

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Any) -> "StoredReadings":
        """Return the rows that an index array, a mask or a slice names."""
        return StoredReadings(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def concat(cls, parts: Sequence["StoredReadings"]) -> "StoredReadings":
        """Return all rows of all parts, in their order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    @classmethod
    def of(cls, readings: Readings) -> "StoredReadings":
        """Return readings of which none lost a conflict."""
        columns = (getattr(readings, name) for name in cls.__slots__[1:])
        typed = (column if column.dtype == np.float64 else column.astype(np.int64) for column in columns)
        return cls(np.zeros(len(readings), np.int64), *typed)


def readings_by_message(connection: sqlite3.Connection) -> Iterator[StoredReadings]:
    """Yield all readings, also those that lost a conflict, in order of the messages that brought them.

    Rows and blocks are taken by ranges of messages; a block is read again for each range that it has messages of.
    """
    rows, blocks = _RowsByMessage(connection), _BlocksByMessage(connection)
    messages = FEW
    while (first := min(rows.first, blocks.first)) < FOREVER:
        end = first + messages
        part = StoredReadings.concat([rows.before(end), blocks.before(end)])
        yield part.take(np.argsort(part.message, kind="stable"))
        messages = max(1, messages // 2 if len(part) > AT_ONCE else messages * 2)


class _RowsByMessage:
    """Rows in order of their messages; `first` is the next message that has any, `FOREVER` behind the last."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        columns = "channel, time, value, quality, flags, boot, correction, message"
        self._rows = connection.execute(
            f"SELECT 0, {columns} FROM reading UNION ALL SELECT 1, {columns} FROM reading_lost ORDER BY message"
        )
        self._ahead = stored_readings([])
        self._look()

    def before(self, end: int) -> StoredReadings:
        """Return the rows of the messages before one that were not given yet."""
        parts = [stored_readings([])]
        while self.first < end:
            parts.append(self._ahead.take(self._ahead.message < end))
            self._ahead = self._ahead.take(slice(len(parts[-1]), None))
            self._look()
        return StoredReadings.concat(parts)

    def _look(self) -> None:
        if not len(self._ahead):
            self._ahead = stored_readings(self._rows.fetchmany(ROWS_AT_ONCE))
        self.first = int(self._ahead.message[0]) if len(self._ahead) else FOREVER


class _BlocksByMessage:
    """Readings of blocks in order of their messages; `first` as of rows, or a message before that.

    Each block that is begun, and has more, waits for its next message.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._unread = blocks_by_low(connection)
        self._next = next(self._unread, None)
        self._waiting: list[tuple[int, int, int]] = []  # a heap of (next message, channel, start)
        self._look()

    def before(self, end: int) -> StoredReadings:
        """Return the readings of the messages before one that were not given yet."""
        parts = [stored_readings([])]
        while self.first < end:
            message, channel, start = heapq.heappop(self._waiting)
            found = self._readings(channel, start)
            found = found.take(found.message >= message)
            later = found.message >= end
            if later.any():
                heapq.heappush(self._waiting, (int(found.message[later].min()), channel, start))
            parts.append(StoredReadings.of(found.take(~later)))
            self._look()
        return StoredReadings.concat(parts)

    def _look(self) -> None:
        """See to it that the block with the least next message is the first that waits."""
        while self._next is not None and (not self._waiting or self._next[0] <= self._waiting[0][0]):
            heapq.heappush(self._waiting, self._next)
            self._next = next(self._unread, None)
        self.first = self._waiting[0][0] if self._waiting else FOREVER

    def _readings(self, channel: int, start: int) -> Readings:
        """Return what a block says and no row says otherwise."""
        rows = rows_between(self._connection, channel, start, start + NS_PER_DAY)
        found = Readings.concat([Readings.empty(), *block_readings(self._connection, channel, start)])
        return found.take(~np.isin(found.time, rows.time))


def stored_readings(rows: Sequence[Sequence[Any]]) -> StoredReadings:
    """Return rows of `reading` (0) and `reading_lost` (1), each with its columns but for the verdict, as columns."""
    lost, channel, time, value, *rest = zip(*rows, strict=True) if rows else [()] * 9
    quality, flags, boot, correction, message = (np.array(column, np.int64) for column in rest)
    return StoredReadings(
        lost=np.array(lost, np.int64),
        channel=np.array(channel, np.int64),
        time=np.array(time, np.int64),
        value=np.array(value, np.float64),
        quality=quality,
        flags=flags,
        boot=boot,
        correction=correction,
        message=message,
    )


def stored_at(connection: sqlite3.Connection, keys: Sequence[tuple[int, int]]) -> StoredReadings:
    """Return all stored readings of some (channel, time), those that lost a conflict too, in order of their messages."""
    columns = "r.channel, r.time, r.value, r.quality, r.flags, r.boot, r.correction, r.message"
    wanted, rows = json.dumps(keys), list[tuple[Any, ...]]()
    for lost, table in enumerate(("reading", "reading_lost")):
        rows += connection.execute(
            f"SELECT {lost}, {columns} FROM json_each(?) AS k CROSS JOIN {table} AS r"
            " ON r.channel = k.value ->> 0 AND r.time = k.value ->> 1",
            (wanted,),
        )
    there = {(channel, time) for lost, channel, time, *_ in rows if not lost}
    times: dict[tuple[int, int], list[int]] = defaultdict(list)
    for channel, time in keys:
        if (channel, time) not in there:
            times[channel, time // NS_PER_DAY * NS_PER_DAY].append(time)
    parts = [stored_readings(rows)]
    for day, sought in times.items():
        blocks = block_readings(connection, *day)
        parts += [StoredReadings.of(one.take(np.isin(one.time, sought))) for one in blocks]
    everything = StoredReadings.concat(parts)
    return everything.take(np.argsort(everything.message, kind="stable"))
