"""What webhooks are told of alerts: notices of one alert or of a group; bodies are frozen when they are queued."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from alerts.tables.links import acknowledge_link
from alerts.tables.webhook_bodies import body
from alerts.tables.webhook_order import fingerprint, fires_since, heard_ends, note_about
from alerts.telling.groups import Group, Notice
from plant.park import Webhook
from plant.vocabulary import NS_PER_HOUR, NS_PER_S
from store.messages.set_aside import set_aside

MOST_COVERED = 200  # alerts that a notice lists as covered; it counts them all
SEVERITIES = ("info", "warning", "critical")  # the worst last
_COLUMNS = 'id, rule, status, severity, started_at, ended_at, value, comparison, "limit", unit, labels, summary, description'
_QUEUE = "INSERT INTO webhook (event_id, endpoint, alert, body, created, due) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"


def digest(*parts: str | int) -> str:
    """Return what is the same for the same parts, on any machine and at any time: 32 hexadecimal digits."""
    return sha256(json.dumps(parts).encode()).hexdigest()[:32]


def send(
    connection: sqlite3.Connection,
    webhook: Webhook,
    notice: Notice,
    covered: Mapping[str, Sequence[str]],
    *,
    now: int,
    api_url: str,
    key: bytes = b"",
) -> None:
    """Queue a notice for its webhook, due at once. What the webhook was told to be over by another receiver's notice is left out.

    Our own format has an alert alone as `data`; of a group the first of the worst alerts, with `alerts` (all of them) and
    `notice` beside. An Alertmanager groups by itself, so that it is told of each alert on its own.

    Parameters
    ----------
    covered
        The ids of the alerts that each inhibiting alert stands for.
    key
        What the links are signed with by which alerts can be acknowledged (`alerts.tables.links`); b"" gives none.
    """
    alerts = _alerts_of(connection, webhook.name, notice, covered)
    if not alerts:
        return
    for one in alerts if key and api_url else ():
        if one["status"] == "firing":
            when = _whole_hour(connection, one["id"], now)
            one["links"] = {"acknowledge": acknowledge_link(api_url, key, one["id"], webhook.name, when)}
    if notice.group and webhook.format != "alertmanager-api":
        made = _grouped(webhook, notice, alerts, api_url)
        rows = [(notice.id, f"group_{digest(notice.receiver, notice.group)}", made, alerts)]
    else:
        rows = [
            (_id_of(notice, one["id"]), one["id"], body(webhook.format, one, webhook.name, api_url), [one])
            for one in alerts
        ]
    for event, name, frozen, about in rows:
        (row,) = connection.execute(_QUEUE, (event, webhook.name, name, frozen, now, now)).fetchone()
        note_about(connection, row, about)


def _alerts_of(
    connection: sqlite3.Connection, endpoint: str, notice: Notice, covered: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Return what a notice tells an endpoint: what fires, then what is over and not yet known to be.

    The end of an alert comes before the beginning of another with its labels; where that was told before, it is told again.
    """
    heard = heard_ends(connection, endpoint, notice.resolved)
    over = [_told(connection, one, "resolved", covered) for one in notice.resolved if one not in heard]
    since = [again for one in over if (again := fires_since(connection, endpoint, one))]
    firing = [_told(connection, one, "firing", covered) for one in dict.fromkeys([*notice.firing, *since])]
    begins = {_labels_of(one) for one in firing if one["id"] not in notice.resolved}
    first = [one for one in over if _labels_of(one) in begins]
    return [*first, *firing, *(one for one in over if one not in first)]


def _labels_of(alert: Mapping[str, Any]) -> str:
    return fingerprint(alert["rule"], alert["labels"])


def _id_of(notice: Notice, alert: str) -> str:
    """Return the webhook-id of one of a notice's alerts that is told on its own."""
    is_alone = not notice.group and alert in (*notice.firing, *notice.resolved)
    return notice.id if is_alone else f"event_{digest(notice.id, alert)}"


