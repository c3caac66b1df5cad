"""The live stream over shards: what each shard streams to the key that asks, put together as one service tells it.

Nothing is kept between two streams. What a shard told in this one stays named while it is away, with nothing known of it.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

import httpx
from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from api.access.caller import Role
from api.live.parts import as_json, without_time
from plant.clock import format_time
from plant.documents.json_text import json_of
from stackmeter.front.asking import UNKNOWN_KEY, ShardAnswer, ShardAsker, check_numbers, headers_of
from stackmeter.front.parts import (
    PARTS,
    PATH,
    Body,
    ShardTold,
    alerts_of,
    check_part,
    hours_of,
    sees_all,
    totals_of,
)
from stackmeter.front.standing import told_away
from stackmeter.front.together import AwayBody, away_bodies
from stackmeter.heard import STEP_S, Unheard, why

LONGEST = 16 << 20  # bytes of an event
SILENT_S = 20.0  # a shard says something every 5 s, if only that it is there
FIRST_S = 5.0  # for which the first word of a slow shard is waited for
GATHERED_S = 0.2  # events of several shards that come together are told together
AGAIN_S = 2.0
KEEP_ALIVE_S = 5.0
COME_AGAIN_MS = 2000


class LiveOverShards:
    """One stream of one client.

    Parameters
    ----------
    page
        Names the version of the page that the front serves.
    clock
        The time [ns UTC].
    """

    def __init__(self, asking: ShardAsker, request: Request, page: str, clock: Callable[[], int]) -> None:
        self._asking, self._page, self._clock = asking, page, clock
        self._headers = headers_of(request) | {"accept": "text/event-stream", "accept-encoding": "identity"}
        before = ids_of(self._headers.pop("last-event-id", None))
        self._told = [ShardTold(one, last=before.get(one.name)) for one in asking.standing.shards]
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.get_running_loop()
        self._ended = False

    async def begin(self) -> bool:
        """Listen to all shards; return whether one of them takes the key, or may yet."""
        self._tasks = [asyncio.create_task(self._follow(one)) for one in self._told]
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                while not all(one.is_settled for one in self._told):
                    await self._woken()
        return any(one.is_there for one in self._told)

    @property
    def is_known_nowhere(self) -> bool:
        """Whether every shard says that it does not know the key."""
        return all(one.refused for one in self._told)

    def end(self) -> None:
        """Leave all shards."""
        for one in self._tasks:
            one.cancel()

    def end_soon(self) -> None:
        """End the stream; any thread may ask for it."""
        self._ended = True
        self._loop.call_soon_threadsafe(self._changed.set)

    async def events(self) -> AsyncIterator[bytes]:
        """Yield what changes."""
        stands: dict[str, Body] = {}
        retry: int | None = COME_AGAIN_MS
        try:
            while not (self._ended or self.is_known_nowhere):
                for name, body in self._merged().items():
                    has_happened = name == "alerts" and bool(body["happened"] or body["missed"])
                    if has_happened or stands.get(name) != without_time(body):
                        which = ids(self._told) if name == "alerts" else None
                        yield format_sse_event(event=name, data_str=as_json(body), id=which, retry=retry)
                        retry = None
                    stands[name] = without_time(body) | (
                        {"happened": [], "missed": False} if name == "alerts" else {}
                    )
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await self._woken()
                    await asyncio.sleep(GATHERED_S)
                except TimeoutError:
                    yield KEEPALIVE_COMMENT
        finally:
            self.end()

    async def _woken(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def _follow(self, told: ShardTold) -> None:
        while True:
            reason = await self._heard(told)
            if not told.refused:
                told.said = self._asking.not_believed(told.shard, reason)
            self._changed.set()
            await asyncio.sleep(AGAIN_S)

    async def _heard(self, told: ShardTold) -> str:
        """Listen to a shard until it ends; return why it did."""
        headers = self._headers | ({} if told.last is None else {"last-event-id": told.last})
        timeout = httpx.Timeout(STEP_S, read=SILENT_S)
        try:
            async with self._asking.client.stream(
                "GET", told.shard.url + PATH, params={"parks": "true"}, headers=headers, timeout=timeout
            ) as answer:
                told.refused = answer.status_code == UNKNOWN_KEY
                if told.refused:
                    told.parts.clear()
                    return ""
                if not (
                    answer.is_success
                    and answer.headers.get("content-type", "").startswith("text/event-stream")
                ):
                    return f"{PATH}: HTTP {answer.status_code}"
                async for event in events_of(answer):
                    self._take(told, *event)
        except httpx.HTTPError as error:
            return why(error)
        except Unheard as error:
            return str(error)
        return "its live stream ended"

    def _take(self, told: ShardTold, name: str, data: str, which: str | None) -> None:
        if name not in PARTS:
            return
        try:
            body = json_of(data)
            check_numbers(PATH, body)
            check_part(told.shard, name, body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unheard(f"{PATH} says what cannot be of {name}: {type(error).__name__}") from error
        told.parts[name] = body
        if name == "alerts":
            told.happened += body["happened"]
            told.missed |= bool(body["missed"])
            told.last = which or told.last
        if set(PARTS) <= told.parts.keys():
            told.said = None
        self._changed.set()

    def _merged(self) -> dict[str, Body]:
        known = [one for one in self._told if set(PARTS) <= one.parts.keys()]
        if not known:
            return {}
        gwp = known[0].parts["plant"]["gwp"]
        for one in known:
            if one.parts["plant"]["gwp"] != gwp:
                reason = f"it counts with {one.parts['plant']['gwp']}, and others with {gwp}"
                one.said = self._asking.not_believed(one.shard, reason)
        there = [one for one in known if one.is_there]
        gone = [one for one in self._told if not one.is_there and not one.refused]
        whole = not any(one.refused for one in self._told) and all(map(sees_all, known))
        said = [one.said or self._asking.not_believed(one.shard, "it has not said all yet") for one in gone]
        away = away_bodies(said, whole=whole)
        return {
            "plant": self._plant(known, away),
            "totals": self._now() | totals_of(there, gone, away, whole=whole),
            "hours": self._now() | hours_of(there, away, whole=whole),
            "gateways": self._now()
            | {"gateways": [row for one in there for row in one.parts["gateways"]["gateways"]]},
            "health": self._now() | self._health(there, said, whole=whole),
            "alerts": self._now() | alerts_of(known),
        }

    def _now(self) -> Body:
        return {"as_of": format_time(self._clock())}

    def _plant(self, known: Sequence[ShardTold], away: Sequence[AwayBody]) -> Body:
        """Return what a page must know to name things; a park whose shard is away keeps the name that is known of it."""
        first = known[0].parts["plant"]
        parks = [park for one in known for park in one.parts["plant"]["parks"]]
        named = {park["name"] for park in parks}
        zone = parks[0]["zone"] if parks else "UTC"
        parks += [
            {"name": park, "title": park, "zone": zone, "facilities": []}
            for one in away
            for park in one.parks or []
            if park not in named
        ]
        roles = list(Role)
        least = min(
            (one.parts["plant"]["you"] for one in known), key=lambda you: roles.index(Role(you["role"]))
        )
        return {
            **self._now(),
            "page": self._page,
            "gwp": first["gwp"],
            "window_s": first["window_s"],
            "you": least,
            "parks": sorted(parks, key=lambda park: str(park["name"])),
        }

    def _health(self, there: Sequence[ShardTold], said: Sequence[ShardAnswer], *, whole: bool) -> Body:
        """Return how the shards do, each by its name; that one is away is told to everybody, its parks to whoever sees all."""
        told: dict[str, list[str]] = {"reasons": [], "degradations": []}
        for one in there:
            for name, sentences in told.items():
                sentences += [f"{one.shard.name}: {text}" for text in one.parts["health"][name]]
        for missing in said:
            if missing.away is not None:
                parks = f" ({', '.join(missing.shard.parks)})" if whole else ""
                told["reasons"].append(told_away(missing.shard, missing.away) + parks)
        ready = not told["reasons"] and all(one.parts["health"]["ready"] for one in there)
        return {"ready": ready, **told}


async def events_of(answer: httpx.Response) -> AsyncIterator[tuple[str, str, str | None]]:
    """Yield the name, the data and the id of each event of a stream; a Stackmeter writes each part of one on one line."""
    rest = b""
    async for piece in answer.aiter_bytes():
        *whole, rest = (rest + piece).split(b"\n\n")
        if len(rest) > LONGEST:
            raise Unheard(f"an event is larger than {LONGEST >> 20} MiB")
        for one in whole:
            fields = dict(line.partition(": ")[::2] for line in one.decode(errors="replace").split("\n"))
            if "data" in fields:
                yield fields.get("event", ""), fields["data"], fields.get("id")


def ids(told: Sequence[ShardTold]) -> str:
    """Return the ids of all shards' last events as one."""
    known = {one.shard.name: one.last for one in told if one.last is not None}
    return base64.urlsafe_b64encode(json.dumps(known).encode()).decode()


def ids_of(text: str | None) -> dict[str, str]:
    """Return the id of each shard's last event; of what is none of ours, none."""
    try:
        said = json_of(base64.b64decode(text or "", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return {}
    known = said.items() if isinstance(said, dict) else ()
    return {name: which for name, which in known if isinstance(which, str) and which.isascii()}
