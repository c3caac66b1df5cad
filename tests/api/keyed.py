"""An API with keys and an audit log, and callers of every role and of several places."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from api.access.guard import Access, Issuer
from api.field.rebirth import EdgeNodes
from rules.catalogue import load_catalogue
from store.access_log import AccessLog, Actor, Entry, make
from store.keys import NEVER, Keys
from tests.api.alerts import Alerts
from tests.api.state import AS_OF, State

ME = Actor("me", "command line")


class Keyed(Alerts):
    """An API whose keys are made by name; ask as somebody with `as_`."""

    def __init__(
        self, state: State, issuer: Issuer | None = None, edge_nodes: EdgeNodes | None = None
    ) -> None:
        self.file = state.path.parent / "keys.sqlite"
        make(self.file)
        self.keys, self.log = Keys(self.file), AccessLog(self.file)
        super().__init__(
            state, Access(self.keys, self.log, issuer), load_catalogue(state.path.parent), edge_nodes
        )

    def key(self, name: str, role: str = "viewer", *places: tuple[str, str], **changes: Any) -> str:
        given = {"shared": False, "expires": NEVER, "now": AS_OF, "by": ME} | changes
        return self.keys.create(name, role, places, **given)[1]

    def as_(self, key: str, path: str, method: str = "GET", **options: Any) -> Any:
        return self.ask(path, method, headers={"Authorization": f"Bearer {key}"}, **options)

    def told(self, what: str | None = None) -> list[Entry]:
        """Return what the audit log says, the oldest first."""
        return [row.entry for row in reversed(self.log.rows(what=what, most=1000))]


def state_of(folder: Path, plant: Any) -> State:
    return State(folder / "state.db", plant)


def every_route(app: FastAPI) -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and route of all that the app answers, whatever made it; HEAD beside GET is left out."""
    for route in _flat(app.routes):
        if isinstance(route, Route | APIRoute):
            for method in sorted(set(route.methods or ()) - {"HEAD"}):
                yield method, getattr(route, "path_format", route.path), route


def _flat(within: Any) -> Iterator[Any]:
    for route in within:
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", []
        )
        yield from _flat(inner)
        yield route
