"""The line: from the journal's raw messages to a changed state, one transaction a micro-batch.

The order of its stages stands in `Line.stages` and nowhere else.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

import numpy as np

from ingest import topics
from ingest.alert_actions import AlertActions
from ingest.decisions import Decisions
from ingest.evaluate import Evaluated, Evaluator
from ingest.formats import native
from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.normalise import Normaliser
from ingest.recompute import fields_of
from ingest.sequences import Boot, holes
from ingest.topics import GatewayTopic, TopicClass
from plant.arrays import Bools, Ints, Readings, Times
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY, Code, Kind, Outcome, Verdict
from rules.engine import Emissions
from store import alert_actions, blocks
from store.books import ACK_DAYS, OUTCOMES, Refused, Tally
from store.emissions import Changes
from store.journal import DECISION, JournalReader, Message
from store.ledger import Entry
from store.state import State

MAX_PAYLOAD = 256 * 1024
KEPT_OF_REJECTED = 1024
_ACCEPTED, _LATE, _DUPLICATE = (
    OUTCOMES.index(o) for o in (Outcome.ACCEPTED, Outcome.LATE, Outcome.DUPLICATE)
)
CONFLICT_AMONG = 50  # newest readings of a channel, of which
CONFLICT_OUTLIERS = 20  # may be outliers; more are a `channel_conflict`
MOST_MESSAGES = 20_000  # of a micro-batch
MOST_BYTES = 12 * 1024 * 1024  # of a micro-batch; one message at least
MANY_CHANNELS = 15_000  # beyond which it is smaller, because what is known of each channel is judged with it


class Watch(Protocol):
    """What judges alert rules inside the line's transaction."""

    def readings(self, new: Readings, fresh: Bools) -> None:
        """Judge new readings, in order of arrival."""
        ...

    def heard(self, gateways: Sequence[str], received: Times, position: Ints, time: Times) -> None:
        """Take the gateways of a micro-batch's messages and their arrival, and of each reading its message and its time."""
        ...

    def windows(self, now: int) -> None:
        """Judge the windows that have become due."""
        ...

    def reload(self) -> None:
        """Forget what a transaction that was rolled back had judged."""
        ...


class Regulated(Protocol):
    """What counts the hours of sources under a regulation, last inside the line's transaction."""

    def take(self, evaluated: Evaluated | None, now: int, journal: tuple[int, int]) -> None:
        """Count the hours that are due, and again those that new readings changed."""
        ...

    def reload(self) -> None:
        """Forget what a transaction that was rolled back had counted."""
        ...


class NoRegulation:
    """The line of a plant where no source is under a regulation."""

    def take(self, evaluated: Evaluated | None, now: int, journal: tuple[int, int]) -> None:
        """Do nothing."""

    def reload(self) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Batch:
    """A micro-batch on its way through the stages."""

    offset: int
    messages: list[Message]
    received: Times = field(default_factory=lambda: np.empty(0, np.int64))
    gateways: list[str] = field(default_factory=list)
    envelopes: dict[int, Envelope] = field(default_factory=dict)
    raw: RawReadings = field(default_factory=RawReadings)
    refusals: list[Refusal] = field(default_factory=list)
    rejected: dict[int, Refusal] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    readings: Readings = field(default_factory=Readings.empty)
    position: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # of each reading's message
    repeated: set[int] = field(default_factory=set)  # messages whose sequence number was known
    counted: set[int] = field(default_factory=set)  # messages with a new sequence number
    disturbed: list[tuple[int, int, int]] = field(default_factory=list)
    evaluated: Evaluated | None = None
    tally: Tally = field(default_factory=Tally)

    @property
    def done(self) -> Evaluated:
        """What the evaluation said; only after it."""
        if self.evaluated is None:
            raise RuntimeError("the stages ran out of order")
        return self.evaluated


