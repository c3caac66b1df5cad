"""The service's own pulse: whether it is ready and why not, its metrics, and a watchdog that ends a dead process."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from api.health import Health
from api.metrics import Family
from api.times import format_time
from stackmeter.clock_watch import ClockWatch
from store.webhooks import EndpointState

if TYPE_CHECKING:
    from stackmeter.service import Service

STALL_S = 120.0  # a thread that shows no beat for so long is stuck
LOOK_S = 1.0
HEAD_EVERY_S = 3600.0  # the head of the audit log is told so often
EXIT_SOFTWARE = 70
ALWAYS = 2**62  # ns: later than any minute


class Pulse:
    """Looks at a running service from outside its threads."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._started = time.time()

    def health(self) -> Health:
        """Return why the service is not ready, if so, and what is degraded."""
        s = self._service
        reasons, degradations = [], []
        if s.intake.paused:
            reasons.append("intake paused: no room for the journal; messages wait at the broker")
        if s.line_paused:
            reasons.append("state paused: no room for the state; messages are journalled and wait")
        if not s.subscriber.ready:
            reasons.append(f"broker not connected: {s.subscriber.last_error or 'connecting'}")
        if s.sparkplug is not None and not s.sparkplug.ready:
            reasons.append(f"Sparkplug not connected: {s.sparkplug.last_error or 'connecting'}")
        if s.subscriber.flapping:
            degradations.append(
                "the broker has ended our connection again and again within a minute: does another service run with our"
                " client id?"
            )
        if s.influx is not None and s.influx.statistics.last_error:
            degradations.append(f"InfluxDB: {s.influx.statistics.last_error}; its outbox keeps what it lacks")
        degradations += [
            f"channel_conflict: two meters seem to speak on {c.park}/{c.facility}/{c.name}"
            for c in (s.plant.channels[index] for index in sorted(s.line.conflicts))
        ]
        for webhook in s.webhooks.statistics():
            degradations += _webhook_troubles(webhook)
        return Health(tuple(reasons), tuple(degradations))

    def watch(self, stop: threading.Event) -> None:
        """End the process when a thread has died or stands still; whoever started it starts it again.

        Beside that: record that the clock was set, and tell the head of the audit log.
        """
        beats, moved = (-1, -1), time.monotonic()
        clock, told = ClockWatch(), -HEAD_EVERY_S
        while not stop.wait(LOOK_S):
            s = self._service
            if (step := clock.step()) is not None:
                s.record("clock.set", *map(format_time, step))
            if time.monotonic() - told > HEAD_EVERY_S:
                told = time.monotonic()
                s.tell_audit_head()
            dead = [t.name for t in s.threads if not t.is_alive()] + ([] if s.subscriber.alive else ["mqtt"])
            if dead:
                s.fail(EXIT_SOFTWARE, f"thread {', '.join(dead)} died")
            now = (s.intake.beats, s.line_beats)
            if now[0] != beats[0] and now[1] != beats[1]:
                beats, moved = now, time.monotonic()
            if time.monotonic() - moved > STALL_S:
                s.fail(EXIT_SOFTWARE, f"intake or line stood still for {STALL_S:g} s")

    def metrics(self) -> Mapping[str, Family]:
        """Return all metric families as they stand."""
        s = self._service
        with s.reader.snapshot() as snapshot:
            waiting = snapshot.outboxes()
            balances = snapshot.balance(0, ALWAYS)
        families = {
            "stackmeter_start_time_seconds": _gauge("When this process started.", self._started),
            "stackmeter_ready": _gauge("1 when ready.", float(self.health().ready)),
            "stackmeter_broker_connected": _gauge(
                "1 when connected and subscribed.", float(s.subscriber.ready)
            ),
            "stackmeter_broker_connections": _counter(
                "Connections made to the broker.", s.subscriber.connections
            ),
            "stackmeter_broker_sessions_lost": _counter(
                "Connections that found no session.", s.subscriber.sessions_lost
            ),
            "stackmeter_stale_acknowledgements": _counter(
                "Acknowledgements not sent because their connection was gone.",
                s.subscriber.stale_acknowledgements,
            ),
            "stackmeter_journal_messages": _counter(
                "Messages journalled by this process.", s.intake.received
            ),
            "stackmeter_journal_backlog": _gauge(
                "Messages journalled and not yet in the state.", s.journal.next - s.line.next
            ),
            "stackmeter_channel_conflicts": _gauge(
                "Channels on which two meters seem to speak.", len(s.line.conflicts)
            ),
            "stackmeter_intake_paused": _gauge("1 while the journal has no room.", float(s.intake.paused)),
            "stackmeter_qos0_dropped": _counter(
                "QoS 0 messages dropped because too many waited.", s.intake.dropped
            ),
            "stackmeter_influx_waiting_readings": _gauge(
                "Readings that InfluxDB has yet to get.", waiting.influx_readings
            ),
            "stackmeter_influx_waiting_hours": _gauge(
                "Source hours that InfluxDB has yet to get.", waiting.influx_hours
            ),
            "stackmeter_webhooks_waiting": _gauge("Webhooks not delivered yet.", waiting.webhooks),
            **_webhook_families(s.webhooks.statistics()),
        }
        with suppress(sqlite3.Error):  # left out while it cannot be read
            head = s.audit_head()
            rows = head.id if head else 0
            families["stackmeter_audit_rows"] = _gauge("Rows of the audit log; it never shrinks.", rows)
        if s.influx is not None:
            families["stackmeter_influx_points"] = _counter("Points sent.", s.influx.statistics.points_sent)
            families["stackmeter_influx_refused"] = _counter("Points refused.", s.influx.statistics.refused)
        # Gauges: a replay takes messages out of quarantine.
        for book in ("messages", "readings"):
            counts: dict[tuple[str, ...], float] = {
                (gateway, outcome): float(count)
                for gateway, balance in balances.items()
                for outcome, count in (balance.messages if book == "messages" else balance.readings).items()
            }
            help_text = f"The balance of {book}, by gateway and outcome."
            families[f"stackmeter_{book}"] = Family("gauge", help_text, counts, ("gateway", "outcome"))
        codes: dict[tuple[str, ...], float] = {
            (gateway, code): float(count)
            for gateway, balance in balances.items()
            for code, count in balance.codes.items()
        }
        families["stackmeter_refused_messages"] = Family(
            "gauge", "Messages quarantined or rejected, by gateway and code.", codes, ("gateway", "code")
        )
        return families


