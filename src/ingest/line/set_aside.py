"""What becomes of the one message that is at fault: it is kept, and as much of it is entered as can be.

Each way is tried in a transaction of its own; one that fails too makes room for the next, which does less.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from ingest.formats.columns import RawReadings, Refusal
from ingest.line.accounts import Accounts
from ingest.line.batch import Batch
from ingest.sparkplug.nodes import Nodes
from ingest.subscriptions import Subscriptions, hear
from plant.vocabulary import Code
from store.accounting.closing import Closing
from store.messages.journal import DECISION, Message

Stage = Callable[[Batch], None]
Way = Callable[[Batch, str], None]


class _Decided(msgspec.Struct):
    """What every decision says of itself; a replay has no action of its own."""

    id: str
    by: str = ""
    action: str = ""


class SetAside:
    """Sets the one message of a micro-batch aside, inside the line's transaction."""

    def __init__(
        self, subscriptions: Subscriptions, accounts: Accounts, closing: Closing, stages: Sequence[Stage]
    ) -> None:
        """Take the stages behind decoding: through them goes what is left of a message without its readings."""
        self._subscriptions, self._accounts, self._closing = subscriptions, accounts, closing
        self._stages = stages

    def ways(self, message: Message) -> Sequence[Way]:
        """Return how the message may be set aside, the best way first; the text says what is wrong with it."""
        if message.flags & DECISION:
            return (self._refuse, self._refuse_unread)
        return (self._enter_number, self._keep)

    def _enter_number(self, batch: Batch, why: str) -> None:
        """Keep a message and enter its sequence number: it came, though none of its readings counts."""
        [message] = batch.messages
        route = self._subscriptions.route(message.topic)
        if (
            route is None or route.decode is None
        ):  # an edge node's is as if it had never come: it is asked for a rebirth
            self._keep(batch, why)
            return
        batch.received, batch.gateways = np.array([message.received], np.int64), [route.id]
        spoken = hear(route, message, 0, Nodes(), batch.raw, [])
        if spoken is not None:
            said = spoken.envelope
            batch.envelopes[0] = replace(said, first=0, count=0, refused=said.count + said.refused)
        batch.raw, batch.refusals = RawReadings(), [_refusal(why)]
        for stage in self._stages:
            stage(batch)

    def _keep(self, batch: Batch, why: str) -> None:
        """Keep a message, whatever it says."""
        try:
            route = self._subscriptions.route(batch.messages[0].topic)
        except Exception:  # noqa: BLE001  that may be what is at fault
            route = None
        batch.gateways = [route.id if route else ""]
        self._accounts.keep(batch, _refusal(why))

    def _refuse(self, batch: Batch, why: str) -> None:
        """Note a decision as refused, under the id by which somebody waits for it."""
        said = msgspec.json.decode(batch.messages[0].payload, type=_Decided)
        self._note(batch, said, why)

    def _refuse_unread(self, batch: Batch, why: str) -> None:
        """Note a decision as refused that says nothing of itself."""
        self._note(batch, _Decided(f"message-{batch.offsets[0]}"), why)

    def _note(self, batch: Batch, said: _Decided, why: str) -> None:
        [message] = batch.messages
        action = said.action or message.topic.decode(errors="replace").rpartition("/")[2]
        self._closing.note(
            said.id, message.received, int(batch.offsets[0]), said.by, action, "", 0, "refused", why
        )


def _refusal(why: str) -> Refusal:
    return Refusal(0, Code.FAULT, "", why)
