"""Where each scheme puts a source: the rows of `data/classes.yaml`, found by a source's category, else by its method."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from plant.documents.documents import parse
from plant.documents.fields import Part
from reports.facts import ClassFact

Scheme = Literal["ghg", "iso", "circular38", "ipcc"]


class ClassPart(Part):
    """Where each scheme puts what its keys emit."""

    keys: Annotated[list[str], Field(min_length=1)]
    ghg: Annotated[str, Field(pattern=r"^scope([12]|3\.([1-9]|1[0-5]))$")]
    iso: Literal["1", "2", "3", "4", "5", "6"]
    circular38: Literal["1a", "1b", "1c", "1d", "1đ", "1e", "2a", "2b", ""]
    ipcc: str
    mark: Literal["V2", "M", "D"]
    unsure: list[Scheme] = Field(default_factory=list)


class ClassesPart(Part):
    """The file."""

    sources: dict[Scheme, str]
    classes: list[ClassPart]


@cache
def classes() -> Mapping[str, ClassFact]:
    """Return each row by each of its keys.

    Raises
    ------
    ValueError
        A key stands twice.
    """
    with resources.as_file(resources.files("reports") / "data" / "classes.yaml") as path:
        file = parse(path, ClassesPart)
    said = "; ".join(file.sources.values())
    found: dict[str, ClassFact] = {}
    for one in file.classes:
        for key in one.keys:
            if key in found:
                raise ValueError(f"classes.yaml has {key!r} twice")
            found[key] = ClassFact(
                key, one.ghg, one.iso, one.circular38, one.ipcc, said, one.mark, tuple(one.unsure)
            )
    return found


def class_of(category: str, method: str, scope: int, scope3_category: int | None = None) -> ClassFact | None:
    """Return where a source belongs; None where no row fits its category or method in its scope, nor its category of scope 3."""
    for key in (category, method):
        found = classes().get(key)
        if found is not None and found.ghg.removeprefix("scope").startswith(str(scope)):
            return found
    return next((one for one in classes().values() if one.ghg == f"scope3.{scope3_category}"), None)
