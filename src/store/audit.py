"""What a proof of the state reads: every row of it, in order, as of one moment, without writing or waking anybody.

All functions stream: none holds more than a stretch of rows in memory, however long the record is.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from plant.arrays import Floats, Times
from store import blocks
from store.accounting.chain import SUM_FIELDS
from store.accounting.ledger import Entry, raw_changes
from store.messages.groups import GroupUnreadable, digest_of, stored_array
from store.messages.journal import Message
from store.readings.read import span

_LEDGER = "id, at, cause, actor, configuration, journal_from, journal_to, changes, previous, hash"

_messages = msgspec.msgpack.Decoder(list[Message]).decode


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row of the ledger as it stands; nothing of it has been believed yet."""

    id: int
    entry: Entry
    changes: bytes
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class JournalGroup:
    """A group of the journal from offset `first` on; `messages` is None where they cannot be read."""

    first: int
    count: int
    intact: bool  # the digest is that of the messages
    messages: list[Message] | None


@contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a read-only connection that sees the database as it is now, whatever a writer does meanwhile.

    While it is open the writer's log cannot be folded into the file and grows; nothing else is held up.

    Raises
    ------
    sqlite3.Error
        The database is not there, or not readable.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "SELECT 1 FROM sqlite_master LIMIT 1"
        ).fetchone()  # the moment is that of the first read
        yield connection


def count(connection: sqlite3.Connection, table: str) -> int:
    """Return how many rows a table has."""
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def ledger_rows(connection: sqlite3.Connection, table: str = "ledger") -> Iterator[LedgerRow]:
    """Yield a ledger (`ledger`, `regulated_ledger`) in order of its ids."""
    rows = connection.execute(f"SELECT {_LEDGER} FROM {table} ORDER BY id")
    return _ledger_rows(rows, raw_changes if table == "ledger" else bytes)


def ledger_rows_of(connection: sqlite3.Connection, start: int) -> Iterator[LedgerRow]:
    """Yield, newest first, the rows of the ledger that may tell of a window that starts at `start` [ns UTC]."""
    sought = np.array([start], "<i8").tobytes()
    rows = _ledger_rows(connection.execute(f"SELECT {_LEDGER} FROM ledger ORDER BY id DESC"), raw_changes)
    return (row for row in rows if sought in row.changes)


def _ledger_rows(rows: sqlite3.Cursor, raw: Callable[[bytes], bytes]) -> Iterator[LedgerRow]:
    for number, *entry, changes, previous, digest in rows:
        try:
            content = raw(changes)
        except ValueError:
            content = bytes(changes)  # of which whoever proves it says that it is none
        yield LedgerRow(number, Entry(*entry), content, bytes(previous), bytes(digest))


def emission_rows(
    connection: sqlite3.Connection, source: int, start: int, end: int
) -> list[tuple[int, int, bytes]]:
    """Return (hour, revision, block) of a source's hours that start in [start, end)."""
    return connection.execute(
        "SELECT hour, revision, block FROM emission WHERE source = ? AND hour >= ? AND hour < ? ORDER BY hour",
        (source, start, end),
    ).fetchall()


def waiting_rows(
    connection: sqlite3.Connection, source: int, start: int, end: int
) -> list[tuple[int, bytes]]:
    """Return (hour, block as it would be) of a source's hours in [start, end) that wait for approval."""
    return connection.execute(
        "SELECT hour, block FROM pending_emission WHERE source = ? AND hour >= ? AND hour < ? ORDER BY hour",
        (source, start, end),
    ).fetchall()


def total_rows(
    connection: sqlite3.Connection, source: int, level: int, start: int, end: int
) -> tuple[Times, Floats]:
    """Return starts and sums, [rows, 11]: `SUM_FIELDS`, of a source's totals of a level that start in [start, end)."""
    rows = connection.execute(
        f"SELECT start, {', '.join(SUM_FIELDS)} FROM total"
        " WHERE source = ? AND level = ? AND start >= ? AND start < ? ORDER BY start",
        (source, level, start, end),
    ).fetchall()
    sums = np.array([row[1:] for row in rows], np.float64).reshape(-1, len(SUM_FIELDS))
    return np.array([row[0] for row in rows], np.int64), sums


