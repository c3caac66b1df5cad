"""The language of virtual channels: what it takes, what it refuses, and how units and natures go through it."""

import pytest

from plant.configuration.formulas import Nature, Term, checked, reference
from plant.expressions import ExpressionError, names, parse, spelled
from plant.units import unit

CHANNELS: dict[str, tuple[Nature, str]] = {
    "main": (Nature.AMOUNT, "kWh"),
    "line": (Nature.AMOUNT, "MWh"),
    "water": (Nature.AMOUNT, "m3"),
    "gas": (Nature.AMOUNT, "Nm3"),
    "oil": (Nature.AMOUNT, "L"),
    "tank": (Nature.EVENTS, "L"),
    "ncv": (Nature.LEVEL, "MJ/Nm3"),
    "density": (Nature.LEVEL, "kg/L"),
    "o2": (Nature.LEVEL, "%"),
    "ratio": (Nature.LEVEL, "1"),
}
TERMS = {
    name: reference(name, nature, unit(of), k) for k, (name, (nature, of)) in enumerate(CHANNELS.items())
}


def term(text: str, result: str) -> Term:
    return checked(parse(text), TERMS, unit(result))


HOSTILE = [
    "__import__('os').system('id')", "().__class__.__mro__", "main.__class__", "main.real", "9**9**9",
    "main ** 2", "main << 9", "main // 2", "main % 2", "main @ main", "main | 1", "~main", "not main", "main < 1",
    "main and line", "main if line else 0", "lambda: main", "(x := main)", "[main]", "{main}", "{'a': main}",
    "(main, line)", "main[0]", "*main", "min(*main)", "min(main, key=line)", "f'{main}'", "'main'", "b'main'", "1j",
    "None", "True", "...", "eval('main')", "exec('main')", "open('/etc/passwd')", "getattr(main, 'real')",
    "(lambda: main)()", "min.__call__(main, line)", "[x for x in main]", "await main", "yield main", "import os",
    "main; line", "main = line", "main # - line", "main\\\n", "main\x00", "maïn", "\uff4dain", "1e999", "9" * 400,
    "0x" + "f" * 500, "1if main else line", "-" * 900 + "main", "(" * 400 + "main" + ")" * 400, "main" + "+main" * 190,
    "", "   ", "main -", "quantity(1)", "quantity('1', 'kWh')", "quantity(True, 'kWh')", "quantity(main, 'kWh')",
    "channel(main)", "channel()", "channel('a', 'b')", "abs()", "abs(main, line)", "min(main)", "clip(main, 0)",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_bc11_whatever_is_not_of_the_language_is_refused_before_it_means_anything(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("main - water", "water does not fit main: m3 is volume, kWh is energy: no conversion"),
        ("main + o2", "o2 does not fit main: % is 1, kWh is energy: no conversion"),
        ("main - 5", "5 is a plain number, main is in kWh"),
        (
            'main - quantity(5, "kWh")',
            "5 kWh is a constant, main is an amount: it would count anew in every window",
        ),
        ('quantity(5, "kwh") * ratio', "unknown unit 'kwh' (did you mean kWh?)"),
        ("clip(o2, 0, 21)", '21 is a plain number, o2 is in %: write quantity(21, "%")'),
        ("main / line * quantity(1, 'kWh') - main", "main is an amount"),
        (
            "oil - tank",
            "tank comes at an instant and oil over time: window by window they have no difference",
        ),
        ("max(tank, oil)", "tank comes at an instant and oil over time"),
        ("oil + tank - oil", "comes at an instant"),
        ("main * main", "main and main are both amounts: their product is none"),
        ("1 / main", "1 is a number: divided by an amount, it depends on the window's length"),
        ("ratio / main", "ratio is a level: divided by an amount"),
        ("main / 0", "main / 0 divides by 0"),
        ("main / (1 - 1)", "main / (1 - 1) divides by 0"),
        ("1 / 0 * main", "1 / 0 divides by 0"),
        ("main * (1e308 * 10)", "1e+308 * 10 is too large"),
        ("2 * 3", "it names no channel"),
        ("gas * ncv", "gas * ncv does not fit the unit"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_units(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        term(text, "kg")

    assert message in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["{e} - {a}", "{a} - {e}", "min({e}, {a})", "max({a}, {e})", "clip({e}, 0, {a})",
     "clip({a}, 0, {e})", "{a} - ({a} + {e})", "{e} - 0.5 * {a}", "abs({e} - {a})", "{a} + -{e}",
     "-{e} + {a}", "-{a} + {e}", "{a} + {e} * -1", "{a} + {e} / -2", "{a} + (0 - {e})", "{a} + (1 - 2) * {e}"],
)  # fmt: skip
def test_bc06_an_amount_of_events_stands_in_no_difference_with_one_over_time(text: str) -> None:
    with pytest.raises(ExpressionError, match="comes at an instant"):
        term(text.format(e="tank", a="oil"), "L")


@pytest.mark.parametrize("symbol", ["°C", "°F"])
def test_a_temperature_with_a_zero_of_its_own_is_refused(symbol: str) -> None:
    with pytest.raises(ExpressionError, match="takes temperatures in K only"):
        reference("heat", Nature.LEVEL, unit(symbol), 0)
    kelvin = {"heat": reference("heat", Nature.LEVEL, unit("K"), 0)}
    with pytest.raises(ExpressionError, match="takes temperatures in K only"):
        checked(parse("heat"), kelvin, unit(symbol))


@pytest.mark.parametrize(
    ("text", "result", "nature"),
    [
        ("main - line", "kWh", Nature.AMOUNT),
        ("max(main - line, 0)", "MWh", Nature.AMOUNT),
        ("-main", "kWh", Nature.AMOUNT),
        ("abs(main - line)", "GJ", Nature.AMOUNT),
        ("0.9 * main / 2", "kWh", Nature.AMOUNT),
        ("gas * ncv", "GJ", Nature.AMOUNT),
        ('gas * quantity(36.2, "MJ/Nm3")', "GJ", Nature.AMOUNT),
        ("tank * density", "t", Nature.EVENTS),
        ("tank - 0.5 * tank", "m3", Nature.EVENTS),
        ("tank + oil", "L", Nature.EVENTS),
        ("main / line", "%", Nature.LEVEL),
        ("main / (main + line) * gas", "Nm3", Nature.AMOUNT),
        ('clip(o2, 0, quantity(20.9, "%"))', "%", Nature.LEVEL),
        ("1 - ratio", "1", Nature.LEVEL),
        ("2 / ratio", "1", Nature.LEVEL),
        ("gas / ratio", "Nm3", Nature.AMOUNT),
    ],
)
def test_natures_go_through_operations(text: str, result: str, nature: Nature) -> None:
    found = term(text, result)

    assert (found.nature, found.unit.symbol) == (nature, result)


def test_equal_units_are_not_converted() -> None:
    """So that main - main has the bits of a plain subtraction."""
    assert [step.name for step in term("main - main", "kWh").steps] == ["channel", "channel", "-"]


def test_other_units_are_converted_where_they_meet() -> None:
    steps = term("main - line", "kWh").steps

    assert [(s.name, s.number) for s in steps if s.name == "number"] == [("number", 1000.0)]


def test_the_names_are_those_of_channels_only() -> None:
    formula = parse('min(main, channel("mdb1/active_energy")) * quantity(2, "kg/kWh") - abs(main)')

    assert list(names(formula)) == ["main", "mdb1/active_energy", "main"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("main", "main"),
        ("line_1", "line_1"),
        ("min", "min"),
        ("line-1", 'channel("line-1")'),
        ("mdb1/energy", 'channel("mdb1/energy")'),
        ("mdb1.energy", 'channel("mdb1.energy")'),
        ("1st", 'channel("1st")'),
        ("lambda", 'channel("lambda")'),
        ("None", 'channel("None")'),
    ],
)
def test_every_name_can_be_written(name: str, text: str) -> None:
    assert spelled(name) == text
    assert list(names(parse(text))) == [name]


def test_a_name_of_a_function_is_a_channel_where_it_is_not_called() -> None:
    assert list(names(parse("min(min, max)"))) == ["min", "max"]
