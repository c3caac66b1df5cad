"""What may be done to the outbox of webhooks: each act is data, so that a step can record it and do it again to the same end."""

import sqlite3
from dataclasses import dataclass

import msgspec

from alerts.tables.webhook_order import GOES_ON, NEEDED, hold_again, with_following
from plant.vocabulary import NS_PER_DAY
from store.messages.steps import RecordedStep
from store.state import State

KEPT_DAYS = 90  # for which what was delivered stays, and the log of attempts
MOST_DELIVERIES = 100_000  # rows of the log
MOST_ASKED = 10_000  # of what was asked with an Idempotency-Key
BITE = 500  # rows that are looked at in one transaction when old ones are forgotten

_CHOSEN = (
    "(?2 IS NULL OR endpoint = ?2) AND (?3 IS NULL OR event_id = ?3) AND created >= ?4 AND (?5 IS NULL OR created < ?5)"
    " AND (NOT ?6 OR dead IS NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt; `webhook` is None for a heartbeat, `status` 0 where there was no answer, `error` "" where it was taken."""

    webhook: int | None
    endpoint: str
    event_id: str
    at: int  # ns UTC
    status: int
    error: str
    took_ms: int


def kept_since(now: int) -> int:
    """Return from when on what was delivered is kept [ns UTC]; `now` in ns UTC."""
    return now - KEPT_DAYS * NS_PER_DAY


class MarkDelivered(msgspec.Struct, frozen=True, tag=True):
    """The endpoint took an event (its row)."""

    id: int
    delivery: Delivery

    def apply(self, connection: sqlite3.Connection) -> int:
        """Note it."""
        connection.execute(
            "UPDATE webhook SET delivered = ?, attempts = attempts + 1, error = '' WHERE id = ?",
            (self.delivery.at, self.id),
        )
        _count(connection, self.delivery)
        return _log(connection, self.delivery)


class MarkFailed(msgspec.Struct, frozen=True, tag=True):
    """An attempt failed: the next is due at `next_due` [ns UTC], or the event is given up (`dead`).

    `gone` is the SHA-256 of the address at which the endpoint wants nothing more; None where it did not say so.
    """

    id: int
    next_due: int
    delivery: Delivery
    dead: bool
    gone: bytes | None

    def apply(self, connection: sqlite3.Connection) -> int:
        """Note it, and what follows from it."""
        one = self.delivery
        connection.execute(
            "UPDATE webhook SET due = ?1, attempts = attempts + 1, error = ?2, tried = coalesce(tried, ?3),"
            " dead = iif(?4, ?3, NULL) WHERE id = ?5",
            (self.next_due, one.error, one.at, self.dead, self.id),
        )
        _count(connection, one)
        if self.gone is not None:
            connection.execute(
                "UPDATE endpoint_state SET disabled = ?, address = ? WHERE endpoint = ?",
                (one.at, self.gone, one.endpoint),
            )
        return _log(connection, one)


class LogAttempt(msgspec.Struct, frozen=True, tag=True):
    """An attempt that no event of the outbox stands behind."""

    delivery: Delivery

    def apply(self, connection: sqlite3.Connection) -> int:
        """Log it."""
        return _log(connection, self.delivery)


class PruneDeliveries(msgspec.Struct, frozen=True, tag=True):
    """A bite of the oldest attempts is forgotten, beyond the newest `most` or older than 90 days at `now` [ns UTC]."""

    now: int
    most: int

    def apply(self, connection: sqlite3.Connection) -> int:
        """Forget them; return how many."""
        return connection.execute(
            "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery ORDER BY id LIMIT ?)"
            " AND (id <= (SELECT max(id) FROM delivery) - ? OR at < ?)",
            (BITE, self.most, kept_since(self.now)),
        ).rowcount


class PruneEvents(msgspec.Struct, frozen=True, tag=True):
    """Events with ids in (after, last] that were delivered, and made more than 90 days before `now` [ns UTC], are forgotten.

    What waits or was given up stays, whatever its age, and with it all events of its labels at that endpoint, so that an end
    is not forgotten before its beginning; so do the events of an alert that goes on.
    """

    now: int
    after: int
    last: int

    def apply(self, connection: sqlite3.Connection) -> int:
        """Forget them; return how many."""
        return connection.execute(
            "DELETE FROM webhook WHERE id > ?1 AND id <= ?2 AND delivered IS NOT NULL AND created < ?3"
            f" AND NOT {NEEDED} AND NOT {GOES_ON}",
            (self.after, self.last, kept_since(self.now)),
        ).rowcount


class ReplayEvents(msgspec.Struct, frozen=True, tag=True):
    """Events are due again at `now`, with all that followed them; chosen as `WebhookOutbox.replay` says. Times are ns UTC."""

    now: int
    endpoint: str | None = None
    event_id: str | None = None
    since: int = 0
    until: int | None = None
    dead_only: bool = False

    def apply(self, connection: sqlite3.Connection) -> int:
        """Make them due; return how many."""
        changed = connection.execute(
            f"""
            {with_following(_CHOSEN)}
            UPDATE webhook SET delivered = NULL, attempts = 0, due = ?1, error = '', tried = NULL, dead = NULL
            WHERE id IN (SELECT id FROM again) RETURNING id, endpoint
            """,
            (self.now, self.endpoint, self.event_id, self.since, self.until, self.dead_only),
        ).fetchall()
        hold_again(connection, [number for number, _ in changed])
        connection.executemany(
            "UPDATE endpoint_state SET disabled = NULL, address = NULL WHERE endpoint = ?",
            sorted({(name,) for _, name in changed}),
        )
        return len(changed)


class DropEvents(msgspec.Struct, frozen=True, tag=True):
    """Events that were given up are forgotten, chosen as for a replay."""

    endpoint: str | None = None
    event_id: str | None = None
    since: int = 0
    until: int | None = None

    def apply(self, connection: sqlite3.Connection) -> int:
        """Forget them; return how many."""
        return connection.execute(
            "DELETE FROM webhook WHERE dead IS NOT NULL AND (?1 IS NULL OR endpoint = ?1)"
            " AND (?2 IS NULL OR event_id = ?2) AND created >= ?3 AND (?4 IS NULL OR created < ?4)",
            (self.endpoint, self.event_id, self.since, self.until),
        ).rowcount


class AskedOnce(msgspec.Struct, frozen=True, tag=True):
    """Something is asked under an id, which is kept for 90 days, the newest 10,000; `now` in ns UTC."""

    number: str
    now: int
    act: ReplayEvents | DropEvents

    def apply(self, connection: sqlite3.Connection) -> int:
        """Do it and keep the id; return how many events it was about."""
        count = self.act.apply(connection)
        connection.execute("INSERT INTO webhook_request VALUES (?, ?, ?)", (self.number, self.now, count))
        connection.execute(
            "DELETE FROM webhook_request WHERE at < max(?, coalesce((SELECT at FROM webhook_request"
            " ORDER BY at DESC LIMIT 1 OFFSET ?), 0))",
            (kept_since(self.now), MOST_ASKED),
        )
        return count


Act = (
    MarkDelivered
    | MarkFailed
    | LogAttempt
    | PruneDeliveries
    | PruneEvents
    | ReplayEvents
    | DropEvents
    | AskedOnce
)
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Act).decode


def act_again(state: State, step: RecordedStep) -> None:
    """Do an act of a recorded step again, inside a transaction."""
    decode(step.detail).apply(state.connection)


def _count(connection: sqlite3.Connection, delivery: Delivery) -> None:
    taken = not delivery.error
    connection.execute(
        "INSERT INTO endpoint_state (endpoint, delivered, failed, last_error, last_delivered) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT DO UPDATE SET delivered = delivered + ?2, failed = failed + ?3, last_error = ?4,"
        " last_delivered = max(last_delivered, ?5)",
        (delivery.endpoint, taken, not taken, delivery.error, delivery.at if taken else 0),
    )


def _log(connection: sqlite3.Connection, one: Delivery) -> int:
    return connection.execute(
        "INSERT INTO delivery (webhook, endpoint, event_id, at, status, error, took_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (one.webhook, one.endpoint, one.event_id, one.at, one.status, one.error, one.took_ms),
    ).rowcount
