"""Checks of the single fields of a native message, for the slow path: each names its fault exactly."""

import math
import sys
from collections.abc import Mapping
from typing import Any

from ingest.formats.columns import shown
from ingest.formats.strict import PayloadError
from plant.vocabulary import Code, Quality

SMALLEST_NORMAL = sys.float_info.min  # what is nearer to 0 is a denormal, and read as 0
MAX_SEQ = 2**63 - 1
MAX_BOOT = 64  # characters
LONGEST_UNIT = 64  # characters; nothing longer is looked up
MAX_READINGS = 10_000  # of a message, refused ones among them; what cannot be split may have more
MAX_NAME = 256  # characters of a channel's name; it may be made of parts, and must not outgrow its payload
CORRECTIONS = range(-(2**31), 2**31)
QUALITIES: Mapping[str, Quality] = {quality.name.lower(): quality for quality in Quality}

_TOLD = 40  # characters of what came that are repeated
_UNSEEN = "only characters that print, no control and no zero-width ones"


def boot(item: Any) -> str | None:
    """Return the boot a message names; None where it names none."""
    if item is None:
        return None
    name = identifier(item, "boot")
    if len(name) > MAX_BOOT:
        raise PayloadError(Code.BAD_ID, "boot", f"{len(name)} characters; send at most {MAX_BOOT}")
    return name


def seq(item: Any) -> int | None:
    """Return the sequence number of a message; None where it has none."""
    if item is None:
        return None
    if not _is_integer(item) or not 1 <= item <= MAX_SEQ:
        raise PayloadError(Code.SEQ, "seq", f"{told(item)}; send a whole number from 1 to 2^63-1")
    return int(item)


def identifier(item: Any, path: str) -> str:
    """Return an id: text of at least one character, all of which print."""
    if not isinstance(item, str):
        raise PayloadError(Code.TYPE, path, f"{told(item)}; send text in quotes")
    if not item or not item.isprintable():
        raise PayloadError(Code.BAD_ID, path, f"{told(item)}; send {_UNSEEN}")
    return item


def channel(item: Any, path: str) -> str:
    """Return the name of a channel."""
    name = identifier(item, path)
    if len(name) > MAX_NAME:
        check_name(len(name), path)
    return name


def check_name(length: int, path: str) -> None:
    """Refuse a channel's name by its length [characters]; a name that is made of parts, before it is made."""
    if length > MAX_NAME:
        raise PayloadError(Code.BAD_ID, path, f"a channel's name is longer than {MAX_NAME} characters")


def check_count(count: int, most: int = MAX_READINGS, what: str = "readings") -> None:
    """Refuse a whole message that has more readings than are taken at once."""
    if count > most:
        raise PayloadError(Code.TOO_LARGE, "", f"more than {most:,} {what}: split the message")


def time(item: Any, path: str) -> str:
    """Return the text of a time, not yet parsed."""
    if not isinstance(item, str):
        raise PayloadError(
            Code.TS_INVALID, path, f"{told(item)}; send RFC 3339 text, units of a number are never guessed"
        )
    return item


def value(item: Any, path: str) -> float:
    """Return a finite float64; -0 and denormals as 0.0.

    An integer must be held exactly; a decimal is rounded to the nearest float64, as everywhere in JSON.
    """
    if item is None:
        raise PayloadError(Code.NULL_VALUE, path, "null; leave the reading out where there is no value")
    if isinstance(item, bool) or not isinstance(item, int | float):
        raise PayloadError(Code.TYPE, path, f"{told(item)}; send a number without quotes")
    if isinstance(item, float) and not math.isfinite(item):
        said = "NaN is no number" if math.isnan(item) else "larger than float64 can hold"
        raise PayloadError(Code.NON_FINITE, path, f"{said}; check the meter's scaling")
    number = _exact(item)
    if number is None:
        raise PayloadError(Code.OUT_OF_RANGE, path, "no float64 holds this number exactly; check the scaling")
    return number if abs(number) >= SMALLEST_NORMAL else 0.0


def unit(item: Any, path: str) -> str:
    """Return the text of a unit, not yet looked up."""
    if item is None:
        raise PayloadError(Code.UNIT_MISSING, path, 'no unit; send it with each reading, such as "kWh"')
    if not isinstance(item, str):
        raise PayloadError(Code.TYPE, path, f"{told(item)}; send text in quotes")
    return item


def quality(item: Any, path: str) -> Quality:
    """Return the quality a reading states; good where it states none."""
    if item is None:
        return Quality.GOOD
    if not isinstance(item, str):
        raise PayloadError(Code.TYPE, path, f"{told(item)}; send text in quotes")
    if item not in QUALITIES:
        raise PayloadError(Code.QUALITY, path, f"{told(item)}; send one of {', '.join(QUALITIES)}")
    return QUALITIES[item]


def reset(item: Any, path: str) -> bool:
    """Return whether a reading says that its register was reset."""
    if item is not None and not isinstance(item, bool):
        raise PayloadError(Code.TYPE, path, f"{told(item)}; send true or false")
    return bool(item)


def correction(item: Any, path: str) -> int:
    """Return the rank of a correction; 0 where the reading is none."""
    if item is None:
        return 0
    if not _is_integer(item):
        raise PayloadError(Code.TYPE, path, f"{told(item)}; send a whole number")
    if item not in CORRECTIONS:
        raise PayloadError(Code.OUT_OF_RANGE, path, f"{told(item)}; send at most 2^31-1")
    return int(item)


def _is_integer(item: Any) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _exact(item: int | float) -> float | None:  # noqa: PYI041  an int is judged before it becomes a float
    try:
        number = float(item)
    except OverflowError:
        return None
    return number if number == item else None


def told(item: Any) -> str:
    """Name what came, short enough to repeat."""
    if item is None or isinstance(item, bool):
        return {None: "null", True: "true", False: "false"}[item]
    if isinstance(item, list | dict):
        return "an array" if isinstance(item, list) else "an object"
    if isinstance(item, int) and item.bit_length() > MAX_BOOT:
        return "a very large number"
    return shown(repr(item[:_TOLD] if isinstance(item, str | bytes) else item), _TOLD)
