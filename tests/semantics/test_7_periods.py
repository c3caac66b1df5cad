"""Reporting periods: open → provisional → final → restated, and what waits for approval."""

import asyncio
from typing import Any

import httpx
import pytest

from store.messages.journal import DECISION
from tests.semantics.world import DAY, GRID, HOUR, MINUTE, NOON, TOKEN, World, reading

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


def ask(world: World, **body: Any) -> httpx.Response:
    """Decide through the API."""

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(world.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
            return await client.post("/v1/periods", json=body)

    return asyncio.run(post())


def generation(world: World) -> int:
    """Return what names what waits; -1 where nothing does."""
    waits = march(world)["pending_restatement"]
    return int(waits["generation"]) if waits else -1


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


@pytest.mark.parametrize("text", ["9999-12", "2262-04", "0001-01", "1677-12", "2026-13", "soon", ""])
def test_a_month_that_no_clock_of_ours_has_is_refused_and_the_line_goes_on(month: World, text: str) -> None:
    outcome, detail = decide(month, "provisional", month=text)

    assert (outcome, repr(text) in detail) == ("refused", True)
    assert decide(month, "provisional")[0] == "done"


@pytest.mark.parametrize("text", ["1678-01", "2261-12"])
def test_the_first_and_the_last_month_are_months(month: World, text: str) -> None:
    assert decide(month, "provisional", month=text)[0] == "done"


def test_f087_a_provisional_month_follows_late_readings_with_a_revision(month):
    assert decide(month, "provisional")[0] == "done"

    month.send(LATE)

    assert published(month) == pytest.approx(70 * GRID)
    assert causes(month)[-1] == ("readings", "line")


def test_f088_a_final_month_keeps_its_number_and_shows_what_waits(month):
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


def made_again(world: World) -> None:
    """Make the state again from the journal, all messages between two decisions at once."""
    world._shut()
    for path in world.folder.glob("state.db*"):
        path.unlink()
    world._open()
    while world.line.step():
        pass


def test_solid_b5_an_approval_stands_when_the_state_is_made_again_from_larger_batches(month):
    """What came in two batches, two changes of one hour, comes in one: what was approved is what waits all the same."""
    decide(month, "final")
    month.send(reading("reg", NOON + HOUR + 20 * MINUTE, 170.0))
    month.send(reading("reg", NOON + HOUR + 40 * MINUTE, 172.0))
    for by in ("lan", "minh"):
        assert decide(month, "approve", by=by, generation=generation(month))[0] == "done"
    tables = ("SELECT * FROM period", "SELECT id, outcome, detail FROM decision", "SELECT source, start, level, co2e_t FROM total")  # fmt: skip
    before = [month.rows(query) for query in tables]

    made_again(month)

    assert month.rows("SELECT status FROM period") == [("restated",)]
    assert [month.rows(query) for query in tables] == before


def test_a_late_breach_in_a_final_month_wakes_nobody(month):
    decide(month, "final")

    month.send(LATE)

    assert month.rows("SELECT count(*) FROM webhook") == [(0,)]


# --- through the API


def march(world: World) -> Any:
    [one] = [p for p in world.get("/v1/periods", park="park-a")["periods"] if p["month"] == "2026-03"]
    return one


def test_a_month_with_emissions_is_open_until_somebody_decides(month):
    told = march(month)
    assert [one["gate"] for one in told.pop("lacks")] == ["coverage", "sources", "known_from", "provisional"]
    assert len(told.pop("unknown")) > 5
    assert told == {
        "park": "park-a",
        "month": "2026-03",
        "status": "open",
        "reported_t": pytest.approx(60 * GRID),
        "coverage": pytest.approx(60 / (60 * (24 * 22 - 12))),
        "known_from": "2026-03-10T05:00:00Z",
        "provisional_t": pytest.approx(60 * GRID),
        "provisional_share": 1.0,
        "closed_by": None,
        "despite": None,
        "overruled": [],
        "pending_restatement": None,
    }


def test_f088_the_api_tells_what_waits_and_takes_the_approval(month):
    body = {"park": "park-a", "month": "2026-03"}
    closed = ask(month, **body, action="final", by="lan", despite="one hour is all there is")
    assert closed.json()["period"]["status"] == "final"
    month.send(LATE)

    waits = march(month)["pending_restatement"]
    assert waits == {
        "reported_t": pytest.approx(60 * GRID),
        "current_t": pytest.approx(70 * GRID),
        "delta_t": pytest.approx(10 * GRID),
        "windows": 60,
        "regulated_delta_t": None,
        "regulated_hours": 0,
        "generation": waits["generation"],
        "needs_second": True,
        "approved_by": None,
    }
    approval = {**body, "action": "approve", "generation": waits["generation"]}
    ask(month, **approval, by="lan")
    assert (
        march(month)["pending_restatement"]["approved_by"] == "token"
    )  # one person, whatever names it gives
    assert ask(month, **approval, by="minh").status_code == 409
    assert decide(month, "approve", by="minh", generation=waits["generation"])[0] == "done"

    assert march(month)["status"] == "restated"
    assert march(month)["reported_t"] == pytest.approx(70 * GRID)
    assert march(month)["pending_restatement"] is None


@pytest.mark.parametrize(
    "wrong", [{"park": "park-b"}, {"month": "2026-13"}, {"action": "erase"}, {"by": " "}, {"more": 1}]
)
def test_a_wrong_decision_is_refused_before_it_is_journalled(month, wrong):
    before = month.journal.next

    answer = ask(month, **({"park": "park-a", "month": "2026-03", "action": "final", "by": "lan"} | wrong))

    assert (answer.status_code, month.journal.next) == (422, before)
