"""Errors as RFC 9457 says: every answer that is no success is `application/problem+json`."""

import logging
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match

from plant.documents.wording import in_words
from plant.documents.yaml12 import key_path

MEDIA_TYPE = "application/problem+json"
# As RFC 9110 names them; what Python calls them depends on its version.
_TITLES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
DATA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_log = logging.getLogger(__name__)


class ProblemBody(BaseModel):
    """What is wrong with a request, or with us."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["the query is not as the description says"])
    instance: str = Field(examples=["/v1/totals"])
    errors: list[dict[str, str]] = Field(
        examples=[[{"parameter": "levle", "detail": "unknown parameter (did you mean level?)"}]]
    )


class InvalidQuery(Exception):
    """A query that cannot be answered; `errors` are (parameter, what is wrong with it).

    `NotAsDescribed` where its form is already wrong, which whoever has the API's description could have known.
    """

    detail = "the query cannot be answered"

    def __init__(self, *errors: tuple[str, str]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {detail}" for name, detail in errors))


class NotAsDescribed(InvalidQuery):
    """A query that is not as the API's description says."""

    detail = "the query is not as the description says"


class ProblemResponse(JSONResponse):
    """A JSON answer of the media type that says problem."""

    media_type = MEDIA_TYPE


def problem(
    path: str,
    status: int,
    detail: str = "",
    *,
    errors: tuple[tuple[str, str], ...] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> ProblemResponse:
    """Return the answer; `more` become members of their own, as RFC 9457 section 3.2 allows."""
    title = title_of(status)
    body = ProblemBody(
        type="about:blank",
        title=title,
        status=status,
        detail=detail or title,
        instance=path,
        errors=[{"parameter": name, "detail": what} for name, what in errors],
    )
    return ProblemResponse(body.model_dump() | dict(more or {}), status, headers)


def title_of(status: int) -> str:
    """Return what a status is called."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of these errors, which `api.description` completes."""
    return {status: {"description": title_of(status)} for status in statuses}


def taken_later(body: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI description of the answer that what was asked is kept and not done yet."""
    return {"description": "kept; the service has not come to it yet", "model": body}


def handle_problems(app: FastAPI) -> None:
    """Make every error of an app a problem."""
    for kind in (HTTPException, RequestValidationError, InvalidQuery, sqlite3.Error, Exception):
        app.add_exception_handler(kind, _answer)


def _methods(request: Request) -> list[str]:
    """Return the methods that the path of a request takes."""
    routes = request.app.router.routes
    return [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(one.matches({**request.scope, "method": method})[0] is Match.FULL for one in routes)
    ]


async def _answer(request: Request, error: Exception) -> ProblemResponse:
    path = request.url.path
    match error:
        case HTTPException():
            return _of_framework(request, error)
        case RequestValidationError():
            errors = tuple(_in_words(request, one) for one in error.errors())
            return problem(path, 422, NotAsDescribed.detail, errors=errors)
        case InvalidQuery():
            return problem(path, 422, error.detail, errors=error.errors)
        case sqlite3.Error():
            _log.error("the state cannot be read: %s", error)
            return problem(path, 503, "the state cannot be read at the moment", headers={"Retry-After": "5"})
        case _:
            # The server logs the error itself; its text may hold what the caller is not to see. This answer is made
            # outside of all middleware.
            return problem(path, 500, headers=DATA_HEADERS)


def _in_words(request: Request, mistake: ErrorDetails) -> tuple[str, str]:
    """Return the parameter, or the place in the body, and what is wrong with it."""
    place, *path = mistake["loc"]
    if place != "body":
        return str(mistake["loc"][-1]), in_words(mistake)
    if mistake["type"] == "json_invalid":
        return "body", "cannot be read as JSON"
    field = request.scope["route"].body_field
    return key_path(tuple(path)) or "body", in_words(mistake, field and field.field_info.annotation, path)


def _of_framework(request: Request, error: HTTPException) -> ProblemResponse:
    path = request.url.path
    match error.status_code:
        case 400:
            # For a body that its JSON parser gave up on.
            return problem(path, 422, NotAsDescribed.detail, errors=(("body", "cannot be read as JSON"),))
        case 405:
            # It names the methods of one route only, where several have the path.
            return problem(path, 405, headers={"Allow": ", ".join(_methods(request))})
        case status:
            return problem(path, status, error.detail, headers=error.headers)
