"""The windows of a park's month as a table: by source and time, each that was ever computed."""

import sqlite3
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from plant.arrays import Floats, Ints
from plant.park import Plant
from plant.vocabulary import NS_PER_HOUR
from store import blocks
from store.archive.months import ArchiveMonth, sources_of
from store.archive.parquet import known, same_word, schema_of, times

_UNITS = {"co2e_t": "t CO2e", **dict.fromkeys(("co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg"), "kg")}


class WindowUnreadable(Exception):
    """An hour of windows, or a row of the ledger, is not what it should be; the text says which."""


def revisions(state: sqlite3.Connection, source: int, start: int, end: int) -> int:
    """Return how often the windows of a source (database id) with hours in [start, end) [ns UTC] were published."""
    rows = state.execute(
        "SELECT block FROM emission WHERE source = ? AND hour >= ? AND hour < ?", (source, start, end)
    )
    found = (blocks.block_of(stored) for (stored,) in rows)
    return sum(int(block[:, blocks.REVISION].sum()) for block in found if block is not None)


class WindowsOfMonth:
    """Windows of one month; reading them again gives the same tables."""

    name = "windows"

    def __init__(self, state: sqlite3.Connection, plant: Plant, month: ArchiveMonth) -> None:
        self._state, self._month, self._window = state, month, plant.window
        self._units = {(one.park, one.facility, one.name): one.activity_unit for one in plant.sources}
        self.schema = schema_of(
            [
                *((name, pa.string(), "") for name in ("park", "facility", "source")),
                ("start", pa.timestamp("ns", tz="UTC"), "UTC"),
                *((name, pa.float64(), _UNITS.get(name, "")) for name in blocks.AMOUNTS),
                ("activity_unit", pa.string(), ""),
                *((name, pa.float64(), "1") for name in blocks.FIELDS[blocks.MEASURED : blocks.REVISION]),
                ("revision", pa.int32(), ""),
                ("hour", pa.timestamp("ns", tz="UTC"), "UTC"),
                ("source_id", pa.int32(), ""),
            ],
            {"park": month.park, "month": month.month, "table": self.name},
        )

    def tables(self) -> Iterator[pa.Table]:
        """Yield the windows of each source, by facility and name; raise WindowUnreadable where an hour cannot be read."""
        for source in sources_of(self._state, self._month.park):
            rows = self._state.execute(
                "SELECT hour, block FROM emission WHERE source = ? AND hour >= ? AND hour < ? ORDER BY hour",
                (source, self._month.start, self._month.end),
            ).fetchall()
            if rows:
                hours = np.array([hour for hour, _ in rows], np.int64)
                yield self._table(source, hours, np.stack([self._block(source, *row) for row in rows]))

    def _block(self, source: int, hour: int, stored: bytes) -> Floats:
        block = blocks.block_of(stored, NS_PER_HOUR // self._window)
        if block is None:
            raise WindowUnreadable(f"emission source {source}, hour {hour} cannot be read")
        never = block[:, blocks.REVISION] == 0
        if not np.array_equal(block[never], blocks.empty(int(never.sum())), equal_nan=True):
            raise WindowUnreadable(f"emission source {source}, hour {hour} has numbers without a revision")
        return block

    def _table(self, source: int, hours: Ints, windows: Floats) -> pa.Table:
        [(park, facility, name)] = self._state.execute(
            "SELECT park, facility, name FROM source WHERE id = ?", (source,)
        )
        row, place = np.nonzero(windows[:, :, blocks.REVISION] > 0)
        fields, count = windows[row, place], len(row)
        columns = {
            "park": same_word(park, count),
            "facility": same_word(facility, count),
            "source": same_word(name, count),
            "start": times(hours[row] + place * self._window),
            **{name: known(fields[:, at]) for at, name in enumerate(blocks.FIELDS[: blocks.REVISION])},
            "activity_unit": same_word(self._units.get((park, facility, name)), count),
            "revision": pa.array(fields[:, blocks.REVISION].astype(np.int32), pa.int32()),
            "hour": times(hours[row]),
            "source_id": pa.array(np.full(count, source), pa.int32()),
        }
        return pa.table({one: columns[one] for one in self.schema.names}, schema=self.schema)
