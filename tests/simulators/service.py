"""A stand-in for the service: it hears everything, and acks what it heard."""

import json
import threading
from collections import defaultdict
from typing import Any, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from simulators.publisher import Broker
from simulators.store import runs
from tests.servers import wait_until


class Service:
    """Use it as a context manager; `deaf_once` are sequence numbers that it takes no notice of the first time."""

    def __init__(self, url: str, *, acks: bool = True, deaf_once: tuple[int, ...] = ()) -> None:
        self.readings: list[tuple[str, bytes]] = []
        self.statuses: list[tuple[str, dict[str, Any]]] = []
        self._broker = Broker.parse(url)
        self._acks = acks
        self._deaf_once = set(deaf_once)
        self._seen: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="service", clean_session=False)
        self._client.max_inflight_messages_set(1000)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("sm/v1/#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        wait_until(self._subscribed.is_set, "the stand-in did not subscribe")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for(self, count: int) -> None:
        """Wait until so many messages with readings came."""
        wait_until(lambda: len(self.readings) >= count, f"{count} messages did not come", 20)

    def status(self, gateway: str) -> dict[str, Any] | None:
        """Return the last status of a gateway."""
        told = [status for topic, status in self.statuses if topic.split("/")[4] == gateway]
        return told[-1] if told else None

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/status"):
            self.statuses.append((message.topic, json.loads(message.payload)))
        elif message.topic.endswith("/readings"):
            self.readings.append((message.topic, message.payload))
            self._ack(message.topic, message.payload)

    def _ack(self, topic: str, payload: bytes) -> None:
        told = json.loads(payload) if payload.startswith(b"{") else {}
        if not self._acks or "seq" not in told:
            return
        if told["seq"] in self._deaf_once:
            self._deaf_once.discard(told["seq"])
            return
        boots = self._seen[topic]
        boots[told["boot"]].add(told["seq"])
        acks = [
            {"boot": b, "received_through": max(s), "missing": runs(set(range(1, max(s))) - s)}
            for b, s in boots.items()
        ]
        self._client.publish(
            topic.replace("/readings", "/ack"), json.dumps({"acks": acks}), qos=1, retain=True
        )
