"""The commands for devices: what they read offline, what they say of it, and how they end."""

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stackmeter.cli import app
from tests.frame.repository import ROOT
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, World, ns

CASES = ROOT / "tests" / "cases" / "profiles"
EMDATA = CASES / "shelly-gen2" / "pro-3em-emdata" / "payload.json"
SUBSCRIPTION = 'subscriptions:\n  - {topic: "m/{gateway}", profile: mine, park: park-a, facility: works}\n'
MINE = """\
title: A meter
sources: [our own]
topic: "m/{gateway}"
time: rfc3339
time_at: $.t
sections:
  - each: v[*]
    words: {name: n}
    readings:
      "{name}": {value: v, unit_at: u}
"""


def told(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], input=given, env={"COLUMNS": "200"})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    shutil.copytree(CONFIGURATION, path)
    (path / "subscriptions.yaml").write_text(SUBSCRIPTION)
    (path / "profiles").mkdir()
    (path / "profiles" / "mine.yaml").write_text(MINE)
    return path


def tried(config: Path, *values: dict[str, object], received: str = "2026-11-25T05:00:10Z") -> dict[str, Any]:
    payload = json.dumps({"v": values, "t": "2026-11-25T05:00:00Z"}).encode()
    place = ("--config", config, "--topic", "m/gw", "--received", received)
    result = told("try", "-", *place, "--json", given=payload)
    [found] = json.loads(result.stdout)["payloads"]
    return found | {"exit": result.exit_code}


def test_formats_and_profiles_are_listed():
    formats = [row["name"] for row in json.loads(told("formats", "--json").stdout)["formats"]]
    assert {"mapping", "native", "sparkplug", "station-text"} <= set(formats)
    assert "station-text" in told("formats").stdout
    profiles = {row["name"]: row for row in json.loads(told("profile", "list", "--json").stdout)["profiles"]}
    assert profiles["tasmota"]["topic"] == "tele/{gateway}/SENSOR"
    assert "shelly-gen2" in told("profile", "list").stdout


def test_own_profiles_are_listed_beside_the_shipped_ones(config):
    assert "A meter" in told("profile", "list", "--config", config).stdout
    assert "A meter" not in told("profile", "list").stdout


def test_a_profile_is_printed_so_that_it_can_be_changed():
    shown = told("profile", "show", "emqx-neuron").stdout
    assert shown == (ROOT / "src" / "plant" / "data" / "profiles" / "emqx-neuron.yaml").read_text()
    assert json.loads(told("profile", "show", "emqx-neuron", "--json").stdout)["time"] == "ms"
    wrong = told("profile", "show", "neuron")
    assert (wrong.exit_code, "there is no profile neuron" in wrong.stderr) == (2, True)


def test_a_payload_is_tried_without_a_configuration():
    result = told("try", EMDATA, "--profile", "shelly-gen2")
    assert result.exit_code == 0
    assert "emdata:0/total_act" in result.stdout
    assert "26289.57" in result.stdout


def test_a_payload_comes_from_standard_input_and_options_of_a_format_are_given():
    line = b"a,2026-11-25T05:00:00Z,1.5,kWh\n"
    option = "columns=[channel, time, value, unit]"
    result = told("try", "-", "--format", "csv-lines", "--option", option, "--json", given=line)
    [row] = json.loads(result.stdout)["payloads"][0]["readings"]
    assert (row["channel"], row["value"], row["unit"], row["kept"]) == ("a", 1.5, "kWh", None)


def test_a_configuration_says_what_becomes_of_each_reading(config):
    good = {"n": "swapped", "v": 1.5, "u": "MWh"}
    wrong = [
        {"n": "swaped", "v": 1, "u": "kWh"},
        {"n": "swapped", "v": 1, "u": "kg"},
        {"n": "swapped", "v": 1, "u": "kwh"},
    ]
    found = tried(config, good, *wrong)
    assert (found["gateway"], found["exit"]) == ("park-a/works/gw", 1)
    assert [row["kept"] for row in found["readings"]] == ["1500 kWh", "refused", "refused", "refused"]
    refusals = {one["path"]: (one["code"], one["detail"], one["hint"]) for one in found["refusals"]}
    assert refusals["v[1].v"][0] == "unmapped"
    assert "did you mean swapped?" in refusals["v[1].v"][1]
    assert refusals["v[2].u"][0] == "dimension"
    assert refusals["v[3].u"][0] == "unit_unknown"
    assert all(hint for _, _, hint in refusals.values())


