"""BH-14, BH-15, BH-21 to BH-26, BH-34, BH-35, SA-16, F-120: a real server over real sockets, and clients that mean ill."""

import re
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from api.serve import MOST_CONNECTIONS, Server
from tests.api.conftest import Api
from tests.api.state import TOKEN
from tests.servers import wait_until

MOST = 20
SLOW = 500  # clients that begin a request and go no further
RECEIVE_S = 0.5  # of the server that waits for nobody; the other one's is half a minute
HEAD = f"Host: x\r\nAuthorization: Bearer {TOKEN}\r\n"
JSON = "Content-Type: application/json\r\n"


@pytest.fixture
def server(api: Api) -> Iterator[Server]:
    running = Server(api.app, most_connections=MOST, ending=api.app.state.end_streams)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def hasty(api: Api) -> Iterator[Server]:
    running = Server(api.app, receive_s=RECEIVE_S)
    running.start()
    yield running
    running.stop()


def connected(server: Server) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", server.port))
    wire.settimeout(20)
    return wire


def told(server: Server, request: bytes | str) -> bytes:
    """Return all that a server says to some bytes until it closes; the client sends nothing further."""
    with connected(server) as wire:
        wire.sendall(request if isinstance(request, bytes) else request.encode("latin-1"))
        return rest(wire)


def rest(wire: socket.socket) -> bytes:
    """Return what comes until the other side closes, in order or by a reset."""
    came = b""
    try:
        while part := wire.recv(65536):
            came += part
    except ConnectionResetError:
        pass
    return came


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    return int(found[1]) if found else 0


def post(body: str, headers: str = JSON, end: str = "Connection: close\r\n") -> str:
    return f"POST /v1/periods HTTP/1.1\r\n{HEAD}{headers}Content-Length: {len(body)}\r\n{end}\r\n{body}"


def serves(server: Server) -> bool:
    answer = httpx.get(
        f"{server.url}/v1/totals", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False
    )
    return answer.status_code == 200


# --- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "[1]", "1", '"x"', "{", "{}x", "{}{}", "{'park': 1}", '{"park": 1,}', "\xef\xbb\xbf{}",
        '{"park": "\xff"}', '{"generation": NaN}', '{"generation": Infinity}', '{"generation": 1e400}',
        '{"park": "a", "park": "b"}', "[" * 60_000, '{"generation": ' + "9" * 5000 + "}", '{"generation": 0x1}',
        '{"generation": +1}', '{"generation": .5}', '{"generation": 1_000}', "{} // no",
    ],
)  # fmt: skip
def test_bh14_bh16_a_body_that_is_no_json_object_is_refused(server, body):
    assert status(told(server, post(body))) == 422


def test_bh14_a_body_that_is_too_long_is_refused_at_the_limit(server):
    assert status(told(server, post("x" * 10_000_000, end=""))) == 413


