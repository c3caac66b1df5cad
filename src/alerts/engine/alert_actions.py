"""What people do with alerts, taken at its place among the messages."""

import json
import math
from collections.abc import Callable
from typing import Any

import msgspec

from alerts.tables.actions import AlertAction, silence_id
from alerts.tables.alerts import Raised, alert_id, begin, end, note_event
from alerts.tables.notices import rfc3339
from alerts.tables.views import AlertView, alert, silences
from plant.alert_rules.matchers import matcher
from plant.alerting import TOLD_BY
from plant.vocabulary import NS_PER_DAY
from store.accounting.closing import DecisionRefused
from store.messages.journal import Message
from store.once import KeyUsed, is_noted
from store.state import State

LONGEST_SNOOZE = 30 * NS_PER_DAY
LONGEST_TEXT = 4000  # [characters]
MOST_MATCHERS = 20


class AlertActions:
    """Takes actions inside a transaction."""

    def __init__(self, state: State) -> None:
        self._state, self._connection = state, state.connection
        self._do: dict[str, Callable[[AlertAction, int], str]] = {
            "acknowledge": self._acknowledge,
            "snooze": self._snooze,
            "assign": self._assign,
            "comment": self._comment,
            "silence": self._silence,
            "unsilence": self._unsilence,
            "tell": self._tell,
        }

    def take(self, message: Message, offset: int) -> None:
        """Take one action and note its outcome, `done` or `refused`; whatever it is, the next one is taken. One that came before is left."""
        action, now = msgspec.json.decode(message.payload, type=AlertAction), message.received
        try:
            if is_noted(self._connection, action.id):
                return
            outcome, detail = "done", self._act(action, now)
        except (DecisionRefused, KeyUsed) as refusal:
            outcome, detail = "refused", str(refusal)
        self._state.closing.note(action.id, now, offset, action.by, action.action, "", 0, outcome, detail)

    def _act(self, action: AlertAction, now: int) -> str:
        if action.action not in self._do:
            raise DecisionRefused(f"no action {action.action!r}: {', '.join(self._do)}")
        if not action.by.strip():
            raise DecisionRefused("an action says who does it")
        if max(len(action.comment), len(action.to), len(action.by)) > LONGEST_TEXT:
            raise DecisionRefused(f"a text has at most {LONGEST_TEXT} characters")
        return self._do[action.action](action, now)

    def _acknowledge(self, action: AlertAction, now: int) -> str:
        """Note who is on it; it is neither repeated nor escalated from now on."""
        found = self._open(action)
        if found.acknowledged_at is not None:
            when = rfc3339(found.acknowledged_at)
            raise DecisionRefused(
                f"{found.acknowledged_by} has acknowledged it at {when}: assign it to hand it over"
            )
        self._connection.execute(
            "UPDATE alert SET status = 'acknowledged', acknowledged_at = ?, acknowledged_by = ? WHERE id = ?",
            (now, action.by, action.about),
        )
        self._note(action, now, "acknowledged")
        return f"acknowledged by {action.by}: neither repeated nor escalated"

    def _snooze(self, action: AlertAction, now: int) -> str:
        """Let an alert rest until a time."""
        self._open(action)
        if not now < action.until <= now + LONGEST_SNOOZE:
            raise DecisionRefused("a snooze ends in the next 30 days")
        self._connection.execute(
            "UPDATE alert SET snoozed_until = ? WHERE id = ?", (action.until, action.about)
        )
        self._note(action, now, "snoozed", until=action.until)
        return f"snoozed until {rfc3339(action.until)}"

    def _assign(self, action: AlertAction, now: int) -> str:
        """Hand an alert over."""
        found = self._open(action)
        if not action.to.strip():
            raise DecisionRefused("say whom to hand it over to")
        if found.assigned_to == action.to:
            raise DecisionRefused(f"it is assigned to {action.to} already")
        self._connection.execute("UPDATE alert SET assigned_to = ? WHERE id = ?", (action.to, action.about))
        self._note(action, now, "assigned", to=action.to)
        return f"assigned to {action.to}"

    def _comment(self, action: AlertAction, now: int) -> str:
        """Keep what somebody says of an alert."""
        self._known(action)
        if not action.comment.strip():
            raise DecisionRefused("a comment has a text")
        self._note(action, now, "commented")
        return "commented"

    def _silence(self, action: AlertAction, now: int) -> str:
        """Make a silence."""
        if action.until <= now:
            raise DecisionRefused("a silence ends later than now")
        if not 0 < len(action.match) <= MOST_MATCHERS:
            raise DecisionRefused(f"a silence has 1 to {MOST_MATCHERS} matchers")
        if not action.comment.strip():
            raise DecisionRefused("a silence says why, in its comment")
        try:
            match = [str(matcher(text)) for text in action.match]
        except ValueError as error:
            raise DecisionRefused(str(error)) from None
        number = silence_id(action.id)
        self._connection.execute(
            "INSERT INTO silence (id, match, start, finish, actor, comment) VALUES (?, ?, ?, ?, ?, ?)",
            (number, json.dumps(match, ensure_ascii=False), now, action.until, action.by, action.comment),
        )
        self._note(action, now, "silenced", silence=number, until=action.until)
        return f"{number} silences {', '.join(match)} until {rfc3339(action.until)}"

    def _unsilence(self, action: AlertAction, now: int) -> str:
        """End a silence."""
        found = next((one for one in silences(self._connection) if one.id == action.about), None)
        if found is None:
            raise DecisionRefused(f"there is no silence {action.about!r}")
        if found.finish <= now:
            by = f", by {found.ended_by}" if found.ended_by else ""
            raise DecisionRefused(f"it ended at {rfc3339(found.finish)} already{by}")
        self._connection.execute(
            "UPDATE silence SET finish = ?, ended_by = ? WHERE id = ?", (now, action.by, action.about)
        )
        self._note(action, now, "unsilenced", silence=action.about)
        return f"ended by {action.by}"

    def _tell(self, action: AlertAction, _now: int) -> str:
        """Let alerts of another program begin and end: one is of its rule, its labels and its beginning."""
        for one in action.told:
            labels = {**one.labels, TOLD_BY: action.by}
            number = alert_id(json.dumps([one.rule, labels], sort_keys=True), one.started_at)
            if one.ended_at:
                end(self._connection, number, one.ended_at, math.nan)
                continue
            texts = one.texts | ({"runbook": one.runbook} if one.runbook else {})
            begin(
                self._connection,
                Raised(
                    number, one.rule, one.severity, one.started_at, math.nan, math.nan, "", labels,
                    one.summary, one.description, texts,
                ),
            )  # fmt: skip
        return f"{len(action.told)} alerts of {action.by}"

    def _note(self, action: AlertAction, now: int, kind: str, **detail: Any) -> None:
        """Append what was done to what happened to the alert, or to none where it is of a silence."""
        said = {"comment": action.comment} if action.comment else {}
        about = "" if "silence" in detail else action.about
        note_event(self._connection, about, now, kind, action.by, **detail, **said)

    def _known(self, action: AlertAction) -> AlertView:
        found = alert(self._connection, action.about)
        if found is None:
            raise DecisionRefused(f"there is no alert {action.about!r}")
        return found

    def _open(self, action: AlertAction) -> AlertView:
        found = self._known(action)
        if found.ended_at is not None:
            raise DecisionRefused(f"it is over since {rfc3339(found.ended_at)}: only comments are taken")
        return found
