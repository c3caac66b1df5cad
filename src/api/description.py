"""The OpenAPI description: what holds for every route is added here, so that each route says only what is its own."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from api.problems import MEDIA_TYPE, ProblemBody, title_of

# Whatever is asked may be answered so, before its route is reached.
_ALWAYS = (400, 414, 429, 431, 503)
_OF_BODIES = (413, 415)
_WAIT = {"Retry-After": {"description": "when to ask again [s]", "schema": {"type": "integer"}}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {
        "WWW-Authenticate": {"description": "how to say who asks", "schema": {"type": "string"}},
    },
    429: _WAIT,
    503: _WAIT,
}


class Described(FastAPI):
    """An app whose description says of every route all the errors that it can give."""

    def openapi(self) -> dict[str, Any]:
        """Return the description; made once."""
        if self.openapi_schema is None:
            described = super().openapi()
            described["components"]["schemas"]["ProblemBody"] = ProblemBody.model_json_schema()
            described["components"]["responses"] = {}
            for operation in _operations(described):
                _complete(operation, described["components"]["responses"])
        return super().openapi()


def _operations(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in described["paths"].values():
        yield from methods.values()


def _complete(operation: dict[str, Any], shared: dict[str, Any]) -> None:
    """Let every error of an operation, those of all routes too, be one of the shared ones."""
    own = operation["responses"]
    stated = {int(status) for status in own if status >= "400"}
    bodies = _OF_BODIES if "requestBody" in operation else ()
    for status in sorted(stated | {*_ALWAYS, *bodies}):
        name = title_of(status).replace(" ", "")
        shared[name] = {
            "description": title_of(status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        own[str(status)] = {"$ref": f"#/components/responses/{name}"}
    operation["responses"] = dict(sorted(own.items()))
