"""The command line: what it teaches, how it fails, and one CSV file from replay to status over a real broker."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from plant.vocabulary import Kind
from stackmeter.cli import app
from tests.servers import Mosquitto, free_port, wait_until
from tests.simulators.service import Service

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "haiphong"
COMMAND = [sys.executable, "-c", "from stackmeter.cli import main; main()"]
NOBODY = "mqtt://127.0.0.1:1"
COMMANDS = sorted(get_command(app).commands)
ROWS = 200
NOON = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # where it is about noon: all rows are of today
CONFIG = """\
parks:
  - name: park
    title: A park
    zone: {zone}
    facilities:
      - name: mill
        title: A mill
        gateways: [{{name: meter}}]
        channels: [{{name: usage, gateway: meter, kind: interval, unit: kWh, quantity: electricity, period: 1min}}]
        sources: [{{name: grid, method: electricity-location, inputs: {{energy: usage}}, factor: half}}]
"""
FACTORS = """\
zone: UTC
factors:
  - name: half
    title: Half a tonne a megawatt-hour
    basis: electricity
    units: {co2: tCO2/MWh}
    rows: [{valid_from: 2020-01-01, values: {co2: 0.5}, status: own, source: invented, evidence: none}]
"""
MAPPING = """\
time: {column: at, format: "%Y-%m-%d %H:%M", zone: UTC}
topic: {park: park, facility: mill, gateway: meter}
boot: csv
readings_per_message: 50
columns: {energy: {channel: usage, unit: kWh}}
"""


@pytest.fixture(autouse=True)
def no_settings_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("STACKMETER_")]:
        monkeypatch.delenv(name)


def told(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200", **environment})


def started(*arguments: object) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STACKMETER_")}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def ended(*arguments: object) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command in a process of its own."""
    command = started(*arguments)
    output, errors = command.communicate(timeout=60)
    return command.returncode, output, errors


@dataclass
class Running:
    """A service that has had 200 rows of a CSV file, and what the commands printed."""

    broker: Mosquitto
    state: Path
    energy: float  # kWh
    replayed: dict[str, Any]

    def status(self, *options: str) -> Result:
        return told("status", "--state", self.state, *options)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("replay")
    energies = _write(folder)
    with Mosquitto() as broker:
        place = ("--state", folder / "state", "--broker", broker.url)
        service = started("run", "--config", folder / "config", "--port", 0, *place)
        try:
            url = folder / "state" / "url"
            wait_until(lambda: url.exists() or service.poll() is not None, "the service did not start")
            csv, mapping = folder / "data.csv", folder / "config" / "mapping.yaml"
            sent = ("--broker", broker.url, "--confirm", "20", "--duplicates", "0.25", "--json")
            result = told("replay", csv, "--mapping", mapping, *sent)
            assert result.exit_code == 0, result.stderr
            yield Running(broker, folder / "state", sum(energies), json.loads(result.stdout))
        finally:
            service.kill()
            service.communicate()


def _write(folder: Path) -> list[float]:
    """Write configuration, mapping and data that end now; return the energies [kWh]."""
    (folder / "config").mkdir()
    for name, text in (
        ("park.yaml", CONFIG.format(zone=NOON)),
        ("factors.yaml", FACTORS),
        ("mapping.yaml", MAPPING),
    ):
        (folder / "config" / name).write_text(text)
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    energies = [10 + row % 7 / 8 for row in range(ROWS)]
    lines = [
        f"{end - timedelta(minutes=ROWS - 1 - row):%Y-%m-%d %H:%M},{energy}"
        for row, energy in enumerate(energies)
    ]
    (folder / "data.csv").write_text("\n".join(["at,energy", *lines, ""]))
    return energies


# --- help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_a_sentence_about_every_option(name):
    command = get_command(app).commands[name]
    page = told(name, "--help").stdout

    assert command.help.splitlines()[0].endswith(".")
    missing = [
        p.name
        for p in command.params
        if not (p.opts[0] in page and str(getattr(p, "help", "")).endswith("."))
    ]
    assert missing == []


def test_the_first_page_lists_every_command():
    page = told("--help").stdout

    assert {"demo", "run", "check", "schema", "simulate", "replay", "status"} <= set(COMMANDS)
    assert [name for name in COMMANDS if not re.search(rf"^  {name} ", page, re.MULTILINE)] == []


def test_help_answers_without_loading_what_commands_need():
    probe = "import sys, stackmeter.cli; sys.exit(bool({'numpy', 'pydantic', 'rich', 'httpx', 'fastapi', 'paho'} & sys.modules.keys()))"

    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


# --- check, schema, contract


def test_check_says_what_a_good_configuration_holds():
    result = told("check", EXAMPLE)

    assert result.exit_code == 0
    assert "2 parks" in result.stdout


