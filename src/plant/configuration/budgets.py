"""Puts together what a park and a facility have agreed to emit at most: budgets by year, and a park's path of targets."""

from collections.abc import Iterator

from plant.configuration.model import FacilityPart, ParkPart
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Coordinates
from plant.yearly import Budget, Target


def budgets_of(
    part: Placed[FacilityPart] | Placed[ParkPart], findings: Findings, *place: str
) -> tuple[Budget, ...]:
    """Return the budgets of a park or a facility by year; a year that is given twice goes to `findings`."""
    return tuple(sorted(_budgets(part, findings, place), key=lambda budget: budget.year))


def targets_of(park: Placed[ParkPart], findings: Findings) -> tuple[Target, ...]:
    """Return the targets of a park by year, its base year first; a year that is given twice goes to `findings`."""
    return tuple(sorted(_targets(park, findings), key=lambda target: target.year))


def coordinates_of(part: Placed[FacilityPart] | Placed[ParkPart]) -> Coordinates | None:
    """Return where a park or a facility is, None where that is not given."""
    given = part.value.coordinates
    return None if given is None else Coordinates(given.lat, given.lon)


def _budgets(
    part: Placed[FacilityPart] | Placed[ParkPart], findings: Findings, place: tuple[str, ...]
) -> Iterator[Budget]:
    for placed in part.parts("budgets", part.value.budgets):
        written = placed.value
        if findings.is_only(
            placed, f"{written.year} has a budget already", ("budget", *place, str(written.year)), "year"
        ):
            months = None if written.months is None else tuple(written.months)
            yield Budget(written.year, written.t, written.source, written.provisional, months)


def _targets(park: Placed[ParkPart], findings: Findings) -> Iterator[Target]:
    for placed in park.parts("targets", park.value.targets):
        written = placed.value
        identity = ("target", park.value.name, str(written.year))
        if findings.is_only(placed, f"{written.year} has a target already", identity, "year"):
            yield Target(written.year, written.t, written.source, written.provisional)
