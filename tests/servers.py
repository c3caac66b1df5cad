"""Real servers for tests: each on a port of its own, in a folder of its own, ready when its block begins.

`kill()` is SIGKILL, `stop()` is an orderly end, `start()` brings the server back on the same port with the same data.
"""

import contextlib
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any, NoReturn, Self

import httpx
import pytest

NODE = Path(__file__).parent / "node"
PATIENCE = 120.0  # s: a bound that only a server that stands still reaches, on a busy machine too


def required(binary: str) -> str:
    """Return the path of a program; without it the test is skipped, or fails where `CI=true`."""
    found = shutil.which(binary, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return found or _missing(f"{binary} is not installed")


def required_node(package: str) -> Path:
    """Return the folder from which Node.js imports a package of tests/node, without which the test is skipped or fails as above."""
    required("node")
    if not (NODE / "node_modules" / package).is_dir():
        _missing(f"tests/node does not have {package}")
    return NODE


def _missing(reason: str) -> NoReturn:
    told = f"{reason}: scripts/servers installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)


CLAIMS = 200  # ports that a process of tests keeps for itself, the newest
_claims: deque[int] = deque()  # open files whose locks keep them


def free_port() -> int:
    """Return a port that nothing listens on, and that no other process of tests on this machine gets meanwhile.

    It lies below the kernel's ephemeral range, so that no outgoing connection takes it while its server is down.
    """
    while True:
        port = random.randrange(12_000, 32_000)
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _claim(port)
            return port


def _claim(port: int) -> None:
    """Lock a port among all processes of tests; raise BlockingIOError where another one has it."""
    folder = Path(tempfile.gettempdir()) / "stackmeter-ports"
    folder.mkdir(exist_ok=True)
    claim = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(claim)
        raise
    _claims.append(claim)
    if len(_claims) > CLAIMS:
        os.close(_claims.popleft())


def listening(port: int) -> bool:
    """Tell whether something accepts connections on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


CONNECT = (
    b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"  # MQTT 3.1.1, a session of nobody's that is not kept
)


def speaks_mqtt(pid: int, port: int) -> bool:
    """Tell whether a process's broker answers on the port, if only that we may not connect: it then minds signals, too."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=1.0) as wire,
    ):
        wire.sendall(CONNECT)
        return listens(pid, port) and wire.recv(1) != b""
    return False


def listens(pid: int, port: int) -> bool:
    """Tell whether a process has a socket that listens on the port."""
    with contextlib.suppress(FileNotFoundError):  # it has ended
        return port in {found for _, found in listeners(pid)}
    return False


def listeners(pid: int) -> set[tuple[str, int]]:
    """Return address and port of each socket on which a process listens, as the kernel writes them."""
    sockets = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in sockets:
                address, port = local.split(":")
                found.add((address, int(port, 16)))
    return found


NEXT_LOOK, LONGEST_PAUSE = 0.01, 0.25  # s between two looks
DEAR = 4  # times as long as a look took


