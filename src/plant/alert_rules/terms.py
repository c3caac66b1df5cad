"""The checked parts of a condition: what each is, in which unit, and where it is true."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from plant.park import Comparison, ConditionStep
from plant.units import Unit
from plant.vocabulary import Kind


class Nature(StrEnum):
    """What a term is: a flag is 1, 0 or unknown, and may stand as either of the others."""

    NUMBER = "a number"
    TRUTH = "true or false"
    FLAG = "a flag"


@dataclass(frozen=True, slots=True)
class Fact:
    """What a condition needs to know of a channel that it asks; the name "" is the subject itself."""

    name: str
    unit: Unit
    kind: Kind


@dataclass(frozen=True, slots=True)
class Region:
    """Where a term is true that only compares one left side with numbers."""

    of: tuple[ConditionStep, ...]
    limits: tuple[float, ...]
    holds: Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """A checked part of a condition; `value` is NaN unless it is constant, `comparisons` are those among its steps."""

    text: str
    nature: Nature
    unit: Unit
    steps: tuple[ConditionStep, ...]
    value: float = math.nan
    is_plain: bool = False  # takes the unit of what it stands beside
    comparisons: tuple[Comparison, ...] = ()
    region: Region | None = None
