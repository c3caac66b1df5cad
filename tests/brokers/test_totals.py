"""The totals by each broker and version of MQTT, plain, with the service killed, with the broker killed: the table of docs/broker.md.

The field numbers its messages, and publishes each at QoS 1 once the broker has acknowledged the one before.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers.kinds import KINDS, OtherBroker
from tests.end_to_end.asking import ask
from tests.faults.bench import Bench
from tests.faults.invariants import check_all, check_api, check_register_totals, check_windows
from tests.faults.truth import Sent, Truth, trial
from tests.servers import Server

CASES = [
    pytest.param(kind, version, id=f"{kind.__name__}-{version}")
    for kind in KINDS
    for version in kind.versions
]
KEEPING = [case for case in CASES if case.values[0].keeps]
each_that_keeps = pytest.mark.parametrize(("kind", "version"), KEEPING)
each_in_memory = pytest.mark.parametrize(("kind", "version"), [case for case in CASES if case not in KEEPING])
each_broker = pytest.mark.parametrize(("kind", "version"), CASES)
BEFORE, AWAY, AFTER = slice(0, 40), slice(40, 80), slice(80, None)


@pytest.fixture
def truth() -> Truth:
    return trial(120, seed=12)


@pytest.fixture
def bench(
    running: Callable[[type[OtherBroker]], OtherBroker],
    kind: type[OtherBroker],
    version: str,
    tmp_path: Path,
) -> Iterator[Bench]:
    with Bench(tmp_path, mqtt_version=version, broker=running(kind), client_id=tmp_path.name) as one:
        one.service.start()
        yield one


@each_broker
def test_field_a6_totals_are_equal(bench: Bench, truth: Truth) -> None:
    bench.field.send(truth.messages)

    bench.service.drain(len(truth.messages))
    check_all(bench, truth)


@each_broker
def test_field_a6_totals_are_equal_where_the_service_is_killed(bench: Bench, truth: Truth) -> None:
    """In the midst of messages, and with more of them before it is back."""
    bench.field.send(truth.messages[BEFORE])
    bench.service.kill()
    bench.field.send(truth.messages[AWAY])
    bench.service.start()
    bench.field.send(truth.messages[AFTER])

    bench.service.drain(len(truth.messages))
    check_all(bench, truth)


@each_that_keeps
def test_field_a6_totals_are_equal_where_the_broker_is_killed(bench: Bench, truth: Truth) -> None:
    """In the midst of messages, and once more with what it had acknowledged while the service was away.

    Mosquitto saves after it has acknowledged: killed in that instant it may forget the last message, and no other.
    """
    bench.field.send(truth.messages[BEFORE])
    killed_and_started(bench.broker)
    bench.field.send(may_be_forgotten(bench))
    bench.field.send(truth.messages[AWAY])
    bench.service.kill()
    bench.field.send(truth.messages[AFTER])
    killed_and_started(bench.broker)
    bench.field.send(may_be_forgotten(bench))
    bench.service.start()

    figures = bench.service.drain(len(truth.messages))
    assert figures["stackmeter_broker_sessions_lost"] == 0
    check_all(bench, truth)


@each_in_memory
def test_field_a6_what_a_broker_in_memory_loses_when_it_is_killed_is_told_number_by_number(
    bench: Bench, truth: Truth
) -> None:
    """Lost is what it had acknowledged while the service was away; a gateway of class A sends that again."""
    bench.field.send(truth.messages[BEFORE])
    bench.service.drain(40)
    bench.service.kill()
    bench.field.send(truth.messages[AWAY])
    killed_and_started(bench.broker)
    bench.service.start()
    assert any("had no session of ours" in one for one in ask(bench.service, "/readyz")["degradations"])
    bench.field.send(truth.messages[AFTER])
    bench.service.drain(80)
    assert missing(bench) == numbers(truth.messages[AWAY])

    bench.field.send(truth.messages[AWAY])
    bench.service.drain(len(truth.messages))

    assert missing(bench) == {}
    check_api(bench, truth)
    assert bench.service.term() == 0
    check_windows(bench.service.database, bench.plant(), truth.windows())
    check_register_totals(bench.service.database, bench.plant(), truth)


def killed_and_started(broker: Server) -> None:
    broker.kill()
    broker.start()


def may_be_forgotten(bench: Bench) -> list[Sent]:
    """Return what the broker may forget of what it acknowledged."""
    return bench.field.sent[-1:] if bench.broker.saves_late else []


def missing(bench: Bench) -> dict[str, list[list[int]]]:
    """Return the ranges of numbers that the service misses, by gateway."""
    found = {}
    for gateway in ask(bench.service, "/v1/gateways")["gateways"]:
        ranges = [one for boot in gateway["boots"] for one in boot["missing"]]
        if ranges:
            found[gateway["gateway"]] = ranges
    return found


def numbers(messages: list[Sent]) -> dict[str, list[list[int]]]:
    """Return the range of numbers of messages that follow each other, by gateway."""
    found: dict[str, list[int]] = {}
    for one in messages:
        found.setdefault(one.topic.split("/")[-2], []).append(json.loads(one.payload)["seq"])
    return {gateway: [[min(every), max(every)]] for gateway, every in found.items()}
