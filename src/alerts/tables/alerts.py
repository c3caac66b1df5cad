"""Makes alerts lasting: how they begin and end, their events, late breaches, lines for InfluxDB, in one transaction.

Nothing here begins or commits a transaction, and nothing tells anybody: whoever tells (`alerts.engine.telling`) reads the events
in the same transaction, so that an alert and the webhooks that tell of it are there together or not at all.
"""

import json
import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.tables.notices import digest
from plant.alerting import TOLD_BY
from plant.arrays import Floats, Times
from plant.languages import LANGUAGES, passed_text
from plant.park import Condition
from store.influx.lines import alert_line

_COLUMNS = (
    'id, rule, status, severity, started_at, ended_at, value, "limit", unit, labels, summary, description'
)
RETROACTIVE = "retroactive"  # an event of late data: it tells nobody


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert as it begins, its texts filled in. `value` and `limit` are in `unit`, NaN where there is none.

    `comparison` is what of the value and the limit is true: >, >=, <, <=, == or !=; "" where nothing was compared.
    `texts` is what the rule says beyond summary and description, such as both languages and the runbook. Nobody is told
    before `snoozed_until` (ns UTC; 0: at once), which is later where the rule is shelved.
    """

    id: str
    rule: str
    severity: str
    started_at: int  # ns UTC
    value: float
    limit: float
    unit: str
    labels: Mapping[str, str]
    summary: str
    description: str
    texts: Mapping[str, Any] = field(default_factory=dict)
    snoozed_until: int = 0
    comparison: str = ""


def in_both_languages(raised: Raised) -> dict[str, Any]:
    """Return an alert's texts with its summary and description under `vi` and under `en`, the same where only one is given.

    `passed` says which limit was passed, where one was: above 9.0 pH.
    """
    single = {"summary": raised.summary, "description": raised.description}
    texts = {**{name: {"vi": text, "en": text} for name, text in single.items() if text}, **raised.texts}
    if raised.comparison and math.isfinite(raised.limit):
        value = raised.value if math.isfinite(raised.value) else None
        texts["passed"] = {
            language: passed_text(value, raised.comparison, raised.limit, raised.unit, language)
            for language in LANGUAGES
        }
    return texts


def alert_id(rule: str, started_at: int) -> str:
    """Return the id of the alert that a rule began at a time (ns UTC): the same whenever it is computed, without a dot."""
    return f"alert_{digest(rule, started_at)}"


def open_alerts(connection: sqlite3.Connection) -> set[str]:
    """Return the ids of all alerts that are not over."""
    return {number for (number,) in connection.execute("SELECT id FROM alert WHERE ended_at IS NULL")}


def told_by_others(connection: sqlite3.Connection) -> set[str]:
    """Return the ids of those open ones that no rule of ours made: whoever told of one tells of its end."""
    told = "SELECT id FROM alert WHERE ended_at IS NULL AND json_extract(labels, ?) IS NOT NULL"
    return {number for (number,) in connection.execute(told, (f"$.{TOLD_BY}",))}


def wake_shelved(connection: sqlite3.Connection, latest: int) -> None:
    """Let no open alert that nobody snoozed rest longer than to a time [ns UTC]: its shelf was reckoned by a clock that ran ahead."""
    connection.execute(
        "UPDATE alert SET snoozed_until = ?1 WHERE ended_at IS NULL AND snoozed_until > ?1 AND NOT EXISTS"
        " (SELECT 1 FROM alert_event e WHERE e.alert = alert.id AND e.kind = 'snoozed' AND e.actor <> '')",
        (latest,),
    )


def note_event(
    connection: sqlite3.Connection, alert: str, at: int, kind: str, actor: str = "", **detail: Any
) -> None:
    """Append what happened to an alert at a time [ns UTC]; `alert` is "" for what is of a silence or a rule."""
    connection.execute(
        "INSERT INTO alert_event (alert, at, kind, actor, detail) VALUES (?, ?, ?, ?, ?)",
        (alert, at, kind, actor, json.dumps(detail, allow_nan=False, ensure_ascii=False)),
    )


def begin(connection: sqlite3.Connection, raised: Raised) -> bool:
    """Store an alert that begins, and queue its line for InfluxDB; where its rule is shelved, nobody snoozed it.

    An id is of one rule, subject and instant: what fires again for an instant that had its alert is that alert, of which
    everything is stored and told.

    Returns
    -------
    bool
        Whether it is open. One that is over stays so: what lasts begins an alert at the next reading or instant.
    """
    made = connection.execute(
        f"INSERT INTO alert ({_COLUMNS}, texts, snoozed_until, comparison) VALUES (?, ?, 'firing', ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        (
            raised.id,
            raised.rule,
            raised.severity,
            raised.started_at,
            raised.value,
            raised.limit,
            raised.unit,
            json.dumps(dict(raised.labels), sort_keys=True),
            raised.summary,
            raised.description,
            json.dumps(in_both_languages(raised), ensure_ascii=False),
            raised.snoozed_until,
            raised.comparison,
        ),
    ).rowcount
    if not made:
        return raised.id in open_alerts(connection)
    _note_transition(connection, raised.id, "firing", raised.started_at, raised.value)
    if raised.snoozed_until:
        note_event(connection, raised.id, raised.started_at, "snoozed", until=raised.snoozed_until)
    return True


def end(connection: sqlite3.Connection, alert: str, time: int, value: float, unit: str | None = None) -> None:
    """Resolve an open alert at a time [ns UTC], not before it began; any other is left as it is.

    `value` becomes the one that resolved, unknown where it is in another unit than the alert; the texts go on telling what
    had fired.
    """
    ended = connection.execute(
        "UPDATE alert SET status = 'resolved', muted_by = '', ended_at = max(?1, started_at),"
        " value = iif(unit = coalesce(?2, unit), ?3, NULL) WHERE id = ?4 AND ended_at IS NULL RETURNING ended_at, value",
        (time, unit, value, alert),
    ).fetchone()
    if ended is not None:
        _note_transition(connection, alert, "resolved", *ended)


def _note_transition(
    connection: sqlite3.Connection, alert: str, kind: str, time: int, value: float | None
) -> None:
    value_of = {} if value is None or not math.isfinite(value) else {"value": value}
    note_event(connection, alert, time, kind, "", **value_of)
    _queue_line(connection, alert, kind == "firing", time)


def note_late(
    connection: sqlite3.Connection,
    rule: Condition,
    labels: Mapping[str, str],
    time: Times,
    value: Floats,
    now: int,
) -> None:
    """Keep breaches of a limit that came too late to wake anybody, and one retroactive event that sums them up."""
    times, values = time.tolist(), value.tolist()
    changed = connection.executemany(
        "INSERT OR IGNORE INTO late_breach VALUES (?, ?, ?)",
        zip([rule.name] * len(times), times, values, strict=True),
    ).rowcount
    if times and changed:
        worst = max(values) if rule.comparison(0).operator == ">" else min(values)
        note_event(
            connection, "", now, RETROACTIVE, rule=rule.name, labels=dict(labels), first=min(times), last=max(times),
            count=changed, worst=worst, unit=rule.unit,
        )  # fmt: skip


def _queue_line(connection: sqlite3.Connection, alert: str, firing: bool, time: int) -> None:
    """Queue a transition's line for InfluxDB."""
    rule, severity, labels, value, limit = connection.execute(
        'SELECT rule, severity, labels, value, "limit" FROM alert WHERE id = ?', (alert,)
    ).fetchone()
    line = alert_line(rule, severity, json.loads(labels), time, firing=firing, value=value, limit=limit)
    connection.execute("INSERT INTO influx_alert (line) VALUES (?)", (line,))
