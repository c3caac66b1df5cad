"""The conditions of alerts: a small closed language, read by Python's grammar and never by Python's eval.

    avg(value, "15min") > quantity(9, "kW") and not absent("5min")
    tonnes("year") > parameter("budget_t") * elapsed("year")

A condition asks of its subject what `ASKED` lists, compares and joins it with `and`, `or` and `not`. Whatever else
Python's grammar knows is refused. What is left is checked by `plant.condition_terms`.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from plant.clock import parse_duration
from plant.expressions import (
    ARGUMENTS,
    BINARY,
    MOST_DEEP,
    Constant,
    ExpressionError,
    Operation,
    check_count,
    finite,
    short,
    syntax,
    written,
)
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_DAY

LONGEST_SPAN = 31 * NS_PER_DAY  # of readings that a condition may look back on
TRAILING = ("1h", "1d", "7d", "28d")
CALENDAR = ("today", "month", "year")


class Subject(StrEnum):
    """What a condition is judged for, one by one."""

    CHANNEL = "channel"
    SOURCE = "source"
    FACILITY = "facility"
    PARK = "park"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the subject, or of another channel by its name."""

    name: str
    channel: str = ""
    text: str = ""
    span: int = 0  # ns


Node = Question | Constant | Operation


OVER_SPAN = ("avg", "max_over", "min_over", "sum_over", "delta", "rate", "spread", "count")
OF_CHANNEL = (*OVER_SPAN, "hour_mean")
ASKED: Mapping[Subject, tuple[str, ...]] = {
    Subject.CHANNEL: ("value", "age", "absent", *OF_CHANNEL, "channel"),
    Subject.SOURCE: ("value", "tonnes", "elapsed", *OF_CHANNEL, "channel"),
    Subject.FACILITY: ("rate_now", "tonnes", "elapsed", *OF_CHANNEL, "channel"),
    Subject.PARK: ("rate_now", "tonnes", "elapsed"),
    Subject.GATEWAY: ("online", "silence", "skew", *OF_CHANNEL, "channel"),
}
ALWAYS = (*ARGUMENTS, "quantity", "parameter")

WORDS = frozenset({"value", "age", "rate_now", "online", "silence", "skew"})
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_JOINED: Mapping[type[ast.boolop], str] = {ast.And: "and", ast.Or: "or"}


def parse(text: str, subject: Subject, parameters: Mapping[str, float]) -> Node:
    """Return a condition on a kind of subject as a tree.

    Raises
    ------
    ExpressionError
        Where it is no condition of this language, or asks what the subject does not have.
    """
    return _Parser(subject, parameters).node(syntax(text, "condition"), 0)


def questions(node: Node) -> Iterator[Question]:
    """Yield what a condition asks, in its order."""
    if isinstance(node, Question):
        yield node
    elif isinstance(node, Operation):
        for operand in node.operands:
            yield from questions(operand)  # type: ignore[arg-type]


