"""How far the journal here and its log agree: one row beside the messages, written in the transaction that takes what it tells of."""

import sqlite3
from typing import NamedTuple

_TABLE = """
CREATE TABLE IF NOT EXISTS log (
    stream TEXT NOT NULL,       -- which log: a name that no other has
    sequence INTEGER NOT NULL,  -- of its last message that is here
    digest BLOB NOT NULL,       -- of that message
    next INTEGER NOT NULL,      -- the first message that the journal had not, after it
    step INTEGER NOT NULL       -- the last step that it had, after it
) STRICT
"""


class LogStanding(NamedTuple):
    """Which log it is, by a name that no other has, and the sequence of its last message."""

    id: str
    last: int


class LogPosition(NamedTuple):
    """The row."""

    stream: str
    sequence: int
    digest: bytes
    next: int
    step: int


def stored_position(connection: sqlite3.Connection) -> LogPosition | None:
    """Return how far they agree, None of a journal that was never in a log."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'log'").fetchone() is None:
        return None
    row = connection.execute("SELECT * FROM log").fetchone()
    return LogPosition(*row) if row else None


def store_position(connection: sqlite3.Connection, position: LogPosition) -> None:
    """Write it down, inside a transaction."""
    connection.execute(_TABLE)
    connection.execute("DELETE FROM log")
    connection.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?)", position)


def forget_position(connection: sqlite3.Connection) -> None:
    """Forget it: the journal was never in a log."""
    connection.execute("DROP TABLE IF EXISTS log")
