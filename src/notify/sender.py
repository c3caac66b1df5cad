"""Takes alerts' webhooks from the outbox to their endpoints, each endpoint at its own pace, until they were taken."""

import logging
import random
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from notify import schedule
from notify.webhook import Attempt, WebhookClient
from plant.park import Webhook
from plant.vocabulary import NS_PER_S
from store.webhooks import WaitingWebhook, WebhookOutbox

POLL = 0.2  # s between two looks into an outbox that had nothing due
DATABASE_PAUSE = 1.0  # s before the next try where the database is busy or full

_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EndpointStatistics:
    """What became of an endpoint's webhooks, since the process began where they are counted.

    `disabled` says that the endpoint answered 410 and is left alone while the process lives. `oldest` is when the
    oldest waiting event was made [ns UTC; 0: nothing waits].
    """

    endpoint: str
    delivered: int = 0
    failed: int = 0
    disabled: bool = False
    last_error: str = ""  # of the latest attempt; "" where it delivered
    last_delivered: int = 0  # ns UTC
    waiting: int = 0
    oldest: int = 0


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
    allow_private
        The names of the endpoints whose address may be private.
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
        allow_private: Collection[str] = (),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._couriers = [
            _Courier(WebhookClient(one, allow_private=one.name in allow_private), clock, crash, jitter)
            for one in endpoints
        ]

    def step(self) -> int:
        """Send all that is due, endpoint after endpoint, in the caller's thread; return how many attempts were made."""
        with closing(WebhookOutbox(self._database)) as outbox:
            return sum(courier.drain(outbox, threading.Event()) for courier in self._couriers)

    def run(self, stop: threading.Event) -> None:
        """Send what becomes due until `stop` is set, each endpoint in a thread of its own.

        An attempt that is under way is finished first. An error that nobody foresaw ends all threads and is raised.
        """
        failed = threading.Event()
        with ThreadPoolExecutor(max_workers=len(self._couriers) + 1, thread_name_prefix="webhook") as threads:
            work = [threads.submit(self._serve, courier, stop, failed) for courier in self._couriers]
            while not (stop.wait(POLL) or failed.is_set()):
                pass
        for one in work:
            one.result()

    def statistics(self) -> list[EndpointStatistics]:
        """Return each endpoint's statistics as they stand; from any thread."""
        with closing(WebhookOutbox(self._database)) as outbox:
            backlog = outbox.backlog()
        found = [courier.statistics for courier in self._couriers]
        return [
            replace(one, waiting=backlog[one.endpoint].waiting, oldest=backlog[one.endpoint].oldest)
            if one.endpoint in backlog
            else one
            for one in found
        ]

    def close(self) -> None:
        """Close what is open."""
        for courier in self._couriers:
            courier.close()

    def _serve(self, courier: "_Courier", stop: threading.Event, failed: threading.Event) -> None:
        try:
            with closing(WebhookOutbox(self._database)) as outbox:
                while not (stop.is_set() or failed.is_set()):
                    stop.wait(courier.pause_after_drain(outbox, stop))
        except BaseException:
            failed.set()
            raise


class _Courier:
    """Serves one endpoint."""

    def __init__(
        self,
        client: WebhookClient,
        clock: Callable[[], int],
        crash: Callable[[str], None],
        jitter: Callable[[], float],
    ) -> None:
        self.statistics = EndpointStatistics(client.name)
        self._client = client
        self._clock = clock
        self._crash = crash
        self._jitter = jitter
        self._not_before = 0  # ns UTC: what a Retry-After asked for holds for the whole endpoint

    def pause_after_drain(self, outbox: WebhookOutbox, stop: threading.Event) -> float:
        """Send all that is due and return how long to wait before the next look [s].

        A database that is busy or has no room is waited for: what could not be marked is sent again under its id.
        """
        try:
            self.drain(outbox, stop)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _PASSING:
                raise
            log.exception("webhook %s: the outbox cannot be used, trying again", self._client.name)
            return DATABASE_PAUSE
        return POLL

    def drain(self, outbox: WebhookOutbox, stop: threading.Event) -> int:
        """Send until nothing is due, or `stop`; return how many attempts were made."""
        made = 0
        while due := self._due(outbox):
            for event in due:
                if stop.is_set() or self._waits():
                    return made
                self._send(outbox, event)
                made += 1
        return made

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def _waits(self) -> bool:
        return self.statistics.disabled or 0 < self._not_before - self._clock() <= schedule.LONGEST

    def _due(self, outbox: WebhookOutbox) -> list[WaitingWebhook]:
        if self._waits():
            return []
        return outbox.due(self._client.name, self._clock(), schedule.LONGEST)

    def _send(self, outbox: WebhookOutbox, event: WaitingWebhook) -> None:
        self._crash("webhook_before_send")
        attempt = self._client.post(event.event_id, event.body, self._clock())
        if attempt.delivered:
            self._crash("webhook_after_2xx")
            self._note_delivered(outbox, event)
        else:
            self._note_failed(outbox, event, attempt)

    def _note_delivered(self, outbox: WebhookOutbox, event: WaitingWebhook) -> None:
        now = self._clock()
        outbox.mark_delivered(event.id, now)
        self.statistics = replace(
            self.statistics, delivered=self.statistics.delivered + 1, last_error="", last_delivered=now
        )

    def _note_failed(self, outbox: WebhookOutbox, event: WaitingWebhook, attempt: Attempt) -> None:
        now = self._clock()
        pause = attempt.retry_after or schedule.delay(event.attempts + 1, self._jitter())
        if attempt.retry_after:
            self._not_before = now + attempt.retry_after
        self.statistics = replace(
            self.statistics,
            failed=self.statistics.failed + 1,
            disabled=attempt.gone,
            last_error=attempt.error,
        )
        self._log_failure(event, attempt, pause)
        outbox.mark_failed(event.id, now + pause, attempt.error)

    def _log_failure(self, event: WaitingWebhook, attempt: Attempt, pause: int) -> None:
        if attempt.gone:
            log.error("webhook %s: HTTP 410, it gets nothing more until a restart", self._client.name)
        else:
            log.warning(
                "webhook %s: %s: %s, trying again in %.0f s",
                self._client.name,
                event.event_id,
                attempt.error,
                pause / NS_PER_S,
            )
