"""Heat and power from one fuel: the split, and that nothing gets lost in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.formulas.chp import Efficiencies, split

US_TOOL, UK_TOOL = Efficiencies(heat=80.0, power=35.0), Efficiencies(heat=66.0, power=33.0)

efficiencies = st.builds(Efficiencies, heat=st.floats(1, 100), power=st.floats(1, 100))
energies = st.floats(1e-3, 1e6)
totals = st.just(0.0) | st.floats(1e-9, 1e9)  # smaller ones lose digits to underflow


def one(value: float) -> np.ndarray:
    return np.array([value])


@given(total=totals, heat=energies, power=energies, apart=efficiencies)
def test_the_split_is_that_of_the_fuels_that_each_would_need_apart(
    total: float, heat: float, power: float, apart: Efficiencies
) -> None:
    found = split(one(total), one(heat), one(power), apart)

    fuel_of_heat, fuel_of_power = heat / (apart.heat / 100), power / (apart.power / 100)
    expected = total * fuel_of_heat / (fuel_of_heat + fuel_of_power)
    np.testing.assert_allclose(found.heat, [expected], rtol=1e-12)
    np.testing.assert_allclose(found.power, [total - expected], rtol=1e-9, atol=1e-12 * total)


@given(total=totals, heat=energies, power=energies, apart=efficiencies)
def test_the_parts_are_the_whole(total: float, heat: float, power: float, apart: Efficiencies) -> None:
    found = split(one(total), one(heat), one(power), apart)

    np.testing.assert_allclose(found.heat + found.power, [total], rtol=1e-15)


@pytest.mark.parametrize(
    ("apart", "heat"),
    [
        (US_TOOL, 1000 * (60 / 0.80) / (60 / 0.80 + 35 / 0.35)),
        (UK_TOOL, 1000 * (60 / 0.66) / (60 / 0.66 + 35 / 0.33)),
        (Efficiencies(50, 50), 1000 * 60 / 95),
    ],
)
def test_the_pairs_of_the_tool_and_the_energy_content(apart: Efficiencies, heat: float) -> None:
    """1,000 t, 60 GJ of heat, 35 GJ of power; US: 428.571 t to the heat."""
    np.testing.assert_allclose(split(one(1000.0), one(60.0), one(35.0), apart).heat, [heat], rtol=1e-14)


def test_heat_alone_takes_everything_and_power_alone_as_well() -> None:
    found = split(np.full(2, 10.0), np.array([1.0, 0.0]), np.array([0.0, 1.0]), US_TOOL)

    np.testing.assert_array_equal(found.heat, [10, 0])
    np.testing.assert_array_equal(found.power, [0, 10])


@pytest.mark.parametrize(
    ("heat", "power"), [(0.0, 0.0), (-1.0, 5.0), (5.0, -1.0), (np.nan, 5.0), (5.0, np.nan)]
)
def test_a_plant_that_gave_nothing_or_something_unknown_is_not_split(heat: float, power: float) -> None:
    found = split(one(10.0), one(heat), one(power), US_TOOL)

    assert np.isnan([found.heat, found.power]).all()


@pytest.mark.parametrize("apart", [Efficiencies(0, 35), Efficiencies(80, 0), Efficiencies(101, 35)])
def test_an_efficiency_that_cannot_be_splits_nothing(apart: Efficiencies) -> None:
    assert np.isnan(split(one(10.0), one(60.0), one(35.0), apart).heat).all()