@pytest.mark.parametrize("key", [HEAD, "Host: x\r\n"])
def test_bh14_a_body_that_never_ends_is_cut_off(server, key):
    """A gigabyte in chunks: it is not read to its end, whoever sends it."""
    with connected(server) as wire:
        wire.sendall(f"POST /v1/periods HTTP/1.1\r\n{key}{JSON}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk, sent = b"10000\r\n" + b" " * 65536 + b"\r\n", 0
        try:
            while sent < 2**30:
                wire.sendall(chunk)
                sent += 65536
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert sent < 2**30
    assert serves(server)


@pytest.mark.parametrize("length", ["5", "0x5", "-1", "5, 6", "9" * 30, "a"])
def test_bh14_a_body_that_is_shorter_than_it_says_ends_by_time_or_at_once(hasty, length):
    request = f"POST /v1/periods HTTP/1.1\r\n{HEAD}{JSON}Content-Length: {length}\r\n\r\n{{}}"

    assert status(told(hasty, request)) in (0, 400, 413)


@pytest.mark.parametrize(
    "headers",
    [
        "", "Content-Type: text/plain\r\n", "Content-Type: application/json; charset=utf-16\r\n", "Content-Type: \r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: text/json\r\n",
    ],
)  # fmt: skip
def test_bh15_another_media_type_is_refused(server, headers):
    assert status(told(server, post('{"park": "hai-phong"}', headers))) == 415


def test_bh15_many_parts_are_refused(server):
    """Nothing here takes forms with parts: not a few, and 100,000 of them are too long."""
    part = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    headers = "Content-Type: multipart/form-data; boundary=b\r\n"

    assert status(told(server, post(part * 3, headers))) == 415
    assert status(told(server, post(part * 100_000, headers, end=""))) == 413


# --- heads ----------------------------------------------------------------------------------------------------------


def test_bh21_a_spoofed_address_or_host_changes_nothing(server):
    spoofs = "X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil\r\n"
    answer = told(server, f"GET /v1/nothing HTTP/1.1\r\n{HEAD}{spoofs}Connection: close\r\n\r\n")

    assert status(answer) == 404
    assert b"evil" not in answer


@pytest.mark.parametrize(
    "request_line", ["GET http://evil.example/v1/totals HTTP/1.1", "GET //evil.example/v1/totals HTTP/1.1"]
)
def test_bh21_an_absolute_address_leads_nowhere_else(server, request_line):
    answer = told(server, f"{request_line}\r\n{HEAD}Connection: close\r\n\r\n")

    assert status(answer) in (400, 404)
    assert b"Location" not in answer


def test_bh22_new_lines_are_reflected_in_no_header_and_no_log(server, caplog):
    path = "/v1/totals?park=%0d%0aSet-Cookie:%20a=b&source=%0aforged%20line%1b[31m"
    answer = told(server, f"GET {path} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")

    head, _, _ = answer.partition(b"\r\n\r\n")
    assert status(answer) == 422
    assert b"set-cookie" not in head.lower()
    assert not [record for record in caplog.records if "forged" in record.getMessage()]


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b"])
def test_bh22_a_header_with_a_new_line_in_it_is_no_header(server, value):
    assert status(told(server, f"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: {value}\r\n\r\n")) == 400


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n", " Folded: x\r\n",
    ],
)  # fmt: skip
def test_bh23_sa16_what_two_parsers_could_read_differently_is_refused(server, head):
    """Nothing after it is taken for a second request."""
    smuggled = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = told(
        server, f"POST /v1/periods HTTP/1.1\r\n{HEAD}{JSON}{head}Connection: close\r\n\r\n0\r\n\r\n{smuggled}"
    )

    assert 400 <= status(answer) < 600
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"alive" not in answer


def test_bh25_a_head_that_is_too_long_is_refused(server):
    long = "".join(f"X-{n}: {'x' * 10_000}\r\n" for n in range(100))

    assert status(told(server, f"GET /livez HTTP/1.1\r\nHost: x\r\n{long}\r\n")) == 431


@pytest.mark.parametrize("lines", [20_000, 120])
def test_bh25_too_many_lines_are_refused(server, lines):
    many = "".join(f"X-{n}: x\r\n" for n in range(lines))

    assert status(told(server, f"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{many}\r\n")) == 431


def test_bh25_an_address_that_is_too_long_is_refused(server):
    answer = told(server, f"GET /v1/totals?park={'x' * 9000} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")

    assert status(answer) == 414


@pytest.mark.parametrize("path", ["/", "/assets/page.js", "/v1/totals", "/openapi.json"])
def test_bh26_sa17_ranges_are_not_looked_at(server, path):
    ranges = ",".join(f"{n}-{n}" for n in range(1, 1500))
    plain = told(server, f"GET {path} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")
    answer = told(server, f"GET {path} HTTP/1.1\r\n{HEAD}Range: bytes={ranges}\r\nConnection: close\r\n\r\n")

    assert status(answer) == status(plain) != 206
    assert b"multipart" not in answer.lower()