def wait_until(ready: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Return as soon as `ready()`; raise `TimeoutError` after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        asked = time.monotonic()
        if ready():
            return
        now = time.monotonic()
        if now > deadline:
            raise TimeoutError(f"{what} within {patience:g} s")
        # A question that is dear, or a machine that is busy, is asked less often: asking must not keep it from answering.
        time.sleep(min(max(NEXT_LOOK, DEAR * (now - asked)), LONGEST_PAUSE))


class PortTaken(RuntimeError):
    """Something else listens on the port that was drawn."""


class Process:
    """One server process: its command, its log, and how to know that it is ready."""

    def __init__(
        self,
        name: str,
        command: list[str],
        log: Path,
        ready: Callable[[], bool],
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._log = log
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    def start(self) -> None:
        """Start unless it runs, and wait until it is ready."""
        if self.running:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment,
                start_new_session=True,
            )  # fmt: skip
        wait_until(self._ready_or_dead, f"{self.name} did not become ready: {self.log()[-2000:]}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, and wait for the end where it is a deadly one."""
        if self._process is None or not self.running:
            return
        self._process.send_signal(number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self._process.wait(PATIENCE)

    def log(self) -> str:
        """Return what the server wrote so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _ready_or_dead(self) -> bool:
        if not self.running:
            log = self.log()[-2000:]
            kind = PortTaken if "address already in use" in log.lower() else RuntimeError
            raise kind(f"{self.name} ended at once: {log}")
        return self._ready()


class Server:
    """A server made of processes. `with` starts it and ends it; its folder goes with it unless one was given."""

    DRAWS = 5  # of ports, where something else takes those that were drawn before the first start

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="stackmeter-") if folder is None else None
        self.folder = Path(self._temporary.name) if self._temporary else Path(str(folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.processes: list[Process] = []
        self._has_started = False

    def draw(self) -> None:
        """Draw ports, write the settings by them, and make the processes that read these."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start what does not run, on the same port and data as before."""
        for draw in range(1, self.DRAWS + 1):
            try:
                for process in self.processes:
                    process.start()
                break
            except PortTaken:
                if self._has_started or draw == self.DRAWS:
                    raise
                Server.kill(self)
                self.draw()
        self._has_started = True

    def stop(self) -> None:
        """End in order, so that everything is on disk."""
        for process in reversed(self.processes):
            process.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End as a power cut would."""
        for process in reversed(self.processes):
            process.signal(signal.SIGKILL)

    def close(self) -> None:
        """End and remove everything."""
        self.kill()
        if self._temporary:
            self._temporary.cleanup()


class Mosquitto(Server):
    """Mosquitto with the durable settings that the service asks of its broker; anonymous, on 127.0.0.1."""

    SETTINGS = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
max_inflight_messages 1000
max_packet_size 5242880
log_type error
log_type warning
log_type notice
{extra}
"""

    def __init__(self, folder: Path | None = None, extra: str = "") -> None:
        super().__init__(folder)
        # Started by root, mosquitto would change to a user that cannot write into our folder.
        self._extra = f"user root\n{extra}" if os.geteuid() == 0 else extra
        self.draw()

    def draw(self) -> None:
        """Draw a port."""
        self.port = free_port()
        settings = self.folder / "mosquitto.conf"
        settings.write_text(self.SETTINGS.format(port=self.port, folder=self.folder, extra=self._extra))
        self.process = Process(
            "mosquitto",
            [required("mosquitto"), "-c", str(settings)],
            self.folder / "mosquitto.log",
            lambda: speaks_mqtt(self.process.pid, self.port),
        )
        self.processes = [self.process]

    @property
    def url(self) -> str:
        """The broker's address as our settings write it."""
        return f"mqtt://127.0.0.1:{self.port}"


INFLUXD_SETTINGS = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
  logging-enabled = false
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{http_port}"
  log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "warn"
"""

# Debian's InfluxDB 1.6 has no /api/v2/write, does not know `us`, and knows no Token; the rewrite makes up for all
# three. One process, no master: SIGKILL leaves no orphan.
NGINX_SETTINGS = Template("""\
daemon off;
master_process off;
pid $folder/nginx.pid;
error_log $folder/nginx.log warn;
events { worker_connections 256; }
http {
  access_log $folder/requests.log;
  client_max_body_size 25000000;
  client_body_temp_path $folder/nginx-body;
  proxy_temp_path $folder/nginx-proxy;
  fastcgi_temp_path $folder/nginx-fastcgi;
  uwsgi_temp_path $folder/nginx-uwsgi;
  scgi_temp_path $folder/nginx-scgi;
  map $$arg_precision $$v1_precision { default n; ns n; us u; ms ms; s s; }
  map $$arg_bucket $$v1_database { ~^(?<database>[^/%]+) $$database; }
  map $$arg_bucket $$v1_policy { default ""; ~^[^/%]+(?:/|%2F)(?<policy>.+)$$ $$policy; }
  server {
    listen 127.0.0.1:$port;
    proxy_set_header Authorization "";
    location = /api/v2/write {
      proxy_pass http://127.0.0.1:$http_port/write?db=$$v1_database&rp=$$v1_policy&precision=$$v1_precision;
    }
    location = /health {
      default_type application/json;
      return 200 '{"name":"influxdb","status":"pass","message":"v1","checks":[]}';
    }
    location / { proxy_pass http://127.0.0.1:$http_port; }
  }
}
""")


class InfluxDB(Server):
    """InfluxDB 1.6 behind an nginx that gives it version 2's way to write; database `stackmeter` exists.

    `kill()` takes influxd alone, so that nginx answers 502; `stop()` ends both, so that the connection is refused.
    `token` and `org` are accepted and mean nothing to this version.
    """

    token = "a-token-that-is-ignored"
    org = "stackmeter"
    bucket = "stackmeter"

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.draw()

    def draw(self) -> None:
        """Draw the ports of both."""
        influxd, nginx = required("influxd"), required("nginx")
        self.port, self.http_port = free_port(), free_port()
        ports = {"port": self.port, "http_port": self.http_port, "rpc_port": free_port()}
        settings, proxy = self.folder / "influxd.conf", self.folder / "nginx.conf"
        settings.write_text(INFLUXD_SETTINGS.format(folder=self.folder, **ports))
        proxy.write_text(NGINX_SETTINGS.substitute(folder=self.folder, **ports))
        self.influxd = Process(
            "influxd",
            [influxd, "-config", str(settings)],
            self.folder / "influxd.log",
            lambda: answers(f"http://127.0.0.1:{self.http_port}/ping"),
        )
        self.nginx = Process(
            "nginx",
            [nginx, "-p", str(self.folder), "-e", str(self.folder / "nginx.log"), "-c", str(proxy)],
            self.folder / "nginx.log",
            lambda: answers(f"{self.url}/ping"),
        )
        self.processes = [self.influxd, self.nginx]

    @property
    def url(self) -> str:
        """Where to write (/api/v2/write) and to query (/query)."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start what does not run, and see that the database exists."""
        super().start()
        self.query(f"CREATE DATABASE {self.bucket}")

    def kill(self) -> None:
        """SIGKILL influxd; nginx goes on and answers 502."""
        self.influxd.signal(signal.SIGKILL)

    def close(self) -> None:
        """End and remove everything."""
        self.nginx.signal(signal.SIGKILL)
        super().close()

    def query(self, influxql: str) -> list[dict[str, object]]:
        """Return the series of the first statement, as InfluxDB's JSON has them."""
        answer = httpx.post(
            f"http://127.0.0.1:{self.http_port}/query",
            params={"db": self.bucket, "epoch": "ns"},
            data={"q": influxql},
            timeout=PATIENCE,
            trust_env=False,
        )
        answer.raise_for_status()
        (result,) = answer.json()["results"]
        assert "error" not in result, result["error"]
        series: list[dict[str, object]] = result.get("series", [])
        return series

    def write_requests(self) -> int:
        """Return how many writes went through nginx so far."""
        lines = (self.folder / "requests.log").read_text().splitlines()
        return sum("POST /api/v2/write" in line for line in lines)


class Alertmanager(Server):
    """Debian's Alertmanager, alone, on 127.0.0.1; it tells nobody."""

    SETTINGS = """\
route: {receiver: nobody}
receivers: [{name: nobody}]
"""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.draw()

    def draw(self) -> None:
        """Draw a port."""
        binary = required("prometheus-alertmanager")
        self.port = free_port()
        settings = self.folder / "alertmanager.yml"
        settings.write_text(self.SETTINGS)
        self.process = Process(
            "prometheus-alertmanager",
            [
                binary,
                f"--config.file={settings}",
                f"--storage.path={self.folder}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            self.folder / "alertmanager.log",
            lambda: answers(f"{self.url}/-/ready"),
        )
        self.processes = [self.process]

    @property
    def url(self) -> str:
        """The server's root."""
        return f"http://127.0.0.1:{self.port}"

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it holds for firing, as its API has them."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", timeout=PATIENCE, trust_env=False)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


class Prometheus(Server):
    """Debian's Prometheus on 127.0.0.1, which scrapes one service every second."""

    def __init__(self, port: int, token: str, folder: Path | None = None) -> None:
        self._scraped, self._token = port, token
        super().__init__(folder)
        self.draw()

    def draw(self) -> None:
        """Draw a port."""
        binary = required("prometheus")
        self.port = free_port()
        settings = self.folder / "prometheus.yml"
        settings.write_text(
            "global: {scrape_interval: 1s}\n"
            f"scrape_configs: [{{job_name: stackmeter, authorization: {{credentials: {self._token}}},"
            f" static_configs: [{{targets: ['127.0.0.1:{self._scraped}']}}]}}]\n"
        )
        self.process = Process(
            "prometheus",
            [
                binary,
                f"--config.file={settings}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            self.folder / "prometheus.log",
            lambda: answers(f"{self.url}/-/ready"),
        )
        self.processes = [self.process]

    @property
    def url(self) -> str:
        """The server's root."""
        return f"http://127.0.0.1:{self.port}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an expression is now, as its API has it."""
        answer = httpx.get(
            f"{self.url}/api/v1/query", params={"query": expression}, timeout=PATIENCE, trust_env=False
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found


def answers(url: str) -> bool:
    """Tell whether an HTTP server says yes at the address."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, timeout=1.0, trust_env=False).is_success
    return False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a scripted server says to one request; `reset` cuts the connection instead."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0  # s before the answer
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; `headers` has lower-case names, `answered` is the status that went back (0: reset)."""

    at: float  # s, time.time()
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    answered: int


class WebhookReceiver:
    """An HTTP server that keeps every request, and answers what was scripted, then `default`.

    `script(500, Answer(429, {"Retry-After": "5"}), RESET)` fixes the next three answers. It serves whoever speaks
    HTTP: webhooks, or a sink that is to meet a bad server.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.default = Answer(204)
        self.requests: list[Request] = []
        self._script: deque[Answer] = deque()
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self._has_started = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The server's root."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, *answers: Answer | int) -> None:
        """Append answers to the script; a number is a status."""
        with self._changed:
            self._script.extend(Answer(a) if isinstance(a, int) else a for a in answers)

    def wait_for(self, count: int, patience: float = PATIENCE) -> list[Request]:
        """Return all requests once there are at least `count`."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, patience):
                raise TimeoutError(f"{len(self.requests)} of {count} requests within {patience:g} s")
            return list(self.requests)

    def start(self) -> None:
        """Listen, again on the same port."""
        if self._server is not None:
            return
        try:
            self._server = ThreadedServer(("127.0.0.1", self.port), _handler_of(self))
        except OSError:
            if self._has_started:
                raise
            self.port = free_port()  # something else took it meanwhile
            self.start()
            return
        self._has_started = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on; requests and script stay."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    kill = stop

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Record a request and return the answer that is due."""
        with self._changed:
            answer = self._script.popleft() if self._script else self.default
            answered = 0 if answer.reset else answer.status
            self.requests.append(Request(time.time(), method, path, headers, body, answered))
            self._changed.notify_all()
        return answer


RESET = Answer(reset=True)


class ThreadedServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a handler that still delays its answer must not hold up the test


def _handler_of(receiver: WebhookReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # the client died while it sent: a server does not take half a request
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(self.command, self.path, headers, body)
            time.sleep(answer.delay)
            if answer.reset:
                _cut(self.connection)
                return
            with contextlib.suppress(ConnectionError):  # a client that did not wait is part of the tests
                self._send(answer)

        do_GET = do_POST = do_PUT = do_HEAD = handle_any  # noqa: N815  http.server looks for these names

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status >= 200 and answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the requests are kept."""

    return Handler


def _cut(connection: socket.socket) -> None:
    """Close so that the peer sees a reset, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    os.close(connection.detach())


@contextlib.contextmanager
def paused(process: Process) -> Iterator[None]:
    """Freeze a process for the block: it keeps its connections and answers nothing."""
    process.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.signal(signal.SIGCONT)
