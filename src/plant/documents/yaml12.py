"""A strict subset of YAML 1.2: plain text, numbers, lists and mappings, each with the line it stands on.

Refused with their line: keys given twice, tags, anchors and aliases (the billion laughs), a second document, deep
nesting, a byte-order mark. Of plain words only `true`, `false` and `null` mean something; `yes`, `1:20` and dates
are text, and `012` is refused because readers disagree about it.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yaml import CLoader, MarkedYAMLError, YAMLError, parse
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from plant.documents.problems import ConfigurationError, Problem

KeyPath = tuple[str | int, ...]

DEEPEST = 32
TOO_DEEP = f"is nested deeper than {DEEPEST} levels"
LONGEST_NUMBER = 40  # characters; Python takes seconds for a number of millions of digits

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")


def key_path(path: KeyPath) -> str:
    """Return a path as people write it: `parks[0].facilities[2].title`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


class Reader:
    """Builds plain Python values from one YAML text, and notes lines and problems on the way."""

    def __init__(self, file: Path, text: str) -> None:
        self.lines: dict[KeyPath, int] = {(): 1}
        self.problems: list[Problem] = []
        self._file = file
        self._text = text

    def value(self) -> Any:
        """Return the document's value, None where there is none.

        Raises
        ------
        ConfigurationError
            Where the rest of the text cannot be understood; it has the problems up to there as well.
        """
        if self._text.startswith("\ufeff"):
            self._report(1, (), "starts with a byte-order mark; save it as UTF-8 without one")
            raise ConfigurationError(self.problems)
        try:
            # The scanner is libyaml's; what a plain word means is decided here, by the rules of YAML 1.2.
            return self._document(parse(self._text, CLoader))
        except MarkedYAMLError as error:
            self._report(_line_of(error), (), self._reason(error))
        except YAMLError as error:
            self._report(self._line_of_character(error), (), "has a character that YAML does not allow")
        raise ConfigurationError(self.problems)

    def _document(self, events: Iterator[Event]) -> Any:
        value, documents = None, 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                self._check_document(event, documents)
            elif not isinstance(event, (DocumentEndEvent, StreamEndEvent)) and isinstance(event, NodeEvent):
                value = self._value(event, events, ())
        return value

    def _check_document(self, event: DocumentStartEvent, count: int) -> None:
        if count > 1:
            self._stop(event, (), "a second document starts here; a file has one")
        if event.version not in (None, (1, 2)):
            self._report(_line(event), (), "is not YAML 1.2")

    def _value(self, event: Any, events: Iterator[Event], path: KeyPath) -> Any:
        if len(path) > DEEPEST:
            self._stop(event, path, TOO_DEEP)
        if isinstance(event, AliasEvent):
            self._stop(event, path, "aliases are not used here; write the value out")
        if getattr(event, "anchor", None):
            self._report(_line(event), path, "anchors are not used here")
        if getattr(event, "tag", None):
            self._report(_line(event), path, f"tags like {str(event.tag)[:60]} are not used here")
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path)
        return self._scalar(event, path)

    def _mapping(self, events: Iterator[Event], path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in events:
            if isinstance(event, CollectionEndEvent):
                break
            key = self._key(event, path, mapping)
            self.lines.setdefault((*path, key), _line(event))
            value = self._value(next(events), events, (*path, key))
            mapping.setdefault(key, value)
        return mapping

    def _key(self, event: Any, path: KeyPath, mapping: dict[str, Any]) -> str:
        if not isinstance(event, ScalarEvent):
            self._stop(event, path, "a key is plain text")
        key = str(event.value)
        if key in mapping:
            first = self.lines[*path, key]
            self._report(_line(event), (*path, key), f"is given twice (first in line {first})")
        return key

    def _sequence(self, events: Iterator[Event], path: KeyPath) -> list[Any]:
        values: list[Any] = []
        for event in events:
            if isinstance(event, CollectionEndEvent):
                break
            here = (*path, len(values))
            self.lines.setdefault(here, _line(event))
            values.append(self._value(event, events, here))
        return values

    def _scalar(self, event: Any, path: KeyPath) -> Any:
        text = str(event.value)
        if event.style:  # quoted, or a block of text
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _LEADING_ZERO.fullmatch(text):
            self._report(
                _line(event), path, f"{text} is ambiguous; write it without the leading zero, or quote it"
            )
        elif _NOT_FINITE.fullmatch(text):
            self._report(_line(event), path, f"{text} is not a finite number")
        elif _FLOAT.fullmatch(text):
            return self._number(event, text, path)
        return text

    def _number(self, event: Event, text: str, path: KeyPath) -> float:
        if len(text) > LONGEST_NUMBER:
            self._report(_line(event), path, f"is a number of more than {LONGEST_NUMBER} characters")
            return 0
        number = int(text) if _INTEGER.fullmatch(text) else float(text)
        if math.isinf(number):
            self._report(_line(event), path, f"{text} is not a finite number")
        return number

    def _report(self, line: int, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(str(self._file), line, key_path(path), message))

    def _stop(self, event: Event, path: KeyPath, message: str) -> None:
        self._report(_line(event), path, message)
        raise ConfigurationError(self.problems)

    def _line_of_character(self, error: YAMLError) -> int:
        return self._text.encode().count(b"\n", 0, getattr(error, "position", 0)) + 1

    def _reason(self, error: MarkedYAMLError) -> str:
        mark = error.problem_mark
        if mark and self._text[mark.index : mark.index + 1] == "\t":
            return "has a tab where YAML wants spaces"
        reason = str(error.problem or error.context or "is not YAML").replace("\n", " ")
        return TOO_DEEP if "nesting depth" in reason else reason


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1  # type: ignore[union-attr]  # libyaml's events all have one


def _line_of(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return int(mark.line) + 1 if mark else 0
