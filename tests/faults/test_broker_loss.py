"""What a broker with its own default settings loses of what it had acknowledged, and what each class of gateway makes of it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from simulators.gateway import Gateway
from simulators.message import Address, Message
from simulators.payload import NS_PER_S, Form, Point, Readings, encode
from tests.end_to_end.asking import ask, rows
from tests.end_to_end.gateway import RawGateway
from tests.faults.bench import Report
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import Service

PLANT = """\
settings: {max_late: 20000d, allowed_lateness: 20000d}
parks:
  - name: park-a
    title: Park A
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: gw}]
        channels:
          - {name: energy, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 900, max_gap: 3min}
          - {name: power, gateway: gw, kind: rate, unit: kW, quantity: electricity, max_gap: 150s}
        sources:
          - {name: register, method: electricity-location, inputs: {energy: energy}, factor: vn-grid}
          - {name: rate, method: electricity-location, inputs: {energy: power}, factor: vn-grid}
"""
# Mosquitto's own defaults, in place of those that we ask for.
AUTOSAVE = "autosave_on_changes false\nautosave_interval 1800\n"
QUEUE = "max_queued_messages 1000\nmax_inflight_messages 20\n"
ADDRESS = Address("park-a", "mill", "gw")
START = 1_769_000_040 * NS_PER_S  # a whole minute
MINUTE = 60 * NS_PER_S
POINTS = [Point("energy", "kWh"), Point("power", "kW")]


def at(minute: int) -> np.ndarray:
    return np.array([START + minute * MINUTE], np.int64)


def message(seq: int, channel: int = 0) -> Message:
    """Return the message of a number: the register's reading, or the power, of its minute."""
    readings = Readings.of(channel, at(seq), np.array([float(seq)]))
    payload = encode(readings, POINTS, boot="b1", seq=seq, form=Form.SINGLE)
    return Message(ADDRESS, "b1", seq, 0, payload, readings)


def unnumbered(minute: int) -> dict[str, Any]:
    """Return what a gateway of class C says of a minute: power, and neither boot nor number."""
    when = str(np.datetime_as_string(at(minute).astype("M8[ns]"), unit="s")[0])
    return {"channel": "power", "time": f"{when}Z", "value": 60.0, "unit": "kW"}


def faster() -> float:
    """Tell the time on a clock on which ten seconds pass in half of one."""
    return time.monotonic() * 20


class Broken:
    """A broker with defaults and a service that already has its session there, and was ended."""

    def __init__(self, folder: Path, settings: str) -> None:
        (folder / "config").mkdir()
        (folder / "config" / "plant.yaml").write_text(PLANT)
        self.broker = Mosquitto(extra=settings)
        self.service = Service(folder, folder / "config", self.broker.url)

    def gap(self) -> list[list[int]]:
        """Return the ranges that the service misses of the boot."""
        (gateway,) = ask(self.service, "/v1/gateways")["gateways"]
        missing: list[list[int]] = gateway["boots"][0]["missing"] if gateway["boots"] else []
        return missing

    def online(self) -> bool:
        """Return whether the gateway said that it is there."""
        return bool(ask(self.service, "/v1/gateways")["gateways"][0]["online"])

    def values(self) -> list[float]:
        """Return all readings in order of time."""
        return [value for (value,) in rows(self.service, "SELECT value FROM reading ORDER BY time")]


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Broken]:
    one = Broken(tmp_path, AUTOSAVE)
    with one.broker, one.service:
        yield one


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Broken]:
    one = Broken(tmp_path, "")
    with one.broker, one.service:
        yield one


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Broken]:
    one = Broken(tmp_path, QUEUE)
    with one.broker, one.service:
        yield one


def away_and_killed(broken: Broken, gateway: Gateway) -> None:
    """Send the first message to the service, then 49 to a broker that dies with them while the service is away."""
    broken.service.start()
    gateway.send(message(1))
    wait_until(lambda: gateway.uncovered == 0, "no ack")
    assert broken.service.term() == 0
    for seq in range(2, 51):
        gateway.send(message(seq))
    gateway.drain()
    broken.broker.kill()
    broken.broker.start()
    broken.service.start()


