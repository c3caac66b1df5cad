"""The MQTT subscriber: a persistent session at QoS 1 whose acknowledgements wait for the journal.

An acknowledgement carries the connection epoch its message came by. Packet ids are used again after a session is
lost, so an acknowledgement from an earlier epoch would confirm a message that nobody has journalled.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from ingest import topics
from ingest.mqtt.address import Broker
from ingest.mqtt.connection import Connection
from ingest.mqtt.intake import Arrival
from ingest.mqtt.own_messages import OwnMessages
from ingest.mqtt.session import TOLD_FOR, SessionMemory, loss
from plant.topics import NATIVE_FILTER
from store.messages.journal import DUP, RETAIN, Message

SESSION_S = 30 * 24 * 3600  # a session outlives our longest absence
MOST_PUBLISHED = 256 * 1024  # bytes: beyond its own limit a broker ends the connection, and all wait
FLAPS, FLAPPING_S = 3, 60.0  # so many lost connections within so long are no accident
TAKEN_OVER = "Session taken over"  # as MQTT 5 names reason 142

log = logging.getLogger(__name__)


class Subscriber(Connection):
    """Hands every message to the intake; the broker keeps the session, and what is not acknowledged, while we are away.

    Parameters
    ----------
    put
        Takes every message.
    failed
        Told what failed in the network thread; gives the pause before it goes on [s].
    filters
        What to subscribe to.
    memory
        Remembers over restarts that there was a session; without, only the process's own connections count.
    is_foreign
        Tells whether a topic is another shard's: what a session still holds of an earlier subscription is acknowledged and not put.
    """

    def __init__(
        self,
        address: Broker,
        put: Callable[[Arrival], None],
        failed: Callable[[BaseException], float],
        filters: Sequence[str] = (NATIVE_FILTER,),
        memory: SessionMemory | None = None,
        is_foreign: Callable[[bytes], bool] = lambda _topic: False,
    ) -> None:
        super().__init__(address, failed, filters, session_s=SESSION_S, manual_ack=True)
        self._put, self._memory, self._is_foreign = put, memory, is_foreign
        self._epoch = 0
        self._lock = threading.Lock()
        self.connections = 0
        self.sessions_lost = 0
        self.stale_acknowledgements = 0
        self.foreign = 0  # messages that were another shard's
        self._losses: deque[tuple[float, str]] = deque(maxlen=FLAPS)
        self._own = OwnMessages()
        self._unsaid: dict[str, int] = {}  # bytes of what is too large to be published, by topic
        self._leaving_filters: dict[int, str] = {}  # filters by the packet that unsubscribes them
        self._client.on_publish = lambda *_: self._own.answered()
        self._client.on_unsubscribe = lambda _client, _data, packet, *_: self._unsubscribed(packet)

    def tend(self) -> None:
        """Do what is due; from any thread, now and then."""
        super().tend()
        if self._memory is not None and self.ready:
            self._memory.seen(time.time_ns())

    def notices(self) -> list[str]:
        """Return what the connection does without, or has lost, in sentences."""
        told = [*super().notices(), *self._own.notices()]
        for topic, size in sorted(self._unsaid.copy().items()):
            told.append(
                f"not published: {topic} would have {size} bytes, more than a broker may take: ask the API for it"
            )
        session = self._memory.session if self._memory is not None else None
        if session is not None and time.time_ns() - session.lost_at < TOLD_FOR:
            told.append(loss(session))
        if self._is_flapping():
            told.append(self._flapping())
        return told

    def _is_flapping(self) -> bool:
        return len(self._losses) == FLAPS and time.monotonic() - self._losses[0][0] < FLAPPING_S

    def _flapping(self) -> str:
        """Return why connections were lost one after the other of late, as far as the broker said."""
        reasons = {said for _, said in self._losses}
        if TAKEN_OVER in reasons:
            return f"another client connects with our client id {self._address.client_id!r} and takes our session: stop it, or give it a client_id of its own"
        if known := sorted(reasons - {""}):
            return f"the broker has ended our connection {FLAPS} times within a minute: {', '.join(known)}"
        return (
            f"the broker has ended our connection {FLAPS} times within a minute and did not say why: its log may; another client with our"
            f" client id {self._address.client_id!r} would look like this"
        )

    def acknowledge(self, arrivals: list[Arrival]) -> None:
        """Send the PUBACKs of journalled messages, in order, unless their connection is gone."""
        with self._lock:
            asked = [arrival for arrival in arrivals if arrival.qos > 0]  # of the others nobody asked for one
            packets = [arrival.packet for arrival in asked if arrival.epoch == self._epoch]
            self.stale_acknowledgements += len(asked) - len(packets)
            self._client.ack_all(packets)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish retained at QoS 1, or as far as the broker takes it; False, and nothing queued, where it cannot be."""
        size, longest = (
            _packet_size(topic, payload),
            min(self.terms.packet_size or MOST_PUBLISHED, MOST_PUBLISHED),
        )
        if size > longest:
            self._unsaid[topic] = size
            return False
        self._unsaid.pop(topic, None)
        if not self.ready or not self._own.may_go():
            return False
        retain = self.terms.retain and self._own.may_be_retained()
        sent = self._client.publish(topic, payload, qos=min(1, self.terms.qos), retain=retain)
        self._own.sent()
        return sent.rc == mqtt.MQTT_ERR_SUCCESS

    def _connected(self, flags: mqtt.ConnectFlags) -> None:
        self.connections += 1
        if not (self.terms.retain and self._own.may_be_retained()):
            self._client.drop_out_messages()  # else paho sends again what ended the connection before
        if not flags.session_present:
            with self._lock:
                self._epoch += 1
        lost = not flags.session_present and self.connections > 1
        if self._memory is not None:
            lost = self._memory.connected(
                self._place.where, self._address.client_id, present=flags.session_present, now=time.time_ns()
            )
        self.sessions_lost += lost
        if lost:
            log.error(
                "the broker has no session of ours any more: what waited in it is lost, but where gateways send it again"
            )
        self._unsubscribe()

    def _unsubscribe(self) -> None:
        """End what the session was subscribed to in an earlier run and is not ours any more: a broker keeps it until it is told."""
        left = self._memory.subscribing(self._filters) if self._memory is not None else []
        self._leaving_filters.clear()
        for one in dict.fromkeys([*left, NATIVE_FILTER]):
            if one not in self._filters:
                _, packet = self._client.unsubscribe(one)
                if packet is not None:
                    self._leaving_filters[packet] = one

    def _unsubscribed(self, packet: int) -> None:
        one = self._leaving_filters.pop(packet, "")
        if one and self._memory is not None:
            self._memory.unsubscribed(one)

    def _failed_to_connect(self) -> None:
        self._losses.clear()  # the broker was away: nobody flaps
        super()._failed_to_connect()

    def _lost(self, said: ReasonCode | None) -> None:
        # paho empties its outgoing queue when it connects again, so no acknowledgement outlives this lock.
        with self._lock:
            self._epoch += 1
        self._losses.append((time.monotonic(), str(said) if said is not None else ""))
        self._own.cut()

    def _heard(self, topic: bytes, message: mqtt.MQTTMessage) -> None:
        foreign = self._is_foreign(topic)
        self.foreign += foreign
        passed_over = foreign or topics.classify(topic) is topics.TopicClass.OURS
        flags = DUP * message.dup | RETAIN * message.retain
        kept = None if passed_over else Message(time.time_ns(), topic, bytes(message.payload), flags)
        self._put(Arrival(self._epoch, message.mid, message.qos, kept))


def _packet_size(topic: str, payload: bytes) -> int:
    """Return what a PUBLISH has at most [bytes]: header, topic, packet id, no properties, payload."""
    return 5 + 2 + len(topic.encode()) + 2 + 1 + len(payload)
