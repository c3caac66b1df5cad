"""An edge node, the real broker and the service: births, data by alias, deaths, our kill, a gap, a lost connection, and the rebirths that follow."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.subscriptions import MAX_BIRTH
from tests.end_to_end.asking import rows
from tests.ingest.sparkplug.edge import DOUBLE, bdseq, payload
from tests.ingest.sparkplug.tap import Tap
from tests.ingest.sparkplug.test_births import birth
from tests.servers import Mosquitto, wait_until
from tests.service import Service

CONFIG = Path(__file__).parent.parent / "semantics" / "config"
SUBSCRIPTION = """\
subscriptions:
  - {topic: "spBv1.0/G/#", format: sparkplug, park: park-a, facility: works, gateway: gw, options: {names: {Power: power, M1/Energy: reg}}}
"""


class EdgeNode:
    """A node of one metric that is born when it begins, and again whenever it is asked."""

    def __init__(self, server: Mosquitto) -> None:
        self.births, self.seq, self.alias = 0, 0, 1
        self._lock = threading.Lock()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda *_: self.birth()
        self.client.on_connect = lambda *_: self.client.subscribe("spBv1.0/G/NCMD/E", qos=1)
        self.client.will_set("spBv1.0/G/NDEATH/E", payload(0, None, bdseq(0)))
        self.client.connect("127.0.0.1", server.port)
        self.client.loop_start()

    def birth(self) -> None:
        with self._lock:
            power = {
                "name": "Power",
                "alias": self.alias,
                "datatype": DOUBLE,
                "value": float(self.births),
                "unit": "kW",
            }
            self._publish("NBIRTH", payload(now_ms(), 0, bdseq(0), power))
            self.births, self.seq = self.births + 1, 0

    def data(self, value: float, *, lost: bool = False) -> None:
        with self._lock:
            self.seq = (self.seq + 1) % 256
            if not lost:
                self._publish("NDATA", payload(now_ms(), self.seq, {"alias": self.alias, "value": value}))

    def device_birth(self) -> None:
        with self._lock:
            self.seq = (self.seq + 1) % 256
            energy = {"name": "Energy", "datatype": DOUBLE, "value": 7.0, "unit": "kWh"}
            self._publish("DBIRTH", payload(now_ms(), self.seq, energy), "/M1")

    def device_death(self) -> None:
        with self._lock:
            self.seq = (self.seq + 1) % 256
            self._publish("DDEATH", payload(now_ms(), self.seq), "/M1")

    def fall(self) -> None:
        """Lose the connection without a word, so that the broker tells its will."""
        self.client.on_disconnect = lambda *_: self.client.loop_stop()
        self.client.socket().close()

    def _publish(self, kind: str, body: bytes, device: str = "") -> None:
        self.client.publish(f"spBv1.0/G/{kind}/E{device}", body)


def now_ms() -> int:
    return time.time_ns() // 10**6


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[EdgeNode, Service, Tap]]:
    shutil.copytree(CONFIG, tmp_path / "config")
    (tmp_path / "config" / "sparkplug.yaml").write_text(SUBSCRIPTION)
    secret = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}
    with (
        Mosquitto() as server,
        Tap(server.port) as wire,
        Service(tmp_path, tmp_path / "config", wire.url, environment=secret) as service,
    ):
        node = EdgeNode(server)
        yield node, service, wire
        node.client.disconnect()


def accepted(service: Service) -> int:
    return int(service.get("/v1/balance").json()["messages"]["accepted"])


def gateway(service: Service) -> Any:
    """Return what is known of the node's gateway."""
    [found] = [one for one in service.get("/v1/gateways").json()["gateways"] if one["gateway"] == "gw"]
    return found


def powers(service: Service) -> list[float]:
    """Return the readings that count, as they came."""
    query = (
        "SELECT value FROM reading JOIN channel c ON c.id = channel WHERE c.name = 'power' ORDER BY message"
    )
    return [value for (value,) in rows(service, query)]


def stale(service: Service) -> set[str]:
    """Return which of the node's channels are stale, as the channels and the totals of their sources say alike."""
    channels = service.get("/v1/channels").json()["channels"]
    totals = service.get("/v1/totals", level="source").json()["totals"]
    listed = {name for one in totals for name in one["stale"] if one["source"] in ("power", "reg")}
    return {
        one["channel"] for one in channels if one["stale"] and one["channel"] in ("power", "reg")
    } & listed


def ready(service: Service) -> bool:
    return service.get("/readyz").status_code == 200


