"""Readings in the state: the sorted set of every channel, and stretches of it with the context that rules need."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Readings
from plant.vocabulary import FOREVER, SINCE_EVER, Verdict
from store.readings.kinds import ANY, BASELINE, verdict_other_than
from store.readings.read import OneChannel, channels_read, last_before
from store.sqlite import write_columns

_COUNTS = verdict_other_than(Verdict.UNCOUNTED)

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
        readings = OneChannel(self._connection, channel)
        start = _start(readings, first, window, period)
        until = _until(readings, last, window, period, look_on)
        found = readings.between(SINCE_EVER if start is None else start, until + 1)
        return Stretch(found, start is None, until)

    def outliers(self, channel: int, newest: int) -> int:
        """Return how many of a channel's newest readings are outliers."""
        found = last_before(self._connection, channel, FOREVER, ANY, newest).verdict
        return int(np.count_nonzero(found == Verdict.OUTLIER))

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
        return set(channels_read(self._connection))

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
        """Write the verdicts of readings that are already there: as a row again where one is in a block."""
        columns = [column.tolist() for column in _columns(readings)]
        clause = "ON CONFLICT DO UPDATE SET verdict = excluded.verdict"
        write_columns(self._connection, "INSERT INTO reading", columns, clause)

    def keep_lost(self, readings: Readings) -> None:
        """Keep what lost a conflict, each once."""
        self._connection.executemany(
            "INSERT INTO reading_lost SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE NOT EXISTS (SELECT 1 FROM reading_lost"
            " WHERE channel = ?1 AND time = ?2 AND value = ?3 AND quality = ?4 AND correction = ?8)",
            zip(*(column.tolist() for column in _columns(readings)), strict=True),
        )


def _start(readings: OneChannel, first: int, window: int, period: int) -> int | None:
    back = readings.time_before(first - 1, _COUNTS, LOOK_BACK)
    if back is None:
        return None
    anchor = readings.time_before((back - period) // window * window, BASELINE)
    # What changed may reach back to the anchor, and so to its window, which begins with an earlier step.
    return None if anchor is None else readings.time_before(anchor // window * window, BASELINE)


def _until(readings: OneChannel, last: int, window: int, period: int, look_on: int) -> int:
    on = readings.time_after(last, _COUNTS, look_on)
    if on is None:
        return FOREVER
    edge = ((on + period) // window + 1) * window + period
    until = readings.time_after(edge, _COUNTS, LOOK_BACK)
    return FOREVER if until is None else until


def _columns(r: Readings) -> tuple[NDArray[Any], ...]:
    return (r.channel, r.time, r.value, r.quality, r.flags, r.verdict, r.boot, r.correction, r.message)
