"""Numbers that a payload writes as text. Nothing is guessed: marks between digits are refused."""

import re

from ingest.formats.strict import PayloadError
from plant.vocabulary import Code

_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]{1,16})")
_LONGEST = 64  # characters of a number


def from_decimal(text: str, mark: str, path: str) -> float:
    """Return a number whose decimal mark is . or ,; nobody could say whether 1,234 is one or a thousand.

    Raises
    ------
    PayloadError
        type: it is no such number.
    """
    short = text[: _LONGEST + 1]
    plain = short.replace(",", ".") if mark == "," and "." not in short else short
    if len(plain) > _LONGEST or not _DECIMAL.fullmatch(plain):
        detail = (
            f"{text[:40]!r} is no number with the decimal mark {mark!r} and without marks between its digits"
        )
        raise PayloadError(Code.TYPE, path, detail)
    return float(plain)


def from_hex(text: str, path: str) -> int:
    """Return a whole number from at most 16 hexadecimal digits.

    Raises
    ------
    PayloadError
        type: it is no such number.
    """
    found = _HEX.fullmatch(text)
    if found is None:
        raise PayloadError(Code.TYPE, path, f"{text[:40]!r} is no number of at most 16 hexadecimal digits")
    return int(found[1], 16)
