"""Records as they are looked for: by place, standing and time, a page at a time."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    given: list[tuple[str, Sequence[Any]]] = [
        (f"{name} = ?", (value,))
        for name, value in (
            ("park", wanted.park),
            ("facility", wanted.facility),
            ("channel", wanted.channel),
            ("standing", wanted.standing),
        )
        if value is not None
    ]
    if wanted.start is not None:
        given.append(("(finish > ? OR start = finish AND start = ?)", (wanted.start, wanted.start)))
    if wanted.end is not None:
        given.append(("start < ?", (wanted.end,)))
    if before is not None:
        given.append(("(message, row) < (?, ?)", before))
    if wanted.places:
        each = " OR ".join("park = ? AND ? IN ('', facility)" for _ in wanted.places)
        given.append((f"({each})", [part for place in wanted.places for part in place]))
    where = " AND ".join(text for text, _ in given) or "TRUE"
    values = [value for _, several in given for value in several]
    rows = connection.execute(
        f"{SELECT} WHERE {where} ORDER BY message DESC, row DESC LIMIT ?", (*values, most)
    )
    return [record_of(row) for row in rows]