def _webhook_troubles(webhook: EndpointState) -> Iterator[str]:
    if webhook.disabled:
        yield f"webhook {webhook.endpoint}: answered 410 and gets nothing until a replay or another url"
    elif webhook.last_error:
        yield f"webhook {webhook.endpoint}: {webhook.last_error}"
    if webhook.dead:
        yield f"webhook {webhook.endpoint}: {webhook.dead} given up: stackmeter deliveries --dead shows them"


def _webhook_families(webhooks: Sequence[EndpointState]) -> dict[str, Family]:
    def family(kind: Literal["counter", "gauge"], text: str, values: Iterable[float]) -> Family:
        names = ((webhook.endpoint,) for webhook in webhooks)
        return Family(kind, text, dict(zip(names, map(float, values), strict=True)), ("endpoint",))

    return {
        "stackmeter_webhooks_delivered": family(
            "counter", "Attempts that an endpoint took.", (w.delivered for w in webhooks)
        ),
        "stackmeter_webhooks_failed": family(
            "counter", "Attempts that an endpoint did not take.", (w.failed for w in webhooks)
        ),
        "stackmeter_webhooks_dead": family(
            "gauge", "Webhooks given up until a replay.", (w.dead for w in webhooks)
        ),
        "stackmeter_webhooks_disabled": family(
            "gauge", "1 where an endpoint answered 410.", (w.disabled for w in webhooks)
        ),
    }


def _gauge(text: str, value: float) -> Family:
    return Family("gauge", text, {(): float(value)})


def _counter(text: str, value: float) -> Family:
    return Family("counter", text, {(): float(value)})
