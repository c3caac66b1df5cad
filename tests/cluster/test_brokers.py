"""Several addresses of a broker, tried in turn; and sessions that keep no subscription of an earlier run."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from paho.mqtt.client import MQTTMessage

from ingest.mqtt.address import BrokerAddress, broker
from ingest.mqtt.intake import Arrival
from ingest.mqtt.session import SessionMemory, stored_session
from ingest.mqtt.subscriber import Subscriber
from ingest.subscriptions import Subscriptions
from plant.configuration.load import load
from rules.catalogue import load_catalogue
from simulators.gateway import Gateway
from simulators.message import Address, Message
from simulators.payload import Form, Point, Readings, encode
from stackmeter.settings import Settings
from tests.cluster.plants import START, minute_of, reading, write_plant
from tests.end_to_end.asking import ask, rows
from tests.end_to_end.gateway import RawGateway
from tests.fake_broker import fake_broker
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import Service

BOTH = pytest.mark.parametrize("version", ["3.1.1", "5"])
NS_PER_MIN = 60 * 10**9


class Listening(Subscriber):
    """A subscriber that keeps what the broker brings, before it looks whose it is; park and minute of each."""

    brought: set[tuple[str, int]]

    def _heard(self, topic: bytes, message: MQTTMessage) -> None:
        self.brought.add((topic.decode().split("/")[2], minute_of(message.payload)))
        super()._heard(topic, message)


class Run:
    """A run of a shard's connection: what it journals, and acknowledges at once."""

    def __init__(
        self, server: Mosquitto, folder: Path, parks: str, *, own: bool = True, version: str = "3.1.1"
    ) -> None:
        config = write_plant(folder / parks, *parks)
        ours = Subscriptions(load(config, load_catalogue(None)), own=own)
        address = broker(server.url, client_id="shard", version=version)
        memory = SessionMemory(folder / "session.json")
        self.journalled: set[str] = set()
        self.subscriber = Listening(address, self._put, print, ours.filters, memory, ours.is_foreign)
        self.subscriber.brought = set()

    def _put(self, arrival: Arrival) -> None:
        if arrival.message is not None:
            self.journalled.add(arrival.message.topic.decode().split("/")[2])
        self.subscriber.acknowledge([arrival])

    def parks_of(self, minute: int) -> str:
        """Return the parks whose readings of a minute came; that of b is said last, and is waited for."""
        brought = self.subscriber.brought
        wait_until(lambda: ("b", minute) in brought, f"what was said last did not come: {brought}")
        return "".join(sorted(park for park, at in brought.copy() if at == minute))


@contextmanager
def running(one: Run, filters: list[str], folder: Path) -> Iterator[Run]:
    """Give the run once its session is subscribed to these filters and to nothing else, as far as the broker says."""

    def is_so() -> bool:
        session = stored_session(folder / "session.json")
        return session is not None and one.subscriber.ready and sorted(session.filters) == filters

    one.subscriber.start()
    wait_until(is_so, "the session is not subscribed so")
    yield one
    one.subscriber.stop()


@BOTH
def test_a_session_keeps_no_subscription_of_an_earlier_run(version: str, tmp_path: Path) -> None:
    """From all to own, and with a park less: what waits of others is passed over once, and nothing more comes.

    What was said in a run before may come again, where the broker was not told in time that it is taken.
    """
    with Mosquitto() as server, RawGateway(server.port) as field:

        def say(minute: int) -> None:
            for park in "cab":
                field.send(*reading(park, minute))
            field.wait()

        def run(parks: str, *filters: str, own: bool = True) -> AbstractContextManager[Run]:
            return running(Run(server, tmp_path, parks, own=own, version=version), list(filters), tmp_path)

        with run("ab", "sm/v1/#", own=False):
            pass
        say(1)
        with run("ab", "sm/v1/a/#", "sm/v1/b/#") as own:
            assert (own.parks_of(1), own.journalled) == ("abc", {"a", "b"})
            assert own.subscriber.foreign == 1
        say(2)
        with run("b", "sm/v1/b/#") as less:
            assert (less.parks_of(2), less.journalled) == ("ab", {"b"})
        say(3)
        with run("b", "sm/v1/b/#") as again:
            assert (again.parks_of(3), again.journalled) == ("b", {"b"})
        with run("b", "sm/v1/#", own=False) as everything:
            say(4)
            assert everything.parks_of(4) == "abc"


def test_all_topics_are_given_up_although_nothing_is_remembered(tmp_path: Path) -> None:
    """A state that was restored, or that an earlier version wrote, does not say what its session is subscribed to."""
    with Mosquitto() as server, RawGateway(server.port) as field:
        with running(Run(server, tmp_path, "b", own=False), ["sm/v1/#"], tmp_path):
            pass
        (tmp_path / "session.json").unlink()
        with running(Run(server, tmp_path, "b"), ["sm/v1/b/#"], tmp_path):
            pass
        for park in "cab":
            field.send(*reading(park, 1))
        field.wait()
        with running(Run(server, tmp_path, "b"), ["sm/v1/b/#"], tmp_path) as own:
            assert own.parks_of(1) == "b"


