"""Appendix F against numbers worked out by hand from its definitions, and against the gas that wet and dry O2 are of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.american.part75 import appendix_f as f
from tests.rules.defaults import f_factors

GAS, COAL = f_factors("natural-gas"), f_factors("bituminous")
fuels = st.sampled_from([GAS, COAL, f_factors("sub-bituminous"), f_factors("propane")])


def close(found: object, expected: object, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=0)


def test_f11_gives_the_short_tons_of_case_d1() -> None:
    close(f.f11_co2(12.0, 1e7), 68.4)


def test_f11_of_dry_co2_takes_the_dry_part_of_the_flow() -> None:
    close(f.f11_co2_dry(12.0, 1e7, 8.0), 68.4 * 0.92)


def test_f14a_gives_the_co2_of_case_d2() -> None:
    close(f.f14a_co2(3.0, **GAS), 10.22638006141541)
    np.testing.assert_allclose(f.f14a_co2(6.0, **COAL), 13.12120, rtol=0, atol=5e-6)


def test_f14b_gives_the_co2_of_case_d2() -> None:
    close(f.f14b_co2(2.6, 14.0, **GAS), 8.783260729843606)


@given(fuel=fuels, moisture=st.floats(0, 60), o2=st.floats(0, 18))
def test_one_gas_measured_wet_or_dry_has_one_co2(fuel: dict[str, float], moisture: float, o2: float) -> None:
    """F-14b of the wet O2 is the wet part of F-14a of the dry one."""
    dry = (100 - moisture) / 100

    close(f.f14b_co2(o2 * dry, moisture, **fuel), f.f14a_co2(o2, **fuel) * dry, rtol=1e-11)


def test_epas_rounded_constant_of_co2_is_a_fifth_of_a_percent_below_the_ideal_gas() -> None:
    """It is not to be mended: EPA's tonnes are made with it."""
    kilomoles = 1e7 * 0.3048**3 * 101.325 / (8.314462618 * 293.15)
    exact = kilomoles * 0.12 * 44.0095 / 0.45359237 / 2000

    close(f.f11_co2(12.0, 1e7) / exact, 1 - 0.0019, rtol=3e-4)


def test_a_quarter_sums_what_is_known_of_its_hours() -> None:
    assert f.f12_tons(np.array([2000.0, np.nan, 1000.0]), np.array([1.0, 1.0, 0.25])) == 2250.0


def test_a_quarter_of_which_nothing_is_known_is_unknown() -> None:
    assert np.isnan(f.f12_tons(np.array([np.nan]), np.ones(1)))


@pytest.mark.parametrize(
    "found",
    [
        f.f11_co2(101.0, 1.0),
        f.f11_co2(1.0, -1.0),
        f.f11_co2_dry(1.0, 1.0, 100.0),
        f.f14a_co2(-0.1, 1040.0, 8710.0),
        f.f14a_co2(3.0, 1040.0, 0.0),
        f.f14b_co2(3.0, 101.0, 1040.0, 8710.0),
    ],
)
def test_what_is_outside_the_validity_of_an_equation_is_unknown(found: np.ndarray) -> None:
    assert np.isnan(found)
