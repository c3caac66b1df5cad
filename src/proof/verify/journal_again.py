"""Takes the journal again, through the line's own stages, into a state of its own: what everything but windows should be.

Decoding, units, sequences, outcomes and both balances come out as they did, because the line makes them; which readings
were new the proven state answers (`known_readings`). A message that was taken under another configuration ended as that
said: where it was refused its readings are taken as refused, and limits refuse nothing.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alerts.engine.alert_actions import AlertActions
from alerts.tables import actions
from ingest.line.line import Line
from plant.park import Plant
from plant.vocabulary import FOREVER
from proof.verify.as_it_was import AsItWas
from proof.verify.journal_proof import Taken
from proof.verify.known_readings import KnownReadings
from proof.verify.records_before import know_records_before
from rules.engine import Engine
from store import audit
from store.messages.journal import JournalReader, Message
from store.messages.news import News
from store.state import State

# What was replayed is taken at its place as it ended, so that a replay has nothing left to do.
NO_REPLAYS = "CREATE TRIGGER no_replays AFTER INSERT ON replay BEGIN UPDATE replay SET finished = at WHERE message = new.message; END"


class JournalUpTo(JournalReader):
    """The messages of a journal up to one, as of one moment; damaged ones too, as far as they can be read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.path, self._connection = Path("journal.db"), connection
        self.end_at, self.latest = 1, 0
        self.damaged: set[int] = set()  # first offsets of groups that do not match their digest

    def read(self, start: int, most: int) -> Iterator[tuple[int, list[Message]]]:
        """Yield (offset of its first message, messages) from `start` on, until at least `most` were given."""
        given = 0
        while given < most and start < self.end_at:
            group = audit.journal_group(self._connection, start)
            if group is None:
                return
            if not group.intact:
                self.damaged.add(group.first)
            messages = (group.messages or [])[start - group.first : self.end_at - group.first]
            if not messages:
                return
            self.latest = max(self.latest, messages[-1].received)
            yield start, messages
            given += len(messages)
            start += len(messages)


class NoWatch:
    """Judges nothing; what people did with alerts is noted all the same."""

    matters = False

    def __init__(self, plant: Plant, state: State) -> None:
        self.asked = np.zeros(len(plant.channels), bool)
        self.takers = {actions.TOPIC: AlertActions(state).take}

    def see(self, untold: Sequence[News], now: int) -> None:
        """Do nothing."""

    def reload(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class JournalStretch:
    """Consecutive messages [first, end) of the journal; `today` where today's configuration took them."""

    first: int
    end: int
    today: bool


def open_to_all(plant: Plant) -> Plant:
    """Return a plant that refuses no reading for its value or its age."""
    channels = tuple(replace(channel, minimum=np.nan, maximum=np.nan) for channel in plant.channels)
    return replace(plant, max_late=FOREVER, channels=channels)


class JournalAgain:
    """A state in a directory of its own that follows the journal as the proven one should."""

    def __init__(
        self,
        folder: Path,
        plant: Plant,
        engine: Engine,
        stored: sqlite3.Connection,
        journal: sqlite3.Connection,
    ) -> None:
        """Begin with nothing in an empty directory."""
        self._plant, self._engine, self._stored, self._journal = plant, engine, stored, journal
        self.reader = JournalUpTo(journal)
        self.state = State(folder / "state.db", plant)
        self.state.connection.execute("PRAGMA synchronous = OFF")
        self.state.connection.execute(NO_REPLAYS)
        self.known = KnownReadings(stored, plant, self.state.connection)
        self._know_what_was_pruned()

    def _know_what_was_pruned(self) -> None:
        """Know the records of before the first message that is there."""
        self.reader.end_at = FOREVER
        start = audit.next_group(self._journal, 0)
        for first, [message, *_] in self.reader.read(start, 1) if start is not None else ():
            with self.state.transaction():
                know_records_before(self._stored, self.state.connection, first, message.received)

    def close(self) -> None:
        """Close the state; its directory is the caller's."""
        self.state.close()

    def replay(self, stretch: JournalStretch) -> Iterator[int]:
        """Take a stretch again; yield the first offset that is not taken yet after each step."""
        self.reader.end_at = stretch.end
        with self.state.transaction():
            self.state.move_cursor(stretch.first)
        line = self._line(stretch)
        while line.step() or line.behind:
            yield line.next

    def _line(self, stretch: JournalStretch) -> Line:
        evaluator = self.known.evaluator(self._engine, lambda: line.next)
        line = Line(
            self._plant if stretch.today else open_to_all(self._plant),
            self.state,
            self.reader,
            evaluator,  # type: ignore[arg-type]  # all of it that a line asks
            NoWatch(self._plant, self.state),
            clock=lambda: self.reader.latest,
            crash=lambda _point: None,
            project=False,
        )
        was = AsItWas(self._stored, self.known, lambda: line.next, faults_only=stretch.today)
        decode, normalise, *others = line.stages
        line.stages = (decode, was.set_clock, normalise, was, *others)
        return line


def stretches(taken: Taken, today_from: int) -> list[JournalStretch]:
    """Return the messages that were taken, in stretches without a hole and of one configuration."""
    found: list[JournalStretch] = []
    for first, last in taken.spans:
        stop = min(last, taken.cursor)
        for low, high in ((first, min(stop, today_from)), (max(first, today_from), stop)):
            if low < high:
                found.append(JournalStretch(low, high, today=low >= today_from))
    return found
