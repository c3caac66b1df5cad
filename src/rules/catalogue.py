"""Every method, factor, GWP set, tariff, market and limit that a configuration may name, found by name."""

import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from plant.arrays import Floats, Times
from plant.catalogue import FactorSpec, LimitChoice, LimitNumbers, LimitSpec, MethodSpec, TariffSpec
from rules import methods
from rules.factors.factors import Factor, FactorRegister, load_factors
from rules.factors.gwp import GwpSet, gwp_set, gwp_sets
from rules.market.register import CarbonMarket, load_markets
from rules.methods import Emissions
from rules.standards.register import LimitTable, load_limits
from rules.tariffs.register import Tariff, load_tariffs


@dataclass(slots=True)
class Register:
    """What `plant.catalogue.Catalogue` asks for, and the functions behind it."""

    methods: Mapping[str, MethodSpec]
    factors: Mapping[str, FactorSpec]
    gwp_sets: tuple[str, ...]
    tariffs: Mapping[str, TariffSpec]
    markets: tuple[str, ...]
    limits: Mapping[str, LimitSpec]
    _modules: Mapping[str, ModuleType]
    _register: FactorRegister
    _tariffs: Mapping[str, Tariff]
    _markets: Mapping[str, CarbonMarket]
    _limits: Mapping[str, LimitTable]

    def emissions(self, method: str) -> Emissions:
        """Return a method's function."""
        function: Emissions = self._modules[method].emissions
        return function

    def factor_at(self, name: str, times: Times) -> Mapping[str, Floats]:
        """Return each value of a factor in force at each time; NaN where none is."""
        return self._register.at(name, times)

    def tariff(self, name: str) -> Tariff:
        """Return a tariff through time."""
        return self._tariffs[name]

    def market(self, name: str) -> CarbonMarket:
        """Return a carbon market with its prices."""
        return self._markets[name]

    def limit_numbers(self, name: str, choice: LimitChoice) -> list[LimitNumbers]:
        """Return the rows of a limit for a site that says all that the limit asks for, in order of time."""
        return self._limits[name].numbers(choice)

    def gwp_set(self, name: str) -> GwpSet:
        """Return a GWP set."""
        return gwp_set(name)

    def numbers(self, factors: Iterable[str], gwp: str) -> Iterator[str]:
        """Yield lines of text that name every number and date of these factors and of a GWP set."""
        for name in factors:
            yield self._register[name].as_text()
        yield f"{gwp} {self.gwp_set(gwp)!r}"

    def factor(self, name: str) -> Factor:
        """Return a factor through time."""
        return self._register[name]

    def provisional(self, name: str, start: int, end: int, window: int) -> Iterator[tuple[int, int, str]]:
        """Yield the parts of [start, end) [ns UTC] whose windows are calculated with a provisional row of a factor, and the row."""
        return self._register[name].under("provisional", start, end, window)

    def basis(self, method: str) -> str | None:
        """Return the basis of the factors that a method takes, None where it takes none."""
        found: str | None = getattr(self._modules[method], "BASIS", None)
        return found

    def is_proportional(self, method: str) -> bool:
        """Return whether a method's result is its factor times something, so that their relative errors are the same."""
        return bool(getattr(self._modules[method], "PROPORTIONAL", True))

    def misfit(self, method: str, factor: str) -> str | None:
        """Return why a factor does not fit a method, None where it does.

        Names of values alone do not tell: kg/kWh of a grid and kg/GJ of a fuel are both called co2.
        """
        wanted = self.basis(method)
        basis = self._register[factor].basis
        if wanted is None:
            return f"{method} takes no factor"
        if basis != wanted:
            return f"{method} takes a factor of basis {wanted}; {factor} is of basis {basis}"
        given = self.factors[factor].units
        missing = [name for name in self.methods[method].factor if name not in given and "co2e" not in given]
        return f"{factor} gives no {', '.join(missing)}, which {method} needs" if missing else None


def load_catalogue(config_directory: Path | None) -> Register:
    """Return all methods, the shipped factors, tariffs, markets and limits with a configuration's own, and all GWP sets.

    Raises
    ------
    ConfigurationError
        With every mistake of the configuration's factor files; then those of its tariff files, its market files, its limit files.
    """
    found = (import_module(f"{methods.__name__}.{m.name}") for m in pkgutil.iter_modules(methods.__path__))
    modules = {module.SPEC.name: module for module in found}
    register = load_factors(config_directory)
    tariffs = load_tariffs(config_directory).tariffs
    markets = load_markets(config_directory)
    limits = load_limits(config_directory)
    return Register(
        methods={name: module.SPEC for name, module in modules.items()},
        factors=register.factors,
        gwp_sets=tuple(gwp_sets()),
        tariffs={name: tariff.spec for name, tariff in tariffs.items()},
        markets=tuple(markets),
        limits={name: table.spec for name, table in limits.items()},
        _modules=modules,
        _register=register,
        _tariffs=tariffs,
        _markets=markets,
        _limits=limits,
    )
