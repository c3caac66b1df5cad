"""The alert rules in force: limits and conditions, what each says, and what it is judged for."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.models import Severity
from api.pages import Cursor, Limit, Next, page_of
from api.problems import InvalidQuery, documented
from plant.arrays import number
from plant.park import (
    Bilingual,
    Channel,
    Condition,
    Dated,
    Facility,
    Gateway,
    Park,
    Plant,
    Source,
)
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_S

Word = Annotated[str | None, Query(max_length=200)]
Each = Literal["channel", "source", "facility", "park", "gateway"]
RuleKind = Literal["limit", "condition"]
Site = tuple[str, str]  # park and facility, with "" for a park as a whole
Candidate = Channel | Source | Facility | Park | Gateway


class RuleTextBody(BaseModel):
    """A text in Vietnamese and in English; a language that was not written is empty."""

    vi: str = Field(examples=["Nước thải quá kiềm"])
    en: str = Field(examples=["The water is too alkaline"])


class DatedNumberBody(BaseModel):
    """A number, and from which day on it holds, by the clock of the subject's park."""

    from_: str | None = Field(
        serialization_alias="from",
        validation_alias="from",
        description="null of a number that has no dates",
        examples=["2027-07-01"],
    )
    value: float | None = Field(description="null: from then on none holds", examples=[150.0])


class RuleParameterBody(BaseModel):
    """A number that an expression names as `parameter("…")`."""

    name: str = Field(examples=["limit"])
    numbers: list[DatedNumberBody] = Field(description="one, or several with ascending dates")


class RuleBody(BaseModel):
    """An alert rule: one limit, or a condition on many subjects; docs/alerts.md."""

    rule: str = Field(examples=["stack-nox"])
    kind: RuleKind = Field(examples=["condition"])
    severity: Severity = Field(examples=["critical"])
    each: Each = Field(description="what it is judged for, one by one", examples=["channel"])
    above: float | None = Field(None, description="a limit: fires above it, in `units`", examples=[None])
    below: float | None = Field(None, description="a limit: fires below it, in `units`", examples=[None])
    expr: str | None = Field(
        None,
        description="a condition: fires while this is true",
        examples=['hour_mean(value) > parameter("limit")'],
    )
    clear: str | None = Field(
        None,
        description="a condition: must be true for it to be over; null: as soon as expr is false",
        examples=[None],
    )
    units: list[str] = Field(
        description="of what is compared, where subjects differ one each; none where nothing has a unit",
        examples=[["mg/Nm3"]],
    )
    parameters: list[RuleParameterBody] = Field(default_factory=list, description="of a condition, by name")
    for_s: float = Field(0.0, description="how long it must be true before it fires [s]", examples=[300.0])
    keep_firing_for_s: float = Field(
        0.0, description="how long it must be over before it resolves [s]", examples=[0.0]
    )
    every_s: float | None = Field(
        None,
        description="between two judgements [s]; null of a limit: at each reading, at each window of a source",
        examples=[60.0],
    )
    delay_s: float = Field(
        description="from a window's end, or a condition's instant, to its judgement [s]", examples=[0.0]
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="what else its alerts say", examples=[{"team": "boiler-house"}]
    )
    summary: RuleTextBody = Field(description="of a condition with the places for words, such as {value}")
    description: RuleTextBody
    first_action: RuleTextBody = Field(description="what to do first")
    runbook: str | None = Field(None, examples=["https://example.com/stack"])
    subjects: int = Field(description="how many it is judged for, of those that you may see", examples=[2])
    places: list[str] = Field(
        description="park/facility, or park, of these subjects", examples=[["nam-cau-kien/mill"]]
    )


class RulesBody(BaseModel):
    """Rules by name."""

    rules: list[RuleBody]
    next: Next = None


class SubjectBody(BaseModel):
    """What a rule is judged for: the labels that its alert has; null are those that it has not."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(examples=["mill"])
    gateway: str | None = Field(examples=["stack-logger"])
    channel: str | None = Field(examples=["stack/nox"])
    source: str | None = Field(examples=[None])
    unit: str | None = Field(description="of what is compared; null: it has none", examples=["mg/Nm3"])


class SubjectsBody(BaseModel):
    """Subjects of a rule by park, facility and name."""

    subjects: list[SubjectBody]
    next: Next = None


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule as it is written, and its parts: the subjects [indexes] that are compared in one unit."""

    written: Condition
    each: Each
    parts: tuple[tuple[str, tuple[int, ...]], ...]


