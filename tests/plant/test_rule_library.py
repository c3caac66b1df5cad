"""The library of alert rules: what is shipped, how an alert takes it, and in which words it is refused."""

from pathlib import Path

import pytest

from plant.alert_rules.rule_library import COUNT, LibraryRule, ToldRule, library, told_rules
from plant.configuration.load import json_schema, load
from plant.documents.documents import read
from plant.documents.problems import ConfigurationError
from plant.park import Bilingual, Condition
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from tests.frame.repository import ROOT, text
from tests.plant.catalogue import SmallCatalogue
from tests.plant.test_conditions import PARK

RULES = sorted(library().items())
TOLD = sorted(told_rules().items())
SCENARIOS = sorted((ROOT / "tests/cases/rules").glob("*.yaml"))
ALWAYS_KNOWN = {"calibration-overdue", "certificate-expiry", "data-gap", "data-gap-day", "report-due"}


def conditions(folder: Path, alert: str) -> list[Condition]:
    (folder / "park.yaml").write_text(PARK, encoding="utf-8")
    (folder / "alerts.yaml").write_text(f"alerts:\n  - {alert}\n", encoding="utf-8")
    return list(load(folder, SmallCatalogue(), {}).conditions)


def problems(folder: Path, alert: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        conditions(folder, alert)
    assert {(Path(p.file).name, p.line) for p in error.value.problems} == {("alerts.yaml", 2)}
    return [
        f"{p.path.removeprefix('alerts[0]').removeprefix('.')}: {p.message}" for p in error.value.problems
    ]


# --- what is shipped ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_solid_c_each_rule_speaks_vietnamese(
    name: str,
    rule: LibraryRule,
) -> None:
    """Which words it says is looked at by tests/frame/test_glossary.py."""
    for told in (rule.title, rule.summary, rule.description, rule.first_action):
        assert told.vi
        assert told.en
        assert told.vi != told.en or told.en in ("{channel}: {value} {unit}", "{channel}: pH {value}")


def test_all_rules_of_the_reference_are_there() -> None:
    assert {rule.number for _, rule in RULES} == set(range(1, COUNT + 1))


@pytest.mark.parametrize(("name", "rule"), [*RULES, *TOLD])
def test_a_rule_tells_people_in_both_languages(name: str, rule: LibraryRule | ToldRule) -> None:
    for one in (rule.title, rule.summary, rule.description, rule.first_action):
        assert one.vi.strip(), name
        assert one.en.strip(), name
        assert one.vi != one.en or "{value}" in one.en


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_what_is_unsure_says_so_and_can_be_changed(name: str, rule: LibraryRule) -> None:
    for key, part in rule.parameters.items():
        assert part.description, (name, key)
        assert part.reference, (name, key)
        if part.mark == "M?":
            assert "not verified" in part.description, (name, key)


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_every_parameter_is_asked(name: str, rule: LibraryRule) -> None:
    asked = " ".join([rule.expr, rule.clear or "", *rule.only_while.values()])
    assert [key for key in rule.parameters if f'parameter("{key}")' not in asked] == []
    assert [key for key in rule.only_while if not rule.parameters[key].optional] == []


@pytest.mark.parametrize("name", [name for name, _ in RULES])
def test_a_rule_has_scenarios_in_which_it_fires_does_not_and_cannot_tell(name: str) -> None:
    states = set()
    for path in SCENARIOS:
        file = read(path).value
        mine = {alert["name"] for alert in file["config"]["alerts"] if alert.get("use") == name}
        for scenario in file["scenarios"]:
            states |= {
                one["state"] for rows in scenario["expect"].values() for one in rows if one["rule"] in mine
            }

    assert states >= {"firing", "ok"} | (set() if name in ALWAYS_KNOWN else {"unknown"})


def test_the_page_has_every_rule_and_parameter() -> None:
    page = text("docs/alert-rules.md")
    rows = [line for line in page.splitlines() if line.startswith("| ")]

    assert [name for name, _ in RULES if not any(f"| `{name}` |" in row for row in rows)] == []
    for name, rule in RULES:
        [row] = [row for row in rows if f"| `{name}` |" in row]
        assert [key for key in rule.parameters if f"`{key}`" not in row] == [], name
        assert rule.first_action.en in row, name
    for name, told in TOLD:
        [row] = [row for row in rows if f"| `{name}` |" in row]
        for one in (told.when, told.first_action):
            assert one.en.replace("behind_after", "`behind_after`") in row, name


def test_what_the_service_tells_itself_is_used_by_no_alert(tmp_path: Path) -> None:
    assert problems(tmp_path, "{name: short, use: position-short}") == [
        "use: position-short is told by the service itself: leave this alert out"
    ]


# --- how an alert takes it ----------------------------------------------------------------------------------------


