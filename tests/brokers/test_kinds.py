"""doctor at the real brokers: each is known for what it is, and none fails for what its version of MQTT cannot do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.mqtt.address import broker
from stackmeter.cli import app
from stackmeter.doctor.probe import Probe
from tests.broker.production import configured
from tests.brokers.kinds import NATS, Aedes, DurableMosquitto, OtherBroker, RabbitMQ
from tests.servers import free_port

KNOWN = {
    DurableMosquitto: "mosquitto version ",
    RabbitMQ: "the broker is probably RabbitMQ",
    NATS: "the broker is probably NATS: ",
    Aedes: "the broker is Aedes: ",
}


@pytest.mark.parametrize(
    ("kind", "version"),
    [pytest.param(kind, v, id=f"{kind.__name__}-{v}") for kind in KNOWN for v in kind.versions],
)
def test_field_a5_a_healthy_broker_is_known_and_fails_in_nothing(
    running: Callable[[type[OtherBroker]], OtherBroker],
    kind: type[OtherBroker],
    version: str,
    tmp_path: Path,
) -> None:
    configured(tmp_path / "config")
    given = ["doctor", "--json", "--config", str(tmp_path / "config"), "--state", str(tmp_path / "state"),
             "--broker", running(kind).url, "--url", f"http://127.0.0.1:{free_port()}"]  # fmt: skip

    told = CliRunner().invoke(app, given, env={"STACKMETER_MQTT_VERSION": version})

    found = {one["check"]: one for one in json.loads(told.stdout)["checks"]}
    of_broker = {name: one["level"] for name, one in found.items() if name.startswith("broker")}
    assert "fail" not in of_broker.values(), found
    assert found["broker kind"]["says"].startswith(KNOWN[kind])
    assert of_broker["broker canary"] == "ok"


@pytest.mark.parametrize("version", RabbitMQ.versions)
def test_field_a5_rabbitmq_makes_slashes_of_dots_as_doctor_says(
    running: Callable[[type[OtherBroker]], OtherBroker], version: str
) -> None:
    address = broker(running(RabbitMQ).url, client_id="dots", version=version)
    with Probe(address) as listener, Probe(address) as speaker:
        assert listener.subscribe("spBv1.0/#")
        assert speaker.publish("spBv1.0/plant.1/NDATA/n", b"x")

        assert listener.hear() == ("spBv1/0/plant/1/NDATA/n", b"x")
