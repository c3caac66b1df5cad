"""What others may do to the broker that we share with them: flags, properties, wills, and topics that are ours alone."""

import json
import socket
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.end_to_end.asking import ask, rows
from tests.faults.invariants import journal_end
from tests.faults.test_broker_loss import PLANT, at, unnumbered
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import Service

PLACE = "sm/v1/park-a/mill/gw"
READINGS = f"{PLACE}/readings"
MINUTES = count()


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as server:
        yield server


@pytest.fixture(scope="module", params=["3.1.1", "5"])
def service(
    request: pytest.FixtureRequest, broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Give a service that speaks to the broker by either version."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "config").mkdir()
    (folder / "config" / "plant.yaml").write_text(PLANT)
    client_id = f"stackmeter-{request.param}"
    with Service(
        folder, folder / "config", broker.url, mqtt_version=request.param, client_id=client_id
    ) as one:
        one.start()
        yield one


@pytest.fixture
def sender(broker: Mosquitto) -> Iterator[mqtt.Client]:
    """Give a client of MQTT 5."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    wait_until(client.is_connected, "not connected")
    yield client
    client.disconnect()
    client.loop_stop()


def reading() -> bytes:
    """Return a message that was not sent before."""
    return json.dumps(unnumbered(next(MINUTES))).encode()


def publish(client: mqtt.Client, topic: str, payload: bytes, qos: int = 1, **given: Any) -> None:
    """Publish, and return once the broker has it by the rules of that QoS."""
    properties = Properties(PacketTypes.PUBLISH)
    for name, value in given.items():
        setattr(properties, name, value)
    client.publish(topic, payload, qos, properties=properties).wait_for_publish(PATIENCE)


def grown(service: Service, sender: mqtt.Client, before: dict[str, int]) -> dict[str, int]:
    """Return by how much each outcome grew, once a message that is sent last is in the state; it is left out."""
    minute = next(MINUTES)
    publish(sender, READINGS, json.dumps(unnumbered(minute)).encode())
    last = "SELECT 1 FROM reading WHERE time = ?"
    wait_until(lambda: bool(rows(service, last, int(at(minute)[0]))), "the last message")
    after = books(service)
    after["received"] -= 1
    after["accepted"] -= 1
    return {outcome: n - before[outcome] for outcome, n in after.items() if n != before[outcome]}


def books(service: Service) -> dict[str, int]:
    found: dict[str, int] = ask(service, "/v1/balance")["messages"]
    return found


@pytest.mark.parametrize("qos", [0, 2])
def test_bt12_a_message_of_another_qos_counts_once(service: Service, sender: mqtt.Client, qos: int) -> None:
    """Ours is 1, so one of 2 reaches us as 1; the sender's handshake ends all the same."""
    before = books(service)
    for _ in range(20):
        publish(sender, READINGS, reading(), qos)

    assert grown(service, sender, before) == {"received": 20, "accepted": 20}


PROPERTIES = {
    "content type that lies": {"ContentType": "application/octet-stream; charset=utf-16"},
    "response topic": {"ResponseTopic": f"{PLACE}/ack", "CorrelationData": b"\x00" * 1000},
    "payload said to be text": {"PayloadFormatIndicator": 1},
    "expiry of years": {"MessageExpiryInterval": 2**32 - 1},
    "expiry of a second": {"MessageExpiryInterval": 1},
    "expiry of no time at all": {"MessageExpiryInterval": 0},
    "10,000 user properties": {"UserProperty": [(f"key{n}", "v" * 20) for n in range(10_000)]},
}


@pytest.mark.parametrize("given", PROPERTIES.values(), ids=PROPERTIES)
def test_bt14_properties_mean_nothing(service: Service, sender: mqtt.Client, given: dict[str, Any]) -> None:
    before = books(service)
    publish(sender, READINGS, reading(), **given)

    assert grown(service, sender, before) == {"received": 1, "accepted": 1}


def test_bt14_text_that_is_none_is_quarantined_whatever_the_properties_say(
    service: Service, sender: mqtt.Client
) -> None:
    before = books(service)
    publish(sender, READINGS, b"\xff\xfe" + reading(), PayloadFormatIndicator=0, ContentType="text/plain")

    assert grown(service, sender, before) == {"received": 1, "quarantined": 1}


@pytest.mark.parametrize("alias", [0, 7, 65_535])
def test_bt14_an_unknown_topic_alias_costs_its_sender_the_connection_and_us_nothing(
    service: Service, broker: Mosquitto, sender: mqtt.Client, alias: int
) -> None:
    """Raw packets, for no library sends an alias that it never told."""
    before = books(service)
    with socket.create_connection(("127.0.0.1", broker.port), timeout=PATIENCE) as raw:
        raw.sendall(packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03raw"))
        assert raw.recv(1000)[0] == CONNACK
        raw.sendall(packet(0x30, b"\x00\x00\x03\x23" + alias.to_bytes(2, "big") + reading()))
        said = raw.recv(1000)
        assert said == b"" or said[0] == DISCONNECT
        assert raw.recv(1000) == b""

    assert grown(service, sender, before) == {}


CONNACK, DISCONNECT = 0x20, 0xE0


def packet(kind: int, body: bytes) -> bytes:
    """Return an MQTT packet of less than 16 KiB."""
    return bytes([kind, len(body) % 128 + 128, len(body) // 128]) + body


def test_bt15_who_shares_a_subscription_takes_nothing_from_us(
    service: Service, broker: Mosquitto, sender: mqtt.Client
) -> None:
    subscribed = threading.Event()
    other = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    other.on_subscribe = lambda *_: subscribed.set()
    other.connect("127.0.0.1", broker.port)
    other.loop_start()
    other.subscribe("$share/others/sm/v1/#", qos=1)
    assert subscribed.wait(PATIENCE)
    before = books(service)
    for _ in range(10):
        publish(sender, READINGS, reading())
    found = grown(service, sender, before)
    other.disconnect()
    other.loop_stop()

    assert found == {"received": 10, "accepted": 10}


@pytest.mark.parametrize(
    "payload", [b"garbage", b'{"acks": []}', reading()], ids=["garbage", "ack", "reading"]
)
@pytest.mark.parametrize("topic", [f"{PLACE}/ack", "sm/v1/park-a/totals"])
def test_bt16_what_others_say_on_our_own_topics_is_not_even_journalled(
    service: Service, sender: mqtt.Client, topic: str, payload: bytes
) -> None:
    """The broker's access list is there to refuse it (deploy/mosquitto-tls.conf); should it come all the same, it is nothing."""
    before, end = books(service), journal_end(service.journal)
    publish(sender, topic, payload)

    assert grown(service, sender, before) == {}
    assert journal_end(service.journal) == end + 1


WILLS = {"garbage": b"\xff\x00garbage", "another": b"[1, 2]", "reading": b"", "empty": b""}


@pytest.mark.parametrize("will", WILLS)
def test_bt17_a_will_that_is_no_status_says_nothing_and_is_no_reading(
    service: Service, broker: Mosquitto, sender: mqtt.Client, will: str
) -> None:
    publish(sender, f"{PLACE}/status", b'{"online": true}')
    wait_until(lambda: online(service) is True, "the status")
    before, end = books(service), journal_end(service.journal)
    gone = mqtt.Client(CallbackAPIVersion.VERSION2)
    gone.will_set(f"{PLACE}/status", reading() if will == "reading" else WILLS[will], qos=1)
    gone.connect("127.0.0.1", broker.port)
    gone.loop_start()
    wait_until(gone.is_connected, "not connected")
    gone.socket().shutdown(2)
    wait_until(lambda: journal_end(service.journal) > end, "the will")
    gone.disconnect()
    gone.loop_stop()

    assert grown(service, sender, before) == {}
    assert online(service) is not False


def online(service: Service) -> bool | None:
    """Return what the service thinks of the gateway."""
    said: bool | None = ask(service, "/v1/gateways")["gateways"][0]["online"]
    return said
