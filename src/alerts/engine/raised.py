"""What an alert says: its subject's labels, and its texts in both languages with the words filled in."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from alerts.judging.absence import lacks_readings
from alerts.tables.alerts import Raised, alert_id
from plant.alerting import COVERS, GATEWAY, LACKS, READINGS
from plant.languages import LANGUAGES, Language, number_text
from plant.park import Bilingual, Channel, Condition, Gateway, Plant, Source

UNKNOWN = "-"  # as a number, in a text

_PLACEHOLDER = re.compile(r"\{([a-z]+(?:\.[A-Za-z_][A-Za-z0-9_]*)?)\}")

Labels = Mapping[str, str]


def subject_labels(plant: Plant, condition: Condition) -> list[Labels]:
    """Return what names each subject of a condition: park, and what there is of facility, gateway, channel, source."""
    return [_LABELS[condition.subject](plant, number) for number in condition.subjects]


def subject_id(labels: Labels) -> str:
    """Return a subject's id: park/facility/channel, park/facility/source, park/facility/gateway, park/facility or park."""
    last = next((name for name in ("channel", "source", "gateway") if name in labels), "")
    return "/".join(labels[name] for name in ("park", "facility", last) if name in labels)


def rule_labels(condition: Condition) -> Labels:
    """Return what names all alerts of a condition: its own labels, and that a gateway is away, or that readings are missing.

    A clock that is off hides nothing.
    """
    own = dict(condition.labels)
    if condition.subject == "gateway":
        is_away = any(step.name in ("online", "silence") for step in condition.steps)
        return {COVERS: GATEWAY, **own} if is_away else own
    return {LACKS: READINGS, **own} if condition.subject == "channel" and lacks_readings(condition) else own


def raised(
    condition: Condition,
    of_rule: Labels,
    labels: Labels,
    started_at: int,
    value: float,
    limit: float,
    of: int,
    snoozed_until: int = 0,
) -> Raised:
    """Return the alert that a condition begins for a subject.

    Parameters
    ----------
    of_rule, labels
        What names all alerts of the condition, and the subject.
    value, limit
        The two sides of the comparison that it fires for, in its unit; NaN where unknown.
    of
        The place of that comparison among the condition's; -1: it fires for none.
    """
    subject = subject_id(labels)
    comparison = condition.comparison(of)
    words = {
        **labels,
        **{f"labels.{name}": text for name, text in condition.labels},
        "subject": subject,
        "unit": comparison.unit,
    }
    by_language = {one: words | numbers_in(one, value, limit) for one in LANGUAGES}
    summary, description, first_action = (
        in_each(text, by_language)
        for text in (condition.summary, condition.description, condition.first_action)
    )
    texts: dict[str, Any] = {
        "summary": summary, "description": description, "first_action": first_action, "runbook": condition.runbook,
    }  # fmt: skip
    return Raised(
        id=alert_id(condition.name if condition.is_limit else f"{condition.name}/{subject}", started_at),
        rule=condition.name,
        severity=condition.severity,
        started_at=started_at,
        value=value,
        limit=limit,
        unit=comparison.unit,
        labels={**of_rule, **labels},
        summary=summary.get("en", ""),
        description=description.get("en", ""),
        texts={name: text for name, text in texts.items() if text},
        snoozed_until=snoozed_until,
        comparison=comparison.operator,
    )


def in_each(text: Bilingual, words: Mapping[Language, Mapping[str, str]]) -> dict[str, str]:
    """Return a text in both languages; where one is missing it is the other, and without either there is none."""
    vi = filled(text.vi or text.en, words["vi"])
    en = filled(text.en, words["en"]) if text.en else vi
    return {"vi": vi, "en": en} if vi else {}


def numbers_in(language: Language, value: float, limit: float) -> dict[str, str]:
    """Return the words of an alert's numbers in a language; - is what is unknown."""
    return {
        name: number_text(number, language) if math.isfinite(number) else UNKNOWN
        for name, number in (("value", value), ("limit", limit))
    }


def filled(template: str, words: Mapping[str, str]) -> str:
    """Put words into a template: plain replacement, so that no text can reach an attribute; what is unknown stays."""
    return _PLACEHOLDER.sub(
        lambda found: _printable(words[found[1]]) if found[1] in words else found[0], template
    )


def _printable(text: str) -> str:
    """Escape control, format and line characters, which could forge lines or turn the direction of text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _site(one: Channel | Source | Gateway) -> dict[str, str]:
    return {"park": one.park, "facility": one.facility}


def _channel(plant: Plant, number: int) -> Labels:
    channel = plant.channels[number]
    sender = {"gateway": channel.gateway} if channel.gateway else {}
    return {**_site(channel), **sender, "channel": channel.name}


def _source(plant: Plant, number: int) -> Labels:
    source = plant.sources[number]
    return {**_site(source), "source": source.name}


def _gateway(plant: Plant, number: int) -> Labels:
    gateway = plant.gateways[number]
    return {**_site(gateway), "gateway": gateway.name}


def _facility(plant: Plant, number: int) -> Labels:
    facility = plant.facilities[number]
    return {"park": facility.park, "facility": facility.name}


def _park(plant: Plant, number: int) -> Labels:
    return {"park": plant.parks[number].name}


_LABELS: Mapping[str, Callable[[Plant, int], Labels]] = {
    "channel": _channel,
    "source": _source,
    "gateway": _gateway,
    "facility": _facility,
    "park": _park,
}
