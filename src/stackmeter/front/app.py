"""The front's routes: the page, what is put together of all shards, and everything of one park, which is passed on."""

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.addresses import Clients
from api.access.guard import BURST_S, MOST_ADDRESSES, RATE
from api.access.host_check import HostCheck, KnownHosts
from api.access.rate_limit import RateLimiter
from api.live import page
from api.metrics import render
from api.models import AliveBody, ReadyBody
from api.problems import InvalidQuery, handle_problems, problem
from plant.shards.shards_file import Shard
from plant.vocabulary import NS_PER_S
from stackmeter.front import lists, live, totals
from stackmeter.front.asking import NOT_ALLOWED, ShardAsker
from stackmeter.front.parts import PATH
from stackmeter.front.passing import TooLarge, body_of, park_in, passed, small_body_of
from stackmeter.front.standing import ShardStanding, keep_looking
from stackmeter.front.together import refusal

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MOST_STREAMS = 500
_OF_PARK = re.compile(r"/v1/gateways/(?P<park>[^/]+)/.*")
_OF_ALERT = re.compile(r"(?P<alert>/v1/alerts/[^/]+)(/actions)?")
_OF_ALL_PARKS = "/v1/members"  # a shard answers it to whoever sees all of it

Clock = Callable[[], int]  # ns UTC


def create_front(
    shards: Sequence[Shard],
    client: httpx.AsyncClient,
    clock: Clock,
    keys: Mapping[str, str],
    *,
    public_url: str = "",
    allowed_hosts: Collection[str] = (),
    clients: Clients | None = None,
) -> FastAPI:
    """Return the front.

    Parameters
    ----------
    shards
        In the order of their names.
    client
        Asks them; it follows no redirect.
    clock
        The time [ns UTC].
    keys
        Where the variables are that hold the front's own keys, with which it looks whether shards are there.
    public_url, allowed_hosts
        Host names of ours, see `api.access.host_check.KnownHosts`.
    clients
        From where requests come.
    """
    standing = ShardStanding(shards, clock)
    front = _Front(ShardAsker(standing, client), keys, clock)
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_looking(standing, client, keys),
        middleware=[
            Middleware(HostCheck, hosts=KnownHosts(allowed_hosts, public_url)),
            Middleware(_Limited, clients=clients or Clients(), clock=clock),
        ],
    )
    app.state.end_streams = front.end_streams
    handle_problems(app)
    app.include_router(page.routes(front.page))
    app.add_api_route("/livez", front.alive)
    app.add_api_route("/readyz", front.ready)
    app.add_api_route("/metrics", front.metrics)
    app.add_api_route(PATH, front.stream)
    app.add_api_route("/{path:path}", front.any, methods=list(METHODS))
    return app


