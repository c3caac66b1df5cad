"""Movements of instruments: one person enters, another approves, and no holding is used twice, whoever is at it at once."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from store.folder import evidence_folder
from store.kept_files import KeptFiles, digest_of
from store.records.decisions import EvidenceDecision, Moved, MovementDecision, RecordAction
from store.records.movements import find_movement
from tests.semantics.world import World, ns

CONFIG = Path(__file__).with_name("market")
DEED_BYTES = b"%PDF-1.7 a deed"
DEED = digest_of(DEED_BYTES)
NOW = ns("2026-12-01T09:00:00+07:00")
_number = count()


class Ledgers(World):
    """A world in which people move instruments."""

    def decided(self, made: MovementDecision) -> tuple[str, str]:
        self.decide(made)  # type: ignore[arg-type]  # it takes whatever has a message
        [(outcome, detail)] = self.rows("SELECT outcome, detail FROM decision WHERE id = ?", made.id)
        return outcome, detail

    def try_to_enter(self, moved: Moved, by: str = "lan", key: str = "") -> tuple[str, str]:
        return self.decided(MovementDecision(f"m{next(_number)}", by, "enter", moved, key=key))

    def enter(self, moved: Moved, by: str = "lan", key: str = "") -> str:
        outcome, detail = self.try_to_enter(moved, by, key)
        assert outcome == "done", detail
        return detail.split(":")[0].removeprefix("movement ")

    def say(
        self, action: RecordAction, number: str, by: str = "minh", reason: str = "why", key: str = ""
    ) -> tuple[str, str]:
        made = MovementDecision(f"m{next(_number)}", by, action, movement=number, reason=reason, key=key)
        return self.decided(made)

    def approved(self, moved: Moved) -> str:
        number = self.enter(moved)
        outcome, detail = self.say("approve", number)
        assert outcome == "done", detail
        return number

    def standing(self, number: str) -> str:
        found = find_movement(self.state.connection, number)
        return "nothing" if found is None else found.standing.value


def hand_in(world: World) -> None:
    KeptFiles(evidence_folder(world.folder)).put(DEED_BYTES)
    world.decide(EvidenceDecision("deed", "lan", DEED, "pdf", len(DEED_BYTES)))  # type: ignore[arg-type]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Ledgers]:
    (tmp_path / "state").mkdir()
    one = Ledgers(tmp_path / "state", CONFIG, NOW)
    hand_in(one)
    yield one
    one.close()


def quota(act: str, amount: float, day: str = "2026-03-01", year: int | None = 2026, **more: Any) -> Moved:
    return Moved("park-a", "works", "quota", act, day, amount, "decision 699", DEED, year, **more)


def credit(act: str, first: int, last: int, day: str = "2026-03-01", facility: str = "works") -> Moved:
    year, serials = 2026 if act == "surrendered" else None, (("VN-1", first, last),)
    return Moved(
        "park-a", facility, "credits", act, day, last - first + 1.0, "contract 7", DEED, year, serials
    )


def test_only_what_another_person_has_approved_is_held(world: Ledgers) -> None:
    number = world.enter(quota("granted", 1052))

    assert world.standing(number) == "entered"
    assert world.say("approve", number, by="lan") == (
        "refused",
        f"lan has entered {number}: another person approves it",
    )
    assert world.say("approve", number) == ("done", f"movement {number}: approved, and counts")
    assert world.say("approve", number) == ("refused", f"movement {number} is approved, and not entered")


def test_a_shared_key_is_one_person(world: Ledgers) -> None:
    number = world.enter(quota("granted", 1052), key="office")

    outcome, detail = world.say("approve", number, key="office")
    assert outcome == "refused"
    assert "with the key office, which is one person" in detail


def test_two_who_retire_the_same_at_once_do_not_both(world: Ledgers) -> None:
    """The line takes one after the other: the second is refused, when it is entered or when it is approved."""
    world.approved(credit("bought", 1, 600))
    first = world.enter(credit("surrendered", 101, 300, "2026-05-01"), by="lan")
    outcome, detail = world.try_to_enter(credit("surrendered", 300, 400, "2026-05-01"), by="hoa")

    assert (outcome, detail) == ("refused", "the serial VN-1 300 is not held on 2026-05-01")
    assert world.say("approve", first)[0] == "done"
    assert world.say("withdraw", world.enter(credit("sold", 301, 400, "2026-05-02")), by="lan")[0] == "done"


def test_two_approvals_of_one_holding_take_it_once(world: Ledgers) -> None:
    bought = world.approved(quota("granted", 1000))
    sales = [world.enter(quota("sold", 600, "2026-04-01")), world.enter(quota("bought", 600, "2026-04-01"))]
    sales.append(world.enter(quota("sold", 900, "2026-04-02")))

    assert world.say("approve", sales[0])[0] == "done"
    assert world.say("approve", sales[2]) == (
        "refused",
        "900 would be sold on 2026-04-02, and 400 is held then",
    )
    outcome, detail = world.say("strike", bought)
    assert outcome == "refused"
    assert detail.startswith(
        f"movement {sales[0]} rests on it: 600 would be sold on 2026-04-01, and 0 is held"
    )


def test_what_was_sold_before_cannot_be_sold_again_by_a_day_before(world: Ledgers) -> None:
    """A movement of an earlier day counts from then on, and must leave those after it possible."""
    world.approved(quota("granted", 1000, "2026-01-01"))
    later = world.approved(quota("sold", 800, "2026-06-01"))

    outcome, detail = world.try_to_enter(quota("sold", 300, "2026-02-01"))
    assert (outcome, detail) == (
        "refused",
        f"movement {later} could not be any more: 800 would be sold on 2026-06-01, and 700 is held then",
    )


def test_a_table_is_entered_as_a_whole_or_not_at_all(world: Ledgers) -> None:
    """Its rows count in the order of their days; what was there before must stay possible."""
    world.approved(quota("granted", 1000, "2026-01-01"))
    later = world.approved(quota("sold", 800, "2026-06-01"))

    def enter(*rows: Moved) -> tuple[str, str]:
        return world.decided(MovementDecision(f"m{next(_number)}", "lan", "enter", table=rows))

    early = [quota("sold", 100, f"2026-02-0{day}") for day in (1, 2, 3)]
    assert enter(*early) == (
        "refused",
        f"row 3: movement {later} could not be any more: 800 would be sold on 2026-06-01, and 700 is held then",
    )
    assert enter(quota("sold", 301, "2026-07-01"), quota("sold", 1, "2026-12-02"), early[0]) == (
        "refused",
        "row 1: 301 would be sold on 2026-07-01, and 100 is held then; and 1 more rows are refused",
    )
    assert world.rows("SELECT count(*) FROM movement") == [(2,)]
    outcome, detail = enter(quota("sold", 300, "2026-07-01"), quota("bought", 200, "2026-06-30"))
    [(message,)] = world.rows("SELECT max(message) FROM movement")
    ids = [f"{message}-1", f"{message}-2"]
    assert (outcome, detail) == (
        "done",
        f"movements {ids[0]} to {ids[1]}: entered, and counts once another person has approved it",
    )
    assert [world.say("approve", one)[0] for one in (ids[0], ids[1], ids[0])] == ["refused", "done", "done"]


def test_a_serial_counts_once_in_a_registry(world: Ledgers) -> None:
    world.approved(credit("bought", 1, 600))

    outcome, detail = world.try_to_enter(credit("bought", 500, 700, facility="neighbour"))
    assert (outcome, detail) == (
        "refused",
        "park-a/works/credits holds the serials VN-1 500-600 on 2026-03-01: a serial counts once",
    )
    sold = world.approved(credit("sold", 500, 600, "2026-04-01"))
    world.approved(credit("bought", 500, 600, "2026-04-01", facility="neighbour"))
    assert world.say("strike", sold)[0] == "refused"


@pytest.mark.parametrize(
    ("moved", "why"),
    [
        (quota("granted", 1, "2026-12-02"), "it is of 2026-12-02, and that is not yet"),
        (credit("bought", 9, 1), "an amount is above 0"),
        (quota("retired", 1), "nothing of kind allowance is retired"),
        (Moved("park-a", "works", "none", "bought", "2026-01-01", 1.0, "s", DEED), "no instrument park-a/works/none"),
        (Moved("park-b", "", "irec", "bought", "2026-01-01", 1.0, "s", DEED), "no instrument park-b/irec"),
        (Moved("park-a", "works", "quota", "granted", "2026-01-01", 1.0, "s", "sha256:no", 2026), "no evidence"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(world: Ledgers, moved: Moved, why: str) -> None:
    outcome, detail = world.try_to_enter(moved)

    assert outcome == "refused"
    assert why in detail


def test_refused_withdrawn_and_struck_ones_stay_to_be_seen(world: Ledgers) -> None:
    refused, withdrawn = world.enter(quota("granted", 1)), world.enter(quota("granted", 2))
    struck = world.approved(quota("granted", 3))

    assert world.say("refuse", refused, reason="")[1].startswith("say why with reason")
    assert world.say("withdraw", withdrawn, by="minh")[1].endswith("entered by lan: nobody else withdraws it")
    assert world.say("refuse", refused)[0] == world.say("withdraw", withdrawn, by="lan")[0] == "done"
    assert world.say("strike", struck)[0] == "done"
    assert [world.standing(one) for one in (refused, withdrawn, struck)] == ["refused", "withdrawn", "struck"]
    assert world.say("strike", "77")[1] == "there is no movement '77'"


def test_whatever_people_do_follows_from_the_journal(world: Ledgers) -> None:
    """Random decisions, a restart among them; `close` verifies every row and makes the state again, bit by bit."""
    chance, known, done = Random(51), ["0"], 0
    for step in range(120):
        first = chance.randint(1, 40)
        day = f"2026-{chance.randint(1, 11):02}-{chance.randint(1, 28):02}"
        act = chance.choice(["bought", "bought", "sold", "surrendered", "cancelled"])
        facility = chance.choice(["works", "neighbour"])
        if chance.random() < 0.5:
            outcome, detail = world.try_to_enter(
                credit(act, first, first + chance.randint(0, 9), day, facility)
            )
            known += [detail.split(":")[0].removeprefix("movement ")] if outcome == "done" else []
        else:
            action = chance.choice(["approve", "approve", "approve", "strike", "withdraw", "refuse"])
            outcome, _ = world.say(action, chance.choice(known), by=chance.choice(["lan", "minh"]))
        done += outcome == "done"
        if step == 60:
            world.restart()
    assert done > 20
