"""Reporting periods: how each month of a park stands, what waits there, and decisions of people."""

import time
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from api.caller import Asking, Caller, Role, signed
from api.guard import GUARDED, needs
from api.models import number
from api.problems import InvalidQuery, documented, problem, taken_later
from api.recorder import Recording
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

    model_config = {"extra": "forbid", "strict": True}

    park: str = Field(max_length=200, examples=["nam-cau-kien"])
    month: Annotated[str, StringConstraints(pattern=MONTH)] = Field(examples=["2026-10"])
    action: Literal["provisional", "final", "approve"] = Field(examples=["final"])
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = Field(
        None, description="with a shared key, who decides; else it is the key's name", examples=["lan"]
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
    def periods(caller: Asking, park: Annotated[str | None, Query(max_length=200)] = None) -> PeriodsBody:
        """Return every month that has emissions or was decided of, with what waits for approval in it."""
        with reader.snapshot() as state:
            return PeriodsBody(periods=list(_states(state, plant, _parks(plant, caller, park))))

    @router.post(
        "/periods",
        response_model=DecidedBody,
        dependencies=[needs(Role.APPROVER)],
        responses={202: taken_later(DecidedBody), **documented(403, 409)},
    )
    def decision(request: Request, caller: Asking, record: Recording, body: DecisionBody) -> Any:
        """Move a month on: provisional, final, or approve what waits. Taken in turn among the readings; 202 if not yet.

        A final month keeps its number: what late readings or new factors would change waits, and is published by
        `approve`, which names the generation it was shown. Above a share of the month's tonnes it takes two people; a
        shared key or the token is one of them, whatever names it gives.
        """
        one, name = _parks(plant, caller, body.park)[0], signed(caller, body.by)
        with reader.snapshot() as state:
            before = _month(state, plant, one, body.month)
        by = caller.name if body.action == "approve" and _takes_two(before) else name
        made = Decision(uuid4().hex, by, body.action, body.park, body.month, body.generation)
        about = f"{body.park} {body.month}"
        record(
            f"period.{body.action}",
            about,
            before.status,
            f"{body.action} by {name}, of generation {body.generation}",
        )
        decide(made)
        outcome, detail = outcome_of(reader, made.id)
        if outcome == "refused":
            record("period.refused", about, before.status, detail)
            return problem(request.url.path, 409, detail)
        with reader.snapshot() as state:
            told = DecidedBody(
                id=made.id, outcome=outcome, detail=detail, period=_month(state, plant, one, body.month)
            )
        return JSONResponse(told.model_dump(), 202 if outcome == "waiting" else 200)

    return router


def _parks(plant: Plant, caller: Caller, name: str | None) -> list[Park]:
    """Return the parks that a caller sees as a whole, or the named one of them: a month is one of a whole park."""
    seen = [park for park in plant.parks if caller.sees(park.name)]
    if name is None:
        return seen
    found = [park for park in seen if park.name == name]
    if not found:
        raise InvalidQuery(("park", f"no park {name!r}{did_you_mean(name, [p.name for p in seen])}"))
    return found


def _takes_two(month: PeriodStateBody) -> bool:
    """Return whether what waits in a month takes two people; an approval of anything else is refused by the line."""
    return month.pending_restatement is not None and month.pending_restatement.needs_second


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


def _month(state: Snapshot, plant: Plant, park: Park, month: str) -> PeriodStateBody:
    closing = state.closing()
    try:
        period = closing.period(park.name, park.zone, month_of(month, park.zone))
    except ValueError:
        raise InvalidQuery(("month", f"there is no month {month} on our clocks")) from None
    return _state(state, plant, closing, park, period)


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
