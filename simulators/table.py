"""A CSV file's rows as readings, exactly as a replay's mapping explains them."""

import math
from collections.abc import Sequence
from csv import reader as read_csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import numpy as np

from simulators.mapping import Column, Mapping
from simulators.payload import NS_PER_S, Floats, Readings, Times

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NS_PER_MICROSECOND = NS_PER_S // 1_000_000


class ReplayError(ValueError):
    """The data are not what the mapping says; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows as readings in the file's order, and how many rows there were."""

    rows: int
    readings: Readings

    def sums(self, columns: Sequence[Column]) -> dict[str, float]:
        """Return the exact sum of each column, by its name in the file, in the channel's unit."""
        return {
            column.name: math.fsum(self.readings.value[self.readings.channel == index].tolist())
            for index, column in enumerate(columns)
        }


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell, and where it stands for whoever has to look."""

    place: str
    text: str


def read_table(path: Path, mapping: Mapping) -> Table:
    """Return the readings of a CSV file; an empty cell is no reading.

    Raises
    ------
    ReplayError
        If the file cannot be read as text, a column is missing, a cell is no finite number or no time, or two rows
        have one time.
    """
    try:
        cells = _read_cells(path, mapping)
    except (OSError, UnicodeError, LookupError) as error:
        raise ReplayError(f"{path}: {error}") from error
    times = _times(cells, mapping)
    values = np.array([[_number(cell) for cell in row[1:]] for row in cells], np.float64)
    values = values.reshape(len(cells), len(mapping.columns)) * [column.scale for column in mapping.columns]
    return Table(len(cells), _readings(times, values))


def _readings(times: Times, values: Floats) -> Readings:
    rows, columns = np.nonzero(~np.isnan(values))
    return Readings(columns, times[rows], values[rows, columns], np.zeros(len(rows), np.bool_))


def _read_cells(path: Path, mapping: Mapping) -> list[list[_Cell]]:
    """Return the cells that matter of each row, the time first."""
    names = [mapping.time_column, *(column.name for column in mapping.columns)]
    with path.open(encoding=mapping.encoding, newline="") as file:
        lines = read_csv(file, delimiter=mapping.delimiter)
        header = next(lines, [])
        absent = [name for name in names if name not in header]
        if absent:
            raise ReplayError(f"{path}:1: no column {', '.join(map(repr, absent))} among {', '.join(header)}")
        places = [header.index(name) for name in names]
        return [_row(f"{path}:{lines.line_num}", row, places, names) for row in lines if row]


def _row(at: str, row: Sequence[str], places: Sequence[int], names: Sequence[str]) -> list[_Cell]:
    if len(row) <= max(places):
        raise ReplayError(f"{at}: only {len(row)} cells")
    return [_Cell(f"{at}: {name}", row[place].strip()) for place, name in zip(places, names, strict=True)]


def _number(cell: _Cell) -> float:
    if not cell.text:
        return math.nan
    try:
        value = float(cell.text)
    except ValueError as error:
        raise ReplayError(f"{cell.place}: {cell.text!r} is no number") from error
    if not math.isfinite(value):
        raise ReplayError(f"{cell.place}: {cell.text!r} is not finite")
    return value


def _times(cells: Sequence[Sequence[_Cell]], mapping: Mapping) -> Times:
    times = np.array([_time(row[0], mapping) for row in cells], np.int64)
    behind = np.flatnonzero(np.diff(times) <= 0)
    if mapping.midnight_ends_day and len(behind):
        cell = cells[behind[0] + 1][0]
        raise ReplayError(
            f"{cell.place}: {cell.text!r} is not after the row before it; is midnight_ends_day right?"
        )
    _, first = np.unique(times, return_index=True)
    again = np.setdiff1d(np.arange(len(times)), first)
    if len(again):
        cell = cells[again[0]][0]
        raise ReplayError(f"{cell.place}: {cell.text!r} stands in two rows")
    return times


def _time(cell: _Cell, mapping: Mapping) -> int:
    try:
        local = datetime.strptime(cell.text, mapping.time_format)  # noqa: DTZ007 - the zone is the mapping's
        if mapping.midnight_ends_day and local.time() == datetime.min.time():
            local += timedelta(days=1)
        at = _in_zone(local, mapping.zone)
    except ValueError as error:
        raise ReplayError(f"{cell.place}: {error}") from error
    return (at - EPOCH) // MICROSECOND * NS_PER_MICROSECOND


def _in_zone(local: datetime, zone: tzinfo) -> datetime:
    early, late = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        raise ValueError(f"{local} does not exist once and only once in {zone}")
    return early
