"""Takes alerts' webhooks from the outbox to their endpoints, each endpoint at its own pace, until they were taken."""

import logging
import random
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from alerts.tables.webhook_acts import Delivery
from alerts.tables.webhooks import EndpointState, WaitingWebhook, WebhookOutbox, address_of
from notify import schedule
from notify.addresses import Doors
from notify.chat import ChatClient
from notify.chat_message import NOWHERE
from notify.regular import Interval, regular
from notify.webhook import Attempt, EndpointClient, WebhookClient
from plant.park import Webhook
from plant.places import Places
from plant.vocabulary import NS_PER_MIN, NS_PER_S
from store.messages.steps import StepLog

POLL = 0.2  # s between two looks into an outbox that had nothing due
PRUNE_EVERY = 10 * NS_PER_MIN
BITE_PAUSE = 0.05  # s between two bites, in which others may write
DATABASE_PAUSE = 1.0  # s before the next try where the database is busy or full
NS_PER_MS = 1_000_000

_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})

log = logging.getLogger(__name__)


class WebhookSender:
    """Sends what waits in a state database to its endpoints.

    Parameters
    ----------
    database
        The state database; each thread opens it for itself.
    endpoints
        Who is told.
    clock
        Gives the time [ns UTC].
    crash
        Called at "webhook_before_send" and "webhook_after_2xx", where a test may end the process.
    own
        Doors of the service's own, which are no receivers.
    places
        What people call the places, and what their clocks say, for messages in chat and mail.
    jitter
        Gives random numbers in [0, 1).

    Raises
    ------
    EndpointError
        An endpoint's URL or secret cannot be used.
    """

    def __init__(
        self,
        database: Path,
        endpoints: Iterable[Webhook],
        clock: Callable[[], int],
        crash: Callable[[str], None],
        *,
        own: Doors = (),
        places: Places = NOWHERE,
        log: StepLog | None = None,
        jitter: Callable[[], float] = random.random,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database, self._log = database, log
        self._endpoints = list(endpoints)
        self._couriers = [
            _Courier(one, _client(one, own, places), clock, crash, jitter, may_send)
            for one in self._endpoints
        ]
        self._keeper = _Keeper(clock)

    def step(self) -> int:
        """Send all that is due and forget what is old, in the caller's thread; return how many attempts were made."""
        stop = threading.Event()
        with closing(WebhookOutbox(self._database, self._log)) as outbox:
            made = sum(courier.drain(outbox, stop) for courier in self._couriers)
            self._keeper.drain(outbox, stop)
        return made

    def workers(self, stop: threading.Event) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the name and the work of each thread: one for each endpoint, and one more that forgets what is old.

        Each works until `stop` is set, and finishes an attempt that is under way; what nobody foresaw is raised, and it
        may be called again.
        """
        workers: list[_Courier | _Keeper] = [*self._couriers, self._keeper]
        for worker in workers:
            yield f"webhook {worker.name}", partial(self._serve, worker, stop)

    def statistics(self) -> list[EndpointState]:
        """Return each endpoint's state as it stands; from any thread."""
        with closing(WebhookOutbox(self._database, self._log)) as outbox:
            found = outbox.endpoints(self._endpoints)
        return [found.get(one.name, EndpointState(one.name)) for one in self._endpoints]

    def close(self) -> None:
        """Close what is open."""
        for courier in self._couriers:
            courier.close()

    def _serve(self, worker: "_Courier | _Keeper", stop: threading.Event) -> None:
        with closing(WebhookOutbox(self._database, self._log)) as outbox:
            while not stop.is_set():
                stop.wait(_pause_after_drain(worker, outbox, stop))


def _client(endpoint: Webhook, own: Doors, places: Places) -> EndpointClient:
    if endpoint.kind == "apprise":
        return ChatClient(endpoint, own=own, places=places)
    return WebhookClient(endpoint, own=own)


def _pause_after_drain(worker: "_Courier | _Keeper", outbox: WebhookOutbox, stop: threading.Event) -> float:
    """Let a worker do all that is due and return how long to wait before the next look [s].

    A database that is busy or has no room is waited for: what could not be marked is sent again under its id.
    """
    try:
        worker.drain(outbox, stop)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _PASSING:
            raise
        log.exception("webhook %s: the outbox cannot be used, trying again", worker.name)
        return DATABASE_PAUSE
    return POLL


class _Keeper:
    """Forgets what was delivered long ago, of all endpoints, those of before too; in bites, so that nobody waits for it."""

    name = "outbox"

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._interval = Interval(PRUNE_EVERY)

    def drain(self, outbox: WebhookOutbox, stop: threading.Event) -> None:
        """Forget all that is old, once in a while, until `stop`."""
        now = self._clock()
        if not self._interval.is_over(now):
            return
        while outbox.prune_deliveries(now) and not stop.wait(BITE_PAUSE):
            pass
        after = outbox.prune(now)
        while after and not stop.wait(BITE_PAUSE):
            after = outbox.prune(now, after)


class _Courier:
    """Serves one endpoint."""

    def __init__(
        self,
        endpoint: Webhook,
        client: EndpointClient,
        clock: Callable[[], int],
        crash: Callable[[str], None],
        jitter: Callable[[], float],
        may_send: Callable[[], bool],
    ) -> None:
        self._may_send = may_send
        self.name = endpoint.name
        self._address = address_of(endpoint)
        self._client = client
        self._clock = clock
        self._crash = crash
        self._jitter = jitter
        self._regular = list(regular(endpoint))
        self._not_before = 0  # ns UTC: what a Retry-After asked for holds for the whole endpoint

    def drain(self, outbox: WebhookOutbox, stop: threading.Event) -> int:
        """Send until nothing is due, or `stop`; return how many attempts were made to deliver events."""
        made = 0
        if not self._may_send():
            return made
        self._send_regular(outbox)
        while due := self._due(outbox):
            for event in due:
                if stop.is_set() or not self._may_send() or self._waits(outbox):
                    return made
                self._send(outbox, event)
                made += 1
                self._send_regular(outbox)
        return made

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def _waits(self, outbox: WebhookOutbox) -> bool:
        throttled = 0 < self._not_before - self._clock() <= schedule.LONGEST
        return throttled or outbox.is_disabled(self.name, self._address)

    def _due(self, outbox: WebhookOutbox) -> list[WaitingWebhook]:
        if self._waits(outbox):
            return []
        return outbox.due(self.name, self._clock(), schedule.LONGEST)

    def _send_regular(self, outbox: WebhookOutbox) -> None:
        """Send what is sent at intervals, once: a failure is logged, and the next interval brings the next try."""
        if not self._regular or self._waits(outbox):
            return
        for one in self._regular:
            began = self._clock()
            message = one.due(outbox, began)
            if message is None:
                continue
            attempt = self._posted(message.event_id, message.body, began)
            if not attempt.delivered:
                log.warning("webhook %s: %s: %s", self.name, message.event_id, attempt.error)
                outbox.note(self._delivery(None, message.event_id, attempt, began))

    def _send(self, outbox: WebhookOutbox, event: WaitingWebhook) -> None:
        self._crash("webhook_before_send")
        began = self._clock()
        attempt = self._posted(event.event_id, event.body, began)
        delivery = self._delivery(event.id, event.event_id, attempt, began)
        if attempt.delivered:
            self._crash("webhook_after_2xx")
            outbox.mark_delivered(event.id, delivery)
            self._tell_regular(event, event.body)
        else:
            self._note_failed(outbox, event, attempt, delivery)

    def _posted(self, event_id: str, body: bytes, began: int) -> Attempt:
        """Post; what nobody foresaw of a body or an answer is a failed attempt, so that it costs this event alone."""
        try:
            return self._client.post(event_id, body, began)
        except Exception as error:
            log.exception("webhook %s: %s: please report this", self.name, event_id)
            return Attempt(error=f"{type(error).__name__}, see the log")

    def _delivery(self, webhook: int | None, event_id: str, attempt: Attempt, began: int) -> Delivery:
        now = self._clock()
        took = max(now - began, 0) // NS_PER_MS  # a clock that was set back would make it negative
        return Delivery(webhook, self.name, event_id, now, attempt.status, attempt.error, took)

    def _note_failed(
        self, outbox: WebhookOutbox, event: WaitingWebhook, attempt: Attempt, delivery: Delivery
    ) -> None:
        now, failed = delivery.at, event.attempts + 1
        pause = attempt.retry_after or schedule.delay(failed, self._jitter())
        if attempt.retry_after:
            self._not_before = now + attempt.retry_after
        dead = schedule.is_over(failed, now if event.tried is None else event.tried, now)
        gone = self._address if attempt.gone else None
        self._log_failure(event, attempt, pause, dead=dead)
        outbox.mark_failed(event.id, now + pause, delivery, dead=dead, gone=gone)
        if dead:
            self._tell_regular(event, None)

    def _tell_regular(self, event: WaitingWebhook, body: bytes | None) -> None:
        for one in self._regular:
            one.note(event.alert, body)

    def _log_failure(self, event: WaitingWebhook, attempt: Attempt, pause: int, *, dead: bool) -> None:
        if attempt.gone:
            log.error("webhook %s: HTTP 410, it gets nothing more until a replay or another url", self.name)
        elif dead:
            log.error("webhook %s: %s: %s, given up until a replay", self.name, event.event_id, attempt.error)
        else:
            log.warning(
                "webhook %s: %s: %s, trying again in %.0f s",
                self.name,
                event.event_id,
                attempt.error,
                pause / NS_PER_S,
            )
