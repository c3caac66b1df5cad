"""Checks the dimensions of a condition, and turns it into steps.

The steps run on a stack over all subjects at once: see `alerts.judging.conditions`. A plain number takes the unit of what it
stands beside, a quantity is converted to it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from plant.alert_rules.conditions import (
    CUSUMS,
    OF_CHANNEL,
    OF_FACTOR,
    WORDS,
    Changing,
    Node,
    Question,
    questions,
)
from plant.alert_rules.terms import Fact, Nature, Region, Term
from plant.catalogue import FactorSpec
from plant.expressions import (
    ARGUMENTS,
    BINARY,
    Constant,
    ExpressionError,
    combined,
    finite,
    folded,
    normal,
    short,
    text_of,
)
from plant.park import Comparison, ConditionStep, Dated
from plant.units import DimensionError, Unit, UnknownUnit, conversion, unit
from plant.vocabulary import NS_PER_DAY, Kind

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda x, limit: x > limit,
    ">=": lambda x, limit: x >= limit,
    "<": lambda x, limit: x < limit,
    "<=": lambda x, limit: x <= limit,
    "==": lambda x, limit: x == limit,
    "!=": lambda x, limit: x != limit,
}
_OPPOSITE: Mapping[str, str] = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
_TURNED: Mapping[str, str] = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}
_ONE = unit("1")


def checked(
    node: Node, facts: Sequence[Fact], *, emits: bool = False, factor: FactorSpec | None = None
) -> Term:
    """Return a condition as a term that is true, false or unknown.

    Parameters
    ----------
    facts
        Of every channel that it asks; a step names the others by their place among them.
    emits
        Whether its tonnes are of CO2e, so that CO2e may be written as such.
    factor
        That of the source which it asks; None where it has none.

    Raises
    ------
    ExpressionError
        Where dimensions do not fit together, where it divides by 0, is a number, or compares numbers only.
    """
    others = [fact.name for fact in facts if fact.name]
    term = _Checker({fact.name: fact for fact in facts}, others, emits, factor).term(node)
    if term.nature is Nature.NUMBER:
        raise ExpressionError(f"{term.text} is a number: compare it with one")
    if not any(True for _ in questions(node)):
        raise ExpressionError("it asks nothing of its subject")
    return term


def contradict(expr: Term, clear: Term) -> bool:
    """Return whether both can be true of one value; False where they do not compare one left side with numbers."""
    one, other = expr.region, clear.region
    if one is None or other is None or one.of != other.of:
        return False
    limits = sorted({*one.limits, *other.limits})
    below, above = limits[0] - abs(limits[0]) - 1, limits[-1] + abs(limits[-1]) + 1
    between = [low / 2 + high / 2 for low, high in pairwise(limits)]
    return any(one.holds(x) and other.holds(x) for x in (below, *limits, *between, above))


@dataclass(frozen=True, slots=True)
class _Checker:
    facts: Mapping[str, Fact]
    others: Sequence[str]
    emits: bool
    factor: FactorSpec | None

    def term(self, node: Node) -> Term:
        """Return a node with its unit and its steps."""
        if isinstance(node, Constant):
            return self._constant(node)
        if isinstance(node, Changing):
            steps = (ConditionStep("dated", dated=node.dated),)
            of, text = self._given_unit(node.unit), short(f'parameter("{node.name}")')
            return Term(text, Nature.NUMBER, of, steps, is_plain=not node.unit)
        if isinstance(node, Question) and node.name in OF_FACTOR:
            step = ConditionStep("dated", dated=_of_factor(node, self.factor))
            return Term(node.name, Nature.FLAG, _ONE, (step,))
        if isinstance(node, Question):
            return self._over(node, self.term(node.limit)) if node.limit is not None else self._asked(node)
        return _applied(node.name, [self.term(operand) for operand in node.operands])  # type: ignore[arg-type]

    def _constant(self, node: Constant) -> Term:
        steps = (ConditionStep("number", node.value),)
        text = f"{node.value:g} {node.unit}".rstrip()
        of = self._given_unit(node.unit)
        return Term(text, Nature.NUMBER, of, steps, node.value, is_plain=not node.unit)

    def _given_unit(self, symbol: str) -> Unit:
        """Return the unit that a number is given in."""
        if not symbol:
            return _ONE
        try:
            given = unit(symbol)
        except UnknownUnit as error:
            raise ExpressionError(str(error)) from error
        if self.emits:
            given = replace(given, dimension=given.dimension.replace("CO2e", "mass"))
        return normal(given)

    def _over(self, node: Question, limit: Term) -> Term:
        """Return what asks how means or readings stand to a limit, which stands on the stack in their unit."""
        asked = self._asked(node)
        if limit.nature is not Nature.NUMBER:
            raise ExpressionError(f"{limit.text} is {limit.nature}, no number")
        of = replace(asked, unit=normal(self.facts[node.channel].unit))
        _, fitted = _fitted([of, limit])
        return replace(asked, steps=(*fitted.steps, *asked.steps))

    def _asked(self, node: Question) -> Term:
        fact = self.facts.get(node.channel)
        of = f'channel("{node.channel}")' if node.channel else "value"
        step = ConditionStep(
            node.name,
            number=node.number,
            text=node.text,
            span=node.span,
            index=self.others.index(node.channel) if node.channel else -1,
        )
        inner = of if node.name in (*OF_CHANNEL, "absent") else node.text
        text = node.name if node.name in WORDS else f"{node.name}({inner})"
        if node.name == "value":
            text = of
        if node.name == "sum_over" and fact is not None:
            if fact.kind not in (Kind.INTERVAL, Kind.EVENT):
                raise ExpressionError(f"{text} is of kinds interval and event; {of} is a {fact.kind}")
            step = replace(step, number=float(fact.kind is Kind.EVENT))  # 1 where no reading is no amount
        nature = Nature.FLAG if node.name in ("absent", "online") else Nature.NUMBER
        unit_of = _unit_of(node.name, fact.unit if fact else None)
        return Term(short(text), nature, unit_of, (step,), is_plain=node.name == "elapsed")


def _of_factor(node: Question, factor: FactorSpec | None) -> Dated:
    """Return from which days on what is asked of a factor is true, 1, or false, 0; nothing where there is none."""
    if factor is None or not factor.statuses:
        return ()
    if node.name == "factor_provisional":
        return tuple((day, float(status == "provisional")) for day, status in factor.statuses)
    first = date.fromisoformat(factor.statuses[0][0])
    if not factor.ends:
        return ((first.isoformat(), 0.0),)
    soon = date.fromisoformat(factor.ends) - timedelta(days=node.span // NS_PER_DAY)
    return (
        ((first.isoformat(), 0.0), (soon.isoformat(), 1.0)) if first < soon else ((first.isoformat(), 1.0),)
    )


def _applied(name: str, terms: Sequence[Term]) -> Term:
    if name in ("and", "or", "not"):
        return _joined(name, terms)
    for term in terms:
        if term.nature is Nature.TRUTH:
            raise ExpressionError(f"{term.text} is true or false, no number")
    if len(terms) == 1:
        return _of_one("abs" if name == "hypot" else name, terms[0])
    if name in _OF_TWO:
        return _OF_TWO[name](name, *terms)
    return _rooted(terms) if name == "hypot" else _beside(name, terms)


def _unit_of(name: str, of: Unit | None) -> Unit:
    """Return the unit of what is asked; `of` is the unit of the channel that is asked, None where none is."""
    if name in ("count", "hours_over", "absent", "online", "elapsed", "coverage"):
        return _ONE
    if name == "days_until":
        return unit("d")
    if name in ("age", "silence", "skew"):
        return unit("s")
    if of is None:
        return normal(unit("t" if name == "tonnes" else "t/h"))
    own = normal(of)
    if name in ("rate", "rate_percentile"):
        return combined(replace(own, offset=own.offset * 0), unit("h"), -1)
    return replace(own, offset=own.offset * 0) if name in ("delta", "spread", *CUSUMS) else own


def _joined(name: str, terms: Sequence[Term]) -> Term:
    for term in terms:
        if term.nature is Nature.NUMBER:
            raise ExpressionError(f"{term.text} is a number, not true or false: compare it with one")
    steps = [step for term in terms for step in term.steps]
    steps += [ConditionStep(name)] * max(1, len(terms) - 1)
    text = short(f"not {terms[0].text}" if name == "not" else f" {name} ".join(t.text for t in terms))
    compared = tuple(one for term in terms for one in term.comparisons)
    if name == "not":
        compared = tuple(replace(one, operator=_OPPOSITE[one.operator]) for one in compared)
    region = _joined_region(name, terms)
    return Term(text, Nature.TRUTH, _ONE, tuple(steps), comparisons=compared, region=region)


def _joined_region(name: str, terms: Sequence[Term]) -> Region | None:
    parts = [term.region for term in terms if term.region is not None]
    if len(parts) < len(terms) or any(part.of != parts[0].of for part in parts):
        return None
    limits = tuple(limit for part in parts for limit in part.limits)
    if name == "not":
        return Region(parts[0].of, limits, lambda x: not parts[0].holds(x))
    whole = all if name == "and" else any
    return Region(parts[0].of, limits, lambda x: whole(part.holds(x) for part in parts))


def _compared(name: str, one: Term, other: Term) -> Term:
    left, right = _fitted([one, other])
    text = short(f"{one.text} {name} {other.text}")
    if not math.isnan(left.value) and not math.isnan(right.value):
        raise ExpressionError(f"{text} compares two numbers")
    region = None
    if not math.isnan(right.value):
        region = Region(left.steps, (right.value,), lambda x: _HOLDS[name](x, right.value))
    elif not math.isnan(left.value):
        region = Region(right.steps, (left.value,), lambda x: _HOLDS[name](left.value, x))
    steps = (*left.steps, *right.steps, ConditionStep(name))
    turned = _given(left) > _given(right)  # 9 < value says of the value that it is above 9
    compared = Comparison(_TURNED[name] if turned else name, left.unit.symbol, turned)
    return Term(text, Nature.TRUTH, _ONE, steps, comparisons=(compared,), region=region)


def _given(term: Term) -> int:
    """Return how much of a term is given beforehand: 2 numbers only, 1 also the time, 0 it asks the subject."""
    names = {step.name for step in term.steps} - {
        "number",
        "dated",
        *ARGUMENTS,
        *BINARY.values(),
        "negative",
        "hypot",
    }
    return 0 if names - {"elapsed", "days_until"} else 1 if names else 2


def _of_one(name: str, term: Term) -> Term:
    _refuse_offset(term)
    value = -term.value if name == "negative" else abs(term.value)
    text = short(f"-({term.text})" if name == "negative" else f"abs({term.text})")
    return _folded(
        replace(term, text=text, nature=Nature.NUMBER, value=value, steps=(*term.steps, ConditionStep(name)))
    )


def _scaled(name: str, one: Term, other: Term) -> Term:
    text = text_of(name, (one.text, other.text))
    _refuse_offset(one)
    _refuse_offset(other)
    if name == "/" and other.value == 0:
        raise ExpressionError(f"{text} divides by 0")
    value = folded(name, [one.value, other.value], text)
    of = combined(one.unit, other.unit, 1 if name == "*" else -1)
    steps = (*one.steps, *other.steps, ConditionStep(name))
    return _folded(Term(text, Nature.NUMBER, of, steps, value, is_plain=one.is_plain and other.is_plain))


def _beside(name: str, terms: Sequence[Term]) -> Term:
    """Return the least, the greatest or the clipped of terms, in the unit of one of them."""
    parts = _fitted(terms)
    text = text_of(name, [term.text for term in terms])
    steps = [step for part in parts for step in part.steps]
    steps += [ConditionStep(name)] * (1 if name == "clip" else len(terms) - 1)
    value = folded(name, [part.value for part in parts], text)
    is_plain = all(term.is_plain for term in terms)
    return _folded(Term(text, Nature.NUMBER, parts[0].unit, tuple(steps), value, is_plain=is_plain))


def _rooted(terms: Sequence[Term]) -> Term:
    """Return the root of the sum of the squares of terms, in the unit of one of them."""
    for term in terms:
        _refuse_offset(term)
    parts = _fitted(terms)
    steps = [step for part in parts for step in part.steps] + [ConditionStep("hypot")] * (len(terms) - 1)
    value = math.hypot(*(part.value for part in parts))  # NaN unless all are constant
    text, is_plain = text_of("hypot", [term.text for term in terms]), all(term.is_plain for term in terms)
    return _folded(Term(text, Nature.NUMBER, parts[0].unit, tuple(steps), value, is_plain=is_plain))


def _summed(name: str, one: Term, other: Term) -> Term:
    """Return a sum or a difference; of two temperatures with a zero of their own only a difference is something."""
    text = text_of(name, (one.text, other.text))
    left, right = _fitted([one, other], differ=True)
    if right.unit.offset and (name == "+" or not left.unit.offset):
        raise ExpressionError(
            f"{text} is no temperature: {other.text} is in {right.unit}, whose zero is not nothing"
        )
    both = left.unit.offset and right.unit.offset
    of = replace(left.unit, offset=left.unit.offset * 0) if both else left.unit
    value = folded(name, [left.value, right.value], text)
    steps = (*left.steps, *right.steps, ConditionStep(name))
    return _folded(Term(text, Nature.NUMBER, of, steps, value, is_plain=one.is_plain and other.is_plain))


def _fitted(terms: Sequence[Term], *, differ: bool = False) -> list[Term]:
    """Return terms in the unit of the leading one; where they `differ`, a term may be a difference of temperatures."""
    united = [term for term in terms if not term.is_plain]
    leading = next((t for t in united if math.isnan(t.value)), united[0] if united else terms[0])
    return [term if term is leading else _converted(term, leading, differ=differ) for term in terms]


def _converted(term: Term, leading: Term, *, differ: bool) -> Term:
    to = leading.unit
    if term.is_plain:
        return replace(term, unit=replace(to, offset=to.offset * 0) if differ else to)
    if differ and bool(term.unit.offset) != bool(to.offset):
        if term.unit.offset:
            return term  # refused by who asked
        to = replace(to, offset=to.offset * 0)
    try:
        scale, offset = conversion(term.unit, to)
    except DimensionError as error:
        raise ExpressionError(f"{term.text} does not fit {leading.text}: {error}") from error
    steps = list(term.steps)
    if scale != 1:
        steps += [ConditionStep("number", scale), ConditionStep("*")]
    if offset:
        steps += [ConditionStep("number", offset), ConditionStep("+")]
    return _folded(replace(term, unit=to, steps=tuple(steps), value=term.value * scale + offset))


def _folded(term: Term) -> Term:
    """Return a constant term as the one number that it is."""
    if math.isnan(term.value):
        return term
    return replace(term, steps=(ConditionStep("number", finite(term.value)),))


def _refuse_offset(term: Term) -> None:
    if term.unit.offset:
        raise ExpressionError(
            f"{term.text} is in {term.unit}, whose zero is not nothing: compare it, or take a difference"
        )


_OF_TWO: Mapping[str, Callable[[str, Term, Term], Term]] = {
    **dict.fromkeys(_HOLDS, _compared),
    **dict.fromkeys("*/", _scaled),
    **dict.fromkeys("+-", _summed),
}
