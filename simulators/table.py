"""The rows of a CSV or Parquet file as readings, exactly as a replay's mapping explains them."""

import math
from collections.abc import Iterator, Sequence
from csv import reader as read_csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any

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
    """Return the readings of a file, CSV or, by its name, Parquet; an empty cell is no reading.

    Raises
    ------
    ReplayError
        If the file cannot be read, a column is missing, a cell is no finite number or no time, or two rows have one time.
    """
    [table] = read_parts(path, mapping, None)
    return table


def read_parts(path: Path, mapping: Mapping, rows: int | None) -> Iterator[Table]:
    """Yield the readings of a file, so many rows at a time; None: all at once. Raises as `read_table`, of two rows of one part."""
    parts = (
        _parquet_parts(path, mapping, rows) if path.suffix == ".parquet" else _csv_parts(path, mapping, rows)
    )
    try:
        for times, values in parts:
            scaled = values * [column.scale for column in mapping.columns]
            yield Table(len(times), _readings(times, scaled))
    except (OSError, UnicodeError, LookupError) as error:
        raise ReplayError(f"{path}: {error}") from error


def _csv_parts(path: Path, mapping: Mapping, rows: int | None) -> Iterator[tuple[Times, Floats]]:
    cells = _read_cells(path, mapping)
    while (part := list(islice(cells, rows))) or rows is None:
        values = np.array([[_number(cell) for cell in row[1:]] for row in part], np.float64)
        yield _times(part, mapping), values.reshape(len(part), len(mapping.columns))
        if rows is None:
            return


def _parquet_parts(path: Path, mapping: Mapping, rows: int | None) -> Iterator[tuple[Times, Floats]]:
    """Yield times and values; a time is a timestamp, in the mapping's zone where it names none, or a text in its format."""
    parquet = _parquet(path)
    names = [mapping.time_column, *(column.name for column in mapping.columns)]
    with parquet.ParquetFile(path) as file:
        _check_names(str(path), names, file.schema_arrow.names)
        for batch in file.iter_batches(rows or max(file.metadata.num_rows, 1), columns=names):
            moments, *columns = (batch.column(name) for name in names)
            values = [column.cast("float64").to_numpy(zero_copy_only=False) for column in columns]
            if any(np.isinf(column).any() for column in values):
                raise ReplayError(f"{path}: a value is not finite")
            yield _stamps(moments.to_pylist(), str(path), mapping), np.stack(values, axis=1)


def _stamps(moments: Sequence[datetime | str], at: str, mapping: Mapping) -> Times:
    """Return times [ns UTC] of timestamps, or of texts in the mapping's format."""
    if any(isinstance(moment, str) for moment in moments):
        return _times([[_Cell(f"{at}: {mapping.time_column}", str(moment))] for moment in moments], mapping)
    found = [_stamp(moment, at, mapping) for moment in moments]
    if len(set(found)) < len(found):
        raise ReplayError(f"{at}: a time stands in two rows")
    return np.array(found, np.int64)


def _stamp(moment: Any, at: str, mapping: Mapping) -> int:
    if not isinstance(moment, datetime):
        raise ReplayError(f"{at}: {mapping.time_column}: {moment!r} is no time")
    try:
        aware = moment if moment.tzinfo else _in_zone(moment, mapping.zone)
    except ValueError as error:
        raise ReplayError(f"{at}: {mapping.time_column}: {error}") from error
    return (aware - EPOCH) // MICROSECOND * NS_PER_MICROSECOND


def _check_names(at: str, wanted: Sequence[str], there: Sequence[str]) -> None:
    absent = [name for name in wanted if name not in there]
    if absent:
        raise ReplayError(f"{at}: no column {', '.join(map(repr, absent))} among {', '.join(there)}")


def _parquet(path: Path) -> Any:
    """Return what reads Parquet; raise ReplayError where it is not installed."""
    try:
        from pyarrow import parquet  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ReplayError(
            f"{path}: Parquet needs pyarrow: install stackmeter[arrow], or export CSV"
        ) from error
    return parquet


def _readings(times: Times, values: Floats) -> Readings:
    rows, columns = np.nonzero(~np.isnan(values))
    return Readings(columns, times[rows], values[rows, columns], np.zeros(len(rows), np.bool_))


def _read_cells(path: Path, mapping: Mapping) -> Iterator[list[_Cell]]:
    """Yield the cells that matter of each row, the time first."""
    names = [mapping.time_column, *(column.name for column in mapping.columns)]
    with path.open(encoding=mapping.encoding, newline="") as file:
        lines = read_csv(file, delimiter=mapping.delimiter)
        header = next(lines, [])
        _check_names(f"{path}:1", names, header)
        places = [header.index(name) for name in names]
        for row in lines:
            if row:
                yield _row(f"{path}:{lines.line_num}", row, places, names)


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