def routes(plant: Plant) -> APIRouter:
    """Return the routes."""
    router = APIRouter(
        prefix="/v1", tags=["alerts"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    rules = _rules(plant)
    candidates: Mapping[Each, Sequence[Candidate]] = {
        "channel": plant.channels,
        "source": plant.sources,
        "facility": plant.facilities,
        "park": plant.parks,
        "gateway": plant.gateways,
    }
    sites = {each: list(map(_site, rows)) for each, rows in candidates.items()}

    # A rule may be for every channel of a large plant: it is counted when somebody first asks.
    @cache
    def counted(name: str) -> Counter[Site]:
        rule = rules[name]
        of = sites[rule.each]
        return Counter(of[subject] for _, subjects in rule.parts for subject in subjects)

    @router.get("/rules")
    def alert_rules(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        kind: RuleKind | None = None,
        severity: Severity | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> RulesBody:
        """Return the alert rules in force that are judged for anything that may be seen there."""
        chosen = _chosen(plant, caller, park, facility)
        found = []
        for name, rule in rules.items():
            if kind in (None, _kind(rule)) and severity in (None, rule.written.severity):
                seen = {site: many for site, many in counted(name).items() if chosen(site)}
                if seen:
                    found.append((name, seen))
        page, following = page_of(found, lambda one: (one[0],), limit, cursor, "s")
        return RulesBody(rules=[_body(rules[name], seen) for name, seen in page], next=following)

    @router.get("/rules/{rule}/subjects", responses=documented(404))
    def rule_subjects(
        caller: Asking,
        rule: Annotated[str, Path(max_length=200, examples=["stack-nox"])],
        park: Word = None,
        facility: Word = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> SubjectsBody:
        """Return what a rule is judged for, one by one."""
        if rule not in rules or not any(caller.sees(*site) for site in counted(rule)):
            raise HTTPException(404, f"there is no rule {rule[:64]!r} that you may see")
        chosen = _chosen(plant, caller, park, facility)
        one = rules[rule]
        rows, of = candidates[one.each], sites[one.each]
        found = sorted(
            (*of[subject], _name(rows[subject]), subject, unit)
            for unit, subjects in one.parts
            for subject in subjects
            if chosen(of[subject])
        )
        page, following = page_of(found, lambda row: row[:3], limit, cursor, "sss")
        return SubjectsBody(subjects=[_subject(rows[row[3]], row[4]) for row in page], next=following)

    return router


def _rules(plant: Plant) -> dict[str, WrittenRule]:
    """Return all rules by name, in its order; the conditions of one name are one rule."""
    found: dict[str, WrittenRule] = {}
    for condition in (*plant.rules, *plant.conditions):
        before = found[condition.name].parts if condition.name in found else ()
        parts = (*before, (condition.unit, condition.subjects))
        found[condition.name] = WrittenRule(condition, condition.subject, parts)  # type: ignore[arg-type]
    return dict(sorted(found.items()))


def _chosen(plant: Plant, caller: Caller, park: str | None, facility: str | None) -> Callable[[Site], bool]:
    """Return what says whether a place is asked for and may be seen.

    Raises
    ------
    InvalidQuery
        A name is of no place that may be seen.
    """
    seen = [(one.park, one.name) for one in plant.facilities if caller.sees(one.park, one.name)]
    if park is not None:
        seen = _named(seen, "park", 0, park)
    if facility is not None:
        seen = _named(seen, "facility", 1, facility)

    def chosen(site: Site) -> bool:
        return caller.sees(*site) and park in (None, site[0]) and facility in (None, site[1])

    return chosen


def _named(sites: list[Site], parameter: str, part: int, wanted: str) -> list[Site]:
    left = [site for site in sites if site[part] == wanted]
    if not left:
        known = dict.fromkeys(site[part] for site in sites)
        raise InvalidQuery((parameter, f"unknown: {wanted[:64]!r}{did_you_mean(wanted, known)}"))
    return left


def _kind(rule: WrittenRule) -> RuleKind:
    return "limit" if rule.written.is_limit else "condition"


def _site(one: Candidate) -> Site:
    """Return where a subject is."""
    if isinstance(one, Park):
        return one.name, ""
    return one.park, one.name if isinstance(one, Facility) else one.facility


def _name(one: Candidate) -> str:
    return "" if isinstance(one, Park | Facility) else one.name


def _subject(one: Candidate, unit: str) -> SubjectBody:
    park, facility = _site(one)
    gateway = one.name if isinstance(one, Gateway) else one.gateway if isinstance(one, Channel) else None
    return SubjectBody(
        park=park,
        facility=facility or None,
        gateway=gateway,
        channel=one.name if isinstance(one, Channel) else None,
        source=one.name if isinstance(one, Source) else None,
        unit=unit or None,
    )


def _body(rule: WrittenRule, seen: Mapping[Site, int]) -> RuleBody:
    written = rule.written
    own = _limit(written) if written.is_limit else _condition(written)
    return RuleBody(
        rule=written.name,
        kind=_kind(rule),
        severity=written.severity,  # type: ignore[arg-type]
        each=rule.each,
        units=sorted({unit for unit, _ in rule.parts if unit}),
        subjects=sum(seen.values()),
        places=sorted("/".join(filter(None, site)) for site in seen),
        **own,
    )


def _limit(written: Condition) -> dict[str, Any]:
    return {
        "above" if written.comparison(0).operator == ">" else "below": written.limit,
        "delay_s": written.delay / NS_PER_S,
        **_told(written),
    }


def _condition(written: Condition) -> dict[str, Any]:
    return {
        "expr": written.expr,
        "clear": written.clear_expr or None,
        "parameters": [_parameter(name, given) for name, given in written.parameters],
        "for_s": written.hold / NS_PER_S,
        "keep_firing_for_s": written.keep / NS_PER_S,
        "every_s": written.every / NS_PER_S,
        "delay_s": written.delay / NS_PER_S,
        "labels": dict(written.labels),
        **_told(written),
    }


def _told(written: Condition) -> dict[str, Any]:
    return {
        "summary": _text(written.summary),
        "description": _text(written.description),
        "first_action": _text(written.first_action),
        "runbook": written.runbook or None,
    }


def _parameter(name: str, given: float | Dated) -> RuleParameterBody:
    rows = given if isinstance(given, tuple) else ((None, given),)
    numbers = [DatedNumberBody.model_validate({"from": day, "value": number(value)}) for day, value in rows]
    return RuleParameterBody(name=name, numbers=numbers)


def _text(given: Bilingual) -> RuleTextBody:
    return RuleTextBody(vi=given.vi, en=given.en)
