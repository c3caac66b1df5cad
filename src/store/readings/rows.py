"""Readings as rows of the table `reading`: a row that cannot be read is set aside, and costs itself."""

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from plant.arrays import Ints, Readings, Times
from plant.vocabulary import SINCE_EVER
from store.messages.set_aside import set_aside
from store.readings.kinds import ANY, COUNTING, ReadingKind

ALL = -1  # as a limit in SQL
_COLUMNS = "channel, time, value, quality, flags, verdict, boot, correction, message"
_OF_ROWS = ", ".join(f"r.{name}" for name in _COLUMNS.split(", "))
_KINDS = {
    "typeof(r.{0}) IN ('real', 'integer')": ("value",),
    "typeof(r.{0}) = 'integer' AND r.{0} BETWEEN 0 AND 255": ("quality", "flags", "verdict"),
    "typeof(r.{0}) = 'integer' AND r.{0} BETWEEN -2147483648 AND 2147483647": (
        "channel",
        "boot",
        "correction",
    ),
    "typeof(r.{0}) = 'integer'": ("time", "message"),
}
_IS_SOUND = " AND ".join(check.format(name) for check, names in _KINDS.items() for name in names)

Query = Callable[
    [str], str
]  # from what else must hold of a row r to a statement that gives columns of readings


def rows_between(
    connection: sqlite3.Connection,
    channel: int,
    start: int,
    end: int,
    kind: ReadingKind = ANY,
    most: int = ALL,
) -> Readings:
    """Return the first rows of a kind with start <= time < end [ns UTC], by time."""
    return _rows(connection, channel, start, end, kind, most, "")


def last_rows_between(
    connection: sqlite3.Connection, channel: int, start: int, end: int, kind: ReadingKind, most: int
) -> Readings:
    """Return the last rows of a kind with start <= time < end [ns UTC], by time."""
    return _rows(connection, channel, start, end, kind, most, "DESC").take(slice(None, None, -1))


def _rows(
    connection: sqlite3.Connection,
    channel: int,
    start: int,
    end: int,
    kind: ReadingKind,
    most: int,
    order: str,
) -> Readings:
    return _readings(
        connection,
        lambda sound: (
            f"SELECT {_OF_ROWS} FROM reading AS r WHERE channel = ? AND time >= ? AND time < ? AND {kind.where} AND {sound}"
            f" ORDER BY time {order} LIMIT ?"
        ),
        (channel, start, end, most),
    )


def newest_rows(
    connection: sqlite3.Connection, channels: Collection[int], kind: ReadingKind, most: int
) -> Readings:
    """Return the newest rows of a kind of each channel, at most so many of each, by channel and time."""
    return _readings(
        connection,
        lambda sound: (
            f"SELECT {_OF_ROWS} FROM json_each(?1) AS c CROSS JOIN reading AS r ON r.channel = c.value AND {kind.where}"
            f" AND {sound} AND time >= coalesce((SELECT time FROM reading AS r WHERE channel = c.value AND {kind.where}"
            f" AND {sound} ORDER BY time DESC LIMIT 1 OFFSET ?2), {SINCE_EVER}) ORDER BY 1, 2"
        ),
        (json.dumps(list(channels)), most - 1),
    )


def newest_row_times(
    connection: sqlite3.Connection, channels: Collection[int], kind: ReadingKind, most: int
) -> tuple[Ints, Times]:
    """Return channel and time of what `newest_rows` returns."""
    rows = connection.execute(
        f"SELECT r.channel, r.time FROM json_each(?1) AS c CROSS JOIN reading AS r ON r.channel = c.value AND {kind.where}"
        f" AND time >= coalesce((SELECT time FROM reading WHERE channel = c.value AND {kind.where}"
        f" ORDER BY time DESC LIMIT 1 OFFSET ?2), {SINCE_EVER}) ORDER BY 1, 2",
        (json.dumps(list(channels)), most - 1),
    ).fetchall()
    channel, time = np.array(rows, np.int64).reshape(-1, 2).T
    return channel, time


def row_time_before(
    connection: sqlite3.Connection, channel: int, until: int, kind: ReadingKind, back: int
) -> int | None:
    """Return the time of the `back`-th row of a kind at or before a time [ns UTC], counted from there, None without one."""
    where = f"channel = ? AND time <= ? AND {kind.where} ORDER BY time DESC LIMIT 1 OFFSET ?"
    row = connection.execute(f"SELECT time FROM reading WHERE {where}", (channel, until, back - 1)).fetchone()
    return int(row[0]) if row else None


def row_time_after(
    connection: sqlite3.Connection, channel: int, after: int, kind: ReadingKind, on: int
) -> int | None:
    """Return the time of the `on`-th row of a kind later than a time [ns UTC], None without one."""
    where = f"channel = ? AND time > ? AND {kind.where} ORDER BY time LIMIT 1 OFFSET ?"
    row = connection.execute(f"SELECT time FROM reading WHERE {where}", (channel, after, on - 1)).fetchone()
    return int(row[0]) if row else None


