"""What the readings of channels are: the functions by which everybody asks the state for them.

Channels are database ids here, in what is asked and in what is answered; times are ns UTC.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence

from plant.arrays import Readings
from plant.vocabulary import FOREVER, SINCE_EVER
from store.readings.kinds import ANY, ReadingKind
from store.readings.rows import (
    first_row_times,
    last_rows_between,
    newest_rows,
    rows_between,
    rows_from_counting,
)

AT_ONCE = 50_000  # readings of a piece, at most
EVER = FOREVER + 1  # the end of a stretch that takes in all there is


def pieces(
    connection: sqlite3.Connection, channel: int, start: int, end: int, most: int = AT_ONCE
) -> Iterator[Readings]:
    """Yield the readings of a channel with start <= time < end, by time, at most so many at once."""
    part = rows_between(connection, channel, start, end, ANY, most)
    while len(part):
        yield part
        part = rows_between(connection, channel, int(part.time[-1]) + 1, end, ANY, most)


def between(connection: sqlite3.Connection, channel: int, start: int, end: int) -> Readings:
    """Return the readings of a channel with start <= time < end, by time."""
    return rows_between(connection, channel, start, end)


def last_before(
    connection: sqlite3.Connection, channel: int, until: int, kind: ReadingKind, most: int = 1
) -> Readings:
    """Return the last readings of a kind with time <= until, at most so many, by time."""
    return last_rows_between(connection, channel, SINCE_EVER, until + 1, kind, most)


def first_after(
    connection: sqlite3.Connection,
    channel: int,
    after: int,
    kind: ReadingKind,
    most: int = 1,
    until: int = FOREVER,
) -> Readings:
    """Return the first readings of a kind with after < time <= until, at most so many, by time."""
    return rows_between(connection, channel, after + 1, until + 1, kind, most)


def newest(
    connection: sqlite3.Connection, channels: Collection[int], kind: ReadingKind, most: int = 1
) -> Readings:
    """Return the newest readings of a kind of each channel, at most so many of each, by channel and time."""
    return newest_rows(connection, channels, kind, most)


def first_times(
    connection: sqlite3.Connection, channels: Collection[int], kind: ReadingKind
) -> dict[int, int]:
    """Return the time of the first reading of a kind, of those channels that have one."""
    return first_row_times(connection, channels, kind)


def from_counting(connection: sqlite3.Connection, channels: Sequence[int], since: Sequence[int]) -> Readings:
    """Return of each channel what came from its last counting reading at or before its `since` on, by place among them and time."""
    return rows_from_counting(connection, channels, since)


def span(connection: sqlite3.Connection, channel: int) -> tuple[int, int] | None:
    """Return the times of the first and the last reading of a channel, None where there is none."""
    first, last = connection.execute(
        "SELECT (SELECT min(time) FROM reading WHERE channel = ?1), (SELECT max(time) FROM reading WHERE channel = ?1)",
        (channel,),
    ).fetchone()
    return None if first is None else (int(first), int(last))


def count(connection: sqlite3.Connection, channel: int, start: int, end: int) -> int:
    """Return how many readings of a channel there are with start <= time < end."""
    query = "SELECT count(*) FROM reading WHERE channel = ? AND time >= ? AND time < ?"
    return int(connection.execute(query, (channel, start, end)).fetchone()[0])


def channels_read(connection: sqlite3.Connection) -> list[int]:
    """Return the channels that have any reading, whether they are known by name or not."""
    found: list[int] = []
    query = "SELECT min(channel) FROM reading WHERE channel > ?"
    while (row := connection.execute(query, (found[-1] if found else SINCE_EVER,)).fetchone())[0] is not None:
        found.append(row[0])
    return found
