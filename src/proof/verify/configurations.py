"""Under which configuration the messages of a state were taken: what today's makes of earlier ones proves nothing of them."""

import sqlite3

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Ints
from proof.verify.findings import Finding, Kind, Report
from proof.verify.ledger_proof import Span
from store import terms

NEVER = 2**62  # no message has this offset


class Configurations:
    """The hashes of the configurations that took the messages of a state, by the journal's offsets."""

    def __init__(self, state: sqlite3.Connection, today: str) -> None:
        """Read them; `today` is the hash of the configuration that proves."""
        self._state = state
        rows = state.execute("SELECT first, hash FROM configuration ORDER BY first").fetchall()
        self._first = np.array([row[0] for row in rows], np.int64)
        self._hash = np.array(["", *(row[1] for row in rows)], object)
        self.today = today

    @property
    def today_from(self) -> int:
        """The offset from which on today's configuration took every message; NEVER where another one takes them."""
        if not len(self._first) or self._hash[-1] != self.today:
            return NEVER
        return int(self._first[-1])

    @property
    def always_today(self) -> bool:
        """Whether no other configuration ever took a message."""
        return set(self._hash[1:].tolist()) <= {self.today}

    def of(self, message: Ints) -> NDArray[np.object_]:
        """Return the hash of the configuration that took each message."""
        return np.asarray(self._hash[np.searchsorted(self._first, message, side="right")])

    def prove_terms(self, again: sqlite3.Connection, report: Report) -> None:
        """Check what is remembered of the sources' terms against a state that was given today's.

        What windows had under earlier configurations only these would tell.
        """
        if self.today_from == NEVER:
            return
        stored, given = _terms(self._state), _terms(again)
        others = self._state.execute("SELECT 1 FROM ledger WHERE configuration != ? LIMIT 1", (self.today,))
        always = self.always_today and others.fetchone() is None
        kind: Kind = "differs" if always else "configuration"
        for name in sorted(given):
            lacking = name not in stored
            if lacking or stored[name][:2] != given[name][:2] or (always and stored[name] != given[name]):
                detail = "are missing" if lacking else "are not what its configuration gives"
                report.add(Finding("messages", kind, f"terms of source {'/'.join(name)}", detail))

    def prove(self, spans: list[Span], report: Report) -> None:
        """Check that the ledger, whose rows are chained, says the same of the messages that changed anything."""
        for span in spans:
            for offset in (span.first, span.end - 1):
                [found] = self.of(np.array([offset])).tolist()
                if found != span.configuration:
                    said = f"the ledger says {span.configuration[:12]} took message {offset}, it says {found[:12] or 'nothing'}"
                    report.add(Finding("messages", "differs", "configuration", said))


def _terms(state: sqlite3.Connection) -> dict[terms.Name, tuple[str, str, str]]:
    """Return what each source was given last, what it took its amounts from, and what its windows have."""
    inputs = terms.inputs(state)
    return {name: (given, inputs[name], kept) for name, (given, kept) in terms.read(state).items()}
