"""The host application against a real broker, beside an edge node's own client; test names carry the tck-ids."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.mqtt.address import broker
from ingest.mqtt.intake import OWN, Arrival
from ingest.sparkplug.host import SparkplugHost
from ingest.sparkplug.options import SparkplugOptions, sparkplug_options
from ingest.sparkplug.payload import parse
from ingest.sparkplug.topics import SparkplugTopic
from ingest.sparkplug.topics import parse as parse_topic
from store.messages.sparkplug import OUT_OF_SIGHT
from tests.ingest.sparkplug import tap
from tests.ingest.sparkplug.edge import BOOLEAN, bdseq, payload
from tests.ingest.sparkplug.tap import Connect, Packet, Said, Tap
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


def hosted(topic: bytes) -> tuple[SparkplugTopic, SparkplugOptions] | None:
    found = parse_topic(topic.decode().split("/"))
    return (found, sparkplug_options({"reorder": 0.2})) if found is not None else None


@contextmanager
def host(
    server: Mosquitto | Tap, version: str = "3.1.1", put: Any = lambda _arrival: None, groups: str = "G"
) -> Iterator[SparkplugHost]:
    address = broker(server.url, client_id="s", version=version)
    made = SparkplugHost(address, "host", [f"spBv1.0/{groups}/#"], hosted, put, print)
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


@VERSIONS
def test_host_topic_phid_death_payload_timestamp_connect_a_lost_host_leaves_the_births_timestamp(
    version: str,
) -> None:
    with Mosquitto() as server, Tap(server.port) as wire:
        listener = Listener(server, STATE)
        with host(wire, version):
            born = listener.state()
            wire.cut()
            assert listener.state() == {"online": False, "timestamp": born["timestamp"]}
            again = listener.state()
            assert again["online"] is True
            assert again["timestamp"] > born["timestamp"]


@VERSIONS
def test_a_lost_connection_stands_in_the_journal_between_what_was_heard_before_and_after(
    version: str,
) -> None:
    taken: list[tuple[bytes, bytes]] = []

    def put(arrival: Arrival) -> None:
        assert arrival.message is not None
        taken.append((arrival.message.topic, arrival.message.payload))

    with Mosquitto() as server, Tap(server.port) as wire:
        sender = Listener(server, "none").client
        with host(wire, version, put) as made:
            sender.publish("spBv1.0/G/NDATA/E", b"1")
            wait_until(lambda: len(taken) == 2, "nothing came")
            for _ in range(2):  # nothing was heard before the second cut: the journal knows already
                sessions = len(wire.sessions)
                wire.cut()
                wait_until(lambda: len(wire.sessions) > sessions and made.ready, "not back")  # noqa: B023  at once
            sender.publish("spBv1.0/G/NDATA/E", b"2")
            wait_until(lambda: len(taken) == 4, "nothing came")
    lost, data = (OUT_OF_SIGHT, b""), b"spBv1.0/G/NDATA/E"
    assert taken == [lost, (data, b"1"), lost, (data, b"2")]


def test_message_flow_hid_sparkplug_state_message_delivered_a_death_of_itself_is_answered_with_its_birth() -> (
    None
):
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
    put = lambda arrival: taken.append(arrival) if arrival.qos != OWN else None  # noqa: E731  said once
    with Mosquitto() as server:
        sender = Listener(server, "none").client
        with host(server, version, put):
            sender.publish("spBv1.0/G/NBIRTH/E", payload(1, 0, bdseq(1)), qos=0)
            wait_until(lambda: len(taken) == 1, "nothing came")
        sender.publish("spBv1.0/G/NBIRTH/E", payload(2, 0, bdseq(1)), qos=1).wait_for_publish(20)
        with host(server, version, put):
            sender.publish("spBv1.0/G/NBIRTH/E", payload(3, 0, bdseq(1)), qos=0)
            wait_until(lambda: len(taken) == 2, "nothing came")
        assert [parse(a.message.payload).timestamp for a in taken if a.message] == [1, 3]


def test_no_birth_is_asked_for_without_a_connection() -> None:
    with Mosquitto() as server:
        with host(server) as made:
            assert made.ask_rebirth("G/E")
        assert not made.ask_rebirth("G/E")


@VERSIONS
def test_field_b5_a_death_of_ours_that_was_retained_is_no_news(version: str) -> None:
    """Our birth follows it anyway; so each connection says it once."""
    with Mosquitto() as server, Tap(server.port) as wire:
        listener = Listener(server, STATE)
        listener.client.publish(STATE, json.dumps({"online": False, "timestamp": 1}), qos=1, retain=True)
        assert listener.state()["online"] is False
        with host(wire, version):
            assert listener.state()["online"] is True
            time.sleep(0.3)  # for a second one to come, which there must not be
        assert listener.state()["online"] is False


@contextmanager
def timed(made: SparkplugHost, unborn: frozenset[str] = frozenset()) -> Iterator[None]:
    """Let a host's clock run."""
    stop = threading.Event()
    clock = threading.Thread(target=made.run, args=(lambda: unborn, stop))
    clock.start()
    try:
        yield
    finally:
        stop.set()
        clock.join()


