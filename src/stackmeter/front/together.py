"""What is the same of all answers that are put together: who may hear what, and what is said of shards that are away."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from api.problems import problem
from plant.clock import format_time
from stackmeter.front.asking import REFUSED, UNKNOWN_KEY, ShardAnswer

_WWW = {"WWW-Authenticate": 'Bearer realm="stackmeter"'}
_WAIT = {"Retry-After": "5"}


class AwayBody(BaseModel):
    """A shard that is away: its parks are in no sum, and what they emit is unknown, not 0."""

    shard: str = Field(examples=["east"])
    parks: list[str] | None = Field(
        default=None, description="not told to a key for some places only", examples=[["deep-c"]]
    )
    since: str = Field(examples=["2026-11-24T05:00:00Z"])
    reason: str = Field(examples=["All connection attempts failed"])


def refusal(request: Request, said: Sequence[ShardAnswer]) -> Response | None:
    """Return what to answer where no shard answered the question; None where one did.

    A name that one shard does not know may be another's: only where all refuse it is it refused.
    """
    if any(one.good for one in said):
        return None
    path = request.url.path
    refused = [one for one in said if one.status not in (0, UNKNOWN_KEY)]
    if any(one.away for one in said):
        detail = "a shard is away, and those that are there have no answer" if refused else "no shard answers"
        return problem(path, 503, detail, headers=_WAIT)
    if refused:
        first = next((one for one in refused if one.status == REFUSED), refused[0])
        return JSONResponse(first.value, first.status, media_type="application/problem+json")
    return problem(path, 401, "no shard takes this key", headers=_WWW)


def away_bodies(said: Sequence[ShardAnswer], *, whole: bool) -> list[AwayBody]:
    """Return which shards are away; which parks they have is told to whoever sees all of those that are there."""
    return [
        AwayBody(
            shard=one.shard.name,
            **({"parks": list(one.shard.parks)} if whole else {}),
            since=format_time(one.away.since),
            reason=one.away.reason,
        )
        for one in said
        if one.away is not None
    ]


def parks_of(said: Sequence[ShardAnswer], *, away: bool) -> list[str]:
    """Return the parks of the shards that are away, or of those that are there, by name."""
    return sorted(park for one in said if (one.away is not None) == away for park in one.shard.parks)


def row_park(row: Any) -> str | None:
    """Return the park of a row of an answer, None where it is of none."""
    park = row.get("park") if isinstance(row, dict) else None
    return park if isinstance(park, str) else None
