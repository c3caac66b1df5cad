"""Gateways that speak and are not configured: what they cost does not grow with the names that somebody makes up."""

import sqlite3

from ingest.formats.columns import Envelope, Refusal
from ingest.line.batch import Batch
from plant.park import Plant
from plant.vocabulary import Code

MOST_STRANGERS = 1000  # gateways that nobody configured and that have books of their own


class Strangers:
    """Knows the gateways without a configuration that have books of their own: the first that spoke, as the state has them."""

    def __init__(self, plant: Plant, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._configured = {"", *(gateway.id for gateway in plant.gateways)}
        self.forget()

    def forget(self) -> None:
        """Know no more than the state does, as after a rollback."""
        rows = self._connection.execute(
            "SELECT gateway FROM balance_ever UNION SELECT gateway FROM gateway_status"
        )
        self._known = {name for (name,) in rows} - self._configured

    def is_one_too_many(self, gateway: str) -> bool:
        """Whether there is no room for the books of a gateway (park/facility/gateway, "" for nobody's); else it has them."""
        if gateway in self._configured or gateway in self._known:
            return False
        if len(self._known) >= MOST_STRANGERS:
            return True
        self._known.add(gateway)
        return False


def leave_to_nobody(batch: Batch, position: int) -> None:
    """Refuse a message of a gateway that has no books, and book it as that of a device which nobody has configured."""
    detail = (
        f"no gateway {batch.gateways[position]!r} is configured, and {MOST_STRANGERS:,} others that are not spoke before it:"
        " see who sends for them"
    )
    batch.refusals.append(Refusal(position, Code.UNMAPPED, "", detail))
    batch.envelopes[position] = Envelope(None, None, len(batch.raw), 0, decoded=False, refused=0)
    batch.gateways[position] = ""
