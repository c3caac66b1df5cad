"""A reference gateway of class A: it keeps what it published until the service's ack covers it."""

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from simulators.message import Address, Message
from simulators.publisher import POLL, Publisher
from simulators.store import AckError, Store, runs

log = logging.getLogger(__name__)

CAPACITY = 10_000  # messages
OFFLINE = b'{"online":false}'


class Gateway:
    """A gateway of one boot; use it as a context manager.

    It says `{"online": true}` on its retained status topic, has `{"online": false}` as last will, hears its ack
    topic, and sends again what the contract asks for whenever `tend` is called, which should be every second or so.
    Numbers it gave up, messages it had no room for, and those that it lost with its store are told in its status as
    `given_up`, `evicted` and `lost`. What else it can do wrong is in its messages: see `Faults`.

    Parameters
    ----------
    broker
        `mqtt://host:port`.
    address
        Its place in the topic tree.
    boot
        Names its sequence.
    capacity
        How many messages it keeps; the oldest is thrown out when there are more.
    stop
        Ends every wait with `StoppedError`.
    """

    def __init__(
        self,
        broker: str,
        address: Address,
        boot: str,
        *,
        capacity: int = CAPACITY,
        window: int = 100,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self.resent = 0
        self._clock = clock
        self._store = Store(boot, capacity)
        self._lock = threading.Lock()
        self._told: dict[str, Any] | None = None
        self._stack = ExitStack()
        self._publisher = Publisher(
            broker,
            window=window,
            will=(address.topic("status"), OFFLINE),
            subscribe=address.topic("ack"),
            receive=self._on_ack,
            connected=self._on_connected,
            stop=stop,
        )

    def __enter__(self) -> Self:
        self._stack.enter_context(self._publisher)
        self.tend()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            self._publisher.farewell(self.address.topic("status"), OFFLINE)

    def send(self, message: Message) -> None:
        """Keep a message and publish it; raises as `Publisher.publish` does."""
        with self._lock:
            self._store.add(message, self._clock())
        self._publisher.publish(message.topic, message.payload)

    def tend(self) -> None:
        """Send again what is due, and the status where it changed; raises as `Publisher.publish` does."""
        with self._lock:
            again = self._store.due(self._clock())
            status = self._status()
            changed, self._told = status != self._told, status
        if changed:
            self._publisher.publish(self.address.topic("status"), json.dumps(status).encode(), retain=True)
        for message in again:
            self._publisher.publish(message.topic, message.payload)
        self.resent += len(again)

    def lose_store(self) -> None:
        """Lose everything that no ack has covered yet; numbers go on."""
        with self._lock:
            self._store.lose()

    def settle(self, patience: float) -> bool:
        """Tend until the ack covers everything kept; False if it does not within `patience` [s]."""
        deadline = time.monotonic() + patience
        while self.uncovered and time.monotonic() < deadline:
            self.tend()
            time.sleep(POLL)
        return not self.uncovered

    def drain(self, patience: float = 60.0) -> None:
        """Wait for every PUBACK; raises as `Publisher.drain` does."""
        self._publisher.drain(patience)

    @property
    def uncovered(self) -> int:
        """How many kept messages no ack has covered yet."""
        with self._lock:
            return len(self._store)

    def holds(self, seq: int) -> bool:
        """Whether the service has said that it holds a number."""
        with self._lock:
            return self._store.holds(seq)

    @property
    def heard(self) -> bool:
        """Whether any ack spoke of this boot: a service listens."""
        return self._store.heard

    @property
    def given_up(self) -> list[tuple[int, int]]:
        """Numbers that the service misses and this gateway no longer sends, as inclusive ranges."""
        with self._lock:
            return runs(self._store.given_up)

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = {"online": True, "boot": self._store.boot}
        if self._store.given_up:
            status["given_up"] = runs(self._store.given_up)
        if self._store.evicted:
            status["evicted"] = self._store.evicted
        if self._store.lost:
            status["lost"] = self._store.lost
        return status

    def _on_connected(self) -> None:
        with self._lock:
            self._store.reconnected()
            self._told = None  # the broker may have published our last will meanwhile

    def _on_ack(self, _topic: str, payload: bytes) -> None:
        try:
            with self._lock:
                self._store.acknowledge(payload, self._clock())
        except AckError as error:
            log.warning("gateway %s ignores an ack: %s", self.address, error)
