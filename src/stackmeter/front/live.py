"""The live stream over shards: what each shard streams to the key that asks, put together as one service tells it.

Nothing is kept between two streams. What a shard told in this one stays named while it is away, with nothing known of it.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from api.access.caller import Role
from api.addends import AddendBody
from api.live.parts import as_json, without_time
from api.times import parse_time
from plant.clock import format_time
from plant.documents.json_text import json_of
from plant.shards.shards_file import Shard
from stackmeter.front.asking import UNKNOWN_KEY, ShardAnswer, ShardAsker, check_numbers, headers_of
from stackmeter.front.standing import told_away
from stackmeter.front.together import AwayBody, away_bodies
from stackmeter.front.totals import addends_of, check_parks, sum_of, unknown
from stackmeter.heard import STEP_S, Unheard, model_of, why

PATH = "/v1/live"
LONGEST = 16 << 20  # bytes of an event
SILENT_S = 20.0  # a shard says something every 5 s, if only that it is there
FIRST_S = 5.0  # for which the first word of a slow shard is waited for
GATHERED_S = 0.2  # events of several shards that come together are told together
AGAIN_S = 2.0
KEEP_ALIVE_S = 5.0
COME_AGAIN_MS = 2000
PARTS = ("plant", "totals", "hours", "gateways", "health", "alerts")
PERIODS = ("today", "month")

Body = dict[str, Any]


@dataclass(slots=True)
class ShardTold:
    """What a shard told in this stream; `parts` by name, `refused` where it does not know the key."""

    shard: Shard
    parts: dict[str, Body] = field(default_factory=dict)
    happened: list[Body] = field(default_factory=list)  # to alerts, and not told on yet
    missed: bool = False
    last: str | None = None
    refused: bool = False
    said: ShardAnswer | None = None  # why it is away

    @property
    def is_there(self) -> bool:
        """Whether what it told is of now."""
        return self.said is None and not self.refused and set(PARTS) <= self.parts.keys()

    @property
    def is_settled(self) -> bool:
        """Whether it is known how it stands."""
        return self.refused or self.said is not None or self.is_there


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
        there = [one for one in known if one.is_there]
        gone = [one for one in self._told if not one.is_there and not one.refused]
        whole = not any(one.refused for one in self._told) and all(map(_sees_all, known))
        said = [one.said or self._asking.not_believed(one.shard, "it has not said all yet") for one in gone]
        away = away_bodies(said, whole=whole)
        return {
            "plant": self._plant(known, away),
            "totals": self._now() | _totals(there, gone, away, whole=whole),
            "hours": self._now() | _hours(there, away, whole=whole),
            "gateways": self._now()
            | {"gateways": [row for one in there for row in one.parts["gateways"]["gateways"]]},
            "health": self._now() | self._health(there, said, whole=whole),
            "alerts": self._now() | _alerts(known),
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


def _alerts(known: Sequence[ShardTold]) -> Body:
    """Return all open alerts, of a shard that is away as they stood, and what happened that was not told yet."""
    rows = [row for one in known for row in one.parts["alerts"]["open"]]
    happened = [row for one in known for row in one.happened]
    missed = any(one.missed for one in known)
    for one in known:
        one.happened, one.missed = [], False
    return {
        "open": sorted(rows, key=lambda row: (parse_time(row["started_at"]), row["id"]), reverse=True),
        "more": any(one.parts["alerts"]["more"] for one in known),
        "happened": sorted(happened, key=lambda row: parse_time(row["at"])),
        "missed": missed,
    }


def check_part(shard: Shard, name: str, body: Body) -> None:
    """Raise Unheard, KeyError, TypeError or ValueError where a part of a shard's stream is none, or of others' parks."""
    parse_time(body["as_of"])
    match name:
        case "plant":
            Role(body["you"]["role"])
            check_parks(shard.parks, (park["name"] for park in body["parks"]))
        case "totals":
            rows = [row for period in PERIODS for row in body[period]]
            check_parks([*shard.parks, None], (row["park"] for row in rows))  # type: ignore[list-item]
            check_parks(shard.parks, (part.park for period in PERIODS for part in _parts([body], period)))
            for period in PERIODS:
                addends_of(_parts([body], period))
        case "hours":
            check_parks([*shard.parks, None], (row["park"] for row in body["rows"]))  # type: ignore[list-item]
        case "gateways":
            check_parks(shard.parks, (row["park"] for row in body["gateways"]))
        case "health":
            [*body["reasons"], *body["degradations"], body["ready"]]
        case _:
            for row in body["open"]:
                parse_time(row["started_at"]), row["id"]
            for row in body["happened"]:
                parse_time(row["at"])
            body["more"], body["missed"]


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


def _sees_all(told: ShardTold) -> bool:
    return any(row["park"] is None for row in told.parts["totals"]["today"])


def _parts(bodies: Sequence[Body], period: str) -> list[AddendBody]:
    rows = [row for body in bodies for row in body["parks"] if row["period"] == period]
    found = [model_of(AddendBody, PATH, row) for row in rows]
    return sorted(found, key=lambda one: one.park)


def _totals(
    there: Sequence[ShardTold], gone: Sequence[ShardTold], away: Sequence[AwayBody], *, whole: bool
) -> Body:
    bodies = [one.parts["totals"] for one in there]
    found: Body = {}
    for period in PERIODS:
        rows = [row for body in bodies for row in body[period] if row["park"] is not None]
        rows += [_nothing(park, facility) for park, facility in _places(gone, away)]
        if whole:
            parks = [park for one in (*there, *gone) for park in one.shard.parks]
            told = sum_of(_parts(bodies, period), away, budget_of=parks if period == "month" else None)
            rows.insert(0, _row(None, None, told))
        found[period] = rows
    return found


def _places(gone: Sequence[ShardTold], away: Sequence[AwayBody]) -> list[tuple[str, str | None]]:
    """Return the parks and facilities whose shard is away, as far as this stream was told of them."""
    named = dict.fromkeys((park, None) for one in away for park in one.parks or [])
    rows = [row for one in gone for row in one.parts.get("totals", {}).get("today", [])]
    known = dict.fromkeys((row["park"], row["facility"]) for row in rows if row["park"] is not None)
    return list(known | named)


def _nothing(park: str, facility: str | None) -> Body:
    return _row(park, facility, unknown())


def _row(park: str | None, facility: str | None, told: Body) -> Body:
    """Return a row as a page takes it."""
    shares = told["shares"]
    plain = {key: value for key, value in told.items() if key not in _NOT_SHOWN}
    return {
        "park": park, "facility": facility, "scope": None, **plain,
        "shares": None if shares is None else shares.model_dump(),
    }  # fmt: skip


_NOT_SHOWN = {
    "co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg", "activity", "activity_unit", "revision", "away",
}  # fmt: skip


def _hours(there: Sequence[ShardTold], away: Sequence[AwayBody], *, whole: bool) -> Body:
    """Return the last hours of each place; all together are not told: a page adds what it sees, and nothing while a shard is away."""
    rows = [row for one in there for row in one.parts["hours"]["rows"] if row["park"] is not None]
    if whole and away and rows:
        nothing = [None] * len(rows[0]["times"])
        beside = {"co2e_t": nothing, "coverage": nothing, "substituted": nothing, "known_from": None}
        rows.insert(0, {"park": None, "facility": None, "times": rows[0]["times"], **beside})
    return {"rows": rows}
