"""Reporting periods: months of parks that are open, provisional, final or restated, and changes that wait for approval.

What would change a window of a final month is kept beside the published number and does not touch it. A decision of a
person moves a period on; decisions come through the journal, so that a replay takes them at the same place.
"""

import json
import math
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from plant import periods
from plant.arrays import Bools, Floats, Ints, Times
from plant.vocabulary import NS_PER_HOUR
from store import blocks
from store.accounting.pending import NOTHING_SEEN, Pending, change, generation, said_of_block, said_of_hours
from store.accounting.regulated_hours import RegulatedHours, regulated_hours, rows_of, waiting_hours
from store.messages.journal import DECISION, Message
from store.sqlite import write_rows

CO2E = blocks.FIELDS.index("co2e_t")

_LIVE = f"SELECT co2e_t FROM total WHERE source = ? AND level = {periods.MONTH} AND start >= ? AND start < ?"
_REGULATED = "SELECT sum(co2e_t) FROM regulated_hour WHERE source = ? AND hour >= ? AND hour < ?"

_PERIOD = "SELECT park, start, finish, status, approved_by, approved_generation, closed_by, despite, overruled FROM period"
TOPIC = b"$stackmeter/decision"  # no subscription of ours matches it
Published = Callable[[int, int], Floats]  # (source, hour) → block


class Status(StrEnum):
    """Where a month of a park stands. A month without a row is open."""

    OPEN = "open"
    PROVISIONAL = "provisional"
    FINAL = "final"
    RESTATED = "restated"


FROZEN = (Status.FINAL, Status.RESTATED)


@dataclass(frozen=True, slots=True)
class Period:
    """A park's month: [start, end) ns UTC, its status, and who first approved which generation of what waits."""

    park: str
    start: int
    end: int
    status: Status = Status.OPEN
    approved_by: str = ""
    approved_generation: int = NOTHING_SEEN
    closed_by: str = ""
    despite: str = ""  # why it was closed though it did not pass the gates in `overruled`
    overruled: tuple[str, ...] = ()


class DecisionRefused(Exception):
    """A decision that cannot be taken as things stand; the text says why and what to do."""


class Decision(msgspec.Struct, frozen=True):
    """What somebody decides of a park's month (`2026-10`); `generation` names what they saw waiting there.

    Of a month that is to be final, `overruled` names the gates (store.standing) that it did not pass when they were told of it,
    under the configuration of that hash, and `despite` is their reason to close it all the same.
    """

    id: str
    by: str
    action: str  # provisional, final or approve
    park: str
    month: str
    generation: int = NOTHING_SEEN
    despite: str = ""
    overruled: tuple[str, ...] = ()
    configuration: str = ""

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, TOPIC, msgspec.json.encode(self), DECISION)


