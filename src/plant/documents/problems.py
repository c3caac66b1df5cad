"""What is wrong with a configuration, and where: every problem of every file at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `line` is 0 where it is the file as a whole, `path` "" where no key is to blame."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """`file:line: key path: message` on one line, whatever characters a file brought into it."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = ": ".join(part for part in (place, self.path, self.message) if part)
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class ConfigurationError(Exception):
    """A configuration that was refused as a whole; the text has one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def of(cls, file: object, line: int, message: str, path: str = "") -> Self:
        """Return the error of one problem."""
        return cls([Problem(str(file), line, path, message)])
