"""The library of alert rules: shipped as data, taken by an alert's `use`, and from then on a condition like any other; and what the service tells itself.

A rule names its parameters as `parameter("…")`, also where the language wants a span or a channel. What a configuration
gives for them is written into its expression: `channel(parameter("meters"))` of several channels, or a function of
their readings, becomes the sum over them.
"""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from plant.alert_rules.conditions import OF_CHANNEL
from plant.clock import parse_duration
from plant.dated import day
from plant.documents.documents import parse
from plant.documents.fields import Part
from plant.documents.texts import TextPart
from plant.expressions import ExpressionError, syntax
from plant.spans import hours
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_S

Given = float | str | tuple[str, ...] | list[Any]  # a list is a number with dates, as it was written
Fault = tuple[tuple[str, ...], str]  # a path of keys within the alert, and what is wrong there

COUNT = 24  # of the rules that the library follows; docs/alert-rules.md lists them
FIXED = ("expr",)  # what an alert with `use` has from the library alone


class ParameterPart(Part):
    """A parameter of a rule, with where its default comes from."""

    kind: Literal["number", "span", "day", "hours", "channel", "channels"] = "number"
    """What is given: a number, also one with dates; a span such as 15min; a day; hours of the day; a channel's name, or several."""
    unit: str = ""
    """The unit of a number; that of what it is compared with where left out."""
    value: float | str | None = None
    """The default; without one it must be given."""
    optional: bool = False
    """Whether it may be left out though it has no default: what `only_while` says of it is left out too."""
    description: str
    """What it is."""
    reference: str
    """Where the default, or the rule about it, comes from."""
    mark: Literal["V", "V2", "M", "M?", "practice"]
    """Read in the source itself, in a secondary one, from memory, from memory and unsure, or usual practice."""


class LibraryRule(Part):
    """A shipped rule: the keys of a condition, with parameters in the place of what a plant must say."""

    number: int = Field(ge=1, le=COUNT)
    """Which of the rules of such plants it is; several may belong to one."""
    title: TextPart
    """What people call it."""
    each: Literal["channel", "source", "facility", "park", "gateway"]
    """What it is judged for; an alert may say another that has what it asks."""
    expr: str
    """What it fires for, with its parameters."""
    only_while: dict[str, str] = Field(default_factory=dict)
    """By an optional parameter: what must be true besides where that parameter is given."""
    clear: str | None = None
    """What ends it, with its parameters."""
    match: dict[str, str] | None = None
    """Which subjects it is for; without it, an alert for channels says which."""
    hold: str = Field(default="0s", alias="for")
    """How long it must be true, as all durations here as a configuration writes them."""
    keep_firing_for: str = "0s"
    """How long it must be over."""
    every: str = "60s"
    """The time between two judgements."""
    delay: str = "0s"
    """How long after its instant it is judged."""
    severity: Literal["info", "warning", "critical"]
    """How urgent it is."""
    parameters: dict[str, ParameterPart] = Field(default_factory=dict)
    """What an alert gives, or leaves as it is."""
    summary: TextPart
    """One sentence."""
    description: TextPart
    """What to know."""
    first_action: TextPart
    """What to do first."""

    def alert(self) -> dict[str, Any]:
        """Return the keys of an alert that it stands for, as they are written in a configuration."""
        keys = {"number", "title", "only_while", "parameters"}
        return self.model_dump(by_alias=True, exclude=keys, exclude_none=True)


class ToldRule(Part):
    """What the service tells itself, without an alert of the configuration; braces stand for words that it fills in."""

    number: int = Field(ge=1, le=COUNT)
    """Which of the rules of such plants it is."""
    title: TextPart
    """What people call it."""
    each: Literal["facility", "feed"]
    """What it is told of."""
    severity: list[Literal["info", "warning", "critical"]] = Field(min_length=1)
    """How urgent it is, by stage where there are several."""
    when: TextPart
    """When it begins and ends."""
    summary: TextPart
    """One sentence."""
    description: TextPart
    """What to know."""
    first_action: TextPart
    """What to do first."""


