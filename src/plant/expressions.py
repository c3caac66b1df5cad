"""The formulas of virtual channels: a small closed language, read by Python's grammar and never by Python's eval.

    main - line_1 - channel("mdb2/active_energy")
    max(main - line_1, 0)
    gas * quantity(36.2, "MJ/Nm3")

A formula knows channels by their names, `channel("…")` for a name that is no plain word, plain numbers,
`quantity(number, "unit")`, `+ - * /`, minus, parentheses, and `min`, `max`, `abs` and `clip(x, low, high)`. Whatever
else Python's grammar knows is refused. What is left is checked by unit and by nature, and becomes steps on a stack
that `rules.virtuals` runs over columns.

Of its nature a term is a plain number, a level (a mean over the window), an amount, or an amount of events. Amounts
never add to levels; a constant never adds to amounts, because it would do so in every window, however long; events
never stand in a difference with amounts that are spread over time (BC-06); 0 fits everything.
"""

import ast
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from plant.park import Step
from plant.units import DimensionError, Unit, UnknownUnit, conversion, unit

MOST_DEEP = 100  # nested operations; a sum of so many terms is nested as deep
LONGEST_SHOWN = 40

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOREIGN = re.compile(r"[^ -~°³]|[#\\]")  # a comment would be cut off in silence, an escape change a name
BINARY: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
ARGUMENTS: Mapping[str, tuple[int, int]] = {"min": (2, 100), "max": (2, 100), "abs": (1, 1), "clip": (3, 3)}
_FUNCTIONS = "min, max, abs, clip, channel and quantity"


class ExpressionError(ValueError):
    """A formula that is outside the language, or whose units and natures do not fit together."""


class Nature(StrEnum):
    """What a term's value is of a window."""

    NUMBER = "a number"
    LEVEL = "a level"
    AMOUNT = "an amount"
    EVENTS = "an amount of events"


@dataclass(frozen=True, slots=True)
class Reference:
    """A channel by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A number; without a unit it is a plain one."""

    value: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or a function over its operands."""

    name: str
    operands: tuple["Node", ...]


Node = Reference | Constant | Operation


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


def parse(text: str) -> Node:
    """Return a formula as a tree.

    Raises
    ------
    ExpressionError
        Where it is no formula of this language.
    """
    return _node(syntax(text, "formula"), 0)


def syntax(text: str, what: str) -> ast.expr:
    """Return Python's tree of one expression, of which nothing is allowed yet; `what` is what a message calls it.

    Raises
    ------
    ExpressionError
        Where it is no expression of Python's, or has characters that no name or number needs.
    """
    line = " ".join(text.split())
    foreign = _FOREIGN.search(line)
    if foreign:
        raise ExpressionError(f"{foreign[0]!r} has no place in a {what}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python would only warn of, such as 1if, is a mistake here
            return ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError, Warning):
        raise ExpressionError(f"{short(line)!r} is not a {what}") from None


def names(node: Node) -> Iterator[str]:
    """Yield the names of the channels in a formula, in its order, as often as they occur."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, Reference):
            yield one.name
        elif isinstance(one, Operation):
            left += reversed(one.operands)


def spelled(name: str) -> str:
    """Return how a formula writes a channel's name."""
    return name if _WORD.fullmatch(name) and not _is_keyword(name) else f'channel("{name}")'


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


# --- from Python's tree to ours -----------------------------------------------------------------------------------


