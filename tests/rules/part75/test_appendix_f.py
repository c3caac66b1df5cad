"""Appendix F against numbers worked out by hand from its definitions, and against itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.american.part75 import appendix_f as f
from rules.american.part75.tables import f_factor
from rules.formulas.stack_gas import co2_mass

GAS = f_factor("part-75", "natural-gas")
COAL = f_factor("part-75", "bituminous")

flows = st.floats(1, 1e9)
moistures = st.floats(0, 60)
fuels = st.sampled_from([GAS, COAL, f_factor("part-75", "sub-bituminous"), f_factor("part-75", "propane")])


def close(found: object, expected: object, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=0)


def test_f11_gives_the_short_tons_of_case_d1() -> None:
    close(f.f11_co2(12.0, 1e7), 68.4)


def test_f11_of_dry_co2_takes_the_dry_part_of_the_flow() -> None:
    close(f.f11_co2_dry(12.0, 1e7, 8.0), 68.4 * 0.92)


def test_f14a_gives_the_co2_of_case_d2() -> None:
    close(f.f14a_co2(3.0, GAS.fc, GAS.fd), 10.22638006141541)
    np.testing.assert_allclose(f.f14a_co2(6.0, COAL.fc, COAL.fd), 13.12120, rtol=0, atol=5e-6)


def test_f14b_gives_the_co2_of_case_d2() -> None:
    close(f.f14b_co2(2.6, 14.0, GAS.fc, GAS.fd), 8.783260729843606)


def test_f31_gives_the_moisture_of_case_d2() -> None:
    close(f.f31_moisture(5.0, 4.6), 8.0)


def test_f18_gives_the_heat_input_of_case_d3() -> None:
    close(f.f18_heat_input(1e7, 8.0, 6.0, COAL.fd), 670.6392305359047)


def test_f16_with_the_co2_of_f14a_gives_the_same_heat_input() -> None:
    """Case D3 again, by the other way round."""
    co2 = f.f14a_co2(6.0, COAL.fc, COAL.fd)

    close(f.f16_heat_input(1e7, 8.0, co2, COAL.fc), 670.6392305359047)


@given(fuel=fuels, flow=flows, moisture=moistures, o2=st.floats(0, 20.8))
def test_dry_o2_and_the_co2_that_follows_from_it_are_one_heat_input(
    fuel: object, flow: float, moisture: float, o2: float
) -> None:
    """F-14a and F-16 are F-18."""
    co2 = f.f14a_co2(o2, fuel.fc, fuel.fd)

    close(f.f16_heat_input(flow, moisture, co2, fuel.fc), f.f18_heat_input(flow, moisture, o2, fuel.fd))


@given(fuel=fuels, flow=flows, moisture=moistures, excess=st.floats(0, 0.9))
def test_wet_o2_and_the_co2_that_follows_from_it_are_one_heat_input(
    fuel: object, flow: float, moisture: float, excess: float
) -> None:
    """F-14b and F-15 are F-17."""
    o2_wet = excess * 20.9 * (100 - moisture) / 100
    co2 = f.f14b_co2(o2_wet, moisture, fuel.fc, fuel.fd)

    close(f.f15_heat_input(flow, co2, fuel.fc), f.f17_heat_input(flow, moisture, o2_wet, fuel.fd), rtol=1e-11)


@given(fuel=fuels, flow=flows, moisture=moistures, o2=st.floats(0, 18))
def test_one_gas_measured_wet_or_dry_is_one_heat_input(
    fuel: object, flow: float, moisture: float, o2: float
) -> None:
    """F-17 of the wet O2 is F-18 of the dry one."""
    wet = o2 * (100 - moisture) / 100

    close(
        f.f17_heat_input(flow, moisture, wet, fuel.fd),
        f.f18_heat_input(flow, moisture, o2, fuel.fd),
        rtol=1e-11,
    )


def test_f31_finds_no_moisture_where_wet_o2_is_above_dry_o2_by_rounding_alone() -> None:
    close(f.f31_moisture(2.9578541772842093, 2.95785417728421), 0.0)


@given(o2=st.floats(0.1, 20), moisture=st.floats(0, 60))
def test_f31_finds_the_moisture_that_made_dry_gas_wet(o2: float, moisture: float) -> None:
    np.testing.assert_allclose(f.f31_moisture(o2, o2 * (100 - moisture) / 100), moisture, rtol=0, atol=1e-10)


def test_f1_and_f2_give_sulfur_dioxide_by_the_constant_that_epa_prints() -> None:
    close(f.f1_so2(500.0, 2e6), 166.0)
    close(f.f2_so2(500.0, 2e6, 10.0), 149.4)


def test_the_constant_of_so2_is_its_molar_mass_per_molar_volume_as_far_as_it_is_printed() -> None:
    """64.06 lb/lb-mol per 385.3 scf/lb-mol and million."""
    close(f.SO2_POUNDS, 64.06 / 385.3 / 1e6, rtol=2e-3)


def test_epas_rounded_constant_of_co2_is_a_fifth_of_a_percent_below_the_ideal_gas() -> None:
    """It is not to be mended: EPA's tonnes are made with it."""
    cubic_metres = 1e7 * 0.3048**3
    exact = co2_mass(cubic_metres, 12.0, reference_temperature=20.0) / 0.45359237 / 2000

    close(f.f11_co2(12.0, 1e7) / exact, 1 - 0.0019, rtol=3e-4)


def test_a_quarter_sums_what_is_known_of_its_hours() -> None:
    rate = np.array([2000.0, np.nan, 1000.0])
    hours = np.array([1.0, 1.0, 0.25])

    assert f.f3_tons(rate, hours) == 1.125
    assert f.f12_tons(rate, hours) == 2250.0


def test_a_quarter_of_which_nothing_is_known_is_unknown() -> None:
    assert np.isnan(f.f12_tons(np.array([np.nan]), np.ones(1)))


@pytest.mark.parametrize(
    "found",
    [
        f.f1_so2(-1.0, 1.0),
        f.f1_so2(1.0, -1.0),
        f.f2_so2(1.0, 1.0, 100.0),
        f.f11_co2(101.0, 1.0),
        f.f14a_co2(-0.1, 1040.0, 8710.0),
        f.f14a_co2(3.0, 1040.0, 0.0),
        f.f14b_co2(3.0, 101.0, 1040.0, 8710.0),
        f.f15_heat_input(1.0, 10.0, 0.0),
        f.f16_heat_input(1.0, -1.0, 10.0, 1040.0),
        f.f17_heat_input(1.0, 10.0, 101.0, 8710.0),
        f.f18_heat_input(np.nan, 10.0, 3.0, 8710.0),
        f.f31_moisture(4.0, 5.0),
        f.f31_moisture(0.0, 0.0),
    ],
)
def test_what_is_outside_the_validity_of_an_equation_is_unknown(found: np.ndarray) -> None:
    assert np.isnan(found)


def test_an_unknown_hour_leaves_the_others_alone() -> None:
    found = f.f18_heat_input(np.array([1e7, np.nan, 1e7]), 8.0, np.array([6.0, 6.0, np.nan]), COAL.fd)

    np.testing.assert_array_equal(np.isnan(found), [False, True, True])
