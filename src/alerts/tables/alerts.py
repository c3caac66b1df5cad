"""Makes a judgement lasting: alert, its events, rule state, late breaches, InfluxDB line, in one transaction.

Nothing here begins or commits a transaction, and nothing tells anybody: whoever tells (`alerts.engine.telling`) reads the events
in the same transaction, so that an alert and the webhooks that tell of it are there together or not at all.
"""

import json
import math
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.judging.thresholds import Judgement, Shelf, Transition
from alerts.tables.notices import digest
from plant.languages import LANGUAGES, Language, number_text, passed_text
from plant.park import Bilingual, Plant, ThresholdRule
from store.influx.lines import alert_line

_COLUMNS = (
    'id, rule, status, severity, started_at, ended_at, value, "limit", unit, labels, summary, description'
)
_RULE_STATE = "rule, state, judged, alert, fired, shelved_until, subject"
RETROACTIVE = "retroactive"  # an event of late data: it tells nobody
UNKNOWN = "-"  # as a number, in a text

_PLACEHOLDER = re.compile(r"\{([a-z]+(?:\.[A-Za-z_][A-Za-z0-9_]*)?)\}")


@dataclass(frozen=True, slots=True)
class StoredRule:
    """Where a limit stands, as `alerts.judging.thresholds.RuleState` has it; `alert` is its open alert's id. Times are ns UTC.

    `subject` is what it judges: a limit of that name on something else is another one.
    """

    state: str
    judged: int
    alert: str | None
    fired: tuple[int, ...]
    shelved_until: int
    subject: str = ""


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


def rule_states(connection: sqlite3.Connection) -> dict[str, StoredRule]:
    """Return where each limit that ever judged stands, by its name."""
    rows = connection.execute(f"SELECT {_RULE_STATE} FROM rule_state")
    return {
        rule: StoredRule(state, judged, alert, tuple(json.loads(fired)), shelved_until, subject)
        for rule, state, judged, alert, fired, shelved_until, subject in rows
    }


def open_alerts(connection: sqlite3.Connection) -> set[str]:
    """Return the ids of all alerts that are not over."""
    return {number for (number,) in connection.execute("SELECT id FROM alert WHERE ended_at IS NULL")}


def wake_shelved(connection: sqlite3.Connection, latest: int) -> None:
    """Let no open alert that nobody snoozed rest longer than to a time [ns UTC]: its shelf was reckoned by a clock that ran ahead."""
    connection.execute(
        "UPDATE alert SET snoozed_until = ?1 WHERE ended_at IS NULL AND snoozed_until > ?1 AND NOT EXISTS"
        " (SELECT 1 FROM alert_event e WHERE e.alert = alert.id AND e.kind = 'snoozed' AND e.actor <> '')",
        (latest,),
    )


def save_rule_state(
    connection: sqlite3.Connection,
    rule: str,
    state: str,
    judged: int,
    alert: str | None,
    shelf: Shelf,
    subject: str = "",
) -> None:
    """Store where a limit stands, as `StoredRule` has it."""
    connection.execute(
        f"INSERT INTO rule_state ({_RULE_STATE}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (rule) DO UPDATE SET state = excluded.state,"
        " judged = excluded.judged, alert = excluded.alert, fired = excluded.fired, shelved_until = excluded.shelved_until,"
        " subject = excluded.subject",
        (rule, state, judged, alert, json.dumps(shelf.fired), shelf.until, subject),
    )


def note_rules_told(connection: sqlite3.Connection, firing: Iterable[str], now: int) -> None:
    """Remember of the limits of alerts, by their ids, that a receiver is told that they fire [ns UTC]."""
    rows = [(now, number) for number in firing]
    connection.executemany(
        "UPDATE rule_state SET told = ? WHERE rule = (SELECT rule FROM alert WHERE id = ?)", rows
    )


def rule_told(connection: sqlite3.Connection, rule: str) -> int:
    """Return when a receiver was told last that a limit fires [ns UTC; 0: never]."""
    row = connection.execute("SELECT told FROM rule_state WHERE rule = ?", (rule,)).fetchone()
    return int(row[0]) if row else 0


def drop_rule_states(connection: sqlite3.Connection, rules: Iterable[str]) -> None:
    """Forget where rules stand, by their names."""
    connection.executemany("DELETE FROM rule_state WHERE rule = ?", [(rule,) for rule in rules])


