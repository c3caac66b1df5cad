"""One attempt: signed, to the checked address, bounded in size and time, and without a word of its secrets."""

import base64
import json
import logging
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import standardwebhooks

from notify.webhook import LONGEST_ANSWER, TOTAL_TIMEOUT, Attempt, EndpointError, WebhookClient
from plant.networks import PRIVATE, Network
from tests.notify.state import OTHER_SECRET, SECRET, endpoint
from tests.servers import RESET, Answer, Request, WebhookReceiver, free_port, required

BODY = json.dumps({"type": "alert.firing", "data": {"summary": "Khí thải é"}}).encode()


@contextmanager
def client(
    url: str, *, secret: str = SECRET, allow_private: tuple[Network, ...] = PRIVATE, **options
) -> Iterator[WebhookClient]:
    one = WebhookClient(replace(endpoint(url=url, secret=secret), allow_private=allow_private), **options)
    with closing(one):
        yield one


def post(receiver: WebhookReceiver, path: str = "/hook", **options) -> Attempt:
    with client(receiver.url + path, **options) as one:
        return one.post("event_1", BODY, time.time_ns())


def verify(request: Request, secret: str = SECRET) -> object:
    return standardwebhooks.Webhook(secret).verify(request.body, request.headers)


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection by hand, and give the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    talk(connection)
                except OSError:
                    return  # the client cut the connection, as it should

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        thread.join(10)
        assert not thread.is_alive()


def post_raw(talk: Callable[[socket.socket], None], **options) -> Attempt:
    with raw_server(talk) as url, client(url, **options) as one:
        return one.post("event_1", BODY, time.time_ns())


def test_a_request_is_signed_as_standard_webhooks(webhook_receiver: WebhookReceiver):
    assert post(webhook_receiver) == Attempt(204)

    (request,) = webhook_receiver.requests
    assert verify(request) == json.loads(BODY)
    assert (request.method, request.path, request.body) == ("POST", "/hook", BODY)
    assert request.headers["webhook-id"] == "event_1"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "webhook-signature", "body", "secret"])
def test_a_change_of_any_signed_part_is_noticed(webhook_receiver: WebhookReceiver, part: str):
    post(webhook_receiver)
    (request,) = webhook_receiver.requests
    headers, body, secret = dict(request.headers), request.body, SECRET
    if part == "body":
        body = body.replace(b"firing", b"fiqing")
    elif part == "secret":
        secret = OTHER_SECRET
    elif part == "webhook-timestamp":
        headers[part] = str(int(headers[part]) ^ 1)
    else:
        changed = "A" if headers[part][-5] != "A" else "B"
        headers[part] = headers[part][:-5] + changed + headers[part][-4:]

    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(body, headers)


