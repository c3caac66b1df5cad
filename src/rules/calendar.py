"""The day, month and year around an instant, days on which something changes, and the time of the day, by a park's clock."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import nan
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Times
from plant.park import Dated
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, NS_PER_S

_QUARTER = 15 * NS_PER_MIN  # since 1973 no clock was changed between two of them

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def start_of(period: str, now: int, zone: ZoneInfo) -> int:
    """Return the first instant of today, of the month or of the year [ns UTC]."""
    return _midnight(_first_day(period, _local(now, zone).date()), zone)


def elapsed(period: str, now: int, zone: ZoneInfo) -> float:
    """Return the share of today, of the month or of the year that has gone by, 0 to 1."""
    first = _first_day(period, _local(now, zone).date())
    start, end = _midnight(first, zone), _midnight(_next_day(period, first), zone)
    return (now - start) / (end - start)


def start_of_interval(span: int, now: int, zone: ZoneInfo) -> int:
    """Return the first instant of the clock's interval around an instant, which parts the hour [ns UTC]."""
    return now - (now + offset(now, zone)) % span


def in_force(dated: Dated, at: int, zone: ZoneInfo) -> float:
    """Return the number that holds at an instant, NaN before the first of its days."""
    found = nan
    for day, number in dated:
        if _midnight(date.fromisoformat(day), zone) <= at:
            found = number
    return found


def days_until(day: str, now: int, zone: ZoneInfo) -> float:
    """Return how long it is to the first instant of a day, less than 0 after it [d]."""
    return (_midnight(date.fromisoformat(day), zone) - now) / NS_PER_DAY


def time_of_day(times: Times, zone: ZoneInfo) -> Times:
    """Return what the clock showed at each time, since midnight [ns]."""
    quarters, place = np.unique(times // _QUARTER, return_inverse=True)
    ahead = np.array([_offset_in(quarter, zone) for quarter in quarters.tolist()], np.int64)
    return np.asarray((times + ahead[place]) % NS_PER_DAY)


@lru_cache(maxsize=65536)
def _offset_in(quarter: int, zone: ZoneInfo) -> int:
    return offset(quarter * _QUARTER, zone)


def offset(now: int, zone: ZoneInfo) -> int:
    """Return by how much the clock is ahead of UTC [ns]."""
    ahead = _local(now, zone).utcoffset() or timedelta()
    return ahead // timedelta(seconds=1) * NS_PER_S


def _local(now: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(seconds=now // NS_PER_S)).astimezone(zone)


def _first_day(period: str, day: date) -> date:
    if period == "year":
        return day.replace(month=1, day=1)
    return day.replace(day=1) if period == "month" else day


def _next_day(period: str, first: date) -> date:
    if period == "today":
        return first + timedelta(days=1)
    return _first_day(period, first + timedelta(days=366 if period == "year" else 31))


@lru_cache(maxsize=4096)
def _midnight(day: date, zone: ZoneInfo) -> int:
    since = datetime(day.year, day.month, day.day, tzinfo=zone) - _EPOCH
    return since // timedelta(seconds=1) * NS_PER_S