def source_names(connection: sqlite3.Connection) -> dict[int, tuple[str, str, str]]:
    """Return park, facility and name of every source that ever was, by id."""
    rows = connection.execute("SELECT id, park, facility, name FROM source ORDER BY id")
    return {int(number): (park, facility, name) for number, park, facility, name in rows}


def published_span(connection: sqlite3.Connection, source: int) -> tuple[int, int] | None:
    """Return the first and the last start of what is stored of a source, or waits for approval [ns UTC], None where nothing is."""
    first, last = connection.execute(
        "SELECT min(first), max(last) FROM (SELECT min(hour) AS first, max(hour) AS last FROM emission WHERE source = ?1"
        " UNION ALL SELECT min(start), max(start) FROM total WHERE source = ?1"
        " UNION ALL SELECT min(hour), max(hour) FROM pending_emission WHERE source = ?1)",
        (source,),
    ).fetchone()
    return None if first is None else (int(first), int(last))


def channel_number(connection: sqlite3.Connection, park: str, facility: str, name: str) -> int | None:
    """Return the database id of a channel, None of one that was never configured."""
    row = connection.execute(
        "SELECT max(id) FROM channel WHERE park = ? AND facility = ? AND name = ?", (park, facility, name)
    ).fetchone()
    return None if row[0] is None else int(row[0])


def reading_span(
    connection: sqlite3.Connection, park: str, facility: str, name: str
) -> tuple[int, int] | None:
    """Return the times of the first and the last reading of a channel [ns UTC], None where there is none."""
    number = channel_number(connection, park, facility, name)
    return None if number is None else span(connection, number)


def journal_spans(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    """Return the offsets [first, end) that a journal has, in order; between two spans messages are missing."""
    found: list[tuple[int, int]] = []
    for first, size in connection.execute("SELECT first, count FROM journal ORDER BY first"):
        if found and found[-1][1] == first:
            found[-1] = found[-1][0], first + size
        else:
            found.append((first, first + size))
    return found


def next_group(connection: sqlite3.Connection, offset: int) -> int | None:
    """Return the first offset of the journal's first group beyond an offset, None where there is none."""
    row = connection.execute("SELECT min(first) FROM journal WHERE first > ?", (offset,)).fetchone()
    return None if row[0] is None else int(row[0])


def journal_group(connection: sqlite3.Connection, offset: int) -> JournalGroup | None:
    """Return the group of the journal that has an offset, None where none has."""
    row = connection.execute(
        "SELECT first, count, messages, digest FROM journal WHERE first <= ? ORDER BY first DESC LIMIT 1",
        (offset,),
    ).fetchone()
    group = _group(*row) if row else None
    return group if group is not None and offset < group.first + group.count else None


def journal_groups(connection: sqlite3.Connection) -> Iterator[JournalGroup]:
    """Yield the groups of the journal in order, the damaged ones too."""
    for row in connection.execute("SELECT first, count, messages, digest FROM journal ORDER BY first"):
        yield _group(*row)


def journal_groups_from(
    connection: sqlite3.Connection, first: int, end: int | None
) -> Iterator[JournalGroup]:
    """Yield the groups of the journal that begin at or behind one offset, and before another (None: all), in order."""
    for row in connection.execute(
        "SELECT first, count, messages, digest FROM journal WHERE first >= ? AND first < coalesce(?, first + 1) ORDER BY first",
        (first, end),
    ):
        yield _group(*row)


def _group(first: int, size: int, packed: bytes, digest: bytes) -> JournalGroup:
    try:
        array = stored_array(packed)
        messages = _messages(array)
    except (GroupUnreadable, msgspec.DecodeError, msgspec.ValidationError):
        return JournalGroup(int(first), int(size), intact=False, messages=None)
    intact = digest_of(array) == bytes(digest) and len(messages) == size
    return JournalGroup(int(first), int(size), intact, messages)


def block_of(data: bytes, windows: int) -> Floats | None:
    """Return the [windows, fields] array of a stored block, None where it is no such block."""
    return blocks.block_of(data, windows)
