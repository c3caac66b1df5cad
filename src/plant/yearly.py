"""What holds for a calendar year of a park's clock: budgets, targets, and what bought electricity is matched with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """What a park or a facility is to emit at most in a calendar year of the park's clock."""

    year: int
    t: float  # t CO2e, all scopes
    source: str  # where the number comes from
    provisional: bool = False
    months: tuple[float, ...] | None = None  # shares of the twelve months; None: by their length


@dataclass(frozen=True, slots=True)
class Target:
    """What a park is to emit in a calendar year; of the first, the base year, what it emitted."""

    year: int
    t: float  # t CO2e, all scopes
    source: str  # where the number comes from
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """What conveys the attributes of generation to one facility, for a calendar year of its park's clock."""

    year: int
    kind: str  # certificate, contract, supplier
    energy: float  # kWh
    co2: float  # kg/kWh
    retired: int | None  # ns UTC; None: needs no retirement
    evidence: str


@dataclass(frozen=True, slots=True)
class ResidualFactor:
    """What a kilowatt-hour of a year counts that no certificate covers, where a residual mix is published."""

    year: int
    co2: float  # kg/kWh
    evidence: str
