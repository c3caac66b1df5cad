"""A broker that says what no real one says on command: each CONNACK, each refusal, each end of a connection.

It speaks just enough MQTT 3.1.1 and 5 for one client at a time, keeps what it was told, and ends a connection for what its
own limits forbid, as a strict broker does.
"""

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.servers import free_port

CONNACK, PUBACK, SUBACK, PINGRESP, DISCONNECT = 0x20, 0x40, 0x90, 0xD0, 0xE0


@dataclass
class Manners:
    """How the broker behaves; `subscribe` gives reason codes by filter (else the QoS that was asked for), the rest as in MQTT."""

    connack: int = 0
    session_present: bool = False
    properties: dict[str, object] = field(default_factory=dict)  # of the CONNACK, MQTT 5
    subscribe: dict[str, int] = field(default_factory=dict)
    speaks: tuple[int, ...] = (4, 5)  # protocol levels; it refuses others
    says: dict[str, bytes] = field(default_factory=dict)  # what it publishes for a filter, under its name
    most_qos: int = 2
    grants: bool = True  # answers to subscriptions
    ends_for_filter: str = "-"  # with which a filter begins
    ends_for_retained: bool = False
    ends_for_any: bool = False
    answers: bool = True  # PUBACKs
    hangs_up: bool = False  # at once, before a CONNACK


class FakeBroker:
    """Listens on a port of its own as long as its block lasts."""

    def __init__(self, **manners: object) -> None:
        self.manners = Manners(**manners)  # type: ignore[arg-type]
        self.port = free_port()
        self.connections = 0
        self.spoken: list[int] = []  # the protocol's level, of each connection
        self.connects: list[bytes] = []  # the CONNECT of each connection, without its head
        self.kept: list[bool] = []  # whether a session was to be gone on with
        self.published: list[tuple[str, int, bool]] = []  # topic, QoS, retained
        self.subscribed: list[str] = []
        self.most_under_way = 0
        self.ended_for: list[str] = []
        self._open: list[socket.socket] = []
        broker = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                broker._open.append(self.request)
                with contextlib.suppress(OSError, EOFError):
                    _Conversation(broker, self.request).run()

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

        self._server = Listener(("127.0.0.1", self.port), Handler)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()


class _Conversation:
    def __init__(self, broker: FakeBroker, peer: socket.socket) -> None:
        self._broker, self._peer, self._five = broker, peer, False
        self._under_way: list[int] = []

    def run(self) -> None:
        while True:
            kind, body = self._read()
            if kind & 0xF0 == 0x10 and not self._connect(body):
                return
            if kind & 0xF0 == 0x80 and not self._subscribe(body):
                return
            if kind & 0xF0 == 0x30 and not self._publish(kind, body):
                return
            if kind == 0xC0:
                self._send(PINGRESP, b"")
            if kind == 0xE0:
                return

    def _connect(self, body: bytes) -> bool:
        b, manners = self._broker, self._broker.manners
        b.connections += 1
        self._five = body[6] == 5
        b.spoken.append(body[6])
        b.connects.append(body)
        b.kept.append(not body[7] & 2)
        if manners.hangs_up:
            return False
        if body[6] not in manners.speaks:
            self._send(CONNACK, bytes([0, 1]))  # as 3.1.1 says it, whatever was asked
            return False
        properties = b""
        if self._five:
            stated = Properties(PacketTypes.CONNACK)
            for name, value in manners.properties.items():
                setattr(stated, name, value)
            properties = bytes(stated.pack())
        self._send(CONNACK, bytes([manners.session_present, manners.connack]) + properties)
        return manners.connack == 0

    def _subscribe(self, body: bytes) -> bool:
        manners = self._broker.manners
        packet, at = body[:2], 2 + (1 + body[2] if self._five else 0)
        reasons, asked = bytearray(), []
        while at < len(body):
            size = struct.unpack("!H", body[at : at + 2])[0]
            name = body[at + 2 : at + 2 + size].decode()
            asked.append(name)
            reasons.append(manners.subscribe.get(name, min(body[at + 2 + size] & 3, manners.most_qos)))
            at += 2 + size + 1
        self._broker.subscribed += asked
        if any(name.startswith(manners.ends_for_filter) for name in asked):
            return False
        if manners.grants:
            self._send(SUBACK, packet + (b"\x00" if self._five else b"") + bytes(reasons))
        for name in asked:
            if name in manners.says:
                topic = name.encode()
                end = (b"\x00" if self._five else b"") + manners.says[name]
                self._send(0x30, struct.pack("!H", len(topic)) + topic + end)
        return True

    def _publish(self, kind: int, body: bytes) -> bool:
        b, manners = self._broker, self._broker.manners
        size = struct.unpack("!H", body[:2])[0]
        topic, qos, retained = body[2 : 2 + size].decode(), kind >> 1 & 3, bool(kind & 1)
        b.published.append((topic, qos, retained))
        if why := self._forbidden(qos, retained, len(body)):
            b.ended_for.append(why)
            return False
        if qos:
            self._under_way.append(struct.unpack("!H", body[2 + size : 4 + size])[0])
            b.most_under_way = max(b.most_under_way, len(self._under_way))
            if manners.answers and not self._more_waits():
                for packet in self._under_way:
                    self._send(PUBACK, struct.pack("!H", packet))
                self._under_way.clear()
        return True

    def _forbidden(self, qos: int, retained: bool, size: int) -> str:
        manners = self._broker.manners
        stated = manners.properties
        if manners.ends_for_any:
            return "publish"
        if retained and (manners.ends_for_retained or stated.get("RetainAvailable") == 0):
            return "retain"
        if qos > int(stated.get("MaximumQoS", 2)):  # type: ignore[call-overload]
            return "qos"
        if size > int(stated.get("MaximumPacketSize", 2**28)):  # type: ignore[call-overload]
            return "size"
        if qos and len(self._under_way) >= int(stated.get("ReceiveMaximum", 65535)):  # type: ignore[call-overload]
            return "receive maximum"
        return ""

    def _more_waits(self) -> bool:
        """Whether the client has sent more already: answers wait, so that it is seen how much it has under way."""
        self._peer.settimeout(0.02)
        try:
            return bool(self._peer.recv(1, socket.MSG_PEEK))
        except TimeoutError:
            return False
        finally:
            self._peer.settimeout(None)

    def _read(self) -> tuple[int, bytes]:
        kind = self._exactly(1)[0]
        size, shift = 0, 0
        while True:
            byte = self._exactly(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return kind, self._exactly(size)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self._peer.recv(count - len(found))
            if not more:
                raise EOFError
            found += more
        return found

    def _send(self, kind: int, body: bytes) -> None:
        assert len(body) < 128
        self._peer.sendall(bytes([kind, len(body)]) + body)


@contextlib.contextmanager
def fake_broker(**manners: object) -> Iterator[FakeBroker]:
    """Give a broker of these manners."""
    with FakeBroker(**manners) as broker:
        yield broker
