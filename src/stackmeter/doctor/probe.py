"""A client that asks a broker one thing at a time, and tells what the broker made of it."""

import queue
import secrets
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.mqtt.address import Broker
from ingest.mqtt.subscriber import SESSION_S
from ingest.mqtt.terms import Terms, refusal, silence, stated_in, terms_of

PATIENCE_S = 5.0


class NotLetIn(Exception):
    """The broker answers, and refuses the connection; the text says why."""


class NotReached(Exception):
    """No broker answers at the address."""


class SessionInUse(Exception):
    """The broker gives each user one client id, so that a connection of ours is the service's session, taken over."""


class Probe:
    """One connection, as a context manager, under a client id of its own, in the version of MQTT that the service speaks.

    A listener may give us the service's client id instead of ours (Mosquitto: use_username_as_clientid). So a session that
    is there already is neither cleared nor are its messages acknowledged: it is left as it was, and SessionInUse raised.

    Attributes
    ----------
    terms
        What the broker said of itself when it took the connection.
    stated
        The same as numbers, by the names of the properties; none over MQTT 3.1.1.
    tells_refusals
        Whether it can say that it did not take what was published: MQTT 3.1.1 has no word for that.

    Raises
    ------
    NotReached, NotLetIn, SessionInUse
        By entering it.
    """

    def __init__(self, address: Broker, *, anonymous: bool = False) -> None:
        self._address, self._anonymous = address, anonymous
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._name = f"{address.client_id}-doctor-{secrets.token_hex(4)}"
        self._client = self._made(keeps_session=True)
        self.terms, self.tells_refusals = Terms(), address.speaks_5
        self.stated: dict[str, int] = {}

    def __enter__(self) -> Self:
        where = self._address.where
        try:
            what, told = self._connected(self._client)
        except (OSError, ValueError) as error:
            raise NotReached(f"nothing that speaks {self._kind()} answers at {where}: {error}") from error
        except queue.Empty:
            self._leave()
            raise NotReached(f"{where} takes the connection and says nothing for {PATIENCE_S:g} s") from None
        if what == "session":
            self._leave(keeps_session=True)
            raise SessionInUse(
                f"{where} gives {self._address.username} one client id: we were the service for a moment, and have left"
                " its session as it was"
            )
        if what != "connect":
            self._leave()
            raise NotLetIn(told)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        if not self._address.speaks_5:
            self._forget()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish at QoS 1, and tell whether the broker took it, as far as it `tells_refusals`; one that ends the connection did not."""
        self._client.publish(topic, payload, qos=1)
        told = self._answer("publish")
        if told is None:
            with Probe(self._address, anonymous=self._anonymous):
                pass  # it is there still, so it ended the connection for what was published
        return bool(told)

    def subscribe(self, topic: str) -> bool:
        """Subscribe, and tell whether the broker granted it; it may deliver nothing all the same."""
        return self.granted(topic, 1) is not None

    def granted(self, topic: str, qos: int) -> int | None:
        """Subscribe, and return the QoS that the broker granted, None where it refused."""
        self._client.subscribe(topic, qos=qos)
        told: ReasonCode | None = self._answer("subscribe")
        if told is None:
            raise NotReached(f"{self._address.where} ended the connection when asked for {topic}")
        return None if told.is_failure else told.value

    def hear(self) -> tuple[str, bytes] | None:
        """Return the next message, None where none comes in time."""
        try:
            return self._heard.get(timeout=PATIENCE_S)
        except queue.Empty:
            if not self._client.is_connected():
                raise NotReached(f"{self._address.where} ended the connection while we listened") from None
            return None

    def _connected(self, client: mqtt.Client) -> tuple[str, Any]:
        """Connect, and return what came of it."""
        asked = (
            {"clean_start": False, "properties": _lasting(PacketTypes.CONNECT)}
            if self._address.speaks_5
            else {}
        )
        client.connect(self._address.host, self._address.port, **asked)  # type: ignore[arg-type]
        client.loop_start()
        return self._next()

    def _answer(self, wanted: str) -> Any:
        """Return what the broker answers, None where it ends the connection instead."""
        try:
            while self._client.is_connected() or not self._events.empty():
                what, told = self._next()
                if what == wanted:
                    return told
        except queue.Empty:
            where = self._address.where
            raise NotReached(f"{where} does not answer a {wanted} for {PATIENCE_S:g} s") from None
        return None

    def _next(self) -> tuple[str, Any]:
        return self._events.get(timeout=PATIENCE_S)

    def _leave(self, *, keeps_session: bool = False) -> None:
        """Disconnect; over MQTT 5 the session ends with that, unless it is to be kept."""
        if self._address.speaks_5:
            self._client.disconnect(
                properties=_lasting(PacketTypes.DISCONNECT, SESSION_S if keeps_session else 0)
            )
        else:
            self._client.disconnect()
        self._client.loop_stop()

    def _forget(self) -> None:
        """End our session where it does not end by itself: by another one under its name, which is not kept."""
        self._client, self._events = self._made(keeps_session=False), queue.SimpleQueue()
        with suppress(OSError, ValueError, queue.Empty):
            self._connected(self._client)
            self._leave()

    def _kind(self) -> str:
        return "MQTT over TLS" if self._address.tls else "MQTT"

    def _made(self, *, keeps_session: bool) -> mqtt.Client:
        a = self._address
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._name,
            clean_session=None if a.speaks_5 else not keeps_session,
            protocol=a.version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if a.username and not self._anonymous:
            client.username_pw_set(a.username, a.password)
        if a.tls:
            client.tls_set(ca_certs=None if a.ca is None else str(a.ca))
        client.on_connect = self._on_connect
        client.on_disconnect = lambda _c, _d, _f, reason, _p: self._events.put(
            ("disconnect", self._silence(reason))
        )
        client.on_publish = lambda _c, _d, _m, reason, _p: self._events.put(
            ("publish", not reason.is_failure)
        )
        client.on_subscribe = lambda _c, _d, _m, reasons, _p: self._events.put(("subscribe", reasons[0]))
        client.on_message = lambda _c, _d, message: self._heard.put((message.topic, bytes(message.payload)))
        return client

    def _on_connect(
        self,
        _client: mqtt.Client,
        _data: object,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._events.put(("refused", refusal(reason, properties)))
            return
        self.terms, self.stated = terms_of(properties), stated_in(properties)
        self._events.put(("session" if flags.session_present else "connect", ""))

    def _silence(self, reason: ReasonCode) -> str:
        a = self._address
        return silence(reason, speaks_5=a.speaks_5, tls=a.tls, where=a.where)


def _lasting(packet: int, seconds: int = SESSION_S) -> Properties:
    """Return the properties of a session that lasts so long after its connection."""
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.SessionExpiryInterval = seconds
    return properties
