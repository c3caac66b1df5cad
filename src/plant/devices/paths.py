"""Paths into a JSON document, as a profile writes them: `ENERGY.Total`, `data[0].value`, `rows[{row}].values[*]`.

A path starts at the item that is being read, `$` at the whole document, and `.` is the item itself. A key that has other
characters than these stands in quotes: `["a.b c"]`. `{word}` stands for any key and `[{word}]` for any place in an array: in
`each` it names what was found, elsewhere it is what was found. `[*]` is any place without a name.
"""

import re
from dataclasses import dataclass

LONGEST = 32  # steps

_STEP = re.compile(
    r"""\.?(?P<key>[^.\[\]{}"\s$*]+) | \.?\{(?P<word>[a-z][a-z0-9_]{0,31})\} | \[(?P<place>0|[1-9][0-9]{0,5})\]
    | \[\{(?P<row>[a-z][a-z0-9_]{0,31})\}\] | \[(?P<every>\*)\] | \["(?P<quoted>[^"]+)"\]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """A step with a name: any key, or any place in an array; without a name it is `[*]`."""

    name: str
    is_place: bool


Step = str | int | Word


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from the document, or from the item that is being read."""

    from_document: bool
    steps: tuple[Step, ...]

    @property
    def words(self) -> frozenset[str]:
        """The names in it."""
        return frozenset(step.name for step in self.steps if isinstance(step, Word) and step.name)

    @property
    def is_many(self) -> bool:
        """Whether it has a `[*]`, so that it can only stand in `each`."""
        return any(isinstance(step, Word) and not step.name for step in self.steps)


def parse(text: str) -> Path:
    """Return a path.

    Raises
    ------
    ValueError
        It is none; the text says from where on.
    """
    from_document = text.startswith("$")
    rest = text[1:] if from_document else text
    if rest in ("", "."):
        if not text:
            raise ValueError("is a path such as data[0].value, and . is the item itself")
        return Path(from_document, ())
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None or (at == 0 and not from_document and rest[0] == ".") or len(steps) == LONGEST:
            said = f"{text[:60]!r} is no path from {rest[at : at + 20]!r} on"
            raise ValueError(f'{said}; write a.b[0].c, a[*].b, a.{{word}} or a["key with other characters"]')
        steps.append(_step(found))
        at = found.end()
    return Path(from_document, tuple(steps))


def _step(found: re.Match[str]) -> Step:
    if found["place"] is not None:
        return int(found["place"])
    if found["word"] is not None:
        return Word(found["word"], is_place=False)
    if found["row"] is not None or found["every"] is not None:
        return Word(found["row"] or "", is_place=True)
    return found["key"] or found["quoted"]


def spelled(steps: tuple[str | int, ...]) -> str:
    """Return where something stands in a document, as people write it."""
    return "".join(_spelled(step) for step in steps).removeprefix(".")


def _spelled(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    found = _STEP.fullmatch(f".{step}")  # a key such as {a} would be a word without quotes
    return f".{step}" if found is not None and found["key"] else f'["{step}"]'
