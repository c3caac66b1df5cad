"""The tables `record` and `evidence`: what was entered, and how each record stands."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Any, Self

import msgspec

from plant.park import Channel, Plant
from store.records.decisions import Entered
from store.sqlite import write_rows


class RecordStanding(StrEnum):
    """How a record stands; only approved ones count."""

    ENTERED = "entered"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    STRUCK = "struck"


@dataclass(frozen=True, slots=True)
class Who:
    """Who does something, and the name of the key that they do it with."""

    by: str
    key: str


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the table: `message` is the offset of what entered it, `row` its place there; times are ns UTC, None where it has not happened.

    `correction` is that of its reading, None where it never had one; `ended_by` refused, withdrew, replaced or struck it.
    """

    message: int
    row: int
    park: str
    facility: str
    channel: str
    start: int
    finish: int
    value: float
    unit: str
    source: str
    evidence: str
    note: str
    replaces: str
    standing: RecordStanding
    entered_by: str
    entered_key: str
    entered_at: int
    approved_by: str = ""
    approved_key: str = ""
    approved_at: int | None = None
    ended_by: str = ""
    ended_at: int | None = None
    reason: str = ""
    correction: int | None = None

    @classmethod
    def of(cls, said: Entered, message: int, row: int, who: Who, at: int) -> Self:
        """Return what was entered by a message at a time."""
        return cls(
            *(message, row, said.park, said.facility, said.channel, said.start, said.finish),
            *(said.value, said.unit, said.source, said.evidence, said.note, said.replaces),
            *(RecordStanding.ENTERED, who.by, who.key, at),
        )

    @property
    def id(self) -> str:
        """What people call it: the message that entered it, and its place there from 1 on."""
        return f"{self.message}-{self.row}"

    @property
    def place(self) -> str:
        """The full name of its channel."""
        return f"{self.park}/{self.facility}/{self.channel}"

    @property
    def is_level(self) -> bool:
        """Whether it is a value from a time on."""
        return self.start == self.finish

    @property
    def is_unchecked(self) -> bool:
        """Whether who entered it approved it too."""
        return self.approved_at is not None and self.was_entered_by(Who(self.approved_by, self.approved_key))

    def was_entered_by(self, who: Who) -> bool:
        """Whether it was entered by the same person: under that name, or with that key, which is one person whatever names it gives."""
        return who.by == self.entered_by or who.key == self.entered_key


_COLUMNS = (
    "message, row, park, facility, channel, start, finish, value, unit, source, evidence, note, replaces, standing,"
    " entered_by, entered_key, entered_at, approved_by, approved_key, approved_at, ended_by, ended_at, reason, correction"
)
SELECT = f"SELECT {_COLUMNS} FROM record"
_OF_CHANNEL = "park = ? AND facility = ? AND channel = ?"


def record_of(row: Sequence[Any]) -> Record:
    """Return a row of the table."""
    values = list(row)
    values[13] = RecordStanding(values[13])
    return Record(*values)


def said_of(record: Record) -> Entered:
    """Return what a record said when it was entered."""
    names = Entered.__struct_fields__
    return msgspec.convert({name: getattr(record, name) for name in names}, Entered)


def place_of(said: Entered) -> str:
    """Return the full name of the channel that something is entered of."""
    return f"{said.park}/{said.facility}/{said.channel}"


