"""Other names for channels, by name or by pattern: `Total *` to `*/energy` makes `Total mdb1` into `mdb1/energy`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """A name in full goes first, then the first pattern that fits. What has no other name keeps its own.

    In a pattern `*` is any text, in the new name what it was, in the same order; each `*` is as short as it can be, the last as
    long as it must. There is no backtracking: a name costs its length times the number of patterns, whatever they are.
    """

    full: Mapping[str, str]
    patterns: tuple[
        tuple[tuple[str, ...], tuple[str, ...]], ...
    ]  # texts between the *, of pattern and new name

    @classmethod
    def of_texts(cls, names: Mapping[str, str]) -> "Names":
        """Return the names as a configuration writes them."""
        patterns = [(old, new) for old, new in names.items() if "*" in old]
        return cls(
            {old: new for old, new in names.items() if "*" not in old},
            tuple((tuple(old.split("*")), tuple(new.split("*"))) for old, new in patterns),
        )

    @staticmethod
    def wrong(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield each name that cannot be meant, and what is wrong with it."""
        for old, new in names.items():
            wanted, given = old.count("*"), new.count("*")
            if wanted and wanted != given:
                yield old, f"has {wanted} *, and {new} has {given}: write as many, each is what it stands for"
            elif given and not wanted:
                yield old, f"has no *, and {new} has: write a name in full"

    def of(self, name: str) -> str:
        """Return the name of a channel."""
        found = self.full.get(name)
        return found if found is not None else self._by_pattern(name)

    def _by_pattern(self, name: str) -> str:
        for texts, new in self.patterns:
            if (stood := _stood_for(name, texts)) is not None:
                return new[0] + "".join(one + text for one, text in zip(stood, new[1:], strict=True))
        return name


def _stood_for(name: str, texts: tuple[str, ...]) -> list[str] | None:
    """Return what each * stands for, None where the name does not fit."""
    first, *between, last = texts
    end = len(name) - len(last)
    if not name.startswith(first) or not name.endswith(last) or end < len(first):
        return None
    stood, at = [], len(first)
    for text in between:
        found = name.find(text, at, end)
        if found < 0:
            return None
        stood.append(name[at:found])
        at = found + len(text)
    return [*stood, name[at:end]]
