"""What an endpoint is sent at intervals beside its events: never queued, so that one that is missed is not sent later."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol

from alerts.tables.webhooks import WebhookOutbox
from plant.park import Webhook
from plant.vocabulary import NS_PER_MIN, NS_PER_S

REPEAT = NS_PER_MIN  # Alertmanager forgets an alert that is not repeated, after 5 min by default


@dataclass(frozen=True, slots=True)
class RegularMessage:
    """A message beside the events, with an id of its own."""

    event_id: str
    body: bytes


class Regular(Protocol):
    """Something that is sent at intervals, and may want to know what became of the endpoint's events."""

    def due(self, outbox: WebhookOutbox, now: int) -> RegularMessage | None:
        """Return what to send now [ns UTC], if anything; it is not offered again before its next time."""

    def note(self, alert: str, body: bytes | None) -> None:
        """Learn the newest event that the endpoint took of an alert; None where it was given up."""


def regular(endpoint: Webhook) -> Iterator[Regular]:
    """Yield what an endpoint is sent at intervals."""
    if endpoint.heartbeat:
        yield Heartbeat(endpoint)
    if endpoint.kind == "alertmanager-api":
        yield FiringAlerts(endpoint)


class Interval:
    """Says when the next time has come; a clock that went back does not stop it."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._last: int | None = None

    def is_over(self, now: int) -> bool:
        """Tell whether it is over at an instant [ns UTC], and let the next one begin then."""
        if self._last is not None and 0 <= now - self._last < self._length:
            return False
        self._last = now
        return True


class Heartbeat:
    """Tells that the service lives: whoever misses it for some intervals should look."""

    def __init__(self, endpoint: Webhook) -> None:
        self._name = endpoint.name
        self._interval = Interval(endpoint.heartbeat)

    def due(self, _outbox: WebhookOutbox, now: int) -> RegularMessage | None:
        """Return a heartbeat at each interval."""
        if not self._interval.is_over(now):
            return None
        told = {
            "type": "heartbeat",
            "timestamp": f"{datetime.fromtimestamp(now // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "data": {"service": "stackmeter"},
        }
        return RegularMessage(
            f"heartbeat_{_digest(self._name, now)}", json.dumps(told, separators=(",", ":")).encode()
        )

    def note(self, alert: str, body: bytes | None) -> None:
        """Know no alerts."""


class FiringAlerts:
    """Repeats to an Alertmanager what fires, until the end of it is on its way."""

    def __init__(self, endpoint: Webhook) -> None:
        self._name = endpoint.name
        self._interval = Interval(REPEAT)
        self._firing: dict[str, bytes] | None = None  # None: not read yet

    def due(self, outbox: WebhookOutbox, now: int) -> RegularMessage | None:
        """Return all alerts that the Alertmanager knows as firing, in one message, once a minute."""
        if not self._interval.is_over(now):
            return None
        if self._firing is None:
            bodies = outbox.newest_delivered(self._name)
            self._firing = {alert: body for alert, body in bodies.items() if _fires(body)}
        ending = outbox.waiting_alerts(self._name)
        alerts = [
            one for alert, body in self._firing.items() if alert not in ending for one in json.loads(body)
        ]
        if not alerts:
            return None
        told = json.dumps(alerts, separators=(",", ":")).encode()
        return RegularMessage(f"repeat_{_digest(self._name, now)}", told)

    def note(self, alert: str, body: bytes | None) -> None:
        """Learn what the Alertmanager knows of an alert."""
        if self._firing is None:
            return
        if body is not None and _fires(body):
            self._firing[alert] = body
        else:
            self._firing.pop(alert, None)


def _fires(body: bytes) -> bool:
    return all("endsAt" not in one for one in json.loads(body))


def _digest(*parts: str | int) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()[:32]
