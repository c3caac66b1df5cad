"""Reporting periods: how each month of a park stands, what waits there, and decisions of people."""

import time
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from api.guard import GUARDED
from api.models import number
from api.problems import InvalidQuery, documented, problem
from plant.park import Park, Plant
from plant.suggest import did_you_mean
from store.closing import Closing, Decision, Period, Status
from store.periods import month_of, month_text
from store.reader import Reader, Snapshot

WAIT_S = 10.0  # for the line to take a decision
LOOK_S = 0.05
MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"

Decide = Callable[[Decision], None]


class PendingBody(BaseModel):
    """What waits for approval: it does not count until somebody approves."""

    reported_t: float | None = Field(description="published [t CO2e]", examples=[632.592519])
    current_t: float | None = Field(description="as it would be [t CO2e]", examples=[632.61])
    delta_t: float | None = Field(description="current less reported [t CO2e]", examples=[0.017481])
    windows: int = Field(description="how many windows would change", examples=[12])
    generation: int = Field(description="names what waits; an approval says it", examples=[3])
    needs_second: bool = Field(description="two people must approve", examples=[False])
    approved_by: str | None = Field(description="who approved first", examples=[None])


class PeriodStateBody(BaseModel):
    """A month of a park."""

    park: str = Field(examples=["nam-cau-kien"])
    month: str = Field(examples=["2026-10"])
    status: str = Field(description="open, provisional, final or restated", examples=["final"])
    reported_t: float | None = Field(description="published [t CO2e]", examples=[632.592519])
    pending_restatement: PendingBody | None


class PeriodsBody(BaseModel):
    """Months, the newest first."""

    periods: list[PeriodStateBody]


class DecisionBody(BaseModel):
    """What somebody decides of a month."""

    model_config = {"extra": "forbid"}

    park: str = Field(max_length=200, examples=["nam-cau-kien"])
    month: Annotated[str, StringConstraints(pattern=MONTH)] = Field(examples=["2026-10"])
    action: Literal["provisional", "final", "approve"] = Field(examples=["final"])
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] = Field(
        description="who decides", examples=["lan"]
    )
    generation: int = Field(-1, description="with approve: what was seen waiting", examples=[3])


class DecidedBody(BaseModel):
    """What became of a decision."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=["final: what would change it waits for approval"])
    period: PeriodStateBody


def routes(reader: Reader, plant: Plant, decide: Decide) -> APIRouter:
    """Return the routes; `decide` hands a decision to the line, which takes it in its turn."""
    router = APIRouter(
        prefix="/v1", tags=["periods"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/periods")
    def periods(park: Annotated[str | None, Query(max_length=200)] = None) -> PeriodsBody:
        """Return every month that has emissions or was decided of, with what waits for approval in it."""
        with reader.snapshot() as state:
            return PeriodsBody(periods=list(_states(state, plant, _parks(plant, park))))

    @router.post("/periods", response_model=DecidedBody, responses=documented(409))
    def decision(request: Request, body: DecisionBody) -> Any:
        """Move a month on: provisional, final, or approve what waits. Taken in turn among the readings; 202 if not yet.

        A final month keeps its number: what late readings or new factors would change waits, and is published by
        `approve`, which names the generation it was shown. Above a share of the month's tonnes it takes two people.
        """
        one = _parks(plant, body.park)[0]
        made = Decision(uuid4().hex, body.by, body.action, body.park, body.month, body.generation)
        decide(made)
        outcome, detail = outcome_of(reader, made.id)
        if outcome == "refused":
            return problem(request.url.path, 409, detail)
        with reader.snapshot() as state:
            closing = state.closing()
            period = closing.period(one.name, one.zone, month_of(body.month, one.zone))
            told = DecidedBody(
                id=made.id, outcome=outcome, detail=detail, period=_state(state, plant, closing, one, period)
            )
        return JSONResponse(told.model_dump(), 202 if outcome == "waiting" else 200)

    return router


def _parks(plant: Plant, name: str | None) -> list[Park]:
    if name is None:
        return list(plant.parks)
    found = [park for park in plant.parks if park.name == name]
    if not found:
        raise InvalidQuery(("park", f"no park {name!r}{did_you_mean(name, [p.name for p in plant.parks])}"))
    return found


def outcome_of(reader: Reader, number: str) -> tuple[str, str]:
    """Wait until the line has taken a decision; return its outcome and detail."""
    until = time.monotonic() + WAIT_S
    while True:
        with reader.snapshot() as state:
            found = state.decision(number)
        if found is not None:
            return found
        if time.monotonic() > until:
            return "waiting", "the service has not come to it yet: ask again with GET"
        time.sleep(LOOK_S)


def _states(state: Snapshot, plant: Plant, parks: Iterable[Park]) -> Iterable[PeriodStateBody]:
    closing = state.closing()
    for park in parks:
        starts = {p.start for p in closing.periods() if p.park == park.name} | set(state.months(park.name))
        for start in sorted(starts, reverse=True):
            yield _state(state, plant, closing, park, closing.period(park.name, park.zone, start))


def _state(state: Snapshot, plant: Plant, closing: Closing, park: Park, period: Period) -> PeriodStateBody:
    pending = closing.pending(period, state.block)
    approved = period.approved_generation == period.generation and period.status is not Status.OPEN
    waits = PendingBody(
        reported_t=number(pending.reported_t),
        current_t=number(pending.current_t),
        delta_t=number(pending.delta_t),
        windows=pending.windows,
        generation=period.generation,
        needs_second=pending.above(plant.second_approval_above),
        approved_by=period.approved_by if approved and period.approved_by else None,
    )
    return PeriodStateBody(
        park=park.name,
        month=month_text(period.start, park.zone),
        status=period.status,
        reported_t=number(pending.reported_t),
        pending_restatement=waits if pending.windows else None,
    )
