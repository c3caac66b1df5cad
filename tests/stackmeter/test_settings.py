"""Every setting by flag, environment, file and default, in that order."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from pydantic import Field
from typer.main import get_command
from typer.testing import CliRunner, Result

from plant.configuration.environments import NotingEnvironment as Environment
from plant.configuration.load import load as load_plant
from plant.documents.problems import ConfigurationError
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from stackmeter.settings import Settings, load, tell_of_unknown
from tests.semantics.world import CONFIGURATION

ROOT = Path(__file__).parents[2]
SECRET = "whsec_dGhlIHRyaWFsIHBsYW50J3Mgb3duIHNlY3JldCBrZXk="
FLAGS = {"influx_url": "influx"}  # the one whose flag is shorter than its name


@pytest.fixture(autouse=True)
def no_settings_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("STACKMETER_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text('port = 1001\nhost = "file"\nclient_id = "file"\n')
    return path


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["run", *arguments], env=environment)


def test_what_nobody_gives_is_the_default():
    settings = load(None, {})

    assert (settings.port, settings.host, str(settings.state)) == (8080, "127.0.0.1", "state")


def test_a_file_beats_the_default(file):
    assert load(file, {}).port == 1001


def test_the_environment_beats_the_file(file, monkeypatch):
    monkeypatch.setenv("STACKMETER_PORT", "1002")

    assert load(file, {}).port == 1002


def test_a_flag_beats_the_environment(file, monkeypatch):
    monkeypatch.setenv("STACKMETER_PORT", "1002")

    assert load(file, {"port": 1003}).port == 1003


def test_a_flag_that_is_not_given_beats_nothing(file):
    assert load(file, {"port": None}).port == 1001


def test_the_sources_are_merged_one_by_one(file, monkeypatch):
    monkeypatch.setenv("STACKMETER_HOST", "environment")
    settings = load(file, {"client_id": "flag"})

    assert (settings.port, settings.host, settings.client_id) == (1001, "environment", "flag")


def test_secrets_do_not_show_when_settings_are_printed():
    settings = load(None, {"token": "secret-1", "influx_token": "secret-2"})

    assert "secret-" not in f"{settings!r} {settings}"


def test_an_unknown_key_in_the_file_is_refused(file):
    file.write_text("prt = 1\n")

    with pytest.raises(
        ConfigurationError, match=r"settings.toml:1: prt: unknown key \(did you mean port\?\)"
    ):
        load(file, {})


@pytest.mark.parametrize("text", ["nginx", "127.0.0.1;::1"])
def test_solid_b12_proxies_that_are_no_networks_are_refused(text):
    told = run(STACKMETER_TRUSTED_PROXIES=text)

    assert told.exit_code == 2
    assert "TRUSTED_PROXIES" in told.stderr
    assert "such as 127.0.0.1" in told.stderr


def test_solid_b12_a_token_that_could_be_found_by_trying_is_refused():
    told = run("--token", "hunter2-hunter2")

    assert told.exit_code == 2
    assert "less than 16 characters" in told.stderr
    assert "hunter2" not in told.stderr


def test_a_bad_value_is_named_with_its_variable():
    told = run(STACKMETER_PORT="eighty")

    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == "environment: STACKMETER_PORT: should be a whole number, not 'eighty'\n"


def test_all_bad_values_are_named_at_once():
    told = run("--mqtt-version", "4", STACKMETER_PORT="70000", STACKMETER_LOG_LEVEL="loud")

    assert told.stderr.splitlines() == [
        "command line: --mqtt-version: '4' is not '3.1.1' or '5'",
        "environment: STACKMETER_LOG_LEVEL: 'loud' is not 'debug', 'info', 'warning' or 'error'",
        "environment: STACKMETER_PORT: should be at most 65535, not '70000'",
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("STACKMETER_PROT", "STACKMETER_PORT"),
        ("STACKMETER_TOKN", "STACKMETER_TOKEN"),
        ("STACKMETER_INFLUXDB_TOKEN", "STACKMETER_INFLUX_TOKEN"),
        ("STACKMETER_BROKERS", "STACKMETER_BROKER"),
        ("stackmeter_hots", "STACKMETER_HOST"),
    ],
)
def test_solid_b12_a_variable_that_is_nearly_a_setting_is_refused_by_every_command(name, meant):
    for arguments in (["run"], ["status"], ["doctor"]):
        told = CliRunner().invoke(
            app, arguments, env={name: "1", "STACKMETER_CRASH": "", "STACKMETER_FORBID_SKIPS": "1"}
        )

        assert (told.exit_code, told.stdout) == (2, "")
        assert told.stderr == f"environment: {name}: there is no such setting (did you mean {meant}?)\n"


def test_solid_b12_a_mistake_in_the_file_has_its_line_and_no_secret(file):
    file.write_text("port = 80\n\n[influx]\nurl = 1\n")
    told = run("--settings", str(file))
    assert told.stderr == f"{file}:3: influx: unknown key (did you mean influx_url?)\n"

    file.write_text('\ninflux_token = 17171\nbroker = 18181\nlog_level = "loud"\n')
    told = run("--settings", str(file))
    assert told.exit_code == 2
    assert [line.removeprefix(f"{file}:") for line in told.stderr.splitlines()] == [
        "2: influx_token: should be text",
        "3: broker: should be text",
        "4: log_level: 'loud' is not 'debug', 'info', 'warning' or 'error'",
    ]


def test_solid_b12_a_variable_that_nothing_reads_is_named_and_a_secret_of_a_webhook_is_not(tmp_path, caplog):
    config = tmp_path / "config"
    shutil.copytree(ROOT / "tests" / "faults" / "config", config)
    broken = Environment({"STACKMETER_TRIAL_SECRET": SECRET, "STACKMETER_OTHER": "1", "PATH": "x"})
    load_plant(config, load_catalogue(config), broken)
    with caplog.at_level("WARNING"):
        tell_of_unknown(broken, broken.names)

    [record] = caplog.records
    assert record.message.startswith("STACKMETER_OTHER in the environment is no setting")


def test_a_file_that_is_no_toml_is_named(file):
    file.write_text("port 80\n")
    told = run("--settings", str(file))

    assert told.exit_code == 2
    assert told.stderr.startswith(f"{file}:1: is no TOML: ")


def test_a_settings_file_that_is_not_there_is_an_error(tmp_path):
    told = run("--settings", str(tmp_path / "none.toml"))

    assert told.exit_code == 2
    assert "none.toml" in told.stderr


def test_every_setting_has_a_flag_and_every_flag_a_setting():
    flags = {o for p in get_command(app).commands["run"].params for o in p.opts} - {"--settings"}

    assert flags == {"--" + FLAGS.get(name, name).replace("_", "-") for name in Settings.model_fields}


def test_a_new_setting_is_declared_once(monkeypatch):
    class More(Settings):
        depth: int = Field(7, description="How deep it goes.")

    monkeypatch.setattr("stackmeter.settings.Settings", More)
    told = run("--help").stdout

    assert re.search(r"--depth <int> +How deep it goes\.\s+\[default: \(7\)\]", told)
    assert "'--depth': Input should be a valid integer" in run("--depth", "six").output


def test_every_setting_is_described():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_environment_names_only_settings_that_exist():
    named = re.findall(r"^(STACKMETER_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert named
    assert {name.removeprefix("STACKMETER_").lower() for name in named} <= Settings.model_fields.keys()


IMPOSSIBLE_URLS = [
    "https://[", "http://[::1", "mqtt://", "mqtt://host:99999", "mqtt://host:0", "mqtt://host:abc", "mqtt://:1883", "mqtt://ho st",
    "mqtt://h\x07", "mqtt://a..b", "mqtt://" + "a" * 300, "mqtt://é", "mqtt://h/path", "http://h:99999", "http://h:0", "http://h:abc",
    "http://ho st", "http://é", "http://h\n", "ftp://h", "//h", "http:///x", "http://h/?q", "http://a..b", "javascript:alert(1)", "x", " ",
]  # fmt: skip
IMPOSSIBLE = {
    "broker": [*IMPOSSIBLE_URLS, ""],
    "influx_url": [*IMPOSSIBLE_URLS, ""],
    "public_url": IMPOSSIBLE_URLS,
    "client_id": ["", " ", "a b", "é", "a" * 201],
    "host": ["", "a b", "é"],
    "influx_org": ["", " ", "a\nb"],
    "influx_bucket": ["", "\t"],
    "influx_token": ["é", "a\nb"],
    "token": ["é" * 40, "a b" * 20],
    "oidc_claim": [""],
    "broker_ca": ["/nonexistent", "/etc", "/etc/hostname"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, one) for name, values in IMPOSSIBLE.items() for one in values]
)
def test_solid_a8_what_cannot_be_is_refused_in_a_sentence_that_names_the_setting(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `run` as it is given, before anything is made."""
    monkeypatch.setenv("SEMANTICS_SECRET", "whsec_" + "A" * 40)
    monkeypatch.setattr("stackmeter.service.Service.start", lambda service: service.stop())
    file = tmp_path / "settings.toml"
    given = {
        "broker": "mqtts://127.0.0.1:1",
        "config": str(CONFIGURATION),
        "state": str(tmp_path / "state"),
        name: value,
    }
    file.write_text("\n".join(f"{key} = {json.dumps(one)}" for key, one in given.items()))
    result = CliRunner().invoke(app, ["run", "--settings", str(file)])

    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
    assert name in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "state" / "state.db").exists()
