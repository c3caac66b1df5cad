"""Which months and which messages the archive has: decided by who wrote and read them back, journalled, and taken by the line in its turn."""

import sqlite3
from dataclasses import dataclass

import msgspec

from store.messages.journal import DECISION, Message

TOPIC = b"$stackmeter/archived"  # no subscription of ours matches it


class ArchiveFile(msgspec.Struct, frozen=True):
    """A file of the archive: its name there, the SHA-256 of its bytes in hexadecimal, and how many these are."""

    name: str
    sha256: str
    size: int


class MessagesFile(ArchiveFile, frozen=True):
    """One that holds the messages [first, end) of the journal."""

    first: int
    end: int


class ArchivedDecision(msgspec.Struct, frozen=True):
    """That a month of a park was written into the archive, read back from there and found to be the same.

    Attributes
    ----------
    park, month, start, end
        Which month, as 2026-10, and from when to when it goes [ns UTC].
    through
        The first message that was not in the state then.
    files
        Its readings, windows and ledger.
    messages
        What was added to the archive of the journal with it, each file where the one before ended.
    keep_from
        The first message that the journal keeps from now on; what came before it may go once it is read back again.
    """

    park: str
    month: str
    start: int
    end: int
    through: int
    files: tuple[ArchiveFile, ...]
    messages: tuple[MessagesFile, ...] = ()
    keep_from: int = 1

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, TOPIC, msgspec.json.encode(self), DECISION)

    def told(self) -> str:
        """Return the files and their digests, as the ledger names them."""
        named = [f"{one.name} {one.sha256}" for one in (*self.files, *self.messages)]
        return f"archive: {', '.join(named)}"


@dataclass(frozen=True, slots=True)
class ArchivedMonth:
    """A month that the archive has; times are ns UTC, `message` is the decision's offset."""

    park: str
    month: str
    start: int
    end: int
    through: int
    at: int
    message: int
    files: tuple[ArchiveFile, ...]


_files = msgspec.json.Decoder(tuple[ArchiveFile, ...]).decode


def archived_months(connection: sqlite3.Connection) -> list[ArchivedMonth]:
    """Return the months that the archive has, by park and time, each as it was written last."""
    rows = connection.execute(
        "SELECT park, month, start, finish, through, at, message, files FROM archived_month ORDER BY park, start"
    )
    return [
        ArchivedMonth(park, month, start, end, through, at, message, _files(files))
        for park, month, start, end, through, at, message, files in rows
    ]


def archived_messages(connection: sqlite3.Connection) -> list[MessagesFile]:
    """Return the files that hold the messages of the journal, in order, none with a gap to the one before."""
    rows = connection.execute(
        "SELECT name, sha256, size, first, finish FROM archived_messages ORDER BY first"
    )
    return [MessagesFile(*row) for row in rows]


def archived_through(connection: sqlite3.Connection) -> int:
    """Return the first message that no file of the archive holds."""
    return int(connection.execute("SELECT coalesce(max(finish), 1) FROM archived_messages").fetchone()[0])


def keep_from(connection: sqlite3.Connection) -> int:
    """Return the first message that the journal must keep, by what was decided so far."""
    return int(connection.execute("SELECT coalesce(max(keep_from), 1) FROM archived_month").fetchone()[0])


def note(connection: sqlite3.Connection, made: ArchivedDecision, at: int, message: int) -> None:
    """Enter a decision, inside a transaction; files of messages count that go on where those of before end."""
    files, keep = msgspec.json.encode(made.files).decode(), max(made.keep_from, keep_from(connection))
    connection.execute(
        "INSERT OR REPLACE INTO archived_month VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (made.park, made.month, made.start, made.end, made.through, keep, at, message, files),
    )
    for one in made.messages:
        if one.first == archived_through(connection) < one.end:
            row = (one.first, one.end, one.name, one.sha256, one.size, message)
            connection.execute("INSERT INTO archived_messages VALUES (?, ?, ?, ?, ?, ?)", row)
