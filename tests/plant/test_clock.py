"""Durations and instants as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.clock import format_time, format_times, parse_duration, parse_instant
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0s", 0),
        ("60s", 60 * NS_PER_S),
        ("15min", 15 * NS_PER_MIN),
        ("24h", NS_PER_DAY),
        ("1h", NS_PER_HOUR),
        ("20000d", 20_000 * NS_PER_DAY),
    ],
)
def test_a_duration_has_a_unit(text: str, expected: int) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", [60, 60.0, None, True, "", "60", "1.5h", "-1h", "1 h", "1H", "1h ", "1h\n", "٣s", "1h30min"]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a duration is a whole number with s, min, h or d"):
        parse_duration(text)


def test_a_duration_fits_into_nanoseconds() -> None:
    with pytest.raises(ValueError, match="99999d is longer than a century"):
        parse_duration("99999d")


@given(
    st.integers(94_694_400, 9_183_110_399),
    st.integers(-14 * 60, 14 * 60),
    st.integers(0, NS_PER_S - 1),
)
def test_an_instant_is_the_same_in_every_zone(seconds: int, offset: int, nanoseconds: int) -> None:
    """To the nanosecond, which datetime itself does not have."""
    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(
        timezone(timedelta(minutes=offset))
    )
    text = f"{at.replace(tzinfo=None).isoformat()}.{nanoseconds:09d}{at.isoformat()[-6:]}"

    assert parse_instant(text) == seconds * NS_PER_S + nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T02:30:00",
        "2026-03-01",
        "2026-03-01 02:30:00Z",
        "2026-03-01T02:30Z",
        "2026-02-30T00:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T02:30:60Z",
        "2026-03-01T02:30:00Z\x00",
        "2026-03-01T02:30:00.0000000001Z",
        "20260301T023000Z",
        1772332200,
        None,
    ],
)
def test_what_is_no_instant_is_refused(text: object) -> None:
    """A time without a zone, above all."""
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@given(st.lists(st.integers(0, 2**62), max_size=20), st.booleans())
def test_many_times_are_written_as_each_one_is(times: list[int], whole: bool) -> None:
    given_times = np.array([time // NS_PER_S * NS_PER_S if whole else time for time in times], np.int64)
    assert format_times(given_times) == [format_time(time) for time in given_times.tolist()]
