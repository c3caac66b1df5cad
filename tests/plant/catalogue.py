"""A catalogue that is small enough to know by heart, for configurations that need no real factor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from plant.catalogue import (
    FactorSpec,
    LimitChoice,
    LimitNumbers,
    LimitSpec,
    MethodSpec,
    Parameter,
    Role,
    TariffSpec,
)

ELECTRICITY = MethodSpec(
    name="electricity-location",
    scope=2,
    title="Purchased electricity",
    reference="",
    roles=(Role("energy", "kWh"),),
    activity="energy",
    factor=("co2",),
)
GAS = MethodSpec(
    name="fuel-gas-volume",
    scope=1,
    title="Gas burned",
    reference="",
    roles=(Role("volume", "Nm3"),),
    activity="volume",
    factor=("co2",),
    parameters=(Parameter("ncv", "MJ/Nm3"), Parameter("oxidation", "1", default=1.0)),
)
STACK = MethodSpec(
    name="stack-co2",
    scope=1,
    title="CO2 of a stack",
    reference="",
    roles=(
        Role("flow", "Nm3"),
        Role("co2", "%", level=True),
        Role("temperature", "°C", level=True, required=False),
    ),
    activity="flow",
)


@dataclass(frozen=True)
class SmallCatalogue:
    """Three methods, two tariffs, a market, two factors: `grid` fits electricity, `gas` fits gas."""

    methods: Mapping[str, MethodSpec] = field(
        default_factory=lambda: {spec.name: spec for spec in (ELECTRICITY, GAS, STACK)}
    )
    factors: Mapping[str, FactorSpec] = field(
        default_factory=lambda: {
            "grid": FactorSpec("grid", {"co2": "kg/kWh"}, "official", ""),
            "gas": FactorSpec("gas", {"co2": "kg/GJ"}, "official", ""),
        }
    )
    gwp_sets: tuple[str, ...] = ("AR5", "AR6")
    tariffs: Mapping[str, TariffSpec] = field(
        default_factory=lambda: {
            "peaks": TariffSpec("peaks", "Peaks", "VND", edges=(0, 1050), has_reactive=True),
            "flat": TariffSpec("flat", "Flat", "VND", edges=()),
        }
    )
    markets: tuple[str, ...] = ("pilot",)

    limits: Mapping[str, LimitSpec] = field(default_factory=dict)

    def limit_numbers(self, name: str, choice: LimitChoice) -> Sequence[LimitNumbers]:
        """Know of none."""
        raise KeyError(name, choice)

    def misfit(self, method: str, factor: str) -> str | None:
        """Say which factor does not fit which method."""
        fits = (method, factor) in {("electricity-location", "grid"), ("fuel-gas-volume", "gas")}
        return None if fits else f"{factor} does not fit {method}"

    def numbers(self, factors: Iterable[str], gwp: str) -> Iterable[str]:
        """Yield the names, for there are no numbers."""
        return [*factors, gwp]
