"""CSV lines: one reading a line, or one time a line with a column for each channel.

What the columns are is said by the option `columns`, or by the first line where `header` is true, in the device's own words where
`names` says what they mean. The words channel, date, time, value, unit and quality name what a column holds, - is one that is left
out; any other name is a channel, and its cells are its values.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ingest.formats import fields, stamps
from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, OptionError, Origin
from ingest.formats.numbers import from_decimal
from ingest.formats.options import Only, Options, Units
from ingest.formats.rows import Rows
from ingest.formats.strict import PayloadError
from plant.names import Names
from plant.vocabulary import Code, Quality

LEFT_OUT = "-"
WORDS = ("channel", "date", "time", "value", "unit", "quality", LEFT_OUT)


@dataclass(frozen=True, slots=True)
class _Shape:
    columns: tuple[str, ...]
    header: bool
    skip: int
    delimiter: str
    decimal: str
    times: stamps.Stamps
    units: Units
    meant: Callable[[str], str]  # the channel, or word, that a name stands for
    no_value: frozenset[str]  # an empty cell is none in any case
    is_plain: bool  # each name is its channel, and each cell a value


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder.

    Options: `skip`, `columns`, `header`, `delimiter` (, ; | or tab), `decimal` (. or ,), `time`, `zone` and `time_shift` (see
    `stamps`), `units`, `names`, `only`, `no_value`.
    """
    given = Options(options)
    delimiter = given.choice("delimiter", (",", ";", "\t", "|"), ",")
    shape = _Shape(
        columns=given.texts("columns"),
        header=given.flag("header"),
        skip=given.whole("skip", most=1000),
        delimiter=delimiter,
        decimal=given.choice("decimal", (".", ","), "."),
        times=given.times(),
        units=given.units(),
        meant=_meant(given.names(), given.only()),
        no_value=frozenset(("", *given.texts("no_value"))),
        is_plain=not options.keys() & {"names", "only", "no_value"},
    )
    given.done()
    if bool(shape.columns) == shape.header:
        raise OptionError("columns", "names the columns, unless header: true says that the first line does")
    if shape.decimal == delimiter:
        raise OptionError("decimal", "is also the delimiter")
    fixed = _named(shape.columns, shape.meant) if shape.columns else ()

    def decode(payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
        rows = Rows(origin, raw, refusals, _path)
        lines = _lines(payload, shape)
        columns = fixed
        if shape.header and (first := next(lines, None)):
            try:
                columns = _named(first[1], shape.meant)
            except OptionError as error:
                raise PayloadError(Code.SCHEMA, f"line {first[0]}", str(error)) from error
        for item, cells in lines:
            try:
                _read(rows, item, columns, cells, shape)
            except PayloadError as error:
                _refuse(rows, item, error)
        return rows.envelope()

    return decode


def _meant(names: Names | None, only: Only) -> Callable[[str], str]:
    """Return what finds what a column, or a channel, is called here; what is not wanted is left out."""

    def meant(name: str) -> str:
        called = names.of(name) if names else name
        return called if called in WORDS or only(called) else LEFT_OUT

    return meant


def _named(given: Iterable[str], meant: Callable[[str], str]) -> tuple[str, ...]:
    """Return what columns hold; one without a name is left out."""
    columns = tuple(meant(name.strip() or LEFT_OUT) for name in given)
    _check(tuple(name for name in columns if name != LEFT_OUT))
    return columns


def _check(columns: tuple[str, ...]) -> None:
    others = [name for name in columns if name not in WORDS]
    if len(set(columns)) < len(columns):
        raise OptionError("columns", "a column stands twice")
    if "date" in columns and "time" not in columns:
        raise OptionError("columns", "have a date only beside a time")
    if ("channel" in columns) == bool(others) or ("channel" in columns) != ("value" in columns):
        raise OptionError("columns", "have channel and value, or else the names of channels")
    if others and "unit" in columns:
        raise OptionError("columns", "have a unit only beside channel and value; use the option units")


def _lines(payload: bytes, shape: _Shape) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not empty, each with its number from 1 on; what is skipped need not be CSV."""
    if not payload:
        raise PayloadError(Code.EMPTY, "", "the payload has no bytes; send CSV lines")
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(Code.BAD_UTF8, "", f"byte {error.start} is not UTF-8; send UTF-8") from error
    try:
        stream = io.StringIO(text, newline="")
        skipped = sum(1 for _ in islice(stream, shape.skip))
        lines = enumerate(csv.reader(stream, delimiter=shape.delimiter, strict=True), skipped + 1)
        yield from ((number, cells) for number, cells in lines if any(map(str.strip, cells)))
    except csv.Error as error:
        raise PayloadError(Code.SCHEMA, "", f"no CSV: {error}") from error


def _read(rows: Rows, item: int, columns: tuple[str, ...], cells: list[str], shape: _Shape) -> None:
    if len(cells) != len(columns):
        detail = f"{len(cells)} cells, and there are {len(columns)} columns"
        raise PayloadError(Code.SCHEMA, "", detail)
    named = dict(zip(columns, map(str.strip, cells), strict=True))
    written = f"{named['date']} {named['time']}" if "date" in named else named.get("time")
    time = shape.times.of(written, rows.origin, "time")
    quality = fields.quality(named.get("quality") or None, "quality")
    if "channel" in named:
        name, cell = named["channel"], named["value"]
        if shape.is_plain or ((name := shape.meant(name)) != LEFT_OUT and cell not in shape.no_value):
            _add(rows, item, name, time, cell, named.get("unit") or None, quality, shape)
        return
    for name, cell in named.items():
        if name not in WORDS and cell not in shape.no_value:
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
