"""Puts conditions together: which subjects they match, what they ask of them, and whether it fits."""

import re
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate

from plant.alert_rules.alert_parts import AlertPart, bilingual
from plant.alert_rules.condition_terms import checked, contradict
from plant.alert_rules.conditions import OF_FACTOR, Node, Subject, parse, questions
from plant.alert_rules.terms import Fact, Term
from plant.catalogue import FactorSpec
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.documents.placeholders import check_texts
from plant.expressions import ExpressionError
from plant.park import Channel, Condition, Gateway, Source
from plant.units import unit
from plant.vocabulary import Kind

Site = tuple[str, str]  # park and facility

_OWN: Mapping[Subject, tuple[str, ...]] = {
    Subject.CHANNEL: ("channel", "gateway", "facility", "park"),
    Subject.SOURCE: ("source", "facility", "park"),
    Subject.FACILITY: ("facility", "park"),
    Subject.PARK: ("park",),
    Subject.GATEWAY: ("gateway", "facility", "park"),
}
_MATCHED: Mapping[Subject, tuple[str, ...]] = {
    **_OWN,
    Subject.CHANNEL: (*_OWN[Subject.CHANNEL], "quantity", "kind", "unit"),
    Subject.SOURCE: (*_OWN[Subject.SOURCE], "scope"),
}


@dataclass(frozen=True, slots=True)
class SubjectPlace:
    """A facility or a park among the subjects of conditions; a park's facility is ""."""

    park: str
    facility: str
    name: str


Candidate = Channel | Source | Gateway | SubjectPlace
Group = tuple[
    tuple[Fact, ...], str
]  # what tells apart subjects that need steps of their own, and their factor's name


@dataclass(frozen=True, slots=True)
class ConditionMaker:
    """Makes conditions; the candidates of each kind of subject stand in the order of the plant."""

    candidates: Mapping[Subject, Sequence[Candidate]]
    channels: Mapping[Site, Mapping[str, Channel]]
    factors: Mapping[str, FactorSpec]
    findings: Findings
    _gathered: dict[tuple[Subject, str], dict[str, list[int]]] = field(default_factory=dict)

    def conditions(self, part: Placed[AlertPart]) -> list[Condition]:
        """Return a condition for each group of its subjects whose units are the same; mistakes go to the findings."""
        subject = Subject(part.value.each)
        check_texts(
            part, subject, [*_OWN[subject], *(f"labels.{name}" for name in part.value.labels)], self.findings
        )
        subjects = self._matched(part, subject)
        expr = self._parsed(part, subject, "expr")
        clear = self._parsed(part, subject, "clear") if part.value.clear is not None else None
        if expr is None or (part.value.clear is not None and clear is None):
            return []
        made = []
        for group, rows in self._groups(part, subject, subjects, [n for n in (expr, clear) if n]).items():
            terms = self._checked(part, subject, group, (expr, clear))
            if terms is not None:
                made.append(_condition(part.value, subject, rows, terms))
        return made

    def _parsed(self, part: Placed[AlertPart], subject: Subject, key: str) -> Node | None:
        try:
            return parse(getattr(part.value, key), subject, part.value.parameters)
        except ExpressionError as error:
            self.findings.refuse(part, str(error), key)
            return None

    def _matched(self, part: Placed[AlertPart], subject: Subject) -> list[int]:
        """Return which of the candidates match; a key that matches none of them is named."""
        match, found = part.value.match, set(range(len(self.candidates[subject])))
        for key in sorted(match.model_fields_set):
            if key not in _MATCHED[subject]:
                known = ", ".join(_MATCHED[subject])
                self.findings.refuse(part, f"is not for a {subject}; known are {known}", "match", key)
                continue
            given = str(getattr(match, key))
            by_name = self._by_name(subject, key)
            mine = {row for name in _fitting(key, given, by_name) for row in by_name[name]}
            if not mine:
                self.findings.unknown(part, f"{subject} with {key}", given, by_name, "match", key)
                return []
            found &= mine
        if not found and not self.findings.incomplete and not self.findings.broken:
            self.findings.refuse(part, f"matches no {subject}", "match")
        return sorted(found)

    def _by_name(self, subject: Subject, key: str) -> Mapping[str, list[int]]:
        """Return the candidates by what a key of `match` looks at, in its order; gathered once."""
        if (subject, key) not in self._gathered:
            gathered: dict[str, list[int]] = {}
            for place, row in enumerate(self.candidates[subject]):
                name = row.name if key == subject else str(getattr(row, key))
                gathered.setdefault(name, []).append(place)
            self._gathered[subject, key] = dict(sorted(gathered.items()))
        return self._gathered[subject, key]

    def _groups(
        self, part: Placed[AlertPart], subject: Subject, subjects: list[int], nodes: list[Node]
    ) -> dict[Group, list[tuple[int, ...]]]:
        """Return the subjects, each with the channels it is asked beside itself, by what they are asked in."""
        asked = [question for node in nodes for question in questions(node)]
        if any(one.name in _OF_SILENCE for one in asked):
            subjects = self._owing(part, subject, subjects)
        others = list(dict.fromkeys(one.channel for one in asked if one.channel))
        summed = {one.channel for one in asked if one.name == "sum_over"}
        asks_factor = any(one.name in OF_FACTOR for one in asked)
        groups: dict[tuple[tuple[tuple[str, str, Kind], ...], str], list[tuple[int, ...]]] = {}
        missing: set[str] = set()
        for place in subjects:
            row = self.candidates[subject][place]
            of = [row] if isinstance(row, Channel) else []
            site = (row.park, row.facility)
            found = [self.channels.get(site, {}).get(name) for name in others]
            missing |= {
                f"{name} in {'/'.join(site)}" for name, one in zip(others, found, strict=True) if not one
            }
            known = [*of, *(one for one in found if one)]
            names = ["", *others] if of else others
            key = tuple(
                (name, one.unit.symbol, one.kind if name in summed else Kind.LEVEL)
                for name, one in zip(names, known, strict=False)
            )
            factor = row.factor if asks_factor and isinstance(row, Source) else ""
            groups.setdefault((key, factor), []).append((place, *(one.index for one in found if one)))
        if not missing:
            return {
                (tuple(Fact(name, unit(symbol), kind) for name, symbol, kind in key), factor): rows
                for (key, factor), rows in groups.items()
            }
        for name in sorted(missing)[:1] if not self.findings.incomplete and not self.findings.broken else ():
            more = f", nor {len(missing) - 1} more" if len(missing) > 1 else ""
            self.findings.refuse(part, f"there is no channel {name}{more}: match those that have it", "expr")
        return {}

    def _owing(self, part: Placed[AlertPart], subject: Subject, subjects: list[int]) -> list[int]:
        """Return the subjects that owe readings: silence says nothing of a channel that people enter."""
        rows = self.candidates[subject]
        owing = [place for place in subjects if not (isinstance(row := rows[place], Channel) and row.entered)]
        if subjects and not owing:
            self.findings.refuse(
                part, "asks for silence of channels that people enter, which owe nothing", "expr"
            )
        return owing

    def _checked(
        self, part: Placed[AlertPart], subject: Subject, group: Group, nodes: tuple[Node, Node | None]
    ) -> tuple[Term, Term | None] | None:
        """Return expr and clear as terms; None where one does not fit, or where both can be true at once."""
        terms: list[Term] = []
        for key, node in zip(("expr", "clear"), nodes, strict=True):
            if node is None:
                continue
            try:
                facts, factor = group
                emits, spec = subject in _EMITTING, self.factors.get(factor)
                terms.append(checked(node, facts, emits=emits, factor=spec))
            except ExpressionError as error:
                self.findings.refuse(part, str(error), key)
                return None
        if len(terms) == 1:
            return terms[0], None
        if contradict(*terms):
            message = f"can be true while expr is: {terms[0].text}, and {terms[1].text}"
            self.findings.refuse(part, message, "clear")
        return terms[0], terms[1]


