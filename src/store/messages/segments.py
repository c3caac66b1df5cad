"""Segments of the journal: small groups that were taken long ago, put together, because many messages compress far better than one."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from store.messages.groups import (
    SEGMENT_BYTES,
    GroupRow,
    GroupUnreadable,
    GroupWriter,
    array_of,
    joined,
    size_of,
)
from store.packed import SMALL

# Groups before `next` are as large as they will be.
TABLE = "CREATE TABLE IF NOT EXISTS merged (next INTEGER NOT NULL) STRICT"
_FIRST_OF_ALL = 1  # its digest is what the state knows its journal by


@dataclass(frozen=True, slots=True)
class Found:
    """Groups [first, end) that go together, as MessagePack arrays; what is less than two of them stays as it is."""

    first: int
    end: int
    arrays: list[bytes]


class Segments:
    """Finds what goes together, and puts it together, through the journal's connection; for one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._writer = GroupWriter(SMALL)

    def find(self, before: int) -> Found | None:
        """Return the next groups that go together and end before a message, or None where there are not enough of them yet."""
        row = self._connection.execute("SELECT next FROM merged").fetchone()
        first = end = int(row[0]) if row else _FIRST_OF_ALL
        arrays: list[bytes] = []
        size = 0
        for group in self._groups(first, before):
            array = self._small(group)
            if arrays and group.first != end:  # messages are missing between them
                return Found(first, end, arrays)
            if array is None:  # it is left alone, and parts what is before it from what is behind it
                return Found(first, end, arrays) if arrays else Found(first, group.first + group.size, [])
            first, end = first if arrays else group.first, group.first + group.size
            arrays.append(array)
            size += len(array)
            if size >= SEGMENT_BYTES:
                return Found(first, end, arrays)
        return None

    def _groups(self, first: int, before: int) -> Iterator[GroupRow]:
        rows = self._connection.execute(
            "SELECT first, count, messages, digest FROM journal WHERE first >= ? AND first + count <= ? ORDER BY first",
            (first, before),
        )
        return (GroupRow(*row) for row in rows)

    def _small(self, group: GroupRow) -> bytes | None:
        """Return the array of a group that goes with others, None of one that stays alone: it is damaged, large or the first of all."""
        try:
            array = array_of(group.messages, group.digest)
            is_whole = size_of(array) == group.size
        except GroupUnreadable:
            return None
        return None if not is_whole or group.first == _FIRST_OF_ALL or len(array) >= SEGMENT_BYTES else array

    def put_together(self, found: Found) -> GroupRow | None:
        """Return the one group that many become, None where they stay as they are."""
        if len(found.arrays) < 2:
            return None
        count = found.end - found.first
        return self._writer.group(found.first, count, joined(found.arrays, count))

    def put(self, found: Found, segment: GroupRow | None) -> None:
        """Put a segment in the place of its groups, inside a transaction."""
        if segment is not None:
            self._connection.execute(
                "DELETE FROM journal WHERE first >= ? AND first < ?", (found.first, found.end)
            )
            self._connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?)", segment)
        self._connection.execute("DELETE FROM merged")
        self._connection.execute("INSERT INTO merged VALUES (?)", (found.end,))