def note_event(
    connection: sqlite3.Connection, alert: str, at: int, kind: str, actor: str = "", **detail: Any
) -> None:
    """Append what happened to an alert at a time [ns UTC]; `alert` is "" for what is of a silence or a rule."""
    connection.execute(
        "INSERT INTO alert_event (alert, at, kind, actor, detail) VALUES (?, ?, ?, ?, ?)",
        (alert, at, kind, actor, json.dumps(detail, allow_nan=False, ensure_ascii=False)),
    )


def apply_judgement(
    connection: sqlite3.Connection,
    plant: Plant,
    rule: ThresholdRule,
    judgement: Judgement,
    alert: str | None,
    *,
    now: int,
) -> str | None:
    """Store a judgement with all that follows from it, and return the id of the alert that is open afterwards.

    Parameters
    ----------
    connection
        Inside a transaction of the caller's.
    alert
        The id of the alert that was open before.
    now
        When it was judged. [ns UTC]
    """
    for transition in judgement.transitions:
        if transition.firing:
            raised = _raised(plant, rule, transition)
            alert = raised.id if begin(connection, raised) else None
        else:
            if alert is not None:
                end(connection, alert, transition.time, transition.value)
            alert = None
    _note_late(connection, plant, rule, judgement, now)
    subject = subject_of(plant, rule)
    save_rule_state(connection, rule.name, judgement.state, judgement.judged, alert, judgement.shelf, subject)
    return alert


def subject_of(plant: Plant, rule: ThresholdRule) -> str:
    """Return what a limit judges, and in which unit: one that is moved to something else is another limit of that name."""
    of = plant.channels[rule.channel] if rule.channel >= 0 else plant.sources[rule.source]
    kind = "channel" if rule.channel >= 0 else "source"
    return f"{kind} {of.park}/{of.facility}/{of.name} {rule.unit}"


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


def _note_late(
    connection: sqlite3.Connection, plant: Plant, rule: ThresholdRule, judgement: Judgement, now: int
) -> None:
    """Keep breaches that came too late to wake anybody, and one retroactive event that sums them up."""
    times, values = judgement.late_time.tolist(), judgement.late_value.tolist()
    changed = connection.executemany(
        "INSERT OR IGNORE INTO late_breach VALUES (?, ?, ?)",
        zip([rule.name] * len(times), times, values, strict=True),
    ).rowcount
    if times and changed:
        worst = max(values) if rule.above else min(values)
        note_event(
            connection, "", now, RETROACTIVE, rule=rule.name, labels=_labels(plant, rule), first=min(times),
            last=max(times), count=changed, worst=worst, unit=rule.unit,
        )  # fmt: skip


def _raised(plant: Plant, rule: ThresholdRule, transition: Transition) -> Raised:
    labels = _labels(plant, rule)
    words = {
        **dict.fromkeys(("gateway", "channel", "source"), ""),
        **labels,
        "subject": "/".join(text for name, text in labels.items() if name != "gateway"),
        "unit": rule.unit,
    }
    by_language = {one: words | numbers_in(one, transition.value, rule.limit) for one in LANGUAGES}
    summary, description, first_action = (
        in_each(text, by_language) for text in (rule.summary, rule.description, rule.first_action)
    )
    texts: dict[str, Any] = {
        "summary": summary, "description": description, "first_action": first_action, "runbook": rule.runbook,
    }  # fmt: skip
    return Raised(
        id=alert_id(rule.name, transition.time),
        rule=rule.name,
        severity=rule.severity,
        started_at=transition.time,
        value=transition.value,
        limit=rule.limit,
        unit=rule.unit,
        labels=labels,
        summary=summary.get("en", ""),
        description=description.get("en", ""),
        texts={name: text for name, text in texts.items() if text},
        snoozed_until=transition.snoozed_until,
        comparison=">" if rule.above else "<",
    )


def _labels(plant: Plant, rule: ThresholdRule) -> dict[str, str]:
    labels = {"park": rule.park, "facility": rule.facility}
    if rule.channel >= 0:
        channel = plant.channels[rule.channel]
        return labels | {"gateway": channel.gateway, "channel": channel.name}
    return labels | {"source": plant.sources[rule.source].name}


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


def _queue_line(connection: sqlite3.Connection, alert: str, firing: bool, time: int) -> None:
    """Queue a transition's line for InfluxDB."""
    rule, severity, labels, value, limit = connection.execute(
        'SELECT rule, severity, labels, value, "limit" FROM alert WHERE id = ?', (alert,)
    ).fetchone()
    line = alert_line(rule, severity, json.loads(labels), time, firing=firing, value=value, limit=limit)
    connection.execute("INSERT INTO influx_alert (line) VALUES (?)", (line,))
