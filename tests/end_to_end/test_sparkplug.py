"""An edge node, the real broker and the service: births, data by alias, our kill, a gap, and the rebirth that follows."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.ingest.sparkplug.edge import DOUBLE, bdseq, payload
from tests.servers import Mosquitto, wait_until
from tests.service import Service

CONFIG = Path(__file__).parent.parent / "semantics" / "config"
SUBSCRIPTION = """\
subscriptions:
  - {topic: "spBv1.0/G/#", format: sparkplug, park: park-a, facility: works, gateway: gw, options: {names: {Power: power}}}
"""


class EdgeNode:
    """A node of one metric that is born when it begins, and again whenever it is asked."""

    def __init__(self, server: Mosquitto) -> None:
        self.births, self.seq = 0, 0
        self._lock = threading.Lock()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda *_: self.birth()
        self.client.on_connect = lambda *_: self.client.subscribe("spBv1.0/G/NCMD/E", qos=1)
        self.client.connect("127.0.0.1", server.port)
        self.client.loop_start()

    def birth(self) -> None:
        with self._lock:
            power = {
                "name": "Power",
                "alias": 1,
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
                self._publish("NDATA", payload(now_ms(), self.seq, {"alias": 1, "value": value}))

    def _publish(self, kind: str, body: bytes) -> None:
        self.client.publish(f"spBv1.0/G/{kind}/E", body)


def now_ms() -> int:
    return time.time_ns() // 10**6


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[EdgeNode, Service]]:
    shutil.copytree(CONFIG, tmp_path / "config")
    (tmp_path / "config" / "sparkplug.yaml").write_text(SUBSCRIPTION)
    secret = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}
    with (
        Mosquitto() as server,
        Service(tmp_path, tmp_path / "config", server.url, environment=secret) as service,
    ):
        node = EdgeNode(server)
        yield node, service
        node.client.disconnect()


def accepted(service: Service) -> int:
    return int(service.get("/v1/balance").json()["messages"]["accepted"])


def test_a_node_is_understood_over_our_kill_and_asked_for_a_birth_where_something_is_missing(parts) -> None:
    node, service = parts
    service.start()
    node.data(1.0)  # nobody knows what its alias is
    wait_until(lambda: node.births == 1, "no rebirth was asked for")
    node.data(2.0)
    wait_until(lambda: accepted(service) == 2, "the birth and the data after it")
    service.kill()
    service.start()
    node.data(3.0)
    wait_until(lambda: accepted(service) == 3, "an alias from before the kill")
    assert node.births == 1
    node.data(4.0, lost=True)
    node.data(5.0)
    wait_until(lambda: node.births == 2, "no rebirth was asked for after a gap")
    wait_until(lambda: accepted(service) == 5, "the data after the gap, and the new birth")
    # Our own requests for a birth came back to us, for we hear the whole group; they are no messages of the plant.
    assert service.get("/v1/balance").json()["messages"]["rejected"] == 0
    assert service.term() == 0
