"""What another Stackmeter says. It may be anybody: it is bounded in time, size and depth, and believed only where it can be."""

from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from plant.documents.json_text import json_of

LONGEST = 1 << 20  # bytes of an answer
STEP_S, WHOLE_S = 5.0, 15.0  # for which one read, and all that is asked of it at once, may take
MOST = 1e15  # tonnes, or anything else that is added up

Model = TypeVar("Model", bound=BaseModel)


class Unheard(Exception):
    """Another Stackmeter did not say what it should; the text says why."""


class AnswerPieces:
    """An answer as it comes, for as long as it is neither too large nor too slow.

    Parameters
    ----------
    longest
        Bytes that it may have.
    until
        Until when it may come, on the clock that `take` is told.
    """

    def __init__(self, until: float, longest: int = LONGEST) -> None:
        self._until, self._longest = until, longest
        self._found = bytearray()

    def take(self, piece: bytes, now: float) -> None:
        """Keep a piece; raise Unheard where it is one too many, or too late."""
        self._found += piece
        if len(self._found) > self._longest:
            raise Unheard(f"an answer is larger than {self._longest >> 20} MiB")
        if now > self._until:
            raise Unheard(f"it takes more than {WHOLE_S:g} s")

    def whole(self) -> bytes:
        """Return all of it."""
        return bytes(self._found)


def check_json(answer: httpx.Response, key_env: str) -> None:
    """Raise Unheard where an answer's head says that no good JSON follows; `key_env` held the key that was sent."""
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise Unheard(f"it does not take the key in {key_env}: HTTP {answer.status_code}")
    if not answer.is_success:
        raise Unheard(f"{answer.url.path}: HTTP {answer.status_code}")
    check_type(answer)


def check_type(answer: httpx.Response) -> None:
    """Raise Unheard where an answer is of another type than JSON."""
    kind = answer.headers.get("content-type", "")
    if not kind.startswith(("application/json", "application/problem+json")):
        raise Unheard(f"it answers with {kind[:60] or 'no type'} and not JSON: is it a Stackmeter?")


def value_of(path: str, content: bytes) -> Any:
    """Return what JSON says; raise Unheard where it is none."""
    try:
        return json_of(content)
    except ValueError as error:
        raise Unheard(f"{path} is no JSON: {error}"[:200]) from error


def model_of(model: type[Model], path: str, said: Any) -> Model:
    """Return what an answer means; raise Unheard where it says what cannot be."""
    try:
        return model.model_validate(said)
    except ValidationError as error:
        [first, *_] = error.errors()
        place = ".".join(map(str, first["loc"]))
        raise Unheard(f"{path} says what cannot be: {place}: {first['msg']}"[:200]) from error


def why(error: httpx.HTTPError) -> str:
    """Return why an answer did not come."""
    return str(error) or type(error).__name__