def _looking(
    standing: ShardStanding, client: httpx.AsyncClient, keys: Mapping[str, str]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        looks = [asyncio.create_task(keep_looking(standing, one, client, keys)) for one in standing.shards]
        yield
        for one in looks:
            one.cancel()
        await client.aclose()

    return lifespan


class _Limited:
    """Lets no address ask more often than one service would: each question is one of every shard."""

    def __init__(self, app: ASGIApp, clients: Clients, clock: Clock) -> None:
        self._app, self._clients, self._clock = app, clients, clock
        self._addresses = RateLimiter(RATE * BURST_S, NS_PER_S // RATE, MOST_ADDRESSES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_one_too_many = (
            scope["type"] == "http"
            and scope["path"] != "/livez"
            and not self._addresses.allows(self._clients.address(scope), self._clock())
        )
        if is_one_too_many:
            detail = "too many requests of your address: ask less often"
            await problem(scope["path"], 429, detail, headers={"Retry-After": "1"})(scope, receive, send)
            return
        await self._app(scope, receive, send)


class _Front:
    def __init__(self, asking: ShardAsker, keys: Mapping[str, str], clock: Clock) -> None:
        self._asking, self._clock = asking, clock
        shards = asking.standing.shards
        self._by_park = {park: one for one in shards for park in one.parks}
        self._keys = [key for one in shards if (key := keys.get(one.key_env))]
        self.page = page.assets()
        self._version = page.version(self.page)
        self._streams: set[live.LiveOverShards] = set()
        self._ended = False

    async def alive(self) -> AliveBody:
        """Answer as long as the process does; it takes no key."""
        return AliveBody(alive=True)

    async def ready(self, request: Request) -> Response:
        """Answer 503 where all shards are away, and say which are."""
        refused = await self._refused(request, "/v1/parks")
        if refused is not None:
            return refused
        state = self._asking.standing.health()
        reasons, degradations = list(state.reasons), list(state.degradations)
        if not state.ready:
            more = {"ready": False, "reasons": reasons, "degradations": degradations, "broker": ""}
            return problem(request.url.path, 503, "; ".join(reasons), more=more)
        body = ReadyBody(ready=True, reasons=reasons, degradations=degradations, broker="")
        return Response(body.model_dump_json(), media_type="application/json")

    async def metrics(self, request: Request) -> Response:
        """Return which shards are there, in the exposition format that the client prefers."""
        refused = await self._refused(request, _OF_ALL_PARKS)
        if refused is not None:
            return refused
        body, content_type = render(self._asking.standing.metrics, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    async def stream(self, request: Request) -> Response:
        """Stream what changes on all shards, as one service does."""
        if self._ended or len(self._streams) >= MOST_STREAMS:
            detail = "as many live streams as this front holds are open, or it is about to stop"
            return problem(request.url.path, 503, detail, headers={"Retry-After": "10"})
        stream = live.LiveOverShards(self._asking, request, self._version, self._clock)
        self._streams.add(stream)
        is_there = False
        try:
            is_there = await stream.begin()
        finally:
            if not is_there:
                self._leave(stream)
        if is_there:
            headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            return StreamingResponse(self._told(stream), media_type="text/event-stream", headers=headers)
        if stream.is_known_nowhere:
            return problem(request.url.path, 401, "no shard takes this key")
        return problem(request.url.path, 503, "no shard answers", headers={"Retry-After": "5"})

    async def _told(self, stream: live.LiveOverShards) -> AsyncIterator[bytes]:
        try:
            async for event in stream.events():
                yield event
        finally:
            self._leave(stream)

    def _leave(self, stream: live.LiveOverShards) -> None:
        stream.end()
        self._streams.discard(stream)

    def end_streams(self) -> None:
        """End every stream and take no further one; any thread may ask for it."""
        self._ended = True
        for one in list(self._streams):
            one.end_soon()

    async def any(self, request: Request) -> Response:
        """Answer everything else: of one park by its shard, of all parks together where that can be, else by saying whom to ask."""
        try:
            return await self._answered(request)
        except TooLarge:
            return problem(request.url.path, 413)

    async def _answered(self, request: Request) -> Response:
        shards = self._asking.standing.shards
        park = self._park(request)
        body: bytes | None = None
        if park is None and len(shards) > 1:
            body = await small_body_of(request)
            park = park_in(body) if body else None
        shard = shards[0] if len(shards) == 1 else self._by_park.get(park or "")
        if shard is not None:
            return await passed(self._asking, request, shard, body_of(request) if body is None else body)
        if park is not None:
            return await self._refused(request, "/v1/parks") or _no_park(request.url.path, park)
        return await self._of_all(request, body or b"")

    async def _of_all(self, request: Request, body: bytes) -> Response:
        """Answer what names no park."""
        path = request.url.path
        if request.method == "GET" and path == totals.PATH:
            return await totals.totals(self._asking, request)
        if request.method == "GET" and path in lists.LISTS:
            return await lists.listed(self._asking, request)
        found = _OF_ALERT.fullmatch(path)
        if found is not None:
            return await self._of_alert(request, found["alert"], body)
        return await self._refused(request, "/v1/parks") or self._whom_to_ask(path)

    def _park(self, request: Request) -> str | None:
        """Return the park that an address names, None where it names none."""
        named = _OF_PARK.fullmatch(request.url.path)
        return named["park"] if named is not None else request.query_params.get("park")

    async def _of_alert(self, request: Request, alert: str, body: bytes) -> Response:
        """Pass what is about an alert on to the shard that has it."""
        said = await self._asking.each(request, alert, ())
        has = [one for one in said if one.good]
        if len(has) > 1:
            names = " and ".join(one.shard.name for one in has)
            return problem(request.url.path, 409, f"shards {names} both have this alert: ask one of them")
        refused = refusal(request, said)
        return refused or await passed(self._asking, request, has[0].shard, body)

    async def _refused(self, request: Request, path: str) -> Response | None:
        """Return the refusal of who bears no key that a shard takes for a path, nor one of the front's own; None for others."""
        if self._is_ours(request):
            return None
        said = await self._asking.each(request, path, ())
        if any(one.status == NOT_ALLOWED for one in said):
            return problem(request.url.path, 403, "this is of no park, and your key is for some places only")
        return refusal(request, said)

    def _is_ours(self, request: Request) -> bool:
        given = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix(
            "Bearer "
        )
        return any(hmac.compare_digest(given.encode(), key.encode()) for key in self._keys)

    def _whom_to_ask(self, path: str) -> Response:
        shards = ", ".join(one.name for one in self._asking.standing.shards)
        detail = f"{path} is not told of several shards together: name a park, or ask one of the shards itself: {shards}"
        return problem(path, 422, detail)


def _no_park(path: str, park: str) -> Response:
    return problem(path, 422, InvalidQuery.detail, errors=(("park", f"unknown: {park[:64]!r}"),))