def test_the_signature_is_that_of_an_independent_computation():
    """HMAC-SHA256 of `id.timestamp.body`: a well-known example of it, computed again with openssl."""
    seen = []

    def talk(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with raw_server(talk) as url, client(url) as one:
        one.post("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330 * 10**9 + 999_999_999)

    assert b"webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n" in seen[0]
    assert b"webhook-timestamp: 1614265330\r\n" in seen[0]


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_bw20_any_2xx_is_a_delivery_whatever_its_body_says(webhook_receiver: WebhookReceiver, status: int):
    webhook_receiver.script(Answer(status, body=b"" if status == 204 else b'{"error": "no"}'))

    assert post(webhook_receiver).delivered


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 429, 500, 502, 503, 504])
def test_any_other_status_is_a_failure(webhook_receiver: WebhookReceiver, status: int):
    webhook_receiver.script(status)

    result = post(webhook_receiver)

    assert (result.delivered, result.status, result.error) == (False, status, f"HTTP {status}")
    assert result.gone == (status == 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_bw11_a_redirect_is_not_followed(webhook_receiver: WebhookReceiver, status: int):
    webhook_receiver.script(Answer(status, {"Location": f"{webhook_receiver.url}/elsewhere"}))

    assert post(webhook_receiver).error == f"HTTP {status}"
    assert [r.path for r in webhook_receiver.requests] == ["/hook"]


@pytest.mark.parametrize(("status", "asked"), [(429, 7), (503, 7), (500, None), (301, None)])
def test_a_retry_after_counts_where_the_endpoint_throttles(webhook_receiver: WebhookReceiver, status, asked):
    webhook_receiver.script(Answer(status, {"Retry-After": "7"}))

    assert post(webhook_receiver).retry_after == (asked * 10**9 if asked else None)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_not_used(webhook_receiver: WebhookReceiver, monkeypatch, name: str):
    monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    assert post(webhook_receiver).delivered


def test_cookies_are_not_kept(webhook_receiver: WebhookReceiver):
    webhook_receiver.script(Answer(204, {"Set-Cookie": "a=b"}))
    with client(webhook_receiver.url) as one:
        one.post("event_1", BODY, time.time_ns())
        one.post("event_2", BODY, time.time_ns())

    assert "cookie" not in webhook_receiver.requests[1].headers


def test_a_reset_is_a_failure(webhook_receiver: WebhookReceiver):
    webhook_receiver.script(RESET)

    assert post(webhook_receiver) == Attempt(error="ReadError")


def test_nobody_there_is_a_failure():
    with client(f"http://127.0.0.1:{free_port()}") as one:
        assert "Connection refused" in one.post("event_1", BODY, time.time_ns()).error


def head_drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    body_drip(connection, b"a")


def body_drip(connection: socket.socket, piece: bytes = b"1\r\na\r\n") -> None:
    for _ in range(100):
        connection.sendall(piece)
        time.sleep(0.05)


def ends_never(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    body_drip(connection)


def without_length(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    body_drip(connection, b"a")


def continues(connection: socket.socket) -> None:
    body_drip(connection, b"HTTP/1.1 100 Continue\r\n\r\n")


def silence(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize("talk", [head_drip, ends_never, without_length, continues, silence])
def test_bw12_who_talks_on_for_ever_is_cut_at_the_total_timeout(talk: Callable[[socket.socket], None]):
    result = post_raw(talk, total_timeout=0.5)

    assert not result.delivered


def floods(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    while True:
        connection.sendall(bytes(65536))


def test_bw12_the_limits_are_those_that_were_decided():
    assert (TOTAL_TIMEOUT, LONGEST_ANSWER) == (15.0, 64 * 1024)


def test_bw12_an_answer_is_not_read_beyond_64_kib():
    assert post_raw(floods).error == f"AnswerTooLongError: an answer of more than {LONGEST_ANSWER} bytes"


def test_an_answer_of_64_kib_is_still_a_delivery(webhook_receiver: WebhookReceiver):
    webhook_receiver.script(Answer(200, body=bytes(LONGEST_ANSWER)))

    assert post(webhook_receiver).delivered


def test_bw12_a_packed_answer_is_not_unpacked(webhook_receiver: WebhookReceiver):
    webhook_receiver.script(Answer(200, {"Content-Encoding": "gzip"}, body=b"not gzip at all"))

    assert post(webhook_receiver).delivered


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 20_000 + b"\r\n",
        b"",
        bytes.fromhex("0000000400000000000000080700000000000000000000000001"),
    ],
    ids=[
        "not http",
        "cut in the head",
        "bad chunk",
        "short body",
        "20000 headers",
        "nothing",
        "goodbye in http/2",
    ],
)
def test_bw12_an_answer_that_is_not_whole_http_is_a_failure(answer: bytes):
    def talk(connection: socket.socket) -> None:
        request = b""
        while not request.endswith(
            BODY
        ):  # to close on unread bytes would be a reset, which is another matter
            request += connection.recv(65536)
        connection.sendall(answer)

    result = post_raw(talk)

    assert result.error in {"RemoteProtocolError", "ReadError"}


def test_bw21_an_answer_before_the_request_was_read_is_a_delivery():
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        time.sleep(0.1)

    assert post_raw(talk).delivered


def test_bw07_the_checked_address_is_the_one_that_is_connected_to(webhook_receiver: WebhookReceiver):
    """A name server that changes its mind after the check changes nothing; the receiver still sees the name."""
    answers = iter([["127.0.0.1"]])
    url = f"http://receiver.invalid:{webhook_receiver.port}/hook"
    with client(url, find=lambda *_: next(answers)) as one:
        assert one.post("event_1", BODY, time.time_ns()).delivered

    assert webhook_receiver.requests[0].headers["host"] == f"receiver.invalid:{webhook_receiver.port}"


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"]])
def test_bw06_a_name_that_leads_inside_is_refused_before_any_connection(found: list[str]):
    with client("https://receiver.example/", allow_private=(), find=lambda *_: found) as one:
        result = one.post("event_1", BODY, time.time_ns())

    assert result.error.startswith("AddressRefused: ")


def test_a_name_that_leads_to_another_network_than_the_allowed_one_is_refused():
    office = (ip_network("10.1.2.0/24"),)
    with client("http://receiver.example/", allow_private=office, find=lambda *_: ["10.1.3.4"]) as one:
        result = one.post("event_1", BODY, time.time_ns())

    assert result.error == "AddressRefused: 10.1.3.4 is not a public address, or allowed as private"


def test_the_next_address_is_tried_where_one_does_not_answer(webhook_receiver: WebhookReceiver):
    with client(webhook_receiver.url, find=lambda *_: ["127.99.99.99", "127.0.0.1"]) as one:
        assert one.post("event_1", BODY, time.time_ns()).delivered


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with a key and a certificate for receiver.example."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    names = ["-subj", "/CN=receiver.example", "-addext", "subjectAltName=DNS:receiver.example"]
    new = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command = [required("openssl"), *new, "-keyout", str(key), "-out", str(cert), *names]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


@pytest.mark.parametrize(("host", "delivered"), [("receiver.example", True), ("other.example", False)])
def test_the_certificate_must_be_of_the_name_though_an_address_is_connected_to(
    certificate: Path, host, delivered
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            received = b""
            while not received.endswith(BODY):
                received += secure.recv(65536)
            secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    trusted = ssl.create_default_context(cafile=str(certificate))
    with raw_server(talk) as plain:
        url = plain.replace("http://127.0.0.1", f"https://{host}")
        with client(url, verify=trusted, find=lambda *_: ["127.0.0.1"]) as one:
            result = one.post("event_1", BODY, time.time_ns())

    assert (result.delivered, asked) == (delivered, [host])


def test_an_unknown_authority_is_a_failure(certificate: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True)

    with raw_server(talk) as plain:
        url = plain.replace("http://127.0.0.1", "https://receiver.example")
        with client(url, find=lambda *_: ["127.0.0.1"]) as one:
            result = one.post("event_1", BODY, time.time_ns())

    assert "CERTIFICATE_VERIFY_FAILED" in result.error


def test_tls_that_drips_is_cut_at_the_total_timeout(certificate: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            ends = time.monotonic() + 5
            secure.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while time.monotonic() < ends:
                secure.sendall(b"a")
                time.sleep(0.05)

    trusted = ssl.create_default_context(cafile=str(certificate))
    with raw_server(talk) as plain:
        url = plain.replace("http://127.0.0.1", "https://receiver.example")
        with client(url, verify=trusted, total_timeout=0.5, find=lambda *_: ["127.0.0.1"]) as one:
            result = one.post("event_1", BODY, time.time_ns())

    assert result.error.startswith("no complete answer in time")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://receiver.example/",
            "ftp://receiver.example/",
            "file:///etc/passwd",
            "gopher://receiver.example/",
        ),
        *("unix:/run/x.sock", "//receiver.example/", "receiver.example", "", "https://", "https:///path"),
        *(
            "https://receiver.example./",
            "https://①②⑦.0.0.1/",
            "https://receiver。example/",
            "https://receiver.example:99999/",
        ),
        *("https://receiver.example/\r\nX: y", "https://receiver.example/" + "a" * 10_000, "https://[::1/"),
    ],
)
def test_bw01_bw04_bw09_an_address_that_cannot_be_trusted_is_refused_at_the_start(url: str):
    with pytest.raises(EndpointError):
        WebhookClient(replace(endpoint(url=url), allow_private=()))


def test_bw09_capital_letters_of_a_host_do_not_matter(webhook_receiver: WebhookReceiver):
    with client(f"HTTP://LOCALHOST:{webhook_receiver.port}/", find=lambda *_: ["127.0.0.1"]) as one:
        assert one.post("event_1", BODY, time.time_ns()).delivered


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        SECRET.removeprefix("whsec_"),
        "WHSEC_" + SECRET.removeprefix("whsec_"),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        SECRET[:-1] + "%",
        SECRET[:-1] + "é",
        SECRET + " ",
    ],
)
def test_bw14_a_weak_or_broken_secret_is_refused_at_the_start(secret: str):
    with pytest.raises(EndpointError):
        WebhookClient(endpoint(secret=secret))


