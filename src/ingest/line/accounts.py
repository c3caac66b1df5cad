"""Gives every message and every reading its one outcome, and keeps what was refused.

A message that is replayed is settled as if it had come now for the first time, but for what it had brought already; what
the books said of it before is taken back, so that both balances stay exact.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from ingest.formats.columns import Envelope, Refusal
from ingest.line.batch import Batch
from ingest.times import parse_times
from plant.arrays import Ints
from plant.vocabulary import Code, Outcome
from store.messages.books import OUTCOMES, Books, Refused, Tally
from store.messages.journal import DUP

KEPT_OF_REJECTED = 1024
OF_READINGS = (
    Outcome.ACCEPTED,
    Outcome.LATE,
    Outcome.DUPLICATE,
    Outcome.QUARANTINED,
)  # as `Refused.readings`
_ACCEPTED, _LATE, _DUPLICATE = (
    OUTCOMES.index(o) for o in (Outcome.ACCEPTED, Outcome.LATE, Outcome.DUPLICATE)
)


class Accounts:
    """Writes the books, inside the line's transaction."""

    def __init__(self, books: Books, allowed_lateness: int) -> None:
        """Take how much older than its arrival a reading may be that is in time [ns]."""
        self._books, self._allowed_lateness = books, allowed_lateness

    def settle(self, batch: Batch) -> None:
        """Settle an evaluated micro-batch; its `tally` then says what its messages and readings are."""
        if batch.before:
            self._books.let_go(one.message for one in batch.before)
        counts, brought = self._counts(batch)
        blamed: dict[int, Refusal] = {}
        for refusal in batch.refusals:
            blamed.setdefault(refusal.message, refusal)
        for position in batch.repeated:
            if counts[:2, position].any() and position not in blamed:
                blamed[position] = _conflict(position, batch.envelopes[position])
        for position, refusal in batch.rejected.items():
            self._refuse(batch, position, Outcome.REJECTED, refusal, (0, 0, 0, 0))
        for position in sorted(blamed):
            envelope = batch.envelopes[position]
            refused = envelope.count + envelope.refused - int(brought[position])
            self._settle_blamed(batch, position, (*counts[:, position].tolist(), refused), blamed[position])
        self._settle_plain(batch, [p for p in batch.envelopes if p not in blamed], counts)
        self._note_statuses(batch)
        self._books.forget_unknown(
            one.topic
            for position, one in enumerate(batch.before)
            if not one.gateway and batch.gateways[position]
        )
        self._books.add(batch.tally)
        if batch.before:
            self._books.add(_taken_back(batch.before))
        else:
            self._books.roll_up(batch.tally, len(batch.messages))

    def keep(self, batch: Batch, refusal: Refusal) -> None:
        """Keep the one message of a micro-batch of which nothing else can be entered."""
        self._refuse(batch, 0, Outcome.QUARANTINED, refusal, (0, 0, 0, 0))
        self._books.add(batch.tally)

    def _counts(self, batch: Batch) -> tuple[Ints, Ints]:
        """Return how many readings of each message are new in time, new but late, and known, [3, messages], and how many came.

        What a replayed message had brought before is new, not known.
        """
        fresh = batch.done.fresh
        late = fresh & (batch.readings.time < batch.judged[batch.position] - self._allowed_lateness)
        size = len(batch.messages)
        each = [np.bincount(batch.position, which, size) for which in (fresh & ~late, late, ~fresh)]
        counts = np.stack(each).astype(np.int64)
        brought = counts.sum(axis=0)
        if batch.before:
            before = np.array([one.readings[:2] for one in batch.before], np.int64).T
            counts[:2] += before
            counts[2] = np.maximum(counts[2] - before.sum(axis=0), 0)
        return counts, brought

    def _settle_plain(self, batch: Batch, positions: list[int], counts: Ints) -> None:
        """Settle all messages that nothing is wrong with."""
        at = np.array(positions, np.int64)
        in_time, late, known = counts[:, at]
        nothing = in_time + late + known == 0
        counted = np.isin(at, list(batch.counted)) if nothing.any() else nothing
        accepted = (in_time > 0) | (nothing & counted)
        outcome = np.select([accepted, late > 0], [_ACCEPTED, _LATE], _DUPLICATE)
        gateways = [batch.gateways[position] for position in positions]
        batch.tally.add_all(gateways, batch.received[at], "messages", outcome, np.ones(len(at), np.int64))
        for of_reading, count in ((_ACCEPTED, in_time), (_LATE, late), (_DUPLICATE, known)):
            batch.tally.add_all(gateways, batch.received[at], "readings", np.full(len(at), of_reading), count)

    def _settle_blamed(
        self, batch: Batch, position: int, readings: tuple[int, int, int, int], refusal: Refusal
    ) -> None:
        """Settle a message that is quarantined, or is again what was quarantined; its other readings do count."""
        outcome = self._refuse(batch, position, Outcome.QUARANTINED, refusal, readings)
        gateway, received = batch.gateways[position], int(batch.received[position])
        for of_reading, count in zip((*OF_READINGS[:3], outcome), readings, strict=True):
            if count:
                batch.tally.add(gateway, received, "readings", of_reading, count)

    def _refuse(
        self, batch: Batch, position: int, outcome: Outcome, refusal: Refusal, readings: tuple[int, int, int, int]
    ) -> Outcome:  # fmt: skip
        """Keep a refused message, unless the same bytes were refused within a day: then it is a duplicate.

        No bytes at all say nothing of which message they were, so that they are one only where the broker says so.
        """
        message, gateway = batch.messages[position], batch.gateways[position]
        digest = blake2b(message.payload, digest_size=16).digest()
        says_which = bool(message.payload or message.flags & DUP)  # one without a byte is like any other such
        if (
            says_which
            and not batch.before
            and self._books.refused_before(digest, message.topic, message.received)
        ):
            batch.tally.add(gateway, message.received, "messages", Outcome.DUPLICATE)
            return Outcome.DUPLICATE
        batch.tally.add(gateway, message.received, "messages", outcome)
        batch.tally.blame(gateway, message.received, refusal.code)
        if self._is_of_nobody(batch, position) and not self._books.note_unknown(
            message.topic, message.received
        ):
            return outcome
        kept = message.payload if outcome is Outcome.QUARANTINED else message.payload[:KEPT_OF_REJECTED]
        self._books.keep(
            Refused(
                message=int(batch.offsets[position]),
                received=message.received,
                gateway=gateway,
                topic=message.topic,
                outcome=outcome,
                code=refusal.code,
                path=refusal.path,
                detail=refusal.detail,
                size=len(message.payload),
                digest=digest,
                payload=kept,
                readings=readings,
                counted=position in batch.counted,
                told_of=_told_of(batch, position),
            )
        )
        return outcome

    def _is_of_nobody(self, batch: Batch, position: int) -> bool:
        """Whether a message came for the first time by a subscription that only looks out for devices."""
        return not batch.before and position in batch.envelopes and not batch.gateways[position]

    def _note_statuses(self, batch: Batch) -> None:
        note = self._books.old_status if batch.before else self._books.status
        for position, online in batch.statuses.items():
            message, offset = batch.messages[position], int(batch.offsets[position])
            note(
                batch.gateways[position], message.received, online, message.payload[:KEPT_OF_REJECTED], offset
            )


