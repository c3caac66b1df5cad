"""CSV lines: one reading a line, or one time a line with a column for each channel.

What the columns are is said by the option `columns`, or by the first line where `header` is true. The words channel,
time, value, unit and quality name what a column holds; any other name is a channel, and its cells are its values.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.formats import fields, stamps
from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, OptionError, Origin
from ingest.formats.numbers import from_decimal
from ingest.formats.options import Options, Units
from ingest.formats.rows import Rows
from ingest.formats.strict import PayloadError
from plant.vocabulary import Code, Quality

WORDS = ("channel", "time", "value", "unit", "quality")


@dataclass(frozen=True, slots=True)
class _Shape:
    columns: tuple[str, ...]
    header: bool
    delimiter: str
    decimal: str
    times: stamps.Stamps
    units: Units


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder.

    Options: `columns`, `header`, `delimiter` (, ; | or tab), `decimal` (. or ,), `time` and `zone` (see `stamps`), `units`.
    """
    given = Options(options)
    delimiter = given.choice("delimiter", (",", ";", "\t", "|"), ",")
    shape = _Shape(
        columns=given.texts("columns"),
        header=given.flag("header"),
        delimiter=delimiter,
        decimal=given.choice("decimal", (".", ","), "."),
        times=given.times(),
        units=given.units(),
    )
    given.done()
    if bool(shape.columns) == shape.header:
        raise OptionError("columns", "names the columns, unless header: true says that the first line does")
    if shape.decimal == delimiter:
        raise OptionError("decimal", "is also the delimiter")
    if shape.columns:
        _check(shape.columns)

    def decode(payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
        rows = Rows(origin, raw, refusals, _path)
        lines = _lines(payload, shape.delimiter)
        columns = shape.columns
        if shape.header and (first := next(lines, None)):
            columns = tuple(map(str.strip, first[1]))
            try:
                _check(columns)
            except OptionError as error:
                raise PayloadError(Code.SCHEMA, "line 1", str(error)) from error
        for item, cells in lines:
            try:
                _read(rows, item, columns, cells, shape)
            except PayloadError as error:
                _refuse(rows, item, error)
        return rows.envelope()

    return decode


def _check(columns: tuple[str, ...]) -> None:
    others = [name for name in columns if name not in WORDS]
    if len(set(columns)) < len(columns):
        raise OptionError("columns", "a column stands twice")
    if ("channel" in columns) == bool(others) or ("channel" in columns) != ("value" in columns):
        raise OptionError("columns", "have channel and value, or else the names of channels")
    if others and "unit" in columns:
        raise OptionError("columns", "have a unit only beside channel and value; use the option units")


def _lines(payload: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not empty, each with its number from 1 on."""
    if not payload:
        raise PayloadError(Code.EMPTY, "", "the payload has no bytes; send CSV lines")
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(Code.BAD_UTF8, "", f"byte {error.start} is not UTF-8; send UTF-8") from error
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        yield from ((number, cells) for number, cells in enumerate(lines, 1) if any(map(str.strip, cells)))
    except csv.Error as error:
        raise PayloadError(Code.SCHEMA, "", f"no CSV: {error}") from error


def _read(rows: Rows, item: int, columns: tuple[str, ...], cells: list[str], shape: _Shape) -> None:
    if len(cells) != len(columns):
        detail = f"{len(cells)} cells, and there are {len(columns)} columns"
        raise PayloadError(Code.SCHEMA, "", detail)
    named = dict(zip(columns, map(str.strip, cells), strict=True))
    time = shape.times.of(named.get("time"), rows.origin, "time")
    quality = fields.quality(named.get("quality") or None, "quality")
    if "channel" in named:
        _add(rows, item, named["channel"], time, named["value"], named.get("unit") or None, quality, shape)
        return
    for name, cell in named.items():
        if name not in WORDS and cell:  # an empty cell is no reading
            _add(rows, item, name, time, cell, None, quality, shape)


def _add(
    rows: Rows,
    item: int,
    name: str,
    time: int | str,
    cell: str,
    given: str | None,
    quality: Quality,
    shape: _Shape,
) -> None:
    try:
        value = from_decimal(cell, shape.decimal, "value")
    except PayloadError as error:
        _refuse(rows, item, error)
        return
    unit, own = shape.units.of(name, given)
    rows.add(item, name, time, value, unit, own_unit=own, quality=quality)


def _refuse(rows: Rows, item: int, error: PayloadError) -> None:
    """Refuse a part of a line; only now is it worth finding out where it stands."""
    rows.refuse(PayloadError(error.code, _path(item, error.path), error.detail))


def _path(item: int, key: str) -> str:
    return f"line {item}: {key}" if key else f"line {item}"
