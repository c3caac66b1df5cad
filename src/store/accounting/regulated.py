"""Hours that count under a regulation, and a ledger of their own: windows and hours are never mixed in one chain.

Every change of a regulated number is appended, each row bound to the one before by the hash that the ledger uses. What
would change an hour of a final month is kept beside it (`pending_regulated`) until somebody approves.
"""

import sqlite3
from collections.abc import Callable, Mapping
from hashlib import blake2b
from math import isnan, nan

import msgspec
import numpy as np

from plant.arrays import Bools, Ints, Times
from store.accounting.ledger import GENESIS, Entry, chained
from store.accounting.regulated_hours import RegulatedHours, regulated_hours, rows_of, waiting_hours
from store.sqlite import write_rows

CHANGE = np.dtype(
    [
        ("source", "<i4"),
        ("revision", "<i4"),
        ("hour", "<i8"),
        ("status", "<i4"),
        ("old_co2e_t", "<f8"),
        ("new_co2e_t", "<f8"),
        ("live_co2e_t", "<f8"),
        ("inputs", "V16"),  # see `digest`
    ]
)
_RESTATED = "restated hours of source "  # keys of `meta`

Frozen = Callable[[Ints, Times], Bools]  # (source, hour) → whether it is of a final month


def digest(inputs: bytes) -> bytes:
    """Return what the ledger says of what an hour was counted from."""
    return blake2b(inputs, digest_size=16).digest()


def restated_sources(connection: sqlite3.Connection) -> set[int]:
    """Return the sources of which some hours were restated since the last one was counted: others may have to follow."""
    rows = connection.execute("SELECT key FROM meta WHERE key GLOB ?", (f"{_RESTATED}*",))
    return {int(key.removeprefix(_RESTATED)) for (key,) in rows}


