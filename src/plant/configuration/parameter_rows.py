"""Parameters of sources with dates: `36`, or `[{value: 36}, {value: 40, valid_from: 2026-03-01}]`.

A row holds from its date until the next one's; the first may leave it out and then holds since ever. A date is a day, which
begins at midnight of the park's clock, or a time with its zone.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import PlainValidator, ValidationError, WithJsonSchema

from plant.clock import parse_instant
from plant.dated import MOST_DATES, day
from plant.documents.fields import refusal
from plant.periods import local_midnight
from plant.suggest import did_you_mean
from plant.vocabulary import SINCE_EVER

KEYS = ("value", "valid_from")
EXAMPLE = "[{value: 36}, {value: 40, valid_from: 2026-03-01}]"

Row = tuple[str | None, float]  # the date as it is written, None: since ever; and the number

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parameter(given: object) -> tuple[Row, ...]:
    """Return the rows of a number, or of one with dates, as a configuration gives it.

    Raises
    ------
    ValueError
        It is neither.
    ValidationError
        With every mistake of its rows, each at its key.
    """
    if isinstance(given, list):
        mistakes = list(_mistakes(given))
        if mistakes:
            raise ValidationError.from_exception_data(
                "parameter", [refusal(path, message) for path, message in mistakes]
            )
        return tuple((row.get("valid_from"), float(row["value"])) for row in given)
    if not _is_number(given):
        raise ValueError(f"is a number, or rows with dates such as {EXAMPLE}")
    return ((None, float(given)),)  # type: ignore[arg-type]  # _is_number saw it


def starts(rows: Sequence[Row], zone: ZoneInfo) -> list[int]:
    """Return since when each row holds [ns UTC]."""
    return [SINCE_EVER if date is None else _start(date, zone) for date, _ in rows]


def _start(text: str, zone: ZoneInfo) -> int:
    if _DAY.fullmatch(text):
        return local_midnight(day(text), zone)
    return parse_instant(text)


def _mistakes(rows: Sequence[Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if not 1 <= len(rows) <= MOST_DATES:
        yield (), f"has {len(rows)} rows; 1 to {MOST_DATES} may be given, such as {EXAMPLE}"
        return
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            yield (place,), "is a number and its date: {value: 40, valid_from: 2026-03-01}"
            continue
        for key, message in _row_mistakes(row, is_first=place == 0):
            yield (place, key), message


def _row_mistakes(row: dict[Any, Any], *, is_first: bool) -> Iterator[tuple[str, str]]:
    for key in row:
        if key not in KEYS:
            hint = did_you_mean(str(key), KEYS) or f"; known are {', '.join(KEYS)}"
            yield str(key), f"unknown key{hint}"
    if "value" not in row:
        yield "value", "is required"
    elif not _is_number(row["value"]):
        yield "value", "is a number"
    if "valid_from" in row:
        try:
            _start(row["valid_from"], ZoneInfo("UTC"))
        except (TypeError, ValueError):
            told = "is a day like 2026-03-01, or a time with its zone like 2026-03-01T06:00:00+07:00"
            yield "valid_from", told
    elif not is_first:
        yield "valid_from", "is required: only the first row may hold since ever"


def _is_number(given: object) -> bool:
    if not isinstance(given, int | float) or isinstance(given, bool):
        return False
    try:
        return math.isfinite(float(given))
    except OverflowError:
        return False


_ROWS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_DATES,
    "items": {
        "type": "object",
        "properties": {
            "value": {"type": "number"},
            "valid_from": {
                "type": "string",
                "description": "Since when it holds: a day of the park's clock, or a time with its zone; in the first row left"
                " out where it holds since ever.",
            },
        },
        "required": ["value"],
        "additionalProperties": False,
    },
}
ParameterRows = Annotated[
    tuple[Row, ...],
    PlainValidator(parameter),
    WithJsonSchema({"anyOf": [{"type": "number"}, _ROWS]}),
]
