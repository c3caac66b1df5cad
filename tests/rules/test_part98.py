"""40 CFR 98.33: each equation written out, EPA's published identities, and the tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.american import part98
from rules.american.part98_tables import fuel, fuels, methane_and_nitrous_oxide
from tests.rules.methods.golden import CASES

KG_C_TO_CO2 = 44 / 12


def close(found: object, expected: object, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=0)


def test_case_d1_by_tier_4() -> None:
    close(part98.c6(12.0, 1e7), 62.16)
    close(part98.c7(part98.c6(12.0, 1e7), 8.0), 57.1872)


def test_case_g2_a_therm_of_gas() -> None:
    case = CASES["G2a"]

    found = part98.c1a(1.0, case["inputs"]["kgC_mmbtu"] * KG_C_TO_CO2)

    np.testing.assert_allclose(found, case["expected"]["tCO2"], rtol=0, atol=case["abs_tol"])


def test_case_g2_a_thousand_cubic_feet_of_gas() -> None:
    """10.37 therms, published as 0.0549 t with the digits of the therm."""
    np.testing.assert_allclose(part98.c1a(10.37, 14.43 * KG_C_TO_CO2), 0.05487, rtol=0, atol=5e-6)


def test_case_g2_a_pound_of_coal() -> None:
    case = CASES["G2b"]
    pound = 0.45359237e-3

    found = part98.c1(pound, case["inputs"]["mmbtu_t"], case["inputs"]["kgC_mmbtu"] * KG_C_TO_CO2)

    np.testing.assert_allclose(found, case["expected"]["tCO2_lb"], rtol=0, atol=case["abs_tol"])


@pytest.mark.parametrize(
    ("name", "published", "digit"),
    [
        ("natural-gas", 0.05444, 5e-6),
        ("distillate-oil-2", 10.21, 5e-3),
        ("lpg", 5.68, 5e-3),
        ("residual-oil-6", 11.27, 6e-3),
    ],
)
def test_case_g5_a_unit_of_fuel_is_the_published_kilograms(name: str, published: float, digit: float) -> None:
    """No. 6 oil is 11.265 exactly, published half up."""
    found = fuel(name)

    kilograms = part98.c1(1.0, found.hhv, found.co2) * 1000

    np.testing.assert_allclose(kilograms, published, rtol=0, atol=digit)


@given(
    mmbtu=st.floats(1e-3, 1e9),
    ef=st.floats(1, 150),
    hhv=st.floats(1e-3, 40),
)
def test_fuel_therms_and_energy_give_the_same_tonnes(mmbtu: float, ef: float, hhv: float) -> None:
    """C-1, C-1a, C-1b, C-2a and C-2c of one heat input."""
    found = [
        part98.c1(mmbtu / hhv, hhv, ef),
        part98.c1a(mmbtu * 10, ef),
        part98.c2a(mmbtu / hhv, hhv, ef),
        part98.c2c(mmbtu / hhv, hhv, ef),
    ]

    close(found, np.full(4, part98.c1b(mmbtu, ef)))


@given(mmbtu=st.floats(1e-3, 1e9), ef=st.floats(1e-5, 0.1), hhv=st.floats(1e-3, 40))
def test_methane_is_the_same_by_fuel_therms_steam_and_energy(mmbtu: float, ef: float, hhv: float) -> None:
    found = [
        part98.c8(mmbtu / hhv, hhv, ef),
        part98.c8a(mmbtu * 10, ef),
        part98.c8b(mmbtu, ef),
        part98.c9a(mmbtu / hhv, hhv, ef),
        part98.c9b(mmbtu / hhv, hhv, ef),
    ]

    close(found, np.full(5, part98.c10(mmbtu, ef)))


def test_c2b_weighs_each_month_by_its_fuel() -> None:
    close(part98.c2b(np.array([20.0, 26.0]), np.array([100.0, 200.0])), 24.0)


def test_a_year_with_an_unknown_month_or_no_fuel_has_no_hhv() -> None:
    hhv = np.array([[20.0, 26.0], [20.0, 26.0]])

    assert np.isnan(part98.c2b(hhv, np.array([[1.0, np.nan], [0.0, 0.0]]))).all()


def test_tier_3_written_out() -> None:
    close(part98.c3(1000.0, 0.6), 44 / 12 * 1000 * 0.6 * 0.91)
    close(part98.c4(1000.0, 2.78), 44 / 12 * 1000 * 2.78 * 0.001)
    close(part98.c5(1e6, 0.74, 16.8), 44 / 12 * 1e6 * 0.74 * 16.8 / 849.5 * 0.001)
    close(part98.c5(1e6, 0.74, 16.8, 60), 44 / 12 * 1e6 * 0.74 * 16.8 / 836.6 * 0.001)


def test_the_molar_volumes_are_those_of_an_ideal_gas() -> None:
    for fahrenheit, volume in part98.MOLAR_VOLUME.items():
        kelvin = (fahrenheit + 459.67) / 1.8
        close(volume, 8.314462618 * kelvin / 101.325 / 0.3048**3, rtol=4e-4)


def test_an_hour_of_tier_4_counts_for_the_part_in_operation() -> None:
    close(part98.tier4(np.array([62.16, 62.16]), np.array([0.5, 1.0])), [31.08, 62.16])


def test_c11_limestone_gives_off_its_44_hundredths() -> None:
    close(part98.c11(100.0), 0.91 * 44)


def test_c12_written_out() -> None:
    close(part98.c12(12.0, 1e7, 0.5), 6e5)


def test_the_divisor_belongs_to_the_paragraph() -> None:
    close(part98.metric_tons(1100.0, "98.33(a)(5)"), 1000.0)
    close(part98.metric_tons(1102.3, "98.43(a)(1)"), 1000.0)


def test_another_paragraph_gives_no_divisor() -> None:
    with pytest.raises(ValueError, match="gives no divisor"):
        part98.metric_tons(1.0, "98.33(a)(4)")


@pytest.mark.parametrize(
    ("capacity", "gas", "listed", "monitored", "allowed"),
    [
        (250.0, False, True, False, {1, 2, 3}),
        (250.1, False, True, False, {3}),
        (250.1, True, True, True, {2, 3, 4}),
        (100.0, False, False, False, {3}),
        (100.0, True, True, True, {1, 2, 3, 4}),
    ],
)
def test_which_tiers_a_unit_may_use(
    capacity: float, gas: bool, listed: bool, monitored: bool, allowed: set[int]
) -> None:
    assert part98.tiers(capacity, gas_or_distillate=gas, listed=listed, monitored=monitored) == allowed


def test_tier_2_needs_a_measured_hhv() -> None:
    found = part98.tiers(100.0, gas_or_distillate=True, listed=True, monitored=False, measured_hhv=False)

    assert found == {1, 3}


@pytest.mark.parametrize(
    "found",
    [
        part98.c1(-1.0, 1.0, 1.0),
        part98.c1(1.0, 0.0, 1.0),
        part98.c1b(np.nan, 1.0),
        part98.c3(1.0, 1.1),
        part98.c5(1.0, 0.5, 0.0),
        part98.c6(101.0, 1.0),
        part98.c7(1.0, 100.0),
        part98.tier4(1.0, 1.1),
        part98.c11(1.0, 0.0),
        part98.c12(10.0, 1.0, -0.1),
        part98.metric_tons(-1.0, "98.33(a)(5)"),
    ],
)
def test_what_is_outside_the_validity_of_an_equation_is_unknown(found: np.ndarray) -> None:
    assert np.isnan(found)


@pytest.mark.parametrize("name", sorted(fuels()))
def test_a_listed_fuel_is_of_the_size_that_its_kind_can_be(name: str) -> None:
    """Solids per short ton, liquids per gallon, gas per cubic foot; CO2 from gas to petroleum coke and anthracite."""
    found = fuel(name)

    low, high = {"scf": (0.09e-3, 2.6e-3), "gal": (0.08, 0.16), "short_ton": (8.0, 38.0)}[found.unit]
    assert low <= found.hhv <= high
    assert 46 <= found.co2 <= (275 if name == "blast-furnace-gas" else 120)
    assert found.ch4 < 0.04
    assert found.n2o < 0.005
    assert found.source.startswith("40 CFR 98")
    assert found.mark in {"V", "V2", "M"}


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("kerosene", 10.15), ("motor-gasoline", 8.78), ("butane", 6.67), ("ethanol", 5.75), ("biodiesel", 9.45),
        ("wood", 1640), ("municipal-solid-waste", 902), ("tires", 2407), ("plastics", 2850),
        ("agricultural-byproducts", 975), ("solid-biomass-byproducts", 1096), ("coal-coke", 2819),
        ("blast-furnace-gas", 0.02524), ("coke-oven-gas", 0.02806), ("biogas", 0.034106), ("landfill-gas", 0.025254),
    ],
)  # fmt: skip
def test_solid_b9_fuels_are_what_epas_hub_publishes_per_unit(name: str, published: float) -> None:
    """Table 1 of the hub of 2021 has HHV and CO2 per unit multiplied out, rounded."""
    found = fuel(name)

    np.testing.assert_allclose(part98.c1(1.0, found.hhv, found.co2) * 1000, published, rtol=1e-3)


def test_solid_b9_biomass_is_biogenic_and_waste_in_part() -> None:
    biogenic = {name for name, one in fuels().items() if one.biogenic}

    assert biogenic == {
        "wood", "agricultural-byproducts", "solid-biomass-byproducts", "landfill-gas", "biogas", "ethanol", "biodiesel",
        "rendered-animal-fat", "vegetable-oil",
    }  # fmt: skip
    assert (fuel("biogas").ch4, fuel("biogas").n2o) == (3.2e-3, 6.3e-4)
    assert (fuel("municipal-solid-waste").ch4, fuel("municipal-solid-waste").n2o) == (3.2e-2, 4.2e-3)
    assert (fuel("biodiesel").ch4, fuel("biodiesel").n2o) == (1.1e-3, 1.1e-4)


def test_wood_and_the_gases_of_steel_works_have_their_own_methane() -> None:
    assert methane_and_nitrous_oxide("wood") == (7.2e-3, 3.6e-3)
    assert methane_and_nitrous_oxide("blast-furnace-gas") == (2.2e-5, 1e-4)


def test_a_kind_takes_the_methane_of_its_row() -> None:
    coal = fuel("bituminous")

    assert (coal.ch4, coal.n2o) == methane_and_nitrous_oxide("coal") == (1.1e-2, 1.6e-3)


def test_an_unlisted_fuel_or_kind_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean propane"):
        fuel("propan")
    with pytest.raises(ValueError, match="did you mean coal"):
        methane_and_nitrous_oxide("coals")
