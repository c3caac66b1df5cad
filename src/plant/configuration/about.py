"""What only people can tell of a park or a facility, for papers: `about.yaml` and `*.about.yaml` of a configuration folder.

No number rests on it, so that it is no part of the configuration's hash: who corrects an address restates nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from plant.documents.documents import ConfigurationError, Placed, Problem, read, salvage
from plant.documents.fields import Name, Part, Year
from plant.documents.findings import Findings
from plant.park import Plant
from plant.suggest import did_you_mean

FILES = ("about.yaml", "*.about.yaml")
YEAR = r"^[0-9]{4}$"
DAY = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"

Line = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
YearKey = Annotated[str, StringConstraints(pattern=YEAR)]
Prose = Annotated[str, StringConstraints(max_length=8000, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$")]


class AboutTexts(Part):
    """The texts; what is left out is asked for in a paper that needs it."""

    name: Line = ""
    """The full name, as the licence has it."""
    address: Line = ""
    tax_code: Line = ""
    licence: Line = ""
    """Number, day and place of issue of the business licence."""
    listed_as: Line = ""
    """Annex and number in the list of facilities that keep an inventory."""
    representative: Line = ""
    """The legal representative."""
    position: Line = ""
    sector: Prose = ""
    """What the facility makes or does."""
    boundary: Prose = ""
    """Boundary and extent of the operations."""
    consolidation: Prose = ""
    """Operational control, financial control or equity share."""
    technology: Prose = ""
    """Infrastructure, technology and operations."""
    sinks: Prose = ""
    """Sinks of greenhouse gases, or that there are none."""
    data_system: Prose = ""
    """How data are gathered and kept, beside what Stackmeter says of itself."""
    limitations: Prose = ""
    """Limitations of the inventory and their causes; drafted from the data where left out."""
    quality: Prose = ""
    """Reliability, completeness and uncertainty; drafted from the data where left out."""
    exclusions: Prose = ""
    """What is left out of the inventory, and why."""
    base_year: Year | None = None
    base_year_reason: Prose = ""
    responsible: Line = ""
    """Who answers for the report."""
    intended_users: Prose = ""


class AboutPart(AboutTexts):
    """The texts of a facility, or of a park as a whole."""

    park: Name
    facility: Name | None = None
    """Left out: of the whole park."""


class EquipmentPart(Part):
    """A piece of refrigeration equipment, for table 2.2 of Circular 38."""

    details: Line
    """Make and model."""
    place: Line = ""
    since: Line = ""
    """When it was installed."""
    capacity_btu_h: Annotated[float, Field(gt=0)] | None = None
    """Cooling capacity [BTU/h]."""
    charge_kg: Annotated[float, Field(gt=0)] | None = None
    """Refrigerant of a full charge [kg]."""
    last_charge_kg: Annotated[float, Field(ge=0)] | None = None
    """The newest top-up [kg]."""
    last_charged: Line = ""
    """When that was."""


class SourceTexts(Part):
    """What papers tell of a source and no meter knows; what is left out stays empty in their tables."""

    vehicle: Line = ""
    """Kind of vehicle, such as ôtô."""
    details: Line = ""
    """Make, model and number plate of vehicles."""
    distance_km: dict[YearKey, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Driven in a year [km]."""
    substance: Line = ""
    """Refrigerant, such as R-134a."""
    equipment: list[EquipmentPart] = Field(default_factory=list)
    pressure: Line = ""
    """Of steam, with its unit: 1.0 MPa."""
    temperature_c: float | None = None
    """Of steam [°C]."""
    stream: Line = ""
    """Of waste: which stream it is, such as sludge or domestic waste."""
    treatment: Line = ""
    """Of waste: reuse, recycling, composting, energy, incineration, landfill, hazardous; where left out, its method says it."""
    note: Line = ""
    """Beside its row in the table of electricity."""


class SourceAboutPart(SourceTexts):
    """What papers tell of a source."""

    park: Name
    facility: Name
    source: Name


class CheckedPart(Part):
    """That a person who knows the law's wording has compared the Vietnamese words of a form with the original."""

    form: Name
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    """Who, and in which function."""
    day: Annotated[str, StringConstraints(pattern=DAY)]
    """When: 2027-03-01."""


class AboutFile(Part):
    """A file of texts for papers."""

    about: list[AboutPart] = Field(default_factory=list)
    sources: list[SourceAboutPart] = Field(default_factory=list)
    checked: list[CheckedPart] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class About:
    """All texts by park and facility ("" the park's), who has checked the words of which form, and texts by source."""

    texts: Mapping[tuple[str, str], AboutTexts]
    checked: Mapping[str, str]
    sources: Mapping[str, SourceTexts] = field(default_factory=dict)  # by park/facility/source


def load_about(directory: Path, plant: Plant, forms: Iterable[str]) -> About:
    """Return the texts of a configuration folder; `forms` are those that can be checked.

    Raises
    ------
    ConfigurationError
        With every mistake of every file, also a park, facility or form that there is none of.
    """
    findings = Findings()
    known = {(one.park, one.name) for one in plant.facilities} | {(one.name, "") for one in plant.parks}
    texts: dict[tuple[str, str], AboutTexts] = {}
    checked: dict[str, str] = {}
    sources: dict[str, SourceTexts] = {}
    for path in sorted({path for pattern in FILES for path in directory.glob(pattern)}):
        file = _file(path, findings.problems)
        for part in file.parts("about", file.value.about) if file else ():
            one = part.value
            place = one.park, one.facility or ""
            if place not in known:
                names = [facility or park for park, facility in known]
                wanted = one.facility or one.park
                findings.refuse(
                    part, f"there is no {'/'.join(filter(None, place))}{did_you_mean(wanted, names)}", "park"
                )
            elif _is_first(place, texts, part, findings):
                texts[place] = one
        for told in file.parts("sources", file.value.sources) if file else ():
            _take_source(told, plant, sources, findings)
        for seen in file.parts("checked", file.value.checked) if file else ():
            if seen.value.form not in forms:
                findings.unknown(seen, "form", seen.value.form, forms, "form")
            checked[seen.value.form] = f"{seen.value.by}, {seen.value.day}"
    if findings.problems:
        raise ConfigurationError(findings.problems)
    return About(texts, checked, sources)


def _file(path: Path, problems: list[Problem]) -> Placed[AboutFile] | None:
    try:
        document = read(path)
    except ConfigurationError as error:
        problems += error.problems
        return None
    found = salvage(document, AboutFile)
    problems += document.problems
    return found


def _take_source(
    part: Placed[SourceAboutPart], plant: Plant, sources: dict[str, SourceTexts], findings: Findings
) -> None:
    one = part.value
    name = f"{one.park}/{one.facility}/{one.source}"
    known = [source.id for source in plant.sources]
    if name not in known:
        findings.refuse(part, f"there is no source {name}{did_you_mean(name, known)}", "source")
    elif name in sources:
        findings.refuse(part, f"{name} stands twice: keep one", "source")
    else:
        sources[name] = one


def _is_first(
    place: tuple[str, str],
    texts: Mapping[tuple[str, str], AboutTexts],
    part: Placed[AboutPart],
    findings: Findings,
) -> bool:
    if place in texts:
        findings.refuse(part, f"{'/'.join(filter(None, place))} stands twice: keep one", "park")
    return place not in texts
