"""The conditions of alerts: a small closed language, read by Python's grammar and never by Python's eval.

    avg(value, "15min") > quantity(9, "kW") and not absent("5min")
    hours_over(value, parameter("limit"), "today") >= 3
    tonnes("year") > parameter("budget_t") * elapsed("year")

A condition asks of its subject what `ASKED` lists, compares and joins it with `and`, `or` and `not`. Whatever else
Python's grammar knows is refused. What is left is checked by `plant.alert_rules.condition_terms`.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from plant.park import Dated
from plant.spans import LONGEST_DAY, duration, hours, interval, iso_day, look_back
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_HOUR

TRAILING = ("1h", "1d", "7d", "28d")
CALENDAR = ("today", "month", "year")
HOURS_OF_DAY = 24


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
    span: int = 0  # ns that its answer looks back on, or of the clock's interval that it is of
    number: float = 0.0
    limit: "Node | None" = None  # what each of several means or readings is compared with


@dataclass(frozen=True, slots=True)
class Changing:
    """A parameter whose number changes on dates; without a unit it is a plain one."""

    name: str
    dated: Dated
    unit: str = ""


Node = Question | Constant | Changing | Operation


OF_SET = ("avg", "max_over", "min_over", "sum_over", "spread", "count")  # of readings in whatever order
OVER_SPAN = (*OF_SET, "delta", "rate")
PERCENTILES = ("percentile", "rate_percentile")
CUSUMS = ("cusum_above", "cusum_below")
BY_CLOCK = ("hour_mean", "day_mean", "mean_so_far", "hours_over")
OF_CHANNEL = (*OVER_SPAN, *PERCENTILES, *CUSUMS, *BY_CLOCK)
OF_SOURCES = ("tonnes", "coverage")
OF_FACTOR = ("factor_provisional", "factor_ends")
ASKED: Mapping[Subject, tuple[str, ...]] = {
    Subject.CHANNEL: ("value", "age", "absent", *OF_CHANNEL, "channel"),
    Subject.SOURCE: ("value", *OF_SOURCES, *OF_FACTOR, *OF_CHANNEL, "channel"),
    Subject.FACILITY: ("rate_now", *OF_SOURCES, *OF_CHANNEL, "channel"),
    Subject.PARK: ("rate_now", *OF_SOURCES),
    Subject.GATEWAY: ("online", "silence", "skew", *OF_CHANNEL, "channel"),
}
FUNCTIONS: Mapping[str, tuple[int, int]] = {**ARGUMENTS, "hypot": (1, 100)}  # and of how many terms each is
ALWAYS = ("elapsed", "days_until", *FUNCTIONS, "quantity", "parameter")

WORDS = frozenset({"value", "age", "rate_now", "factor_provisional", "online", "silence", "skew"})
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_JOINED: Mapping[type[ast.boolop], str] = {ast.And: "and", ast.Or: "or"}


def parse(text: str, subject: Subject, parameters: Mapping[str, float | Dated]) -> Node:
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
        if node.limit is not None:
            yield from questions(node.limit)
    elif isinstance(node, Operation):
        for operand in node.operands:
            yield from questions(operand)  # type: ignore[arg-type]


# --- from Python's tree to ours -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Parser:
    subject: Subject
    parameters: Mapping[str, float | Dated]

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
        if name in FUNCTIONS:
            check_count(name, len(arguments), FUNCTIONS)
            return self._joined(name, arguments, depth)
        made = self._number(name, arguments) or self._question(name, arguments, depth)
        if made is None:
            raise ExpressionError(f"{name} is written {_USES[name]}")
        return made

    def _number(self, name: str, arguments: list[ast.expr]) -> Constant | Changing | None:
        match name, arguments:
            case "quantity", [number, ast.Constant(value=str() as symbol)]:
                return replace(self._plain(number, "quantity"), unit=symbol)
            case "parameter", [ast.Constant(value=str() as of)]:
                return self._parameter(of)
        return None

    def _question(self, name: str, arguments: list[ast.expr], depth: int) -> Question | None:
        if name in OF_CHANNEL:
            return self._of_channel(name, arguments[0], arguments[1:], depth) if arguments else None
        match name, arguments:
            case "channel", [ast.Constant(value=str() as of)] if of:
                return Question("value", of)
            case (("absent" | "factor_ends"), [ast.Constant(value=str() as span)]):
                return Question(name, span=look_back(span) if name == "absent" else duration(span))
            case "days_until", [ast.Constant(value=str() as text)]:
                return Question(name, text=iso_day(text))
            case (("tonnes" | "coverage" | "elapsed"), [ast.Constant(value=str() as period), *covered]) if (
                len(covered) <= (name == "tonnes")
            ):
                least = self._between(name, covered[0], 0, 1) if covered else 0.0
                return replace(_of_period(name, period), number=least)
        return None

    def _of_channel(self, name: str, series: ast.expr, others: list[ast.expr], depth: int) -> Question | None:
        """Return a function of readings; None where it is written otherwise."""
        of = self._series(name, series)
        if name in BY_CLOCK:
            return self._by_clock(name, of, others, depth)
        match name, others:
            case _, [ast.Constant(value=str() as span), percent] if name in PERCENTILES:
                return Question(name, of, span=look_back(span), number=self._between(name, percent, 0, 100))
            case _, [ast.Constant(value=str() as span), limit] if name in CUSUMS:
                return Question(name, of, span=look_back(span), limit=self.node(limit, depth + 1))
            case _, [ast.Constant(value=str() as span)] if name in OVER_SPAN:
                return Question(name, of, span=look_back(span))
            case _, [ast.Constant(value=str() as span), ast.Constant(value=str() as stretch)] if (
                name in OF_SET
            ):
                return Question(name, of, hours(stretch), look_back(span))
        return None

    def _by_clock(self, name: str, of: str, others: list[ast.expr], depth: int) -> Question | None:
        """Return a mean of the clock's hours or days; None where it is written otherwise."""
        match name, others:
            case "hour_mean", []:
                return Question(name, of, span=2 * NS_PER_HOUR)
            case "day_mean", [valid]:
                least = self._between(name, valid, 1, HOURS_OF_DAY)
                return Question(name, of, span=2 * LONGEST_DAY, number=least)
            case "mean_so_far", [ast.Constant(value=str() as period)]:
                return Question(name, of, *interval(name, period, ("today",)))
            case "hours_over", [limit, ast.Constant(value="today" as period)]:
                return Question(name, of, period, LONGEST_DAY, limit=self.node(limit, depth + 1))
        return None

    def _plain(self, tree: ast.expr, of: str) -> Constant | Changing:
        """Return a plain number or a parameter, as an argument of something."""
        match tree:
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return Constant(-finite(value))
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return Constant(finite(value))
            case ast.Call(
                func=ast.Name(id="parameter"), args=[ast.Constant(value=str() as name)], keywords=[]
            ):
                return self._parameter(name)
        raise ExpressionError(f"{of} takes a number, such as {_USES[of]}, not {written(tree)}")

    def _between(self, of: str, tree: ast.expr, least: float, most: float) -> float:
        """Return a number that does not change, within bounds."""
        given = self._plain(tree, of)
        if isinstance(given, Changing) or not least <= given.value <= most:
            raise ExpressionError(
                f"{of} takes a number of {least:g} to {most:g}, such as {_USES[of]}, not {written(tree)}"
            )
        return given.value

    def _parameter(self, name: str) -> Constant | Changing:
        if name not in self.parameters:
            raise ExpressionError(f"there is no parameter {short(name)}{did_you_mean(name, self.parameters)}")
        given = self.parameters[name]
        return Changing(name, given) if isinstance(given, tuple) else Constant(given)

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
    "coverage": 'coverage("1d")',
    "factor_ends": 'factor_ends("30d")',
    "elapsed": 'elapsed("month")',
    "days_until": 'days_until("2027-03-01")',
    "hour_mean": "hour_mean(value)",
    "day_mean": "day_mean(value, 18)",
    "mean_so_far": 'mean_so_far(value, "1h")',
    "hours_over": 'hours_over(value, 850, "today")',
    **{name: f'{name}(value, "28d", 99.9)' for name in PERCENTILES},
    **{name: f'{name}(value, "28d", 2.5)' for name in CUSUMS},
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


def _of_period(name: str, period: str) -> Question:
    if name == "elapsed":
        return Question(name, "", *interval(name, period, CALENDAR))
    known = (*TRAILING, *CALENDAR)
    if period not in known:
        raise ExpressionError(
            f"{name} is of {', '.join(known)}, not {short(period)}{did_you_mean(period, known)}"
        )
    if period in CALENDAR:
        return Question(name, text=period)
    return Question(name, text=period, span=parse_duration(period))
