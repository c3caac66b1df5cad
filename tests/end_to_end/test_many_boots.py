"""A gateway that names a new boot in each message, at a real broker with the packet limit that we ship."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from store.messages.journal import Journal, Message
from tests.servers import PATIENCE, Mosquitto
from tests.service import Service

CONFIG = Path(__file__).parent.parent / "semantics" / "config"
SECRET = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}
NASTY, NEIGHBOUR = "sm/v1/park-a/works/nasty", "sm/v1/park-a/works/gw"
MANY = 20_000
MOST = 64 * 1024  # bytes of an ack


def name(number: int) -> str:
    """Return a boot's name as long as one may be: 64 characters, most of four bytes."""
    return f"{number:06d}".rjust(64, "\U0001d51f")


@contextmanager
def listener(broker: Mosquitto) -> Iterator[tuple[mqtt.Client, SimpleQueue[Any]]]:
    """Give a client that hears all acks, and what it has heard."""
    heard: SimpleQueue[Any] = SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda *arguments: heard.put(arguments[-1])
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe("sm/v1/+/+/+/ack", qos=1)
    yield client, heard
    client.disconnect()
    client.loop_stop()


def said(topic: str, boot: str, seq: int) -> tuple[str, bytes]:
    return f"{topic}/readings", json.dumps({"boot": boot, "seq": seq, "readings": []}).encode()


def acknowledged(heard: SimpleQueue[Any], *wanted: tuple[str, str, int]) -> dict[str, bytes]:
    """Return, by topic, the first acks that list a boot first, as received up to a number, in whatever order they come."""
    found: dict[str, bytes] = {}
    while len(found) < len(wanted):
        message = heard.get(timeout=PATIENCE)
        newest = json.loads(message.payload)["acks"][0]
        topic = message.topic.removesuffix("/ack")
        if (topic, newest["boot"], newest["received_through"]) in wanted:
            found[topic] = bytes(message.payload)
    return found


def test_solid_a3_the_broker_keeps_us_and_the_neighbour_gets_its_acks(tmp_path: Path) -> None:
    """The 20,000 are of a gateway that nobody configured: what is quarantined is acknowledged too."""
    (tmp_path / "state").mkdir()
    with closing(Journal(tmp_path / "state" / "journal.db")) as journal:
        sent = [said(NASTY, name(number), 1) for number in range(MANY)]
        journal.append([Message(time.time_ns(), topic.encode(), payload, 0) for topic, payload in sent])

    with (
        Mosquitto() as broker,
        Service(tmp_path, CONFIG, broker.url, environment=SECRET) as service,
        listener(broker) as (client, heard),
    ):
        service.start()
        service.drain(MANY)
        for seq in (1, 2, 3):
            client.publish(*said(NASTY, name(MANY + seq), 1), qos=1).wait_for_publish(PATIENCE)
            client.publish(*said(NEIGHBOUR, "b", seq), qos=1).wait_for_publish(PATIENCE)
            told = acknowledged(heard, (NASTY, name(MANY + seq), 1), (NEIGHBOUR, "b", seq))

        assert len(told[NASTY]) <= MOST
        assert service.metrics()["stackmeter_broker_connections"] == 1
