"""Our MQTT client reads many packets at a time, however the network cuts them, and acknowledges many at once."""

import struct
from collections import deque

import paho.mqtt.client as mqtt
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from ingest.mqtt.steady_client import SteadyClient


class Wire:
    """A socket on which a stream comes in pieces, each at most as long as is asked for, and nothing between them."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces, self.sent, self.asked = deque(pieces), b"", 0

    def recv(self, size: int) -> bytes:
        self.asked += 1
        if not self.pieces:
            raise BlockingIOError
        piece = self.pieces.popleft()
        if len(piece) > size:
            self.pieces.appendleft(piece[size:])
        return piece[:size]

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    def close(self) -> None:
        """Do nothing."""


def publish(number: int, size: int) -> bytes:
    """Return a PUBLISH of QoS 1."""
    body = struct.pack("!H", 3) + b"a/b" + struct.pack("!H", number) + bytes(size)
    length = len(body)
    head = bytearray([0x32])
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (128 if length else 0))
        if not length:
            return bytes(head) + body


def client_on(wire: Wire) -> tuple[SteadyClient, list[tuple[int, int]]]:
    client = SteadyClient(CallbackAPIVersion.VERSION2, "c", manual_ack=True)
    client._sock = wire  # type: ignore[assignment]  # all of one that it asks
    client.aim = lambda: None
    came: list[tuple[int, int]] = []
    client.on_message = lambda _client, _data, message: came.append((message.mid, len(message.payload)))
    return client, came


@given(
    sizes=st.lists(st.one_of(st.integers(0, 300), st.integers(10_000, 70_000)), min_size=1, max_size=12),
    cuts=st.lists(st.integers(1, 3000), max_size=60),
)
@settings(max_examples=150, deadline=None)
def test_however_a_stream_is_cut_every_message_comes_once_and_in_order(
    sizes: list[int], cuts: list[int]
) -> None:
    stream = b"".join(publish(n, size) for n, size in enumerate(sizes, start=1))
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    wire = Wire([piece for piece in (*pieces, stream[at:]) if piece])
    client, came = client_on(wire)
    while wire.pieces:
        assert client.loop_read() == mqtt.MQTT_ERR_SUCCESS
    assert came == list(enumerate(sizes, start=1))


def test_small_messages_cost_one_look_at_the_socket_and_not_four_each() -> None:
    wire = Wire([b"".join(publish(n, 100) for n in range(1, 301))])
    client, came = client_on(wire)
    client.loop_read()
    assert len(came) == 300
    assert wire.asked <= 2


def test_what_was_read_of_a_connection_that_is_gone_is_forgotten(monkeypatch) -> None:
    wire = Wire([publish(1, 10)[:5]])
    client, came = client_on(wire)
    client.loop_read()
    client._read, client._at = b"rest", 0
    monkeypatch.setattr(mqtt.Client, "reconnect", lambda _self: mqtt.MQTT_ERR_SUCCESS)
    client.reconnect()
    assert (client._read, client._at, came) == (b"", 0, [])


def test_an_end_of_the_connection_is_told_as_ever() -> None:
    client, _ = client_on(Wire([publish(1, 10), b""]))
    assert client.loop_read() == mqtt.MQTT_ERR_SUCCESS
    assert client.loop_read() != mqtt.MQTT_ERR_SUCCESS


def test_many_acknowledgements_are_one_packet_for_the_network() -> None:
    wire = Wire([])
    client, _ = client_on(wire)
    client.ack_all([1, 2, 65535])
    assert wire.sent == b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\xff\xff"
    wire.sent = b""
    client.ack_all([])
    assert wire.sent == b""
