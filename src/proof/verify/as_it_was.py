"""A stage of the line where the journal is taken again: what was refused is refused as it was.

Today's configuration would take many a message that an earlier one refused, and a bug that set a message aside may be
mended. The state says of each that was refused why, and what of it counted; of those that are only counted, nothing.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np

from ingest import topics
from ingest.formats.columns import Envelope, Refusal
from ingest.line.batch import Batch
from plant.arrays import Bools
from plant.vocabulary import NS_PER_DAY, Code, Outcome
from proof.verify.known_readings import KnownReadings
from store.messages.clock_steps import corrections
from store.messages.journal import Message


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the quarantine."""

    gateway: str
    outcome: str
    code: str
    path: str
    detail: str
    refused: int
    counted: int

    def refusal(self, position: int) -> Refusal:
        """Return why a message of a micro-batch was refused."""
        code = Code(self.code) if self.code in set(Code) else Code.FAULT
        return Refusal(position, code, self.path, self.detail)


@dataclass(slots=True)
class _Changes:
    """What becomes of a micro-batch: why messages were refused, and of which only readings count that the state has."""

    refusals: dict[int, Refusal] = field(default_factory=dict)
    pruned: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)  # none of their readings counts


class AsItWas:
    """Comes after normalising. It asks `known` what the state has of a message."""

    def __init__(
        self,
        stored: sqlite3.Connection,
        known: KnownReadings,
        position: Callable[[], int],
        *,
        faults_only: bool,
    ) -> None:
        """Take whether today's configuration took the messages: then it says itself what it refused, but for faults."""
        self._stored, self._known, self._position, self._faults_only = stored, known, position, faults_only
        self._which = f" AND code = '{Code.FAULT}'" if faults_only else ""
        row = stored.execute(f"SELECT 1 FROM quarantine WHERE TRUE{self._which} LIMIT 1").fetchone()
        self._is_idle = faults_only and row is None

    def set_clock(self, batch: Batch) -> None:
        """Come before normalising: what a clock of ours stamped that was set since is judged by the right one, as a replay does."""
        if not self._faults_only:
            steps = corrections(self._stored, batch.offsets, batch.received)
            batch.set_since = np.maximum(steps, 0)

    def __call__(self, batch: Batch) -> None:
        """Refuse what was refused."""
        if self._is_idle:
            return
        rows = self._rows(*batch.journal)
        present = self._known.present(batch.readings, self._position())
        size = len(batch.messages)
        brought = np.bincount(batch.position[present], minlength=size)
        absent = np.bincount(batch.position[~present], minlength=size)
        changes = _Changes()
        for position in np.flatnonzero(np.isin(batch.offsets, list(rows)) | (absent > 0)).tolist():
            message, row = batch.messages[position], rows.get(int(batch.offsets[position]))
            if row is not None:
                self._refuse(batch, position, row, int(brought[position]), changes)
            elif self._was_refused(message, int(batch.offsets[position])):
                changes.refusals[position] = Refusal(position, Code.FAULT, "", "")
                changes.pruned.append(position)
            elif not brought[position] and not self._faults_only and topics.parse(message.topic) is None:
                self._count_only(batch, position, changes)
        _apply(changes, batch, present)

    def _rows(self, first: int, end: int) -> dict[int, _Row]:
        rows = self._stored.execute(
            "SELECT message, gateway, outcome, code, path, detail, refused, counted FROM quarantine"
            f" WHERE message >= ? AND message < ?{self._which}",
            (first, end),
        )
        return {int(message): _Row(*row) for message, *row in rows}

    def _refuse(self, batch: Batch, position: int, row: _Row, brought: int, changes: _Changes) -> None:
        changes.pruned.append(position)
        changes.refusals[position] = refusal = row.refusal(position)
        batch.gateways[position] = row.gateway
        if row.outcome == Outcome.REJECTED or position not in batch.envelopes:
            batch.statuses.pop(position, None)
        if row.outcome == Outcome.REJECTED:
            batch.envelopes.pop(position, None)
            batch.rejected[position] = refusal
            return
        batch.rejected.pop(position, None)
        said = batch.envelopes.get(position, _nothing(batch))
        if (
            refusal.code is Code.FAULT
        ):  # nothing of it counts, and its number only where that could be entered
            named = said if row.counted else replace(said, boot=None, seq=None)
            batch.envelopes[position] = replace(named, count=0, refused=row.refused)
            changes.dropped.append(position)
            if not row.counted:  # an edge node's birth is as if it had never come
                batch.counted.discard(position)
        else:
            batch.envelopes[position] = replace(said, refused=row.refused + brought - said.count)

    def _count_only(self, batch: Batch, position: int, changes: _Changes) -> None:
        """Take a message as one of a device that nobody had configured: the newest are kept, all are counted."""
        changes.pruned.append(position)
        changes.refusals[position] = Refusal(position, Code.UNMAPPED, "", "")
        batch.gateways[position] = ""
        batch.statuses.pop(position, None)
        batch.envelopes[position] = _nothing(batch)

    def _was_refused(self, message: Message, offset: int) -> bool:
        """Whether the same bytes were refused within a day before: then this was a duplicate of them."""
        digest = blake2b(message.payload, digest_size=16).digest()
        row = self._stored.execute(
            f"SELECT 1 FROM quarantine WHERE digest = ? AND topic = ? AND received > ? AND message < ?{self._which} LIMIT 1",
            (digest, message.topic, message.received - NS_PER_DAY, offset),
        ).fetchone()
        return row is not None


def _nothing(batch: Batch) -> Envelope:
    return Envelope(None, None, len(batch.raw), 0, decoded=False, refused=0)


def _apply(changes: _Changes, batch: Batch, present: Bools) -> None:
    others = [one for one in batch.refusals if one.message not in changes.refusals]
    blamed = (one for position, one in changes.refusals.items() if position not in batch.rejected)
    batch.refusals[:] = [*others, *blamed]
    kept = present | ~np.isin(batch.position, np.array(changes.pruned, np.int64))
    kept &= ~np.isin(batch.position, np.array(changes.dropped, np.int64))
    batch.readings, batch.position = batch.readings.take(kept), batch.position[kept]
