"""Published and derived cases of steam, processes, gases and water, and the facility that they make together."""

import numpy as np
import pytest

from rules.catalogue import Register, load_catalogue
from rules.factors.gases import Gases, tonnes_co2e
from rules.methods.steam_full_enthalpy import efficiency
from tests.rules.methods.golden import CASES

IN_2023 = np.array([np.datetime64("2023-07-01T00:00", "ns").astype(np.int64)])
AT_20_DEGC = 273.15 / 293.15  # Nm3 per m3 at 20 degC


@pytest.fixture(scope="module")
def catalogue() -> Register:
    return load_catalogue(None)


def run(
    catalogue: Register, method: str, role: str, amount: float, factor: str = "", **parameters: float
) -> Gases:
    values = catalogue.factor_at(factor, IN_2023) if factor else {}
    return catalogue.emissions(method)({role: np.array([float(amount)])}, values, parameters)


def expect(case: str, value: str, found: np.ndarray) -> None:
    np.testing.assert_allclose(found, [CASES[case]["expected"][value]], rtol=0, atol=CASES[case]["abs_tol"])


def steam(catalogue: Register, tonnes: float) -> Gases:
    """Steam of G1d; the case's boiler burns diesel."""
    case = CASES["G1d"]["inputs"]
    assert case["ef_kg_tj"] == 74100
    return run(
        catalogue,
        "steam-full-enthalpy",
        "steam",
        tonnes * 1000,
        "vn-2626-diesel",
        enthalpy=case["enthalpy_kj_kg"],
        boiler_efficiency=case["eta"] * 100,
    )


def mine(catalogue: Register) -> Gases:
    case = CASES["G1e"]["inputs"]
    return run(catalogue, "coal-mine", "coal", case["coal_t"] * 1000, gas_content=case["m3_t"])


def flare(catalogue: Register) -> Gases:
    case = CASES["G1f"]["inputs"]
    return run(
        catalogue, "methane-flare", "gas", case["m3"] * AT_20_DEGC, methane=100, destruction=case["eta"] * 100
    )


def leak(catalogue: Register, kilograms: float, gwp: str) -> np.ndarray:
    """R-134a topped up, in tCO2e."""
    potential = catalogue.gwp_set(gwp)["HFC-134a"]
    gases = run(catalogue, "refrigerant-top-up", "refrigerant", kilograms, gwp=potential)
    return tonnes_co2e(gases, catalogue.gwp_set(gwp))


def test_a_thousand_tonnes_of_steam_are_what_circular_38_gives_with_its_corrected_divisor(
    catalogue: Register,
) -> None:
    case = CASES["G1d"]["inputs"]

    expect("G1d", "tCO2", steam(catalogue, case["steam_t"]).co2_kg / 1000)
    per_tonne = steam(catalogue, 1.0).co2_kg / 1000
    np.testing.assert_allclose(per_tonne, [CASES["G1d"]["expected"]["ef_t_t"]], rtol=0, atol=5e-7)


def test_the_efficiency_of_the_golden_steam_is_within(catalogue: Register) -> None:
    np.testing.assert_allclose(efficiency(CASES["G1d"]["inputs"]["eta"] * 100), 0.85, rtol=1e-15)


def test_a_coal_mine_is_what_circular_38_gives(catalogue: Register) -> None:
    gases = mine(catalogue)

    expect("G1e", "tCH4", gases.ch4_kg / 1000)
    expect("G1e", "tCO2e_AR4", tonnes_co2e(gases, catalogue.gwp_set("AR4")))
    expect("G1e", "tCO2e_AR5", tonnes_co2e(gases, catalogue.gwp_set("AR5")))


def test_a_flare_is_what_circular_38_gives(catalogue: Register) -> None:
    gases = flare(catalogue)

    expect("G1f", "tCO2", gases.co2_kg / 1000)
    expect("G1f", "tCH4", gases.ch4_kg / 1000)


def test_ten_kilograms_of_r_134a_topped_up(catalogue: Register) -> None:
    expect("G1g", "tCO2e", leak(catalogue, CASES["G1g"]["inputs"]["kg"], "AR4"))


