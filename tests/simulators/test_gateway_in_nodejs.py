"""docs/examples/gateway.js, run by Node.js, against a real broker and the service."""

import json
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.asking import rows
from tests.end_to_end.gateway import RawGateway
from tests.fake_broker import FakeBroker
from tests.servers import NODE, Mosquitto, free_port, required, required_node, wait_until
from tests.service import Service
from tests.simulators.own_gateway import FORGETFUL, GARBAGE, ONLINE, PLACE, PLANT, holes, reading, readings

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "gateway.js"


class Gateway:
    """The example in a process of its own; it dies by SIGKILL."""

    def __init__(self, folder: Path, port: int, clock: str, options: dict[str, str], place: str) -> None:
        self.folder = folder
        command = [required("node"), str(NODE / "gateway.cjs"), str(EXAMPLE), place, str(folder)]
        self._process = subprocess.Popen(
            [*command, f"mqtt://127.0.0.1:{port}", clock, json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"NODE_PATH": str(NODE / "node_modules")},
        )  # fmt: skip

    def tell(self, word: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def send(self, *sent: dict[str, Any]) -> int:
        """Send the readings of a message; return the number of the newest message, once it is on disk."""
        self.tell(f"send {json.dumps(sent)}")
        assert self._process.stdout
        return int(self._process.stdout.readline().removeprefix("numbered "))

    def kept(self) -> list[str]:
        return [one.name for one in self.folder.iterdir()]

    def settle(self) -> None:
        wait_until(lambda: not self.kept(), "the ack does not cover everything")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # what it was told last
                if pipe:
                    pipe.close()


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
def gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Give what starts a gateway on one folder."""
    required_node("mqtt")
    made = []

    def start(
        port: int, clock: str = "fast", folder: str = "kept", place: str = PLACE, **options: str
    ) -> Any:
        made.append(Gateway(tmp_path / folder, port, clock, options, place))
        return made[-1]

    yield start
    for one in made:
        one.kill()


def test_field_c4_nodejs_the_example_is_short_and_needs_mqtt_alone() -> None:
    text = EXAMPLE.read_text()

    assert len(text.splitlines()) < 140
    assert re.findall(r"require\('(?!node:)(.+?)'\)", text) == ["mqtt"]


def test_field_c4_nodejs_what_the_page_shows_runs_over_tls(tmp_path: Path) -> None:
    """Only what is a plant's own is replaced: the place, the broker, and what says that the clock is set."""
    module = required_node("mqtt") / "node_modules"
    port = free_port()
    command = [
        required("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=broker",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "ca.crt",
    ]  # fmt: skip
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (shown,) = re.findall(r"```javascript\n(.*?)```", (DOCS / "gateways.md").read_text(), re.DOTALL)
    own = {
        "'nam-cau-kien/mill/mdb1'": f"'{PLACE}'",
        "mqtts://broker.plant.example:8884": f"mqtts://127.0.0.1:{port}",
        "/run/systemd/timesync/synchronized": "ca.crt",
    }
    for ours, theirs in own.items():
        assert ours in shown
        shown = shown.replace(ours, theirs)
    (tmp_path / "gateway.js").write_text(EXAMPLE.read_text())
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "plant.yaml").write_text(PLANT)
    listener = f"listener {port} 127.0.0.1\ncertfile {tmp_path}/ca.crt\nkeyfile {tmp_path}/key.pem"
    with (
        Mosquitto(extra=listener) as broker,
        Service(tmp_path, tmp_path / "config", broker.url) as service,
    ):
        service.start()
        program = [required("node"), "-e", shown]
        with subprocess.Popen(program, cwd=tmp_path, env={"NODE_PATH": str(module)}) as process:
            wait_until(lambda: readings(service) == [123456.7], "nothing came")
            wait_until(lambda: not any((tmp_path / "kept").iterdir()), "no ack")
            process.kill()


def test_field_c4_nodejs_what_was_sent_while_nobody_listened_is_sent_by_the_next_boot(
    gateway, broker: Mosquitto, service: Service
) -> None:
    first = gateway(free_port())
    assert [first.send(reading(number)) for number in range(5)] == [1, 2, 3, 4, 5]
    first.kill()
    service.start()
    second = gateway(broker.port)
    second.send(reading(5))
    second.settle()

    assert readings(service) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert sorted(holes(service)) == [(1, []), (5, [])]


def test_field_c4_nodejs_a_broker_that_forgets_what_it_acknowledged_loses_nothing(
    gateway, broker: Mosquitto, service: Service
) -> None:
    service.start()
    one = gateway(broker.port)
    one.send(reading(0))
    one.settle()
    assert service.term() == 0
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/readings") as listener:
        for number in range(1, 50):
            one.send(reading(number))
        wait_until(lambda: len(listener.heard) >= 49, "the broker took nothing")
    broker.kill()
    broker.start()
    service.start()
    one.settle()

    assert readings(service) == [float(number) for number in range(50)]
    assert holes(service) == [(50, [])]


def test_field_c4_nodejs_killed_at_any_point_all_arrives_once_and_in_whole(
    gateway, broker: Mosquitto, service: Service
) -> None:
    """What was being written when it was killed is read at the meter again, as by any program that starts anew."""
    service.start()
    chance, number = random.Random(1), 0
    one = gateway(broker.port)
    for _ in range(6):
        for _ in range(chance.randrange(1, 12)):
            one.send(reading(number))
            number += 1
        one.tell(f"send {json.dumps([reading(number)])}")
        time.sleep(chance.uniform(0, 0.02))
        one.kill()
        one = gateway(broker.port)
    one.send(reading(number))
    one.settle()

    assert readings(service) == [float(n) for n in range(number + 1)]
    assert all(missing == [] for _, missing in holes(service))


def test_field_c4_nodejs_garbage_covers_nothing_and_what_cannot_be_read_is_given_up_and_told(
    gateway, broker: Mosquitto
) -> None:
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/status") as service:
        one = gateway(broker.port, clock="faster")
        for number in range(3):
            one.send(reading(number))
        [boot, *_] = {name.partition(".")[0] for name in one.kept()}
        for garbage in GARBAGE:
            service.send(f"sm/v1/{PLACE}/ack", garbage.replace(b"BOOT", boot.encode()))
        service.wait()
        ack = {"acks": [{"boot": boot, "received_through": 3, "missing": [[1, 3]]}]}
        service.send(f"sm/v1/{PLACE}/ack", ack, retain=True)
        wait_until(lambda: {**ONLINE, "given_up": 3} in service.documents(), "not given up and told")
        one.settle()
        one.kill()
        wait_until(lambda: service.documents()[-1]["online"] is False, "no last will")


def test_field_c4_nodejs_a_number_is_kept_until_an_ack_covers_it(gateway, broker: Mosquitto) -> None:
    with RawGateway(broker.port) as service:
        one = gateway(broker.port)
        for number in range(3):
            one.send(reading(number))
        [boot, *_] = {name.partition(".")[0] for name in one.kept()}
        for garbage in GARBAGE:
            service.send(f"sm/v1/{PLACE}/ack", garbage.replace(b"BOOT", boot.encode()))
        ack = {"acks": [{"boot": boot, "received_through": 2, "missing": [[1, 1]]}]}
        service.send(f"sm/v1/{PLACE}/ack", ack, retain=True)
        wait_until(lambda: len(one.kept()) == 2, "nothing was covered")

    assert sorted(one.kept()) == [f"{boot}.1", f"{boot}.3"]


def test_field_c4_nodejs_until_the_clock_is_set_nothing_is_sent_and_then_with_the_time_it_was_read(
    gateway, broker: Mosquitto, service: Service
) -> None:
    service.start()
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/status") as watcher:
        one = gateway(broker.port, clock="unset")
        began = datetime.now(UTC)
        assert one.send({key: value for key, value in reading(7).items() if key != "time"}) == 0
        ended = datetime.now(UTC)
        wait_until(lambda: {**ONLINE, "holds": "the clock is not set"} in watcher.documents(), "not told")
        assert one.kept() == []
        one.tell("set")
        wait_until(lambda: readings(service) == [7.0], "nothing came")
        wait_until(lambda: watcher.documents()[-1:] == [ONLINE], "it does not say that it holds nothing")

    [(at,)] = rows(service, "SELECT time FROM reading")
    slack = 0.05  # s: a clock in ms, and the start of a line on the way
    assert began.timestamp() - slack <= at / 1e9 <= ended.timestamp() + slack


def test_field_c4_nodejs_what_a_full_disk_does_not_take_is_held_and_has_no_number(
    gateway, broker: Mosquitto, service: Service
) -> None:
    service.start()
    one = gateway(broker.port)
    assert one.send(reading(0)) == 1
    one.tell("full")
    assert [one.send(reading(number)) for number in (1, 2)] == [1, 1]
    one.tell("room")
    assert one.send(reading(3)) == 4
    one.settle()

    assert readings(service) == [0.0, 1.0, 2.0, 3.0]
    assert holes(service) == [(4, [])]


def test_field_c4_nodejs_a_file_that_was_cut_in_the_middle_keeps_nothing_else_from_coming(
    gateway, broker: Mosquitto, service: Service, tmp_path: Path
) -> None:
    first = gateway(free_port())
    for number in range(3):
        first.send(reading(number))
    first.kill()
    [second] = (tmp_path / "kept").glob("*.2")
    second.write_text(second.read_text()[:30])
    (tmp_path / "kept" / "lost+found").mkdir()
    service.start()
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/status") as watcher:
        one = gateway(broker.port)
        wait_until(lambda: one.kept() == ["lost+found"], "the ack does not cover everything")
        wait_until(lambda: {**ONLINE, "given_up": 1} in watcher.documents(), "not told")

    assert readings(service) == [0.0, 2.0]
    assert holes(service) == [(3, [[2, 2]])]


def test_field_c4_nodejs_a_broker_that_refuses_it_at_first_is_asked_again(gateway) -> None:
    with FakeBroker(connack=5) as broker:
        one = gateway(broker.port)
        one.send(reading(0))
        wait_until(lambda: broker.connections >= 1, "it does not connect")
        broker.manners.connack = 0
        wait_until(lambda: len(broker.published) >= 2, "it has given the broker up")


def test_field_c4_nodejs_two_with_one_client_id_throw_each_other_out_and_lose_nothing(
    gateway, broker: Mosquitto, service: Service
) -> None:
    service.start()
    both = [gateway(broker.port, folder=name, clientId="one") for name in ("a", "b")]
    for number in range(6):
        both[number % 2].send(reading(number))
        time.sleep(0.1)
    for one in both:
        one.settle()

    assert readings(service) == [float(number) for number in range(6)]
    assert holes(service) == [(3, []), (3, [])]
