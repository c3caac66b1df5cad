"""Edge nodes and devices that are not there: their channels are stale from then on, in the line's transaction.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, sections 4.2, 5.3, 5.5 and 5.7.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

from ingest.line.normalise import Normaliser
from ingest.sparkplug.nodes import Turn
from ingest.sparkplug.topics import birth_topic
from ingest.subscriptions import Subscriptions
from store.messages.sparkplug import Absence, absences, bring_back, let_go, replace_absence
from store.state import State


class _Place(TypedDict):
    gateway: str
    channels: Sequence[int]


class Away:
    """Notes which nodes and devices are away, and whose channels that concerns, by what `subscriptions` say today."""

    def __init__(self, subscriptions: Subscriptions, normaliser: Normaliser, state: State) -> None:
        self._subscriptions, self._normaliser, self._state = subscriptions, normaliser, state
        with state.transaction():  # what was noted under another configuration is of other channels now
            for one in absences(state.connection):
                of_today = replace(one, **self._place(one.node, one.device, one.metrics))
                if of_today != one:
                    replace_absence(state.connection, of_today)

    def take(self, node: str, turns: Sequence[Turn], offset: int) -> list[str]:
        """Note what the journal's message at an offset made of a node, group/node, and return the gateways of what is away."""
        gateways = []
        for turn in turns:
            if turn.is_there:
                bring_back(self._state.connection, node, turn.device)
                continue
            place = self._place(node, turn.device, turn.metrics)
            gateways.append(place["gateway"])
            let_go(
                self._state.connection,
                Absence(node, turn.device, turn.is_there, turn.since, offset, turn.metrics, **place),
            )
        return gateways

    def _place(self, node: str, device: str, metrics: Sequence[str]) -> _Place:
        """Return the gateway and the channels (ids) of a device, or of the node itself; "" and none where it has none."""
        route = self._subscriptions.route(birth_topic(node, device))
        if route is None or route.sparkplug is None:
            return {"gateway": "", "channels": []}
        wanted = [route.sparkplug[1].channel(name) for name in metrics]
        found = self._normaliser.channels(route.id, [name for name in wanted if name is not None])
        return {
            "gateway": route.id,
            "channels": [int(self._state.channel_ids[index]) for index in found if index >= 0],
        }