def test_f024_class_a_loses_nothing_by_a_broker_that_forgets(forgetful: Broken, report: Report) -> None:
    """Without a word from the service the gateway forgets nothing, and sends again when it is connected again."""
    with Gateway(forgetful.broker.url, ADDRESS, "b1", clock=faster) as gateway:
        away_and_killed(forgetful, gateway)

        assert gateway.settle(PATIENCE)

    assert forgetful.values() == [float(seq) for seq in range(1, 51)]
    assert forgetful.gap() == []
    report("F-024", source_class="A", lost=0, resent=gateway.resent)


def test_f024_class_b_has_a_hole_of_exactly_what_the_broker_forgot(forgetful: Broken, report: Report) -> None:
    """It numbers its messages and never sends one again: the next number tells what is missing, and the register heals."""
    with Gateway(forgetful.broker.url, ADDRESS, "b1") as gateway:  # not tended, so nothing is sent again
        away_and_killed(forgetful, gateway)
        gateway.send(message(51))
        wait_until(lambda: forgetful.gap() == [[2, 50]], "the hole is not seen")

    assert forgetful.values() == [1.0, 51.0]
    wait_until(lambda: activity(forgetful, "register") == [50.0], "the register does not heal")
    report("F-024", source_class="B", gap=49, lost=49)


def test_f024_class_c_is_flagged_as_less_coverage(forgetful: Broken, report: Report) -> None:
    """Without numbers a loss is seen as soon as the next reading comes: what is longer than max_gap is missing.

    max_gap is two and a half of its intervals; the one hour that was lost is in no tonne, and in no coverage.
    """
    forgetful.service.start()
    with RawGateway(forgetful.broker.port) as gateway:
        topic = ADDRESS.topic("readings")
        for minute in range(10):
            gateway.send(topic, unnumbered(minute))
        gateway.wait()
        wait_until(lambda: len(forgetful.values()) == 10, "the readings before")
        assert forgetful.service.term() == 0
        for minute in range(10, 70):
            gateway.send(topic, unnumbered(minute))
        gateway.wait()
        forgetful.broker.kill()
        forgetful.broker.start()
        forgetful.service.start()
        for minute in range(70, 80):
            gateway.send(topic, unnumbered(minute))
        wait_until(lambda: len(forgetful.values()) == 20, "the readings after")
    wait_until(lambda: activity(forgetful, "rate") == [pytest.approx(18.0)], "the windows")

    known = [n for (n,) in rows(forgetful.service, KNOWN, "rate")]
    assert known == [18]  # minutes; 61 of the 79 are missing
    report("F-024", source_class="C", minutes_known=18, minutes_missing=61)


def test_f037_a_full_queue_is_a_hole_of_exactly_what_it_dropped_and_a_resend_fills_it(
    narrow: Broken, report: Report
) -> None:
    """3000 messages are acknowledged by the broker, 1000 wait for us; nobody was told of the others."""
    service = narrow.service
    service.start()
    with Gateway(narrow.broker.url, ADDRESS, "b1", clock=faster) as gateway:
        wait_until(narrow.online, "its status would take a place in the queue")
        assert service.term() == 0
        for seq in range(1, 3001):
            gateway.send(message(seq))
        gateway.drain()
        service.start()
        wait_until(lambda: len(narrow.values()) >= 1000, "not what the queue held")
        gateway.send(message(3001))
        wait_until(lambda: len(narrow.values()) > 1000, "the next message")
        assert narrow.values() == [*(float(seq) for seq in range(1, 1001)), 3001.0]
        assert narrow.gap() == [[1001, 3000]]

        assert gateway.settle(PATIENCE)

    wait_until(lambda: narrow.gap() == [], "the hole is not filled")
    assert narrow.values() == [float(seq) for seq in range(1, 3002)]
    report("F-037", sent=3000, delivered=1000, gap=2000, left=0)


