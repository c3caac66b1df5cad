"""What the routes of movements need of the service."""

from collections.abc import Callable, Sequence

from pydantic import BaseModel

from api.access.caller import Caller
from api.market.bodies import MovementDecidedBody, movement_body
from api.problems import InvalidQuery
from api.records.bodies import ActBody
from api.records.desk import DecisionDesk
from plant.commitments import Instrument
from plant.park import Plant
from plant.suggest import did_you_mean
from rules.market.entering import MovementRules
from store.kept_files import KeptFiles
from store.reader import Reader, Snapshot
from store.records.decisions import Moved, MovementDecision
from store.records.movements import Movement, counting_movements, entered_movements, find_movement
from store.records.table import Who

Decide = Callable[[MovementDecision], None]
_NOT_YET = 10**18  # of what no message has entered yet: after all that one has


class MovementDesk(DecisionDesk[MovementDecision, Movement, Moved]):
    """What the routes need of the service; `clock` tells the time [ns UTC]."""

    what = "movement"

    def __init__(
        self, reader: Reader, plant: Plant, files: KeptFiles, decide: Decide, clock: Callable[[], int]
    ) -> None:
        super().__init__(reader, plant, files, decide)
        self._clock, self._rules = clock, MovementRules(plant)

    def instrument(self, caller: Caller, name: str) -> Instrument:
        """Return the instrument of a full name; raise InvalidQuery where the caller sees none of it."""
        seen = {one.id: one for one in self.plant.instruments if caller.sees(one.park, one.facility)}
        if name not in seen:
            message = f"no instrument {name[:100]} is configured{did_you_mean(name, seen)}"
            raise InvalidQuery(("instrument", message))
        return seen[name]

    def find(self, state: Snapshot, number: str) -> Movement | None:
        """Return the movement of an id, None where there is none."""
        return find_movement(state.connection, number)

    def entered(self, state: Snapshot, message: int) -> Sequence[Movement]:
        """Return the movements that a message entered."""
        return entered_movements(state.connection, message)

    def act(self, number: str, by: str, body: ActBody, of: str, key: str) -> MovementDecision:
        """Return what somebody decides of a movement."""
        return MovementDecision(number, by, body.action, movement=of, reason=body.reason or "", key=key)

    def told(self, made: MovementDecision, outcome: str, detail: str, found: Sequence[Movement]) -> BaseModel:
        """Return what became of a decision, and the movement that it was about."""
        about = next((movement_body(self.plant, one) for one in found), None)
        return MovementDecidedBody(id=made.id, outcome=outcome, detail=detail, movement=about)

    def refusals(self, state: Snapshot, said: dict[int, Moved]) -> dict[int, str]:
        """Return why rows cannot be entered together, beside all that counts or waits."""
        now, nobody = self._clock(), Who("", "")
        entered = {row: Movement.of(one, _NOT_YET, row, nobody, now) for row, one in said.items()}
        return self._rules.refusals(counting_movements(state.connection, waiting=True), entered, now)
