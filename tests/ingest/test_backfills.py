"""A backfill: a gateway of its own tells the history of a facility, as far back as somebody has decided, and wakes nobody."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from store.messages.backfills import BackfillDecision, backfills
from tests.alerts.clockwork import DESK, LIMITS, MIDNIGHT, Clockwork, write
from tests.semantics.world import DAY, GRID, HOUR, MINUTE, NOON, SITE, World, reading

YEAR_AGO = NOON - 365 * DAY
HISTORY = f"{SITE}/history"
_ids = count(1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "state").mkdir()
    made = World(tmp_path / "state")
    yield made
    made.close()


def opening(gateway: str = HISTORY, oldest: int = YEAR_AGO - DAY, **more: Any) -> BackfillDecision:
    return BackfillDecision(f"b{next(_ids)}", "lan", gateway, oldest, "exports of the old system", **more)


def tell(world: World, *values: float, seq: int = 1, gateway: str = "history", start: int = YEAR_AGO) -> None:
    """Let a gateway tell of an hour in each minute of which the register stands at a value."""
    readings = [reading("reg", start + n * MINUTE, value) for n, value in enumerate(values)]
    world.send(*readings, gateway=gateway, boot="old", seq=seq)


def activity(world: World, start: int = YEAR_AGO) -> list[float | None]:
    return [value for value, _ in world.activity("reg", start, start + 3 * MINUTE).values()]


def outcome(world: World) -> tuple[str, str]:
    [found] = world.rows("SELECT outcome, detail FROM decision ORDER BY message DESC LIMIT 1")
    return found


def test_without_a_decision_history_is_refused(world: World) -> None:
    tell(world, 0.0, 10.0)
    assert world.codes("history") == {"unmapped": 1}
    world.send(reading("reg", YEAR_AGO, 0.0), boot="b", seq=1)
    assert world.codes("gw") == {"ts_old": 1}


def test_its_gateway_speaks_for_all_channels_of_its_facility_as_far_back_as_was_decided(world: World) -> None:
    world.decide(opening())
    assert outcome(world) == ("done", "open: no reading since then is too old")
    tell(world, 0.0, 10.0, 20.0, 30.0)
    assert activity(world) == [10.0, 10.0, 10.0]
    assert world.balance("history") == ({"late": 1}, {"late": 4})
    total = world.total("reg", period="2025-03-10")
    assert total["co2e_t"] == pytest.approx(30 * GRID, rel=1e-12)
    tell(world, 0.0, seq=2, start=YEAR_AGO - 2 * DAY)
    assert world.codes("history") == {"ts_old": 1}
    world.send(reading("reg", YEAR_AGO, 0.0), boot="b", seq=1)
    assert world.codes("gw") == {"ts_old": 1}  # no other gateway may
    world.send(reading("nothing", YEAR_AGO, 0.0), gateway="history", boot="old", seq=3)
    assert world.codes("history") == {"ts_old": 1, "unmapped": 1}


def test_what_is_told_twice_is_known_and_a_restart_remembers_what_is_open(world: World) -> None:
    world.decide(opening())
    tell(world, 0.0, 10.0)
    world.restart()
    tell(world, 0.0, 10.0)
    tell(world, 20.0, seq=2, start=YEAR_AGO + 2 * MINUTE)
    assert activity(world)[:2] == [10.0, 10.0]
    assert world.balance("history")[1] == {"late": 3, "duplicate": 2}


def test_closed_it_is_a_gateway_like_any_that_nobody_has_configured(world: World) -> None:
    world.decide(opening())
    tell(world, 0.0, 10.0)
    world.decide(opening(close=True))
    assert outcome(world)[0] == "done"
    tell(world, 20.0, seq=2, start=YEAR_AGO + 2 * MINUTE)
    assert world.codes("history") == {"unmapped": 1}
    [one] = backfills(world.state.connection)
    assert (one.gateway, one.opened_by, one.closed is None) == (HISTORY, "lan", False)
    world.decide(opening(close=True))
    assert outcome(world) == ("refused", f"no backfill by '{HISTORY}' is open")
    world.decide(opening(oldest=YEAR_AGO + DAY))  # opened again, it reaches as far back as it did
    tell(world, 20.0, seq=3, start=YEAR_AGO + 2 * MINUTE)
    assert activity(world)[:2] == [10.0, 10.0]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (opening(f"{SITE}/gw"), "is a gateway of the configuration"),
        (opening("park-a/nowhere/history"), "is no park/facility/gateway of a facility that is configured"),
        (opening("history"), "is no park/facility/gateway"),
        (opening(f"{SITE}/a/b"), "is no park/facility/gateway"),
        (opening(""), "is no park/facility/gateway"),
        (opening(oldest=NOON + 400 * DAY), "must lie in the past"),
        (opening(oldest=-(2**62)), "must lie in the past"),
    ],
)
def test_a_decision_that_cannot_be_is_refused_and_changes_nothing(
    world: World, made: BackfillDecision, why: str
) -> None:
    world.decide(made)
    told, detail = outcome(world)
    assert told == "refused"
    assert why in detail
    assert backfills(world.state.connection) == []


def test_verify_proves_what_a_backfill_brought_by_samples_too(world: World) -> None:
    from proof.verify.verify import verify  # noqa: PLC0415  as `World.close` does, beside it

    world.decide(opening())
    tell(world, 0.0, 10.0)
    world.decide(opening(close=True))
    report = verify(world.plant, world.catalogue, world.folder, quick=Random(3))
    assert report.proven, report.findings


def test_a_reading_that_is_there_with_another_value_is_a_conflict_as_any_other(world: World) -> None:
    world.send(reading("reg", NOON - HOUR, 5.0), boot="b", seq=1)
    world.decide(opening())
    world.send(reading("reg", NOON - HOUR, 7.0), gateway="history", boot="old", seq=1)
    assert len(world.rows("SELECT 1 FROM reading_lost")) == 1


def test_history_wakes_nobody(tmp_path: Path) -> None:
    write(tmp_path / "config", LIMITS + DESK)
    (tmp_path / "state").mkdir()
    world = Clockwork(tmp_path / "state", tmp_path / "config", MIDNIGHT)
    try:
        world.at("06:00", t0=20.0)
        place = world.plant.channels[0]
        world.decide(opening(f"{place.park}/{place.facility}/history", world.now - 400 * DAY))
        name = f"sm/v1/{place.park}/{place.facility}/history/readings"
        old = {"readings": [reading("t0", world.now - 300 * DAY, 500.0, "°C")], "boot": "old", "seq": 1}
        world.publish(old, topic=name)
        assert world.rows(
            "SELECT sum(accepted + late) FROM balance_ever WHERE gateway LIKE '%history' AND book = 'readings'"
        ) == [(1,)]
        world.at("06:10", t0=20.0)
        assert world.told() == []
        assert world.alerts() == []
    finally:
        world.close()
