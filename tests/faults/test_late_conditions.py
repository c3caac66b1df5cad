"""F-119 for conditions: the service dies while late data waits to be looked at, and after it was."""

import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from tests.faults.bench import Bench, Report
from tests.faults.truth import SECOND, Sent
from tests.servers import wait_until

TOPIC = "sm/v1/trial/works/stack/readings"

COLD = """
  - {name: flue-cold, expr: value < 100, match: {channel: flue/temperature}, every: 1s, severity: info, summary: cold}
"""


def at(time: int, value: float) -> dict[str, object]:
    moment = datetime.fromtimestamp(time // SECOND, UTC)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{time % SECOND:09d}Z"
    return {"channel": "flue/temperature", "time": text, "value": value, "unit": "°C"}


def together(*readings: dict[str, object]) -> Sent:
    return Sent(TOPIC, json.dumps({"readings": readings}).encode())


def ask(bench: Bench, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{bench.service.database}?mode=ro", uri=True)) as state:
        return state.execute(query).fetchall()


def retroactive(bench: Bench) -> list[dict[str, Any]]:
    rows = ask(bench, "SELECT detail FROM alert_event WHERE kind = 'retroactive'")
    return [json.loads(detail) for (detail,) in rows]


def test_f119_a_kill_before_late_data_of_a_condition_is_looked_at_loses_no_event_and_adds_none(
    small_bench: Bench, report: Report
) -> None:
    """Three cold seconds come when they are over; it is killed once it knows, and again when it has noted them."""
    service, field = small_bench.service, small_bench.field
    page = small_bench.config / "trial.yaml"
    page.write_text(page.read_text().replace("\nalerts:\n", f"\nalerts:{COLD}"))
    service.start()
    began = time.time_ns()
    field.send([together(at(began, 300))])
    judged = "SELECT 1 FROM meta WHERE key = 'conditions_judged' AND value > {}"
    wait_until(lambda: bool(ask(small_bench, judged.format(began + 6 * SECOND))), "nothing was judged", 60)
    late = together(*(at(began + k * SECOND, 50) for k in (1, 2, 3)), at(began + 4 * SECOND, 300))
    field.send([late])
    wait_until(lambda: bool(ask(small_bench, "SELECT 1 FROM late_look")), "nothing waits to be looked at", 60)
    service.kill()
    assert retroactive(small_bench) == []
    service.start()
    wait_until(lambda: bool(retroactive(small_bench)), "the late breach was not noted", 60)
    service.kill()
    service.start()
    field.send([late])
    service.drain(2, received=3)

    [event] = retroactive(small_bench)
    assert (event["rule"], event["count"], event["worst"]) == ("flue-cold", 3, 50)
    assert ask(small_bench, "SELECT * FROM late_look") == []
    assert ask(small_bench, "SELECT * FROM alert") == []
    assert small_bench.receiver.requests == []
    report("F-119", retroactive_events=1, alerts=0)
