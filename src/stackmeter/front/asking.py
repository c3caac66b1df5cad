"""Asks shards what somebody asked the front, with that one's own key: a shard decides what it tells, as if it had been asked itself."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import Request

from plant.shards.shards_file import Shard
from stackmeter.front.standing import AwayShard, ShardStanding
from stackmeter.heard import MOST, STEP_S, WHOLE_S, AnswerPieces, Unheard, check_type, value_of, why

LONGEST = 16 << 20  # bytes of an answer that is put together with others
UNKNOWN_KEY, NOT_ALLOWED, REFUSED = 401, 403, 422
PASSED_ON = (
    "accept", "accept-language", "authorization", "cache-control", "content-type", "idempotency-key", "if-match", "if-none-match",
    "last-event-id", "x-api-key",
)  # fmt: skip

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ShardAnswer:
    """What a shard said: a status and JSON, or why it is away."""

    shard: Shard
    status: int = 0
    value: Any = None
    away: AwayShard | None = None

    @property
    def good(self) -> bool:
        """Whether it answered the question."""
        return self.status == httpx.codes.OK


class ShardAsker:
    """Asks shards; one that is away, or answers what cannot be, costs its own answer only."""

    def __init__(self, standing: ShardStanding, client: httpx.AsyncClient) -> None:
        self.standing, self.client = standing, client

    async def each(
        self, request: Request, path: str, parameters: Parameters, shards: Sequence[Shard] | None = None
    ) -> list[ShardAnswer]:
        """Ask shards at once, all of them where none are named; return what each said, in the order of their names."""
        asked = self.standing.shards if shards is None else shards
        headers = {**headers_of(request), "accept": "application/json", "accept-encoding": "identity"}
        headers.pop("if-none-match", None)
        return list(await asyncio.gather(*(self._one(one, path, parameters, headers) for one in asked)))

    async def _one(
        self, shard: Shard, path: str, parameters: Parameters, headers: Mapping[str, str]
    ) -> ShardAnswer:
        away = self.standing.away(shard)
        if away is not None:
            return ShardAnswer(shard, away=away)
        try:
            return await self._asked(shard, path, parameters, headers)
        except httpx.HTTPError as error:
            reason = why(error)
        except TimeoutError:
            reason = f"it takes more than {WHOLE_S:g} s"
        except Unheard as error:
            reason = str(error)
        return self.not_believed(shard, reason)

    def not_believed(self, shard: Shard, reason: str) -> ShardAnswer:
        """Return that a shard is away for this question."""
        return ShardAnswer(shard, away=self.standing.since(shard, reason))

    async def _asked(
        self, shard: Shard, path: str, parameters: Parameters, headers: Mapping[str, str]
    ) -> ShardAnswer:
        pieces = AnswerPieces(time.monotonic() + WHOLE_S, LONGEST)
        async with (
            asyncio.timeout(WHOLE_S),
            self.client.stream(
                "GET", shard.url + path, params=list(parameters), headers=headers, timeout=STEP_S
            ) as answer,
        ):
            status = answer.status_code
            if status == UNKNOWN_KEY:
                return ShardAnswer(shard, status)
            if status not in (httpx.codes.OK, NOT_ALLOWED, httpx.codes.NOT_FOUND, REFUSED):
                raise Unheard(f"{path}: HTTP {status}")
            check_type(answer)
            async for piece in answer.aiter_bytes():
                pieces.take(piece, time.monotonic())
        # A large answer is read beside the loop, so that it delays nobody else's.
        return ShardAnswer(shard, status, await asyncio.to_thread(_sound, path, pieces.whole()))


def headers_of(request: Request) -> dict[str, str]:
    """Return what of a request's head a shard is to see: who asks, from where, and in which form the answer is wanted."""
    found = {name: value for name, value in request.headers.items() if name in PASSED_ON}
    before = request.headers.get("x-forwarded-for")
    peer = request.client.host if request.client else ""
    if peer:
        found["x-forwarded-for"] = f"{before}, {peer}" if before else peer
    return found


def _sound(path: str, content: bytes) -> Any:
    value = value_of(path, content)
    check_numbers(path, value)
    return value


def check_numbers(path: str, value: Any) -> None:
    """Raise Unheard where a number of an answer is none that can be added: not finite, or beyond measure."""
    match value:
        case dict():
            for one in value.values():
                check_numbers(path, one)
        case list():
            for one in value:
                check_numbers(path, one)
        case int() | float() if not abs(value) <= MOST:
            raise Unheard(f"{path} says what cannot be: the number {value}")
