"""deploy/mosquitto-tls.conf on a real Mosquitto with identities of our own, and clients that speak to it."""

import os
import signal
import ssl
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from plant.configuration.load import load
from plant.park import Plant
from rules.catalogue import load_catalogue
from stackmeter.field.access_list import access_list, name_of
from stackmeter.field.identities import SERVICE, Identities
from tests.frame.repository import text
from tests.servers import PATIENCE, Process, Server, free_port, required, speaks_mqtt, wait_until

G1, G2 = "p1/mill/g1", "p1/mill/g2"
WATCHER = "watcher"  # an administrator's own user, who hears and says everything
PARK = """\
parks:
  - name: p1
    title: A park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: A mill
        gateways: [{name: g1}, {name: g2}, {name: shelly-7}]
        channels:
          - {name: main/energy, gateway: g1, kind: register, unit: kWh, quantity: electricity, max_rate: 8000}
          - {name: other/energy, gateway: g2, kind: register, unit: kWh, quantity: electricity, max_rate: 8000}
        sources:
          - name: grid
            method: electricity-location
            inputs: {energy: main/energy}
            factor: vn-grid
            category: purchased-electricity
subscriptions:
  - {topic: "meters/{gateway}/{device}/data", format: senml-json, park: p1, facility: mill}
  - {topic: "spBv1.0/{group}/#", format: sparkplug, park: "{group}", facility: mill, gateway: "{node}"}
"""


def configured(folder: Path) -> Plant:
    """Write the configuration into a folder and return it."""
    folder.mkdir(exist_ok=True)
    (folder / "park.yaml").write_text(PARK)
    return load(folder, load_catalogue(folder))


class Production(Server):
    """Mosquitto as we ship it for production; only ports, folders and the user it runs as are the test's own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.plant = configured(folder / "config")
        self.identities = Identities(folder / "identities")
        password = self.identities.prepare(["localhost", "127.0.0.1"], 30)
        assert password is not None
        self.passwords = {SERVICE: password, WATCHER: self.identities.set_password(WATCHER)}
        (folder / "identities" / "acl.own").write_text(f"\nuser {WATCHER}\ntopic readwrite #\n")
        self.write_acl()
        self.draw()

    def draw(self) -> None:
        """Draw the ports of the three doors."""
        self.inner, self.by_certificate, self.by_password = free_port(), free_port(), free_port()
        settings = self.folder / "mosquitto.conf"
        settings.write_text(self._settings())
        command = [required("mosquitto"), "-c", str(settings)]
        self.process = Process(
            "mosquitto",
            command,
            self.folder / "mosquitto.log",
            lambda: speaks_mqtt(self.process.pid, self.inner),
        )
        self.processes = [self.process]

    @property
    def url(self) -> str:
        """Where the service connects."""
        return f"mqtt://{SERVICE}:{self.passwords[SERVICE]}@127.0.0.1:{self.inner}"

    def enroll(self, name: str, *, certificate: bool = True) -> Path | None:
        """Let a gateway in as `gateway enroll` does; return the folder of its certificate."""
        folder = self.identities.issue(name, 30) if certificate else None
        if not certificate:
            self.passwords[name] = self.identities.set_password(name)
        self.write_acl()
        return folder

    def write_acl(self) -> None:
        """Write the access list for who is enrolled."""
        names = {one.name for one in self.identities.valid()}
        enrolled = [gateway for gateway in self.plant.gateways if name_of(gateway) in names]
        self.identities.write_acl(access_list(self.plant, enrolled, SERVICE, SERVICE))

    def reload(self) -> None:
        """Let Mosquitto read its files again, and return when it has."""
        before = self.process.log().count("Reloading config")
        self.process.signal(signal.SIGHUP)
        wait_until(lambda: self.process.log().count("Reloading config") > before, "no reload")
        with self.inside(WATCHER):  # served by the same thread, so after the reload
            pass

    def restart(self) -> None:
        """End it in order and start it again."""
        self.stop()
        self.start()

    def inside(self, user: str, *, client_id: str = "") -> "Peer":
        """Return a client of this machine, with its user's password."""
        return Peer(self.inner, user, self.passwords[user], client_id=client_id)

    def with_password(self, name: str, *, client_id: str = "", password: str | None = None) -> "Peer":
        """Return a gateway with a password."""
        word = self.passwords[name] if password is None else password
        return Peer(self.by_password, name, word, tls=self.tls(), client_id=client_id)

    def with_certificate(self, folder: Path | None, *, client_id: str = "") -> "Peer":
        """Return a gateway with the certificate of that folder, or without any."""
        return Peer(self.by_certificate, None, None, tls=self.tls(folder), client_id=client_id)

    def tls(self, folder: Path | None = None) -> ssl.SSLContext:
        """Return what a gateway trusts and shows."""
        context = ssl.create_default_context(cafile=self.identities.path / "ca.crt")
        if folder is not None:
            context.load_cert_chain(folder / "gateway.crt", folder / "gateway.key")
        return context

    def _settings(self) -> str:
        shipped = text("deploy/mosquitto-tls.conf")
        ports = {"1883 127.0.0.1": self.inner, "8883": self.by_certificate, "8884": self.by_password}
        for listener, port in ports.items():
            address = listener.partition(" ")[1] + listener.partition(" ")[2]
            assert f"\nlistener {listener}\n" in shipped
            shipped = shipped.replace(f"\nlistener {listener}\n", f"\nlistener {port}{address}\n")
        moved = shipped.replace("/etc/mosquitto/stackmeter/", f"{self.identities.path}/")
        moved = moved.replace("/var/lib/mosquitto/", f"{self.folder}/")
        # Started by root, mosquitto would change to a user that cannot write into the test's folder.
        return moved + ("user root\n" if os.geteuid() == 0 else "")