def test_bw14_a_weak_previous_secret_is_refused_too():
    with pytest.raises(EndpointError):
        WebhookClient(replace(endpoint(), previous_secret="whsec_short"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "LOCALHOST"])
def test_bw10_a_door_of_our_own_is_refused_at_the_start(host: str):
    with pytest.raises(EndpointError, match="door"):
        WebhookClient(endpoint(url=f"http://{host}:8086/a"), own=[("127.0.0.1", 8086)])


@pytest.mark.parametrize("door", [("broker.example", 1883), ("Broker.Example.", 1883)])
def test_bw10_a_named_door_of_our_own_is_refused_at_the_start(door: tuple[str, int]):
    with pytest.raises(EndpointError, match="door"):
        WebhookClient(endpoint(url="https://broker.example:1883/"), own=[door])


def test_bw10_a_name_that_leads_to_our_own_door_is_refused_before_any_connection(
    webhook_receiver: WebhookReceiver,
):
    url = f"http://other.example:{webhook_receiver.port}/"
    own = [("localhost", webhook_receiver.port)]
    with client(url, own=own, find=lambda *_: ["127.0.0.1"]) as one:
        assert one.post("event_1", BODY, time.time_ns()).error.startswith("AddressRefused: ")

    assert webhook_receiver.requests == []


