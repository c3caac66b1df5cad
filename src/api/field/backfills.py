"""Backfills: which gateways may tell the history of a facility, who decided it and why."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from api.access.caller import Asking, Role, signed
from api.access.guard import GUARDED, needs
from api.access.recorder import Recording
from api.accounting.periods import once_taken
from api.once import OnceOnly
from api.parameters import time_of
from api.problems import InvalidQuery, documented, problem, taken_later
from plant.clock import format_time
from store.messages.backfills import Backfill, BackfillDecision, backfills
from store.reader import Reader

Decide = Callable[[BackfillDecision], None]

GATEWAY = r"^[^/+#\x00-\x1f\x7f]+/[^/+#\x00-\x1f\x7f]+/[^/+#\x00-\x1f\x7f]+$"
Said = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"
    ),
]


class BackfillBody(BaseModel):
    """A gateway that speaks for a whole facility, and how far back."""

    gateway: str = Field(description="park/facility/gateway", examples=["nam-cau-kien/mill/history-2025"])
    oldest: str = Field(description="no reading since then is too old", examples=["2025-01-01T00:00:00Z"])
    opened_at: str = Field(examples=["2026-12-01T03:00:00Z"])
    opened_by: str = Field(examples=["lan"])
    reason: str = Field(examples=["exports of the old system, handed over on 30 November"])
    closed_at: str | None = Field(description="null while it is open", examples=[None])


class BackfillsBody(BaseModel):
    """Backfills, by gateway."""

    backfills: list[BackfillBody]


class BackfillWantedBody(BaseModel):
    """What somebody decides of a backfill."""

    model_config = {"extra": "forbid", "strict": True}

    gateway: Annotated[str, StringConstraints(pattern=GATEWAY, max_length=300)] = Field(
        description="park/facility/gateway, a gateway of its own", examples=["nam-cau-kien/mill/history-2025"]
    )
    action: Literal["open", "close"] = Field(examples=["open"])
    oldest: str | None = Field(
        None,
        max_length=64,
        description="with open: RFC 3339 with zone, since when it tells",
        examples=["2025-01-01T00:00:00+07:00"],
    )
    reason: Said | None = Field(
        None,
        description="with open: why readings so old are right; it is kept and shown",
        examples=["exports of the old system, handed over on 30 November"],
    )
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = Field(
        None, description="with a shared key, who decides; else it is the key's name", examples=["lan"]
    )


class BackfillDecidedBody(BaseModel):
    """What became of it."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=["open: no reading since then is too old"])


def routes(reader: Reader, decide: Decide) -> APIRouter:
    """Return the routes; `decide` hands a decision to the line, which takes it in its turn."""
    router = APIRouter(
        prefix="/v1", tags=["backfills"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/backfills")
    def backfills_of(caller: Asking) -> BackfillsBody:
        """Return every backfill of the caller's facilities, those that are closed too."""
        with reader.snapshot() as state:
            found = backfills(state.connection)
        return BackfillsBody(
            backfills=[_body(one) for one in found if caller.sees(*one.gateway.split("/")[:2])]
        )

    @router.post(
        "/backfills",
        response_model=BackfillDecidedBody,
        dependencies=[needs(Role.APPROVER)],
        responses={202: taken_later(BackfillDecidedBody), **documented(403, 409)},
    )
    def backfill(
        request: Request, caller: Asking, record: Recording, once: OnceOnly, body: BackfillWantedBody
    ) -> Any:
        """Let a gateway of its own tell the history of a facility, or end that. Taken in turn among the readings; 202 if not yet.

        While a backfill is open, its gateway speaks for all channels of the facility, and no reading of it since `oldest` is too old.
        What it tells counts as any late reading does: open months follow, final ones wait for approval; no alert comes of it.
        """
        park, facility, _ = body.gateway.split("/")
        if not caller.sees(park, facility):
            raise InvalidQuery(("gateway", f"no facility {park}/{facility}"))
        is_open = body.action == "open"
        for name, given in (("oldest", body.oldest), ("reason", body.reason)):
            if (given is not None) != is_open:
                raise InvalidQuery((name, f"is needed with open, and only there: {body.action}"))
        made = BackfillDecision(
            once.number(caller, body.model_dump_json()),
            signed(caller, body.by),
            body.gateway,
            time_of("oldest", body.oldest) if body.oldest is not None else 0,
            body.reason or "",
            close=not is_open,
        )
        said = f"since {body.oldest}: {body.reason}" if is_open else ""
        entry = (f"backfill.{body.action}", body.gateway, "", said)
        outcome, detail = once_taken(reader, once, made.id, lambda: decide(made), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, detail)
        told = BackfillDecidedBody(id=made.id, outcome=outcome, detail=detail)
        return JSONResponse(told.model_dump(), 202 if outcome == "waiting" else 200)

    return router


def _body(one: Backfill) -> BackfillBody:
    return BackfillBody(
        gateway=one.gateway,
        oldest=format_time(one.oldest),
        opened_at=format_time(one.opened),
        opened_by=one.opened_by,
        reason=one.reason,
        closed_at=None if one.closed is None else format_time(one.closed),
    )
