"""Alerts and silences as a person reads them in the terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich import box
from rich.table import Table
from rich.text import Text

from api.alerts import OneAlertBody, SilencesBody
from api.models import AlertBody, AlertsBody
from api.retroactive import RetroactivesBody
from stackmeter.backtest import Episode
from stackmeter.view import UNKNOWN
from stackmeter.why import Why

SHORT = 8  # characters of an id that a table shows


def alerts(found: AlertsBody) -> Table:
    """Return alerts as a table, one a row."""
    heads = ["id", "since", "status", "severity", "rule", "where", "value", "who"]
    return _table(heads, [_row(one) for one in found.alerts])


def alert(one: OneAlertBody) -> Text:
    """Return what is known of an alert, a line each."""
    first = one.texts.get("first_action")
    acknowledged = f"{_moment(one.acknowledged_at)} by {one.acknowledged_by}" if one.acknowledged_at else ""
    lines = {
        "summary": one.summary,
        "description": one.description,
        "id": one.id,
        "rule": f"{one.rule} ({one.severity})",
        "where": _place(one.labels),
        "since": _moment(one.started_at),
        "until": _moment(one.ended_at),
        "value": _value(one),
        "status": f"{one.status} by {one.muted_by}" if one.muted_by else one.status,
        "acknowledged": acknowledged,
        "assigned to": one.assigned_to or "",
        "snoozed until": _moment(one.snoozed_until),
        "do first": " / ".join(filter(None, first.values())) if isinstance(first, dict) else str(first or ""),
        "runbook": str(one.texts.get("runbook") or ""),
    }
    return Text("\n".join(f"{name:15}{text}" for name, text in lines.items() if text))


def events(one: OneAlertBody) -> Table:
    """Return what happened to an alert as a table."""
    rows = [[_moment(e.at), e.kind, e.by or "", _detail(e.detail)] for e in one.events]
    return _table(["at", "what happened", "by", ""], rows)


def retroactive(found: RetroactivesBody) -> Table:
    """Return what late data showed as a table."""
    rows = [
        [_moment(one.known_at), one.rule, _place(one.labels), _moment(one.first), _moment(one.last), str(one.count), _number(one.worst, one.unit)]
        for one in found.retroactive
    ]  # fmt: skip
    return _table(["known at", "rule", "where", "from", "to", "times", "worst"], rows)


def why(found: Why) -> tuple[Text, Table, Table]:
    """Return why an alert began: its rule, what it said up to then, and the readings that it saw."""
    lines = {
        "summary": found.summary,
        "rule": f"{found.rule}: {found.judged}",
        "where": found.subject,
        "since": _moment(found.started_at),
    }
    head = Text("\n".join(f"{name:15}{text}" for name, text in lines.items() if text))
    says = {True: "true", False: "false", None: "unknown"}
    steps = [
        [_moment(s.time), says[s.truth], _number(s.value, found.unit), _number(s.limit, found.unit)]
        for s in found.steps
    ]
    readings = [
        [r.channel, _moment(r.time), _number(r.value, r.unit), str(r.message)] for r in found.readings
    ]
    return (
        head,
        _table(["at", "the rule is", "value", "limit"], steps),
        _table(["channel", "read at", "value", "message"], readings),
    )


def episodes(found: Sequence[Episode]) -> Table:
    """Return alerts that would have been, one a row."""
    rows = [
        [
            _moment(one.started_at),
            _moment(one.ended_at),
            one.severity,
            one.rule,
            one.subject,
            _number(one.value, one.unit),
            _number(one.limit, one.unit),
        ]
        for one in found
    ]
    return _table(["since", "until", "severity", "rule", "where", "value", "limit"], rows)


def _number(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"{value:.6g} {unit}".rstrip()


def silences(found: SilencesBody) -> Table:
    """Return silences as a table, one a row."""
    rows = [
        [
            _short(one.id),
            " ".join(one.match),
            _moment(one.start),
            _moment(one.until),
            f"{one.by}, ended by {one.ended_by}" if one.ended_by else one.by,
            one.comment,
        ]
        for one in found.silences
    ]
    return _table(["id", "matches", "since", "until", "by", "why"], rows)


def _row(one: AlertBody) -> list[str]:
    return [
        _short(one.id),
        _moment(one.started_at),
        one.status,
        one.severity,
        one.rule,
        _place(one.labels),
        _value(one),
        one.assigned_to or one.acknowledged_by or "",
    ]


def _short(number: str) -> str:
    return number.partition("_")[2][:SHORT] or number


def _detail(detail: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in detail.items())


def _place(labels: Mapping[str, str]) -> str:
    names = ("park", "facility", "" if labels.get("channel") else "gateway", "channel", "source")
    return "/".join(labels[name] for name in names if labels.get(name))


def _value(one: AlertBody) -> str:
    value = UNKNOWN if one.value is None else f"{one.value:.4g} {one.unit}".strip()
    return value if one.limit is None else f"{value} (limit {one.limit:.4g})"


def _moment(time: str | None) -> str:
    """Return a time of the API on this machine's clock, "" where there is none."""
    return "" if time is None else f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M:%S}"


def _table(heads: list[str], rows: list[list[str]]) -> Table:
    table = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))  # plain text: names and comments are no markup of ours
    return table
