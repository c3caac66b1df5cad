"""What a formula of a virtual channel comes to: checked by unit and by nature, as steps on a stack that `rules.virtuals` runs over columns.

Of its nature a term is a plain number, a level (a mean over the window), an amount, or an amount of events. Amounts
never add to levels; a constant never adds to amounts, because it would do so in every window, however long; events
never stand in a difference with amounts that are spread over time (BC-06); 0 fits everything.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from plant.expressions import (
    Constant,
    ExpressionError,
    Node,
    Reference,
    combined,
    folded,
    normal,
    short,
    spelled,
    text_of,
)
from plant.park import Step
from plant.units import DimensionError, Unit, UnknownUnit, conversion, unit


class Nature(StrEnum):
    """What a term's value is of a window."""

    NUMBER = "a number"
    LEVEL = "a level"
    AMOUNT = "an amount"
    EVENTS = "an amount of events"


@dataclass(frozen=True, slots=True)
class Term:
    """A checked part of a formula: its nature, its unit, the steps that give it, and its value where it is constant.

    `taken_away` tells that it stands with a minus, which makes a difference of a sum.
    """

    text: str
    nature: Nature
    unit: Unit
    steps: tuple[Step, ...]
    value: float = math.nan
    taken_away: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is made of numbers without a unit."""
        return self.nature is Nature.NUMBER and self.unit.symbol == "1"

    @property
    def is_zero(self) -> bool:
        """Whether it is a plain 0, which is 0 in every unit."""
        return self.is_plain and self.value == 0


def reference(name: str, nature: Nature, of: Unit, number: int, *, taken_away: bool = False) -> Term:
    """Return the term of a channel; `of` is the unit of its windows, `number` its index.

    Raises
    ------
    ExpressionError
        The unit has a zero of its own, so that sums and multiples of it mean nothing.
    """
    steps = (Step("channel", channel=number),)
    return Term(spelled(name), nature, _without_offset(of, name), steps, taken_away=taken_away)


def checked(node: Node, channels: Mapping[str, Term], result: Unit) -> Term:
    """Return a formula as a term in the unit `result`; `channels` holds every name that it has.

    Raises
    ------
    ExpressionError
        Where units or natures do not fit together, where it divides by 0, and where it names no channel.
    """
    term = _checked(node, channels)
    if term.nature is Nature.NUMBER:
        raise ExpressionError("it names no channel")
    return _converted(term, _without_offset(result, result.symbol), "the unit")


def _checked(node: Node, channels: Mapping[str, Term]) -> Term:
    if isinstance(node, Reference):
        return channels[node.name]
    if isinstance(node, Constant):
        return _constant(node)
    terms = [_checked(operand, channels) for operand in node.operands]
    match node.name:
        case "*":
            return _product(*terms)
        case "/":
            return _quotient(*terms)
        case "negative" | "abs":
            return _of_one(node.name, *terms)
    return _together(node.name, terms)


def _of_one(name: str, term: Term) -> Term:
    text, value = ("-", -term.value) if name == "negative" else ("abs", abs(term.value))
    inner = f"({term.text})" if name == "abs" or " " in term.text else term.text
    taken_away = name == "negative" and not term.taken_away
    steps = (*term.steps, Step(name))
    return replace(term, text=short(text + inner), steps=steps, value=value, taken_away=taken_away)


def _constant(node: Constant) -> Term:
    if not node.unit:
        return Term(f"{node.value:g}", Nature.NUMBER, unit("1"), (Step("number", node.value),), node.value)
    try:
        given = unit(node.unit)
    except UnknownUnit as error:
        raise ExpressionError(str(error)) from error
    text = f"{node.value:g} {node.unit}"
    return Term(text, Nature.NUMBER, _without_offset(given, text), (Step("number", node.value),), node.value)


def _together(name: str, terms: Sequence[Term]) -> Term:
    """Return a sum, a difference, or what takes its operands side by side: all in the unit of one of them."""
    text = text_of(name, [term.text for term in terms])
    leading = next((t for t in terms if not t.is_zero), terms[0])
    parts = [leading if t is leading else _fitted(t, leading) for t in terms]
    value = folded(name, [t.value for t in parts], text)
    steps = [step for part in parts for step in part.steps]
    steps += [Step(name)] * (
        1 if name == "clip" else len(terms) - 1
    )  # all but clip take two off the stack at a time
    taken_away = leading.taken_away ^ (name == "-" and leading is not terms[0])
    return Term(text, _common_nature(name, terms), leading.unit, tuple(steps), value, taken_away)


def _fitted(term: Term, leading: Term) -> Term:
    """Return a term in the unit of the leading one."""
    if term.is_zero:
        return term
    for one, other in ((term, leading), (leading, term)):
        plain_unit = other.unit.factor == 1 and other.unit.dimension == "1"
        if one.is_plain and not other.is_plain and not plain_unit:
            hint = f': write quantity({one.text}, "{other.unit}")' if other.nature is Nature.LEVEL else ""
            raise ExpressionError(f"{one.text} is a plain number, {other.text} is in {other.unit}{hint}")
    return _converted(term, leading.unit, leading.text)


def _common_nature(name: str, terms: Sequence[Term]) -> Nature:
    """Return the nature of terms that are added, subtracted or compared."""
    by_nature = {term.nature: term for term in terms if not term.is_zero}
    number, level = by_nature.get(Nature.NUMBER), by_nature.get(Nature.LEVEL)
    amount, events = by_nature.get(Nature.AMOUNT), by_nature.get(Nature.EVENTS)
    whole = amount or events
    if whole and level:
        raise ExpressionError(
            f"{level.text} is {level.nature} (a mean over time), {whole.text} is {whole.nature}: they do not go together"
        )
    if whole and number:
        raise ExpressionError(
            f"{number.text} is a constant, {whole.text} is {whole.nature}: it would count anew in every window"
        )
    if amount and events:
        if name != "+" or amount.taken_away != events.taken_away:
            raise ExpressionError(
                f"{events.text} comes at an instant and {amount.text} over time:"
                " window by window they have no difference"
            )
        return Nature.EVENTS
    return (whole or level or number or terms[0]).nature


def _product(one: Term, other: Term) -> Term:
    text = text_of("*", (one.text, other.text))
    if Nature.NUMBER not in (one.nature, other.nature) and Nature.LEVEL not in (one.nature, other.nature):
        raise ExpressionError(f"{one.text} and {other.text} are both amounts: their product is none")
    order = [Nature.NUMBER, Nature.LEVEL, Nature.AMOUNT, Nature.EVENTS]
    nature = max(one.nature, other.nature, key=order.index)
    value = folded("*", [one.value, other.value], text)
    return Term(
        text, nature, combined(one.unit, other.unit, 1), _steps(one, other, "*"), value, _opposed(one, other)
    )


def _quotient(one: Term, other: Term) -> Term:
    text = text_of("/", (one.text, other.text))
    if other.value == 0:
        raise ExpressionError(f"{text} divides by 0")
    wholes = [t for t in (one, other) if t.nature in (Nature.AMOUNT, Nature.EVENTS)]
    if len(wholes) == 2:
        _common_nature("/", wholes)
        nature = Nature.LEVEL
    elif other in wholes:
        raise ExpressionError(
            f"{one.text} is {one.nature}: divided by an amount, it depends on the window's length"
        )
    else:
        nature = (
            wholes[0].nature
            if wholes
            else max(one.nature, other.nature, key=[Nature.NUMBER, Nature.LEVEL].index)
        )
    value = folded("/", [one.value, other.value], text)
    return Term(
        text, nature, combined(one.unit, other.unit, -1), _steps(one, other, "/"), value, _opposed(one, other)
    )


def _opposed(one: Term, other: Term) -> bool:
    """Return whether just one of two factors stands with a minus; of a constant its value tells."""
    minus = (term.taken_away if math.isnan(term.value) else term.value < 0 for term in (one, other))
    return next(minus) != next(minus)


def _steps(one: Term, other: Term, name: str) -> tuple[Step, ...]:
    return (*one.steps, *other.steps, Step(name))


def _converted(term: Term, to: Unit, what: str) -> Term:
    try:
        scale, _ = conversion(term.unit, to)
    except DimensionError as error:
        raise ExpressionError(f"{term.text} does not fit {what}: {error}") from error
    if scale == 1:
        return replace(term, unit=to)
    steps = (*term.steps, Step("number", scale), Step("*"))
    return replace(term, unit=to, steps=steps, value=term.value * scale)


def _without_offset(of: Unit, what: str) -> Unit:
    """Return a unit in normal form, refused where its zero is not nothing."""
    if of.offset:
        raise ExpressionError(
            f"{what} is in {of}, whose zero is not nothing: a formula takes temperatures in K only"
        )
    return normal(of)
