"""Backfills as the line knows them: which gateways speak for a whole facility, and how far back."""

import msgspec

from plant.park import Plant
from plant.vocabulary import SINCE_EVER
from store.accounting.closing import DecisionRefused
from store.messages.backfills import BackfillDecision, close_backfill, open_backfill, reach
from store.messages.journal import Message
from store.once import KeyUsed, is_noted
from store.state import State


class Backfills:
    """Takes decisions about backfills inside the line's transaction, and knows what is open.

    Attributes
    ----------
    reach
        How far back [ns UTC] each gateway of an open backfill may tell, by id (park/facility/gateway).
    """

    def __init__(self, plant: Plant, state: State) -> None:
        self._plant, self._state = plant, state
        self.reach: dict[str, int] = {}
        self.forget()

    def forget(self) -> None:
        """Know no more than the state does, as after a rollback."""
        self.reach.clear()
        self.reach.update(reach(self._state.connection))

    def take(self, message: Message, offset: int) -> None:
        """Take one decision and note its outcome, `done` or `refused`. One that came before is left."""
        made = msgspec.json.decode(message.payload, type=BackfillDecision)
        try:
            if is_noted(self._state.connection, made.id):
                return
            outcome, detail = "done", self._act(made, message.received)
        except (DecisionRefused, KeyUsed) as refusal:
            outcome, detail = "refused", str(refusal)
        action = "backfill-close" if made.close else "backfill"
        self._state.closing.note(made.id, message.received, offset, made.by, action, "", 0, outcome, detail)
        self.forget()

    def _act(self, made: BackfillDecision, now: int) -> str:
        if made.close:
            if not close_backfill(self._state.connection, made.gateway, now):
                raise DecisionRefused(f"no backfill by {made.gateway!r} is open")
            return "closed: its gateway is one like any other that nobody has configured"
        if any(gateway.id == made.gateway for gateway in self._plant.gateways):
            raise DecisionRefused(
                f"{made.gateway!r} is a gateway of the configuration: a backfill has a gateway of its own"
            )
        place = made.gateway.split("/")
        if not any([one.park, one.name] == place[:-1] for one in self._plant.facilities):
            raise DecisionRefused(
                f"{made.gateway!r} is no park/facility/gateway of a facility that is configured"
            )
        if not SINCE_EVER < made.oldest < now:
            raise DecisionRefused("oldest, since when it tells, must lie in the past")
        open_backfill(self._state.connection, made, now)
        return "open: no reading since then is too old"
