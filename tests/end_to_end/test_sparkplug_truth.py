"""The simulators' true totals are the service's, over Sparkplug: whatever is lost, doubled, late, or sent while we are dead."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from simulators.configuration import read_configuration
from simulators.faults import Faults
from simulators.field import messages
from simulators.message import Address, Message
from simulators.node_faults import NodeFaults, Slip
from simulators.payload import NS_PER_S
from simulators.sparkplug import EdgeNode
from simulators.truth import Truth
from tests.end_to_end.asking import ask, rows
from tests.faults.invariants import journal_end
from tests.servers import Mosquitto, wait_until
from tests.service import Service

PLANT = """\
settings: {max_late: 20000d, allowed_lateness: 20000d}
parks:
  - name: park-a
    title: An invented park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: An invented mill
        gateways: [{name: g1}]
        channels:
          - {name: mdb/energy, gateway: g1, kind: register, unit: kWh, quantity: electricity, max_rate: 3000, modulus: 100000, ratio: 40}
          - {name: press/power, gateway: g1, kind: rate, unit: kW, quantity: electricity, min: 0, max: 500, max_gap: 10min}
          - {name: press/heater, gateway: g1, kind: rate, unit: kW, quantity: electricity, min: 0, max: 90, hold: last, max_gap: 10min}
          - {name: gas, gateway: g1, kind: interval, unit: Nm3, quantity: natural-gas, period: 15min}
          - {name: diesel, gateway: g1, kind: event, unit: L, quantity: diesel, max: 20000}
        sources:
          - {name: mdb.energy, method: electricity-location, inputs: {energy: mdb/energy}, factor: vn-grid}
          - {name: press.power, method: electricity-location, inputs: {energy: press/power}, factor: vn-grid}
          - {name: press.heater, method: electricity-location, inputs: {energy: press/heater}, factor: vn-grid}
          - {name: gas, method: fuel-gas-volume, inputs: {volume: gas}, factor: vn-2626-natural-gas, parameters: {ncv: 36}}
          - {name: diesel, method: fuel-liquid-volume, inputs: {volume: diesel}, factor: vn-2626-diesel, parameters: {density: 0.84}}
subscriptions:
  - {topic: "spBv1.0/G/#", format: sparkplug, park: park-a, facility: mill, gateway: "{node}"}
"""
ADDRESS = Address("park-a", "mill", "g1")
START = 1_767_661_200 * NS_PER_S  # 2026-01-06T01:00:00Z, a Tuesday morning in the park
HOURS = 6
STRIDE = 40  # sendings between two looks at how far the service is, fewer than a node tells again


class Plant:
    """The simulated field, an edge node and the service."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        (folder / "config").mkdir()
        (folder / "config" / "plant.yaml").write_text(PLANT)
        self.service = Service(folder, folder / "config", broker.url)
        self.truth = Truth(read_configuration(folder / "config").channels)
        self._broker, self._config = broker, folder / "config"
        self._settled = (0, 0)  # messages that the node had published, and the service received

    def field(self, hours: int = HOURS) -> Iterator[Message]:
        """Return what the meters say, one of them past its modulus."""
        span = {"start": START, "end": START + hours * 3600 * NS_PER_S}
        return messages(read_configuration(self._config), seed=7, faults=Faults(rollovers=1), **span)

    def node(self, faults: NodeFaults | None = None, host: str | None = "stackmeter") -> EdgeNode:
        return EdgeNode(self._broker.url, "G", ADDRESS, self.truth, host=host, faults=faults, seed=3)

    def send(self, node: EdgeNode, field: Iterator[Message], count: int | None = None) -> None:
        """Send so many messages, or all, never far ahead of the service."""
        left = islice(field, count)
        while stride := list(islice(left, STRIDE)):
            for message in stride:
                node.send(message.readings)
            self.catch_up(node)

    def await_birth(self, node: EdgeNode) -> None:
        """Wait until the node is born, with the service at rest before it."""
        self.at_rest()
        self._settled = (node.published, self.received())
        tend_until(node, lambda: node.born)
        self.catch_up(node)

    def catch_up(self, node: EdgeNode) -> None:
        """Wait until the service has what the node published since its birth."""
        published, received = self._settled
        behind = lambda: self.received() - received < node.published - published  # noqa: E731  said once
        wait_until(lambda: not behind(), "the service is behind")

    def received(self) -> int:
        """Return how many of the node's messages are through."""
        told = ask(self.service, "/v1/balance")
        return int(told["messages"]["received"])

    def refused(self) -> dict[str, int]:
        """Return how many of the node's messages were refused, by code."""
        return dict(ask(self.service, "/v1/balance")["codes"])

    def at_rest(self) -> None:
        wait_until(lambda: self.service.metrics()["stackmeter_journal_backlog"] == 0, "a backlog")

    def online(self) -> bool | None:
        """Return whether the service thinks that the node is there."""
        (gateway,) = ask(self.service, "/v1/gateways")["gateways"]
        online: bool | None = gateway["online"]
        return online

    def compare(self) -> None:
        """Compare every source's activity with the truth."""
        self.at_rest()
        found = dict(rows(self.service, ACTIVITY))
        expected = {total.channel.replace("/", "."): total.amount for total in self.truth.totals()}
        assert len(expected) == 5
        assert found == pytest.approx(expected, rel=1e-9)


