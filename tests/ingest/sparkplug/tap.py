"""Stands between a client and its broker, hands everything on, and keeps the packets that the client sends."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 12, 14
MQTT_5 = 5
SESSION_EXPIRY = 17


@dataclass(frozen=True)
class Packet:
    """An MQTT control packet: its type, the four bits beside it, and all after the fixed header."""

    type: int
    flags: int
    body: bytes


@dataclass(frozen=True)
class Said:
    """A message as it was published, or left as a will."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(frozen=True)
class Connect:
    """What a CONNECT says; `expiry` is that of the session [s], 0 also where it says nothing."""

    version: int
    clean: bool
    expiry: int
    will: Said | None


class Reader:
    """Reads the fields of a packet."""

    def __init__(self, body: bytes) -> None:
        self.left = body

    def take(self, count: int) -> bytes:
        found, self.left = self.left[:count], self.left[count:]
        assert len(found) == count
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def string(self) -> bytes:
        return self.take(self.number(2))

    def varying(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def properties(self, version: int) -> bytes:
        return self.take(self.varying()) if version == MQTT_5 else b""


def connect(packet: Packet) -> Connect:
    """Read a CONNECT."""
    reader = Reader(packet.body)
    assert reader.string() == b"MQTT"
    version, flags, _keepalive = reader.number(1), reader.number(1), reader.number(2)
    properties = reader.properties(version)
    assert properties[:1] in (b"", bytes([SESSION_EXPIRY]))  # it comes first where it is given
    reader.string()  # the client's id
    will = None
    if flags & 4:
        reader.properties(version)
        will = Said(reader.string().decode(), reader.string(), flags >> 3 & 3, bool(flags & 32))
    return Connect(version, bool(flags & 2), int.from_bytes(properties[1:5]), will)


def published(packet: Packet, version: int) -> Said:
    """Read a PUBLISH."""
    reader, qos = Reader(packet.body), packet.flags >> 1 & 3
    topic = reader.string().decode()
    if qos:
        reader.number(2)
    reader.properties(version)
    return Said(topic, reader.left, qos, bool(packet.flags & 1))


def filters(packet: Packet, version: int) -> list[str]:
    """Return the topic filters of a SUBSCRIBE."""
    reader, found = Reader(packet.body), []
    reader.number(2)
    reader.properties(version)
    while reader.left:
        found.append(reader.string().decode())
        reader.number(1)
    return found


class Tap:
    """Listens on a port of its own for as long as its block lasts; `cut` ends all connections without a word."""

    def __init__(self, broker: int) -> None:
        self._broker = broker
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.sessions: list[list[Packet]] = []  # what the client sent, by connection
        self._sockets: list[socket.socket] = []
        self._closed = False
        self._through = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Cut the cable."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets.clear()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Cut the cable, and let no new connection through before the block ends."""
        with self._through:
            self.cut()
            yield

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            with self._through:
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        broker = socket.create_connection(("127.0.0.1", self._broker))
        self._sockets += [client, broker]
        self.sessions.append([])
        threading.Thread(
            target=self._to_broker, args=(client, broker, self.sessions[-1]), daemon=True
        ).start()
        threading.Thread(target=_hand_on, args=(broker, client), daemon=True).start()

    def _to_broker(self, client: socket.socket, broker: socket.socket, kept: list[Packet]) -> None:
        with contextlib.suppress(OSError, EOFError):
            for head, packet in _packets(client):
                kept.append(packet)
                broker.sendall(head + packet.body)
        with contextlib.suppress(OSError):
            broker.shutdown(socket.SHUT_WR)


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _packets(source: socket.socket) -> Iterator[tuple[bytes, Packet]]:
    """Yield packets and their fixed headers until the connection ends."""
    while True:
        head = _exactly(source, 2)
        while head[-1] & 128:
            head += _exactly(source, 1)
        length = Reader(head[1:]).varying()
        yield head, Packet(head[0] >> 4, head[0] & 15, _exactly(source, length))


def _exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        data = source.recv(count - len(found))
        if not data:
            raise EOFError
        found += data
    return found