def test_field_b1_what_is_missing_is_given_up_by_a_clock_whoever_else_speaks() -> None:
    """And not when nobody does: other nodes speak all the time."""
    taken: list[bytes] = []

    def put(arrival: Arrival) -> None:
        assert arrival.message is not None
        taken.append(arrival.message.topic)

    with Mosquitto() as server, host(server, put=put) as made, timed(made):
        sender = Listener(server, "none").client
        sender.publish("spBv1.0/G/NBIRTH/E", payload(1, 0, bdseq(1)))
        sender.publish("spBv1.0/G/NDATA/E", payload(2, 2))
        seq = 0

        def others_speak_and_it_went_on() -> bool:
            nonlocal seq
            sender.publish("spBv1.0/G/NBIRTH/F" if not seq else "spBv1.0/G/NDATA/F", payload(seq, seq % 256))
            seq += 1
            return b"spBv1.0/G/NDATA/E" in taken

        wait_until(others_speak_and_it_went_on, "what waited did not go on")
        assert seq > 1


@VERSIONS
def test_field_b4_nodes_that_lack_a_birth_are_asked_after_each_connect(version: str) -> None:
    with Mosquitto() as server, Tap(server.port) as wire:
        listener = Listener(server, "spBv1.0/G/NCMD/+")
        with host(wire, version) as made, timed(made, frozenset({"G/E", "G/F"})):
            assert {listener.next().topic for _ in range(2)} == {"spBv1.0/G/NCMD/E", "spBv1.0/G/NCMD/F"}
            wire.cut()
            assert {listener.next().topic for _ in range(2)} == {"spBv1.0/G/NCMD/E", "spBv1.0/G/NCMD/F"}


# --- what binds a host application on the wire: one connection that is cut, and one that ends in order -------------------


@dataclass(frozen=True)
class Life:
    """What a host sent while it lived: a birth, the answer to a death of itself, a request for a rebirth, a death."""

    first: Connect
    second: Connect
    packets: list[Packet]  # of the second connection
    said: list[Said]
    begun: int  # ms, before the second connection
    ended: int

    @property
    def types(self) -> list[int]:
        """The packets' types without what may come anywhere: acknowledgements and pings."""
        return [one.type for one in self.packets if one.type not in (tap.PUBACK, tap.PINGREQ)]

    @property
    def filters(self) -> list[str]:
        return filters_of(self.packets, self.second.version)

    @property
    def will(self) -> Said:
        assert self.second.will is not None
        return self.second.will

    @property
    def birth(self) -> Said:
        return self.said[0]

    @property
    def command(self) -> Said:
        return self.said[2]

    @property
    def death(self) -> Said:
        return self.said[3]


@pytest.fixture(scope="module", params=["3.1.1", "5"])
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    with Mosquitto() as server, Tap(server.port) as wire:
        listener = Listener(server, STATE)
        node = Listener(server, "spBv1.0/G/NCMD/E")
        with host(wire, request.param) as made:
            assert listener.state()["online"] is True
            begun = now_ms()
            wire.cut()
            assert [listener.state()["online"] for _ in range(2)] == [False, True]
            listener.client.publish(STATE, json.dumps({"online": False, "timestamp": 1}), qos=1, retain=True)
            assert [listener.state()["online"] for _ in range(2)] == [False, True]
            assert made.ask_rebirth("G/E")
            node.next()
        assert listener.state()["online"] is False
        wait_until(lambda: wire.sessions[1][-1].type == tap.DISCONNECT, "no DISCONNECT")
        first, packets = tap.connect(wire.sessions[0][0]), wire.sessions[1]
        second = tap.connect(packets[0])
        said = [tap.published(one, second.version) for one in packets if one.type == tap.PUBLISH]
        yield Life(first, second, packets, said, begun, now_ms())


