"""The language of conditions and their place in a configuration: what it takes, what it refuses, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plant.alert_rules.alert_parts import LONGEST_LABEL, MOST_LABELS
from plant.alert_rules.condition_terms import checked, contradict
from plant.alert_rules.conditions import ASKED, Subject, parse
from plant.alert_rules.terms import Fact, Term
from plant.catalogue import FactorSpec
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.expressions import ExpressionError
from plant.park import Bilingual, Comparison, Condition, ConditionStep, Plant
from plant.units import unit
from plant.vocabulary import NS_PER_MIN, NS_PER_S, Kind
from tests.plant.catalogue import SmallCatalogue

PARK = """\
parks:
  - name: north
    title: North
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: g1}, {name: g2}]
        channels:
          - {name: boiler/o2, gateway: g1, kind: level, unit: "%", quantity: oxygen}
          - {name: drive, gateway: g1, kind: rate, unit: kW, quantity: electricity}
          - {name: fan, gateway: g2, kind: rate, unit: W, quantity: electricity}
          - {name: heat, gateway: g2, kind: level, unit: °C, quantity: temperature}
          - {name: main, gateway: g1, kind: register, unit: kWh, quantity: electricity}
          - {name: tank, gateway: g1, kind: event, unit: L, quantity: diesel}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: grid}
          - {name: sold, method: electricity-location, inputs: {energy: drive}, factor: grid, scope: 3}
      - name: shop
        title: Shop
        gateways: [{name: g1}]
        channels:
          - {name: boiler/o2, gateway: g1, kind: level, unit: "%", quantity: oxygen}
          - {name: main, gateway: g1, kind: register, unit: MWh, quantity: electricity}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: grid}
