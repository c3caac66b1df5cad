"""docs/defaults.md against GWP sets, EPA's published identities, chemistry, and the ranges of the methods' parameters."""

import re
from fractions import Fraction

import numpy as np
import pytest

from rules.catalogue import load_catalogue
from rules.factors.gwp import gwp_set
from tests.rules.defaults import BLENDS, F_FACTORS, FUELS, f_factors, parameters

CATALOGUE = load_catalogue(None)

# Combustion of pure gases: scf of dry flue gas and of CO2 per mmBtu by equations F-7a and F-7b, from an ultimate analysis
# (H, C in % by mass) and the gross calorific value in Btu/lb.
METHANE = (25.13, 74.87, 23_880.0)
PROPANE = (18.29, 81.71, 21_650.0)


def kilograms(fuel: str) -> float:
    """Return the CO2 of one unit of a fuel by its method [kg]."""
    ones = {"fuel": np.ones(1)}
    gases = CATALOGUE.emissions(FUELS[fuel]["method"])(ones, {}, parameters(fuel))
    return float(gases.co2_kg[0])


@pytest.mark.parametrize("fuel", FUELS)
def test_solid_b6_the_rules_own_defaults_are_plausible(fuel: str) -> None:
    spec = CATALOGUE.methods[FUELS[fuel]["method"]]
    known = {one.name: one for one in spec.parameters}

    assert [told for name, value in parameters(fuel).items() if (told := known[name].doubt(value))] == []


@pytest.mark.parametrize("fuel", F_FACTORS)
def test_solid_b6_the_f_factors_are_plausible(fuel: str) -> None:
    known = {one.name: one for one in CATALOGUE.methods["part75-stack-o2"].parameters}

    assert [told for name, value in f_factors(fuel).items() if (told := known[name].doubt(value))] == []


@pytest.mark.parametrize("row", [*FUELS.values(), *F_FACTORS.values(), *BLENDS.values()])
def test_every_row_says_how_it_was_seen(row: dict[str, str]) -> None:
    assert row["seen"] in {"V", "V2", "M"}


@pytest.mark.parametrize(
    ("fuel", "published", "digit"),
    [
        ("natural-gas", 0.05444, 5e-6),
        ("distillate-oil-2", 10.21, 5e-3),
        ("lpg", 5.68, 5e-3),
        ("residual-oil-6", 11.27, 6e-3),
    ],
)
def test_case_g5_a_unit_of_fuel_is_the_published_kilograms(fuel: str, published: float, digit: float) -> None:
    """No. 6 oil is 11.265 exactly, published half up."""
    np.testing.assert_allclose(kilograms(fuel), published, rtol=0, atol=digit)


@pytest.mark.parametrize(
    ("fuel", "published"),
    [
        ("kerosene", 10.15), ("motor-gasoline", 8.78), ("butane", 6.67), ("ethanol", 5.75), ("biodiesel", 9.45),
        ("wood", 1640), ("municipal-solid-waste", 902), ("tires", 2407), ("plastics", 2850),
        ("agricultural-byproducts", 975), ("solid-biomass-byproducts", 1096), ("coal-coke", 2819),
        ("blast-furnace-gas", 0.02524), ("coke-oven-gas", 0.02806), ("biogas", 0.034106), ("landfill-gas", 0.025254),
    ],
)  # fmt: skip
def test_solid_b9_fuels_are_what_epas_hub_publishes_per_unit(fuel: str, published: float) -> None:
    """Table 1 of the hub of 2021 has HHV and CO2 per unit multiplied out, rounded."""
    np.testing.assert_allclose(kilograms(fuel), published, rtol=1e-3)


@pytest.mark.parametrize("fuel", FUELS)
def test_a_listed_fuel_is_of_the_size_that_its_kind_can_be(fuel: str) -> None:
    """Solids per short ton, liquids per gallon, gas per cubic foot; CO2 from gas to petroleum coke and anthracite."""
    found = parameters(fuel)

    sizes = {"part98-gas": (0.09e-3, 2.6e-3), "part98-liquid": (0.08, 0.16), "part98-solid": (8.0, 38.0)}
    low, high = sizes[FUELS[fuel]["method"]]
    assert low <= found["hhv"] <= high
    assert 46 <= found["co2_per_heat"] <= (275 if fuel == "blast-furnace-gas" else 120)
    assert found["ch4_per_heat"] < 0.04
    assert found["n2o_per_heat"] < 0.005


