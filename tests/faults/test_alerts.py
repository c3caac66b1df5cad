"""The service dies while an alert fires."""

import json

from tests.faults.bench import Bench, Report
from tests.faults.truth import Sent
from tests.servers import wait_until

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