def write(connection: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Insert records, or replace what was said of them."""
    write_rows(connection, "INSERT OR REPLACE INTO record", [astuple(one) for one in records])


def find(connection: sqlite3.Connection, number: str) -> Record | None:
    """Return the record of an id, None where there is none."""
    message, dash, row = number.partition("-")
    if not (dash and all(part.isascii() and part.isdigit() and len(part) < 19 for part in (message, row))):
        return None
    found = connection.execute(f"{SELECT} WHERE message = ? AND row = ?", (int(message), int(row))).fetchone()
    return None if found is None else record_of(found)


def of_message(connection: sqlite3.Connection, message: int) -> list[Record]:
    """Return the records that a message entered."""
    rows = connection.execute(f"{SELECT} WHERE message = ? ORDER BY row", (message,))
    return [record_of(row) for row in rows]


def beside(connection: sqlite3.Connection, said: Entered) -> Iterator[Record]:
    """Yield the records of a channel that share any time with what is said, by their end."""
    shared = "finish = ?" if said.start == said.finish else "finish > ? AND start < ?"
    times = (said.start,) if said.start == said.finish else (said.start, said.finish)
    rows = connection.execute(
        f"{SELECT} WHERE {_OF_CHANNEL} AND {shared} ORDER BY finish, message, row",
        (said.park, said.facility, said.channel, *times),
    ).fetchall()
    yield from (record_of(row) for row in rows)


def next_correction(connection: sqlite3.Connection, record: Record) -> int:
    """Return the correction of the next reading of a record's channel and time."""
    [(last,)] = connection.execute(
        f"SELECT max(correction) FROM record WHERE {_OF_CHANNEL} AND finish = ?",
        (record.park, record.facility, record.channel, record.finish),
    )
    return 0 if last is None else int(last) + 1


def approved(connection: sqlite3.Connection, channel: Channel) -> dict[int, Record]:
    """Return the approved records of a channel by their end [ns UTC], in order."""
    rows = connection.execute(
        f"{SELECT} WHERE {_OF_CHANNEL} AND standing = ? ORDER BY finish",
        (channel.park, channel.facility, channel.name, RecordStanding.APPROVED),
    )
    return {one.finish: one for one in map(record_of, rows)}


def stretches(connection: sqlite3.Connection, channel: Channel) -> dict[int, int]:
    """Return where the stretch of each approved record of a channel begins, by its end [ns UTC], in order."""
    rows = connection.execute(
        f"SELECT finish, start FROM record WHERE {_OF_CHANNEL} AND standing = ? ORDER BY finish",
        (channel.park, channel.facility, channel.name, RecordStanding.APPROVED),
    )
    return dict(rows.fetchall())


def all_stretches(connection: sqlite3.Connection, plant: Plant) -> dict[int, dict[int, int]]:
    """Return `stretches` of every channel that is entered, by its index."""
    return {one.index: stretches(connection, one) for one in plant.channels if one.entered}


def note_evidence(
    connection: sqlite3.Connection, digest: str, by: str, at: int, message: int, kind: str, size: int
) -> None:
    """Remember that somebody handed in a file; the first time stands."""
    connection.execute(
        "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?, ?)", (digest, by, at, message, kind, size)
    )


def evidence_kind(connection: sqlite3.Connection, digest: str) -> str | None:
    """Return the kind of a file that was handed in, None where none was of this digest."""
    row = connection.execute("SELECT kind FROM evidence WHERE digest = ? LIMIT 1", (digest,)).fetchone()
    return None if row is None else str(row[0])


def handed_in_by(connection: sqlite3.Connection, digest: str, by: str) -> bool:
    """Whether somebody handed in a file of this digest."""
    return (
        connection.execute("SELECT 1 FROM evidence WHERE digest = ? AND by = ?", (digest, by)).fetchone()
        is not None
    )


def places_of(connection: sqlite3.Connection, digest: str) -> list[tuple[str, str]]:
    """Return the park and facility of each record and movement that names a file; "" for what is of a park as a whole."""
    return connection.execute(
        "SELECT park, facility FROM record WHERE evidence = ?1 UNION SELECT park, facility FROM movement WHERE evidence = ?1"
        " ORDER BY 1, 2",
        (digest,),
    ).fetchall()


def evidence_named(connection: sqlite3.Connection) -> list[str]:
    """Return the digest of every file that was handed in or that a record or a movement names, in order."""
    rows = connection.execute(
        "SELECT digest FROM evidence UNION SELECT evidence FROM record UNION SELECT evidence FROM movement ORDER BY 1"
    )
    return [digest for (digest,) in rows]
