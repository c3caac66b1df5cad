"""The route of positions: how many tonnes facilities are short of, what credits may cover, and what the rest costs today."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.seen import narrowed, seen_by
from api.market.position_bodies import (
    PositionsBody,
    positions_csv,
)
from api.market.positions import Positions, market_places
from api.parameters import InLanguage, Word
from api.problems import InvalidQuery, documented
from api.tables import CSV, JSON, documented_as, preferred
from plant.clock import format_time
from plant.commitments import Instrument
from plant.park import Plant
from rules.catalogue import Register
from store.reader import Reader
from store.records.movements import counting_movements

MOST_YEARS = 10
Years = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{4}(-[0-9]{4})?$",
        description="of the park's clock, one or from to; where left out those that are settled with this year",
        examples=["2025-2026"],
    ),
]


def routes(reader: Reader, plant: Plant, catalogue: Register, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["market"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/position", response_model=PositionsBody, responses=documented_as(CSV))
    def position(
        request: Request,
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        years: Years = None,
        language: InLanguage = "en",
    ) -> Response:
        """Return where each facility with a quota stands, with the ends of its interval, and what every instrument holds.

        The inventory is that of known months and where the rest leads. As CSV, without the holdings, where `Accept` says so.
        """
        as_of, asked = clock(), _asked_years(years)
        chosen = narrowed(seen_by(caller, market_places(plant)), park=park, facility=facility)
        own = [one for one in plant.instruments if _is_asked(one, caller, park, facility)]
        with reader.snapshot() as state:
            movements = counting_movements(state.connection, waiting=True)
            told = Positions(state, catalogue, as_of, movements)
            body = PositionsBody(
                as_of=format_time(as_of),
                positions=[one for place in chosen for one in told.positions(place, asked)],
                holdings=[told.holding(one) for one in own],
                impossible=list(told.impossible(caller, language)),
            )
        if preferred(request.headers, (JSON, CSV)) == CSV:
            return Response(positions_csv(body), media_type=CSV, headers=_VARY)
        return Response(body.model_dump_json(), media_type=JSON, headers=_VARY)

    return router


_VARY = {"Vary": "Accept, Authorization, X-API-Key"}


def _asked_years(years: str | None) -> range | None:
    """Return the years that are asked for, None where nobody says so."""
    if years is None:
        return None
    first, _, last = years.partition("-")
    found = range(int(first), int(last or first) + 1)
    if not 0 < len(found) <= MOST_YEARS or not 1990 <= found[0] <= found[-1] <= 2259:
        raise InvalidQuery(
            ("years", f"from 1990 to 2259, the first before the last, at most {MOST_YEARS}: not {years}")
        )
    return found


def _is_asked(one: Instrument, caller: Caller, park: str | None, facility: str | None) -> bool:
    return (
        caller.sees(one.park, one.facility) and park in (None, one.park) and facility in (None, one.facility)
    )
