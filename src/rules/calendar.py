"""The day, month and year around an instant, and days on which something changes, by a park's clock."""

from datetime import date, timedelta
from math import nan
from zoneinfo import ZoneInfo

from plant.park import Dated
from plant.periods import local_day, local_midnight, offset
from plant.vocabulary import NS_PER_DAY


def start_of(period: str, now: int, zone: ZoneInfo) -> int:
    """Return the first instant of today, of the month or of the year [ns UTC]."""
    return local_midnight(_first_day(period, local_day(now, zone)), zone)


def elapsed(period: str, now: int, zone: ZoneInfo) -> float:
    """Return the share of today, of the month or of the year that has gone by, 0 to 1."""
    first = _first_day(period, local_day(now, zone))
    start, end = local_midnight(first, zone), local_midnight(_next_day(period, first), zone)
    return (now - start) / (end - start)


def start_of_interval(span: int, now: int, zone: ZoneInfo) -> int:
    """Return the first instant of the clock's interval around an instant, which parts the hour [ns UTC]."""
    return now - (now + offset(now, zone)) % span


def in_force(dated: Dated, at: int, zone: ZoneInfo) -> float:
    """Return the number that holds at an instant, NaN before the first of its days."""
    found = nan
    for day, number in dated:
        if local_midnight(date.fromisoformat(day), zone) <= at:
            found = number
    return found


def days_until(day: str, now: int, zone: ZoneInfo) -> float:
    """Return how long it is to the first instant of a day, less than 0 after it [d]."""
    return (local_midnight(date.fromisoformat(day), zone) - now) / NS_PER_DAY


def _first_day(period: str, day: date) -> date:
    if period == "year":
        return day.replace(month=1, day=1)
    return day.replace(day=1) if period == "month" else day


def _next_day(period: str, first: date) -> date:
    if period == "today":
        return first + timedelta(days=1)
    return _first_day(period, first + timedelta(days=366 if period == "year" else 31))