def test_bw10_another_port_of_the_same_machine_is_no_door(webhook_receiver: WebhookReceiver):
    with client(webhook_receiver.url, own=[("127.0.0.1", 1)]) as one:
        assert one.post("event_1", BODY, time.time_ns()).delivered


def test_bw15_a_timestamp_has_no_dot(webhook_receiver: WebhookReceiver):
    post(webhook_receiver)

    assert webhook_receiver.requests[0].headers["webhook-timestamp"].isdecimal()


def test_bw16_a_receiver_whose_clock_is_off_refuses_and_that_is_a_failure(webhook_receiver: WebhookReceiver):
    webhook_receiver.script(400)
    with client(webhook_receiver.url) as one:
        result = one.post("event_1", BODY, time.time_ns() - 600 * 10**9)

    (request,) = webhook_receiver.requests
    with pytest.raises(standardwebhooks.WebhookVerificationError, match="too old"):
        verify(request)
    assert (result.delivered, result.error) == (False, "HTTP 400")


def test_two_secrets_give_two_signatures_and_either_verifies(webhook_receiver: WebhookReceiver):
    both = replace(endpoint(url=webhook_receiver.url, secret=OTHER_SECRET), previous_secret=SECRET)
    with closing(WebhookClient(both)) as one:
        one.post("event_1", BODY, time.time_ns())

    (request,) = webhook_receiver.requests
    assert verify(request, SECRET) == verify(request, OTHER_SECRET) == json.loads(BODY)


def test_credentials_of_a_url_reach_the_endpoint_as_basic_authentication(webhook_receiver: WebhookReceiver):
    url = webhook_receiver.url.replace("http://", "http://user:p%40ss@")
    with client(url) as one:
        one.post("event_1", BODY, time.time_ns())

    assert (
        webhook_receiver.requests[0].headers["authorization"]
        == "Basic " + base64.b64encode(b"user:p@ss").decode()
    )
    assert webhook_receiver.requests[0].headers["host"] == f"127.0.0.1:{webhook_receiver.port}"


def test_secrets_are_in_no_log_line_error_or_repr(
    webhook_receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture
):
    """Neither the signing secret, nor credentials, path and query of the URL, which often hold a token."""
    caplog.set_level(logging.DEBUG)
    url = webhook_receiver.url.replace("http://", "http://user:canary1@") + "/canary2?token=canary3"
    secret = "whsec_" + base64.b64encode(b"canary4-canary4-canary4-canary4-").decode()
    webhook_receiver.script(204, 500, RESET, Answer(302, {"Location": "http://127.0.0.1/"}))
    said = []
    with client(url, secret=secret) as one:
        said += [repr(one.post("event_1", BODY, time.time_ns())) for _ in range(4)]
        webhook_receiver.stop()
        said += [repr(one.post("event_1", BODY, time.time_ns())), repr(one), repr(vars(one)["_signers"])]
    for bad_url, bad_secret in [(url.replace("http", "ftp"), secret), (url, secret + "canary5")]:
        with pytest.raises(EndpointError) as refused:
            WebhookClient(endpoint(url=bad_url, secret=bad_secret))
        said.append(repr(refused.value))

    everything = caplog.text + "".join(said)
    assert "Connection refused" in everything
    assert "canary" not in everything
    assert secret[6:20] not in everything