def rows_from_counting(
    connection: sqlite3.Connection, channels: Sequence[int], since: Sequence[int]
) -> Readings:
    """Return of each channel its rows from the last counting one at or before its `since` on, by place among them and time."""
    return _readings(
        connection,
        lambda sound: (
            "WITH asked AS MATERIALIZED (SELECT key AS place, json_extract(value, '$[0]') AS id,"
            " json_extract(value, '$[1]') AS since FROM json_each(?)),"
            " found AS MATERIALIZED (SELECT place, id, coalesce((SELECT time FROM reading AS r WHERE channel = id"
            f" AND time <= since AND {COUNTING.where} AND {sound} ORDER BY time DESC LIMIT 1), since) AS start FROM asked)"
            f" SELECT {_OF_ROWS} FROM found CROSS JOIN reading AS r ON channel = id AND time >= start AND {sound}"
            " ORDER BY place, time"
        ),
        (json.dumps(list(zip(channels, since, strict=True))),),
    )


def first_row_times(
    connection: sqlite3.Connection, channels: Collection[int], kind: ReadingKind
) -> dict[int, int]:
    """Return the time of the first row of a kind [ns UTC], of those channels that have one."""
    rows = connection.execute(
        f"SELECT c.value, (SELECT time FROM reading WHERE channel = c.value AND {kind.where} ORDER BY time LIMIT 1) AS first"
        " FROM json_each(?) AS c WHERE first IS NOT NULL",
        (json.dumps(list(channels)),),
    )
    return dict(rows.fetchall())


def row_span(connection: sqlite3.Connection, channel: int, since: int = SINCE_EVER) -> tuple[int, int] | None:
    """Return the times of a channel's first and last row from a time on [ns UTC], None where there is none."""
    first, last = connection.execute(
        "SELECT (SELECT min(time) FROM reading WHERE channel = ?1 AND time >= ?2),"
        " (SELECT max(time) FROM reading WHERE channel = ?1 AND time >= ?2)",
        (channel, since),
    ).fetchone()
    return None if first is None else (int(first), int(last))


def count_rows(connection: sqlite3.Connection, channel: int, start: int, end: int) -> int:
    """Return how many rows a channel has with start <= time < end [ns UTC]."""
    query = "SELECT count(*) FROM reading WHERE channel = ? AND time >= ? AND time < ?"
    return int(connection.execute(query, (channel, start, end)).fetchone()[0])


def newest_of_rows(connection: sqlite3.Connection, channel: int, start: int, end: int) -> int:
    """Return the newest message that brought rows of a channel with start <= time < end [ns UTC], 0 where there is none."""
    query = "SELECT coalesce(max(message), 0) FROM reading WHERE channel = ? AND time >= ? AND time < ?"
    return int(connection.execute(query, (channel, start, end)).fetchone()[0])


def first_row_channel(connection: sqlite3.Connection, after: int = SINCE_EVER) -> int | None:
    """Return the first channel behind one that has a row."""
    found = connection.execute("SELECT min(channel) FROM reading WHERE channel > ?", (after,)).fetchone()[0]
    return None if found is None else int(found)


def delete_rows(connection: sqlite3.Connection, channel: int, start: int, end: int) -> None:
    """Delete the rows of a channel with start <= time < end [ns UTC]."""
    connection.execute(
        "DELETE FROM reading WHERE channel = ? AND time >= ? AND time < ?", (channel, start, end)
    )


def unreadable_rows(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    """Return channel and time of each row that cannot be read, in order."""
    return connection.execute(
        f"SELECT channel, time FROM reading AS r WHERE NOT ({_IS_SOUND}) ORDER BY 1, 2"
    ).fetchall()


def _readings(connection: sqlite3.Connection, query: Query, values: tuple[Any, ...]) -> Readings:
    rows = connection.execute(query("TRUE"), values).fetchall()
    try:
        return columns_of(rows)
    except (ValueError, TypeError, OverflowError):  # only now is it worth finding out which
        for row in rows:
            _set_aside_unsound(connection, row)
        return columns_of(connection.execute(query(_IS_SOUND), values).fetchall())


def _set_aside_unsound(connection: sqlite3.Connection, row: tuple[Any, ...]) -> None:
    try:
        columns_of([row])
    except (ValueError, TypeError, OverflowError) as error:
        set_aside(connection, "reading", {"channel": row[0], "time": row[1]}, str(error))


def columns_of(rows: Sequence[tuple[Any, ...]]) -> Readings:
    """Return rows of readings as columns; raise ValueError, TypeError or OverflowError where one is none."""
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
