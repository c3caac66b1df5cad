"""Replays of refused messages: what somebody wants taken anew, how far that has come, and what became of it.

Decided like everything that people decide: journalled, and taken by the line in its turn.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from plant.vocabulary import Code, Outcome
from store.messages.books import Refused
from store.messages.journal import DECISION, Message
from store.messages.quarantine import Wanted, wanted_rows

TOPIC = b"$stackmeter/replay"  # no subscription of ours matches it
MOST_MESSAGES = 1000  # that are taken anew in one step of the line
MOST_BYTES = 8 * 1024 * 1024  # of them; one message at least


class Replay(msgspec.Struct, frozen=True):
    """What somebody wants replayed: refused messages that fit all that is given, see `store.messages.quarantine.Wanted`."""

    id: str
    by: str
    gateway: str | None = None
    code: str | None = None
    start: int | None = None
    end: int | None = None
    places: tuple[str, ...] | None = None
    messages: tuple[int, ...] | None = None

    @property
    def wanted(self) -> Wanted:
        """Which messages these are."""
        return Wanted(self.gateway, self.code, self.start, self.end, self.places, self.messages)

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, TOPIC, msgspec.json.encode(self), DECISION)


class Became(msgspec.Struct):
    """What became of the messages that were looked at, and of their readings that had not counted before.

    `messages` and `readings` count by outcome, quarantined: still refused. `codes` says why messages still are; `left`
    counts those that cannot be replayed, by the reason.
    """

    messages: dict[str, int] = msgspec.field(default_factory=dict)
    readings: dict[str, int] = msgspec.field(default_factory=dict)
    codes: dict[str, int] = msgspec.field(default_factory=dict)
    left: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def looked_at(self) -> int:
        """How many messages it is about."""
        return sum(self.messages.values()) + sum(self.left.values())

    def add(self, other: "Became") -> None:
        """Add what became of more messages."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count


@dataclass(frozen=True, slots=True)
class Standing:
    """How a replay stands."""

    offset: int  # of the decision
    at: int  # ns UTC
    replay: Replay
    taken: int  # the offset up to which it has come
    became: Became
    finished: int | None  # ns UTC


def begin(connection: sqlite3.Connection, replay: Replay, offset: int, at: int) -> None:
    """Note a replay that has yet to be done; one that was decided twice is done once."""
    connection.execute(
        "INSERT OR IGNORE INTO replay VALUES (?, ?, ?, ?, 0, ?, NULL)",
        (offset, replay.id, at, msgspec.json.encode(replay), msgspec.json.encode(Became())),
    )


def open_replay(connection: sqlite3.Connection) -> Standing | None:
    """Return the first replay that is not done."""
    row = connection.execute(f"{_SELECT} WHERE finished IS NULL ORDER BY message LIMIT 1").fetchone()
    return _standing(row) if row else None


def replay_of(connection: sqlite3.Connection, number: str) -> Standing | None:
    """Return a replay by its id."""
    row = connection.execute(f"{_SELECT} WHERE id = ?", (number,)).fetchone()
    return _standing(row) if row else None


def next_refused(
    connection: sqlite3.Connection, standing: Standing, most: int = MOST_MESSAGES
) -> tuple[list[Refused], bool]:
    """Return the next messages of a replay, in order, at most so many, without their payloads, and whether these are the last.

    Only what was refused before the decision is meant.
    """
    conditions, values = wanted_rows(standing.replay.wanted)
    rows = connection.execute(
        "SELECT message, received, gateway, topic, outcome, code, path, detail, size, digest, accepted, late, duplicate,"
        f" refused, counted FROM quarantine WHERE {conditions} AND message > ? AND message < ? ORDER BY message LIMIT ?",
        (*values, standing.taken, standing.offset, most + 1),
    )
    found: list[Refused] = []
    size = 0
    for message, received, gateway, topic, outcome, code, path, detail, length, digest, *counts in rows:
        size += length
        if found and (size > MOST_BYTES or len(found) == most):
            return found, False
        kept = (message, received, gateway, topic, Outcome(outcome), Code(code), path, detail, length, digest)
        found.append(Refused(*kept, b"", tuple(counts[:4]), bool(counts[4])))
    return found, True


def advance(connection: sqlite3.Connection, standing: Standing, taken: int) -> None:
    """Note how far a replay has come, and what became of it so far."""
    connection.execute(
        "UPDATE replay SET taken = ?, became = ? WHERE message = ?",
        (taken, msgspec.json.encode(standing.became), standing.offset),
    )


def finish(connection: sqlite3.Connection, standing: Standing, at: int) -> None:
    """Note that a replay is done."""
    connection.execute(
        "UPDATE replay SET became = ?, finished = ? WHERE message = ?",
        (msgspec.json.encode(standing.became), at, standing.offset),
    )


_SELECT = "SELECT message, at, wanted, taken, became, finished FROM replay"


def _standing(row: Sequence[Any]) -> Standing:
    offset, at, wanted, taken, became, finished = row
    return Standing(
        offset, at, msgspec.json.decode(wanted, type=Replay), taken, msgspec.json.decode(became, type=Became), finished
    )  # fmt: skip