class Line:
    """Owns the way from journal to state. One thread calls `step`; nobody else writes the state."""

    def __init__(
        self,
        plant: Plant,
        state: State,
        journal: JournalReader,
        evaluator: Evaluator,
        watch: Watch,
        *,
        clock: Callable[[], int],
        crash: Callable[[str], None],
        project: bool,
        regulated: Regulated | None = None,
    ) -> None:
        """Wire the line; `project` says whether readings are put out for InfluxDB."""
        self._plant, self._state, self._journal = plant, state, journal
        self._evaluator, self._watch = evaluator, watch
        self._clock, self._crash, self._project = clock, crash, project
        self._regulated = regulated or NoRegulation()
        self._normaliser = Normaliser(plant)
        self._decisions = Decisions(plant, state, clock)
        self._alert_actions = AlertActions(plant, state)
        self._known_boots = state.books.boots()
        self._boots: dict[tuple[str, str], Boot] = {}
        self._event_channels = _event_channels(plant)
        self._holes: dict[int, Sequence[tuple[int, int]]] = {}
        for gateway in self._event_channels:
            self._find_holes(gateway)
        self._first = state.first_readings()
        self._sources_of = _sources_of(plant)
        self._most_bytes = MOST_BYTES * MANY_CHANNELS // max(MANY_CHANNELS, len(plant.channels))
        self._next = state.cursor
        self.behind = False  # the last micro-batch was cut: more waits
        self.conflicts = self._stored_conflicts()
        self.heard: set[str] = set()  # gateways to acknowledge; the publisher empties it
        self.stages: tuple[Callable[[Batch], None], ...] = (
            self._decode,
            self._normalise,
            self._sequence,
            self._evaluate,
            self._emit,
            self._judge,
            self._account,
            self._project_readings,
        )

    @property
    def next(self) -> int:
        """The first journal offset that is not yet part of the state."""
        return self._next

    def step(self) -> int:
        """Take the next micro-batch through all stages and commit; return how many messages it had."""
        batch = self._read()
        try:
            if not batch.messages:
                with self._state.transaction():
                    self._watch.windows(self._clock())
                    self._regulated.take(None, self._clock(), (self._next, self._next))
                return 0
            with self._state.transaction():
                if batch.messages[0].flags & DECISION:
                    self._decide(batch.messages[0], batch.offset)
                else:
                    for stage in self.stages:
                        stage(batch)
                self._watch.windows(self._clock())
                end = batch.offset + len(batch.messages)
                self._regulated.take(batch.evaluated, self._clock(), (batch.offset, end))
                if batch.offset == 1:
                    self._state.bind(self._journal.identity())
                self._state.move_cursor(batch.offset + len(batch.messages))
                self._crash("line_before_commit")
        except BaseException:
            self._forget()
            raise
        self._crash("line_after_commit")
        self._next = batch.offset + len(batch.messages)
        self.heard.update(batch.gateways[position] for position in batch.envelopes)
        return len(batch.messages)

    def _decide(self, message: Message, offset: int) -> None:
        """Take what a person decided; its topic says of what."""
        of_alerts = message.topic == alert_actions.TOPIC
        (self._alert_actions if of_alerts else self._decisions).take(message, offset)

    def _read(self) -> Batch:
        """Gather messages from the cursor on, bounded in number and bytes; a decision is a batch of its own."""
        batch, size = Batch(self._next, []), 0
        self.behind = False
        for _, messages in self._journal.read(self._next, MOST_MESSAGES + 1):
            for message in messages:
                size += len(message.payload) + 64
                if batch.messages and (size > self._most_bytes or len(batch.messages) == MOST_MESSAGES):
                    self.behind = True
                    return batch
                if message.flags & DECISION and batch.messages:
                    self.behind = True
                    return batch
                batch.messages.append(message)
                if message.flags & DECISION:
                    self.behind = True
                    return batch
        return batch

    def _forget(self) -> None:
        """After a rollback, read again whatever the failed batch had changed in memory."""
        self._evaluator.forget()
        self._watch.reload()
        self._regulated.reload()
        self._known_boots = self._state.books.boots()
        self._boots.clear()
        self._first = self._state.first_readings()
        self.conflicts = self._stored_conflicts()
        for gateway in self._event_channels:
            self._find_holes(gateway)

    # --- stages, in order -------------------------------------------------------------------------------------

    def _decode(self, batch: Batch) -> None:
        """Sort messages by topic and decode those that hold readings."""
        batch.received = np.array([m.received for m in batch.messages], np.int64)
        for position, message in enumerate(batch.messages):
            topic = topics.parse(message.topic)
            batch.gateways.append(topic.id if topic else "")
            refusal = _rejection(position, message, topic)
            if refusal is not None:
                batch.rejected[position] = refusal
            elif topic is None or topic.use is TopicClass.STATUS:
                batch.statuses.append(position)
            else:
                batch.envelopes[position] = native.decode(
                    message.payload, position, topic.gateway, batch.raw, batch.refusals
                )

    def _normalise(self, batch: Batch) -> None:
        """Resolve channels and units, read times, check limits."""
        raw = batch.raw
        channel: list[int] = []
        for position, envelope in batch.envelopes.items():
            names = raw.channel[envelope.first : envelope.first + envelope.count]
            channel += self._normaliser.channels(batch.gateways[position], names)
            if not self._normaliser.knows(batch.gateways[position]):
                batch.refusals.append(
                    Refusal(
                        position, Code.UNMAPPED, "", f"no gateway {batch.gateways[position]!r} is configured"
                    )
                )
        position_of = np.array(raw.message, np.int64)
        readings, rows = self._normaliser.normalise(
            raw, np.array(channel, np.int32), batch.received[position_of], batch.refusals
        )
        batch.readings, batch.position = readings, position_of[rows]
        readings.message = batch.offset + batch.position
        boots = self._number_boots(batch)
        readings.boot = boots[batch.position]

    def _sequence(self, batch: Batch) -> None:
        """Enter sequence numbers, and find the holes in time that opened or closed."""
        first, last = _time_bounds(batch)
        by_boot: dict[tuple[str, str], list[int]] = defaultdict(list)
        for position, envelope in batch.envelopes.items():
            if envelope.boot is not None and envelope.seq is not None:
                by_boot[batch.gateways[position], envelope.boot].append(position)
        touched: dict[str, set[str]] = defaultdict(set)
        for (gateway, name), positions in by_boot.items():
            seqs = [batch.envelopes[position].seq or 0 for position in positions]
            came = self._boot(gateway, name).add(
                seqs, [first[p] for p in positions], [last[p] for p in positions]
            )
            touched[gateway].add(name)
            for position, new in zip(positions, came, strict=True):
                (batch.counted if new else batch.repeated).add(position)
        for gateway, names in touched.items():
            for name in names:
                boot = self._boots[gateway, name]
                self._state.books.replace_runs(gateway, name, boot.gone.values(), boot.come.values())
                boot.gone.clear()
                boot.come.clear()
            if gateway in self._event_channels:
                batch.disturbed += self._find_holes(gateway)

    def _evaluate(self, batch: Batch) -> None:
        """Find which readings are new, and the windows they change."""
        names = {number: name for (_, name), (number, _) in self._known_boots.items()}
        batch.evaluated = self._evaluator.take(batch.readings, names, self._holes, batch.disturbed)
        self._note_first(batch)
        self._note_conflicts(batch.done)

    def _emit(self, batch: Batch) -> None:
        """Store the windows that changed, and say so in the ledger."""
        e = batch.done.emissions
        changes = self._store_emissions(e)
        if len(changes):
            end = batch.offset + len(batch.messages)
            entry = Entry(self._clock(), "readings", "line", self._plant.hash, batch.offset, end)
            self._state.ledger.append(entry, changes)

    def _judge(self, batch: Batch) -> None:
        """Let the alert rules see the new readings."""
        self._watch.readings(batch.readings, batch.done.fresh)
        self._watch.heard(batch.gateways, batch.received, batch.position, batch.readings.time)

    def _account(self, batch: Batch) -> None:
        """Give every message and every reading its one outcome."""
        counts = self._count_readings(batch)
        blamed: dict[int, Refusal] = {}
        for refusal in batch.refusals:
            blamed.setdefault(refusal.message, refusal)
        for position in batch.repeated:
            if counts[:2, position].any() and position not in blamed:
                blamed[position] = _conflict(position, batch.envelopes[position])
        for position, refusal in batch.rejected.items():
            self._refuse(batch, position, Outcome.REJECTED, refusal)
        for position in sorted(blamed):
            self._settle_blamed(batch, position, counts[:, position], blamed[position])
        self._settle_plain(batch, [p for p in batch.envelopes if p not in blamed], counts)
        for position in batch.statuses:
            message = batch.messages[position]
            online = _online(message.payload)
            self._state.books.status(
                batch.gateways[position], message.received, online, message.payload[:KEPT_OF_REJECTED]
            )
        self._state.books.add(batch.tally)

    def _project_readings(self, batch: Batch) -> None:
        """Put what was written out for InfluxDB."""
        rows = batch.done.written
        if self._project and len(rows):
            ids = self._state.channel_ids[rows.channel].astype(np.int32)
            self._state.enqueue_readings(
                len(rows), blocks.pack_readings(ids, rows.time, rows.value, rows.quality)
            )

    # --- parts of stages --------------------------------------------------------------------------------------

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

    def _settle_blamed(self, batch: Batch, position: int, counts: Ints, refusal: Refusal) -> None:
        """Settle a message that is quarantined, or is again what was quarantined; its other readings do count."""
        envelope, (in_time, late, known) = batch.envelopes[position], counts.tolist()
        outcome = self._refuse(batch, position, Outcome.QUARANTINED, refusal)
        refused = envelope.count + envelope.refused - in_time - late - known
        for of_reading, count in (
            (Outcome.ACCEPTED, in_time),
            (Outcome.LATE, late),
            (Outcome.DUPLICATE, known),
            (outcome, refused),
        ):
            if count:
                received = int(batch.received[position])
                batch.tally.add(batch.gateways[position], received, "readings", of_reading, count)

    def _refuse(self, batch: Batch, position: int, outcome: Outcome, refusal: Refusal) -> Outcome:
        """Keep a refused message, unless the same bytes were refused within a day: then it is a duplicate."""
        message, gateway = batch.messages[position], batch.gateways[position]
        digest = blake2b(message.payload, digest_size=16).digest()
        if self._state.books.refused_before(digest, message.topic, message.received):
            batch.tally.add(gateway, message.received, "messages", Outcome.DUPLICATE)
            return Outcome.DUPLICATE
        kept = message.payload if outcome is Outcome.QUARANTINED else message.payload[:KEPT_OF_REJECTED]
        self._state.books.keep(
            Refused(
                message=batch.offset + position,
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
            )
        )
        batch.tally.add(gateway, message.received, "messages", outcome)
        batch.tally.blame(gateway, message.received, refusal.code)
        return outcome

    def _count_readings(self, batch: Batch) -> Ints:
        """Return how many readings of each message were new in time, new but late, and known: [3, messages]."""
        fresh = batch.done.fresh
        late = fresh & (batch.readings.time < batch.received[batch.position] - self._plant.allowed_lateness)
        size = len(batch.messages)
        counts = [np.bincount(batch.position, which, size) for which in (fresh & ~late, late, ~fresh)]
        return np.stack(counts).astype(np.int64)

    def _store_emissions(self, e: Emissions) -> Changes:
        return self._state.emissions.apply(
            self._state.source_ids[e.source], e.window * self._plant.window, fields_of(e)
        )

    def _note_first(self, batch: Batch) -> None:
        """Remember when sources had their first reading."""
        rows = batch.done.written
        if not len(rows):
            return
        earliest = np.full(len(self._sources_of), 2**62)
        np.minimum.at(earliest, rows.channel, rows.time)
        found: dict[int, int] = {}
        for channel in np.flatnonzero(earliest < 2**62).tolist():
            for source in self._sources_of[channel]:
                found[source] = min(found.get(source, 2**62), int(earliest[channel]))
        earlier = {s: t for s, t in found.items() if t < self._first[s]}
        if earlier:
            sources, times = np.array(list(earlier), np.int64), np.array(list(earlier.values()), np.int64)
            self._first[sources] = times
            self._state.note_first_readings(sources, times)

    def _note_conflicts(self, evaluated: Evaluated) -> None:
        """Note channels with too many outliers among their newest readings: two meters on one channel."""
        for rows in (evaluated.written, evaluated.rejudged):
            for channel in np.unique(rows.channel[rows.verdict == Verdict.OUTLIER]).tolist():
                number = int(self._state.channel_ids[channel])
                many = self._state.readings.outliers(number, CONFLICT_AMONG) > CONFLICT_OUTLIERS
                if many != (channel in self.conflicts):
                    self._state.readings.note_conflict(number, lasts=many)
                    (self.conflicts.add if many else self.conflicts.discard)(channel)

    def _stored_conflicts(self) -> set[int]:
        """Return the channels (by index) on which two meters seem to speak."""
        stored = list(self._state.readings.conflicts())
        return set(np.flatnonzero(np.isin(self._state.channel_ids, stored)).tolist())

    def _number_boots(self, batch: Batch) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """Return each message's boot as its number, new boots getting one; 0 where it named none."""
        numbers = np.zeros(len(batch.messages), np.int32)
        heard: dict[tuple[str, str], tuple[int, int]] = {}
        for position, envelope in batch.envelopes.items():
            if envelope.boot is None:
                continue
            key, received = (batch.gateways[position], envelope.boot), batch.messages[position].received
            number, before = self._known_boots.get(key, (len(self._known_boots) + 1, 0))
            self._known_boots[key] = heard[key] = (number, max(before, received))
            numbers[position] = number
        self._state.books.hear(heard)
        return numbers

    def _boot(self, gateway: str, name: str) -> Boot:
        key = (gateway, name)
        if key not in self._boots:
            self._boots[key] = Boot(self._state.books.runs(gateway, name))
        return self._boots[key]

    def _find_holes(self, gateway: str) -> list[tuple[int, int, int]]:
        """Find the holes of a gateway anew; return (channel, from, to) of what opened or closed."""
        names = sorted(boot for g, boot in self._known_boots if g == gateway)
        found = holes([self._boot(gateway, boot) for boot in names])
        moved = []
        for channel in self._event_channels[gateway]:
            differ = set(found) ^ set(self._holes.get(channel, ()))
            moved += [(channel, start, end) for start, end in differ if end > start]
            self._holes[channel] = found
        return moved

    def acknowledgements(self, gateway: str) -> list[tuple[str, int, list[list[int]]]]:
        """Return (boot, received_through, missing) of every boot heard lately, latest first."""
        since = self._clock() - ACK_DAYS * NS_PER_DAY
        heard = [
            (at, boot) for (g, boot), (_, at) in self._known_boots.items() if g == gateway and at >= since
        ]
        return [
            (boot, *self._boot(gateway, boot).acknowledgement()) for _, boot in sorted(heard, reverse=True)
        ]


