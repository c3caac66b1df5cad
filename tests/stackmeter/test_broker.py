"""The embedded broker against a real client."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from stackmeter.broker import BrokerError, EmbeddedBroker

V311 = MQTTProtocolVersion.MQTTv311
V5 = MQTTProtocolVersion.MQTTv5
PATIENCE_S = 20


@pytest.fixture(scope="module", params=[V311, V5], ids=["3.1.1", "5"])
def version(request: pytest.FixtureRequest) -> MQTTProtocolVersion:
    return request.param


@pytest.fixture(scope="module")
def broker(version: MQTTProtocolVersion) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(port_v5=0 if version is V5 else None) as running:
        yield running


class Client:
    """A paho client that waits: connected when made, and it counts what arrives."""

    def __init__(self, broker: EmbeddedBroker, version: MQTTProtocolVersion, name: str) -> None:
        self.payloads: list[bytes] = []
        self._connected = threading.Event()
        self._arrived = threading.Condition()
        clean = {} if version is V5 else {"clean_session": False}
        self._paho = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=version, **clean)
        self._paho.max_inflight_messages_set(500)
        self._paho.on_connect = lambda *_: self._connected.set()
        self._paho.on_message = self._on_message
        self._connect(broker, version)

    def _connect(self, broker: EmbeddedBroker, version: MQTTProtocolVersion) -> None:
        address = urlsplit(broker.url_v5 if version is V5 else broker.url)
        session = {}
        if version is V5:
            session = {"clean_start": False, "properties": Properties(PacketTypes.CONNECT)}
            session["properties"].SessionExpiryInterval = 3600
        self._paho.connect(str(address.hostname), int(address.port or 0), **session)
        self._paho.loop_start()
        assert self._connected.wait(PATIENCE_S), "no CONNACK"

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._arrived:
            self.payloads.append(message.payload)
            self._arrived.notify()

    def subscribe(self, topic: str) -> None:
        granted = threading.Event()
        self._paho.on_subscribe = lambda *_: granted.set()
        self._paho.subscribe(topic, qos=1)
        assert granted.wait(PATIENCE_S), "no SUBACK"

    def publish(self, topic: str, *payloads: bytes, retain: bool = False) -> None:
        for sent in [self._paho.publish(topic, payload, qos=1, retain=retain) for payload in payloads]:
            sent.wait_for_publish(PATIENCE_S)
            assert sent.is_published()

    def wait_for(self, count: int) -> list[bytes]:
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.payloads) >= count, PATIENCE_S)
        return self.payloads

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()


def test_a_retained_message_reaches_who_subscribes_later(
    broker: EmbeddedBroker, version: MQTTProtocolVersion
) -> None:
    publisher = Client(broker, version, f"retained-from-{version}")
    publisher.publish(f"retained/{version}", b"last word", retain=True)
    publisher.close()

    subscriber = Client(broker, version, f"retained-to-{version}")
    subscriber.subscribe(f"retained/{version}")

    assert subscriber.wait_for(1) == [b"last word"]
    subscriber.close()


def test_a_session_keeps_3000_messages_for_an_absent_subscriber(
    broker: EmbeddedBroker, version: MQTTProtocolVersion
) -> None:
    """All of them, once each and in order: this is what lets the demonstration survive a restart of the service."""
    name, topic = f"absent-{version}", f"absent/{version}"
    subscriber = Client(broker, version, name)
    subscriber.subscribe(topic)
    subscriber.close()
    publisher = Client(broker, version, f"publisher-{version}")
    sent = [b"%d" % number for number in range(3000)]
    publisher.publish(topic, *sent)
    publisher.close()

    again = Client(broker, version, name)

    assert again.wait_for(len(sent)) == sent
    again.close()


def test_a_payload_of_200_kb_passes(broker: EmbeddedBroker, version: MQTTProtocolVersion) -> None:
    client = Client(broker, version, f"large-{version}")
    client.subscribe(f"large/{version}")
    large = b"x" * 200_000

    client.publish(f"large/{version}", large)

    assert client.wait_for(1) == [large]
    client.close()


def test_clients_may_come_and_go_without_a_pause(
    broker: EmbeddedBroker, version: MQTTProtocolVersion
) -> None:
    """A restarted service, or a new simulator, is not taken for the one that just left."""
    for number in range(100):
        Client(broker, version, f"hasty-{number % 7}").close()


def test_a_message_crosses_from_one_protocol_version_to_the_other() -> None:
    with EmbeddedBroker(port_v5=0) as broker:
        subscriber = Client(broker, V5, "crossing-to")
        subscriber.subscribe("crossing")
        publisher = Client(broker, V311, "crossing-from")

        publisher.publish("crossing", b"hello")

        assert subscriber.wait_for(1) == [b"hello"]
        publisher.close()
        subscriber.close()


def test_it_listens_on_this_machine_only() -> None:
    with EmbeddedBroker(port_v5=0) as broker:
        hosts = {urlsplit(url).hostname for url in (broker.url, broker.url_v5)}

    assert hosts == {"127.0.0.1"}


def test_a_taken_port_is_named_in_the_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(BrokerError, match=rf"127\.0\.0\.1:{port}"), EmbeddedBroker(port=port):
            pass


def test_its_ports_are_free_again_after_the_context() -> None:
    with EmbeddedBroker() as first:
        port = int(urlsplit(first.url).port or 0)

    with EmbeddedBroker(port=port) as second:
        assert second.url == f"mqtt://127.0.0.1:{port}"


def test_it_dies_with_its_process_even_when_that_is_killed() -> None:
    """No broker is left behind that would hold the port against the next start."""
    code = (
        "import os, signal; from stackmeter.broker import EmbeddedBroker\n"
        "with EmbeddedBroker() as broker: print(broker.url, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    address = ("127.0.0.1", int(urlsplit(killed.stdout.strip()).port or 0))

    assert _stops_listening(address)


def test_ctrl_c_reaches_the_service_and_leaves_it_its_broker() -> None:
    """The terminal sends SIGINT to both; the service still has acknowledgements to give."""
    code = (
        "import os, signal, socket, time; from urllib.parse import urlsplit\n"
        "from stackmeter.broker import EmbeddedBroker\n"
        "with EmbeddedBroker() as broker:\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    os.killpg(0, signal.SIGINT)\n"
        "    time.sleep(0.3)\n"
        "    socket.create_connection(('127.0.0.1', urlsplit(broker.url).port)).close()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, start_new_session=True
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def _stops_listening(address: tuple[str, int]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(address) != 0:
                return True
        time.sleep(0.05)
    return False
