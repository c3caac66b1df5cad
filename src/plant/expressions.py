"""The formulas of virtual channels: a small closed language, read by Python's grammar and never by Python's eval.

    main - line_1 - channel("mdb2/active_energy")
    max(main - line_1, 0)
    gas * quantity(36.2, "MJ/Nm3")

A formula knows channels by their names, `channel("…")` for a name that is no plain word, plain numbers,
`quantity(number, "unit")`, `+ - * /`, minus, parentheses, and `min`, `max`, `abs` and `clip(x, low, high)`. Whatever
else Python's grammar knows is refused. `plant.configuration.formulas` checks what is left by unit and by nature.
"""

import ast
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from plant.units import Unit

MOST_DEEP = 100  # nested operations; a sum of so many terms is nested as deep
LONGEST_SHOWN = 40

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOREIGN = re.compile(r"[^ -~°³]|[#\\]")  # a comment would be cut off in silence, an escape change a name
BINARY: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
ARGUMENTS: Mapping[str, tuple[int, int]] = {"min": (2, 100), "max": (2, 100), "abs": (1, 1), "clip": (3, 3)}
_FUNCTIONS = "min, max, abs, clip, channel and quantity"


class ExpressionError(ValueError):
    """A formula that is outside the language, or whose units and natures do not fit together."""


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


# --- texts, numbers and units, for conditions too --------------------------------------------------------------


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
