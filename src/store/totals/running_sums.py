"""Tonnes of sources over periods that grow with time: the totals' sums, to the bit, without reading them all again.

The summands of a period are kept, hours, days, months and parts of hours; the ledger says which have changed since.
"""

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Floats, Ints, Times
from plant.park import Plant
from plant.periods import PART, Summand, day_start, month_start, summands, year_start
from plant.vocabulary import NS_PER_HOUR
from store.accounting.ledger import records_of
from store.blocks import CO2E_T
from store.frame_rows import hour_blocks
from store.reader import Numbers, Snapshot
from store.totals.due import due_windows
from store.totals.sums import Period, fold, known_sum, only_events, source_sums

_MOST_KEPT = 4_000_000  # sums in memory, 8 bytes each
_BESIDE = 100  # sums that weigh as much as what is kept beside each column of them

_Key = tuple[bytes, Summand]  # which sources, and of what


class RunningSums:
    """Through the line's connection, inside its transaction; sources are indexes in the plant."""

    def __init__(self, plant: Plant, connection: sqlite3.Connection, source_ids: Ints) -> None:
        self._plant, self._connection, self._ids = plant, connection, source_ids
        self._snapshot = Snapshot(
            connection, plant, Numbers("channel", plant.channels), Numbers("source", plant.sources)
        )
        zones = {park.name: park.zone for park in plant.parks}
        self._zones = [zones[source.park] for source in plant.sources]
        self._quiet = np.array([only_events(plant, source.index) for source in plant.sources], bool)
        self.forget()

    def forget(self) -> None:
        """Keep nothing: a transaction was rolled back."""
        self._kept: OrderedDict[_Key, Floats] = OrderedDict()
        self._size = 0
        self._seen: int | None = None

    def tonnes(self, sources: Ints, start: int, end: int) -> Floats:
        """Return the sums of [start, end) on the window grid [t], as the totals have them; NaN where nothing is known."""
        self._look_for_changes()
        found = np.full(len(sources), np.nan)
        zones = [self._zones[source] for source in sources.tolist()]
        for zone in dict.fromkeys(zones):
            rows = np.array([row for row, its in enumerate(zones) if its is zone], np.int64)
            found[rows] = self._in_zone(sources[rows], start, end, zone)
        silent = np.flatnonzero(np.isnan(found) & self._quiet[sources])
        if len(silent):
            found[silent] = self._of_silence(sources[silent].tolist(), start, end)
        return found

    def _in_zone(self, sources: Ints, start: int, end: int, zone: ZoneInfo) -> Floats:
        parts = summands(start, end, zone)
        if not parts:
            return np.full(len(sources), np.nan)
        values = np.stack(self._columns(sources, parts))
        starts = np.array([part.start for part in parts], np.int64)
        for unit in (day_start, month_start, year_start):
            keys = unit(starts, zone)
            values = fold(values, keys)
            starts = starts[np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))]
        return known_sum(values)

    def _columns(self, sources: Ints, parts: list[Summand]) -> list[Floats]:
        """Return the sum of each summand, a number for each source."""
        of = sources.tobytes()
        missing = [part for part in parts if (of, part) not in self._kept]
        read = dict(zip(missing, self._read(sources, missing), strict=True))
        columns = [read[part] if part in read else self._kept[of, part] for part in parts]
        for part, column in zip(parts, columns, strict=True):
            self._keep((of, part), column)
        return columns

    def _keep(self, key: _Key, column: Floats) -> None:
        """Keep what was used last, in place of what was not used for longest."""
        if key not in self._kept:
            self._kept[key] = column
            self._size += len(column) + _BESIDE
        self._kept.move_to_end(key)
        while self._size > _MOST_KEPT:
            self._size -= len(self._kept.popitem(last=False)[1]) + _BESIDE

    def _read(self, sources: Ints, parts: list[Summand]) -> list[Floats]:
        """Return what is stored of the summands, a query for each that stand one after the other and are of one level."""
        columns: list[Floats] = []
        for run in _runs(parts):
            if run[0].level == PART:
                columns += [self._windows(sources, part) for part in run]
            else:
                columns += self._totals(sources, run)
        return columns

    def _totals(self, sources: Ints, parts: list[Summand]) -> list[Floats]:
        rows = self._connection.execute(
            "SELECT source, start, co2e_t FROM total WHERE source IN (SELECT value FROM json_each(?))"
            " AND level = ? AND start >= ? AND start < ? AND co2e_t IS NOT NULL",
            (json.dumps(self._ids[sources].tolist()), parts[0].level, parts[0].start, parts[-1].end),
        ).fetchall()
        columns = np.full((len(parts), len(sources)), np.nan)
        if rows:
            number, start, tonnes = (np.array(column) for column in zip(*rows, strict=True))
            starts = np.array([part.start for part in parts], np.int64)
            # A row that starts elsewhere is of another clock: the park's zone was corrected since.
            known = np.isin(start, starts)
            place = np.searchsorted(starts, start[known])
            columns[place, _places(self._ids[sources], number[known])] = tonnes[known]
        return list(columns)

    def _windows(self, sources: Ints, part: Summand) -> Floats:
        """Return the sums of the windows of a part of an hour, added in their order."""
        window, ids = self._plant.window, self._ids[sources]
        first = part.start - NS_PER_HOUR + 1
        stored = hour_blocks(self._connection, ids.tolist(), first, part.end, NS_PER_HOUR // window)
        start = stored.hour[:, None] + window * np.arange(stored.block.shape[1])
        inside = (start >= part.start) & (start < part.end)
        sums = known_sum(np.ascontiguousarray(np.where(inside, stored.block[:, :, CO2E_T], np.nan).T))
        known = np.flatnonzero(~np.isnan(sums))
        column = np.full(len(sources), np.nan)
        column[_places(ids, stored.source[known])] = sums[known]
        return column

    def _of_silence(self, sources: list[int], start: int, end: int) -> Floats:
        """Return what sources that owe nothing by silence emitted where nothing was known: 0 once they were heard."""
        found = np.full(len(sources), np.nan)
        begins = self._snapshot.begins(sources)
        due = due_windows(self._plant, sources, begins, np.array([start, end]), end).windows[:, 0]
        for row in np.flatnonzero(due).tolist():
            period = Period(start, end, self._zones[sources[row]])
            found[row] = source_sums(self._snapshot, [sources[row]], period, end).amounts[0, CO2E_T]
        return found

    def _look_for_changes(self) -> None:
        """Drop what the ledger says has changed since the last look."""
        newest = int(self._connection.execute("SELECT coalesce(max(id), 0) FROM ledger").fetchone()[0])
        if self._seen is not None and newest != self._seen and self._kept:
            rows = self._connection.execute("SELECT changes FROM ledger WHERE id > ?", (self._seen,))
            try:
                self._drop(np.unique(np.concatenate([records_of(row[0])["start"] for row in rows])))
            except ValueError:  # nobody can say what changed
                self._kept.clear()
                self._size = 0
        self._seen = newest

    def _drop(self, changed: Times) -> None:
        keys = list(self._kept)
        first = np.array([part.start for _, part in keys], np.int64)
        end = np.array([part.end for _, part in keys], np.int64)
        touched = np.searchsorted(changed, end) > np.searchsorted(changed, first)
        for row in np.flatnonzero(touched).tolist():
            self._size -= len(self._kept.pop(keys[row])) + _BESIDE


def _runs(parts: list[Summand]) -> Iterator[list[Summand]]:
    """Yield summands of one level that follow each other without a gap."""
    run: list[Summand] = []
    for part in parts:
        if run and (part.level != run[-1].level or part.start != run[-1].end):
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _places(known: Ints, wanted: Ints) -> Ints:
    order = np.argsort(known, kind="stable")
    return order[np.searchsorted(known[order], wanted)]
