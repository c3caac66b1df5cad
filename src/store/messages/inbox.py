"""The inbox: devices that the configuration does not know, as the messages of them tell that were refused."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from store.messages.quarantine import Wanted, wanted_rows

KEPT_PER_TOPIC = 20  # messages of a topic that a subscription only looks out for; older ones are counted
MOST_TOPICS = 1000  # of which messages are kept
SAMPLES = 20  # messages of a device that are looked at

_DEVICE = "CASE WHEN gateway = '' THEN topic ELSE CAST(gateway AS BLOB) END"  # not all topics are text


@dataclass(frozen=True, slots=True)
class UnknownDevice:
    """A gateway, or a topic where nobody knows whose it is, and its newest messages in order of arrival."""

    name: bytes
    gateway: str  # "" where nobody knows
    topic: bytes
    count: int
    first: int  # ns UTC
    last: int  # ns UTC
    samples: tuple[tuple[int, bytes], ...]  # arrival [ns UTC], payload


def unknown_devices(
    connection: sqlite3.Connection, wanted: Wanted, after: bytes, most: int
) -> list[UnknownDevice]:
    """Return devices with refused messages that no configuration knew what to do with, by name, those after `after`."""
    conditions, values = wanted_rows(wanted)
    rows = connection.execute(
        f"SELECT {_DEVICE} AS name, gateway, max(topic), count(*), min(received), max(received) FROM quarantine"
        f" WHERE {conditions} AND code IN ('unmapped', 'topic') GROUP BY 1, 2 HAVING name > ? ORDER BY 1 LIMIT ?",
        (*values, after, most),
    ).fetchall()
    return [_device(connection, *row) for row in rows]


def note(connection: sqlite3.Connection, topic: bytes, received: int) -> bool:
    """Count a message of a topic that is only looked out for, and return whether it is to be kept."""
    known = connection.execute(
        "UPDATE inbox SET count = count + 1, last = ? WHERE topic = ?", (received, topic)
    )
    if known.rowcount:
        return True
    if connection.execute("SELECT count(*) FROM inbox").fetchone()[0] >= MOST_TOPICS:
        return False
    connection.execute("INSERT INTO inbox VALUES (?, 1, ?, ?)", (topic, received, received))
    return True


def make_room(connection: sqlite3.Connection, topic: bytes) -> None:
    """Let go of the oldest messages of a topic that is only looked out for, so that a new one can be kept."""
    connection.execute(
        "DELETE FROM quarantine WHERE message IN (SELECT message FROM quarantine WHERE gateway = '' AND topic = ?"
        " ORDER BY message DESC LIMIT -1 OFFSET ?)",
        (topic, KEPT_PER_TOPIC - 1),
    )


def forget(connection: sqlite3.Connection, topics: Iterable[bytes]) -> None:
    """Forget topics whose messages are somebody's now."""
    connection.executemany("DELETE FROM inbox WHERE topic = ?", [(topic,) for topic in topics])


def _device(
    connection: sqlite3.Connection, name: bytes, gateway: str, topic: bytes, count: int, first: int, last: int
) -> UnknownDevice:
    samples = connection.execute(
        "SELECT received, payload FROM quarantine WHERE code IN ('unmapped', 'topic') AND gateway = ? AND (gateway != ''"
        " OR topic = ?) ORDER BY message DESC LIMIT ?",
        (gateway, topic, SAMPLES),
    ).fetchall()
    seen = None
    if not gateway:
        seen = connection.execute("SELECT count, first, last FROM inbox WHERE topic = ?", (topic,)).fetchone()
    count, first, last = seen or (count, first, last)
    return UnknownDevice(
        name, gateway, topic, count, first, last, tuple((at, bytes(raw)) for at, raw in reversed(samples))
    )
