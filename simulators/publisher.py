"""Publishes messages at QoS 1: bounded in flight, counted until their PUBACK, through reconnects."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

CONNECT_TIMEOUT = 10.0  # s
POLL = 0.1  # s between looks at `stop` while waiting


class BrokerError(Exception):
    """The broker cannot be reached, refuses us, or does not acknowledge."""


class StoppedError(Exception):
    """The caller's `stop` was set while a message waited for its turn."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker listens, and as whom to speak to it. Its text never shows the password."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the broker that `mqtt://[user[:password]@]host[:port]` names.

        Raises
        ------
        ValueError
            If the text is no such URL.
        """
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname or parts.path.strip("/"):
            raise ValueError("a broker is given as mqtt://host:port")
        user, password = (
            None if text is None else unquote(text) for text in (parts.username, parts.password)
        )
        return cls(parts.hostname, parts.port or 1883, user, password)

    def __str__(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    __repr__ = __str__


class Publisher:
    """One MQTT 3.1.1 client; use it as a context manager.

    Parameters
    ----------
    broker
        `mqtt://host:port`.
    client_id
        The client's name; empty lets the library choose.
    window
        How many messages may wait for their PUBACK at once.
    patience
        How long a message may wait for its place among them. [s]
    will
        Topic and payload that the broker publishes, retained, should we vanish.
    subscribe
        A topic to hear, again after each reconnect.
    receive
        Called with (topic, payload) of what is heard, on the client's own thread.
    connected
        Called after each successful (re)connect, on the client's own thread.
    stop
        Ends every wait with `StoppedError`.
    """

    def __init__(
        self,
        broker: str,
        *,
        client_id: str = "",
        window: int = 100,
        patience: float = 120.0,
        will: tuple[str, bytes] | None = None,
        subscribe: str | None = None,
        receive: Callable[[str, bytes], None] | None = None,
        connected: Callable[[], None] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.broker = Broker.parse(broker)
        self._patience = patience
        self._subscribe = subscribe
        self._receive = receive
        self._connected = connected
        self._stop = stop or threading.Event()
        self._window = window
        self._changed = threading.Condition()
        self._in_flight = 0
        self._answer: ReasonCode | None = None
        self._client = self._make_client(client_id, will)

    def _make_client(self, client_id: str, will: tuple[str, bytes] | None) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311)
        client.max_inflight_messages_set(self._window)
        client.reconnect_delay_set(min_delay=1, max_delay=5)
        if self.broker.user is not None:
            client.username_pw_set(self.broker.user, self.broker.password)
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def __enter__(self) -> Self:
        """Connect.

        Raises
        ------
        BrokerError
            If the broker cannot be reached or refuses us.
        """
        try:
            self._client.connect(self.broker.host, self.broker.port, keepalive=30)
        except OSError as error:
            raise BrokerError(f"cannot reach the broker {self.broker}: {error}") from error
        self._client.loop_start()
        try:
            self._await_answer()
        except BaseException:
            self._client.loop_stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message to the broker as soon as fewer than `window` wait for their PUBACK.

        Raises
        ------
        BrokerError
            If no place became free within `patience`.
        StoppedError
            If `stop` was set meanwhile.
        """
        with self._changed:
            if not self._wait_until(lambda: self._in_flight < self._window, self._patience):
                raise BrokerError(
                    f"the broker {self.broker} has acknowledged nothing for {self._patience:g} s"
                )
            self._in_flight += 1
        self._client.publish(topic, payload, qos=1, retain=retain)

    def drain(self, patience: float = 60.0) -> None:
        """Wait until every message has its PUBACK, though `stop` be set.

        Raises
        ------
        BrokerError
            If some have none after `patience` [s].
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._in_flight == 0, patience):
                raise BrokerError(
                    f"the broker {self.broker} has not acknowledged {self._in_flight} messages after {patience:g} s"
                )

    def farewell(self, topic: str, payload: bytes, patience: float = 5.0) -> None:
        """Publish a last, retained message if connected, though `stop` be set; wait for it at most `patience` [s]."""
        if not self._client.is_connected():
            return
        with self._changed:
            self._in_flight += 1
        self._client.publish(topic, payload, qos=1, retain=True)
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight == 0, patience)

    @property
    def in_flight(self) -> int:
        """How many messages wait for their PUBACK."""
        return self._in_flight

    def _wait_until(self, done: Callable[[], bool], patience: float) -> bool:
        deadline = time.monotonic() + patience
        while not done():
            if self._stop.is_set():
                raise StoppedError
            if time.monotonic() >= deadline:
                return False
            self._changed.wait(POLL)
        return True

    def _await_answer(self) -> None:
        with self._changed:
            answered = self._wait_until(lambda: self._answer is not None, CONNECT_TIMEOUT)
        if not answered or self._answer is None:
            raise BrokerError(
                f"the broker {self.broker} took the connection and said nothing for {CONNECT_TIMEOUT:g} s"
            )
        if self._answer.is_failure:
            raise BrokerError(f"the broker {self.broker} refuses the connection: {self._answer}")

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        with self._changed:
            self._answer = reason
            self._changed.notify_all()
        if reason.is_failure:
            return
        if self._subscribe is not None:
            client.subscribe(self._subscribe, qos=1)
        if self._connected is not None:
            self._connected()

    def _on_publish(
        self, _client: mqtt.Client, _data: Any, _mid: int, _reason: ReasonCode, _properties: Any
    ) -> None:
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if self._receive is not None:
            self._receive(message.topic, bytes(message.payload))
