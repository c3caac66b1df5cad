"""Replays: refused messages that somebody wants taken anew, part by part, with the arrival and the place that they had.

The line takes each part through its own stages. What those make of a message now is what counts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np

from ingest.line.batch import Batch
from ingest.line.containment import Pace
from ingest.sparkplug.nodes import Nodes
from ingest.sparkplug.past import Past
from ingest.subscriptions import Subscriptions, most_bytes
from plant.vocabulary import Code, Outcome
from store.archive.archived import keep_from
from store.messages import replays
from store.messages.books import Refused
from store.messages.clock_steps import corrections
from store.messages.journal import JournalDamaged, JournalReader, Message
from store.messages.replays import Became, Replay, Standing
from store.messages.steps import LeftDetail
from store.once import KeyUsed, is_noted
from store.state import State

GONE = "the journal does not have it, or it is damaged there"
NOT_KEPT = "is not among what was refused"
OTHER_FAULTS = "they are at fault: the log of the service says why"
MOST_REASONS = 20  # by which messages are told apart that are left as they were
HEARD_AT_ONCE = 4000  # messages of the journal that are heard again in one step, to know the births before what is replayed


class Replays:
    """Opens replays, gives the line what to take, and notes what became of it, inside the line's transaction."""

    def __init__(
        self, state: State, journal: JournalReader, subscriptions: Subscriptions, clock: Callable[[], int]
    ) -> None:
        self._state, self._journal, self._clock = state, journal, clock
        self._subscriptions = subscriptions
        self._past = Past(journal, subscriptions)
        self._pace = Pace(replays.MOST_MESSAGES)
        self._taking: Sequence[Refused] = ()  # in this step
        self.waiting = replays.open_replay(state.connection) is not None

    def reload(self) -> None:
        """Know what the state knows, as after a rollback."""
        self.waiting = replays.open_replay(self._state.connection) is not None

    def take(self, message: Message, offset: int) -> None:
        """Take somebody's decision to replay: it is done in the steps that follow."""
        replay = msgspec.json.decode(message.payload, type=Replay)
        try:
            if is_noted(self._state.connection, replay.id):
                return
        except KeyUsed as used:
            self._note(replay, message.received, offset, "refused", str(used))
            return
        replays.begin(self._state.connection, replay, offset, message.received)
        self.waiting = True

    def nodes_before(self, offset: int) -> Nodes:
        """Return Sparkplug edge nodes as they were before a replayed message, which whoever asks takes next."""
        return self._past.before(offset)

    def step(self, stages: Callable[[Batch], None], until: int | None = None) -> int:
        """Let `stages` take the next part of the first replay; return how many messages that was, 0 where there is none.

        Parameters
        ----------
        until
            The last message that this part took when it was taken first; None: as many as one step can take.
        """
        self._taking = ()
        standing = replays.open_replay(self._state.connection) if self.waiting else None
        if standing is None:
            self.waiting = False
            return 0
        most = self._pace.most if until is None else replays.MOST_MESSAGES
        found, is_last = replays.next_refused(self._state.connection, standing, most)
        self._taking = refused = self._within_reach(found, until)
        if refused:
            batch = self._batch(refused, standing)
            if batch.messages:
                stages(batch)
                standing.became.add(_became(batch))
            replays.advance(self._state.connection, standing, refused[-1].message)
        if is_last and len(refused) == len(found):
            self._finish(standing)
        return len(refused) or 1

    def takes_less(self) -> bool:
        """After a step at whose fault one of its messages is: whether the next one takes fewer of them."""
        if len(self._taking) < 2:
            return False
        self._pace.failed(len(self._taking))
        return True

    def takes_more(self) -> None:
        """After a step that went well: take more where fewer were taken."""
        self._pace.passed(len(self._taking))

    @property
    def taken(self) -> bytes:
        """The last message that the last step took, 0 where it took none, as a step's detail."""
        return msgspec.json.encode(self._taking[-1].message if self._taking else 0)

    def left(self, why: str) -> LeftDetail:
        """Return what is to be left as it is: the message at whose fault the last step was, or the replay where there was none."""
        return LeftDetail(self._taking[0].message if self._taking else None, why)

    def leave(self, left: LeftDetail) -> int:
        """Leave a message as it is, or end the replay itself."""
        standing = replays.open_replay(self._state.connection)
        if standing is None:
            return 0
        if left.message is None:
            self._end(standing, "refused", left.why)
            return 1
        reasons = standing.became.left
        reason = left.why if left.why in reasons or len(reasons) < MOST_REASONS else OTHER_FAULTS
        standing.became.add(Became(left={reason: 1}))
        replays.advance(self._state.connection, standing, left.message)
        self._pace.found()
        return 1

    def _within_reach(self, found: Sequence[Refused], until: int | None) -> Sequence[Refused]:
        """Return the first of refused messages: as many as this step can hear, again, the births before; or all up to `until`."""
        if until is not None:
            found = [one for one in found if one.message <= until]
        first = next((one.message for one in found if self._is_hosted(one.topic)), None)
        if first is None:
            return found
        heard = self._past.advance(first, HEARD_AT_ONCE)
        while until is not None and heard < first:
            heard = self._past.advance(first, HEARD_AT_ONCE)
        end = first if heard < first else first + HEARD_AT_ONCE
        return [one for one in found if one.message < end]

    def _is_hosted(self, topic: bytes) -> bool:
        """Whether what a message says depends on births before it."""
        route = self._subscriptions.route(topic)
        return route is not None and route.sparkplug is not None

    def _batch(self, refused: Sequence[Refused], standing: Standing) -> Batch:
        """Return the messages that can be taken anew; of the others, note the reason."""
        taken: list[tuple[Refused, Message]] = []
        for one, message in zip(refused, self._messages([one.message for one in refused]), strict=True):
            if message is None:
                standing.became.add(Became(left={GONE: 1}))
            elif (why := self._why_not(message)) is not None:
                standing.became.add(why)
            else:
                taken.append((one, message))
        offsets = np.array([one.message for one, _ in taken], np.int64)
        received = np.array([message.received for _, message in taken], np.int64)
        return Batch(
            offsets,
            [message for _, message in taken],
            set_since=corrections(self._state.connection, offsets, received),
            before=[one for one, _ in taken],
            cause="replay",
            actor=standing.replay.by,
            counted={position for position, (one, _) in enumerate(taken) if one.counted},
        )

    def _messages(self, offsets: Iterable[int]) -> Iterator[Message | None]:
        """Yield the messages at ascending offsets, None where the journal does not have one; a group is opened once.

        What may be pruned counts as gone, whether it is yet or not, so that whoever does this step again finds the same.
        """
        first, group = 0, list[Message]()
        kept = keep_from(self._state.connection)
        for offset in offsets:
            if offset < kept:
                yield None
                continue
            if not first <= offset < first + len(group):
                try:
                    first, group = next(self._journal.read(offset, 1), (offset, []))
                except JournalDamaged:
                    first, group = offset, []
            yield group[offset - first] if group else None

    def _why_not(self, message: Message) -> Became | None:
        """Return what keeps a message from being decoded today too; None where nothing does."""
        route = self._subscriptions.route(message.topic)
        if len(message.payload) > most_bytes(route):
            return Became(messages={Outcome.REJECTED: 1}, codes={Code.TOO_LARGE: 1})
        if route is None:
            return Became(messages={Outcome.REJECTED: 1}, codes={Code.TOPIC: 1})
        return None

    def _finish(self, standing: Standing) -> None:
        became, replay = standing.became, standing.replay
        if replay.messages is not None and (missing := len(set(replay.messages)) - became.looked_at) > 0:
            became.add(Became(left={NOT_KEPT: missing}))
        self._end(standing, "done", told(became))

    def _end(self, standing: Standing, outcome: str, detail: str) -> None:
        replay = standing.replay
        replays.finish(self._state.connection, standing, self._clock())
        self._note(replay, standing.at, standing.offset, outcome, detail)
        self.waiting = replays.open_replay(self._state.connection) is not None
        self._past.forget()

    def _note(self, replay: Replay, at: int, offset: int, outcome: str, detail: str) -> None:
        self._state.closing.note(replay.id, at, offset, replay.by, "replay", "", 0, outcome, detail)


