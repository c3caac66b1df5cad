"""The archive of the journal: whole groups with their digests in files of zstd, and how they are put back where the journal was pruned.

A file is one zstd frame of records, each the length of what follows (4 bytes, the highest first) and then MessagePack: first offset,
count, digest (BLAKE2b-128) and the group's messages, as MessagePack too.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from store.archive.archived import MessagesFile
from store.messages.groups import (
    GroupRow,
    GroupUnreadable,
    GroupWriter,
    array_of,
    digest_of,
    size_of,
)
from store.messages.journal import Message
from store.packed import FAST

FILE_BYTES = 256 << 20  # of the messages of a file, about
LEVEL = 9  # of zstd: it is written once
_LENGTH = 4  # bytes that say how long a record is
_MOST = 1 << 31  # bytes of a record

_encode = msgspec.msgpack.Encoder().encode
_record = msgspec.msgpack.Decoder(tuple[int, int, bytes, bytes]).decode
_messages = msgspec.msgpack.Decoder(list[Message]).decode


class ArchivedJournalDamaged(Exception):
    """A file of archived messages is not what was written, or lacks messages; the text says where."""


def name_of(first: int, end: int) -> str:
    """Return the name of the file with the messages [first, end)."""
    return f"journal/{first}-{end}.zst"


def stored_groups(journal: sqlite3.Connection, first: int, end: int) -> Iterator[GroupRow]:
    """Yield the groups with the messages [first, end) of a journal, the array of each as `messages`, whole.

    One that reaches beyond them is cut there, and its digest is of what is left. Raises ArchivedJournalDamaged where one is
    missing or damaged.
    """
    rows = journal.execute(
        "SELECT first, count, messages, digest FROM journal WHERE first + count > ? AND first < ? ORDER BY first",
        (first, end),
    )
    at = first
    for begin, count, stored, digest in rows:
        try:
            array = array_of(stored, digest)
            whole = size_of(array) == count
        except GroupUnreadable as error:
            raise ArchivedJournalDamaged(f"the journal's group from message {begin} on: {error}") from error
        if begin > at or not whole:
            raise ArchivedJournalDamaged(f"the journal does not have message {at}")
        yield cut(GroupRow(begin, count, array, digest), at, end)
        at = min(begin + count, end)
    if at < end:
        raise ArchivedJournalDamaged(f"the journal ends at message {at}")


def cut(group: GroupRow, first: int, end: int) -> GroupRow:
    """Return what a group has of the messages [first, end)."""
    low, high = max(group.first, first), min(group.first + group.size, end)
    if (low, high) == (group.first, group.first + group.size):
        return group
    array = _encode(_messages(group.messages)[low - group.first : high - group.first])
    return GroupRow(low, high - low, array, digest_of(array))


def write(path: Path, groups: Iterator[GroupRow]) -> int | None:
    """Write the next groups as a file of about `FILE_BYTES` of messages; return the message behind them, None without any."""
    size, end = 0, None
    packer = zstandard.ZstdCompressor(LEVEL, write_checksum=True)
    with path.open("wb") as file, packer.stream_writer(file) as content:
        for first, count, array, digest in groups:
            record = _encode((first, count, digest, array))
            content.write(len(record).to_bytes(_LENGTH) + record)
            size, end = size + len(array), first + count
            if size >= FILE_BYTES:
                break
    return end


def read(path: Path, first: int, end: int) -> Iterator[GroupRow]:
    """Yield the groups of a file, the array of each as `messages`, checked by its digest.

    Raises
    ------
    ArchivedJournalDamaged
        They are not the messages [first, end), one after the other.
    """
    at = first
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as content:
            while record := _next_record(content):
                begin, count, digest, array = _record(record)
                if begin != at or digest_of(array) != digest or size_of(array) != count:
                    raise ArchivedJournalDamaged(f"message {at} is not as it was written")
                yield GroupRow(begin, count, array, digest)
                at = begin + count
    except (zstandard.ZstdError, msgspec.MsgspecError, GroupUnreadable) as error:
        raise ArchivedJournalDamaged(f"what follows message {at} cannot be read: {error}") from error
    if at != end:
        raise ArchivedJournalDamaged(f"it ends at message {at}, not {end}")


def _next_record(content: BinaryIO) -> bytes:
    """Return the next record, nothing at the end."""
    length = _exactly(content, _LENGTH)
    if not length:
        return b""
    size = int.from_bytes(length)
    if len(length) < _LENGTH or size > _MOST:
        raise zstandard.ZstdError("it is no record")
    record = _exactly(content, size)
    if len(record) < size:
        raise zstandard.ZstdError("it ends within a record")
    return record


def _exactly(content: BinaryIO, size: int) -> bytes:
    parts, left = list[bytes](), size
    while left and (part := content.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def differs(one: Iterator[GroupRow], other: Iterator[GroupRow]) -> int | None:
    """Return the first message in which two ways of grouping the same stretch of messages differ, None where they hold the same."""
    mine, theirs = _by_message(one), _by_message(other)
    for at, message in mine:
        if next(theirs, None) != (at, message):
            return at
    left = next(theirs, None)
    return None if left is None else left[0]


def _by_message(groups: Iterator[GroupRow]) -> Iterator[tuple[int, Message]]:
    for group in groups:
        yield from enumerate(_messages(group.messages), group.first)


# Where a connection sees the journal with what was put back, in place of the table of that name.
_PUT_BACK = """CREATE TEMP TABLE archived (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, messages BLOB NOT NULL, digest BLOB NOT NULL)"""
_WHOLE = """CREATE TEMP VIEW journal AS
    SELECT first, count, messages, digest FROM main.journal UNION ALL SELECT first, count, messages, digest FROM temp.archived"""


def begin_to_put_back(journal: sqlite3.Connection) -> None:
    """Let a connection to a journal see what is put back beside what the journal has; nothing is written into the journal."""
    journal.execute(_PUT_BACK)
    journal.execute(_WHOLE)


def put_back(journal: sqlite3.Connection, path: Path, file: MessagesFile) -> int:
    """Put back what a file of the archive has and the journal lacks; return how many messages that were."""
    lacking = list(_lacking(journal, file.first, file.end))
    writer, count = GroupWriter(FAST), 0
    for group in read(path, file.first, file.end):
        for first, end in lacking:
            if group.first < end and group.first + group.size > first:
                part = cut(group, first, end)
                row = writer.group(part.first, part.size, part.messages)
                journal.execute("INSERT INTO temp.archived VALUES (?, ?, ?, ?)", row)
                count += part.size
    return count


def _lacking(journal: sqlite3.Connection, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of [first, end) that a journal does not have."""
    at = first
    for begin, count in _spans(journal, first, end):
        if begin > at:
            yield at, begin
        at = max(at, begin + count)
    if at < end:
        yield at, end


def _spans(journal: sqlite3.Connection, first: int, end: int) -> Sequence[tuple[int, int]]:
    return journal.execute(
        "SELECT first, count FROM journal WHERE first + count > ? AND first < ? ORDER BY first",
        (first, end),
    ).fetchall()
