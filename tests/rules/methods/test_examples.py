"""The worked examples of docs/methods.md, once more by hand: plain arithmetic over the numbers that the page shows."""

import inspect
import math
import re
from collections.abc import Mapping

import pytest

from rules.catalogue import load_catalogue
from rules.examples import Example
from scripts import methods_page as made
from tests.frame.repository import text

PAGE = text("docs/methods.md")
METHODS = {module.SPEC.name: module for module in made.modules()}
EQUATIONS = {(module.__name__, key): module for module in made.EQUATIONS.values() for key in module.EXAMPLES}
SHOWN = 1e-6  # relative: the page shows seven digits

# CO2, biogenic CO2, CH4, N2O in kg. Written here from the equations, in the units in which they are printed.
VM = 22.41396954  # L/mol
BY_HAND: Mapping[str, tuple[float, float, float, float]] = {
    "electricity-location": (1000 * 0.6592 * 1000, 0, 0, 0),  # MWh, t/MWh
    "electricity-direct": (250 * 0.041 * 1000, 0, 0, 0),
    "heat-purchased": (0.5 * 70_000, 0, 0, 0),  # TJ, kg/TJ
    "fuel-energy": (9.5 * 98_300, 0, 9.5 * 10, 9.5 * 1.5),  # TJ net, kg/TJ
    "fuel-mass": (0.043 * 74_100, 0, 0.043 * 3, 0.043 * 0.6),
    "fuel-mass-own-ncv": (0.575 * 98_300, 0, 0.575 * 10, 0.575 * 1.5),
    "fuel-mass-mixed": (280 * 85 * 0.98 * 0.73, 280 * 85 * 0.98 * 0.27, 280 * 0.03, 280 * 0.004),
    "fuel-liquid-volume": (0.84 * 43 * 74.1, 0, 0.84 * 43 * 0.003, 0.84 * 43 * 0.0006),
    "fuel-gas-volume": (36 * 56.1, 0, 36 * 0.001, 36 * 0.0001),
    "fuel-gas-volume-gross": (36 * 56.1, 0, 36 * 0.001, 36 * 0.0001),  # 40 gross are 36 net
    "fuel-gas-actual-volume": tuple(  # mol by P V / (Z R T), and 22.41 L of each
        300e3 * 1000 / (0.995 * 8.314462618 * 298.15) * VM / 1e6 * 36 * kg for kg in (56.1, 0, 0.001, 0.0001)
    ),
    "fuel-gas-actual-volume-gauge": tuple(
        300.8e3 * 1000 / (0.995 * 8.314462618 * 298.15) * VM / 1e6 * 36 * kg
        for kg in (56.1, 0, 0.001, 0.0001)
    ),
    "fuel-carbon-content": (686_000 * 44 / 12 * 0.95, 686_000 * 44 / 12 * 0.05, 0, 0),  # 700 t C, 98 % burned
    "stack-co2": (12_000 / VM * 44.0095 * 0.9, 12_000 / VM * 44.0095 * 0.1, 0, 0),
    "stack-co2-wet-flow": (114_000 * 0.92 * 0.131 / VM * 44.0095, 0, 0, 0),
    "stack-co2-dry-flow": (100_000 / 0.92 * 0.12 / VM * 44.0095, 0, 0, 0),
    "chp-heat": tuple(900 * (450 / 0.8) / (450 / 0.8 + 300 / 0.35) * kg for kg in (56.1, 0, 0.001, 0.0001)),
    "chp-electricity": tuple(
        900 * (300 / 0.35) / (450 / 0.8 + 300 / 0.35) * kg for kg in (56.1, 0, 0.001, 0.0001)
    ),
    "clinker-lime-content": (1000 * 0.785 * 0.65 * 1.02 * 1000, 0, 0, 0),
    "process-product": (1000 * 0.525 * 1000, 0, 0, 0),
    "carbonate-use": (950 * 0.43971 * 1000, 0, 0, 0),  # t pure, t/t
    "waste-treatment": (0, 0, 500 * 4, 500 * 0.24),  # t, g/kg
    "waste-incineration": (
        450_000 * 0.9 * 44 / 12,
        450_000 * 0.1 * 44 / 12,
        0.2,
        47,
    ),  # 450 t of carbon; 1 Gg
    "value-chain-mass": (250 * 1.9 * 1000, 0, 0, 0),
    "value-chain-electricity": (100 * 50, 0, 0, 0),  # MWh, kg/MWh
    "nitric-acid": (0, 0, 0, 100 * 8),  # t, kg/t
    "coal-mine": (0, 0, 100_000 * 10 * 0.67, 0),
    "methane-flare": (  # m3 at 20 degC
        0,
        1000 * 293.15 / 273.15 * 0.6 * 0.67 * 0.98 * 2.75,
        1000 * 293.15 / 273.15 * 0.6 * 0.67 * 0.02,
        0,
    ),
    "wastewater-cod": (0, 0, 2400 * 0.075, 0),
    "wastewater-bod": (0, 0, (150 - 20) * 0.18, 0),
    "wastewater-cod-recovery": (0, 0, 7700 * 0.2 - 975 * 293.15 / 273.15 * 0.67, 0),
    "wastewater-nitrogen": (0, 0, 0, 10_000 * 0.01 * 44 / 28),
    "steam-full-enthalpy": (1000 * 2776 / 0.85 * 74_100 / 1e9 * 1000, 0, 0, 0),  # Circular 38 in t
    "steam-useful-heat": (1000 * 2357 / 0.85 * 74_100 / 1e9 * 1000, 0, 0, 0),
    "part98-energy": (53_060, 0, 1, 0.1),
    "part98-gas": (1026 * 53.06, 0, 1.026, 0.1026),
    "part98-liquid": (138 * 73.96, 0, 138 * 0.003, 138 * 0.0006),
    "part98-solid": (2493 * 93.28, 0, 2493 * 0.011, 2493 * 0.0016),
    "part98-steam": (125 * 90.7, 0, 125 * 0.032, 125 * 0.0042),
    "part98-gas-carbon": (44 / 12 * 1e6 * 0.724 * 17.4 / 849.5, 0, 0, 0),
    "part98-liquid-carbon": (44 / 12 * 2780, 0, 0, 0),
    "part98-solid-carbon": (44 / 12 * 100 * 0.637 * 910, 0, 0, 0),
    "part98-stack": (62_160, 0, 0, 0),
    "part98-stack-dry": (57_187.2, 0, 0, 0),
    "part75-stack": (68.4 * 907.18474, 0, 0, 0),
    "part75-stack-dry": (68.4 * 0.92 * 907.18474, 0, 0, 0),
    "part75-stack-o2": (5.7 * (100 * 1800 / 9780 * 14.9 / 20.9) * 0.92 * 907.18474, 0, 0, 0),
    "part75-stack-o2-wet": (5.7 * (100 * 1040 / 8710 * (17.974 - 2.6) / 20.9) * 907.18474, 0, 0, 0),
    "part75-heat-input": (1040 * 1000 / 385 * 44 * 0.45359237, 0, 0, 0),  # lb-mol, lb, kg
}
CO2E_BY_HAND = {
    "refrigerant-top-up": 14_300.0,
    "refrigerant-charge-balance": 29 * 1430.0,
    "refrigerant-charging": 1430.0,  # 1 kg of 200
    "refrigerant-in-use": 250 * 1430.0,
    "refrigerant-disposal": 72 * 1430.0,  # of 240 kg, 168 are recovered
    "value-chain-spend": 100_000.0,  # 5,000 million VND, 20 kg a million
    "freight-distance": 12_000.0,
    "passenger-distance": 12_000.0,
    "vehicle-distance": 60_000.0,
}

