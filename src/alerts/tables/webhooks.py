"""The webhook outbox: what has to be told to whom, kept until it was taken, and what became of each attempt."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from alerts.tables import webhook_acts as acts
from alerts.tables.webhook_acts import BITE, MOST_DELIVERIES, Delivery, kept_since
from plant.park import Webhook
from store.messages.steps import OUTBOX, RecordedStep, StepLog, StepRecorder
from store.once import is_noted
from store.sqlite import open_state, transaction

_WAITING = "delivered IS NULL AND dead IS NULL"
_OF_ALERT = (
    "event_id IN (SELECT event_id FROM webhook JOIN webhook_about ON webhook_about.webhook = webhook.id"
    " WHERE webhook_about.alert = ?)"
)


@dataclass(frozen=True, slots=True)
class WaitingWebhook:
    """One event for one endpoint, to be sent now; `attempts` have failed before, the first of them at `tried` [ns UTC]."""

    id: int
    event_id: str
    alert: str
    body: bytes = field(repr=False)
    attempts: int
    tried: int | None = None


@dataclass(frozen=True, slots=True)
class DeadWebhook:
    """An event that was given up: no attempt is made until it is replayed."""

    event_id: str
    endpoint: str
    alert: str
    created: int  # ns UTC
    dead: int  # ns UTC
    attempts: int
    error: str  # of the last attempt


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What became of an endpoint's events, since the state began.

    `delivered` and `failed` count attempts. `disabled` says that the endpoint answered 410 and is left alone until a replay
    or another URL. `oldest` is when the oldest waiting event was made [ns UTC; 0: nothing waits].
    """

    endpoint: str
    delivered: int = 0
    failed: int = 0
    disabled: bool = False
    last_error: str = ""  # of the latest attempt; "" where it delivered
    last_delivered: int = 0  # ns UTC
    waiting: int = 0
    oldest: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked with an Idempotency-Key: how many events it was about, and when it was done [ns UTC]."""

    count: int
    at: int


def address_of(endpoint: Webhook) -> bytes:
    """Return what tells one URL of an endpoint from another, without telling the URL."""
    return sha256(endpoint.url.encode()).digest()


class WebhookOutbox:
    """The webhook tables through a connection of their own; each method is one small transaction."""

    def __init__(self, database: Path, log: StepLog | None = None) -> None:
        """Open the outbox in a state's file; what is done to it is recorded in `log`, if that is given."""
        self._connection = open_state(database)
        self._recorder = StepRecorder(self._connection, log)

    def due(self, endpoint: str, now: int, horizon: int, most: int = 50) -> list[WaitingWebhook]:
        """Return what to send to an endpoint now, the longest due first: nothing before an older event of the same labels.

        A later event of some labels so waits until the earlier one was delivered or is dead, whatever its own due time.

        Parameters
        ----------
        now
            [ns UTC]
        horizon
            The longest wait that anybody plans. A due time further off is from before the clock went back, and
            counts as come. [ns]
        most
            How many to return at most.
        """
        rows = self._connection.execute(
            f"""
            SELECT id, event_id, alert, body, attempts, tried FROM webhook
            WHERE {_WAITING} AND endpoint = ? AND held = 0 AND (due <= ? OR due > ?)
            ORDER BY due, id LIMIT ?
            """,
            (endpoint, now, now + horizon, most),
        )
        return [WaitingWebhook(*row) for row in rows]

    def mark_delivered(self, id: int, delivery: Delivery) -> None:  # noqa: A002  the column's name
        """Note that the endpoint took the event."""
        self._do(acts.MarkDelivered(id, delivery), delivery.at)

    def mark_failed(
        self,
        id: int,  # noqa: A002  the column's name
        next_due: int,
        delivery: Delivery,
        *,
        dead: bool = False,
        gone: bytes | None = None,
    ) -> None:
        """Note a failed attempt and what follows from it.

        Parameters
        ----------
        next_due
            When the next attempt is due. [ns UTC]
        dead
            No more attempts: the event is given up.
        gone
            The endpoint wants nothing more at the address with this SHA-256; None where it did not say so.
        """
        self._do(acts.MarkFailed(id, next_due, delivery, dead, gone), delivery.at)

    def note(self, delivery: Delivery) -> None:
        """Log an attempt that no event of the outbox stands behind."""
        self._do(acts.LogAttempt(delivery), delivery.at)

    def prune_deliveries(self, now: int, most: int = MOST_DELIVERIES) -> bool:
        """Forget a bite of the oldest attempts, beyond the newest `most` or older than 90 days; tell whether there were any."""
        return bool(self._do(acts.PruneDeliveries(now, most), now))

    def prune(self, now: int, after: int = 0) -> int:
        """Forget what was delivered and made more than 90 days ago, among a bite of the events after an id.

        What waits or was given up stays, whatever its age, and with it all events of its labels at that endpoint, so that
        an end is not forgotten before its beginning; so do the events of an alert that goes on.

        Returns
        -------
        int
            After which id to look next; 0 where no older event is left to look at.
        """
        looked = self._connection.execute(
            "SELECT id, created FROM webhook WHERE id > ? ORDER BY id LIMIT ?", (after, BITE)
        ).fetchall()
        if not looked:
            return 0
        last, made = looked[-1]
        self._do(acts.PruneEvents(now, after, last), now)
        return int(last) if made < kept_since(now) else 0

    def is_disabled(self, endpoint: str, address: bytes) -> bool:
        """Return whether an endpoint answered 410 at the address with this SHA-256, and nobody replayed it since."""
        row = self._connection.execute(
            "SELECT 1 FROM endpoint_state WHERE endpoint = ? AND disabled IS NOT NULL AND address = ?",
            (endpoint, address),
        ).fetchone()
        return row is not None

    def endpoints(self, configured: Iterable[Webhook] = ()) -> dict[str, EndpointState]:
        """Return the state of every endpoint that has events or attempts, configured still or not.

        A 410 of another URL than the configured one disables nothing.
        """
        addresses = {one.name: address_of(one) for one in configured}
        found: dict[str, EndpointState] = {}
        for row in self._connection.execute(
            f"""
            SELECT name, coalesce(s.delivered, 0), coalesce(s.failed, 0), s.disabled, s.address,
              coalesce(s.last_error, ''), coalesce(s.last_delivered, 0), coalesce(w.waiting, 0), coalesce(w.oldest, 0),
              (SELECT count(*) FROM webhook WHERE dead IS NOT NULL AND endpoint = name)
            FROM (SELECT endpoint AS name FROM endpoint_state UNION SELECT endpoint FROM webhook WHERE {_WAITING})
            LEFT JOIN endpoint_state s ON s.endpoint = name
            LEFT JOIN (
              SELECT endpoint, count(*) AS waiting, min(created) AS oldest FROM webhook WHERE {_WAITING} GROUP BY endpoint
            ) w ON w.endpoint = name
            """
        ):
            name, delivered, failed, disabled_at, address, *rest = row
            is_disabled = disabled_at is not None and addresses.get(name, address) == address
            found[name] = EndpointState(name, delivered, failed, is_disabled, *rest)
        return found

    def deliveries(
        self,
        endpoint: str | None = None,
        event_id: str | None = None,
        most: int = 100,
        alert: str | None = None,
    ) -> list[Delivery]:
        """Return attempts, the newest first; those of an alert are the events that told of it, alone or with others."""
        chosen = {"endpoint = ?": endpoint, "event_id = ?": event_id, _OF_ALERT: alert}
        given = {condition: value for condition, value in chosen.items() if value is not None}
        where = " AND ".join(given) or "1"
        rows = self._connection.execute(
            "SELECT webhook, endpoint, event_id, at, status, error, took_ms FROM delivery"
            f" WHERE {where} ORDER BY id DESC LIMIT ?",
            (*given.values(), most),
        )
        return [Delivery(*row) for row in rows]

    def dead(self, endpoint: str | None = None, most: int = 100) -> list[DeadWebhook]:
        """Return events that were given up, the newest first."""
        rows = self._connection.execute(
            "SELECT event_id, endpoint, alert, created, dead, attempts, error FROM webhook"
            " WHERE dead IS NOT NULL AND (?1 IS NULL OR endpoint = ?1) ORDER BY id DESC LIMIT ?2",
            (endpoint, most),
        )
        return [DeadWebhook(*row) for row in rows]

    def newest_delivered(self, endpoint: str) -> dict[str, bytes]:
        """Return the newest body that an endpoint took of each alert, where nothing newer was given up."""
        rows = self._connection.execute(
            "SELECT alert, body FROM webhook WHERE delivered IS NOT NULL AND id IN (SELECT max(id) FROM webhook"
            " WHERE endpoint = ? AND (delivered IS NOT NULL OR dead IS NOT NULL) GROUP BY alert)",
            (endpoint,),
        )
        return dict(rows.fetchall())

    def waiting_alerts(self, endpoint: str) -> set[str]:
        """Return the alerts of which an endpoint has yet to take something."""
        rows = self._connection.execute(
            f"SELECT DISTINCT alert FROM webhook WHERE {_WAITING} AND endpoint = ?", (endpoint,)
        )
        return {alert for (alert,) in rows}

    def replay(
        self,
        now: int,
        *,
        endpoint: str | None = None,
        event_id: str | None = None,
        since: int = 0,
        until: int | None = None,
        dead_only: bool = False,
    ) -> int:
        """Make events due again, delivered or not, under their old ids and in their old order, and with them all that followed.

        What came later for the same labels is told again too, so that the last that the endpoint hears is how they stand.
        The endpoints that are chosen are enabled again, if they answered 410.

        Parameters
        ----------
        endpoint, event_id
            Only of this endpoint, only this event.
        since, until
            Only events made in [since, until). [ns UTC]
        dead_only
            Only events that were given up.

        Returns
        -------
        int
            How many events will be sent.
        """
        return self._do(acts.ReplayEvents(now, endpoint, event_id, since, until, dead_only), now)

    def asked(self, number: str) -> Asked | None:
        """Return what was done under an id; raise `store.once.KeyUsed` where its key was used for something else."""
        is_noted(self._connection, number)
        row = self._connection.execute(
            "SELECT count, at FROM webhook_request WHERE id = ?", (number,)
        ).fetchone()
        return Asked(*row) if row else None

    def once(self, number: str, now: int, act: acts.ReplayEvents | acts.DropEvents) -> Asked:
        """Do what is asked under an id unless it is done, and keep that for 90 days, the newest 10,000; raises as `asked`."""
        with transaction(self._connection):
            if (before := self.asked(number)) is not None:
                return before
            return Asked(self._record(acts.AskedOnce(number, now, act), now), now)

    def drop(
        self,
        *,
        endpoint: str | None = None,
        event_id: str | None = None,
        since: int = 0,
        until: int | None = None,
    ) -> int:
        """Forget events that were given up, chosen as for a replay; return how many. Nothing that waits is dropped."""
        return self._do(acts.DropEvents(endpoint, event_id, since, until), 0)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _do(self, act: acts.Act, now: int) -> int:
        """Do an act in a transaction of its own; return what it gives."""
        with transaction(self._connection):
            return self._record(act, now)

    def _record(self, act: acts.Act, now: int) -> int:
        """Do an act inside a transaction, and record it where it changes something."""
        self._recorder.begin()
        count = act.apply(self._connection)
        self._recorder.end(RecordedStep(OUTBOX, now, 0, acts.encode(act)))
        return count