def test_an_alert_takes_a_rule_and_gives_what_differs(tmp_path: Path) -> None:
    [one] = conditions(
        tmp_path,
        "{name: o2, use: flow-above-permit, match: {channel: boiler/o2, facility: mill}, parameters: {permit: 9, window: 15min},"
        " severity: critical, for: 10min, labels: {team: x}, summary: {en: Much}}",
    )

    assert one.expr == "avg(value, '15min') > 9.0"
    assert (one.name, one.subject, one.severity, one.hold) == ("o2", "channel", "critical", 10 * NS_PER_MIN)
    assert one.labels == (("team", "x"),)
    assert one.summary == Bilingual(en="Much")
    assert one.first_action.en == library()["flow-above-permit"].first_action.en


def test_a_number_with_a_unit_is_a_quantity_and_a_span_counts_seconds(tmp_path: Path) -> None:
    [skew] = conditions(tmp_path, "{name: a, use: clock-skew, parameters: {limit: 150}}")
    [gap] = conditions(
        tmp_path, "{name: a, use: data-gap, match: {channel: drive}, parameters: {cadence: 5min}}"
    )

    assert skew.expr == "abs(skew) > quantity(150.0, 's')"
    assert gap.expr == "count(value, '1h') * quantity(300.0, 's') < 0.8 * quantity(3600.0, 's')"


def test_several_channels_are_their_sum(tmp_path: Path) -> None:
    [one] = conditions(
        tmp_path,
        "{name: a, use: part-above-whole, match: {facility: mill}, parameters: {part: [main, main, main], whole: main}}",
    )

    assert one.expr == (
        "delta(channel('main'), '1h') + delta(channel('main'), '1h') + delta(channel('main'), '1h') "
        "> (1 + 0.01) * delta(channel('main'), '1h')"
    )


def test_several_channels_are_the_terms_of_a_sum_of_squares(tmp_path: Path) -> None:
    [one] = conditions(
        tmp_path,
        "{name: a, use: meter-imbalance, match: {facility: mill},"
        " parameters: {main: main, meters: [main, main], floor: 1, uncertainty: 0.01}}",
    )

    assert "0.01 * hypot(delta(channel('main'), '1h'), delta(channel('main'), '1h'))" in one.expr


def test_a_number_with_dates_stays_a_parameter_in_its_unit(tmp_path: Path) -> None:
    rows = "[{from: 2026-01-01, value: 9}, {from: 2027-01-01, value: 7}]"
    [flow] = conditions(
        tmp_path,
        f"{{name: a, use: flow-above-permit, match: {{channel: drive}}, parameters: {{permit: {rows}}}}}",
    )
    [skew] = conditions(tmp_path, f"{{name: a, use: clock-skew, parameters: {{limit: {rows}}}}}")

    dated = (("2026-01-01", 9.0), ("2027-01-01", 7.0))
    assert flow.expr == "avg(value, '1h') > parameter('permit')"
    assert skew.expr == "abs(skew) > quantity(parameter('limit'), 's')"
    assert [s.dated for one in (flow, skew) for s in one.steps if s.name == "dated"] == [dated, dated]


def test_days_and_hours_of_the_day_are_written_in(tmp_path: Path) -> None:
    [expiry] = conditions(
        tmp_path,
        "{name: a, use: certificate-expiry, match: {channel: drive}, parameters: {expires: 2027-03-01}}",
    )
    [night] = conditions(
        tmp_path,
        "{name: a, use: night-load, match: {channel: drive}, parameters: {baseline: 1, sigma: 1, night: '22:00-04:00'}}",
    )

    assert expiry.expr == "days_until('2027-03-01') < quantity(30.0, 'd')"
    assert night.expr == "min_over(value, '2d', '22:00-04:00') > 1.0 + 3.0 * 1.0"


def test_what_the_unit_must_do_is_asked_only_where_it_is_given(tmp_path: Path) -> None:
    base = "name: a, use: stack-limit, match: {channel: boiler/o2, facility: mill}"
    [without] = conditions(tmp_path, f"{{{base}, parameters: {{limit: 9}}}}")
    [within] = conditions(tmp_path, f"{{{base}, parameters: {{limit: 9, running: drive, running_above: 5}}}}")

    assert without.expr == "hour_mean(value) > 9.0"
    assert within.expr == "hour_mean(value) > 9.0 and hour_mean(channel('drive')) > 5.0"
    assert within.keep == NS_PER_HOUR


