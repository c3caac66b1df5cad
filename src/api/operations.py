"""What tells machines whether the service lives, is ready, and how it does."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access.caller import Role
from api.access.guard import GUARDED, needs
from api.health import Health
from api.metrics import Metrics, render
from api.models import AliveBody, ReadyBody
from api.problems import documented, problem

_EXPOSITION = {
    "content": {
        media: {
            "schema": {"type": "string"},
            "example": "# HELP stackmeter_journal_backlog messages\nstackmeter_journal_backlog 0\n",
        }
        for media in ("text/plain", "application/openmetrics-text")
    }
}


def readiness(path: str, state: Health, **told: Any) -> Any:
    """Return the answer of /readyz; of what is not ready, with what else is told of it."""
    reasons, degradations = list(state.reasons), list(state.degradations)
    if state.ready:
        return ReadyBody(ready=True, reasons=reasons, degradations=degradations, broker=state.broker)
    more = {"ready": False, "reasons": reasons, "degradations": degradations, "broker": state.broker, **told}
    return problem(path, 503, "; ".join(reasons), more=more)


def routes(health: Callable[[], Health], metrics: Metrics) -> APIRouter:
    """Return what tells machines whether the service lives, is ready, and how it does."""
    router = APIRouter(tags=["operations"])

    @router.get("/livez", responses=documented(422))
    async def alive() -> AliveBody:
        """Answer as long as the process does; it takes no key."""
        return AliveBody(alive=True)

    @router.get(
        "/readyz", dependencies=GUARDED, response_model=ReadyBody, responses=documented(401, 422, 503)
    )
    def ready(request: Request) -> Any:
        """Answer 503 with the reasons where the service cannot do its work."""
        return readiness(request.url.path, health())

    @router.get(
        "/metrics",
        dependencies=[*GUARDED, needs(Role.VIEWER, whole=True)],
        response_class=Response,
        responses={200: _EXPOSITION, **documented(401, 403, 422)},
    )
    def prometheus(request: Request) -> Response:
        """Return the service's counters in the exposition format that the client prefers."""
        body, content_type = render(metrics, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    return router
