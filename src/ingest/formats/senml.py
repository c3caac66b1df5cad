"""What SenML records say, whether they came as JSON or as CBOR [1]_.

References
----------
.. [1] RFC 8428, Sensor Measurement Lists (SenML).
"""

import math
from dataclasses import dataclass
from typing import Any

from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Origin
from ingest.formats.fields import check_name
from ingest.formats.options import Only, Units
from ingest.formats.rows import Rows, arrival, instant
from ingest.formats.strict import PayloadError
from plant.units import DimensionError, UnknownUnit, per_second_integral, unit
from plant.vocabulary import NS_PER_S, Code

VERSION = 10  # of SenML; a pack of a later one may mean other things [1]_ section 4.4
RELATIVE = 2**28  # s: a smaller time is one from now [1]_ section 4.5.3

_BASES = frozenset(("bver", "bn", "bu", "bt", "bv", "bs"))
_VALUES = frozenset(("v", "s", "vs", "vb", "vd"))
_KNOWN = _BASES | _VALUES | {"n", "u", "t", "ut"}

# SenML's names of units that are not ours [1]_ section 12.1, RFC 8798; all others are looked up as they are.
UNITS = {"Cel": "°C", "%RH": "%", "/": "1", "l": "L"}


@dataclass(slots=True)
class _Base:
    """What holds for the records that follow, until one says otherwise."""

    name: str = ""
    time: float = 0.0
    unit: Any = None
    value: float = 0.0
    sum: float = 0.0

    def take(self, record: dict[str, Any], item: int) -> None:
        if _BASES.isdisjoint(record):
            return
        where = f"[{item}]"
        if _number(record.get("bver", VERSION), f"{where}.bver") > VERSION:
            raise PayloadError(
                Code.SCHEMA, f"{where}.bver", f"this is SenML {VERSION}, and not a later version"
            )
        self.name = _text(record.get("bn", self.name), f"{where}.bn")
        self.unit = record.get("bu", self.unit)
        self.time = _number(record.get("bt", self.time), f"{where}.bt")
        self.value = _number(record.get("bv", self.value), f"{where}.bv")
        self.sum = _number(record.get("bs", self.sum), f"{where}.bs")


def read(
    document: Any, origin: Origin, raw: RawReadings, refusals: list[Refusal], units: Units, only: Only
) -> Envelope:
    """Append the readings of a pack: of each record its value `v`, or where it has none its sum `s`.

    Raises
    ------
    PayloadError
        The document is no pack, or a base field is wrong, so that nobody can say what its records mean.
    """
    if not isinstance(document, list) or not all(isinstance(record, dict) for record in document):
        raise PayloadError(Code.SCHEMA, "", "a SenML pack is an array of records")
    rows = Rows(origin, raw, refusals, _path)
    base = _Base()
    for item, record in enumerate(document):
        base.take(record, item)
        try:
            _record(rows, item, record, base, units, only)
        except PayloadError as error:  # only now is it worth finding out where
            rows.refuse(PayloadError(error.code, f"[{item}]{error.path}", error.detail))
    return rows.envelope()


def _record(rows: Rows, item: int, record: dict[str, Any], base: _Base, units: Units, only: Only) -> None:
    """Add a record's reading; one that only has base fields gives none."""
    for key in () if _KNOWN.issuperset(record) else record:
        if isinstance(key, str) and key.endswith("_"):
            raise PayloadError(Code.SCHEMA, f".{key}", "must be understood, and is not: leave it out")
    key, start = ("v", base.value) if "v" in record or "s" not in record else ("s", base.sum)
    last = _text(record.get("n", ""), ".n")
    check_name(len(base.name) + len(last), ".n")
    name = base.name + last
    if _VALUES.isdisjoint(record) or not only(name):
        return
    if key not in record:
        raise PayloadError(Code.TYPE, "", "a reading is a number: send v, or s for its sum over time")
    given = record.get("u", base.unit)
    symbol, own = units.of(name, UNITS.get(given, given) if isinstance(given, str) else given)
    if key == "s" and isinstance(symbol, str):
        symbol = _of_sum(symbol)
    value = record[key] if not start else _number(record[key], f".{key}") + start
    time = base.time + _number(record.get("t", 0), ".t")
    rows.add(item, name, _instant(time, rows.origin), value, symbol, own_unit=own)


def _of_sum(symbol: str) -> str:
    """Return the unit of a sum: that of the record times seconds, W·s is J; an unknown one as it is."""
    try:
        return per_second_integral(unit(symbol)).symbol
    except UnknownUnit:
        return symbol
    except DimensionError as error:
        detail = f"s is the sum of its value over time, and {error}: send a counter as v"
        raise PayloadError(Code.DIMENSION, ".s", detail) from error


def _instant(time: float, origin: Origin) -> int:
    """Return a SenML time as ns UTC; a small one counts from arrival."""
    if -RELATIVE < time < RELATIVE:
        return arrival(origin, ".t") + round(time * 1e6) * (NS_PER_S // 10**6)
    return instant(time, "s", ".t")


def _path(item: int, key: str) -> str:
    return f"[{item}].{_KEYS[key]}" if key else f"[{item}]"


_KEYS = {"channel": "n", "time": "t", "value": "v", "unit": "u"}


def _text(item: Any, path: str) -> str:
    if not isinstance(item, str):
        raise PayloadError(Code.TYPE, path, "is a text")
    return item


def _number(item: Any, path: str) -> float:
    if isinstance(item, bool) or not isinstance(item, int | float) or not math.isfinite(item):
        raise PayloadError(Code.TYPE, path, "is a finite number")
    try:
        return float(item)
    except OverflowError:
        raise PayloadError(Code.OUT_OF_RANGE, path, "no float64 holds it") from None
