"""Where sources begin: the beginning of the stretch that their first counting reading tells of.

A function of the stored readings alone: where a reading that counted is corrected to one that does not, its sources
begin later again.
"""

import json
import sqlite3
from collections.abc import Sequence

import numpy as np

from plant.arrays import Ints, Readings, Times
from plant.park import Plant, Source
from plant.vocabulary import FOREVER
from store.readings.kinds import COUNTING
from store.readings.read import first_times
from store.records.table import stretches

UNHEARD = FOREVER  # no counting reading has come yet


class Beginnings:
    """Keeps the column `begins` of the table `source`, through the line's connection.

    A source begins with the earliest of its channels. An interval's reading tells of the period before it, or where it is entered
    of its record's stretch, every other one of its own instant on.
    """

    def __init__(
        self, plant: Plant, connection: sqlite3.Connection, channel_ids: Ints, source_ids: Ints
    ) -> None:
        self._connection, self._channel_ids, self._source_ids = connection, channel_ids, source_ids
        self._period = np.array([channel.period for channel in plant.channels], np.int64)
        self._entered = {channel.index: channel for channel in plant.channels if channel.entered}
        self._is_entered = np.array([channel.entered for channel in plant.channels], bool)
        pairs = [
            (source.index, channel)
            for source in plant.sources
            for channel in sorted({k for given in source.inputs for k in plant.measured(given.channel)})
        ]
        self._source, self._channel = np.array(pairs, np.int64).reshape(-1, 2).T
        self.times = begins_of(connection, source_ids)  # by source
        self._of_channel = np.full(len(channel_ids), UNHEARD)
        self._unsettled: list[Ints] = []  # channels that were looked at since the last commit

    def renew(self) -> None:
        """Find all beginnings, inside a transaction: the configuration may be another one than that they were stored under."""
        self._look(np.unique(self._channel))

    def settle(self) -> None:
        """Know that all was committed."""
        self._unsettled.clear()

    def forget(self) -> None:
        """Know what the state knows, after a rollback."""
        self.times = begins_of(self._connection, self._source_ids)
        for channels in self._unsettled:
            self._look(channels)
        self._unsettled.clear()

    def take(self, written: Readings) -> None:
        """Take readings that were written to the state, inside the same transaction."""
        begin = written.time - self._period[written.channel]
        known = self._of_channel[written.channel]
        moves = np.where(written.counting, begin < known, begin == known) | self._is_entered[written.channel]
        if moves.any():
            channels = np.unique(written.channel[moves]).astype(np.int64)
            self._unsettled.append(channels)
            self._look(channels)

    def _look(self, channels: Ints) -> None:
        """Look again where channels begin, and store what that changes."""
        ids = self._channel_ids[channels].tolist()
        times_of = first_times(self._connection, ids, COUNTING)
        first = np.array([times_of.get(number, UNHEARD) for number in ids], np.int64)
        self._of_channel[channels] = np.where(first == UNHEARD, UNHEARD, first - self._period[channels])
        for channel in self._entered.keys() & set(channels.tolist()):
            began = next(iter(stretches(self._connection, self._entered[channel]).values()), UNHEARD)
            self._of_channel[channel] = began
        times = np.full(len(self.times), UNHEARD)
        np.minimum.at(times, self._source, self._of_channel[self._channel])
        moved = np.flatnonzero(times != self.times)
        self.times = times
        stored = [None if time == UNHEARD else time for time in times[moved].tolist()]
        self._connection.executemany(
            "UPDATE source SET begins = ? WHERE id = ?",
            zip(stored, self._source_ids[moved].tolist(), strict=True),
        )


def begins_of(connection: sqlite3.Connection, source_ids: Ints) -> Times:
    """Return where sources (database ids) begin [ns UTC], `UNHEARD` where nothing was read of them."""
    rows = connection.execute(
        "SELECT id, begins FROM source WHERE begins IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        (json.dumps(source_ids.tolist()),),
    )
    stored = dict(rows.fetchall())
    return np.array([stored.get(number, UNHEARD) for number in source_ids.tolist()], np.int64)


def owed_from(sources: Sequence[Source], begins: Times) -> Times:
    """Return from when on sources owe windows: as configured, else from where they begin [ns UTC]."""
    given = (
        begin if source.since is None else source.since
        for source, begin in zip(sources, begins.tolist(), strict=True)
    )
    return np.fromiter(given, np.int64, len(sources))
