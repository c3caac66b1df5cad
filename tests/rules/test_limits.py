"""Concentrations for the comparison with a limit: case D6, G7 and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.american.part75.appendix_f import f14a_co2
from rules.american.part75.tables import f_factor
from rules.formulas.limits import at_reference_o2, cmax_2009, dry, fo, fo_is_plausible


@pytest.mark.parametrize(
    ("concentration", "o2", "reference", "air", "expected"),
    [
        (200.0, 9.0, 6.0, 21.0, 250.0),
        (200.0, 9.0, 6.0, 20.9, 250.4201680672269),
        (180.0, 11.0, 7.0, 20.9, 252.72727272727272),
    ],
)
def test_case_d6(concentration: float, o2: float, reference: float, air: float, expected: float) -> None:
    found = at_reference_o2(concentration, o2, reference, air=air)

    np.testing.assert_allclose(found.concentration, expected, rtol=1e-12)


def test_the_air_of_viet_nam_is_the_default() -> None:
    assert (
        at_reference_o2(180.0, 11.0, 7.0).concentration
        == at_reference_o2(180.0, 11.0, 7.0, air=20.9).concentration
    )


@given(concentration=st.floats(0, 5000), o2=st.floats(0, 18.9), reference=st.floats(0, 18))
def test_a_correction_and_the_way_back_give_the_measured_value(
    concentration: float, o2: float, reference: float
) -> None:
    there = at_reference_o2(concentration, o2, reference).concentration
    back = at_reference_o2(there, reference, o2).concentration

    np.testing.assert_allclose(back, concentration, rtol=1e-12, atol=1e-300)


def test_near_air_nothing_is_corrected_and_that_is_said() -> None:
    found = at_reference_o2(np.full(4, 100.0), np.array([18.9, 19.0, 20.9, np.nan]), 7.0)

    np.testing.assert_array_equal(np.isnan(found.concentration), [False, True, True, True])
    np.testing.assert_array_equal(found.start_up, [False, True, True, False])


@pytest.mark.parametrize(
    ("concentration", "o2", "reference"), [(-1.0, 5.0, 6.0), (1.0, -0.1, 6.0), (1.0, 5.0, 20.9)]
)
def test_what_cannot_be_is_unknown(concentration: float, o2: float, reference: float) -> None:
    assert np.isnan(at_reference_o2(concentration, o2, reference).concentration)


def test_a_wet_concentration_is_higher_in_dry_gas() -> None:
    np.testing.assert_allclose(dry(92.0, 8.0), 100.0)


def test_case_g7_the_limit_of_2009_for_a_plant_and_its_zone() -> None:
    np.testing.assert_allclose(cmax_2009(np.array([200.0, 500.0, 850.0]), 0.8, 0.8), [128, 320, 544])


def test_fo_written_out() -> None:
    np.testing.assert_allclose(fo(5.9, 10.0), 1.5)


@pytest.mark.parametrize("fuel", ["natural-gas", "bituminous", "lignite"])
@given(o2=st.floats(0, 18))
def test_o2_and_the_co2_of_the_fuel_fit_together_at_any_excess_of_air(fuel: str, o2: float) -> None:
    factor = f_factor("part-75", fuel)

    assert fo_is_plausible(o2, f14a_co2(o2, factor.fc, factor.fd), fuel)


@pytest.mark.parametrize(("o2", "co2"), [(5.0, 15.0), (np.nan, 9.0), (5.0, 0.0)])
def test_what_does_not_fit_or_is_unknown_is_not_plausible(o2: float, co2: float) -> None:
    assert not fo_is_plausible(o2, co2, "natural-gas")


def test_a_fuel_without_range_is_refused() -> None:
    with pytest.raises(ValueError, match="no range of Fo for 'peat'"):
        fo_is_plausible(5.0, 10.0, "peat")
