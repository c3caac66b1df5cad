"""The text file of a Vietnamese monitoring station, one parameter a line: symbol, value, unit, time, status.

So Circular 10/2021 has it [1]_ [2]_. The fields stand between tabs: `SO2<TAB>35.2<TAB>mg/Nm3<TAB>20261125120000<TAB>00`. The time is the clock of Viet Nam; the
status is 00 measuring, 01 calibrating or 02 fault, and the last two do not count. A channel has the name of its symbol, with a
point for the comma of `PM2,5`. `Nm3` is at 25 °C there [3]_, so `mg/Nm3` is read as `mg/Nm3@25C`.

References
----------
.. [1] Circular 10/2021/TT-BTNMT, article 39 and annex 15, table 34; before it, Circular 24/2017/TT-BTNMT.
.. [2] The order of the fields is that of open implementations of these circulars; the text of the norm was not at hand.
.. [3] QCVN 19:2009/BTNMT, paragraph 1.3.3; QCVN 19:2024/BTNMT, paragraph 1.3.10.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, Origin
from ingest.formats.numbers import from_decimal
from ingest.formats.options import Only, Options
from ingest.formats.rows import Rows
from ingest.formats.stamps import Stamps
from ingest.formats.strict import PayloadError
from plant.station.words import DECIMALS, DELIMITERS, FIELDS, STATUS, TIME, UNITS, ZONE, symbol_name
from plant.vocabulary import Code

_PLACES = {"channel": "symbol"}


@dataclass(frozen=True, slots=True)
class _Shape:
    delimiter: str
    decimal: str
    times: Stamps
    only: Only
    units: Mapping[str, str]


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder.

    Options: `delimiter` (tab, ; or ,), `decimal` (. or ,), `time` and `zone` (see `stamps`), `only`, and `unit_names`, what
    names of units mean besides those of the circular.
    """
    known = {} if options.keys() & {"time", "zone"} else {"zone": ZONE.key}
    given = Options({**known, **options})
    shape = _Shape(
        delimiter=given.choice("delimiter", DELIMITERS, "\t"),
        decimal=given.choice("decimal", DECIMALS, "."),
        times=given.times(TIME),
        only=given.only(),
        units={**UNITS, **given.mapping("unit_names")},
    )
    given.done()

    def decode(payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
        rows = Rows(origin, raw, refusals, _path)
        for item, line in enumerate(_text(payload).split("\n"), 1):
            if line.strip():
                try:
                    _read(rows, item, line, shape)
                except PayloadError as error:  # only now is it worth finding out where
                    rows.refuse(PayloadError(error.code, _path(item, error.path), error.detail))
        return rows.envelope()

    return decode


def _text(payload: bytes) -> str:
    if not payload:
        raise PayloadError(Code.EMPTY, "", "the payload has no bytes; send one line a parameter")
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PayloadError(Code.BAD_UTF8, "", f"byte {error.start} is not UTF-8; send UTF-8") from error


def _read(rows: Rows, item: int, line: str, shape: _Shape) -> None:
    cells = [cell.strip() for cell in line.rstrip("\r").split(shape.delimiter)]
    if len(cells) != len(FIELDS):
        detail = f"{len(cells)} fields; a line is {', '.join(FIELDS)}"
        raise PayloadError(Code.SCHEMA, "", detail)
    symbol, value, unit, time, status = cells
    name = symbol_name(symbol)
    if not shape.only(name):
        return
    if status not in STATUS:
        detail = f"{status[:40]!r}; send 00 measuring, 01 calibrating or 02 fault"
        raise PayloadError(Code.QUALITY, "status", detail)
    rows.add(
        item,
        name,
        shape.times.of(time, rows.origin, "time"),
        from_decimal(value, shape.decimal, "value"),
        shape.units.get(unit, unit) or None,
        quality=STATUS[status],
    )


def _path(item: int, key: str) -> str:
    return f"line {item}: {_PLACES.get(key, key)}" if key else f"line {item}"
