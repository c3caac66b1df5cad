"""Movements of instruments: what was entered, by whom and on what evidence, and what becomes of it."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api.access.caller import Asking, Role, signed
from api.access.guard import GUARDED, needs
from api.market.bodies import (
    EnterMovementBody,
    MovementDecidedBody,
    MovementsBody,
    check_day,
    moved_of,
    movement_body,
    movements_csv,
)
from api.market.desk import Decide, MovementDesk
from api.market.movement_import import add_import
from api.pages import Cursor, Limit, opened, sealed
from api.parameters import Word
from api.problems import documented, taken_later
from api.records.bodies import ActBody
from api.records.desk import Deciding
from api.tables import CSV, JSON, documented_as, preferred
from plant.park import Plant
from store.kept_files import KeptFiles
from store.reader import Reader
from store.records.decisions import MovementDecision
from store.records.table import RecordStanding
from store.records.views import WantedMovements, wanted_movements

AnyMovement = Annotated[str, Path(max_length=40, pattern=r"^[0-9]{1,18}(-[0-9]{1,18})?$")]


def routes(
    reader: Reader, plant: Plant, files: KeptFiles, decide: Decide, clock: Callable[[], int]
) -> APIRouter:
    """Return the routes; `decide` hands a decision to the line, which takes it in its turn, `clock` tells the time [ns UTC]."""
    router = APIRouter(prefix="/v1", tags=["market"], responses=documented(401, 422, 503))
    desk = MovementDesk(reader, plant, files, decide, clock)
    _looking(router, desk)
    add_import(router, desk)  # before what a movement's number may stand for
    _deciding(router, desk)
    return router


def _looking(router: APIRouter, desk: MovementDesk) -> None:
    @router.get(
        "/movements", dependencies=GUARDED, response_model=MovementsBody, responses={**documented_as(CSV)}
    )
    def movements(
        request: Request,
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        instrument: Word = None,
        state: RecordStanding | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Return movements of instruments, those that were entered last first: of a place, of an instrument, as they stand (default: all).

        As CSV where `Accept` says so.
        """
        media = preferred(request.headers, (JSON, CSV))
        wanted = WantedMovements(park, facility, instrument, state, caller.places)
        place = opened(cursor, "ii")
        before = None if place is None else (int(place[0]), int(place[1]))
        with desk.reader.snapshot() as now:
            found = wanted_movements(now.connection, wanted, before, limit + 1)
        page = found[:limit]
        body = MovementsBody(
            movements=[movement_body(desk.plant, one) for one in page],
            next=sealed((page[-1].message, page[-1].row)) if len(found) > limit else None,
        )
        content = movements_csv(body) if media == CSV else body.model_dump_json().encode()
        return Response(content, media_type=media, headers={"Vary": "Accept, Authorization, X-API-Key"})


def _deciding(router: APIRouter, desk: MovementDesk) -> None:
    @router.post(
        "/movements",
        response_model=MovementDecidedBody,
        dependencies=[*GUARDED, needs(Role.OPERATOR)],
        responses={202: taken_later(MovementDecidedBody), **documented(403, 409)},
    )
    def enter_movement(asked: Deciding, body: EnterMovementBody) -> Any:
        """Enter what was granted, bought, sold, surrendered or retired of an instrument. Another person approves it.

        It counts once it is approved. Its file is handed in before.
        """
        by, about = signed(asked.caller, body.by), desk.instrument(asked.caller, body.instrument)
        check_day(body.day)
        number = desk.number(asked, by, body, body.evidence)
        said = moved_of(body, (about.park, about.facility, about.name))
        made = MovementDecision(number, by, "enter", said, key=asked.caller.name)
        told = f"{body.act} {body.amount:g} {about.unit} on {body.day}, {body.source}"
        return desk.taken(asked, made, "", ("movement.entered", about.id, "", told))

    @router.post(
        "/movements/{movement_id}",
        response_model=MovementDecidedBody,
        dependencies=[*GUARDED, needs(Role.OPERATOR)],
        responses={202: taken_later(MovementDecidedBody), **documented(403, 404, 409)},
    )
    def decide_of_movement(asked: Deciding, movement_id: AnyMovement, body: ActBody) -> Any:
        """Approve, refuse or strike a movement, as an approver, or withdraw one that you have entered.

        Who entered it does not approve it. What would use a holding twice is refused: decisions are taken one after the other.
        """
        return desk.decided(asked, movement_id, body)
