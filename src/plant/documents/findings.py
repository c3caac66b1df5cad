"""Collects what is wrong while a configuration is put together, without blaming a part for another part's mistake."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from plant.documents.documents import Placed
from plant.documents.problems import Problem
from plant.suggest import did_you_mean


@dataclass(slots=True)
class Findings:
    """All problems so far.

    `doubts` are what can be used as it stands and is probably not meant so; nothing is refused for them.
    `broken` are names of parts that were refused, and `incomplete` says that a file could not be read: a reference
    that leads there is no second problem.
    """

    problems: list[Problem] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    incomplete: bool = False
    _first: dict[tuple[str, ...], tuple[str, int]] = field(default_factory=dict)

    def refuse(self, part: Placed[Any], message: str, *below: str | int) -> None:
        """Add a problem with a part, or with a key below it."""
        self.problems.append(part.problem(message, *below))

    def doubt(self, part: Placed[Any], message: str, *below: str | int) -> None:
        """Add a doubt about a part, or about a key below it."""
        self.doubts.append(part.problem(message, *below))

    def unknown(
        self, part: Placed[Any], what: str, name: str, known: Iterable[str], *below: str | int
    ) -> None:
        """Add the problem that a name leads nowhere, unless it may lead to what was refused already."""
        if not self.incomplete and name not in self.broken:
            self.refuse(part, f"there is no {what} {name}{did_you_mean(name, known)}", *below)

    def is_first(self, file: str, line: int, *identity: str) -> bool:
        """Return whether nothing has this identity yet, and remember where it was met."""
        place = (file, line)
        return self._first.setdefault(identity, place) is place

    def place_of_first(self, *identity: str) -> str:
        """Return `file:line` of the first that had this identity."""
        file, line = self._first[identity]
        return f"{file}:{line}"

    def is_first_name(self, part: Placed[Any], *scope: str) -> bool:
        """Return whether a part's name is the first of its kind in its scope; else add a problem."""
        identity = (*scope, part.value.name)
        return self.is_only(part, f"{part.value.name} is declared twice", identity, "name")

    def is_only(self, part: Placed[Any], message: str, identity: tuple[str, ...], *below: str | int) -> bool:
        """Return whether a part is the first with an identity; else add the message and where the first is."""
        here = part.problem(message, *below)
        if self.is_first(here.file, here.line, *identity):
            return True
        self.refuse(part, f"{message} (first at {self.place_of_first(*identity)})", *below)
        return False
