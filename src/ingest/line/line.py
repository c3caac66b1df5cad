"""The line: from the journal's raw messages to a changed state, one transaction a micro-batch.

The order of its stages stands in `Line.stages` and nowhere else. Whatever a message provokes in them costs that message
(`ingest.line.containment`): it is kept as `fault`, and the line goes on behind it.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial

import msgspec
import numpy as np

from ingest.known.archives import Archives
from ingest.known.backfills import Backfills
from ingest.known.boots import Boots
from ingest.known.channel_facts import Conflicts, FirstReadings
from ingest.known.our_clock import OurClock
from ingest.known.remember import remember
from ingest.known.reports import Reports
from ingest.known.strangers import Strangers, leave_to_nobody
from ingest.line.accounts import Accounts
from ingest.line.batch import Batch, consecutive, gathered, stretch
from ingest.line.beside import Beside, NoRegulation, Regulated, Watch
from ingest.line.containment import Fault, FaultLog, Pace, contained, told
from ingest.line.decisions import Decisions
from ingest.line.edge_nodes import KeptNodes
from ingest.line.evaluate import Evaluated, Evaluator
from ingest.line.following import Following
from ingest.line.normalise import Normaliser
from ingest.line.recompute import fields_of
from ingest.line.records import Records
from ingest.line.replay import Replays
from ingest.line.set_aside import SetAside, Way
from ingest.sparkplug.nodes import Spoken
from ingest.subscriptions import Subscriptions, TopicRoute, hear, rejection, unknown_gateway
from plant.park import Plant
from store.accounting import closing
from store.accounting.ledger import Entry
from store.messages import backfills, clock_steps, replays, steps
from store.messages.journal import DECISION, JournalReader, Message
from store.messages.sparkplug import OUT_OF_SIGHT
from store.messages.steps import RecordedStep
from store.state import State

MOST_MESSAGES = 20_000  # of a micro-batch
MOST_BYTES = 12 * 1024 * 1024  # of a micro-batch; one message at least
MANY_CHANNELS = 15_000  # beyond which it is smaller, because what is known of each channel is judged with it


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
        self._plant, self._state, self._journal, self._evaluator = plant, state, journal, evaluator
        self.undated = remember(plant, evaluator.engine, state, clock())
        self._clock, self._crash, self._project = clock, crash, project
        self._regulated = regulated or NoRegulation()
        self._subscriptions = Subscriptions(plant)
        self._backfills = Backfills(plant, state)
        self._normaliser = Normaliser(plant, self._backfills.reach)
        self._nodes = KeptNodes(self._subscriptions, self._normaliser, state)
        self._accounts = Accounts(state.books, plant.allowed_lateness)
        self._replays = Replays(state, journal, self._subscriptions, clock)
        self._faults, self._pace = FaultLog(), Pace(MOST_MESSAGES)
        self._following = Following(watch, state, self._faults, crash, plant.hash, self._backfills.reach)
        self._hours = Beside("regulated hours", state.connection, self._regulated.reload, self._faults)
        stages = (self._evaluate, self._emit, self._project_readings, self._following.note)
        records = Records(plant, state, stages)
        self._takers: dict[bytes, Callable[[Message, int], None]] = {
            closing.TOPIC: Decisions(plant, state, clock, evaluator.engine.provisional).take,
            **watch.takers,
            replays.TOPIC: self._replays.take,
            backfills.TOPIC: self._backfills.take,
            clock_steps.TOPIC: partial(clock_steps.note, state.connection),
            OUT_OF_SIGHT: self._nodes.lose_sight,
            **(records.takers | Archives(plant, state, clock).takers | Reports(plant, state).takers),
        }
        self._boots = Boots(plant, state.boots, clock)
        self.acknowledgements = self._boots.acknowledgements
        self._first, self._conflicts = FirstReadings(plant, state), Conflicts(state)
        self._our_clock = OurClock(plant)
        self._strangers = Strangers(plant, state.connection)
        self._most_bytes = MOST_BYTES * MANY_CHANNELS // max(MANY_CHANNELS, len(plant.channels))
        self._next = state.cursor
        state.take_under(plant.hash)
        self.behind = False  # the last micro-batch was cut: more waits
        self.heard: set[str] = set()  # gateways to acknowledge; the publisher empties it
        self._spoke: set[str] = set()  # those of the open transaction
        self.stages: tuple[Callable[[Batch], None], ...] = (
            self._decode,
            self._normalise,
            self._sequence,
            self._evaluate,
            self._emit,
            self._accounts.settle,
            self._project_readings,
            self._following.note,
        )
        self._aside = SetAside(self._subscriptions, self._accounts, state.closing, self.stages[1:])

    @property
    def next(self) -> int:
        """The first journal offset that is not yet part of the state."""
        return self._next

    def clock_doubts(self) -> list[str]:
        """Return why it seems to be our own clock that is wrong, nothing where it does not."""
        return self._our_clock.told(self._clock())

    @property
    def unborn(self) -> AbstractSet[str]:
        """The Sparkplug edge nodes, group/node, that lack a birth."""
        return self._nodes.unborn

    @property
    def gateways_ahead(self) -> int:
        """How many gateways heard lately send readings of the future."""
        return self._our_clock.doubt.ahead

    @property
    def conflicts(self) -> AbstractSet[int]:
        """The channels (by index) on which two meters seem to speak."""
        return self._conflicts.channels

    def troubles(self) -> list[str]:
        """Return what beside the tonnes fails at present, and what was changed without a date, for people."""
        parts = (self._following, self._hours)
        return [*self.clock_doubts(), *self.undated.kept, *(part.trouble for part in parts if part.trouble)]

    def step(self, until: int | None = None) -> int:
        """Take a part of what is replayed and the next micro-batch, commit each, and return how many messages that was.

        Nothing is taken from the message `until` on.
        """
        replayed = self._replay() if self._replays.waiting else 0
        messages, self.behind = gathered(self._journal, self._next, self._pace.most, self._most_bytes, until)
        taken = self._take_next(messages) if messages else self._commit(self._idle, steps.TIME)
        self.behind |= self._replays.waiting
        self._following.step(self._clock())
        return taken + replayed

    def repeat(self, step: RecordedStep) -> int:
        """Do again what a recorded step of the line did, by the clock's time; return how many messages it took."""
        work: Callable[[], int]
        match step.kind:
            case steps.ALERTS:
                self._following.step(step.now)
                return 0
            case steps.MESSAGES:
                work = partial(self._advance, stretch(self._journal, self._next, step.through))
            case steps.ASIDE:
                said = msgspec.json.decode(step.detail, type=steps.AsideDetail)
                [message] = stretch(self._journal, self._next, step.through).messages
                self._forget()  # as after the fault
                work = partial(self._keep_one, message, self._aside.ways(message)[said.way], said.why)
            case steps.REPLAY:
                until = msgspec.json.decode(step.detail, type=int)
                work = partial(self._replays.step, self._take, until)
            case steps.LEFT:
                work = partial(self._replays.leave, msgspec.json.decode(step.detail, type=steps.LeftDetail))
            case steps.TIME:
                work = self._idle
            case _:
                raise ValueError(f"the line has no step {step.kind!r}")
        taken = self._commit(work, step.kind)
        self._next = step.through
        return taken

    def _take_next(self, messages: list[Message]) -> int:
        """Take what comes next in the journal, or as much of it as goes without a fault, at least one message; return how many."""
        batch = consecutive(self._next, messages)
        while isinstance(fault := self._tried(partial(self._advance, batch), steps.MESSAGES), Exception):
            self.behind = True
            if len(batch.messages) == 1:
                self._set_aside(batch.messages[0], fault)
                break
            self._pace.failed(len(batch.messages))
            batch = consecutive(self._next, messages[: self._pace.most])
        else:
            self._pace.passed(len(batch.messages))
        self._next = batch.journal[1]
        return len(batch.messages)

    def _set_aside(self, message: Message, fault: Exception) -> None:
        """Pass the message that is at fault for good: as much of it is entered as can be, and it is kept."""
        self._faults.tell(f"message {self._next} of the journal is at fault, and set aside", fault)
        ways, why = self._aside.ways(message), told(fault)
        for number, way in enumerate(ways):
            detail = msgspec.json.encode(steps.AsideDetail(number, why))
            kept = self._tried(partial(self._keep_one, message, way, why), steps.ASIDE, detail)
            if not isinstance(kept, Exception):
                break
            if way is ways[-1]:
                raise kept
        self._pace.found()

    def _keep_one(self, message: Message, way: Way, why: str) -> int:
        """Set a message aside in one way."""
        batch = consecutive(self._next, [message])
        way(batch, why)
        return self._pass(batch)

    def _replay(self) -> int:
        """Take a part of what is replayed, and return how many messages that was; one at fault stays as it was."""
        while isinstance(
            taken := self._tried(partial(self._replays.step, self._take), steps.REPLAY), Exception
        ):
            if not self._replays.takes_less():
                self._faults.tell("a message that is replayed is at fault, and stays as it was", taken)
                left = self._replays.left(told(taken))
                return self._commit(partial(self._replays.leave, left), steps.LEFT, msgspec.json.encode(left))
        self._replays.takes_more()
        return taken

    def _commit(self, work: Callable[[], int], kind: str, detail: bytes = b"") -> int:
        """Do some work in a transaction of its own, and return how many messages it took; raise what it raises."""
        taken = self._tried(work, kind, detail)
        if isinstance(taken, Exception):
            raise taken
        return taken

    def _tried(self, work: Callable[[], int], kind: str, detail: bytes = b"") -> int | Exception:
        """Do some work as a step, and return how many messages it took; if all was taken back, what it raised."""
        now, recorder = self._clock(), self._state.recorder
        try:
            with self._state.transaction():
                recorder.begin()
                taken = contained(work)
                more = self._replays.taken if kind == steps.REPLAY else detail
                recorder.end(RecordedStep(kind, now, self._state.cursor, more))
                if taken:
                    self._crash("line_before_commit")
        except Fault as fault:
            self._forget()
            return fault.error
        except BaseException:
            self._forget()
            raise
        if taken:
            self._crash("line_after_commit")
        self.heard |= self._spoke
        self._spoke.clear()
        self._nodes.settle()
        return taken

    def _advance(self, batch: Batch) -> int:
        """Take what comes next in the journal, and move the cursor behind it."""
        first, _ = batch.journal
        if batch.messages[0].flags & DECISION:
            message = batch.messages[0]
            if message.topic == closing.TOPIC:  # a replay decides of the same hours
                entry = self._regulation((first, first))
                self._hours.run(lambda: self._regulated.catch_up(message.received, entry))
            self._takers[message.topic](message, first)
        else:
            self._take(batch)
        return self._pass(batch)

    def _pass(self, batch: Batch) -> int:
        """Move the cursor behind messages."""
        first, end = batch.journal
        if first == 1:
            self._state.bind(self._journal.identity())
        self._state.move_cursor(end)
        return len(batch.messages)

    def _idle(self) -> int:
        """Do what time alone makes due."""
        self._count_hours(None, self._clock(), (self._next, self._next))
        return 0

    def _take(self, batch: Batch) -> None:
        """Take messages through all stages."""
        for stage in self.stages:
            stage(batch)
        self._count_hours(batch.evaluated, int(batch.received.max()), batch.journal)
        self._spoke.update({batch.gateways[position] for position in batch.envelopes} - {""})

    def _count_hours(self, evaluated: Evaluated | None, arrival: int, journal: tuple[int, int]) -> None:
        self._hours.run(lambda: self._regulated.take(evaluated, arrival, self._regulation(journal)))

    def _regulation(self, journal: tuple[int, int]) -> Entry:
        """Return what the ledger of regulated hours says of the messages [from, to)."""
        return Entry(self._clock(), "regulation", "line", self._plant.hash, *journal)

    def _forget(self) -> None:
        """After a rollback, read again whatever the failed batch had changed in memory."""
        self._evaluator.forget()
        self._hours.forget()
        self._replays.reload()
        self._spoke.clear()
        self._nodes.forget()
        self._boots.forget()
        self._first.forget()
        self._conflicts.forget()
        self._strangers.forget()
        self._backfills.forget()

    # --- stages, in order -------------------------------------------------------------------------------------

    def _decode(self, batch: Batch) -> None:
        """Sort messages by topic and decode those that hold readings."""
        batch.received = np.array([m.received for m in batch.messages], np.int64)
        for position, message in enumerate(batch.messages):
            route = self._subscriptions.route(message.topic)
            batch.gateways.append(route.id if route else "")
            if route and self._strangers.is_one_too_many(route.id):
                leave_to_nobody(batch, position)
            elif (refused := rejection(route, message, position)) is not None:
                batch.rejected[position] = refused
            elif route is not None:
                replayed = batch.before and route.sparkplug
                nodes = (
                    self._replays.nodes_before(int(batch.offsets[position]))
                    if replayed
                    else self._nodes.nodes
                )
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
                batch.refusals.append(unknown_gateway(batch.gateways[position], position))
        position_of = np.array(raw.message, np.int64)
        oldest = self._normaliser.oldest(batch.gateways, batch.judged)
        readings, rows = self._normaliser.normalise(
            raw, np.array(channel, np.int32), batch.judged[position_of], batch.refusals, oldest[position_of]
        )
        if not batch.before:
            spoke = [position for position, envelope in batch.envelopes.items() if envelope.count]
            self._our_clock.take(batch.gateways, batch.received, spoke, raw.ahead)
        batch.readings, batch.position = readings, position_of[rows]
        readings.message = batch.offsets[batch.position]
        readings.boot = self._boots.number(batch)[batch.position]

    def _sequence(self, batch: Batch) -> None:
        """Enter sequence numbers, and find the holes in time that opened or closed."""
        self._boots.enter(batch)
        self._nodes.store()

    def _evaluate(self, batch: Batch) -> None:
        """Find which readings are new, and the windows they change."""
        boots = self._boots
        batch.evaluated = self._evaluator.take(batch.readings, boots.names, boots.open_holes, batch.disturbed)
        self._first.take(batch.done)
        self._state.beginnings.take(batch.done.written)
        self._conflicts.take(batch.done)

    def _emit(self, batch: Batch) -> None:
        """Store the windows that changed, and say so in the ledger."""
        e = batch.done.emissions
        changes = self._state.emissions.apply(
            self._state.source_ids[e.source], e.window * self._plant.window, fields_of(e)
        )
        if len(changes):
            entry = Entry(self._clock(), batch.cause, batch.actor, self._plant.hash, *batch.journal)
            self._state.ledger.append(entry, changes)

    def _project_readings(self, batch: Batch) -> None:
        """Put what was written out for InfluxDB."""
        rows = batch.done.written
        if self._project and len(rows):
            ids = self._state.channel_ids[rows.channel].astype(np.int32)
            self._state.enqueue_readings(replace(rows, channel=ids))

    # --- parts of stages --------------------------------------------------------------------------------------

    def _note_spoken(self, batch: Batch, position: int, spoken: Spoken | None, route: TopicRoute) -> None:
        """Note what a message was."""
        if spoken is None:
            batch.statuses[position] = route.online(batch.messages[position].payload)
            return
        batch.envelopes[position] = spoken.envelope
        if spoken.online is not None and not batch.before:
            batch.statuses[position] = spoken.online
        if spoken.is_new:
            batch.counted.add(position)
        if not batch.before:
            self._nodes.note(route, spoken, int(batch.offsets[position]))
