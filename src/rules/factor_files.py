"""The shape of factor files, and what is refused in them beyond shape.

A file states the zone in which its dates are midnights. `valid_to` is exclusive; a row without it holds until further
notice. `mark` tells how a shipped value was seen: V in the document itself, V2 in a secondary source, M from memory
and confident, D derived. A value that nobody is sure of is not shipped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from plant.documents import Placed, Problem
from plant.fields import Part, Positive, Word
from plant.units import DimensionError, UnknownUnit, conversion, unit


@dataclass(frozen=True, slots=True)
class Basis:
    """What a factor is per: the unit in which methods take each value, and the sets of values that are whole."""

    units: Mapping[str, str]
    complete: tuple[frozenset[str], ...]


ELECTRICITY = "electricity"
NET_CALORIFIC = "net-calorific"

_GASES = frozenset({"co2", "ch4", "n2o"})

BASES: Mapping[str, Basis] = {
    ELECTRICITY: Basis(
        units={"co2": "kg/kWh", "co2e": "kgCO2e/kWh"},
        complete=(frozenset({"co2"}), frozenset({"co2e"})),
    ),
    NET_CALORIFIC: Basis(
        units={"co2": "kg/GJ", "ch4": "kg/GJ", "n2o": "kg/GJ", "ncv": "GJ/t"},
        complete=(_GASES, _GASES | {"ncv"}),
    ),
}


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
Interval = Annotated[list[Positive], Field(min_length=2, max_length=2)]
Value = Literal["co2", "co2e", "ch4", "n2o", "ncv"]


class RowEntry(Part):
    """The values of a factor from one date to another. `uncertainty` is a 95 % interval in the value's unit."""

    valid_from: Day
    valid_to: Day | None = None
    values: dict[Value, Positive]
    uncertainty: dict[Value, Interval] = Field(default_factory=dict)
    status: str
    source: Text


class ShippedRow(RowEntry):
    """A row of a factor that comes with this package."""

    status: Literal["official", "provisional"]
    mark: Literal["V", "V2", "M", "D"]


class OwnRow(RowEntry):
    """A row of a factor of the configuration's own: contract, certificate or laboratory report as evidence."""

    status: Literal["own"] = "own"
    evidence: Text


class FactorEntry(Part):
    """A factor as files write it; rows in order of time."""

    name: Word
    title: Text
    basis: Literal["electricity", "net-calorific"]
    biogenic: bool = False
    units: dict[Value, str]
    rows: Sequence[RowEntry]


class ShippedFactor(FactorEntry):
    """A factor that comes with this package."""

    rows: Annotated[list[ShippedRow], Field(min_length=1)]


class OwnFactor(FactorEntry):
    """A factor of the configuration's own."""

    rows: Annotated[list[OwnRow], Field(min_length=1)]


class ShippedFile(Part):
    """A factor file of this package."""

    zone: Zone
    factors: list[ShippedFactor]


class OwnFile(Part):
    """A factor file of a configuration."""

    zone: Zone
    factors: list[OwnFactor]


def mistakes(placed: Placed[FactorEntry]) -> Iterator[Problem]:
    """Yield what is wrong with a factor whose shape is right: values, units and validity that do not fit."""
    factor = placed.value
    basis = BASES[factor.basis]
    if frozenset(factor.units) not in basis.complete:
        wanted = " or ".join(", ".join(v for v in basis.units if v in names) for names in basis.complete)
        yield placed.problem(f"a factor of basis {factor.basis} gives {wanted}", "units")
    if factor.biogenic and factor.basis == ELECTRICITY:
        yield placed.problem("electricity has no biogenic CO2 of its own", "biogenic")
    for name, symbol in factor.units.items():
        if name in basis.units and (wrong := _unit_mistake(symbol, basis.units[name])):
            yield placed.problem(wrong, "units", name)
    yield from _row_mistakes(placed)
    yield from _validity_mistakes(placed)


def _unit_mistake(symbol: str, wanted: str) -> str | None:
    try:
        conversion(unit(symbol), unit(wanted))
    except (UnknownUnit, DimensionError) as error:
        return str(error)
    return None


def _row_mistakes(placed: Placed[FactorEntry]) -> Iterator[Problem]:
    for number, row in enumerate(placed.value.rows):
        if row.values.keys() != placed.value.units.keys():
            expected = ", ".join(placed.value.units)
            yield placed.problem(
                f"gives other values than units are given for: {expected}", "rows", number, "values"
            )
        for name, (low, high) in row.uncertainty.items():
            if not low <= row.values.get(name, float("nan")) <= high:
                message = f"the interval [{low:g}, {high:g}] has no value of {name} in it"
                yield placed.problem(message, "rows", number, "uncertainty", name)


def _validity_mistakes(placed: Placed[FactorEntry]) -> Iterator[Problem]:
    rows = placed.value.rows
    for number, row in enumerate(rows):
        if row.valid_to is not None and row.valid_to <= row.valid_from:
            yield placed.problem("a row ends after it begins", "rows", number, "valid_to")
    for number, (row, following) in enumerate(pairwise(rows), start=1):
        if wrong := _seam_mistake(row, following):
            yield placed.problem(wrong, "rows", number, "valid_from")


def _seam_mistake(row: RowEntry, following: RowEntry) -> str | None:
    if row.valid_to is None or following.valid_from < row.valid_to:
        return f"overlaps the row before, which holds until {row.valid_to or 'further notice'}"
    if following.valid_from > row.valid_to:
        return f"leaves a hole after the row before, which ends on {row.valid_to}"
    return None
