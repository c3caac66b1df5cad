"""Backfills: gateways of their own by which the history of a facility comes, as far back as somebody has decided.

Decided like everything that people decide: journalled, and taken by the line in its turn. While a backfill is open, its gateway
speaks for all channels of its facility, and no reading of it is too old.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from store.messages.journal import DECISION, Message

TOPIC = b"$stackmeter/backfill"  # no subscription of ours matches it


class BackfillDecision(msgspec.Struct, frozen=True):
    """What somebody decides: that a gateway (park/facility/gateway) may tell of times since `oldest` [ns UTC], or, `close`, no longer."""

    id: str
    by: str
    gateway: str
    oldest: int
    reason: str
    close: bool = False

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, TOPIC, msgspec.json.encode(self), DECISION)


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill; times are ns UTC, `closed` is None while it is open."""

    gateway: str
    oldest: int
    opened: int
    opened_by: str
    reason: str
    closed: int | None


def backfills(connection: sqlite3.Connection) -> list[Backfill]:
    """Return every backfill, by gateway."""
    rows = connection.execute(
        "SELECT gateway, oldest, opened, opened_by, reason, closed FROM backfill ORDER BY gateway"
    )
    return [Backfill(*row) for row in rows]


def reach(connection: sqlite3.Connection, *, closed: bool = False) -> Mapping[str, int]:
    """Return how far back [ns UTC] each gateway of an open backfill may tell, by id; with `closed` those of before too."""
    return {one.gateway: one.oldest for one in backfills(connection) if closed or one.closed is None}


def open_backfill(connection: sqlite3.Connection, made: BackfillDecision, now: int) -> None:
    """Open a backfill, or open it again; one reaches as far back as it ever did."""
    connection.execute(
        "INSERT INTO backfill VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE SET oldest = min(oldest, excluded.oldest),"
        " opened = excluded.opened, opened_by = excluded.opened_by, reason = excluded.reason, closed = NULL",
        (made.gateway, made.oldest, now, made.by, made.reason),
    )


def close_backfill(connection: sqlite3.Connection, gateway: str, now: int) -> bool:
    """Close an open backfill; return False where there is none."""
    done = connection.execute(
        "UPDATE backfill SET closed = ? WHERE gateway = ? AND closed IS NULL", (now, gateway)
    )
    return done.rowcount > 0
