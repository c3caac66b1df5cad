"""Alerts as people ask for them: lists with a cursor, one with its events, and silences. Any connection may read."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.tables.alerts import RETROACTIVE
from plant.vocabulary import FOREVER

STATUSES = ("firing", "acknowledged", "silenced", "inhibited", "resolved")
_COLUMNS = (
    'id, rule, status, severity, started_at, ended_at, value, "limit", unit, labels, summary, description, texts,'
    " muted_by, acknowledged_at, acknowledged_by, assigned_to, snoozed_until, comparison"
)
_IN_PLACES = (
    "EXISTS (SELECT 1 FROM json_each(?) AS place WHERE json_extract(labels, '$.park') = json_extract(place.value, '$[0]')"
    " AND json_extract(place.value, '$[1]') IN ('', json_extract(labels, '$.facility')))"
)
_JSON = (9, 12)  # columns: labels, texts
_INT64 = re.compile("-?[0-9]{1,19}")  # and what of these 64 bits cannot hold


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as it stands; times are ns UTC, `snoozed_until` is 0 where it is not snoozed."""

    id: str
    rule: str
    status: str  # one of STATUSES
    severity: str
    started_at: int
    ended_at: int | None
    value: float | None
    limit: float | None
    unit: str
    labels: Mapping[str, str]
    summary: str
    description: str
    texts: Mapping[str, Any]
    muted_by: str  # the silence, maintenance window or alert that keeps it from being told
    acknowledged_at: int | None
    acknowledged_by: str
    assigned_to: str
    snoozed_until: int
    comparison: str = ""  # what was true of value and limit when it fired: >, >=, <, <=, == or !=


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Alerts, the newest first, and the cursor that asks for those after them; "" where there are none."""

    alerts: Sequence[AlertView]
    after: str


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """What happened at a time [ns UTC], and who did it; "" where nobody did."""

    id: int
    alert: str
    at: int
    kind: str
    actor: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SilenceView:
    """What somebody silenced: [start, finish) ns UTC. `match` is as it was written."""

    id: str
    match: Sequence[str]
    start: int
    finish: int
    actor: str
    comment: str
    ended_by: str


def find_alerts(
    connection: sqlite3.Connection,
    *,
    status: str | None = None,
    park: str | None = None,
    facility: str | None = None,
    rule: str | None = None,
    severity: str | None = None,
    places: Sequence[tuple[str, str]] = (),
    after: str = "",
    most: int = 100,
) -> AlertPage:
    """Return alerts that are all that is asked for, the newest first, at most `most`.

    Parameters
    ----------
    status
        One of STATUSES, or `open` for all but resolved.
    places
        Only of these (park, facility), with "" for all of a park; () for all, also of no park.
    after
        The cursor of the page before.

    Raises
    ------
    ValueError
        The cursor is none of ours.
    """
    wanted = {
        "status": None if status == "open" else status,
        "json_extract(labels, '$.park')": park,
        "json_extract(labels, '$.facility')": facility,
        "rule": rule,
        "severity": severity,
    }
    given = {column: value for column, value in wanted.items() if value is not None}
    where = [f"{column} = ?" for column in given] + (["ended_at IS NULL"] if status == "open" else [])
    values: list[Any] = list(given.values())
    if places:
        where.append(_IN_PLACES)
        values.append(json.dumps(places))
    if after:
        where.append("(started_at, id) < (?, ?)")
        values += _place(after)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM alert WHERE {' AND '.join(where) or '1'} ORDER BY started_at DESC, id DESC LIMIT ?",
        (*values, most + 1),
    ).fetchall()
    views = [_view(row) for row in rows[:most]]
    return AlertPage(views, f"{views[-1].started_at}.{views[-1].id}" if len(rows) > most else "")


def alert(connection: sqlite3.Connection, number: str) -> AlertView | None:
    """Return one alert, None where there is none of that id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM alert WHERE id = ?", (number,)).fetchone()
    return None if row is None else _view(row)


def told_with(connection: sqlite3.Connection, number: str, endpoint: str, most: int) -> list[AlertView]:
    """Return the other open alerts that an endpoint was told of in one group with an alert, the oldest first, at most `most`."""
    rows = connection.execute(
        f"""
        WITH told (content) AS (
          SELECT iif(json_valid(CAST(content AS TEXT)), CAST(content AS TEXT), '{{}}') FROM alert_group
        )
        SELECT {_COLUMNS} FROM alert WHERE ended_at IS NULL AND id <> ?1 AND id IN (
          SELECT other.key FROM told, json_each(content, '$.told') mine, json_each(content, '$.told') other
          WHERE mine.key = ?1 AND ?2 IN (SELECT value FROM json_each(mine.value, '$.endpoints'))
            AND ?2 IN (SELECT value FROM json_each(other.value, '$.endpoints'))
        ) ORDER BY started_at, id LIMIT ?3
        """,
        (number, endpoint, most),
    )
    return [_view(row) for row in rows]


def explained_by(connection: sqlite3.Connection, number: str, most: int) -> list[AlertView]:
    """Return the open alerts that one stands for, the oldest first, at most `most`."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM alert WHERE ended_at IS NULL AND muted_by = ? ORDER BY started_at, id LIMIT ?",
        (number, most),
    )
    return [_view(row) for row in rows]


def alert_events(connection: sqlite3.Connection, number: str) -> list[AlertEvent]:
    """Return what happened to an alert, in the order in which it was noted; "" is for what is of silences and rules."""
    rows = connection.execute(
        "SELECT id, alert, at, kind, actor, detail FROM alert_event WHERE alert = ? ORDER BY id", (number,)
    )
    return [
        AlertEvent(number, of, at, kind, actor, json.loads(detail))
        for number, of, at, kind, actor, detail in rows
    ]


def retroactive_events(connection: sqlite3.Connection, before: int | None = None) -> Iterator[AlertEvent]:
    """Yield what late data showed that no alert had told of, the newest first; with `before` those before an event's number."""
    rows = connection.execute(
        "SELECT id, alert, at, kind, actor, detail FROM alert_event"
        " WHERE alert = '' AND kind = ? AND id < ? ORDER BY id DESC",
        (RETROACTIVE, FOREVER if before is None else before),
    )
    for number, of, at, kind, actor, detail in rows:
        yield AlertEvent(number, of, at, kind, actor, json.loads(detail))


def silences(connection: sqlite3.Connection, since: int = 0) -> list[SilenceView]:
    """Return silences that end after an instant [ns UTC], the one that ends first first; all by default."""
    rows = connection.execute(
        "SELECT id, match, start, finish, actor, comment, ended_by FROM silence WHERE finish > ? ORDER BY finish, id",
        (since,),
    )
    return [SilenceView(row[0], json.loads(row[1]), *row[2:]) for row in rows]


def _view(row: Sequence[Any]) -> AlertView:
    values = list(row)
    for place in _JSON:
        values[place] = json.loads(values[place])
    return AlertView(*values)


def _place(cursor: str) -> tuple[int, str]:
    started_at, _, number = cursor.partition(".")
    if not (_INT64.fullmatch(started_at) and number and -(2**63) <= int(started_at) < 2**63):
        raise ValueError(f"{cursor!r} is no cursor: take `after` of the page before")
    return int(started_at), number