class RegulatedTable:
    """The tables of regulated hours and their ledger, through the line's connection and inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, frozen: Frozen | None = None) -> None:
        """Open the tables; hours that are `frozen` are not published but wait."""
        self._connection, self._frozen = connection, frozen

    def span(self, source: int) -> tuple[int, int] | None:
        """Return the first and the last hour of a source, those that wait included; None where it has none."""
        row = self._connection.execute(
            "SELECT min(first), max(last) FROM (SELECT min(hour) AS first, max(hour) AS last FROM regulated_hour WHERE source = ?1"
            " UNION ALL SELECT min(hour), max(hour) FROM pending_regulated WHERE source = ?1)",
            (source,),
        ).fetchone()
        return None if row[0] is None else (int(row[0]), int(row[1]))

    def first_reading(self, source: int) -> int | None:
        """Return the time of a source's first reading [ns UTC], None where it has none."""
        row = self._connection.execute("SELECT first FROM source WHERE id = ?", (source,)).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    def hours(self, source: int, start: int) -> tuple[RegulatedHours, RegulatedHours]:
        """Return the hours of a source from a time on: those that are published, and those that wait for approval."""
        return regulated_hours(self._connection, source, start), waiting_hours(
            self._connection, source, start
        )

    def live(self, source: int, start: int, end: int) -> Mapping[int, float]:
        """Return the live tonnes of the clock hours that start in [start, end), by hour; NaN where unknown."""
        rows = self._connection.execute(
            "SELECT start, co2e_t FROM total WHERE source = ? AND level = 1 AND start >= ? AND start < ?",
            (source, start, end),
        )
        return {int(hour): nan if value is None else float(value) for hour, value in rows}

    def write(
        self, entry: Entry, source: int, old: RegulatedHours, new: RegulatedHours, *, approved: bool = False
    ) -> int:
        """Store the hours of `new` that differ from `old`, each with its next revision; return how many did.

        `old` holds whatever is published of the hours in `new`. Where only the live number differs it is noted without
        a revision: the regulated number is what it was. Hours of final months wait, unless they are `approved`.
        """
        if self._frozen is not None and not approved and len(new.hour):
            frozen = self._frozen(np.full(len(new.hour), source), new.hour)
            self._hold(source, old, rows_of(new, np.flatnonzero(frozen)))
            new = rows_of(new, np.flatnonzero(~frozen))
        stored = {hour: row for row, hour in enumerate(old.hour.tolist())}
        rows, changes = [], []
        for place, hour in enumerate(new.hour.tolist()):
            row = stored.get(hour)
            before = (0, nan, nan) if row is None else _numbers(old, row)
            revision, _, live = before
            content = _content(new, place)
            counted, now_live = float(new.co2e_t[place]), float(new.live_co2e_t[place])
            differs = row is None or _content(old, row) != content
            if differs:
                revision += 1
                numbers = (source, revision, hour, content[0], before[1], counted, now_live)
                changes.append((*numbers, digest(content[2])))
            elif _known(live) == _known(now_live):
                continue
            rows.append((source, hour, revision, content[0], _known(counted), _known(now_live), content[2]))
        write_rows(self._connection, "INSERT OR REPLACE INTO regulated_hour", rows)
        if changes:
            self._append(entry, np.array(changes, CHANGE).tobytes())
        return len(changes)

    def note_restated(self, source: int) -> None:
        """Remember that some hours of a source were restated, and others may have to follow."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, 1)", (f"{_RESTATED}{source}",))

    def note_followed(self, source: int) -> None:
        """Remember that all hours of a source were counted again."""
        self._connection.execute("DELETE FROM meta WHERE key = ?", (f"{_RESTATED}{source}",))

    def _hold(self, source: int, published: RegulatedHours, new: RegulatedHours) -> None:
        """Keep hours as they would be; what is as published no longer waits."""
        if not len(new.hour):
            return
        waiting = waiting_hours(self._connection, source, int(new.hour[0]), int(new.hour[-1]) + 1)
        stored, known = _by_hour(published), _by_hour(waiting)
        rows, same = [], []
        for place, hour in enumerate(new.hour.tolist()):
            content = _content(new, place)
            if content == stored.get(hour):
                same += [(source, hour)] if hour in known else []
            elif content != known.get(hour):
                rows.append((source, hour, *content[:2], _known(float(new.live_co2e_t[place])), content[2]))
        write_rows(self._connection, "INSERT OR REPLACE INTO pending_regulated", rows)
        self._connection.executemany("DELETE FROM pending_regulated WHERE source = ? AND hour = ?", same)

    def _append(self, entry: Entry, changes: bytes) -> None:
        row = self._connection.execute(
            "SELECT hash FROM regulated_ledger ORDER BY id DESC LIMIT 1"
        ).fetchone()
        head = bytes(row[0]) if row else GENESIS
        values = (*msgspec.structs.astuple(entry), changes, head, chained(head, entry, changes))
        self._connection.execute(f"INSERT INTO regulated_ledger VALUES (NULL{', ?' * 9})", values)


def first_broken(connection: sqlite3.Connection) -> int | None:
    """Return the id of the first row of the regulated ledger that does not follow from the one before, None if all do."""
    head = GENESIS
    for number, *values in connection.execute(
        "SELECT id, at, cause, actor, configuration, journal_from, journal_to, changes, previous, hash"
        " FROM regulated_ledger ORDER BY id"
    ):
        changes, previous, own = (bytes(value) for value in values[6:])
        if previous != head or own != chained(head, Entry(*values[:6]), changes):
            return int(number)
        head = own
    return None


def _by_hour(hours: RegulatedHours) -> dict[int, tuple[int, float | None, bytes]]:
    return {hour: _content(hours, row) for row, hour in enumerate(hours.hour.tolist())}


def _numbers(hours: RegulatedHours, row: int) -> tuple[int, float, float]:
    return int(hours.revision[row]), float(hours.co2e_t[row]), float(hours.live_co2e_t[row])


def _content(hours: RegulatedHours, row: int) -> tuple[int, float | None, bytes]:
    """Return what makes an hour another one; equal where bits are, NaN included."""
    return int(hours.status[row]), _known(float(hours.co2e_t[row])), bytes(hours.inputs[row])


def _known(value: float) -> float | None:
    return None if isnan(value) else value
