"""The server takes a port, answers, and leaves it clean."""

import socket
import threading

import httpx
import pytest

from api.serve import Server
from tests.api.state import TOKEN


@pytest.fixture
def server(api):
    running = Server(api.app)
    running.start()
    yield running
    running.stop()


def test_it_answers_at_the_port_it_names(server):
    assert server.port > 0
    assert httpx.get(f"{server.url}/livez").json() == {"alive": True}


def test_it_asks_for_the_token(server):
    assert httpx.get(f"{server.url}/v1/totals").status_code == 401
    assert (
        httpx.get(f"{server.url}/v1/totals", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    )


def test_it_answers_this_machine_only_unless_told_otherwise(server):
    assert server.url.startswith("http://127.0.0.1:")
    assert server._socket.getsockname()[0] == "127.0.0.1"


def test_it_does_not_say_what_it_is_made_of(server):
    assert "server" not in httpx.get(f"{server.url}/livez").headers


def test_a_stopped_server_leaves_no_thread_and_frees_its_port(api):
    server = Server(api.app)
    server.start()
    server.stop()

    assert "api" not in {thread.name for thread in threading.enumerate()}
    with socket.create_server(("127.0.0.1", server.port)):
        pass


def test_a_port_that_is_taken_is_an_error_at_once(api, server):
    told = f"the API cannot listen on port {server.port} of 127.0.0.1: address already in use; stop what listens there"
    with pytest.raises(OSError, match=told):
        Server(api.app, port=server.port)


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("nobody.invalid", "not known; give an address of this machine"),
        ("192.0.2.1", "cannot assign requested address; give"),
    ],
)
def test_an_address_that_is_not_ours_is_told_with_what_to_do(api, host, told):
    with pytest.raises(OSError, match=rf"port 8080 of {host}: .*{told}"):
        Server(api.app, host=host, port=8080)


def test_two_authorizations_are_refused_over_the_wire_too(server):
    with socket.create_connection(("127.0.0.1", server.port)) as wire:
        line = f"Authorization: Bearer {TOKEN}\r\n"
        wire.sendall(f"GET /v1/totals HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{line}{line}\r\n".encode())

        assert wire.recv(100).startswith(b"HTTP/1.1 401")


def test_a_connection_that_is_open_when_it_fails_is_ended_rather_than_read_no_more(api):
    failing, failed, server = threading.Event(), [], Server(api.app)
    true = server._server.on_tick

    async def fails(counter):
        if failing.is_set():
            raise RuntimeError("injected")
        return await true(counter)

    def run():
        try:
            server.run()
        except RuntimeError as error:
            failed.append(str(error))

    server._server.on_tick = fails
    thread = threading.Thread(target=run)
    thread.start()
    with socket.create_connection(("127.0.0.1", server.port), 30) as wire:
        wire.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b'{"alive":true}'):
            answer += wire.recv(1000)
        failing.set()
        thread.join()

        assert _rest(wire) == b""
    server.stop()
    assert failed == ["injected"]


def _rest(wire: socket.socket) -> bytes:
    try:
        return wire.recv(1000)
    except ConnectionResetError:
        return b""
