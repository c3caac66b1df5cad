"""What a mapping reads its payload as: one document, whether it came as JSON, CBOR or MessagePack, with the JSON in its texts."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import cbor2

from ingest.formats import cbor, msgpack, strict
from ingest.formats.fields import MAX_NAME
from ingest.formats.rows import Rows
from ingest.formats.strict import UNREPRESENTABLE, PayloadError
from plant.devices.paths import Step, Word, parse, spelled
from plant.documents.json_text import MAX_DEPTH
from plant.vocabulary import Code

_LONGEST_INTEGER = 1024  # bits; no float64 holds more
_At = tuple[str | int, ...]


def parser(kind: str) -> Callable[[bytes], Any]:
    """Return what makes a document of a payload; in all kinds it is then what JSON could be, and bytes."""
    if kind == "json":
        return strict.parse
    read = cbor.parse if kind == "cbor" else msgpack.parse
    return lambda payload: _Plain(len(payload)).of(read(payload), 0)


class _Plain:
    """Makes plain what CBOR and MessagePack have besides JSON.

    Each part of a document has at least one byte in its payload. Where there are more, it refers to itself (CBOR can), and would
    grow beyond all bounds.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    def of(self, node: Any, depth: int) -> Any:
        """Return a part of a document: keys as texts, times as RFC 3339."""
        self._left -= 1
        if self._left < 0:
            raise PayloadError(
                Code.SCHEMA, "", "the document refers to itself; send each part where it stands"
            )
        if isinstance(node, dict | list | tuple):
            if depth == MAX_DEPTH:
                detail = f"more than {MAX_DEPTH} arrays and objects inside each other"
                raise PayloadError(Code.TOO_DEEP, "", detail)
            if isinstance(node, dict):
                return self._object(node, depth + 1)
            return [self.of(one, depth + 1) for one in node]
        if isinstance(node, int) and node.bit_length() > _LONGEST_INTEGER:
            return UNREPRESENTABLE
        if isinstance(node, datetime):
            return node.isoformat()
        return None if node is cbor2.undefined else node

    def _object(self, node: dict[Any, Any], depth: int) -> dict[str, Any]:
        found = {_key(key): self.of(value, depth) for key, value in node.items()}
        if len(found) < len(node):
            raise PayloadError(Code.DUP_KEY, "", "a key stands as a number and as its digits; send it once")
        return found


def _key(key: Any) -> str:
    """Return a key as JSON would have it; {1: 20.5} is read at the path 1."""
    if isinstance(key, str):
        return key
    if isinstance(key, int) and not isinstance(key, bool) and abs(key) < 2**64:
        return str(key)
    raise PayloadError(Code.SCHEMA, "", "a key is neither a text nor a whole number")


def opener(places: list[str]) -> Callable[[Any, Rows], Any] | None:
    """Return what puts the JSON in the texts at some places where they stand; None where there are no places."""
    if not places:
        return None
    paths = [parse(place).steps for place in places]

    def opened(document: Any, rows: Rows) -> Any:
        for steps in paths:
            document = _opened(document, steps, (), rows)
        return document

    return opened


def _opened(node: Any, steps: tuple[Step, ...], at: _At, rows: Rows) -> Any:
    """Return a part of a document in which the texts that the steps lead to are what they hold; others stay as they are."""
    if not steps:
        return _held(node, at, rows) if isinstance(node, str) and node else node
    step, rest = steps[0], steps[1:]
    for key in _keys(node, step):
        node[key] = _opened(node[key], rest, (*at, key), rows)
    return node


def _keys(node: Any, step: Step) -> list[Any]:
    """Return the keys or places of a node that a step leads to."""
    if isinstance(step, Word) and step.is_place:
        return list(range(len(node))) if isinstance(node, list) else []
    if isinstance(step, Word):  # below a longer key nothing is read, and each refusal would tell it again
        return [key for key in node if len(key) <= MAX_NAME] if isinstance(node, dict) else []
    if isinstance(step, int):
        return [step] if isinstance(node, list) and step < len(node) else []
    return [step] if isinstance(node, dict) and step in node else []


def _held(text: str, at: _At, rows: Rows) -> Any:
    """Return what a text holds; one that is no JSON is refused, and holds nothing."""
    try:
        return strict.parse(text.encode())
    except PayloadError as error:
        detail = f"a text that should hold JSON: {error.detail}"
        rows.refuse(PayloadError(error.code, spelled(at), detail))
        return None
