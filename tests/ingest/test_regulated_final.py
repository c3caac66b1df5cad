"""Regulated hours of a final month: what would change them waits, whatever it is, until somebody approves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from proof.restate import restate as work
from proof.restate.report import Report
from proof.restate.request import Request
from proof.verify.verify import verify
from rules.american.substitution import Rule
from rules.catalogue import load_catalogue
from store.accounting.regulated_hours import MOVING
from store.messages.journal import DECISION
from tests.ingest.test_regulated import (
    CONFIGURATION,
    LATENESS,
    RegulatedWorld,
    configured,
    deliver,
    minutes,
    opened,
    quarters,
)
from tests.semantics.world import HOUR, MINUTE, NOON, rfc3339

APRIL = 516  # the number of the first hour of April, as `minutes` has it
FIRST = APRIL - 4
MARCH = {"park": "park-a", "month": "2026-03"}


@pytest.fixture
def world() -> Iterator[RegulatedWorld]:
    for made in opened():
        story(made)
        yield made


def story(world: RegulatedWorld) -> None:
    """Four hours of March, the concentrations of the second missing, and two of April."""
    for hour in range(FIRST, APRIL + 2):
        gap = hour == FIRST + 1
        co2 = 10.0 + hour - FIRST
        deliver(world, hour, [*minutes(hour, co2, () if gap else range(60)), *quarters(hour, co2, (0, 15) if gap else (0, 15, 30, 45))])  # fmt: skip


def decide(world: RegulatedWorld, action: str, by: str = "lan") -> str:
    """Let somebody decide of March, having seen what waits; return what was said."""
    waits = waiting(world)
    number = f"d{world.rows('SELECT count(*) FROM decision')[0][0]}"
    body = {
        "id": number,
        "by": by,
        "action": action,
        **MARCH,
        "generation": waits["generation"] if waits else -1,
    }
    world.publish(body, topic="$stackmeter/decision", flags=DECISION)
    [(outcome, detail)] = world.rows("SELECT outcome, detail FROM decision WHERE id = ?", number)
    return f"{outcome}: {detail}"


def waiting(world: RegulatedWorld) -> Any:
    months = world.get("/v1/periods", park="park-a")["periods"]
    return next(one["pending_restatement"] for one in months if one["month"] == "2026-03")


def hours(world: RegulatedWorld, source: str = "mrr") -> dict[int, tuple[str, float, int]]:
    """Return status, tonnes and revision of a source's published hours, by their number."""
    [one] = world.get("/v1/regulated", source=source, period="2026", hours="true")["sources"]
    start = {rfc3339(NOON + n * HOUR).replace(".000000000", ""): n for n in range(FIRST - 2, APRIL + 400)}
    return {start[row["hour"]]: (row["status"], row["co2e_t"], row["revision"]) for row in one["rows"]}


def causes(world: RegulatedWorld) -> list[tuple[str, str]]:
    return [tuple(row) for row in world.rows("SELECT cause, actor FROM regulated_ledger ORDER BY id")]


def of_march(found: dict[int, Any]) -> dict[int, Any]:
    return {hour: one for hour, one in found.items() if hour < APRIL}


def test_the_rule_that_moves_is_equation_4() -> None:
    assert MOVING == Rule.MRR_EQUATION_4


def test_solid_b5_late_readings_of_a_final_month_wait(world: RegulatedWorld) -> None:
    decide(world, "final")
    before, told = hours(world), causes(world)

    world.send(*minutes(FIRST + 1, 11.0))

    assert of_march(hours(world)) == of_march(before)
    waits = waiting(world)
    assert waits["regulated_hours"] >= 1
    assert waits["regulated_delta_t"] < 0  # a measured hour in the place of a substituted one
    assert {cause for cause, _ in causes(world)[len(told) :]} <= {"regulation"}
    changed = world.rows("SELECT count(*) FROM pending_regulated WHERE hour >= ?", NOON + APRIL * HOUR)
    assert changed == [(0,)]


