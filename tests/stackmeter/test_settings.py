"""Every setting by flag, environment, file and default, in that order."""

import os
import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.main import get_command
from typer.testing import CliRunner, Result

from stackmeter.cli import app
from stackmeter.settings import Settings, load

ROOT = Path(__file__).parents[2]
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

    with pytest.raises(ValidationError, match="prt"):
        load(file, {})


def test_a_bad_value_is_named_with_its_variable():
    told = run(STACKMETER_PORT="eighty")

    assert (told.exit_code, told.stdout) == (2, "")
    assert re.search(r"setting port \(STACKMETER_PORT\): .*integer.*, not 'eighty'", told.stderr)


def test_all_bad_values_are_named_at_once():
    told = run("--mqtt-version", "4", STACKMETER_PORT="70000", STACKMETER_LOG_LEVEL="loud")

    assert [
        name for name in ("PORT", "LOG_LEVEL", "MQTT_VERSION") if f"STACKMETER_{name}" in told.stderr
    ] == [
        "PORT",
        "LOG_LEVEL",
        "MQTT_VERSION",
    ]


def test_a_file_that_is_no_toml_is_named(file):
    file.write_text("port 80\n")
    told = run("--settings", str(file))

    assert told.exit_code == 2
    assert str(file) in told.stderr


def test_a_settings_file_that_is_not_there_is_an_error(tmp_path):
    told = run("--settings", str(tmp_path / "none.toml"))

    assert told.exit_code == 2
    assert "none.toml" in told.stderr


def test_every_setting_has_a_flag_and_every_flag_a_setting():
    flags = {o for p in get_command(app).commands["run"].params for o in p.opts} - {"--settings"}

    assert flags == {"--" + FLAGS.get(name, name).replace("_", "-") for name in Settings.model_fields}


def test_every_setting_is_described():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_environment_names_only_settings_that_exist():
    named = re.findall(r"^(STACKMETER_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert named
    assert {name.removeprefix("STACKMETER_").lower() for name in named} <= Settings.model_fields.keys()
