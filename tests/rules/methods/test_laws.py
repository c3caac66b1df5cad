"""What must hold for every method, whatever the numbers."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from plant.units import conversion, unit
from rules.catalogue import load_catalogue
from rules.factors.gases import Gases, tonnes_co2e
from rules.factors.gwp import gwp_set
from rules.formulas.stack_gas import CO2_DENSITY, MOLAR_VOLUME
from rules.methods import coal_mine, electricity_location, fuel_energy, methane_flare, wastewater_cod
from tests.rules.methods.oracles import ORACLES, Oracle
from tests.rules.methods.test_co2e_alone import CO2E_ALONE

CATALOGUE = load_catalogue(None)

FUEL = {"co2": 74.1, "co2_biogenic": 11.2, "ch4": 0.003, "n2o": 0.0006, "ncv": 43.0}
M_PER_VM = 44.0095 / (8.314462618 * 273.15 / 101.325)


@dataclass(frozen=True)
class Case:
    """A method with the factor and parameters it runs on here, and its CO2 written out for one row."""

    factor: Mapping[str, float]
    parameters: Mapping[str, float]
    co2: Callable[..., float]  # fossil and biogenic [kg], of the row's inputs by role
    levels: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # 0 to 99 where nothing is said


PER_GJ = FUEL["co2"] + FUEL["co2_biogenic"]

CASES = {
    "electricity-location": Case({"co2": 0.6592}, {}, lambda energy: energy * 0.6592),
    "fuel-energy": Case(FUEL, {"net_share": 90.0}, lambda energy: energy * 0.9 * PER_GJ),
    "fuel-mass": Case(FUEL, {}, lambda mass: mass * 43.0e-3 * PER_GJ),
    "fuel-mass-own-ncv": Case(FUEL, {"ncv": 21.5}, lambda mass: mass * 21.5e-3 * PER_GJ),
    "fuel-liquid-volume": Case(FUEL, {"density": 0.84}, lambda volume: volume * 0.84 * 43.0e-3 * PER_GJ),
    "fuel-gas-volume": Case(FUEL, {"ncv": 35.9}, lambda volume: volume * 35.9e-3 * PER_GJ),
    "stack-co2": Case({}, {"biogenic_share": 30.0}, lambda flow, co2: flow * co2 / 100 * M_PER_VM),
    "stack-co2-wet-flow": Case(
        {}, {}, lambda flow, co2, moisture: flow * (100 - moisture) / 100 * co2 / 100 * M_PER_VM
    ),
    "stack-co2-dry-flow": Case(
        {}, {}, lambda flow, co2, moisture: flow * 100 / (100 - moisture) * co2 / 100 * M_PER_VM
    ),
}


def middle(oracle: Oracle) -> Case:
    """Return an oracle's method with a factor and parameters from the middle of their ranges."""
    factor = {name: sum(between) / 2 for name, between in oracle.factor.items()}
    parameters = {name: sum(between) / 2 for name, between in oracle.parameters.items()}
    return Case(
        factor, parameters, lambda **row: sum(oracle.gases(row, factor, parameters)[:2]), oracle.levels
    )


CASES |= {method: middle(oracle) for method, oracle in ORACLES.items()}

# A split by the ratio of two amounts is of no single amount, and a potential gives no gas: each has a file of its own.
APART = {"chp-heat", "chp-electricity", "refrigerant-top-up", "refrigerant-charge-balance", *CO2E_ALONE}

every_method = pytest.mark.parametrize("method", CASES)
amounts = st.just(0.0) | st.floats(1e-9, 1e9)  # smaller ones lose digits to underflow


@st.composite
def rows(draw: st.DrawFn, method: str) -> dict[str, np.ndarray]:
    """Draw columns for a method's roles: amounts of any size, levels within their ranges."""
    count, levels = draw(st.integers(1, 20)), CASES[method].levels
    return {
        role.name: draw(
            arrays.arrays(
                float, count, elements=st.floats(*levels.get(role.name, (0, 99))) if role.level else amounts
            )
        )
        for role in CATALOGUE.methods[method].roles
    }


def run(method: str, inputs: Mapping[str, np.ndarray]) -> Gases:
    case = CASES[method]
    count = len(next(iter(inputs.values())))
    factor = {name: np.full(count, value) for name, value in case.factor.items()}
    return CATALOGUE.emissions(method)(inputs, factor, case.parameters)


