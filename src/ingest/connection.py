"""A connection to the broker that is made again whenever it is lost, with a network thread of its own."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

KEEPALIVE_S = 30
RECEIVE_MAXIMUM = 1000  # unacknowledged messages that the broker may send ahead
_STOP_S = 5.0

log = logging.getLogger(__name__)


class BrokerAddress(ValueError):
    """The broker's URL is not one that we understand."""


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
    ca: Path | None = None  # certificates that the broker's is checked by; the system's where None


def broker(url: str, *, client_id: str, version: str, ca: Path | None = None) -> Broker:
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
        ca,
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


class Connection:
    """What our connections have in common; each says what it does when one is made, granted or lost, and with a message.

    Parameters
    ----------
    failed
        Told when the network thread dies.
    filters
        What it subscribes to.
    session_s
        How long the broker keeps the session of an absent client by MQTT 5, by 3.1.1 for ever; 0 for a clean one.
    manual_ack
        Whether messages are acknowledged by whoever took them.
    """

    def __init__(
        self,
        address: Broker,
        failed: Callable[[str], None],
        filters: Sequence[str],
        *,
        session_s: int,
        manual_ack: bool = False,
    ) -> None:
        self._address, self._failed, self._filters = address, failed, tuple(filters)
        self._session_s = session_s
        self._started, self._over = False, threading.Event()
        self._granted = False
        self.last_error = ""
        self._client = self._make_client(manual_ack=manual_ack)

    @property
    def ready(self) -> bool:
        """Whether the broker is connected and has granted the subscriptions."""
        return self._granted and self._client.is_connected()

    @property
    def alive(self) -> bool:
        """Whether the network thread runs."""
        return self._started and not self._over.is_set()

    def start(self) -> None:
        """Connect in the background, again and again until the broker answers."""
        a = self._address
        if a.version == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            properties.SessionExpiryInterval = self._session_s
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            # Clean, the first connection would wipe the session that waits for us.
            clean = not self._session_s
            self._client.connect_async(a.host, a.port, KEEPALIVE_S, clean_start=clean, properties=properties)
        else:
            self._client.connect_async(a.host, a.port, KEEPALIVE_S)
        # Not `loop_forever` in a thread of ours: it would sleep on while what we send waits to be written.
        self._started = True
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        if self._started:
            self._over.wait(_STOP_S)

    # --- what each does in its own way --------------------------------------------------------------------------------

    def _before(self) -> None:
        """Prepare for a connection that is about to be made."""

    def _connected(self, flags: mqtt.ConnectFlags) -> None:
        """Take note of a connection, before it subscribes."""

    def _subscribed(self) -> None:
        """Take note that all subscriptions are granted."""

    def _lost(self) -> None:
        """Take note that the connection is gone."""

    def _heard(self, topic: bytes, message: mqtt.MQTTMessage) -> None:
        """Take a message."""
        raise NotImplementedError

    # --- paho ---------------------------------------------------------------------------------------------------------

    def _make_client(self, *, manual_ack: bool) -> Client:
        a = self._address
        five = a.version == MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=a.client_id,
            clean_session=None if five else not self._session_s,
            protocol=a.version,
            manual_ack=manual_ack,
        )
        if a.username:
            client.username_pw_set(a.username, a.password)
        if a.tls:
            client.tls_set(ca_certs=None if a.ca is None else str(a.ca))
        client.reconnect_delay_set(1, 30)
        client.on_pre_connect = lambda _client, _data: self._before()
        client.on_connect = self._on_connect
        client.on_connect_fail = lambda _client, _data: self._failed_to_connect()
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.over = self._on_over
        return client

    def _failed_to_connect(self) -> None:
        a = self._address
        trust = (
            ", or its certificate is not to be trusted: the setting broker_ca says by what" if a.tls else ""
        )
        self.last_error = f"no broker answers at {a.host}:{a.port}{trust}"

    def _on_over(self, error: Exception | None) -> None:
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
        self.last_error = ""
        self._connected(flags)
        # Always: after a lost session nothing is subscribed, and once more costs nothing.
        if self._address.version == MQTTProtocolVersion.MQTTv5:
            options = SubscribeOptions(qos=1, noLocal=bool(self._session_s), retainHandling=1)
            client.subscribe([(one, options) for one in self._filters])
        else:
            client.subscribe([(one, 1) for one in self._filters])

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._lost()
        self._granted = False
        self.last_error = f"disconnected: {reason}"

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        _packet: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        refused = [pair for pair in zip(self._filters, reasons, strict=False) if pair[1].is_failure]
        self._granted = not refused
        if refused:
            self.last_error = "the broker refused the subscription to {}: {}".format(*refused[0])
        else:
            self._subscribed()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        # Not `message.topic`: it decodes, and may raise on bytes that are no UTF-8.
        self._heard(message._topic, message)  # noqa: SLF001