_OF_SILENCE = ("age", "absent")
_EMITTING = (Subject.SOURCE, Subject.FACILITY, Subject.PARK)


def _fitting(key: str, given: str, names: Collection[str]) -> Collection[str]:
    """Return which of the sorted names a glob means; without a `*`, and of a unit, that is one."""
    if key == "unit":
        given = unit(given).symbol
    if "*" not in given:
        return [given] if given in names else []
    fits = re.compile(translate(given)).match  # of the characters that a glob may have, only * is special
    start, ordered = given.partition("*")[0], list(names)
    first, last = bisect_left(ordered, start), bisect_left(ordered, f"{start}\x7f")  # names are ASCII
    return [name for name in ordered[first:last] if fits(name)]


def _condition(
    part: AlertPart,
    subject: Subject,
    rows: list[tuple[int, ...]],
    terms: tuple[Term, Term | None],
) -> Condition:
    subjects, *others = zip(*rows, strict=True)
    expr, clear = terms
    return Condition(
        name=part.name,
        subject=str(subject),
        subjects=subjects,
        expr=" ".join(str(part.expr).split()),
        steps=expr.steps,
        others=tuple(others),
        unit=expr.comparisons[0].unit if expr.comparisons else "",
        clear=clear.steps if clear else (),
        every=part.every,
        delay=part.delay or 0,
        hold=part.hold,
        keep=part.keep_firing_for,
        severity=part.severity,
        labels=tuple(sorted(part.labels.items())),
        summary=bilingual(part.summary),
        description=bilingual(part.description),
        first_action=bilingual(part.first_action),
        runbook=part.runbook or "",
        clear_expr=" ".join((part.clear or "").split()),
        parameters=tuple(sorted(part.parameters.items())),
        comparisons=expr.comparisons,
    )


def candidates(
    parks: Sequence[str],
    sites: Sequence[Site],
    gateways: Sequence[Gateway],
    channels: Sequence[Channel],
    sources: Sequence[Source],
) -> Mapping[Subject, Sequence[Candidate]]:
    """Return what conditions may be judged for, each kind in the order in which the plant numbers it."""
    return {
        Subject.CHANNEL: channels,
        Subject.SOURCE: sources,
        Subject.FACILITY: [SubjectPlace(park, facility, facility) for park, facility in sites],
        Subject.PARK: [SubjectPlace(park, "", park) for park in parks],
        Subject.GATEWAY: gateways,
    }
