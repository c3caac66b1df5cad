"""How the archive's tables are written as Parquet, and how one that was read back is compared with what it was made of."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plant.arrays import Floats, Ints

ROWS_AT_ONCE = 100_000  # of a row group, about
LEVEL = 12  # of zstd: it is written once
_TIME = pa.timestamp("ns", tz="UTC")


class NotTheSame(Exception):
    """What was read back is not what was written; the text says where."""


def schema_of(columns: Iterable[tuple[str, pa.DataType, str]], of: dict[str, str]) -> pa.Schema:
    """Return a schema: names, types and units of columns ("" where there is none), and what the table is `of`, as metadata."""
    fields = [pa.field(name, kind, metadata={"unit": unit} if unit else None) for name, kind, unit in columns]
    return pa.schema(fields, metadata=of)


def times(values: Ints) -> pa.Array:
    """Return times [ns UTC] as a column."""
    return pa.array(values.astype(np.int64), pa.int64()).cast(_TIME)


def known(values: Floats) -> pa.Array:
    """Return numbers as a column: an unknown one is null."""
    return pa.array(values, pa.float64(), from_pandas=True)


def words(numbers: Ints, names: dict[int, str]) -> pa.Array:
    """Return the name of each number as a column; null of one that has none."""
    distinct, place = np.unique(numbers, return_inverse=True)
    told = pa.array([names.get(one) for one in distinct.tolist()], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(place.ravel(), pa.int32()), told).cast(pa.string())


def same_word(word: str | None, count: int) -> pa.Array:
    """Return a column of one word."""
    return words(np.zeros(count, np.int64), {} if word is None else {0: word})


def write(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write tables as one file, several small ones as one row group, and let the disk have it."""
    # Of floats and of what counts up a dictionary is larger than they are.
    coded = {one.name: "DELTA_BINARY_PACKED" for one in schema if _is_steady(one)}
    coded |= {one.name: "PLAIN" for one in schema if pa.types.is_floating(one.type)}
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=LEVEL,
        use_dictionary=[one.name for one in schema if one.name not in coded],
        column_encoding=coded,
    ) as file:
        for group in grouped(schema, tables):
            file.write_table(group, row_group_size=len(group))


def _is_steady(field: pa.Field) -> bool:
    """Whether a column is best written as how far each number is from the one before."""
    return bool(pa.types.is_timestamp(field.type) or field.type == pa.int64() or field.name == "place")


def grouped(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
    """Yield tables put together until they are large enough for a row group."""
    parts: list[pa.Table] = []
    for table in chain(tables, [None]):
        if table is not None:
            parts.append(table)
        if parts and (table is None or sum(map(len, parts)) >= ROWS_AT_ONCE):
            yield pa.concat_tables(parts).cast(schema).combine_chunks()
            parts = []


def compare(
    path: Path, schema: pa.Schema, tables: Iterable[pa.Table], *, but: frozenset[str] = frozenset()
) -> int:
    """Compare a file, bit by bit and `but` for some columns, with the tables that it should have; return how many rows that were.

    Raises
    ------
    NotTheSame
        It has other columns, other rows, or cannot be read.
    """
    rows = groups = 0
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(schema, check_metadata=True):
                raise NotTheSame("it has other columns, or is of another month")
            for groups, expected in enumerate(grouped(schema, tables), 1):
                found = file.read_row_group(groups - 1) if groups <= file.num_row_groups else None
                if found is None or not same(found, expected, but):
                    raise NotTheSame(f"it differs between its rows {rows} and {rows + len(expected)}")
                rows += len(expected)
            if groups != file.num_row_groups:
                raise NotTheSame(f"it has more than {rows} rows")
    except (pa.ArrowException, OSError) as error:
        raise NotTheSame(f"it cannot be read: {error}") from error
    return rows


def same(one: pa.Table, other: pa.Table, but: frozenset[str]) -> bool:
    """Whether two tables of one schema hold the same, floats to the bit."""
    return len(one) == len(other) and all(
        _same_column(one[name].combine_chunks(), other[name].combine_chunks())
        for name in one.column_names
        if name not in but
    )


def _same_column(one: Any, other: Any) -> bool:
    if not pa.types.is_floating(one.type):
        return bool(one.equals(other))
    return bool(one.is_null().equals(other.is_null())) and np.array_equal(_bits(one), _bits(other))


def _bits(column: Any) -> Ints:
    return np.asarray(column.fill_null(0.0).to_numpy(zero_copy_only=False)).view(np.int64)
