"""The audit log: who did what, when and from where; append-only, each row bound to the one before by its hash.

It stands in `keys.sqlite` beside the keys (`store.keys`), so that a change of a key and its row are one transaction, and
apart from the state, which only the line writes. The service and commands may write at the same time.
"""

import os
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import msgspec

from store.ledger import GENESIS
from store.sqlite import KEYS, claim, transaction

LONGEST = 500  # [characters] of a text in a row
BUSY_S = 5.0  # that one writer waits for another
_COLUMNS = "at, who, what, about, old, new, origin"


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """What a row says: `at` [ns UTC], who did what, about what, what was before and what is now, and from where."""

    at: int
    who: str
    what: str
    about: str = ""
    old: str = ""
    new: str = ""
    origin: str = ""


class Actor(NamedTuple):
    """Who does something, and from where."""

    who: str
    origin: str


class Row(msgspec.Struct, frozen=True):
    """A row as it stands."""

    id: int
    entry: Entry
    hash: bytes


class AccessLog:
    """The audit log of a state directory; each use opens the file anew, so that a file that was put back is seen."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, entry: Entry) -> None:
        """Append a row; raise sqlite3.Error where that cannot be."""
        with opened(self.path) as connection, transaction(connection):
            append(connection, entry)

    def rows(
        self, *, who: str | None = None, what: str | None = None, before: int | None = None, most: int = 100
    ) -> list[Row]:
        """Return the newest rows that are all that is asked for, the newest first; `before` is the id of a row."""
        given = {"who = ?": who, "what = ?": what, "id < ?": before}
        wanted = {term: value for term, value in given.items() if value is not None}
        query = f"SELECT id, {_COLUMNS}, hash FROM audit WHERE {' AND '.join(wanted) or '1'} ORDER BY id DESC LIMIT ?"
        with opened(self.path) as connection:
            return [_row(one) for one in connection.execute(query, (*wanted.values(), most)).fetchall()]

    def first_broken(self) -> int | None:
        """Return the id of the first row that does not follow from those before it; None where all do."""
        with opened(self.path) as connection:
            return _first_broken(connection)


def make(path: Path) -> None:
    """Make the file of keys and audit log, readable by its owner alone (0600), where it is missing.

    Raises
    ------
    StateMismatch
        It is another database of ours.
    sqlite3.Error
        It is none.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    with opened(path) as connection:
        with transaction(connection):
            claim(connection, path, KEYS)
        connection.executescript((files("store") / "keys.sql").read_text())


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to a file that is there; raise sqlite3.Error where it is not, or cannot be read."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        yield connection


def append(connection: sqlite3.Connection, entry: Entry) -> None:
    """Append a row inside a transaction; no text in it can break a line or steer a terminal."""
    safe = Entry(entry.at, *(plain(text) for text in msgspec.structs.astuple(entry)[1:]))
    newest = connection.execute("SELECT hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    previous = bytes(newest[0]) if newest else GENESIS
    values = (*msgspec.structs.astuple(safe), previous, _chained(previous, safe))
    connection.execute(f"INSERT INTO audit ({_COLUMNS}, previous, hash) VALUES (?{', ?' * 8})", values)


def plain(text: str) -> str:
    """Return a text in one line, with a visible escape for whatever is not printed, cut at LONGEST characters."""
    shown = "".join(
        c if c == " " or unicodedata.category(c)[0] not in "CZ" else c.encode("unicode_escape").decode()
        for c in text[: LONGEST + 1]
    )
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _chained(previous: bytes, entry: Entry) -> bytes:
    return sha256(previous + msgspec.msgpack.encode(entry)).digest()


def _first_broken(connection: sqlite3.Connection) -> int | None:
    expected = GENESIS
    rows = connection.execute(f"SELECT id, {_COLUMNS}, previous, hash FROM audit ORDER BY id")
    for place, (number, *fields, previous, found) in enumerate(rows, start=1):
        if number != place or previous != expected or found != _chained(previous, Entry(*fields)):
            return place
        expected = found
    return None


def _row(values: Sequence[object]) -> Row:
    number, *fields, row_hash = values
    return msgspec.convert({"id": number, "entry": fields, "hash": row_hash}, Row)