def test_solid_b5_what_waits_is_published_by_who_approves(world: RegulatedWorld) -> None:
    decide(world, "final")
    world.send(*minutes(FIRST + 1, 11.0))
    waits = waiting(world)
    assert waits["needs_second"] is True  # of 4 hours one was substituted: far above 5 %

    assert "a second person" in decide(world, "approve", "lan")
    assert decide(world, "approve", "minh").startswith("done: restated by ")

    after = hours(world)
    assert after[FIRST + 1][0] == "valid"
    assert causes(world)[-1] == ("restatement", "lan, minh")
    assert (waiting(world), world.rows("SELECT count(*) FROM pending_regulated")) == (None, [(0,)])
    deliver(world, APRIL + 2, minutes(APRIL + 2, 10.0))
    assert of_march(hours(world)) == of_march(after)


def test_solid_b5_what_comes_back_to_the_published_number_no_longer_waits(world: RegulatedWorld) -> None:
    decide(world, "final")
    late = minutes(FIRST + 1, 11.0, flow=())
    world.send(*late)
    assert waiting(world)["regulated_hours"] > 0

    world.send(*({**one, "quality": "bad", "correction": 1} for one in late))

    assert world.rows("SELECT count(*) FROM pending_regulated") == [(0,)]


def test_solid_b5_a_new_bias_waits_in_a_final_month_and_follows_in_an_open_one(tmp_path: Path) -> None:
    world = RegulatedWorld(tmp_path, CONFIGURATION, NOON)
    story(world)
    decide(world, "final")
    before = hours(world, "part-75")
    world._shut()
    factor = f'{{from: "{rfc3339(NOON + (FIRST - 1) * HOUR)}", factor: 1.1, reason: RATA}}'
    world = RegulatedWorld(tmp_path, configured(tmp_path, "part-75", f"bias: [{factor}]"), world.now)

    deliver(world, APRIL + 2, quarters(APRIL + 2, 12.0))

    after = hours(world, "part-75")
    assert of_march(after) == of_march(before)
    assert after[APRIL][1] == pytest.approx(before[APRIL][1] * 1.1)
    assert waiting(world)["regulated_hours"] == 4
    assert waiting(world)["regulated_delta_t"] > 0
    world.close()


def test_solid_b5_what_equation_4_moves_is_no_other_generation(world: RegulatedWorld) -> None:
    """Each hour of April moves the substituted one of March; who has seen one number may approve the next."""
    decide(world, "final")
    closed = of_march(hours(world))
    deliver(world, APRIL + 2, minutes(APRIL + 2, 30.0))
    seen = waiting(world)
    assert seen["regulated_hours"] == 1

    deliver(world, APRIL + 3, minutes(APRIL + 3, 35.0))

    now = waiting(world)
    assert now["generation"] == seen["generation"]
    assert now["regulated_delta_t"] != seen["regulated_delta_t"]
    assert of_march(hours(world)) == closed


def test_solid_b5_closing_counts_the_hours_that_have_ended(tmp_path: Path) -> None:
    """The last hour of March is younger than the lateness when the month is closed."""
    world = RegulatedWorld(tmp_path, CONFIGURATION, NOON)
    for hour in range(FIRST, APRIL):
        world.now = NOON + (hour + 1) * HOUR
        world.send(*minutes(hour, 10.0))
    world.now += MINUTE
    assert len(hours(world)) == 3

    assert decide(world, "final").startswith("done")

    assert sorted(hours(world)) == list(range(FIRST, APRIL))
    world.tick(NOON + APRIL * HOUR + LATENESS)
    assert waiting(world) is None
    world.close()


def test_solid_b5_hours_before_the_first_one_of_a_final_month_wait_too(world: RegulatedWorld) -> None:
    decide(world, "final")
    before = hours(world)

    world.send(*minutes(FIRST - 2, 9.0))

    assert of_march(hours(world)) == of_march(before)
    assert waiting(world)["regulated_hours"] >= 2
    for by in ("lan", "minh"):
        decide(world, "approve", by)
    assert min(hours(world)) == FIRST - 2


