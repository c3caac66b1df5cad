"""The day, month and year around an instant, by a park's clock."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from plant.vocabulary import NS_PER_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def start_of(period: str, now: int, zone: ZoneInfo) -> int:
    """Return the first instant of today, of the month or of the year [ns UTC]."""
    return _midnight(_first_day(period, _local(now, zone).date()), zone)


def elapsed(period: str, now: int, zone: ZoneInfo) -> float:
    """Return the share of today, of the month or of the year that has gone by, 0 to 1."""
    first = _first_day(period, _local(now, zone).date())
    start, end = _midnight(first, zone), _midnight(_next_day(period, first), zone)
    return (now - start) / (end - start)


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
