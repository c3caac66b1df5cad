"""Movements of instruments as people enter, approve and strike them, taken by the line at its place among the messages.

One is taken after the other, and each is looked at beside all that were approved before: of two people who use the same
holding at the same second, the second one is refused.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from plant.park import Plant
from plant.vocabulary import NS_PER_S
from rules.market.holdings import MovementRefused, accounts, check_said, holdings, move_of
from store.accounting.closing import DecisionRefused
from store.messages.journal import Message
from store.once import KeyUsed, is_noted
from store.records.checks import check_another
from store.records.decisions import MOVEMENT, Moved, MovementDecision
from store.records.movements import Movement, counting_movements, find_movement, write_movement
from store.records.table import RecordStanding, Who, evidence_kind
from store.state import State

NEEDS_REASON = ("refuse", "strike")


class Movements:
    """Takes decisions inside the line's transaction."""

    def __init__(self, plant: Plant, state: State) -> None:
        self._plant, self._state = plant, state
        self._accounts = accounts(plant)
        self._zones = {park.name: park.zone for park in plant.parks}
        self.takers: Mapping[bytes, Callable[[Message, int], None]] = {MOVEMENT: self._take}

    def _take(self, message: Message, offset: int) -> None:
        """Take one decision and note its outcome, `done` or `refused`. One that came before is left."""
        made = msgspec.json.decode(message.payload, type=MovementDecision)
        try:
            if is_noted(self._state.connection, made.id):
                return
            outcome, detail = "done", self._act(made, message.received, offset)
        except (DecisionRefused, MovementRefused, KeyUsed) as refusal:
            outcome, detail = "refused", str(refusal)
        action = f"movement-{made.action}"
        self._state.closing.note(made.id, message.received, offset, made.by, action, "", 0, outcome, detail)

    def _act(self, made: MovementDecision, now: int, offset: int) -> str:
        who = Who(made.by, made.key or made.by)
        if made.action == "enter":
            return self._enter(made, who, now, offset)
        if made.action in NEEDS_REASON and not made.reason:
            raise DecisionRefused(f"say why with reason: what is to {made.action} is kept with it")
        movement = find_movement(self._state.connection, made.movement)
        if movement is None:
            raise DecisionRefused(f"there is no movement {made.movement!r}")
        wanted = RecordStanding.APPROVED if made.action == "strike" else RecordStanding.ENTERED
        if movement.standing is not wanted:
            raise DecisionRefused(f"movement {movement.id} is {movement.standing}, and not {wanted}")
        match made.action:
            case "approve":
                self._approve(movement, who, now, offset)
            case "withdraw":
                if movement.entered_by != made.by:
                    raise DecisionRefused(
                        f"movement {movement.id} was entered by {movement.entered_by}: nobody else withdraws it"
                    )
                self._write(movement.ended(RecordStanding.WITHDRAWN, made.by, now, made.reason))
            case "refuse":
                self._write(movement.ended(RecordStanding.REFUSED, made.by, now, made.reason))
            case "strike":
                self._strike(movement.ended(RecordStanding.STRUCK, made.by, now, made.reason))
        return f"movement {movement.id}: {_DONE[made.action]}"

    def _enter(self, made: MovementDecision, who: Who, now: int, offset: int) -> str:
        if made.moved is None:
            raise DecisionRefused("no movement is said")
        movement = Movement.of(made.moved, offset, who, now)
        self._check_said(made.moved, movement, now)
        self._check_beside(counting_movements(self._state.connection, waiting=True), movement)
        self._write(movement)
        return f"movement {movement.id}: entered, and counts once another person has approved it"

    def _check_said(self, said: Moved, movement: Movement, now: int) -> None:
        if said.place not in self._accounts:
            raise DecisionRefused(f"no instrument {said.place} is configured")
        check_said(self._accounts[said.place], move_of(movement))
        zone = self._zones[said.park]
        today = datetime.fromtimestamp(now // NS_PER_S, UTC).astimezone(zone).date()
        if said.day > today.isoformat():
            raise DecisionRefused(f"it is of {said.day}, and that is not yet")
        if evidence_kind(self._state.connection, said.evidence) is None:
            raise DecisionRefused(f"no evidence {said.evidence!r} was handed in: hand in the file first")

    def _approve(self, movement: Movement, who: Who, now: int, offset: int) -> None:
        check_another(self._plant, movement, who)
        approved = movement.approved(who, now, offset)
        self._check_beside(counting_movements(self._state.connection), approved)
        self._write(approved)

    def _strike(self, struck: Movement) -> None:
        before = counting_movements(self._state.connection)
        after = [one for one in before if one.message != struck.message]
        for number, why in self._new_refusals(before, after).items():
            raise DecisionRefused(f"movement {number} rests on it: {why}")
        self._write(struck)

    def _check_beside(self, before: list[Movement], movement: Movement) -> None:
        """Refuse a movement that cannot be beside others, or after which one of them could not."""
        after = sorted([*before, movement], key=_place)
        found = self._new_refusals(before, after)
        if movement.id in found:
            raise DecisionRefused(found[movement.id])
        for number, why in found.items():
            raise DecisionRefused(f"movement {number} could not be any more: {why}")

    def _new_refusals(self, before: list[Movement], after: list[Movement]) -> Mapping[str, str]:
        """Return which movements cannot be among some, and could among others or were not there; in their order."""
        known = holdings(self._accounts, map(move_of, before)).refused
        found = holdings(self._accounts, map(move_of, after)).refused
        return {number: why for number, why in found.items() if number not in known}

    def _write(self, movement: Movement) -> None:
        write_movement(self._state.connection, movement)


def _place(one: Movement) -> tuple[str, bool, int, int]:
    return one.day, one.approved_in is None, one.approved_in or 0, one.message


_DONE = {
    "approve": "approved, and counts",
    "refuse": "refused",
    "withdraw": "withdrawn",
    "strike": "struck, and counts no longer",
}
