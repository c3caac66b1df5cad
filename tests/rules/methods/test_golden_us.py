"""The methods by 40 CFR 75 and 98 against derived and published cases."""

import numpy as np
import pytest

from plant.units import conversion, unit
from rules.american import part98_tables
from rules.catalogue import load_catalogue
from tests.rules.methods.golden import CASES

CATALOGUE = load_catalogue(None)
SHORT_TON = 907.18474  # [kg]


def co2(method: str, inputs: dict[str, float], **parameters: float) -> float:
    """Run a method over one row; return its CO2 in kg."""
    columns = {role: np.array([float(value)]) for role, value in inputs.items()}
    return float(CATALOGUE.emissions(method)(columns, {}, parameters).co2_kg[0])


def expect(case: str, value: str, found: float) -> None:
    assert found == pytest.approx(CASES[case]["expected"][value], rel=0, abs=CASES[case]["abs_tol"])


def test_an_hour_of_a_stack_by_both_parts() -> None:
    case = CASES["D1"]["inputs"]
    gas = {"flow": case["scfh"], "co2": case["co2"]}

    expect("D1", "F11_short_t_h", co2("part75-stack", gas) / SHORT_TON)
    expect("D1", "C6_t_h", co2("part98-stack", gas) / 1000)
    expect("D1", "C7_t_h", co2("part98-stack-dry", {**gas, "moisture": case["h2o"]}) / 1000)


def test_o2_tells_of_co2_what_the_cases_say() -> None:
    """The method of O2 is the method of CO2 with the CO2 of the case."""
    dry, wet = CASES["D2a"], CASES["D2b"]

    by_o2 = co2(
        "part75-stack-o2", {"flow": 1e7, "o2": dry["inputs"]["O2_d"], "moisture": 8.0}, fc=1040, fd=8710
    )
    by_wet_o2 = co2(
        "part75-stack-o2-wet",
        {"flow": 1e7, "o2": wet["inputs"]["O2_w"], "moisture": wet["inputs"]["H2O"]},
        fc=wet["inputs"]["Fc"],
        fd=wet["inputs"]["Fd"],
    )

    by_co2 = co2("part75-stack-dry", {"flow": 1e7, "co2": dry["expected"]["CO2_d"], "moisture": 8.0})
    assert by_o2 == pytest.approx(by_co2, rel=1e-12)
    assert by_wet_o2 == pytest.approx(
        co2("part75-stack", {"flow": 1e7, "co2": wet["expected"]["CO2_w"]}), rel=1e-12
    )


def test_a_million_btu_of_gas_is_case_d4() -> None:
    """0.0594286 short tons, 1040 x 44 / 385 / 2000."""
    assert co2("part75-heat-input", {"energy": 1.0}, fc=1040) / SHORT_TON == pytest.approx(
        0.0594286, abs=5e-8
    )


@pytest.mark.parametrize(
    ("method", "fuel", "published", "digits"),
    [
        ("part98-gas", "natural-gas", 0.05444, 5),
        ("part98-liquid", "distillate-oil-2", 10.21, 2),
        ("part98-liquid", "lpg", 5.68, 2),
        ("part98-liquid", "residual-oil-6", 11.27, 2),
    ],
)
def test_a_unit_of_fuel_is_what_epas_hub_publishes(
    method: str, fuel: str, published: float, digits: int
) -> None:
    row = part98_tables.fuel(fuel)

    found = co2(
        method, {"fuel": 1.0}, hhv=row.hhv, co2_per_heat=row.co2, ch4_per_heat=row.ch4, n2o_per_heat=row.n2o
    )

    assert abs(found - published) <= 0.5 * 10**-digits * (1 + 1e-9)


def test_a_therm_of_gas_is_what_epa_publishes() -> None:
    case = CASES["G2a"]["inputs"]
    rates = {"ch4_per_heat": 0.0, "n2o_per_heat": 0.0}

    expect(
        "G2a",
        "tCO2",
        co2("part98-energy", {"energy": case["mmbtu"]}, co2_per_heat=case["kgC_mmbtu"] * 44 / 12, **rates)
        / 1000,
    )


def test_tier_3_of_a_solid_is_the_carbon_method_but_for_the_rules_rounding() -> None:
    """0.91 t per short ton is 0.31 % more than a short ton has."""
    tonnes = conversion(unit("short_ton"), unit("kg"))[0]

    rule = co2("part98-solid-carbon", {"fuel": 1.0}, carbon=70.0)

    assert rule / co2("fuel-carbon-content", {"mass": tonnes}, carbon=70.0) == pytest.approx(
        910 / 907.18474, rel=1e-12
    )


def test_part_75_stacks_are_a_fifth_of_a_percent_below_the_ideal_gas() -> None:
    flow = conversion(unit("scf@68F"), unit("Nm3"))[0] * 1e7

    ratio = co2("part75-stack", {"flow": 1e7, "co2": 12.0}) / co2("stack-co2", {"flow": flow, "co2": 12.0})

    assert ratio == pytest.approx(1 - 0.0019, abs=1e-4)
