"""Numbers that change on dates: [{from: 2026-01-01, value: 200}, {from: 2027-07-01, value: 150}]."""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from plant.clock import EARLIEST_YEAR, LATEST_YEAR, OUTSIDE
from plant.documents.fields import refusal
from plant.park import Dated
from plant.suggest import did_you_mean

MOST_DATES = 100
KEYS = ("from", "value")
EXAMPLE = "[{from: 2026-01-01, value: 200}, {from: 2027-07-01, value: 150}]"
SCHEMA = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_DATES,
    "items": {
        "type": "object",
        "properties": {"from": {"type": "string", "format": "date"}, "value": {"type": ["number", "null"]}},
        "required": list(KEYS),
        "additionalProperties": False,
    },
}

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day(given: object) -> date:
    """Return a day that is written like 2027-03-01.

    Raises
    ------
    ValueError
        It is written otherwise, no day of the calendar, or outside 1973 to 2260.
    """
    if isinstance(given, str) and _DAY.fullmatch(given):
        try:
            found = date.fromisoformat(given)
        except ValueError:
            pass  # such as 30 February: told as all that is no day
        else:
            if EARLIEST_YEAR <= found.year <= LATEST_YEAR:
                return found
            raise ValueError(OUTSIDE.format(given))
    raise ValueError(f"a day is written like 2027-03-01, not {str(given)[:40]!r}")


def number(given: object) -> float | Dated:
    """Return a number, or one with dates, as a configuration gives it; where a date's number is null, none holds: NaN.

    Raises
    ------
    ValueError
        It is neither.
    ValidationError
        With every mistake of its dates, each at its key.
    """
    if isinstance(given, list):
        mistakes = list(_mistakes(given))
        if mistakes:
            details = [refusal(path, message) for path, message in mistakes]
            raise ValidationError.from_exception_data("number", details)
        return tuple((str(row["from"]), _or_nan(row["value"])) for row in given)
    if _is_number(given):
        return float(given)  # type: ignore[arg-type]
    raise ValueError(f"is a number, or numbers with dates such as {EXAMPLE}")


def _or_nan(given: float | None) -> float:
    return math.nan if given is None else float(given)


def _is_number(given: object) -> bool:
    if not isinstance(given, int | float) or isinstance(given, bool):
        return False
    try:
        return math.isfinite(float(given))
    except OverflowError:
        return False


def _mistakes(rows: Sequence[Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if not 1 <= len(rows) <= MOST_DATES:
        yield (), f"has {len(rows)} dates; 1 to {MOST_DATES} may be given, such as {EXAMPLE}"
        return
    before: date | None = None
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            yield (place,), "is a date and a number: {from: 2026-01-01, value: 200}"
            continue
        for key in row:
            if key not in KEYS:
                hint = did_you_mean(str(key), KEYS) or f"; known are {', '.join(KEYS)}"
                yield (place, str(key)), f"unknown key{hint}"
        yield from (((place, key), "is required") for key in KEYS if key not in row)
        if "value" in row and row["value"] is not None and not _is_number(row["value"]):
            yield (place, "value"), "is a number"
        try:
            its = day(row["from"]) if "from" in row else None
        except ValueError as error:
            yield (place, "from"), str(error)
            continue
        if its is not None and before is not None and its <= before:
            yield (place, "from"), f"{its} is not after {before}: dates ascend"
        before = its or before
