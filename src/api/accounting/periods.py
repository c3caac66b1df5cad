"""Reporting periods: how each month of a park stands, what waits there, and decisions of people."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import GUARDED, needs
from api.access.recorder import Recorder, Recording
from api.once import Once, OnceOnly
from api.parameters import InLanguage
from api.problems import InvalidQuery, documented, problem, taken_later
from api.refusals import in_language
from plant.arrays import number
from plant.clock import format_time
from plant.languages import Language
from plant.park import Park, Plant, Source
from plant.periods import month_of, month_text
from plant.suggest import did_you_mean
from rules.catalogue import Register
from store.accounting.closing import FROZEN, Closing, Decision, Period, Status
from store.messages.standing import DESPITE, Gate, lacks, standing
from store.reader import Reader, Snapshot
from store.totals.due import WHOLE
from store.totals.sums import Period as Stretch

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
    regulated_delta_t: float | None = Field(
        description="current less published, of the hours that a regulation counts [t CO2e]; null where none waits",
        examples=[None],
    )
    regulated_hours: int = Field(description="how many regulated hours would change", examples=[0])
    generation: int = Field(description="names what waits; an approval says it", examples=[2893712394])
    needs_second: bool = Field(description="two people must approve", examples=[False])
    approved_by: str | None = Field(description="who approved first", examples=[None])


class LackBody(BaseModel):
    """A gate that a month does not pass: what is so, and what to do."""

    gate: Gate = Field(examples=["coverage"])
    detail: str = Field(examples=["coverage is 62.1 %, and at least 95 % is asked for: …"])


class PeriodStateBody(BaseModel):
    """A month of a park."""

    park: str = Field(examples=["nam-cau-kien"])
    month: str = Field(examples=["2026-10"])
    status: str = Field(description="open, provisional, final or restated", examples=["final"])
    reported_t: float | None = Field(description="published [t CO2e]", examples=[632.592519])
    coverage: float | None = Field(
        description="mean coverage of its due windows until now; null where none is due", examples=[0.998]
    )
    known_from: str | None = Field(
        description="coverage speaks of the time from here on; null: from the month's beginning",
        examples=[None],
    )
    unknown: list[str] = Field(
        description="sources (park/facility/source) of which nothing is known", examples=[[]]
    )
    provisional_t: float | None = Field(
        description="tonnes that rest on provisional factors [t CO2e]; null where this service cannot tell",
        examples=[2.1],
    )
    provisional_share: float | None = Field(description="of all its tonnes", examples=[0.0033])
    lacks: list[LackBody] | None = Field(
        description="what keeps it from being closed; null where it is not over, or final", examples=[[]]
    )
    closed_by: str | None = Field(description="who closed it", examples=["lan"])
    despite: str | None = Field(
        description="why it was closed though it did not pass the gates in overruled", examples=[None]
    )
    overruled: list[Gate] = Field(description="gates that it did not pass when it was decided", examples=[[]])
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
    despite: (
        Annotated[
            str,
            StringConstraints(
                strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"
            ),
        ]
        | None
    ) = Field(
        None,
        description="with final: why the month is closed though it does not pass every gate; it is kept and shown",
        examples=["the meter of the foundry was broken until the 12th, report 17"],
    )
    generation: int = Field(-1, description="with approve: what was seen waiting", examples=[2893712394])


class DecidedBody(BaseModel):
    """What became of a decision."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=["final: what would change it waits for approval"])
    period: PeriodStateBody