def test_f030_who_takes_our_session_again_and_again_is_told_of_and_costs_nothing_in_the_end(
    lasting: Broken, report: Report
) -> None:
    """Nobody gives up: API and alerts go on, and what the other one took comes again from a gateway of class A."""
    lasting.service.start()
    other = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="stackmeter", clean_session=False)
    other.reconnect_delay_set(1, 1)
    with Gateway(lasting.broker.url, ADDRESS, "b1", clock=faster) as gateway:
        began = time.monotonic()
        other.connect("127.0.0.1", lasting.broker.port)
        other.loop_start()
        seq = 0

        def is_told() -> bool:
            nonlocal seq
            seq += 1
            gateway.send(message(seq))
            return any("client id" in one for one in lasting.service.get("/readyz").json()["degradations"])

        wait_until(is_told, "nothing is told")
        took = time.monotonic() - began
        other.disconnect()
        other.loop_stop()
        assert gateway.settle(PATIENCE)

    assert lasting.service.running
    assert lasting.values() == [float(n) for n in range(1, seq + 1)]
    assert lasting.gap() == []
    report("F-030", told_after_s=round(took, 1), sent=seq, resent=gateway.resent, lost=0)


def test_bt14_what_expires_while_we_are_away_is_a_hole_and_a_resend_fills_it(lasting: Broken) -> None:
    """Expiry is between a gateway and the broker: it costs the message, and never the knowledge that it is missing."""
    lasting.service.start()
    with Fleeting(lasting.broker.port) as gateway:
        gateway.send(message(1))
        wait_until(lambda: lasting.values() == [1.0], "the first message")
        assert lasting.service.term() == 0
        gateway.send(message(2), expires_s=1)
        gateway.send(message(3), expires_s=0)
        gateway.send(message(4))
        gateway.wait_until_expired(2)  # a second later: at the very second brokers differ
        lasting.service.start()
        wait_until(lambda: 4.0 in lasting.values(), "what does not expire")
        # Mosquitto takes 0 for no expiry; a broker that takes it for at once makes a larger hole.
        missing = [seq for seq in range(1, 5) if float(seq) not in lasting.values()]
        assert missing in ([2], [2, 3])
        hole = [[missing[0], missing[-1]]]
        wait_until(lambda: lasting.gap() == hole, "the hole is not told")

        for seq in missing:
            gateway.send(message(seq))
        wait_until(lambda: lasting.gap() == [], "the hole is not filled")

    assert lasting.values() == [1.0, 2.0, 3.0, 4.0]


class Fleeting:
    """A gateway of MQTT 5 whose messages may expire at the broker."""

    def __init__(self, port: int) -> None:
        self._heard: list[bytes] = []
        self._port = port
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = lambda _client, _data, message: self._heard.append(message.payload)

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        wait_until(self._client.is_connected, "not connected")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, one: Message, expires_s: int | None = None) -> None:
        """Publish, and return once the broker has it."""
        self._publish(ADDRESS.topic("readings"), one.payload, expires_s)

    def wait_until_expired(self, seconds: int) -> None:
        """Return once the broker gives out no more what was published after all others, to expire so long after that."""
        self._publish("the/mark", b"mark", seconds, retain=True)
        wait_until(lambda: b"mark" not in self._given_out(), "nothing expires")

    def _given_out(self) -> list[bytes]:
        """Return what a subscription to the mark gives, up to an echo of our own that is behind it."""
        self._heard.clear()
        echo = b"%d" % time.monotonic_ns()
        self._client.subscribe([("the/mark", 1), ("the/echo", 1)])
        self._publish("the/echo", echo)
        wait_until(lambda: echo in self._heard, "no echo")
        return list(self._heard)

    def _publish(
        self, topic: str, payload: bytes, expires_s: int | None = None, *, retain: bool = False
    ) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        if expires_s is not None:
            properties.MessageExpiryInterval = expires_s
        self._client.publish(topic, payload, 1, retain, properties).wait_for_publish(PATIENCE)


KNOWN = "SELECT windows FROM total JOIN source ON id = source WHERE name = ? AND level = 3"
ACTIVITY = "SELECT activity FROM total JOIN source ON id = source WHERE name = ? AND level = 3"


def activity(broken: Broken, source: str) -> list[float]:
    return [amount for (amount,) in rows(broken.service, ACTIVITY, source)]
