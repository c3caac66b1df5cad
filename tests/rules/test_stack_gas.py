"""Stack gas: case D5, the ideal gas law at any reference, and what a ppm weighs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.formulas.stack_gas import (
    MOLAR_MASS,
    actual_flow,
    co2_mass,
    density,
    dry_concentration,
    dry_flow,
    mg_per_ppm,
    nox_as_no2,
    pollutant_mass,
    reference_flow,
    wet_concentration,
)
from tests.rules.methods.golden import CASES

D5 = CASES["D5"]
STACK, EXPECTED = D5["inputs"], D5["expected"]


def test_case_d5_from_velocity_to_co2() -> None:
    actual = actual_flow(STACK["v"], math.pi * STACK["D"] ** 2 / 4)
    wet = reference_flow(actual, STACK["T"], STACK["P_kPa"])
    dry = dry_flow(wet, STACK["H2O"])
    co2 = co2_mass(dry, STACK["CO2_d"])

    found = [actual, wet, dry, co2]
    expected = [EXPECTED[name] for name in ("Qa", "Qn_wet", "Qn_dry", "CO2_kg_h")]
    np.testing.assert_allclose(found, expected, rtol=0, atol=D5["abs_tol"])


@given(
    flow=st.floats(1, 1e7),
    temperature=st.floats(-40, 600),
    pressure=st.floats(80, 130),
    co2=st.floats(0.01, 30),
    reference=st.floats(-10, 40),
)
def test_the_reference_conditions_do_not_change_the_mass(
    flow: float, temperature: float, pressure: float, co2: float, reference: float
) -> None:
    at_0 = co2_mass(reference_flow(flow, temperature, pressure), co2)
    elsewhere = co2_mass(reference_flow(flow, temperature, pressure, reference), co2, reference)

    np.testing.assert_allclose(elsewhere, at_0, rtol=1e-12)


@pytest.mark.parametrize(
    ("celsius", "printed"), [(0, "1.96349"), (15, "1.86127"), (20, "1.82953"), (25, "1.79885")]
)
def test_the_density_of_co2_is_the_printed_one(celsius: float, printed: str) -> None:
    assert f"{density('CO2', celsius):.5f}" == printed


@pytest.mark.parametrize(
    ("gas", "printed"),
    [
        ("NO2", ("2.0525", "1.9125", "1.8804")),
        ("NO", ("1.3387", "1.2474", "1.2265")),
        ("SO2", ("2.8583", "2.6633", "2.6186")),
        ("CO", ("1.2497", "1.1644", "1.1449")),
    ],
)
def test_what_a_ppm_weighs_is_the_printed_factor(gas: str, printed: tuple[str, ...]) -> None:
    assert tuple(f"{mg_per_ppm(gas, celsius):.4f}" for celsius in (0, 20, 25)) == printed


@given(ppm=st.floats(1, 5000), celsius=st.floats(-10, 40), gas=st.sampled_from(sorted(MOLAR_MASS)))
def test_the_mass_of_a_pollutant_does_not_depend_on_the_reference_either(
    ppm: float, celsius: float, gas: str
) -> None:
    at_0 = pollutant_mass(1000.0, ppm * mg_per_ppm(gas))
    elsewhere = pollutant_mass(1000.0 * (273.15 + celsius) / 273.15, ppm * mg_per_ppm(gas, celsius))

    np.testing.assert_allclose(elsewhere, at_0, rtol=1e-12)


def test_nox_counts_as_no2() -> None:
    np.testing.assert_allclose(nox_as_no2(90.0, 10.0), 205.254, atol=5e-3, rtol=0)


def test_dust_is_flow_times_concentration() -> None:
    np.testing.assert_allclose(pollutant_mass(100_000.0, 30.0), 3.0)


@given(concentration=st.floats(1e-3, 1e4), moisture=st.floats(0, 99))
def test_dry_and_wet_undo_each_other(concentration: float, moisture: float) -> None:
    there = dry_concentration(concentration, moisture)

    np.testing.assert_allclose(wet_concentration(there, moisture), concentration, rtol=1e-12)


@pytest.mark.parametrize(
    "found",
    [
        actual_flow(-1.0, 1.0),
        actual_flow(1.0, 0.0),
        reference_flow(1.0, -273.15, 100.0),
        reference_flow(1.0, 100.0, 0.0),
        dry_flow(1.0, 100.0),
        dry_concentration(1.0, -0.1),
        wet_concentration(np.nan, 10.0),
        nox_as_no2(10.0, -1.0),
        pollutant_mass(1.0, -1.0),
        pollutant_mass(np.nan, 1.0),
        co2_mass(1.0, 101.0),
    ],
)
def test_what_cannot_be_is_unknown(found: np.ndarray) -> None:
    assert np.isnan(found)
