"""Services with parks of their own, one with all of them, and a front over the former; in this process and with a clock that stands still."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from api.access.guard import Access
from plant.commitments import Budget
from plant.park import Facility, Gateway, Park, Plant
from plant.shards.shards_file import Shard
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, Kind
from rules.catalogue import load_catalogue
from stackmeter.front.app import create_front
from store.access_log import make
from store.keys import NEVER, Keys
from tests.api.conftest import Api
from tests.api.keyed import ME
from tests.api.state import AS_OF, HAI_PHONG, MIDNIGHT, TOKEN, WINDOW, State, channel, source, windows

SHARDS = {
    "east": ("bay", "delta"),
    "west": ("alpha", "coast"),
}  # whose parks lie between each other in the order of all
PARKS = sorted(park for parks in SHARDS.values() for park in parks)
SOURCES = (
    ("mill", "grid", 2),
    ("mill", "boiler", 1),
    ("mill", "freight", 3),
    ("works", "grid", 2),
    ("works", "steam", 2),
)
Answer = Callable[[httpx.Request], httpx.Response]


def plant_of(parks: Sequence[str]) -> Plant:
    """Return a plant: in each park two facilities and five sources, one of which a facility buys from the other."""
    places = [(park, *one) for park in parks for one in SOURCES]
    channels = tuple(
        channel(k, park, facility, f"of-{name}", Kind.REGISTER)
        for k, (park, facility, name, _) in enumerate(places)
    )
    sources = tuple(
        source(k, park, facility, name, [k], scope=scope, sold_by=f"{park}/mill" if name == "steam" else "")
        for k, (park, facility, name, scope) in enumerate(places)
    )
    sites = [(park, facility) for park in parks for facility in ("mill", "works")]
    return Plant(
        parks=tuple(
            Park(one, one.title(), HAI_PHONG, budgets=(Budget(2026, 1000.1 + PARKS.index(one) / 3, "x"),)) for one in parks
        ),
        facilities=tuple(Facility(*one, "") for one in sites),
        gateways=tuple(Gateway(k, *one, "gw1") for k, one in enumerate(sites)),
        channels=channels, sources=sources, rules=(), webhooks=(), window=WINDOW, gwp="AR5",
        max_late=45 * 24 * NS_PER_HOUR, allowed_lateness=15 * NS_PER_MIN, hash="",
    )  # fmt: skip


def filled(path: Path, parks: Sequence[str]) -> State:
    """Return a state of these parks; what is known of a source depends on its names alone."""
    state = State(path, plant_of(parks))
    for one in state.plant.sources:
        number = PARKS.index(one.park) * len(SOURCES) + [row[:2] for row in SOURCES].index(
            (one.facility, one.name)
        )
        if number % 7 == 5:
            continue  # nothing was ever heard of it
        draw = np.random.default_rng(number)
        begins = MIDNIGHT + number % 3 * NS_PER_HOUR
        state.begins(one.index, begins)
        rows = windows(
            120 + 30 * (number % 4),
            float(draw.random()),
            coverage=float(draw.random()),
            activity=float(draw.random()),
        )
        rows[::7, :6] *= 10.0 ** draw.integers(-6, 3, (len(rows[::7]), 1))
        state.windows(one.index, begins, rows, revision=1 + number % 5)
        state.windows(
            one.index, AS_OF // NS_PER_HOUR * NS_PER_HOUR - NS_PER_HOUR, windows(60, float(draw.random()))
        )
        state.reading(one.index, AS_OF - (30 + number) * 10**9, float(number))
        state.reading(one.index, AS_OF - (90 + number) * 10**9, float(number) - 1)
    return state


class _Network(httpx.AsyncBaseTransport):
    """Takes each request to the app of its host, or to what stands in its place; in one process, and no loop's own."""

    def __init__(self, apps: dict[str, Any], instead: dict[str, Answer]) -> None:
        self._apps = {
            name: httpx.ASGITransport(app, raise_app_exceptions=False) for name, app in apps.items()
        }
        self._instead = instead

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if host in self._instead:
            return await httpx.MockTransport(self._instead[host]).handle_async_request(request)
        return await self._apps[host].handle_async_request(request)


class Front:
    """A front over shards that answer in this process, and what a test may put in their place; and one service with all parks."""

    def __init__(self, folder: Path, shards: dict[str, Api], one: Api) -> None:
        self.folder = folder
        self.shards, self.instead = shards, dict[str, Answer]()
        named = tuple(Shard(name, f"http://{name}", SHARDS[name]) for name in sorted(SHARDS))
        apps = {name: api.app for name, api in shards.items()}
        asking = httpx.AsyncClient(transport=_Network(apps, self.instead), verify=False)
        apps = {"front": create_front(named, asking, lambda: AS_OF, {}), "one": one.app}
        self._client = httpx.AsyncClient(transport=_Network(apps, {}), verify=False)

    def ask(
        self, path: str, method: str = "GET", *, of: str = "front", key: str = TOKEN, **options: Any
    ) -> httpx.Response:
        """Ask the front, or `one`."""
        headers = {"Authorization": f"Bearer {key}"} | options.pop("headers", {})
        return asyncio.run(self._client.request(method, f"http://{of}{path}", headers=headers, **options))


@contextmanager
def front_over(folder: Path) -> Iterator[Front]:
    """Give a front over the shards, beside one service that has all their parks; each has a file of keys of its own."""
    catalogue = load_catalogue(None)
    with ExitStack() as stack:

        def api(name: str, parks: Sequence[str]) -> Api:
            state = stack.enter_context(closing(filled(folder / f"{name}.db", parks)))
            make(keys := folder / f"{name}.keys")
            made = Api(state, catalogue, access=Access(keys=Keys(keys)))
            stack.callback(made.reader.close)
            return made

        yield Front(folder, {name: api(name, parks) for name, parks in SHARDS.items()}, api("one", PARKS))


def laid_out(folder: Path, name: str, *places: tuple[str, str]) -> str:
    """Make a viewer's key for some places, the same at all services, and return it."""
    given = {"shared": False, "expires": NEVER, "now": AS_OF, "by": ME}
    key: str = Keys(folder / "one.keys").create(name, "viewer", places, **given)[1]
    for shard in SHARDS:
        shutil.copyfile(folder / "one.keys", folder / f"{shard}.keys")
    return key
