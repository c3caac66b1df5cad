"""Reads which parks other Stackmeters tell of: `members.yaml` and `*.members.yaml` of a configuration's folder.

They are no part of the plant: nothing that is accounted for depends on them, and a configuration keeps its name when they change.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from plant.configuration.model import CoordinatesPart, EnvironmentName
from plant.documents.documents import Placed, read, salvage
from plant.documents.fields import Name, Part, Text, Url
from plant.documents.findings import Findings
from plant.documents.problems import ConfigurationError
from plant.park import Coordinates, Plant

FILES = ("members.yaml", "*.members.yaml")


class MemberPart(Part):
    """A park that another Stackmeter tells of."""

    name: Name
    """What it is called here; no park of our own is called so."""
    title: Text
    """What people call it."""
    url: Url
    """Of that Stackmeter, without a path."""
    key_env: EnvironmentName
    """The environment variable that holds a viewer's key of that Stackmeter."""
    park: Name | None = None
    """What the park is called there; the same as here where left out."""
    coordinates: CoordinatesPart | None = None
    """Where it is, for the map."""


class MembersFile(Part):
    """A file of members."""

    members: list[MemberPart] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MemberPark:
    """A park and who tells of it."""

    name: str
    title: str
    url: str
    park: str  # its name there
    key_env: str = ""
    coordinates: Coordinates | None = None
    own: bool = False


def load_members(directory: Path, plant: Plant) -> tuple[MemberPark, ...]:
    """Return the members that a configuration folder names, in the order of their names.

    Raises
    ------
    ConfigurationError
        With every mistake of every file, also a name that is given twice or is that of a park of our own.
    """
    findings = Findings()
    own = {park.name for park in plant.parks}
    found: dict[str, MemberPark] = {}
    for path in sorted({path for pattern in FILES for path in directory.glob(pattern)}):
        file = _file(path, findings)
        for part in file.parts("members", file.value.members) if file else ():
            one = part.value
            if one.name in own:
                findings.refuse(part, f"{one.name} is a park of this configuration already", "name")
            elif one.name in found:
                findings.refuse(part, f"{one.name} stands twice: keep one", "name")
            else:
                place = (
                    None if one.coordinates is None else Coordinates(one.coordinates.lat, one.coordinates.lon)
                )
                url = one.url.rstrip("/")
                found[one.name] = MemberPark(
                    one.name, one.title, url, one.park or one.name, one.key_env, place
                )
    if findings.problems:
        raise ConfigurationError(findings.problems)
    return tuple(found[name] for name in sorted(found))


def _file(path: Path, findings: Findings) -> Placed[MembersFile] | None:
    try:
        document = read(path)
    except ConfigurationError as error:
        findings.problems += error.problems
        return None
    found = salvage(document, MembersFile)
    findings.problems += document.problems
    return found
