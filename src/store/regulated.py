"""Hours that count under a regulation, and a ledger of their own: windows and hours are never mixed in one chain.

Every change of a regulated number is appended, each row bound to the one before by the hash that the ledger uses.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import msgspec
import numpy as np

from plant.arrays import Floats, Ints, Times
from store.ledger import GENESIS, Entry, chained
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
    ]
)
_FAR = 2**62


class RoleHour(msgspec.Struct, array_like=True, frozen=True):
    """One input of one hour; levels and rates per hour of operation, in the unit of the role."""

    measured: float  # as the monitor gave it; NaN where the hour has too few readings
    share: float  # of the operating time, or of the possible readings, that is known
    counted: float  # what stands under the rule; NaN where nothing does
    rule: int  # what made `counted`, as rules.substitution.Rule


class HourInputs(msgspec.Struct, array_like=True, frozen=True):
    """What an hour was counted from."""

    operating: float  # [h]
    load: float  # in the load channel's unit; NaN where nobody knows it
    roles: dict[str, RoleHour]


@dataclass(frozen=True, slots=True)
class RegulatedHours:
    """Hours of one source in order of time, columns of one length; unknown is NaN."""

    hour: Times
    revision: Ints
    status: Ints
    co2e_t: Floats
    live_co2e_t: Floats
    inputs: Sequence[bytes]  # see `unpacked`

    def unpacked(self) -> list[HourInputs]:
        """Return what each hour was counted from."""
        decode = msgspec.msgpack.Decoder(HourInputs).decode
        return [decode(packed) for packed in self.inputs]


def packed(inputs: Sequence[HourInputs]) -> list[bytes]:
    """Return the inverse of `RegulatedHours.unpacked`."""
    encode = msgspec.msgpack.Encoder().encode
    return [encode(one) for one in inputs]


def regulated_hours(
    connection: sqlite3.Connection, source: int, start: int = -_FAR, end: int = _FAR
) -> RegulatedHours:
    """Return the counted hours of a source (by database id) that start in [start, end) [ns UTC]."""
    rows = connection.execute(
        "SELECT hour, revision, status, co2e_t, live_co2e_t, inputs FROM regulated_hour"
        " WHERE source = ? AND hour >= ? AND hour < ? ORDER BY hour",
        (source, start, end),
    ).fetchall()
    return RegulatedHours(
        hour=np.array([row[0] for row in rows], np.int64),
        revision=np.array([row[1] for row in rows], np.int64),
        status=np.array([row[2] for row in rows], np.int64),
        co2e_t=np.array([row[3] for row in rows], np.float64),
        live_co2e_t=np.array([row[4] for row in rows], np.float64),
        inputs=[row[5] for row in rows],
    )


class RegulatedTable:
    """The tables `regulated_hour` and `regulated_ledger`, through the line's connection and inside its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def span(self, source: int) -> tuple[int, int] | None:
        """Return the first and the last hour of a source, None where it has none."""
        row = self._connection.execute(
            "SELECT (SELECT min(hour) FROM regulated_hour WHERE source = ?1),"
            " (SELECT max(hour) FROM regulated_hour WHERE source = ?1)",
            (source,),
        ).fetchone()
        return None if row[0] is None else (int(row[0]), int(row[1]))

    def first_reading(self, source: int) -> int | None:
        """Return the time of a source's first reading [ns UTC], None where it has none."""
        row = self._connection.execute("SELECT first FROM source WHERE id = ?", (source,)).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    def hours(self, source: int, start: int) -> RegulatedHours:
        """Return the hours of a source from a time on."""
        return regulated_hours(self._connection, source, start)

    def live(self, source: int, start: int, end: int) -> Mapping[int, float]:
        """Return the live tonnes of the clock hours that start in [start, end), by hour; NaN where unknown."""
        rows = self._connection.execute(
            "SELECT start, co2e_t FROM total WHERE source = ? AND level = 1 AND start >= ? AND start < ?",
            (source, start, end),
        )
        return {int(hour): nan if value is None else float(value) for hour, value in rows}

    def write(self, entry: Entry, source: int, old: RegulatedHours, new: RegulatedHours) -> int:
        """Store the hours of `new` that differ from `old`, each with its next revision; return how many did.

        `old` holds whatever is stored of the hours in `new`. Where only the live number differs it is noted without a
        revision: the regulated number is what it was.
        """
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
                changes.append((source, revision, hour, content[0], before[1], counted, now_live))
            elif _known(live) == _known(now_live):
                continue
            rows.append((source, hour, revision, content[0], _known(counted), _known(now_live), content[2]))
        write_rows(self._connection, "INSERT OR REPLACE INTO regulated_hour", rows)
        if changes:
            self._append(entry, np.array(changes, CHANGE).tobytes())
        return len(changes)

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


def _numbers(hours: RegulatedHours, row: int) -> tuple[int, float, float]:
    return int(hours.revision[row]), float(hours.co2e_t[row]), float(hours.live_co2e_t[row])


def _content(hours: RegulatedHours, row: int) -> tuple[int, float | None, bytes]:
    """Return what makes an hour another one; equal where bits are, NaN included."""
    return int(hours.status[row]), _known(float(hours.co2e_t[row])), bytes(hours.inputs[row])


def _known(value: float) -> float | None:
    return None if isnan(value) else value
