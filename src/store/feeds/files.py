"""The outbox of feeds: files frozen slot by slot, kept until an authority took them, and what became of each attempt.

A frozen file is a fact of its own, as what stands at the authority is: it does not follow from the journal again, and nothing
here is made anew with the state (decision 32).
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Literal

from plant.vocabulary import NS_PER_DAY
from store.sqlite import FEEDS, claim, open_writer, transaction, uri

KEPT_DAYS = 90  # for which what was delivered stays, and the log of attempts
MOST_ATTEMPTS = 100_000  # rows of the log of a feed

FileState = Literal["waiting", "delivered", "differs"]


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """A file as it is when it is frozen; `slot` is where its slot begins [ns UTC]."""

    slot: int
    name: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """The oldest file that an authority has yet to get."""

    id: int
    slot: int
    name: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A frozen file and what became of it; times are ns UTC."""

    slot: int
    name: str
    size: int  # bytes
    digest: str
    frozen: int
    state: FileState
    at: int | None  # when it was delivered, found to differ, or asked for again


@dataclass(frozen=True, slots=True)
class FeedStanding:
    """How a feed stands; times are ns UTC, None where there is none."""

    name: str
    looked: int | None = None  # the first slot of which nothing is frozen yet
    waiting: int = 0
    oldest: int | None = None  # the slot of the oldest file that waits
    unsent: int | None = None  # and of the oldest that waits for the first time
    asked: int | None = None  # when the first of those that wait was asked for again
    differs: int = 0  # files of whose name the authority had another one already
    delivered: int = 0  # attempts
    failed: int = 0
    last_delivered: int | None = None
    last_slot: int | None = None  # of the newest file
    last_error: str = ""  # of the latest attempt; "" where it was taken

    def behind(self, every: int, delay: int, now: int) -> int:
        """Return how long the oldest slot that is not delivered is due already, or asked for again [ns]; 0 where none is."""
        due = [one + every + delay for one in (self.unsent, self.looked) if one is not None]
        due += [self.asked] if self.asked is not None else []
        return max(0, now - min(due)) if due else 0


class FeedFiles:
    """The file of feeds through a connection of its own; each method is one small transaction. Raises sqlite3.Error where that cannot be."""

    def __init__(self, path: Path) -> None:
        self._connection = open_writer(path)
        claim(self._connection, path, FEEDS, (files("store.feeds") / "feeds.sql").read_text())

    def looked(self, feed: str, first: int) -> int:
        """Return the first slot of which nothing is frozen yet, `first` for a feed that is new; it is kept then."""
        self._connection.execute(
            "INSERT INTO feed (name, first, looked) VALUES (?1, ?2, ?2) ON CONFLICT DO NOTHING", (feed, first)
        )
        found = self._connection.execute("SELECT looked FROM feed WHERE name = ?", (feed,)).fetchone()
        return int(found[0])

    def look_back(self, feed: str, present: int) -> int:
        """Let the next look begin behind the newest file up to a slot, for the clock was set back to that; return from where on."""
        newest = "SELECT max(slot) FROM feed_file WHERE feed = ?1 AND slot <= ?2"
        (found,) = self._connection.execute(
            f"UPDATE feed SET looked = coalesce(({newest}), min(first, ?2)) WHERE name = ?1 RETURNING looked",
            (feed, present),
        ).fetchone()
        return int(found)

    def freeze(self, feed: str, made: Sequence[FrozenFile], looked: int, now: int) -> int:
        """Keep files, and from which slot on the next look is; return how many are new. A slot that has a file keeps it."""
        with transaction(self._connection):
            new = sum(
                self._connection.execute(
                    "INSERT INTO feed_file (feed, slot, name, body, digest, frozen, state)"
                    " VALUES (?, ?, ?, ?, ?, ?, 'waiting') ON CONFLICT DO NOTHING",
                    (feed, one.slot, one.name, one.body, sha256(one.body).hexdigest(), now),
                ).rowcount
                for one in made
            )
            self._connection.execute("UPDATE feed SET looked = ? WHERE name = ?", (looked, feed))
            self._forget(feed, now)
        return new

    def next(self, feed: str) -> WaitingFile | None:
        """Return the file that is to be delivered now: the oldest slot's."""
        row = self._connection.execute(
            "SELECT id, slot, name, body FROM feed_file WHERE feed = ? AND state = 'waiting' ORDER BY slot LIMIT 1",
            (feed,),
        ).fetchone()
        return WaitingFile(*row) if row else None

    def note_sent(self, feed: str, file: WaitingFile, state: FileState, at: int, took_ms: int) -> None:
        """Note that the authority has a file, or another one of its name, since a time [ns UTC]."""
        error = "" if state == "delivered" else "another file of this name is there; it stands"
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE feed_file SET state = ?, at = ? WHERE id = ?", (state, at, file.id)
            )
            self._log(feed, file, at, error, took_ms)

    def note_failed(self, feed: str, file: WaitingFile, at: int, error: str, took_ms: int) -> None:
        """Note that an attempt failed [ns UTC]."""
        with transaction(self._connection):
            self._log(feed, file, at, error, took_ms)

    def resend(self, feed: str, start: int, end: int, now: int) -> int:
        """Let the files of the slots in [start, end) wait again as they are, and return how many did not before [ns UTC]."""
        return self._connection.execute(
            "UPDATE feed_file SET state = 'waiting', at = ? WHERE feed = ? AND slot >= ? AND slot < ? AND state != 'waiting'",
            (now, feed, start, end),
        ).rowcount

    def told(self, feed: str) -> int | None:
        """Return since when on-call is told that a feed is behind [ns UTC], None where it is not."""
        row = self._connection.execute("SELECT told FROM feed WHERE name = ?", (feed,)).fetchone()
        return row[0] if row else None

    def note_told(self, feed: str, since: int | None) -> None:
        """Note since when on-call is told that a feed is behind [ns UTC], None where it is over."""
        self._connection.execute("UPDATE feed SET told = ? WHERE name = ?", (since, feed))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _log(self, feed: str, file: WaitingFile, at: int, error: str, took_ms: int) -> None:
        self._connection.execute(
            "UPDATE feed SET delivered = delivered + ?2, failed = failed + ?3, last_error = ?4,"
            " last_delivered = iif(?2, ?5, last_delivered) WHERE name = ?1",
            (feed, not error, bool(error), error, at),
        )
        self._connection.execute(
            "INSERT INTO feed_attempt (feed, name, at, error, took_ms) VALUES (?, ?, ?, ?, ?)",
            (feed, file.name, at, error, took_ms),
        )

    def _forget(self, feed: str, now: int) -> None:
        """Forget what was delivered long ago; what waits, or differs, stays whatever its age.

        A clock that is ahead for a while forgets nothing, for what was forgotten could be frozen again.
        """
        since = now - KEPT_DAYS * NS_PER_DAY
        self._connection.execute(
            "DELETE FROM feed_file WHERE feed = ?1 AND slot < ?2 AND state = 'delivered'"
            " AND slot < (SELECT max(slot) FROM feed_file WHERE feed = ?1) - ?3",
            (feed, since, KEPT_DAYS * NS_PER_DAY),
        )
        self._connection.execute(
            "DELETE FROM feed_attempt WHERE feed = ?1 AND (id <= (SELECT id FROM feed_attempt WHERE feed = ?1"
            " ORDER BY id DESC LIMIT 1 OFFSET ?2) OR (at < ?3 AND id < (SELECT max(id) FROM feed_attempt WHERE feed = ?1)))",
            (feed, MOST_ATTEMPTS, since),
        )


