"""Old minutes of the balance as hours, and old hours as days of the park's clock: the state keeps what is asked of the past, and no more.

A gateway's rows are added up when it is heard, by the arrival of what came. No count is lost by that, and none is in two rows:
what changes of an old minute is a row of its minute again, until it is added to the others. Two tables beside them count
everything that ever was.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Times
from plant.periods import day_start, hour_start
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR
from store.rows import OUTCOMES

MINUTE, HOUR, DAY = range(3)  # levels of the tables `balance` and `code`
MINUTES_KEPT, HOURS_KEPT = 2 * NS_PER_DAY, 60 * NS_PER_DAY
FEWEST = 100  # hours and days that are made in one transaction, with one more for each of its messages
UTC = ZoneInfo("UTC")
KEYS = {"balance": "book", "code": "code"}  # by table: what a row is of, beside its gateway and time,
COUNTS: Mapping[str, tuple[str, ...]] = {"balance": OUTCOMES, "code": ("count",)}  # and what it counts


@dataclass(frozen=True, slots=True)
class _Step:
    """From which level to the next, after how long, and how that parts the time."""

    level: int
    kept: int  # ns
    start: Callable[[Times | int, ZoneInfo], Times]
    reach: int  # ns: from the start of one part into the next
    parts: int  # of a part of the next level, at most


_STEPS = (
    _Step(MINUTE, MINUTES_KEPT, hour_start, NS_PER_HOUR, 60),
    _Step(HOUR, HOURS_KEPT, day_start, 36 * NS_PER_HOUR, 27),
)


def add_up(table: str) -> str:
    """Return the clause that adds a row's counts to those of the same row."""
    return f"ON CONFLICT DO UPDATE SET {', '.join(f'{c} = {c} + excluded.{c}' for c in COUNTS[table])}"


def is_empty(table: str) -> str:
    """Return the condition that a row counts nothing."""
    return " AND ".join(f"{column} = 0" for column in COUNTS[table])


class RollUp:
    """Adds up old rows, inside the line's transaction, in bites."""

    def __init__(self, connection: sqlite3.Connection, zones: Mapping[str, ZoneInfo]) -> None:
        """Take the clock of each park; whoever is in none has UTC."""
        self._connection, self._zones = connection, zones
        self._done: dict[str, int] = {}  # the hour in which nothing is left to do, by gateway

    def take(self, heard: Mapping[str, int], messages: int) -> None:
        """Add up what is old for gateways, each heard in a minute [ns UTC], within a transaction of so many messages."""
        most = FEWEST + messages
        for gateway, minute in heard.items():
            hour = minute // NS_PER_HOUR
            if most > 0 and self._done.get(gateway) != hour:
                most -= self._take_one(gateway, minute, most)
                if most > 0:
                    self._done[gateway] = hour

    def _take_one(self, gateway: str, now: int, most: int) -> int:
        """Add up a gateway's old rows, and return how many rows that made."""
        made = 0
        for step in _STEPS:
            for table in COUNTS:
                made += self._fold(table, gateway, step, now, most - made)
        return made

    def _fold(self, table: str, gateway: str, step: _Step, now: int, most: int) -> int:
        zone = self._zones.get(gateway.partition("/")[0], UTC)
        before = int(step.start(now - step.kept, zone))
        rows = self._connection.execute(
            f"SELECT DISTINCT start FROM {table} WHERE gateway = ? AND level = ? AND start < ? ORDER BY start LIMIT ?",
            (gateway, step.level, before, max(0, most) * step.parts),
        ).fetchall()
        starts = np.unique(step.start(np.array(rows, np.int64).ravel(), zone))[: max(0, most)]
        finishes = step.start(starts + step.reach, zone)
        for start, finish in zip(starts.tolist(), finishes.tolist(), strict=True):
            self._fold_one(table, gateway, step.level, start, finish)
        return len(starts)

    def _fold_one(self, table: str, gateway: str, level: int, start: int, finish: int) -> None:
        """Make one row for each key of the rows of a level that begin in [start, finish)."""
        key, sums = KEYS[table], ", ".join(f"sum({column})" for column in COUNTS[table])
        here = (gateway, level, start, finish)
        rows = f"FROM {table} WHERE gateway = ? AND level = ? AND start >= ? AND start < ?"
        self._connection.execute(
            f"INSERT INTO {table} SELECT gateway, level + 1, ?, ?, {key}, {sums} {rows} GROUP BY {key} {add_up(table)}",
            (start, finish, *here),
        )
        self._connection.execute(f"DELETE {rows}", here)
        self._connection.execute(
            f"DELETE FROM {table} WHERE gateway = ? AND level = ? AND start = ? AND {is_empty(table)}",
            (gateway, level + 1, start),
        )
