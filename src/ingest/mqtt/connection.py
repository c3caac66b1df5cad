"""A connection to the broker that is made again whenever it is lost, with a network thread of its own."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.mqtt.address import Broker
from ingest.mqtt.steady_client import SteadyClient
from ingest.mqtt.terms import Terms, farewell, refusal, silence, terms_of

KEEPALIVE_S = 30
RECEIVE_MAXIMUM = 1000  # unacknowledged messages that the broker may send ahead
SEND_MAXIMUM = 20  # unacknowledged messages of ours that the broker may have, where it takes so many
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0  # after which a refused subscription is asked for again, doubling
SAME_AGAIN_S = 60.0  # for which the log does not repeat what it said of the broker last
_STOP_S = 5.0

log = logging.getLogger(__name__)


class Connection:
    """What our connections have in common; each says what it does when one is made, granted or lost, and with a message.

    Parameters
    ----------
    failed
        Told what failed in the network thread; gives the pause before it goes on [s].
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
        failed: Callable[[BaseException], float],
        filters: Sequence[str],
        *,
        session_s: int,
        manual_ack: bool = False,
    ) -> None:
        self._address, self._failed, self._filters = address, failed, tuple(dict.fromkeys(filters))
        self._place, self._later = address, deque(address.others)  # where the broker is tried, and then
        self._session_s = session_s
        self._started, self._over, self._leaving = False, threading.Event(), threading.Event()
        self._subscribing = threading.Lock()
        self._asked: dict[int, str] = {}  # filters by the packet that asked for them
        self._granted: dict[str, int] = {}  # the QoS of each filter
        self._refused: dict[str, str] = {}  # why a filter was, as the broker says
        self._retry_s, self._retry_at = FIRST_RETRY_S, 0.0
        self._is_answered = self._is_refused = False  # the connection that is being made
        self._logged: dict[str, tuple[str, float]] = {}  # what the log was told last of a place, and when
        self.terms = Terms()
        self.last_error = ""
        self._client = self._make_client(manual_ack=manual_ack)

    @property
    def ready(self) -> bool:
        """Whether the broker is connected and has granted the subscriptions."""
        return len(self._granted) == len(self._filters) and self._client.is_connected()

    @property
    def where(self) -> str:
        """host:port of the broker that is connected, "" where none is."""
        return self._place.where if self._client.is_connected() else ""

    @property
    def addresses(self) -> dict[str, bool]:
        """host:port of each address of the broker, and whether it is the one that is connected."""
        connected = self.where
        return {place.where: place.where == connected for place in self._address.places}

    @property
    def alive(self) -> bool:
        """Whether the network thread runs."""
        return self._started and not self._over.is_set()

    def start(self) -> None:
        """Connect in the background, again and again until the broker answers."""
        self._aim()  # now, for paho connects to what it knows when the thread begins
        # Not `loop_forever` in a thread of ours: it would sleep on while what we send waits to be written.
        self._started = True
        self._client.loop_start()

    def _aim(self) -> None:
        """Have the next connection go where the broker is tried now."""
        a = self._place
        self._client.username_pw_set(a.username, a.password)
        if a.speaks_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            properties.SessionExpiryInterval = self._session_s
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            # Clean, the first connection would wipe the session that waits for us.
            clean = not self._session_s
            self._client.connect_async(a.host, a.port, KEEPALIVE_S, clean_start=clean, properties=properties)
        else:
            self._client.connect_async(a.host, a.port, KEEPALIVE_S)

    def tend(self) -> None:
        """Ask again for what the broker refused to subscribe us to, once its time has come; from any thread, now and then."""
        if not self._refused or time.monotonic() < self._retry_at or not self._client.is_connected():
            return
        self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
        self._retry_at = time.monotonic() + self._retry_s
        for one in tuple(self._refused):
            self._subscribe(one)

    def notices(self) -> list[str]:
        """Return what the connection does without, in sentences."""
        if not self._client.is_connected():
            return []
        at_most_once = [name for name, qos in self._granted.items() if self._session_s and qos == 0]
        lossy = f"the broker delivers {', '.join(at_most_once)} with QoS 0 only: what it sends while we are away or busy is lost"
        return [*self.terms.costs(self._session_s), *([lossy] if at_most_once else [])]

    def stop(self) -> None:
        """Disconnect."""
        self._leaving.set()
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

    def _lost(self, said: ReasonCode | None) -> None:
        """Take note that the connection is gone, and why, where the broker said so."""

    def _heard(self, topic: bytes, message: mqtt.MQTTMessage) -> None:
        """Take a message."""
        raise NotImplementedError

    # --- paho ---------------------------------------------------------------------------------------------------------

    def _make_client(self, *, manual_ack: bool) -> SteadyClient:
        a = self._address
        five = a.speaks_5
        client = SteadyClient(
            CallbackAPIVersion.VERSION2,
            client_id=a.client_id,
            clean_session=None if five else not self._session_s,
            protocol=a.version,
            manual_ack=manual_ack,
        )
        if a.tls:
            client.tls_set(ca_certs=None if a.ca is None else str(a.ca))
        client.reconnect_delay_set(1, 30)
        client.on_pre_connect = lambda _client, _data: self._on_pre_connect()
        client.on_connect = self._on_connect
        client.on_connect_fail = lambda _client, _data: self._failed_to_connect()
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.failed = self._on_failure
        client.aim = self._aim if a.others else lambda: None
        client.over = self._over.set
        return client

    def _try_next(self) -> None:
        """Have the broker tried at its next address from now on."""
        self._later.append(self._place)
        self._place = self._later.popleft()

    def _on_pre_connect(self) -> None:
        self._is_answered = self._is_refused = False
        self._before()

    def _failed_to_connect(self) -> None:
        a = self._place
        trust = (
            ", or its certificate is not to be trusted: the setting broker_ca says by what" if a.tls else ""
        )
        self._trouble(f"no broker answers at {a.where}{trust}")
        self._try_next()

    def _trouble(self, what: str) -> None:
        """Say what is wrong, in the log once as long as nothing else is at that place."""
        self.last_error = what
        told, at = self._logged.get(self._place.where, ("", 0.0))
        if what != told or time.monotonic() - at > SAME_AGAIN_S:
            self._logged[self._place.where] = what, time.monotonic()
            log.warning("%s: %s", self._address.client_id, what)

    def _on_failure(self, error: Exception) -> bool:
        """Give the connection up, whose packets may be half read, and wait; return whether to make another one."""
        self._lost(None)
        self._granted.clear()
        self._try_next()
        self.last_error = f"the network thread failed: {type(error).__name__}: {error}"
        if self._leaving.wait(self._failed(error)):
            return False
        self._aim()
        return True

    def _on_connect(
        self,
        _client: mqtt.Client,
        _data: object,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._is_answered = True
        if reason.is_failure:
            self._is_refused = True
            self._trouble(refusal(reason, properties))
            return
        if self.last_error or self._address.others:
            log.info("%s: connected to %s", self._address.client_id, self._place.where)
        self.last_error = ""
        self._logged.clear()
        self.terms = terms_of(properties)
        self._client.let_under_way(min(SEND_MAXIMUM, self.terms.receive_maximum))
        self._connected(flags)
        self._asked.clear()
        self._granted.clear()
        self._refused.clear()
        self._retry_s, self._retry_at = FIRST_RETRY_S, 0.0
        # Always: after a lost session nothing is subscribed, and once more costs nothing.
        for one in self._filters:
            self._subscribe(one)

    def _subscribe(self, one: str) -> None:
        """Ask for a filter in a packet of its own, so that none is refused for another's sake."""
        with self._subscribing:
            if self._address.speaks_5:
                options = SubscribeOptions(qos=1, noLocal=bool(self._session_s), retainHandling=1)
                _, packet = self._client.subscribe(one, options=options)
            else:
                _, packet = self._client.subscribe(one, 1)
            if packet is not None:
                self._asked[packet] = one

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: object,
        flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._lost(reason if flags.is_disconnect_packet_from_server else None)
        self._granted.clear()
        if self._leaving.is_set():
            return
        a = self._place
        if not self._is_answered:
            self._trouble(silence(reason, speaks_5=a.speaks_5, tls=a.tls, where=a.where))
        elif not self._is_refused:  # of a refusal, what the broker said then is the cause
            self._trouble(farewell(reason, properties))
        self._try_next()

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        packet: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        with self._subscribing:
            one = self._asked.pop(packet, "")
        if not one or not reasons:
            return
        if reasons[0].is_failure:
            self._refused[one] = str(reasons[0])
            self._retry_at = time.monotonic() + self._retry_s
            self._trouble(
                f"the broker refused the subscription to {one}: {reasons[0]}; it is asked for again"
            )
            return
        self._refused.pop(one, None)
        self._granted[one] = reasons[0].value
        if len(self._granted) == len(self._filters):
            self.last_error = ""
            self._subscribed()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            # Not `message.topic`: it decodes, and may raise on bytes that are no UTF-8.
            self._heard(message._topic, message)  # noqa: SLF001
        except Exception as error:  # noqa: BLE001 - it costs this message alone
            # Not acknowledged, so it stays at the broker and comes again by the next connection.
            self._failed(error)
