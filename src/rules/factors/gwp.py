"""Sets of global warming potentials: dated data, named by the IPCC report they come from, never mixed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, field_validator

from plant.documents.documents import parse
from plant.documents.fields import Part, Positive
from plant.suggest import did_you_mean

NEEDED = ("CO2", "CH4", "N2O")
BY_CARBON = ("CH4-fossil", "CH4-non-fossil")  # of sets that tell methane by where its carbon comes from


@dataclass(frozen=True, slots=True)
class GwpSet:
    """Potentials over 100 years, in kg of CO2e per kg of gas."""

    name: str
    title: str
    year: int
    source: str
    mark: str
    gases: Mapping[str, float]

    def __getitem__(self, gas: str) -> float:
        return self.gases[gas]

    @property
    def methane(self) -> tuple[float, float]:
        """The potentials of fossil methane and of other methane; the same in a set that does not tell them apart."""
        fossil, other = (self.gases.get(name, self.gases["CH4"]) for name in BY_CARBON)
        return fossil, other


class _Set(Part):
    title: str
    year: int
    source: Annotated[str, Field(min_length=1)]
    mark: Literal["V", "V2", "M", "D"]
    gases: dict[str, Positive]

    @field_validator("gases")
    @classmethod
    def _complete(cls, gases: dict[str, float]) -> dict[str, float]:
        if missing := [gas for gas in NEEDED if gas not in gases]:
            raise ValueError(f"a set gives {', '.join(NEEDED)}; missing: {', '.join(missing)}")
        if len(gases.keys() & set(BY_CARBON)) == 1:
            raise ValueError(f"a set gives both of {', '.join(BY_CARBON)}, or none")
        if gases["CO2"] != 1:
            raise ValueError("CO2 is what the others are compared with: 1")
        return gases


class _File(Part):
    sets: dict[str, _Set]


@cache
def gwp_sets() -> Mapping[str, GwpSet]:
    """Return all sets that are shipped, by name."""
    with resources.as_file(resources.files("rules") / "data" / "gwp.yaml") as path:
        sets = parse(path, _File).sets
    return {name: GwpSet(name=name, **dict(found)) for name, found in sets.items()}


def gwp_set(name: str) -> GwpSet:
    """Return a set by name: SAR, AR4, AR5 or AR6.

    Raises
    ------
    ValueError
        Where there is no such set; the message names those there are.
    """
    sets = gwp_sets()
    if name not in sets:
        raise ValueError(f"no GWP set {name!r}, only {', '.join(sets)}{did_you_mean(name, sets)}")
    return sets[name]
