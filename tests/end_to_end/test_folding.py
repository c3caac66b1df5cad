"""A running service folds what is old beside its work, however often it is killed at it, and tells what it told before."""

from pathlib import Path
from typing import Any

from tests.end_to_end.asking import ask, rows
from tests.readings import readings_in
from tests.semantics.world import CONFIGURATION, DAY, HOUR, MINUTE, NOON, World, reading, rfc3339
from tests.servers import Mosquitto, wait_until
from tests.service import Service

DAYS = 30


def told(service: Service) -> list[Any]:
    """Return what people ask of these days."""
    span = {"from_": rfc3339(NOON), "to": rfc3339(NOON + DAYS * DAY)}
    place = {"park": "park-a", "facility": "works"}
    totals = ask(service, "/v1/totals", level="source", **span)["totals"]
    series = ask(service, "/v1/series", kind="reading", channel="reg", every="1h", **span)
    why = ask(service, "/v1/explain", **place, source="reg", at=rfc3339(NOON + DAY + MINUTE))
    del why["as_of"]  # now
    return [totals, series["values"], why]


def test_a_service_folds_what_is_old_and_tells_what_it_told(tmp_path: Path, mosquitto: Mosquitto) -> None:
    state = tmp_path / "state"
    state.mkdir()
    world = World(state, now=NOON)
    for hour in range(0, 24 * DAYS, 4):
        world.now = NOON + hour * HOUR
        world.send(
            *(reading("reg", world.now - m * MINUTE, 10.0 * hour + m / 8) for m in range(0, 40, 20)),
            reading("power", world.now, 60 + hour / 7, "kW"),
        )
    world._shut()
    before = readings_in(state / "state.db")
    secret = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}

    with Service(tmp_path, CONFIGURATION, mosquitto.url, environment=secret) as service:
        answers = []
        while _blocks(service) < 2 * (DAYS - 1):
            service.start()
            answers.append(told(service))
            _wait_for_more_blocks(service)
            service.kill()
            assert readings_in(state / "state.db") == before
        service.start()
        answers.append(told(service))
        assert service.term() == 0

    assert rows(service, "SELECT count(*) < 20 FROM reading") == [(1,)]
    assert answers[1:] == answers[:-1]


def _blocks(service: Service) -> int:
    return int(rows(service, "SELECT count(*) FROM reading_block")[0][0])


def _wait_for_more_blocks(service: Service) -> None:
    before = _blocks(service)
    wait_until(lambda: _blocks(service) > before, "nothing was folded", 90)
