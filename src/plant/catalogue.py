"""What a method and a factor declare of themselves, so that a configuration can be checked against them.

The methods and factors themselves live in `rules`; this room only knows their shape.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Role:
    """One input of a method: its name, and the unit the method takes it in.

    `level` roles take the mean of a level channel in a window; the others take an amount. A role with
    several units (fuel by volume, mass or energy) accepts whichever has the channel's dimension.
    """

    name: str
    unit: str
    level: bool = False
    required: bool = True
    default: float | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a source gives its method, with its unit; `None` as default means required."""

    name: str
    unit: str
    default: float | None = None


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """The outside of a method: what it is called, takes and needs."""

    name: str
    scope: int
    title: str
    reference: str
    roles: tuple[Role, ...]
    activity: str  # the role whose amount is the source's activity
    factor: tuple[str, ...] = ()  # what its factor must give, e.g. ("co2",): names of FactorSpec.values
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class FactorSpec:
    """The outside of a factor: its values' names and units, and where it holds."""

    name: str
    units: Mapping[str, str]  # value name -> unit, e.g. {"co2": "kg/kWh"}
    status: str  # official, provisional, own
    source: str
    statuses: tuple[tuple[str, str], ...] = ()  # days, ascending, and the status from each on
    ends: str = ""  # the day on which it holds no longer; "": until further notice


class Catalogue(Protocol):
    """All methods and factors that a configuration may name."""

    methods: Mapping[str, MethodSpec]
    factors: Mapping[str, FactorSpec]
    gwp_sets: tuple[str, ...]

    def misfit(self, method: str, factor: str) -> str | None:
        """Return why a factor does not fit a method, None where it does; names of values alone do not tell."""
        ...

    def numbers(self, factors: Iterable[str], gwp: str) -> Iterable[str]:
        """Yield lines of text that name every number and date of these factors and of a GWP set."""
        ...
