"""Readings in the state: the sorted set of every channel, and stretches of it with the context that rules need."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Readings
from plant.vocabulary import FOREVER, SINCE_EVER, Verdict
from store.readings.kinds import ANY, BASELINE, ReadingKind, verdict_other_than
from store.readings.read import between, channels_read, first_after, last_before
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
        start = self._start(channel, first, window, period)
        until = self._until(channel, last, window, period, look_on)
        readings = between(self._connection, channel, SINCE_EVER if start is None else start, until + 1)
        return Stretch(readings, start is None, until)

    def _start(self, channel: int, first: int, window: int, period: int) -> int | None:
        back = self._before(channel, first - 1, _COUNTS, LOOK_BACK)
        if back is None:
            return None
        anchor = self._before(channel, (back - period) // window * window, BASELINE)
        # What changed may reach back to the anchor, and so to its window, which begins with an earlier step.
        return None if anchor is None else self._before(channel, anchor // window * window, BASELINE)

    def _before(self, channel: int, until: int, kind: ReadingKind, back: int = 1) -> int | None:
        """Return the time of the `back`-th reading of a kind at or before a time."""
        found = last_before(self._connection, channel, until, kind, back).time
        return int(found[0]) if len(found) == back else None

    def _until(self, channel: int, last: int, window: int, period: int, look_on: int) -> int:
        on = self._after(channel, last, look_on)
        if on is None:
            return FOREVER
        edge = ((on + period) // window + 1) * window + period
        until = self._after(channel, edge, LOOK_BACK)
        return FOREVER if until is None else until

    def _after(self, channel: int, time: int, on: int) -> int | None:
        """Return the time of the `on`-th counting reading later than a time."""
        found = first_after(self._connection, channel, time, _COUNTS, on).time
        return int(found[-1]) if len(found) == on else None

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