def test_bh26_ten_thousand_ranges_are_too_many_bytes_of_headers(server):
    ranges = ",".join(f"{n}-{n}" for n in range(10_000))

    assert (
        status(told(server, f"GET / HTTP/1.1\r\n{HEAD}Range: bytes={ranges}\r\nConnection: close\r\n\r\n"))
        == 431
    )


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_bh34_a_body_where_none_is_taken_is_refused(server, method):
    path = {"GET": "/v1/totals", "DELETE": "/v1/silences/x"}[method]
    answer = told(
        server, f"{method} {path} HTTP/1.1\r\n{HEAD}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    )

    assert status(answer) == 422


def test_bh34_a_post_without_a_body_is_refused(server):
    assert status(told(server, f"POST /v1/periods HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")) == 422


def test_bh34_http_1_0_gets_an_answer_and_its_end(server):
    answer = told(server, f"GET /v1/totals HTTP/1.0\r\n{HEAD}\r\n")

    assert status(answer) == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /livez\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00" * 100, b"GET / HTTP/1.1\nHost x\n\n", b"SSH-2.0-x\r\n\r\n",
    ],
)  # fmt: skip
def test_bh34_what_is_no_http_of_ours_is_refused_with_a_problem(server, request_):
    answer = told(server, request_)

    assert status(answer) == 400
    assert b"application/problem+json" in answer


def test_bh34_http_0_9_gets_nothing(hasty):
    assert told(hasty, b"GET /\r\n") == b""


def test_bh35_a_websocket_is_not_opened(server):
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with connected(server) as wire:
        wire.sendall(
            f"GET /v1/live HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n{upgrade}\r\n".encode()
        )

        assert status(wire.recv(4096)) == 401


def test_bh35_a_stream_is_for_callers_and_no_other_site(server):
    assert status(told(server, "GET /v1/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == 401
    with connected(server) as wire:
        wire.sendall(f"GET /v1/live HTTP/1.1\r\n{HEAD}Origin: https://evil.example\r\n\r\n".encode())
        head = wire.recv(4096)

    assert status(head) == 200
    assert b"access-control" not in head.lower()


# --- slow and many --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begun",
    [
        "", "GET", "GET /livez HTTP/1.1\r\nHost: x\r\n",
        f"POST /v1/periods HTTP/1.1\r\n{HEAD}{JSON}Content-Length: 50\r\n\r\n{{",
        f"POST /v1/periods HTTP/1.1\r\n{HEAD}{JSON}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n",
    ],
)  # fmt: skip
def test_bh24_a_request_that_does_not_come_as_a_whole_is_ended(hasty, begun):
    assert told(hasty, begun) == b""


def test_bh24_a_byte_now_and_then_wins_no_time(hasty):
    with connected(hasty) as wire:
        began = time.monotonic()
        wire.settimeout(RECEIVE_S / 10)
        came = None
        while came != b"":
            try:
                wire.sendall(b"X")
                came = wire.recv(100)
            except TimeoutError:
                assert time.monotonic() - began < 20  # far beyond any busy machine
            except (ConnectionResetError, BrokenPipeError):
                break
    assert serves(hasty)


@pytest.fixture
def room_for_sockets() -> Iterator[None]:
    """Both ends of a connection are in this process: some systems allow it 1,024 files in all, unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * SLOW)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("room_for_sockets")
@pytest.mark.parametrize("most", [MOST, MOST_CONNECTIONS])
def test_bh24_f120_slow_clients_take_no_place_from_others(api, most):
    """However many have begun a request and go no further, whoever asks is answered."""
    server = Server(api.app, most_connections=most)
    server.start()
    try:
        with ExitStack() as open_:
            for _ in range(SLOW):
                wire = open_.enter_context(connected(server))
                wire.sendall(b"GET /v1/totals HTTP/1.1\r\nHost: x\r\n")

            assert all(serves(server) for _ in range(10))
    finally:
        server.stop()


def test_bh24_idle_connections_give_their_place_to_new_ones(server):
    with ExitStack() as open_:
        for _ in range(3 * MOST):
            wire = open_.enter_context(connected(server))
            wire.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status(wire.recv(4096)) == 200

        assert serves(server)
        assert len(server._server.server_state.connections) <= MOST


def test_one_connection_too_many_gets_503_where_all_are_busy_and_a_place_once_one_is_free(server):
    with ExitStack() as open_:
        streams = [open_.enter_context(connected(server)) for _ in range(MOST)]
        for wire in streams:
            wire.sendall(f"GET /v1/live HTTP/1.1\r\n{HEAD}\r\n".encode())
            assert status(wire.recv(4096)) == 200

        answer = told(server, f"GET /v1/totals HTTP/1.1\r\n{HEAD}\r\n")
        assert status(answer) == 503
        assert b"retry-after: 5" in answer.lower()
        assert b"connection: close" in answer.lower()

        streams[0].close()
        wait_until(lambda: serves(server), "a place is free again")