def test_sessions_at_several_addresses_are_remembered_apart(tmp_path: Path) -> None:
    memory = SessionMemory(tmp_path / "session.json")
    for place in ("one:1883", "two:1883"):
        assert not memory.connected(place, "a", present=False, now=1)
        assert memory.subscribing([f"{place}/#"]) == []
    again = SessionMemory(tmp_path / "session.json")

    assert again.connected("one:1883", "a", present=False, now=2)
    assert again.subscribing(["b"]) == ["one:1883/#"]
    assert not again.connected("two:1883", "a", present=True, now=3)
    assert again.session is not None
    assert [one.broker for one in again.session.elsewhere] == ["one:1883"]


def test_a_broker_has_several_addresses() -> None:
    address = broker("mqtts://u:p%2C@one, mqtts://v:q@two:8884", client_id="a", version="5")

    assert [(one.where, one.username, one.password) for one in address.places] == [
        ("one:8883", "u", "p,"), ("two:8884", "v", "q"),
    ]  # fmt: skip


@BOTH
def test_each_address_is_tried_in_turn_by_its_own_user(version: str) -> None:
    with fake_broker(hangs_up=True) as first, fake_broker(connack=5) as second, fake_broker() as third:
        servers = {"ann": first, "bob": second, "eve": third}
        urls = ",".join(server.url.replace("://", f"://{user}:pw@") for user, server in servers.items())
        one = Subscriber(broker(urls, client_id="a", version=version), print, print)
        one._client.reconnect_delay_set(0.05, 0.05)
        one.start()
        wait_until(lambda: one.ready, f"it does not come to the third: {one.last_error}")
        assert one.where == f"127.0.0.1:{third.port}"
        third.hang_up()
        wait_until(lambda: first.connections == 2, "the first is not tried again")
        wait_until(lambda: one.ready, "it does not come to the third again")
        one.stop()

        for user, server in servers.items():
            names = [[name for name in servers if name.encode() in asked] for asked in server.connects]
            assert names == [[user], [user]]


@pytest.mark.parametrize("urls", ["mqtt://one,mqtts://two", "mqtt://one,", "mqtt://one,http://two"])
def test_addresses_that_cannot_be_meant_are_refused(urls: str) -> None:
    with pytest.raises(BrokerAddress):
        broker(urls, client_id="a", version="5")
    with pytest.raises(ValueError, match="expected mqtt"):
        Settings(broker=urls)  # type: ignore[call-arg]  # pydantic fills the others in


ADDRESS = Address("a", "mill", "gw")
POINTS = [Point("energy", "kWh")]


def numbered(seq: int) -> Message:
    """Return a message of a gateway of class A."""
    times = np.array([int(START.timestamp()) * 10**9 + seq * NS_PER_MIN], np.int64)
    readings = Readings.of(0, times, np.array([float(seq)]))
    payload = encode(readings, POINTS, boot="b1", seq=seq, form=Form.SINGLE)
    return Message(ADDRESS, "b1", seq, 0, payload, readings)


def test_the_service_goes_to_the_next_broker_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """The broker dies with what it had acknowledged and not delivered: a gateway of class A sends it again to the next one."""
    with Mosquitto() as first, Mosquitto() as second:
        config = write_plant(tmp_path / "config", "a")
        with Service(tmp_path, config, f"{first.url},{second.url}") as service:
            service.start()
            assert connected(service) == {first.port: 1.0, second.port: 0.0}
            with Gateway(first.url, ADDRESS, "b1", clock=lambda: 20 * os.times().elapsed) as gateway:
                gateway.send(numbered(1))
                wait_until(lambda: gateway.uncovered == 0, "no ack")
                os.kill(service.pid, signal.SIGSTOP)
                for seq in range(2, 21):
                    gateway.send(numbered(seq))
                gateway.drain()
                first.kill()
                os.kill(service.pid, signal.SIGCONT)
                gateway._publisher._client._port = second.port  # a gateway has several addresses, too
                service.wait_until_ready()
                assert gateway.settle(PATIENCE)

            assert connected(service) == {first.port: 0.0, second.port: 1.0}
            assert ask(service, "/readyz")["broker"] == f"127.0.0.1:{second.port}"
            assert f"stackmeter: connected to 127.0.0.1:{second.port}" in service.log()
            wait_until(lambda: len(values(service)) == 20, "readings are missing")
            assert values(service) == [float(seq) for seq in range(1, 21)]


def connected(service: Service) -> dict[int, float]:
    """Return which broker is connected, by port, as /metrics tells it."""
    told = service.metrics()
    head = "stackmeter_broker_address{127.0.0.1:"
    return {int(name.removeprefix(head)[:-1]): value for name, value in told.items() if name.startswith(head)}


def values(service: Service) -> list[float]:
    """Return all readings in order of time."""
    return [value for (value,) in rows(service, "SELECT value FROM reading ORDER BY time")]
