"""What late data showed: breaches that nobody was told of, because they were over when they became known."""

from itertools import islice

from fastapi import APIRouter
from pydantic import BaseModel, Field

from alerts.tables.views import AlertEvent, retroactive_events
from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.scope import sees_labels
from api.pages import Cursor, Limit, Next, opened, sealed
from api.problems import documented
from plant.clock import format_time
from store.reader import Reader


class RetroactiveBody(BaseModel):
    """A breach that late data showed; where more late data let it grow, a later one tells the whole."""

    known_at: str = Field(description="when it became known", examples=["2026-11-24T05:00:00Z"])
    rule: str = Field(examples=["too-hot"])
    labels: dict[str, str] = Field(
        examples=[{"park": "nam-cau-kien", "facility": "mill", "channel": "stack/heat"}]
    )
    first: str = Field(
        description="the first time at which it was a breach", examples=["2026-11-24T02:10:00Z"]
    )
    last: str = Field(description="the last one", examples=["2026-11-24T02:40:00Z"])
    count: int = Field(description="readings of a limit, or instants of a condition", examples=[31])
    worst: float | None = Field(description="in `unit`", examples=[412.5])
    unit: str = Field(examples=["°C"])


class RetroactivesBody(BaseModel):
    """Such breaches, the one that became known last first."""

    retroactive: list[RetroactiveBody]
    next: Next


def routes(reader: Reader) -> APIRouter:
    """Return the route."""
    router = APIRouter(
        prefix="/v1", tags=["alerts"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/retroactive")
    def retroactive(caller: Asking, limit: Limit = 100, cursor: Cursor = None) -> RetroactivesBody:
        """Return breaches that late data showed, and that woke nobody: the newest first."""
        after = opened(cursor, "i")
        before = None if after is None else int(after[0])
        with reader.snapshot() as state:
            events = retroactive_events(state.connection, before)
            seen = (one for one in events if sees_labels(caller, one.detail["labels"]))
            found = list(islice(seen, limit + 1))
        page = found[:limit]
        return RetroactivesBody(
            retroactive=[_body(one) for one in page],
            next=sealed((page[-1].id,)) if len(found) > limit else None,
        )

    return router


def _body(event: AlertEvent) -> RetroactiveBody:
    told = event.detail
    return RetroactiveBody(
        known_at=format_time(event.at),
        rule=told["rule"],
        labels=told["labels"],
        first=format_time(told["first"]),
        last=format_time(told["last"]),
        count=told["count"],
        worst=told["worst"],
        unit=told["unit"],
    )
