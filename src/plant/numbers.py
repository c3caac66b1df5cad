"""Numbers as people write them, 1.234.567,89 in Vietnamese and 1,234,567.89 in English: read without a guess, and written.

Who writes for whom must be said: 1.234 is a thousand and more to one, and a little more than one to the other.
"""

import math
import re
from decimal import Decimal

from plant.languages import Language

_LONGEST = 64  # characters of a number
_PLAIN = re.compile(r"[+-]?\d+", re.ASCII)
_FORMS = {
    "vi": re.compile(r"([+-]?)(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+))?", re.ASCII),
    "en": re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?", re.ASCII),
}
_EXAMPLES = {"vi": "1.234.567,89", "en": "1,234,567.89"}
_SWAPPED = str.maketrans(",.", ".,")


class NoNumber(ValueError):
    """A text that is no number in its language, or may be two different ones; the text says which."""


def parse_number(text: str, language: Language | None) -> float:
    """Return the number that somebody wrote in a language, or in one that was not said.

    Where the language was not said, only what both read alike is taken.

    Raises
    ------
    NoNumber
        It is none, or nobody can say which.
    """
    written = text.strip()
    if len(written) > _LONGEST:
        raise NoNumber(f"{written[:40]!r} is no number: it has more than {_LONGEST} characters")
    if language is not None:
        return _parsed(written, language)
    if _PLAIN.fullmatch(written):
        return float(written)
    readings = {one: found for one in _FORMS if (found := _read(written, one)) is not None}
    if not readings:
        raise NoNumber(
            f"{written!r} is no number: write {_EXAMPLES['vi']} or {_EXAMPLES['en']}, and say which with numbers vi or en"
        )
    told = " and ".join(f"{found:.10g} in {one}" for one, found in readings.items())
    raise NoNumber(f"{written!r} is {told}: say which with numbers vi or en")


def _parsed(written: str, language: Language) -> float:
    found = _read(written, language)
    if found is None:
        raise NoNumber(f"{written!r} is no number in {language}: write {_EXAMPLES[language]}")
    if not math.isfinite(found):
        raise NoNumber(f"{written!r} is larger than any amount")
    return found


def _read(written: str, language: str) -> float | None:
    match = _FORMS[language].fullmatch(written)
    if match is None:
        return None
    sign, whole, decimals = match.groups()
    digits = whole.replace(".", "").replace(",", "")
    return float(f"{sign}{digits}.{decimals or 0}")


def format_number(value: float, language: Language, digits: int) -> str:
    """Return a finite number with so many decimals and marks between thousands; a half goes to the even digit.

    It is rounded as it is written in decimals, so that 2.675 with two digits is 2.68 and not what its bits are nearest to.
    """
    written = f"{Decimal(repr(value)):z,.{digits}f}"
    return in_digits(written, language)


def in_digits(written: str, language: Language) -> str:
    """Return a number that is written as in English as a language writes it: 1,234.5 is 1.234,5 in Vietnamese."""
    return written.translate(_SWAPPED) if language == "vi" else written
