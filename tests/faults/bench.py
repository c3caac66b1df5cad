"""Everything that a fault case needs around the service: broker, InfluxDB, webhook receiver, gateways in the field."""

import sys
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from plant.configuration.load import load
from plant.park import Plant
from rules.catalogue import load_catalogue
from tests.faults.truth import Sent
from tests.servers import PATIENCE, InfluxDB, Mosquitto, WebhookReceiver
from tests.service import CONSOLE_SCRIPT, Service

CONFIG = Path(__file__).parent / "config" / "trial.yaml"
SECRET = "whsec_dGhlIHRyaWFsIHBsYW50J3Mgb3duIHNlY3JldCBrZXk="
SECRETS = {"STACKMETER_TRIAL_SECRET": SECRET}


def patched(code: str) -> tuple[str, ...]:
    """Return a program that is the console script, with some code run before any of ours is read."""
    return (sys.executable, "-c", f"{code}\nfrom stackmeter.cli import main\nmain()")


class Report(Protocol):
    """Tells a case's figure."""

    def __call__(self, case: str, **figures: object) -> None: ...


def configured(folder: Path, receiver: str = "http://127.0.0.1:9") -> Path:
    """Write the trial plant's configuration with a receiver of webhooks, and return its folder."""
    folder.mkdir(parents=True)
    (folder / CONFIG.name).write_text(CONFIG.read_text().replace("http://127.0.0.1:9", receiver))
    return folder


def trial_plant(folder: Path) -> Plant:
    """Return the trial plant as the code sees it."""
    return load(folder, load_catalogue(folder), SECRETS)


class Field:
    """The gateways: one MQTT session that publishes at QoS 1, each message once the broker has the one before.

    Were more on their way, paho would let a new one overtake those that it sends again after a reconnect; but what an
    alert rule must find depends on the order.
    """

    def __init__(self, broker: Mosquitto) -> None:
        self.sent: list[Sent] = []
        self._taken = threading.Semaphore(0)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="field", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = lambda *_: self._taken.release()
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def send(self, messages: Iterable[Sent]) -> None:
        """Publish all, and return once the broker has all of them."""
        for message in messages:
            self.publish(message)

    def publish(self, message: Sent) -> None:
        """Publish one message, and return once the broker has it."""
        self.sent.append(message)
        self._client.publish(message.topic, message.payload, qos=1)
        if not self._taken.acquire(timeout=PATIENCE):
            raise TimeoutError(f"the broker did not take message {len(self.sent)} within {PATIENCE:g} s")

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


class Feed:
    """Sends messages from a thread of its own, at a pace, until it is told to pause or has none left."""

    def __init__(self, field: Field, messages: Iterable[Sent], pause: float) -> None:
        self._field, self._messages, self._pause = field, iter(messages), pause
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.exhausted = False

    def __enter__(self) -> Self:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def rest(self) -> None:
        """Send whatever is left, as fast as it goes."""
        self._field.send(self._messages)
        self.exhausted = True

    def _run(self) -> None:
        while not self._stop.is_set():
            message = next(self._messages, None)
            if message is None:
                self.exhausted = True
                return
            self._field.publish(message)
            self._stop.wait(self._pause)


class Bench:
    """A broker, an InfluxDB where asked for, a webhook receiver, the gateways, and the service, not started yet.

    A `broker` that is given runs already, and runs on.
    """

    def __init__(
        self,
        folder: Path,
        *,
        influx: bool = False,
        mqtt_version: str = "3.1.1",
        program: tuple[str, ...] = CONSOLE_SCRIPT,
        code: str = "",
        broker_settings: str = "",
        broker: Mosquitto | None = None,
        client_id: str = "stackmeter",
    ) -> None:
        self.folder = folder
        self.broker, self._is_ours = broker or Mosquitto(extra=broker_settings), broker is None
        self.influx = InfluxDB() if influx else None
        self.receiver = WebhookReceiver()
        self.config = configured(folder / "config", self.receiver.url)
        self.service = self.another_service(
            folder, mqtt_version=mqtt_version, program=program, code=code, client_id=client_id
        )
        self._open = ExitStack()

    def another_service(self, folder: Path, **options: object) -> Service:
        """Return a service on the same plant, broker and InfluxDB."""
        influx = self.influx.url if self.influx else None
        return Service(
            folder, self.config, self.broker.url, influx=influx, environment=SECRETS, **options  # type: ignore[arg-type]  # passed on as they are
        )  # fmt: skip

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            if self._is_ours:
                opening.enter_context(self.broker)
            if self.influx:
                opening.enter_context(self.influx)
            opening.enter_context(self.receiver)
            opening.enter_context(self.service)
            self.field = Field(self.broker)
            opening.callback(self.field.close)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def plant(self) -> Plant:
        """Return the plant as the code sees it."""
        return trial_plant(self.config)

    def subscribe(self) -> None:
        """Make the service's session at the broker, so that whatever is sent from now on waits for it there."""
        granted = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="stackmeter", clean_session=False)
        client.on_connect = lambda client, *_: client.subscribe("sm/v1/#", qos=1)
        client.on_subscribe = lambda *_: granted.set()
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        assert granted.wait(PATIENCE), "the broker granted no subscription"
        client.disconnect()
        client.loop_stop()


def die_while_fed(service: Service, feed: Feed) -> None:
    """Feed the service, once it listens, until it ends by itself, which must be by SIGKILL."""
    service.wait_until_ready_or_ended()
    with feed:
        assert service.wait_for_end() == -9, service.log()[-3000:]
