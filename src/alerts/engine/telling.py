"""Tells receivers of alerts as the routes say: notices and what they were made of, in one transaction."""

import json
import sqlite3
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from alerts.tables.alerts import note_event
from alerts.tables.notices import save_group, send, told_groups
from alerts.tables.rule_states import note_limits_told
from alerts.tables.views import silences
from alerts.telling.groups import Notice
from alerts.telling.muting import SNOOZE, Alert, Mute, Silence
from alerts.telling.routing import Router, Telling
from plant.alert_rules.matchers import matcher
from plant.park import Plant
from plant.vocabulary import FOREVER, NEVER

_ALERTS = "SELECT id, rule, severity, labels, started_at, ended_at, acknowledged_at, snoozed_until, muted_by FROM alert"


class Teller:
    """Looks again whenever something happened to an alert, or the time has come that the last look named.

    It is asked at the end of every transaction that may have changed an alert, so that of all that is stored when it begins
    whoever is to know was told.
    """

    def __init__(self, plant: Plant, connection: sqlite3.Connection, api_url: str, key: bytes = b"") -> None:
        """Note what has happened so far; `key` signs the links by which alerts can be acknowledged, b"" gives none."""
        self._connection, self._api_url, self._key = connection, api_url, key
        self._webhooks = {webhook.name: webhook for webhook in plant.webhooks}
        self._limits = {rule.name for rule in plant.rules}
        zones = {park.name: park.zone for park in plant.parks}
        self._router = Router(plant.routing, self._webhooks, zones)
        self.forget()

    def forget(self) -> None:
        """Look again at the next instant, as after a rollback or a restart."""
        self._seen, self._looked, self._wake = self._newest_event(), FOREVER, NEVER

    def tell(self, now: int) -> None:
        """Queue the notices that are due at an instant [ns UTC]."""
        newest = self._newest_event()
        if newest == self._seen and self._looked <= now < self._wake:
            return
        telling = self._decide(now)
        self._keep(telling, now)
        self._show(telling.mutes, now)
        self._seen, self._looked, self._wake = self._newest_event(), now, telling.wake

    def _decide(self, now: int) -> Telling:
        before = told_groups(self._connection)
        still = self._connection.execute(f"{_ALERTS} WHERE ended_at IS NULL").fetchall()
        is_open = {row[0] for row in still}
        told = {number for group in before for number in group.told}
        gone = self._named((told | self._passed()) - is_open)
        over = self._named({row[-1] for row in still} - is_open)
        return self._router.decide(
            [_alert(*row) for row in (*still, *gone)],
            before,
            self._silences(now),
            now,
            [_alert(*row) for row in over],
        )

    def _newest_event(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(id), 0) FROM alert_event").fetchone()[0])

    def _named(self, numbers: AbstractSet[str]) -> list[tuple[Any, ...]]:
        """Return the alerts of some ids; a silence's or a window's name is that of none."""
        asked = [self._connection.execute(f"{_ALERTS} WHERE id = ?", (one,)) for one in sorted(numbers)]
        return [row for rows in asked for row in rows]

    def _passed(self) -> set[str]:
        """Return the alerts that both began and ended since the last look."""
        rows = self._connection.execute(
            "SELECT alert FROM alert_event WHERE id > ? AND kind IN ('firing', 'resolved') GROUP BY alert HAVING count(*) = 2",
            (self._seen,),
        )
        return {number for (number,) in rows}

    def _silences(self, now: int) -> list[Silence]:
        found = silences(self._connection, since=now)
        return [Silence(one.id, tuple(matcher(text) for text in one.match), one.finish) for one in found]

    def _keep(self, telling: Telling, now: int) -> None:
        for notice in telling.notices:
            send(
                self._connection,
                self._webhooks[notice.endpoint],
                notice,
                telling.covered,
                now=now,
                api_url=self._api_url,
                key=self._key,
            )
            note_limits_told(self._connection, self._limits, notice.firing, now)
            self._note_escalation(notice, now)
        for (receiver, name), group in telling.groups.items():
            save_group(
                self._connection, receiver, name, None if group is None else msgspec.json.encode(group)
            )

    def _note_escalation(self, notice: Notice, now: int) -> None:
        for number in notice.firing if notice.escalation else ():
            note_event(
                self._connection, number, now, "escalated", step=notice.escalation, told=notice.endpoint
            )

    def _show(self, mutes: Mapping[str, Mute], now: int) -> None:
        """Give every open alert the status that people see, and note what keeps it from being told."""
        rows = self._connection.execute(
            "SELECT id, status, muted_by, acknowledged_at FROM alert WHERE ended_at IS NULL"
        ).fetchall()
        for number, status, muted_by, acknowledged_at in rows:
            mute = mutes.get(number)
            by = mute.by if mute else ""
            shown = "acknowledged" if acknowledged_at is not None else mute.status if mute else "firing"
            if (shown, by) != (status, muted_by):
                self._connection.execute(
                    "UPDATE alert SET status = ?, muted_by = ? WHERE id = ?", (shown, by, number)
                )
            if mute and by not in (muted_by, SNOOZE):
                note_event(self._connection, number, now, mute.status, by=by)


def _alert(
    number: str,
    rule: str,
    severity: str,
    labels: str,
    started_at: int,
    ended_at: int | None,
    acknowledged_at: int | None,
    snoozed_until: int,
    _muted_by: str,
) -> Alert:
    return Alert(
        id=number,
        labels={**json.loads(labels), "rule": rule, "severity": severity},
        started_at=started_at,
        ended_at=ended_at,
        acknowledged=acknowledged_at is not None,
        snoozed_until=snoozed_until,
    )
