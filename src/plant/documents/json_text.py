"""JSON that others wrote, bounded in depth: what nests beyond measure is refused like any other text that is no JSON.

Python's parser ends a deep nest with an error of its own, at a depth that its version and the caller's stack decide.
"""

import json
import re
from itertools import accumulate
from typing import Any

MAX_DEPTH = 64  # nested arrays and objects

_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)  # an unclosed one runs to the end
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {byte: 1 if byte in b"[{" else -1 for byte in b"[]{}"}


def depth_of(text: bytes) -> int:
    """Return how many arrays and objects are inside each other; where there are at most `MAX_DEPTH` in all, their number."""
    opening = text.count(b"[") + text.count(b"{")
    if opening <= MAX_DEPTH:
        return opening
    brackets = _STRING.sub(b"", text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def json_of(text: str | bytes, **hooks: Any) -> Any:
    """Return what a text says, with the hooks of `json.loads`.

    Raises
    ------
    ValueError
        It is no JSON, or more than `MAX_DEPTH` deep.
    """
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if depth_of(raw) > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} arrays and objects")
    try:
        return json.loads(text, **hooks)
    except RecursionError:  # in an encoding whose brackets are not counted
        raise ValueError("nested too deeply") from None
