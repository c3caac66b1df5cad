"""The journal: raw messages in the order they arrived, durable before anyone is told that they are safe."""

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

from store.sqlite import JOURNAL, claim, open_writer, transaction

DUP, RETAIN = 1, 2
DECISION = 4  # not a message of the broker but what a person decided, or befell our own connection, in its place among them

_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    first INTEGER PRIMARY KEY,  -- offset of the first message; offsets never repeat
    count INTEGER NOT NULL,
    messages BLOB NOT NULL,     -- MessagePack array of Message
    digest BLOB NOT NULL        -- BLAKE2b-128 of messages
) STRICT
"""


class JournalFull(Exception):
    """There is no room for the messages; nothing was written, and they must not be acknowledged."""


class JournalDamaged(Exception):
    """A stored group does not match its digest."""


class Message(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A message as the broker gave it: arrival (ns UTC), topic, payload, and bits: DUP, RETAIN, DECISION."""

    received: int
    topic: bytes
    payload: bytes
    flags: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Message]).decode


class Journal:
    """One writer appends groups; anyone with a connection of their own may read behind it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_writer(path)
        claim(self._connection, path, JOURNAL)
        self._connection.execute(_SCHEMA)
        row = self._connection.execute(
            "SELECT first + count FROM journal ORDER BY first DESC LIMIT 1"
        ).fetchone()
        self.next = int(row[0]) if row else 1

    def append(self, messages: Sequence[Message]) -> int:
        """Commit the messages as one group and return the first one's offset.

        Raises
        ------
        JournalFull
            The volume has no room. Nothing was written.
        sqlite3.OperationalError
            The disk failed. What was written is unknown: stop, and let the broker send again.
        """
        packed = _encode(messages)
        first = self.next
        try:
            with transaction(self._connection):
                self._connection.execute(
                    "INSERT INTO journal VALUES (?, ?, ?, ?)",
                    (first, len(messages), packed, blake2b(packed, digest_size=16).digest()),
                )
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise JournalFull(f"{self._path}: no room for {len(packed)} bytes") from error
            raise
        self.next = first + len(messages)
        return first

    def close(self) -> None:
        """Close; a reader's connection is its own."""
        self._connection.close()


class JournalReader:
    """Reads groups from an offset on, through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, check_same_thread=False, timeout=30
        )

    def identity(self) -> bytes | None:
        """Return what no other journal begins with, the digest of its first group; None while it is empty."""
        row = self._connection.execute("SELECT digest FROM journal WHERE first = 1").fetchone()
        return bytes(row[0]) if row else None

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
        row = self._connection.execute(
            "SELECT first + count FROM journal ORDER BY first DESC LIMIT 1"
        ).fetchone()
        return int(row[0]) if row else 1

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _opened(first: int, packed: bytes, digest: bytes) -> list[Message]:
    if blake2b(packed, digest_size=16).digest() != digest:
        raise JournalDamaged(f"the group of messages from offset {first} on does not match its digest")
    return _decode(packed)