class RefusedError(Exception):
    """The broker did not let a client in."""


class Peer:
    """A client over MQTT 5, which tells whether what was published was taken. `with` connects it or raises RefusedError."""

    def __init__(
        self,
        port: int,
        user: str | None,
        password: str | None,
        *,
        tls: ssl.SSLContext | None = None,
        client_id: str = "",
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.losses: list[str] = []
        self._port = port
        self._acks: dict[int, tuple[threading.Event, list[Any]]] = {}
        self._lock = threading.Lock()
        self._decided, self._refusal = threading.Event(), ""
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        if user is not None:
            self._client.username_pw_set(user, password)
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = lambda _c, _d, m: self.heard.append((m.topic, m.payload))
        self._client.on_publish = lambda _c, _d, mid, reason, _p: self._answered(mid, reason)
        self._client.on_subscribe = lambda _c, _d, mid, reasons, _p: self._answered(mid, reasons[0])

    def __enter__(self) -> Self:
        try:
            self._client.connect("127.0.0.1", self._port)
        except OSError as error:
            self._client._reset_sockets()
            raise RefusedError(str(error)) from error
        self._client.loop_start()
        assert self._decided.wait(PATIENCE), "no CONNACK and no end"
        if self._refusal:
            self._client.loop_stop()
            self._client._reset_sockets()
            raise RefusedError(self._refusal)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False, qos: int = 1) -> bool:
        """Publish, and tell whether the broker took it."""
        reason = self._ask(lambda: self._client.publish(topic, payload, qos=qos, retain=retain).mid)
        return not reason.is_failure

    def flood(self, topic: str, payloads: Sequence[bytes]) -> None:
        """Publish without waiting for any answer."""
        for payload in payloads:
            self._client.publish(topic, payload, qos=0)

    def subscribe(self, topic: str) -> bool:
        """Subscribe, and tell whether the broker granted it."""
        return not self._ask(lambda: self._client.subscribe(topic, qos=1)[1]).is_failure

    def wait_for_loss(self) -> str:
        """Return why the connection was lost, once it is."""
        wait_until(lambda: bool(self.losses), "the connection lives")
        return self.losses[0]

    def wait_for(self, topic: str, payload: bytes) -> None:
        """Return once a message was heard."""
        wait_until(lambda: (topic, payload) in self.heard, f"{topic} was not heard")

    def _ask(self, send: Any) -> Any:
        with self._lock:
            number = send()
            known = self._acks.setdefault(number, (threading.Event(), []))
        assert known[0].wait(PATIENCE), "no answer"
        with self._lock:
            return self._acks.pop(number)[1][0]

    def _answered(self, number: int, reason: Any) -> None:
        with self._lock:
            event, reasons = self._acks.setdefault(number, (threading.Event(), []))
        reasons.append(reason)
        event.set()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._refusal = str(reason) if reason.is_failure else ""
        self._decided.set()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not self._decided.is_set():
            self._refusal = f"ended: {reason}"
            self._decided.set()
        elif reason.is_failure:
            self.losses.append(str(reason))


@contextmanager
def hearing(broker: Production, topic: str = "#"):
    """Give a watcher of everything, and what returns all it has heard once nothing sent before is on its way."""
    with broker.inside(WATCHER) as watcher:
        assert watcher.subscribe(topic)

        def heard() -> list[tuple[str, bytes]]:
            mark = os.urandom(8)
            assert watcher.publish("the/end", mark)
            wait_until(lambda: ("the/end", mark) in watcher.heard, "the watcher hears nothing")
            return [one for one in watcher.heard if one[0] != "the/end"]

        yield heard
