"""Publisher, gateway, replay and park against a real Mosquitto."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from simulators.configuration import read_configuration
from simulators.faults import Faults
from simulators.gateway import Gateway
from simulators.mapping import read_mapping
from simulators.message import Address, Message
from simulators.park import Progress, simulate
from simulators.payload import Readings
from simulators.publisher import Broker, BrokerError, Publisher, StoppedError
from simulators.replay import messages as replay_messages
from simulators.replay import replay
from simulators.table import read_table
from tests.servers import Mosquitto, free_port, wait_until
from tests.simulators import oracle
from tests.simulators.service import Service

MAPPING = Path(__file__).parents[2] / "config" / "steel-2018" / "mapping.yaml"
ADDRESS = Address("park", "mill", "g1")
TOPIC = ADDRESS.topic("readings")
EMPTY = Readings.of(0, np.empty(0, np.int64), np.empty(0))
NEVER = "mqtt://127.0.0.1:1"


def message(seq: int) -> Message:
    return Message(ADDRESS, "b7", seq, 0, json.dumps({"boot": "b7", "seq": seq}).encode(), EMPTY)


def faster() -> float:
    """Tell the time on a clock on which ten seconds pass in half of one."""
    return time.monotonic() * 20


def tend_until(gateway: Gateway, done: Callable[[], bool], patience: float = 20) -> None:
    def tended() -> bool:
        gateway.tend()
        return done()

    wait_until(tended, "the gateway did not get there", patience)


def test_every_message_arrives_once_and_in_order(mosquitto):
    with Service(mosquitto.url, acks=False) as service, Publisher(mosquitto.url) as publisher:
        for n in range(500):
            publisher.publish(TOPIC, b"%d" % n)
        publisher.drain()
        service.wait_for(500)

        assert service.readings == [(TOPIC, b"%d" % n) for n in range(500)]


def test_drained_means_that_nothing_is_in_flight(mosquitto):
    with Publisher(mosquitto.url) as publisher:
        publisher.publish(TOPIC, b"1")
        publisher.drain()

        assert publisher.in_flight == 0


def test_no_more_than_the_window_waits_for_a_puback(mosquitto):
    with Publisher(mosquitto.url, window=5, patience=0.3) as publisher:
        mosquitto.process.signal(signal.SIGSTOP)
        for n in range(5):
            publisher.publish(TOPIC, b"%d" % n)

        with pytest.raises(BrokerError, match=r"has acknowledged nothing for 0\.3 s"):
            publisher.publish(TOPIC, b"5")
        mosquitto.process.signal(signal.SIGCONT)


def test_stop_ends_the_wait_for_a_place(mosquitto):
    stop = threading.Event()
    with Publisher(mosquitto.url, window=1, stop=stop) as publisher:
        mosquitto.process.signal(signal.SIGSTOP)
        publisher.publish(TOPIC, b"0")
        threading.Timer(0.2, stop.set).start()

        with pytest.raises(StoppedError):
            publisher.publish(TOPIC, b"1")
        mosquitto.process.signal(signal.SIGCONT)


def test_a_broker_that_comes_back_gets_what_it_missed(mosquitto):
    with Service(mosquitto.url, acks=False) as service, Publisher(mosquitto.url) as publisher:
        publisher.publish(TOPIC, b"0")
        publisher.drain()
        mosquitto.kill()
        for n in range(1, 50):
            publisher.publish(TOPIC, b"%d" % n)
        mosquitto.start()
        publisher.drain()
        wait_until(
            lambda: len({payload for _, payload in service.readings}) == 50, "all messages did not come"
        )


def test_a_broker_that_is_not_there_is_named():
    url = f"mqtt://127.0.0.1:{free_port()}"

    with pytest.raises(BrokerError, match=f"cannot reach the broker {url}"), Publisher(url):
        pass


def test_a_refusal_is_told_with_its_reason():
    with (
        Mosquitto(extra="allow_anonymous false") as mosquitto,
        pytest.raises(BrokerError, match="refuses the connection: Not authorized"),
        Publisher(mosquitto.url),
    ):
        pass


@pytest.mark.parametrize(
    "url", ["localhost:1883", "http://localhost", "mqtt://", "mqtt://localhost/path", "mqtt://h:99999"]
)
def test_another_address_than_a_brokers_is_refused(url):
    with pytest.raises(ValueError, match=r"mqtt://host:port|[Pp]ort"):
        Broker.parse(url)


def test_a_broker_is_shown_without_its_password():
    assert repr(Broker.parse("mqtt://ann:s%40crt@localhost")) == "mqtt://localhost:1883"
    assert Broker.parse("mqtt://ann:s%40crt@localhost").password == "s@crt"


def test_a_gateway_says_when_it_comes_and_goes(mosquitto):
    with Service(mosquitto.url) as service:
        with Gateway(mosquitto.url, ADDRESS, "b7"):
            wait_until(lambda: service.status("g1") == {"online": True, "boot": "b7"}, "no status")
        wait_until(lambda: service.status("g1") == {"online": False}, "no farewell")


def test_the_last_will_speaks_for_a_gateway_that_died(mosquitto):
    script = (
        "import time; from simulators.gateway import Gateway; from simulators.message import Address\n"
        f"with Gateway({mosquitto.url!r}, Address('park', 'mill', 'g1'), 'b7'): time.sleep(60)"
    )
    with Service(mosquitto.url) as service, subprocess.Popen([sys.executable, "-c", script]) as process:
        wait_until(lambda: service.status("g1") is not None, "no status")
        process.kill()
        wait_until(lambda: service.status("g1") == {"online": False}, "no last will")


def test_a_gateway_forgets_what_is_acked(mosquitto):
    with Service(mosquitto.url), Gateway(mosquitto.url, ADDRESS, "b7") as gateway:
        for seq in range(1, 51):
            gateway.send(message(seq))

        assert gateway.settle(10)
        assert (gateway.heard, gateway.resent) == (True, 0)


def test_a_gateway_sends_again_what_the_ack_misses(mosquitto):
    with (
        Service(mosquitto.url, deaf_once=(3, 4)) as service,
        Gateway(mosquitto.url, ADDRESS, "b7", clock=faster) as gateway,
    ):
        for seq in range(1, 11):
            gateway.send(message(seq))

        assert gateway.settle(10)
        assert [json.loads(payload)["seq"] for _, payload in service.readings] == [*range(1, 11), 3, 4]


def test_a_gateway_tells_in_its_status_what_it_cannot_send(mosquitto):
    with Service(mosquitto.url) as service, Gateway(mosquitto.url, ADDRESS, "b7") as gateway:
        for seq in (1, 2, 5):
            gateway.send(message(seq))
        tend_until(gateway, lambda: (service.status("g1") or {}).get("given_up") == [[3, 4]])

        assert gateway.given_up == [(3, 4)]


def test_a_gateway_keeps_everything_while_nobody_acks(mosquitto):
    with Gateway(mosquitto.url, ADDRESS, "b7") as gateway:
        for seq in range(1, 4):
            gateway.send(message(seq))
        gateway.drain()

        assert (gateway.uncovered, gateway.settle(0.2), gateway.heard) == (3, False, False)


def test_a_gateway_survives_an_ack_that_is_none(mosquitto, caplog):
    with Publisher(mosquitto.url) as other:
        other.publish(ADDRESS.topic("ack"), b"garbage", retain=True)
        other.drain()
    with Gateway(mosquitto.url, ADDRESS, "b7") as gateway:
        wait_until(lambda: "park/mill/g1 ignores an ack" in caplog.text, "no warning")
        gateway.send(message(1))
        gateway.drain()


def test_a_replay_sends_what_its_messages_say(mosquitto, steel):
    mapping = read_mapping(MAPPING)
    expected = [
        m.payload for m in replay_messages(read_table(steel, mapping), mapping, shuffle=5, duplicates=0.5)
    ]
    seen = []
    with Service(mosquitto.url) as service:
        summary = replay(
            steel, MAPPING, mosquitto.url, shuffle=5, duplicates=0.5, confirm=10, progress=seen.append
        )

        assert [payload for _, payload in service.readings] == expected
    assert (summary.rows, summary.readings, summary.messages, summary.duplicates) == (200, 200, 3, 2)
    assert summary.uncovered == 0
    assert summary.span == ("2017-12-31T15:15:00Z", "2018-01-02T17:00:00Z")
    assert (seen[-1].sent, seen[-1].total) == (5, 5)
    json.dumps(summary.to_json())


def test_a_replay_keeps_to_its_rate(mosquitto, steel):
    summary = replay(steel, MAPPING, mosquitto.url, readings_per_message=20, rate=20)

    assert summary.messages == 10
    assert summary.seconds > 0.45
    assert summary.uncovered is None


def test_a_replay_that_does_not_fit_sends_nothing(mosquitto, tmp_path):
    (tmp_path / "other.csv").write_text("when,what\n")
    with Service(mosquitto.url) as service:
        with pytest.raises(ValueError, match="no column"):
            replay(tmp_path / "other.csv", MAPPING, mosquitto.url)

        assert service.statuses == []


FAULTS = Faults(duplicate=0.1, reorder=0.1, delay=0.1, drop=0.05, resets=1, rollovers=1, skew=5)


ADDRESS_OF = {
    f"sm/v1/trang-due/mill/{gateway}/readings": Address("trang-due", "mill", gateway)
    for gateway in ("g1", "g2")
}


def test_the_truth_of_a_simulation_is_what_arrived(mosquitto, directory, tmp_path):
    truth_file = tmp_path / "truth.json"
    with Service(mosquitto.url) as service:
        truth = simulate(
            directory, mosquitto.url, speed=np.inf, seed=2, duration=7200, faults=FAULTS, truth=truth_file
        )
        service.wait_for(truth.messages["sent"] + truth.messages["copy"])
        arrived = [
            Message(ADDRESS_OF[topic], "", 0, 0, payload, EMPTY) for topic, payload in service.readings
        ]

    configuration = read_configuration(directory)
    told = {(t.gateway, t.channel): t.amount for t in truth.totals()}
    assert told == pytest.approx(oracle.totals(configuration, arrived), rel=1e-12)
    assert truth.messages["dropped"] > 0
    assert json.loads(truth_file.read_text()) == truth.to_json()


def test_a_simulation_says_goodbye_for_every_gateway(mosquitto, directory):
    with Service(mosquitto.url) as service:
        simulate(directory, mosquitto.url, speed=np.inf, duration=600)
        wait_until(
            lambda: [service.status(g) for g in ("g1", "g2")] == [{"online": False}] * 2, "no farewell"
        )


def test_a_simulation_ends_now_and_never_ahead(mosquitto, directory):
    with Service(mosquitto.url):
        last = simulate(directory, mosquitto.url, speed=np.inf, duration=600).totals()[0].last

    assert timedelta(0) < datetime.now(UTC) - datetime.fromisoformat(last) < timedelta(seconds=90)


def test_a_simulation_keeps_to_its_speed(mosquitto, directory):
    begun = time.monotonic()
    with Service(mosquitto.url):
        simulate(directory, mosquitto.url, speed=300, duration=600)

    assert time.monotonic() - begun >= 2  # s: 600 s at 300 times their speed


def test_a_stopped_simulation_tells_the_truth_so_far(mosquitto, directory):
    stop = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.messages == 20:
            stop.set()

    with Service(mosquitto.url) as service:
        truth = simulate(directory, mosquitto.url, speed=np.inf, progress=watch, stop=stop)
        service.wait_for(20)
        time.sleep(0.2)

        assert truth.sent == len(service.readings) == 20


def test_a_simulation_without_a_service_ends(mosquitto, directory):
    assert simulate(directory, mosquitto.url, speed=np.inf, duration=600).sent > 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"start": datetime(2026, 1, 1)}, "has no zone"),  # noqa: DTZ001 - that is the fault
        (
            {"start": datetime.now(UTC) + timedelta(hours=1)},
            "from 40 days ago, the service's max_late, to now",
        ),
        ({"start": datetime.now(UTC) - timedelta(days=41)}, "from 40 days ago"),
        ({"duration": 41 * 86_400.0, "speed": np.inf}, "from 40 days ago"),
        ({"speed": 0.0}, "speed and duration: above 0"),
        ({"duration": 0.0}, "speed and duration: above 0"),
        ({"faults": Faults(resets=99)}, "only 2 registers"),
    ],
)
def test_an_impossible_simulation_is_refused_before_it_connects(directory, arguments, problem):
    with pytest.raises(ValueError, match=problem):
        simulate(directory, NEVER, **arguments)
