"""The windows of one channel, computed from its stored readings when somebody asks."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from api.series import ChannelWindows
from ingest.sequences import Boot, holes
from plant.park import Channel, Plant
from plant.units import per_hour_integral
from plant.vocabulary import Kind
from rules.pieces import ChannelColumns, Runs, pieces_and_verdicts
from rules.windows import Ranges, spread, with_events
from store.books import Books
from store.readings import ReadingTable


class ChannelActivity:
    """Answers from the state database, through a connection of its own each time."""

    def __init__(self, database: Path, plant: Plant) -> None:
        self._database, self._plant = database, plant
        self._columns = ChannelColumns.of(plant.channels)

    def __call__(self, channel: int, start: int, end: int) -> ChannelWindows:
        """Return the windows of a channel that start in [start, end) ns."""
        window, one = self._plant.window, self._plant.channels[channel]
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30)) as connection:
            stretch = ReadingTable(connection).stretch(
                _number(connection, one), start, end, window, one.period
            )
            open_holes = _holes(connection, one) if one.kind is Kind.EVENT else []
        rows, channels = len(stretch.readings), np.array([channel], np.int32)
        runs = Runs(
            np.zeros(rows, np.int64),
            stretch.readings,
            channels,
            np.array([stretch.until]),
            np.array([stretch.whole]),
        )
        pieces, _ = pieces_and_verdicts(runs, self._columns)
        ranges = Ranges(np.zeros(1, np.int64), np.array([start // window]), np.array([-(-end // window)]))
        values = spread(pieces, ranges, channels, self._columns, window)
        values = with_events(values, ranges, channels, self._columns, {channel: open_holes}, window)
        unit = per_hour_integral(one.unit) if one.kind is Kind.RATE else one.unit
        return ChannelWindows(
            unit.symbol, values.window * window, values.value, values.measured + values.interpolated
        )


def _number(connection: sqlite3.Connection, one: Channel) -> int:
    query = "SELECT id FROM channel WHERE park = ? AND facility = ? AND name = ?"
    row = connection.execute(query, (one.park, one.facility, one.name)).fetchone()
    return int(row[0]) if row else 0


def _holes(connection: sqlite3.Connection, one: Channel) -> list[tuple[int, int]]:
    books, gateway = Books(connection), f"{one.park}/{one.facility}/{one.gateway}"
    boots = sorted(name for g, name in books.boots() if g == gateway)
    return holes([Boot(books.runs(gateway, name)) for name in boots])