"""


DATES = (("2026-01-01", 200.0), ("2027-07-01", 150.0))


def plant_of(folder: Path, alerts: str, park: str = PARK) -> Plant:
    (folder / "park.yaml").write_text(park, encoding="utf-8")
    (folder / "alerts.yaml").write_text(f"alerts:\n{alerts}", encoding="utf-8")
    return load(folder, SmallCatalogue(), {})


def entry(**keys: str) -> str:
    """Return an alert with these keys in YAML, each on a line of its own, from line 2 on."""
    given = {"name": "a", "severity": "info", "summary": "S"} | {
        key.removesuffix("_"): value for key, value in keys.items()
    }
    return "  - " + "\n    ".join(f"{key}: {value}" for key, value in given.items()) + "\n"


def told(folder: Path, **keys: str) -> list[str]:
    """Return what is said of an alert with these keys, without the file and the line."""
    with pytest.raises(ConfigurationError) as error:
        plant_of(folder, entry(**keys))
    assert all(Path(p.file).name == "alerts.yaml" and p.line >= 2 for p in error.value.problems)
    return [
        f"{p.path.removeprefix('alerts[0]').removeprefix('.')}: {p.message}" for p in error.value.problems
    ]


def made(folder: Path, **keys: str) -> list[Condition]:
    return list(plant_of(folder, entry(**keys)).conditions)


def only(folder: Path, **keys: str) -> Condition:
    [one] = made(folder, **keys)
    return one


def term(text: str, of: str = "kW", kind: Kind = Kind.RATE) -> Term:
    facts = [Fact("", unit(of), kind), Fact("x", unit("°F"), Kind.LEVEL)]
    return checked(parse(text, Subject.CHANNEL, {"p": 5.0, "limit": DATES}), facts)


def spelled(steps: tuple[ConditionStep, ...]) -> str:
    """Return steps as they would be said to a pocket calculator of the other notation."""
    return " ".join(f"{s.number:g}" if s.name == "number" else s.name for s in steps)


# --- the language -------------------------------------------------------------------------------------------------


HOSTILE = [
    "__import__('os').system('id')", "value.__class__", "().__class__.__mro__", "9**9**9", "value ** 2 > 1",
    "value[0] > 1", "[value for value in value]", "(lambda: value)() > 1", "(value := 1) > 0", "f'{value}'", "value if value else 1",
    "value > 'x'", "value > True", "value > None", "value > 1e999", "value > " + "9" * 400, "value in (1, 2)", "value is 1",
    "value > 1 # and more", "value > 1; value < 2", "value > 1\\\n", "v\u0430lue > 1", "eval('1') > 0", "getattr(value, 'x')",
    "avg(*value) > 1", "avg(value, span='1h') > 1", "(" * 400 + "value" + ")" * 400, "-" * 900 + "value > 1", "~value > 1",
    "value > 1 | value < 2", "value // 2 > 1", "value % 2 > 1", "0 < value < 9", "", "   ", "value >", "avg > 1", "value() > 1",
    "nan > value", "value > inf", "value > 1j", "...", "await value", "not " * 150 + "online",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_bc11_whatever_is_not_of_the_language_is_refused_before_it_means_anything(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text, Subject.CHANNEL, {})


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (
            "__import__('os') > 1",
            "expr: a channel has no __import__; it may use value, age, absent, avg, max_over, min_over,",
        ),
        ("value.real > 1", "expr: value.real has no place in a condition: it knows > >= < <= == !=,"),
        ("9**9**9 > value", "expr: 9 ** 9 ** 9 has no place in a condition"),
        ("'" + "x" * 1_000_000 + "'", "expr: should have at most 1000 characters, not"),
    ],
)
def test_bc11_it_is_refused_with_its_place(tmp_path: Path, expr: str, message: str) -> None:
    [line] = told(tmp_path, expr=f'"{expr}"')

    assert line.startswith(message)
    assert len(line) < 400


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("value > 9", "value 9 >"),
        ("9 < value", "9 value <"),
        ('value > quantity(9, "W")', "value 0.009 >"),
        ('quantity(9, "W") < value', "0.009 value <"),
        ("avg(value, '15m') > 2 * avg(value, '1d')", "avg 2 avg * >"),
        ("value > parameter('p') * 2 - 1", "value 9 >"),
        ("-value < -(2 + 3)", "value negative -5 <"),
        ("clip(value, 0, 5) == 5", "value 0 5 clip 5 =="),
        ("max(value, 1, 2) != min(value, 3)", "value 1 2 max max value 3 min !="),
        ("abs(delta(value, '1h')) >= 1", "delta abs 1 >="),
        ("value > 1 and value < 5 and not absent('5min')", "value 1 > value 5 < absent not and and"),
        ("age > quantity(5, 'min') or count(value, '1h') < 3", "age 300 > count 3 < or"),
        ("rate(value, '1h') > quantity(2, 'kW') / quantity(60, 'min')", "rate 2 >"),
        ("hours_over(value, quantity(850, 'W') * 2, 'today') >= 3", "1.7 hours_over 3 >="),
        ("cusum_above(value, '31d', parameter('p') / 2) > 3", "2.5 cusum_above 3 >"),
        ("cusum_below(value, '7d', quantity(-9, 'W')) > quantity(5, 'W')", "-0.009 cusum_below 0.005 >"),
        (
            "day_mean(value, parameter('p')) > 3 and mean_so_far(value, '30min') > 3",
            "day_mean 3 > mean_so_far 3 > and",
        ),
        ("hypot(value, 2 * avg(value, '1h'), quantity(3, 'W')) > 9", "value 2 avg * 0.003 hypot hypot 9 >"),
        ("hypot(3, quantity(4, 'W')) < value", "0.005 value <"),
        ("hypot(value) > 3", "value abs 3 >"),
        (
            "rate_percentile(value, '1h', 99.9) > quantity(3, 'W') / quantity(1, 'min')",
            "rate_percentile 0.18 >",
        ),
        ("days_until('2027-03-01') < quantity(48, 'h')", "days_until 2 <"),
        (
            "elapsed('today') * 24 > 22 or elapsed('1h') * quantity(1, 'h') < age",
            "elapsed 24 * 22 > elapsed 1 * age 0.000277778 * < or",
        ),
        ("value > quantity(parameter('p'), 'W')", "value 0.005 >"),
        ("value > parameter('limit') * 0.9", "value dated 0.9 * >"),
        ("value > quantity(parameter('limit'), 'W')", "value dated 0.001 * >"),
        ("absent('10min') == 1", "absent 1 =="),
        ("absent('10min')", "absent"),
    ],
)
def test_it_becomes_steps(text: str, steps: str) -> None:
    assert spelled(term(text).steps) == steps


def test_a_span_is_looked_back_on_in_ns() -> None:
    assert [s.span for s in term("avg(value, '15m') > avg(value, '15min')").steps] == [
        15 * NS_PER_MIN
    ] * 2 + [0]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("value > 50", "value 50 >"),
        ('value > quantity(122, "°F")', "value 50 >"),
        ('value > quantity(-5, "°C")', "value -5 >"),
        ('value > quantity(323.15, "K")', "value 50 >"),
        ('delta(value, "1h") > quantity(9, "K")', "delta 9 >"),
        ('value - quantity(5, "K") > 40', "value 5 - 40 >"),
        ("value - 5 > 40", "value 5 - 40 >"),
        ('2 * rate(value, "1h") > 3', "2 rate * 3 >"),
        ('spread(value, "1h") < spread(channel("x"), "1h")', "spread spread 0.555556 * <"),
        ('cusum_above(value, "1d", quantity(50, "°F")) > quantity(9, "K")', "10 cusum_above 9 >"),
        ('value - channel("x") > 3', "value value 0.555556 * -17.7778 + - 3 >"),
    ],
)
def test_temperatures_are_compared_with_their_zero_and_differ_without_it(text: str, steps: str) -> None:
    assert spelled(term(text, "°C", Kind.LEVEL).steps) == steps


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "value > quantity(9, 'kWh')",
            "9 kWh does not fit value: kWh is energy, kW is energy/time: no conversion",
        ),
        ("value > quantity(9, 'kw')", "unknown unit 'kw' (did you mean kW?)"),
        ("value + age > 9", "age does not fit value: s is time, kW is energy/time: no conversion"),
        ("avg(value, '1h') > delta(value, '1h') / 2 * value", "does not fit avg(value)"),
        ("value", "value is a number: compare it with one"),
        ("value and age > 3", "value is a number, not true or false: compare it with one"),
        ("not value", "value is a number, not true or false"),
        ("(value > 1) + 1 > 1", "value > 1 is true or false, no number"),
        ("1 > 0 or value > 1", "1 > 0 compares two numbers"),
        ("value / 0 > 1", "value / 0 divides by 0"),
        ("value > 1 / (1 - 1)", "1 / (1 - 1) divides by 0"),
        ("value > 1e308 * 10", "1e+308 * 10 is too large"),
        ("sum_over(value, '1h') > 1", "sum_over(value) is of kinds interval and event; value is a rate"),
        ("hours_over(value, age, 'today') > 1", "age does not fit hours_over(value): s is time, kW is"),
        ("hours_over(value, value > 1, 'today') > 1", "value > 1 is true or false, no number"),
        ("cusum_above(value, '1d', age) > 1", "age does not fit cusum_above(value): s is time, kW is"),
        ("cusum_above(value, '1d', 1) > age", "age does not fit cusum_above(value): s is time, kW is"),
        ("hypot(value, age) > 1", "age does not fit value: s is time, kW is energy/time: no conversion"),
        ("hypot(channel('x'), 3) > 1", 'channel("x") is in °F, whose zero is not nothing'),
        ("value > quantity(parameter('limit'), 's')", 'parameter("limit") does not fit value: s is time'),
        ("value > quantity(parameter('limit'), 'kw')", "unknown unit 'kw' (did you mean kW?)"),
        ("parameter('limit') > 3", "it asks nothing of its subject"),
        ("days_until('2027-03-01') > value", "does not fit"),
        (
            "channel('x') * 2 > 1",
            'channel("x") is in °F, whose zero is not nothing: compare it, or take a difference',
        ),
        ("channel('x') + channel('x') > 1", "is no temperature"),
        ("5 - channel('x') > 1", 'is no temperature: channel("x") is in °F'),
    ],
)
def test_what_does_not_fit_is_refused_with_its_units(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        term(text)

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("valu > 1", "a channel has no valu (did you mean value?); it may use value, age,"),
        ("tonnes('1d') > 1", "a channel has no tonnes"),
        ("avg(value) > 1", 'avg is written avg(value, "15min")'),
        ("avg(age, '1h') > 1", 'avg is of readings: value or channel("…"), not age'),
        ("avg(value, '1 h') > 1", "a duration is a whole number with s, min, h or d, like 15min; not '1 h'"),
        ("avg(value, '0s') > 1", "0s is no time to look back on: it is longer than 0 and at most 31d"),
        ("avg(value, '32d') > 1", "32d is no time to look back on"),
        ("hour_mean(value, '1h') > 1", "hour_mean is written hour_mean(value)"),
        ("hours_over(value, 3, 'year') > 3", 'hours_over is written hours_over(value, 850, "today")'),
        ("day_mean(value) > 3", "day_mean is written day_mean(value, 18)"),
        (
            "day_mean(value, 25) > 3",
            "day_mean takes a number of 1 to 24, such as day_mean(value, 18), not 25",
        ),
        (
            "percentile(value, '1d', 101) > 3",
            "percentile takes a number of 0 to 100, such as percentile(value,",
        ),
        ("percentile(value, '1d', value) > 3", "percentile takes a number, such as percentile(value,"),
        ("percentile(value, '32d', 50) > 3", "32d is no time to look back on"),
        ("cusum_above(value, '32d', 5) > 3", "32d is no time to look back on"),
        ("cusum_below(value, '1d') > 3", 'cusum_below is written cusum_below(value, "28d", 2.5)'),
        (
            "mean_so_far(value, '7min') > 3",
            "mean_so_far is of today, or of what parts the clock's hour evenly, such as 1h,",
        ),
        ("mean_so_far(value, '2h') > 3", "such as 1h, 30min, 15min; not 2h"),
        ("elapsed('todaj') > 3", "not todaj (did you mean today?)"),
        ("min_over(value, '2d', '22-05') > 3", "22-05 is no stretch of the day, such as 22:00-05:00"),
        ("min_over(value, '2d', '05:00-05:00') > 3", "05:00-05:00 is no stretch of the day"),
        ("delta(value, '2d', '22:00-05:00') > 3", 'delta is written delta(value, "15min")'),
        ("days_until('2027-02-30') < 3", "a day is written like 2027-03-01, not '2027-02-30'"),
        ("days_until('next week') < 3", "a day is written like 2027-03-01, not 'next week'"),
        ("hypot() > 3", "hypot takes 1 to 100 values, not 0"),
        ("day_mean(value, parameter('dated')) > 3", "day_mean takes a number of 1 to 24"),
        ("value > parameter('q')", "there is no parameter q"),
        ("quantity(value, 'kW') > 1", 'quantity takes a number, such as quantity(9, "kW"), not value'),
        ("min(value) > 1", "min takes 2 to 100 values, not 1"),
        ("0 < value < 9", "0 < value < 9 compares twice: write a < b and b < c"),
    ],
)
def test_a_mistake_is_told_with_the_way_out(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        parse(text, Subject.CHANNEL, {"limit": 1.0, "dated": DATES})

    assert message in str(error.value)


@pytest.mark.parametrize("subject", Subject)
def test_each_subject_has_its_own_words(subject: Subject) -> None:
    for name in {name for names in ASKED.values() for name in names} - set(ASKED[subject]):
        with pytest.raises(ExpressionError, match=f"a {subject} has no {name}"):
            parse(f"{name} > 1", subject, {})


@pytest.mark.parametrize(
    ("expr", "clear", "both"),
    [
        ("value > 9", "value < 10", True),
        ("value > 9", "value < 9", False),
        ("value > 9", "value <= 9", False),
        ("value >= 9", "value <= 9", True),
        ("value < 9", "value > 8", True),
        ("value < 9", "value >= 9", False),
        ("9 < value", "value < 10", True),
        ("value > 9", "value > 10", True),
        ("value == 9", "value != 9", False),
        ("value == 9", "value < 10", True),
        ("value > 9 or value < 2", "value < 8 and value > 3", False),
        ("value > 9 or value < 2", "value < 8", True),
        ("not value <= 9", "value < 9.5", True),
        ("value > 9", "value < quantity(8500, 'W')", False),
        ("value > 9", "value < quantity(9500, 'W')", True),
        ("value > 9", "avg(value, '1h') < 10", False),
        ("avg(value, '15min') > 9", "avg(value, '5min') < 10", False),
        ("value > 9 and age < 60", "value < 10", False),
    ],
)
def test_bc21_hysteresis_is_inverted_where_clear_can_be_true_together_with_expr(expr, clear, both) -> None:
    assert contradict(term(expr), term(clear)) is both


# --- the configuration --------------------------------------------------------------------------------------------


def test_a_condition_is_resolved_with_all_its_keys(tmp_path: Path) -> None:
    one = only(
        tmp_path, expr='"avg( value,  \'15min\') > 5"', match="{channel: boiler/*, facility: mill}", for_="10min",
        keep_firing_for="5min", clear="value < 4", every="30s", delay="10s", labels="{team: boilers, area: b1}",
        parameters="{budget_t: 5}", summary="{vi: Nồi hơi, en: Boiler}", description="'{value} {unit} of {channel}, {labels.team}'",
        first_action="{vi: Gọi}", runbook="https://example.com/o2", severity="critical",
    )  # fmt: skip

    assert one == Condition(
        name="a", subject="channel", subjects=(0,), expr="avg( value, '15min') > 5", steps=one.steps,
        others=(), unit="%", clear=one.clear, every=30 * NS_PER_S, delay=10 * NS_PER_S, hold=10 * NS_PER_MIN,
        keep=5 * NS_PER_MIN, severity="critical", labels=(("area", "b1"), ("team", "boilers")),
        summary=Bilingual("Nồi hơi", "Boiler"), description=Bilingual(*["{value} {unit} of {channel}, {labels.team}"] * 2),
        first_action=Bilingual("Gọi"), runbook="https://example.com/o2", clear_expr="value < 4",
        parameters=(("budget_t", 5.0),), comparisons=(Comparison(">", "%"),),
    )  # fmt: skip
    assert (spelled(one.steps), spelled(one.clear)) == ("avg 5 >", "value 4 <")


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    one = only(tmp_path, expr="value > 5", match="{unit: '%'}")

    assert (one.every, one.delay, one.hold, one.keep, one.clear) == (60 * NS_PER_S, 0, 0, 0, ())
    assert (one.subjects, one.summary, one.description) == ((0, 6), Bilingual("S", "S"), Bilingual())


@pytest.mark.parametrize(
    ("each", "expr", "match", "subjects"),
    [
        ("channel", "value > 1", "{quantity: electricity, kind: rate, park: n*}", [(1,), (2,)]),
        ("channel", "value > 1", "{gateway: g2, unit: W}", [(2,)]),
        ("channel", "absent('5min')", "{}", [(0, 6), (1,), (2,), (3,), (4,), (5,), (7,)]),
        ("source", "value > 1", "{scope: 2}", [(0, 2)]),
        ("source", "tonnes('today') > 1", "{source: 's*d'}", [(1,)]),
        ("facility", "rate_now > 1", "{facility: shop}", [(1,)]),
        ("park", "tonnes('year') > elapsed('year')", "{}", [(0,)]),
        ("gateway", "not online", "{gateway: g1}", [(0, 2)]),
    ],
)
def test_match_finds_the_subjects(tmp_path: Path, each: str, expr: str, match: str, subjects: list) -> None:
    conditions = made(tmp_path, each=each, expr=f'"{expr}"', match=match)

    assert [one.subjects for one in conditions] == subjects


def test_channels_of_other_units_are_conditions_of_their_own_with_one_name(tmp_path: Path) -> None:
    found = made(tmp_path, expr="'value > quantity(2, \"kW\")'", match="{kind: rate}")

    assert [(one.name, one.unit, spelled(one.steps)) for one in found] == [
        ("a", "kW", "value 2 >"),
        ("a", "W", "value 2000 >"),
    ]


@pytest.mark.parametrize(
    ("expr", "groups"),
    [("value > 1", [((4, 5), "0.0")]), ("sum_over(value, '1h') > 1", [((4,), "0.0"), ((5,), "1.0")])],
)
def test_kinds_are_parted_only_where_a_sum_of_no_events_is_0(tmp_path: Path, expr: str, groups: list) -> None:
    park = PARK.replace("kind: event, unit: L", "kind: event, unit: kWh").replace(
        "kind: register, unit: kWh,", "kind: interval, period: 15min, unit: kWh,"
    )
    conditions = plant_of(tmp_path, entry(expr=f'"{expr}"', match="{unit: kWh}"), park).conditions

    assert [(one.subjects, str(one.steps[0].number)) for one in conditions] == groups


def test_another_channel_is_that_of_each_subjects_facility(tmp_path: Path) -> None:
    one = only(
        tmp_path,
        each="facility",
        expr='\'tonnes("1h") > 1 and avg(channel("boiler/o2"), "15min") > channel("boiler/o2")\'',
    )

    assert one.others == ((0, 6),)
    assert [s.index for s in one.steps if s.name in ("avg", "value")] == [0, 0]


def test_a_parameter_may_change_on_dates(tmp_path: Path) -> None:
    one = only(
        tmp_path,
        each="source",
        expr='\'tonnes("1d") > quantity(parameter("limit"), "kgCO2e") * parameter("share")\'',
        match="{source: sold}",
        parameters="{limit: [{from: 2026-01-01, value: 200}, {from: 2027-07-01, value: 150}], share: 2}",
    )

    assert [step.dated for step in one.steps if step.name == "dated"] == [DATES]
    assert (spelled(one.steps), one.unit) == ("tonnes dated 2 * 0.001 * >", "t")


def test_a_date_more_or_less_is_another_configuration(tmp_path: Path) -> None:
    row = "{from: 2026-01-01, value: 200}"
    one, other = (
        plant_of(
            tmp_path,
            entry(expr="'value > parameter(\"x\")'", match="{channel: drive}", parameters=f"{{x: [{rows}]}}"),
        )
        for rows in (row, f"{row}, {{from: 2027-01-01, value: 200}}")
    )

    assert one.hash != other.hash


def test_emissions_may_be_written_as_co2e(tmp_path: Path) -> None:
    one = only(
        tmp_path, each="source", expr='\'tonnes("1d") > quantity(500, "kgCO2e")\'', match="{source: sold}"
    )

    assert (spelled(one.steps), one.unit) == ("tonnes 0.5 >", "t")


@dataclass(frozen=True)
class DatedCatalogue(SmallCatalogue):
    """`grid` is provisional from 2024 on, and ends with 2026."""

    factors: Mapping[str, FactorSpec] = field(
        default_factory=lambda: {
            "grid": FactorSpec(
                "grid", {"co2": "kg/kWh"}, "provisional", "",
                statuses=(("2023-01-01", "official"), ("2024-01-01", "provisional")), ends="2027-01-01",
            )
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expr", "dated"),
    [
        ("factor_provisional", (("2023-01-01", 0.0), ("2024-01-01", 1.0))),
        ("factor_ends('30d')", (("2023-01-01", 0.0), ("2026-12-02", 1.0))),
        ("factor_ends('2000d')", (("2023-01-01", 1.0),)),
    ],
)
def test_facts_of_a_factor_are_dated(tmp_path: Path, expr: str, dated: tuple) -> None:
    (tmp_path / "park.yaml").write_text(PARK, encoding="utf-8")
    (tmp_path / "alerts.yaml").write_text(
        f"alerts:\n{entry(each='source', expr=chr(34) + expr + chr(34))}", encoding="utf-8"
    )

    [one] = load(tmp_path, DatedCatalogue(), {}).conditions

    assert [step.dated for step in one.steps] == [dated]
    assert one.subjects == (0, 1, 2)


def test_without_an_end_a_factor_never_ends_and_without_rows_nothing_is_known() -> None:
    text = parse("factor_ends('30d')", Subject.SOURCE, {})
    open_end = FactorSpec("f", {}, "official", "", statuses=(("2023-01-01", "official"),))

    assert [s.dated for s in checked(text, [], factor=open_end).steps] == [(("2023-01-01", 0.0),)]
    assert [s.dated for s in checked(text, [], factor=None).steps] == [()]


def test_conditions_and_limits_stand_side_by_side_and_share_their_names(tmp_path: Path) -> None:
    limit = entry(facility="mill", channel="drive", above="5")

    plant = plant_of(
        tmp_path, limit + entry(expr="value > 5", match="{channel: drive}").replace("name: a", "name: b")
    )
    assert ([r.name for r in plant.rules], [c.name for c in plant.conditions]) == (["a"], ["b"])
    [rule] = plant.rules
    assert (rule.summary, rule.description, rule.delay) == (Bilingual("S", "S"), Bilingual(), 0)

    with pytest.raises(ConfigurationError, match="a is declared twice"):
        plant_of(tmp_path, limit + entry(expr="value > 5", match="{channel: drive}"))


def test_the_hash_covers_conditions(tmp_path: Path) -> None:
    one, other = (plant_of(tmp_path, entry(expr=f"value > {k}", match="{channel: drive}")) for k in (1, 2))

    assert one.hash != other.hash


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"expr": "value > .nan"}, "expr: 'value > .nan' is not a condition"),
        ({"expr": "value > nan"}, "expr: a channel has no nan"),
        ({"expr": "value > 1e999"}, "expr: a number in it is too large"),
        ({"parameters": "{x: .inf}"}, "parameters.x: .inf is not a finite number"),
        ({"expr": "value > 9", "clear": "value < 10"}, "clear: can be true while expr is: value > 9, and value < 10"),
        ({"for": "-5s"}, "for: a duration is a whole number with s, min, h or d, like 15min; not '-5s'"),
        ({"for": "5"}, "for: a duration is a whole number with s, min, h or d, like 15min; not 5"),
        ({"every": "0s"}, "every: is 1s or longer"),
        ({"labels": f"{{{', '.join(f'l{k}: x' for k in range(MOST_LABELS + 1))}}}"}, "labels: has 21 labels; 20 are the most"),
        ({"parameters": "{x: abc}"}, "parameters.x: is a number, or numbers with dates such as [{from: 2026-01-01, value: 200},"),
        ({"parameters": "{x: []}"}, "parameters.x: has 0 dates; 1 to 100 may be given"),
        ({"parameters": "{x: [3]}"}, "parameters.x[0]: is a date and a number: {from: 2026-01-01, value: 200}"),
        ({"parameters": "{x: [{from: 2026-01-01}]}"}, "parameters.x[0].value: is required"),
        ({"parameters": "{x: [{frm: 2026-01-01, value: 1}]}"}, "parameters.x[0].frm: unknown key (did you mean from?)"),
        ({"parameters": "{x: [{from: 2026-02-30, value: 1}]}"}, "parameters.x[0].from: a day is written like 2027-03-01, not '2026-02-30'"),
        ({"parameters": "{x: [{from: 2026-01-01, value: '1'}]}"}, "parameters.x[0].value: is a number"),
        ({"parameters": "{x: [{from: 2026-01-01, value: 1}, {from: 2026-01-01, value: 2}]}"},
         "parameters.x[1].from: 2026-01-01 is not after 2026-01-01: dates ascend"),
        ({"labels": "{a-b: x}"}, "labels: 'a-b' is no name of a label: letters, digits and _, no digit first"),
        ({"labels": "{1a: x}"}, "labels: '1a' is no name of a label"),
        ({"labels": f"{{a: {'x' * (LONGEST_LABEL + 1)}}}"}, "labels: a has 201 characters; 200 are the most"),
        ({"labels": "{park: x}"}, "labels: park is given by the subject itself"),
    ],
)  # fmt: skip
def test_bc21_an_alert_that_makes_no_sense_is_refused(
    tmp_path: Path, keys: dict[str, str], message: str
) -> None:
    lines = told(tmp_path, **{"expr": "value > 5", "match": "{channel: drive}"} | keys)

    assert lines[0].startswith(message)


@pytest.mark.parametrize("count", [1, MOST_LABELS])
def test_bc21_for_0s_is_at_once_and_twenty_labels_are_enough(tmp_path: Path, count: int) -> None:
    labels = {f"l{k}": "x" * LONGEST_LABEL for k in range(count)}
    one = only(
        tmp_path, expr="value > 5", for_="0s", match="{channel: drive}", labels=str(labels), every="1s"
    )

    assert (one.hold, len(one.labels), one.every) == (0, count, NS_PER_S)


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ({"match": "{facility: mil}"}, ["match.facility: there is no channel with facility mil (did you mean mill?)"]),
        ({"match": "{channel: 'x*'}"}, ["match.channel: there is no channel with channel x*"]),
        ({"match": "{channel: fan, gateway: g1}"}, ["match: matches no channel"]),
        ({"match": "{scope: 2}"}, ["match.scope: is not for a channel; known are channel, gateway, facility, park, quantity, kind, unit"]),
        ({"match": "{chanel: fan}"}, ["match.chanel: unknown key (did you mean channel?)"]),
        ({"match": "{channel: 'a[b]?'}"}, ["match.channel: should be a name, or a part of names with `*` for the rest, such as `mdb*/power`, not 'a[b]?'"]),
        ({"each": "meter"}, ["each: 'meter' is not 'channel', 'source', 'facility', 'park' or 'gateway'"]),
        ({"facility": "mill"}, ["facility: is for a limit; a condition finds its subjects by match"]),
        ({"above": "5"}, ["above: is for a limit; a condition finds its subjects by match"]),
        ({"runbook": "http://example.com"}, ["runbook: is not an https address"]),
        ({"summary": "'{valeu} of {channel}'"}, ["summary: there is no {valeu} of a channel (did you mean value?)"]),
        ({"summary": "'{source}'"}, ["summary: there is no {source} of a channel"]),
        ({"first_action": "{vi: '{labels.tem}'}", "labels": "{team: x}"},
         ["first_action: there is no {labels.tem} of a channel (did you mean labels.team?)"]),
        ({"summary": "{fr: x}"}, ["summary.fr: unknown key; known are vi, en"]),
        ({"summary": "{}"}, ["summary: at least one of vi, en is given"]),
        ({"summary": "''"}, ["summary: should have at least 1 character, not ''"]),
        ({"summary": f"{{vi: {'x' * 1001}}}"}, ["summary: has at most 1000 characters, not 1001"]),
        ({"expr": "'value > channel(\"boiler/co\")'"}, ["expr: there is no channel boiler/co in north/mill: match those that have it"]),
        ({"expr": "'value > quantity(5, \"kWh\")'"},
         ["expr: 5 kWh does not fit value: kWh is energy, kW is energy/time: no conversion"]),
        ({"clear": "not x"}, ["clear: a channel has no x; it may use value, age, absent, avg, max_over, min_over, sum_over, spread, count, delta, rate, percentile, rate_percentile, cusum_above, cusum_below, hour_mean, day_mean, mean_so_far, hours_over, channel, elapsed, days_until, min, max, abs, clip, hypot, quantity, parameter"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_key(tmp_path: Path, keys: dict[str, str], lines: list[str]) -> None:
    assert told(tmp_path, **{"expr": "value > 5", "match": "{channel: drive}"} | keys) == lines


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ({"for": "5min"}, ["for: is for a condition, which has expr"]),
        ({"match": "{}"}, ["match: is for a condition, which has expr"]),
        ({"runbook": "http://a"}, ["runbook: is not an https address"]),
    ],
)  # fmt: skip
def test_a_limit_has_no_keys_of_a_condition(tmp_path: Path, keys: dict[str, str], lines: list[str]) -> None:
    assert told(tmp_path, facility="mill", channel="drive", above="5", **keys) == lines


def test_a_park_that_was_refused_is_not_blamed_on_the_condition(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        plant_of(
            tmp_path, entry(expr="value > 5", match="{channel: fan}"), PARK.replace("unit: W,", "unit: Wat,")
        )

    assert [p.message for p in error.value.problems] == ["unknown unit 'Wat' (did you mean atm?)"]
