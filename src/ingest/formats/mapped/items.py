"""Finds the items of a document that a mapping reads, and what stands where in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.formats.columns import shown
from ingest.formats.fields import MAX_NAME, told
from ingest.formats.strict import PayloadError
from plant.devices.paths import Path, Step, Word, parse, spelled
from plant.devices.profiles import PRESENCE
from plant.vocabulary import Code

LONGEST_TEXT = 4096  # characters of a text that a mapping reads
MISSING = object()  # what stands where nothing does; null is None


@dataclass(slots=True)
class Item:
    """A place of the document that a section reads, with the words found on the way to it."""

    document: Any
    node: Any
    at: tuple[str | int, ...]
    words: dict[str, str]
    time: int | str | PayloadError | None = None  # as soon as it was asked for
    data: Mapping[str, bytes] = field(default_factory=dict)  # by tag; "" where the bytes have none

    def find(self, path: Path) -> Any:
        """Return what stands at a path, or `MISSING`."""
        node = self.document if path.from_document else self.node
        for step in path.steps:
            node = _below(node, self._known(step) if isinstance(step, Word) else step)
            if node is MISSING:
                return MISSING
        if isinstance(node, str) and len(node) > LONGEST_TEXT:  # many items may read one and the same
            detail = f"a text of {len(node)} characters; at most {LONGEST_TEXT} are read"
            raise PayloadError(Code.OUT_OF_RANGE, self.place(path), detail)
        return node

    def joined(self, paths: tuple[Path, ...]) -> Any:
        """Return what stands at several paths as one text, a space between them; what is not there is left out."""
        found = (scalar(self.find(path)) for path in paths)
        return " ".join(text for text in found if text) or MISSING

    def place(self, path: Path) -> str:
        """Return where a path leads, for whoever looks at the payload."""
        steps = tuple(self._known(step) if isinstance(step, Word) else step for step in path.steps)
        return spelled(steps if path.from_document else self.at + steps)

    def _known(self, word: Word) -> str | int:
        """Return the key or the place that a word stands for."""
        text = self.words.get(word.name, "")
        return int(text) if word.is_place and text.isdecimal() and len(text) <= 9 else text


def scalar(found: Any) -> str | None:
    """Return a text, a number or a truth as JSON writes it; None for anything else."""
    if isinstance(found, str):
        return found
    if isinstance(found, bool):
        return str(found).lower()
    return repr(found) if isinstance(found, int | float) else None


def items(document: Any, each: Path, words: Mapping[str, str]) -> Iterator[Item | PayloadError]:
    """Yield the items at a path, and why there is none where a named step is missing."""
    yield from _walk(document, document, each.steps, (), dict(words))


def _walk(
    document: Any, node: Any, steps: tuple[Step, ...], at: tuple[str | int, ...], words: dict[str, str]
) -> Iterator[Item | PayloadError]:
    if not steps:
        yield Item(document, node, at, words)
        return
    step, rest = steps[0], steps[1:]
    if not isinstance(step, Word):
        below = _below(node, step)
        if below is MISSING:
            detail = "the mapping reads this, and it is not there; say optional: true where it may be missing"
            yield PayloadError(Code.SCHEMA, spelled((*at, step)), detail)
        else:
            yield from _walk(document, below, rest, (*at, step), words)
        return
    kind = list if step.is_place else dict
    if not isinstance(node, kind):
        what = "an array" if step.is_place else "an object"
        yield PayloadError(Code.TYPE, spelled(at), f"{told(node)}; the mapping reads {what} here")
        return
    for key, below in enumerate(node) if isinstance(node, list) else node.items():
        if isinstance(key, str) and len(key) > MAX_NAME:  # all that stands below it would be told of by it
            detail = f"a key of {len(key)} characters; at most {MAX_NAME} are read"
            yield PayloadError(Code.BAD_ID, spelled((*at, shown(key, MAX_NAME))), detail)
            continue
        found = {**words, step.name: str(key)} if step.name else words
        yield from _walk(document, below, rest, (*at, key), found)


def _below(node: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return node.get(step, MISSING) if isinstance(node, dict) else MISSING
    return node[step] if isinstance(node, list) and step < len(node) else MISSING


class Conditions:
    """What must be so for an item, or for a reading, to be meant."""

    def __init__(self, when: Mapping[str, Any]) -> None:
        self._all = [(parse(path), wanted) for path, wanted in when.items()]

    def hold(self, item: Item) -> bool:
        """Whether all hold of an item."""
        return all(_holds(item.find(path), wanted) for path, wanted in self._all)


def _holds(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_same(found, one) for one in wanted)
    if wanted not in PRESENCE:
        return _same(found, wanted)
    if wanted == "number":
        return isinstance(found, int | float) and not isinstance(found, bool)
    if wanted == "text":
        return isinstance(found, str)
    is_there = found is not MISSING and found is not None
    return is_there is (wanted == "present")


def _same(found: Any, wanted: Any) -> bool:
    """Whether two scalars are equal; true is not 1, as Python has it."""
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def is_one_of(found: Any, wanted: list[Any]) -> bool:
    """Whether a value is one of some scalars."""
    return any(_same(found, one) for one in wanted)