# --- from Python's tree to ours -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Parser:
    subject: Subject
    parameters: Mapping[str, float]

    def node(self, tree: ast.expr, depth: int) -> Node:
        """Return a part of a condition; what is not listed here is refused."""
        if depth > MOST_DEEP:
            raise ExpressionError(f"it is nested more than {MOST_DEEP} deep")
        operation = _operation(tree)
        if operation is not None:
            name, operands = operation
            return self._joined(name, operands, depth)
        match tree:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return Constant(finite(value))
            case ast.Name(id=name):
                return self._word(name)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments, depth)
            case ast.Compare(ops=[_, _, *_]):
                raise ExpressionError(f"{written(tree)} compares twice: write a < b and b < c")
        raise ExpressionError(
            f"{written(tree)} has no place in a condition: it knows > >= < <= == !=, and or not, + - * /, numbers, "
            + self._known()
        )

    def _known(self) -> str:
        return ", ".join((*ASKED[self.subject], *ALWAYS))

    def _joined(self, name: str, operands: Sequence[ast.expr], depth: int) -> Operation:
        return Operation(name, tuple(self.node(one, depth + 1) for one in operands))  # type: ignore[misc]

    def _word(self, name: str) -> Question:
        self._check_asked(name)
        if name not in WORDS:
            raise ExpressionError(f"{name} is a function: {_USES.get(name, f'{name}(a, b)')}")
        return Question(name)

    def _check_asked(self, name: str) -> None:
        known = (*ASKED[self.subject], *ALWAYS)
        if name not in known:
            hint = did_you_mean(name, known)
            raise ExpressionError(f"a {self.subject} has no {short(name)}{hint}; it may use {self._known()}")

    def _call(self, name: str, arguments: list[ast.expr], depth: int) -> Node:
        self._check_asked(name)
        if name in WORDS:
            raise ExpressionError(f"{name} takes nothing: write {name}, not {name}(…)")
        if name in ARGUMENTS:
            check_count(name, len(arguments))
            return self._joined(name, arguments, depth)
        made = self._number(name, arguments) or self._question(name, arguments)
        if made is None:
            raise ExpressionError(f"{name} is written {_USES[name]}")
        return made

    def _number(self, name: str, arguments: list[ast.expr]) -> Constant | None:
        match name, arguments:
            case "quantity", [number, ast.Constant(value=str() as symbol)]:
                return Constant(_signed(number), symbol)
            case "parameter", [ast.Constant(value=str() as of)]:
                return Constant(self._parameter(of))
        return None

    def _question(self, name: str, arguments: list[ast.expr]) -> Question | None:
        match name, arguments:
            case "channel", [ast.Constant(value=str() as of)] if of:
                return Question("value", of)
            case "absent", [ast.Constant(value=str() as span)]:
                return Question(name, span=_span(span))
            case (("tonnes" | "elapsed"), [ast.Constant(value=str() as period)]):
                return _of_period(name, period)
            case "hour_mean", [series]:
                return Question(name, self._series(name, series))
            case _, [series, ast.Constant(value=str() as span)] if name in OVER_SPAN:
                return Question(name, self._series(name, series), span=_span(span))
        return None

    def _parameter(self, name: str) -> float:
        if name not in self.parameters:
            raise ExpressionError(f"there is no parameter {short(name)}{did_you_mean(name, self.parameters)}")
        return self.parameters[name]

    def _series(self, name: str, tree: ast.expr) -> str:
        """Return whose readings a function looks back on."""
        match tree:
            case ast.Name(id="value") if self.subject is Subject.CHANNEL:
                return ""
            case ast.Call(
                func=ast.Name(id="channel"), args=[ast.Constant(value=str() as of)], keywords=[]
            ) if of:
                return of
        own = "value or " if self.subject is Subject.CHANNEL else ""
        raise ExpressionError(f'{name} is of readings: {own}channel("…"), not {written(tree)}')


_USES: Mapping[str, str] = {
    "channel": 'channel("boiler/o2")',
    "quantity": 'quantity(9, "kW")',
    "parameter": 'parameter("budget_t")',
    "absent": 'absent("10min")',
    "tonnes": 'tonnes("1d")',
    "elapsed": 'elapsed("month")',
    "hour_mean": "hour_mean(value)",
    **{name: f'{name}(value, "15min")' for name in OVER_SPAN},
}


def _operation(tree: ast.expr) -> tuple[str, Sequence[ast.expr]] | None:
    """Return an operator's name and operands, None where it is none of the language's."""
    match tree:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return "negative", [operand]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return "not", [operand]
        case ast.BoolOp(op=op, values=values):
            return _JOINED[type(op)], values
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return BINARY[type(op)], [left, right]
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            return _COMPARISONS[type(op)], [left, right]
    return None


def _signed(tree: ast.expr) -> float:
    match tree:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -finite(value)
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return finite(value)
    raise ExpressionError(f"quantity takes a number and a unit, such as {_USES['quantity']}")


def _span(text: str) -> int:
    """Return a look-back in ns; `m` is minutes as well, as in the API's steps."""
    try:
        span = parse_duration(re.sub(r"(?<=[0-9])m$", "min", text))
    except ValueError as error:
        raise ExpressionError(str(error)) from error
    if not 0 < span <= LONGEST_SPAN:
        raise ExpressionError(f"{text} is no time to look back on: it is longer than 0 and at most 31d")
    return span


def _of_period(name: str, period: str) -> Question:
    known = (*TRAILING, *CALENDAR) if name == "tonnes" else CALENDAR
    if period not in known:
        raise ExpressionError(
            f"{name} is of {', '.join(known)}, not {short(period)}{did_you_mean(period, known)}"
        )
    if period in CALENDAR:
        return Question(name, text=period)
    return Question(name, text=period, span=parse_duration(period))
