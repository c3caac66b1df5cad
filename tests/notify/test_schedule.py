"""Attempts come fast at first, then ever slower, for three days; a throttled sender waits as it was asked to."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.schedule import DELAYS, LONGEST, delay, is_over, retry_after

S = 1_000_000_000
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * S


def test_the_delays_are_those_that_were_decided():
    found = [delay(failed, 0.5) // S for failed in range(13)]

    assert found == [0, 5, 15, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400]


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True))
def test_jitter_is_a_tenth_to_both_sides_and_no_delay_is_beyond_the_longest(failed: int, chance: float):
    middle = DELAYS[min(failed, len(DELAYS) - 1)] * S

    assert 0.9 * middle <= delay(failed, chance) <= min(1.1 * middle + 1, LONGEST)


@pytest.mark.parametrize(
    ("failed", "days", "over"),
    [(12, 3, True), (11, 30, False), (12, 2.999, False), (400, 2, False), (400, 3, True)],
)
def test_an_event_is_given_up_when_all_steps_have_failed_and_three_days_are_over(failed, days, over):
    assert is_over(failed, NOW_NS, NOW_NS + round(days * 86_400) * S) is over


def test_chance_moves_a_delay():
    assert delay(1, 0.0) < delay(1, 0.5) < delay(1, 0.999)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5),
        (" 5 ", 5),
        ("0", 1),
        ("-1", 1),
        ("1000000000", 600),
        ("9" * 400, 600),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Tue, 24 Nov 2026 06:01:30 -0000", 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 1),
        (format_datetime(NOW + timedelta(days=1), usegmt=True), 600),
    ],
)
def test_bw19_a_retry_after_is_followed_within_1_s_and_10_min(header: str, seconds: int):
    assert retry_after(header, NOW_NS) == seconds * S


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "abc",
        "1e9",
        "5.5",
        "²",
        "--5",
        "nan",
        "Tue, 99 Nov 2026 06:01:30 GMT",
        "Tue, 24 Nov 99999999999 06:01:30 GMT",
    ],
)
def test_a_retry_after_that_nobody_understands_is_none(header: str | None):
    assert retry_after(header, NOW_NS) is None
