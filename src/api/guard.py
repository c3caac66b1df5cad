"""Who may ask, and that a query says only what we understand."""

import hmac
from collections import Counter

from fastapi import Depends, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import InvalidQuery, problem
from plant.suggest import did_you_mean

OPEN_PATHS = frozenset({"/livez"})


class TokenGuard:
    """Lets a request through that bears the token; it stands before routing, so that no path is forgotten."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        if not token:
            raise ValueError("an empty token would let everybody in")
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._bears_token(scope):
            await self._app(scope, receive, send)
        else:
            headers = {"WWW-Authenticate": 'Bearer realm="stackmeter"'}
            detail = "send the token as `Authorization: Bearer …`"
            await problem(scope["path"], 401, detail, headers=headers)(scope, receive, send)

    def _bears_token(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)


def known_parameters_only(request: Request) -> None:
    """Refuse a query parameter that the route does not have, or that comes twice.

    A mistyped filter that is ignored would silently answer with the wrong tonnes.
    """
    known = _parameters(request.scope["route"].dependant)
    counts = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [
        (name[:64], f"unknown parameter{did_you_mean(name, known)}") for name in counts if name not in known
    ]
    repeated = [
        (name, "given more than once") for name, count in counts.items() if name in known and count > 1
    ]
    if unknown or repeated:
        raise InvalidQuery(*unknown, *repeated)


def _parameters(dependant: Dependant) -> set[str]:
    below = (_parameters(part) for part in dependant.dependencies)
    return {field.alias for field in dependant.query_params}.union(*below)


# The first only describes the token in OpenAPI: `TokenGuard` is what asks for it.
GUARDED = [Security(HTTPBearer(auto_error=False)), Depends(known_parameters_only)]