def columns(gases: Gases) -> np.ndarray:
    """Return the four gases as an array of shape (gas, row)."""
    return np.stack([gases.co2_kg, gases.co2_biogenic_kg, gases.ch4_kg, gases.n2o_kg])


def test_every_method_has_its_case() -> None:
    assert set(CASES) | APART == set(CATALOGUE.methods)


@every_method
@given(data=st.data())
@settings(max_examples=50)
def test_the_vector_agrees_with_the_loop(method: str, data: st.DataObject) -> None:
    inputs = data.draw(rows(method))

    gases = run(method, inputs)

    expected = [
        CASES[method].co2(**dict(zip(inputs, row, strict=True))) for row in zip(*inputs.values(), strict=True)
    ]
    np.testing.assert_allclose(gases.co2_kg + gases.co2_biogenic_kg, expected, rtol=1e-12, atol=1e-300)


@every_method
@given(data=st.data())
@settings(max_examples=50)
def test_the_parts_of_an_amount_sum_to_the_whole(method: str, data: st.DataObject) -> None:
    inputs = data.draw(rows(method))
    share = data.draw(st.floats(0, 1))
    amount = {role.name: inputs[role.name] for role in CATALOGUE.methods[method].roles if not role.level}

    one = run(method, inputs | {role: whole * share for role, whole in amount.items()})
    other = run(method, inputs | {role: whole - whole * share for role, whole in amount.items()})

    # Where amounts are taken from each other, what is left is only as exact as they are.
    least = 100 * sum(amount.values(), np.zeros(1)) if len(amount) > 1 else 1.0
    exact = 1e-12 * (np.abs(columns(run(method, inputs))) + least)
    np.testing.assert_array_less(
        np.abs(columns(one) + columns(other) - columns(run(method, inputs))), exact + 1e-300
    )


@every_method
@given(data=st.data())
@settings(max_examples=50)
def test_an_unknown_input_makes_its_own_row_unknown_and_no_other(method: str, data: st.DataObject) -> None:
    inputs = data.draw(rows(method))
    before = columns(run(method, inputs))
    row = data.draw(st.integers(0, before.shape[1] - 1))
    inputs[data.draw(st.sampled_from(sorted(inputs)))][row] = np.nan

    after = columns(run(method, inputs))

    assert np.isnan(after[:, row]).all()
    np.testing.assert_array_equal(np.delete(after, row, axis=1), np.delete(before, row, axis=1))


@every_method
def test_an_unknown_factor_or_parameter_makes_the_emission_unknown(method: str) -> None:
    case = CASES[method]
    inputs = {role.name: np.ones(1) for role in CATALOGUE.methods[method].roles}
    kernel = CATALOGUE.emissions(method)
    factor = {name: np.array([value]) for name, value in case.factor.items()}

    results = [
        *(
            kernel(inputs, {**factor, name: np.array([np.nan])}, case.parameters)
            for name in CATALOGUE.methods[method].factor
        ),
        *(kernel(inputs, factor, {**case.parameters, name: np.nan}) for name in case.parameters),
    ]

    totals = [tonnes_co2e(gases, gwp_set("AR5")) + gases.co2_biogenic_kg for gases in results]
    assert all(np.isnan(total).all() for total in totals)


@given(energy=amounts, symbol=st.sampled_from(["MWh", "GJ", "kWh", "toe", "mmBtu"]))
def test_the_unit_in_which_energy_is_metered_changes_nothing(energy: float, symbol: str) -> None:
    there, _ = conversion(unit("kWh"), unit(symbol))
    back, _ = conversion(unit(symbol), unit("kWh"))

    direct = run("electricity-location", {"energy": np.array([energy])})
    converted = run("electricity-location", {"energy": np.array([energy * there * back])})

    np.testing.assert_allclose(converted.co2_kg, direct.co2_kg, rtol=1e-14)


@given(mass=amounts, density=st.floats(0.5, 1.1))
def test_a_liquid_by_volume_is_the_liquid_by_mass_and_by_energy(mass: float, density: float) -> None:
    factor = {name: np.array([value]) for name, value in FUEL.items()}

    by_volume = CATALOGUE.emissions("fuel-liquid-volume")(
        {"volume": np.array([mass / density])}, factor, {"density": density}
    )

    np.testing.assert_allclose(
        columns(by_volume), columns(run("fuel-mass", {"mass": np.array([mass])})), rtol=1e-14
    )
    energy = np.array([mass * FUEL["ncv"] / 1000])
    by_energy = fuel_energy.emissions({"energy": energy}, factor, {})
    np.testing.assert_allclose(columns(by_volume), columns(by_energy), rtol=1e-14)


