"""What the routes of movements need of the service."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from api.access.caller import Caller
from api.access.recorder import Recording
from api.accounting.periods import once_taken
from api.market.bodies import MovementDecidedBody, movement_body
from api.once import OnceOnly
from api.problems import InvalidQuery, problem
from api.refusals import in_language
from plant.commitments import Instrument
from plant.languages import Language
from plant.park import Plant
from plant.suggest import did_you_mean
from store.kept_files import KeptFiles
from store.reader import Reader, Snapshot
from store.records.decisions import MovementDecision
from store.records.movements import Movement, find_movement

Decide = Callable[[MovementDecision], None]


@dataclass(frozen=True, slots=True)
class MovementDesk:
    """What the routes need of the service."""

    reader: Reader
    plant: Plant
    files: KeptFiles
    decide: Decide

    def instrument(self, caller: Caller, name: str) -> Instrument:
        """Return the instrument of a full name; raise InvalidQuery where the caller sees none of it."""
        seen = {one.id: one for one in self.plant.instruments if caller.sees(one.park, one.facility)}
        if name not in seen:
            message = f"no instrument {name[:100]} is configured{did_you_mean(name, seen)}"
            raise InvalidQuery(("instrument", message))
        return seen[name]

    def taken(
        self,
        request: Request,
        once: OnceOnly,
        record: Recording,
        made: MovementDecision,
        entry: tuple[str, str, str, str],
        language: Language,
    ) -> Any:
        """Hand over a decision and tell what became of it."""
        outcome, detail = once_taken(self.reader, once, made.id, lambda: self.decide(made), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, in_language(detail, language))
        with self.reader.snapshot() as state:
            found = self.about(state, made)
        told = MovementDecidedBody(
            id=made.id,
            outcome=outcome,
            detail=detail,
            movement=None if found is None else movement_body(self.plant, found),
        )
        return JSONResponse(told.model_dump(), 202 if outcome == "waiting" else 200)

    def about(self, state: Snapshot, made: MovementDecision) -> Movement | None:
        """Return the movement that a decision was about, one that it entered too."""
        if made.movement:
            return find_movement(state.connection, made.movement)
        row = state.connection.execute("SELECT message FROM decision WHERE id = ?", (made.id,)).fetchone()
        return None if row is None else find_movement(state.connection, str(row[0]))
