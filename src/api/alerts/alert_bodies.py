"""Alerts, their events and silences as the API tells them, and what it is asked to do with them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from alerts.tables.views import AlertEvent, AlertView, SilenceView
from api.models import AlertBody
from plant.arrays import number
from plant.clock import format_time
from plant.vocabulary import NS_PER_S

# Not of blanks alone; the four separators of ASCII are no blanks to whoever strips it.
Who = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Field(json_schema_extra={"pattern": r"[\S\x1c-\x1f]"}),
]
Comment = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Instant = Annotated[str, StringConstraints(max_length=64)]


class AlertEventBody(BaseModel):
    """What happened to an alert."""

    at: str = Field(examples=["2026-11-24T05:00:00Z"])
    kind: str = Field(
        description="firing, resolved, acknowledged, snoozed, assigned, commented, silenced, inhibited or escalated",
        examples=["acknowledged"],
    )
    by: str | None = Field(description="who did it; null where nobody did", examples=["lan"])
    detail: dict[str, Any] = Field(examples=[{"comment": "I look at it"}])


class OneAlertBody(AlertBody):
    """One alert, and what happened to it, in the order in which it was noted."""

    events: list[AlertEventBody]


class ActionBody(BaseModel):
    """What somebody does with an alert."""

    model_config = {"extra": "forbid", "strict": True}

    action: Literal["acknowledge", "snooze", "assign", "comment"] = Field(examples=["acknowledge"])
    by: Who | None = Field(
        None, description="with a shared key, who does it; else it is the key's name", examples=["lan"]
    )
    until: Instant | None = Field(
        None,
        description="of a snooze, within 30 days, RFC 3339 with zone",
        examples=["2026-11-24T18:00:00+07:00"],
    )
    to: Who | None = Field(None, description="of assign: whom it is handed over to", examples=["minh"])
    comment: Comment = Field("", description="kept with it", examples=["I look at it"])


class ActedBody(BaseModel):
    """What became of an action, and the alert as it stands."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=["acknowledged by lan: neither repeated nor escalated"])
    alert: AlertBody


class SilenceBody(BaseModel):
    """Alerts that match all of `match` are not told from `start` to `until`."""

    id: str = Field(examples=["silence_5d41402abc4b2a76b9719d911017c592"])
    match: list[str] = Field(examples=[['facility="mill"', 'channel=~"stack/.*"']])
    start: str = Field(examples=["2026-11-24T05:00:00Z"])
    until: str = Field(examples=["2026-11-24T11:00:00Z"])
    by: str = Field(examples=["lan"])
    comment: str = Field(examples=["the stack's probe is cleaned"])
    ended_by: str | None = Field(description="who ended it before its time", examples=[None])


class SilencesBody(BaseModel):
    """Silences, the one that ends first first."""

    silences: list[SilenceBody]


class NewSilenceBody(BaseModel):
    """What somebody silences."""

    model_config = {"extra": "forbid", "strict": True}

    match: list[Annotated[str, StringConstraints(max_length=300)]] = Field(
        min_length=1, max_length=20, examples=[['facility="mill"', 'channel=~"stack/.*"']]
    )
    until: Instant = Field(description="RFC 3339 with zone", examples=["2026-11-24T18:00:00+07:00"])
    by: Who | None = Field(
        None, description="with a shared key, who; else it is the key's name", examples=["lan"]
    )
    comment: Annotated[Comment, StringConstraints(min_length=1)] = Field(
        description="why", examples=["the stack's probe is cleaned"]
    )


class SilencedBody(BaseModel):
    """What became of it; `silence` is null while it waits."""

    id: str = Field(description="the silence's", examples=["silence_5d41402abc4b2a76b9719d911017c592"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=['silence_5d… silences facility="mill" until 2026-11-24T11:00:00Z'])
    silence: SilenceBody | None


def alert_body(one: AlertView) -> AlertBody:
    """Return an alert as the API tells it."""
    lasted = None if one.ended_at is None else (one.ended_at - one.started_at) / NS_PER_S
    return AlertBody(
        id=one.id,
        rule=one.rule,
        status=one.status,
        severity=one.severity,
        started_at=format_time(one.started_at),
        ended_at=_maybe_time(one.ended_at),
        value=None if one.value is None else number(one.value),
        comparison=one.comparison,
        limit=None if one.limit is None else number(one.limit),
        unit=one.unit,
        labels=dict(one.labels),
        summary=one.summary,
        description=one.description,
        texts=dict(one.texts),
        duration_s=lasted,
        muted_by=one.muted_by or None,
        acknowledged_at=_maybe_time(one.acknowledged_at),
        acknowledged_by=one.acknowledged_by or None,
        assigned_to=one.assigned_to or None,
        snoozed_until=_maybe_time(one.snoozed_until or None),
    )


def event_body(event: AlertEvent) -> AlertEventBody:
    detail = dict(event.detail)
    if isinstance(detail.get("until"), int):
        detail["until"] = format_time(detail["until"])
    return AlertEventBody(at=format_time(event.at), kind=event.kind, by=event.actor or None, detail=detail)


def silence_body(one: SilenceView) -> SilenceBody:
    return SilenceBody(
        id=one.id,
        match=list(one.match),
        start=format_time(one.start),
        until=format_time(one.finish),
        by=one.actor,
        comment=one.comment,
        ended_by=one.ended_by or None,
    )


def _maybe_time(time: int | None) -> str | None:
    return None if time is None else format_time(time)