EQUATIONS_BY_HAND: Mapping[tuple[str, str], float] = {
    ("rules.american.part75.appendix_f", "f11_co2"): 68.4,
    ("rules.american.part75.appendix_f", "f11_co2_dry"): 62.928,
    ("rules.american.part75.appendix_f", "f12_tons"): 98.4,
    ("rules.american.part75.appendix_f", "f14a_co2"): 10.22638006141541,  # golden case D2a
    ("rules.american.part75.appendix_f", "f14b_co2"): 8.783260729843606,  # D2b
    ("rules.american.part75.appendix_g", "g4_co2"): 59.42857142857143,  # D4
    ("rules.american.part98", "c1b"): 53.06,
    ("rules.american.part98", "c3"): 44 / 12 * 63.7 * 0.91,
    ("rules.american.part98", "c4"): 44 / 12 * 2.78,
    ("rules.american.part98", "c5"): 44 / 12 * 724 * 17.4 / 849.5,
    ("rules.american.part98", "c6"): 62.16,
    ("rules.american.part98", "c7"): 57.1872,
}

each_method = pytest.mark.parametrize("name", METHODS)


def section(title: str) -> str:
    """Return what the page says under a heading."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def shown(name: str, where: str) -> float:
    """Return the number at which the page arrives for a name: in the last line of its step."""
    (step,) = re.findall(rf"^{re.escape(name)} = .*(?:\n +=.*)*", where, re.MULTILINE)
    number = re.match(r"[-+\d.,e]+", step.rpartition("= ")[2])
    assert number is not None, step
    return float(number[0].rstrip(":").replace(",", ""))


def test_every_method_of_the_catalogue_is_on_the_page() -> None:
    assert set(METHODS) == set(load_catalogue(None).methods)
    assert set(METHODS) <= set(re.findall(r"^### (\S+)$", PAGE, re.MULTILINE))


@each_method
def test_an_example_has_every_role_factor_value_and_parameter_and_nothing_else(name: str) -> None:
    example, spec = METHODS[name].EXAMPLE, METHODS[name].SPEC

    assert isinstance(example, Example)
    assert set(example.inputs) == {role.name for role in spec.roles}
    assert set(example.factor) == set(spec.factor)
    assert set(example.parameters) == {parameter.name for parameter in spec.parameters}


@each_method
def test_the_page_shows_what_the_equation_gives_by_hand(name: str) -> None:
    where = section(name)

    if name in CO2E_BY_HAND:
        assert math.isclose(shown("co2e_kg", where), CO2E_BY_HAND[name], rel_tol=SHOWN)
        return
    found = [shown(gas, where) for gas in ("co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg")]
    assert found == pytest.approx(list(BY_HAND[name]), rel=SHOWN, abs=1e-12)


@each_method
def test_the_page_shows_the_tonnes_of_the_gases_under_ar5(name: str) -> None:
    if name in CO2E_BY_HAND:
        title, by_hand = "co2e_t", CO2E_BY_HAND[name] / 1000
    else:
        co2, _, ch4, n2o = BY_HAND[name]
        title, by_hand = "co2e_t (AR5)", (co2 + 28 * ch4 + 265 * n2o) / 1000

    assert shown(title, section(name)) == pytest.approx(by_hand, rel=SHOWN)


@each_method
def test_the_method_gives_what_the_equation_gives_by_hand(name: str) -> None:
    found = made.kilograms(made.gases_of(METHODS[name]))

    by_hand = [CO2E_BY_HAND[name]] if name in CO2E_BY_HAND else list(BY_HAND[name])
    assert list(found.values()) == pytest.approx(by_hand, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("key", EQUATIONS, ids=" ".join)
def test_an_equation_gives_what_it_gives_by_hand(key: tuple[str, str]) -> None:
    assert float(made.called(EQUATIONS[key], key[1])) == pytest.approx(EQUATIONS_BY_HAND[key], rel=1e-9)


@pytest.mark.parametrize("title", made.EQUATIONS)
def test_the_page_shows_what_equations_give_by_hand(title: str) -> None:
    module = made.EQUATIONS[title]

    for key in module.EXAMPLES:
        name, _, choice = key.partition(": ")
        found = shown(choice or name, section(title))
        assert found == pytest.approx(EQUATIONS_BY_HAND[module.__name__, key], rel=SHOWN), key


@pytest.mark.parametrize("module", made.EQUATIONS.values(), ids=lambda module: module.__name__)
def test_every_equation_has_an_example(module: object) -> None:
    name = module.__name__
    public = {
        f
        for f, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == name and not f.startswith("_")
    }

    shown_there = {key.partition(": ")[0] for key in module.EXAMPLES}
    assert public == shown_there


@pytest.mark.parametrize(
    ("method", "row"),
    [
        ("steam-full-enthalpy", "`boiler_efficiency` | % | required | 1 < x ≤ 100"),
        ("fuel-gas-actual-volume", "`temperature` | °C | level | yes | > -273.15"),
        ("stack-co2", "`co2` | % | level | yes | 0 ≤ x ≤ 100"),
        ("stack-co2-wet-flow", "`moisture` | % | level | yes | 0 ≤ x < 100"),
        ("clinker-lime-content", "`kiln_dust_correction` | 1 | required | ≥ 1"),
        ("part75-stack-o2", "`o2` | % | level | yes | 0 ≤ x ≤ 100"),
        ("refrigerant-top-up", "`gwp` | kgCO2e/kg | required | > 0"),
    ],
)
def test_the_page_says_where_a_method_is_known(method: str, row: str) -> None:
    assert row in section(method)


def test_steps_are_arithmetic_and_nothing_else() -> None:
    with pytest.raises(ValueError, match="no arithmetic"):
        made.evaluate("__import__('os')", {})


def test_steps_that_give_something_else_than_the_method_make_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS["nitric-acid"], "WORKING", ("n2o_kg = acid * factor.n2o * 2",))

    with pytest.raises(ArithmeticError, match="nitric-acid: n2o_kg is 800"):
        made.page()
