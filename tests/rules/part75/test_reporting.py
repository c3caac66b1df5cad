"""EPA's reported numbers, against decimal arithmetic; the ledger's stay as they are."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.american.part75.reporting import (
    REPORTED,
    bias_adjusted,
    floored,
    quarter_tons,
    reported,
    rounded,
    year,
)

decimals = st.decimals(-(10**9), 10**9, places=6)


@given(number=decimals, places=st.integers(-3, 5))
def test_rounding_is_that_of_decimal_arithmetic(number: Decimal, places: int) -> None:
    """Decimal's ROUND_HALF_UP is half away from zero."""
    expected = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

    assert rounded(float(number), places) == float(expected)


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (0.25, 1, 0.3),
        (-0.25, 1, -0.3),
        (1.005, 2, 1.01),
        (2.5, 0, 3.0),
        (1500.0, -3, 2000.0),
        (-0.04, 1, 0.0),
    ],
)
def test_halves_go_away_from_zero(value: float, places: int, expected: float) -> None:
    assert rounded(value, places) == expected


def test_a_half_that_binary_arithmetic_just_misses_is_one() -> None:
    """(10.1 + 10.2) / 2 is 10.149999999999999 in floats, 10.15 in EPA's decimals."""
    assert rounded((10.1 + 10.2) / 2, 1) == 10.2


def test_no_negative_zero_is_reported() -> None:
    assert not np.signbit(rounded(-0.01, 1))


def test_unknown_stays_unknown() -> None:
    assert all(np.isnan(reported(quantity, np.nan)) for quantity in REPORTED)


@pytest.mark.parametrize(
    ("quantity", "value", "expected"),
    [
        ("diluent", 10.25, 10.3),
        ("moisture", 8.04, 8.0),
        ("flow", 12_345_678.0, 12_346_000.0),
        ("co2_mass", 68.449, 68.4),
        ("operating_time", 0.255, 0.26),
    ],
)
def test_each_quantity_has_its_decimals(quantity: str, value: float, expected: float) -> None:
    assert reported(quantity, value) == expected


def test_a_negative_co2_from_o2_is_none() -> None:
    assert floored("co2_from_o2", -0.02) == 0.0


def test_the_ledgers_values_are_not_touched() -> None:
    value = np.array([0.25, np.nan])

    reported("moisture", value)

    np.testing.assert_array_equal(value, [0.25, np.nan])


def test_a_quarter_is_the_sum_of_its_hours_to_a_tenth() -> None:
    rate, hours = np.array([1000.0, 501.16]), np.array([1.0, 0.5])

    assert quarter_tons(rate, hours) == 1250.6


def test_a_value_adjusted_for_bias_is_rounded_as_it_is_reported() -> None:
    np.testing.assert_array_equal(bias_adjusted(np.array([100.0, 99.95]), 1.0505, 1), [105.1, 105.0])


def test_a_year_is_the_sum_of_its_quarters_as_reported() -> None:
    assert year(np.array([0.1, 0.2, 0.3, 0.1])) == 0.7


def test_a_period_of_which_nothing_is_known_is_unknown() -> None:
    none = np.array([np.nan])

    assert np.isnan(quarter_tons(none, np.ones(1)))
    assert np.isnan(year(np.array([1.0, np.nan])))
