"""Worked examples: the numbers of one case, and the steps by which a person with a calculator gets its result.

They are data beside the code that they explain. `docs/methods.md` shows them, with results that the code gives, and
is only written where the steps lead to the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a method: every role, factor value and parameter, in the units in which the method takes them."""

    inputs: Mapping[str, float]
    factor: Mapping[str, float]
    parameters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Worked:
    """One call of an equation: its arguments by name, the unit of its result, and the equation in those names."""

    arguments: Mapping[str, float | str | tuple[float, ...]]
    unit: str
    working: str
