"""How a service is asked, and what its answers mean: refusals, what is not ready, and what is no service of ours."""

from collections.abc import Mapping
from datetime import tzinfo
from functools import cached_property
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from api.field.inventory import ParksBody
from plant.documents.json_text import json_of
from plant.documents.wording import in_words
from plant.documents.yaml12 import key_path
from stackmeter.views.local import has_times, localised, own_zone, shared_zone

TIMEOUT_S = 10.0
DECISION_S = 20.0  # it waits for its turn among the readings
Body = TypeVar("Body", bound=BaseModel)
LONGEST_PAGE = 1000


class Unreachable(Exception):
    """Nobody answers at the address, or not as Stackmeter does."""


class TokenRefused(Exception):
    """The service does not take the token."""


class Unready(Exception):
    """The service answers, and cannot tell this at the moment."""


class NotTaken(Exception):
    """The service does not take a decision, and says why."""


class QuestionRefused(Exception):
    """The service does not know what is asked for, or cannot make sense of the question; the text says why."""


class ServiceAsked:
    """One service, and the questions to it; see `stackmeter.client.calls.Client`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A proxy of the environment would get our token, and cannot reach this machine's own address.
        self._http = httpx.Client(headers=headers, timeout=TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @cached_property
    def zone(self) -> tzinfo:
        """The clock on which times are shown: that of the service's parks where they share one."""
        try:
            return shared_zone(park.zone for park in self.parks().parks)
        except (QuestionRefused, TokenRefused, Unreachable, Unready):
            return own_zone()

    def localised(self, text: str) -> str:
        """Return what the service says, with its times on that clock."""
        return localised(text, self.zone) if has_times(text) else text

    def parks(self) -> ParksBody:
        """Return the parks, with their clocks."""
        return self._valid(ParksBody, self._get("/v1/parks"))

    def _told_which(self, path: str, chosen: Mapping[str, str | bool]) -> Any:
        response = self._answer("POST", path, json=dict(chosen))
        body = self._json(response, path)
        if response.status_code == 422:
            raise NotTaken(self._why(body))
        if response.status_code != 200:
            raise self._refusal(response.status_code, path, body)
        return body

    def _taken(self, method: str, path: str, wait: float = DECISION_S, **options: Any) -> Any:
        """Return what became of what somebody decides or does, once its turn among the readings has come."""
        response = self._answer(method, path, timeout=wait, **options)
        body = self._json(response, path)
        if response.status_code in {200, 202}:
            return body
        if response.status_code in {404, 409, 422}:
            raise NotTaken(self._why(body))
        raise self._refusal(response.status_code, path, body)

    def _pages(self, kind: type[Body], path: str, asked: Mapping[str, str | None]) -> list[Body]:
        pages: list[Body] = []
        cursor = None
        while not pages or cursor is not None:
            pages.append(self._valid(kind, self._chosen(path, **asked, limit=LONGEST_PAGE, cursor=cursor)))
            cursor = getattr(pages[-1], "next")  # noqa: B009 - every body with pages has it
        return pages

    def _chosen(self, path: str, **query: str | int | None) -> Any:
        return self._get(path, given(**query))

    def _get(self, path: str, query: Mapping[str, str] | None = None, may_be: int = 200) -> Any:
        """Return what the service answers with status 200, or with the other one that is an answer too."""
        response = self._answer("GET", path, params=query)
        body = self._json(response, path)
        if response.status_code in {200, may_be}:
            return body
        raise self._refusal(response.status_code, path, body)

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, self.url + path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"no service answers at {self.url}: {error}") from error

    def _json(self, response: httpx.Response, path: str) -> Any:
        try:
            return json_of(response.content)
        except ValueError as error:
            raise Unreachable(f"what answers at {self.url} is not Stackmeter: no JSON on {path}") from error

    def _refusal(self, status: int, path: str, body: Any) -> Exception:
        """Return what an answer means that is none: told as the service tells it, where it is ours that answers."""
        is_ours = isinstance(body, dict) and body.get("status") == status and "detail" in body
        if status == 401:
            return TokenRefused(f"the service at {self.url} wants a token, and this is not the one")
        if status == 403:
            return TokenRefused(self._why(body) if is_ours else f"HTTP 403 on {path}")
        if status in {429, 503} or (is_ours and status >= 500):
            return Unready(
                self._why(body)
                if is_ours
                else f"the service has no answer at the moment: HTTP {status} on {path}"
            )
        if is_ours:
            return QuestionRefused(self._why(body))
        return Unreachable(f"what answers at {self.url} is not Stackmeter: HTTP {status} on {path}")

    def _valid(self, kind: type[Body], body: Any) -> Body:
        try:
            return kind.model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            what = f"{key_path(first['loc'])} {in_words(first)}"
            raise Unreachable(f"{self.url} answers as another version of Stackmeter would: {what}") from error

    def _why(self, problem: Any) -> str:
        """Return what a problem says of each parameter, else of the whole."""
        errors = "; ".join(f"{e['parameter']}: {e['detail']}" for e in problem.get("errors", ()))
        return self.localised(errors or str(problem.get("detail")))


def given(**query: str | int | None) -> dict[str, str]:
    """Return what a query asks for."""
    return {name: str(value) for name, value in query.items() if value is not None}
