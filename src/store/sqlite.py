"""How this room opens SQLite, and how it writes many rows in few statements."""

import errno
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROWS_PER_STATEMENT = 400
TURN_EVERY_S = 0.005  # so often a turn to write is asked for


class NotDurable(Exception):
    """The database did not take the settings without which an acknowledgement would be a lie."""


class StateMismatch(Exception):
    """The files of a state directory do not belong to each other, to this version or to this configuration."""


_OF_THE_DISK = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY}
)
# What a statement or its values provoke; every other error is of the disk, the file or whoever else has it open.
_OF_A_STATEMENT = frozenset(
    (
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
    )
)
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def is_disk_fault(error: BaseException) -> bool:
    """Tell whether SQLite says that the disk, or what stands on it, is broken; a lock or a full volume will pass."""
    kind = _kind(error)
    return kind in _OF_THE_DISK or (kind == sqlite3.SQLITE_CANTOPEN and not _is_out_of_files())


def is_locked(error: BaseException) -> bool:
    """Tell whether SQLite says that somebody else holds the database."""
    return _kind(error) in _LOCKED


def passing(error: sqlite3.OperationalError) -> str:
    """Return what keeps a transaction from being written for now, "" where it will not pass by itself."""
    if is_locked(error):
        return "state.db is locked by another process"
    return "no room for the state" if error.sqlite_errorcode == sqlite3.SQLITE_FULL else ""


def is_of_the_file(error: BaseException) -> bool:
    """Tell whether SQLite complains of the file, its disk or a lock, and not of what was to be read or written."""
    kind = _kind(error)
    return isinstance(error, sqlite3.Error) and kind is not None and kind not in _OF_A_STATEMENT


def _kind(error: BaseException) -> int | None:
    """Return SQLite's primary result code, None where the error is none of SQLite's own."""
    code = getattr(error, "sqlite_errorcode", None)  # what Python's module finds wrong by itself has none
    return None if code is None else code & 0xFF


def _is_out_of_files() -> bool:
    """Tell whether this process, or the machine, may open no further file: SQLite calls that CANTOPEN too."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


# Application ids, "SMJ1", "SMS1", "SMK1" and "SMF1".
JOURNAL, STATE, KEYS, FEEDS = 0x534D4A31, 0x534D5331, 0x534D4B31, 0x534D4631


def claim(connection: sqlite3.Connection, path: Path, kind: int, script: str) -> None:
    """Make what a new file is to hold, all or nothing; raise StateMismatch where it is of another kind, or somebody else's."""
    found = int(connection.execute("PRAGMA application_id").fetchone()[0])
    is_made = connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None
    if found != kind and (found or is_made):
        what = {JOURNAL: "a journal", STATE: "a state", KEYS: "a file of keys", FEEDS: "a file of feeds"}
        raise StateMismatch(
            f"{path} is {what.get(found, 'another database')}, not {what[kind]}: restore both files under their own names"
        )
    if not is_made:
        connection.executescript(f"BEGIN IMMEDIATE;\nPRAGMA application_id = {kind};\n{script};\nCOMMIT;")


def uri(path: Path, mode: str) -> str:
    """Return how SQLite is told a file and `ro` or `rw`; a path may hold what means something in it, such as # and ?."""
    return f"{path.absolute().as_uri()}?mode={mode}"


# What a commit waits for: that the disk has it, or only that no power cut can leave half of it.
FULL, NORMAL = 2, 1


def open_state(path: Path) -> sqlite3.Connection:
    """Open state.db for writing, as `open_writer`; no commit waits for the disk.

    After a power cut it may be older than what was committed to it, and never half of it: what it lacks is done again from
    the journal, whose messages and steps are safe before.
    """
    return open_writer(path, NORMAL)


def open_writer(path: Path, synchronous: int = FULL) -> sqlite3.Connection:
    """Open for writing with WAL, and with commits as told; raise NotDurable where SQLite refuses either."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=512
    )
    path.chmod(0o600)
    settings = {"journal_mode": "wal", "synchronous": synchronous}
    for name, wanted in settings.items():
        connection.execute(f"PRAGMA {name} = {wanted}")
        got = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if got != wanted:
            raise NotDurable(f"{path}: PRAGMA {name} is {got!r}, must be {wanted!r}")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cache_size = -16384")
    # A write needs no further file, so none that cannot be had, or has no room, can fail it.
    connection.execute("PRAGMA temp_store = MEMORY")
    # Pages that change at every commit are copied into the database once in 64 MiB of log, not once in 4.
    connection.execute("PRAGMA wal_autocheckpoint = 16384")
    return connection


def be_brisk(connection: sqlite3.Connection) -> None:
    """Wait for other writers no longer than a second at a time, so that whoever waits can say so."""
    connection.execute("PRAGMA busy_timeout = 1000")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    with committed(connection):
        yield


@contextmanager
def one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all that a connection reads in the block be of the same moment, whatever a writer does meanwhile."""
    connection.execute("BEGIN")
    with committed(connection):
        yield


@contextmanager
def committed(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit a transaction that has begun, all or nothing."""
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def in_turn(connection: sqlite3.Connection, patience: float) -> Iterator[bool]:
    """Hold a transaction for the block; give False, and no transaction, where nobody let us in for so long [s].

    For connections without a busy timeout. SQLite's own waiting looks ever more seldom, and a writer that hardly rests
    leaves little time between two transactions.
    """
    until = time.monotonic() + patience
    while not _begun(connection):
        if time.monotonic() >= until:
            yield False
            return
        time.sleep(TURN_EVERY_S)
    with committed(connection):
        yield True


def _begun(connection: sqlite3.Connection) -> bool:
    """Begin to write, and return whether that was possible."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not is_locked(error):
            raise
        return False
    return True


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
