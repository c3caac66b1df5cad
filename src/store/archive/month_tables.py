"""The tables of a park's month that the archive has as Parquet, each in a folder of its name."""

import sqlite3
from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa

from plant.park import Plant
from store.archive.month_ledger import LedgerOfMonth
from store.archive.month_readings import ReadingsOfMonth
from store.archive.month_windows import WindowsOfMonth
from store.archive.months import ArchiveMonth


class MonthTable(Protocol):
    """A table of a month, as the state has it; it is read anew each time."""

    name: str
    schema: pa.Schema

    def tables(self) -> Iterator[pa.Table]:
        """Yield it in parts."""
        ...


def tables_of(state: sqlite3.Connection, plant: Plant, month: ArchiveMonth) -> list[MonthTable]:
    """Return all tables of a month."""
    return [kind(state, plant, month) for kind in (ReadingsOfMonth, WindowsOfMonth, LedgerOfMonth)]


def table_of(file: str, state: sqlite3.Connection, plant: Plant, month: ArchiveMonth) -> MonthTable:
    """Return the table that a file of the archive holds, by its name there."""
    return next(one for one in tables_of(state, plant, month) if one.name == file.split("/")[-2])