def test_check_counts_for_programs():
    result = told("check", EXAMPLE, "--json")

    assert json.loads(result.stdout)["problems"] == []
    assert json.loads(result.stdout)["channels"] >= 60


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Give a configuration with two mistakes."""
    text = CONFIG.format(zone="Mars/Olympus").replace("unit: kWh", "unit: kWhh")
    (tmp_path / "park.yaml").write_text(text)
    (tmp_path / "factors.yaml").write_text(FACTORS)
    return tmp_path


def test_check_prints_every_problem_with_its_line(broken):
    result = told("check", broken)

    assert (result.exit_code, result.stdout) == (2, "")
    assert [line for line in ("park.yaml:4: ", "park.yaml:9: ") if line not in result.stderr] == []


def test_check_lists_problems_for_programs(broken):
    result = told("check", broken, "--json")

    assert result.exit_code == 2
    assert sorted(problem["line"] for problem in json.loads(result.stdout)["problems"]) == [4, 9]


def test_check_of_a_directory_that_is_not_there_names_it(tmp_path):
    result = told("check", tmp_path / "none")

    assert result.exit_code == 2
    assert f"{tmp_path / 'none'}: is not a folder" in result.stderr


def test_schema_is_json_and_lists_the_kinds_of_channels():
    result = told("schema")

    assert [kind for kind in Kind if f'"{kind}"' not in json.dumps(json.loads(result.stdout))] == []


@pytest.mark.parametrize(("option", "key"), [("--no-asyncapi", "$schema"), ("--asyncapi", "asyncapi")])
def test_contract_is_a_json_document_of_its_kind(option, key):
    assert key in json.loads(told("contract", option).stdout)


# --- what may go wrong


def test_a_state_that_is_in_use_is_left_alone(running):
    code, _, errors = ended("run", "--config", EXAMPLE, "--state", running.state)

    assert code == 75
    assert f"{running.state} is in use" in errors


@pytest.mark.parametrize(
    ("options", "says"),
    [(("--broker", "http://127.0.0.1"), "mqtt://host:port"), (("--state", "/proc/none"), "/proc/none")],
)
def test_run_says_what_it_cannot_use(tmp_path, options, says):
    state = ("--state", tmp_path / "state")
    code, _, errors = ended("run", "--config", EXAMPLE, *state, "--port", 0, *options)

    assert code == 2
    assert says in errors
    assert "Traceback" not in errors


def test_run_says_which_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, errors = ended("run", "--config", EXAMPLE, "--state", tmp_path / "state", "--port", port)

    assert code == 2
    assert f"port {port} of 127.0.0.1: address already in use" in errors


@pytest.mark.parametrize("command", ["run", "simulate"])
def test_a_wrong_configuration_is_explained_whole(command, broken, tmp_path):
    state = ["--state", tmp_path / "state"] if command == "run" else []
    result = told(command, "--config", broken, *state)

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2


def test_simulate_says_which_broker_it_cannot_reach():
    result = told("simulate", "--config", EXAMPLE, "--broker", NOBODY, "--duration", "1min")

    assert result.exit_code == 3
    assert f"cannot reach the broker {NOBODY}" in result.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--duplicate", "2"), "duplicate: a share from 0 to 1"),
        (("--start", "2026-01-01T00:00:00"), "has no zone"),
        (("--duration", "soon"), "Invalid value for '--duration'"),
        (("--truth", "/none/truth.json"), "there is no directory /none"),
        (("--broker", "http://x"), "mqtt://host:port"),
    ],
)
def test_simulate_says_what_is_wrong_with_an_option(options, says):
    result = told("simulate", "--config", EXAMPLE, "--broker", NOBODY, *options)

    assert result.exit_code == 2
    assert says in result.stderr


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, Path]:
    _write(tmp_path)
    return tmp_path / "data.csv", tmp_path / "config" / "mapping.yaml"


def test_replay_says_which_broker_it_cannot_reach(data):
    csv, mapping = data
    result = told("replay", csv, "--mapping", mapping, "--broker", NOBODY)

    assert result.exit_code == 3
    assert f"cannot reach the broker {NOBODY}" in result.stderr


@pytest.mark.parametrize("missing", ["data", "mapping"])
def test_replay_says_which_file_is_missing(data, missing):
    csv, mapping = data
    (csv if missing == "data" else mapping).unlink()
    result = told("replay", csv, "--mapping", mapping)

    assert result.exit_code == 2
    assert re.search(rf"{missing}\.\w+' does not exist", result.stderr)


def test_replay_says_where_data_and_mapping_do_not_fit(data):
    csv, mapping = data
    csv.write_text(csv.read_text().replace("at,energy", "at,power"))
    result = told("replay", csv, "--mapping", mapping, "--broker", NOBODY)

    assert result.exit_code == 2
    assert "energy" in result.stderr


def test_replay_that_no_service_confirms_says_so(data, mosquitto):
    csv, mapping = data
    result = told("replay", csv, "--mapping", mapping, "--broker", mosquitto.url, "--confirm", "1s")

    assert result.exit_code == 1
    assert "4 messages not acknowledged by a service" in result.stdout


# --- simulate


def test_simulate_prints_for_programs_what_it_writes_as_truth(mosquitto, tmp_path):
    truth = tmp_path / "truth.json"
    options = ("--duration", "2min", "--speed", "inf", "--truth", truth, "--json")
    result = told("simulate", "--config", EXAMPLE, "--broker", mosquitto.url, *options)

    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(truth.read_text())
    assert json.loads(result.stdout)["readings"] > 0


def test_simulate_prints_a_table_for_people(mosquitto):
    result = told(
        "simulate", "--config", EXAMPLE, "--broker", mosquitto.url, "--duration", "2min", "--speed", "inf"
    )

    assert re.search(r"nam-cau-kien/mill/incomer-1/active_energy +\d+ +[\d,.]+ +kWh", result.stdout)


def test_ctrl_c_ends_a_simulation_in_order(mosquitto):
    with Service(mosquitto.url) as heard:
        command = started("simulate", "--config", EXAMPLE, "--broker", mosquitto.url, "--json")
        heard.wait_for(1)
        command.send_signal(signal.SIGINT)
        output, errors = command.communicate(timeout=30)

    assert (command.returncode, errors) == (0, "")
    assert json.loads(output)["readings"] > 0


# --- from replay to status


def test_replay_sums_what_it_sent(running):
    assert running.replayed["sums"] == {"energy": pytest.approx(running.energy, rel=1e-12)}
    assert (running.replayed["messages"], running.replayed["duplicates"]) == (4, 1)


def test_replay_is_confirmed_by_the_service(running):
    assert running.replayed["uncovered"] == 0


def test_status_is_ready(running):
    result = running.status("--json")

    assert (result.exit_code, json.loads(result.stdout)["ready"]["ready"]) == (0, True)


def test_status_closes_the_balance(running):
    balance = json.loads(running.status("--json").stdout)["balance"]["messages"]

    assert (balance["received"], balance["duplicate"]) == (5, 1)


@pytest.mark.parametrize("period", ["today", "month"])
def test_status_counts_the_tonnes_of_what_was_replayed(running, period):
    totals = {
        (t["park"], t["facility"]): t["co2e_t"] for t in json.loads(running.status("--json").stdout)[period]
    }

    assert totals["park", "mill"] == pytest.approx(running.energy / 1000 * 0.5, rel=1e-9)


def test_status_is_a_table_for_people(running):
    result = running.status()

    assert result.exit_code == 0
    assert re.search(
        rf"^ +mill +[-\d.]+ +{running.energy / 2000:.3f} +{running.energy / 2000:.3f} ",
        result.stdout,
        re.MULTILINE,
    )
    assert "messages 5 = 1 accepted + 3 late + 1 duplicate + 0 quarantined + 0 rejected" in result.stdout


def test_status_refuses_a_wrong_token(running):
    result = running.status("--token", "wrong")

    assert result.exit_code == 2
    assert "STACKMETER_TOKEN" in result.stderr


def test_status_takes_address_and_token_from_outside(running, tmp_path):
    url, token = ((running.state / name).read_text().strip() for name in ("url", "token"))
    result = told("status", "--state", tmp_path, "--url", url, STACKMETER_TOKEN=token)

    assert result.exit_code == 0


def test_the_address_is_for_the_owner_alone(running):
    assert (running.state / "url").stat().st_mode & 0o777 == 0o600


def test_status_of_nobody_says_how_to_find_somebody(tmp_path):
    result = told("status", "--state", tmp_path, "--url", f"http://127.0.0.1:{free_port()}")

    assert result.exit_code == 3
    assert "--url" in result.stderr


def test_status_of_somebody_else_says_so(tmp_path, webhook_receiver):
    result = told("status", "--state", tmp_path, "--url", webhook_receiver.url)

    assert result.exit_code == 3
    assert "is not Stackmeter" in result.stderr


def test_status_is_not_ready_without_a_broker_and_says_why(tmp_path):
    place = ("--state", tmp_path / "state", "--broker", NOBODY)
    service = started("run", "--config", EXAMPLE, "--port", 0, *place)
    try:
        wait_until((tmp_path / "state" / "url").exists, "the service did not start")
        result = told("status", "--state", tmp_path / "state")
    finally:
        service.kill()
        service.communicate()

    assert result.exit_code == 1
    assert "not ready: broker not connected" in result.stdout


def test_a_service_that_was_told_to_stop_withdraws_its_address(tmp_path, mosquitto):
    service = started("run", "--config", EXAMPLE, "--port", 0, "--state", tmp_path, "--broker", mosquitto.url)
    assert service.stderr is not None
    while not service.stderr.readline().startswith("API at"):
        assert service.poll() is None
    announced = (tmp_path / "url").exists()
    service.send_signal(signal.SIGTERM)
    service.communicate(timeout=30)

    assert (announced, service.returncode, (tmp_path / "url").exists()) == (True, 0, False)
