"""A state that is only read, as the frame of alert conditions wants it."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant.arrays import Ints, Times
from plant.park import Plant
from store.totals.beginnings import UNHEARD, begins_of, owed_from


@dataclass(frozen=True, slots=True)
class ReadMemory:
    """What `alerts.engine.frame.LineFrame` needs of a state. `since` is from when on each source owes windows [ns UTC]."""

    connection: sqlite3.Connection
    channel_ids: Ints
    source_ids: Ints
    since: Times

    def begun(self) -> Times:
        """Return from when on each source owes windows; the far future of those that were never heard."""
        return self.since


def read_memory(connection: sqlite3.Connection, plant: Plant) -> ReadMemory:
    """Return a state; what it never heard of has a number that nothing has."""
    channels = _numbers(connection, "channel", plant.channels)
    sources = _numbers(connection, "source", plant.sources)
    begins = begins_of(connection, sources)
    since = np.where(begins == UNHEARD, UNHEARD, owed_from(plant.sources, begins))
    return ReadMemory(connection, channels, sources, since)


def _numbers(connection: sqlite3.Connection, table: str, items: Iterable[Any]) -> Ints:
    rows = connection.execute(f"SELECT park, facility, name, id FROM {table}")
    known = {(park, facility, name): number for park, facility, name, number in rows}
    return np.array([known.get((one.park, one.facility, one.name), -1) for one in items], np.int64)
