"""Answers that may be long, a page at a time: `limit` of the question, `next` of the answer, `cursor` of the next question."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from fastapi import Query
from pydantic import Field

from api.problems import InvalidQuery
from plant.documents.json_text import json_of

Limit = Annotated[int, Query(ge=1, le=1000, description="at most so many")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next` of the answer before")]
Next = Annotated[
    str | None,
    Field(description="`cursor` of the question for those after them; null: there are none", examples=[None]),
]

Key = tuple[str | int, ...]
_Item = TypeVar("_Item")


def page_of(
    items: Iterable[_Item], key: Callable[[_Item], Key], limit: int, cursor: str | None, kinds: str
) -> tuple[list[_Item], str | None]:
    """Return the first items after a cursor, and the next cursor; `items` are in the order of their keys.

    Raises
    ------
    InvalidQuery
        The cursor is none of this list's; `kinds` says of each part of a key whether it is text (s) or a number (i).
    """
    after = opened(cursor, kinds)
    left = [item for item in items if after is None or key(item) > after]
    page = left[:limit]
    return page, sealed(key(page[-1])) if len(left) > limit else None


def sealed(key: Key) -> str:
    """Return a place in a list as text that says nothing to its reader."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).rstrip(b"=").decode()


def opened(cursor: str | None, kinds: str) -> Key | None:
    """Return the place that a cursor stands for, None for no cursor.

    Raises
    ------
    InvalidQuery
        It is none, or one of another list.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = json_of(text)
    except (binascii.Error, ValueError):
        raise _none_of_ours() from None
    if not isinstance(key, list) or "".join(map(_kind, key)) != kinds:
        raise _none_of_ours()
    return tuple(key)


def _kind(part: Any) -> str:
    if isinstance(part, str):  # half a surrogate pair is no character
        return "s" if part.encode(errors="ignore").decode() == part else "?"
    return "i" if type(part) is int and -(2**63) <= part < 2**63 else "?"


def _none_of_ours() -> InvalidQuery:
    return InvalidQuery(("cursor", "take `next` of the answer before"))
