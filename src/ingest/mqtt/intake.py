"""The intake: what the broker gives is journalled first and acknowledged after, in order, or not at all."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from store.messages.journal import Journal, JournalWaits, Message

MOST_IN_GROUP = 4096  # messages of one commit
MOST_BYTES_IN_GROUP = 4 * 1024 * 1024  # of one commit; one message at least
MOST_UNASKED = 10_000  # QoS 0 messages that may wait; more are dropped and counted
MOST_UNASKED_BYTES = 64 * 1024 * 1024  # of their payloads; one message at least
RETRY_S = 0.5
OWN = -1  # in place of a QoS: nobody waits for an acknowledgement


@dataclass(frozen=True, slots=True)
class Gathering:
    """How messages are gathered into a commit: for how long at most [s], and how many bytes of them at most."""

    linger: float = 0.0
    most_bytes: int = MOST_BYTES_IN_GROUP


ALONE = Gathering()
# Where a commit is dear, because other machines have to say that they have it; a message of theirs has 1 MiB at most.
FOR_A_LOG = Gathering(0.1, 900 * 1024)
LOOK_S = 0.01  # how often somebody looks whether enough is gathered


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message and what its acknowledgement needs: the connection it came by, and its packet id there."""

    epoch: int
    packet: int
    qos: int
    message: Message | None  # None: one of our own, acknowledged without a trace


@dataclass(slots=True)
class Inlet:
    """Where one thread hands in what it hears. Each thread has its own, and counts there: no number has two writers."""

    intake: "Intake"
    taken: int = 0  # QoS 0 messages
    taken_bytes: int = 0
    dropped: int = 0

    def put(self, arrival: Arrival) -> None:
        """Take an arrival from the network thread: no parsing, nothing that can fail, nothing that waits."""
        if arrival.qos == 0:
            if self.intake.is_full:
                self.dropped += 1
                return
            self.taken += 1
            self.taken_bytes += _size(arrival)
        self.intake.take(arrival)


class Intake:
    """One thread that commits whatever waits, and acknowledges what is safe."""

    def __init__(
        self,
        journal: Journal,
        acknowledge: Callable[[list[Arrival]], None],
        journalled: Callable[[], None],
        crash: Callable[[str], None],
        gathering: Gathering = ALONE,
    ) -> None:
        """Wire the intake: `acknowledge` gets committed arrivals in order, `journalled` wakes the line."""
        self._gathering = gathering
        self._journal, self._acknowledge, self._journalled, self._crash = (
            journal,
            acknowledge,
            journalled,
            crash,
        )
        self._waiting: list[Arrival] = []
        self._inlets: list[Inlet] = []
        self._done = self._done_bytes = 0  # of QoS 0 messages, by the thread that commits them
        self._something = threading.Event()
        self.beats = 0
        self.waits = ""  # why nothing can be journalled, "" while it can
        self.received = 0

    def inlet(self) -> Inlet:
        """Return where a thread hands in what it hears."""
        self._inlets.append(inlet := Inlet(self))
        return inlet

    @property
    def dropped(self) -> int:
        """How many QoS 0 messages were dropped because too many waited."""
        return sum(inlet.dropped for inlet in self._inlets)

    @property
    def unasked(self) -> tuple[int, int]:
        """How many QoS 0 messages wait, and their bytes."""
        done, done_bytes = self._done, self._done_bytes  # before what was taken: never more than that
        taken = sum(inlet.taken for inlet in self._inlets) - done
        return taken, sum(inlet.taken_bytes for inlet in self._inlets) - done_bytes

    @property
    def is_full(self) -> bool:
        """Whether a QoS 0 message has no room."""
        messages, size = self.unasked
        return messages >= MOST_UNASKED or size >= MOST_UNASKED_BYTES

    def take(self, arrival: Arrival) -> None:
        """Let an arrival wait to be committed, whoever brings it."""
        self._waiting.append(arrival)
        if (
            not self._something.is_set()
        ):  # to set it again is dear, and `run` looks only after it has cleared it
            self._something.set()

    def decide(self, decision: Message) -> None:
        """Take a decision of a person, from any thread, to be journalled among the messages."""
        self.take(Arrival(0, 0, OWN, decision))

    def run(self, stop: threading.Event) -> None:
        """Commit and acknowledge until told to stop; what then waits stays unacknowledged."""
        while not stop.is_set():
            self.beats += 1
            if self._something.wait(0.5):
                self._something.clear()
                self._linger(stop)
                self._flush(stop)

    def _linger(self, stop: threading.Event) -> None:
        """Wait until enough is gathered for a commit, or for as long as one may wait."""
        until = time.monotonic() + self._gathering.linger
        while time.monotonic() < until and not self._is_enough():
            stop.wait(LOOK_S)

    def _is_enough(self) -> bool:
        waiting = self._waiting[:MOST_IN_GROUP]
        return len(waiting) == MOST_IN_GROUP or sum(map(_weight, waiting)) >= self._gathering.most_bytes

    def _flush(self, stop: threading.Event) -> None:
        while self._waiting and not stop.is_set():
            group = _bounded(self._waiting[:MOST_IN_GROUP], self._gathering.most_bytes)
            messages = [a.message for a in group if a.message is not None]
            self._crash("intake_before_commit")
            if messages and not self._commit(messages, stop):
                return
            self._crash("intake_after_commit")
            del self._waiting[: len(group)]
            unasked = [_size(arrival) for arrival in group if arrival.qos == 0]
            self._done += len(unasked)
            self._done_bytes += sum(unasked)
            self._acknowledge(group)
            if messages:
                self._journalled()

    def _commit(self, messages: list[Message], stop: threading.Event) -> bool:
        """Append, however long there is no room or somebody else holds the journal; False when told to stop meanwhile."""
        while True:
            self.beats += 1
            try:
                self._journal.append(messages)
            except JournalWaits as error:
                self.waits = str(error)
                if stop.wait(RETRY_S):
                    return False
            else:
                self.waits = ""
                self.received += len(messages)
                return True


def _bounded(group: list[Arrival], most: int) -> list[Arrival]:
    """Return the first arrivals of a group, as many as fit into so many bytes of one commit, one at least."""
    size = 0
    for count, arrival in enumerate(group):
        size += _weight(arrival)
        if size > most and count:
            return group[:count]
    return group


def _weight(arrival: Arrival) -> int:
    """Return the bytes that an arrival takes in a commit, at most."""
    return 0 if arrival.message is None else len(arrival.message.payload) + len(arrival.message.topic) + 32


def _size(arrival: Arrival) -> int:
    """Return the bytes of an arrival's payload."""
    return len(arrival.message.payload) if arrival.message is not None else 0
