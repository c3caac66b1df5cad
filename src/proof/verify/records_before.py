"""Records and movements that were entered before the first message that the journal still has, as they stood when that came.

What was pruned cannot be taken again; what is decided later of such a one can, and needs to find it.
"""

import sqlite3
from dataclasses import replace

from store.records.movements import Movement, select_movements, write_movements
from store.records.table import SELECT, Record, RecordStanding, find, record_of, write


def know_records_before(stored: sqlite3.Connection, again: sqlite3.Connection, first: int, time: int) -> None:
    """Write into a state the records, movements and files whose messages came before message `first`, which came at a time [ns UTC]."""
    rows = stored.execute(f"{SELECT} WHERE message < ?", (first,)).fetchall()
    write(again, [_as_of(stored, record_of(row), time) for row in rows])
    movements = select_movements(stored, "message < ?", (first,))
    write_movements(again, [_movement_as_of(one, first, time) for one in movements])
    for row in stored.execute(
        "SELECT digest, by, at, message, kind, size FROM evidence WHERE message < ?", (first,)
    ):
        again.execute(
            "INSERT OR IGNORE INTO evidence (digest, by, at, message, kind, size) VALUES (?, ?, ?, ?, ?, ?)",
            row,
        )


def _as_of(stored: sqlite3.Connection, record: Record, time: int) -> Record:
    """Return a record as it stood before a time: what ended or approved it later is undone."""
    if record.ended_at is not None and record.ended_at >= time:
        before = RecordStanding.ENTERED if record.approved_at is None else RecordStanding.APPROVED
        record = replace(
            record,
            standing=before,
            ended_by="",
            ended_at=None,
            reason="",
            correction=_counted(stored, record),
        )
    if record.approved_at is not None and record.approved_at >= time:
        record = replace(
            record,
            standing=RecordStanding.ENTERED,
            approved_by="",
            approved_key="",
            approved_at=None,
            correction=None,
        )
    return record


def _counted(stored: sqlite3.Connection, record: Record) -> int | None:
    """Return the correction of the reading that counted before a record ended; one that was taken back has the next."""
    if record.correction is None:
        return None
    follower = find(stored, record.reason) if record.standing is RecordStanding.REPLACED else None
    was_taken_back = follower is None or follower.finish != record.finish
    return record.correction - was_taken_back


def _movement_as_of(movement: Movement, first: int, time: int) -> Movement:
    """Return a movement as it stood before message `first`, which came at a time."""
    if movement.ended_at is not None and movement.ended_at >= time:
        before = RecordStanding.ENTERED if movement.approved_at is None else RecordStanding.APPROVED
        movement = replace(movement, standing=before, ended_by="", ended_at=None, reason="")
    if movement.approved_in is not None and movement.approved_in >= first:
        movement = replace(
            movement,
            standing=RecordStanding.ENTERED,
            approved_by="",
            approved_key="",
            approved_at=None,
            approved_in=None,
        )
    return movement
