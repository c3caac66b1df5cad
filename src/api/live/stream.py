"""The live stream: totals, the last hours, gateways, health and alerts as server-sent events.

One look at the state a second, and only while somebody listens, serves every stream; what callers of the same sight
are sent is made once. A stream keeps no queue: it knows which version of each part it was sent last, so that whoever
reads slowly gets the newest state and no backlog. Totals are state, so the newest is all that a client needs that
comes again; what happened to alerts meanwhile is told from the id on that it names.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.types import Receive, Scope, Send

from alerts.tables.happenings import Happening, happenings, newest_happening
from alerts.tables.views import find_alerts
from api.access.caller import SERVICE, Asking, Caller
from api.access.guard import GUARDED
from api.alerts.alert_bodies import alert_body
from api.field.rebirth import EdgeNodes, nodes_by_gateway
from api.health import Health
from api.live.event_ids import LONGEST as LONGEST_ID
from api.live.event_ids import EventIds
from api.live.parts import REPLAYED, Body, Part, ToldBefore, as_json, without_time
from api.models import Level, TotalsBody
from api.problems import documented, problem
from api.totals import totals as tonnes
from api.totals.extras import Extra
from api.totals.last_day import last_day
from plant.clock import format_time
from plant.park import Plant
from plant.vocabulary import NS_PER_S
from store.reader import Reader, Snapshot

EVERY_S = 1.0  # between two looks at the state
IDLE_SHARE = 3  # a look that takes long is followed by a pause of so many times as long
ANYWAY_NS = 10 * NS_PER_S  # totals are made again though nothing came, because time makes channels stale
SLOWLY_NS = 5 * NS_PER_S  # between two looks at the last hours and the gateways
KEEP_ALIVE_S = 5.0  # each time, the guard may end the stream of a key that is good no more
MOST_STREAMS = 500
MOST_STREAMS_OF_ONE = 300  # so that one key cannot take all; a wall of 200 dashboards may share one
MOST_ALERTS = 500
COME_AGAIN_MS = 2000

_FIELDS = {
    "park", "facility", "scope", "co2e_t", "now_t_per_h", "now_at", "now_unknown", "coverage", "known_from", "unheard", "shares",
    "worst_source", "complete_until", "stale", "excluded_transfers_t", "scope3_t", "budget_t", "budget_used_share",
}  # fmt: skip
_LEVELS: tuple[Level, ...] = ("all", "park", "facility")

_STREAM: dict[str, Any] = {
    "description": "the events, until the client or the service ends",
    "content": {
        "text/event-stream": {"schema": {"type": "string"}, "example": "event: totals\ndata: {…}\n\n"}
    },
}

LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=LONGEST_ID, description="id of the last event that was read"),
]

Parks = Annotated[bool, Query(description="also what each park adds to the totals of all, as with=parks")]

Failed = Callable[[BaseException], object]

_log = logging.getLogger(__name__)


def log_failure(error: BaseException) -> None:
    """Say in the log why the streams end."""
    _log.error("live streams end: %s", error, exc_info=error)


def routes(
    app: FastAPI,
    reader: Reader,
    plant: Plant,
    health: Callable[[], Health],
    clock: Callable[[], int],
    page: str,
    token: str,
    failed: Failed,
    edge_nodes: EdgeNodes | None,
) -> APIRouter:
    """Return the route of the stream; `app.state.end_streams` ends all streams, from any thread.

    Parameters
    ----------
    page
        Names the version of the page that is served, so that a display that runs for weeks loads a newer one.
    token
        Of the service, from which the key is derived that seals the events' ids.
    failed
        Told why the streams end where nobody ended them.
    edge_nodes
        Knows which gateways' Sparkplug edge nodes may be asked for a birth.
    """
    live = Live(
        _PartsReader(reader, plant, health, clock, edge_nodes), plant, page, clock, EventIds(token), failed
    )
    app.state.end_streams = live.end
    router = APIRouter(prefix="/v1", tags=["live"], dependencies=GUARDED)

    @router.get("/live", response_class=Response, responses={200: _STREAM, **documented(401, 422, 503)})
    async def live_stream(
        request: Request, caller: Asking, last: LastEventId = None, parks: Parks = False
    ) -> Any:
        """Stream what changes, as server-sent events.

        `plant` comes once; `totals`, `hours`, `gateways`, `health` and `alerts` come as they stand, and whole again
        whenever they change, at most once a second. Only `alerts` has an id: a client that comes again with it as
        `Last-Event-ID` is told what happened to alerts since. An id says nothing by itself, and is good for callers of the
        same places only. `parks` is for a front, which adds what each park adds.
        """
        if live.has_enough(caller):
            detail = f"{MOST_STREAMS_OF_ONE} live streams of one key are open: close some"
            return problem(request.url.path, 429, detail, headers={"Retry-After": "10"})
        stream = live.stream(caller, last, parks=parks)
        if stream is None:
            detail = "as many live streams as this service holds are open, or it is about to stop"
            return problem(request.url.path, 503, detail, headers={"Retry-After": "10"})
        return stream

    return router


class Live:
    """All streams of a service."""

    def __init__(
        self,
        look: Callable[[], Mapping[str, Body]],
        plant: Plant,
        page: str,
        clock: Callable[[], int],
        ids: EventIds,
        failed: Failed = log_failure,
    ) -> None:
        self._look, self._plant, self._page, self._clock, self._ids = look, plant, page, clock, ids
        self._failed = failed
        self._parts: dict[str, Part] = {}
        self._streams: Counter[str] = Counter()  # by the caller's name
        self._ended = False
        self._generation = 0  # streams of an earlier one end
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None

    def stream(self, caller: Caller, last: str | None, *, parks: bool = False) -> EventSourceResponse | None:
        """Return a stream from the event with the id `last` on, None where no further one is taken."""
        if self._ended or self._streams.total() >= MOST_STREAMS:
            return None
        self._streams[caller.name] += 1
        self._loop = asyncio.get_running_loop()
        if self._looking is None or self._looking.done():
            self._parts, self._changed = {}, asyncio.Event()
            self._looking = self._loop.create_task(self._keep_looking())
        known = None if last is None else self._ids.opened(last, caller.places)
        return _Stream(self._events(caller, known, parks), lambda: self._leave(caller))

    def has_enough(self, caller: Caller) -> bool:
        """Return whether a caller has as many streams as one may."""
        return self._streams[caller.name] >= MOST_STREAMS_OF_ONE

    def end(self) -> None:
        """End every stream and take no further one; any thread may ask for it."""
        self._ended = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _leave(self, caller: Caller) -> None:
        self._streams[caller.name] -= 1
        self._streams += Counter()  # forgets those that have none

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _keep_looking(self) -> None:
        try:
            while self._streams and not self._ended:
                began = time.monotonic()
                self._keep_changed(await asyncio.to_thread(self._look))
                await asyncio.sleep(max(EVERY_S, IDLE_SHARE * (time.monotonic() - began)))
        except Exception as error:  # noqa: BLE001 - told to whoever keeps account of it
            self._failed(error)
        finally:
            # Nobody is left waiting for a look that does not come: whoever listens comes again.
            self._generation += 1
            self._wake()

    def _keep_changed(self, seen: Mapping[str, Body]) -> None:
        changed = False
        for name, body in seen.items():
            part = self._parts.get(name)
            if part is None or without_time(part.body) != without_time(body):
                self._parts[name] = Part(name, part.version + 1 if part else 1, body, self._ids)
                changed = True
        if changed:
            self._wake()

    async def _events(self, caller: Caller, last: int | None, parks: bool) -> AsyncIterator[bytes]:
        generation, sent, told = self._generation, dict[str, int](), ToldBefore()
        yield format_sse_event(event="plant", data_str=as_json(self._of_plant(caller)), retry=COME_AGAIN_MS)
        while not self._ended and generation == self._generation:
            changed = self._changed
            parts = list(self._parts.values())
            for part in [
                one for one in parts if sent.get(one.name) != one.version or told.needs_afresh(one.name)
            ]:
                text = part.text(caller, last, parks=parks)
                if told.is_news(part.name, text):
                    yield text.event
                sent[part.name] = part.version
                last = part.body["last"] if part.name == "alerts" else last
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await changed.wait()
            except TimeoutError:
                yield KEEPALIVE_COMMENT

    def _of_plant(self, caller: Caller) -> Body:
        """Return what a page must know to name things, of what the caller may see."""
        parks = []
        for park in self._plant.parks:
            facilities = [
                {"name": one.name, "title": one.title or one.name}
                for one in self._plant.facilities
                if one.park == park.name and caller.sees(park.name, one.name)
            ]
            if facilities or caller.sees(park.name):
                title = park.title or park.name
                parks.append(
                    {"name": park.name, "title": title, "zone": str(park.zone), "facilities": facilities}
                )
        return {
            "as_of": format_time(self._clock()),
            "page": self._page,
            "gwp": self._plant.gwp,
            "window_s": self._plant.window / NS_PER_S,
            "you": {"name": caller.name, "role": caller.role, "shared": caller.shared},
            "parks": parks,
        }


class _Stream(EventSourceResponse):
    """A stream that gives its place back however it ends."""

    def __init__(self, events: AsyncIterator[bytes], left: Callable[[], None]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._left = left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._left()


class _PartsReader:
    """Looks at the state, in a thread, one look after the other; what costs more it looks at less often."""

    def __init__(
        self,
        reader: Reader,
        plant: Plant,
        health: Callable[[], Health],
        clock: Callable[[], int],
        edge_nodes: EdgeNodes | None,
    ) -> None:
        self._reader, self._plant, self._health, self._clock = reader, plant, health, clock
        self._edge_nodes = edge_nodes
        self._seen: dict[str, Body] = {}
        self._cursor: dict[str, int] = {}
        self._totals_at = self._slow_at = 0  # ns UTC
        self._happened: deque[Happening] = deque(maxlen=REPLAYED)

    def __call__(self) -> Mapping[str, Body]:
        """Return every part as it stands."""
        now = self._clock()
        with self._reader.snapshot() as state:
            cursor = state.cursor()
            if cursor != self._cursor or abs(now - self._totals_at) >= ANYWAY_NS:
                self._seen["totals"] = self._totals(state, now)
                self._cursor, self._totals_at = cursor, now
            if abs(now - self._slow_at) >= SLOWLY_NS:
                self._seen["hours"] = {"as_of": format_time(now), "rows": last_day(state, now)}
                self._seen["gateways"] = {"as_of": format_time(now), "gateways": self._gateways(state)}
                self._slow_at = now
            self._seen["alerts"] = self._alerts(state, now)
        told = self._health()
        self._seen["health"] = {
            "as_of": format_time(now),
            "ready": told.ready,
            "reasons": list(told.reasons),
            "degradations": list(told.degradations),
        }
        return dict(self._seen)

    def _totals(self, state: Snapshot, now: int) -> Body:
        budget: frozenset[Extra] = frozenset({"budget"})
        parks: frozenset[Extra] = frozenset({"parks"})  # told to whom it is for
        today, month = (
            tonnes.chosen_period(self._plant, word, None, None, now) for word in ("today", "month")
        )
        beside = {level: parks if level == "all" else frozenset[Extra]() for level in _LEVELS}
        of_today = [(tonnes.Query(level, extras=beside[level], caller=SERVICE), today) for level in _LEVELS]
        of_today.append((tonnes.Query("facility", "scope", caller=SERVICE), today))
        of_month = [
            (tonnes.Query(level, extras=budget | beside[level], caller=SERVICE), month) for level in _LEVELS
        ]
        found = tonnes.several(state, of_today + of_month, now)
        told = {"today": found[: len(of_today)], "month": found[len(of_today) :]}
        return {
            "as_of": format_time(now),
            **{period: _rows(bodies) for period, bodies in told.items()},
            "parks": [row for period, bodies in told.items() for row in _parks(period, bodies[0])],
        }

    def _gateways(self, state: Snapshot) -> list[Body]:
        """Return each gateway, what it said of itself last, the time of its newest counting reading, and whether births of it may be asked for."""
        newest = state.newest([channel.index for channel in self._plant.channels])
        read: dict[str, int] = {}
        for channel in self._plant.channels:
            name = f"{channel.park}/{channel.facility}/{channel.gateway}"
            read[name] = max([read.get(name, 0), *newest[channel.index].counting])
        said = {one.gateway: one for one in state.gateways()}
        nodes = nodes_by_gateway(state.connection, self._edge_nodes)
        return [
            {
                "park": one.park,
                "facility": one.facility,
                "gateway": one.name,
                "online": said[one.id].online if one.id in said else None,
                "said_at": format_time(said[one.id].at) if one.id in said else None,
                "newest_at": format_time(read[one.id]) if read.get(one.id) else None,
                "rebirth": any(node.may_be_asked for node in nodes.get(one.id, ())),
            }
            for one in self._plant.gateways
        ]

    def _alerts(self, state: Snapshot, now: int) -> Body:
        self._happened += happenings(state.connection, self._last(), REPLAYED)
        page = find_alerts(state.connection, status="open", most=MOST_ALERTS)
        return {
            "as_of": format_time(now),
            "last": self._happened[-1].id if self._happened else newest_happening(state.connection),
            "open": [alert_body(one).model_dump() for one in page.alerts],
            "more": bool(page.after),
            "happened": [_happened(one) for one in self._happened],
        }

    def _last(self) -> int:
        return self._happened[-1].id if self._happened else 0


def _rows(bodies: Iterable[TotalsBody]) -> list[Body]:
    """Return what a page shows of totals."""
    return [total.model_dump(include=_FIELDS, exclude_unset=True) for body in bodies for total in body.totals]


def _parks(period: str, of_all: TotalsBody) -> list[Body]:
    """Return what each park adds to the total of all of a period, if there is one."""
    return [
        {"period": period, "facility": None, **one.model_dump()}
        for total in of_all.totals
        for one in total.parks or []
    ]


def _happened(one: Happening) -> Body:
    return {
        "id": one.id, "alert": one.alert, "at": format_time(one.at), "kind": one.kind, "by": one.actor or None,
        "park": one.park, "facility": one.facility,
    }  # fmt: skip
