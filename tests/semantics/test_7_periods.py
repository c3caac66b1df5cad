"""Reporting periods: open → provisional → final → restated, and what waits for approval."""

from typing import Any

import pytest

from store.journal import DECISION
from tests.semantics.world import DAY, GRID, HOUR, MINUTE, NOON, World, reading

APRIL = NOON + 30 * DAY


def decide(
    world: World, action: str, by: str = "lan", month: str = "2026-03", **more: Any
) -> tuple[str, str]:
    """Let somebody decide; return (outcome, detail)."""
    number = f"d{world.rows('SELECT count(*) FROM decision')[0][0]}"
    body = {"id": number, "by": by, "action": action, "park": "park-a", "month": month, **more}
    world.publish(body, topic="$stackmeter/decision", flags=DECISION)
    [(outcome, detail)] = world.rows("SELECT outcome, detail FROM decision WHERE id = ?", number)
    return outcome, detail


def generation(world: World) -> int:
    return int(world.rows("SELECT generation FROM period")[0][0])


def published(world: World) -> float | None:
    found: float | None = world.total("reg", period="2026-03")["co2e_t"]
    return found


def causes(world: World) -> list[tuple[str, str]]:
    return [(cause, actor) for cause, actor in world.rows("SELECT cause, actor FROM ledger ORDER BY id")]


@pytest.fixture
def month(world: World) -> World:
    """A meter that counted 60 kWh in the first hour and 60 in the third; nothing is known of between."""
    world.send(reading("reg", NOON, 100.0), reading("reg", NOON + HOUR, 160.0))
    world.tick(APRIL)
    return world


LATE = reading("reg", NOON + 2 * HOUR, 170.0)


def test_a_provisional_month_follows_late_readings_with_a_revision(month):
    assert decide(month, "provisional")[0] == "done"

    month.send(LATE)

    assert published(month) == pytest.approx(70 * GRID)
    assert causes(month)[-1] == ("readings", "line")


def test_a_final_month_keeps_its_number_and_shows_what_waits(month):
    decide(month, "final")

    month.send(LATE)

    assert published(month) == pytest.approx(60 * GRID)
    assert month.rows("SELECT count(*) FROM pending_emission") == [(1,)]
    assert len(causes(month)) == 1


def test_another_month_is_not_held(month):
    decide(month, "final", month="2026-02")

    month.send(LATE)

    assert published(month) == pytest.approx(70 * GRID)


def test_what_comes_back_to_the_published_number_no_longer_waits(month):
    decide(month, "final")
    month.send(LATE)

    month.send(
        reading("reg", NOON + 2 * HOUR, 160.0, correction=1), reading("reg", NOON + HOUR + MINUTE, 160.0)
    )
    month.send(
        reading("reg", NOON + 2 * HOUR, 1.0, correction=2, quality="bad"),
        reading("reg", NOON + HOUR + MINUTE, 0.0, correction=2, quality="bad"),
    )

    assert month.rows("SELECT count(*) FROM pending_emission") == [(0,)]
    assert decide(month, "approve", generation=generation(month))[0] == "refused"


def test_a_large_change_takes_two_people(month):
    decide(month, "final")
    month.send(LATE)
    now = generation(month)

    assert decide(month, "approve", by="lan", generation=now)[0] == "done"
    assert published(month) == pytest.approx(60 * GRID)
    assert decide(month, "approve", by="lan", generation=now)[0] == "refused"
    assert decide(month, "approve", by="minh", generation=now)[0] == "done"

    assert published(month) == pytest.approx(70 * GRID)
    assert causes(month)[-1] == ("restatement", "lan, minh")
    assert month.rows("SELECT status FROM period") == [("restated",)]
    assert month.rows("SELECT count(*) FROM pending_emission") == [(0,)]


def test_a_small_change_takes_one(month):
    decide(month, "final")
    month.send(reading("reg", NOON + 2 * HOUR, 162.0))  # 2 of 60 kWh, below 5 %

    decide(month, "approve", by="lan", generation=generation(month))

    assert published(month) == pytest.approx(62 * GRID)


def test_an_approval_is_for_what_was_seen(month):
    decide(month, "final")
    month.send(LATE)
    seen = generation(month)
    month.send(reading("reg", NOON + 3 * HOUR, 190.0))

    outcome, detail = decide(month, "approve", generation=seen)

    assert (outcome, "look again" in detail) == ("refused", True)


def test_the_first_approval_of_something_else_does_not_count(month):
    decide(month, "final")
    month.send(LATE)
    decide(month, "approve", by="lan", generation=generation(month))
    month.send(reading("reg", NOON + 3 * HOUR, 190.0))

    decide(month, "approve", by="minh", generation=generation(month))

    assert published(month) == pytest.approx(60 * GRID)


def test_a_restated_month_is_as_firm_as_a_final_one(month):
    decide(month, "final")
    month.send(LATE)
    for by in ("lan", "minh"):
        decide(month, "approve", by=by, generation=generation(month))

    month.send(reading("reg", NOON + 3 * HOUR, 190.0))

    assert published(month) == pytest.approx(70 * GRID)


def test_a_month_that_is_not_over_cannot_be_final(world):
    world.send(reading("reg", NOON, 100.0))

    assert decide(world, "final")[0] == "refused"


@pytest.mark.parametrize("wrong", [{"park": "nowhere"}, {"month": "March"}, {"action": "erase"}])
def test_a_decision_that_cannot_be_taken_stops_nothing(month, wrong):
    assert decide(month, wrong.pop("action", "final"), **wrong)[0] == "refused"

    month.send(LATE)

    assert published(month) == pytest.approx(70 * GRID)


def test_decisions_survive_a_restart_and_are_taken_at_their_place(month):
    decide(month, "final")
    month.restart()
    month.send(LATE)

    assert published(month) == pytest.approx(60 * GRID)


def test_a_state_made_again_from_the_journal_takes_the_same_decisions(month):
    decide(month, "final")
    month.send(LATE)
    for by in ("lan", "minh"):
        decide(month, "approve", by=by, generation=generation(month))
    month.send(reading("reg", NOON + 3 * HOUR, 190.0))
    tables = ("SELECT source, hour, block FROM emission", "SELECT * FROM period", "SELECT * FROM pending_emission", "SELECT id, outcome FROM decision")  # fmt: skip
    before = [month.rows(query) for query in tables]

    month.close()
    for path in month.folder.glob("state.db*"):
        path.unlink()
    month._open()
    while month.line.step():
        pass

    assert [month.rows(query) for query in tables] == before


def test_a_late_breach_in_a_final_month_wakes_nobody(month):
    decide(month, "final")

    month.send(LATE)

    assert month.rows("SELECT count(*) FROM webhook") == [(0,)]
