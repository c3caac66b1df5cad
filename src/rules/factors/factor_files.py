"""The shape of factor files, and what is refused in them beyond shape; their dates are read by `rules.dated_files`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from plant.documents.documents import Placed, Problem
from plant.documents.fields import Part, Positive, Word
from plant.units import DimensionError, UnknownUnit, conversion, unit
from rules.dated_files import DatedFile, DatedRow, Mark, ShippedStatus, Text


@dataclass(frozen=True, slots=True)
class Basis:
    """What a factor is per: the unit in which methods take each value, and the sets of values that are whole.

    A value is above 0, or 0 where `zeros` names it: what nobody measured must not look like what emits nothing.
    """

    units: Mapping[str, str]
    complete: tuple[frozenset[str], ...]
    zeros: frozenset[str] = frozenset()


ELECTRICITY = "electricity"
DIRECT_ELECTRICITY = "direct-electricity"
HEAT = "heat"
NET_CALORIFIC = "net-calorific"
PRODUCT = "product"
PRODUCT_N2O = "product-n2o"
WASTEWATER_COD = "wastewater-cod"
WASTEWATER_BOD = "wastewater-bod"
WASTEWATER_NITROGEN = "wastewater-nitrogen"
WASTE = "waste"
FREIGHT = "freight"
PASSENGER_DISTANCE = "passenger-distance"
DISTANCE = "distance"
SPEND = "spend"

_GASES = frozenset({"co2", "ch4", "n2o"})
_CO2E = (frozenset({"co2e"}),)
_CO2_OR_CO2E = (frozenset({"co2"}), *_CO2E)
# Methane capacity and correction factor: of chemical or of biochemical oxygen demand, which differ by 2.4 times.
_WASTEWATER = Basis(
    units={"b0": "kg/kg", "mcf": "1"}, complete=(frozenset({"b0", "mcf"}),), zeros=frozenset({"mcf"})
)

BASES: Mapping[str, Basis] = {
    ELECTRICITY: Basis(units={"co2": "kg/kWh", "co2e": "kgCO2e/kWh"}, complete=_CO2_OR_CO2E),
    # A seller's own, never shipped: it needs evidence, and solar and wind have 0.
    DIRECT_ELECTRICITY: Basis(
        units={"co2": "kg/kWh", "co2e": "kgCO2e/kWh"},
        complete=_CO2_OR_CO2E,
        zeros=frozenset({"co2", "co2e"}),
    ),
    HEAT: Basis(
        units={"co2": "kg/GJ", "co2e": "kgCO2e/GJ"}, complete=_CO2_OR_CO2E, zeros=frozenset({"co2", "co2e"})
    ),
    NET_CALORIFIC: Basis(
        units={"co2": "kg/GJ", "ch4": "kg/GJ", "n2o": "kg/GJ", "ncv": "GJ/t"},
        complete=(_GASES, _GASES | {"ncv"}),
    ),
    PRODUCT: Basis(units={"co2": "kg/kg", "co2e": "kgCO2e/kg"}, complete=_CO2_OR_CO2E),
    PRODUCT_N2O: Basis(units={"n2o": "kg/kg"}, complete=(frozenset({"n2o"}),)),
    WASTEWATER_COD: _WASTEWATER,
    WASTEWATER_BOD: _WASTEWATER,
    WASTEWATER_NITROGEN: Basis(units={"n2o_n": "kg/kg"}, complete=(frozenset({"n2o_n"}),)),
    WASTE: Basis(
        units={"ch4": "kg/kg", "n2o": "kg/kg"},
        complete=(frozenset({"ch4", "n2o"}),),
        zeros=frozenset({"n2o"}),
    ),
    # Of others along the value chain; never shipped: whoever publishes such a factor says what it holds.
    FREIGHT: Basis(units={"co2e": "kgCO2e/tkm"}, complete=_CO2E),
    PASSENGER_DISTANCE: Basis(units={"co2e": "kgCO2e/pkm"}, complete=_CO2E),
    DISTANCE: Basis(units={"co2e": "kgCO2e/km"}, complete=_CO2E),
    SPEND: Basis(units={"co2e": "kgCO2e/VND"}, complete=_CO2E),
}


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError(f"should be greater than 0, or 0 where the basis has it; not {value:g}")
    return value


Interval = Annotated[list[Positive], Field(min_length=2, max_length=2)]
NotNegative = Annotated[float, AfterValidator(_not_negative)]
Value = Literal["co2", "co2e", "ch4", "n2o", "ncv", "b0", "mcf", "n2o_n"]


class RowEntry(DatedRow):
    """The values of a factor from one date to another. `uncertainty` is a 95 % interval in the value's unit."""

    values: dict[Value, NotNegative]
    uncertainty: dict[Value, Interval] = Field(default_factory=dict)


class ShippedRow(RowEntry):
    """A row of a factor that comes with this package."""

    status: ShippedStatus
    mark: Mark


class OwnRow(RowEntry):
    """A row of a factor of the configuration's own: contract, certificate or laboratory report as evidence."""

    status: Literal["own"] = "own"
    evidence: Text


class FactorEntry(Part):
    """A factor as files write it; rows in order of time."""

    name: Word
    title: Text
    basis: Literal[
        "electricity",
        "direct-electricity",
        "heat",
        "net-calorific",
        "product",
        "product-n2o",
        "wastewater-cod",
        "wastewater-bod",
        "wastewater-nitrogen",
        "waste",
        "freight",
        "passenger-distance",
        "distance",
        "spend",
    ]
    biogenic: bool = False
    units: dict[Value, str]
    rows: Sequence[RowEntry]


class ShippedFactor(FactorEntry):
    """A factor that comes with this package."""

    rows: Annotated[list[ShippedRow], Field(min_length=1)]


class OwnFactor(FactorEntry):
    """A factor of the configuration's own."""

    rows: Annotated[list[OwnRow], Field(min_length=1)]


class ShippedFile(DatedFile):
    """A factor file of this package."""

    factors: list[ShippedFactor]


class OwnFile(DatedFile):
    """A factor file of a configuration."""

    factors: list[OwnFactor]


def mistakes(placed: Placed[FactorEntry]) -> Iterator[Problem]:
    """Yield what is wrong with a factor whose shape is right: values and units that do not fit."""
    factor = placed.value
    basis = BASES[factor.basis]
    if frozenset(factor.units) not in basis.complete:
        wanted = " or ".join(", ".join(v for v in basis.units if v in names) for names in basis.complete)
        yield placed.problem(f"a factor of basis {factor.basis} gives {wanted}", "units")
    if factor.biogenic and factor.basis != NET_CALORIFIC:
        yield placed.problem(f"a factor of basis {factor.basis} has no biogenic CO2 of its own", "biogenic")
    for name, symbol in factor.units.items():
        if name in basis.units and (wrong := _unit_mistake(symbol, basis.units[name])):
            yield placed.problem(wrong, "units", name)
    yield from _row_mistakes(placed)


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
        for name, value in row.values.items():
            if value == 0 and name not in BASES[placed.value.basis].zeros:
                yield placed.problem("should be greater than 0", "rows", number, "values", name)
        for name, (low, high) in row.uncertainty.items():
            if not low <= row.values.get(name, float("nan")) <= high:
                message = f"the interval [{low:g}, {high:g}] has no value of {name} in it"
                yield placed.problem(message, "rows", number, "uncertainty", name)
