"""What an alert of a condition says: its subject's labels, and its texts in both languages with the words filled in."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from plant.alerting import COVERS, GATEWAY
from plant.park import Bilingual, Channel, Condition, Gateway, Plant, Source
from store.alerts import Raised, alert_id, filled

UNKNOWN = "-"  # as a number, in a text
_NUMBERS = ("value", "limit")  # of a text, with a decimal comma in Vietnamese

Labels = Mapping[str, str]


def subject_labels(plant: Plant, condition: Condition) -> list[Labels]:
    """Return what names each subject of a condition: park, and what there is of facility, gateway, channel, source."""
    return [_LABELS[condition.subject](plant, number) for number in condition.subjects]


def subject_id(labels: Labels) -> str:
    """Return a subject's id: park/facility/channel, park/facility/source, park/facility/gateway, park/facility or park."""
    last = next((name for name in ("channel", "source", "gateway") if name in labels), "")
    return "/".join(labels[name] for name in ("park", "facility", last) if name in labels)


def raised(
    condition: Condition, labels: Labels, started_at: int, value: float, limit: float, snoozed_until: int = 0
) -> Raised:
    """Return the alert that a condition begins for a subject; value and limit in the condition's unit, NaN where unknown."""
    subject = subject_id(labels)
    of_rule = dict(condition.labels)
    words = {
        **labels,
        **{f"labels.{name}": text for name, text in of_rule.items()},
        "subject": subject,
        "value": _number(value),
        "limit": _number(limit),
        "unit": condition.unit,
    }
    summary, description = (_both(text, words) for text in (condition.summary, condition.description))
    first_action = _both(condition.first_action, words)
    texts: dict[str, Any] = {
        "summary": summary, "description": description, "first_action": first_action, "runbook": condition.runbook,
    }  # fmt: skip
    covers = {COVERS: GATEWAY} if _is_of_silence(condition) else {}
    return Raised(
        id=alert_id(f"{condition.name}/{subject}", started_at),
        rule=condition.name,
        severity=condition.severity,
        started_at=started_at,
        value=value,
        limit=limit,
        unit=condition.unit,
        labels={**covers, **of_rule, **labels},
        summary=summary.get("en", ""),
        description=description.get("en", ""),
        texts={name: text for name, text in texts.items() if text},
        snoozed_until=snoozed_until,
    )


def _both(text: Bilingual, words: Labels) -> dict[str, str]:
    """Return a text in both languages; where one is missing it is the other, and without either there is none."""
    commas = {**words, **{name: words[name].replace(".", ",") for name in _NUMBERS}}
    vi = filled(text.vi, commas) if text.vi else filled(text.en, words)
    en = filled(text.en, words) if text.en else vi
    return {"vi": vi, "en": en} if vi else {}


def _number(value: float) -> str:
    return UNKNOWN if math.isnan(value) else f"{value:.6g}"


def _is_of_silence(condition: Condition) -> bool:
    """Whether it is about a gateway that is away: what is behind it cannot be seen. A clock that is off hides nothing."""
    return condition.subject == "gateway" and any(s.name in ("online", "silence") for s in condition.steps)


def _site(one: Channel | Source | Gateway) -> dict[str, str]:
    return {"park": one.park, "facility": one.facility}


def _channel(plant: Plant, number: int) -> Labels:
    channel = plant.channels[number]
    return {**_site(channel), "gateway": channel.gateway, "channel": channel.name}


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
