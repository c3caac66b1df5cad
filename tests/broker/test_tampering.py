"""What somebody on the way between a gateway and the broker can do to a message: end the connection, and nothing else."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from stackmeter.field.identities import SERVICE, Identities
from tests.broker.production import G1, Peer, Production, RefusedError
from tests.broker.test_end_to_end import ends, reading
from tests.servers import PATIENCE, required, wait_until
from tests.service import Service

READINGS = f"sm/v1/{G1}/readings"
HEADER = 5  # bytes before the secret part of a TLS record
TIMES = 20


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Production]:
    required("openssl")
    with Production(tmp_path) as made:
        made.enroll(G1, certificate=False)
        made.reload()
        yield made


class Between:
    """Somebody on the way: hands on what both sides say, and what the gateway says as `change` makes it."""

    def __init__(self, port: int) -> None:
        self.change: Callable[[bytes], bytes] = bytes
        self.said: list[bytes] = []  # by the gateway, as it was heard
        self._to = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._door, *self._lines):
            with suppress(OSError):  # the other side may have ended it
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def say_again(self, record: bytes) -> None:
        """Say to the broker, on the newest line, what the gateway said before."""
        self._lines[-1].sendall(record)

    def _serve(self) -> None:
        while True:
            try:
                gateway, _ = self._door.accept()
            except OSError:  # the door is closed: the test is over
                return
            broker = socket.create_connection(("127.0.0.1", self._to))
            self._lines += [gateway, broker]
            for source, to, ours in ((gateway, broker, True), (broker, gateway, False)):
                thread = threading.Thread(target=self._carry, args=(source, to, ours))
                self._threads.append(thread)
                thread.start()

    def _carry(self, source: socket.socket, to: socket.socket, is_gateway: bool) -> None:
        with suppress(OSError):  # either side may hang up, which ends this line
            while heard := source.recv(1 << 16):
                if is_gateway:
                    self.said.append(heard)
                to.sendall(self.change(heard) if is_gateway else heard)
            to.shutdown(socket.SHUT_WR)


def through(between: Between, broker: Production) -> Peer:
    """Return the gateway, which takes the way through whoever is there for the broker."""
    return Peer(between.port, G1, broker.passwords[G1], tls=broker.tls())


def test_sm07_of_what_is_changed_on_the_way_nothing_is_delivered(broker: Production) -> None:
    """One bit of the record, elsewhere each time: the broker ends the connection."""
    with broker.inside(SERVICE) as service:
        service.subscribe("sm/v1/#")
        for number in range(TIMES):

            def flipped(heard: bytes, at: int = number) -> bytes:
                place = HEADER + at % (len(heard) - HEADER)
                return heard[:place] + bytes([heard[place] ^ 1 << at % 8]) + heard[place + 1 :]

            with Between(broker.by_password) as between, through(between, broker) as gateway:
                assert gateway.publish(READINGS, b"%d" % number)
                between.change = flipped
                gateway.flood(READINGS, [b"changed"])
                gateway.wait_for_loss()
        with broker.with_password(G1) as gateway:
            gateway.publish(READINGS, b"last")
        service.wait_for(READINGS, b"last")

    assert [payload for _, payload in service.heard] == [*(b"%d" % n for n in range(TIMES)), b"last"]


def test_sm07_what_was_recorded_on_the_way_and_is_said_again_is_delivered_once(broker: Production) -> None:
    """On the same connection its number is used up; on another one the key is another."""
    with (
        broker.inside(SERVICE) as service,
        Between(broker.by_password) as between,
        through(between, broker) as gateway,
    ):
        service.subscribe("sm/v1/#")
        assert gateway.publish(READINGS, b"once")
        recorded = list(between.said)
        between.say_again(recorded[-1])
        gateway.wait_for_loss()
        with (
            socket.create_connection(("127.0.0.1", broker.by_password), timeout=PATIENCE) as stranger,
            suppress(ConnectionError),  # the broker may hang up before it has heard all
        ):
            stranger.sendall(b"".join(recorded))
            while stranger.recv(1 << 16):
                pass
        with broker.with_password(G1) as again:
            again.publish(READINGS, b"last")
        service.wait_for(READINGS, b"last")

        assert [payload for _, payload in service.heard] == [b"once", b"last"]


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_sm07_a_gateway_says_nothing_to_who_only_claims_to_be_the_broker(
    broker: Production, tmp_path: Path
) -> None:
    foreign = Identities(tmp_path / "foreign")
    foreign.prepare(["localhost", "127.0.0.1"], 30)
    claims = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    claims.load_cert_chain(foreign.path / "server.crt", foreign.path / "server.key")
    said: list[bytes] = []

    with socket.create_server(("127.0.0.1", 0)) as door:

        def listen() -> None:
            line, _ = door.accept()
            with suppress(OSError), line, claims.wrap_socket(line, server_side=True) as secret:
                said.append(secret.recv(1 << 16))

        thread = threading.Thread(target=listen)
        thread.start()
        peer = Peer(door.getsockname()[1], G1, broker.passwords[G1], tls=broker.tls())
        with pytest.raises(RefusedError, match=r"(?i)certificate verify failed"), peer:
            pass
        thread.join(PATIENCE)

    assert b"".join(said) == b""


def test_sm07_an_old_message_of_the_gateway_s_own_adds_nothing(broker: Production) -> None:
    first, second = reading(1, 100.0), reading(2, 112.0)
    with Service(broker.folder, broker.folder / "config", broker.url) as service:
        service.start()
        with broker.with_password(G1) as gateway:
            for payload in (first, second, *[first] * TIMES):
                gateway.publish(READINGS, payload)
        url = f"http://127.0.0.1:{service.port}"
        wait_until(lambda: ends(url)["received"] == 2 + TIMES, "not all came")

        assert (ends(url)["accepted"], ends(url)["duplicate"]) == (2, TIMES)
