"""The intake: what the broker gives is journalled first and acknowledged after, in order, or not at all."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from store.journal import Journal, JournalFull, Message

MOST_IN_GROUP = 4096  # messages of one commit
MOST_BYTES_IN_GROUP = 4 * 1024 * 1024  # payload of one commit; one message at least
MOST_UNASKED = 10_000  # QoS 0 messages that may wait; more are dropped and counted
RETRY_S = 0.5
OWN = -1  # in place of a QoS: nobody waits for an acknowledgement


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message and what its acknowledgement needs: the connection it came by, and its packet id there."""

    epoch: int
    packet: int
    qos: int
    message: Message | None  # None: one of our own, acknowledged without a trace


class Intake:
    """One thread that commits whatever waits, without lingering, and acknowledges what is safe."""

    def __init__(
        self,
        journal: Journal,
        acknowledge: Callable[[list[Arrival]], None],
        journalled: Callable[[], None],
        crash: Callable[[str], None],
    ) -> None:
        """Wire the intake: `acknowledge` gets committed arrivals in order, `journalled` wakes the line."""
        self._journal, self._acknowledge, self._journalled, self._crash = (
            journal,
            acknowledge,
            journalled,
            crash,
        )
        self._waiting: list[Arrival] = []
        self._unasked = 0
        self._something = threading.Event()
        self.beats = 0
        self.paused = False
        self.received = 0
        self.dropped = 0

    def put(self, arrival: Arrival) -> None:
        """Take an arrival from the network thread: no parsing, nothing that can fail, nothing that waits."""
        if arrival.qos == 0:
            if self._unasked >= MOST_UNASKED:
                self.dropped += 1
                return
            self._unasked += 1
        self._waiting.append(arrival)
        if (
            not self._something.is_set()
        ):  # to set it again is dear, and `run` looks only after it has cleared it
            self._something.set()

    def decide(self, decision: Message) -> None:
        """Take a decision of a person, from any thread, to be journalled among the messages."""
        self._waiting.append(Arrival(0, 0, OWN, decision))
        self._something.set()

    def run(self, stop: threading.Event) -> None:
        """Commit and acknowledge until told to stop; what then waits stays unacknowledged."""
        while not stop.is_set():
            self.beats += 1
            if self._something.wait(0.5):
                self._something.clear()
                self._flush(stop)

    def _flush(self, stop: threading.Event) -> None:
        while self._waiting and not stop.is_set():
            group = _bounded(self._waiting[:MOST_IN_GROUP])
            messages = [a.message for a in group if a.message is not None]
            self._crash("intake_before_commit")
            if messages and not self._commit(messages, stop):
                return
            self._crash("intake_after_commit")
            del self._waiting[: len(group)]
            self._unasked -= sum(a.qos == 0 for a in group)
            self._acknowledge(group)
            if messages:
                self._journalled()

    def _commit(self, messages: list[Message], stop: threading.Event) -> bool:
        """Append, however long the volume stays full; False when told to stop meanwhile."""
        while True:
            self.beats += 1
            try:
                self._journal.append(messages)
            except JournalFull:
                self.paused = True
                if stop.wait(RETRY_S):
                    return False
            else:
                self.paused = False
                self.received += len(messages)
                return True


def _bounded(group: list[Arrival]) -> list[Arrival]:
    """Return the first arrivals of a group, as many as fit into one commit."""
    size = 0
    for count, arrival in enumerate(group):
        size += len(arrival.message.payload) if arrival.message is not None else 0
        if size > MOST_BYTES_IN_GROUP and count:
            return group[:count]
    return group
