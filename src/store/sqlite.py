"""How this room opens SQLite, and how it writes many rows in few statements."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROWS_PER_STATEMENT = 400


class NotDurable(Exception):
    """The database did not take the settings without which an acknowledgement would be a lie."""


class StateMismatch(Exception):
    """The files of a state directory do not belong to each other, to this version or to this configuration."""


# Application ids, "SMJ1", "SMS1" and "SMK1".
JOURNAL, STATE, KEYS = 0x534D4A31, 0x534D5331, 0x534D4B31


def claim(connection: sqlite3.Connection, path: Path, kind: int) -> None:
    """Mark a new file as of a kind; raise StateMismatch where it is one of another kind, or somebody else's."""
    found = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if found == kind:
        return
    if found or connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        what = {JOURNAL: "a journal", STATE: "a state", KEYS: "a file of keys"}
        raise StateMismatch(
            f"{path} is {what.get(found, 'another database')}, not {what[kind]}: restore both files under their own names"
        )
    connection.execute(f"PRAGMA application_id = {kind}")


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
    connection.execute("PRAGMA cache_size = -16384")
    # Pages that change at every commit are copied into the database once in 64 MiB of log, not once in 4.
    connection.execute("PRAGMA wal_autocheckpoint = 16384")
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
    connection: sqlite3.Connection, verb: str, rows: Sequence[Sequence[Any]], clause: str = ""
) -> None:
    """Run `verb` (`INSERT … INTO table`), with an ending clause, for all rows; see `write_columns`."""
    if rows:
        write_columns(connection, verb, list(zip(*rows, strict=True)), clause)


def write_columns(
    connection: sqlite3.Connection,
    verb: str,
    columns: Sequence[Sequence[Any]],
    clause: str = "",
    row: str = "",
) -> None:
    """Run `verb` for columns of equal length, hundreds of rows in a statement.

    One statement for many rows lets other threads run while SQLite works; one a row would hand the interpreter
    back and forth at every row. `row` is a row's values in SQL where some are constants; else one `?` a column.
    """
    width, length = len(columns), len(columns[0])
    row = row or f"({', '.join('?' * width)})"
    flat: list[Any] = [None] * (width * length)
    for place, column in enumerate(columns):
        flat[place::width] = column
    for start in range(0, length, ROWS_PER_STATEMENT):
        count = min(ROWS_PER_STATEMENT, length - start)
        values = flat[start * width : (start + count) * width]
        connection.execute(f"{verb} VALUES {', '.join([row] * count)} {clause}", values)