class _File(Part):
    rules: dict[str, LibraryRule]
    told: dict[str, ToldRule]


@cache
def _file() -> _File:
    with resources.as_file(resources.files("plant") / "data" / "rules.yaml") as path:
        return parse(path, _File)


def library() -> Mapping[str, LibraryRule]:
    """Return all rules that an alert may use, by name."""
    return _file().rules


def told_rules() -> Mapping[str, ToldRule]:
    """Return what the service tells itself, by name."""
    return _file().told


def merged(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return an alert that has `use` as the whole condition it means, and what is wrong with how it uses the rule.

    What the alert gives itself takes the place of what the library has; labels are joined.
    """
    name = given.get("use")
    rule = library().get(name) if isinstance(name, str) else None
    if isinstance(name, str) and name in told_rules():
        return {}, [(("use",), f"{name} is told by the service itself: leave this alert out")]
    if rule is None:
        hint = did_you_mean(str(name), library()) or "; stackmeter rules list has them all"
        return {}, [(("use",), f"there is no rule {str(name)[:64]} in the library{hint}")]
    faults: list[Fault] = [
        ((key,), "is the library's: leave it out, or leave use out") for key in FIXED if key in given
    ]
    values = _values(rule, given.get("parameters", {}), faults)
    if rule.each == "channel" and rule.match is None and "match" not in given:
        faults.append((("match",), 'is required: for which channels; {channel: "*"} is all'))
    if faults:
        return {}, faults
    alert = {**rule.alert(), **given}
    joined = [rule.expr, *(text for key, text in rule.only_while.items() if key in values)]
    whole = rule.expr if len(joined) == 1 else " and ".join(f"({text})" for text in joined)
    alert["expr"] = _written_in(whole, rule, values)
    if isinstance(alert.get("clear"), str):
        alert["clear"] = _written_in(alert["clear"], rule, values)
    alert["parameters"] = {key: value for key, value in values.items() if isinstance(value, float | list)}
    return alert, []


def _values(rule: LibraryRule, given: object, faults: list[Fault]) -> dict[str, Given]:
    """Return the parameters as given or by default; what is wrong with them goes to the faults."""
    if not isinstance(given, Mapping):
        faults.append((("parameters",), "should be a mapping of names to values"))
        return {}
    for name in given:
        if name not in rule.parameters:
            known = did_you_mean(str(name), rule.parameters) or f"; known are {', '.join(rule.parameters)}"
            faults.append((("parameters", str(name)), f"is no parameter of this rule{known}"))
    values: dict[str, Given] = {}
    for name, part in rule.parameters.items():
        value = given.get(name, part.value)
        if value is None:
            if not part.optional:
                faults.append((("parameters", name), f"is required: {part.description}"))
            continue
        try:
            values[name] = _value(part, value)
        except ValueError as error:
            faults.append((("parameters", name), str(error)))
    return values


_CHECKED: Mapping[str, Callable[[str], object]] = {"span": parse_duration, "day": day, "hours": hours}


def _value(part: ParameterPart, value: object) -> Given:
    match part.kind, value:
        case "number", int() | float() if not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        case "number", list():
            return value  # checked with the alert's parameters, of which it becomes one
        case (("span" | "day" | "hours"), str()):
            _CHECKED[part.kind](value)
            return value
        case "channel", str() if value:
            return value
        case "channels", str() if value:
            return (value,)
        case "channels", [*names] if names and all(isinstance(name, str) and name for name in names):
            return tuple(map(str, names))
    expected = {
        "number": "a number", "span": "a span such as 15min", "day": "a day such as 2027-03-01",
        "hours": "hours of the day such as 22:00-05:00", "channel": "the name of a channel",
    }  # fmt: skip
    raise ValueError(f"is {expected.get(part.kind, 'the names of one or several channels')}")


# --- parameters into an expression --------------------------------------------------------------------------------


def _written_in(text: str, rule: LibraryRule, values: Mapping[str, Given]) -> str:
    """Return an expression with the values in the places of their names; what is no expression is left as it is."""
    try:
        tree = syntax(text, "condition")
    except ExpressionError:
        return text  # an alert's own `clear`: refused with the reason where conditions are read
    return ast.unparse(_Writer(rule, values).visit(tree))


@dataclass(frozen=True, slots=True)
class _Writer(ast.NodeTransformer):
    rule: LibraryRule
    values: Mapping[str, Given]

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Return a call with its parameters written in, or their sum where it is of several channels."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "parameter":
            return self._number(node)
        arguments = [self.visit(argument) for argument in self._texts(name, node.args)]
        if name == "hypot":
            arguments = [
                term for one, was in zip(arguments, node.args, strict=True) for term in _parts(one, was)
            ]
        if name == "channel":
            return _sum_of([ast.Call(node.func, [one], []) for one in self._names(node.args)])
        if name in OF_CHANNEL and arguments:
            series = _terms(arguments[0])
            return _sum_of([ast.Call(node.func, [one, *arguments[1:]], []) for one in series])
        return ast.Call(node.func, arguments, node.keywords)

    def _given(self, node: ast.expr) -> tuple[str, Given] | None:
        """Return name and value of a parameter that is asked, None where it is none of the rule's."""
        match node:
            case ast.Call(func=ast.Name(id="parameter"), args=[ast.Constant(value=str() as name)]) if (
                name in self.values
            ):
                return name, self.values[name]
        return None

    def _number(self, node: ast.Call) -> ast.expr:
        """Return a number as itself or as a quantity, and a span as so many seconds."""
        found = self._given(node)
        if found is None:
            return node
        name, value = found
        part = self.rule.parameters[name]
        if isinstance(value, list):
            return (
                node
                if part.unit in ("", "1")
                else ast.Call(ast.Name("quantity"), [node, ast.Constant(part.unit)], [])
            )
        if part.kind == "span":
            return _quantity(parse_duration(value) / NS_PER_S, "s")
        if not isinstance(value, float):
            return node
        return ast.Constant(value) if part.unit in ("", "1") else _quantity(value, part.unit)

    def _texts(self, name: str, arguments: Sequence[ast.expr]) -> Sequence[ast.expr]:
        """Return arguments with the spans, days and hours among them as the texts that the language wants."""
        first = 0 if name in _OF_A_TEXT else 1 if name in OF_CHANNEL else len(arguments)
        return [*arguments[:first], *(self._text(argument) for argument in arguments[first:])]

    def _text(self, argument: ast.expr) -> ast.expr:
        found = self._given(argument)
        if found is None or not isinstance(found[1], str):
            return argument
        return ast.Constant(found[1])

    def _names(self, arguments: Sequence[ast.expr]) -> Sequence[ast.expr]:
        found = self._given(arguments[0]) if arguments else None
        if found is None or isinstance(found[1], float | list):
            return arguments
        names = found[1] if isinstance(found[1], tuple) else (found[1],)
        return [ast.Constant(name) for name in names]


_OF_A_TEXT = ("absent", "tonnes", "coverage", "elapsed", "days_until", "factor_ends")


def _quantity(number: float, unit: str) -> ast.expr:
    return ast.Call(ast.Name("quantity"), [ast.Constant(number), ast.Constant(unit)], [])


def _sum_of(terms: Sequence[ast.expr]) -> ast.expr:
    return reduce(lambda one, other: ast.BinOp(one, ast.Add(), other), terms)


def _parts(tree: ast.expr, was: ast.expr) -> list[ast.expr]:
    """Return each channel's term where a function of several channels was written, else the one term itself."""
    return _terms(tree) if isinstance(was, ast.Call) else [tree]


def _terms(tree: ast.expr) -> list[ast.expr]:
    """Return the terms of a sum of channels, as `_sum_of` has made it."""
    match tree:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [*_terms(left), right]
    return [tree]
