"""Puts together a park: its clock, where it is, and what it and its facilities have agreed to emit at most."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from plant.commitments import Budget, Target
from plant.configuration.model import FacilityPart, ParkPart
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Coordinates, Park
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_S


def park_of(park: Placed[ParkPart], window: int, findings: Findings) -> Park:
    """Return a park with its zone, UTC in place of one that is refused."""
    key = park.value.zone
    known = available_timezones()
    zone = ZoneInfo(key if key in known else "UTC")
    if key not in known:
        findings.refuse(park, f"there is no time zone {key}{did_you_mean(key, known)}", "zone")
    elif any(offset % window for offset in _offsets(zone)):
        findings.refuse(park, f"its hours do not begin with a window of {window // NS_PER_S} s", "zone")
    return Park(
        park.value.name,
        park.value.title,
        zone,
        coordinates=coordinates_of(park),
        budgets=budgets_of(park, findings, park.value.name),
        targets=targets_of(park, findings),
    )


def _offsets(zone: ZoneInfo) -> Iterator[int]:
    """Yield the zone's distances from UTC, in winter and summer, that readings can meet, in ns."""
    for year in range(2000, 2038):
        for month in (1, 7):
            offset = datetime(year, month, 1, tzinfo=UTC).astimezone(zone).utcoffset()
            yield int(offset.total_seconds()) * NS_PER_S if offset else 0


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
