"""Alerts and silences as a person reads them in the terminal."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from rich.text import Text

from api.alerts.alert_bodies import OneAlertBody, SilencesBody
from api.alerts.retroactive import RetroactivesBody
from api.models import AlertBody, AlertsBody
from plant.languages import passed_text
from proof.backtest import Episode
from proof.why import Why
from stackmeter.views.local import local, localised, to_second
from stackmeter.views.tables import Shown
from stackmeter.views.view import UNKNOWN

SHORT = 8  # characters of an id that a table shows


def alerts(found: AlertsBody, zone: tzinfo) -> Shown:
    """Return alerts as a table, one a row."""
    heads = ["id", "since", "severity", "rule", "where", "value", "status"]
    return Shown(heads, [_row(one, zone) for one in found.alerts])


def alert(one: OneAlertBody, zone: tzinfo) -> Text:
    """Return what is known of an alert, a line each."""
    first = one.texts.get("first_action")
    acknowledged = (
        f"{local(one.acknowledged_at, zone)} by {one.acknowledged_by}" if one.acknowledged_at else ""
    )
    lines = {
        "summary": one.summary,
        "description": one.description,
        "id": one.id,
        "rule": f"{one.rule} ({one.severity})",
        "where": _place(one.labels),
        "since": local(one.started_at, zone),
        "until": local(one.ended_at, zone),
        "value": _value(one),
        "status": f"{one.status} by {one.muted_by}" if one.muted_by else one.status,
        "acknowledged": acknowledged,
        "assigned to": one.assigned_to or "",
        "snoozed until": local(one.snoozed_until, zone),
        "do first": " / ".join(filter(None, first.values())) if isinstance(first, dict) else str(first or ""),
        "runbook": str(one.texts.get("runbook") or ""),
    }
    return Text("\n".join(f"{name:15}{text}" for name, text in lines.items() if text))


def events(one: OneAlertBody, zone: tzinfo) -> Shown:
    """Return what happened to an alert as a table."""
    rows = [[local(e.at, zone), e.kind, e.by or "", _detail(e.detail, zone)] for e in one.events]
    return Shown(["at", "what happened", "by", ""], rows)


def retroactive(found: RetroactivesBody, zone: tzinfo) -> Shown:
    """Return what late data showed as a table."""
    rows = [
        [local(one.known_at, zone), one.rule, _place(one.labels), local(one.first, zone), local(one.last, zone), str(one.count), _number(one.worst, one.unit)]
        for one in found.retroactive
    ]  # fmt: skip
    return Shown(["known at", "rule", "where", "from", "to", "times", "worst"], rows, right={"times"})


def why(found: Why, zone: tzinfo) -> tuple[Text, Shown, Shown]:
    """Return why an alert began: its rule, what it said up to then, and the readings that it saw."""
    lines = {
        "summary": found.summary,
        "rule": f"{found.rule}: {found.judged}",
        "where": found.subject,
        "since": local(found.started_at, zone),
    }
    head = Text("\n".join(f"{name:15}{text}" for name, text in lines.items() if text))
    says = {True: "true", False: "false", None: "unknown"}
    steps = [
        [
            to_second(s.time, zone),
            says[s.truth],
            _number(s.value, s.unit),
            _number(s.limit, s.unit, s.comparison),
        ]
        for s in found.steps
    ]
    readings = [
        [r.channel, to_second(r.time, zone), _number(r.value, r.unit), str(r.message)] for r in found.readings
    ]
    return (
        head,
        Shown(["at", "the rule is", "value", "limit"], steps, right={"value", "limit"}),
        Shown(["channel", "read at", "value", "message"], readings, right={"value", "message"}),
    )


def episodes(found: Sequence[Episode], zone: tzinfo) -> Shown:
    """Return alerts that would have been, one a row."""
    rows = [
        [
            local(one.started_at, zone),
            local(one.ended_at, zone),
            one.severity,
            one.rule,
            one.subject,
            _number(one.value, one.unit),
            _number(one.limit, one.unit, one.comparison),
        ]
        for one in found
    ]
    return Shown(
        ["since", "until", "severity", "rule", "where", "value", "limit"], rows, right={"value", "limit"}
    )


def _number(value: float | None, unit: str, comparison: str = "") -> str:
    return UNKNOWN if value is None else f"{comparison} {value:.6g} {unit}".strip()


def silences(found: SilencesBody, zone: tzinfo) -> Shown:
    """Return silences as a table, one a row."""
    rows = [
        [
            _short(one.id),
            " ".join(one.match),
            local(one.start, zone),
            local(one.until, zone),
            f"{one.by}, ended by {one.ended_by}" if one.ended_by else one.by,
            one.comment,
        ]
        for one in found.silences
    ]
    return Shown(["id", "matches", "since", "until", "by", "why"], rows)


def _row(one: AlertBody, zone: tzinfo) -> list[str]:
    return [
        _short(one.id),
        local(one.started_at, zone),
        one.severity,
        one.rule,
        _place(one.labels),
        _value(one),
        one.status + (f", {who}" if (who := one.assigned_to or one.acknowledged_by) else ""),
    ]


def _short(number: str) -> str:
    return number.partition("_")[2][:SHORT] or number


def _detail(detail: Mapping[str, object], zone: tzinfo) -> str:
    return ", ".join(f"{name} {localised(str(value), zone)}" for name, value in detail.items())


def _place(labels: Mapping[str, str]) -> str:
    names = ("park", "facility", "" if labels.get("channel") else "gateway", "channel", "source")
    return "/".join(labels[name] for name in names if labels.get(name))


def _value(one: AlertBody) -> str:
    value = UNKNOWN if one.value is None else f"{one.value:.4g} {one.unit}".strip()
    passed = "" if one.limit is None else passed_text(one.value, one.comparison, one.limit, "", "en")
    return f"{value} ({passed})" if passed else value
