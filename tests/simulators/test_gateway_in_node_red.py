"""docs/examples/node-red-flow.json, run by Node-RED, against a real broker and the service."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.asking import rows
from tests.end_to_end.gateway import RawGateway
from tests.servers import NODE, PATIENCE, Mosquitto, free_port, required, required_node, wait_until
from tests.service import Service
from tests.simulators.own_gateway import FORGETFUL, GARBAGE, ONLINE, PLACE, PLANT, holes, reading, readings

FLOW = Path(__file__).parents[2] / "docs" / "examples" / "node-red-flow.json"
SETTINGS = """\
module.exports = {
  flowFile: 'flows.json', credentialSecret: false, httpAdminRoot: '/admin', disableEditor: true, uiHost: '127.0.0.1', uiPort: %d,
  mqttReconnectTime: 200, logging: { console: { level: 'info' } },
};
"""
STEADY, FASTER = "perf_hooks.performance.now() / 1000", "perf_hooks.performance.now() / 5"
WRITE = "fs.writeFileSync(file, text);"
FULL = "if (fs.existsSync('%s')) { fs.writeFileSync(file, '{'); throw Object.assign(new Error(), { code: 'ENOSPC' }); }"


def own(port: int, folder: Path, *, fast: bool) -> list[dict[str, Any]]:
    """Return the flow with what is a plant's own: the properties of its tab, and the broker, without TLS."""
    nodes: list[dict[str, Any]] = json.loads(FLOW.read_text())
    by_type = {one["type"]: one for one in nodes}
    by_name = {one.get("name"): one for one in nodes}
    for one in by_type["tab"]["env"]:
        assert one["name"] == "KEPT" or one["value"].startswith("sm/v1/nam-cau-kien/mill/mdb1/")
        one["value"] = one["value"].replace("nam-cau-kien/mill/mdb1", PLACE)
        one["value"] = str(folder) if one["name"] == "KEPT" else one["value"]
    by_type["mqtt-broker"].update(broker="127.0.0.1", port=str(port), usetls=False)
    keep = by_name["number, keep, send again"]
    assert STEADY in keep["func"]
    assert WRITE in keep["func"]
    keep["func"] = keep["func"].replace(WRITE, FULL % folder.with_name("full") + WRITE)
    if fast:
        keep["func"] = keep["func"].replace(STEADY, FASTER)
    by_name["every second"]["repeat"] = "0.05"
    return nodes


def driven(keep: str) -> list[dict[str, Any]]:
    """Return nodes by which a test gives readings to one, and is answered once it is done with them."""
    at = {"z": "stackmeter-tab", "x": 0, "y": 0}
    return [
        {"id": "t1", "type": "http in", "url": "/readings", "method": "post", "wires": [[keep]], **at},
        {"id": "t2", "type": "complete", "scope": [keep], "wires": [["t3"]], **at},
        {"id": "t3", "type": "function", "func": "return msg.res ? msg : null", "wires": [["t4"]], **at},
        {"id": "t5", "type": "http in", "url": "/ready", "method": "get", "wires": [["t4"]], **at},
        {"id": "t4", "type": "http response", "statusCode": "200", "wires": [], **at},
    ]


class NodeRed:
    """Node-RED with the flow, in a process of its own; it dies by SIGKILL."""

    def __init__(
        self, folder: Path, port: int, *, fast: bool = True, clock_is_set: Path | None = None
    ) -> None:
        self.kept_in, self._port = folder / "kept", free_port()
        home = folder / "node-red"
        home.mkdir(exist_ok=True)
        (home / "settings.js").write_text(SETTINGS % self._port)
        self.nodes = own(port, self.kept_in, fast=fast) + driven("stackmeter-keep")
        (home / "flows.json").write_text(json.dumps(self.nodes))
        self._log = (folder / "node-red.log").open("ab")
        clock = ["-r", str(NODE / "unset_clock.cjs")] if clock_is_set else []
        command = [required("node"), *clock, str(NODE / "node_modules/node-red/red.js"), "-u", str(home)]
        self._process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log,
            env={"PATH": "/usr/bin:/bin", "HOME": str(home), "CLOCK_IS_SET": str(clock_is_set)},
        )  # fmt: skip

    def send(self, *sent: dict[str, Any]) -> None:
        """Send the readings of a message; return once the flow is done with them."""
        answer = httpx.post(
            f"http://127.0.0.1:{self._port}/readings", json=list(sent), timeout=PATIENCE, trust_env=False
        )
        assert answer.status_code == 200, answer.text

    def deploy(self) -> None:
        """Deploy a flow in which the node that keeps is another one, as the editor does with "modified nodes"."""
        [keep] = [one for one in self.nodes if one["id"] == "stackmeter-keep"]
        keep["func"] += "\n// changed"
        how = {"Node-RED-Deployment-Type": "nodes", "Node-RED-API-Version": "v1"}
        url = f"http://127.0.0.1:{self._port}/admin/flows"
        answer = httpx.post(url, json=self.nodes, headers=how, timeout=PATIENCE, trust_env=False)
        assert answer.status_code == 204, answer.text
        log = Path(self._log.name)
        wait_until(lambda: "Started modified nodes" in log.read_text(), "the change does not run")

    def wait_until_it_answers(self) -> None:
        def answers() -> bool:
            with suppress(httpx.HTTPError):
                url = f"http://127.0.0.1:{self._port}/ready"
                return httpx.get(url, timeout=PATIENCE, trust_env=False).status_code == 200
            return False

        wait_until(answers, "Node-RED has not started the flow")

    def kept(self) -> list[str]:
        return [one.name for one in self.kept_in.iterdir()]

    def settle(self) -> None:
        wait_until(lambda: not self.kept(), "the ack does not cover everything")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto(extra=FORGETFUL) as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, broker: Mosquitto) -> Iterator[Service]:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "plant.yaml").write_text(PLANT)
    with Service(tmp_path, tmp_path / "config", broker.url) as one:
        yield one