def _whole_hour(connection: sqlite3.Connection, alert: str, now: int) -> int:
    """Return the last whole hour since an alert began: a link of then is the same in a notice that is made again."""
    (start,) = connection.execute("SELECT started_at FROM alert WHERE id = ?", (alert,)).fetchone()
    return int(start + (now - start) // NS_PER_HOUR * NS_PER_HOUR)


def told_groups(connection: sqlite3.Connection) -> list[Group]:
    """Return what every receiver was told of every group; what cannot be read is set aside, and told anew."""
    found = []
    rows = connection.execute("SELECT receiver, name, content FROM alert_group ORDER BY receiver, name")
    for receiver, name, content in rows.fetchall():
        try:
            found.append(msgspec.json.decode(content, type=Group))
        except (msgspec.MsgspecError, RecursionError) as error:
            set_aside(connection, "alert_group", {"receiver": receiver, "name": name}, str(error))
    return found


def save_group(connection: sqlite3.Connection, receiver: str, name: str, content: bytes | None) -> None:
    """Keep what a receiver was told of a group; None forgets it."""
    if content is None:
        connection.execute("DELETE FROM alert_group WHERE receiver = ? AND name = ?", (receiver, name))
    else:
        connection.execute("INSERT OR REPLACE INTO alert_group VALUES (?, ?, ?)", (receiver, name, content))


def _grouped(webhook: Webhook, notice: Notice, alerts: Sequence[dict[str, Any]], api_url: str) -> bytes:
    if webhook.format == "alertmanager":
        return _alertmanager(webhook, notice, alerts, api_url)
    worst = max(alerts, key=lambda one: (one["status"] == "firing", _rank(one["severity"])))
    count, firing = len(alerts), sum(one["status"] == "firing" for one in alerts)
    more = {"summary": f"{worst['summary']} (and {count - 1} more)"} if count > 1 else {}
    about = {
        "receiver": notice.receiver,
        "group": json.loads(notice.labels),
        "firing": firing,
        "resolved": count - firing,
        "repeat": notice.repeat,
        "escalation": notice.escalation,
    }
    data = {**worst, **more, "repeat": notice.repeat, "notice": about, "alerts": alerts}
    return body(webhook.format, data, webhook.name, api_url)


def _alertmanager(webhook: Webhook, notice: Notice, alerts: Sequence[dict[str, Any]], api_url: str) -> bytes:
    """Return Alertmanager's webhook of a group, made of those of its alerts."""
    singles = [json.loads(body(webhook.format, one, webhook.name, api_url)) for one in alerts]
    common = {
        key: dict(set.intersection(*(set(one[key].items()) for one in singles)))
        for key in ("commonLabels", "commonAnnotations")
    }
    grouped = {
        **singles[0],
        **{key: dict(sorted(pairs.items())) for key, pairs in common.items()},
        "groupKey": notice.group,
        "groupLabels": json.loads(notice.labels),
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "alerts": [one for single in singles for one in single["alerts"]],
    }
    return json.dumps(grouped, allow_nan=False, separators=(",", ":")).encode()


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _told(
    connection: sqlite3.Connection, alert: str, status: str, covered: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return an alert as a notice tells it, with how long it lasted where it is over, and what it stands for.

    That it fires may be told when it is over already: then with the value that it had fired by.
    """
    data = {**_alert(connection, alert), "status": status}
    start, finish = connection.execute(
        "SELECT started_at, ended_at FROM alert WHERE id = ?", (alert,)
    ).fetchone()
    if status == "resolved":
        data["duration_s"] = (finish - start) / NS_PER_S
    else:
        data |= {"ended_at": None}
        if finish is not None:
            data["value"] = _value_at_firing(connection, alert)
    behind = covered.get(alert, ())
    if behind:
        data["covered"] = [_behind(connection, one) for one in behind[:MOST_COVERED]]
        data["covered_count"] = len(behind)
    return data


def _value_at_firing(connection: sqlite3.Connection, alert: str) -> float | None:
    (detail,) = connection.execute(
        "SELECT detail FROM alert_event WHERE alert = ? AND kind = 'firing'", (alert,)
    ).fetchone()
    value: float | None = json.loads(detail).get("value")
    return value


def _behind(connection: sqlite3.Connection, alert: str) -> dict[str, Any]:
    data = _alert(connection, alert)
    subject = {name: data["labels"][name] for name in ("channel", "source") if name in data["labels"]}
    return {"id": alert, "rule": data["rule"], "started_at": data["started_at"], **subject}


def _alert(connection: sqlite3.Connection, alert: str) -> dict[str, Any]:
    row = connection.execute(f"SELECT {_COLUMNS}, texts FROM alert WHERE id = ?", (alert,)).fetchone()
    data = dict(zip([*_COLUMNS.replace('"', "").split(", "), "texts"], row, strict=True))
    data["started_at"] = rfc3339(data["started_at"])
    data["ended_at"] = None if data["ended_at"] is None else rfc3339(data["ended_at"])
    data["labels"] = json.loads(data["labels"])
    data["texts"] = json.loads(data["texts"])
    return data


def rfc3339(time: int) -> str:
    """Return a time [ns UTC] as RFC 3339, with as many digits as it needs."""
    seconds, fraction = divmod(time, NS_PER_S)
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{digits}Z"
