"""Heat and power of one plant as two sources: what each takes over, and that it is all of the fuel's emission."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.catalogue import load_catalogue
from rules.factors.gases import Gases
from tests.rules.methods.oracles import burned

CATALOGUE = load_catalogue(None)
FACTOR = {"co2": 74.1, "co2_biogenic": 11.2, "ch4": 0.003, "n2o": 0.0006}
EFFICIENCIES = {"heat_efficiency": 80.0, "power_efficiency": 35.0}

energies = st.floats(1e-3, 1e6)
percents = st.floats(1, 100)


def run(method: str, energy: object, heat: object, power: object, **parameters: float) -> np.ndarray:
    """Return the four gases as an array of shape (gas, row)."""
    inputs = {
        "energy": np.array(energy, np.float64),
        "heat": np.array(heat, np.float64),
        "power": np.array(power, np.float64),
    }
    factor = {name: np.full(inputs["heat"].shape, value) for name, value in FACTOR.items()}
    gases: Gases = CATALOGUE.emissions(method)(inputs, factor, {**EFFICIENCIES, **parameters})
    return np.stack([gases.co2_kg, gases.co2_biogenic_kg, gases.ch4_kg, gases.n2o_kg])


@given(
    rows=st.lists(st.tuples(energies, energies, energies), min_size=1, max_size=12),
    net=percents,
    e_h=percents,
    e_p=percents,
)
def test_both_agree_with_the_loop(
    rows: list[tuple[float, float, float]], net: float, e_h: float, e_p: float
) -> None:
    parameters = {"net_share": net, "heat_efficiency": e_h, "power_efficiency": e_p}

    of_heat, of_power = (
        run(m, *zip(*rows, strict=True), **parameters) for m in ("chp-heat", "chp-electricity")
    )

    for number, (energy, heat, power) in enumerate(rows):
        total = burned(energy * net / 100, FACTOR)
        apart = heat / (e_h / 100), power / (e_p / 100)
        share = apart[0] / (apart[0] + apart[1])
        np.testing.assert_allclose(of_heat[:, number], [gas * share for gas in total], rtol=1e-12)
        # What is left of a difference is only as exact as the whole.
        tolerance = 1e-12 * np.array(total)
        assert (np.abs(of_power[:, number] - np.array(total) * (1 - share)) <= tolerance).all()


@given(energy=st.just(0.0) | st.floats(1e-9, 1e9), heat=energies, power=energies)
def test_together_they_are_the_fuel(energy: float, heat: float, power: float) -> None:
    both = run("chp-heat", [energy], [heat], [power]) + run("chp-electricity", [energy], [heat], [power])

    np.testing.assert_allclose(both[:, 0], burned(energy, FACTOR), rtol=1e-14)


def test_the_tools_own_pair_for_the_united_states() -> None:
    """60 GJ of heat are 75 of fuel, 35 of power are 100: three sevenths and four."""
    heat, power = (run(m, [700.0], [60.0], [35.0]) for m in ("chp-heat", "chp-electricity"))

    np.testing.assert_allclose(heat[0], [300 * 74.1], rtol=1e-14)
    np.testing.assert_allclose(power[0], [400 * 74.1], rtol=1e-14)


def test_a_plant_that_gave_only_one_of_both_gave_all_of_it_to_that_one() -> None:
    heat, power = (run(m, [10.0, 10.0], [5.0, 0.0], [0.0, 5.0]) for m in ("chp-heat", "chp-electricity"))

    np.testing.assert_allclose(heat[0], [741, 0], rtol=1e-14)
    np.testing.assert_allclose(power[0], [0, 741], rtol=1e-14, atol=1e-12)


@pytest.mark.parametrize("method", ["chp-heat", "chp-electricity"])
@pytest.mark.parametrize(
    ("energy", "heat", "power", "parameters"),
    [
        (10.0, 0.0, 0.0, {}),  # burned for nobody
        (np.nan, 5.0, 5.0, {}),
        (10.0, np.nan, 5.0, {}),
        (10.0, 5.0, np.nan, {}),
        (10.0, -1.0, 5.0, {}),
        (10.0, 5.0, -1.0, {}),
        *(
            (10.0, 5.0, 5.0, {name: wrong})
            for name in ("net_share", *EFFICIENCIES)
            for wrong in (0.0, -1.0, 100.1, np.nan)
        ),
    ],
)
def test_what_cannot_be_split_is_unknown_and_its_neighbour_is_not(
    method: str, energy: float, heat: float, power: float, parameters: dict[str, float]
) -> None:
    found = run(method, [energy, 10.0], [heat, 5.0], [power, 5.0], **parameters)

    assert np.isnan(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all() == bool(parameters)
