"""Stored rows that cannot be read are set aside by name: what needs them goes on without, and somebody can look at them.

A row that was set aside is out of its table, or has only what could be read of it there; what it held is kept beside it.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from plant.vocabulary import NS_PER_DAY

SHOWN = 7 * NS_PER_DAY  # for how long it is stated that a row was set aside
_LONGEST = 300  # characters of a reason


@dataclass(frozen=True, slots=True)
class AsideRow:
    """A row that was set aside: of which table, its key, why, and when [ns UTC]."""

    table: str
    key: Mapping[str, Any]
    reason: str
    at: int

    def __str__(self) -> str:
        named = ", ".join(f"{name} {value}" for name, value in self.key.items())
        return f"{self.table} {named}: {self.reason}"


def set_aside(connection: sqlite3.Connection, table: str, key: Mapping[str, Any], reason: str) -> None:
    """Take a row out of its table and keep it; where the connection may only read, whoever writes will do it."""
    _change(connection, table, key, reason, f"DELETE FROM {table}")


def mend(connection: sqlite3.Connection, table: str, key: Mapping[str, Any], reason: str, how: str) -> None:
    """Keep a row as it was, and put into its table what is safe instead, as SQL says it."""
    _change(connection, table, key, reason, f"UPDATE {table} SET {how}")


def rows_aside(connection: sqlite3.Connection, since: int = 0) -> list[AsideRow]:
    """Return the rows that were set aside since a time [ns UTC], the newest first."""
    rows = connection.execute(
        'SELECT "table", key, reason, at FROM set_aside WHERE at >= ? ORDER BY at DESC, 1, 2', (since,)
    )
    return [AsideRow(table, json.loads(key), reason, at) for table, key, reason, at in rows]


def _change(
    connection: sqlite3.Connection, table: str, key: Mapping[str, Any], reason: str, change: str
) -> None:
    named = [
        (f'CAST("{name}" AS BLOB)' if isinstance(value, bytes) else f'"{name}"')
        for name, value in key.items()
    ]
    where, values = f"WHERE {' AND '.join(f'{name} IS ?' for name in named)}", tuple(key.values())
    with any_text(connection):
        content = connection.execute(f"SELECT * FROM {table} {where}", values).fetchone()
    row = (
        table,
        json.dumps(key, default=_shown),
        reason[:_LONGEST],
        time.time_ns(),
        msgspec.msgpack.encode(content),
    )
    connection.execute("SAVEPOINT set_aside")
    try:
        connection.execute("INSERT OR REPLACE INTO set_aside VALUES (?, ?, ?, ?, ?)", row)
        connection.execute(f"{change} {where}", values)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise
    finally:
        connection.execute("RELEASE set_aside")


@contextmanager
def any_text(connection: sqlite3.Connection) -> Iterator[None]:
    """Read text as bytes: Python refuses what is no UTF-8 in a row."""
    before, connection.text_factory = connection.text_factory, bytes
    try:
        yield
    finally:
        connection.text_factory = before


def _shown(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