def test_a_clear_of_its_own_may_name_the_rules_parameters(tmp_path: Path) -> None:
    alert = (
        "{name: a, use: flow-above-permit, match: {channel: drive}, parameters: {permit: 9}, clear: CLEAR}"
    )
    [one] = conditions(
        tmp_path, alert.replace("CLEAR", """'avg(value, parameter("window")) < parameter("permit") / 2'""")
    )

    assert [step.number for step in one.clear if step.name == "number"] == [4.5]
    assert problems(tmp_path, alert.replace("CLEAR", """'value < parameter("permits")'""")) == [
        "clear: there is no parameter permits (did you mean permit?)"
    ]


def test_each_may_be_another_subject_that_has_what_it_asks(tmp_path: Path) -> None:
    alert = "{name: a, use: USED, each: park, match: {park: north}, summary: S, parameters: {budget: 9}}"
    [one] = conditions(tmp_path, alert.replace("USED", "carbon-budget-burn"))

    assert (one.subject, one.subjects) == ("park", (0,))


@pytest.mark.parametrize(
    ("alert", "told"),
    [
        ("{name: a, use: stack-limits}", ["use: there is no rule stack-limits in the library (did you mean stack-limit?)"]),
        ("{name: a, use: [x]}", ["use: there is no rule ['x'] in the library; stackmeter rules list has them all"]),
        ("{name: a, use: clock-skew, expr: skew > 1}", ["expr: is the library's: leave it out, or leave use out"]),
        ("{name: a, use: clock-skew, parameters: {limt: 3}}", ["parameters.limt: is no parameter of this rule (did you mean limit?)"]),
        ("{name: a, use: clock-skew, parameters: {limit: 30s}}", ["parameters.limit: is a number"]),
        ("{name: a, use: clock-skew, parameters: {limit: true}}", ["parameters.limit: is a number"]),
        ("{name: a, use: clock-skew, parameters: 3}", ["parameters: should be a mapping of names to values"]),
        ("{name: a, use: gateway-silent, parameters: {silent_for: 5}}", ["parameters.silent_for: is a span such as 15min"]),
        ("{name: a, use: gateway-silent, parameters: {silent_for: 5 min}}",
         ["parameters.silent_for: a duration is a whole number with s, min, h or d, like 15min; not '5 min'"]),
        ("{name: a, use: clock-skew, parameters: {limit: [{from: 2026, value: 3}]}}",
         ["parameters.limit[0].from: a day is written like 2027-03-01, not '2026'"]),
        ("{name: a, use: certificate-expiry, match: {channel: drive}, parameters: {expires: soon}}",
         ["parameters.expires: a day is written like 2027-03-01, not 'soon'"]),
        ("{name: a, use: night-load, match: {channel: drive}, parameters: {baseline: 1, sigma: 1, night: 22-04}}",
         ["parameters.night: 22-04 is no stretch of the day, such as 22:00-05:00"]),
        ("{name: a, use: peak-demand, match: {channel: drive}, parameters: {contract: 1, interval: 20h}}",
         ["expr: mean_so_far is of today, or of what parts the clock's hour evenly"]),
        ("{name: a, use: flow-above-permit, match: {channel: drive}}",
         ["parameters.permit: is required: The flow that is permitted"]),
        ("{name: a, use: flow-above-permit, parameters: {permit: 3}}",
         ['match: is required: for which channels; {channel: "*"} is all']),
        ("{name: a, use: part-above-whole, parameters: {part: [], whole: main}}",
         ["parameters.part: is the names of one or several channels"]),
        ("{name: a, use: part-above-whole, parameters: {part: main, whole: mian}}",
         ["expr: there is no channel mian in north/mill, nor 1 more: match those that have it"]),
        ("{name: a, use: part-above-whole, parameters: {part: drive, whole: main}, match: {facility: mill}}",
         ['expr: (1 + 0.01) * delta(channel("main")) does not fit']),
        ("{name: a, use: clock-skew, above: 3}", ["above: is for a limit; a condition finds its subjects by match"]),
        ("{name: a, use: clock-skew, each: park}", ["expr: a park has no skew", "summary: there is no {gateway} of a park"]),
    ],
)  # fmt: skip
def test_it_is_refused_with_its_key(tmp_path: Path, alert: str, told: list[str]) -> None:
    found = problems(tmp_path, alert)

    assert len(found) == len(told)
    for one, start in zip(found, told, strict=True):
        assert one.startswith(start)


def test_a_channels_name_cannot_leave_its_quotes(tmp_path: Path) -> None:
    evil = """'main") > 0 or channel("main'"""
    found = problems(
        tmp_path, f"{{name: a, use: part-above-whole, parameters: {{part: {evil}, whole: main}}}}"
    )

    assert found[0].startswith('expr: there is no channel main") > 0 or channel("main in north/mill')


def test_the_schema_lets_an_alert_leave_out_what_the_library_has() -> None:
    alert = json_schema()["$defs"]["AlertPart"]

    assert alert["required"] == ["name"]
    assert {"required": ["use"]} in alert["anyOf"]
