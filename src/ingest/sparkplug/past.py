"""Edge nodes as they were when a message of theirs came: what came before it is heard again, from the journal.

It is what the line knew of them then, but for what `subscriptions` say differently today. Nothing is asked of a node for it.
"""

from collections.abc import Iterator
from itertools import islice

from ingest.formats.columns import RawReadings
from ingest.sparkplug.nodes import Nodes
from ingest.subscriptions import Subscriptions, hear, most_bytes
from store.messages.journal import JournalDamaged, JournalReader, Message
from store.messages.sparkplug import OUT_OF_SIGHT

_EVER = 2**62  # messages


class Past:
    """Hears the journal again, from its beginning on; of what is damaged, and of what came before that, it knows nothing."""

    def __init__(self, journal: JournalReader, subscriptions: Subscriptions) -> None:
        self._journal, self._subscriptions = journal, subscriptions
        self._nodes, self._next, self._ahead = Nodes(), 1, self._read(1)

    def advance(self, offset: int, most: int) -> int:
        """Hear what came before an offset, at most so many messages; return the first offset that is not heard."""
        if offset < self._next:
            self._begin(1)
        before = self._next
        try:
            for message in islice(self._ahead, min(most, offset - before)):
                self._next += 1
                self._hear(message)
        except JournalDamaged:
            self._begin(offset)
        if self._next == before < offset:  # the journal does not have them
            self._begin(offset)
        return self._next

    def before(self, offset: int) -> Nodes:
        """Return edge nodes as they were before the message at an offset, which whoever asks takes next."""
        self.advance(offset, _EVER)
        next(self._ahead, None)
        self._next = offset + 1
        return self._nodes

    def forget(self) -> None:
        """Keep nothing in memory."""
        self._begin(1)

    def _begin(self, offset: int) -> None:
        self._nodes, self._next, self._ahead = Nodes(), offset, self._read(offset)

    def _read(self, offset: int) -> Iterator[Message]:
        for _, messages in self._journal.read(offset, _EVER):
            yield from messages

    def _hear(self, message: Message) -> None:
        if message.topic == OUT_OF_SIGHT:
            self._nodes.lose_sight(message.received)
        route = self._subscriptions.route(message.topic)
        if route is not None and route.sparkplug and len(message.payload) <= most_bytes(route):
            try:
                hear(route, message, 0, self._nodes, RawReadings(), [])
            except Exception:  # noqa: BLE001  it was kept as `fault` when it came; what it left half done is forgotten
                self._nodes.disown(route.sparkplug[0].name)
