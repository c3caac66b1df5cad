"""What the archive has, as the line takes it: noted in the state, and named in the ledger with the digest of each file."""

from collections.abc import Callable

import msgspec
import numpy as np

from plant.park import Plant
from store import blocks
from store.accounting.ledger import Entry
from store.archive.archived import TOPIC, ArchivedDecision, note
from store.messages.journal import Message
from store.state import State
from store.totals.emissions import Changes

_NONE = np.empty(0, np.int64)
_NOTHING = np.empty((0, blocks.REVISION))


class Archives:
    """Takes what was archived inside the line's transaction; no published number changes by it."""

    def __init__(self, plant: Plant, state: State, clock: Callable[[], int]) -> None:
        self._plant, self._state, self._clock = plant, state, clock
        self.takers = {TOPIC: self._take}

    def _take(self, message: Message, offset: int) -> None:
        """Note that a month was archived."""
        made = msgspec.json.decode(message.payload, type=ArchivedDecision)
        note(self._state.connection, made, message.received, offset)
        entry = Entry(self._clock(), made.told(), "line", self._plant.hash, offset, offset + 1)
        self._state.ledger.append(entry, Changes(_NONE, _NONE, _NONE, _NOTHING, _NOTHING))
