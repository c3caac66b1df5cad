"""The books of messages: both balances, quarantine, sequences heard, boots and gateways' status."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from plant.arrays import Ints, Times
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, Code, Outcome
from store import inbox
from store.sqlite import write_rows

OUTCOMES = tuple(Outcome)
ACK_DAYS = 7  # an ack lists the boots heard in these days


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


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive sequence numbers of one boot; times are those of the readings of its first and last message that has any."""

    low: int
    high: int
    low_time: int | None
    high_time: int | None
    low_at: int = 0  # the number of that first message
    high_at: int = 0  # and of that last one


class Books:
    """Through the line's connection, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, tally: Tally) -> None:
        """Add counts; received is their sum by construction."""
        rows: dict[tuple[str, int, str], list[int]] = {}
        for (gateway, minute, book, outcome), count in tally.outcomes.items():
            row = rows.setdefault((gateway, minute, book), [0] * len(OUTCOMES))
            row[OUTCOMES.index(outcome)] += count
        columns = ["received", *(o.value for o in OUTCOMES)]
        write_rows(
            self._connection,
            f"INSERT INTO balance (gateway, minute, book, {', '.join(columns)})",
            [(*key, sum(counts), *counts) for key, counts in rows.items()],
            f"ON CONFLICT DO UPDATE SET {', '.join(f'{c} = {c} + excluded.{c}' for c in columns)}",
        )
        write_rows(
            self._connection,
            "INSERT INTO code",
            [(*key, count) for key, count in tally.codes.items()],
            "ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )
        self._drop_emptied(rows, tally)

    def _drop_emptied(self, balances: Iterable[tuple[str, int, str]], tally: Tally) -> None:
        """Drop rows from which a replay has taken all they counted."""
        if not any(count < 0 for count in (*tally.outcomes.values(), *tally.codes.values())):
            return
        self._connection.executemany(
            "DELETE FROM balance WHERE gateway = ? AND minute = ? AND book = ? AND received = 0", balances
        )
        self._connection.executemany(
            "DELETE FROM code WHERE gateway = ? AND minute = ? AND code = ? AND count = 0", tally.codes
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
            f"INSERT INTO quarantine VALUES ({', '.join('?' * 16)})",
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

    def runs(self, gateway: str, boot: str) -> list[Run]:
        """Return the sequence numbers seen in a boot, as runs in order."""
        rows = self._connection.execute(
            "SELECT low, high, low_time, high_time, low_at, high_at FROM sequence WHERE gateway = ? AND boot = ? ORDER BY low",
            (gateway, boot),
        )
        return [Run(*row) for row in rows]

    def replace_runs(self, gateway: str, boot: str, gone: Iterable[Run], come: Iterable[Run]) -> None:
        """Exchange runs of a boot."""
        self._connection.executemany(
            "DELETE FROM sequence WHERE gateway = ? AND boot = ? AND low = ?",
            [(gateway, boot, r.low) for r in gone],
        )
        self._connection.executemany(
            "INSERT INTO sequence VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(gateway, boot, r.low, r.high, r.low_time, r.high_time, r.low_at, r.high_at) for r in come],
        )

    def boots(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return every boot ever heard: (gateway, boot) → (its number, heard last [ns])."""
        rows = self._connection.execute("SELECT gateway, boot, id, heard FROM boot")
        return {(g, b): (int(number), int(heard)) for g, b, number, heard in rows}

    def hear(self, heard: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        """Remember boots: (gateway, boot) → (its number, heard [ns])."""
        write_rows(
            self._connection,
            "INSERT INTO boot",
            [(number, gateway, boot, at) for (gateway, boot), (number, at) in heard.items()],
            "ON CONFLICT DO UPDATE SET heard = excluded.heard",
        )

    def status(self, gateway: str, at: int, online: bool | None, payload: bytes) -> None:
        """Remember what a gateway's status said last, and count it."""
        self._connection.execute(
            "INSERT INTO gateway_status VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET at = excluded.at,"
            " online = excluded.online, payload = excluded.payload, count = count + 1",
            (gateway, at, online, payload),
        )

    def old_status(self, gateway: str, at: int, online: bool | None, payload: bytes) -> None:
        """Count a status that is replayed; what the gateway said since stands."""
        self._connection.execute(
            "INSERT INTO gateway_status VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET count = count + 1",
            (gateway, at, online, payload),
        )
