"""Public numbers that change on dates, in files: shipped with this package, or a configuration's own.

A file states the zone in which its dates are midnights. `valid_to` is exclusive; a row without it holds until further
notice. `mark` tells how a shipped value was seen: V in the document itself, V2 in a secondary source, M from memory
and confident, D derived. A value that nobody is sure of is not shipped, or shipped as provisional.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from pydantic import AfterValidator, BeforeValidator, StringConstraints

from plant.arrays import Times
from plant.documents.documents import ConfigurationError, Placed, Problem, read, salvage
from plant.documents.fields import Fault, Part
from plant.periods import local_midnight


def _day(text: object) -> date:
    if not isinstance(text, str) or not re.fullmatch(r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"a date is written like 2026-01-01; not {text!r}")
    return date.fromisoformat(text)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}; one is written like Asia/Ho_Chi_Minh") from error
    return name


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Day = Annotated[date, BeforeValidator(_day)]
Zone = Annotated[str, AfterValidator(_zone)]
ShippedStatus = Literal["official", "provisional"]
Mark = Literal["V", "V2", "M", "D"]
OWN = "own"


class DatedRow(Part):
    """What holds from one date to another, and where it stands."""

    valid_from: Day
    valid_to: Day | None = None
    status: str
    source: Text


class EvidencedRow(DatedRow):
    """A row of which one that ships says how it was seen, and one of a configuration's own has evidence."""

    status: Literal["official", "provisional", "own"] = "own"
    mark: Mark | None = None
    evidence: Text | None = None

    def faults(self) -> Iterator[Fault]:
        """Yield a row that does not say what its status asks for."""
        if self.status == OWN and self.evidence is None:
            yield "evidence", "is required: the contract, the bill or the decision that says so"
        if self.status != OWN and self.mark is None:
            yield "mark", "is required of what ships"


class DatedFile(Part):
    """A file of dated rows."""

    zone: Zone


class NamedRows(Protocol):
    """What has a name and rows in order of time."""

    @property
    def name(self) -> str:
        """Unique among all of its kind."""
        ...

    @property
    def rows(self) -> Sequence[DatedRow]:
        """By date, without a hole."""
        ...


E = TypeVar("E", bound=Any)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shelf(Generic[E, T]):
    """One list of a kind of files, such as `factors`: what an entry is called, checked by, and made into."""

    noun: str
    key: str
    mistakes: Callable[[Placed[E]], Iterable[Problem]]
    made: Callable[[E, ZoneInfo], T]

    def filled(self, before: Mapping[str, T], files: Iterable[Path], model: type[DatedFile]) -> dict[str, T]:
        """Return what there is by name, with the entries of files.

        Raises
        ------
        ConfigurationError
            With every mistake of every file, also a name that another has.
        """
        found, problems = dict(before), list[Problem]()
        for path in files:
            for placed, zone in self._entries(path, model, problems):
                name = placed.value.name
                if name in found:
                    message = f"there is a {self.noun} {name} already: use another name"
                    problems.append(placed.problem(message, "name"))
                else:
                    found[name] = self.made(placed.value, zone)
        if problems:
            raise ConfigurationError(problems)
        return found

    def _entries(
        self, path: Path, model: type[DatedFile], problems: list[Problem]
    ) -> Iterator[tuple[Placed[E], ZoneInfo]]:
        """Yield the entries of a file that is sound, or add its mistakes to `problems`."""
        try:
            document = read(path)
        except ConfigurationError as error:
            problems += error.problems
            return
        file = salvage(document, model)
        problems += document.problems
        if file is None or document.problems:
            return
        for placed in file.parts(self.key, getattr(file.value, self.key)):
            wrong = [*self.mistakes(placed), *validity_mistakes(placed)]
            problems += wrong
            if not wrong:
                yield placed, ZoneInfo(file.value.zone)


def shipped_files(kind: str) -> Iterator[Path]:
    """Yield the files of this package whose names end in `.{kind}.yaml`, in their order."""
    for entry in sorted((resources.files("rules") / "data").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(f".{kind}.yaml"):
            with resources.as_file(entry) as path:
                yield path


def own_files(config_directory: Path | None, kind: str) -> Sequence[Path]:
    """Return a configuration's `{kind}.yaml` and `*.{kind}.yaml`, in their order."""
    if config_directory is None:
        return ()
    patterns = f"{kind}.yaml", f"*.{kind}.yaml"
    return sorted({path for pattern in patterns for path in config_directory.glob(pattern)})


def edges_of(rows: Sequence[DatedRow], zone: ZoneInfo) -> Times:
    """Return the instants at which a row begins, and the one at which a closed last row ends [ns UTC]."""
    last = [] if rows[-1].valid_to is None else [rows[-1].valid_to]
    days = [*(row.valid_from for row in rows), *last]
    return np.array([local_midnight(day, zone) for day in days], np.int64)


def row_id(name: str, row: DatedRow) -> str:
    """Return what names a row: its year where it begins with one, else its first day."""
    day = row.valid_from
    return f"{name}/{day.year if (day.month, day.day) == (1, 1) else day.isoformat()}"


def own_mistakes(placed: Placed[Any]) -> Iterator[Problem]:
    """Yield rows of a configuration's entry that say they are not its own."""
    for number, row in enumerate(placed.value.rows):
        if row.status != OWN:
            yield placed.problem(
                "should be own, as all rows of a configuration are", "rows", number, "status"
            )


def validity_mistakes(placed: Placed[E]) -> Iterator[Problem]:
    """Yield rows that end before they begin, overlap, or leave a hole between them."""
    rows = placed.value.rows
    for number, row in enumerate(rows):
        if row.valid_to is not None and row.valid_to <= row.valid_from:
            yield placed.problem("a row ends after it begins", "rows", number, "valid_to")
    for number, (row, following) in enumerate(pairwise(rows), start=1):
        if wrong := _seam_mistake(row, following):
            yield placed.problem(wrong, "rows", number, "valid_from")


def _seam_mistake(row: DatedRow, following: DatedRow) -> str | None:
    if row.valid_to is None or following.valid_from < row.valid_to:
        return f"overlaps the row before, which holds until {row.valid_to or 'further notice'}"
    if following.valid_from > row.valid_to:
        return f"leaves a hole after the row before, which ends on {row.valid_to}"
    return None
