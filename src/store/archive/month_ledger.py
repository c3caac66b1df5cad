"""What the ledger says of a park's month as a table: by source and time of the window, each change of a published number."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from plant.park import Plant
from plant.vocabulary import NS_PER_DAY
from store.accounting.ledger import CHANGE, records_of
from store.archive.month_windows import WindowUnreadable, revisions
from store.archive.months import ArchiveMonth, sources_of
from store.archive.parquet import ROWS_AT_ONCE, known, schema_of, times, words

WINDOWS_AT_ONCE = 500_000  # of the sources whose changes are gathered in one reading of the ledger
_NUMBERS = ("old_co2e_t", "new_co2e_t", "old_activity", "new_activity")
_ROW = np.dtype([*[(name, CHANGE[name]) for name in CHANGE.names or ()], ("id", "<i8"), ("place", "<i4")])


class LedgerOfMonth:
    """Changes of one month's windows; reading them again gives the same tables."""

    name = "ledger"

    def __init__(self, state: sqlite3.Connection, plant: Plant, month: ArchiveMonth) -> None:
        self._state, self._month = state, month
        windows = (month.end - month.start) // plant.window
        self._at_once = max(1, WINDOWS_AT_ONCE // windows)
        self.schema = schema_of(
            [
                *((name, pa.string(), "") for name in ("park", "facility", "source")),
                ("start", pa.timestamp("ns", tz="UTC"), "UTC"),
                ("revision", pa.int32(), ""),
                *((name, pa.float64(), "t CO2e" if "co2e" in name else "") for name in _NUMBERS),
                ("at", pa.timestamp("ns", tz="UTC"), "UTC"),
                *((name, pa.string(), "") for name in ("cause", "author", "configuration")),
                *((name, pa.int64(), "1") for name in ("journal_from", "journal_to", "ledger")),
                ("place", pa.int32(), ""),
                ("hash", pa.string(), ""),
                ("source_id", pa.int32(), ""),
            ],
            {"park": month.park, "month": month.month, "table": self.name},
        )

    def tables(self) -> Iterator[pa.Table]:
        """Yield the changes of some sources after the others, by facility and name; raise WindowUnreadable where a row cannot be read."""
        sources = sources_of(self._state, self._month.park)
        for low in range(0, len(sources), self._at_once):
            found = self._gathered(sources[low : low + self._at_once])
            self._check(sources[low : low + self._at_once], found)
            for first in range(0, len(found), ROWS_AT_ONCE):
                yield self._table(found[first : first + ROWS_AT_ONCE])

    def _check(self, sources: Sequence[int], found: NDArray[Any]) -> None:
        """Raise WindowUnreadable where windows of a source have other revisions than the ledger has changes of them."""
        for source in sources:
            changes = int(np.count_nonzero(found["source"] == source))
            if changes != revisions(self._state, source, self._month.start, self._month.end):
                raise WindowUnreadable(
                    f"the ledger does not say of each window of source {source} in {self._month.month} how it came: see stackmeter verify"
                )

    def _rows(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and changes of the rows that may tell of the month: none was written a day before it began."""
        yield from self._state.execute(
            "SELECT id, changes FROM ledger WHERE id >= (SELECT min(id) FROM ledger WHERE at >= ?) ORDER BY id",
            (self._month.start - NS_PER_DAY,),
        )

    def _gathered(self, sources: Sequence[int]) -> NDArray[Any]:
        """Return the changes of sources, in their order, by time, and in the order of the ledger."""
        wanted, parts = np.array(sorted(sources), np.int32), [np.empty(0, _ROW)]
        for number, stored in self._rows():
            try:
                records = records_of(stored)
            except ValueError as error:
                raise WindowUnreadable(f"ledger {number} cannot be read") from error
            at = np.flatnonzero(
                (records["start"] >= self._month.start)
                & (records["start"] < self._month.end)
                & np.isin(records["source"], wanted)
            )
            if len(at):
                rows = np.empty(len(at), _ROW)
                for name in CHANGE.names or ():
                    rows[name] = records[name][at]
                rows["id"], rows["place"] = number, at
                parts.append(rows)
        everything = np.concatenate(parts)
        rank = np.argsort(np.array(sources))[np.searchsorted(wanted, everything["source"])]
        return everything[np.lexsort((everything["place"], everything["id"], everything["start"], rank))]

    def _table(self, rows: NDArray[Any]) -> pa.Table:
        said = {number: self._said(number) for number in np.unique(rows["id"]).tolist()}
        names = {number: self._name(number) for number in np.unique(rows["source"]).tolist()}
        ids, source = rows["id"].astype(np.int64), rows["source"].astype(np.int64)
        numbers, place_of = np.unique(ids, return_inverse=True)

        def of_source(place: int) -> pa.Array:
            return words(source, {number: name[place] for number, name in names.items()})

        def of_row(place: int) -> pa.Array:
            return words(ids, {number: one[place] for number, one in said.items()})

        def number_of_row(place: int) -> NDArray[np.int64]:
            return np.array([said[number][place] for number in numbers.tolist()], np.int64)[place_of.ravel()]

        columns = {
            **{name: of_source(place) for place, name in enumerate(("park", "facility", "source"))},
            "start": times(rows["start"]),
            "revision": pa.array(rows["revision"], pa.int32()),
            **{name: known(np.ascontiguousarray(rows[name])) for name in _NUMBERS},
            "at": times(number_of_row(0)),
            **{name: of_row(place) for place, name in enumerate(("cause", "author", "configuration"), 1)},
            "journal_from": pa.array(number_of_row(4), pa.int64()),
            "journal_to": pa.array(number_of_row(5), pa.int64()),
            "ledger": pa.array(ids, pa.int64()),
            "place": pa.array(rows["place"], pa.int32()),
            "hash": of_row(6),
            "source_id": pa.array(rows["source"], pa.int32()),
        }
        return pa.table(columns, schema=self.schema)

    def _said(self, number: int) -> tuple[Any, ...]:
        """Return what a row of the ledger says beside its changes, and its hash."""
        [(*said, digest)] = self._state.execute(
            "SELECT at, cause, actor, configuration, journal_from, journal_to, hash FROM ledger WHERE id = ?",
            (number,),
        )
        return (*said, bytes(digest).hex())

    def _name(self, number: int) -> tuple[str, str, str]:
        row = self._state.execute(
            "SELECT park, facility, name FROM source WHERE id = ?", (number,)
        ).fetchone()
        return (row[0], row[1], row[2])
