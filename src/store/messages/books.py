"""The books of messages: both balances, quarantine and gateways' status."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Ints, Times
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, Code, Outcome
from store.messages import inbox
from store.sqlite import write_rows
from store.totals.roll_up import KEYS, MINUTE, RollUp, add_up, is_empty

OUTCOMES = tuple(Outcome)


@dataclass(slots=True)
class Tally:
    """How many messages, and readings of decoded messages, of each gateway and minute ended how."""

    outcomes: Counter[tuple[str, int, str, Outcome]] = field(default_factory=Counter)
    codes: Counter[tuple[str, int, Code]] = field(default_factory=Counter)

    def add(self, gateway: str, received: int, book: str, outcome: Outcome, count: int = 1) -> None:
        """Count in book 'messages' or 'readings'."""
        self.outcomes[gateway, received // NS_PER_MIN * NS_PER_MIN, book, outcome] += count

    def add_all(self, gateways: list[str], received: Times, book: str, outcome: Ints, count: Ints) -> None:
        """Count many at once; `outcome` numbers OUTCOMES."""
        names = list(dict.fromkeys(gateways))
        place = {name: number for number, name in enumerate(names)}
        minutes, minute = np.unique(received // NS_PER_MIN, return_inverse=True)
        gateway = np.array([place[name] for name in gateways], np.int64)
        key, which = np.unique(
            (gateway * len(minutes) + minute) * len(OUTCOMES) + outcome, return_inverse=True
        )
        sums = np.bincount(which, count, len(key)).astype(np.int64)
        for one, total in zip(key.tolist(), sums.tolist(), strict=True):
            rest, ending = divmod(one, len(OUTCOMES))
            name, at = divmod(rest, len(minutes))
            if total:
                self.add(names[name], int(minutes[at]) * NS_PER_MIN, book, OUTCOMES[ending], total)

    def blame(self, gateway: str, received: int, code: Code, count: int = 1) -> None:
        """Count a message's code."""
        self.codes[gateway, received // NS_PER_MIN * NS_PER_MIN, code] += count


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that is kept because it was quarantined or rejected."""

    message: int
    received: int
    gateway: str
    topic: bytes
    outcome: Outcome
    code: Code
    path: str
    detail: str
    size: int
    digest: bytes
    payload: bytes
    readings: tuple[int, int, int, int] = (0, 0, 0, 0)  # accepted, late, duplicate and refused ones
    counted: bool = False  # its sequence number was new
    told_of: tuple[int, int] | None = (
        None  # times of its first and last reading [ns UTC], where they can be read
    )


class Books:
    """Through the line's connection, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, zones: Mapping[str, ZoneInfo]) -> None:
        """Take the clock of each park, by which days are added up."""
        self._connection = connection
        self._rolling = RollUp(connection, zones)

    def add(self, tally: Tally) -> None:
        """Add counts; received is their sum by construction."""
        rows: dict[tuple[str, int, str], list[int]] = {}
        for (gateway, minute, book, outcome), count in tally.outcomes.items():
            row = rows.setdefault((gateway, minute, book), [0] * len(OUTCOMES))
            row[OUTCOMES.index(outcome)] += count
        self._add("balance", [(*key, sum(counts), *counts) for key, counts in rows.items()])
        self._add("code", [(*key, count) for key, count in tally.codes.items()])

    def roll_up(self, tally: Tally, messages: int) -> None:
        """Add up what is old of the gateways that so many messages came of, by a tally of these."""
        heard: dict[str, int] = {}
        for gateway, minute, _, _ in tally.outcomes:
            heard[gateway] = max(minute, heard.get(gateway, minute))
        self._rolling.take(heard, messages)

    def _add(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows of (gateway, minute, what is counted, counts) to those of their minutes, and to those of ever."""
        ever: dict[tuple[str, str], list[int]] = {}
        for gateway, _, what, *counts in rows:
            of_ever = ever.setdefault((gateway, what), [0] * len(counts))
            for place, count in enumerate(counts):
                of_ever[place] += count
        minutes = [(gateway, MINUTE, minute, minute + NS_PER_MIN, *rest) for gateway, minute, *rest in rows]
        write_rows(self._connection, f"INSERT INTO {table}", minutes, add_up(table))
        write_rows(
            self._connection,
            f"INSERT INTO {table}_ever",
            [(*key, *counts) for key, counts in ever.items()],
            add_up(table),
        )
        if any(row[3] < 0 for row in rows):
            self._drop_emptied(table, rows)

    def _drop_emptied(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Drop rows from which a replay has taken all they counted."""
        key = KEYS[table]
        self._connection.executemany(
            f"DELETE FROM {table} WHERE gateway = ? AND level = {MINUTE} AND start = ? AND {key} = ? AND {is_empty(table)}",
            [row[:3] for row in rows],
        )
        self._connection.executemany(
            f"DELETE FROM {table}_ever WHERE gateway = ? AND {key} = ? AND {is_empty(table)}",
            [(row[0], row[2]) for row in rows],
        )

    def refused_before(self, digest: bytes, topic: bytes, received: int) -> bool:
        """Whether the same bytes on the same topic were refused within the 24 hours before."""
        row = self._connection.execute(
            "SELECT 1 FROM quarantine WHERE digest = ? AND received > ? AND topic = ? LIMIT 1",
            (digest, received - NS_PER_DAY, topic),
        ).fetchone()
        return row is not None

    def keep(self, refused: Refused) -> None:
        """Keep a quarantined message whole, or what is left of a rejected one."""
        r = refused
        self._connection.execute(
            f"INSERT INTO quarantine VALUES ({', '.join('?' * 18)})",
            (
                r.message,
                r.received,
                r.gateway,
                r.topic,
                r.outcome,
                r.code,
                r.path,
                r.detail,
                r.size,
                r.digest,
                r.payload,
                *r.readings,
                r.counted,
                *(r.told_of or (None, None)),
            ),
        )

    def note_unknown(self, topic: bytes, received: int) -> bool:
        """Count a message of a device that nobody configured, make room for it, and return whether it is to be kept."""
        if not inbox.note(self._connection, topic, received):
            return False
        inbox.make_room(self._connection, topic)
        return True

    def forget_unknown(self, topics: Iterable[bytes]) -> None:
        """Forget devices that are configured now."""
        inbox.forget(self._connection, topics)

    def let_go(self, messages: Iterable[int]) -> None:
        """Keep messages no longer: they count."""
        self._connection.executemany(
            "DELETE FROM quarantine WHERE message = ?", [(message,) for message in messages]
        )

    def status(self, gateway: str, at: int, online: bool | None, payload: bytes, message: int) -> None:
        """Remember what a gateway's status said last, and in which message; count it."""
        self._connection.execute(
            "INSERT INTO gateway_status VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at,"
            " online = excluded.online, payload = excluded.payload, message = excluded.message, count = count + 1",
            (gateway, at, online, payload, message),
        )

    def old_status(self, gateway: str, at: int, online: bool | None, payload: bytes, message: int) -> None:
        """Count a status that is replayed; what the gateway said since stands."""
        self._connection.execute(
            "INSERT INTO gateway_status VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET count = count + 1",
            (gateway, at, online, payload, message),
        )
