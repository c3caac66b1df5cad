"""Alerts while the service dies, while a value flaps, and while the service stands still."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from alerts.judging.lifecycle import CHATTER
from tests.faults.bench import Bench, Report
from tests.faults.invariants import MEMORY
from tests.faults.truth import Sent
from tests.semantics.world import MINUTE, NOON, SECOND, World, ns, reading
from tests.servers import wait_until

FLAPS = 1000  # a minute, each to too hot and back
FLAPPING = """
parks:
  - name: park-a
    title: Park A (invented)
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works (invented)
        gateways: [{name: gw}]
        channels:
          - {name: heat, gateway: gw, kind: level, unit: °C, quantity: temperature, max_gap: 1d}
          - {name: power, gateway: gw, kind: rate, unit: kW, quantity: electricity, max_gap: 10min}
        sources:
          - {name: power, method: electricity-location, inputs: {energy: power}, factor: vn-grid}
webhooks:
  - {name: receiver, url: "http://127.0.0.1:9/alerts", secret_env: SEMANTICS_SECRET, allow_private: true}
"""
CONDITION = """
alerts:
  - {name: hot, expr: 'max_over(value, "1s") > 400 and value > 400', match: {channel: heat}, every: 1s, severity: warning, summary: Hot}
"""
LIMIT = """
alerts:
  - {name: hot, facility: works, channel: heat, above: 400, severity: warning, summary: Hot}
"""
ROUTES = """
routes:
  - {receivers: [receiver], group_wait: 30s, group_interval: 5min}
