"""The journal: raw messages in the order they arrived, durable before anyone is told that they are safe."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from plant.vocabulary import NS_PER_S
from store.faults import Damaged, told_of
from store.messages.groups import GroupRow, GroupUnreadable, GroupWriter, array_of
from store.messages.journal_head import HeadFile, JournalHead, head_file, stored_head
from store.messages.segments import TABLE, Segments
from store.packed import FAST
from store.sqlite import JOURNAL, be_brisk, claim, is_locked, open_writer, transaction, uri

REMEDY = "put journal.db and state.db of one backup in their place (docs/operating.md, Restore)"

DUP, RETAIN = 1, 2
DECISION = 4  # not a message of the broker but what a person decided, or befell our own connection, in its place among them

_SCHEMA = """
CREATE TABLE journal (
    first INTEGER PRIMARY KEY,  -- offset of the first message; offsets never repeat
    count INTEGER NOT NULL,
    messages BLOB NOT NULL,     -- MessagePack array of Message, or a zstd frame of it
    digest BLOB NOT NULL        -- BLAKE2b-128 of the array
) STRICT
"""
# What no other journal began with, where its first group was pruned.
_PRUNED = "CREATE TABLE IF NOT EXISTS pruned (identity BLOB NOT NULL) STRICT"
PRUNED_AT_ONCE = 50  # groups, so that whoever appends waits for a moment only
# When the line looked (store.messages.steps): beside the messages, for it has no place among them.
_STEPS = """
CREATE TABLE IF NOT EXISTS step (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    now INTEGER NOT NULL,       -- ns UTC
    through INTEGER NOT NULL,   -- the first message that was not taken
    detail BLOB NOT NULL
) STRICT
"""
WRITE_STEP = "INSERT OR REPLACE INTO step VALUES (?, ?, ?, ?, ?)"


class JournalWaits(Exception):
    """The messages cannot be written now, and may be later; nothing was written, and they must not be acknowledged."""


class JournalDamaged(Exception):
    """A stored group does not match its digest."""


class Message(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A message as the broker gave it: arrival (ns UTC), topic, payload, and bits: DUP, RETAIN, DECISION."""

    received: int
    topic: bytes
    payload: bytes
    flags: int = 0


array_from = msgspec.msgpack.Encoder().encode  # of messages
messages_of = msgspec.msgpack.Decoder(list[Message]).decode  # of an array


class Journal:
    """One writer appends groups, and steps beside them; anyone with a connection of their own may read behind it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()  # of the connection, which threads share
        self.next = 1
        with told_of(path, REMEDY):
            self._connection = open_writer(path)
            claim(self._connection, path, JOURNAL, _SCHEMA)
            self._connection.execute(_STEPS)
            self._connection.execute(TABLE)
            self._connection.execute(_PRUNED)
            self.find_end()
            be_brisk(self._connection)
            self._check_whole()
            self._head = HeadFile(path)
        self._writer, self._segments = GroupWriter(FAST), Segments(self._connection)

    def _check_whole(self) -> None:
        """Refuse a journal that ends before what was committed to it once."""
        head = stored_head(self._path)
        if head is not None and head.end > self.next:
            raise Damaged(
                f"{whole_up_to(self._connection, self._path)}; what came after it, up to message {head.end - 1}"
                f" ({_moment(head.received)}), is damaged or missing: {REMEDY}, or remove {head_file(self._path).name} to go on"
                " without it, and state.db where that follows it"
            )

    def find_end(self) -> None:
        """Look where the journal ends: after a failure, memory may not know."""
        self.next = journal_end(self._connection)

    def append(self, messages: Sequence[Message]) -> int:
        """Commit the messages as one group and return the first one's offset.

        Raises
        ------
        JournalWaits
            The volume has no room, or another process holds the file. Nothing was written.
        sqlite3.OperationalError
            The disk failed. What was written is unknown: stop, and let the broker send again.
        """
        group = self.group_of(messages)
        self.keep(group, messages[-1].received)
        return group.first

    def group_of(self, messages: Sequence[Message]) -> GroupRow:
        """Return the group that messages would be, were they appended now; for the thread that appends."""
        return self._writer.group(self.next, len(messages), array_from(messages))

    def keep(self, group: GroupRow, received: int, also: Callable[[], None] = lambda: None) -> None:
        """Commit the next group, whose last message came at a time [ns UTC]; `also` is done in that transaction. Raises as `append`."""
        try:
            with self._turn, transaction(self._connection):
                self._connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?)", group)
                also()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise JournalWaits(f"no room for {len(group.messages)} bytes in {self._path.name}") from error
            if is_locked(error):
                raise JournalWaits(f"{self._path.name} is locked by another process") from error
            raise
        self.next = group.first + group.size
        self._head.write(JournalHead(self.next, received))

    def merge(self, before: int) -> bool:
        """Put the next groups that end before a message together, as a segment; return False where there are not enough yet.

        For one thread, which need not be the one that appends.
        """
        with self._turn:
            found = self._segments.find(before)
        if found is None:
            return False
        segment = self._segments.put_together(found)
        with self._turn, transaction(self._connection):
            self._segments.put(found, segment)
        return True

    def prune(self, before: int) -> bool:
        """Delete the first groups that end before a message; return whether there are more.

        Groups that are not as large as they will be stay. What is deleted must be in the archive, and was read back from there.
        """
        with self._turn, transaction(self._connection):
            found = self._connection.execute(
                "SELECT first, digest FROM journal WHERE first + count <= ? AND first + count <= (SELECT max(next) FROM merged)"
                " ORDER BY first LIMIT ?",
                (before, PRUNED_AT_ONCE),
            ).fetchall()
            if found and found[0][0] == 1:
                self._connection.execute("INSERT INTO pruned VALUES (?)", (found[0][1],))
            self._connection.executemany("DELETE FROM journal WHERE first = ?", [row[:1] for row in found])
        return len(found) == PRUNED_AT_ONCE

    def write_step(self, row: tuple[int, str, int, int, bytes], _head: Callable[[], bytes] = bytes) -> None:
        """Make a row of the table `step` safe, from any thread; one of its number that is there already is replaced.

        `_head` tells the ledger's hash after the step.
        """
        with self._turn:
            self._connection.execute(WRITE_STEP, row)

    def close(self) -> None:
        """Fold the write-ahead log into the file and close; a reader's connection is its own."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._head.close()