def _node(tree: ast.expr, depth: int) -> Node:
    if depth > MOST_DEEP:
        raise ExpressionError(
            f"it is nested more than {MOST_DEEP} deep: give a part of it a name, as a virtual channel of its own"
        )
    match tree:
        case ast.Name(id=name):
            return Reference(name)
        case ast.Constant(value=bool() | str() | bytes() | complex() | None):
            raise ExpressionError(f"{written(tree)} has no place in a formula")
        case ast.Constant(value=int() | float() as value):
            return Constant(finite(value))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Operation("negative", (_node(operand, depth + 1),))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return Operation(BINARY[type(op)], (_node(left, depth + 1), _node(right, depth + 1)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, arguments, depth)
        case ast.Attribute():
            hint = _dotted(tree)
            raise ExpressionError(
                f"{written(tree)} has no place in a formula" + (f": is it {spelled(hint)}?" if hint else "")
            )
    raise ExpressionError(
        f"{written(tree)} has no place in a formula: it knows + - * /, numbers, {_FUNCTIONS}"
    )


def _call(name: str, arguments: Sequence[ast.expr], depth: int) -> Node:
    if name == "channel":
        match arguments:
            case [ast.Constant(value=str() as of)]:
                return Reference(of)
        raise ExpressionError('channel takes one name, such as channel("mdb1/active_energy")')
    if name == "quantity":
        match arguments:
            case [ast.Constant(value=int() | float() as value), ast.Constant(value=str() as symbol)] if (
                not isinstance(value, bool)
            ):
                return Constant(finite(value), symbol)
        raise ExpressionError('quantity takes a number and a unit, such as quantity(0.84, "kg/L")')
    if name not in ARGUMENTS:
        raise ExpressionError(f"there is no function {short(name)}; there are {_FUNCTIONS}")
    check_count(name, len(arguments))
    return Operation(name, tuple(_node(argument, depth + 1) for argument in arguments))


def check_count(name: str, count: int, known: Mapping[str, tuple[int, int]] = ARGUMENTS) -> None:
    """Refuse one of the known functions with another number of values than it takes."""
    least, most = known[name]
    if not least <= count <= most:
        takes = f"{least}" if least == most else f"{least} to {most}"
        raise ExpressionError(f"{name} takes {takes} values, not {count}")


def finite(value: float) -> float:
    """Return a number of a formula as a float; one that no float holds is refused."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ExpressionError("a number in it is too large")
    return number


def _is_keyword(name: str) -> bool:
    try:
        return not isinstance(ast.parse(name, mode="eval").body, ast.Name)
    except SyntaxError:
        return True


def _dotted(tree: ast.expr) -> str:
    """Return `a.b.c` where that is all it is, and may be meant as a channel's name."""
    parts = []
    while isinstance(tree, ast.Attribute):
        parts.append(tree.attr)
        tree = tree.value
    name = ".".join([tree.id, *reversed(parts)]) if isinstance(tree, ast.Name) else ""
    return "" if "__" in name else name


def written(tree: ast.expr) -> str:
    """Return a part of a formula as it may be shown in a message."""
    try:
        return short(ast.unparse(tree))
    except RecursionError:
        return "a part nested too deep"


def short(text: str) -> str:
    """Return a text, cut to what a message shows of it."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


# --- units and natures --------------------------------------------------------------------------------------------


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


def text_of(name: str, texts: Sequence[str]) -> str:
    """Return an operation over its operands as it may be shown in a message."""
    if name in BINARY.values():
        bare = name == "+"
        shown = (t if bare or not re.search(r" [-+] ", t) else f"({t})" for t in texts)
        return short(f" {name} ".join(shown))
    return short(f"{name}({', '.join(texts)})")


def folded(name: str, values: Sequence[float], text: str) -> float:
    """Return what constants come to, NaN where one of them is none."""
    if any(math.isnan(value) for value in values):
        return math.nan
    match name:
        case "+":
            found = values[0] + values[1]
        case "-":
            found = values[0] - values[1]
        case "*":
            found = values[0] * values[1]
        case "/":
            found = values[0] / values[1]
        case "clip":
            found = min(max(values[0], values[1]), values[2])
        case _:
            found = min(values) if name == "min" else max(values)
    if not math.isfinite(found):
        raise ExpressionError(f"{text} is too large")
    return found


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


def normal(of: Unit) -> Unit:
    """Return a unit with its dimension in one normal form, so that products of units can be compared."""
    return replace(of, dimension=_spelled(_powers(of)))


def combined(one: Unit, other: Unit, power: int) -> Unit:
    """Return the product of two units, or with power -1 their quotient."""
    if other.symbol == "1":
        return one
    if one.symbol == "1" and power == 1:
        return other
    powers = _powers(one)
    for dimension, count in _powers(other).items():
        powers[dimension] += count * power
    factor = one.factor * other.factor if power == 1 else one.factor / other.factor
    sign = "·" if power == 1 else "/"
    return Unit(f"{one.symbol}{sign}{other.symbol}", _spelled(powers), factor)


def _powers(of: Unit) -> Counter[str]:
    """Return how often each dimension occurs, below the line as less than 0."""
    upper, *lower = of.dimension.split("/")
    powers = Counter(upper.split("·"))
    powers.subtract(Counter(lower))
    powers.pop("1", None)
    return powers


def _spelled(powers: Mapping[str, int]) -> str:
    upper = [name for name, count in sorted(powers.items()) for _ in range(count)]
    lower = [f"/{name}" for name, count in sorted(powers.items()) for _ in range(-count)]
    return ("·".join(upper) or "1") + "".join(lower)
