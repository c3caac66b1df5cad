"""The Sparkplug host application's own connection: it says that it is there, takes messages in order, and asks for rebirths.

The specification wants a clean session, so the broker keeps nothing for us while we are away: what edge nodes send then is
only safe where they keep it until our STATE says that we are there again. Where it may have passed unheard, the journal says so.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, sections 5.12, 5.13 and 6.4.27.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from ingest.mqtt.address import Broker
from ingest.mqtt.connection import Connection
from ingest.mqtt.intake import OWN, Arrival
from ingest.sparkplug.messages import payload_class
from ingest.sparkplug.options import SparkplugOptions
from ingest.sparkplug.payload import BOOLEAN
from ingest.sparkplug.rebirths import Rebirths
from ingest.sparkplug.sequencer import Sequencer
from ingest.sparkplug.topics import (
    SparkplugTopic,
    birth_topic,
    is_of_a_host,
    namespace_filter,
    rebirth_topic,
    state_topic,
)
from plant.documents.json_text import json_of
from store.messages.journal import RETAIN, Message
from store.messages.sparkplug import out_of_sight

REBIRTH = "Node Control/Rebirth"
_FAREWELL_S = 2.0  # for the broker to take our death before we go
_TICK_S = 0.1  # between two looks at who waits too long
_GRACE_S = (
    2.0  # after a connect, for the nodes that are born by themselves because our STATE says that we are there
)

Hosted = Callable[[bytes], tuple[SparkplugTopic, SparkplugOptions] | None]


class SparkplugHost(Connection):
    """Hands every message of an edge node to the intake.

    Parameters
    ----------
    host
        Its id in STATE.
    groups
        The topic filters of the groups that it hosts.
    hosted
        Says whose message a topic is of, and how it is read.
    put
        Takes every message, those of each edge node in its order.
    failed
        Told what failed in the network thread; gives the pause before it goes on [s].
    """

    def __init__(
        self,
        address: Broker,
        host: str,
        groups: Sequence[str],
        hosted: Hosted,
        put: Callable[[Arrival], None],
        failed: Callable[[BaseException], float],
    ) -> None:
        self._state = state_topic(host)
        own = replace(address, client_id=f"{address.client_id}-sparkplug")
        # Its own STATE first, so that it hears of its death whatever else it is granted.
        filters = (self._state, *(namespace_filter(group) for group in groups))
        super().__init__(own, failed, filters, session_s=0)
        self._hosted, self._take = hosted, put
        self._order = (
            threading.Lock()
        )  # who holds it may put: what is heard, what waited, and what stands between
        self._sequencer = Sequencer(put)
        self._connections = 0
        self._rebirths, self._asked_by, self._ask_from = Rebirths(self.ask_rebirth), 0, 0.0
        self._unborn: AbstractSet[str] = frozenset()
        self._askable: AbstractSet[str] = frozenset()
        self._born = 0  # ms, the timestamp of will and birth
        self._heard_any = False  # since the journal was last told that something may have passed unheard

    def start(self) -> None:
        """Connect in the background; what edge nodes said while we were away is unknown, and the journal says so first."""
        self._lose_sight()
        super().start()

    def stop(self) -> None:
        """Say that we go, and go."""
        self._leaving.set()
        if self.ready:
            self._say(online=False, timestamp=_now_ms()).wait_for_publish(_FAREWELL_S)
        super().stop()

    def run(self, unborn: Callable[[], AbstractSet[str]], stop: threading.Event) -> None:
        """Keep time until told to stop: let go on what waits too long for its turn, and ask the nodes that lack a birth."""
        while not stop.wait(_TICK_S):
            with self._order:
                self._sequencer.tick(time.monotonic_ns())
            if self.ready:
                self._ask(unborn())

    def _ask(self, unborn: AbstractSet[str]) -> None:
        now = time.monotonic()
        if self._asked_by != self._connections:  # what we asked before, nobody may have heard
            self._asked_by, self._ask_from = self._connections, now + _GRACE_S
            self._rebirths = Rebirths(self.ask_rebirth)
        if unborn is not self._unborn:
            self._unborn = unborn
            self._askable = {name for name in unborn if self._may_ask(name)}
        if now >= self._ask_from:
            self._rebirths.tend(self._askable, now)

    def _may_ask(self, name: str) -> bool:
        found = self._hosted(birth_topic(name, ""))
        return found is not None and found[1].rebirth

    def ask_rebirth(self, name: str) -> bool:
        """Ask an edge node, group/node, to be born again; False where there is no connection."""
        if not self.ready:
            return False
        body = payload_class()(timestamp=_now_ms())
        body.metrics.add(name=REBIRTH, datatype=BOOLEAN, timestamp=body.timestamp, boolean_value=True)
        sent = self._client.publish(rebirth_topic(name), body.SerializeToString(), qos=0)
        return sent.rc == mqtt.MQTT_ERR_SUCCESS

    def _before(self) -> None:
        """Leave a will with the timestamp that our birth is going to have, and take nothing over from the connection before."""
        self._client.drop_out_messages()  # else paho says a STATE that nobody confirmed again, before our birth
        self._born = _now_ms()
        self._client.will_set(self._state, _state(online=False, timestamp=self._born), qos=1, retain=True)

    def _subscribed(self) -> None:
        self._connections += 1
        self._say(online=True, timestamp=self._born)

    def _lost(self, _said: ReasonCode | None) -> None:
        if self._heard_any and not self._leaving.is_set():
            self._lose_sight()

    def _lose_sight(self) -> None:
        """Tell the journal, on the thread that hears: so it stands behind what was heard, and before what comes next."""
        self._heard_any = False
        with self._order:
            self._sequencer.forget()
            self._take(Arrival(0, 0, OWN, out_of_sight(time.time_ns())))

    def _heard(self, topic: bytes, message: mqtt.MQTTMessage) -> None:
        if topic == self._state.encode():
            if not message.retain:  # what is retained was said before we were there, and our birth follows it
                self._hear_of_ourselves(bytes(message.payload))
            return
        if is_of_a_host(topic):
            return
        self._heard_any = True
        kept = Message(time.time_ns(), topic, bytes(message.payload), RETAIN * message.retain)
        arrival, found = Arrival(0, message.mid, 0, kept), self._hosted(topic)
        with self._order:
            if found is None:
                self._take(arrival)
            else:
                self._sequencer.take(arrival, found[0], found[1].reorder, time.monotonic_ns())

    def _hear_of_ourselves(self, payload: bytes) -> None:
        """Say again that we are there where the broker tells the world that we are not, as after a late will."""
        try:
            online = json_of(payload).get("online")
        except (ValueError, AttributeError):
            online = None
        if online is not True and not self._leaving.is_set():
            self._say(online=True, timestamp=self._born)

    def _say(self, *, online: bool, timestamp: int) -> mqtt.MQTTMessageInfo:
        return self._client.publish(
            self._state, _state(online=online, timestamp=timestamp), qos=1, retain=True
        )


def _state(*, online: bool, timestamp: int) -> bytes:
    return json.dumps({"online": online, "timestamp": timestamp}).encode()


def _now_ms() -> int:
    return time.time_ns() // 10**6
