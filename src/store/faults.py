"""What is wrong with a file of the state directory, as somebody is told who can do something about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from store.sqlite import is_locked

_OF_THE_CONTENT = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_MISMATCH,
}


class FileFault(Exception):
    """A file of the state directory cannot be used; the text says which, why and what to do."""


class Damaged(FileFault):
    """What stands in a file is not what we wrote."""


class Held(FileFault):
    """Another process holds a file."""


class DiskFailed(FileFault):
    """A file cannot be opened, read or written."""


@contextmanager
def told_of(path: Path, remedy: str) -> Iterator[None]:
    """Raise FileFault for what SQLite, or what a row lacks, says inside; `remedy` is what to do about a damaged file."""
    try:
        yield
    except sqlite3.Error as error:
        raise fault_of(error, path, remedy) from error
    except (ValueError, TypeError, LookupError, msgspec.MsgspecError) as error:
        # Bytes that are no text, and rows that lack what every row has: so a damaged page looks to Python.
        raise Damaged(f"{path} is damaged ({error}): {remedy}") from error


def fault_of(error: sqlite3.Error, path: Path, remedy: str) -> FileFault:
    """Return what an error of SQLite says of a file."""
    if is_locked(error):
        return Held(
            f"{path} is locked by another process: let that end first; `fuser {path}` tells which it is"
        )
    if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _OF_THE_CONTENT:
        return Damaged(f"{path} is damaged ({error}): {remedy}")
    return DiskFailed(f"{path} cannot be opened or written ({error}): see its owner, its rights and the disk")
