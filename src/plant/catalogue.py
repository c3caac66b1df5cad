"""What a method and a factor declare of themselves, so that a configuration can be checked against them.

The methods and factors themselves live in `rules`; this room only knows their shape.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from plant.units import conversion, unit


@dataclass(frozen=True, slots=True)
class Role:
    """One input of a method: its name, and the unit the method takes it in.

    `level` roles take the mean of a level channel in a window; the others take an amount. A role with
    several units (fuel by volume, mass or energy) accepts whichever has the channel's dimension. More of a role that
    `lowers` means less emission.
    """

    name: str
    unit: str
    level: bool = False
    required: bool = True
    default: float | None = None
    lowers: bool = False


@dataclass(frozen=True, slots=True)
class Slip:
    """Something that a number is taken for: what people would call it, and what it is multiplied with to be what is meant."""

    words: str
    factor: float


@dataclass(frozen=True, slots=True)
class Range:
    """Where a number usually is, both ends included; outside it is probably not meant as it stands.

    `slips` are units in which it is often written by mistake, the likeliest first; `zero` is plausible as well.
    """

    low: float
    high: float
    source: str
    slips: tuple[str | Slip, ...] = ()
    zero: bool = False

    def holds(self, value: float) -> bool:
        """Return whether a number is plausible."""
        return self.low <= value <= self.high or (self.zero and value == 0)

    def told(self, symbol: str) -> str:
        """Return the range as text, in a unit."""
        zero = "0, or " if self.zero else ""
        return f"{zero}{self.low:g} to {self.high:g} {_shown(symbol)}".rstrip()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a source gives its method, with its unit; `None` as default means required."""

    name: str
    unit: str
    default: float | None = None
    plausible: Range | None = None

    def described(self) -> str:
        """Return its unit, default and plausible range, as an editor shows them."""
        words = [f"[{self.unit}]", "required" if self.default is None else f"{self.default:g} where left out"]
        if self.plausible is not None:
            words.append(f"plausible: {self.plausible.told(self.unit)} ({self.plausible.source})")
        return "; ".join(words)

    def doubt(self, value: float) -> str | None:
        """Return what is doubtful about a number for it, and what it was probably meant as; None where nothing is."""
        usual = self.plausible
        if usual is None or usual.holds(value):
            return None
        where = usual.told(self.unit)
        for slip in usual.slips:
            words, factor = _slip(slip, self.unit)
            if usual.holds(value * factor):
                unit_ = f"in {self.unit}" if self.unit != "1" else "a plain number"
                return (
                    f"{value:g} looks like {words}; {self.name} is {unit_}: {value * factor:.3g}"
                    f" (plausible are {where})"
                )
        return (
            f"{value:g} {_shown(self.unit)} is far from what {self.name} usually is: {where} ({usual.source})"
        )


def _slip(slip: str | Slip, symbol: str) -> tuple[str, float]:
    if isinstance(slip, Slip):
        return slip.words, slip.factor
    return slip, conversion(unit(slip), unit(symbol))[0]


def _shown(symbol: str) -> str:
    return "" if symbol == "1" else symbol


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


@dataclass(frozen=True, slots=True)
class TariffSpec:
    """The outside of a tariff: its currency, and the minutes of the day at which its slots may change."""

    name: str
    title: str
    currency: str
    edges: tuple[int, ...]
    has_reactive: bool = False  # it charges reactive energy


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """The outside of a limit of a standard or a permit: what it is of, and what a site must say to know its number."""

    name: str
    title: str
    standard: str
    parameter: str
    category: str  # "": of all
    medium: Literal["stack", "wastewater"]
    unit: str
    averaging: Literal["hour", "day"] | None  # None: the site says it
    reference_oxygen: float  # [%]; NaN: none
    columns: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    size_unit: str = ""  # "": sizes make no difference
    coefficients: tuple[str, ...] = ()  # the site's own numbers that it is multiplied with


@dataclass(frozen=True, slots=True)
class LimitChoice:
    """What a site says of itself, so that a limit is a number; what a limit does not ask for is None, or not there."""

    column: str | None = None
    zone: str | None = None
    size: float | None = None  # in the limit's unit of sizes
    coefficients: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class LimitNumbers:
    """A dated row of a limit for one site, in the limit's unit; `low` is NaN where there is only a most."""

    row: str
    valid_from: date
    valid_to: date | None  # the first day on which it holds no longer
    low: float
    high: float
    status: str  # official, provisional, own
    mark: str  # "" of an own row
    source: str
    evidence: str  # "" of one that ships


class Catalogue(Protocol):
    """All methods, factors, tariffs, markets and limits that a configuration may name."""

    methods: Mapping[str, MethodSpec]
    factors: Mapping[str, FactorSpec]
    gwp_sets: tuple[str, ...]
    tariffs: Mapping[str, TariffSpec]
    markets: tuple[str, ...]
    limits: Mapping[str, LimitSpec]

    def limit_numbers(self, name: str, choice: LimitChoice) -> Sequence[LimitNumbers]:
        """Return the rows of a limit for a site that says all that the limit asks for, in order of time."""
        ...

    def misfit(self, method: str, factor: str) -> str | None:
        """Return why a factor does not fit a method, None where it does; names of values alone do not tell."""
        ...

    def numbers(self, factors: Iterable[str], gwp: str) -> Iterable[str]:
        """Yield lines of text that name every number and date of these factors and of a GWP set."""
        ...