"""
FLAPPERS = {
    "condition": CONDITION,
    "limit": LIMIT,
    "limit, 0s": LIMIT + ROUTES.replace("30s", "0s"),
    "limit, 30s": LIMIT + ROUTES,
}
HEARTBEAT = 10  # s, the shortest
MISSED = 3  # intervals without a heartbeat, after which a receiver pages somebody: docs/webhooks.md

TOPIC = "sm/v1/trial/works/stack/readings"


def temperature(minute: int, value: float) -> Sent:
    body = {
        "channel": "flue/temperature",
        "time": f"2026-01-05T08:{minute:02}:00Z",
        "value": value,
        "unit": "°C",
    }
    return Sent(TOPIC, json.dumps(body).encode())


def told(bench: Bench) -> list[tuple[str, str]]:
    """Return (webhook-id, type) of what the receiver got, in order; what it got again under its id is no other page."""
    got = [(r.headers["webhook-id"], json.loads(r.body)["type"]) for r in bench.receiver.requests]
    return list(dict.fromkeys(got))


def test_f115_a_kill_between_firing_and_resolved_fires_nothing_anew_and_resolves_what_fired(
    small_bench: Bench, report: Report
) -> None:
    """It is killed once the page is out, hears more of the same after its restart, and then that all is well."""
    service, field = small_bench.service, small_bench.field
    service.start()
    field.send([temperature(0, 300), temperature(1, 450)])
    wait_until(lambda: len(told(small_bench)) == 1, "nobody was told", 60)
    service.kill()
    service.start()
    field.send([temperature(2, 460), temperature(3, 470)])
    service.drain(4)
    field.send([temperature(4, 300)])
    wait_until(lambda: len(told(small_bench)) >= 2, "nobody was told of the end", 60)
    service.drain(5)

    ids, kinds = zip(*told(small_bench), strict=True)
    assert kinds == ("alert.firing", "alert.resolved")
    assert len(set(ids)) == 2, "one id told two things"
    report("F-115", extra_fires=len(kinds) - 2)


# --- F-114: a value that flaps --------------------------------------------------------------------------------------


@contextmanager
def world(rules: str) -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        config = Path(name) / "config"
        config.mkdir()
        (config / "plant.yaml").write_text(FLAPPING + rules)
        one = World(Path(name), config, NOON)
        yield one
        one.close()


def flap(one: World, minutes: int) -> None:
    """Let a temperature pass 400 °C and come back a thousand times a minute, a message a second; it ends above."""
    step = MINUTE // (2 * FLAPS)
    for second in range(60 * minutes):
        begin = one.now + SECOND
        changes = range(-(-(begin - NOON) // step), -(-(begin + SECOND - NOON) // step))
        one.now = begin
        one.send(*(reading("heat", NOON + k * step, 300 if k % 2 else 500, "°C") for k in changes))
        assert one.rows("SELECT count(*) FROM quarantine") == [(0,)], second


def let_pass(one: World, until: int, heat: float) -> None:
    """Let time pass, with the same temperature each 10 s."""
    while one.now < until:
        one.now += 10 * SECOND
        one.send(reading("heat", one.now, heat, "°C"))
        one.tick(one.now + SECOND)


def queued(one: World) -> list[tuple[int, list[Any]]]:
    """Return second after noon and body's alerts of all that was queued for the receiver."""
    rows = one.rows("SELECT created, body FROM webhook ORDER BY id")
    bodies = [(at, json.loads(body)["data"]) for at, body in rows]
    return [((at - NOON) // SECOND, data.get("alerts", [data])) for at, data in bodies]


@pytest.mark.parametrize("what", FLAPPERS)
def test_f114_what_flaps_is_shelved_and_where_it_stands_is_told_at_the_end(what: str, report: Report) -> None:
    """Every flap of a limit is an alert that people can see; of the first ones a receiver hears, whether its route waits or not."""
    minutes = 10
    with world(FLAPPERS[what]) as one:
        flap(one, minutes)
        flapped = queued(one)
        [(begun,)] = one.rows("SELECT count(*) FROM alert")
        assert begun >= (minutes - 1) * (FLAPS if what != "condition" else 1), "the flaps were not seen"
        assert len(flapped) <= 2 * CHATTER, "the outbox grew with the flaps"
        assert len(flapped) >= 1, "told never"
        let_pass(one, one.now + MINUTE, 500)
        shelved_until = shelf_end(one)
        assert one.rows("SELECT status FROM alert WHERE ended_at IS NULL") == [("silenced",)]
        let_pass(one, shelved_until - MINUTE, 500)
        assert queued(one) == flapped, "somebody was told of what is shelved"
        let_pass(one, shelved_until + 2 * MINUTE, 500)
        held = queued(one)[len(flapped) :]
        let_pass(one, one.now + 6 * MINUTE, 20)
        ended = queued(one)[len(flapped) + len(held) :]

        assert [told["status"] for _, alerts in held for told in alerts] == ["firing"]
        assert [told["status"] for _, alerts in ended for told in alerts] == ["resolved"]
        assert ended[0][1][0]["id"] == held[0][1][0]["id"]
        firing, resolved = (
            {told["id"] for _, alerts in queued(one) for told in alerts if told["status"] == status}
            for status in ("firing", "resolved")
        )
        assert firing <= resolved, "an alert that was told has no end"
        report("F-114", what=what, flaps=minutes * FLAPS, alerts=begun, rows=len(queued(one)))


def shelf_end(one: World) -> int:
    """Return until when what flaps is shelved. [ns UTC]"""
    rows = one.rows("SELECT shelved_until FROM rule_state")
    return int(max(until for (until,) in rows))


# --- F-116: nobody is there -----------------------------------------------------------------------------------------


def beats(bench: Bench) -> list[int]:
    """Return when each heartbeat that arrived was made. [ns UTC]"""
    bodies = [json.loads(request.body) for request in list(bench.receiver.requests)]
    return [ns(body["timestamp"]) for body in bodies if body["type"] == "heartbeat"]


def silence_of(count: Callable[[], int]) -> Callable[[], float]:
    """Return a function that says for how long a count has stood still, as a receiver measures it. [s]"""
    state = [count(), time.monotonic()]

    def silent() -> float:
        if count() != state[0]:
            state[:] = [count(), time.monotonic()]
        return time.monotonic() - state[1]

    return silent


def stopped(pid: int) -> bool:
    """Return whether a process stands still."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_f116_a_receiver_misses_the_heartbeats_of_a_service_that_stands_still(
    small_bench: Bench, report: Report
) -> None:
    """It stands for three intervals, long enough for a page; then it goes on and makes up for none of them.

    At an interval of a minute that is three minutes.
    """
    page = small_bench.config / "trial.yaml"
    page.write_text(f"{page.read_text()}    heartbeat: {HEARTBEAT}s\n")
    service = small_bench.service
    service.start()
    wait_until(lambda: len(beats(small_bench)) >= 1, "no heartbeat came", 60)
    os.kill(service.pid, signal.SIGSTOP)
    wait_until(lambda: stopped(service.pid), "the service does not stand still", 10)
    before = len(beats(small_bench))
    silent = silence_of(lambda: len(beats(small_bench)))
    wait_until(lambda: silent() > MISSED * HEARTBEAT, "heartbeats came from the dead", 10 * HEARTBEAT)
    noticed = silent()
    assert len(beats(small_bench)) == before

    os.kill(service.pid, signal.SIGCONT)
    wait_until(lambda: len(beats(small_bench)) >= before + 2, "the heart did not go on", 60)
    apart = [(later - earlier) / SECOND for earlier, later in pairwise(beats(small_bench))]
    assert min(apart) >= HEARTBEAT, "a heartbeat that was missed was made up for"
    assert max(apart) >= MISSED * HEARTBEAT
    report("F-116", noticed_s=round(noticed, 1), intervals=MISSED, at_a_minute_s=MISSED * 60)
