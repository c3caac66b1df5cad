"""Proves that the journal has each message that a state has taken, and says which it has not taken yet."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from plant.arrays import Bools, Ints
from proof.verify.findings import Finding, Kind, Report, when
from store import audit
from store.archive.archived import archived_months
from store.messages.journal import journal_end, whole_up_to
from store.messages.journal_head import JournalHead


@dataclass(frozen=True, slots=True)
class Taken:
    """What a state has taken of a journal: the messages before `cursor`, of which the journal has `spans`, [first, end)."""

    cursor: int
    spans: list[tuple[int, int]] = field(default_factory=list)

    @property
    def begin(self) -> int:
        """The first message that the journal has."""
        return self.spans[0][0] if self.spans else 1

    @property
    def end(self) -> int:
        """The message that the journal gets next."""
        return self.spans[-1][1] if self.spans else 1

    def has(self, message: Ints) -> Bools:
        """Whether the journal has each message."""
        first = np.array([span[0] for span in self.spans], np.int64)
        end = np.array([0, *(span[1] for span in self.spans)], np.int64)
        return np.asarray(message < end[np.searchsorted(first, message, side="right")])


def taken_of(state: sqlite3.Connection, journal: sqlite3.Connection) -> Taken:
    """Read what a state has taken of a journal."""
    row = state.execute("SELECT next FROM cursor WHERE name = 'line'").fetchone()
    return Taken(1 if row is None else int(row[0]), audit.journal_spans(journal))


class JournalProof:
    """Looks at which messages there are, and at none of them."""

    def __init__(
        self, state: sqlite3.Connection, journal: sqlite3.Connection, taken: Taken, report: Report
    ) -> None:
        self._state, self._journal, self._taken, self._report = state, journal, taken, report

    def prove(self, path: Path, head: JournalHead | None) -> None:
        """Name what is lacking; `head` says what was journalled before the journal was opened."""
        self._prove_cursors()
        self._prove_identity()
        end = 1
        for first, stop in self._taken.spans:
            self._lack(end, min(first, self._taken.cursor))
            self._lose(max(end, self._taken.cursor), first)
            end = max(end, stop)
        self._lack(end, self._taken.cursor)
        if head is not None and head.end > journal_end(self._journal):
            row = _messages(journal_end(self._journal), head.end)
            self._report.add(Finding("readings", "unproven", row, whole_up_to(self._journal, path)))
        self._say_what_waits()

    def _prove_cursors(self) -> None:
        names = [name for (name,) in self._state.execute("SELECT name FROM cursor")]
        if names != ["line"]:
            detail = f"there are cursors {', '.join(names) or 'none'}; there is one, of the line"
            self._add("differs", "cursor", detail)

    def _prove_identity(self) -> None:
        """Check that the state follows this journal; of one whose beginning was archived nobody can say."""
        followed = self._state.execute("SELECT value FROM meta WHERE key = 'journal'").fetchone()
        own = self._journal.execute("SELECT digest FROM journal WHERE first = 1").fetchone()
        if own is not None and self._taken.cursor > 1 and followed != own:
            self._add("differs", "state", "it says that it follows another journal than the one beside it")

    def _lack(self, first: int, end: int) -> None:
        if first >= end:
            return
        taken = self._taken
        kind: Kind = "differs"
        if first >= taken.end:
            detail = f"the cursor, {taken.cursor}, says that they are taken; the journal ends at {taken.end}"
        elif first == 1:
            kind = "unproven"
            detail = f"the journal begins at {taken.begin}: how they ended cannot be proven, nor the balances of their time"
            detail += self._where_they_are()
        else:
            detail = "not in the journal, between others that are"
        self._add(kind, _messages(first, end), detail)

    def _where_they_are(self) -> str:
        """Say with which months messages that the journal lacks were archived, "" where none was."""
        by_park: dict[str, list[str]] = {}
        for one in archived_months(self._state):
            by_park.setdefault(one.park, []).append(one.month)
        told = "; ".join(f"{park} {', '.join(months)}" for park, months in by_park.items())
        return f"; they were archived with {told}: --archive PLACE proves them" if told else ""

    def _lose(self, first: int, end: int) -> None:
        if first < end:
            self._add(
                "differs", _messages(first, end), "neither taken nor in the journal, and later ones are"
            )

    def _say_what_waits(self) -> None:
        first = max(self._taken.cursor, self._taken.begin)
        if first >= self._taken.end:
            return
        group = audit.journal_group(self._journal, first)
        came = group.messages[first - group.first :] if group is not None and group.messages else []
        since = f" since {when(came[0].received)}" if came else ""
        detail = f"in the journal{since}, not taken yet: a running service does that by itself"
        self._add("waiting", _messages(first, self._taken.end), detail)

    def _add(self, kind: Kind, row: str, detail: str) -> None:
        self._report.add(Finding("messages", kind, row, detail))


def _messages(first: int, end: int) -> str:
    return f"message {first}" if end == first + 1 else f"messages {first} to {end - 1}"