ACTIVITY = "SELECT name, sum(activity) FROM total JOIN source ON id = source WHERE level = 3 AND windows > 0 GROUP BY name"


def tend_until(node: EdgeNode, done: Callable[[], bool]) -> None:
    def tended() -> bool:
        node.tend()
        return done()

    wait_until(tended, "the node did not get there")


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as server:
        yield server


@pytest.fixture
def plant(tmp_path: Path, broker: Mosquitto) -> Iterator[Plant]:
    one = Plant(tmp_path, broker)
    with one.service:
        yield one


def test_the_totals_are_true_where_nothing_goes_wrong(plant: Plant) -> None:
    plant.service.start()
    with plant.node() as node:
        plant.await_birth(node)
        plant.send(node, plant.field())

    plant.compare()
    assert node.births == 1


def test_the_totals_are_true_of_a_node_that_loses_doubles_and_reorders(plant: Plant) -> None:
    """What the sequence lacks makes the host ask for births, which tell the last readings again."""
    plant.service.start()
    faults = NodeFaults(drop=0.02, duplicate=0.1, reorder=0.1)
    with plant.node(faults) as node:
        plant.await_birth(node)
        plant.send(node, plant.field())
        tend_until(node, lambda: node.births > 1)
        plant.catch_up(node)

    plant.compare()
    assert min(node.slips[slip] for slip in (Slip.DROP, Slip.DUPLICATE, Slip.REORDER)) > 0


def test_the_totals_are_true_of_a_node_whose_readings_are_bad_stale_null_or_nobodys(plant: Plant) -> None:
    plant.service.start()
    faults = NodeFaults(bad=0.05, stale=0.05, null=0.05, unknown_alias=0.02, seq_256=0.02)
    with plant.node(faults) as node:
        plant.await_birth(node)
        plant.send(node, plant.field())

    plant.compare()
    assert plant.refused() == {"unmapped": node.slips[Slip.UNKNOWN_ALIAS], "seq": node.slips[Slip.SEQ_256]}
    assert min(node.slips[slip] for slip in (Slip.BAD, Slip.STALE, Slip.NULL)) > 0


def test_the_totals_are_true_over_our_kills(plant: Plant) -> None:
    """What is sent between the kill and the host's STATE goes nowhere, and is told again with what was kept after it."""
    plant.service.start()
    field = plant.field()
    with plant.node(NodeFaults(duplicate=0.1, reorder=0.1)) as node:
        plant.await_birth(node)
        plant.send(node, field, 50)
        for _ in range(2):
            for message in islice(field, STRIDE // 2):
                node.send(message.readings)
            plant.service.kill()
            for message in islice(field, STRIDE):
                node.send(message.readings)
            tend_until(node, lambda: not node.born)
            for message in islice(field, STRIDE // 2):
                node.send(message.readings)
            kept = node.waiting
            plant.service.start()
            plant.await_birth(node)
            assert kept >= STRIDE // 2
            assert (node.waiting, node.evicted) == (0, 0)
        plant.send(node, field)

    plant.compare()
    assert node.births >= 3


def test_the_totals_are_true_over_a_kill_of_the_broker(plant: Plant, broker: Mosquitto) -> None:
    plant.service.start()
    field = plant.field()
    with plant.node() as node:
        plant.await_birth(node)
        plant.send(node, field, 50)
        for message in islice(field, STRIDE // 2):
            node.send(message.readings)
        broker.kill()
        for message in islice(field, STRIDE // 2):
            node.send(message.readings)
        tend_until(node, lambda: not node.born)
        broker.start()
        plant.await_birth(node)
        plant.send(node, field)

    plant.compare()


def test_what_no_birth_explains_is_nobodys(plant: Plant) -> None:
    plant.service.start()
    with plant.node(NodeFaults(no_birth=True)) as node:
        plant.await_birth(node)
        plant.send(node, plant.field(1))
        tend_until(node, lambda: node.births > 1)  # the host has asked
        plant.at_rest()

        assert plant.refused() == {"unmapped": node.published}
    assert (rows(plant.service, "SELECT count(*) FROM reading"), plant.truth.readings) == ([(0,)], 0)


@pytest.mark.parametrize("wrong", [False, True])
def test_a_death_counts_where_it_is_of_the_birth_before_it(plant: Plant, wrong: bool) -> None:
    """The will of a connection that breaks; a node without a host is not born again before it is tended."""
    plant.service.start()
    with plant.node(NodeFaults(wrong_bdseq=wrong)) as node:
        plant.await_birth(node)
        wait_until(lambda: plant.online() is True, "not online")
        end = journal_end(plant.service.journal)
        node.break_off()
        wait_until(lambda: journal_end(plant.service.journal) > end, "the will did not come")
        plant.at_rest()

        assert plant.online() is wrong