def _told_of(batch: Batch, position: int) -> tuple[int, int] | None:
    """Return the times of a message's first and last reading, as far as they can be read."""
    envelope, raw = batch.envelopes.get(position), batch.raw
    if envelope is None or not envelope.count:
        return None
    rows = range(envelope.first, envelope.first + envelope.count)
    texts = [raw.time[row] for row in rows if row not in raw.stamped]
    parsed, unread = parse_times(texts)
    times = [time for place, time in enumerate(parsed.tolist()) if place not in unread]
    times += [raw.stamped[row] for row in rows if row in raw.stamped]
    return (min(times), max(times)) if times else None


def _taken_back(before: Sequence[Refused]) -> Tally:
    """Return what the books had said of refused messages, less than nothing."""
    tally = Tally()
    for one in before:
        tally.add(one.gateway, one.received, "messages", one.outcome, -1)
        for outcome, count in zip(OF_READINGS, one.readings, strict=True):
            if count:
                tally.add(one.gateway, one.received, "readings", outcome, -count)
        tally.blame(one.gateway, one.received, one.code, -1)
    return tally


def _conflict(position: int, envelope: Envelope) -> Refusal:
    detail = f"boot {envelope.boot!r} has sent {envelope.seq} before, with other readings"
    return Refusal(position, Code.CONFLICT_SEQ, "seq", detail)
