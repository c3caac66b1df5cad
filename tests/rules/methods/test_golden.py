"""The methods against published examples, and against numbers derived from the stated formulas."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from plant.units import conversion, unit
from rules.catalogue import Register, load_catalogue
from rules.factors.gases import Gases, tonnes_co2e
from tests.rules.methods.golden import CASES

IN_2023 = np.array([np.datetime64("2023-07-01T00:00", "ns").astype(np.int64)])

FUELS = {
    "D8_diesel_1000t": "vn-2626-diesel",
    "D8_hfo_1000t": "vn-2626-fuel-oil",
    "D8_lpg_1000t": "vn-2626-lpg",
    "D8_anth_1000t": "vn-2626-anthracite",
    "D8_subbit_1000t": "ipcc-2006-sub-bituminous-coal",
    "D8_ng_1000t": "vn-2626-natural-gas",
    "D8_wood_1000t": "ipcc-2006-wood",
}


@pytest.fixture(scope="module")
def catalogue() -> Register:
    return load_catalogue(None)


def run(catalogue: Register, method: str, factor: str, inputs: Mapping[str, float]) -> Gases:
    """Run a method over one row, with a shipped factor as it was in 2023."""
    columns = {role: np.array([value]) for role, value in inputs.items()}
    return catalogue.emissions(method)(columns, catalogue.factor_at(factor, IN_2023), {})


def given(case: str, value: str, source: str, target: str) -> float:
    """Return an input of a case in another unit."""
    return float(CASES[case]["inputs"][value]) * conversion(unit(source), unit(target))[0]


def expect(case: str, value: str, found: np.ndarray) -> None:
    np.testing.assert_allclose(found, [CASES[case]["expected"][value]], rtol=0, atol=CASES[case]["abs_tol"])


def test_ten_terajoules_of_anthracite_are_the_tonnes_of_co2_that_circular_38_gives(
    catalogue: Register,
) -> None:
    gases = run(catalogue, "fuel-energy", "vn-2626-anthracite", {"energy": given("G1a", "tj", "TJ", "GJ")})

    expect("G1a", "tCO2", gases.co2_kg / 1000)


def test_the_same_anthracite_with_methane_and_nitrous_oxide_under_ar4(catalogue: Register) -> None:
    gases = run(catalogue, "fuel-energy", "vn-2626-anthracite", {"energy": given("G1b", "tj", "TJ", "GJ")})

    expect("G1b", "tCO2e", tonnes_co2e(gases, catalogue.gwp_set(CASES["G1b"]["inputs"]["gwp"])))


def test_a_thousand_megawatt_hours_of_2023_are_the_tonnes_that_circular_38_gives(catalogue: Register) -> None:
    gases = run(catalogue, "electricity-location", "vn-grid", {"energy": given("G1c", "mwh", "MWh", "kWh")})

    expect("G1c", "tCO2", tonnes_co2e(gases, catalogue.gwp_set("AR5")))


def test_a_therm_of_gas_is_what_epa_publishes(catalogue: Register) -> None:
    energy = given("G2a", "mmbtu", "mmBtu", "GJ")
    co2 = given("G2a", "kgC_mmbtu", "kg/mmBtu", "kg/GJ") * 44 / 12

    gases = catalogue.emissions("fuel-energy")({"energy": np.array([energy])}, fossil(co2), {})

    expect("G2a", "tCO2", gases.co2_kg / 1000)


def test_a_pound_of_coal_is_what_epa_publishes(catalogue: Register) -> None:
    co2 = given("G2b", "kgC_mmbtu", "kg/mmBtu", "kg/GJ") * 44 / 12
    ncv = given("G2b", "mmbtu_t", "mmBtu/t", "GJ/t")
    pound = conversion(unit("lb"), unit("kg"))[0]

    gases = catalogue.emissions("fuel-mass-own-ncv")({"mass": np.array([pound])}, fossil(co2), {"ncv": ncv})

    expect("G2b", "tCO2_lb", gases.co2_kg / 1000)


def fossil(co2: float) -> dict[str, np.ndarray]:
    """Return a factor of CO2 alone. [kg/GJ]"""
    return {"co2": np.array([co2]), "co2_biogenic": np.zeros(1), "ch4": np.zeros(1), "n2o": np.zeros(1)}


@pytest.mark.parametrize("case", FUELS)
def test_a_thousand_tonnes_of_fuel_give_each_gas_and_their_sum(catalogue: Register, case: str) -> None:
    gases = run(catalogue, "fuel-mass", FUELS[case], {"mass": 1e6})

    expect(case, "tCO2", (gases.co2_kg + gases.co2_biogenic_kg) / 1000)
    expect(case, "tCH4", gases.ch4_kg / 1000)
    expect(case, "tN2O", gases.n2o_kg / 1000)
    all_of_it = tonnes_co2e(gases, catalogue.gwp_set("AR5")) + gases.co2_biogenic_kg / 1000
    expect(case, "tCO2e_AR5_incl_CO2", all_of_it)


def test_the_co2_of_wood_is_a_memo_and_only_its_other_gases_are_reported(catalogue: Register) -> None:
    """1,747.2 t beside the total; 0.468 t CH4 and 0.0624 t N2O are 29.64 tCO2e within it."""
    gases = run(catalogue, "fuel-mass", "ipcc-2006-wood", {"mass": 1e6})

    np.testing.assert_allclose(gases.co2_kg, [0], atol=0)
    np.testing.assert_allclose(gases.co2_biogenic_kg, [1_747_200], rtol=1e-14)
    np.testing.assert_allclose(tonnes_co2e(gases, catalogue.gwp_set("AR5")), [29.64], rtol=1e-14)


def stack_of_d5() -> tuple[float, float]:
    """Return what flows in an hour: actual volume, and wet volume at 0 degC and 101.325 kPa. [m3], [Nm3]"""
    stack = CASES["D5"]["inputs"]
    actual = stack["v"] * math.pi * stack["D"] ** 2 / 4 * 3600
    return actual, actual * 273.15 / (273.15 + stack["T"]) * stack["P_kPa"] / 101.325


def test_an_hour_of_a_wet_stack_with_a_dry_analyser(catalogue: Register) -> None:
    stack = CASES["D5"]["inputs"]
    actual, wet = stack_of_d5()
    inputs = {
        "flow": np.array([wet]),
        "co2": np.array([stack["CO2_d"]]),
        "moisture": np.array([stack["H2O"]]),
    }

    gases = catalogue.emissions("stack-co2-wet-flow")(inputs, {}, {})

    expect("D5", "Qa", np.array([actual]))
    expect("D5", "Qn_wet", np.array([wet]))
    expect("D5", "CO2_kg_h", gases.co2_kg)


@pytest.mark.parametrize("symbol", ["Nm3", "Nm3@25C", "Sm3", "scf@60F", "scf@68F"])
def test_the_conditions_that_a_flow_refers_to_do_not_change_its_co2(catalogue: Register, symbol: str) -> None:
    """The volume is worked out here at other conditions, and comes back through the unit table."""
    kelvin = {
        "Nm3": 273.15,
        "Nm3@25C": 298.15,
        "Sm3": 288.15,
        "scf@60F": 519.67 / 1.8,
        "scf@68F": 527.67 / 1.8,
    }
    cubic_metre = 1 / 0.3048**3 if symbol.startswith("scf") else 1.0
    case = CASES["D5"]
    volume = case["expected"]["Qn_dry"] * kelvin[symbol] / 273.15 * cubic_metre
    scale, _ = conversion(unit(symbol), unit("Nm3"))

    inputs = {"flow": np.array([volume]) * scale, "co2": np.array([case["inputs"]["CO2_d"]])}
    gases = catalogue.emissions("stack-co2")(inputs, {}, {})

    np.testing.assert_allclose(gases.co2_kg, [case["expected"]["CO2_kg_h"]], rtol=1e-12)
