"""What is topped up as a source: its CO2e, against the golden case, the loop, and the potentials of a set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rules.catalogue import load_catalogue
from rules.factors.gases import Gases, tonnes_co2e
from rules.factors.gwp import gwp_set
from tests.rules.methods.golden import CASES

METHOD = load_catalogue(None).emissions("refrigerant-top-up")


def run(amount: object, gwp: float | np.ndarray) -> Gases:
    gases: Gases = METHOD({"refrigerant": np.array(amount, np.float64)}, {}, {"gwp": gwp})
    return gases


def test_ten_kilograms_of_r134a_are_what_circular_38_gives() -> None:
    case = CASES["G1g"]

    found = tonnes_co2e(run([case["inputs"]["kg"]], case["inputs"]["gwp"]), gwp_set("AR4"))

    np.testing.assert_allclose(found, [case["expected"]["tCO2e"]], rtol=0, atol=case["abs_tol"])


@given(amounts=arrays.arrays(float, st.integers(1, 10), elements=st.floats(0, 1e6)), gwp=st.floats(1, 3e4))
def test_the_vector_agrees_with_the_loop(amounts: np.ndarray, gwp: float) -> None:
    np.testing.assert_allclose(run(amounts, gwp).co2e_kg, [kg * gwp for kg in amounts.tolist()], rtol=1e-15)


@pytest.mark.parametrize(("substance", "tonnes"), [("SF6", 47.0), ("HFC-134a", 2.6)])
def test_two_kilograms_are_worth_the_potential_of_the_set(substance: str, tonnes: float) -> None:
    gwp = gwp_set("AR5")

    np.testing.assert_allclose(tonnes_co2e(run([2.0], gwp[substance]), gwp), [tonnes], rtol=1e-14)


def test_the_gases_apart_are_unknown_and_not_0() -> None:
    gases = run([1.0], 1430.0)

    assert np.isnan([gases.co2_kg, gases.co2_biogenic_kg, gases.ch4_kg, gases.n2o_kg]).all()


@pytest.mark.parametrize(
    ("amount", "gwp"), [(-1.0, 1430.0), (np.nan, 1430.0), (1.0, 0.0), (1.0, -1.0), (1.0, np.nan)]
)
def test_what_cannot_be_is_unknown_and_its_neighbour_is_not(amount: float, gwp: float) -> None:
    found = tonnes_co2e(run([amount, 1.0], np.array([gwp, 1430.0])), gwp_set("AR5"))

    np.testing.assert_array_equal(np.isnan(found), [True, False])


def test_no_top_up_is_no_emission() -> None:
    np.testing.assert_array_equal(tonnes_co2e(run([0.0], 1430.0), gwp_set("AR5")), [0.0])