def now_ms() -> int:
    return time.time_ns() // 10**6


def test_a_life_is_a_birth_an_answer_a_request_and_a_death(life: Life) -> None:
    assert [one.topic for one in life.said] == [STATE, STATE, "spBv1.0/G/NCMD/E", STATE]


Check = Callable[[Life], tuple[Any, Any]]  # what is found, and what the specification wants
FOUR_PUBLISHES = [tap.CONNECT, *[tap.SUBSCRIBE] * 2, *[tap.PUBLISH] * 4, tap.DISCONNECT]


def filters_of(packets: list[Packet], version: int) -> list[str]:
    """Return the filters of all SUBSCRIBEs, in order."""
    return [name for one in packets if one.type == tap.SUBSCRIBE for name in tap.filters(one, version)]


def in_order(life: Life) -> tuple[Any, Any]:
    return life.types, FOUR_PUBLISHES


def state(said: Said, online: bool) -> tuple[Any, Any]:
    body = json.loads(said.payload.decode())
    found = (said.topic, said.qos, said.retain, body)
    return found, (STATE, 1, True, {"online": online, "timestamp": int(body["timestamp"])})


def birth(life: Life) -> tuple[Any, Any]:
    return state(life.birth, online=True)


def will(life: Life) -> tuple[Any, Any]:
    return state(life.will, online=False)


def death(life: Life) -> tuple[Any, Any]:
    return state(life.death, online=False)


def timestamp(said: Said) -> int:
    return int(json.loads(said.payload)["timestamp"])


def birth_has_the_wills_time(life: Life) -> tuple[Any, Any]:
    return timestamp(life.birth), timestamp(life.will)


def will_is_of_now(life: Life) -> tuple[Any, Any]:
    assert life.first.will is not None
    times = [timestamp(life.first.will), life.begun, timestamp(life.will), life.ended]
    return times, sorted(times)


def death_is_of_now(life: Life) -> tuple[Any, Any]:
    times = [timestamp(life.birth), timestamp(life.death), life.ended]
    return times, sorted(times)


def subscribed(life: Life) -> tuple[Any, Any]:
    return (life.filters, life.types[:3]), ([STATE, "spBv1.0/G/#"], FOUR_PUBLISHES[:3])


def clean(life: Life) -> tuple[Any, Any]:
    both = (life.first, life.second)
    return [(one.clean, one.expiry) for one in both], [(True, 0)] * 2


def answered(life: Life) -> tuple[Any, Any]:
    return life.said[1], life.birth


def command(life: Life) -> tuple[Any, Any]:
    one = life.command
    return (one.topic, one.qos, one.retain), ("spBv1.0/G/NCMD/E", 0, False)


def command_has_a_time_and_no_number(life: Life) -> tuple[Any, Any]:
    said = parse(life.command.payload)
    assert said.timestamp is not None
    return (said.seq, life.begun <= said.timestamp <= life.ended), (None, True)


def rebirth(life: Life) -> tuple[Any, Any]:
    metrics = parse(life.command.payload).metrics
    return [(one.name, one.alias, one.value, one.datatype) for one in metrics], [
        ("Node Control/Rebirth", None, True, BOOLEAN)
    ]


