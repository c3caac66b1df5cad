"""Proves the way from the journal to the state and back: the line takes the journal again, and all it makes is compared.

Each message before the cursor must be in the state once: its readings, its sequence number, its outcome in the balance,
and its row in quarantine where it was refused. Nothing may be there that no message brought.
"""

import sqlite3
import tempfile
from pathlib import Path

from plant.park import Plant
from proof.verify.books_proof import Before, BooksProof
from proof.verify.configurations import NEVER, Configurations
from proof.verify.decision_proof import DecisionProof
from proof.verify.findings import Finding, Report, Tell
from proof.verify.journal_again import JournalAgain, JournalStretch, stretches
from proof.verify.journal_proof import Taken
from proof.verify.known_readings import Settled
from proof.verify.reading_proof import ReadingProof
from proof.verify.report_proof import prove_reports
from rules.engine import Engine
from store import audit


class MessageProof:
    """Reads the journal once, beside the readings in order of their messages."""

    def __init__(
        self,
        state: sqlite3.Connection,
        journal: sqlite3.Connection,
        plant: Plant,
        engine: Engine,
        taken: Taken,
        configurations: Configurations,
        report: Report,
    ) -> None:
        self._state, self._journal, self._plant, self._engine = state, journal, plant, engine
        self._taken, self._configurations, self._report = taken, configurations, report
        # What came before our clock was set is taken as it ended: a replay may have judged it by the clock of since.
        [(set_at,)] = state.execute("SELECT coalesce(max(message), 0) FROM clock_step")
        self._today_from = max(configurations.today_from, int(set_at) + 1)

    def prove(self, tell: Tell) -> None:
        """Prove all messages before the cursor and all readings, and tell how far it is."""
        with tempfile.TemporaryDirectory(prefix="stackmeter-verify-") as folder:
            again = JournalAgain(Path(folder), self._plant, self._engine, self._state, self._journal)
            try:
                self._take_all(again, tell)
            finally:
                again.close()

    def _take_all(self, again: JournalAgain, tell: Tell) -> None:
        proof = ReadingProof(self._state, self._plant, again.reader, self._configurations, self._report)
        for stretch in stretches(self._taken, self._today_from):
            first: int | None = stretch.first
            while first is not None and first < stretch.end:
                first = self._replay(again, JournalStretch(first, stretch.end, stretch.today), proof, tell)
        again.reader.end_at = self._taken.cursor
        self._settle(again.known.settled(NEVER), proof)
        for group in sorted(again.reader.damaged):
            detail = "its messages do not match their digest"
            self._report.add(Finding("readings", "differs", f"journal group {group}", detail))
        DecisionProof(self._state, self._plant, again.reader, self._report).prove()
        prove_reports(self._state, again.reader, self._report)
        earlier = self._before(again, min(self._today_from, self._taken.cursor))
        gone = self._before(again, self._taken.begin)
        books = BooksProof(self._state, again.state.connection, earlier, gone, self._report)
        books.prove(proof.of_another)
        self._configurations.prove_terms(again.state.connection, self._report)

    def _replay(
        self, again: JournalAgain, stretch: JournalStretch, proof: ReadingProof, tell: Tell
    ) -> int | None:
        """Take a stretch as far as it can be read; return where the next group begins that can be."""
        at = stretch.first
        for at in again.replay(stretch):
            self._settle(again.known.settled(at), proof)
            tell("messages", at, self._taken.cursor)
        self._report.checked["messages"] += at - stretch.first
        return audit.next_group(self._journal, at) if at < stretch.end else None

    def _settle(self, settled: Settled, proof: ReadingProof) -> None:
        left = settled.left
        self._report.checked["readings"] += settled.count
        taken, there = left.message < self._taken.cursor, self._taken.has(left.message)
        proof.say_not_taken(left.take(~taken), self._taken.cursor)
        proof.say_gone(left.take(taken & ~there), self._taken.begin)
        proof.prove(left.take(taken & there))
        proof.name_absent(settled)

    def _before(self, again: JournalAgain, offset: int) -> Before:
        """Return messages before an offset; of those that are gone, when the first came that is not."""
        last = again.reader.one(max(offset - 1, self._taken.begin))
        return Before(offset, 0 if last is None else last.received)
