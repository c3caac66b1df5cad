"""The MQTT subscriber: a persistent session at QoS 1 whose acknowledgements wait for the journal.

An acknowledgement carries the connection epoch its message came by. Packet ids are used again after a session is
lost, so an acknowledgement from an earlier epoch would confirm a message that nobody has journalled.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import paho.mqtt.client as mqtt

from ingest import topics
from ingest.connection import Broker, Connection
from ingest.intake import Arrival
from plant.topics import NATIVE_FILTER
from store.journal import DUP, RETAIN, Message

SESSION_S = 30 * 24 * 3600  # a session outlives our longest absence
FLAPS, FLAPPING_S = 3, 60.0  # so many lost connections within so long are no accident


class Subscriber(Connection):
    """Hands every message to the intake; the broker keeps the session, and what is not acknowledged, while we are away.

    Parameters
    ----------
    put
        Takes every message.
    failed
        Told when the network thread dies.
    filters
        What to subscribe to.
    """

    def __init__(
        self,
        address: Broker,
        put: Callable[[Arrival], None],
        failed: Callable[[str], None],
        filters: Sequence[str] = (NATIVE_FILTER,),
    ) -> None:
        super().__init__(address, failed, filters, session_s=SESSION_S, manual_ack=True)
        self._put = put
        self._epoch = 0
        self._lock = threading.Lock()
        self.connections = 0
        self.sessions_lost = 0
        self.stale_acknowledgements = 0
        self._losses: deque[float] = deque(maxlen=FLAPS)

    @property
    def flapping(self) -> bool:
        """Whether connections were lost one after the other of late, as where another client has our client id."""
        losses = tuple(self._losses)
        return len(losses) == FLAPS and time.monotonic() - losses[0] < FLAPPING_S

    def acknowledge(self, arrivals: list[Arrival]) -> None:
        """Send the PUBACKs of journalled messages, in order, unless their connection is gone."""
        with self._lock:
            for arrival in arrivals:
                if arrival.qos <= 0:  # nobody asked for one
                    continue
                if arrival.epoch == self._epoch:
                    self._client.ack(arrival.packet, arrival.qos)
                else:
                    self.stale_acknowledgements += 1

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish retained at QoS 1; False, and nothing queued, while there is no connection."""
        if not self.ready:
            return False
        return self._client.publish(topic, payload, qos=1, retain=True).rc == mqtt.MQTT_ERR_SUCCESS

    def _connected(self, flags: mqtt.ConnectFlags) -> None:
        self.connections += 1
        if not flags.session_present:
            with self._lock:
                self._epoch += 1
            self.sessions_lost += self.connections > 1

    def _lost(self) -> None:
        # paho empties its outgoing queue when it connects again, so no acknowledgement outlives this lock.
        with self._lock:
            self._epoch += 1
        self._losses.append(time.monotonic())

    def _heard(self, topic: bytes, message: mqtt.MQTTMessage) -> None:
        ours = topics.classify(topic) is topics.TopicClass.OURS
        flags = DUP * message.dup | RETAIN * message.retain
        kept = None if ours else Message(time.time_ns(), topic, bytes(message.payload), flags)
        self._put(Arrival(self._epoch, message.mid, message.qos, kept))
