"""The tables of part 75 and of the EPA methods that go with it, found by name: reviewed data with its provenance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from plant.documents.documents import parse
from plant.documents.fields import Part, Positive, Text, Word
from plant.suggest import did_you_mean

Mark = Literal["V", "V2", "M", "D"]
Percent = Annotated[float, Field(ge=0, le=100)]
T = TypeVar("T")

MAXIMUM_MOISTURE = ("19-3", "19-4", "19-8")


class FFactor(Part):
    """Volumes of flue gas and of CO2 per heat input, on gross calorific value; [scf/mmBtu]."""

    rule: Literal["part-75", "method-19"]
    fuel: Word
    fd: Positive
    fc: Positive
    fw: Positive | None = None
    mark: Mark
    source: Text


class DiluentCap(Part):
    """The lowest CO2 and the highest O2 that a NOx rate need be worked out with; [%]."""

    unit: Word
    co2: Percent
    o2: Percent
    mark: Mark
    source: Text


class FoRange(Part):
    """Where Fo of a fuel is plausible; [1]."""

    fuel: Word
    low: Positive
    high: Positive
    mark: Mark


@dataclass(frozen=True, slots=True)
class DefaultMoisture:
    """What stands for a moisture that is not measured; [%]."""

    percent: float
    mark: str
    source: str


class _FFactors(Part):
    unit: dict[str, str]
    rows: list[FFactor]


class _Moisture(Part):
    fuel: Word
    minimum: Percent
    maximum: Percent
    mark: Mark


class _Moistures(Part):
    minimum_source: Text
    maximum_source: Text
    rows: list[_Moisture]


class _FoRanges(Part):
    source: Text
    rows: list[FoRange]


class Tables(Part):
    """The file as a whole."""

    f_factors: _FFactors
    default_moisture: _Moistures
    diluent_caps: list[DiluentCap]
    fo_ranges: _FoRanges


@cache
def tables() -> Tables:
    """Return all tables, read once."""
    with resources.as_file(resources.files("rules") / "data" / "part75.yaml") as path:
        return parse(path, Tables)


def f_factor(rule: str, fuel: str) -> FFactor:
    """Return the F-factors of a fuel under a rule, `part-75` or `method-19`.

    Raises
    ------
    ValueError
        Where that rule has none for that fuel; the message names those it has.
    """
    rows = {row.fuel: row for row in tables().f_factors.rows if row.rule == rule}
    return _named(rows, fuel, f"F-factor of {rule} for")


def default_moisture(fuel: str, equation: str | None = None) -> DefaultMoisture:
    """Return the moisture that stands for an unmeasured one [1]_, [2]_.

    Parameters
    ----------
    fuel
        anthracite, bituminous, sub-bituminous, lignite, wood or natural-gas-boiler; other fuels have none.
    equation
        That gives the NOx rate, such as `19-3`; None for mass and heat input. 19-3, 19-4 and 19-8 take the maximum
        of the fuel, all else the minimum.

    Raises
    ------
    ValueError
        Where the fuel has no default.

    References
    ----------
    .. [1] 40 CFR 75.11(b)(1), reused by 40 CFR 98.33(a)(4).
    .. [2] 40 CFR 75.12(b).
    """
    table = tables().default_moisture
    row = _named({row.fuel: row for row in table.rows}, fuel, "default moisture for")
    if equation in MAXIMUM_MOISTURE:
        return DefaultMoisture(row.maximum, row.mark, table.maximum_source)
    return DefaultMoisture(row.minimum, row.mark, table.minimum_source)


def diluent_cap(unit: str) -> DiluentCap:
    """Return the diluent cap of a boiler or a turbine.

    Raises
    ------
    ValueError
        For another unit.
    """
    return _named({cap.unit: cap for cap in tables().diluent_caps}, unit, "diluent cap for")


def fo_range(fuel: str) -> FoRange:
    """Return where Fo of a fuel is plausible.

    Raises
    ------
    ValueError
        Where Method 3B lists no range for the fuel.
    """
    return _named({row.fuel: row for row in tables().fo_ranges.rows}, fuel, "range of Fo for")


def _named(rows: Mapping[str, T], name: str, what: str) -> T:
    if name not in rows:
        raise ValueError(f"no {what} {name!r}, only {_listed(rows)}{did_you_mean(name, rows)}")
    return rows[name]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