def _conflict(position: int, envelope: Envelope) -> Refusal:
    detail = f"boot {envelope.boot!r} has sent {envelope.seq} before, with other readings"
    return Refusal(position, Code.CONFLICT_SEQ, "seq", detail)


def _rejection(position: int, message: Message, topic: GatewayTopic | None) -> Refusal | None:
    """Say why a message is refused before it is decoded, if it is."""
    if len(message.payload) > MAX_PAYLOAD:
        detail = f"{len(message.payload)} bytes, at most {MAX_PAYLOAD} are taken: split the message"
        return Refusal(position, Code.TOO_LARGE, "", detail)
    if topic is None:
        return Refusal(position, Code.TOPIC, "", "expected sm/v1/{park}/{facility}/{gateway}/readings")
    return None


def _time_bounds(batch: Batch) -> tuple[list[int | None], list[int | None]]:
    """Return the first and the last reading time of each message; None where it has no readings."""
    size = len(batch.messages)
    first, last = np.full(size, 2**62), np.full(size, -(2**62))
    np.minimum.at(first, batch.position, batch.readings.time)
    np.maximum.at(last, batch.position, batch.readings.time)
    empty = np.flatnonzero(np.bincount(batch.position, minlength=size) == 0).tolist()
    bounds: tuple[list[int | None], list[int | None]] = (first.tolist(), last.tolist())
    for position in empty:
        bounds[0][position] = bounds[1][position] = None
    return bounds


def _online(payload: bytes) -> bool | None:
    """Return what a status says, None where it cannot be read."""
    try:
        status = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    said = status.get("online") if isinstance(status, dict) else None
    return said if isinstance(said, bool) else None


def _event_channels(plant: Plant) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for channel in plant.channels:
        if channel.kind is Kind.EVENT:
            found.setdefault(f"{channel.park}/{channel.facility}/{channel.gateway}", []).append(channel.index)
    return found


def _sources_of(plant: Plant) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in plant.channels]
    for source in plant.sources:
        for channel in sorted({k for taken in source.inputs for k in plant.measured(taken.channel)}):
            found[channel].append(source.index)
    return found
