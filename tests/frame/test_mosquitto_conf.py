"""deploy/mosquitto.conf on a real Mosquitto."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from stackmeter.doctor.mosquitto_file import read
from tests.frame.repository import ROOT, text
from tests.servers import Process, Server, free_port, required, speaks_mqtt, wait_until

PATIENCE_S = 30
MORE_THAN_THE_DEFAULT_QUEUE = 1200
LAST = b"the last of them"
FILES = ("mosquitto.conf", "mosquitto-tls.conf")


class Shipped(Server):
    """Mosquitto with the configuration that we ship; only port and folder are the test's own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.draw()

    def draw(self) -> None:
        """Draw a port."""
        self.port = free_port()
        settings = self.folder / "mosquitto.conf"
        settings.write_text(self._settings())
        command = [required("mosquitto"), "-c", str(settings)]
        log = self.folder / "mosquitto.log"
        self.process = Process("mosquitto", command, log, lambda: speaks_mqtt(self.process.pid, self.port))
        self.processes = [self.process]

    def saved(self, payload: bytes) -> bool:
        """Whether a message is in Mosquitto's file."""
        file = self.folder / "mosquitto.db"
        return file.exists() and payload in file.read_bytes()

    def _settings(self) -> str:
        shipped = text("deploy/mosquitto.conf")
        moved = shipped.replace("listener 1883\n", f"listener {self.port} 127.0.0.1\n")
        moved = moved.replace("/mosquitto/data/", f"{self.folder}/")
        # Started by root, mosquitto would change to a user that cannot write into the test's folder.
        return moved + ("user root\n" if os.geteuid() == 0 else "")


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[Shipped]:
    with Shipped(tmp_path) as broker:
        yield broker


def connect(broker: Shipped, name: str, payloads: list[bytes]) -> mqtt.Client:
    """Connect with a persistent session subscribed to `kept/#`; what arrives goes to `payloads`."""
    subscribed = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    client.on_message = lambda _client, _data, message: payloads.append(message.payload)
    client.on_connect = lambda *_: client.subscribe("kept/#", qos=1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.max_inflight_messages_set(500)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert subscribed.wait(PATIENCE_S), "no SUBACK"
    return client


def close(client: mqtt.Client) -> None:
    client.disconnect()
    client.loop_stop()


def publish(client: mqtt.Client, payloads: list[bytes]) -> None:
    for sent in [client.publish("kept/readings", payload, qos=1) for payload in payloads]:
        sent.wait_for_publish(PATIENCE_S)
        assert sent.is_published()


def test_mosquitto_accepts_it_without_a_complaint(shipped: Shipped) -> None:
    log = [line for line in shipped.process.log().splitlines() if "run as root" not in line]

    assert shipped.process.running
    assert [line for line in log if "Error" in line or "Warning" in line] == []


def test_the_one_for_production_keeps_messages_as_this_one_does() -> None:
    """What the kill below proves of this file holds for the other: the same settings stand in both."""
    here, there = (read(ROOT / "deploy" / name).options_of_the_broker() for name in FILES)
    own = {"allow_anonymous", "persistence_location"}
    more = {"password_file", "acl_file", "check_retain_source", "max_keepalive"}

    assert {name: value for name, value in there.items() if name not in own | more} == {
        name: value for name, value in here.items() if name not in own
    }


def test_what_was_acknowledged_to_a_gateway_survives_a_kill_of_the_broker(shipped: Shipped) -> None:
    """More than the default queue holds, for a service that is away, and no time to write on the way out.

    Mosquitto saves right after it acknowledges, so the kill waits for that: what may be lost is what the save missed.
    """
    close(connect(shipped, "service", []))
    gateway = connect(shipped, "gateway", [])
    sent = [b"%d" % number for number in range(MORE_THAN_THE_DEFAULT_QUEUE)] + [LAST]
    publish(gateway, sent)
    close(gateway)
    wait_until(lambda: shipped.saved(LAST), "nothing was saved", PATIENCE_S)
    shipped.kill()
    shipped.start()
    arrived: list[bytes] = []

    service = connect(shipped, "service", arrived)
    publish(service, [b"last"])
    waited = threading.Event()
    while b"last" not in arrived and not waited.wait(0.05):
        assert shipped.process.running
    close(service)

    assert arrived == [*sent, b"last"]
