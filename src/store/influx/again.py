"""Queues again what InfluxDB was told before: readings, windows and alerts of a stretch of time, as state.db has them now.

Nothing is written to InfluxDB here. What is queued stands in the outboxes among what is new, and goes the one way that
everything goes (`store.influx.sender`). A page is read and queued in one transaction, so that no older state of a point
can come after a newer one, whatever the line does meanwhile; and a point that InfluxDB still has is written over by itself.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plant.arrays import Ints, Readings
from plant.vocabulary import NS_PER_HOUR
from store import blocks
from store.influx.lines import alert_line
from store.influx.queue import queue_readings
from store.readings import read as readings
from store.sqlite import transaction, write_rows
from store.totals.emissions import HOURS_AT_ONCE, queue_hours

READINGS_AT_ONCE = 50_000  # at least so many in a transaction, as long as there are more
ALERTS_AT_ONCE = 10_000

_EVENTS = "FROM alert_event WHERE kind IN ('firing', 'resolved') AND at >= ? AND at < ?"


@dataclass(frozen=True, slots=True)
class Points:
    """How many points there are of each kind."""

    readings: int = 0
    windows: int = 0
    alerts: int = 0

    def __add__(self, other: "Points") -> "Points":
        return Points(
            self.readings + other.readings, self.windows + other.windows, self.alerts + other.alerts
        )


class Again:
    """What a state holds for InfluxDB, by time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take a connection of its own: one that writes to queue, one that reads to count."""
        self._connection = connection
        self._channels = self._ids("channel")
        self._sources = self._ids("source")
        self._last_readings = self._last_alerts = 0  # of the outboxes' rows that were queued here
        self._hours = (0, 0)

    def span(self) -> tuple[int, int] | None:
        """Return [first, end) [ns UTC] of all that there is; None where there is nothing."""
        found = [readings.span(self._connection, number) for number in self._channels]
        query = "SELECT min(hour), max(hour) FROM emission WHERE source = ?"
        found += [self._connection.execute(query, (number,)).fetchone() for number in self._sources]
        found += self._connection.execute(f"SELECT min(at), max(at) {_EVENTS}", (-(2**63), 2**63 - 1))
        known = [row for row in found if row is not None and row[0] is not None]
        if not known:
            return None
        return min(row[0] for row in known), max(row[1] for row in known) + NS_PER_HOUR

    def count(self, start: int, end: int) -> Points:
        """Return how many points there are in [start, end) [ns UTC]."""
        there = sum(readings.count(self._connection, number, start, end) for number in self._channels)
        [(alerts,)] = self._connection.execute(f"SELECT count(*) {_EVENTS}", (start, end))
        windows = sum(_bits(self._windows(number, start, end)) for number in self._sources)
        return Points(there, windows, alerts)

    def queue_alerts(self, start: int, end: int) -> Iterator[Points]:
        """Queue the lines of alerts that began or ended in [start, end) [ns UTC]; yield what each transaction has queued."""
        last, full = 0, True
        while full:
            with transaction(self._connection):
                rows = self._connection.execute(
                    'SELECT e.id, rule, severity, labels, at, e.kind, e.detail, "limit"'
                    f" FROM (SELECT * {_EVENTS} AND id > ? ORDER BY id LIMIT ?) e JOIN alert ON alert.id = e.alert ORDER BY e.id",
                    (start, end, last, ALERTS_AT_ONCE),
                ).fetchall()
                write_rows(
                    self._connection, "INSERT INTO influx_alert (line)", [(_line(row),) for row in rows]
                )
                self._last_alerts = self._newest("influx_alert")
            full = len(rows) == ALERTS_AT_ONCE
            last = rows[-1][0] if rows else last
            if rows:
                yield Points(alerts=len(rows))

    def queue(self, start: int, end: int) -> Iterator[Points]:
        """Queue the readings and windows of [start, end) [ns UTC]; yield what each transaction has queued.

        Parameters
        ----------
        start, end
            An hour, or less: a transaction holds up the line, and takes whole channels.
        """
        channels = iter(self._channels)
        while found := self._queue_readings(channels, start, end):
            yield Points(readings=found)
        for first in range(0, len(self._sources), HOURS_AT_ONCE):
            with transaction(self._connection):
                some = self._sources[first : first + HOURS_AT_ONCE]
                hours = [hour for number in some for hour in self._windows(number, start, end)]
                queue_hours(self._connection, hours)
            self._hours = (start - NS_PER_HOUR, end)
            if hours:
                yield Points(windows=_bits(hours))

    def waits(self) -> bool:
        """Return whether something of what was queued last has not been sent yet."""
        return any(
            self._connection.execute(f"SELECT 1 FROM {which} LIMIT 1", given).fetchone()
            for which, given in (
                ("influx_reading WHERE id <= ?", (self._last_readings,)),
                ("influx_alert WHERE id <= ?", (self._last_alerts,)),
                ("influx_emission WHERE hour > ? AND hour < ?", self._hours),
            )
        )

    def _queue_readings(self, channels: Iterator[int], start: int, end: int) -> int:
        """Queue the readings of the next channels, enough for a transaction; return how many."""
        with transaction(self._connection):
            parts, count = [Readings.empty()], 0
            for number in channels:
                parts.append(readings.between(self._connection, number, start, end))
                count += len(parts[-1])
                if count >= READINGS_AT_ONCE:
                    break
            if count:
                queue_readings(self._connection, Readings.concat(parts))
                self._last_readings = self._newest("influx_reading")
        return count

    def _windows(self, source: int, start: int, end: int) -> list[tuple[int, int, int]]:
        """Return of each hour of a source that has windows in [start, end): source, hour, and a bit for each of those that were computed."""
        rows = self._connection.execute(
            "SELECT hour, block FROM emission WHERE source = ? AND hour > ? AND hour < ?",
            (source, start - NS_PER_HOUR, end),
        )
        found = []
        for hour, packed in rows:
            block = blocks.block_of(packed)
            if block is None:
                continue
            begin = hour + np.arange(len(block), dtype=np.int64) * (NS_PER_HOUR // len(block))
            chosen: Ints = np.flatnonzero((block[:, blocks.REVISION] > 0) & (begin >= start) & (begin < end))
            if len(chosen):
                found.append((source, hour, int((1 << chosen).sum())))
        return found

    def _ids(self, table: str) -> list[int]:
        return [row[0] for row in self._connection.execute(f"SELECT id FROM {table} ORDER BY id")]

    def _newest(self, outbox: str) -> int:
        row = self._connection.execute(f"SELECT max(id) FROM {outbox}").fetchone()
        return int(row[0] or 0)


def _bits(hours: list[tuple[int, int, int]]) -> int:
    return sum(windows.bit_count() for _, _, windows in hours)


def _line(row: tuple[int, str, str, str, int, str, str, float | None]) -> str:
    _, rule, severity, labels, at, kind, detail, limit = row
    value = json.loads(detail).get("value")
    return alert_line(
        rule, severity, json.loads(labels), at, firing=kind == "firing", value=value, limit=limit
    )
