"""Movements that were entered before what the journal still has are decided of later, and proven all the same."""

from pathlib import Path
from random import Random

import pytest

from proof.verify.verify import verify
from store.messages.journal import DECISION
from store.records.decisions import Entered, RecordDecision
from tests.proof.archived import APRIL, DESPITE, Archive
from tests.semantics.test_9_movements import CONFIG, DEED, Ledgers, hand_in, quota
from tests.semantics.world import DAY, ns


@pytest.mark.parametrize("later", ["approve and sell", "strike"])
def test_what_is_decided_of_a_movement_whose_entry_was_pruned_is_proven(tmp_path: Path, later: str) -> None:
    (tmp_path / "state").mkdir()
    world = Ledgers(tmp_path / "state", CONFIG, ns("2026-01-20T12:00:00+07:00"))
    archive = Archive(tmp_path, world)
    hand_in(world)
    counts = world.approved(quota("granted", 500, "2026-01-10"))
    waits = world.enter(quota("granted", 900, "2026-01-10"))
    chance = Random(5)
    for _ in range(10):  # so that the journal has more than one piece to give up
        world.enter(quota("granted", 1, "2026-01-11", note=chance.randbytes(200).hex()))
    world.now = ns("2026-03-05T12:00:00+07:00")
    for first, last in (("01", "02"), ("02", "03")):
        months = [ns(f"2026-{one}-01T00:00:00+07:00") for one in (first, last)]
        said = Entered("park-a", "works", "invoice", *months, 700.0, "kWh", f"EVN {first}", DEED)
        world.decide(RecordDecision(f"in{first}", "lan", "enter", (said,)))  # type: ignore[arg-type]
        [(message,)] = world.rows("SELECT max(message) FROM record")
        number = (f"{message}-1",)
        world.decide(RecordDecision(f"ok{first}", "minh", "approve", records=number))  # type: ignore[arg-type]
    for number, month in enumerate(("2026-01", "2026-02")):
        decision = {"id": f"c{number}", "by": "lan", "action": "final", "park": "park-a", "month": month}
        world.publish(decision | DESPITE, topic="$stackmeter/decision", flags=DECISION)
    world.tick(APRIL)
    archive.write()
    assert archive.prune() > int(waits)

    world.now = APRIL + DAY
    if later == "strike":
        assert world.say("strike", counts)[0] == "done"
    else:
        assert world.say("approve", waits)[0] == "done"
        world.approved(quota("sold", 1400, "2026-04-01"))  # of both grants
    whole = verify(world.plant, world.catalogue, world.folder, archive=archive.place)
    assert [one for one in whole.findings if one.kind == "differs"] == []
    without = verify(world.plant, world.catalogue, world.folder, archive=None)
    assert [one for one in without.findings if one.kind == "differs"] == []
    world._shut()
