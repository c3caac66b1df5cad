"""What people decide of records, evidence and movements, taken by the line at its place among the messages.

An approved record becomes a reading of its channel at its end, whose stretch stands in the table `record`; one that is
replaced or struck becomes a reading of quality `bad`. From there on it goes the way of all readings.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from ingest.known.movements import Movements
from ingest.line.batch import Batch
from plant.arrays import Readings
from plant.park import Plant
from plant.vocabulary import Quality
from store.accounting.closing import DecisionRefused
from store.messages.journal import Message
from store.once import KeyUsed, is_noted
from store.records.checks import MOST_ROWS, RecordRules, check_rows
from store.records.decisions import EVIDENCE, RECORD, EvidenceDecision, RecordDecision
from store.records.table import (
    Record,
    RecordStanding,
    Who,
    find,
    next_correction,
    note_evidence,
    said_of,
    write,
)
from store.state import State

REASONS = ("refuse", "strike")  # what needs one


@dataclass(slots=True)
class _Written:
    """What a decision makes of readings: their rows (channel's index, time, value, quality, correction), and what no longer counts."""

    rows: list[tuple[int, int, float, Quality, int]] = field(default_factory=list)
    gone: list[tuple[int, int, int]] = field(default_factory=list)  # (channel's index, from, to) [ns UTC]


class Records:
    """Takes decisions inside the line's transaction; `stages` are those that readings pass when they have been read."""

    def __init__(self, plant: Plant, state: State, stages: Sequence[Callable[[Batch], None]]) -> None:
        self._state, self._stages, self._rules = state, stages, RecordRules(plant)
        self._index = {(one.park, one.facility, one.name): one.index for one in plant.channels if one.entered}
        self.takers: dict[bytes, Callable[[Message, int], None]] = {
            RECORD: self._take,
            EVIDENCE: self._take_evidence,
            **Movements(plant, state).takers,
        }

    def _take(self, message: Message, offset: int) -> None:
        """Take one decision and note its outcome, `done` or `refused`. One that came before is left."""
        made = msgspec.json.decode(message.payload, type=RecordDecision)
        written = _Written()
        try:
            if is_noted(self._state.connection, made.id):
                return
            with _all_or_nothing(self._state.connection):
                detail = self._act(made, message.received, offset, written)
            outcome = "done"
        except (DecisionRefused, KeyUsed) as refusal:
            outcome, detail, written = "refused", str(refusal), _Written()
        if written.rows:
            self._publish(message, offset, made.by, written)
        self._note(made, message, offset, f"record-{made.action}", outcome, detail)

    def _take_evidence(self, message: Message, offset: int) -> None:
        """Remember who handed in which file. One that came before is left."""
        made = msgspec.json.decode(message.payload, type=EvidenceDecision)
        connection = self._state.connection
        try:
            if is_noted(connection, made.id):
                return
            outcome, detail = "done", made.digest
            note_evidence(connection, made.digest, made.by, message.received, offset, made.kind, made.size)
        except KeyUsed as refusal:
            outcome, detail = "refused", str(refusal)
        self._note(made, message, offset, "evidence", outcome, detail)

    def _note(
        self,
        made: RecordDecision | EvidenceDecision,
        message: Message,
        offset: int,
        action: str,
        outcome: str,
        detail: str,
    ) -> None:
        self._state.closing.note(made.id, message.received, offset, made.by, action, "", 0, outcome, detail)

    def _act(self, made: RecordDecision, now: int, offset: int, written: _Written) -> str:
        if made.action == "enter":
            return self._enter(made, now, offset)
        if made.action in REASONS and not made.reason:
            raise DecisionRefused(f"say why with reason: what is to {made.action} is kept with it")
        found = [self._find(number) for number in dict.fromkeys(made.records)]
        if not found:
            raise DecisionRefused("no record is named")
        for record in found:
            match made.action:
                case "approve":
                    self._approve(record, Who(made.by, made.key or made.by), now, written)
                case "refuse":
                    self._end(record, RecordStanding.ENTERED, RecordStanding.REFUSED, made, now)
                case "withdraw":
                    if record.entered_by != made.by:
                        raise DecisionRefused(
                            f"{record.id} was entered by {record.entered_by}: nobody else withdraws it"
                        )
                    self._end(record, RecordStanding.ENTERED, RecordStanding.WITHDRAWN, made, now)
                case "strike":
                    struck = self._end(record, RecordStanding.APPROVED, RecordStanding.STRUCK, made, now)
                    self._take_back(struck, written)
        return f"{', '.join(one.id for one in found)}: {_DONE[made.action]}"

    def _find(self, number: str) -> Record:
        found = find(self._state.connection, number)
        if found is None:
            raise DecisionRefused(f"there is no record {number!r}")
        return found

    def _enter(self, made: RecordDecision, now: int, offset: int) -> str:
        """Enter records, all or none."""
        if not 0 < len(made.entered) <= MOST_ROWS:
            raise DecisionRefused(f"from 1 to {MOST_ROWS} records are entered together")
        rows = dict(enumerate(made.entered, start=1))
        check_rows(self._rules.refusals(self._state.connection, rows, now), len(rows))
        who = Who(made.by, made.key or made.by)
        entered = [Record.of(said, offset, row, who, now) for row, said in rows.items()]
        write(self._state.connection, entered)
        last = f" to {entered[-1].id}" if len(entered) > 1 else ""
        return f"{entered[0].id}{last}: entered, and counts once another person has approved it"

    def _approve(self, record: Record, who: Who, now: int, written: _Written) -> None:
        amount = self._rules.check_approval(self._state.connection, record, who, now)
        if record.replaces:
            replaced = self._find(record.replaces)
            ended = replace(
                replaced, standing=RecordStanding.REPLACED, ended_by=who.by, ended_at=now, reason=record.id
            )
            write(self._state.connection, [ended])
            if replaced.finish == record.finish:
                written.gone.append((self._index_of(replaced), replaced.start, replaced.finish))
            else:
                self._take_back(ended, written)
        correction = next_correction(self._state.connection, record)
        approved = replace(
            record,
            standing=RecordStanding.APPROVED,
            approved_by=who.by,
            approved_key=who.key,
            approved_at=now,
            correction=correction,
        )
        write(self._state.connection, [approved])
        row = (self._index_of(record), record.finish, amount, Quality.GOOD, correction)
        written.rows.append(row)

    def _end(
        self, record: Record, before: RecordStanding, after: RecordStanding, made: RecordDecision, now: int
    ) -> Record:
        """Let a record stand otherwise, if it stands as it must before that."""
        if record.standing is not before:
            raise DecisionRefused(f"{record.id} is {record.standing}, and not {before}")
        ended = replace(record, standing=after, ended_by=made.by, ended_at=now, reason=made.reason)
        write(self._state.connection, [ended])
        return ended

    def _take_back(self, record: Record, written: _Written) -> None:
        """Let the reading of a record that was approved count no longer."""
        correction = next_correction(self._state.connection, record)
        write(self._state.connection, [replace(record, correction=correction)])
        index = self._index_of(record)
        amount = self._rules.converted(said_of(record))
        written.rows.append((index, record.finish, amount, Quality.BAD, correction))
        written.gone.append((index, record.start, record.finish))

    def _index_of(self, record: Record) -> int:
        place = (record.park, record.facility, record.channel)
        if place not in self._index:
            raise DecisionRefused(f"{record.place} is no longer configured as a channel that is entered")
        return self._index[place]

    def _publish(self, message: Message, offset: int, by: str, written: _Written) -> None:
        """Let readings go on as those of a message do that has been read."""
        batch = Batch(np.array([offset]), [message], cause="record", actor=by)
        batch.received, batch.gateways = np.array([message.received], np.int64), [""]
        channel, time, value, quality, correction = zip(*written.rows, strict=True)
        none = np.zeros(len(channel), np.uint8)
        batch.readings = Readings(
            channel=np.array(channel, np.int32),
            time=np.array(time, np.int64),
            value=np.array(value, np.float64),
            quality=np.array(quality, np.uint8),
            flags=none,
            verdict=none.copy(),
            boot=np.zeros(len(channel), np.int32),
            correction=np.array(correction, np.int32),
            message=np.full(len(channel), offset, np.int64),
        )
        batch.position = np.zeros(len(channel), np.int64)
        batch.disturbed = written.gone
        for stage in self._stages:
            stage(batch)


@contextmanager
def _all_or_nothing(connection: sqlite3.Connection) -> Iterator[None]:
    """Take back what was written before a refusal, and nothing else of the transaction."""
    connection.execute("SAVEPOINT record")
    try:
        yield
    except DecisionRefused:
        connection.execute("ROLLBACK TO record")
        raise
    finally:
        connection.execute("RELEASE record")


_DONE = {
    "approve": "approved, and counts",
    "refuse": "refused",
    "withdraw": "withdrawn",
    "strike": "struck, and counts no longer",
}
