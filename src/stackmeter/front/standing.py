"""Which shards are away, since when and why; each is looked at every few seconds, and whoever asked it in vain says so too."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx
from pydantic import BaseModel

from api.health import Health
from api.metrics import Family
from plant.clock import format_time
from plant.shards.shards_file import Shard
from stackmeter.heard import STEP_S, WHOLE_S, AnswerPieces, Unheard, check_json, model_of, value_of, why

EVERY_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AwayShard:
    """Why a shard is away, and since when [ns UTC]."""

    since: int
    reason: str


class _Park(BaseModel):
    park: str


class _Parks(BaseModel):
    parks: list[_Park]


class ShardStanding:
    """What is known of the shards; a shard that nobody has looked at yet is taken to be there."""

    def __init__(self, shards: Sequence[Shard], clock: Callable[[], int] = time.time_ns) -> None:
        self.shards, self._clock = tuple(shards), clock
        self._away: dict[str, AwayShard] = {}

    def away(self, shard: Shard) -> AwayShard | None:
        """Return why a shard is away, None where it is there."""
        return self._away.get(shard.name)

    def since(self, shard: Shard, reason: str) -> AwayShard:
        """Return that a shard was asked in vain: since now, or since it was seen to be away."""
        before = self._away.get(shard.name)
        return AwayShard(self._clock() if before is None else before.since, reason)

    def note(self, shard: Shard, trouble: str) -> None:
        """Keep how a shard was found; "" is well."""
        before = self._away.get(shard.name)
        if trouble:
            self._away[shard.name] = self.since(shard, trouble)
        else:
            self._away.pop(shard.name, None)
        if trouble and before is None:
            log.warning("shard %s is away: %s", shard.name, trouble)
        elif before is not None and not trouble:
            log.info("shard %s is there again", shard.name)

    def health(self) -> Health:
        """Return that the front cannot do its work where all shards are away, and states which are."""
        told = tuple(
            told_away(shard, away) for shard in self.shards if (away := self.away(shard)) is not None
        )
        return Health(reasons=told) if len(told) == len(self.shards) else Health(degradations=told)

    def metrics(self) -> Mapping[str, Family]:
        """Return whether each shard is there, and since when one is not."""
        up: dict[tuple[str, ...], float] = {(one.name,): float(self.away(one) is None) for one in self.shards}
        since: dict[tuple[str, ...], float] = {(name,): away.since / 1e9 for name, away in self._away.items()}
        return {
            "stackmeter_front_shard_up": Family("gauge", "1 where the shard is there", up, ("shard",)),
            "stackmeter_front_shard_away_since_seconds": Family(
                "gauge", "since when a shard is away [s since 1970]", since, ("shard",)
            ),
        }


def told_away(shard: Shard, away: AwayShard) -> str:
    """Return the sentence that says that a shard is away."""
    return f"shard {shard.name} is away since {format_time(away.since)}: {away.reason}"


async def keep_looking(
    standing: ShardStanding, shard: Shard, client: httpx.AsyncClient, keys: Mapping[str, str]
) -> None:
    """Look at a shard again and again; never returns."""
    while True:
        standing.note(shard, await trouble(client, shard, keys))
        await asyncio.sleep(EVERY_S)


async def trouble(client: httpx.AsyncClient, shard: Shard, keys: Mapping[str, str]) -> str:
    """Return what is the matter with a shard, "" where nothing is.

    With a key of our own it is asked for its parks, which must be those that the file says; without one, whether it lives.
    """
    key = keys.get(shard.key_env) if shard.key_env else None
    if shard.key_env and not key:
        return f"the environment variable {shard.key_env} is not set: it holds its key"
    path, headers = ("/v1/parks", {"Authorization": f"Bearer {key}"}) if key else ("/livez", {})
    pieces = AnswerPieces(time.monotonic() + WHOLE_S)
    try:
        async with (
            asyncio.timeout(WHOLE_S),
            client.stream("GET", shard.url + path, headers=headers, timeout=STEP_S) as answer,
        ):
            check_json(answer, shard.key_env)
            async for piece in answer.aiter_bytes():
                pieces.take(piece, time.monotonic())
        if not key:
            return ""
        said = model_of(_Parks, path, value_of(path, pieces.whole()))
    except httpx.HTTPError as error:
        return why(error)
    except TimeoutError:
        return f"it takes more than {WHOLE_S:g} s"
    except Unheard as error:
        return str(error)
    missing = sorted(set(shard.parks) - {one.park for one in said.parks})
    return f"it has no park {missing[0]}, which the file of shards says it has" if missing else ""
