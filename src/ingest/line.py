"""The line: from the journal's raw messages to a changed state, one transaction a micro-batch.

The order of its stages stands in `Line.stages` and nowhere else.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ingest.accounts import Accounts
from ingest.alert_actions import AlertActions
from ingest.batch import MAX_PAYLOAD, Batch, consecutive
from ingest.decisions import Decisions
from ingest.evaluate import Evaluated, Evaluator
from ingest.formats.columns import Refusal
from ingest.normalise import Normaliser
from ingest.recompute import fields_of
from ingest.replay import Replays
from ingest.sequences import Boot, holes
from ingest.sparkplug.away import Away
from ingest.sparkplug.nodes import Nodes, Spoken
from ingest.subscriptions import Route, Subscriptions, hear
from plant.arrays import Bools, Ints, Readings, Times
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY, Code, Kind, Verdict
from rules.engine import Emissions
from store import alert_actions, blocks, closing, replays
from store.books import ACK_DAYS
from store.emissions import Changes
from store.journal import DECISION, JournalReader, Message
from store.ledger import Entry
from store.sparkplug import OUT_OF_SIGHT, forget_online, store_nodes, stored_nodes
from store.state import State

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

    def replayed(self, new: Readings, fresh: Bools) -> None:
        """Take readings that come too late to wake anybody."""
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
    """What counts the hours of sources under a regulation, after the stages."""

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
        self._subscriptions = Subscriptions(plant)
        self._nodes = Nodes(stored_nodes(state.connection))
        self._normaliser = Normaliser(plant)
        self._away = Away(self._subscriptions, self._normaliser, state)
        self._accounts = Accounts(state.books, plant.allowed_lateness)
        self._replays = Replays(state, journal, self._subscriptions, clock)
        self._takers: dict[bytes, Callable[[Message, int], None]] = {
            closing.TOPIC: Decisions(plant, state, clock).take,
            alert_actions.TOPIC: AlertActions(state).take,
            replays.TOPIC: self._replays.take,
            OUT_OF_SIGHT: self._lose_sight_of_nodes,
        }
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
        self._spoke: set[str] = set()  # those of the open transaction
        self.stages: tuple[Callable[[Batch], None], ...] = (
            self._decode,
            self._normalise,
            self._sequence,
            self._evaluate,
            self._emit,
            self._judge,
            self._accounts.settle,
            self._project_readings,
        )

    def rebirths(self) -> list[str]:
        """Return the edge nodes, group/node, that are to be asked for a rebirth, each once."""
        wanted = list(self._nodes.wanted)
        self._nodes.wanted.clear()
        return wanted

    @property
    def next(self) -> int:
        """The first journal offset that is not yet part of the state."""
        return self._next

    def step(self) -> int:
        """Take a part of what is replayed and the next micro-batch, commit, and return how many messages that was."""
        batch = self._read()
        try:
            with self._state.transaction():
                replayed = self._replays.step(self._take)
                if batch.messages:
                    self._advance(batch)
                else:
                    self._nodes.give_up(self._clock())
                    store_nodes(self._state.connection, self._nodes.changed())
                    self._regulated.take(None, self._clock(), (self._next, self._next))
                self._watch.windows(self._clock())
                if batch.messages or replayed:
                    self._crash("line_before_commit")
        except BaseException:
            self._forget()
            raise
        if batch.messages or replayed:
            self._crash("line_after_commit")
        self._next += len(batch.messages)
        self.heard |= self._spoke
        self._spoke.clear()
        self.behind |= self._replays.waiting
        return len(batch.messages) + replayed

    def _advance(self, batch: Batch) -> None:
        """Take what comes next in the journal, and move the cursor behind it."""
        first, end = batch.journal
        if batch.messages[0].flags & DECISION:
            self._takers[batch.messages[0].topic](batch.messages[0], first)
            self._regulated.take(None, self._clock(), (first, end))
        else:
            self._take(batch)
        if first == 1:
            self._state.bind(self._journal.identity())
        self._state.move_cursor(end)

    def _take(self, batch: Batch) -> None:
        """Take messages through all stages."""
        for stage in self.stages:
            stage(batch)
        self._regulated.take(batch.evaluated, self._clock(), batch.journal)
        self._spoke.update({batch.gateways[position] for position in batch.envelopes} - {""})

    def _read(self) -> Batch:
        """Gather messages from the cursor on, bounded in number and bytes; a decision is a batch of its own."""
        messages, self.behind = self._gather()
        return consecutive(self._next, messages)

    def _gather(self) -> tuple[list[Message], bool]:
        """Return the messages of a micro-batch, and whether it was cut."""
        gathered: list[Message] = []
        size = 0
        for _, messages in self._journal.read(self._next, MOST_MESSAGES + 1):
            for message in messages:
                size += len(message.payload) + 64
                if gathered and (size > self._most_bytes or len(gathered) == MOST_MESSAGES):
                    return gathered, True
                if message.flags & DECISION and gathered:
                    return gathered, True
                gathered.append(message)
                if message.flags & DECISION:
                    return gathered, True
        return gathered, False

    def _forget(self) -> None:
        """After a rollback, read again whatever the failed batch had changed in memory."""
        self._evaluator.forget()
        self._watch.reload()
        self._regulated.reload()
        self._replays.reload()
        self._spoke.clear()
        self._nodes.reload(stored_nodes(self._state.connection))
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
            route = self._subscriptions.route(message.topic)
            batch.gateways.append(route.id if route else "")
            if route is None or len(message.payload) > MAX_PAYLOAD:
                batch.rejected[position] = _rejection(position, message)
            else:
                replayed = batch.before and route.sparkplug
                nodes = self._replays.nodes_before(int(batch.offsets[position])) if replayed else self._nodes
                spoken = hear(route, message, position, nodes, batch.raw, batch.refusals)
                self._note_spoken(batch, position, spoken, route)

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
        readings.message = batch.offsets[batch.position]
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
            boot = self._boot(gateway, name)
            touched[gateway].add(name)
            new_here = [p for p in positions if not self._was_counted(batch, p, boot, first[p], last[p])]
            seqs = [batch.envelopes[position].seq or 0 for position in new_here]
            came = boot.add(seqs, [first[p] for p in new_here], [last[p] for p in new_here])
            for position, new in zip(new_here, came, strict=True):
                (batch.counted if new else batch.repeated).add(position)
        store_nodes(self._state.connection, self._nodes.changed())
        for gateway, names in touched.items():
            for name in names:
                boot = self._boots[gateway, name]
                self._state.books.replace_runs(gateway, name, boot.gone.values(), boot.come.values())
                boot.gone.clear()
                boot.come.clear()
            if gateway in self._event_channels:
                batch.disturbed += self._find_holes(gateway)
                if batch.before:  # its channels may have been none when these holes opened
                    batch.disturbed += self._open_holes(gateway)

    def _was_counted(
        self, batch: Batch, position: int, boot: Boot, first: int | None, last: int | None
    ) -> bool:
        """Whether a message is replayed whose own number was entered when it came; its readings give it their times now."""
        seq = batch.envelopes[position].seq or 0
        return position in batch.counted and boot.date(seq, first, last)

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
            entry = Entry(self._clock(), batch.cause, batch.actor, self._plant.hash, *batch.journal)
            self._state.ledger.append(entry, changes)

    def _judge(self, batch: Batch) -> None:
        """Let the alert rules see the new readings."""
        if batch.before:
            self._watch.replayed(batch.readings, batch.done.fresh)
            return
        self._watch.readings(batch.readings, batch.done.fresh)
        self._watch.heard(batch.gateways, batch.received, batch.position, batch.readings.time)

    def _project_readings(self, batch: Batch) -> None:
        """Put what was written out for InfluxDB."""
        rows = batch.done.written
        if self._project and len(rows):
            ids = self._state.channel_ids[rows.channel].astype(np.int32)
            self._state.enqueue_readings(
                len(rows), blocks.pack_readings(ids, rows.time, rows.value, rows.quality)
            )

    # --- parts of stages --------------------------------------------------------------------------------------

    def _note_spoken(self, batch: Batch, position: int, spoken: Spoken | None, route: Route) -> None:
        """Note what a message was."""
        if spoken is None:
            batch.statuses[position] = route.online(batch.messages[position].payload)
            return
        batch.envelopes[position] = spoken.envelope
        if spoken.online is not None and not batch.before:
            batch.statuses[position] = spoken.online
        if spoken.is_new:
            batch.counted.add(position)
        if spoken.turns and route.sparkplug and not batch.before:
            self._away.take(route.sparkplug[0].name, spoken.turns, int(batch.offsets[position]))

    def _lose_sight_of_nodes(self, message: Message, offset: int) -> None:
        """Know no longer whether edge nodes are there: our own connection was lost, until they speak again."""
        for node, turns in self._nodes.lose_sight(message.received).items():
            forget_online(self._state.connection, self._away.take(node, turns, offset))
        store_nodes(self._state.connection, self._nodes.changed())

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

    def _open_holes(self, gateway: str) -> list[tuple[int, int, int]]:
        """Return (channel, from, to) of the open holes of a gateway."""
        channels = self._event_channels[gateway]
        return [(k, start, end) for k in channels for start, end in self._holes[k] if end > start]

    def acknowledgements(self, gateway: str) -> list[tuple[str, int, list[list[int]]]]:
        """Return (boot, received_through, missing) of every boot heard lately, latest first."""
        since = self._clock() - ACK_DAYS * NS_PER_DAY
        heard = [
            (at, boot) for (g, boot), (_, at) in self._known_boots.items() if g == gateway and at >= since
        ]
        return [
            (boot, *self._boot(gateway, boot).acknowledgement()) for _, boot in sorted(heard, reverse=True)
        ]


def _rejection(position: int, message: Message) -> Refusal:
    """Say why a message is refused before it is decoded."""
    if len(message.payload) > MAX_PAYLOAD:
        detail = f"{len(message.payload)} bytes, at most {MAX_PAYLOAD} are taken: split the message"
        return Refusal(position, Code.TOO_LARGE, "", detail)
    detail = "expected sm/v1/{park}/{facility}/{gateway}/readings, or a topic of `subscriptions`"
    return Refusal(position, Code.TOPIC, "", detail)


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