@given(wet=st.floats(1, 1e6), co2=st.floats(0.1, 30), moisture=st.floats(0, 60))
def test_wet_and_dry_measurements_of_one_stack_agree(wet: float, co2: float, moisture: float) -> None:
    """One gas, seen as wet/wet, dry/dry, wet/dry and dry/wet: the CO2 in it is the same."""
    share = (100 - moisture) / 100
    dry, co2_of_dry = wet * share, co2 / share
    water = np.array([moisture])

    same_basis = run("stack-co2", {"flow": np.array([wet, dry]), "co2": np.array([co2, co2_of_dry])})
    wet_flow = run(
        "stack-co2-wet-flow", {"flow": np.array([wet]), "co2": np.array([co2_of_dry]), "moisture": water}
    )
    dry_flow = run("stack-co2-dry-flow", {"flow": np.array([dry]), "co2": np.array([co2]), "moisture": water})

    found = [*(same_basis.co2_kg + same_basis.co2_biogenic_kg), *wet_flow.co2_kg, *dry_flow.co2_kg]
    np.testing.assert_allclose(found, wet * co2 / 100 * M_PER_VM, rtol=1e-12)


@pytest.mark.parametrize("co2", [-0.1, 100.1, math.inf])
def test_a_concentration_that_cannot_be_is_unknown(co2: float) -> None:
    assert np.isnan(columns(run("stack-co2", {"flow": np.array([1.0]), "co2": np.array([co2])}))).all()


@pytest.mark.parametrize("co2", [0.0, 100.0])
def test_the_ends_of_the_concentration_are_within(co2: float) -> None:
    gases = run("stack-co2-wet-flow", {"flow": np.ones(1), "co2": np.array([co2]), "moisture": np.zeros(1)})

    np.testing.assert_allclose(gases.co2_kg, [co2 / 100 * M_PER_VM], rtol=1e-14)


@pytest.mark.parametrize("method", ["stack-co2-wet-flow", "stack-co2-dry-flow"])
@pytest.mark.parametrize("moisture", [-0.1, 100.0, 130.0])
def test_a_moisture_that_cannot_be_is_unknown(method: str, moisture: float) -> None:
    inputs = {"flow": np.ones(1), "co2": np.ones(1), "moisture": np.array([moisture])}

    assert np.isnan(columns(run(method, inputs))).all()


@pytest.mark.parametrize(("method", "parameter"), [("fuel-mass-own-ncv", "ncv"), ("fuel-liquid-volume", "density"), ("fuel-gas-volume", "ncv")])  # fmt: skip
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_fuel_property_that_cannot_be_is_unknown(method: str, parameter: str, value: float) -> None:
    (role,) = CATALOGUE.methods[method].roles
    factor = {name: np.array([number]) for name, number in FUEL.items()}

    gases = CATALOGUE.emissions(method)({role.name: np.ones(1)}, factor, {parameter: value})

    assert np.isnan(columns(gases)).all()


def test_a_biogenic_share_moves_co2_out_of_the_total() -> None:
    gases = run("stack-co2", {"flow": np.array([1000.0]), "co2": np.array([10.0])})

    np.testing.assert_allclose(gases.co2_kg, [70 * M_PER_VM], rtol=1e-14)
    np.testing.assert_allclose(gases.co2_biogenic_kg, [30 * M_PER_VM], rtol=1e-14)


def test_a_co2_factor_says_that_methane_and_nitrous_oxide_are_outside() -> None:
    gases = run("electricity-location", {"energy": np.array([1.0, np.nan])})

    np.testing.assert_array_equal(gases.ch4_kg, [0, np.nan])
    np.testing.assert_array_equal(gases.n2o_kg, [0, np.nan])
    np.testing.assert_array_equal(gases.co2_biogenic_kg, [0, np.nan])


ONE = np.array([1.0])
METHANE_ONLY = {
    "co2": 0 * ONE,
    "co2_biogenic": 0 * ONE,
    "ch4": ONE,
    "n2o": 0 * ONE,
}  # 1 kg of methane per GJ, and nothing else