def standings(path: Path, feeds: Sequence[str]) -> list[FeedStanding]:
    """Return how feeds stand; nothing is known of any where the file is not made yet. Raise sqlite3.Error where it cannot be read."""
    if not path.exists():
        return [FeedStanding(name) for name in feeds]
    with closing(_opened(path)) as connection:
        return [_standing(connection, name) for name in feeds]


def kept_files(
    path: Path, feed: str, *, state: FileState | None = None, before: int | None = None, most: int = 100
) -> list[KeptFile]:
    """Return the newest files of a feed, the newest slot first; `before` is a slot [ns UTC]."""
    if not path.exists():
        return []
    with closing(_opened(path)) as connection:
        rows = connection.execute(
            "SELECT slot, name, length(body), digest, frozen, state, at FROM feed_file"
            " WHERE feed = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR slot < ?3) ORDER BY slot DESC LIMIT ?4",
            (feed, state, before, most),
        )
        return [KeptFile(*row) for row in rows]


def kept_file(path: Path, feed: str, slot: int) -> bytes | None:
    """Return the bytes of a slot's file, None where it has none."""
    if not path.exists():
        return None
    with closing(_opened(path)) as connection:
        row = connection.execute(
            "SELECT body FROM feed_file WHERE feed = ? AND slot = ?", (feed, slot)
        ).fetchone()
        return bytes(row[0]) if row else None


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(uri(path, "ro"), uri=True, timeout=5, isolation_level=None)


def _standing(connection: sqlite3.Connection, name: str) -> FeedStanding:
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'feed'").fetchone():
        return FeedStanding(name)
    query = "SELECT looked, delivered, failed, last_delivered, last_error FROM feed WHERE name = ?"
    row = connection.execute(query, (name,)).fetchone()
    if row is None:
        return FeedStanding(name)

    def of(query: str) -> tuple[int | None, ...]:
        return tuple(connection.execute(query, (name,)).fetchone() or (None, None))

    waiting, oldest, unsent, asked = of(
        "SELECT count(*), min(slot), min(slot) FILTER (WHERE at IS NULL), min(at) FROM feed_file"
        " WHERE feed = ? AND state = 'waiting'"
    )
    differs, _ = of("SELECT count(*), 0 FROM feed_file WHERE feed = ? AND state = 'differs'")
    last_slot, _ = of("SELECT max(slot), 0 FROM feed_file WHERE feed = ?")
    return FeedStanding(
        name,
        looked=row[0],
        waiting=waiting or 0,
        oldest=oldest,
        unsent=unsent,
        asked=asked,
        differs=differs or 0,
        delivered=row[1],
        failed=row[2],
        last_delivered=row[3],
        last_slot=last_slot,
        last_error=row[4],
    )