def test_solid_b9_biomass_is_biogenic_and_waste_in_part() -> None:
    assert {fuel for fuel, row in FUELS.items() if row["biogenic"]} == {
        "wood", "agricultural-byproducts", "solid-biomass-byproducts", "landfill-gas", "biogas", "ethanol", "biodiesel",
        "rendered-animal-fat", "vegetable-oil",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fuel", "ch4", "n2o"),
    [
        ("natural-gas", 1e-3, 1e-4), ("kerosene", 3e-3, 6e-4), ("bituminous", 1.1e-2, 1.6e-3), ("wood", 7.2e-3, 3.6e-3),
        ("agricultural-byproducts", 3.2e-2, 4.2e-3), ("municipal-solid-waste", 3.2e-2, 4.2e-3), ("biogas", 3.2e-3, 6.3e-4),
        ("biodiesel", 1.1e-3, 1.1e-4), ("blast-furnace-gas", 2.2e-5, 1e-4), ("coke-oven-gas", 4.8e-4, 1e-4),
    ],
)  # fmt: skip
def test_a_fuel_takes_the_methane_and_nitrous_oxide_of_its_kind(fuel: str, ch4: float, n2o: float) -> None:
    found = parameters(fuel)

    assert (found["ch4_per_heat"], found["n2o_per_heat"]) == (ch4, n2o)


@pytest.mark.parametrize("fuel", F_FACTORS)
def test_every_f_factor_is_of_the_size_that_combustion_gives(fuel: str) -> None:
    """Dry flue gas is 8,700 to 10,300 scf/mmBtu for all fuels; between a tenth and a fifth of it is CO2."""
    found = f_factors(fuel)

    assert 8_700 <= found["fd"] <= 10_300
    assert 0.119 <= found["fc"] / found["fd"] <= 0.2


@pytest.mark.parametrize(("fuel", "analysis"), [("natural-gas", METHANE), ("propane", PROPANE)])
def test_the_listed_f_factors_follow_from_the_composition_of_the_fuel(
    fuel: str, analysis: tuple[float, float, float]
) -> None:
    """Within 4 %: natural gas is not pure methane."""
    listed = f_factors(fuel)
    hydrogen, carbon, gcv = analysis

    np.testing.assert_allclose(1e6 * (3.64 * hydrogen + 1.53 * carbon) / gcv, listed["fd"], rtol=0.02)
    np.testing.assert_allclose(321e3 * carbon / gcv, listed["fc"], rtol=0.04)


def test_sub_bituminous_coal_is_not_that_of_method_19() -> None:
    """2.2 % in heat input by CO2."""
    assert f_factors("sub-bituminous") == {"fc": 1840, "fd": 9820}


@pytest.mark.parametrize("name", ["SAR", "AR4", "AR5", "AR6"])
@pytest.mark.parametrize("blend", BLENDS)
def test_a_blend_has_the_potential_of_its_parts_under_each_set(blend: str, name: str) -> None:
    parts = {gas: int(share) for share, gas in re.findall(r"(\d+) % ([\w-]+)", BLENDS[blend]["parts"])}

    potential = sum(share * Fraction(str(gwp_set(name)[gas])) for gas, share in parts.items()) / 100
    assert sum(parts.values()) == 100
    assert Fraction(BLENDS[blend][name]) == potential


@pytest.mark.parametrize(("rounded", "blend"), [(2088, "R-410A"), (3922, "R-404A"), (1774, "R-407C")])
def test_printed_tables_round_what_is_not_rounded_here(rounded: int, blend: str) -> None:
    assert round(float(BLENDS[blend]["AR4"]) + 1e-9) == rounded
