"""Times as the API takes them: RFC 3339 with a zone, and words for periods of a park's clock."""

import re
from datetime import date
from zoneinfo import ZoneInfo

from plant.clock import EARLIEST_YEAR, LATEST_YEAR, parse_instant
from plant.periods import DAY, MONTH, UNITS, YEAR, local_midnight
from store.totals.sums import Period

PERIOD = r"^(today|month|year|[0-9]{4}|[0-9]{4}-[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2})$"
_LEVELS = {"today": DAY, "month": MONTH, "year": YEAR}


def parse_time(text: str) -> int:
    """Return the ns UTC of a time with its zone.

    Raises
    ------
    ValueError
        Where it has no zone, is no time, or lies outside 1973 to 2260.
    """
    if re.search(r"T[0-9:.]+ [0-9]{2}:[0-9]{2}$", text):
        raise ValueError("a + in an address means a space: write it as %2B")
    return parse_instant(text)


def period_of(word: str, zone: ZoneInfo, as_of: int) -> Period:
    """Return the period that a word of `PERIOD` names on a zone's clock; `as_of` [ns UTC] says what is today.

    Raises
    ------
    ValueError
        Where there is no such day, month or year.
    """
    if word in _LEVELS:
        return _around(as_of, _LEVELS[word], zone)
    first = date.fromisoformat(word + "0000-01-01"[len(word) :])
    if not EARLIEST_YEAR <= first.year <= LATEST_YEAR:
        raise ValueError(f"a period lies between {EARLIEST_YEAR} and {LATEST_YEAR}, not in {word}")
    return _around(local_midnight(first, zone), {4: YEAR, 7: MONTH, 10: DAY}[len(word)], zone)


def _around(time: int, level: int, zone: ZoneInfo) -> Period:
    unit = UNITS[level]
    return Period(int(unit.start(time, zone)), int(unit.next(time, zone)), zone)
