"""quarantine and inbox on the command line, against a whole service behind a real socket."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.serve import Server
from stackmeter.cli import app
from tests.ingest.test_inbox import looking
from tests.ingest.test_replay import configured, started
from tests.semantics.conftest import MEMORY
from tests.semantics.world import MINUTE, NOON, TOKEN, World, reading

TOPIC = "plants/hall 2/data"


class Running:
    """A world, and the command line that asks it."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder, self.world = folder, started(folder, config)
        self._serve()

    def _serve(self) -> None:
        self.server = Server(self.world.app, "127.0.0.1", 0)
        self.server.start()

    def restart(self, config: Path) -> None:
        self.server.stop()
        self.world.restart(config)
        self._serve()

    def close(self) -> None:
        self.server.stop()
        self.world.close()

    def told(self, *arguments: str, code: int = 0) -> Result:
        asked = [*arguments, "--url", self.server.url, "--token", TOKEN]
        result = CliRunner().invoke(app, asked, env={"COLUMNS": "200", "SEMANTICS_SECRET": "x"})
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: str) -> dict:
        return json.loads(self.told(*arguments, "--json").stdout)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    """Serve a world that lacks the channel reg, with four refused messages."""
    made = Running(folder, configured(folder, "reg"))
    fill(made.world)
    yield made
    made.close()


def fill(world: World) -> None:
    for number in range(3):
        at = NOON + number * MINUTE
        world.publish({"readings": [reading("reg", at, 100.0 + number)]}, at=at)
    world.publish(b"\x00\xff", at=NOON)


def test_list_shows_causes(running: Running):
    causes = running.json("quarantine", "list")["causes"]
    assert [(one["code"], one["count"], one["path"]) for one in causes] == [
        ("bad_utf8", 1, ""), ("unmapped", 3, "readings[0].channel"),
    ]  # fmt: skip
    shown = running.told("quarantine", "list", "--code", "unmapped").stdout
    assert "no channel 'reg'" in shown
    assert "bad_utf8" not in shown


def test_show_tells_the_bytes_and_what_a_configuration_makes_of_them(running: Running):
    right = configured(running.folder)

    shown = running.told("quarantine", "show", "1", "--config", str(right)).stdout
    assert '"channel": "reg"' in shown
    assert "1 readings, 0 refused" in shown
    assert "100 kWh" in shown
    wrong = running.json("quarantine", "show", "1", "--config", str(running.world.config))
    assert wrong["now"]["refusals"][0]["code"] == "unmapped"
    assert "00 ff" in running.told("quarantine", "show", "4").stdout
    assert "no refused message 99" in running.told("quarantine", "show", "99", code=1).output


def test_replay_tells_what_became_of_it(running: Running):
    running.restart(configured(running.folder))

    assert "say which" in running.told("quarantine", "replay", "--by", "lan", code=1).output
    one = running.json("quarantine", "replay", "1", "--by", "lan")
    assert (one["messages"], one["readings"]) == ({"accepted": 1}, {"accepted": 1})
    told = running.told("quarantine", "replay", "--all", "--by", "lan").stdout
    assert "2 accepted" in told
    assert "still refused for 1 bad_utf8" in told
    assert running.world.rows("SELECT count(*) FROM reading") == [(3,)]


@pytest.fixture
def inbox(folder: Path) -> Iterator[Running]:
    """Serve a world that looks out for devices, one of which has sent."""
    made = Running(folder, looking(folder))
    for number in range(5):
        at = NOON + number * MINUTE
        body = {
            "ts": at // 10**9,
            "meter": {"energy_kwh": 10.0 + number, "Total Power": {"value": 3, "unit": "kW"}},
            "rssi": -70,
        }
        made.world.publish(body, topic=TOPIC, at=at)
    yield made
    made.close()


def accept(config: Path, *more: str) -> list[str]:
    place = ["--park", "park-a", "--facility", "works", "--gateway", "hall-2", "--profile", "hall-meter"]
    return ["inbox", "accept", TOPIC, *place, "--config", str(config), *more]


def test_an_unknown_device_is_listed_with_what_its_numbers_may_be(inbox: Running):
    shown = inbox.told("inbox", "list").stdout
    assert f"{TOPIC}: 5 messages" in shown
    assert "time: s ts" in shown
    values = inbox.json("inbox", "list")["devices"][0]["values"]
    assert [(one["path"], one["kind"], one["unit"], one["unit_from"]) for one in values] == [
        ("meter.energy_kwh", "register", "kWh", "name"),
        ('meter["Total Power"].value', "rate", "kW", "payload"),
        ("rssi", "level", "", ""),
    ]


