"""Strict YAML files checked against pydantic models: every mistake at once, with file, line and key path.

`parse` refuses a file with any mistake. `salvage` reports the mistakes and returns what is intact, so that the rest of
a configuration can be checked in the same run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from plant.documents.files import decode, read_bytes
from plant.documents.problems import ConfigurationError, Problem
from plant.documents.wording import annotation_at, in_words, is_model
from plant.documents.yaml12 import KeyPath, Reader, key_path

__all__ = [
    "ConfigurationError",
    "Document",
    "KeyPath",
    "Placed",
    "Problem",
    "key_path",
    "parse",
    "read",
    "salvage",
]

LARGEST_FILE = 8 << 20  # [bytes]; more channels than fit here belong into a point list

NEVER_SHOWN = frozenset(
    {"secret", "secret_env", "secret_file", "url"}
)  # a secret may be there, even by mistake

M = TypeVar("M", bound=BaseModel)
N = TypeVar("N", bound=BaseModel)


@dataclass(slots=True)
class Document:
    """A parsed file: its value as plain Python, the line of every key, and the mistakes found so far."""

    file: Path
    value: Any
    lines: dict[KeyPath, int]
    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)  # names in parts that `salvage` left out

    def line(self, path: KeyPath) -> int:
        """Return the line of a key, or of the nearest key above it where the file does not have it."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Return a problem with the key of that path."""
        return Problem(str(self.file), self.line(path), key_path(path), message)


@dataclass(frozen=True, slots=True)
class Placed(Generic[M]):
    """A validated part of a document and where it stands, so that later checks can point at it."""

    document: Document
    path: KeyPath
    value: M

    def problem(self, message: str, *below: str | int) -> Problem:
        """Return a problem with this part, or with a key below it."""
        return self.document.problem((*self.path, *below), message)

    def parts(self, key: str, items: Sequence[N]) -> "Iterator[Placed[N]]":
        """Yield the items of one of this part's lists that are intact, each with its place."""
        for number, item in enumerate(items):
            if item.model_fields_set:
                yield Placed(self.document, (*self.path, key, number), item)


def parse(path: Path, model: type[M]) -> M:
    """Return a YAML file as a model; an empty file is an empty mapping.

    Raises
    ------
    ConfigurationError
        With every mistake of the file: of its YAML, of unknown keys, of types and of the model's own rules.
    """
    document = read(path)
    value, mistakes = _validated(document, model)
    document.problems += [document.problem(m["loc"], spelled(m, model)) for m in mistakes]
    if value is None or document.problems:
        raise ConfigurationError(document.problems)
    return value


def read(path: Path) -> Document:
    """Return a YAML file as a document; mistakes that leave the rest readable are noted in it.

    Raises
    ------
    ConfigurationError
        Where the file cannot be read or understood.
    """
    reader = Reader(path, decode(path, read_bytes(path, LARGEST_FILE)))
    value = reader.value()
    return Document(path, {} if value is None else value, reader.lines, reader.problems)


def salvage(document: Document, model: type[M]) -> Placed[M] | None:
    """Validate a document and add its mistakes to `document.problems`.

    A list item with a mistake is replaced by an empty instance of its model (`Placed.parts` passes it over); any other
    mistake takes its top-level key with it.

    Returns
    -------
    Placed or None
        None where nothing valid is left, such as where a top-level key is missing that must be there.
    """
    seen: set[KeyPath] = set()
    while True:
        value, mistakes = _validated(document, model)
        if value is not None:
            return Placed(document, (), value)
        # What was cut out may be missed as a required key now; that is no mistake of the file.
        fresh = [m for m in mistakes if seen.isdisjoint((m["loc"], m["loc"][:1]))]
        document.problems += [document.problem(m["loc"], spelled(m, model)) for m in fresh]
        if not fresh or not isinstance(document.value, dict):
            return None
        for mistake in fresh:
            seen |= {mistake["loc"], _cut_out(document, model, mistake["loc"])}


def _validated(document: Document, model: type[M]) -> tuple[M | None, list[ErrorDetails]]:
    """Return the model, or None and the mistakes."""
    try:
        return model.model_validate(document.value), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _cut_out(document: Document, model: type[BaseModel], path: KeyPath) -> KeyPath:
    """Take the smallest part that can be missed out of the document, and return its path.

    That is a list item, or a top-level key.
    """
    for depth in range(len(path), 1, -1):
        kind = annotation_at(model, path[:depth])
        if isinstance(path[depth - 1], int) and is_model(kind):
            _replace(document, path[:depth], kind.model_construct())
            return path[:depth]
    if path and path[0] in document.value:
        document.broken |= set(_names(document.value.pop(path[0])))
    return path[:1]


def _replace(document: Document, path: KeyPath, empty: BaseModel) -> None:
    """Put an empty model in the place of a part, unless another mistake took it out already."""
    *above, last = path
    holder = document.value
    for part in above:
        if isinstance(holder, BaseModel) or (isinstance(holder, dict) and part not in holder):
            return
        holder = holder[part]
    if isinstance(holder, list):
        document.broken |= set(_names(holder[int(last)]))
        holder[int(last)] = empty


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("name"), str):
            yield value["name"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _names(item)


def spelled(mistake: ErrorDetails, model: type[BaseModel]) -> str:
    """Return a pydantic error in our words, with the word that was probably meant."""
    path = mistake["loc"]
    return in_words(mistake, model, path, secret=bool(path) and path[-1] in NEVER_SHOWN)
