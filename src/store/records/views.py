"""Records and movements as they are looked for: by place, standing and time, a page at a time."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store.records.movements import Movement, select_movements
from store.records.table import SELECT, Record, RecordStanding, record_of


@dataclass(frozen=True, slots=True)
class WantedRecords:
    """Which records are meant: those that all of what is given fits; `start` and `end` [ns UTC] that reach into [start, end).

    `places` are (park, facility) that may be seen, with "" for all of a park; () for all there are.
    """

    park: str | None = None
    facility: str | None = None
    channel: str | None = None
    standing: RecordStanding | None = None
    start: int | None = None
    end: int | None = None
    places: tuple[tuple[str, str], ...] = ()


def select(
    connection: sqlite3.Connection, wanted: WantedRecords, before: tuple[int, int] | None, most: int
) -> list[Record]:
    """Return records, those that were entered last first, at most so many; `before` is (message, row) of the last one told."""
    names = ("park", "facility", "channel", "standing")
    given = _given({name: getattr(wanted, name) for name in names}, wanted.places)
    if wanted.start is not None:
        given.append(("(finish > ? OR start = finish AND start = ?)", (wanted.start, wanted.start)))
    if wanted.end is not None:
        given.append(("start < ?", (wanted.end,)))
    if before is not None:
        given.append(("(message, row) < (?, ?)", before))
    where = " AND ".join(text for text, _ in given) or "TRUE"
    values = [value for _, several in given for value in several]
    rows = connection.execute(
        f"{SELECT} WHERE {where} ORDER BY message DESC, row DESC LIMIT ?", (*values, most)
    )
    return [record_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class WantedMovements:
    """Which movements are meant, and where they may be seen; as of records."""

    park: str | None = None
    facility: str | None = None
    instrument: str | None = None
    standing: RecordStanding | None = None
    places: tuple[tuple[str, str], ...] = ()


def wanted_movements(
    connection: sqlite3.Connection, wanted: WantedMovements, before: tuple[int, int] | None, most: int
) -> list[Movement]:
    """Return movements, those that were entered last first, at most so many; `before` is message and row of the last one told."""
    names = ("park", "facility", "instrument", "standing")
    given = _given({name: getattr(wanted, name) for name in names}, wanted.places)
    given += [] if before is None else [("(message, row) < (?, ?)", before)]
    where = " AND ".join(text for text, _ in given) or "TRUE"
    values = [value for _, several in given for value in several]
    return select_movements(connection, f"{where} ORDER BY message DESC, row DESC LIMIT ?", (*values, most))


def _given(
    equal: Mapping[str, str | None], places: tuple[tuple[str, str], ...]
) -> list[tuple[str, Sequence[Any]]]:
    """Return SQL of what columns must be, and that a place may be seen, with its values."""
    given: list[tuple[str, Sequence[Any]]] = [
        (f"{name} = ?", (value,)) for name, value in equal.items() if value is not None
    ]
    if places:
        each = " OR ".join("park = ? AND ? IN ('', facility)" for _ in places)
        given.append((f"({each})", [part for place in places for part in place]))
    return given