def test_a_dry_run_writes_nothing(inbox: Running):
    config = inbox.world.config
    before = {file: file.read_bytes() for file in config.rglob("*") if file.is_file()}
    shown = inbox.told(*accept(config, "--dry-run")).stdout
    assert "would write" in shown
    assert {file: file.read_bytes() for file in config.rglob("*") if file.is_file()} == before


def test_what_is_accepted_and_added_is_replayed(inbox: Running):
    """From the inbox to tonnes: two files are written, the printed lines are added by hand, and what came meanwhile counts."""
    config = inbox.world.config
    before = (config / "plant.yaml").read_bytes()

    made = inbox.json(*accept(config, "--only", "meter/energy_kwh"))

    assert (config / "plant.yaml").read_bytes() == before
    assert set(made["files"]) == {
        str(config / "profiles" / "hall-meter.yaml"),
        str(config / "hall-meter.yaml"),
    }
    assert made["warnings"] == [
        "meter/energy_kwh: taken for a register, because its values only advance; give its max_rate"
    ]
    new = Path(shutil.copytree(config, inbox.folder / "new"))
    text = (new / "plant.yaml").read_text()
    text = text.replace("        gateways:\n", f"        gateways:\n          {made['gateway_lines']}\n")
    text = text.replace("        channels:\n", f"        channels:\n          {made['channel_lines']}\n")
    source = (
        "- {name: hall, method: electricity-location, factor: vn-grid, inputs: {energy: meter/energy_kwh}}"
    )
    (new / "plant.yaml").write_text(
        text.replace("        sources:\n", f"        sources:\n          {source}\n")
    )

    inbox.restart(new)
    command = made["replay"].split()[1:-1]
    told = inbox.told(*command, "lan").stdout

    assert "5 accepted" in told
    assert inbox.world.total("hall")["activity"] == pytest.approx(4.0)
    assert inbox.json("inbox", "list")["devices"] == []


def test_field_c2_a_guessed_unit_is_never_written_as_a_fact(inbox: Running):
    """The unit of rssi is known to nobody: it is left out, with what to write, until a person says it."""
    config = inbox.world.config
    made = inbox.json(*accept(config, "--dry-run"))
    assert made["left_out"] == ["rssi: its unit is not known, nothing tells it; say it: --unit rssi=UNIT"]
    assert not any("rssi" in text for text in (*made["files"].values(), made["channel_lines"]))
    shown = inbox.told(*accept(config, "--dry-run")).stdout
    assert "left out: rssi" in shown
    said = inbox.json(*accept(config, "--dry-run", "--unit", "rssi=%"))
    assert said["left_out"] == []
    assert '{name: rssi, gateway: hall-2, kind: level, unit: "%"' in said["channel_lines"]
    for wrong, told in (
        ("rssi", "CHANNEL=UNIT"),
        ("rssi=kwh", "did you mean kWh"),
        ("x=kW", "no such channel"),
    ):
        assert told in inbox.told(*accept(config, "--dry-run", "--unit", wrong), code=2).output
    assert "say it" in inbox.told(*accept(config, "--dry-run", "--only", "rssi"), code=2).output


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--profile", "tasmota"], "there is a profile tasmota already"),
        (["--profile", "A B"], "has other characters"),
        (["--facility", "elsewhere"], "no facility park-a/elsewhere"),
        (["--only", "no/such"], "no number was found"),
    ],
)
def test_what_cannot_be_accepted_says_why_and_writes_nothing(inbox: Running, change, said):
    config = inbox.world.config
    result = inbox.told(*accept(config, *change), code=2)
    assert said in result.output
    assert not (config / "profiles").exists()


def test_channels_of_a_native_gateway_are_printed_as_lines_of_a_point_list(running: Running):
    config = running.world.config
    made = running.json("inbox", "accept", "park-a/works/gw", "--config", str(config))
    assert (made["files"], made["gateway_lines"]) == ({}, "")
    assert made["point_rows"] == "name,gateway,kind,unit,quantity\nreg,gw,register,kWh,unknown"
    assert made["replay"] == "stackmeter quarantine replay --gateway park-a/works/gw --by YOU"
