"""Metered fuel by appendices D and G, against their definitions written out."""

import numpy as np
import pytest

from rules.american.part75.appendix_d import (
    d2_so2_oil,
    d4_so2_gas,
    d5_so2_gas,
    d6_heat_input_gas,
    d8_heat_input_oil,
    unit_value,
)
from rules.american.part75.appendix_g import g1_co2, g4_co2


def close(found: object, expected: object) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_d2_two_pounds_of_so2_from_one_of_sulfur() -> None:
    close(d2_so2_oil(10_000.0, 1.5), 300.0)


def test_d4_seven_thousand_grains_are_a_pound() -> None:
    close(d4_so2_gas(7000.0, 0.5), 1.0)


def test_d5_takes_the_default_rate_of_pipeline_gas() -> None:
    close(d5_so2_gas(1000.0), 0.6)


def test_d6_and_d8_give_heat_input_on_gross_calorific_value() -> None:
    close(d6_heat_input_gas(10_000.0, 103_000.0), 1030.0)
    close(d8_heat_input_oil(10_000.0, 19_500.0), 195.0)


def test_a_units_value_weighs_each_fuel_by_the_time_it_burned() -> None:
    rate = np.array([[100.0, 100.0, 100.0], [40.0, np.nan, np.nan]])
    fuel_time = np.array([[0.5, 1.0, 1.0], [0.25, 0.0, 0.5]])

    close(unit_value(rate, fuel_time, np.array([0.75, 1.0, 1.0])), [80.0, 100.0, np.nan])


def test_a_unit_that_did_not_run_has_no_value() -> None:
    assert np.isnan(unit_value(np.ones((1, 1)), np.zeros((1, 1)), np.zeros(1))).all()


def test_g1_carbon_becomes_44_twelfths() -> None:
    close(g1_co2(24_000.0), 44.0)


def test_g4_gas_makes_the_tons_per_heat_input_of_case_d4() -> None:
    np.testing.assert_allclose(g4_co2(1.0, 1040.0), 0.0594286, atol=5e-8, rtol=0)


@pytest.mark.parametrize(
    "found",
    [d2_so2_oil(-1.0, 1.0), d2_so2_oil(1.0, 101.0), d4_so2_gas(1.0, -1.0), d5_so2_gas(-1.0), d6_heat_input_gas(1.0, 0.0),
     d8_heat_input_oil(np.nan, 1.0), g1_co2(-1.0), g4_co2(1.0, 0.0)],
)  # fmt: skip
def test_what_cannot_be_is_unknown(found: np.ndarray) -> None:
    assert np.isnan(found)
