"""A gateway that publishes whatever bytes it is told to, and hears what the service publishes for it."""

import json
from typing import Any, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import wait_until


class RawGateway:
    """One MQTT session of QoS 1; use it as a context manager."""

    def __init__(self, port: int, hear: str = "") -> None:
        self.heard: list[tuple[str, bytes, bool]] = []  # topic, payload, retained
        self._port, self._hear = port, hear
        self._sent = self._taken = 0
        self._ready = not hear
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        if self._hear:
            self._client.subscribe(self._hear, qos=1)
        self._client.loop_start()
        wait_until(lambda: self._ready, "not subscribed")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, payload: bytes | dict[str, Any], *, retain: bool = False) -> None:
        """Publish bytes, or JSON, and go on."""
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._client.publish(topic, content, qos=1, retain=retain)
        self._sent += 1

    def wait(self) -> None:
        """Wait until the broker has taken everything."""
        wait_until(lambda: self._taken >= self._sent, "the broker did not take everything")

    def documents(self) -> list[Any]:
        """Return what was heard, as JSON."""
        return [json.loads(payload) for _, payload, _ in list(self.heard)]

    def _on_publish(self, *_: object) -> None:
        self._taken += 1

    def _on_subscribe(self, *_: object) -> None:
        self._ready = True

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload), message.retain))
