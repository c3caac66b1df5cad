"""Days, months, years and hours by a park's clock, also where that clock is moved."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.periods import offset, time_of_day
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S
from rules.calendar import days_until, elapsed, in_force, start_of, start_of_interval

HANOI, BERLIN, CHATHAM = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Chatham")
ZONES = [HANOI, BERLIN, CHATHAM, ZoneInfo("America/St_Johns")]
MOMENTS = st.integers(0, 4_000_000_000).map(lambda second: second * NS_PER_S)


def ns(text: str, zone: ZoneInfo) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * NS_PER_S


def clock(now: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(now // NS_PER_S, UTC).astimezone(zone)


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        ("today", "2026-03-10", "2026-03-11"),
        ("month", "2026-03-01", "2026-04-01"),
        ("year", "2026-01-01", "2027-01-01"),
    ],
)
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_period_is_from_its_first_midnight_to_the_next_ones(period, first, after, zone) -> None:
    begin, end = ns(first, zone), ns(after, zone)

    for now in (begin, begin + 1, ns("2026-03-10T13:00", zone), end - 1):
        if period != "today" or now >= begin:
            assert start_of(period, now, zone) == begin
            assert elapsed(period, now, zone) == pytest.approx((now - begin) / (end - begin), abs=1e-12)
    assert start_of(period, begin - 1, zone) < begin
    assert start_of(period, end, zone) == end


@pytest.mark.parametrize(
    ("period", "now", "first", "after"),
    [
        ("month", "2026-12-31T23:59", "2026-12-01", "2027-01-01"),
        ("month", "2028-02-29T01:00", "2028-02-01", "2028-03-01"),
        ("month", "2026-01-31T12:00", "2026-01-01", "2026-02-01"),
        ("year", "2028-12-31T12:00", "2028-01-01", "2029-01-01"),
        ("today", "2026-03-29T12:00", "2026-03-29", "2026-03-30"),
        ("today", "2026-10-25T12:00", "2026-10-25", "2026-10-26"),
    ],
)
def test_no_period_is_longer_or_shorter_than_the_calendar_has_it(period, now, first, after) -> None:
    """The end of a year, leap years, and days of 23 and 25 hours."""
    at, begin, end = ns(now, BERLIN), ns(first, BERLIN), ns(after, BERLIN)

    assert start_of(period, at, BERLIN) == begin
    assert elapsed(period, at, BERLIN) == (at - begin) / (end - begin)


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from([1, 5, 15, 30, 60]))
def test_an_interval_begins_where_the_clock_shows_a_whole_one(now, zone, minutes) -> None:
    start = start_of_interval(minutes * NS_PER_MIN, now, zone)

    assert start <= now < start + minutes * NS_PER_MIN
    shown = clock(now, zone)
    since = timedelta(minutes=shown.minute % minutes, seconds=shown.second)
    assert now - start == since // timedelta(seconds=1) * NS_PER_S + now % NS_PER_S


@given(st.lists(MOMENTS, max_size=20), st.sampled_from(ZONES))
def test_the_time_of_day_is_what_the_clock_showed(times, zone) -> None:
    shown = [clock(time, zone) for time in times]

    assert time_of_day(np.array(times, np.int64), zone).tolist() == [
        ((one.hour * 60 + one.minute) * 60 + one.second) * NS_PER_S for one in shown
    ]
    assert [offset(time, zone) for time in times] == [
        one.utcoffset() // timedelta(seconds=1) * NS_PER_S for one in shown
    ]


def test_the_time_of_day_keeps_its_nanoseconds_and_follows_the_clock_that_is_moved() -> None:
    moved = ns("2026-03-29T03:00", BERLIN)  # an instant before, it was 2 o'clock
    times = np.array([moved - 1, moved, moved + 14 * NS_PER_MIN + 7])

    assert time_of_day(times, BERLIN).tolist() == [
        2 * NS_PER_HOUR - 1,
        3 * NS_PER_HOUR,
        3 * NS_PER_HOUR + 14 * NS_PER_MIN + 7,
    ]


def test_a_number_holds_from_the_midnight_of_its_day_and_is_unknown_before_the_first() -> None:
    dated = (("2026-03-01", 5.0), ("2026-04-01", 6.0))
    first, second = (ns(day, HANOI) for day, _ in dated)

    assert np.isnan(in_force(dated, first - 1, HANOI))
    assert [in_force(dated, at, HANOI) for at in (first, second - 1, second, second + NS_PER_DAY)] == [
        5,
        5,
        6,
        6,
    ]
    assert np.isnan(in_force((), first, HANOI))


def test_the_days_until_a_day_are_counted_to_its_midnight() -> None:
    now = ns("2026-03-10T12:00", HANOI)

    assert days_until("2026-03-12", now, HANOI) == 1.5
    assert days_until("2026-03-10", now, HANOI) == -0.5
