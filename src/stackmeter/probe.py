"""A client that asks a broker one thing at a time, and tells what the broker made of it."""

import queue
import secrets
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.connection import Broker
from ingest.subscriber import SESSION_S

PATIENCE_S = 5.0


class NotLetIn(Exception):
    """The broker answers, and refuses the connection; the text says why."""


class NotReached(Exception):
    """No broker answers at the address."""


class SessionInUse(Exception):
    """The broker gives each user one client id, so that a connection of ours is the service's session, taken over."""


class Probe:
    """One connection, as a context manager, under a client id of its own; MQTT 5, so that a refused publish is told.

    A listener may give us the service's client id instead of ours (Mosquitto: use_username_as_clientid). So a session that
    is there already is neither cleared nor are its messages acknowledged: it is left as it was, and SessionInUse raised.

    Raises
    ------
    NotReached, NotLetIn, SessionInUse
        By entering it.
    """

    def __init__(self, address: Broker, *, anonymous: bool = False) -> None:
        self._address, self._anonymous = address, anonymous
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._client = self._made()

    def __enter__(self) -> Self:
        where = f"{self._address.host}:{self._address.port}"
        try:
            self._client.connect(
                self._address.host,
                self._address.port,
                clean_start=False,
                properties=_lasting(PacketTypes.CONNECT),
            )
        except (OSError, ValueError) as error:
            raise NotReached(f"nothing that speaks {self._kind()} answers at {where}: {error}") from error
        self._client.loop_start()
        try:
            what, reason = self._next()
        except queue.Empty:
            self._leave()
            raise NotReached(f"{where} takes the connection and says nothing for {PATIENCE_S:g} s") from None
        if what == "session":
            self._leave(_lasting(PacketTypes.DISCONNECT))
            raise SessionInUse(
                f"{where} gives {self._address.username} one client id: we were the service for a moment, and have left"
                " its session as it was"
            )
        if what != "connect" or reason.is_failure:
            self._leave()
            raise NotLetIn(str(reason))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish at QoS 1, and tell whether the broker took it; a broker that ends the connection did not."""
        if self._client.publish(topic, payload, qos=1).rc != mqtt.MQTT_ERR_SUCCESS:
            return False
        return self._answer("publish")

    def subscribe(self, topic: str) -> bool:
        """Subscribe, and tell whether the broker granted it; it may deliver nothing all the same."""
        self._client.subscribe(topic, qos=1)
        return self._answer("subscribe")

    def hear(self) -> tuple[str, bytes] | None:
        """Return the next message, None where none comes in time."""
        try:
            return self._heard.get(timeout=PATIENCE_S)
        except queue.Empty:
            return None

    def _answer(self, wanted: str) -> bool:
        try:
            while True:
                what, reason = self._next()
                if what in (wanted, "disconnect"):
                    return what == wanted and not reason.is_failure
        except queue.Empty:
            return False

    def _next(self) -> tuple[str, Any]:
        return self._events.get(timeout=PATIENCE_S)

    def _leave(self, properties: Properties | None = None) -> None:
        """Disconnect; the session ends with that unless `properties` say otherwise."""
        self._client.disconnect(properties=properties or _lasting(PacketTypes.DISCONNECT, 0))
        self._client.loop_stop()

    def _kind(self) -> str:
        return "MQTT over TLS" if self._address.tls else "MQTT"

    def _made(self) -> mqtt.Client:
        a = self._address
        name = f"{a.client_id}-doctor-{secrets.token_hex(4)}"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if a.username and not self._anonymous:
            client.username_pw_set(a.username, a.password)
        if a.tls:
            client.tls_set(ca_certs=None if a.ca is None else str(a.ca))
        client.on_connect = lambda _c, _d, flags, reason, _p: self._events.put(
            ("session" if flags.session_present else "connect", reason)
        )
        client.on_disconnect = lambda _c, _d, _f, reason, _p: self._events.put(("disconnect", reason))
        client.on_publish = lambda _c, _d, _m, reason, _p: self._events.put(("publish", reason))
        client.on_subscribe = lambda _c, _d, _m, reasons, _p: self._events.put(("subscribe", reasons[0]))
        client.on_message = lambda _c, _d, message: self._heard.put((message.topic, bytes(message.payload)))
        return client


def _lasting(packet: int, seconds: int = SESSION_S) -> Properties:
    """Return the properties of a session that lasts so long after its connection."""
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.SessionExpiryInterval = seconds
    return properties
