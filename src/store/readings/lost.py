"""Readings that lost a conflict, as far as somebody asks for them by channel."""

import sqlite3

import numpy as np

from plant.arrays import Ints, Readings, Times
from store.readings.rows import columns_of


def channels_lost(connection: sqlite3.Connection) -> list[int]:
    """Return the channels (database ids) of which any reading lost a conflict."""
    rows = connection.execute("SELECT DISTINCT channel FROM reading_lost ORDER BY 1")
    return [int(number) for (number,) in rows]


def lost_flags(connection: sqlite3.Connection, channel: int) -> tuple[Times, Ints]:
    """Return time and flags of a channel's readings that lost a conflict, by time."""
    rows = connection.execute(
        "SELECT time, flags FROM reading_lost WHERE channel = ? ORDER BY 1, 2", (channel,)
    )
    time, flags = zip(*found, strict=True) if (found := rows.fetchall()) else ((), ())
    return np.array(time, np.int64), np.array(flags, np.int64)


def lost_between(connection: sqlite3.Connection, channel: int, start: int, end: int) -> Readings:
    """Return the readings of a channel (database id) that lost a conflict with start <= time < end [ns UTC], by time and message."""
    rows = connection.execute(
        "SELECT channel, time, value, quality, flags, verdict, boot, correction, message FROM reading_lost"
        " WHERE channel = ? AND time >= ? AND time < ? ORDER BY time, message, value, correction",
        (channel, start, end),
    ).fetchall()
    return columns_of(rows)
