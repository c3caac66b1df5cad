"""Emissions in the state: hour blocks of windows, the chain of sums above them, and what changed.

A changed window gets a new revision, and just its hour, day and month are summed again, each from its children in
time order, so that the bits of every sum depend on the set of readings alone.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Floats, Ints
from plant.vocabulary import NS_PER_HOUR
from store import blocks, periods
from store.sqlite import write_rows

K = TypeVar("K")
V = TypeVar("V")
CACHED = 8192  # hour blocks and sums kept in memory, about 5 KiB each at the most


_AGAIN = "ON CONFLICT DO UPDATE SET dirty = dirty | excluded.dirty, generation = generation + 1"


@dataclass(frozen=True, slots=True)
class Changes:
    """The windows whose published number changed: database id, start [ns], new revision, fields before and after."""

    source: Ints
    start: Ints
    revision: Ints
    old: Floats  # [changes, 9]
    new: Floats

    def __len__(self) -> int:
        return len(self.start)


class EmissionTable:
    """The tables `emission`, `total` and `influx_emission`, through the line's connection."""

    def __init__(
        self, connection: sqlite3.Connection, window: int, zone_of: Callable[[int], ZoneInfo]
    ) -> None:
        self._connection = connection
        self._window = window
        self._per_hour = NS_PER_HOUR // window
        self._zone_of = zone_of
        self._blocks: OrderedDict[tuple[int, int], Floats] = OrderedDict()
        self._sums: OrderedDict[tuple[int, int, int], dict[int, Floats]] = OrderedDict()

    def forget(self) -> None:
        """Drop what memory holds: a transaction that had changed it was rolled back."""
        self._blocks.clear()
        self._sums.clear()

    def apply(self, source: Ints, start: Ints, fields: Floats) -> Changes:
        """Store windows that differ from what is stored, and sum again what stands above them.

        Parameters
        ----------
        source
            Database ids.
        start
            Starts of windows [ns UTC].
        fields
            [rows, 9]: blocks.FIELDS without the revision.
        """
        if not len(source):
            return Changes(source, start, source, fields, fields)
        hour = self._by_zone(source, start, periods.hour_start)
        order = np.lexsort((start, source))
        source, start, hour, fields = source[order], start[order], hour[order], fields[order]
        head = np.append(True, (source[1:] != source[:-1]) | (hour[1:] != hour[:-1]))
        row = np.cumsum(head) - 1
        keys = list(zip(source[head].tolist(), hour[head].tolist(), strict=True))
        stored = np.stack([self._block(*key) for key in keys])
        place = (start - hour) // self._window
        old = stored[row, place]
        changed = np.flatnonzero((_bits(old[:, : blocks.REVISION]) != _bits(fields)).any(axis=1))
        revision = old[changed, blocks.REVISION].astype(np.int64) + 1
        new = np.concatenate([fields[changed], revision[:, None].astype(np.float64)], axis=1)
        stored[row[changed], place[changed]] = new
        self._write(keys, stored, row[changed], place[changed])
        return Changes(
            source[changed], start[changed], revision, old[changed, : blocks.REVISION], fields[changed]
        )

    def _write(self, keys: list[tuple[int, int]], stored: Floats, row: Ints, place: Ints) -> None:
        """Write the hours that changed, tell the InfluxDB outbox, and rebuild the sums above."""
        if not len(row):
            return
        dirty = np.zeros(len(keys), np.uint64)
        np.bitwise_or.at(dirty, row, np.uint64(1) << place.astype(np.uint64))
        changed = np.unique(row).tolist()
        rows, outbox = [], []
        for number in changed:
            key, block = keys[number], stored[number]
            self._remember(self._blocks, key, block.copy())  # a view would keep all hours of the batch
            rows.append((*key, int(block[:, blocks.REVISION].max()), blocks.to_bytes(block)))
            outbox.append((*key, int(dirty[number]), 1))
        write_rows(self._connection, "INSERT OR REPLACE INTO emission", 4, rows)
        write_rows(self._connection, "INSERT INTO influx_emission", 4, outbox, _AGAIN)
        sums = {keys[n]: one for n, one in zip(changed, summed(stored[changed]), strict=True)}
        self._climb(periods.HOUR, sums)

    def _climb(self, level: int, sums: dict[tuple[int, int], Floats]) -> None:
        """Write the sums of one level, and from them those of the level above."""
        rows = [(source, level, start, *_row(one)) for (source, start), one in sums.items()]
        write_rows(self._connection, "INSERT OR REPLACE INTO total", 14, rows)
        if level == periods.MONTH:
            return
        above: dict[tuple[int, int], dict[int, Floats]] = {}
        for (source, start), one in sums.items():
            parent = int(periods.UNITS[level + 1].start(start, self._zone_of(source)))
            children = above.get((source, parent))
            if children is None:
                children = above[source, parent] = self._children(source, level, parent)
            children[start] = one
        parents = {}
        for key, children in above.items():
            in_order = np.stack([children[start] for start in sorted(children)])[None]
            parents[key] = summed_again(in_order)[0]
        self._climb(level + 1, parents)

    def _children(self, source: int, level: int, parent: int) -> dict[int, Floats]:
        """Return the stored sums of a level inside a parent, by start."""
        key = (source, level + 1, parent)
        if key in self._sums:
            self._sums.move_to_end(key)
            return self._sums[key]
        end = int(periods.UNITS[level + 1].next(parent, self._zone_of(source)))
        query = f"SELECT start, windows, {', '.join(blocks.FIELDS)} FROM total WHERE source = ? AND level = ? AND start >= ? AND start < ?"
        rows = self._connection.execute(query, (source, level, parent, end)).fetchall()
        children = {
            int(r[0]): np.array([np.nan if x is None else x for x in r[1:]], np.float64) for r in rows
        }
        self._remember(self._sums, key, children)
        return children

    def _block(self, source: int, hour: int) -> Floats:
        found = self._blocks.get((source, hour))
        if found is not None:
            self._blocks.move_to_end((source, hour))
            return found
        row = self._connection.execute(
            "SELECT block FROM emission WHERE source = ? AND hour = ?", (source, hour)
        ).fetchone()
        return blocks.from_bytes(row[0]) if row else blocks.empty(self._per_hour)

    @staticmethod
    def _remember(cache: OrderedDict[K, V], key: K, value: V) -> None:
        cache[key] = value
        cache.move_to_end(key)
        if len(cache) > CACHED:
            cache.popitem(last=False)

    def _by_zone(self, source: Ints, times: Ints, of: Callable[[Ints, ZoneInfo], Ints]) -> Ints:
        """Apply a function of time and zone, each source in its park's zone."""
        result = np.empty_like(times)
        zones = {one: self._zone_of(one) for one in np.unique(source).tolist()}
        for zone in set(zones.values()):
            mine = np.isin(source, [one for one, its in zones.items() if its == zone])
            result[mine] = of(times[mine], zone)
        return result


