"""What an eco-park must reach, as dated data, and whether a park does: met, not met, or unknown and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import isnan, nan
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from plant.documents.fields import Part, Word
from rules.dated_files import DatedFile, EvidencedRow, Shelf, Text, row_id, shipped_files

CRITERIA = "criteria"
ECO_PARK = "vn-eco-park"
SLACK = 1e-9  # a threshold is met when it is reached

Verdict = Literal["met", "not_met", "unknown"]
Share = Annotated[float, Field(gt=0, le=1)]


class CriteriaRow(EvidencedRow):
    """Thresholds from one date to another."""

    recp: Share
    links: Annotated[float, Field(ge=1)]
    linked_firms: Share
    land: Share


class CriteriaEntry(Part):
    """Thresholds through time."""

    name: Word
    title: Text
    rows: Annotated[list[CriteriaRow], Field(min_length=1)]


class CriteriaFile(DatedFile):
    """A file of criteria."""

    criteria: list[CriteriaEntry] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a park: its value, the threshold, and which facts it lacks."""

    name: str
    value: float  # NaN: unknown
    threshold: float
    verdict: Verdict
    lacks: tuple[str, ...] = ()


@cache
def shipped_criteria() -> Mapping[str, Sequence[CriteriaRow]]:
    """Return the dated rows of each set of criteria."""
    shelf: Shelf[CriteriaEntry, Sequence[CriteriaRow]] = Shelf(
        "set of criteria", CRITERIA, lambda _: (), _rows
    )
    return shelf.filled({}, list(shipped_files(CRITERIA)), CriteriaFile)


def in_force(day: date) -> CriteriaRow | None:
    """Return the row of an eco-park's criteria that holds on a day of the park's clock, None where none does."""
    rows = shipped_criteria()[ECO_PARK]
    return next((r for r in rows if r.valid_from <= day and (r.valid_to is None or day < r.valid_to)), None)


def name_of(row: CriteriaRow) -> str:
    """Return what names a row."""
    return row_id(ECO_PARK, row)


def judged(row: CriteriaRow, facts: Mapping[str, float]) -> Iterator[Criterion]:
    """Yield each criterion of an eco-park [1]_.

    Parameters
    ----------
    facts
        By name: firms, firms_recp, links, firms_in_links [1], land, green_and_infrastructure [m2]; what is NaN, or not there,
        is unknown.

    References
    ----------
    .. [1] Decree 82/2018, article 42, as a public page has it.
    """
    yield _share_of("recp", row.recp, facts, "firms_recp", "firms")
    links = facts.get("links", nan)
    yield _criterion("links", links, row.links, ("links",) if isnan(links) else ())
    yield _share_of("linked_firms", row.linked_firms, facts, "firms_in_links", "firms")
    yield _share_of("land", row.land, facts, "green_and_infrastructure", "land")


def _share_of(name: str, threshold: float, facts: Mapping[str, float], part: str, whole: str) -> Criterion:
    lacks = [one for one in (part, whole) if isnan(facts.get(one, nan))]
    if not lacks and facts[whole] <= 0:
        lacks = [whole]  # a share of nothing
    return _criterion(name, nan if lacks else facts[part] / facts[whole], threshold, tuple(lacks))


def _criterion(name: str, value: float, threshold: float, lacks: tuple[str, ...]) -> Criterion:
    verdict: Verdict = "met" if value >= threshold - SLACK * threshold else "not_met"
    return Criterion(name, value, threshold, "unknown" if lacks else verdict, lacks)


def _rows(entry: CriteriaEntry, _: ZoneInfo) -> Sequence[CriteriaRow]:
    return entry.rows
