"""When gateways were heard last and by how much their clocks are off, as their messages tell; for conditions, and for whoever asks the API."""

import sqlite3
from collections.abc import Sequence

import numpy as np

from plant.arrays import Floats, Ints, Times
from plant.park import Plant
from plant.vocabulary import NEVER, NS_PER_MIN, NS_PER_S
from store.frame_rows import gateway_offsets, gateways_heard, note_gateways_heard

SKEW_MINUTES = 10  # over which a clock's offset is the least that was seen


class GatewaysHeard:
    """Of every gateway of the plant, by index. What is known is in the state too, with every change of it."""

    def __init__(self, plant: Plant, connection: sqlite3.Connection) -> None:
        self._connection, self._lateness = connection, plant.allowed_lateness
        self._index = {gateway.id: gateway.index for gateway in plant.gateways}
        self._names = [gateway.id for gateway in plant.gateways]
        self.forget()

    def forget(self) -> None:
        """Read the state again, as after a rollback."""
        heard = gateways_heard(self._connection, self._names)
        self.at: Times = np.array([heard.get(name, NEVER) for name in self._names], np.int64)
        self._least = np.full((len(self._names), SKEW_MINUTES), np.inf)  # of each minute, in a ring [ns]
        self._minute = np.full(len(self._names), NEVER, np.int64)  # the newest in the ring
        for name, (minute, least) in gateway_offsets(self._connection).items():
            if name in self._index:
                self._minute[self._index[name]], self._least[self._index[name]] = minute, least

    def take(self, gateways: Sequence[str], received: Times, last: Times) -> None:
        """Take of each message of a micro-batch its gateway, its arrival and the time of its last reading, `NEVER` without one."""
        of = np.array([self._index.get(name, -1) for name in gateways], np.int64)
        ours = of >= 0
        newest = np.full(len(self._names), NEVER)
        np.maximum.at(newest, of[ours], received[ours])
        self.at = np.maximum(self.at, newest)
        mine = np.flatnonzero(ours & (last > NEVER) & (received - last <= self._lateness))
        self._learn(of[mine], received[mine], (received - last)[mine])
        note_gateways_heard(
            self._connection,
            [
                (self._names[k], int(self.at[k]), int(self._minute[k]), self._least[k])
                for k in np.flatnonzero(newest > NEVER).tolist()
            ],
        )

    def skew(self, gateways: Ints, now: int) -> Floats:
        """Return by how much the clocks of gateways are behind [s], transport included; NaN where nothing came lately."""
        minute = now // NS_PER_MIN
        age = minute - (self._minute[gateways, None] - np.arange(SKEW_MINUTES))
        ring = (self._minute[gateways, None] - np.arange(SKEW_MINUTES)) % SKEW_MINUTES
        seen = np.where(age < SKEW_MINUTES, self._least[gateways[:, None], ring], np.inf).min(
            axis=1, initial=np.inf
        )
        return np.where(np.isinf(seen), np.nan, seen / NS_PER_S)

    def _learn(self, of: Ints, received: Times, offset: Times) -> None:
        """Keep the least offset of each minute; a minute older than the ring is of no use."""
        minute = received // NS_PER_MIN
        newest = self._minute.copy()
        np.maximum.at(newest, of, minute)
        for k in np.flatnonzero(newest > self._minute).tolist():
            passed = min(SKEW_MINUTES, int(newest[k] - self._minute[k]))
            self._least[k, (newest[k] - np.arange(passed)) % SKEW_MINUTES] = np.inf
        self._minute = newest
        known = minute > newest[of] - SKEW_MINUTES
        np.minimum.at(self._least, (of[known], minute[known] % SKEW_MINUTES), offset[known])
