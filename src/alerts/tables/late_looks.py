"""Which subjects of conditions are to be looked at again because readings came late, and what that showed.

In one transaction: what is to be done outlives a restart, and what was found is noted once.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plant.vocabulary import FOREVER
from store.sqlite import write_rows

_COLUMNS = "condition, subject, first, last, due, marks"


@dataclass(frozen=True, slots=True)
class LateMark:
    """A subject to look at again, by the condition's name and its id, from the instant `first` to `last`, not before `due`.

    Times are ns UTC. `marks` counts the times that something late came for it.
    """

    condition: str
    subject: str
    first: int
    last: int
    due: int
    marks: int = 1


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """An alert of a subject; `ended_at` is the far future while it is open."""

    id: str
    started_at: int
    ended_at: int


def mark_late(connection: sqlite3.Connection, marks: Iterable[LateMark]) -> None:
    """Note what is to be looked at again; of a subject that waits already the stretch grows, and it stays as due as it was."""
    rows = [(one.condition, one.subject, one.first, one.last, one.due, one.marks) for one in marks]
    write_rows(
        connection,
        f"INSERT INTO late_look ({_COLUMNS})",
        rows,
        "ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last), marks = marks + 1",
    )


def due_marks(connection: sqlite3.Connection, now: int, most: int) -> Sequence[LateMark]:
    """Return what has been due for longest, at most so many, of one condition and with stretches that meet the first one's."""
    head = connection.execute(
        f"SELECT {_COLUMNS} FROM late_look WHERE due <= ? ORDER BY due LIMIT 1", (now,)
    ).fetchone()
    if head is None:
        return ()
    condition, _, first, last, _, _ = head
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM late_look WHERE condition = ? AND due <= ? AND first <= ? AND last >= ?"
        " ORDER BY due, subject LIMIT ?",
        (condition, now, last, first, most),
    )
    return [LateMark(*row) for row in rows]


def settle_mark(connection: sqlite3.Connection, mark: LateMark) -> None:
    """Take a subject off; where something late came since `mark` was read it stays, for a look at all of it later."""
    connection.execute(
        "DELETE FROM late_look WHERE condition = ? AND subject = ? AND marks = ?",
        (mark.condition, mark.subject, mark.marks),
    )


def put_off_mark(connection: sqlite3.Connection, mark: LateMark, due: int) -> None:
    """Let a subject that is still there wait until a time [ns UTC]."""
    connection.execute(
        "UPDATE late_look SET due = ? WHERE condition = ? AND subject = ?",
        (due, mark.condition, mark.subject),
    )


def with_late_spans(
    connection: sqlite3.Connection, marks: Iterable[LateMark], start: int, end: int
) -> tuple[int, int]:
    """Return a stretch [ns UTC] made long enough for all that was noted of subjects and reaches into it."""
    first, last = start, end
    for mark in marks:
        low, high = connection.execute(
            "SELECT min(first), max(last) FROM late_span WHERE condition = ? AND subject = ? AND first <= ? AND last >= ?",
            (mark.condition, mark.subject, end, start),
        ).fetchone()
        if low is not None:
            first, last = min(first, low), max(last, high)
    return first, last


def note_late_span(
    connection: sqlite3.Connection, condition: str, subject: str, first: int, last: int
) -> bool:
    """Remember a stretch [ns UTC] in which late data showed a breach; return whether it tells more than is known."""
    known = connection.execute(
        "SELECT 1 FROM late_span WHERE condition = ? AND subject = ? AND first <= ? AND last >= ?",
        (condition, subject, first, last),
    ).fetchone()
    if known is not None:
        return False
    connection.execute(
        "DELETE FROM late_span WHERE condition = ? AND subject = ? AND first >= ? AND last <= ?",
        (condition, subject, first, last),
    )
    connection.execute("INSERT INTO late_span VALUES (?, ?, ?, ?)", (condition, subject, first, last))
    return True


def told_alerts(
    connection: sqlite3.Connection, rule: str, labels: Mapping[str, str], start: int, end: int
) -> list[ToldAlert]:
    """Return the alerts that a rule began for the subject of these labels and that stood at some time in [start, end]."""
    of_subject = "".join(f" AND json_extract(labels, '$.{name}') = ?" for name in labels)
    rows = connection.execute(
        f"SELECT id, started_at, coalesce(ended_at, {FOREVER}) FROM alert WHERE rule = ? AND started_at <= ?"
        f" AND coalesce(ended_at, {FOREVER}) >= ?{of_subject} ORDER BY started_at",
        (rule, end, start, *labels.values()),
    )
    return [ToldAlert(*row) for row in rows]


def has_event(connection: sqlite3.Connection, alert: str, kind: str) -> bool:
    """Return whether an alert has an event of a kind."""
    found = connection.execute("SELECT 1 FROM alert_event WHERE alert = ? AND kind = ?", (alert, kind))
    return found.fetchone() is not None