CHECKS: dict[Check, list[str]] = {
    in_order: [
        "conformance-primary-host", "intro-sparkplug-host-state", "components-ph-state", "principles-birth-certificates-order",
        "host-topic-phid-birth-message", "host-topic-phid-birth-required", "message-flow-phid-sparkplug-state-publish",
        "operational-behavior-host-application-connect-birth", "operational-behavior-host-application-termination",
        "operational-behavior-host-application-disconnect-intentional",
    ],
    birth: [
        "host-topic-phid-birth-topic", "host-topic-phid-birth-qos", "host-topic-phid-birth-retain", "host-topic-phid-birth-payload",
        "message-flow-phid-sparkplug-state-publish-payload", "operational-behavior-host-application-connect-birth-topic",
        "operational-behavior-host-application-connect-birth-qos", "operational-behavior-host-application-connect-birth-retained",
        "payloads-state-birth",
    ],
    birth_has_the_wills_time: [
        "host-topic-phid-birth-payload-timestamp", "message-flow-phid-sparkplug-state-publish-payload-timestamp",
        "operational-behavior-host-application-connect-birth-payload", "payloads-state-birth-payload",
    ],
    will: [
        "host-topic-phid-death-required", "host-topic-phid-death-topic", "host-topic-phid-death-qos", "host-topic-phid-death-retain",
        "host-topic-phid-death-payload", "operational-behavior-host-application-connect-will",
        "operational-behavior-host-application-connect-will-topic", "operational-behavior-host-application-connect-will-qos",
        "operational-behavior-host-application-connect-will-retained", "payloads-state-will-message",
        "payloads-state-will-message-qos", "payloads-state-will-message-retain", "payloads-state-will-message-payload",
    ],
    will_is_of_now: [
        "host-topic-phid-death-payload-timestamp-connect", "host-topic-phid-death-payload-connect",
        "operational-behavior-host-application-connect-will-payload",
    ],
    death: [
        "operational-behavior-host-application-death-topic", "operational-behavior-host-application-death-qos",
        "operational-behavior-host-application-death-retained", "operational-behavior-host-application-death-payload",
    ],
    death_is_of_now: [
        "host-topic-phid-death-payload-timestamp-disconnect-clean", "host-topic-phid-death-payload-disconnect-clean",
        "host-topic-phid-death-payload-timestamp-disconnect-with-no-disconnect-packet",
        "host-topic-phid-death-payload-disconnect-with-no-disconnect-packet",
    ],
    subscribed: ["host-topic-phid-birth-sub-required", "message-flow-phid-sparkplug-subscription", "payloads-state-subscribe"],
    clean: ["message-flow-phid-sparkplug-clean-session-311", "message-flow-phid-sparkplug-clean-session-50"],
    answered: ["message-flow-hid-sparkplug-state-message-delivered"],
    command: [
        "topics-ncmd-topic", "topics-ncmd-mqtt", "payloads-ncmd-qos", "payloads-ncmd-retain",
        "operational-behavior-data-commands-ncmd-verb", "operational-behavior-data-commands-ncmd-rebirth-verb",
        "topic-structure-namespace-device-id-non-associated-message-types",
    ],
    command_has_a_time_and_no_number: ["topics-ncmd-timestamp", "payloads-ncmd-timestamp", "payloads-timestamp-in-UTC", "payloads-ncmd-seq"],
    rebirth: [
        "topics-ncmd-payload", "operational-behavior-data-commands-ncmd-rebirth-name",
        "operational-behavior-data-commands-ncmd-rebirth-value", "operational-behavior-data-commands-ncmd-metric-name",
        "operational-behavior-data-commands-ncmd-metric-value", "payloads-name-requirement",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "check", [pytest.param(check, id=f"tck-id-{one}") for check, ids in CHECKS.items() for one in ids]
)
def test_on_the_wire(life: Life, check: Check) -> None:
    found, wanted = check(life)
    assert found == wanted


def test_all_groups_are_subscribed_as_the_conformance_kit_looks_for_it() -> None:
    with Mosquitto() as server, Tap(server.port) as wire, host(wire, groups="+"):
        assert filters_of(wire.sessions[0], 4) == [STATE, "spBv1.0/#"]


@pytest.mark.parametrize("payload", [b"[" * 1100, b"[" * 100_000, b'{"online": ' * 2000, b"\xff\x00", b""])
def test_solid_a10_whatever_stands_on_our_state_we_say_again_that_we_are_there(payload: bytes) -> None:
    with Mosquitto() as server, host(server) as made:
        listener = Listener(server, STATE)
        assert listener.state()["online"] is True
        listener.client.publish(STATE, payload, qos=1, retain=True)

        assert listener.next().payload == payload
        assert listener.state()["online"] is True
        assert made.alive