def test_solid_a9_a_birth_of_four_mebibytes_comes_through_the_broker_and_its_aliases_hold_over_a_kill(
    parts,
) -> None:
    node, service, _ = parts
    power = {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 1.0, "unit": "kW"}

    def large_birth() -> None:
        with node._lock:
            node._publish("NBIRTH", birth(MAX_BIRTH, power, at=now_ms()))
            node.births, node.seq = node.births + 1, 0

    node.birth = large_birth
    service.start()
    node.birth()
    node.data(2.0)
    wait_until(lambda: powers(service)[-2:] == [1.0, 2.0], "the birth and the data after it")
    service.kill()
    born = node.births
    service.start()
    wait_until(lambda: node.births > born, "no rebirth was asked for after our kill")
    node.data(3.0)

    wait_until(lambda: powers(service)[-2:] == [1.0, 3.0], "the birth and the data after our kill")


def test_a_node_is_asked_for_a_birth_where_nobody_knows_its_aliases_and_after_our_kill(parts) -> None:
    node, service, _ = parts
    service.start()
    node.data(1.0)  # nobody knows what its alias is
    wait_until(lambda: node.births == 1, "no rebirth was asked for")
    node.data(2.0)
    wait_until(lambda: accepted(service) == 2, "the birth and the data after it")
    service.kill()
    service.start()
    wait_until(lambda: node.births == 2, "no rebirth was asked for after our kill")
    node.data(3.0)
    wait_until(lambda: accepted(service) == 4, "the birth and the data after our kill")
    # Our own requests for a birth came back to us, for we hear the whole group; they are no messages of the plant.
    assert service.get("/v1/balance").json()["messages"]["rejected"] == 0
    assert service.term() == 0


def test_field_b1_a_gap_is_seen_while_native_gateways_speak(parts) -> None:
    node, service, _ = parts
    service.start()
    node.birth()
    wait_until(lambda: gateway(service)["online"] is True, "the birth")
    node.data(1.0, lost=True)
    node.data(2.0)

    def others_speak_and_it_is_asked() -> bool:
        node.client.publish("sm/v1/park-a/works/lan/readings", b'{"readings": []}')
        return node.births == 2

    wait_until(others_speak_and_it_is_asked, "no rebirth was asked for")


def test_field_b4_a_node_is_unknown_after_our_connection_was_lost_until_it_is_born(parts) -> None:
    """It is asked, also where it has nothing to say."""
    node, service, wire = parts
    service.start()
    node.birth()
    wait_until(lambda: gateway(service)["online"] is True, "the birth")
    said_at = gateway(service)["said_at"]

    with wire.held():
        wait_until(lambda: gateway(service)["online"] is None, "what was known of the node")
        assert gateway(service)["said_at"] == said_at
    wait_until(lambda: gateway(service)["online"] is True, "the birth that was asked for")
    assert (node.births, powers(service)) == (2, [0.0, 1.0])


def test_a_birth_that_passed_while_our_connection_was_lost_is_asked_for_again(parts) -> None:
    """What the node said by an alias that we do not know any more is kept, and made nothing of."""
    node, service, wire = parts
    service.start()
    node.birth()
    wait_until(lambda: gateway(service)["online"] is True, "the birth")

    with wire.held():
        wait_until(lambda: gateway(service)["online"] is None, "what was known of the node")
        node.alias = 2
        node.birth()
        node.data(5.0)
    wait_until(lambda: node.births == 3, "no rebirth was asked for")
    wait_until(lambda: gateway(service)["online"] is True, "the birth that was asked for")
    node.data(9.0)
    wait_until(lambda: powers(service) == [0.0, 2.0, 9.0], "the birth and what came after it")
    assert service.get("/v1/balance").json()["codes"] == {}


def test_operational_behavior_edge_node_termination_host_action_tags_stale_over_our_kill(parts) -> None:
    """Of ddeath_devices, ndeath_node and ndeath_devices: from each death on, until the birth of who died."""
    node, service, _ = parts
    service.start()
    node.birth()
    node.device_birth()
    wait_until(lambda: accepted(service) == 2, "the births")
    assert (stale(service), gateway(service)["absent_devices"]) == (set(), [])

    node.device_death()
    wait_until(lambda: stale(service) == {"reg"}, "the death of the device")
    [died] = gateway(service)["absent_devices"]
    assert (died["node"], died["device"], died["online"]) == ("G/E", "M1", False)
    service.kill()
    service.start()
    wait_until(lambda: (node.births, stale(service)) == (2, {"reg"}), "the birth that was asked for")
    assert gateway(service)["absent_devices"] == [died | {"online": None}]
    node.device_birth()
    wait_until(lambda: stale(service) == set(), "the birth of the device")

    node.fall()
    wait_until(lambda: stale(service) == {"power", "reg"}, "the will of the node")
    assert gateway(service)["online"] is False
    assert [one["device"] for one in gateway(service)["absent_devices"]] == ["M1"]
    assert service.term() == 0
