"""Rows of the table `reading_block`, each the readings of a channel and a day."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple

from plant.arrays import Readings
from plant.vocabulary import SINCE_EVER
from store.messages.set_aside import set_aside
from store.readings.coding import BlockUnreadable, ReadingBlock, decode

_COLUMNS = "channel, start, count, low, high, block"


def last_start(connection: sqlite3.Connection, channel: int, until: int) -> int | None:
    """Return the start of a channel's last block that starts at or before a time [ns UTC]."""
    query = "SELECT max(start) FROM reading_block WHERE channel = ? AND start <= ?"
    return _start(connection, query, channel, until)


def next_start(connection: sqlite3.Connection, channel: int, since: int) -> int | None:
    """Return the start of a channel's first block that starts at or after a time [ns UTC]."""
    query = "SELECT min(start) FROM reading_block WHERE channel = ? AND start >= ?"
    return _start(connection, query, channel, since)


def _start(connection: sqlite3.Connection, query: str, channel: int, time: int) -> int | None:
    found = connection.execute(query, (channel, time)).fetchone()[0]
    return None if found is None else int(found)


def blocks_between(
    connection: sqlite3.Connection, channel: int, start: int, end: int
) -> list[tuple[int, int]]:
    """Return start and count of a channel's blocks that start in [start, end) [ns UTC], in order."""
    return connection.execute(
        "SELECT start, count FROM reading_block WHERE channel = ? AND start >= ? AND start < ? ORDER BY start",
        (channel, start, end),
    ).fetchall()


def newest_of_blocks(connection: sqlite3.Connection, channel: int, start: int, end: int) -> int:
    """Return the newest message of a channel's blocks that start in [start, end) [ns UTC], 0 where there is none."""
    query = "SELECT coalesce(max(high), 0) FROM reading_block WHERE channel = ? AND start >= ? AND start < ?"
    return int(connection.execute(query, (channel, start, end)).fetchone()[0])


def newest_starts(connection: sqlite3.Connection, channels: Iterable[int]) -> dict[int, int]:
    """Return the start of the newest block, of those channels that have one."""
    rows = connection.execute(
        "SELECT c.value, (SELECT max(start) FROM reading_block WHERE channel = c.value) AS newest"
        " FROM json_each(?) AS c WHERE newest IS NOT NULL",
        (json.dumps(list(channels)),),
    )
    return dict(rows.fetchall())


def blocks_after(
    connection: sqlite3.Connection, channel: int, start: int, most: int
) -> list[tuple[int, int]]:
    """Return channel and start of the next blocks of all channels, behind one, in order."""
    return connection.execute(
        "SELECT channel, start FROM reading_block WHERE (channel, start) > (?, ?) ORDER BY 1, 2 LIMIT ?",
        (channel, start, most),
    ).fetchall()


def blocks_by_low(connection: sqlite3.Connection) -> Iterator[tuple[int, int, int]]:
    """Yield the least message, channel and start of all blocks, by the least message."""
    yield from connection.execute("SELECT low, channel, start FROM reading_block ORDER BY 1, 2, 3")


def unreadable_blocks(connection: sqlite3.Connection) -> Iterator[tuple[int, int, str]]:
    """Yield channel and start of each block that cannot be read, and why, in order."""
    for row in connection.execute(f"SELECT {_COLUMNS} FROM reading_block ORDER BY channel, start"):
        try:
            decode(ReadingBlock(*row))
        except BlockUnreadable as error:
            yield row[0], row[1], str(error)


def block_readings(
    connection: sqlite3.Connection, channel: int, first: int, last: int | None = None
) -> list[Readings]:
    """Return the readings of a channel's block that starts at a time [ns UTC], or of all up to one that starts at another.

    A block that cannot be read is set aside, and costs itself.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM reading_block WHERE channel = ? AND start >= ? AND start <= ? ORDER BY start",
        (channel, first, first if last is None else last),
    ).fetchall()
    found = []
    for row in rows:
        try:
            found.append(decode(ReadingBlock(*row)))
        except BlockUnreadable as error:
            set_aside(connection, "reading_block", {"channel": channel, "start": row[1]}, str(error))
    return found


def damaged_between(connection: sqlite3.Connection, channel: int, start: int, end: int) -> str:
    """Return what is wrong with the blocks of a channel that start in [start, end) [ns UTC], "" where nothing is."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM reading_block WHERE channel = ? AND start >= ? AND start < ? ORDER BY start",
        (channel, start, end),
    )
    for row in rows:
        try:
            decode(ReadingBlock(*row))
        except BlockUnreadable as error:
            return f"channel {channel}, day {row[1]}: {error}"
    return ""


def write_block(connection: sqlite3.Connection, block: ReadingBlock) -> None:
    """Insert a block, or replace that of the same day."""
    connection.execute("INSERT OR REPLACE INTO reading_block VALUES (?, ?, ?, ?, ?, ?)", astuple(block))


def first_channel(connection: sqlite3.Connection, after: int = SINCE_EVER) -> int | None:
    """Return the first channel behind one that has a block."""
    query = "SELECT min(channel) FROM reading_block WHERE channel > ?"
    found = connection.execute(query, (after,)).fetchone()[0]
    return None if found is None else int(found)
