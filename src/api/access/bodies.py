"""Bodies of requests: JSON in UTF-8 that every parser reads alike, and none where a route takes none."""

from collections.abc import Sequence
from email.message import Message
from math import isfinite
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from api.problems import NotAsDescribed
from plant.documents.json_text import json_of

LONGEST = 65536  # bytes; the longest that we know of is a silence with all its matchers


async def check_body(request: Request) -> None:
    """Refuse a body that is not JSON, or of which two parsers could read different things.

    Raises
    ------
    HTTPException
        415: its media type or its charset is another one.
    NotAsDescribed
        The route takes none, or it is no JSON: a number that is not finite, a key twice in one object, and what is no
        UTF-8 are none either.
    """
    raw = await request.body()
    if not raw:
        return
    if request.scope["route"].body_field is None:
        raise NotAsDescribed(("body", "this takes none"))
    if not _is_json(request.headers.get("content-type", "")):
        raise HTTPException(415, "send it as Content-Type: application/json, in UTF-8")
    try:
        json_of(raw.decode(), object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except ValueError as error:
        raise NotAsDescribed(("body", f"no JSON: {error}"[:200])) from None


def _is_json(content_type: str) -> bool:
    said = Message()
    said["content-type"] = content_type
    return said.get_content_type() == "application/json" and said.get_content_charset("utf-8") == "utf-8"


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number is too large")
    return number
