"""The chain of sums above the windows: hours, local days and local months of every source, in the table `total`.

Each sum is made of its children in time order and of nothing else, so that its bits depend on the windows alone.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from plant import periods
from plant.arrays import Floats, Ints, Times
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR
from store import blocks
from store.messages.set_aside import set_aside
from store.sqlite import write_columns

CACHED = 2048  # parents whose children are kept in memory, about 5 KiB each

SUM_FIELDS = ("windows", *blocks.FIELDS)  # of a sum, as columns


@dataclass(frozen=True, slots=True)
class _Slots:
    """Where a parent's children stand in its array: by their distance from its start."""

    count: int
    length: int
    slack: int

    def of(self, child: Times, parent: Times) -> Ints:
        """Return each child's slot."""
        return (child - parent + self.slack) // self.length


# Clocks move by half hours at the least, so half hours tell hours apart; days differ by the hour a clock moves.
_SLOTS = {
    periods.DAY: _Slots(52, NS_PER_HOUR // 2, 0),
    periods.MONTH: _Slots(31, NS_PER_DAY, 2 * NS_PER_HOUR),
}


class SumChain:
    """The table `total`, through the line's connection."""

    def __init__(self, connection: sqlite3.Connection, zone_of: Mapping[int, ZoneInfo]) -> None:
        self._connection = connection
        self._zone_of = zone_of
        self._children: OrderedDict[tuple[int, int, int], Floats] = OrderedDict()

    def forget(self) -> None:
        """Drop what memory holds: a transaction that had changed it was rolled back."""
        self._children.clear()

    def starts(self, source: Ints, times: Times, level: int) -> Times:
        """Return the start of the unit around each time, in the zone of each source's park [ns UTC]."""
        zones = {one: self._zone_of[one] for one in np.unique(source).tolist()}
        of = periods.UNITS[level].start
        if len(set(zones.values())) == 1:
            return of(times, next(iter(zones.values())))
        result = np.empty_like(times)
        for zone in set(zones.values()):
            mine = np.isin(source, [one for one, its in zones.items() if its == zone])
            result[mine] = of(times[mine], zone)
        return result

    def rebuild(self, source: Ints, hour: Times, windows: Floats) -> None:
        """Sum hours of windows, [hours, windows, 10 fields] sorted by (source, hour), and what stands above them."""
        sums = hour_sums(windows)
        self._write(periods.HOUR, source, hour, sums)
        for level in (periods.DAY, periods.MONTH):
            source, hour, sums = self._climb(level, source, hour, sums)
            self._write(level, source, hour, sums)

    def _climb(self, level: int, source: Ints, start: Times, sums: Floats) -> tuple[Ints, Times, Floats]:
        """Put sums among their siblings, and return the parents' source, start and sums."""
        parent = self.starts(source, start, level)
        slot = _SLOTS[level].of(start, parent)
        head = np.append(True, (source[1:] != source[:-1]) | (parent[1:] != parent[:-1]))
        bounds = np.append(np.flatnonzero(head), len(source)).tolist()
        source, parent = source[head], parent[head]
        families = [self._family(level, *key) for key in zip(source.tolist(), parent.tolist(), strict=True)]
        for family, low, high in zip(families, bounds[:-1], bounds[1:], strict=True):
            family[slot[low:high]] = sums[low:high]
        children = np.stack(families)
        children = children[:, (children[:, :, -1] > 0).any(axis=0)]  # the revision of an absent child is 0
        return source, parent, parent_sums(children)

    def _family(self, level: int, source: int, parent: int) -> Floats:
        """Return a parent's children, [slots, 11]; an absent one is unknown."""
        key = (source, level, parent)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = self._stored(level, source, parent)
            if len(self._children) > CACHED:
                self._children.popitem(last=False)
        self._children.move_to_end(key)
        return found

    def _stored(self, level: int, source: int, parent: int) -> Floats:
        children = _childless(level)
        end = int(periods.UNITS[level].next(parent, self._zone_of[source]))
        query = f"SELECT start, {', '.join(SUM_FIELDS)} FROM total WHERE source = ? AND level = ? AND start >= ? AND start < ?"
        for start, *values in self._connection.execute(query, (source, level - 1, parent, end)).fetchall():
            slot = _SLOTS[level].of(np.array(start), np.array(parent))
            try:
                children[slot] = [np.nan if value is None else value for value in values]
            except (ValueError, TypeError):
                key = {"source": source, "level": level - 1, "start": start}
                why = "a sum is no number: restate the month to have it again"
                set_aside(self._connection, "total", key, why)
        return children

    def _write(self, level: int, source: Ints, start: Times, sums: Floats) -> None:
        columns = [source.tolist(), [level] * len(source), start.tolist(), *sums.T.tolist()]
        write_columns(self._connection, "INSERT OR REPLACE INTO total", columns)


def hour_sums(windows: Floats) -> Floats:
    """Return the sum of each hour's windows, [hours, windows, 10 fields] → [hours, 11]: `SUM_FIELDS`."""
    known = (blocks.coverage(windows) > 0).sum(axis=1)
    return np.concatenate([known[:, None].astype(np.float64), _folded(windows)], axis=1)


def parent_sums(children: Floats) -> Floats:
    """Return the sum of each parent's children in time order, [parents, slots, 11] → [parents, 11]."""
    counts = children[:, :, 0].sum(axis=1)[:, None]
    return np.concatenate([counts, _folded(children[:, :, 1:])], axis=1)


def parent_of(level: int, parent: int, start: Times, sums: Floats) -> Floats:
    """Return the sum of one parent, [11], of a level (day or month): of its children's starts and sums, [children, 11]."""
    children = _childless(level)
    children[_SLOTS[level].of(start, np.array(parent))] = sums
    total: Floats = parent_sums(children[None])[0]
    return total


def _childless(level: int) -> Floats:
    """Return the slots of a parent's children, [slots, 11], all absent."""
    count = _SLOTS[level].count
    return np.concatenate([np.zeros((count, 1)), blocks.empty(count)], axis=1)


def _folded(rows: Floats) -> Floats:
    """Add rows in order, [parents, rows, 10] → [parents, 10]: what is known, NaN where nothing is; the greatest revision."""
    unknown = np.isnan(rows)
    # Along a middle axis numpy adds row by row, in order, however many parents there are.
    total: Floats = np.add.reduce(np.where(unknown, 0.0, rows), axis=1)
    total[:, blocks.REVISION] = rows[:, :, blocks.REVISION].max(axis=1)
    return np.where(unknown.all(axis=1), np.nan, total)
