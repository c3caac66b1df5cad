"""The webhook outbox: what has to be told to whom, kept until it was taken."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from store.sqlite import open_writer


@dataclass(frozen=True, slots=True)
class WaitingWebhook:
    """One event for one endpoint, to be sent now; `attempts` have failed before."""

    id: int
    event_id: str
    alert: str
    body: bytes = field(repr=False)
    attempts: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many events an endpoint has yet to take, and when the oldest of them was made [ns UTC]."""

    waiting: int
    oldest: int


class WebhookOutbox:
    """The `webhook` table through a connection of its own; each method is one small transaction."""

    def __init__(self, database: Path) -> None:
        self._connection = open_writer(database)

    def due(self, endpoint: str, now: int, horizon: int, most: int = 50) -> list[WaitingWebhook]:
        """Return what to send to an endpoint now, the longest due first: of each alert only the oldest event.

        A later event of an alert so waits until the earlier one was delivered, whatever its own due time.

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
            """
            SELECT id, event_id, alert, body, attempts FROM webhook
            WHERE id IN (SELECT min(id) FROM webhook WHERE delivered IS NULL AND endpoint = ? GROUP BY alert)
              AND (due <= ? OR due > ?)
            ORDER BY due, id LIMIT ?
            """,
            (endpoint, now, now + horizon, most),
        )
        return [WaitingWebhook(*row) for row in rows]

    def mark_delivered(self, id: int, now: int) -> None:  # noqa: A002  the column's name
        """Note that the endpoint took the event."""
        self._connection.execute(
            "UPDATE webhook SET delivered = ?, attempts = attempts + 1, error = '' WHERE id = ?", (now, id)
        )

    def mark_failed(self, id: int, next_due: int, error: str) -> None:  # noqa: A002  the column's name
        """Note a failed attempt, why it failed, and when the next one is due [ns UTC]."""
        self._connection.execute(
            "UPDATE webhook SET due = ?, attempts = attempts + 1, error = ? WHERE id = ?",
            (next_due, error, id),
        )

    def backlog(self) -> Mapping[str, Backlog]:
        """Return the backlog of every endpoint that has one, configured still or not."""
        rows = self._connection.execute(
            "SELECT endpoint, count(*), min(created) FROM webhook WHERE delivered IS NULL GROUP BY endpoint"
        )
        return {endpoint: Backlog(waiting, oldest) for endpoint, waiting, oldest in rows}

    def replay(
        self,
        now: int,
        *,
        endpoint: str | None = None,
        event_id: str | None = None,
        since: int = 0,
        until: int | None = None,
    ) -> int:
        """Make events due again, delivered or not, under their old ids and in their old order.

        Parameters
        ----------
        endpoint, event_id
            Only of this endpoint, only this event.
        since, until
            Only events made in [since, until). [ns UTC]

        Returns
        -------
        int
            How many events will be sent.
        """
        changed = self._connection.execute(
            """
            UPDATE webhook SET delivered = NULL, attempts = 0, due = ?1, error = ''
            WHERE (?2 IS NULL OR endpoint = ?2) AND (?3 IS NULL OR event_id = ?3)
              AND created >= ?4 AND (?5 IS NULL OR created < ?5)
            """,
            (now, endpoint, event_id, since, until),
        )
        return changed.rowcount

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
