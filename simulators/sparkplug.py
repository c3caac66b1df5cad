"""A reference Sparkplug B edge node: it keeps its readings while the host is away, and tells them when it is back.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, chapters 5 and 6: births, deaths, STATE, sequence numbers.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from google.protobuf.message import DecodeError
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from simulators.configuration import Channel
from simulators.message import Address
from simulators.node_faults import COUNTS, NodeFaults, Slip
from simulators.payload import Readings
from simulators.publisher import Broker
from simulators.sparkplug_payload import (
    BAD,
    BOOLEAN,
    GOOD,
    INT64,
    REBIRTH,
    STALE,
    Metric,
    asks_for_rebirth,
    encode,
)
from simulators.truth import Truth

log = logging.getLogger(__name__)

NS_PER_MS = 1_000_000
NAMESPACE = "spBv1.0"
SEQUENCE = 256
OVERLAP = 100  # sendings
CAPACITY = 10_000  # sendings
PATIENCE = 20.0  # s for a message to leave
QUALITIES = {Slip.BAD: BAD, Slip.STALE: STALE}
FAR = 10_000  # added to an alias, it is of no birth


@dataclass(frozen=True, slots=True)
class _Wire:
    """One message as it leaves."""

    topic: str
    payload: bytes


class EdgeNode:
    """An edge node whose devices are the first levels of its channels' names; use it as a context manager.

    Whatever it publishes is published by `send` and `tend`, on the caller's thread; `tend` should be called every second
    or so. A session with the host begins when the node is connected and the host says that it is there: the node is born
    and tells what it kept, as historical metrics. It ends when either goes away. What was sent just before may not have
    arrived, for data are of QoS 0: the last `overlap` sendings are kept for the next session too.

    Parameters
    ----------
    broker
        `mqtt://host:port`.
    group
        Its Sparkplug group; the node's name is the gateway's.
    address
        Whose channels of `truth` it has.
    truth
        Is told of every reading that counts, once.
    host
        The id of the primary host whose STATE it watches; None: it speaks whoever listens.
    faults, seed
        What goes wrong, and how it is drawn.
    overlap, capacity
        How many sendings are told again in the next session, and how many are kept at most; the oldest are thrown out.
    """

    def __init__(
        self,
        broker: str,
        group: str,
        address: Address,
        truth: Truth,
        *,
        host: str | None = "stackmeter",
        faults: NodeFaults | None = None,
        seed: int = 0,
        overlap: int = OVERLAP,
        capacity: int = CAPACITY,
    ) -> None:
        self.births = 0
        self.published = 0  # messages, repeated ones too
        self.evicted = 0  # sendings thrown out because more than `capacity` waited
        self.slips = dict.fromkeys(Slip, 0)
        self._broker, self._group, self._node = Broker.parse(broker), group, address.gateway
        self._truth, self._faults, self._rng = truth, faults or NodeFaults(), np.random.default_rng(seed)
        self._metrics = _metrics(truth.channels, address)
        self._state = None if host is None else f"{NAMESPACE}/STATE/{host}"
        self._last: dict[int, Metric] = {}  # by channel, as it was told last
        self._told: set[tuple[int, int]] = set()  # channel, time
        self._recent: deque[Readings] = deque(maxlen=overlap)
        self._kept: deque[Readings] = deque()
        self._capacity = capacity
        self._held: _Wire | None = None
        self._seq = self._bdseq = -1
        self._session: tuple[int, int] | None = None  # that it was born in
        self._lock = threading.Lock()  # over what the network thread tells
        self._connections = 0
        self._host_since: int | None = None  # ms, the timestamp of its birth; None: it is away
        self._rebirth = threading.Event()
        self._client = self._make_client()

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._die()
        self._leave()

    @property
    def born(self) -> bool:
        """Whether it was born in a session that still lasts."""
        return self._session is not None and self._session == self._present()

    @property
    def waiting(self) -> int:
        """How many sendings are kept for the next session."""
        return len(self._kept)

    def send(self, readings: Readings) -> None:
        """Tell readings, or keep them while nobody is there; their channels count in the truth's list."""
        self.tend()
        if self._session is None:
            self._keep([readings])
            return
        self._recent.append(readings)
        self._tell(readings, historical=False)

    def tend(self) -> None:
        """Do what became due: a birth, a rebirth, a death, the telling of what was kept."""
        present = self._present()
        if self._session is not None and present != self._session:
            self._end_session()
        elif self._session is None and present is not None:
            self._session = present
            self._bear()
            while self._kept:
                readings = self._kept.popleft()
                self._recent.append(readings)
                self._tell(readings, historical=True)
        elif self._session is not None and self._rebirth.is_set():
            self._bear()

    def break_off(self) -> None:
        """Let the connection break without a word, so that the broker publishes the will; the node connects again."""
        connection: Any = self._client.socket()  # paho's type of it knows no shutdown
        if connection is not None:
            connection.shutdown(2)

    # --- sessions ---------------------------------------------------------------------------------------------------

    def _present(self) -> tuple[int, int] | None:
        """Return which connection and which birth of the host there are; None where either is not."""
        with self._lock:
            since = 0 if self._state is None else self._host_since
            return None if since is None or not self._client.is_connected() else (self._connections, since)

    def _end_session(self) -> None:
        """Leave the broker as the specification asks, and come back with a new will to wait for the host."""
        if self._client.is_connected():
            self._die()
        self._session, self._held = None, None
        self._keep([*self._recent, *self._drained()])
        self._recent.clear()
        self._leave()
        self._connect()

    def _drained(self) -> list[Readings]:
        kept = list(self._kept)
        self._kept.clear()
        return kept

    def _keep(self, sendings: Sequence[Readings]) -> None:
        self._kept.extend(sendings)
        while len(self._kept) > self._capacity:
            self._kept.popleft()
            self.evicted += 1

    # --- what it says -----------------------------------------------------------------------------------------------

    def _bear(self) -> None:
        """Publish the node's birth and those of its devices."""
        self._release()
        self._rebirth.clear()
        self._seq = -1
        self.births += 1
        if self._faults.no_birth:
            self._seq = 0
            return
        now = _now_ms()
        own = [
            Metric(name="bdSeq", datatype=INT64, time=now, value=self._bdseq),
            Metric(name=REBIRTH, datatype=BOOLEAN, time=now, value=False),
        ]
        devices = dict.fromkeys(("", *(device for device, _ in self._metrics.values())))
        for device in devices:
            ours = [channel for channel, (one, _) in self._metrics.items() if one == device]
            metrics = [self._birth_of(channel, now) for channel in ours]
            metrics = metrics if device else own + metrics
            self._put(self._wire("DBIRTH" if device else "NBIRTH", device, self._next_seq(), metrics))
        self._count([(channel, one) for channel, one in self._last.items() if one.quality == GOOD])

    def _birth_of(self, channel: int, now: int) -> Metric:
        _, metric = self._metrics[channel]
        last = self._last.get(channel)
        return (
            replace(metric, time=now)
            if last is None
            else replace(metric, time=last.time, value=last.value, quality=last.quality)
        )

    def _die(self) -> None:
        """Publish the death of the birth that was last."""
        self._release()
        if self._session is not None:
            self._put(_Wire(self._topic("NDEATH"), self._death()))

    def _tell(self, readings: Readings, *, historical: bool) -> None:
        """Publish readings, those of each device in a message of its own."""
        rows: dict[str, list[int]] = {}
        for row, channel in enumerate(readings.channel.tolist()):
            rows.setdefault(self._metrics[channel][0], []).append(row)
        for device, ours in rows.items():
            self._say(device, readings.take(ours), historical=historical)

    def _say(self, device: str, readings: Readings, *, historical: bool) -> None:
        slip = self._faults.slip(self._rng)
        self.slips[slip] += 1
        told = list(self._data(readings, slip, historical=historical))
        number = self._next_seq()
        kind = "DDATA" if device else "NDATA"
        wire = self._wire(
            kind, device, SEQUENCE if slip is Slip.SEQ_256 else number, [one for _, one in told]
        )
        for channel, one in told:
            if channel not in self._last or one.time >= self._last[channel].time:
                self._last[channel] = one
        if slip in COUNTS and not self._faults.no_birth:
            self._count(told)
        if slip is Slip.REORDER and self._held is None:
            self._held = wire
        elif slip is not Slip.DROP:
            self._put(wire)
            if slip is Slip.DUPLICATE:
                self._put(wire)
            self._release()

    def _data(self, readings: Readings, slip: Slip, *, historical: bool) -> Iterator[tuple[int, Metric]]:
        columns = (readings.channel.tolist(), (readings.time // NS_PER_MS).tolist(), readings.value.tolist())
        for channel, at, value in zip(*columns, strict=True):
            alias = self._metrics[channel][1].alias or 0
            yield (
                channel,
                Metric(
                    alias=alias + FAR if slip is Slip.UNKNOWN_ALIAS else alias,
                    time=at,
                    value=None if slip is Slip.NULL else value,
                    quality=QUALITIES.get(slip, GOOD),
                    historical=historical,
                ),
            )

    def _count(self, told: Sequence[tuple[int, Metric]]) -> None:
        """Tell the truth of what was not told before."""
        new = {
            (channel, one.time): one.value
            for channel, one in told
            if one.value is not None and (channel, one.time) not in self._told
        }
        self._told.update(new)
        if new:
            channels, times = np.array(list(new), np.int64).T
            values = np.array(list(new.values()), np.float64)
            self._truth.deliver(Readings(channels, times * NS_PER_MS, values, np.zeros(len(new), np.bool_)))

    def _next_seq(self) -> int:
        self._seq = (self._seq + 1) % SEQUENCE
        return self._seq

    def _topic(self, kind: str, device: str = "") -> str:
        return "/".join((NAMESPACE, self._group, kind, self._node, *([device] if device else [])))

    def _wire(self, kind: str, device: str, seq: int, metrics: Sequence[Metric]) -> _Wire:
        return _Wire(self._topic(kind, device), encode(_now_ms(), seq, metrics))

    def _death(self) -> bytes:
        number = (self._bdseq + self._faults.wrong_bdseq) % SEQUENCE
        metric = Metric(name="bdSeq", datatype=INT64, time=_now_ms(), value=number)
        return encode(_now_ms(), None, [metric])

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._put(held)

    def _put(self, wire: _Wire) -> None:
        self.published += 1
        # Where the connection breaks meanwhile, the session ends, and what was sent last is told again in the next one.
        with suppress(RuntimeError):
            self._client.publish(wire.topic, wire.payload, qos=0).wait_for_publish(PATIENCE)

    # --- the connection ---------------------------------------------------------------------------------------------

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
        client.reconnect_delay_set(1, 5)
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        client.on_pre_connect = self._before_connect
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        return client

    def _connect(self) -> None:
        self._client = self._make_client()  # for paho leaks two sockets where one client loops again
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=30)
        self._client.loop_start()

    def _leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _before_connect(self, client: mqtt.Client, _data: Any) -> None:
        """Leave a will of a new number; the host's STATE is told anew."""
        with self._lock:
            self._host_since = None
        self._bdseq = (self._bdseq + 1) % SEQUENCE
        client.will_set(self._topic("NDEATH"), self._death(), qos=1)

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.warning("node %s: the broker refuses the connection: %s", self._node, reason)
            return
        with self._lock:
            self._connections += 1
        watched = [self._topic("NCMD"), *([] if self._state is None else [self._state])]
        client.subscribe([(topic, 1) for topic in watched])

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            if message.topic == self._state:
                self._hear_state(json.loads(message.payload))
            elif asks_for_rebirth(bytes(message.payload)):
                self._rebirth.set()
        except (ValueError, TypeError, KeyError, DecodeError, RecursionError) as error:
            log.warning("node %s ignores what came on %s: %r", self._node, message.topic, error)

    def _hear_state(self, told: dict[str, Any]) -> None:
        """Believe a host's death only where it is not of a birth before the one that is known [1]_."""
        online, at = bool(told["online"]), int(told["timestamp"])
        with self._lock:
            if online:
                self._host_since = at
            elif self._host_since is None or at >= self._host_since:
                self._host_since = None


def _metrics(channels: Sequence[Channel], address: Address) -> dict[int, tuple[str, Metric]]:
    """Return, by channel, the device ("" where it is the node's own) and the metric as a birth gives it."""
    found: dict[int, tuple[str, Metric]] = {}
    for index, channel in enumerate(channels):
        if channel.address == address:
            device, name = channel.name.split("/", 1) if "/" in channel.name else ("", channel.name)
            found[index] = device, Metric(name=name, alias=index + 1, unit=channel.unit, time=0, value=None)
    return found


def _now_ms() -> int:
    return time.time_ns() // NS_PER_MS
