"""The broker ends, dies, loses its disk, or dies while it is being told what is safe."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.mqtt.address import broker
from ingest.mqtt.intake import Arrival, Intake
from ingest.mqtt.subscriber import Subscriber
from store.messages.journal import DUP, Journal, Message
from tests.faults.bench import Bench, Feed, Field, Report
from tests.faults.invariants import check_all, journalled
from tests.faults.truth import Sent, trial
from tests.servers import Mosquitto, wait_until

VERSIONS = pytest.mark.parametrize("version", ["3.1.1", "5"])


class GatedJournal(Journal):
    """A journal that commits only as many groups as the test lets through."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.waiting: list[Message] = []
        self._permits = threading.Semaphore(0)

    def let(self, groups: int) -> None:
        """Let so many more groups be committed."""
        self._permits.release(groups)

    def append(self, messages: list[Message]) -> int:  # type: ignore[override]  # a list is what the intake gives
        """Wait for leave, then commit."""
        self.waiting = list(messages)
        self._permits.acquire()
        first = super().append(messages)
        self.waiting = []
        return first


class Rig:
    """The real subscriber and intake over a gated journal, at a real broker."""

    def __init__(self, folder: Path, mosquitto: Mosquitto, version: str) -> None:
        self.path = folder / "journal.db"
        self.journal = GatedJournal(self.path)
        self.arrivals: list[Arrival] = []
        self.acknowledged = 0
        address = broker(mosquitto.url, client_id="rig", version=version)
        self.subscriber = Subscriber(address, self._put, lambda _reason: None)
        self.intake = Intake(self.journal, self._acknowledge, lambda: None, lambda _point: None)
        self._inlet = self.intake.inlet()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.intake.run, args=(self._stop,), daemon=True)

    def start(self) -> None:
        """Start; nothing is committed yet."""
        self._thread.start()
        self.subscriber.start()
        self.wait_until_connected(1)

    def wait_until_connected(self, times: int) -> None:
        """Wait for the so many-eth connection."""
        ready = lambda: self.subscriber.connections >= times and self.subscriber.ready  # noqa: E731  said once
        wait_until(ready, f"connection {times} did not come: {self.subscriber.last_error}", 60)

    def wait_for_arrivals(self, count: int) -> list[Arrival]:
        """Wait until so many messages came."""
        wait_until(lambda: len(self.arrivals) >= count, f"{count} messages did not come", 60)
        return list(self.arrivals)

    def drop_connection(self) -> None:
        """Cut the connection without a word, so that the broker sends again what is not acknowledged."""
        connection = self.subscriber._client.socket()
        assert connection is not None
        connection.shutdown(2)

    def stop(self) -> None:
        """End everything."""
        self._stop.set()
        self.journal.let(1000)
        self.subscriber.stop()
        self._thread.join(10)
        self.journal.close()

    def wait_for_acknowledgements(self, count: int) -> None:
        """Wait until so many messages were acknowledged, or were not for their connection is gone, and all is written."""
        done = lambda: self.acknowledged >= count and not self.subscriber._client.want_write()  # noqa: E731  said once
        wait_until(done, f"{count} messages were not acknowledged", 60)

    def _acknowledge(self, arrivals: list[Arrival]) -> None:
        self.subscriber.acknowledge(arrivals)
        self.acknowledged += len(arrivals)

    def _put(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        self._inlet.put(arrival)


@contextmanager
def rig_at(folder: Path, mosquitto: Mosquitto, version: str) -> Iterator[Rig]:
    rig = Rig(folder, mosquitto, version)
    rig.start()
    try:
        yield rig
    finally:
        rig.stop()


def numbered(name: str, count: int) -> list[Sent]:
    return [Sent("sm/v1/trial/works/meters/readings", f"{name}{n}".encode()) for n in range(count)]


def payloads(arrivals: list[Arrival]) -> list[str]:
    return [arrival.message.payload.decode() for arrival in arrivals if arrival.message]


def send(mosquitto: Mosquitto, messages: list[Sent]) -> None:
    field = Field(mosquitto)
    field.send(messages)
    field.close()


@VERSIONS
def test_f027_an_acknowledgement_after_session_loss_confirms_no_message_that_is_not_journalled(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch, report: Report
) -> None:
    """The new messages have the packet ids of the old ones: a late PUBACK would make the broker forget them."""
    monkeypatch.setattr("ingest.mqtt.intake.MOST_IN_GROUP", 1)  # so that the gate tells old from new
    with Mosquitto() as mosquitto, rig_at(tmp_path, mosquitto, version) as rig:
        send(mosquitto, numbered("old", 3))
        old = rig.wait_for_arrivals(3)
        mosquitto.kill()
        for stored in mosquitto.folder.glob("mosquitto.db*"):
            stored.unlink()
        mosquitto.start()
        rig.wait_until_connected(2)
        send(mosquitto, numbered("new", 3))
        new = rig.wait_for_arrivals(6)[3:]
        assert [a.packet for a in new] == [a.packet for a in old], "the case needs packet ids used again"

        rig.journal.let(3)
        rig.wait_for_acknowledgements(3)
        assert rig.subscriber.stale_acknowledgements == 3
        rig.drop_connection()
        rig.wait_until_connected(3)
        again = rig.wait_for_arrivals(9)[6:]

        assert payloads(again) == payloads(new)
        assert all(a.message and a.message.flags & DUP for a in again)
        report("F-027", mqtt=version, stale=rig.subscriber.stale_acknowledgements, sent_again=payloads(again))


@VERSIONS
def test_f027_what_was_sent_again_is_journalled_and_then_confirmed_for_good(
    tmp_path: Path, version: str
) -> None:
    """The last message to arrive is the marker, so the broker had nothing left of the three before it."""
    with Mosquitto() as mosquitto, rig_at(tmp_path, mosquitto, version) as rig:
        send(mosquitto, numbered("new", 3))
        rig.wait_for_arrivals(3)
        rig.drop_connection()
        rig.wait_until_connected(2)
        rig.wait_for_arrivals(6)
        rig.journal.let(1000)
        rig.wait_for_acknowledgements(6)
        rig.drop_connection()
        rig.wait_until_connected(3)
        send(mosquitto, numbered("marker", 1))

        assert payloads(rig.wait_for_arrivals(7)) == ["new0", "new1", "new2"] * 2 + ["marker0"]


def test_a_connection_that_is_dead_when_it_is_to_carry_acknowledgements_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network thread is kept from noticing first, so the acknowledgements meet the dead connection."""
    with Mosquitto() as mosquitto, rig_at(tmp_path, mosquitto, "3.1.1") as rig:
        send(mosquitto, numbered("m", 500))
        rig.wait_for_arrivals(500)
        client = rig.subscriber._client
        read = client.loop_read
        monkeypatch.setattr(client, "loop_read", lambda *args: time.sleep(0.5) or read(*args))
        mosquitto.kill()
        rig.journal.let(1000)
        wait_until(lambda: len(journalled(rig.path)) == 500, "the intake stands still", 30)
        monkeypatch.undo()
        mosquitto.start()
        rig.wait_until_connected(2)
        send(mosquitto, numbered("after", 1))

        wait_until(lambda: journalled(rig.path)[-1].payload == b"after0", "the rig stands still", 30)


def test_f023_ten_orderly_restarts_of_the_broker_lose_nothing_and_no_session(
    small_bench: Bench, report: Report
) -> None:
    """Each restart is under load; the broker keeps the session, so nothing is subscribed anew in between."""
    truth = trial(1500, seed=23)
    service, feed = small_bench.service, Feed(small_bench.field, truth.messages, pause=0.01)
    service.start()
    with feed:
        for restart in range(10):
            small_bench.broker.stop()
            small_bench.broker.start()
            wait_until(
                lambda count=restart + 2: connections(small_bench) >= count, f"no connection {restart}", 60
            )
    feed.rest()
    figures = service.drain(len(truth.messages))

    assert figures["stackmeter_broker_sessions_lost"] == 0
    report("F-023", restarts=10, sessions_lost=0, lost=0, double=0, **check_all(small_bench, truth))


def connections(bench: Bench) -> float:
    figures = bench.service.metrics()
    return figures["stackmeter_broker_connections"] * figures["stackmeter_ready"]
