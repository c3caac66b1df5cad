"""Readings in the state: the sorted set of every channel, and stretches of it with the context that rules need."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Readings
from plant.vocabulary import BASELINES, FOREVER, SINCE_EVER, Verdict
from store.messages.set_aside import set_aside
from store.sqlite import write_columns

_COLUMNS = "time, value, quality, flags, verdict, boot, correction, message"
IS_BASELINE = f"verdict IN ({', '.join(str(int(one)) for one in BASELINES)})"
_COUNTS = f"verdict != {int(Verdict.UNCOUNTED)}"

LOOK_BACK = 6  # counting readings before a change whose verdicts may depend on it, and one to start from
LOOK_ON = 12  # counting readings after a change within which the old and the new verdicts usually agree again


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a channel's readings; `whole` says that nothing comes before, `until` where it was cut."""

    readings: Readings
    whole: bool
    until: int


class ReadingTable:
    """The `reading` table through the line's connection; channels are database ids here."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def stretch(
        self, channel: int, first: int, last: int, window: int, period: int, look_on: int = LOOK_ON
    ) -> Stretch:
        """Return the readings around [first, last] ns with all context that their windows depend on.

        It starts at a baseline before the whole window of the one that stands at or before the window of the
        LOOK_BACK-th counting reading before `first`, and ends LOOK_BACK counting readings after the window of the `look_on`-th one after `last`.
        """
        start = self._start(channel, first, window, period)
        until = self._until(channel, last, window, period, look_on)
        within = (channel, SINCE_EVER if start is None else start, until)
        try:
            readings = _readings(channel, self._rows(*within))
        except (ValueError, TypeError, OverflowError):  # only now is it worth finding out which
            self._set_aside(*within)
            readings = _readings(channel, self._rows(*within))
        return Stretch(readings, start is None, until)

    def _rows(self, channel: int, start: int, until: int) -> list[tuple[int | float, ...]]:
        return self._connection.execute(
            f"SELECT {_COLUMNS} FROM reading WHERE channel = ? AND time BETWEEN ? AND ? ORDER BY time",
            (channel, start, until),
        ).fetchall()

    def _set_aside(self, channel: int, start: int, until: int) -> None:
        """Set aside the readings that cannot be read."""
        for row in self._rows(channel, start, until):
            try:
                _readings(channel, [row])
            except (ValueError, TypeError, OverflowError) as error:
                set_aside(self._connection, "reading", {"channel": channel, "time": row[0]}, str(error))

    def _start(self, channel: int, first: int, window: int, period: int) -> int | None:
        back = self._one(
            f"SELECT time FROM reading WHERE channel = ? AND time < ? AND {_COUNTS} ORDER BY time DESC LIMIT 1 OFFSET ?",
            (channel, first, LOOK_BACK - 1),
        )
        if back is None:
            return None
        anchor = self._baseline(channel, (back - period) // window * window)
        # What changed may reach back to the anchor, and so to its window, which begins with an earlier step.
        return None if anchor is None else self._baseline(channel, anchor // window * window)

    def _baseline(self, channel: int, until: int) -> int | None:
        return self._one(
            f"SELECT time FROM reading WHERE channel = ? AND time <= ? AND {IS_BASELINE} ORDER BY time DESC LIMIT 1",
            (channel, until),
        )

    def _until(self, channel: int, last: int, window: int, period: int, look_on: int) -> int:
        ahead = f"SELECT time FROM reading WHERE channel = ? AND time > ? AND {_COUNTS} ORDER BY time LIMIT 1 OFFSET ?"
        on = self._one(ahead, (channel, last, look_on - 1))
        if on is None:
            return FOREVER
        edge = ((on + period) // window + 1) * window + period
        until = self._one(ahead, (channel, edge, LOOK_BACK - 1))
        return FOREVER if until is None else until

    def _one(self, query: str, values: tuple[int, ...]) -> int | None:
        row = self._connection.execute(query, values).fetchone()
        return int(row[0]) if row else None

    def outliers(self, channel: int, newest: int) -> int:
        """Return how many of a channel's newest readings are outliers."""
        found = self._one(
            f"SELECT sum(verdict = {int(Verdict.OUTLIER)}) FROM (SELECT verdict FROM reading WHERE channel = ? ORDER BY time DESC LIMIT ?)",
            (channel, newest),
        )
        return found or 0

    def conflicts(self) -> set[int]:
        """Return the channels on which two meters seem to speak."""
        return {int(row[0]) for row in self._connection.execute("SELECT channel FROM channel_conflict")}

    def note_conflict(self, channel: int, *, lasts: bool) -> None:
        """Remember that two meters seem to speak on a channel, or no longer do."""
        verb = (
            "INSERT OR IGNORE INTO channel_conflict VALUES (?)"
            if lasts
            else "DELETE FROM channel_conflict WHERE channel = ?"
        )
        self._connection.execute(verb, (channel,))

    def seen_channels(self) -> set[int]:
        """Return the ids of the channels that have any reading."""
        rows = self._connection.execute(
            "SELECT id FROM channel WHERE EXISTS (SELECT 1 FROM reading WHERE reading.channel = channel.id)"
        )
        return {int(row[0]) for row in rows}

    def write(self, readings: Readings) -> None:
        """Insert or replace; `readings.channel` holds database ids."""
        r = readings
        plain = (r.quality | r.flags | r.verdict | r.correction) == 0  # nearly all
        self._write((r.channel, r.time, r.value, r.boot, r.message), plain, "(?, ?, ?, 0, 0, 0, ?, 0, ?)")
        self._write(_columns(r), ~plain, "")

    def _write(self, columns: Sequence[NDArray[Any]], rows: Bools, row: str) -> None:
        write_columns(
            self._connection, "INSERT OR REPLACE INTO reading", [c[rows].tolist() for c in columns], row=row
        )

    def set_verdicts(self, readings: Readings) -> None:
        """Write the verdicts of readings that are already there."""
        rows = zip(readings.verdict.tolist(), readings.channel.tolist(), readings.time.tolist(), strict=True)
        self._connection.executemany("UPDATE reading SET verdict = ? WHERE channel = ? AND time = ?", rows)

    def keep_lost(self, readings: Readings) -> None:
        """Keep what lost a conflict, each once."""
        self._connection.executemany(
            "INSERT INTO reading_lost SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE NOT EXISTS (SELECT 1 FROM reading_lost"
            " WHERE channel = ?1 AND time = ?2 AND value = ?3 AND quality = ?4 AND correction = ?8)",
            zip(*(column.tolist() for column in _columns(readings)), strict=True),
        )


def _columns(r: Readings) -> tuple[NDArray[Any], ...]:
    return (r.channel, r.time, r.value, r.quality, r.flags, r.verdict, r.boot, r.correction, r.message)


def _readings(channel: int, rows: list[tuple[int | float, ...]]) -> Readings:
    if not rows:
        return Readings.empty()
    time, value, quality, flags, verdict, boot, correction, message = zip(*rows, strict=True)
    return Readings(
        channel=np.full(len(rows), channel, np.int32),
        time=np.array(time, np.int64),
        value=np.array(value, np.float64),
        quality=np.array(quality, np.uint8),
        flags=np.array(flags, np.uint8),
        verdict=np.array(verdict, np.uint8),
        boot=np.array(boot, np.int32),
        correction=np.array(correction, np.int32),
        message=np.array(message, np.int64),
    )


def is_baseline(readings: Readings) -> Bools:
    """Whether later readings step from each one."""
    return np.isin(readings.verdict, np.array(BASELINES, np.uint8))
