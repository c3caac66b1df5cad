"""Which conditions say that readings are missing: those that cannot be true without that.

Behind a gateway that is away this is no news, while a limit that was passed is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plant.alert_rules.conditions import CUSUMS
from plant.park import Condition, ConditionStep

_OF_ONE = frozenset({"negative", "abs", "hours_over", *CUSUMS})
_OF_THREE = frozenset({"clip"})
_ABOVE, _BELOW = frozenset({">", ">="}), frozenset({"<", "<="})


@dataclass(frozen=True, slots=True)
class _Term:
    """What stands on the stack: readings are missing where it is true, where it is false, the larger or the smaller it is."""

    if_true: bool = False
    if_false: bool = False
    if_large: bool = False
    if_small: bool = False
    is_given: bool = False


_OTHER = _Term()
_ASKED: Mapping[str, _Term] = {
    "absent": _Term(if_true=True),
    "age": _Term(if_large=True),
    "count": _Term(if_small=True),
    **dict.fromkeys(("number", "dated", "elapsed", "days_until"), _Term(is_given=True)),
}


def lacks_readings(condition: Condition) -> bool:
    """Return whether a condition is true only where readings of channels are missing.

    So it is by `absent`, a large `age` or a small `count`; `value > 9 and not absent("5min")` is not of it.
    """
    stack: list[_Term] = []
    for step in condition.steps:
        taken = [stack.pop() for _ in range(_operands(step))][::-1]
        stack.append(_result(step.name, taken))
    return stack.pop().if_true


def _operands(step: ConditionStep) -> int:
    if step.name in _OF_ONE or step.name == "not":
        return 1
    if step.name in _OF_THREE:
        return 3
    return 2 if step.name in _OF_TWO else 0


def _result(name: str, taken: Sequence[_Term]) -> _Term:
    if name in _ASKED:
        return _ASKED[name]
    if name == "not":
        return _Term(taken[0].if_false, taken[0].if_true)
    return _joined(name, *taken) if name in _OF_TWO else _OTHER


def _joined(name: str, one: _Term, other: _Term) -> _Term:
    if name == "and":
        return _Term(one.if_true or other.if_true, one.if_false and other.if_false)
    if name == "or":
        return _Term(one.if_true and other.if_true, one.if_false or other.if_false)
    if name in _ABOVE | _BELOW:
        return _compared(one, other) if name in _ABOVE else _compared(other, one)
    return _scaled(name, one, other)


def _scaled(name: str, one: _Term, other: _Term) -> _Term:
    """Return a count or an age by a number that is given, which is larger and smaller as it is."""
    if other.is_given and name in ("+", "-", "*", "/"):
        return one
    return other if one.is_given and name in ("+", "*") else _OTHER


def _compared(large: _Term, small: _Term) -> _Term:
    """Return what is true where one term is above another."""
    return _Term(large.if_large or small.if_small, large.if_small or small.if_large)


_OF_TWO = frozenset({"and", "or", *_ABOVE, *_BELOW, "==", "!=", "+", "-", "*", "/", "min", "max", "hypot"})
