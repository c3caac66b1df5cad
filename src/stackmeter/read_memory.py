"""A state that is only read, as the frame of alert conditions wants it."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant.arrays import Ints, Times
from plant.park import Plant


@dataclass(frozen=True, slots=True)
class ReadMemory:
    """What `ingest.frame.LineFrame` needs of a state. `first` is when each source had its first reading [ns UTC]."""

    connection: sqlite3.Connection
    channel_ids: Ints
    source_ids: Ints
    first: Times

    def first_readings(self) -> Times:
        """Return when each source had its first reading."""
        return self.first


def read_memory(connection: sqlite3.Connection, plant: Plant) -> ReadMemory:
    """Return a state; what it never heard of has a number that nothing has."""
    channels = _numbers(connection, "channel", plant.channels)
    sources = _numbers(connection, "source", plant.sources)
    known = dict(connection.execute("SELECT id, first FROM source WHERE first IS NOT NULL").fetchall())
    first = np.array([known.get(number, 2**62) for number in sources.tolist()], np.int64)
    return ReadMemory(connection, channels, sources, first)


def _numbers(connection: sqlite3.Connection, table: str, items: Iterable[Any]) -> Ints:
    rows = connection.execute(f"SELECT park, facility, name, id FROM {table}")
    known = {(park, facility, name): number for park, facility, name, number in rows}
    return np.array([known.get((one.park, one.facility, one.name), -1) for one in items], np.int64)
