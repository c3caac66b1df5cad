"""What InfluxDB may have taken in another order than it was sent: read back, and told again, until it agrees with the state.

A request that ended without an answer may still lie in a proxy, and land after what was sent later. A point keeps what
came last, so an older window would stand there for good. Hours are looked at once they were told, and again a while later.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from plant.arrays import Bools, Floats, Ints, Times
from plant.vocabulary import NS_PER_HOUR, NS_PER_S, Flag
from store import blocks
from store.influx.queue import queue_readings
from store.readings.read import between
from store.sqlite import write_rows
from store.totals.emissions import queue_hours

LOOKS_S = (0, 60, 300, 1800)  # after the doubt; the last one ends it, where InfluxDB agreed
AGAIN_S = 10  # after a look that found something else, or what has yet to be told
HOURS_AT_ONCE = 20  # that are read back before sending goes on


class ToldHour(NamedTuple):
    """An hour of what InfluxDB was told: of a source's windows, or of a channel's readings."""

    kind: str  # "emission" or "reading"
    number: int  # of the source or the channel, in the state
    hour: int  # [ns UTC]


class ReadBack(Protocol):
    """What InfluxDB has; see `store.influx.reader.TableReader`."""

    def revisions(self, source: int, start: int, end: int) -> tuple[Times, Floats]:
        """Return start and revision of a source's windows in [start, end); raise QueryFailed without a whole answer."""
        ...


class Doubts:
    """The hours in doubt, in the state; for the sender's thread and its connection."""

    def __init__(self, connection: sqlite3.Connection, influx: ReadBack) -> None:
        self._connection, self._influx = connection, influx

    def note(self, told: Iterable[ToldHour], now: int) -> None:
        """Doubt hours from now on, inside a transaction."""
        write_rows(
            self._connection,
            "INSERT INTO influx_doubt (kind, number, hour, looks, since, due)",
            [(*one, 0, now, now) for one in told],
            "ON CONFLICT DO UPDATE SET looks = 0, since = excluded.since, due = excluded.due",
        )

    def due(self, now: int) -> list[tuple[ToldHour, int, int]]:
        """Return some of the hours that are to be looked at: hour, looks taken, and since when it is in doubt."""
        rows = self._connection.execute(
            "SELECT kind, number, hour, looks, since FROM influx_doubt WHERE due <= ? ORDER BY due LIMIT ?",
            (now, HOURS_AT_ONCE),
        )
        return [(ToldHour(*row[:3]), row[3], row[4]) for row in rows.fetchall()]

    def differing(self, told: ToldHour) -> int | None:
        """Return a bit for each window of an hour that InfluxDB has otherwise; None while the hour waits to be told."""
        if told.kind == "reading":
            return 0
        if self._is_queued(told):
            return None
        row = self._connection.execute(
            "SELECT block FROM emission WHERE source = ? AND hour = ?", (told.number, told.hour)
        ).fetchone()
        block = blocks.block_of(row[0]) if row else None
        return 0 if block is None else self._differing(told, block)

    def _is_queued(self, told: ToldHour) -> bool:
        row = self._connection.execute(
            "SELECT 1 FROM influx_emission WHERE source = ? AND hour = ?", (told.number, told.hour)
        ).fetchone()
        return row is not None

    def _differing(self, told: ToldHour, block: Floats) -> int:
        start, revision = self._influx.revisions(told.number, told.hour, told.hour + NS_PER_HOUR)
        there = np.zeros(len(block))
        there[(start - told.hour) // (NS_PER_HOUR // len(block))] = revision
        differs: Bools = (block[:, blocks.REVISION] > 0) & (block[:, blocks.REVISION] != there)
        return int((1 << np.flatnonzero(differs).astype(object)).sum())

    def settle(self, told: ToldHour, looks: int, since: int, differing: int | None, now: int) -> None:
        """Enter what a look has found, inside a transaction: tell again what differs, and say when to look next."""
        if differing:
            queue_hours(self._connection, [(told.number, told.hour, differing)])
        if told.kind == "reading":
            self._tell_conflicts_again(told)
        if differing is None or differing:
            self._look_again(told, looks, now + AGAIN_S * NS_PER_S)
        elif looks + 1 < len(LOOKS_S):
            self._look_again(told, looks + 1, since + LOOKS_S[looks + 1] * NS_PER_S)
        else:
            self._connection.execute(
                "DELETE FROM influx_doubt WHERE kind = ? AND number = ? AND hour = ?", told
            )

    def _look_again(self, told: ToldHour, looks: int, due: int) -> None:
        self._connection.execute(
            "UPDATE influx_doubt SET looks = ?, due = ? WHERE kind = ? AND number = ? AND hour = ?",
            (looks, due, *told),
        )

    def _tell_conflicts_again(self, told: ToldHour) -> None:
        """Tell the readings of an hour that had another value before; no other can be out of date."""
        there = between(self._connection, told.number, told.hour, told.hour + NS_PER_HOUR)
        marked = there.take((there.flags & Flag.CONFLICT) != 0)
        if len(marked):
            queue_readings(self._connection, marked)


def unread(connection: sqlite3.Connection) -> int:
    """Return how many hours of sources InfluxDB was told under doubt and has not been found to agree on since."""
    [(count,)] = connection.execute("SELECT count(*) FROM influx_doubt WHERE kind = 'emission' AND looks = 0")
    return int(count)


def hours_told(kind: str, numbers: Ints, times: Times) -> Sequence[ToldHour]:
    """Return the hours that points lie in."""
    pairs = np.unique(np.column_stack((numbers, times // NS_PER_HOUR * NS_PER_HOUR)), axis=0)
    return [ToldHour(kind, number, hour) for number, hour in pairs.tolist()]
