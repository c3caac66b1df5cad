"""How this room opens SQLite, and how it writes many rows in few statements."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROWS_PER_STATEMENT = 400


class NotDurable(Exception):
    """The database did not take the settings without which an acknowledgement would be a lie."""


def open_writer(path: Path) -> sqlite3.Connection:
    """Open for writing with WAL and `synchronous=FULL`; raise NotDurable where SQLite refuses either."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=512
    )
    path.chmod(0o600)
    settings = {"journal_mode": "wal", "synchronous": 2}
    for name, wanted in settings.items():
        connection.execute(f"PRAGMA {name} = {wanted}")
        got = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if got != wanted:
            raise NotDurable(f"{path}: PRAGMA {name} is {got!r}, must be {wanted!r}")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cache_size = -65536")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def write_rows(
    connection: sqlite3.Connection, verb: str, width: int, rows: Sequence[Sequence[Any]], clause: str = ""
) -> None:
    """Run `verb` (`INSERT … INTO table`), with an ending clause, for all rows, hundreds in a statement.

    One statement for many rows lets other threads run while SQLite works; one a row would hand the
    interpreter back and forth at every row.
    """
    one = f"({', '.join('?' * width)})"
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        part = rows[start : start + ROWS_PER_STATEMENT]
        connection.execute(
            f"{verb} VALUES {', '.join([one] * len(part))} {clause}", [item for row in part for item in row]
        )
