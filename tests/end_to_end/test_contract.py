"""The contract with gateways, kept by a running service: outcomes, acks and balances, over kills; and bad beginnings."""

import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.asking import ask, rows
from tests.end_to_end.gateway import RawGateway
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import CONSOLE_SCRIPT, Service
from tests.warm import console

MINUTE = 60
GATEWAYS = 24
PLANT = """\
parks:
  - name: park-a
    title: Park A
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways:
{gateways}
        channels:
{channels}
        sources:
          - {{name: grid, method: electricity-location, inputs: {{energy: gw-0/power}}, factor: vn-grid}}
"""


def write_plant(folder: Path) -> Path:
    """Write a plant with a gateway and a channel for every test."""
    names = [f"gw-{number}" for number in range(GATEWAYS)]
    channel = (
        "          - {{name: {0}/power, gateway: {0}, kind: rate, unit: kW, quantity: electricity, min: 0}}"
    )
    plant = PLANT.format(
        gateways="\n".join(f"          - name: {name}" for name in names),
        channels="\n".join(channel.format(name) for name in names),
    )
    folder.mkdir()
    (folder / "plant.yaml").write_text(plant)
    return folder


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as server:
        yield server


@pytest.fixture(scope="module")
def service(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("contract")
    with Service(folder, write_plant(folder / "config"), broker.url) as one:
        one.start()
        yield one


class Device:
    """A gateway of the plant, or one that nobody configured; it measures its own channel."""

    def __init__(self, service: Service, session: RawGateway, id_: str) -> None:
        self.id, self._service, self._session = id_, service, session
        self._sent = 0
        self._began = int(time.time())

    def reading(self, ago: int = 0, value: float = 1.0, **more: Any) -> dict[str, Any]:
        """Return a reading of so many seconds before this test began."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._began - ago))
        channel = f"{self.id.rsplit('/', 1)[1]}/power"
        return {"channel": channel, "time": at, "value": value, "unit": "kW"} | more

    def send(self, seq: int, *readings: dict[str, Any], boot: str = "b1") -> None:
        """Publish a batch."""
        self.send_raw({"boot": boot, "seq": seq, "readings": list(readings)})

    def send_raw(self, payload: bytes | dict[str, Any], leaf: str = "readings") -> None:
        self._session.send(f"sm/v1/{self.id}/{leaf}", payload)
        self._sent += leaf == "readings"

    def balance(self) -> dict[str, Any]:
        """Return how this gateway's messages and readings ended, once all are through: what is not 0."""
        wait_until(
            lambda: self._told()["messages"].get("received", 0) >= self._sent,
            f"{self._sent} messages",
            PATIENCE,
        )
        return self._told()

    def ack(self, wanted: list[dict[str, Any]]) -> None:
        """Wait until the last ack says exactly this."""
        wait_until(
            lambda: self.acks()[-1:] == [wanted], f"{wanted} was not the last of {self.acks()[-3:]}", PATIENCE
        )

    def acks(self) -> list[list[dict[str, Any]]]:
        """Return what the acks heard so far say."""
        topic = f"sm/v1/{self.id}/ack"
        return [
            document["acks"]
            for (heard, _, _), document in zip(self._session.heard, self._session.documents(), strict=False)
            if heard == topic
        ]

    def quarantined(self) -> list[tuple[str, str]]:
        """Return code and path of what was refused, in order."""
        query = "SELECT code, path FROM quarantine WHERE gateway = ? ORDER BY message"
        return rows(self._service, query, self.id)

    def _told(self) -> dict[str, Any]:
        told = ask(self._service, "/v1/balance")["gateways"]
        nothing: dict[str, Any] = {"messages": {}, "readings": {}}
        one = next((one for one in told if one["gateway"] == self.id), nothing)
        return {book: {k: n for k, n in one[book].items() if n} for book in ("messages", "readings")}


@pytest.fixture(scope="module")
def session(broker: Mosquitto) -> Iterator[RawGateway]:
    with RawGateway(broker.port, hear="sm/v1/+/+/+/ack") as one:
        yield one


NUMBERS = count()


@pytest.fixture
def device(service: Service, session: RawGateway) -> Device:
    """Give a gateway of the test's own."""
    return Device(service, session, f"park-a/mill/gw-{next(NUMBERS)}")


def entry(received_through: int, *missing: list[int], boot: str = "b1") -> dict[str, Any]:
    return {"boot": boot, "received_through": received_through, "missing": list(missing)}


# --- acks ---------------------------------------------------------------------------------------------------------


def test_an_ack_lists_what_is_missing(device: Device) -> None:
    for seq in (1, 2, 5, 9):
        device.send(seq, device.reading(seq))

    device.ack([entry(9, [3, 4], [6, 8])])


def test_an_ack_is_retained_for_a_gateway_that_was_away(device: Device, broker: Mosquitto) -> None:
    device.send(2, device.reading())
    device.ack([entry(2, [1, 1])])

    with RawGateway(broker.port, hear=f"sm/v1/{device.id}/ack") as later:
        wait_until(lambda: bool(later.heard), "no retained ack")

    assert later.documents()[0]["acks"] == [entry(2, [1, 1])]
    assert later.heard[0][2]


def test_an_ack_remembers_over_a_kill(device: Device, service: Service) -> None:
    for seq in (1, 4):
        device.send(seq, device.reading(seq))
    device.ack([entry(4, [2, 3])])

    service.kill()
    service.start()
    device.send(2, device.reading(2))

    device.ack([entry(4, [3, 3])])


def test_what_was_sent_while_the_service_was_away_is_acknowledged(device: Device, service: Service) -> None:
    service.kill()
    device.send(1, device.reading())
    service.start()

    device.ack([entry(1)])
    assert device.balance()["messages"] == {"received": 1, "accepted": 1}


def test_an_ack_names_boots_by_when_they_were_last_heard(device: Device) -> None:
    """A boot that is heard again, though only with a duplicate, comes first."""
    device.send(1, device.reading(1), boot="b1")
    device.send(1, device.reading(2), boot="b2")
    device.ack([entry(1, boot="b2"), entry(1, boot="b1")])

    device.send(1, device.reading(1), boot="b1")

    device.ack([entry(1, boot="b1"), entry(1, boot="b2")])


def test_a_duplicate_changes_no_ack(device: Device) -> None:
    for seq in (1, 3, 3, 1):
        device.send(seq, device.reading(seq))

    device.balance()
    device.ack([entry(3, [2, 2])])


def test_an_ack_of_more_than_100_ranges_promises_less(device: Device) -> None:
    for seq in range(1, 240, 2):
        device.send(seq, device.reading(seq))

    device.ack([entry(201, *([n, n] for n in range(2, 201, 2)))])


def test_a_quarantined_message_with_a_readable_number_counts_as_received(device: Device) -> None:
    device.send(1, device.reading(unit="furlong"))

    device.ack([entry(1)])


def test_a_number_that_could_not_be_read_stays_missing(device: Device) -> None:
    device.send(1, device.reading(1))
    device.send_raw(b'{"boot": "b1", "seq": 2, "readings": [')
    device.send(3, device.reading(3))

    device.ack([entry(3, [2, 2])])


def test_our_own_acks_are_never_journalled(device: Device, service: Service) -> None:
    """The service subscribes to all of sm/v1 and hears what it publishes itself; and so may somebody else's ack."""
    device.send(1, device.reading())
    device.ack([entry(1)])
    device.send_raw({"acks": []}, leaf="ack")
    device.send(2, device.reading(1))
    device.balance()

    assert b"/ack" not in service.journal.read_bytes()


# --- outcomes -----------------------------------------------------------------------------------------------------


def test_a_reading_in_time_makes_its_message_accepted(device: Device) -> None:
    device.send(1, device.reading(0), device.reading(14 * MINUTE))

    assert device.balance() == {
        "messages": {"received": 1, "accepted": 1},
        "readings": {"received": 2, "accepted": 2},
    }


def test_a_message_is_late_where_all_that_is_new_is_late(device: Device) -> None:
    device.send(1, device.reading(20 * MINUTE), device.reading(30 * MINUTE))

    assert device.balance() == {
        "messages": {"received": 1, "late": 1},
        "readings": {"received": 2, "late": 2},
    }


def test_one_reading_in_time_makes_a_late_message_accepted(device: Device) -> None:
    device.send(1, device.reading(0), device.reading(20 * MINUTE))

    assert device.balance() == {
        "messages": {"received": 1, "accepted": 1},
        "readings": {"received": 2, "accepted": 1, "late": 1},
    }


def test_the_same_message_again_is_a_duplicate(device: Device) -> None:
    for _ in range(3):
        device.send(1, device.reading(0), device.reading(20 * MINUTE))

    assert device.balance() == {
        "messages": {"received": 3, "accepted": 1, "duplicate": 2},
        "readings": {"received": 6, "accepted": 1, "late": 1, "duplicate": 4},
    }


def test_a_new_number_with_known_readings_is_a_duplicate(device: Device) -> None:
    device.send(1, device.reading())
    device.send(2, device.reading())

    assert device.balance()["messages"] == {"received": 2, "accepted": 1, "duplicate": 1}


def test_a_new_number_without_readings_is_accepted_once(device: Device) -> None:
    device.send(1)
    device.send(1)

    assert device.balance() == {"messages": {"received": 2, "accepted": 1, "duplicate": 1}, "readings": {}}


def test_a_known_number_with_new_readings_is_a_conflict_and_they_count(device: Device) -> None:
    device.send(1, device.reading(0))
    device.send(1, device.reading(0), device.reading(MINUTE))

    assert device.balance() == {
        "messages": {"received": 2, "accepted": 1, "quarantined": 1},
        "readings": {"received": 3, "accepted": 2, "duplicate": 1},
    }
    assert device.quarantined() == [("conflict_seq", "seq")]


def test_a_refused_message_again_is_a_duplicate(device: Device) -> None:
    """Its readings are refused a second time: they are not known."""
    device.send(1, device.reading(unit="furlong"))
    device.send(1, device.reading(unit="furlong"))

    assert device.balance() == {
        "messages": {"received": 2, "quarantined": 1, "duplicate": 1},
        "readings": {"received": 2, "quarantined": 1, "duplicate": 1},
    }
    assert device.quarantined() == [("unit_unknown", "readings[0].unit")]


def test_a_reading_that_loses_a_conflict_is_a_duplicate(device: Device) -> None:
    device.send(1, device.reading(value=5.0))
    device.send(2, device.reading(value=4.0))

    assert device.balance()["readings"] == {"received": 2, "accepted": 1, "duplicate": 1}


def test_a_reading_that_wins_a_conflict_is_accepted(device: Device, service: Service) -> None:
    device.send(1, device.reading(value=4.0))
    device.send(2, device.reading(value=5.0))

    assert device.balance()["readings"] == {"received": 2, "accepted": 2}
    query = "SELECT value FROM reading JOIN channel ON channel.id = channel WHERE name = ?"
    assert rows(service, query, device.reading()["channel"]) == [(5.0,)]


def test_an_unmapped_gateway_is_quarantined_acknowledged_and_balanced(
    service: Service, session: RawGateway
) -> None:
    """It is kept, so that its gateway may forget it; and its configuration may come later."""
    device = Device(service, session, "park-a/mill/gw-unknown")
    device.send(1, device.reading())

    assert device.balance() == {
        "messages": {"received": 1, "quarantined": 1},
        "readings": {"received": 1, "quarantined": 1},
    }
    assert device.quarantined() == [("unmapped", "")]
    device.ack([entry(1)])


def test_status_has_a_count_of_its_own(device: Device, service: Service) -> None:
    device.send_raw({"online": True}, leaf="status")
    device.send_raw(b"garbage", leaf="status")
    device.send_raw({"online": False}, leaf="status")
    device.send(1, device.reading())

    assert device.balance()["messages"] == {"received": 1, "accepted": 1}
    query = "SELECT count, online FROM gateway_status WHERE gateway = ?"
    assert rows(service, query, device.id) == [(3, 0)]


def test_both_balances_survive_a_kill(device: Device, service: Service) -> None:
    """The broker may deliver once more what it has no PUBACK of: a duplicate, and nothing else."""
    device.send(1, device.reading(), device.reading(MINUTE, unit="furlong"))
    device.balance()

    service.kill()
    service.start()
    device.send(2, device.reading(2))

    told = device.balance()
    assert _but_duplicates(told["messages"]) == {"accepted": 1, "quarantined": 1}
    assert _but_duplicates(told["readings"]) == {"accepted": 2, "quarantined": 1}
    for book in told.values():
        assert book["received"] == sum(count for outcome, count in book.items() if outcome != "received")


def _but_duplicates(book: dict[str, int]) -> dict[str, int]:
    return {outcome: count for outcome, count in book.items() if outcome not in {"received", "duplicate"}}


# --- bad beginnings -----------------------------------------------------------------------------------------------


def run(state: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return console("run", f"--state={state}", *options)


@pytest.fixture
def bad_plant(tmp_path: Path) -> Path:
    """Give a good configuration with three faults in two files."""
    config = write_plant(tmp_path / "config")
    plant = config / "plant.yaml"
    plant.write_text(
        plant.read_text()
        .replace("gw-0, kind: rate, unit: kW", "gw-0, kind: rate, unit: KW")
        .replace("gateway: gw-1,", "gateway: gw-one,")
    )
    (config / "settings.yaml").write_text("settings:\n  max_late: 45d\n  alowed_lateness: 15min\n")
    return config


def test_a_bad_configuration_is_refused_whole(bad_plant: Path, tmp_path: Path) -> None:
    """Every problem with its file and line, exit 2, and nothing is begun: not even the state directory."""
    state = tmp_path / "state"
    lines = (bad_plant / "plant.yaml").read_text().splitlines()
    bad_unit = next(number for number, line in enumerate(lines, 1) if "KW" in line)

    ended = run(state, f"--config={bad_plant}")

    assert ended.returncode == 2
    told = {line.removeprefix(f"{bad_plant}/").split(": ")[0] for line in ended.stderr.splitlines()}
    assert told == {f"plant.yaml:{bad_unit}", f"plant.yaml:{bad_unit + 1}", "settings.yaml:3"}
    assert not state.exists()


def test_run_says_of_a_configuration_what_check_says(bad_plant: Path, tmp_path: Path) -> None:
    checked = subprocess.run(
        [*CONSOLE_SCRIPT, "check", str(bad_plant)], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 2
    assert run(tmp_path / "state", f"--config={bad_plant}").stderr == checked.stderr


@pytest.mark.parametrize(
    ("option", "told"),
    [("--port=99999", "port"), ("--mqtt-version=6", "mqtt_version"), ("--log-level=loud", "log_level")],
)
def test_a_bad_setting_begins_nothing(option: str, told: str, tmp_path: Path) -> None:
    config, state = write_plant(tmp_path / "config"), tmp_path / "state"

    ended = run(state, f"--config={config}", option)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"command line: --{told.replace('_', '-')}: ")
    assert not state.exists()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1883", "127.0.0.1:1883", "mqtt://"])
def test_a_bad_broker_address_begins_nothing(url: str, tmp_path: Path) -> None:
    config, state = write_plant(tmp_path / "config"), tmp_path / "state"

    ended = run(state, f"--config={config}", f"--broker={url}")

    assert ended.returncode == 2
    assert "expected mqtt://host:port" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not state.exists()
