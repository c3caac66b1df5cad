"""Readings as rows of the table `reading`."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from plant.arrays import Readings
from store.messages.set_aside import set_aside
from store.readings.kinds import ANY, COUNTING, ReadingKind

COLUMNS = "channel, time, value, quality, flags, verdict, boot, correction, message"
_ALL = -1  # as a limit in SQL

Row = tuple[Any, ...]


def rows_between(
    connection: sqlite3.Connection,
    channel: int,
    start: int,
    end: int,
    kind: ReadingKind = ANY,
    most: int = _ALL,
) -> Readings:
    """Return the first rows of a kind with start <= time < end [ns UTC], by time."""
    return _found(
        connection,
        f"channel = ? AND time >= ? AND time < ? AND {kind.where} ORDER BY time LIMIT ?",
        channel,
        start,
        end,
        most,
    )


def last_rows_between(
    connection: sqlite3.Connection, channel: int, start: int, end: int, kind: ReadingKind, most: int
) -> Readings:
    """Return the last rows of a kind with start <= time < end [ns UTC], by time."""
    where = f"channel = ? AND time >= ? AND time < ? AND {kind.where} ORDER BY time DESC LIMIT ?"
    return _found(connection, where, channel, start, end, most).take(slice(None, None, -1))


def newest_rows(
    connection: sqlite3.Connection, channels: Iterable[int], kind: ReadingKind, most: int
) -> Readings:
    """Return the newest rows of a kind of each channel, at most so many of each, by channel and time."""
    rows = connection.execute(
        f"SELECT {_of('r')} FROM json_each(?1) AS c CROSS JOIN reading AS r ON r.channel = c.value AND {kind.where}"
        f" AND time >= coalesce((SELECT time FROM reading WHERE channel = c.value AND {kind.where}"
        " ORDER BY time DESC LIMIT 1 OFFSET ?2), -1 << 62) ORDER BY 1, 2",
        (json.dumps(list(channels)), most - 1),
    ).fetchall()
    return readings_of(connection, rows)


def first_row_times(
    connection: sqlite3.Connection, channels: Iterable[int], kind: ReadingKind
) -> dict[int, int]:
    """Return the time of the first row of a kind [ns UTC], of those channels that have one."""
    rows = connection.execute(
        f"SELECT c.value, (SELECT time FROM reading WHERE channel = c.value AND {kind.where} ORDER BY time LIMIT 1) AS first"
        " FROM json_each(?) AS c WHERE first IS NOT NULL",
        (json.dumps(list(channels)),),
    )
    return dict(rows.fetchall())


def rows_from_counting(
    connection: sqlite3.Connection, channels: Sequence[int], since: Sequence[int]
) -> Readings:
    """Return of each channel its rows from the last counting one at or before its `since` on, by place among them and time."""
    rows = connection.execute(
        "WITH asked AS MATERIALIZED (SELECT key AS place, json_extract(value, '$[0]') AS id,"
        " json_extract(value, '$[1]') AS since FROM json_each(?)),"
        " found AS MATERIALIZED (SELECT place, id, coalesce((SELECT time FROM reading WHERE channel = id AND time <= since"
        f" AND {COUNTING.where} ORDER BY time DESC LIMIT 1), since) AS start FROM asked)"
        f" SELECT {COLUMNS} FROM found CROSS JOIN reading ON channel = id AND time >= start ORDER BY place, time",
        (json.dumps(list(zip(channels, since, strict=True))),),
    ).fetchall()
    return readings_of(connection, rows)


def _found(connection: sqlite3.Connection, where: str, *values: int) -> Readings:
    rows = connection.execute(f"SELECT {COLUMNS} FROM reading WHERE {where}", values).fetchall()
    return readings_of(connection, rows)


def _of(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in COLUMNS.split(", "))


def readings_of(connection: sqlite3.Connection, rows: Sequence[Row]) -> Readings:
    """Return rows, each with `COLUMNS`, as columns; one that cannot be read is set aside, and costs itself."""
    try:
        return _columns(rows)
    except (ValueError, TypeError, OverflowError):  # only now is it worth finding out which
        sound = [row for row in rows if _is_sound(connection, row)]
        return _columns(sound)


def _is_sound(connection: sqlite3.Connection, row: Row) -> bool:
    try:
        _columns([row])
    except (ValueError, TypeError, OverflowError) as error:
        set_aside(connection, "reading", {"channel": row[0], "time": row[1]}, str(error))
        return False
    return True


def _columns(rows: Sequence[Row]) -> Readings:
    if not rows:
        return Readings.empty()
    channel, time, value, quality, flags, verdict, boot, correction, message = zip(*rows, strict=True)
    return Readings(
        channel=np.array(channel, np.int32),
        time=np.array(time, np.int64),
        value=np.array(value, np.float64),
        quality=np.array(quality, np.uint8),
        flags=np.array(flags, np.uint8),
        verdict=np.array(verdict, np.uint8),
        boot=np.array(boot, np.int32),
        correction=np.array(correction, np.int32),
        message=np.array(message, np.int64),
    )
