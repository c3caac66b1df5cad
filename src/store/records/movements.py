"""The table `movement`: what was entered of instruments, and how each movement stands."""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Self

import msgspec

from store.records.decisions import Moved
from store.records.table import RecordStanding, Who
from store.sqlite import write_rows

Serials = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the table: `message` is the offset of what entered it, `row` its place in a table that it came with, from 1 on, 0 where it came alone.

    Times are ns UTC, None where it has not happened.

    `approved_in` is the offset of what approved it; `ended_by` refused, withdrew or struck it.
    """

    message: int
    row: int
    park: str
    facility: str
    instrument: str
    act: str
    day: str
    amount: float
    year: int | None
    serials: Serials
    source: str
    evidence: str
    note: str
    standing: RecordStanding
    entered_by: str
    entered_key: str
    entered_at: int
    approved_by: str = ""
    approved_key: str = ""
    approved_at: int | None = None
    approved_in: int | None = None
    ended_by: str = ""
    ended_at: int | None = None
    reason: str = ""

    @classmethod
    def of(cls, said: Moved, message: int, row: int, who: Who, at: int) -> Self:
        """Return what was entered by a message at a time."""
        return cls(
            *(
                message,
                row,
                said.park,
                said.facility,
                said.instrument,
                said.act,
                said.day,
                said.amount,
                said.year,
            ),
            *(said.serials, said.source, said.evidence, said.note),
            *(RecordStanding.ENTERED, who.by, who.key, at),
        )

    @property
    def id(self) -> str:
        """What people call it: the message that entered it, and its row where it came with a table."""
        return f"{self.message}-{self.row}" if self.row else str(self.message)

    @property
    def place(self) -> str:
        """The full name of its instrument."""
        return "/".join(filter(None, (self.park, self.facility, self.instrument)))

    @property
    def is_unchecked(self) -> bool:
        """Whether who entered it approved it too."""
        return self.approved_at is not None and self.was_entered_by(Who(self.approved_by, self.approved_key))

    def was_entered_by(self, who: Who) -> bool:
        """Whether it was entered by the same person: under that name, or with that key, which is one person whatever names it gives."""
        return who.by == self.entered_by or who.key == self.entered_key

    def approved(self, who: Who, at: int, message: int) -> "Movement":
        """Return it as a message lets it count."""
        return replace(
            self,
            standing=RecordStanding.APPROVED,
            approved_by=who.by,
            approved_key=who.key,
            approved_at=at,
            approved_in=message,
        )

    def ended(self, standing: RecordStanding, by: str, at: int, reason: str) -> "Movement":
        """Return it as one that counts no longer, or never will."""
        return replace(self, standing=standing, ended_by=by, ended_at=at, reason=reason)


_ID = re.compile("([0-9]{1,18})(-[0-9]{1,18})?")
_COLUMNS = ", ".join(Movement.__dataclass_fields__)
_SERIALS, _STANDING = 9, 13


def write_movements(connection: sqlite3.Connection, movements: Iterable[Movement]) -> None:
    """Insert movements, or replace what was said of them."""
    rows = [list(astuple(one)) for one in movements]
    for row in rows:
        row[_SERIALS] = msgspec.json.encode(row[_SERIALS]).decode()
    write_rows(connection, "INSERT OR REPLACE INTO movement", [tuple(row) for row in rows])


def are_serials(text: Any) -> bool:
    """Whether a column of the table can be read as serials."""
    try:
        msgspec.json.decode(text, type=Serials)
    except (msgspec.DecodeError, TypeError, ValueError):
        return False
    return True


def find_movement(connection: sqlite3.Connection, number: str) -> Movement | None:
    """Return the movement of an id, None where there is none."""
    if _ID.fullmatch(number) is None:
        return None
    message, _, row = number.partition("-")
    found = select_movements(connection, "message = ? AND row = ?", (int(message), int(row or 0)))
    return found[0] if found else None


def entered_movements(connection: sqlite3.Connection, message: int) -> list[Movement]:
    """Return the movements that a message entered."""
    return select_movements(connection, "message = ? ORDER BY row", (message,))


def counting_movements(connection: sqlite3.Connection, *, waiting: bool = False) -> list[Movement]:
    """Return the movements that count, in the order in which they do: by day, then as they were approved.

    With `waiting` those too that nobody has approved yet, as the last ones of their days.
    """
    standings = (RecordStanding.APPROVED, *((RecordStanding.ENTERED,) if waiting else ()))
    marks = ", ".join("?" for _ in standings)
    return select_movements(
        connection,
        f"standing IN ({marks}) ORDER BY day, approved_in IS NULL, approved_in, message, row",
        standings,
    )


def select_movements(connection: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[Movement]:
    """Return the movements of a condition of ours in SQL."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM movement WHERE {where}", values)
    return [_movement(row) for row in rows]


def _movement(row: Sequence[Any]) -> Movement:
    values = list(row)
    values[_SERIALS] = msgspec.json.decode(values[_SERIALS], type=Serials)
    values[_STANDING] = RecordStanding(values[_STANDING])
    return Movement(*values)
