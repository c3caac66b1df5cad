"""The shape of an alert rule as people write it: a limit, or, where `expr` is given, a condition."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from plant.alert_rules.rule_library import merged
from plant.alerting import TOLD_BY
from plant.dated import SCHEMA, number
from plant.documents.fields import (
    ChannelName,
    Duration,
    Fault,
    Name,
    Part,
    Symbol,
    Text,
    Url,
    Word,
    exactly_one,
    refusal,
)
from plant.documents.texts import LONGEST_TEXT, TextPart
from plant.park import Bilingual, Dated
from plant.vocabulary import NS_PER_S, Kind

Severity = Literal["info", "warning", "critical"]
Number = Annotated[
    float | Dated, PlainValidator(number), WithJsonSchema({"anyOf": [{"type": "number"}, SCHEMA]})
]
Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.*/:-]{1,128}$")]

MOST_LABELS = 20
LONGEST_LABEL = 200  # characters of a value
LONGEST_SUMMARY = 1000
OWN_LABELS = ("park", "facility", "gateway", "channel", "source")

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LIMIT_ONLY = ("facility", "park", "channel", "source", "above", "below", "unit")
_CONDITION_ONLY = (
    "each", "match", "hold", "keep_firing_for", "clear", "every", "labels", "parameters",
)  # fmt: skip


def bilingual(text: TextPart | None) -> Bilingual:
    """Return a text as the plant has it."""
    return Bilingual(text.vi, text.en) if text else Bilingual()


def _text(least: int, most: int) -> Callable[[object], object]:
    """Return what takes one text as that in both languages, within bounds of its length."""

    def taken(given: object) -> object:
        texts = [given] if isinstance(given, str) else list(given.values()) if isinstance(given, dict) else []
        for text in texts:
            if isinstance(text, str) and len(text) > most:
                raise ValueError(f"has at most {most} characters, not {len(text)}")
        if isinstance(given, dict) and not any(texts):
            raise ValueError("at least one of vi, en is given")
        if not isinstance(given, str):
            return given
        if len(given) < least:
            raise ValueError(f"should have at least {least} character, not {given!r}")
        return TextPart(vi=given, en=given) if given else None

    return taken


class MatchPart(Part):
    """Which subjects a condition is for. `*` stands for any characters; what is left out matches all."""

    park: Glob | None = None
    """Their park."""
    facility: Glob | None = None
    """Their facility."""
    gateway: Glob | None = None
    """Gateways by name, and channels by their gateway."""
    channel: Glob | None = None
    """Channels by name."""
    source: Glob | None = None
    """Sources by name."""
    quantity: Word | None = None
    """Channels by what they measure."""
    kind: Annotated[Kind, Field(strict=False)] | None = None
    """Channels by kind."""
    unit: Symbol | None = None
    """Channels by the unit of their readings."""
    scope: Literal[1, 2, 3] | None = None
    """Sources by scope."""


def _schema(schema: dict[str, Any]) -> None:
    """Say what an alert with `use` may leave out, and what else its parameters may be."""
    schema["required"] = ["name"]
    schema["anyOf"] = [{"required": ["use"]}, {"required": ["severity", "summary"]}]
    names = {"type": "array", "items": {"type": "string"}}
    of_any = {"anyOf": [{"type": "number"}, {"type": "string"}, names, SCHEMA]}
    schema["properties"]["parameters"]["additionalProperties"] = of_any


class AlertPart(Part):
    """An alert rule: one limit on a channel's readings or a source's emission rate, or a condition on many subjects."""

    model_config = ConfigDict(json_schema_extra=_schema)

    name: Name
    """Unique."""
    use: Name | None = None
    """A rule of the library, whose condition it is; all that is given beside it takes the place of the rule's own."""
    park: Name | None = None
    """Limits: needed only where two parks have a facility of that name."""
    facility: Name | None = None
    """Limits, required: where the channel or source is."""
    channel: ChannelName | None = None
    """Limits: the channel whose readings are judged; this or source."""
    source: Name | None = None
    """Limits: the source whose emission rate is judged; this or channel."""
    above: float | None = None
    """Limits: fires above this limit [unit]; this or below."""
    below: float | None = None
    """Limits: fires below this limit [unit]; this or above."""
    unit: Symbol | None = None
    """Limits: the limit's unit; the channel's own, or t/h for a source, where left out."""
    expr: Text | None = None
    """Makes it a condition, which fires while this is true: avg(value, "15min") > 9. See docs/alerts.md."""
    each: Literal["channel", "source", "facility", "park", "gateway"] = "channel"
    """Conditions: what it is judged for, one by one."""
    match: MatchPart = Field(default_factory=MatchPart)
    """Conditions: which of them; all where left out."""
    hold: Duration = Field(default="0s", validate_default=True, alias="for")
    """Conditions: how long it must be true before it fires; at once where 0s."""
    keep_firing_for: Duration = Field(default="0s", validate_default=True)
    """Conditions: how long it must be over before it resolves; at once where 0s."""
    clear: Text | None = None
    """Conditions: what must be true for it to be over; as soon as expr is false where left out."""
    every: Duration = Field(default="60s", validate_default=True)
    """Conditions: the time between two judgements, 1s or longer."""
    parameters: dict[str, Number] = Field(default_factory=dict)
    """Conditions: numbers that expr and clear may name: {budget_t: 1200}, also by date: {limit: [{from: 2026-01-01, value: 850}]}. With use, what the rule asks for."""
    severity: Severity
    """How urgent it is."""
    delay: Duration | None = None
    """How long after a window's end a source's limit is judged, 60s where left out; or after its instant a condition, 0s."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Conditions: what else to say of the alert: {team: boiler-house}."""
    summary: Annotated[TextPart, BeforeValidator(_text(1, LONGEST_SUMMARY))]
    """One sentence, as one text or by language: {vi: …, en: …}."""
    description: Annotated[TextPart | None, BeforeValidator(_text(0, LONGEST_TEXT))] = None
    """What to know."""
    first_action: Annotated[TextPart | None, BeforeValidator(_text(0, LONGEST_TEXT))] = None
    """What to do first."""
    runbook: Url | None = None
    """An https address that says what to do."""

    @model_validator(mode="before")
    @classmethod
    def _with_library(cls, given: Any) -> Any:
        """Complete an alert that uses a rule of the library."""
        if not isinstance(given, dict) or "use" not in given:
            return given
        alert, faults = merged(given)
        if faults:
            details = [refusal(path, message) for path, message in faults]
            raise ValidationError.from_exception_data(cls.__name__, details)
        return alert

    def faults(self) -> Iterator[Fault]:
        """Yield what the kind of rule forbids or lacks."""
        if self.runbook is not None and not self.runbook.startswith("https://"):
            yield "runbook", "is not an https address"
        yield from self._limit_faults() if self.expr is None else self._condition_faults()

    def _limit_faults(self) -> Iterator[Fault]:
        yield from self._misplaced(_CONDITION_ONLY, "is for a condition, which has expr")
        if self.facility is None:
            yield "facility", "is required"
        yield from exactly_one(self, "channel", "source")
        yield from exactly_one(self, "above", "below")

    def _condition_faults(self) -> Iterator[Fault]:
        yield from self._misplaced(_LIMIT_ONLY, "is for a limit; a condition finds its subjects by match")
        if self.every < NS_PER_S:
            yield "every", "is 1s or longer"
        yield from self._label_faults()

    def _label_faults(self) -> Iterator[Fault]:
        if len(self.labels) > MOST_LABELS:
            yield "labels", f"has {len(self.labels)} labels; {MOST_LABELS} are the most"
        for name, value in self.labels.items():
            if not _LABEL.fullmatch(name):
                yield "labels", f"{name[:40]!r} is no name of a label: letters, digits and _, no digit first"
            elif name in OWN_LABELS:
                yield "labels", f"{name} is given by the subject itself"
            elif name == TOLD_BY:
                yield "labels", f"{name} is of alerts that others tell"
            if len(value) > LONGEST_LABEL:
                yield "labels", f"{name[:40]} has {len(value)} characters; {LONGEST_LABEL} are the most"

    def _misplaced(self, names: tuple[str, ...], why: str) -> Iterator[Fault]:
        for name in names:
            if name in self.model_fields_set:
                yield "for" if name == "hold" else name, why
