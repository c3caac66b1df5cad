"""Hours, days, months and years of a park's clock, as nanoseconds UTC.

Every function takes int64 ns (a number or an array) and returns an array of the same shape. The offset of a
zone is looked up once per quarter of an hour: since 1973 no clock was changed between two quarters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Ints, Times
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S

NS_PER_QUARTER = 15 * NS_PER_MIN
HOUR, DAY, MONTH = 1, 2, 3  # the levels of the table `total`
YEAR = 4
PART = 0  # a part of an hour: its windows one by one
EARLIEST_YEAR, LATEST_YEAR = 1678, 2261
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTERS = 96  # of a day


def hour_start(times: Times | int, zone: ZoneInfo) -> Times:
    """Return the start of the clock hour around each time [ns UTC].

    Hours part the time line: none is longer than 60 minutes. Where a clock is moved by half an hour, the hour
    it is moved in ends or starts at that instant.
    """
    times = np.asarray(times, np.int64)
    offsets = _offsets(times, zone)
    start = times - (times + offsets) % NS_PER_HOUR
    for _ in range(3):
        start = np.where(_offsets(start, zone) == offsets, start, _next_quarter(start))
    return start


def day_start(times: Times | int, zone: ZoneInfo) -> Times:
    """Return the first instant of the local day around each time [ns UTC]."""
    return _midnights(_local_days(times, zone), zone)


def month_start(times: Times | int, zone: ZoneInfo) -> Times:
    """Return the first instant of the local month around each time [ns UTC]."""
    return _midnights(_local_days(times, zone).astype("datetime64[M]").astype("datetime64[D]"), zone)


def month_of(text: str, zone: ZoneInfo) -> int:
    """Return the first instant of a month written like 2026-10 [ns UTC].

    Raises
    ------
    ValueError
        It is none, or lies in no year that int64 nanoseconds hold from end to end.
    """
    first = datetime.strptime(text, "%Y-%m").replace(tzinfo=zone)
    if not EARLIEST_YEAR <= first.year <= LATEST_YEAR:
        raise ValueError(f"a month lies between {EARLIEST_YEAR} and {LATEST_YEAR}, not in {text}")
    return int(first.timestamp()) * NS_PER_S


def month_text(start: int, zone: ZoneInfo) -> str:
    """Return the month around a time [ns UTC], written like 2026-10."""
    return f"{datetime.fromtimestamp(start / NS_PER_S, zone):%Y-%m}"


def year_start(times: Times | int, zone: ZoneInfo) -> Times:
    """Return the first instant of the local year around each time [ns UTC]."""
    return _midnights(_local_days(times, zone).astype("datetime64[Y]").astype("datetime64[D]"), zone)


def time_of_day(times: Times | int, zone: ZoneInfo) -> Times:
    """Return what the clock shows at each time, since midnight [ns]."""
    times = np.asarray(times, np.int64)
    return np.asarray((times + _offsets(times, zone)) % NS_PER_DAY)


def weekday(times: Times | int, zone: ZoneInfo) -> Ints:
    """Return the day of the week that the clock shows at each time; Monday is 0."""
    # 1 January 1970 was a Thursday.
    return (_local_days(times, zone).astype(np.int64) + 3) % 7


def offset(time: int, zone: ZoneInfo) -> int:
    """Return by how much the clock is ahead of UTC [ns]."""
    return int(_offsets(np.asarray(time, np.int64), zone))


def local_day(time: int, zone: ZoneInfo) -> date:
    """Return the day that the clock shows at a time [ns UTC]."""
    return (_EPOCH + timedelta(days=(time + offset(time, zone)) // NS_PER_DAY)).date()


def next_hour(times: Times | int, zone: ZoneInfo) -> Times:
    """Return the end of the clock hour around each time [ns UTC]."""
    return hour_start(hour_start(times, zone) + NS_PER_HOUR, zone)


def next_day(times: Times | int, zone: ZoneInfo) -> Times:
    """Return the end of the local day around each time [ns UTC]."""
    return _midnights(_local_days(times, zone) + np.timedelta64(1, "D"), zone)


def next_month(times: Times | int, zone: ZoneInfo) -> Times:
    """Return the end of the local month around each time [ns UTC]."""
    months = _local_days(times, zone).astype("datetime64[M]") + np.timedelta64(1, "M")
    return _midnights(months.astype("datetime64[D]"), zone)


def next_year(times: Times | int, zone: ZoneInfo) -> Times:
    """Return the end of the local year around each time [ns UTC]."""
    years = _local_days(times, zone).astype("datetime64[Y]") + np.timedelta64(1, "Y")
    return _midnights(years.astype("datetime64[D]"), zone)


@lru_cache(maxsize=65536)
def local_midnight(day: date, zone: ZoneInfo) -> int:
    """Return the first instant of a local day [ns UTC], also where its midnight is skipped or comes twice."""
    return _ns(datetime(day.year, day.month, day.day, tzinfo=zone))


class CalendarUnit(NamedTuple):
    """A calendar unit: the start of the one around a time, the start of the next, and a time none is shorter than."""

    start: Callable[[Times | int, ZoneInfo], Times]
    next: Callable[[Times | int, ZoneInfo], Times]
    shortest: int  # ns


UNITS = {
    HOUR: CalendarUnit(hour_start, next_hour, 2 * NS_PER_QUARTER),
    DAY: CalendarUnit(day_start, next_day, 12 * NS_PER_HOUR),
    MONTH: CalendarUnit(month_start, next_month, 27 * NS_PER_DAY),
    YEAR: CalendarUnit(year_start, next_year, 364 * NS_PER_DAY),
}


def starts(start: int, end: int, level: int, zone: ZoneInfo) -> Times:
    """Return the starts of all units of a level that [start, end) touches [ns UTC], in order."""
    if start >= end:
        return np.empty(0, np.int64)
    unit = UNITS[level]
    return np.unique(unit.start(np.append(np.arange(start, end, unit.shortest), end - 1), zone))


@dataclass(frozen=True, slots=True)
class Summand:
    """One summand of a period: a whole unit of a level, or (`PART`) the windows of a part of an hour."""

    level: int
    start: int  # ns UTC
    end: int


def summands(start: int, end: int, zone: ZoneInfo) -> list[Summand]:
    """Return the fewest whole months, days, hours and parts of hours that make up [start, end), in order.

    Example: 23:30 on the 30th of April to the 2nd of June is a part of an hour, a month, and a day.
    """
    return _split(start, end, MONTH, zone)


def _split(start: int, end: int, level: int, zone: ZoneInfo) -> list[Summand]:
    if level == PART:
        return [Summand(PART, start, end)]
    found: list[Summand] = []
    at = start
    while at < end:
        first, last = (int(bound(at, zone)) for bound in UNITS[level][:2])
        if first == at and last <= end:
            found.append(Summand(level, at, last))
        else:
            found.extend(_split(at, min(last, end), level - 1, zone))
        at = last
    return found


def _local_days(times: Times | int, zone: ZoneInfo) -> NDArray[np.datetime64]:
    times = np.asarray(times, np.int64)
    return np.asarray((times + _offsets(times, zone)) // NS_PER_DAY).astype("datetime64[D]")


def _midnights(days: NDArray[np.datetime64], zone: ZoneInfo) -> Times:
    return _by_distinct(days, lambda day: local_midnight(day.item(), zone))


def _offsets(times: Times, zone: ZoneInfo) -> Times:
    days, inverse = np.unique(times // NS_PER_DAY, return_inverse=True)
    of_days = np.array([_offsets_of_day(day, zone) for day in days.tolist()], np.int64)
    return of_days.reshape(-1, _QUARTERS)[
        inverse.reshape(np.shape(times)), times % NS_PER_DAY // NS_PER_QUARTER
    ]


def _by_distinct(keys: NDArray[Any], value: Callable[[Any], int]) -> Times:
    distinct, inverse = np.unique(keys, return_inverse=True)
    values = np.fromiter(map(value, distinct), np.int64, len(distinct))
    return values[inverse].reshape(np.shape(keys))


@lru_cache(maxsize=4096)
def _offsets_of_day(day: int, zone: ZoneInfo) -> tuple[int, ...]:
    """Return what a clock is ahead of UTC in each quarter of an hour of a day of UTC, counted from 1970 [ns]."""
    first = _EPOCH + timedelta(days=day)
    moments = ((first + quarter * timedelta(minutes=15)).astimezone(zone) for quarter in range(_QUARTERS))
    return tuple(
        (moment.utcoffset() or timedelta()) // timedelta(microseconds=1) * 1000 for moment in moments
    )


def _next_quarter(times: Times) -> Times:
    return (times // NS_PER_QUARTER + 1) * NS_PER_QUARTER


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1) * NS_PER_S
