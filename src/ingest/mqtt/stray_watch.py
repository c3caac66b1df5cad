"""A connection of its own that hears the status of every gateway at the broker, and keeps those whose park no shard has.

With filters by park nobody hears a park that is misspelt; who hears of it here accounts for nothing: no message is journalled.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import replace

import paho.mqtt.client as mqtt

from ingest import topics
from ingest.mqtt.address import Broker
from ingest.mqtt.connection import Connection
from ingest.status import online
from plant.shards.strays import Stray

STATUS_FILTER = "sm/v1/+/+/+/status"
MOST = 10_000  # strays that are kept
_NAMED = 3  # in a sentence


class StrayWatch(Connection):
    """Knows the gateways that no shard has; any thread may ask.

    Parameters
    ----------
    parks
        Those of all shards.
    """

    def __init__(
        self, address: Broker, failed: Callable[[BaseException], float], parks: Collection[str]
    ) -> None:
        own = replace(address, client_id=f"{address.client_id}-strays")
        # A clean session: the broker says the retained status of each gateway again by each connection.
        super().__init__(own, failed, (STATUS_FILTER,), session_s=0)
        self._parks, self._known = frozenset(parks), dict[str, Stray]()

    @property
    def strays(self) -> list[Stray]:
        """The gateways that no shard has, by name."""
        return sorted(self._known.copy().values(), key=lambda one: one.gateway)

    def notices(self) -> list[str]:
        """Return what the connection does without, and which gateways nobody hears, in sentences."""
        told = [] if self.ready else [f"strays are not known: {self.last_error or 'connecting'}"]
        if known := self.strays:
            names = ", ".join(one.gateway for one in known[:_NAMED])
            more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
            said = "what they send is kept by nobody; correct their topics, or give their parks to a shard"
            told.append(f"gateways of parks that no shard has: {names}{more}: {said} (GET /v1/strays)")
        return [*super().notices(), *told]

    def _heard(self, topic: bytes, message: mqtt.MQTTMessage) -> None:
        parsed = topics.parse(topic)
        if parsed is None or parsed.park in self._parks:
            return
        if not message.payload:  # somebody took back what was retained
            self._known.pop(parsed.id, None)
        elif parsed.id in self._known or len(self._known) < MOST:
            self._known[parsed.id] = Stray(parsed.id, online(bytes(message.payload)), time.time_ns())
