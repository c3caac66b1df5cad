"""A simulated gateway that does wrong, against the service: what becomes of it is what the contract says."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.configuration import read_configuration
from simulators.faults import Faults
from simulators.field import boot_name, messages
from simulators.gateway import Gateway
from simulators.message import Fate, Message
from simulators.payload import NS_PER_S
from simulators.truth import Truth
from tests.end_to_end.asking import ask, rows
from tests.end_to_end.gateway import RawGateway
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import Service
from tests.simulators.test_minimal_gateway import FORGETFUL, PLANT


class Bench:
    """A gateway's meters from an hour ago on, the broker and the service."""

    def __init__(self, folder: Path) -> None:
        (folder / "config").mkdir()
        (folder / "config" / "plant.yaml").write_text(PLANT)
        self.broker = Mosquitto(extra=FORGETFUL)
        self.service = Service(folder, folder / "config", self.broker.url)
        self.configuration = read_configuration(folder / "config")
        self.start = (int(time.time()) // 60 * 60 - 3600) * NS_PER_S

    def messages(self, faults: Faults) -> list[Message]:
        """Return the messages of the hour."""
        end = self.start + 3600 * NS_PER_S
        return list(messages(self.configuration, seed=5, start=self.start, end=end, faults=faults))

    def gateway(self) -> Gateway:
        return Gateway(self.broker.url, self.configuration.addresses[0], boot_name(5, self.start))

    def hole(self) -> list[list[int]]:
        """Return the ranges that the service misses."""
        (told,) = ask(self.service, "/v1/gateways")["gateways"]
        missing: list[list[int]] = told["boots"][0]["missing"]
        return missing

    def energy(self) -> float:
        ((found,),) = rows(self.service, "SELECT sum(activity) FROM total WHERE level = 3")
        return float(found)

    def truth(self, sent: list[Message]) -> float:
        told = Truth(self.configuration.channels)
        for message in sent:
            told.add(message)
        return told.totals()[0].amount


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    with one.broker, one.service:
        one.service.start()
        yield one


def test_duplicates_and_disorder_change_nothing(bench: Bench) -> None:
    sent = bench.messages(Faults(duplicate=0.5, reorder=0.2))
    with bench.gateway() as gateway:
        for message in sent:
            gateway.send(message)
        assert gateway.settle(PATIENCE)
    copies = sum(message.fate is Fate.COPY for message in sent)

    wait_until(lambda: duplicates(bench) == copies > 0, "the copies are not counted")
    assert bench.energy() == pytest.approx(bench.truth(sent), rel=1e-9)


def duplicates(bench: Bench) -> int:
    return int(ask(bench.service, "/v1/balance")["messages"]["duplicate"])


def test_what_a_clock_that_runs_ahead_says_is_refused_and_yet_received(bench: Bench) -> None:
    """The gateway need not send it again: it is kept, with the reason."""
    bench.start += 2 * 3600 * NS_PER_S
    sent = bench.messages(Faults())
    with bench.gateway() as gateway:
        for message in sent:
            gateway.send(message)
        assert gateway.settle(PATIENCE)

    assert ask(bench.service, "/v1/balance")["codes"] == {"ts_future": len(sent)}
    assert rows(bench.service, "SELECT count(*) FROM reading") == [(0,)]


def test_a_store_that_is_lost_with_its_broker_is_a_hole_and_the_gateway_says_so(bench: Bench) -> None:
    """The gateway does not pretend: what the ack misses and it has no longer, it gives up."""
    sent = bench.messages(Faults())
    with bench.gateway() as gateway:
        for message in sent[:10]:
            gateway.send(message)
        assert gateway.settle(PATIENCE)
        assert bench.service.term() == 0
        for message in sent[10:15]:
            gateway.send(message)
        gateway.drain()
        bench.broker.kill()
        gateway.lose_store()
        bench.broker.start()
        bench.service.start()
        for message in sent[15:]:
            gateway.send(message)
        assert gateway.settle(PATIENCE)
        gateway.tend()
        gateway.drain()

        wait_until(lambda: bench.hole() == [[11, 15]], "the hole is not seen")
        assert gateway.given_up == [(11, 15)]
        with RawGateway(bench.broker.port, hear=gateway.address.topic("status")) as watcher:
            wait_until(lambda: bool(watcher.heard), "no retained status")
        (told,) = watcher.documents()
        assert (told["given_up"], told["lost"]) == ([[11, 15]], 5)
    assert bench.energy() == pytest.approx(bench.truth(sent), rel=1e-9)  # a register heals
