"""The audit log: who did what, when and from where; append-only, each row bound to the one before by its hash.

It stands in `keys.sqlite` beside the keys (`store.keys`), so that a change of a key and its row are one transaction, and
apart from the state, which only the line writes. The service and commands may write at the same time.

A chain cannot show that its newest rows were cut off. So each row, once it is committed, has its head (number and hash)
appended to `audit.heads` beside the database: a head whose row is not there is a row that is gone. The file never says
more than the database, because it is written after it.
"""

import logging
import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import msgspec

from store.accounting.ledger import GENESIS
from store.sqlite import KEYS, claim, transaction, uri

LONGEST = 500  # [characters] of a text in a row
BUSY_S = 5.0  # that one writer waits for another
_COLUMNS = "at, who, what, about, old, new, origin"
_HEAD = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")

log = logging.getLogger(__name__)


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


class Head(NamedTuple):
    """The number of a row and its hash, which vouches for every row up to it."""

    id: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.id}:{self.hash.hex()}"


def parse_head(text: str) -> Head:
    """Return the head that a text such as `17:9f86…` writes; raise ValueError for another text."""
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not NUMBER:HASH, as `stackmeter audit` prints it")
    return Head(int(found[1]), bytes.fromhex(found[2]))


class AccessLog:
    """The audit log of a state directory; each use opens the file anew, so that a file that was put back is seen."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, entry: Entry) -> None:
        """Append a row; raise sqlite3.Error where that cannot be."""
        with writing(self.path) as connection:
            append(connection, entry)

    def head(self) -> Head | None:
        """Return the newest row's number and hash; None where there is no row."""
        with opened(self.path) as connection:
            return _newest(connection)

    def check(self) -> None:
        """Look at every page; raise sqlite3.Error where one of them is damaged."""
        with opened(self.path) as connection:
            [(found,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
            if found != "ok":
                raise sqlite3.DatabaseError(found.strip().replace("\n", ": "))
            connection.execute("SELECT 1 FROM key, audit LIMIT 1")  # both are there

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

    def first_lost(self, kept_elsewhere: Iterable[Head] = ()) -> Head | None:
        """Return the first noted head, or one of those kept elsewhere, whose row is not there as it was; None where all are.

        Heads are read before rows, so that a row that is being written meanwhile is not missed.
        """
        heads = sorted({*_noted(heads_file(self.path)), *kept_elsewhere})
        with opened(self.path) as connection:
            there = "SELECT 1 FROM audit WHERE id = ? AND hash = ?"
            return next((head for head in heads if connection.execute(there, head).fetchone() is None), None)

    def lacks_heads(self) -> bool:
        """Return whether there are rows and no file of heads: then nothing here would show that rows were cut off."""
        return not heads_file(self.path).exists() and self.head() is not None


def heads_file(database: Path) -> Path:
    """Return the file of heads beside a file of keys and audit log."""
    return database.with_name("audit.heads")


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
        claim(connection, path, KEYS, (files("store") / "keys.sql").read_text())


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to a file that is there; raise sqlite3.Error where it is not, or what it holds cannot be read."""
    with closing(
        sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None, timeout=BUSY_S)
    ) as connection:
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            yield connection
        except (ValueError, TypeError, LookupError, msgspec.MsgspecError) as error:
            # Bytes that are no text, and rows without what every row has: so a damaged page looks to Python.
            raise sqlite3.DatabaseError(f"{path} is damaged: {error}") from error


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection inside a transaction; once it is committed, the newest row's head is noted."""
    with opened(path) as connection:
        with transaction(connection):
            yield connection
        _note_head(connection, path)


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


def _newest(connection: sqlite3.Connection) -> Head | None:
    row = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    return Head(row[0], bytes(row[1])) if row else None


def _note_head(connection: sqlite3.Connection, database: Path) -> None:
    """Append the newest head to the file of heads, in one write: several processes may, and none needs to take turns."""
    head, file = _newest(connection), heads_file(database)
    if head is None:
        return
    try:
        handle = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            owner = database.stat()
            if owner.st_uid != os.fstat(handle).st_uid:  # made by root: the database's owner is to write on
                os.fchown(handle, owner.st_uid, owner.st_gid)
            # It begins a line of its own, whatever a power cut has left of the one before.
            os.write(handle, f"\n{head}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        # The row itself is on disk; the next one's head vouches for it too.
        log.error("%s cannot be written, so a cut of row %d would not be seen: %s", file, head.id, error)  # noqa: TRY400 - its text says all


def _noted(file: Path) -> list[Head]:
    """Return the heads of a file, none where there is none; what a power cut tore is no head."""
    if not file.exists():
        return []
    return [
        parse_head(line) for line in file.read_text(errors="replace").splitlines() if _HEAD.fullmatch(line)
    ]


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
