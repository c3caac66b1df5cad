"""Which clock hours count, against a plain loop over each hour's readings."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from rules.hours import ClockHours, by_article_44, by_quadrants

FIRST = 490_000  # some hour of 2025
START = FIRST * NS_PER_HOUR
COUNT = 3

# Readings by minute from an hour before the first to an hour after the last; an unknown one is NaN.
values = st.just(math.nan) | st.floats(0, 100)
readings = st.dictionaries(st.integers(-60, 60 * (COUNT + 1) - 1), values, max_size=60)
switches = st.lists(st.booleans(), min_size=COUNT, max_size=COUNT)
quadrants = st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=COUNT, max_size=COUNT)


def columns(by_minute: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values, in the order of the dictionary: that is any order."""
    minutes = np.array(list(by_minute), np.int64)
    return START + minutes * NS_PER_MIN, np.array(list(by_minute.values()), np.float64)


def of_hour(by_minute: dict[int, float], hour: int) -> dict[int, float]:
    """Return the known readings of an hour, by minute within it."""
    return {m - 60 * hour: v for m, v in by_minute.items() if m // 60 == hour and not math.isnan(v)}


def mean_of(known: list[float], valid: bool) -> float:
    return math.fsum(known) / len(known) if valid else math.nan


def expect(found: ClockHours, mean: list[float], count: list[int], operating: list[bool]) -> None:
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found.readings, count)
    np.testing.assert_array_equal(found.valid, ~np.isnan(mean))
    np.testing.assert_array_equal(found.operating, operating)


@given(by_minute=readings, running=switches, maximum=st.integers(1, 60))
def test_article_44_agrees_with_a_loop(
    by_minute: dict[int, float], running: list[bool], maximum: int
) -> None:
    means, counts = [], []
    for hour in range(COUNT):
        known = list(of_hour(by_minute, hour).values())
        valid = running[hour] and len(known) > 0 and 10 * len(known) >= 8 * maximum
        means.append(mean_of(known, valid))
        counts.append(len(known))

    found = by_article_44(
        *columns(by_minute), first=FIRST, count=COUNT, maximum=maximum, operating=np.array(running)
    )

    expect(found, means, counts, running)


@pytest.mark.parametrize(("known", "valid"), [(47, False), (48, True), (60, True)])
def test_48_of_60_minutes_are_80_percent(known: int, valid: bool) -> None:
    found = by_article_44(*columns(dict.fromkeys(range(known), 5.0)), first=FIRST, count=1, maximum=60)

    assert found.valid.tolist() == [valid]


def test_exactly_80_percent_is_enough_at_every_cadence() -> None:
    """0.8 n is no exact float; the count must not hang on that."""
    maximum = np.arange(1, 721)
    needed = -(-8 * maximum // 10)
    hour = np.repeat(maximum - 1, needed)
    place = np.arange(len(hour)) - np.repeat(np.cumsum(needed) - needed, needed)
    time = START + hour * NS_PER_HOUR + place

    enough = by_article_44(time, np.ones(len(time)), first=FIRST, count=720, maximum=maximum)
    short = by_article_44(
        time[place > 0], np.ones((place > 0).sum()), first=FIRST, count=720, maximum=maximum
    )

    assert enough.valid.all()
    assert not short.valid.any()


def test_each_hour_may_have_its_own_maximum() -> None:
    """A source that ran for half an hour could give 30 readings in it."""
    by_minute = dict.fromkeys([*range(24), *range(60, 84)], 5.0)

    found = by_article_44(*columns(by_minute), first=FIRST, count=2, maximum=np.array([30, 60]))

    assert found.valid.tolist() == [True, False]


@pytest.mark.parametrize("maximum", [0.0, -1.0, math.nan])
def test_an_hour_that_could_have_no_reading_is_not_valid(maximum: float) -> None:
    found = by_article_44(*columns({0: 5.0}), first=FIRST, count=1, maximum=maximum)

    assert found.valid.tolist() == [False]


def test_a_reading_on_the_hour_belongs_to_the_hour_that_begins() -> None:
    found = by_article_44(*columns({59: 1.0, 60: 3.0}), first=FIRST, count=2, maximum=1)

    np.testing.assert_array_equal(found.mean, [1.0, 3.0])


@given(by_minute=readings, burned=quadrants, maintained=switches)
def test_quadrants_agree_with_a_loop(
    by_minute: dict[int, float], burned: list[list[bool]], maintained: list[bool]
) -> None:
    means, counts, running = [], [], []
    for hour in range(COUNT):
        known = {m: v for m, v in of_hour(by_minute, hour).items() if burned[hour][m // 15]}
        seen = {m // 15 for m in known}
        complete = all(q in seen for q in range(4) if burned[hour][q])
        apart = max(known, default=0) - min(known, default=0) >= 15
        excused = maintained[hour] and sum(burned[hour]) > 1 and apart
        running.append(any(burned[hour]))
        means.append(mean_of(list(known.values()), running[-1] and (complete or excused)))
        counts.append(len(known))

    found = by_quadrants(
        *columns(by_minute),
        first=FIRST,
        count=COUNT,
        combusting=np.array(burned),
        maintenance=np.array(maintained),
    )

    expect(found, means, counts, running)


def one_hour(minutes: list[int], burned: str, *, maintained: bool = False) -> bool:
    """Tell whether an hour with readings at these minutes is valid; `burned` has an x per quadrant with fuel."""
    found = by_quadrants(
        *columns(dict.fromkeys(minutes, 5.0)),
        first=FIRST,
        count=1,
        combusting=np.array([[letter == "x" for letter in burned]]),
        maintenance=np.array([maintained]),
    )
    return bool(found.valid[0])


@pytest.mark.parametrize(
    ("minutes", "burned", "valid"),
    [
        ([0, 15, 30, 45], "xxxx", True),
        ([0, 15, 30], "xxxx", False),
        ([14, 29, 44, 59], "xxxx", True),
        ([0, 15], "xx--", True),
        ([50], "---x", True),
        ([0], "---x", False),
        ([], "----", False),
    ],
)
def test_each_quadrant_with_fuel_needs_a_reading(minutes: list[int], burned: str, valid: bool) -> None:
    assert one_hour(minutes, burned) is valid


@pytest.mark.parametrize(
    ("minutes", "burned", "valid"),
    [
        ([0, 15], "xxxx", True),
        ([1, 15], "xxxx", False),
        ([20], "xxxx", False),
        ([0, 14], "x---", True),
        ([], "x---", False),
    ],
)
def test_under_maintenance_two_readings_a_quarter_of_an_hour_apart_will_do(
    minutes: list[int], burned: str, valid: bool
) -> None:
    assert one_hour(minutes, burned, maintained=True) is valid


def test_the_mean_is_of_the_gas_of_quadrants_with_fuel() -> None:
    """Air that is drawn after the shutdown is no emission."""
    found = by_quadrants(
        *columns({0: 10.0, 20: 12.0, 50: 0.0}),
        first=FIRST,
        count=1,
        combusting=np.array([[True, True, False, False]]),
        maintenance=np.array([False]),
    )

    np.testing.assert_array_equal(found.mean, [11.0])


@given(by_minute=readings, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_readings_changes_no_bit(by_minute: dict[int, float], seed: int) -> None:
    time, value = columns(by_minute)
    order = np.random.default_rng(seed).permutation(len(time))

    one = by_article_44(time, value, first=FIRST, count=COUNT, maximum=5)
    other = by_article_44(time[order], value[order], first=FIRST, count=COUNT, maximum=5)

    np.testing.assert_array_equal(one.mean, other.mean)
