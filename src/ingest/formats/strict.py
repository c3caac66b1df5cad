"""The slow, strict JSON parser: it names exactly what is wrong with a payload, and accepts nothing twice-readable.

It bounds depth and the length of numbers before anything is built, and refuses what Python's parser would let
pass: other encodings, a byte-order mark, NaN and Infinity, twin keys, lone surrogates.
"""

import json
import re
from collections import Counter
from typing import Any, NoReturn

from plant.documents.json_text import MAX_DEPTH, depth_of
from plant.vocabulary import Code

MAX_NUMBER = 310  # characters of a number; the integers of float64 have at most 309 digits
UNREPRESENTABLE = 10**400  # stands for every number longer than MAX_NUMBER: no float64 holds it

_UTF8_BOM = b"\xef\xbb\xbf"
_BLANK = re.compile(r"[ \t\n\r]*")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class PayloadError(ValueError):
    """A payload, or a part of it, that is refused: the code, where it stands, what is wrong and what to do."""

    def __init__(self, code: Code, path: str, detail: str) -> None:
        super().__init__(f"{code} at {path or 'the message'}: {detail}")
        self.code = code
        self.path = path
        self.detail = detail


def parse(payload: bytes) -> Any:
    """Return the one JSON document that a payload is.

    Integers come as int, decimals as the nearest float (infinite where beyond float64); a number of more than
    `MAX_NUMBER` characters comes as `UNREPRESENTABLE`.

    Raises
    ------
    PayloadError
        empty, bom, bad_utf8, too_deep, not_json, non_finite, dup_key or trailing.
    """
    _check_start(payload)
    _check_depth(payload)
    text = _text(payload)
    start = _end_of_blank(text, 0)
    try:
        document, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise PayloadError(
            Code.NOT_JSON, "", f"{error.msg} at character {error.pos}; send one JSON object"
        ) from error
    end = _end_of_blank(text, end)
    if end < len(text):
        raise PayloadError(
            Code.TRAILING, "", f"more text follows the document at character {end}; send one per message"
        )
    _check_surrogates(text, document)
    return document


def _check_start(payload: bytes) -> None:
    if not payload:
        raise PayloadError(Code.EMPTY, "", "the payload has no bytes; send one JSON object")
    if payload.startswith(_UTF8_BOM):
        raise PayloadError(Code.BOM, "", "the payload starts with a byte-order mark; send UTF-8 without one")
    encoding = json.detect_encoding(payload)
    if encoding != "utf-8":
        raise PayloadError(Code.BAD_UTF8, "", f"the payload looks like {encoding}; send UTF-8")


def _check_depth(payload: bytes) -> None:
    deepest = depth_of(payload)
    if deepest > MAX_DEPTH:
        raise PayloadError(
            Code.TOO_DEEP, "", f"{deepest} arrays and objects inside each other; at most {MAX_DEPTH} are read"
        )


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(
            Code.BAD_UTF8, "", f"byte {error.start} is not UTF-8 ({error.reason}); send UTF-8"
        ) from error


def _end_of_blank(text: str, start: int) -> int:
    blank = _BLANK.match(text, start)
    return blank.end() if blank else start


def _check_surrogates(text: str, document: Any) -> None:
    if not _SURROGATE_ESCAPE.search(text):
        return
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise PayloadError(
            Code.BAD_UTF8, "", "half a surrogate pair is no character; escape both halves or send UTF-8"
        ) from error


def _integer(text: str) -> int:
    return int(text) if len(text) <= MAX_NUMBER else UNREPRESENTABLE


def _decimal(text: str) -> float | int:
    return float(text) if len(text) <= MAX_NUMBER else UNREPRESENTABLE


def _refuse_constant(text: str) -> NoReturn:
    raise PayloadError(Code.NON_FINITE, "", f"{text} is no JSON number; leave the reading out, or send null")


def _refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twin = next(key for key, count in counts.items() if count > 1)
        raise PayloadError(Code.DUP_KEY, twin, f"the key {twin!r} stands twice in one object; send it once")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_refuse_twins,
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_refuse_constant,
)
