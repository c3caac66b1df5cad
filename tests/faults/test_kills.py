"""The service is killed, or told to end, at any instant under load."""

import ctypes
import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.bench import Bench, Feed, Report
from tests.faults.invariants import check_all, journal_end
from tests.faults.truth import muddled, trial

INFLUX_DIES_EVERY = 6  # kills of the service
PAUSE = 0.012  # s between two messages: a life of the service meets about a hundred


def test_f001_random_kills_under_load_lose_nothing_and_count_nothing_twice(
    bench: Bench, kills: int, report: Report
) -> None:
    """Half of the kills come while the service works, the others at any instant from its start on."""
    chance, messages = random.Random(1), 100 * kills
    truth = trial(messages, seed=1)
    feed = Feed(bench.field, muddled(truth.messages, 1, repeated=0.01, moved=0.02), PAUSE)
    bench.subscribe()
    grew, end = 0, 1
    with feed:
        for kill in range(kills):
            _live_and_die(bench, chance, kill)
            grew, end = grew + (journal_end(bench.service.journal) > end), journal_end(bench.service.journal)
        assert bench.influx is not None
        bench.influx.start()
        bench.service.start()
    feed.rest()
    bench.service.drain(messages)

    assert grew >= kills // 3, "too few kills met a service at work for the case to mean anything"
    report("F-001", kills=kills, working=grew, lost=0, double=0, **check_all(bench, truth))


def _live_and_die(bench: Bench, chance: random.Random, kill: int) -> None:
    """Start the service, let it live for a while, and kill it; now and then InfluxDB with it."""
    assert bench.influx is not None
    works = kill % 2 == 0
    bench.service.start(ready=works)
    time.sleep(chance.uniform(0.1, 0.7) if works else chance.uniform(0.2, 1.6))
    if kill % INFLUX_DIES_EVERY == 2:
        bench.influx.kill()
    elif kill % INFLUX_DIES_EVERY == 4:
        bench.influx.start()
    assert bench.service.running, bench.service.log()[-3000:]
    bench.service.kill()


def test_f019_an_orderly_end_under_load_exits_0_and_loses_nothing(small_bench: Bench, report: Report) -> None:
    """What the service had not acknowledged is sent again: at most what the broker may send ahead."""
    truth = trial(900, seed=19)
    service, feed = small_bench.service, Feed(small_bench.field, truth.messages, pause=0.004)
    codes = []
    for _ in range(3):
        service.start()
        with feed:
            end = journal_end(service.journal)
            while journal_end(service.journal) < end + 100 and not feed.exhausted:
                time.sleep(0.01)
            codes.append(service.term())
    feed.rest()
    service.start()
    service.drain(len(truth.messages))
    figures = check_all(small_bench, truth)

    assert codes == [0, 0, 0], service.log()[-3000:]
    assert figures["duplicates"] <= 3 * 1000
    report("F-019", codes=codes, redelivered=figures["duplicates"], lost=0, double=0)


def test_f019_a_signal_that_the_system_gives_to_another_thread_ends_the_service_too(
    small_bench: Bench,
) -> None:
    """Its handler waits for the main thread, which nothing else may wake."""
    tgkill = getattr(ctypes.CDLL(None), "tgkill", None)
    if tgkill is None:
        pytest.skip("this C library cannot signal a single thread")
    service = small_bench.service
    service.start()
    others = {int(task.name) for task in Path(f"/proc/{service.pid}/task").iterdir()} - {service.pid}

    assert tgkill(service.pid, min(others), signal.SIGTERM) == 0
    assert service.wait_for_end() == 0
