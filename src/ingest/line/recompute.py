"""Windows computed again: from the stored readings alone, by the very rules and methods of the line.

For whoever must know what the published numbers should be: verify, explain, restate. Nothing is written here.
"""

import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np

from ingest.known.sequences import holes
from ingest.line.inputs import Inputs
from plant.arrays import Bytes, Floats, Ints, Readings
from plant.park import Plant
from plant.vocabulary import Kind
from rules.engine import Emissions, Engine
from rules.pieces import ChannelColumns, Runs, pieces_and_verdicts
from rules.virtuals import values_at
from rules.windows import Ranges, WindowValues, numbers, ranges_of, spread, with_events
from store.messages.boots import BootTable
from store.readings.table import LOOK_ON, ReadingTable, Stretch
from store.records.table import Record, all_stretches, approved

NEVER_SEEN = -1


class RecomputedChannels:
    """Asks a state for readings and computes windows of channels from them.

    For one thread; a read-only connection is enough.
    """

    def __init__(self, plant: Plant, connection: sqlite3.Connection) -> None:
        """Read which numbers channels have."""
        self._plant, self._connection = plant, connection
        self._columns = ChannelColumns.of(plant.channels)
        self._columns.stretches.update(all_stretches(connection, plant))
        self._virtuals = {virtual.index: virtual for virtual in plant.virtuals}
        self._readings = ReadingTable(connection)
        rows = connection.execute("SELECT park, facility, name, id FROM channel")
        self._ids = {(park, facility, name): int(number) for park, facility, name, number in rows}
        self._boots = BootTable(connection)
        self._holes: dict[str, Sequence[tuple[int, int]]] = {}  # by gateway, as they were asked for

    def values(self, channels: Ints, start: int, end: int) -> WindowValues:
        """Return the known windows of channels (by index, ascending) that lie in [start, end)."""
        return self.values_in(span(self._plant, channels, start, end))

    def window_values(self, channel: int, start: int, end: int) -> WindowValues:
        """Return the known windows of one channel (by index), virtual or not, that lie in [start, end)."""
        measured = np.array(self._plant.measured(channel), np.int64)
        values = self.values(measured, start, end)
        if channel not in self._virtuals:
            return values
        _, window = numbers(span(self._plant, np.array([channel]), start, end))
        columns = values_at(np.full(len(window), channel), window, values, self._virtuals)
        known = np.flatnonzero(~np.isnan(columns[0]))
        return WindowValues(
            np.full(len(known), channel), window[known], *(column[known] for column in columns)
        )

    def stretch(self, channel: int, start: int, end: int) -> Stretch:
        """Return the readings of a channel (by index) that decide its windows in [start, end), context included."""
        one = self._plant.channels[channel]
        number = self._ids.get((one.park, one.facility, one.name), NEVER_SEEN)
        period = int(self._columns.period[channel])
        stretch = self._readings.stretch(number, start, end, self._plant.window, period, LOOK_ON)
        stretch.readings.channel[:] = channel
        return stretch

    def records(self, channel: int) -> Mapping[int, Record]:
        """Return the approved records of a channel (by index) by their end [ns UTC]; nothing of one that gateways send."""
        one = self._plant.channels[channel]
        return approved(self._connection, one) if one.entered else {}

    def holes(self, channel: int) -> Sequence[tuple[int, int]]:
        """Return where the sequence of an event channel's gateway is open [ns]; nothing for other channels."""
        one = self._plant.channels[channel]
        if one.kind is not Kind.EVENT:
            return ()
        gateway = f"{one.park}/{one.facility}/{one.gateway}"
        if gateway not in self._holes:
            self._holes[gateway] = holes(runs for _, runs in self._boots.every(gateway))
        return self._holes[gateway]

    def judged(self, channel: int, start: int, end: int) -> tuple[Readings, Bytes]:
        """Return the readings of a channel (by index) in [start, end) [ns UTC], and the verdict that each should have."""
        stretch = self.stretch(channel, start, end)
        readings = stretch.readings
        runs = Runs(
            np.zeros(len(readings), np.int64),
            readings,
            np.array([channel], np.int32),
            np.array([stretch.until], np.int64),
            np.array([stretch.whole], bool),
        )
        _, verdict = pieces_and_verdicts(runs, self._columns)
        inside = (readings.time >= start) & (readings.time < end)
        return readings.take(inside), verdict[inside]

    def values_in(self, wanted: Ranges) -> WindowValues:
        """Return the known windows of ranges of channels, one run a range."""
        window = self._plant.window
        columns = zip(*(c.tolist() for c in (wanted.run, wanted.first, wanted.stop)), strict=True)
        stretches = [self.stretch(channel, first * window, stop * window) for channel, first, stop in columns]
        readings = Readings.concat([s.readings for s in stretches] or [Readings.empty()])
        run = np.repeat(np.arange(len(stretches)), [len(s.readings) for s in stretches])
        channels = wanted.run.astype(np.int32)
        until = np.array([s.until for s in stretches], np.int64)
        whole = np.array([s.whole for s in stretches], bool)
        pieces, _ = pieces_and_verdicts(Runs(run, readings, channels, until, whole), self._columns)
        ranges = Ranges(np.arange(len(stretches)), wanted.first, wanted.stop)
        values = spread(pieces, ranges, channels, self._columns, window)
        open_holes = {channel: self.holes(channel) for channel in np.unique(channels).tolist()}
        return with_events(values, ranges, channels, self._columns, open_holes, window)


class Recompute(RecomputedChannels):
    """Computes emissions too."""

    def __init__(self, plant: Plant, engine: Engine, connection: sqlite3.Connection) -> None:
        super().__init__(plant, connection)
        self._engine, self._inputs = engine, Inputs(plant)

    def emissions(self, sources: Ints, start: int, end: int) -> Emissions:
        """Return all windows of sources (by index, ascending) that lie in [start, end) [ns UTC, on the window grid]."""
        wanted = span(self._plant, sources, start, end)
        return self._engine.emissions(*numbers(wanted), self.values_in(self._inputs.needed(wanted)))


def span(plant: Plant, which: Ints, start: int, end: int) -> Ranges:
    """Return the windows in [start, end) of each channel or source."""
    count = len(which)
    return ranges_of(which, np.full(count, start), np.full(count, end), plant.window)


def fields_of(emissions: Emissions) -> Floats:
    """Return [windows, 9] as the state stores them: store.blocks.FIELDS without the revision."""
    e = emissions
    amounts = (e.co2e_t, e.co2_kg, e.co2_biogenic_kg, e.ch4_kg, e.n2o_kg, e.activity)
    return np.stack([*amounts, e.measured, e.interpolated, e.substituted], axis=1)
