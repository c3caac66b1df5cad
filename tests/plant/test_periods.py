"""Hours, days, months and years of a park's clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from plant import periods
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN

HAI_PHONG = ZoneInfo("Asia/Ho_Chi_Minh")
KOLKATA = ZoneInfo("Asia/Kolkata")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
HAVANA = ZoneInfo("America/Havana")
APIA = ZoneInfo("Pacific/Apia")
ZONES = [
    HAI_PHONG,
    KOLKATA,
    KATHMANDU,
    BERLIN,
    LORD_HOWE,
    HAVANA,
    ZoneInfo("Asia/Beirut"),
    ZoneInfo("America/New_York"),
]


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


def year_of_minutes(step: int = 17) -> np.ndarray:
    return np.arange(ns("2025-12-30T00:00:00Z"), ns("2027-01-03T00:00:00Z"), step * NS_PER_MIN)


def test_an_hour_in_a_zone_of_half_hours_starts_at_half_past():
    assert int(periods.hour_start(ns("2026-11-24T05:29:59Z"), KOLKATA)) == ns("2026-11-24T04:30:00Z")
    assert int(periods.hour_start(ns("2026-11-24T05:30:00Z"), KOLKATA)) == ns("2026-11-24T05:30:00Z")


def test_an_hour_in_a_zone_of_three_quarters_starts_at_a_quarter():
    assert int(periods.hour_start(ns("2026-11-24T05:20:00Z"), KATHMANDU)) == ns("2026-11-24T05:15:00Z")


def test_a_day_in_hai_phong_starts_at_17_utc():
    assert int(periods.day_start(ns("2026-11-24T16:59:59Z"), HAI_PHONG)) == ns("2026-11-23T17:00:00Z")
    assert int(periods.day_start(ns("2026-11-24T17:00:00Z"), HAI_PHONG)) == ns("2026-11-24T17:00:00Z")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_in_berlin_has_the_hours_of_its_clock(day, hours):
    start = periods.local_midnight(date.fromisoformat(day), BERLIN)

    assert int(periods.next_day(start, BERLIN)) - start == hours * NS_PER_HOUR
    assert len(periods.starts(start, start + hours * NS_PER_HOUR, periods.HOUR, BERLIN)) == hours


def test_the_hour_that_comes_twice_in_berlin_is_two_hours():
    first, second = ns("2026-10-25T00:30:00Z"), ns("2026-10-25T01:30:00Z")

    got = periods.hour_start(np.array([first, second]), BERLIN)

    assert got.tolist() == [ns("2026-10-25T00:00:00Z"), ns("2026-10-25T01:00:00Z")]


def test_a_clock_moved_by_half_an_hour_never_makes_an_hour_longer():
    times = np.arange(ns("2026-04-04T13:00:00Z"), ns("2026-04-04T17:00:00Z"), NS_PER_MIN)

    lengths = periods.next_hour(times, LORD_HOWE) - periods.hour_start(times, LORD_HOWE)

    assert sorted({int(n) // NS_PER_MIN for n in lengths}) == [30, 60]


def test_a_month_and_a_year_start_at_local_midnight():
    at = ns("2026-12-31T17:00:00Z")  # 2027-01-01 00:00 in Hai Phong

    assert int(periods.month_start(at - 1, HAI_PHONG)) == ns("2026-11-30T17:00:00Z")
    assert int(periods.next_month(at - 1, HAI_PHONG)) == at
    assert int(periods.year_start(at, HAI_PHONG)) == at
    assert int(periods.year_start(at - 1, HAI_PHONG)) == ns("2025-12-31T17:00:00Z")
    assert int(periods.next_year(at - 1, HAI_PHONG)) == at


def test_a_day_that_a_zone_skipped_is_empty_and_stops_nothing():
    """Samoa had no 30 December 2011."""
    start = periods.local_midnight(date(2011, 12, 29), APIA)

    assert int(periods.next_day(start, APIA)) == start + NS_PER_DAY
    assert int(periods.next_day(start + NS_PER_DAY, APIA)) == start + 2 * NS_PER_DAY


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("unit", ["hour", "day", "month", "year"])
def test_units_part_the_time_line(zone, unit):
    """Start is at or before each time, next is after it, and both are their own unit's bounds."""
    times = year_of_minutes()
    start = getattr(periods, f"{unit}_start")(times, zone)
    end = getattr(periods, f"next_{unit}")(times, zone)

    assert ((start <= times) & (times < end)).all()
    assert (np.diff(start) >= 0).all()
    assert (getattr(periods, f"{unit}_start")(end, zone) == end).all()
    assert (getattr(periods, f"{unit}_start")(end - 1, zone) == start).all()


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_bc16_days_begin_with_their_first_midnight_as_in_the_standard_library(zone):
    times = year_of_minutes(97)
    got = periods.day_start(times, zone)

    for time, start in zip(times.tolist(), got.tolist(), strict=True):
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time // 10**9)).astimezone(zone)
        midnight = local.replace(hour=0, minute=0, second=0, fold=0)
        assert start == int(midnight.timestamp()) * 10**9


def test_shapes_are_kept():
    times = year_of_minutes()[:12].reshape(3, 4)

    assert periods.month_start(times, HAI_PHONG).shape == (3, 4)
    assert periods.hour_start(ns("2026-01-01T00:00:00Z"), HAI_PHONG).shape == ()
    assert periods.day_start(np.empty(0, np.int64), HAI_PHONG).shape == (0,)


def test_a_whole_month_is_one_summand():
    start, end = ns("2026-10-31T17:00:00Z"), ns("2026-11-30T17:00:00Z")

    assert periods.summands(start, end, HAI_PHONG) == [periods.Summand(periods.MONTH, start, end)]


def test_ragged_edges_are_made_of_smaller_units():
    start, end = ns("2026-04-30T23:30:00+07:00"), ns("2026-06-02T01:05:00+07:00")

    got = periods.summands(start, end, HAI_PHONG)

    assert [one.level for one in got] == [
        periods.PART,
        periods.MONTH,
        periods.DAY,
        periods.HOUR,
        periods.PART,
    ]


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_summands_make_up_the_period(zone):
    start, end = ns("2026-02-27T03:21:00Z"), ns("2026-11-05T11:04:00Z")

    got = periods.summands(start, end, zone)

    assert [got[0].start, *(p.end for p in got)] == [*(p.start for p in got), end]
    assert got[0].start == start


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("level", [periods.HOUR, periods.DAY, periods.MONTH])
def test_starts_follow_each_other(zone, level):
    start, end = ns("2026-02-27T03:21:00Z"), ns("2026-11-05T11:04:00Z")

    got = periods.starts(start, end, level, zone)

    assert got[0] <= start < got[1]
    assert got[-1] < end <= periods.UNITS[level].next(got[-1:], zone)[0]
    assert (periods.UNITS[level].next(got[:-1], zone) == got[1:]).all()


def test_no_time_has_no_summands():
    assert periods.summands(5, 5, HAI_PHONG) == []
