"""The calendar of duties: the rows of `data/duties.yaml`, and which fall due after a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from plant.documents.documents import parse
from plant.documents.fields import Part, Year


class DutyPart(Part):
    """Something that falls due on a day, of some years."""

    key: str
    form: str = ""
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    first: Year
    last: Year = 2260
    every: Annotated[int, Field(ge=1, le=10)]
    mark: Literal["V2", "M"]
    source: str
    unsure: list[Literal["day", "every"]] = Field(default_factory=list)


class DutiesPart(Part):
    """The file."""

    duties: list[DutyPart]


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty and the day on which it next falls due."""

    part: DutyPart
    due: date


@cache
def all_duties() -> Sequence[DutyPart]:
    """Return the rows of the file."""
    with resources.as_file(resources.files("reports") / "data" / "duties.yaml") as path:
        return tuple(parse(path, DutiesPart).duties)


def due_within(today: date, days: int) -> list[Duty]:
    """Return the duties that fall due in the next so many days, today's too, by their day."""
    until = today + timedelta(days=days)
    found = [
        Duty(part, due)
        for part in all_duties()
        for year in range(max(part.first, today.year), min(part.last, until.year) + 1)
        if (year - part.first) % part.every == 0
        for due in [date(year, part.month, part.day)]
        if today <= due <= until
    ]
    return sorted(found, key=lambda one: (one.due, one.part.key))
