"""How much of what sources owe over a period is covered, as their totals count it."""

import sqlite3

import numpy as np

from plant.arrays import Floats, Ints
from plant.park import Plant
from store.reader import Numbers, Snapshot
from store.totals.sums import Period, source_sums


class CoveredWindows:
    """Through the line's connection, inside its transaction; sources are indexes in the plant."""

    def __init__(self, plant: Plant, connection: sqlite3.Connection) -> None:
        channels, sources = Numbers("channel", plant.channels), Numbers("source", plant.sources)
        self._snapshot = Snapshot(connection, plant, channels, sources)
        zones = {park.name: park.zone for park in plant.parks}
        self._zones = [zones[source.park] for source in plant.sources]

    def of(self, sources: Ints, start: int, end: int) -> tuple[Floats, Floats]:
        """Return how many windows each source owes in [start, end), and how much of these is covered [windows].

        A source owes windows from its first reading on; one that was never heard owes none.
        """
        due, covered = np.zeros((2, len(sources)))
        zones = [self._zones[source] for source in sources.tolist()]
        for zone in dict.fromkeys(zones):
            rows = np.array([row for row, its in enumerate(zones) if its is zone], np.int64)
            sums = source_sums(self._snapshot, sources[rows].tolist(), Period(start, end, zone), end)
            due[rows], covered[rows] = sums.due, sums.shares.sum(axis=1)
        return due, covered
