"""Apprise connects by itself: to permitted addresses only, by whatever name, redirect or plugin, and not for ever."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from alerts.tables.webhook_bodies import body
from notify.addresses import AddressRefused, Egress
from notify.chat import ChatClient
from notify.guard import AddressGuard
from notify.webhook import Attempt, EndpointError
from plant.networks import PRIVATE, Network
from plant.park import Webhook
from tests.notify.test_chat import ALERT
from tests.servers import Answer, WebhookReceiver, free_port

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@contextmanager
def counted(kind: int = socket.SOCK_STREAM) -> Iterator[tuple[int, list[object]]]:
    """Listen on a private address; give the port, and who came."""
    came: list[object] = []
    with socket.socket(socket.AF_INET, kind) as listener:
        listener.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            listener.listen()
        yield listener.getsockname()[1], came
        listener.setblocking(False)
        try:
            if kind == socket.SOCK_STREAM:
                connection, address = listener.accept()
                connection.close()
            else:
                _, address = listener.recvfrom(65536)
        except BlockingIOError:
            return  # nobody came: a connection would wait in the listener's queue
        came.append(address)


def post(url: str, allow_private: tuple[Network, ...] = (), **options) -> Attempt:
    chat = Webhook("chat", "", url, allow_private, kind="apprise")
    with closing(ChatClient(chat, **options)) as one:
        return one.post("event_1", body("alert", ALERT, "chat", ""), 0)


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1:{port}/",
        "json://localhost:{port}/",
        "json://2130706433:{port}/",
        "jsons://127.0.0.1:{port}/",
        "mailto://user:word@127.0.0.1:{port}/?from=a@b.example&to=c@d.example",
        "mqtt://127.0.0.1:{port}/topic",
        "ntfy://127.0.0.1:{port}/topic",
    ],
)
def test_bw02_a_chat_on_a_private_address_is_not_connected_to_unless_it_is_allowed(url: str):
    with counted() as (port, came):
        result = post(url.format(port=port))
    assert result.error.startswith("AddressRefused: 127.0.0.1 is not a public address")
    assert came == []

    with counted() as (port, came):
        post(url.format(port=port), allow_private=PRIVATE, total_timeout=1.0)
    assert came, "the listener sees who is let through"


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Apprise leaves the socket open
def test_bw02_a_datagram_to_a_private_address_is_not_sent():
    with counted(socket.SOCK_DGRAM) as (port, came):
        result = post(f"rsyslog://127.0.0.1:{port}/")

    assert result.error.startswith("AddressRefused: 127.0.0.1")
    assert came == []


@pytest.mark.parametrize("host", ["①②⑦.0.0.1", "127。0。0。1", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_bw04_bw05_a_chat_on_a_private_address_in_other_clothes_is_not_connected_to(host: str):
    with counted() as (port, came):
        try:
            result = post(f"json://{host}:{port}/")
        except EndpointError:
            result = None  # Apprise takes it for no address at all

    assert result is None or not result.delivered
    assert came == []


def test_bw06_a_name_with_one_private_address_is_not_connected_to_at_all(monkeypatch):
    asked = resolve_to(monkeypatch, ["127.0.0.1", "93.184.215.14"], ["127.0.0.1", "93.184.215.14"])
    with counted() as (port, came):
        result = post(f"json://receiver.example:{port}/")

    assert result.error.startswith("AddressRefused: 127.0.0.1")
    assert (came, asked) == ([], ["receiver.example"])


def test_bw07_a_name_that_is_public_when_checked_and_private_when_connected_to_is_refused(monkeypatch):
    asked = resolve_to(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    with counted() as (port, came):
        result = post(f"json://receiver.example:{port}/")

    assert result.error.startswith("AddressRefused: 127.0.0.1")
    assert (came, asked) == ([], ["receiver.example"] * 2)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let a name server give these addresses, one list after another; return the names that it is asked for."""
    asked, left, found = [], list(answers), socket.getaddrinfo

    def getaddrinfo(host, port, *more, **options):
        if not str(host).endswith(".example"):
            return found(host, port, *more, **options)
        sys.audit("socket.getaddrinfo", host, port, 0, 0, 0)
        asked.append(host)
        addresses = left.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_bw11_a_chat_service_s_redirect_inside_is_not_followed(
    webhook_receiver: WebhookReceiver, status: int
):
    """The first hop is let through, as a public one would be; the second one is a door of our own."""
    with counted() as (port, came):
        webhook_receiver.default = Answer(status, {"Location": f"http://127.0.0.1:{port}/"})
        result = post(
            webhook_receiver.url.replace("http", "json"), allow_private=PRIVATE, own=[("127.0.0.1", port)]
        )

    assert result.error == "AddressRefused: its host is a door of this service's own"
    assert (came, len(webhook_receiver.requests)) == ([], 1)


def test_a_proxy_of_the_environment_is_checked_as_any_address_is(monkeypatch):
    with counted() as (port, came):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        result = post("json://93.184.215.14/")

    assert result.error.startswith("AddressRefused: 127.0.0.1")
    assert came == []


def test_bw10_our_own_door_is_no_chat_though_private_addresses_are_allowed():
    with counted() as (port, came):
        result = post(f"json://localhost:{port}/", allow_private=PRIVATE, own=[("0.0.0.0", port)])

    assert result.error == "AddressRefused: its host is a door of this service's own"
    assert came == []


def test_f111_a_chat_service_that_talks_on_for_ever_is_cut_at_the_total_timeout():
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not ended.wait(0.05):
                    connection.sendall(b"a")
            except OSError:
                ended.set()  # it was cut

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        url = f"json://127.0.0.1:{listener.getsockname()[1]}/"
        result = post(url, allow_private=PRIVATE, total_timeout=0.5)
        was_cut = ended.wait(10)
        ended.set()
        thread.join(10)

    assert result.error == "no complete answer in time (Apprise)"
    assert was_cut


def test_after_its_time_nothing_is_connected_to():
    with counted() as (port, came), AddressGuard(Egress(allow_private=PRIVATE), 0.01) as guard:
        while not guard.passed:
            time.sleep(0.01)
        with pytest.raises(AddressRefused, match="time"):
            socket.create_connection(("127.0.0.1", port))
    assert came == []


def test_a_service_whose_connections_cannot_be_seen_is_refused_at_the_start():
    with pytest.raises(EndpointError, match="XMPP cannot be checked"):
        ChatClient(Webhook("chat", "", "xmpps://user:word@chat.example", kind="apprise"))


def test_a_program_and_a_local_socket_are_refused_while_a_guard_is_entered(tmp_path):
    with socket.socket(socket.AF_UNIX) as one, AddressGuard(Egress(), 10.0) as guard:
        with pytest.raises(AddressRefused, match="program"):
            subprocess.run(["true"], check=False)
        with pytest.raises(AddressRefused, match="no network"):
            one.connect(str(tmp_path / "socket"))
    assert "program" in guard.refused


def test_who_has_entered_no_guard_connects_as_before(webhook_receiver: WebhookReceiver):
    """Also while another thread has entered one."""
    port, connected = webhook_receiver.port, []

    def elsewhere() -> None:
        with socket.create_connection(("127.0.0.1", port)):
            connected.append(True)

    with AddressGuard(Egress(), 10.0):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join(10)
        with pytest.raises(AddressRefused):
            socket.create_connection(("127.0.0.1", port))
    elsewhere()

    assert connected == [True, True]


def test_nobody_there_is_no_matter_of_addresses():
    assert (
        post(f"json://127.0.0.1:{free_port()}/", allow_private=PRIVATE).error
        == "Apprise could not deliver it"
    )
