"""Steps: each transaction that changed the state, numbered, in the journal's file: what it took, and at what time.

State, alerts and ledger follow from the messages and these. Whoever takes the same messages in the same steps, at the same
times and under the same configuration, has the same state. A step is safe before what it did is committed; one that was never
committed is the last, and is replaced by the next or done again when the service starts.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from store.accounting.ledger import ledger_head
from store.faults import told_of
from store.messages.journal import REMEDY, Journal
from store.sqlite import uri

# What a step is: the beginning of a service, messages, one message set aside, refused ones taken anew, one of these left as it was,
# what time alone makes due, a look of the rules of alerts, an act of the webhooks' outbox, a part of a restatement.
START, MESSAGES, ASIDE, REPLAY, LEFT, TIME, ALERTS, OUTBOX, RESTATEMENT = (
    "start", "messages", "aside", "replay", "left", "time", "alerts", "outbox", "restatement",
)  # fmt: skip


class RecordedStep(msgspec.Struct, frozen=True):
    """One step: its kind, the one time that it went by [ns UTC], the first message that it left, and what else its kind needs."""

    kind: str
    now: int
    through: int
    detail: bytes = b""


class Started(msgspec.Struct, frozen=True):
    """The detail of a start.

    Attributes
    ----------
    configuration, version
        By which configuration (its hash) and version it went on.
    follows
        Whether the state then followed from the steps before; False where it was made before steps were recorded, or
        otherwise than by them.
    quiet
        The first message from which on people are told of alerts.
    """

    configuration: str
    version: str
    follows: bool = True
    quiet: int = 0


class StepFailed(Exception):
    """A recorded step cannot be done again; the text says why."""


def started(step: RecordedStep) -> Started:
    """Return what a start says."""
    return _started(step.detail)


def _started(detail: bytes) -> Started:
    try:
        return msgspec.json.decode(detail, type=Started)
    except msgspec.MsgspecError as error:
        raise StepFailed(f"a start cannot be read: {error}") from error


class AsideDetail(msgspec.Struct, frozen=True):
    """The detail of a message that was set aside: in which of the ways that there are for it, and why."""

    way: int
    why: str


class LeftDetail(msgspec.Struct, frozen=True):
    """The detail of a replayed message (its offset) that was left as it was, or of a replay that was ended; and why."""

    message: int | None
    why: str


class StepLog:
    """Writes steps into a journal's file; the state's lock lets in one at a time of those who write the state."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def write(self, number: int, step: RecordedStep, head: Callable[[], bytes] = bytes) -> None:
        """Make a step safe under a number; one that is there already was never committed, and is replaced.

        `head` tells the ledger's hash after the step.
        """
        self._journal.write_step((number, step.kind, step.now, step.through, step.detail), head)


class StepReader:
    """Reads steps through a connection of its own."""

    def __init__(self, path: Path) -> None:
        with told_of(path, REMEDY):
            self._connection = sqlite3.connect(uri(path, "ro"), uri=True, check_same_thread=False, timeout=30)

    def read(self, first: int) -> Iterator[tuple[int, RecordedStep]]:
        """Yield number and step from a number on."""
        while rows := self._rows(first):
            for number, kind, now, through, detail in rows:
                yield number, RecordedStep(kind, now, through, detail)
            first = rows[-1][0] + 1

    def last_beginning(self) -> int:
        """Return the number of the step that the state of today began with: the last start of one that followed from none."""
        starts = self._connection.execute(
            "SELECT number, detail FROM step WHERE kind = ? ORDER BY number DESC", (START,)
        )
        return next((number for number, detail in starts if not _started(detail).follows), 1)

    def last_start(self, before: int) -> RecordedStep:
        """Return the last start before a step."""
        return self._one("kind = 'start' AND number < ? ORDER BY number DESC", before)[1]

    def first_since(self, time: int) -> tuple[int, int]:
        """Return when the first step at or after a time [ns UTC] was, and the first message that it left; else of the last step."""
        row = self._connection.execute("SELECT min(number), max(number) FROM step").fetchone()
        if row[0] is None:
            raise StepFailed("the journal has no step")
        numbers = range(row[0], row[1])
        found = row[0] + bisect_left(numbers, time, key=lambda number: self._at(number).now)
        step = self._at(found)
        return step.now, step.through

    def left_before(self, time: int) -> int:
        """Return the first message that the last step before a time [ns UTC] left, 1 where there is none."""
        row = self._connection.execute("SELECT min(number), max(number) FROM step").fetchone()
        if row[0] is None:
            raise StepFailed("the journal has no step")
        found = row[0] + bisect_left(range(row[0], row[1] + 1), time, key=lambda number: self._at(number).now)
        return self._one("number < ? ORDER BY number DESC", found)[1].through if found > row[0] else 1

    def _at(self, number: int) -> RecordedStep:
        """Return the first step from a number on."""
        return self._one("number >= ? ORDER BY number", number)[1]

    def last(self) -> tuple[int, RecordedStep]:
        """Return the last step and its number."""
        return self._one("number > ? ORDER BY number DESC", 0)

    def _one(self, chosen: str, number: int) -> tuple[int, RecordedStep]:
        row = self._connection.execute(
            f"SELECT number, kind, now, through, detail FROM step WHERE {chosen} LIMIT 1", (number,)
        ).fetchone()
        if row is None:
            raise StepFailed("the journal has no such step")
        found, *columns = row
        return int(found), RecordedStep(*columns)

    def _rows(self, first: int) -> list[tuple[int, str, int, int, bytes]]:
        """Return the next steps; none of a journal that is older than they are."""
        if self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'step'").fetchone() is None:
            return []
        return self._connection.execute(
            "SELECT number, kind, now, through, detail FROM step WHERE number >= ? ORDER BY number LIMIT 1000",
            (first,),
        ).fetchall()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class StepRecorder:
    """Ends the transactions of a state's steps.

    Attributes
    ----------
    log
        Where steps are recorded; None: nowhere.
    again
        The number of the step that follows the one that is being done again; None: steps are new.
    """

    def __init__(self, connection: sqlite3.Connection, log: StepLog | None = None) -> None:
        self._connection, self.log = connection, log
        self.again: int | None = None
        self._changes = 0

    def begin(self) -> None:
        """Note how things stand at the beginning of a transaction."""
        self._changes = self._connection.total_changes

    def end(self, step: RecordedStep, *, matters: bool = False) -> bool:
        """Record a step that changed something, or that `matters` though it did not, as the last thing before its commit.

        Returns whether it is one.
        """
        is_step = matters or self._connection.total_changes != self._changes
        if self.again is not None:
            go_on_from(self._connection, self.again)
        elif self.log is not None and is_step:
            number = next_step(self._connection)
            self.log.write(number, step, lambda: ledger_head(self._connection))
            go_on_from(self._connection, number + 1)
        return is_step


def next_step(connection: sqlite3.Connection) -> int:
    """Return the number of the first step that a state does not hold."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'step'").fetchone()
    return int(row[0]) if row else 1


def go_on_from(connection: sqlite3.Connection, number: int) -> None:
    """Note the number of the first step that a state does not hold, inside a transaction."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('step', ?)", (number,))
