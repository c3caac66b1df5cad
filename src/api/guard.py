"""Who may ask, and that a query says only what we understand."""

import hmac
import re
from collections import Counter
from typing import Any, get_args, get_origin

from fastapi import Depends, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import InvalidQuery, problem
from plant.suggest import did_you_mean

OPEN_PATHS = re.compile(r"/livez|/a/[^/]{1,1024}")  # the second has a token of its own: api.acknowledge


class TokenGuard:
    """Lets a request through that bears the token; it stands before routing, so that no path is forgotten."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        if not token:
            raise ValueError("an empty token would let everybody in")
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or OPEN_PATHS.fullmatch(scope["path"]) or self._bears_token(scope):
            await self._app(scope, receive, send)
        else:
            headers = {"WWW-Authenticate": 'Bearer realm="stackmeter"'}
            detail = "send the token as `Authorization: Bearer …`"
            await problem(scope["path"], 401, detail, headers=headers)(scope, receive, send)

    def _bears_token(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)


def known_parameters_only(request: Request) -> None:
    """Refuse a query parameter that the route does not have, or that comes twice where it is no list.

    A mistyped filter that is ignored would silently answer with the wrong tonnes.
    """
    known = _parameters(request.scope["route"].dependant)
    counts = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [
        (name[:64], f"unknown parameter{did_you_mean(name, known)}") for name in counts if name not in known
    ]
    repeated = [
        (name, "given more than once")
        for name, count in counts.items()
        if name in known and count > 1 and not known[name]
    ]
    if unknown or repeated:
        raise InvalidQuery(*unknown, *repeated)


def _parameters(dependant: Dependant) -> dict[str, bool]:
    """Return the parameters, and whether each is a list."""
    own = {field.alias: _is_list(field.field_info.annotation) for field in dependant.query_params}
    for part in dependant.dependencies:
        own |= _parameters(part)
    return own


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(one) for one in get_args(annotation))


# The first only describes the token in OpenAPI: `TokenGuard` is what asks for it.
GUARDED = [Security(HTTPBearer(auto_error=False)), Depends(known_parameters_only)]
