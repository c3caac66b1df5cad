"""Makes a judgement lasting: alert, rule state, late breaches, InfluxDB line and webhooks, in the line's transaction.

Nothing here begins or commits a transaction, so an alert and the webhooks that tell of it are there together or not
at all.
"""

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol

from plant.arrays import Floats, Times
from plant.park import Plant, ThresholdRule
from plant.vocabulary import NS_PER_S
from store.lines import series_key

_COLUMNS = (
    'id, rule, status, severity, started_at, ended_at, value, "limit", unit, labels, summary, description'
)
_PLACEHOLDER = re.compile(r"\{(value|limit|unit|channel|source|facility|park)\}")


class Transition(Protocol):
    """An alert begins (`firing`) or ends at `time` (ns UTC), by this value."""

    @property
    def firing(self) -> bool: ...
    @property
    def time(self) -> int: ...
    @property
    def value(self) -> float: ...


class Judgement(Protocol):
    """What a rule made of new values; `rules.thresholds` gives it, and the rooms need not know each other."""

    @property
    def state(self) -> str: ...
    @property
    def judged(self) -> int: ...
    @property
    def transitions(self) -> Sequence[Transition]: ...
    @property
    def late_time(self) -> Times: ...
    @property
    def late_value(self) -> Floats: ...


def alert_id(rule: str, started_at: int) -> str:
    """Return the id of the alert that a rule began at a time (ns UTC): the same whenever it is computed, without a dot."""
    return f"alert_{_digest(rule, started_at)}"


def event_id(alert: str, transition: str) -> str:
    """Return the webhook-id of an alert's transition: constant over retries, restarts and replays, without a dot."""
    return f"event_{_digest(alert, transition)}"


def rule_states(connection: sqlite3.Connection) -> dict[str, tuple[str, int, str | None]]:
    """Return for each rule that ever judged: its state, how far it judged [ns UTC], and its open alert's id."""
    rows = connection.execute("SELECT rule, state, judged, alert FROM rule_state")
    return {rule: (state, judged, alert) for rule, state, judged, alert in rows}


def save_rule_state(
    connection: sqlite3.Connection, rule: str, state: str, judged: int, alert: str | None
) -> None:
    """Store where a rule stands; `alert` is its open alert's id."""
    connection.execute("INSERT OR REPLACE INTO rule_state VALUES (?, ?, ?, ?)", (rule, state, judged, alert))


def apply_judgement(
    connection: sqlite3.Connection,
    plant: Plant,
    rule: ThresholdRule,
    judgement: Judgement,
    alert: str | None,
    *,
    now: int,
    api_url: str = "",
) -> str | None:
    """Store a judgement with all that follows from it, and return the id of the alert that is open afterwards.

    Parameters
    ----------
    connection
        Inside a transaction of the caller's.
    alert
        The id of the alert that was open before.
    now
        When the webhooks become due. [ns UTC]
    api_url
        Where the reader of a webhook finds our API, without a slash at the end; "" gives no link.
    """
    for transition in judgement.transitions:
        if transition.firing:
            alert = _begin(connection, plant, rule, transition)
        else:
            _end(connection, alert, transition)
        _announce(connection, plant, rule, alert, transition, now=now, api_url=api_url)
        alert = alert if transition.firing else None
    connection.executemany(
        "INSERT OR IGNORE INTO late_breach VALUES (?, ?, ?)",
        zip(
            [rule.name] * len(judgement.late_time),
            judgement.late_time.tolist(),
            judgement.late_value.tolist(),
            strict=True,
        ),
    )
    save_rule_state(connection, rule.name, judgement.state, judgement.judged, alert)
    return alert


def _digest(*parts: str | int) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _begin(connection: sqlite3.Connection, plant: Plant, rule: ThresholdRule, transition: Transition) -> str:
    labels = _labels(plant, rule)
    words = {**labels, "value": f"{transition.value:.6g}", "limit": f"{rule.limit:.6g}", "unit": rule.unit}
    alert = alert_id(rule.name, transition.time)
    connection.execute(
        f"INSERT INTO alert ({_COLUMNS}) VALUES (?, ?, 'firing', ?, ?, NULL, ?, ?, ?, ?, ?, ?)",
        (
            alert,
            rule.name,
            rule.severity,
            transition.time,
            transition.value,
            rule.limit,
            rule.unit,
            json.dumps(labels, sort_keys=True),
            _filled(rule.summary, words),
            _filled(rule.description, words),
        ),
    )
    return alert


def _end(connection: sqlite3.Connection, alert: str | None, transition: Transition) -> None:
    """Resolve; `value` becomes the one that resolved, the texts go on telling what had fired."""
    connection.execute(
        "UPDATE alert SET status = 'resolved', ended_at = ?, value = ? WHERE id = ?",
        (transition.time, transition.value, alert),
    )


def _announce(
    connection: sqlite3.Connection,
    plant: Plant,
    rule: ThresholdRule,
    alert: str | None,
    transition: Transition,
    *,
    now: int,
    api_url: str,
) -> None:
    """Queue what the outside is told of a transition: a line for InfluxDB, and one frozen body for every endpoint."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM alert WHERE id = ?", (alert,)).fetchone()
    data = _as_json(row)
    connection.execute(
        "INSERT INTO influx_alert (line) VALUES (?)", (_influx_line(rule, transition, data["limit"]),)
    )
    links = {"alerts": f"{api_url}/v1/alerts"} if api_url else {}
    kind = f"alert.{data['status']}"
    body = {"type": kind, "timestamp": _rfc3339(transition.time), "data": {**data, "links": links}}
    frozen = json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    connection.executemany(
        "INSERT INTO webhook (event_id, endpoint, alert, body, created, due) VALUES (?, ?, ?, ?, ?, ?)",
        [(event_id(data["id"], kind), w.name, data["id"], frozen, now, now) for w in plant.webhooks],
    )


def _as_json(row: Sequence[Any]) -> dict[str, Any]:
    alert = dict(zip(_COLUMNS.replace('"', "").split(", "), row, strict=True))
    alert["started_at"] = _rfc3339(alert["started_at"])
    alert["ended_at"] = None if alert["ended_at"] is None else _rfc3339(alert["ended_at"])
    alert["labels"] = json.loads(alert["labels"])
    return alert


def _labels(plant: Plant, rule: ThresholdRule) -> dict[str, str]:
    labels = {"park": rule.park, "facility": rule.facility}
    if rule.channel >= 0:
        channel = plant.channels[rule.channel]
        return labels | {"gateway": channel.gateway, "channel": channel.name}
    return labels | {"source": plant.sources[rule.source].name}


def _filled(template: str, words: Mapping[str, str]) -> str:
    """Put words into a template: plain replacement, so that no text can reach an attribute; what is unknown stays."""
    return _PLACEHOLDER.sub(lambda found: _printable(words.get(found[1], "")), template)


def _printable(text: str) -> str:
    """Escape control, format and line characters, which could forge lines or turn the direction of text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _influx_line(rule: ThresholdRule, transition: Transition, limit: float) -> str:
    tags = {"park": rule.park, "facility": rule.facility, "rule": rule.name, "severity": rule.severity}
    fields = f"state={float(transition.firing)!r},value={transition.value!r},limit={limit!r}"
    return f"{series_key('alert', tags).decode()} {fields} {transition.time}"


def _rfc3339(time: int) -> str:
    seconds, fraction = divmod(time, NS_PER_S)
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{digits}Z"
