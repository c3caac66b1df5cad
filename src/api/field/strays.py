"""The route of strays: gateways that are heard at the broker and that no shard has."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Role
from api.access.guard import GUARDED, needs
from api.problems import documented
from plant.clock import format_time
from plant.shards.strays import Stray

Strays = Callable[[], Sequence[Stray] | None]  # None where this service does not look out for them


class StrayBody(BaseModel):
    """A gateway of a park that no shard has: nobody keeps what it sends."""

    gateway: str = Field(
        description="park/facility/gateway, as its topic has it", examples=["nam-cau-kein/mill/line-1"]
    )
    online: bool | None = Field(description="what it said last; null: that cannot be read", examples=[True])
    heard_at: str = Field(examples=["2026-11-24T05:00:00Z"])


class StraysBody(BaseModel):
    """All of them, by name."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    strays: list[StrayBody] | None = Field(
        description="null: this service does not look out for them, which the setting `shards_file` tells one shard to do"
    )


def routes(strays: Strays, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1",
        tags=["inventory"],
        dependencies=[*GUARDED, needs(Role.VIEWER, whole=True)],
        responses=documented(401, 403, 422, 503),
    )

    @router.get("/strays", name="strays")
    def told() -> StraysBody:
        """Return the gateways that say at the broker that they are there, and whose park no shard has."""
        known = strays()
        return StraysBody(
            as_of=format_time(clock()), strays=None if known is None else [_body(one) for one in known]
        )

    return router


def _body(one: Stray) -> StrayBody:
    return StrayBody(gateway=one.gateway, online=one.online, heard_at=format_time(one.heard_at))
