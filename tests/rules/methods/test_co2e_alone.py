"""Methods that know CO2e alone, each against its equation row by row, and what they make of numbers that cannot be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.catalogue import load_catalogue
from rules.factors.gases import tonnes_co2e
from rules.factors.gwp import gwp_set
from tests.rules.methods.golden import CASES

CATALOGUE = load_catalogue(None)


@dataclass(frozen=True)
class Known:
    """A method's role, its equation in kg CO2e, and from where to where its numbers are drawn."""

    role: str
    kg: Callable[[float, Mapping[str, float]], float]
    factor: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    parameters: Mapping[str, tuple[float, float]] = field(default_factory=dict)


GWP = {"gwp": (1.0, 3e4)}
PERCENT = (0.0, 100.0)


def by_factor(role: str) -> Known:
    return Known(role, lambda amount, by: amount * by["co2e"], factor={"co2e": (1e-6, 10.0)})


CO2E_ALONE: Mapping[str, Known] = {
    "value-chain-spend": by_factor("spend"),
    "freight-distance": by_factor("freight"),
    "passenger-distance": by_factor("passengers"),
    "vehicle-distance": by_factor("distance"),
    "refrigerant-charging": Known(
        "charged", lambda kg, by: kg * by["loss"] / 100 * by["gwp"], parameters={"loss": PERCENT, **GWP}
    ),
    "refrigerant-in-use": Known(
        "charge",
        lambda kg, by: kg * by["yearly_leak"] / 100 * by["gwp"],
        parameters={"yearly_leak": PERCENT, **GWP},
    ),
    "refrigerant-disposal": Known(
        "retired",
        lambda kg, by: kg * by["remaining"] / 100 * (100 - by["recovered"]) / 100 * by["gwp"],
        parameters={"remaining": PERCENT, "recovered": PERCENT, **GWP},
    ),
}

each = pytest.mark.parametrize("name", CO2E_ALONE)


def tonnes(
    name: str, amounts: list[float], factor: Mapping[str, float], parameters: Mapping[str, float]
) -> np.ndarray:
    rows = {key: np.full(len(amounts), value) for key, value in factor.items()}
    gases = CATALOGUE.emissions(name)({CO2E_ALONE[name].role: np.array(amounts)}, rows, parameters)
    assert np.isnan([gases.co2_kg, gases.co2_biogenic_kg, gases.ch4_kg, gases.n2o_kg]).all()
    return tonnes_co2e(gases, gwp_set("AR5"))


@each
@given(data=st.data())
def test_the_vector_agrees_with_the_loop(name: str, data: st.DataObject) -> None:
    known = CO2E_ALONE[name]
    drawn = {
        key: data.draw(st.floats(*within)) for key, within in {**known.factor, **known.parameters}.items()
    }
    amounts = data.draw(st.lists(st.floats(0, 1e9), min_size=1, max_size=10))

    found = tonnes(
        name, amounts, {k: drawn[k] for k in known.factor}, {k: drawn[k] for k in known.parameters}
    )

    np.testing.assert_allclose(
        found, [known.kg(one, drawn) / 1000 for one in amounts], rtol=1e-12, atol=1e-300
    )


@each
def test_what_cannot_be_is_unknown_and_its_neighbour_is_not(name: str) -> None:
    known = CO2E_ALONE[name]
    factor, parameters = ({k: sum(v) / 2 for k, v in of.items()} for of in (known.factor, known.parameters))

    found = tonnes(name, [-1.0, np.nan, 0.0, 1.0], factor, parameters)

    np.testing.assert_array_equal(np.isnan(found), [True, True, False, False])
    assert found[2] == 0 < found[3]


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, key) for name, one in CO2E_ALONE.items() for key in one.parameters],
)
@pytest.mark.parametrize("value", [-1.0, np.nan])
def test_a_parameter_that_cannot_be_makes_all_unknown(name: str, parameter: str, value: float) -> None:
    parameters = {key: sum(within) / 2 for key, within in CO2E_ALONE[name].parameters.items()}

    assert np.isnan(tonnes(name, [1.0, 2.0], {}, parameters | {parameter: value})).all()


def test_what_is_topped_up_is_what_leaked_where_all_of_it_is_known() -> None:
    """The golden case of Circular 38, by its other point: 10 kg that leaked are 5 % of a charge of 200 kg."""
    case = CASES["G1g"]

    [found] = tonnes("refrigerant-in-use", [200.0], {}, {"yearly_leak": 5.0, "gwp": case["inputs"]["gwp"]})

    assert found == pytest.approx(case["expected"]["tCO2e"], abs=case["abs_tol"])
