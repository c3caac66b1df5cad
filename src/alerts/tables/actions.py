"""What people do with alerts: journalled like decisions of reporting periods, under a topic of their own."""

import json
import sqlite3
from collections.abc import Sequence

import msgspec

from alerts.tables.alerts import note_event
from alerts.tables.notices import digest
from store.messages.journal import DECISION, Message

TOPIC = b"$stackmeter/alert-action"  # no subscription of ours matches it
ACTIONS = ("acknowledge", "snooze", "assign", "comment", "silence", "unsilence")


class AlertAction(msgspec.Struct, frozen=True):
    """What somebody does: `action` is one of ACTIONS, `about` the id of an alert, or with unsilence of a silence.

    `until` [ns UTC] ends a snooze or a silence, `to` is whom an alert is handed over to, `match` are a silence's matchers.
    """

    id: str
    by: str
    action: str
    about: str = ""
    comment: str = ""
    to: str = ""
    until: int = 0
    match: tuple[str, ...] = ()

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, TOPIC, msgspec.json.encode(self), DECISION)


def silence_id(action: str) -> str:
    """Return the id of the silence that an action made: the same at any replay."""
    return f"silence_{digest(action)}"


def acknowledge(connection: sqlite3.Connection, action: AlertAction, now: int) -> None:
    """Note who is on it; it is neither repeated nor escalated from now on."""
    connection.execute(
        "UPDATE alert SET status = 'acknowledged', acknowledged_at = ?, acknowledged_by = ? WHERE id = ?",
        (now, action.by, action.about),
    )
    note_event(connection, action.about, now, "acknowledged", action.by, **_said(action))


def snooze(connection: sqlite3.Connection, action: AlertAction, now: int) -> None:
    """Let an alert rest until a time."""
    connection.execute("UPDATE alert SET snoozed_until = ? WHERE id = ?", (action.until, action.about))
    note_event(connection, action.about, now, "snoozed", action.by, until=action.until, **_said(action))


def assign(connection: sqlite3.Connection, action: AlertAction, now: int) -> None:
    """Hand an alert over."""
    connection.execute("UPDATE alert SET assigned_to = ? WHERE id = ?", (action.to, action.about))
    note_event(connection, action.about, now, "assigned", action.by, to=action.to, **_said(action))


def comment(connection: sqlite3.Connection, action: AlertAction, now: int) -> None:
    """Keep what somebody says of an alert."""
    note_event(connection, action.about, now, "commented", action.by, **_said(action))


def silence(connection: sqlite3.Connection, action: AlertAction, match: Sequence[str], now: int) -> str:
    """Make a silence and return its id; `match` are its matchers in normal form."""
    number = silence_id(action.id)
    connection.execute(
        "INSERT INTO silence (id, match, start, finish, actor, comment) VALUES (?, ?, ?, ?, ?, ?)",
        (number, json.dumps(list(match), ensure_ascii=False), now, action.until, action.by, action.comment),
    )
    note_event(
        connection, "", now, "silenced", action.by, silence=number, until=action.until, **_said(action)
    )
    return number


def unsilence(connection: sqlite3.Connection, action: AlertAction, now: int) -> None:
    """End a silence."""
    connection.execute(
        "UPDATE silence SET finish = ?, ended_by = ? WHERE id = ?", (now, action.by, action.about)
    )
    note_event(connection, "", now, "unsilenced", action.by, silence=action.about, **_said(action))


def _said(action: AlertAction) -> dict[str, str]:
    return {"comment": action.comment} if action.comment else {}
