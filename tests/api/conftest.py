"""A state database, a clock that stands still, and a way to ask the API without a network."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.tables.webhooks import WebhookOutbox
from api.access.guard import Access
from api.app import create_app
from api.field.rebirth import EdgeNodes
from api.health import Health
from api.metrics import Family
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from rules.catalogue import Register
from store.kept_files import KeptFiles
from store.reader import Reader
from tests.api.state import AS_OF, MIDNIGHT, TOKEN, State, plant, windows


class Api:
    """The app under test, and what the tests may change about it."""

    def __init__(
        self,
        state: State,
        catalogue: Register | None = None,
        act: Callable[[Any], None] = lambda _: None,
        access: Access | None = None,
        edge_nodes: EdgeNodes | None = None,
    ) -> None:
        self.state = state
        self.as_of = AS_OF
        self.health = Health()
        self.families: dict[str, Family] = {}
        self.reader = Reader(state.path, state.plant)
        self.app = create_app(
            self.reader, state.plant, TOKEN,
            health=lambda: self.health, metrics=lambda: self.families, clock=lambda: self.as_of,
            decide=act, catalogue=catalogue, outbox=lambda: WebhookOutbox(state.path),
            public_url="https://sm.example", access=access, edge_nodes=edge_nodes,
            kept=KeptFiles(state.path.parent / "evidence"),
        )  # fmt: skip

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """Ask with the token, unless the headers are given."""
        options.setdefault("headers", {"Authorization": f"Bearer {TOKEN}"})
        return asyncio.run(self._ask(method, path, options))

    async def _ask(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.request(method, path, **options)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.ask(path, params={name.rstrip("_"): value for name, value in params.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, **params: Any) -> dict[str, str]:
        """Return what is wrong by parameter."""
        answer = self.ask(path, params={name.rstrip("_"): value for name, value in params.items()})
        assert answer.status_code == 422, answer.text
        return {error["parameter"]: error["detail"] for error in answer.json()["errors"]}


@pytest.fixture
def state(tmp_path: Path):
    built = State(tmp_path / "state.db", plant())
    yield built
    built.close()


@pytest.fixture
def api(state: State):
    made = Api(state)
    yield made
    made.reader.close()


@pytest.fixture
def morning(state: State) -> State:
    """Ten hours of the mill in Hai Phong: the grid known throughout, the boiler from eight on, in half."""
    state.begins(0, MIDNIGHT - 30 * 24 * NS_PER_HOUR)
    state.windows(0, MIDNIGHT, windows(600, 0.001, activity=1.5))
    state.reading(0, AS_OF - 90 * 10**9, 1.0)
    state.reading(0, AS_OF - 30 * 10**9, 2.0)
    eight = MIDNIGHT + 8 * NS_PER_HOUR
    state.begins(1, eight)
    state.windows(1, eight, windows(120, 0.002, coverage=0.5), revision=3)
    state.reading(1, AS_OF - 4 * NS_PER_MIN, 5.0)
    return state