@pytest.mark.parametrize("later", [0, 40 * HOUR])
def test_solid_b5_a_state_made_again_from_the_journal_has_the_same_hours(
    world: RegulatedWorld, later: int
) -> None:
    """Also long after, when hours have passed of which nobody knows anything."""
    decide(world, "final")
    world.send(*minutes(FIRST + 1, 11.0)[:60])
    world.send(*minutes(FIRST + 1, 11.0)[60:])
    for by in ("lan", "minh"):
        assert decide(world, "approve", by).startswith("done")
    world.send(*quarters(FIRST + 1, 11.0))
    known = f"WHERE hour < {NOON + (APRIL + 2) * HOUR}"
    tables = (
        f"SELECT source, hour, status, co2e_t, inputs FROM regulated_hour {known} ORDER BY 1, 2",
        "SELECT source, hour, status, co2e_t, inputs FROM pending_regulated ORDER BY 1, 2",
        "SELECT park, start, status, approved_by FROM period",
        "SELECT id, outcome, detail FROM decision ORDER BY id",
    )
    before = [world.rows(query) for query in tables]
    assert before[1]

    world.now += later
    world._shut()
    for path in world.folder.glob("state.db*"):
        path.unlink()
    world._open()
    while world.line.step():
        pass

    assert [world.rows(query) for query in tables] == before


def restated(folder: Path, config: Path) -> Report:
    catalogue = load_catalogue(config)
    plant = load(config, catalogue, AnySecret())
    request = Request(config, folder, "2026-03", "2026-03")
    return work.publish(request, plant, "lan", lambda: NOON + (APRIL + 3) * HOUR, lambda _done, _of: None)


@pytest.mark.parametrize("final", [False, True])
def test_solid_b5_a_restatement_touches_the_hours_of_its_months_and_of_a_final_one_none(
    tmp_path: Path, final: bool
) -> None:
    """Under another cadence an hour of March is missing, and with it equation 4 of April's gap is another one."""
    world = RegulatedWorld(tmp_path, CONFIGURATION, NOON)
    story(world)
    deliver(world, APRIL + 2, minutes(APRIL + 2, 12.0, ()))
    deliver(world, APRIL + 3, minutes(APRIL + 3, 12.0))
    if final:
        decide(world, "final")
    before = hours(world)
    world._shut()
    config = configured(tmp_path, "mrr", "cadence: 30s")

    report = restated(tmp_path, config)

    world = RegulatedWorld(tmp_path, config, world.now)
    after, told = hours(world), causes(world)
    assert {one.month for one in report.hours} == {"2026-03"}
    assert {one.held for one in report.hours} == {final}
    assert {hour: one for hour, one in after.items() if hour >= APRIL} == {
        hour: one for hour, one in before.items() if hour >= APRIL
    }
    assert (of_march(after) == of_march(before)) is final
    assert (("restatement", "lan") in told) is not final
    assert (waiting(world) is not None) is final
    report_of_proof = verify(world.plant, world.catalogue, world.folder)
    kinds = {(one.kind, one.row.split()[-1] >= "2026-03-31T17") for one in report_of_proof.findings}
    assert "differs" not in {kind for kind, _ in kinds}
    world._shut()


def test_solid_b5_what_waits_of_a_source_that_is_gone_stops_nobody(
    world: RegulatedWorld, tmp_path: Path
) -> None:
    decide(world, "final")
    world.send(*minutes(FIRST + 1, 11.0))
    text = (CONFIGURATION / "plant.yaml").read_text()
    line = next(one for one in text.splitlines() if "name: mrr" in one)
    (tmp_path / "plant.yaml").write_text(text.replace(line, ""))

    world.restart(tmp_path)

    assert waiting(world) is None
    assert decide(world, "approve").startswith("refused: nothing waits")
    world.restart(CONFIGURATION)
    assert waiting(world)["regulated_hours"] > 0


def test_solid_b5_what_waits_is_proven_by_the_readings(tmp_path: Path) -> None:
    world = RegulatedWorld(tmp_path, CONFIGURATION, NOON)
    story(world)
    decide(world, "final")
    world.send(*minutes(FIRST + 1, 11.0))
    report = verify(world.plant, world.catalogue, tmp_path)
    assert report.proven
    assert report.counts["recomputed", "waiting"] > 60

    world.state.connection.execute("UPDATE pending_regulated SET co2e_t = co2e_t * 1.01 WHERE co2e_t > 0")
    report = verify(world.plant, world.catalogue, tmp_path)
    world._shut()
    assert not report.proven
    assert (
        json.dumps([one.detail for one in report.findings if one.kind == "differs"]).count("waiting co2e_t")
        > 0
    )
