"""The MQTT subscriber: a persistent session at QoS 1 whose acknowledgements wait for the journal.

An acknowledgement carries the connection epoch its message came by. Packet ids are used again after a session is
lost, so an acknowledgement from an earlier epoch would confirm a message that nobody has journalled.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest import topics
from ingest.intake import Arrival
from store.journal import DUP, RETAIN, Message

FILTER = "sm/v1/#"
KEEPALIVE_S = 30
SESSION_S = 30 * 24 * 3600  # a session outlives our longest absence
RECEIVE_MAXIMUM = 1000  # unacknowledged messages that the broker may send ahead

log = logging.getLogger(__name__)


class BrokerAddress(ValueError):
    """The broker's URL is not one that this subscriber understands."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where and as whom to connect."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None
    version: MQTTProtocolVersion
    client_id: str


def broker(url: str, *, client_id: str, version: str) -> Broker:
    """Read `mqtt://[user:password@]host[:port]` or `mqtts://…`; raise BrokerAddress for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise BrokerAddress(f"expected mqtt://host:port or mqtts://host:port, not {parts.scheme or '?'}://…")
    versions = {"3.1.1": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}
    tls = parts.scheme == "mqtts"
    user, password = (unquote(x) if x else None for x in (parts.username, parts.password))
    return Broker(
        parts.hostname,
        parts.port or (8883 if tls else 1883),
        tls,
        user,
        password,
        versions[version],
        client_id,
    )


class Client(mqtt.Client):
    """A paho client that says when its network thread is over, and why."""

    over: Callable[[Exception | None], None]

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """Run the network thread; `loop_start` calls it, and paho would let an exception pass unseen."""
        try:
            code = super().loop_forever(timeout, retry_first_connection)
        except Exception as error:
            log.exception("the network thread failed")
            self.over(error)
            raise
        self.over(None)
        return code


class Subscriber:
    """Owns the paho client and its network thread; hands every message to the intake."""

    def __init__(
        self, address: Broker, put: Callable[[Arrival], None], failed: Callable[[str], None]
    ) -> None:
        """Prepare without connecting; `failed` is told when the network thread dies."""
        self._address, self._put, self._failed = address, put, failed
        self._epoch = 0
        self._lock = threading.Lock()
        self._started, self._over = False, threading.Event()
        self._subscribed = False
        self.connections = 0
        self.sessions_lost = 0
        self.stale_acknowledgements = 0
        self.last_error = ""
        self._client = self._make_client()

    @property
    def ready(self) -> bool:
        """Whether the broker is connected and has granted the subscription."""
        return self._subscribed and self._client.is_connected()

    @property
    def alive(self) -> bool:
        """Whether the network thread runs."""
        return self._started and not self._over.is_set()

    def start(self) -> None:
        """Connect in the background, again and again until the broker answers."""
        a = self._address
        if a.version == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            properties.SessionExpiryInterval = SESSION_S
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            # Without clean_start=False the first connection would wipe the session that waits for us.
            self._client.connect_async(a.host, a.port, KEEPALIVE_S, clean_start=False, properties=properties)
        else:
            self._client.connect_async(a.host, a.port, KEEPALIVE_S)
        # Not `loop_forever` in a thread of ours: it would sleep on while acknowledgements wait to be written.
        self._started = True
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps the session and whatever is not acknowledged."""
        self._client.disconnect()
        if self._started:
            self._over.wait(5)

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

    def _make_client(self) -> Client:
        a = self._address
        five = a.version == MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=a.client_id,
            clean_session=None if five else False,
            protocol=a.version,
            manual_ack=True,
        )
        if a.username:
            client.username_pw_set(a.username, a.password)
        if a.tls:
            client.tls_set()
        client.reconnect_delay_set(1, 30)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.over = self._network_over
        return client

    def _network_over(self, error: Exception | None) -> None:
        self._over.set()
        if error is not None:
            self._failed(f"MQTT network thread: {type(error).__name__}: {error}")

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: object,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if reason.is_failure:
            self.last_error = f"the broker refused the connection: {reason}"
            return
        self.connections += 1
        self.last_error = ""
        if not flags.session_present:
            with self._lock:
                self._epoch += 1
            self.sessions_lost += self.connections > 1
        # Always: after a lost session nothing is subscribed, and once more costs nothing.
        if self._address.version == MQTTProtocolVersion.MQTTv5:
            client.subscribe(FILTER, options=SubscribeOptions(qos=1, noLocal=True, retainHandling=1))
        else:
            client.subscribe(FILTER, qos=1)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        # paho empties its outgoing queue when it connects again, so no acknowledgement outlives this lock.
        with self._lock:
            self._epoch += 1
        self._subscribed = False
        self.last_error = f"disconnected: {reason}"

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        _packet: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        self._subscribed = not any(reason.is_failure for reason in reasons)
        if not self._subscribed:
            self.last_error = f"the broker refused the subscription to {FILTER}: {reasons[0]}"

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        topic = message._topic  # noqa: SLF001 - the property decodes, and may raise on bytes that are no UTF-8
        ours = topics.classify(topic) is topics.TopicClass.OURS
        flags = DUP * message.dup | RETAIN * message.retain
        kept = None if ours else Message(time.time_ns(), topic, bytes(message.payload), flags)
        self._put(Arrival(self._epoch, message.mid, message.qos, kept))