@pytest.mark.parametrize(
    ("name", "fossil", "other"), [("SAR", 21, 21), ("AR4", 25, 25), ("AR5", 28, 28), ("AR6", 29.8, 27.0)]
)
def test_solid_b9_methane_is_weighed_by_where_its_carbon_comes_from(
    name: str, fossil: float, other: float
) -> None:
    """Fossil is what is set free unburnt: of a mine, and what a flare of fossil gas lets through."""
    mine = coal_mine.emissions({"coal": 1000 * ONE}, {}, {"gas_content": 1.0})
    sewage = wastewater_cod.emissions({"volume": ONE, "cod": ONE}, {"b0": ONE, "mcf": ONE}, {})
    burned = fuel_energy.emissions({"energy": ONE}, METHANE_ONLY, {})

    for gases, potential in ((mine, fossil), (sewage, other), (burned, other)):
        found = tonnes_co2e(gases, gwp_set(name))
        np.testing.assert_allclose(found, gases.ch4_kg * potential / 1000, rtol=1e-14)


@pytest.mark.parametrize("share", [0.0, 40.0, 100.0])
def test_solid_b9_a_flare_lets_through_methane_as_its_gas_is(share: float) -> None:
    given = {"methane": 60.0, "destruction": 98.0, "biogenic_share": share}
    gases = methane_flare.emissions({"gas": 1000 * ONE}, {}, given)
    expected = gases.co2_kg + gases.ch4_kg * (29.8 * (1 - share / 100) + 27.0 * share / 100)

    np.testing.assert_allclose(tonnes_co2e(gases, gwp_set("AR6")), expected / 1000, rtol=1e-14)


def test_a_co2e_factor_gives_tonnes_but_no_gases() -> None:
    gases = electricity_location.emissions({"energy": np.array([500.0])}, {"co2e": np.array([0.7])}, {})

    np.testing.assert_allclose(tonnes_co2e(gases, gwp_set("AR6")), [0.35], rtol=1e-14)
    assert np.isnan(columns(gases)).all()


def test_rows_of_co2_and_of_co2e_factors_stand_side_by_side() -> None:
    """The engine runs all sources of a method at once; a value that a source's factor lacks is NaN in its rows."""
    factor = {"co2": np.array([0.6592, np.nan, np.nan]), "co2e": np.array([np.nan, 0.7, np.nan])}

    gases = electricity_location.emissions({"energy": np.full(3, 1000.0)}, factor, {})

    np.testing.assert_allclose(tonnes_co2e(gases, gwp_set("AR5")), [0.6592, 0.7, np.nan], rtol=1e-14)
    np.testing.assert_allclose(gases.co2_kg, [659.2, np.nan, np.nan], rtol=1e-14)


def test_a_window_of_fuel_has_the_gases_apart() -> None:
    gases = fuel_energy.emissions(
        {"energy": np.array([10.0])}, {k: np.array([v]) for k, v in FUEL.items()}, {}
    )

    np.testing.assert_allclose(columns(gases)[:, 0], [741, 112, 0.03, 0.006], rtol=1e-14)


def test_every_gas_of_the_dataclass_is_checked_here() -> None:
    """`columns` above would miss a gas that is added later."""
    gases = ["co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg", "co2e_kg"]
    part_of_ch4 = "ch4_fossil_kg"
    assert [f.name for f in fields(Gases)] == [*gases, part_of_ch4]


def test_the_molar_volume_is_derived_from_the_gas_constant() -> None:
    """22.4139695 m3/kmol and 1.96349 kg/m3, as tables print them."""
    assert f"{MOLAR_VOLUME:.7f}" == "22.4139695"
    assert f"{CO2_DENSITY:.5f}" == "1.96349"


@pytest.mark.parametrize("method", CATALOGUE.methods)
def test_a_spec_names_units_that_exist_and_an_activity_that_is_an_amount(method: str) -> None:
    spec = CATALOGUE.methods[method]
    symbols = [*(role.unit for role in spec.roles), *(p.unit for p in spec.parameters)]

    assert [unit(symbol).symbol for symbol in symbols] == symbols
    assert [role.name for role in spec.roles if role.name == spec.activity and not role.level] == [
        spec.activity
    ]
    assert spec.reference
