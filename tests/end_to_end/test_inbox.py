"""An unknown device at the real broker: seen in the inbox, accepted, the service restarted and killed, and every reading counts."""

import contextlib
import json
import shutil
import time
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from proof.verify.verify import verify
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from tests.end_to_end.asking import ask, rows, wait_for_messages
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import TOKEN, Service

CONFIG = Path(__file__).parent.parent / "semantics" / "config"
TOPIC = "plants/hall/data"
SOURCE = "- {name: hall, method: electricity-location, factor: vn-grid, inputs: {energy: meter/energy_kwh}}"
SECRET = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}
READINGS = 12  # fewer than the inbox keeps
STEP_S = 60


def told(service: Service, *arguments: str) -> str:
    asked = [*arguments, "--url", f"http://127.0.0.1:{service.port}", "--token", TOKEN]
    result = CliRunner().invoke(app, asked, env=SECRET)
    assert result.exit_code == 0, result.output
    return result.stdout


def publish(server: Mosquitto, begin: int) -> None:
    """Send a register that advances by 2 kWh a minute, and wait until the broker has it."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", server.port)
    client.loop_start()
    for number in range(READINGS):
        body = {"ts": begin + number * STEP_S, "meter": {"energy_kwh": 100 + 2 * number}}
        client.publish(TOPIC, json.dumps(body), qos=1).wait_for_publish(PATIENCE)
    client.disconnect()
    client.loop_stop()


def test_from_the_inbox_to_tonnes(tmp_path: Path) -> None:
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    (config / "discover.yaml").write_text('subscriptions:\n  - {topic: "plants/#", discover: true}\n')
    begin = int(time.time()) - READINGS * STEP_S
    with Mosquitto() as server, Service(tmp_path, config, server.url, environment=SECRET) as service:
        service.start()
        publish(server, begin)
        wait_for_messages(service, READINGS)

        listed = json.loads(told(service, "inbox", "list", "--json"))["devices"]
        assert [(one["device"], one["count"], one["time"]) for one in listed] == [(TOPIC, READINGS, "s")]
        place = ["--park", "park-a", "--facility", "works", "--gateway", "hall", "--profile", "hall"]
        made = json.loads(told(service, "inbox", "accept", TOPIC, *place, "--config", str(config), "--json"))
        add_lines(config / "plant.yaml", made)
        assert service.term() == 0

        service.start(crash="line_before_commit:2", ready=False)
        service.wait_until_ready_or_ended()
        with contextlib.suppress(httpx.TransportError):  # the service dies while it answers
            service._client.post("/v1/quarantine/replay", json={"all": True, "by": "lan"})
        service.wait_for_end()
        assert rows(service, "SELECT count(*) FROM reading") == [(0,)]
        service.start()
        wait_until(lambda: rows(service, "SELECT outcome FROM decision") == [("done",)], "replayed")

        period = {"from_": iso(begin // 60 * 60 - 3600), "to": iso(begin // 60 * 60 + 7200)}
        [total] = ask(service, "/v1/totals", level="source", source="hall", **period)["totals"]
        assert total["activity"] == pytest.approx(2.0 * (READINGS - 1))
        assert ask(service, "/v1/inbox")["devices"] == []
        messages = ask(service, "/v1/balance", gateway="park-a/works/hall")["messages"]
        assert (messages["received"], messages["accepted"] + messages["late"]) == (READINGS, READINGS)
        assert service.term() == 0
    catalogue = load_catalogue(config)
    report = verify(load(config, catalogue, AnySecret()), catalogue, service.state)
    assert report.proven, report.findings[:5]


def add_lines(file: Path, made: dict[str, str]) -> None:
    """Add to a facility what `inbox accept` printed, and a source."""
    text = file.read_text()
    for key, lines in (
        ("gateways", made["gateway_lines"]),
        ("channels", made["channel_lines"]),
        ("sources", SOURCE),
    ):
        text = text.replace(f"        {key}:\n", f"        {key}:\n          {lines}\n", 1)
    file.write_text(text)


def iso(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