def test_the_facility_of_circular_38_adds_up(catalogue: Register) -> None:
    gwp = catalogue.gwp_set(CASES["G1h"]["inputs"]["gwp"])
    coal = run(catalogue, "fuel-energy", "energy", 10_000, "vn-2626-anthracite")
    grid = run(catalogue, "electricity-location", "energy", 1_000_000, "vn-grid")
    indirect = tonnes_co2e(grid, gwp) + tonnes_co2e(steam(catalogue, 1000), gwp)

    direct = sum(tonnes_co2e(gases, gwp) for gases in (coal, mine(catalogue), flare(catalogue)))

    expect("G1h", "indirect", indirect)
    expect("G1h", "tCO2e", direct + leak(catalogue, 10, gwp.name) + indirect)


def test_a_year_of_wastewater_is_65_7_tonnes_of_methane(catalogue: Register) -> None:
    """D11: 2,000 m3/d, 1.2 kg COD/m3, B0 0.25, MCF 0.3."""
    factor = catalogue.factor_at("vn-2626-industrial-wastewater-aerobic", IN_2023)
    inputs = {"volume": np.array([2000.0 * 365]), "cod": np.array([1.2])}

    gases = catalogue.emissions("wastewater-cod")(inputs, factor, {})

    np.testing.assert_allclose(gases.ch4_kg, [65_700], rtol=1e-14)


def test_ten_tonnes_of_nitrogen_are_157_kilograms_of_nitrous_oxide(catalogue: Register) -> None:
    """D11: 0.01 kg N2O-N/kg N."""
    factor = catalogue.factor_at("vn-2626-wastewater-nitrogen", IN_2023)
    inputs = {"volume": np.array([200_000.0]), "nitrogen": np.array([0.05])}

    gases = catalogue.emissions("wastewater-nitrogen")(inputs, factor, {})

    np.testing.assert_allclose(gases.n2o_kg, [157.142857142857], rtol=1e-13)


@pytest.mark.parametrize(("dust", "tonnes"), [(1.0, 0.51025), (1.02, 0.520455)])
def test_clinker_by_its_lime(catalogue: Register, dust: float, tonnes: float) -> None:
    """D14: 0.785 x 0.65, and x 1.02."""
    gases = run(catalogue, "clinker-lime-content", "clinker", 1000, lime=65, kiln_dust_correction=dust)

    np.testing.assert_allclose(gases.co2_kg / 1000, [tonnes], rtol=1e-14)


@pytest.mark.parametrize(
    ("factor", "kilograms"),
    [
        ("vn-2626-clinker", 525),
        ("vn-2626-high-calcium-lime", 750),
        ("vn-2626-dolomitic-lime", 770),
        ("vn-2626-float-glass", 210),
        ("vn-2626-steel-bof", 2470),
        ("vn-2626-steel-eaf", 60),
    ],
)
def test_a_tonne_of_product_is_the_factor_of_decision_2626_and_no_correction_factor(
    catalogue: Register, factor: str, kilograms: float
) -> None:
    gases = run(catalogue, "process-product", "product", 1000, factor)

    np.testing.assert_allclose(gases.co2_kg, [kilograms], rtol=1e-14)


def test_a_tonne_of_nitric_acid_is_eight_kilograms_of_nitrous_oxide(catalogue: Register) -> None:
    gases = run(catalogue, "nitric-acid", "acid", 1000, "vn-2626-nitric-acid")

    np.testing.assert_allclose(gases.n2o_kg, [8], rtol=1e-14)


def test_the_guideline_of_2006_and_that_of_2019_differ_ten_times_in_aerobic_treatment(
    catalogue: Register,
) -> None:
    """So the year is part of the factor's name."""
    inputs = {"volume": np.array([1000.0]), "bod": np.array([0.3])}
    run_with = catalogue.emissions("wastewater-bod")

    national, refined = (
        run_with(inputs, catalogue.factor_at(f"{name}-domestic-wastewater-aerobic", IN_2023), {}).ch4_kg
        for name in ("vn-2626", "ipcc-2019")
    )

    np.testing.assert_allclose(national, [54], rtol=1e-14)
    np.testing.assert_allclose(refined, [5.4], rtol=1e-14)
