"""A process that has read the service's modules once, and forks at each start: a start costs what is the start's own.

Reading them takes a second and a half of a core, and the tests start the service about a thousand times. What is forked runs the console script's
own function with its own arguments, environment, session and log; where a test asks for another program, or for an environment that
Python itself reads, it is started as anybody would.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import NamedTuple

import stackmeter.service  # noqa: F401 - what a start reads
from stackmeter.cli import main as console_script
from tests.frugal import keep_for_good, remember_parameters
from tests.semantics.world import World
from tests.servers import PATIENCE

ROOT = Path(__file__).parents[1]
LOOK = 0.005  # s between two looks whether it has ended
READ_BY_PYTHON = ("PYTHON", "NPY_", "OPENBLAS_", "OMP_", "LD_", "MALLOC_")


class Start(NamedTuple):
    """What is to be run: the console script's arguments, its environment, the files that hear it, and code that is run first."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    errors: Path
    folder: str
    code: str = ""


class Warm:
    """The process that forks, started when it is first needed; one for each process that runs tests, with variables of its own."""

    def __init__(self, **own: str) -> None:
        self.own = own
        self._line: Connection | None = None

    def suits(self, environment: dict[str, str]) -> bool:
        """Return whether nothing is asked that a process reads before its first line of Python."""
        asked = environment.items() ^ (os.environ | self.own).items()
        return not any(name.startswith(READ_BY_PYTHON) for name, _ in asked)

    def start(self, start: Start) -> "Forked":
        """Fork a process that runs it."""
        return Forked(self, self.ask(start))

    def ask(self, what: Start | int) -> int | None:
        """Start something, which gives its id; or ask for the exit code of an id, None where it runs."""
        if self._line is None:
            self._line = self._read_once()
        self._line.send(what)
        answer: int | None = self._line.recv()
        return answer

    def _read_once(self) -> Connection:
        ours, theirs = Pipe()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import main; main({theirs.fileno()})"],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd=ROOT, env=os.environ | self.own,
            )  # fmt: skip
        atexit.register(process.wait)
        atexit.register(ours.close)  # before that: it ends where it hears the line close
        return ours


class Forked:
    """A forked process, as `subprocess.Popen` shows one."""

    def __init__(self, warm: Warm, pid: int | None) -> None:
        assert pid is not None
        self.pid = pid
        self._warm = warm
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, minus the signal where one ended it; None while it runs."""
        if self._code is None:
            self._code = self._warm.ask(self.pid)
        return self._code

    def wait(self, timeout: float) -> int:
        """Wait for its end, and return its exit code; raise `subprocess.TimeoutExpired`."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("stackmeter", timeout)
            time.sleep(LOOK)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


WARM = Warm()


def console(
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    timeout: float = PATIENCE,
    warm: Warm = WARM,
) -> subprocess.CompletedProcess[str]:
    """Run the console script to its end, and return its exit code and what it wrote."""
    words = [str(one) for one in arguments]
    given = dict(os.environ if environment is None else environment) | warm.own
    assert warm.suits(given)
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder, "out"), Path(folder, "errors")
        process = warm.start(Start(words, given, out, errors, str(Path.cwd())))
        try:
            code = process.wait(timeout)
        finally:
            process.send_signal(signal.SIGKILL)
        return subprocess.CompletedProcess(words, code, out.read_text(), errors.read_text())


def _serve(line: Connection) -> None:
    """Answer until the other end closes; return in each forked process, which then is what was asked for."""
    with contextlib.suppress(EOFError):
        while True:
            match line.recv():
                case int() as pid:
                    ended, status = os.waitpid(pid, os.WNOHANG)
                    line.send(os.waitstatus_to_exitcode(status) if ended else None)
                case Start() as start:
                    pid = os.fork()
                    if not pid:
                        line.close()
                        _become(start)
                        exec(start.code, {})
                        return
                    line.send(pid)
    sys.exit()


def _become(start: Start) -> None:
    os.setsid()
    for path, descriptor in ((start.log, 1), (start.errors, 2)):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.dup2(file, descriptor)
        os.close(file)
    os.chdir(start.folder)
    os.environ.clear()
    os.environ.update(start.environment)
    sys.argv = ["stackmeter", *start.arguments]


def _know_what_all_need() -> None:
    """Read the shipped factors, and compile the routes of an API, which is gone before anything is forked."""
    remember_parameters()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.make_app()
        world.close()
    keep_for_good()


def main(descriptor: int) -> None:
    """Run in each forked process what the console script runs."""
    _know_what_all_need()
    _serve(Connection(descriptor))
    console_script()
