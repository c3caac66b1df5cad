"""Records that were entered before what the journal still has are decided of later, and proven all the same."""

from pathlib import Path

import pytest

from proof.verify.verify import verify
from store.messages.journal import DECISION
from tests.proof.archived import APRIL, DESPITE, Archive
from tests.semantics.test_9_records import CONFIG, Books, invoice
from tests.semantics.world import DAY, ns


@pytest.mark.parametrize("later", ["approve", "refuse", "strike", "replace", "nothing"])
def test_what_is_decided_of_a_record_whose_entry_was_pruned_is_proven(tmp_path: Path, later: str) -> None:
    (tmp_path / "state").mkdir()
    world = Books(tmp_path / "state", CONFIG, ns("2026-01-20T12:00:00+07:00"))
    archive = Archive(tmp_path, world)
    world.hand_in()
    waits = world.enter(invoice("2026-01-02", "2026-01-05", 900))
    counts = world.approved(invoice("2026-01-06", "2026-01-09", 500))
    world.now = ns("2026-03-05T12:00:00+07:00")
    world.approved(invoice("2026-02-01", "2026-03-01", 700))
    for number, month in enumerate(("2026-01", "2026-02")):
        decision = {"id": f"c{number}", "by": "lan", "action": "final", "park": "park-a", "month": month}
        world.publish(decision | DESPITE, topic="$stackmeter/decision", flags=DECISION)
    world.tick(APRIL)
    archive.write()
    assert archive.prune() > 0

    world.now = APRIL + DAY
    if later in ("approve", "refuse"):
        told = world.say(later, waits, by="minh", reason="of before")  # type: ignore[arg-type]
    elif later == "strike":
        told = world.say("strike", counts, by="minh", reason="of before")
    elif later == "replace":
        told = world.say(
            "approve", world.enter(invoice("2026-01-06", "2026-01-10", 510, replaces=counts)), by="minh"
        )
    else:
        told = ("done", "")
    assert told[0] == "done", told

    whole = verify(world.plant, world.catalogue, world.folder, archive=archive.place)
    assert [one for one in whole.findings if one.kind == "differs"] == []
    without = verify(world.plant, world.catalogue, world.folder, archive=None)
    assert [one for one in without.findings if one.kind == "differs"] == []
    world.is_rebuilt = False
    world._shut()