def routes(
    reader: Reader, plant: Plant, decide: Decide, clock: Callable[[], int], catalogue: Register | None
) -> APIRouter:
    """Return the routes.

    `decide` hands a decision to the line, which takes it in its turn; `clock` tells the time [ns UTC], `catalogue` which factors
    are provisional: without it none is told to be, but the line judges all the same.
    """
    judge = _Judge(plant, clock, catalogue)
    router = APIRouter(
        prefix="/v1", tags=["periods"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/periods")
    def periods(
        caller: Asking, park: Annotated[str | None, Query(max_length=200)] = None, language: InLanguage = "en"
    ) -> PeriodsBody:
        """Return every month that has emissions or was decided of, with what waits for approval in it."""
        with reader.snapshot() as state:
            parks = _parks(plant, caller, park)
            return PeriodsBody(periods=list(_states(state, replace(judge, language=language), parks)))

    @router.post(
        "/periods",
        response_model=DecidedBody,
        dependencies=[needs(Role.APPROVER)],
        responses={202: taken_later(DecidedBody), **documented(403, 409)},
    )
    def decision(
        request: Request,
        caller: Asking,
        record: Recording,
        once: OnceOnly,
        body: DecisionBody,
        language: InLanguage = "en",
    ) -> Any:
        """Move a month on: provisional, final, or approve what waits. Taken in turn among the readings; 202 if not yet.

        A month is closed (`final`) once it passes the gates: enough coverage, no unknown source, known from its beginning on, nothing
        of it in quarantine, no provisional factor. `lacks` of the month names those that it does not pass; `despite` overrules them.
        A final month keeps its number: what late readings or new factors would change waits, and is published by
        `approve`, which names the generation it was shown. Above a share of the month's tonnes it takes two people; a
        shared key or the token is one of them, whatever names it gives.
        """
        if body.despite is not None and body.action != "final":
            raise InvalidQuery(("despite", "is the reason to close a month: with final only"))
        one, name = _parks(plant, caller, body.park)[0], signed(caller, body.by)
        judged = replace(judge, language=language)
        with reader.snapshot() as state:
            before = _month(state, judged, one, body.month)
        by = caller.name if body.action == "approve" and _takes_two(before) else name
        made = Decision(
            once.number(caller, body.model_dump_json()),
            by,
            body.action,
            body.park,
            body.month,
            body.generation,
            body.despite or "",
            tuple(one.gate.value for one in before.lacks or []),
            plant.hash,
        )
        said = f"{body.action} by {name}, of generation {body.generation}" + (
            f", despite: {body.despite}" if body.despite else ""
        )
        entry = (f"period.{body.action}", f"{body.park} {body.month}", before.status, said)
        if body.action == "final" and before.lacks and not body.despite and once.is_new(reader, made.id):
            # The line would refuse it too. What is not journalled is not taken otherwise by a state that is made again.
            record(*entry)
            detail = f"{'; '.join(one.detail for one in before.lacks)}. {DESPITE[language]}"
            record("period.refused", entry[1], before.status, detail)
            more = {"lacks": [one.model_dump() for one in before.lacks]}
            return problem(request.url.path, 409, detail, more=more)
        outcome, detail = once_taken(reader, once, made.id, lambda: decide(made), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, in_language(detail, language))
        with reader.snapshot() as state:
            told = DecidedBody(
                id=made.id, outcome=outcome, detail=detail, period=_month(state, judged, one, body.month)
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


def once_taken(
    reader: Reader,
    once: Once,
    number: str,
    hand_over: Callable[[], None],
    record: Recorder,
    entry: tuple[str, str, str, str],
) -> tuple[str, str]:
    """Record and hand over what was not asked before; return outcome and detail of what the line made of it."""
    what, about, old, _ = entry
    is_new = once.is_new(reader, number)
    if is_new:
        record(*entry)
        hand_over()
    outcome, detail = outcome_of(reader, number)
    if is_new and outcome == "refused":
        record(f"{what.partition('.')[0]}.refused", about, old, detail)
    return outcome, detail


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


@dataclass(frozen=True, slots=True)
class _Judge:
    """Tells how months stand."""

    plant: Plant
    clock: Callable[[], int]
    catalogue: Register | None
    language: Language = "en"

    def of(self, state: Snapshot, park: Park, period: Period) -> dict[str, Any]:
        """Return the fields of a month that tell what is known of it, and what it lacks to be closed."""
        now = self.clock()
        stretch = Stretch(period.start, period.end, park.zone)
        found = standing(state, stretch, park.name, now, self._provisional)
        is_due = period.status not in FROZEN and now >= period.end
        missing = lacks(found, self.plant.closing_coverage, self.language) if is_due else []
        return {
            "coverage": found.coverage,
            "known_from": None if found.known_from == WHOLE else format_time(found.known_from),
            "unknown": list(found.unknown),
            "provisional_t": None if self.catalogue is None else found.provisional_t,
            "provisional_share": None if self.catalogue is None else found.provisional_share,
            "lacks": [LackBody(gate=one.gate, detail=one.detail) for one in missing] if is_due else None,
        }

    def _provisional(self, source: Source, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        if self.catalogue is not None and source.factor:
            yield from self.catalogue.provisional(source.factor, start, end, self.plant.window)


def _states(state: Snapshot, judge: _Judge, parks: Iterable[Park]) -> Iterable[PeriodStateBody]:
    closing = state.closing()
    for park in parks:
        starts = {p.start for p in closing.periods() if p.park == park.name} | set(state.months(park.name))
        for start in sorted(starts, reverse=True):
            yield _state(state, judge, closing, park, closing.period(park.name, park.zone, start))


def month_state(
    state: Snapshot,
    catalogue: Register | None,
    as_of: int,
    park: Park,
    month: str,
    language: Language = "en",
) -> PeriodStateBody:
    """Return how a park's month (2026-10) stands at a time [ns UTC]; raise InvalidQuery where there is no such month."""
    return _month(state, _Judge(state.plant, lambda: as_of, catalogue, language), park, month)


def _month(state: Snapshot, judge: _Judge, park: Park, month: str) -> PeriodStateBody:
    closing = state.closing()
    try:
        period = closing.period(park.name, park.zone, month_of(month, park.zone))
    except ValueError:
        raise InvalidQuery(("month", f"there is no month {month} on our clocks")) from None
    return _state(state, judge, closing, park, period)


def _state(state: Snapshot, judge: _Judge, closing: Closing, park: Park, period: Period) -> PeriodStateBody:
    pending = closing.pending(period, state.block)
    approved = period.approved_generation == pending.generation and period.status is not Status.OPEN
    waits = PendingBody(
        reported_t=number(pending.live.reported_t),
        current_t=number(pending.live.current_t),
        delta_t=number(pending.live.delta_t),
        windows=pending.live.count,
        regulated_delta_t=number(pending.regulated.delta_t) if pending.regulated.count else None,
        regulated_hours=pending.regulated.count,
        generation=pending.generation,
        needs_second=pending.above(judge.plant.second_approval_above),
        approved_by=period.approved_by if approved and period.approved_by else None,
    )
    return PeriodStateBody(
        park=park.name,
        month=month_text(period.start, park.zone),
        status=period.status,
        reported_t=number(pending.live.reported_t),
        **judge.of(state, park, period),
        closed_by=period.closed_by or None,
        despite=period.despite or None,
        overruled=[Gate(one) for one in period.overruled],
        pending_restatement=waits if pending.waits else None,
    )
