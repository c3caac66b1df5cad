"""The service as a process of its own, driven as an operator would: started, asked, ended, killed, started again."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.servers import PATIENCE, PortTaken, free_port, wait_until
from tests.warm import WARM, Forked, Start

CONSOLE_SCRIPT = (str(Path(sys.executable).with_name("stackmeter")),)
TOKEN = "a-token-of-the-tests-own"
ANSWERS_WITHIN = 10.0  # s, to the question whether it is ready, which is asked again
ALWAYS_DRAINED = ("stackmeter_journal_backlog", "stackmeter_webhooks_waiting")
DRAINED_TO_INFLUX = ("stackmeter_influx_waiting_readings", "stackmeter_influx_waiting_emissions")


class Service:
    """`stackmeter run` on one state directory and one port, as often as it is started.

    Parameters
    ----------
    folder
        Where its state directory and its log are.
    program
        What is run in place of the console script, such as the same under strace.
    code
        What the console script's process runs first, with all modules read: it may replace what belongs to a class or a module.
    """

    def __init__(
        self,
        folder: Path,
        config: Path,
        broker: str,
        *,
        influx: str | None = None,
        mqtt_version: str = "3.1.1",
        client_id: str = "stackmeter",
        environment: dict[str, str] | None = None,
        program: tuple[str, ...] = CONSOLE_SCRIPT,
        code: str = "",
    ) -> None:
        self.state = folder / "state"
        self._log = folder / "service.log"
        options = {
            "config": config, "state": self.state, "broker": broker, "mqtt-version": mqtt_version,
            "client-id": client_id, "influx": influx,
        }  # fmt: skip
        given = [x for name, value in options.items() if value is not None for x in (f"--{name}", str(value))]
        self._program, self._code, self._arguments = program, code, ["run", *given]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STACKMETER_")}
        self.environment = {**inherited, "STACKMETER_TOKEN": TOKEN, **(environment or {})}
        self._outboxes = ALWAYS_DRAINED + (DRAINED_TO_INFLUX if influx else ())
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._has_started = False
        self._draw()

    def _draw(self) -> None:
        """Draw a port, and be asked there."""
        self.port = free_port()
        # A connection that is kept would be found dead after a restart.
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE,
            trust_env=False,
            verify=False,  # plain http: no certificates to load
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._client.close()

    @property
    def database(self) -> Path:
        """The state's file."""
        return self.state / "state.db"

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.state / "journal.db"

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The id of the process that was started last."""
        assert self._process is not None, "the service was not started"
        return self._process.pid

    def log(self) -> str:
        """Return what it has written so far, over all its starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self, *, crash: str = "", ready: bool = True) -> None:
        """Start it, to die at the crash point `point:n` if one is named; return once it is ready, or at once."""
        assert not self.running, "the service runs already"
        self._launch(self.environment | ({"STACKMETER_CRASH": crash} if crash else {}))
        while ready:
            try:
                self.wait_until_ready()
                break
            except PortTaken:
                if self._has_started:
                    raise
                self._draw()
                self._launch(self.environment)
        self._has_started = True

    def _launch(self, environment: dict[str, str]) -> None:
        self._told_before = len(self.log())
        arguments = [*self._arguments, "--port", str(self.port)]
        if self._program is CONSOLE_SCRIPT and WARM.suits(environment):
            start = Start(arguments, environment, self._log, self._log, str(Path.cwd()), self._code)
            self._process = WARM.start(start)
            return
        assert not self._code, "code is run by a forked process alone"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment, start_new_session=True,
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        """Wait for a /readyz that says so; raise at once where the process ends first."""
        wait_until(self._ready_or_dead, f"the service is not ready: {self.log()[-3000:]}")

    def wait_until_ready_or_ended(self) -> None:
        """Wait for whichever comes first."""
        wait_until(lambda: not self.running or self._ready(), "the service is neither ready nor gone")

    def wait_for_end(self, patience: float = PATIENCE) -> int:
        """Wait until the process ends by itself, and return its exit code; minus the signal where one ended it."""
        assert self._process is not None, "the service was not started"
        return self._process.wait(patience)

    def kill(self) -> None:
        """SIGKILL: what a power cut leaves of a process."""
        if self.running and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # a tracer and what it traces
            self._process.wait(PATIENCE)

    def term(self) -> int:
        """SIGTERM; return the exit code."""
        assert self._process is not None, "the service was not started"
        self._process.send_signal(signal.SIGTERM)
        return self.wait_for_end()

    def get(self, path: str, **parameters: str) -> httpx.Response:
        """Ask the API."""
        return self._client.get(path, params=parameters)

    def stream(self, path: str) -> AbstractContextManager[httpx.Response]:
        """Ask the API for an answer that comes piece by piece."""
        return self._client.stream("GET", path)

    def metrics(self) -> dict[str, float]:
        """Return every metric by its name, summed over its labels; `name{label}` is one sample of several."""
        found: dict[str, float] = {}
        answer = self.get("/metrics")
        answer.raise_for_status()
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                name = sample.name.removesuffix("_total")
                found[name] = found.get(name, 0.0) + sample.value
                for label in sample.labels.values():
                    key = f"{name}{{{label}}}"
                    found[key] = found.get(key, 0.0) + sample.value
        return found

    def drain(self, messages: int, received: int = 0, patience: float = PATIENCE) -> dict[str, float]:
        """Wait until so many different messages are in the state and nothing waits any more; return the metrics.

        `received` counts the repeated ones too. What waits is the journal's backlog and every outbox.
        """
        last: dict[str, Any] = {}

        def drained() -> bool:
            if not self.running:
                raise RuntimeError(f"the service ended: {self.log()[-3000:]}")
            if not self._counted(last):
                return False
            kept = sum(
                last.get(f"stackmeter_messages{{{o}}}", 0) for o in ("accepted", "late", "quarantined")
            )
            enough = kept >= messages and last.get("stackmeter_messages{received}", 0) >= received
            if not enough or any(last[name] for name in self._outboxes) or self._has_news():
                return False
            # The rules of alerts may have queued something while they saw the last of it.
            return self._counted(last) and not any(last[name] for name in self._outboxes)

        try:
            wait_until(drained, "drained", patience)
        except TimeoutError as error:
            waiting = {
                k: v for k, v in last.items() if k in self._outboxes or k.startswith("stackmeter_messages")
            }
            raise TimeoutError(f"of {messages} messages within {patience:g} s: {waiting}") from error
        return last

    def _counted(self, last: dict[str, Any]) -> bool:
        """Put the newest metrics into `last`; return whether the service could tell them, as it may not where files are few."""
        try:
            last.update(self.metrics())
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise
            return False
        return True

    def _has_news(self) -> bool:
        """Return whether the rules of alerts have yet to see something that the line has committed."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as state:
            return state.execute("SELECT 1 FROM news LIMIT 1").fetchone() is not None

    def _ready_or_dead(self) -> bool:
        if not self.running:
            log = self.log()[self._told_before :][-3000:]
            kind = PortTaken if "address already in use" in log else RuntimeError
            raise kind(f"the service ended: {log}")
        return self._ready()

    def _ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            # Whatever else has the port meanwhile may take the question and say nothing.
            return self._client.get("/readyz", timeout=ANSWERS_WITHIN).is_success
        return False