def _bits(fields: Floats) -> Ints:
    """Compare numbers by their bits, so that an unknown equals an unknown."""
    return np.where(np.isnan(fields), np.nan, fields).view(np.int64)


def summed(windows: Floats) -> Floats:
    """Sum windows in time order: [hours, windows, 10 fields] → [hours, 1 + 10] with the count of known windows first.

    Amounts add what is known and are NaN where nothing is; the revision is the greatest.
    """
    return np.concatenate(
        [(blocks.coverage(windows) > 0).sum(axis=1)[:, None].astype(np.float64), _folded(windows)], axis=1
    )


def summed_again(sums: Floats) -> Floats:
    """Sum sums in time order: [parents, children, 11] → [parents, 11]."""
    return np.concatenate([sums[:, :, 0].sum(axis=1)[:, None], _folded(sums[:, :, 1:])], axis=1)


def _folded(rows: Floats) -> Floats:
    total = np.nancumsum(rows, axis=1)[:, -1]
    known = ~np.isnan(rows).all(axis=1)
    total[:, blocks.REVISION] = np.nanmax(rows[:, :, blocks.REVISION], axis=1)
    return np.where(known, total, np.nan)


def _row(one: Floats) -> list[int | float | None]:
    values: list[int | float | None] = [None if np.isnan(x) else float(x) for x in one[:-1]]
    return [int(one[0]), *values[1:], int(one[-1])]
