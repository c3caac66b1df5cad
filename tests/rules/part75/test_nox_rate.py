"""The NOx rate in every moisture case: one gas has one rate, however it is measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.american.part75.appendix_f import f14a_co2, f18_heat_input
from rules.american.part75.nox_rate import RATES, equation_for, f24a_nox, f26a_nox, f26b_nox, nox_rate
from rules.american.part75.tables import diluent_cap, f_factor

GAS = f_factor("part-75", "natural-gas")
COAL = f_factor("part-75", "bituminous")
BOILER, TURBINE = diluent_cap("boiler"), diluent_cap("turbine")
K = 1.194e-7

concentrations = st.just(0.0) | st.floats(1e-3, 1000)


def close(found: object, expected: object, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=0)


def test_f5_written_out() -> None:
    close(nox_rate("F-5", 100.0, 5.0, 8710.0), 1.194e-7 * 100 * 8710 * 20.9 / 15.9)


def test_f6_written_out() -> None:
    close(nox_rate("F-6", 100.0, 12.5, 1800.0), 1.194e-7 * 100 * 1800 * 8)


def test_19_2_takes_the_moisture_of_ambient_air() -> None:
    close(nox_rate("19-2", 100.0, 5.0, 10610.0), K * 100 * 10610 * 20.9 / (20.9 * 0.973 - 5))


@given(nox=concentrations, o2=st.floats(0, 18), moisture=st.floats(0, 40))
def test_one_gas_has_one_rate_in_every_moisture_case(nox: float, o2: float, moisture: float) -> None:
    """F-5, 19-3, 19-4, 19-5 with O2, and F-6, 19-8, 19-9 with the CO2 that belongs to it."""
    share = (100 - moisture) / 100
    co2 = float(f14a_co2(o2, COAL.fc, COAL.fd))

    found = [
        nox_rate("19-3", nox * share, o2 * share, COAL.fd, moisture=moisture),
        nox_rate("19-4", nox * share, o2, COAL.fd, moisture=moisture),
        nox_rate("19-5", nox, o2 * share, COAL.fd, moisture=moisture),
        nox_rate("F-6", nox, co2, COAL.fc),
        nox_rate("F-6", nox * share, co2 * share, COAL.fc),
        nox_rate("19-8", nox * share, co2, COAL.fc, moisture=moisture),
        nox_rate("19-9", nox, co2 * share, COAL.fc, moisture=moisture),
    ]

    close(found, np.full(7, nox_rate("F-5", nox, o2, COAL.fd)), rtol=1e-10)


@given(nox=concentrations, o2=st.floats(0, 18), moisture=st.floats(0, 40), flow=st.floats(1, 1e8))
def test_rate_times_heat_input_is_concentration_times_flow(
    nox: float, o2: float, moisture: float, flow: float
) -> None:
    """F-24a of F-5 and F-18 is F-26b, and F-26a of the wet concentration."""
    mass = f24a_nox(nox_rate("F-5", nox, o2, GAS.fd), f18_heat_input(flow, moisture, o2, GAS.fd))

    close(mass, f26b_nox(nox, flow, moisture), rtol=1e-10)
    close(mass, f26a_nox(nox * (100 - moisture) / 100, flow), rtol=1e-10)


def test_the_equation_follows_from_what_is_wet() -> None:
    found = {
        (nox, diluent, wet): equation_for(nox_wet=nox, diluent=diluent, diluent_wet=wet)
        for nox in (False, True)
        for diluent in ("O2", "CO2")
        for wet in (False, True)
    }

    assert found == {
        (False, "O2", False): "F-5",
        (False, "O2", True): "19-5",
        (True, "O2", False): "19-4",
        (True, "O2", True): "19-3",
        (False, "CO2", False): "F-6",
        (True, "CO2", True): "F-6",
        (True, "CO2", False): "19-8",
        (False, "CO2", True): "19-9",
    }
    assert set(found.values()) <= set(RATES)


@pytest.mark.parametrize(
    ("o2", "known"), [(20.3, True), (20.4, True), (20.41, False), (20.9, False), (21.0, False)]
)
def test_a_rate_so_near_to_air_is_refused(o2: float, known: bool) -> None:
    """Where 20.9 less O2 is below 0.5."""
    assert bool(np.isfinite(nox_rate("F-5", 10.0, o2, 8710.0))) is known


@pytest.mark.parametrize("equation", ["19-2", "19-3", "19-5"])
def test_it_is_refused_with_wet_o2_too(equation: str) -> None:
    assert np.isnan(nox_rate(equation, 10.0, 19.9, 8710.0, moisture=10.0))


@pytest.mark.parametrize(
    ("cap", "o2", "taken"),
    [(BOILER, 13.9, 13.9), (BOILER, 14.1, 14.0), (TURBINE, 18.0, 18.0), (TURBINE, 20.8, 19.0)],
)
def test_a_higher_o2_than_the_cap_is_the_cap(cap: object, o2: float, taken: float) -> None:
    close(nox_rate("F-5", 10.0, o2, 8710.0, cap=cap), nox_rate("F-5", 10.0, taken, 8710.0))


@pytest.mark.parametrize(
    ("cap", "co2", "taken"), [(BOILER, 5.1, 5.1), (BOILER, 0.0, 5.0), (TURBINE, 0.4, 1.0)]
)
def test_a_lower_co2_than_the_cap_is_the_cap(cap: object, co2: float, taken: float) -> None:
    close(nox_rate("F-6", 10.0, co2, 1040.0, cap=cap), nox_rate("F-6", 10.0, taken, 1040.0))


def test_a_wet_o2_above_the_cap_becomes_the_dry_o2_of_the_cap() -> None:
    """Equations 19-3D and 19-5D: the cap is the O2 of dry gas, whatever the monitor measures."""
    as_3d = nox_rate("19-3", 9.0, 15.0, 8710.0, moisture=10.0, cap=BOILER)
    as_5d = nox_rate("19-5", 10.0, 15.0, 8710.0, moisture=10.0, cap=BOILER)

    close([as_3d, as_5d], np.full(2, nox_rate("F-5", 10.0, 14.0, 8710.0)))


@pytest.mark.parametrize("equation", ["F-5", "19-3", "F-6"])
def test_the_cap_does_not_stand_for_an_unknown_diluent(equation: str) -> None:
    assert np.isnan(nox_rate(equation, 10.0, np.nan, 1040.0, moisture=10.0, cap=BOILER))


@pytest.mark.parametrize("equation", ["19-3", "19-4", "19-5", "19-8", "19-9"])
def test_an_equation_with_moisture_needs_it(equation: str) -> None:
    assert np.isnan(nox_rate(equation, 10.0, 5.0, 8710.0))


def test_a_negative_concentration_is_unknown() -> None:
    assert np.isnan(nox_rate("F-5", -0.1, 5.0, 8710.0))


def test_f8_is_no_equation_for_nox() -> None:
    """It prorates F-factors."""
    with pytest.raises(ValueError, match="no equation 'F-8' for the NOx rate, only F-5"):
        nox_rate("F-8", 10.0, 5.0, 8710.0)
