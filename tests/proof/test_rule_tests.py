"""`stackmeter rules`: the scenarios of the library, and what is said where something is not as expected."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from plant.alert_rules.rule_library import library
from plant.documents.problems import ConfigurationError
from proof.rule_frame import series
from proof.rule_tests import run
from stackmeter.cli import app
from tests.frame.repository import ROOT

FILES = sorted((ROOT / "tests/cases/rules").glob("*.yaml"))
EXAMPLE = """\
config: {config}
scenarios:
  - name: two readings
    start: 2026-11-25T08:00:00+07:00
    series: {{{series}}}
    expect: {{{expect}}}
"""
CONFIG = """\

  parks:
    - name: p
      title: P
      zone: Asia/Ho_Chi_Minh
      facilities:
        - name: f
          title: F
          gateways: [{name: g}]
          channels:
            - {name: a, gateway: g, kind: register, unit: kWh, quantity: electricity}
            - {name: b, gateway: g, kind: level, unit: "%", quantity: oxygen}
          sources: [{name: grid, method: electricity-location, inputs: {energy: a}, factor: vn-grid}]
  alerts:
    - {name: high, expr: value > 9, match: {channel: b}, for: 2min, delay: 30s, severity: info, summary: "{channel} {value} {unit}"}
    - {name: old, facility: f, channel: b, above: 9, severity: info, summary: S}"""


def file(folder: Path, *, config: str = CONFIG, given: str = "p/f/b: 8 10x5", expect: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(EXAMPLE.format(config=config, series=given, expect=expect), encoding="utf-8")
    return path


def told(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["rules", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_librarys_scenarios_come_out_as_expected(path: Path) -> None:
    report = run(path)

    assert [str(failure) for failure in report.failures] == []
    assert report.scenarios
    assert report.expectations


def test_state_alert_and_summary_are_compared_and_told(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        expect="3min: [{rule: high, subject: p/f/b, state: firing}],"
        " 4min: [{rule: high, subject: p/f/b, state: ok, alert: none, summary: b 9 %}]",
    )
    code, text = told("test", str(path))
    place = f"{path}: two readings, at"

    assert code == 1
    assert (
        text.splitlines()
        == [
            f"{place} 3min: high of p/f/b: state: expected 'firing', got 'pending'",  # judged at 3min, known at 3min 30s
            f"{place} 4min: high of p/f/b: state: expected 'ok', got 'firing'",
            f"{place} 4min: high of p/f/b: alert: expected 'none', got 'open'",
            f"{place} 4min: high of p/f/b: summary: expected 'b 9 %', got 'b 10 %'",
        ]
    )


def test_the_same_for_programs(tmp_path: Path) -> None:
    path = file(tmp_path, expect="30s: [{rule: high, subject: p/f/b, state: firing}]")
    code, text = told("test", str(path), "--json")

    assert code == 1
    assert json.loads(text)["files"] == [
        {
            "file": str(path), "scenarios": 1, "expectations": 1,
            "failures": [{"scenario": "two readings", "time": "30s", "rule": "high", "subject": "p/f/b",
                          "what": "state", "expected": "firing", "got": "ok"}],
        }
    ]  # fmt: skip


def test_what_is_as_expected_exits_with_0_and_a_folder_may_be_named(tmp_path: Path) -> None:
    config = ROOT / "config/haiphong"
    path = file(
        tmp_path,
        config=str(config),
        given="nam-cau-kien/wastewater/outflow/ph: 8x20",
        expect="5min: [{rule: gateway-offline, subject: nam-cau-kien/mill/cems, state: unknown}]",
    )

    assert told("test", str(path)) == (0, f"{path}: good: 1 scenarios, 1 expectations\n")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"expect": "1min: [{rule: hgih, subject: p/f/b, state: ok}]"}, "there is no rule hgih (did you mean high?)"),
        ({"expect": "1min: [{rule: old, subject: p/f/b, state: ok}]"}, "old is a limit; scenarios are for conditions"),
        ({"expect": "1min: [{rule: high, subject: p/f/c, state: ok}]"}, "high has no subject p/f/c (did you mean p/f/b?)"),
        ({"expect": "1min: [{rule: high, subject: p/f/b, state: on}]"}, "is not 'ok', 'pending', 'firing' or 'unknown'"),
        ({"expect": "1min: [{rule: high, subject: p/f/b, state: ok}]", "given": "p/f/x: 1"}, "there is no channel p/f/x"),
        ({"expect": "1min: [{rule: high, subject: p/f/b, state: ok}]", "given": "p/f/b: 1y5"}, "1y5 is no part of a series"),
        ({"expect": "soon: [{rule: high, subject: p/f/b, state: ok}]"}, "a duration is a whole number"),
        ({"expect": "2020-01-01T00:00:00Z: [{rule: high, subject: p/f/b, state: ok}]"}, "is before the start"),
        ({"expect": ""}, "expects nothing"),
        ({"expect": "1min: [{rule: high, subject: p/f/b, state: ok}]", "config": "{parks: []}"}, "no park is declared"),
        ({"expect": "1min: [{rule: high, subject: p/f/b, state: ok}]", "config": CONFIG.replace("value > 9", "value >")},
         "config.alerts[0].expr: "),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    tmp_path: Path, keys: dict[str, str], message: str
) -> None:
    path = file(tmp_path, **keys)

    with pytest.raises(ConfigurationError) as error:
        run(path)
    [problem] = error.value.problems

    assert message in f"{problem.path}: {problem.message}"
    assert problem.file == str(path)
    assert problem.line > 0
    assert told("test", str(path))[0] == 2


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("10x2 11 _ 12+1x2", [10, 10, 10, 11, None, 12, 13, 14]),
        ("-0.5 5-2x2 _x2 1e3", [-0.5, 5, 3, 1, None, None, 1000]),
        ("1-.5x1 0+1.5x1", [1, 0.5, 0, 1.5]),
        ("", []),
    ],
)
def test_a_series_is_written_as_in_tests_of_prometheus_rules(
    written: str, values: list[float | None]
) -> None:
    expected = [np.nan if value is None else value for value in values]

    np.testing.assert_array_equal(series(written), np.array(expected, float))


@pytest.mark.parametrize(
    "written", ["10x", "x5", "10+2", "_+1x2", "nan", "1e999", "1,2", "1x9999999 1", "0x7FF"]
)
def test_a_series_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"no part of a series|at most|not finite"):
        series(written)


def test_list_tells_of_every_rule_with_its_parameters() -> None:
    code, text = told("list", "--json")
    rows = json.loads(text)["rules"]

    assert code == 0
    assert [row["name"] for row in rows] == list(library())
    [silent] = [row for row in rows if row["name"] == "gateway-silent"]
    assert silent["parameters"]["silent_for"]["value"] == "10min"
    assert silent["parameters"]["silent_for"]["mark"] == "M?"
    [feed, short] = json.loads(text)["told"]
    assert (feed["name"], short["name"], short["number"]) == ("feed-behind", "position-short", 17)
    assert "gateway-silent" in told("list")[1]
    assert "position-short" in told("list")[1]