def told(became: Became) -> str:
    """Return what became of messages, in words."""
    if not became.looked_at:
        return "nothing that was refused is meant by this"
    parts = [f"messages: {_counted(became.messages) or 'none taken'}"]
    if became.readings:
        parts.append(f"readings: {_counted(became.readings)}")
    if became.codes:
        parts.append(f"still refused for {_counted(became.codes)}")
    parts += [f"left as they were: {count} ({reason})" for reason, count in sorted(became.left.items())]
    return "; ".join(parts)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _became(batch: Batch) -> Became:
    """Return what a settled part became; of readings, what had not counted before."""
    found = Became()
    for (_, _, book, outcome), count in batch.tally.outcomes.items():
        counts = found.messages if book == "messages" else found.readings
        counts[outcome] = counts.get(outcome, 0) + count
    for (_, _, code), count in batch.tally.codes.items():
        found.codes[code] = found.codes.get(code, 0) + count
    statuses = len(batch.statuses.keys() - batch.envelopes.keys())
    before = [sum(one.readings[place] for one in batch.before) for place in (0, 1)]
    readings = dict(found.readings)
    for outcome, count in zip((Outcome.ACCEPTED, Outcome.LATE), before, strict=True):
        readings[outcome] = readings.get(outcome, 0) - count
    messages = found.messages | ({"status": statuses} if statuses else {})
    return Became(messages, {name: count for name, count in readings.items() if count}, found.codes)
