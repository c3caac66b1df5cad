"""Numbers, times and comparisons as people write them in Vietnamese and in English."""

import math
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Literal

from plant.vocabulary import NS_PER_MIN, NS_PER_S

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
DIGITS = 6  # significant ones of a number that has decimals

_PLAIN = (1e-4, 1e12)  # a number within is written without an exponent
_LONGEST = 36_500 * 86_400 * NS_PER_S  # that is told as a duration: more is no length of time
_SWAPPED = str.maketrans(",.", ".,")

# What is true of a value and its limit; {} is the limit with its unit.
_PASSED: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        ">": "trên ngưỡng {}", ">=": "bằng hoặc trên ngưỡng {}", "<": "dưới ngưỡng {}", "<=": "bằng hoặc dưới ngưỡng {}",
        "==": "bằng ngưỡng {}", "!=": "khác ngưỡng {}", "": "ngưỡng {}",
    },
    "en": {
        ">": "above {}", ">=": "at or above {}", "<": "below {}", "<=": "at or below {}",
        "==": "equal to {}", "!=": "not {}", "": "limit {}",
    },
}  # fmt: skip
_UNITS: Mapping[Language, tuple[str, str, str, str]] = {
    "vi": ("ngày", "giờ", "phút", "giây"),
    "en": ("d", "h", "min", "s"),
}


def number_text(value: float, language: Language, least_decimals: int = 0) -> str:
    """Return a finite number: 1,234.5 in English, 1.234,5 in Vietnamese; with so many decimals at least."""
    size = abs(value)
    if size and not _PLAIN[0] <= size < _PLAIN[1]:
        written = f"{value:.{DIGITS}g}"
    else:
        before = math.floor(math.log10(size)) + 1 if size else 1
        whole, _, decimals = f"{value:,.{max(0, DIGITS - before)}f}".partition(".")
        decimals = decimals.rstrip("0").ljust(least_decimals, "0")
        written = f"{whole}.{decimals}" if decimals else whole
    return written.translate(_SWAPPED) if language == "vi" else written


def quantity_text(value: float, unit: str, language: Language) -> str:
    """Return a number with its unit; a minute or more of seconds as people say it, 2 h 10 min."""
    return _with_unit(value, unit, language)


def passed_text(value: float | None, comparison: str, limit: float, unit: str, language: Language) -> str:
    """Return what is true of a value and its limit, such as `above 9.0 pH`, the limit written like the value.

    Parameters
    ----------
    comparison
        What is between the two: >, >=, <, <=, == or !=; "" where that is not known.
    """
    decimals = (
        0 if value is None or not comparison else min(1, len(number_text(value, "en").partition(".")[2]))
    )
    written = _with_unit(limit, unit, language, decimals)
    return _PASSED[language].get(comparison, _PASSED[language][""]).format(written)


def _with_unit(value: float, unit: str, language: Language, least_decimals: int = 0) -> str:
    if unit == "s" and NS_PER_MIN <= value * NS_PER_S < _LONGEST:
        return duration_text(round(value * NS_PER_S), language)
    return f"{number_text(value, language, least_decimals)} {unit}".strip()


def moment_text(time: int, zone: tzinfo, language: Language) -> str:
    """Return a time [ns UTC] on a park's clock, to the second, with how that is off UTC."""
    return _on_clock(time, zone, "%H:%M:%S %d/%m/%Y" if language == "vi" else "%Y-%m-%d %H:%M:%S")


def minute_text(time: int, zone: tzinfo, language: Language) -> str:
    """Return a time [ns UTC] on a clock, to the minute, with how that is off UTC."""
    return _on_clock(time, zone, "%H:%M %d/%m/%Y" if language == "vi" else "%Y-%m-%d %H:%M")


def paper_time_text(time: int, zone: tzinfo, language: Language) -> str:
    """Return a time [ns UTC] on a clock, day and minute, as papers have it: 30/11/2026 22:41 in Vietnamese, 2026-11-30 22:41 in English."""
    at = datetime.fromtimestamp(time // NS_PER_S, zone)
    return at.strftime("%d/%m/%Y %H:%M" if language == "vi" else "%Y-%m-%d %H:%M")


def day_text(day: date, language: Language) -> str:
    """Return a day: 30/11/2026 in Vietnamese, 2026-11-30 in English."""
    return day.strftime("%d/%m/%Y" if language == "vi" else "%Y-%m-%d")


def _on_clock(time: int, zone: tzinfo, form: str) -> str:
    at = datetime.fromtimestamp(time // NS_PER_S, zone)
    offset = f"{at:%z}"
    return f"{at.strftime(form)} (UTC{offset[:3]}:{offset[3:5]})"


def clock_text(time: int, zone: tzinfo, language: Language) -> str:
    """Return a time [ns UTC] on a clock as hour, minute and day, for lines beside one that has all of it."""
    at = datetime.fromtimestamp(time // NS_PER_S, zone)
    return f"{at:%H:%M %d/%m}" if language == "vi" else f"{at:%m-%d %H:%M}"


def duration_text(length: int, language: Language) -> str:
    """Return a length of time [ns] in its two largest units that people would say: 2 h 10 min, 45 s."""
    day, hour, minute, second = _UNITS[language]
    if length < NS_PER_MIN:
        return f"{max(0, length) // NS_PER_S} {second}"
    minutes = length // NS_PER_MIN
    parts = [(minutes // 1440, day), (minutes // 60 % 24, hour), (minutes % 60, minute)]
    return " ".join(f"{count} {unit}" for count, unit in [part for part in parts if part[0]][:2])
