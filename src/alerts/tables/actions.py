"""What people do with alerts: journalled like decisions of reporting periods, under a topic of their own."""

import msgspec

from alerts.tables.notices import digest
from store.messages.journal import DECISION, Message

TOPIC = b"$stackmeter/alert-action"  # no subscription of ours matches it


class OutsideAlert(msgspec.Struct, frozen=True):
    """What another program says of an alert of its own; `ended_at` is 0 while it fires [both ns UTC].

    `texts` are those of an alert of ours, by name and language; another program has none.
    """

    rule: str
    severity: str
    labels: dict[str, str]
    summary: str
    description: str
    runbook: str
    started_at: int
    ended_at: int = 0
    texts: dict[str, dict[str, str]] = {}


class AlertAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody does: `action` is acknowledge, snooze, assign, comment, silence, unsilence or tell.

    `about` is the id of an alert, or with unsilence of a silence; `until` [ns UTC] ends a snooze or a silence, `to` is whom an
    alert is handed over to, `match` are a silence's matchers, `told` the alerts of another program.
    """

    id: str
    by: str
    action: str
    about: str = ""
    comment: str = ""
    to: str = ""
    until: int = 0
    match: tuple[str, ...] = ()
    told: tuple[OutsideAlert, ...] = ()

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, TOPIC, msgspec.json.encode(self), DECISION)


def silence_id(action: str) -> str:
    """Return the id of the silence that an action made: the same at any replay."""
    return f"silence_{digest(action)}"