class Closing:
    """The table `period` and those of what waits, through the line's connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        park_of: Mapping[int, tuple[str, ZoneInfo]],
        apart: Collection[int] = (),
    ) -> None:
        """Open the tables; `park_of` tells the park of each source's database id, and its clock.

        A month of the park leaves the tonnes of `apart` out, see `plant.inventory`.
        """
        self._connection, self._park_of, self._apart = connection, park_of, frozenset(apart)
        self.forget()

    def forget(self) -> None:
        """Read again what is frozen: a transaction that had changed it was rolled back."""
        self._frozen: dict[str, list[tuple[int, int]]] = {}
        query = f"SELECT park, start, finish FROM period WHERE status IN ({', '.join('?' * len(FROZEN))})"
        for park, start, end in self._connection.execute(query, FROZEN):
            self._frozen.setdefault(park, []).append((start, end))

    def frozen(self, source: Ints, start: Times) -> Bools:
        """Whether each time [ns UTC] is in a final month of its source's park (database ids)."""
        result = np.zeros(len(source), bool)
        if not self._frozen:
            return result
        for one in np.unique(source).tolist():
            mine = np.flatnonzero(source == one)
            for begin, end in self._frozen.get(self._park_of[one][0], ()):
                result[mine] |= (start[mine] >= begin) & (start[mine] < end)
        return result

    def periods(self) -> Iterator[Period]:
        """Yield every month that was ever decided of."""
        for park, start, end, *rest in self._connection.execute(f"{_PERIOD} ORDER BY park, start"):
            yield _period(park, start, end, *rest)

    def period(self, park: str, zone: ZoneInfo, time: int) -> Period:
        """Return a park's month around a time."""
        start, end = int(periods.month_start(time, zone)), int(periods.next_month(time, zone))
        row = self._connection.execute(f"{_PERIOD} WHERE park = ? AND start = ?", (park, start)).fetchone()
        return _period(park, start, end, *row[3:]) if row else Period(park, start, end)

    def write(self, period: Period) -> None:
        """Store a period."""
        p = period
        self._connection.execute(
            "INSERT OR REPLACE INTO period VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(p.park, p.start, p.end, p.status, p.approved_by, p.approved_generation),
                *(p.closed_by, p.despite, json.dumps(p.overruled)),
            ),
        )
        self.forget()

    def hold(self, source: Ints, hour: Times, start: Times, fields: Floats, published: Published) -> Bools:
        """Keep windows of frozen months as they would be, and return which those are.

        What is as published again no longer waits.

        Parameters
        ----------
        source, hour, start
            Database id, clock hour and start of each window, sorted by (source, start) [ns UTC].
        fields
            [windows, 9]: blocks.FIELDS without the revision.
        published
            Returns the published block of a (source, hour).
        """
        frozen = self.frozen(source, start)
        if frozen.any():
            self._hold(source[frozen], hour[frozen], start[frozen], fields[frozen], published)
        return frozen

    def _hold(self, source: Ints, hour: Times, start: Times, fields: Floats, published: Published) -> None:
        heads = np.flatnonzero(np.append(True, (source[1:] != source[:-1]) | (hour[1:] != hour[:-1])))
        bounds = np.append(heads, len(source)).tolist()
        for low, high in pairwise(bounds):
            key = (int(source[low]), int(hour[low]))
            reported = published(*key)
            before = self._waiting(*key)
            block = (reported if before is None else before).copy()
            place = (start[low:high] - hour[low]) // (NS_PER_HOUR // len(block))
            block[place, : blocks.REVISION] = fields[low:high]
            self._keep(key, block, reported, before)

    def waiting(self, period: Period) -> Iterator[tuple[int, int, Floats]]:
        """Yield (source, hour, block as it would be) of what waits in a period."""
        rows = self._connection.execute(
            "SELECT source, hour, block FROM pending_emission WHERE hour >= ? AND hour < ? ORDER BY source, hour",
            (period.start, period.end),
        ).fetchall()
        for source, hour, block in rows:
            if self._is_of(source, period):
                yield source, hour, blocks.from_bytes(block)

    def waiting_hours(self, period: Period) -> Iterator[tuple[int, RegulatedHours, RegulatedHours]]:
        """Yield (source, hours as published, as they would be) of the regulated hours that wait in a period."""
        rows = self._connection.execute(
            "SELECT DISTINCT source FROM pending_regulated WHERE hour >= ? AND hour < ? ORDER BY source",
            (period.start, period.end),
        ).fetchall()
        for (source,) in rows:
            if self._is_of(source, period):
                waiting = waiting_hours(self._connection, source, period.start, period.end)
                published = regulated_hours(self._connection, source, period.start, period.end)
                yield source, _among(published, waiting), waiting

    def pending(self, period: Period, published: Published) -> Pending:
        """Return what waits in a period, beside what is published of the same park's month."""
        delta, windows, names = 0.0, 0, self._names()
        seen: list[str] = []
        for source, hour, block in self.waiting(period):
            seen.append(said_of_block(names[source], hour, block))
            reported = published(source, hour)
            differs = changed(reported, block)
            windows += int(differs.sum())
            if source in self._apart:
                continue
            delta += float(np.nansum(block[differs, CO2E]) - np.nansum(reported[differs, CO2E]))
        hours, of_hours = 0, 0.0
        for source, before, after in self.waiting_hours(period):
            seen += said_of_hours(names[source], after)
            hours += len(after.hour)
            if source not in self._apart:
                of_hours += float(np.nansum(after.co2e_t) - np.nansum(before.co2e_t))
        return Pending(
            change(self._reported(period, _LIVE), delta, windows),
            change(self._reported(period, _REGULATED), of_hours, hours),
            generation(sorted(seen)),
        )

    def release(self, period: Period) -> None:
        """Forget what waited in a period."""
        for table in ("pending_emission", "pending_regulated"):
            rows = self._connection.execute(
                f"SELECT source, hour FROM {table} WHERE hour >= ? AND hour < ?", (period.start, period.end)
            ).fetchall()
            keys = [key for key in rows if self._is_of(key[0], period)]
            self._connection.executemany(f"DELETE FROM {table} WHERE source = ? AND hour = ?", keys)

    def _is_of(self, source: int, period: Period) -> bool:
        """Whether a source is of a period's park; one that is no longer configured is of none, and goes on waiting."""
        return source in self._park_of and self._park_of[source][0] == period.park

    def note(self, *decision: str | int) -> None:
        """Enter a decision: id, at [ns UTC], offset, actor, action, park, start [ns UTC], outcome, detail."""
        write_rows(self._connection, "INSERT OR IGNORE INTO decision", [decision])

    def _waiting(self, source: int, hour: int) -> Floats | None:
        row = self._connection.execute(
            "SELECT block FROM pending_emission WHERE source = ? AND hour = ?", (source, hour)
        ).fetchone()
        return blocks.from_bytes(row[0]) if row else None

    def _keep(self, key: tuple[int, int], block: Floats, reported: Floats, before: Floats | None) -> None:
        """Store a block that waits, or forget it where it is as published again."""
        if not changed(block, reported if before is None else before).any():
            return
        if changed(reported, block).any():
            row = (*key, blocks.to_bytes(block))
            self._connection.execute("INSERT OR REPLACE INTO pending_emission VALUES (?, ?, ?)", row)
        else:
            self._connection.execute("DELETE FROM pending_emission WHERE source = ? AND hour = ?", key)

    def _names(self) -> dict[int, str]:
        """Return the name of each source by its id, which another state may number otherwise."""
        rows = self._connection.execute("SELECT id, park, facility, name FROM source")
        return {int(number): "/".join(name) for number, *name in rows}

    def _reported(self, period: Period, query: str) -> float:
        """Return the published tonnes of a park's month; NaN where none is known."""
        mine = (number for number, (park, _) in self._park_of.items() if park == period.park)
        ids = [number for number in mine if number not in self._apart]
        known = [
            row[0]
            for number in ids
            for row in self._connection.execute(query, (number, period.start, period.end))
            if row[0] is not None
        ]
        return float(np.sum(known)) if known else math.nan


def _period(park: str, start: int, end: int, *row: Any) -> Period:
    """Return a stored period, its row from the status on."""
    status, approved_by, approved_generation, closed_by, despite, overruled = row
    return Period(
        *(park, start, end, Status(status), approved_by, approved_generation),
        *(closed_by, despite, tuple(json.loads(overruled))),
    )


def _among(hours: RegulatedHours, wanted: RegulatedHours) -> RegulatedHours:
    return rows_of(hours, np.flatnonzero(np.isin(hours.hour, wanted.hour)))


def changed(one: Floats, other: Floats) -> Bools:
    """Return which windows of two blocks differ in any bit, apart from the revision."""
    a, b = (np.where(np.isnan(x), np.nan, x)[:, : blocks.REVISION] for x in (one, other))
    differs: Bools = (np.ascontiguousarray(a).view(np.int64) != np.ascontiguousarray(b).view(np.int64)).any(
        axis=1
    )
    return differs
