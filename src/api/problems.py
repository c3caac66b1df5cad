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
from starlette.exceptions import HTTPException
from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger(__name__)


class ProblemBody(BaseModel):
    """What is wrong with a request, or with us."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["the query is not valid"])
    instance: str = Field(examples=["/v1/totals"])
    errors: list[dict[str, str]] = Field(
        examples=[[{"parameter": "levle", "detail": "unknown parameter (did you mean level?)"}]]
    )


class InvalidQuery(Exception):
    """A query that cannot be answered; `errors` are (parameter, what is wrong with it)."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {detail}" for name, detail in errors))


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
    title = HTTPStatus(status).phrase
    body = ProblemBody(
        type="about:blank",
        title=title,
        status=status,
        detail=detail or title,
        instance=path,
        errors=[{"parameter": name, "detail": what} for name, what in errors],
    )
    return ProblemResponse(body.model_dump() | dict(more or {}), status, headers)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of these errors."""
    content = {MEDIA_TYPE: {"schema": ProblemBody.model_json_schema()}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def handle_problems(app: FastAPI) -> None:
    """Make every error of an app a problem."""
    for kind in (HTTPException, RequestValidationError, InvalidQuery, sqlite3.Error, Exception):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> ProblemResponse:
    path = request.url.path
    match error:
        case HTTPException():
            return problem(path, error.status_code, error.detail, headers=error.headers)
        case RequestValidationError():
            errors = tuple((str(one["loc"][-1]), str(one["msg"])) for one in error.errors())
            return problem(path, 422, "the query is not valid", errors=errors)
        case InvalidQuery():
            return problem(path, 422, "the query is not valid", errors=error.errors)
        case sqlite3.Error():
            _log.error("the state cannot be read: %s", error)
            return problem(path, 503, "the state cannot be read at the moment", headers={"Retry-After": "5"})
        case _:
            # The server logs the error itself; its text may hold what the caller is not to see.
            return problem(path, 500)
