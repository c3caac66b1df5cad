"""All readings in order of the messages that brought them, those that lost a conflict among them."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant.arrays import Floats, Ints, Times

AT_ONCE = 20_000  # rows fetched in one go


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


def readings_by_message(connection: sqlite3.Connection) -> Iterator[StoredReadings]:
    """Yield all readings, also those that lost a conflict, in order of the messages that brought them."""
    columns = "channel, time, value, quality, flags, boot, correction, message"
    rows = connection.execute(
        f"SELECT 0, {columns} FROM reading UNION ALL SELECT 1, {columns} FROM reading_lost ORDER BY message"
    )
    while part := rows.fetchmany(AT_ONCE):
        yield stored_readings(part)


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
    rows.sort(key=lambda row: int(row[-1]))
    return stored_readings(rows)