def test_a_time_that_is_not_yet_is_refused_with_what_to_do(config):
    found = tried(config, {"n": "swapped", "v": 1, "u": "kWh"}, received="2026-11-25T04:00:00Z")
    assert found["refusals"][0]["code"] == "ts_future"
    assert "--received" in found["refusals"][0]["hint"]


def test_nothing_read_is_no_success():
    result = told("try", CASES / "tasmota" / "no-meter" / "payload.json", "--profile", "tasmota")
    assert (result.exit_code, "is it another message" in result.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((EMDATA,), "Say how they are read"),
        ((EMDATA, "--profile", "tasmota", "--format", "native"), "Say how they are read"),
        ((EMDATA, "--profile", "shely-gen2"), "did you mean shelly-gen2?"),
        ((EMDATA, "--format", "jsn"), "there is no format jsn"),
        ((EMDATA, "--profile", "tasmota", "--topic", "a/b/c/d"), "is not of the form tele/{gateway}/SENSOR"),
        ((EMDATA, "--profile", "tasmota", "--option", "zone=Asia/Hanoi"), "there is no time zone Asia/Hanoi"),
        ((EMDATA, "--profile", "tasmota", "--option", "zone"), "write KEY=VALUE"),
        ((EMDATA, "--profile", "tasmota", "--received", "noon"), "a time is written with its zone"),
        (("nowhere.json", "--profile", "tasmota"), "No such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_is_told(arguments, said):
    result = told("try", *arguments)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_a_topic_of_nobody_is_told(config):
    result = told("try", EMDATA, "--config", config, "--topic", "x/y")
    assert (result.exit_code, "topic at the message" in result.stdout) == (1, True)
    result = told("try", EMDATA, "--config", config, "--topic", "m/gv")
    assert "no gateway 'park-a/works/gv' is configured (did you mean park-a/works/gw?)" in result.stdout
    result = told("try", EMDATA, "--config", config, "--topic", "sm/v1/park-a/readings")
    assert "go to sm/v1/PARK/FACILITY/GATEWAY/readings" in result.stdout
    result = told("try", EMDATA, "--config", config, "--topic", "sm/v1/park-a/works/gw/status")
    assert (result.exit_code, "has no readings" in result.stderr) == (2, True)


NATIVE = b'{"readings": [{"channel": "swapped", "time": "2026-11-25T05:00:00Z", "value": 1, "unit": "kWh"}]}'
HERE = "sm/v1/park-a/works/gw/readings"


@pytest.mark.parametrize(
    ("topic", "payload", "flags"),
    [
        (HERE, NATIVE, 0),
        (HERE, NATIVE, 2),
        (HERE, NATIVE.ljust(256 * 1024), 0),
        (HERE, NATIVE.ljust(256 * 1024 + 1), 0),
        (HERE, b"", 0),
        (HERE, b"{", 0),
        ("sm/v1/park-a/works/gw/readings/more", NATIVE, 0),
        ("sm/v1/park-a/works/gv/readings", NATIVE, 0),
        (
            "m/gw",
            json.dumps({"t": "2026-11-25T05:00:00Z", "v": [{"n": "swapped", "v": 1, "u": "kWh"}]}).encode(),
            2,
        ),
        ("u/gw", b'{"v": 1}', 0),
        ("u/gw", b'{"v": 1}', 2),
        ("spBv1.0/group/NDATA/gw", b"\x08\x01", 0),
        ("x" * 1025, NATIVE, 0),
        ("other", NATIVE, 0),
    ],
)
def test_solid_c_try_says_what_the_service_says(config, tmp_path, topic, payload, flags):
    """Codes of the refusals, one by one, of a service with the same configuration that gets the same message."""
    (config / "subscriptions.yaml").write_text(
        SUBSCRIPTION
        + """\
  - {topic: "u/{gateway}", format: mapping, park: park-a, facility: works,
     options: {time: arrival, sections: [{readings: {swapped: {value: v, unit: kWh}}}]}}
  - {topic: "spBv1.0/group/#", format: sparkplug, park: park-a, facility: works, gateway: "{node}"}
"""
    )
    at = "2026-11-25T05:00:10Z"
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        world = World(Path(folder), config, now=ns("2026-11-25T05:00:10+00:00"))
        world.publish(payload, topic=topic, flags=flags)
        kept = world.rows("SELECT code FROM quarantine")
        world.close()
    options = ["--retained"] if flags else []
    result = told(
        "try", "-", "--config", config, "--topic", topic, "--received", at, *options, "--json", given=payload
    )

    [found] = json.loads(result.stdout)["payloads"]
    assert [one["code"] for one in found["refusals"]][:1] == [code for (code,) in kept]
    assert result.exit_code == (1 if kept else 0)


def test_solid_c_a_profile_is_tried_before_anything_subscribes_to_its_topic(config):
    (config / "subscriptions.yaml").write_text("")
    payload = json.dumps(
        {"v": [{"n": "swapped", "v": 1.5, "u": "MWh"}], "t": "2026-11-25T05:00:00Z"}
    ).encode()
    result = told("try", "-", "--profile", "mine", "--config", config, "--topic", "m/gw", given=payload)

    assert result.exit_code == 0, result.output
    assert re.search(r"swapped +1.5 +MWh +2026-11-25 12:00:00 [+]07 +good", result.stdout)
    assert f"no subscription of {config} takes m/gw yet" in result.stdout
    assert "subscriptions: [{topic: 'm/{gateway}', profile: mine, park: …, facility: …}]" in result.stdout


def test_solid_c_a_profile_that_takes_words_of_its_topic_says_so(tmp_path):
    status = CASES / "shelly-gen2-status"
    payload = next(status.rglob("payload.json"))
    result = told("try", payload, "--profile", "shelly-gen2-status")

    assert result.exit_code == 2
    assert (
        "it takes {component} from the topic {gateway}/status/{component}: say which one with --topic"
        in result.stderr
    )


def test_solid_c_what_is_too_large_is_refused_without_a_configuration_too(tmp_path):
    (tmp_path / "large.json").write_bytes(NATIVE.ljust(256 * 1024 + 1))
    result = told("try", tmp_path / "large.json", "--format", "native")

    assert (result.exit_code, "too_large at the message" in result.stdout) == (1, True)


def case(folder: Path, name: str = "mine", expected: str = "readings: []\n") -> Path:
    path = folder / name / "one"
    path.mkdir(parents=True)
    (path / "payload.json").write_text('{"t": "2026-11-25T05:00:00Z", "v": [{"n": "a", "v": 1, "u": "kWh"}]}')
    (path / "expected.yaml").write_text(expected)
    return path


@pytest.mark.parametrize(
    ("expected", "exit_code"),
    [
        ('readings: [[a, "2026-11-25T05:00:00Z", 1, kWh]]\n', 0),
        ('readings: [[a, "2026-11-25T05:00:00Z", 1, kWh, bad]]\n', 1),
        ('readings: [[a, "2026-11-25T05:00:00Z", 1, null]]\n', 1),
        ('readings: [[a, "2026-11-25T05:00:01Z", 1, kWh]]\n', 1),
        ('readings: [[a, "2026-11-25T05:00:00Z", 1.0000001, kWh]]\n', 1),
        ('readings: [[b, "2026-11-25T05:00:00Z", 1, kWh]]\n', 1),
        ("readings: []\n", 1),
        ('readings: [[a, "2026-11-25T05:00:00Z", 1, kWh]]\nrefusals: [[schema, ""]]\n', 1),
        ('readings: [[a, "2026-11-25T05:00:00Z", 1, kWh]]\nundecoded: true\n', 1),
        ("readings: [[a, noon, 1, kWh]]\n", 2),
        ("reading: []\n", 2),
    ],
)
def test_a_case_is_good_only_if_all_is_as_expected(config, tmp_path, expected, exit_code):
    case(tmp_path / "cases", expected=expected)
    assert told("profile", "test", tmp_path / "cases", "--config", config).exit_code == exit_code


def test_a_difference_is_shown_line_by_line(config, tmp_path):
    case(tmp_path / "cases", expected='readings: [[a, "2026-11-25T05:00:00Z", 2, kWh]]\n')
    shown = told("profile", "test", tmp_path / "cases", "--config", config).stdout.splitlines()
    assert shown[1:] == [
        "  - a 2.0 kWh at 2026-11-25T05:00:00Z good",
        "  + a 1.0 kWh at 2026-11-25T05:00:00Z good",
    ]
    report = json.loads(told("profile", "test", tmp_path / "cases", "--config", config, "--json").stdout)
    assert len(report["cases"][0]["differences"]) == 1


def test_a_folder_without_cases_or_of_no_profile_is_wrong(config, tmp_path):
    (tmp_path / "none").mkdir()
    assert told("profile", "test", tmp_path / "none").exit_code == 2
    case(tmp_path / "cases", name="nobody")
    result = told("profile", "test", tmp_path / "cases", "--config", config)
    assert (result.exit_code, "nobody is neither a profile nor a format" in result.stderr) == (2, True)


def test_the_cases_of_formats_can_be_tested_as_well():
    assert told("profile", "test", ROOT / "tests" / "cases" / "formats" / "mapping").exit_code == 0
