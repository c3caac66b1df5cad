"""In which order an endpoint is told: first in, first out among all alerts that a receiver takes for one by their labels.

Each event is about the fingerprints of its alerts. An older event that is about one of them, and that the endpoint has yet to
take, holds it up, until that is taken or given up. So what a receiver heard last of some labels is how they stand. `held` says
so of an event that waits; triggers of the schema keep it, so that no look at the outbox has to ask of each event again.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

# Conditions on a row of the table `webhook`: an event of its labels waits or was given up; one of its alerts goes on.
NEEDED = """EXISTS (
  SELECT 1 FROM webhook_about mine JOIN webhook_about other ON other.endpoint = mine.endpoint
    AND other.fingerprint = mine.fingerprint AND other.state > 0
  WHERE mine.webhook = webhook.id)"""
GOES_ON = """EXISTS (
  SELECT 1 FROM webhook_about mine JOIN alert ON alert.id = mine.alert
  WHERE mine.webhook = webhook.id AND alert.ended_at IS NULL)"""


def with_following(chosen: str) -> str:
    """Return the SQL of a table `again` with the ids of the events that are chosen, and of all that followed for the same labels."""
    return f"""
    WITH RECURSIVE again (id) AS (
      SELECT id FROM webhook WHERE {chosen}
      UNION
      SELECT later.webhook FROM again JOIN webhook_about mine ON mine.webhook = again.id
      JOIN webhook_about later ON later.endpoint = mine.endpoint AND later.fingerprint = mine.fingerprint
        AND later.webhook = (SELECT min(webhook) FROM webhook_about WHERE endpoint = mine.endpoint
          AND fingerprint = mine.fingerprint AND webhook > mine.webhook)
    )"""


def hold_again(connection: sqlite3.Connection, webhooks: Iterable[int]) -> None:
    """Note of events that wait again which of them an older one holds up."""
    connection.executemany(
        "UPDATE webhook SET held = EXISTS (SELECT 1 FROM webhook_held WHERE webhook = ?1) WHERE id = ?1",
        [(one,) for one in webhooks],
    )


def fingerprint(rule: str, labels: Mapping[str, str]) -> str:
    """Return what a receiver takes alerts for one by: their rule and labels. Severity is left out, which a rule may change."""
    return sha256(json.dumps([rule, sorted(labels.items())]).encode()).hexdigest()[:32]


def note_about(connection: sqlite3.Connection, webhook: int, alerts: Iterable[Mapping[str, Any]]) -> None:
    """Note which alerts an event that was queued tells of, each as its notice has it."""
    rows = [
        (fingerprint(one["rule"], one["labels"]), one["id"], one["status"] == "resolved", webhook)
        for one in alerts
    ]
    connection.executemany(
        "INSERT INTO webhook_about (webhook, fingerprint, alert, endpoint, is_end)"
        " SELECT id, ?1, ?2, endpoint, ?3 FROM webhook WHERE id = ?4 ON CONFLICT DO UPDATE SET is_end = excluded.is_end",
        rows,
    )


def heard_ends(connection: sqlite3.Connection, endpoint: str, alerts: Iterable[str]) -> set[str]:
    """Return those of some alerts, by their ids, whose end an endpoint was told already, or is about to be."""
    ends = "SELECT 1 FROM webhook_about WHERE alert = ? AND endpoint = ? AND is_end AND state < 2 LIMIT 1"
    return {one for one in alerts if connection.execute(ends, (one, endpoint)).fetchone() is not None}


def fires_since(connection: sqlite3.Connection, endpoint: str, over: Mapping[str, Any]) -> str | None:
    """Return the alert of the same labels, by its id, that an endpoint was told of before the end of this one, if it goes on."""
    row = connection.execute(
        "SELECT last.alert FROM (SELECT alert, is_end FROM webhook_about WHERE endpoint = ? AND fingerprint = ?"
        " ORDER BY webhook DESC, is_end LIMIT 1) last JOIN alert ON alert.id = last.alert"
        " WHERE NOT last.is_end AND last.alert <> ? AND alert.ended_at IS NULL",
        (endpoint, fingerprint(over["rule"], over["labels"]), over["id"]),
    ).fetchone()
    return None if row is None else str(row[0])