class JournalReader:
    """Reads groups from an offset on, through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with told_of(path, REMEDY):
            self._connection = sqlite3.connect(uri(path, "ro"), uri=True, check_same_thread=False, timeout=30)

    def identity(self) -> bytes | None:
        """Return what no other journal begins with, the digest of its first group; None while it is empty."""
        with told_of(self.path, REMEDY):
            row = self._connection.execute("SELECT digest FROM journal WHERE first = 1").fetchone()
            return bytes(row[0]) if row else self._pruned_identity()

    def _pruned_identity(self) -> bytes | None:
        """Return it of a journal whose first group was pruned; one that was never opened by this version has no such table."""
        if self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'pruned'").fetchone() is None:
            return None
        row = self._connection.execute("SELECT identity FROM pruned").fetchone()
        return bytes(row[0]) if row else None

    def begin(self) -> int:
        """Return the first message that the journal has, or will have."""
        with told_of(self.path, REMEDY):
            row = self._connection.execute("SELECT min(first) FROM journal").fetchone()
            return 1 if row[0] is None else int(row[0])

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for who puts back what was pruned (store.archive.journal_files)."""
        return self._connection

    def whole_up_to(self) -> str:
        """Say how far the journal goes, and until when."""
        with told_of(self.path, REMEDY):
            return whole_up_to(self._connection, self.path)

    def read(self, start: int, most: int) -> Iterator[tuple[int, list[Message]]]:
        """Yield (offset of its first message, messages) from `start` on, until at least `most` were given."""
        given = 0
        while given < most:
            row = self._connection.execute(
                "SELECT first, messages, digest FROM journal WHERE first <= ? ORDER BY first DESC LIMIT 1",
                (start,),
            ).fetchone()
            group = _opened(*row) if row else []
            skip = start - row[0] if row else 0
            if len(group) <= skip:
                return
            yield start, group[skip:]
            given += len(group) - skip
            start += len(group) - skip

    def one(self, offset: int) -> Message | None:
        """Return the message at an offset, or None where the journal does not reach."""
        for _, messages in self.read(offset, 1):
            return messages[0]
        return None

    def end(self) -> int:
        """Return the offset that the next message will get."""
        with told_of(self.path, REMEDY):
            return journal_end(self._connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def journal_end(connection: sqlite3.Connection) -> int:
    """Return the offset that a journal's next message will get."""
    row = connection.execute("SELECT first + count FROM journal ORDER BY first DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 1


def whole_up_to(connection: sqlite3.Connection, path: Path) -> str:
    """Say how far a journal goes, and until when."""
    row = connection.execute(
        "SELECT first, messages, digest FROM journal ORDER BY first DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return f"{path} holds no message"
    try:
        until = f" ({_moment(_opened(*row)[-1].received)})"
    except JournalDamaged:
        until = ""
    return f"{path} is whole up to message {journal_end(connection) - 1}{until}"


def _moment(time: int) -> str:
    return f"{datetime.fromtimestamp(time // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _opened(first: int, messages: bytes, digest: bytes) -> list[Message]:
    try:
        return messages_of(array_of(messages, digest))
    except GroupUnreadable as error:
        raise JournalDamaged(f"the group of messages from offset {first} on is damaged: {error}") from error
