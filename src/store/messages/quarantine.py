"""What was refused and is kept, to be read: grouped by its cause, message by message, and raw."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from store.messages.journal import Message

SAMPLE = 512  # bytes of a payload that are shown beside what is said of it

# Of no bytes SQLite cuts off a NULL, and not none.
_COLUMNS = (
    "message, received, gateway, topic, outcome, code, path, detail, size, digest,"
    f" coalesce(substr(payload, 1, {SAMPLE}), x''), length(payload)"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are asked for; what is None lets everything through. Times are arrivals, [start, end) ns UTC.

    `places` are beginnings of gateways' names, `park/` or `park/facility/`; what fits none of them is not there.
    `messages` are offsets of the journal.
    """

    gateway: str | None = None
    code: str | None = None
    start: int | None = None
    end: int | None = None
    places: tuple[str, ...] | None = None
    messages: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that was quarantined (kept whole) or rejected (its first KiB)."""

    message: int  # its offset in the journal
    received: int  # ns UTC
    gateway: str  # park/facility/gateway, "" where the topic did not say
    topic: bytes
    outcome: str
    code: str
    path: str
    detail: str
    size: int  # bytes that came
    digest: bytes
    payload: bytes  # its first `SAMPLE` bytes
    kept: int  # bytes that there are


@dataclass(frozen=True, slots=True)
class Cause:
    """Messages that were refused for one reason, and the newest of them."""

    outcome: str
    code: str
    gateway: str
    path: str
    count: int
    first: int  # ns UTC
    last: int  # ns UTC
    sample: Kept


def causes(connection: sqlite3.Connection, wanted: Wanted, after: Sequence[str], most: int) -> list[Cause]:
    """Return causes by code, gateway, path and outcome, those after `after` (these four, or empty), at most so many."""
    where, values = wanted_rows(wanted)
    beyond = " AND (code, gateway, path, outcome) > (?, ?, ?, ?)" if after else ""
    rows = connection.execute(
        "SELECT code, gateway, path, outcome, count(*), min(received), max(received), max(message) FROM quarantine"
        f" WHERE {where}{beyond} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT ?",
        (*values, *after, most),
    ).fetchall()
    samples = {one.message: one for one in _these(connection, [row[-1] for row in rows])}
    return [
        Cause(outcome, code, gateway, path, count, first, last, samples[newest])
        for code, gateway, path, outcome, count, first, last, newest in rows
    ]


def kept_messages(
    connection: sqlite3.Connection, wanted: Wanted, before: int | None, most: int
) -> list[Kept]:
    """Return messages, the newest first, those before an offset of the journal, at most so many."""
    where, values = wanted_rows(wanted)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM quarantine WHERE {where} AND message < coalesce(?, 1 << 62)"
        " ORDER BY message DESC LIMIT ?",
        (*values, before, most),
    )
    return [Kept(*row) for row in rows]


def kept_message(connection: sqlite3.Connection, wanted: Wanted, message: int) -> tuple[Kept, bytes] | None:
    """Return one message and all of its payload that there is; None where there is none such."""
    where, values = wanted_rows(wanted)
    row = connection.execute(
        f"SELECT {_COLUMNS}, payload FROM quarantine WHERE message = ? AND {where}", (message, *values)
    ).fetchone()
    return None if row is None else (Kept(*row[:-1]), bytes(row[-1]))


def faults(connection: sqlite3.Connection) -> Mapping[tuple[bytes, bytes], int]:
    """Return the messages that were passed as `fault`: from topic and digest of the payload to the journal's offset."""
    rows = connection.execute(
        "SELECT topic, digest, min(message) FROM quarantine WHERE code = 'fault' GROUP BY topic, digest"
    )
    return {(topic, digest): offset for topic, digest, offset in rows}


def is_a_fault(faults: Mapping[tuple[bytes, bytes], int], offset: int, message: Message) -> bool:
    """Whether a message of the journal is one of those, or such a one that came again."""
    if not faults:
        return False
    key = (message.topic, blake2b(message.payload, digest_size=16).digest())
    return faults.get(key, offset + 1) <= offset


def open_in(connection: sqlite3.Connection, park: str, start: int, end: int) -> int:
    """Return how many quarantined messages of a park came in [start, end), or tell of readings in it [ns UTC]."""
    return int(
        connection.execute(
            "SELECT count(*) FROM quarantine WHERE outcome = 'quarantined' AND substr(gateway, 1, length(?1)) = ?1"
            " AND (received >= ?2 AND received < ?3 OR earliest < ?3 AND latest >= ?2)",
            (f"{park}/", start, end),
        ).fetchone()[0]
    )


def _these(connection: sqlite3.Connection, messages: Sequence[int]) -> list[Kept]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM quarantine WHERE message IN (SELECT value FROM json_each(?))",
        (json.dumps(messages),),
    )
    return [Kept(*row) for row in rows]


def wanted_rows(wanted: Wanted) -> tuple[str, list[str | int]]:
    """Return the condition on rows of `quarantine` that are wanted, and its values."""
    conditions: list[tuple[str, str | int | None]] = [
        ("gateway = ?", wanted.gateway),
        ("code = ?", wanted.code),
        ("received >= ?", wanted.start),
        ("received < ?", wanted.end),
        (
            "EXISTS (SELECT 1 FROM json_each(?) WHERE substr(gateway, 1, length(value)) = value)",
            None if wanted.places is None else json.dumps(wanted.places),
        ),
        (
            "message IN (SELECT value FROM json_each(?))",
            None if wanted.messages is None else json.dumps(wanted.messages),
        ),
    ]
    given = [(text, value) for text, value in conditions if value is not None]
    return " AND ".join(["TRUE", *(text for text, _ in given)]), [value for _, value in given]
