"""A micro-batch on its way through the line: messages at first, then their readings, in the end what became of both."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.line.evaluate import Evaluated
from plant.arrays import Ints, Readings, Times
from store.messages.books import Refused, Tally
from store.messages.journal import DECISION, JournalReader, Message


@dataclass(slots=True)
class Batch:
    """Messages with their offsets in the journal; `before` has one entry for each where they are replayed, else none."""

    offsets: Ints
    messages: list[Message]
    before: Sequence[Refused] = ()
    cause: str = "readings"  # of the ledger
    actor: str = "line"
    received: Times = field(default_factory=lambda: np.empty(0, np.int64))
    set_since: Ints | int = 0  # by how much our clock was set after each message [ns]
    gateways: list[str] = field(default_factory=list)
    envelopes: dict[int, Envelope] = field(default_factory=dict)
    raw: RawReadings = field(default_factory=RawReadings)
    refusals: list[Refusal] = field(default_factory=list)
    rejected: dict[int, Refusal] = field(default_factory=dict)
    statuses: dict[int, bool | None] = field(default_factory=dict)  # whether the gateway is there
    readings: Readings = field(default_factory=Readings.empty)
    position: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # of each reading's message
    repeated: set[int] = field(default_factory=set)  # messages whose sequence number was known
    counted: set[int] = field(default_factory=set)  # messages with a new sequence number
    disturbed: list[tuple[int, int, int]] = field(default_factory=list)
    evaluated: Evaluated | None = None
    tally: Tally = field(default_factory=Tally)

    @property
    def judged(self) -> Times:
        """When messages arrived by the clock as it was set last: by that readings are too old, not yet or late [ns UTC]."""
        return self.received + self.set_since

    @property
    def journal(self) -> tuple[int, int]:
        """The offsets that its messages lie in, [from, to)."""
        return int(self.offsets[0]), int(self.offsets[-1]) + 1

    @property
    def done(self) -> Evaluated:
        """What the evaluation said; only after it."""
        if self.evaluated is None:
            raise RuntimeError("the stages ran out of order")
        return self.evaluated


def consecutive(offset: int, messages: list[Message]) -> Batch:
    """Return messages as they follow each other in the journal, the first at `offset`."""
    return Batch(offset + np.arange(len(messages)), messages)


def stretch(journal: JournalReader, first: int, end: int) -> Batch:
    """Return the messages [first, end) of a journal."""
    messages: list[Message] = []
    for _, found in journal.read(first, end - first):
        messages += found
    return consecutive(first, messages[: end - first])


def gathered(
    journal: JournalReader, first: int, most: int, most_bytes: int, until: int | None
) -> tuple[list[Message], bool]:
    """Return the messages of a micro-batch, and whether it was cut; a decision is a batch of its own.

    Parameters
    ----------
    first, until
        The first message, and the one before which it ends; None: it ends with the journal.
    most, most_bytes
        How many messages it has, and how many bytes; one message at least.
    """
    found: list[Message] = []
    size = 0
    for offset, messages in journal.read(first, most + 1):
        for message in messages if until is None else messages[: max(0, until - offset)]:
            size += len(message.payload) + 64
            if found and (size > most_bytes or len(found) == most or message.flags & DECISION):
                return found, True
            found.append(message)
            if message.flags & DECISION:
                return found, True
    return found, False