@pytest.fixture
def node_red(tmp_path: Path) -> Iterator[Callable[..., NodeRed]]:
    """Give what starts Node-RED on one folder."""
    required_node("node-red")
    made = []

    def start(port: int, **more: Any) -> NodeRed:
        made.append(NodeRed(tmp_path, port, **more))
        made[-1].wait_until_it_answers()
        return made[-1]

    yield start
    for one in made:
        one.kill()


def test_field_c4_node_red_the_flow_needs_no_node_that_node_red_does_not_bring() -> None:
    types = {one["type"] for one in json.loads(FLOW.read_text())}

    assert types == {
        "tab",
        "mqtt-broker",
        "tls-config",
        "inject",
        "function",
        "mqtt in",
        "mqtt out",
        "status",
    }


def test_field_c4_node_red_killed_and_without_a_broker_all_arrives_once_and_in_whole(
    node_red, broker: Mosquitto, service: Service
) -> None:
    """A broker that was not there, SIGKILL, a broker that forgets what it acknowledged, and SIGKILL again."""
    service.start()
    broker.stop()
    first = node_red(broker.port)
    for number in range(5):
        first.send(reading(number))
    first.kill()
    broker.start()
    second = node_red(broker.port)
    second.send(reading(5))
    second.settle()
    assert service.term() == 0
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/readings") as listener:
        for number in range(6, 30):
            second.send(reading(number))
        wait_until(lambda: len(listener.heard) >= 24, "the broker took nothing")
    broker.kill()
    broker.start()
    second.kill()
    service.start()
    third = node_red(broker.port)
    third.send(reading(30))
    third.settle()

    assert readings(service) == [float(number) for number in range(31)]
    assert sorted(holes(service)) == [(1, []), (5, []), (25, [])]


def test_field_c4_node_red_a_change_of_the_node_that_keeps_is_a_new_boot(
    node_red, broker: Mosquitto, service: Service
) -> None:
    """Nobody tells it then that there is a connection."""
    service.start()
    one = node_red(broker.port)
    one.send(reading(0))
    one.settle()
    one.deploy()
    one.send(reading(1))
    one.settle()

    assert readings(service) == [0.0, 1.0]
    assert holes(service) == [(1, []), (1, [])]


def test_field_c4_node_red_a_number_is_kept_until_an_ack_covers_it_and_given_up_after_five_resends(
    node_red, broker: Mosquitto
) -> None:
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/status") as service:
        one = node_red(broker.port)
        for number in range(3):
            one.send(reading(number))
        [boot, *_] = {name.partition(".")[0] for name in one.kept()}
        for garbage in GARBAGE:
            service.send(f"sm/v1/{PLACE}/ack", garbage.replace(b"BOOT", boot.encode()))
        ack = {"acks": [{"boot": boot, "received_through": 2, "missing": [[1, 1]]}]}
        service.send(f"sm/v1/{PLACE}/ack", ack, retain=True)
        wait_until(lambda: len(one.kept()) < 3, "nothing was covered")
        assert f"{boot}.3" in one.kept()
        wait_until(lambda: {**ONLINE, "given_up": 1} in service.documents(), "not given up and told")
        wait_until(lambda: one.kept() == [f"{boot}.3"], "what was given up is still kept")
        one.kill()
        wait_until(lambda: service.documents()[-1] == {"online": False}, "no last will")


def test_field_c4_node_red_until_the_clock_is_set_nothing_is_sent_and_then_with_the_time_it_was_read(
    node_red, broker: Mosquitto, service: Service, tmp_path: Path
) -> None:
    service.start()
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/status") as watcher:
        one = node_red(broker.port, fast=False, clock_is_set=tmp_path / "clock-is-set")
        began = datetime.now(UTC)
        one.send({key: value for key, value in reading(7).items() if key != "time"})
        ended = datetime.now(UTC)
        wait_until(lambda: {**ONLINE, "holds": "the clock is not set"} in watcher.documents(), "not told")
        assert one.kept() == []
        (tmp_path / "clock-is-set").touch()
        wait_until(lambda: readings(service) == [7.0], "nothing came")
        wait_until(lambda: watcher.documents()[-1:] == [ONLINE], "it does not say that it holds nothing")

    [(at,)] = rows(service, "SELECT time FROM reading")
    slack = 0.05  # s: a clock in ms, and the start of an answer on the way
    assert began.timestamp() - slack <= at / 1e9 <= ended.timestamp() + slack


def test_field_c4_node_red_what_a_full_disk_does_not_take_is_held_and_a_file_that_is_cut_is_told(
    node_red, broker: Mosquitto, service: Service, tmp_path: Path
) -> None:
    service.start()
    one = node_red(broker.port)
    one.send(reading(0))
    (tmp_path / "full").touch()
    one.send(reading(1))
    one.send(reading(2))
    (tmp_path / "full").unlink()
    one.send(reading(3))
    one.settle()
    assert readings(service) == [0.0, 1.0, 2.0, 3.0]
    assert holes(service) == [(4, [])]

    broker.stop()
    one.send(reading(4))
    one.send(reading(5))
    one.kill()
    [fifth] = one.kept_in.glob("*.5")
    fifth.write_text(fifth.read_text()[:30])
    broker.start()
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/status") as watcher:
        node_red(broker.port).settle()
        wait_until(lambda: {**ONLINE, "given_up": 1} in watcher.documents(), "not told")

    assert readings(service) == [0.0, 1.0, 2.0, 3.0, 5.0]
