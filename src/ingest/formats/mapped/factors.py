"""Numbers of the payload that a value is multiplied with: the ratio of a transformer, a power of ten."""

import math
from collections.abc import Callable
from decimal import Context, Decimal

from ingest.formats import fields
from ingest.formats.mapped.items import MISSING, Item
from ingest.formats.numbers import from_decimal
from ingest.formats.strict import PayloadError
from plant.devices.paths import Path, parse
from plant.devices.profiles import ReadingPart, listed
from plant.vocabulary import Code

_EXACT = Context(prec=300)  # digits: 17 for each of a value, its scale and the few factors that there are
MOST_TENS = 30  # a power of ten beyond is no meter's; SunSpec has -10 to 10, and -32768 where there is none


def mapped_factors(part: ReadingPart, place: Callable[[Item], str]) -> Callable[[Item, float], float] | None:
    """Return what multiplies a value with its scale and with the factors that stand in its item; None where it has none.

    It gives the float64 nearest to the exact product, and refuses what no float64 holds.
    """
    scales = [parse(path) for path in listed(part.scale_at)]
    tens = parse(part.exponent_at) if part.exponent_at is not None else None
    if not scales and tens is None:
        return None

    scale = Decimal(repr(part.scale))
    pulses = None if part.pulses is None else Decimal(repr(part.pulses))

    def multiplied(item: Item, value: float) -> float:
        product = _EXACT.multiply(Decimal(repr(value)), scale)
        for one in scales:
            product = _EXACT.multiply(product, _factor(item, one))
        if tens is not None:
            product = _EXACT.scaleb(product, _power(item, tens))
        found = float(product if pulses is None else _EXACT.divide(product, pulses))
        if math.isinf(found):
            detail = "larger than float64 can hold, with what it is multiplied with; check the ratio"
            raise PayloadError(Code.NON_FINITE, place(item), detail)
        return found

    return multiplied


def _factor(item: Item, path: Path) -> Decimal:
    number = _number(item, path)
    if number == 0:
        raise PayloadError(
            Code.OUT_OF_RANGE, item.place(path), "is 0, so the reading would be; it is a factor"
        )
    return Decimal(repr(number))


def _power(item: Item, path: Path) -> int:
    number = _number(item, path)
    if number not in range(-MOST_TENS, MOST_TENS + 1):
        detail = f"{number:g}; a power of ten is a whole number from -{MOST_TENS} to {MOST_TENS}"
        raise PayloadError(Code.OUT_OF_RANGE, item.place(path), detail)
    return int(number)


def _number(item: Item, path: Path) -> float:
    """Return a number that stands there, also as text."""
    found = item.find(path)
    if found is MISSING or found is None:
        detail = "the mapping multiplies the value with this, and it is not there"
        raise PayloadError(Code.SCHEMA, item.place(path), detail)
    try:
        return fields.value(from_decimal(found.strip(), ".", "") if isinstance(found, str) else found, "")
    except PayloadError as error:  # only now is it worth finding out where
        raise PayloadError(error.code, item.place(path), error.detail) from error
