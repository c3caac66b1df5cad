"""Which clock hours count, against a plain loop over each hour's readings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.vocabulary import NS_PER_MIN
from rules.american.regulation import enough
from rules.hours import by_quadrants

COUNT = 3

# Readings by minute since the first hour began, in any order.
readings = st.lists(st.integers(0, 60 * COUNT - 1), max_size=60, unique=True)
switches = st.lists(st.booleans(), min_size=COUNT, max_size=COUNT)
quadrants = st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=COUNT, max_size=COUNT)


def times(minutes: list[int]) -> np.ndarray:
    return np.array(minutes, np.int64) * NS_PER_MIN


@pytest.mark.parametrize(("known", "valid"), [(47, False), (48, True), (60, True)])
def test_48_of_60_minutes_are_80_percent(known: int, valid: bool) -> None:
    assert enough(np.array([known / 60])).tolist() == [valid]


def test_exactly_80_percent_is_enough_at_every_cadence() -> None:
    """0.8 n is no exact float; the count must not hang on that."""
    possible = np.arange(1, 721)
    needed = -(-8 * possible // 10)

    assert enough(needed / possible).all()
    assert not enough((needed - 1) / possible).any()


@given(minutes=readings, burned=quadrants, maintained=switches)
def test_quadrants_agree_with_a_loop(
    minutes: list[int], burned: list[list[bool]], maintained: list[bool]
) -> None:
    expected = []
    for hour in range(COUNT):
        known = {m - 60 * hour for m in minutes if m // 60 == hour and burned[hour][m % 60 // 15]}
        seen = {m // 15 for m in known}
        complete = all(q in seen for q in range(4) if burned[hour][q])
        apart = max(known, default=0) - min(known, default=0) >= 15
        excused = maintained[hour] and sum(burned[hour]) > 1 and apart
        expected.append(any(burned[hour]) and (complete or excused))

    found = by_quadrants(times(minutes), combusting=np.array(burned), maintenance=np.array(maintained))

    assert found.tolist() == expected


def one_hour(minutes: list[int], burned: str, *, maintained: bool = False) -> bool:
    """Tell whether an hour with readings at these minutes is valid; `burned` has an x per quadrant with fuel."""
    found = by_quadrants(
        times(minutes),
        combusting=np.array([[letter == "x" for letter in burned]]),
        maintenance=np.array([maintained]),
    )
    return bool(found[0])


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
