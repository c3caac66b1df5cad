"""The host application against a real broker, beside an edge node's own client; test names carry the tck-ids."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.connection import broker
from ingest.intake import Arrival
from ingest.sparkplug.host import SparkplugHost
from ingest.sparkplug.payload import parse
from tests.ingest.sparkplug.edge import bdseq, payload
from tests.servers import Mosquitto, wait_until

STATE = "spBv1.0/STATE/host"
VERSIONS = pytest.mark.parametrize("version", ["3.1.1", "5"])


class Listener:
    """A client that hears a topic, each message with whether it is retained."""

    def __init__(self, server: Mosquitto, topic: str) -> None:
        self.heard: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _client, _data, message: self.heard.put(message)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect("127.0.0.1", server.port)
        self.client.subscribe(topic, qos=1)
        self.client.loop_start()
        assert subscribed.wait(20)

    def next(self) -> mqtt.MQTTMessage:
        return self.heard.get(timeout=20)

    def state(self) -> dict[str, Any]:
        return json.loads(self.next().payload)


@contextmanager
def host(
    server: Mosquitto, version: str = "3.1.1", put: Any = lambda _arrival: None
) -> Iterator[SparkplugHost]:
    made = SparkplugHost(
        broker(server.url, client_id="s", version=version), "host", ["spBv1.0/G/#"], put, print
    )
    made.start()
    try:
        wait_until(lambda: made.ready, "no subscription")
        yield made
    finally:
        made.stop()


@VERSIONS
def test_host_topic_phid_birth_payload_and_death_payload_timestamp_disconnect_clean(version: str) -> None:
    with Mosquitto() as server:
        listener = Listener(server, STATE)
        with host(server, version):
            message = listener.next()
            born = json.loads(message.payload)
            assert born == {"online": True, "timestamp": born["timestamp"]}
            assert message.qos == 1
        died = listener.state()
        assert died["online"] is False
        assert died["timestamp"] >= born["timestamp"]
        assert Listener(server, STATE).next().retain  # whoever comes later hears it too


def test_host_topic_phid_death_payload_timestamp_connect_a_lost_host_leaves_the_births_timestamp() -> None:
    with Mosquitto() as server:
        listener = Listener(server, STATE)
        with host(server) as made:
            born = listener.state()
            wait_until(lambda: not made._client._out_messages, "no PUBACK")  # type: ignore[attr-defined]
            made._client._sock_close()  # type: ignore[attr-defined]  # as if the cable were cut
            assert listener.state() == {"online": False, "timestamp": born["timestamp"]}
            again = listener.state()
            assert again["online"] is True
            assert again["timestamp"] > born["timestamp"]


def test_operational_behavior_host_application_death_of_itself_is_answered_with_its_birth() -> None:
    with Mosquitto() as server:
        listener = Listener(server, STATE)
        with host(server):
            born = listener.state()
            listener.client.publish(STATE, json.dumps({"online": False, "timestamp": 1}), qos=1, retain=True)
            assert listener.state()["online"] is False
            assert listener.state() == born


@VERSIONS
def test_message_flow_phid_sparkplug_clean_session_nothing_waits_for_an_absent_host(version: str) -> None:
    taken: list[Arrival] = []
    with Mosquitto() as server:
        sender = Listener(server, "none").client
        with host(server, version, taken.append):
            sender.publish("spBv1.0/G/NDATA/E", payload(1, 0, bdseq(1)), qos=0)
            wait_until(lambda: len(taken) == 1, "nothing came")
        sender.publish("spBv1.0/G/NDATA/E", payload(2, 1, bdseq(1)), qos=1).wait_for_publish(20)
        with host(server, version, taken.append):
            sender.publish("spBv1.0/G/NDATA/E", payload(3, 2, bdseq(1)), qos=0)
            wait_until(lambda: len(taken) == 2, "nothing came")
        assert [parse(a.message.payload).timestamp for a in taken if a.message] == [1, 3]


def test_payloads_ncmd_rebirth_is_what_an_edge_node_understands() -> None:
    with Mosquitto() as server:
        node = Listener(server, "spBv1.0/G/NCMD/E")
        with host(server) as made:
            assert made.ask_rebirth("G/E")
            message = node.next()
        said = parse(message.payload)
        assert (message.qos, message.retain) == (0, False)
        assert [(metric.name, metric.value, metric.datatype) for metric in said.metrics] == [
            ("Node Control/Rebirth", True, 11)
        ]
        assert said.timestamp is not None
        assert not made.ask_rebirth("G/E")
