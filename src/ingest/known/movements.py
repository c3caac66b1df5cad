"""Movements of instruments as people enter, approve and strike them, taken by the line at its place among the messages.

One is taken after the other, and each is looked at beside all that were approved before: of two people who use the same
holding at the same second, the second one is refused.
"""

from collections.abc import Callable, Mapping

import msgspec

from plant.park import Plant
from rules.market.entering import MovementRules
from rules.market.holdings import MovementRefused
from store.accounting.closing import DecisionRefused
from store.messages.journal import Message
from store.once import KeyUsed, is_noted
from store.records.checks import MOST_ROWS, check_another, check_rows
from store.records.decisions import MOVEMENT, MovementDecision
from store.records.movements import Movement, counting_movements, find_movement, write_movements
from store.records.table import RecordStanding, Who, evidence_kind
from store.state import State

NEEDS_REASON = ("refuse", "strike")


class Movements:
    """Takes decisions inside the line's transaction."""

    def __init__(self, plant: Plant, state: State) -> None:
        self._plant, self._state = plant, state
        self._rules = MovementRules(plant)
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
        """Enter a movement, or a table of them, all or none."""
        connection = self._state.connection
        entered = {row: Movement.of(said, offset, row, who, now) for row, said in made.rows.items()}
        if not entered:
            raise DecisionRefused("no movement is said")
        if len(entered) > MOST_ROWS:
            raise DecisionRefused(f"from 1 to {MOST_ROWS} movements are entered together")
        refused = self._rules.refusals(counting_movements(connection, waiting=True), entered, now)
        for row, one in entered.items():
            if row not in refused and evidence_kind(connection, one.evidence) is None:
                refused[row] = f"no evidence {one.evidence!r} was handed in: hand in the file first"
        check_rows(refused, len(entered))
        write_movements(connection, entered.values())
        ids = [one.id for one in entered.values()]
        which = f"movement {ids[0]}" if len(ids) == 1 else f"movements {ids[0]} to {ids[-1]}"
        return f"{which}: entered, and counts once another person has approved it"

    def _approve(self, movement: Movement, who: Who, now: int, offset: int) -> None:
        check_another(self._plant, movement, who)
        approved = movement.approved(who, now, offset)
        self._rules.check_beside(counting_movements(self._state.connection), approved)
        self._write(approved)

    def _strike(self, struck: Movement) -> None:
        self._rules.check_without(counting_movements(self._state.connection), struck)
        self._write(struck)

    def _write(self, movement: Movement) -> None:
        write_movements(self._state.connection, [movement])


_DONE = {
    "approve": "approved, and counts",
    "refuse": "refused",
    "withdraw": "withdrawn",
    "strike": "struck, and counts no longer",
}
