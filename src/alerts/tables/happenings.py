"""What happened to alerts, one after the other, and where: what a live view follows. Any connection may read."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_HAPPENINGS = "SELECT e.id, e.alert, e.at, e.kind, e.actor, e.detail, a.labels FROM alert_event AS e JOIN alert AS a ON a.id = e.alert"


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to an alert at a time [ns UTC], and where the alert is; `id` grows with each."""

    id: int
    alert: str
    at: int
    kind: str
    actor: str  # "" where nobody did it
    detail: Mapping[str, Any]
    park: str
    facility: str


def newest_happening(connection: sqlite3.Connection) -> int:
    """Return the id of the newest alert event, 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM alert_event").fetchone()[0])


def happenings(connection: sqlite3.Connection, after: int, most: int) -> list[Happening]:
    """Return what happened to alerts after an id, the newest `most` of it, oldest first."""
    rows = connection.execute(
        f"{_HAPPENINGS} WHERE e.id > ? ORDER BY e.id DESC LIMIT ?", (after, most)
    ).fetchall()
    return [_happening(row) for row in reversed(rows)]


def _happening(row: Sequence[Any]) -> Happening:
    number, alert, at, kind, actor, detail, labels = row
    place = json.loads(labels)
    return Happening(
        number, alert, at, kind, actor, json.loads(detail), place.get("park", ""), place.get("facility", "")
    )
