"""Every method of `oracles` against its equation in plain Python, on columns of random numbers."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rules.catalogue import load_catalogue
from rules.factors.gases import Gases
from rules.methods import fuel_gas_actual_volume, steam_full_enthalpy
from tests.rules.methods import oracles
from tests.rules.methods.oracles import ORACLES, Range, Row

CATALOGUE = load_catalogue(None)
Columns = dict[str, np.ndarray]

every_method = pytest.mark.parametrize("method", ORACLES)
amounts = st.just(0.0) | st.floats(1e-6, 1e9)


def drawn(draw: st.DrawFn, count: int, ranges: dict[str, Range]) -> Columns:
    return {
        name: draw(arrays.arrays(float, count, elements=st.floats(*between)))
        for name, between in ranges.items()
    }


@st.composite
def columns(draw: st.DrawFn, method: str) -> tuple[Columns, Columns, Columns]:
    """Draw inputs (an optional role only now and then), factor and parameters of a method, all as columns."""
    count, oracle, spec = draw(st.integers(1, 12)), ORACLES[method], CATALOGUE.methods[method]
    roles = [role for role in spec.roles if role.required or draw(st.booleans())]
    inputs = {r.name: draw(arrays.arrays(float, count, elements=amounts)) for r in roles if not r.level}
    inputs |= drawn(draw, count, {r.name: oracle.levels.get(r.name, (0.0, 99.0)) for r in roles if r.level})
    return inputs, drawn(draw, count, dict(oracle.factor)), drawn(draw, count, dict(oracle.parameters))


def gas_columns(gases: Gases) -> np.ndarray:
    """Return the four gases as an array of shape (row, gas)."""
    return np.stack([gases.co2_kg, gases.co2_biogenic_kg, gases.ch4_kg, gases.n2o_kg], axis=1)


def row(of: Columns, number: int) -> dict[str, float]:
    return {name: float(column[number]) for name, column in of.items()}


def ones(method: str) -> tuple[Columns, Columns, Columns]:
    """Return one row of a method in the middle of all ranges, its amounts 1."""
    oracle, spec = ORACLES[method], CATALOGUE.methods[method]

    def middle(ranges: dict[str, Range]) -> Columns:
        return {name: np.array([sum(between) / 2]) for name, between in ranges.items()}

    levels = {r.name: oracle.levels.get(r.name, (0.0, 2.0)) for r in spec.roles if r.level}
    inputs = {r.name: np.ones(1) for r in spec.roles if not r.level}
    return inputs | middle(levels), middle(dict(oracle.factor)), middle(dict(oracle.parameters))


@every_method
@given(data=st.data())
@settings(max_examples=60)
def test_the_vector_agrees_with_the_equation_row_by_row(method: str, data: st.DataObject) -> None:
    inputs, factor, parameters = data.draw(columns(method))
    count = len(next(iter(inputs.values())))

    found = gas_columns(CATALOGUE.emissions(method)(inputs, factor, parameters))

    expected, size = np.empty((count, 4)), np.empty((count, 1))
    for n in range(count):
        rows = row(inputs, n), row(factor, n), row(parameters, n)
        expected[n], size[n] = ORACLES[method].gases(*rows), terms(method, *rows)
    np.testing.assert_array_less(np.abs(found - expected), 1e-12 * (np.abs(expected) + size) + 1e-300)


def terms(method: str, inputs: Row, factor: Row, parameters: Row) -> float:
    """Return how large the terms of a row are: what is left of a difference is only as exact as they are."""
    amounts = [r.name for r in CATALOGUE.methods[method].roles if r.name in inputs and not r.level]
    nothing = dict.fromkeys(amounts, 0.0)
    alone = ({**inputs, **nothing, name: inputs[name]} for name in amounts)
    return sum(sum(map(abs, ORACLES[method].gases(one, factor, parameters))) for one in alone)


@every_method
def test_methods_and_oracles_declare_the_same_factor_and_parameters(method: str) -> None:
    spec, oracle = CATALOGUE.methods[method], ORACLES[method]

    assert set(spec.factor) == set(oracle.factor)
    assert {p.name for p in spec.parameters} == set(oracle.parameters)


def test_the_oracles_use_nothing_of_the_methods() -> None:
    source = inspect.getsource(oracles)

    assert "import numpy" not in source
    assert "from rules" not in source


LIMITS = {
    "steam-full-enthalpy": {
        "enthalpy": ([2777.0], [0.0, -1.0]),
        "boiler_efficiency": ([1.1, 100.0], [1.0, 0.85, 0.0, -5.0, 100.1]),
    },
    "steam-useful-heat": {
        "water_enthalpy": ([0.0, 2999.0], [-1.0, 3000.0, 3001.0]),
        "boiler_efficiency": ([85.0], [0.85]),
    },
    "fuel-gas-actual-volume": {
        "pressure": ([0.1], [0.0, -3.0]),
        "temperature": ([-273.0], [-273.15, -300.0]),
        "compressibility": ([0.9], [0.0, -1.0]),
        "ncv": ([36.0], [0.0, -1.0]),
    },
    "fuel-gas-actual-volume-gauge": {
        "barometric": ([101.0], [0.0, -1.0]),
        "pressure": ([-50.0, 0.0], [-92.5, -200.0]),
    },
    "fuel-gas-volume-gross": {"gcv": ([40.0], [0.0, -1.0]), "net_share": ([100.0], [0.0, -1.0, 100.1])},
    "fuel-carbon-content": {
        "carbon": ([100.0], [0.0, -1.0, 100.1]),
        "oxidation": ([100.0], [0.0, 100.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "fuel-mass-mixed": {
        "ncv": ([20.0], [0.0, -1.0]),
        "oxidation": ([100.0], [0.0, 100.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "clinker-lime-content": {
        "lime": ([100.0], [0.0, 100.1]),
        "kiln_dust_correction": ([1.0], [0.99, 0.0]),
    },
    "wastewater-cod": {"cod": ([0.0], [-0.1])},
    "wastewater-bod": {"bod": ([0.0], [-0.1])},
    "wastewater-cod-recovery": {"cod": ([0.0], [-0.1]), "methane": ([0.0, 100.0], [-0.1, 100.1])},
    "wastewater-nitrogen": {"nitrogen": ([0.0], [-0.1])},
    "methane-flare": {
        "methane": ([0.0, 100.0], [-0.1, 100.1]),
        "destruction": ([0.0, 100.0], [-0.1, 100.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "coal-mine": {"gas_content": ([0.0], [-0.1])},
    "part98-energy": {
        "energy": ([0.0], [-1.0]),
        "co2_per_heat": ([0.0], [-0.1]),
        "ch4_per_heat": ([0.0], [-0.1]),
        "n2o_per_heat": ([0.0], [-0.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-gas": {
        "fuel": ([0.0], [-1.0]),
        "hhv": ([20.0], [0.0, -1.0]),
        "co2_per_heat": ([0.0], [-0.1]),
        "ch4_per_heat": ([0.0], [-0.1]),
        "n2o_per_heat": ([0.0], [-0.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-liquid": {
        "fuel": ([0.0], [-1.0]),
        "hhv": ([20.0], [0.0, -1.0]),
        "co2_per_heat": ([0.0], [-0.1]),
        "ch4_per_heat": ([0.0], [-0.1]),
        "n2o_per_heat": ([0.0], [-0.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-solid": {
        "fuel": ([0.0], [-1.0]),
        "hhv": ([20.0], [0.0, -1.0]),
        "co2_per_heat": ([0.0], [-0.1]),
        "ch4_per_heat": ([0.0], [-0.1]),
        "n2o_per_heat": ([0.0], [-0.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-steam": {
        "steam": ([0.0], [-1.0]),
        "heat_per_steam": ([0.00125], [0.0, -1.0]),
        "co2_per_heat": ([0.0], [-0.1]),
        "ch4_per_heat": ([0.0], [-0.1]),
        "n2o_per_heat": ([0.0], [-0.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-gas-carbon": {
        "fuel": ([0.0], [-1.0]),
        "carbon": ([0.0, 100.0], [-0.1, 100.1]),
        "molar_mass": ([16.0], [0.0, -1.0]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-liquid-carbon": {
        "fuel": ([0.0], [-1.0]),
        "carbon": ([0.0], [-0.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-solid-carbon": {
        "fuel": ([0.0], [-1.0]),
        "carbon": ([0.0, 100.0], [-0.1, 100.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-stack": {
        "flow": ([0.0], [-1.0]),
        "co2": ([0.0, 100.0], [-0.1, 100.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part98-stack-dry": {
        "flow": ([0.0], [-1.0]),
        "co2": ([0.0, 100.0], [-0.1, 100.1]),
        "moisture": ([0.0, 99.9], [-0.1, 100.0]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part75-stack": {
        "flow": ([0.0], [-1.0]),
        "co2": ([0.0, 100.0], [-0.1, 100.1]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part75-stack-dry": {
        "flow": ([0.0], [-1.0]),
        "co2": ([0.0, 100.0], [-0.1, 100.1]),
        "moisture": ([0.0, 99.9], [-0.1, 100.0]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part75-stack-o2": {
        "flow": ([0.0], [-1.0]),
        "o2": ([0.0, 20.9, 21.0, 100.0], [-0.1, 100.1]),
        "moisture": ([0.0, 99.9], [-0.1, 100.0]),
        "fc": ([1000.0], [0.0, -1.0]),
        "fd": ([9000.0], [0.0, -1.0]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part75-stack-o2-wet": {
        "flow": ([0.0], [-1.0]),
        "o2": ([0.0, 15.6, 21.0, 100.0], [-0.1, 100.1]),
        "moisture": ([0.0, 75.0, 99.9], [-0.1, 100.0]),
        "fc": ([1000.0], [0.0, -1.0]),
        "fd": ([9000.0], [0.0, -1.0]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
    "part75-heat-input": {
        "energy": ([0.0], [-1.0]),
        "fc": ([1000.0], [0.0, -1.0]),
        "biogenic_share": ([0.0, 100.0], [-0.1, 100.1]),
    },
}
EDGES = [
    pytest.param(method, name, value, number == 1, id=f"{method}-{name}-{value:g}")
    for method, names in LIMITS.items()
    for name, both in names.items()
    for number, values in enumerate(both)
    for value in values
]


@pytest.mark.parametrize(("method", "name", "value", "unknown"), EDGES)
def test_what_cannot_be_is_unknown_and_the_last_that_can_is_not(
    method: str, name: str, value: float, unknown: bool
) -> None:
    inputs, factor, parameters = ones(method)
    (inputs if name in inputs else parameters)[name] = np.array([value])

    co2 = CATALOGUE.emissions(method)(inputs, factor, parameters)

    assert np.isnan(gas_columns(co2)).any() == unknown


@pytest.mark.parametrize("method", ["electricity-direct", "heat-purchased", "process-product"])
def test_a_factor_of_co2e_alone_gives_no_gases(method: str) -> None:
    (role,) = CATALOGUE.methods[method].roles

    gases = CATALOGUE.emissions(method)({role.name: np.array([500.0])}, {"co2e": np.array([0.7])}, {})

    np.testing.assert_allclose(gases.co2e_kg, [350], rtol=1e-14)
    assert np.isnan(gas_columns(gases)).all()


def test_electricity_of_the_sun_bought_directly_emits_nothing_and_that_is_known() -> None:
    gases = CATALOGUE.emissions("electricity-direct")(
        {"energy": np.array([500.0, np.nan])}, {"co2": np.zeros(2)}, {}
    )

    np.testing.assert_array_equal(gases.co2_kg, [0, np.nan])


def test_an_efficiency_that_is_a_fraction_is_not_taken_for_a_percentage() -> None:
    """Circular 38 prints (%) and means a fraction; taken one for the other, the factor is a hundredth."""
    np.testing.assert_array_equal(steam_full_enthalpy.efficiency(np.array([85.0, 0.85])), [0.85, np.nan])


def test_a_gas_at_reference_conditions_is_its_reference_volume() -> None:
    volume = fuel_gas_actual_volume.reference_volume(np.ones(1), np.array([101.325]), np.zeros(1), 1.0)

    np.testing.assert_allclose(volume, [1], rtol=1e-15)


@pytest.mark.parametrize(
    ("kelvin", "volume"), [(288.15, 0.94794), (293.15, 1 / 1.0732), (298.15, 1 / 1.0915)]
)
def test_a_cubic_metre_at_other_reference_temperatures_is_what_tables_print(
    kelvin: float, volume: float
) -> None:
    temperature = np.array([kelvin - 273.15])

    found = fuel_gas_actual_volume.reference_volume(np.ones(1), np.array([101.325]), temperature, 1.0)

    np.testing.assert_allclose(found, [volume], rtol=5e-5)


def test_all_of_a_mixed_fuel_is_the_fuel_and_its_memo() -> None:
    """Fossil is the total less the biogenic part, whatever the share."""
    inputs, factor, parameters = ones("fuel-mass-mixed")
    shares = [0.0, 33.0, 100.0]

    totals = [
        gas_columns(
            CATALOGUE.emissions("fuel-mass-mixed")(
                inputs, factor, {**parameters, "biogenic_share": np.array([share])}
            )
        )[0, :2].sum()
        for share in shares
    ]

    np.testing.assert_allclose(totals, totals[0], rtol=1e-14)
