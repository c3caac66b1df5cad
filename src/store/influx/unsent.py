"""What a standby puts out for InfluxDB: the owner tells it, so that only the newest is kept, for the case that it has not."""

import sqlite3
import time
from collections.abc import Callable, Sequence

from store.sqlite import transaction

KEPT_S = 600.0  # at least; twice that at most


class Unsent:
    """Forgets what has been in the outbox for a while, through the state's connection, outside of a step.

    What the owner had not sent for longer when it was lost, `stackmeter influx rebuild` writes again.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock
        self._again = clock() + KEPT_S
        self._newest = self._ids()
        self._hours = self._source_hours()

    def step(self) -> None:
        """Forget what was there at the last look, where it is time for another."""
        if self._clock() < self._again:
            return
        self._again = self._clock() + KEPT_S
        with transaction(self._connection):
            for table, newest in self._newest.items():
                self._connection.execute(f"DELETE FROM {table} WHERE id <= ?", (newest,))
            self._connection.executemany(
                "DELETE FROM influx_emission WHERE source = ? AND hour = ? AND generation = ?", self._hours
            )
        self._newest, self._hours = self._ids(), self._source_hours()

    def _ids(self) -> dict[str, int]:
        return {
            table: int(self._connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])
            for table in ("influx_reading", "influx_alert")
        }

    def _source_hours(self) -> Sequence[tuple[int, int, int]]:
        return self._connection.execute("SELECT source, hour, generation FROM influx_emission").fetchall()
