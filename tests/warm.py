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
import time
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import NamedTuple

import stackmeter.service  # noqa: F401 - what a start reads
from stackmeter.cli import main as console_script

ROOT = Path(__file__).parents[1]
LOOK = 0.005  # s between two looks whether it has ended
READ_BY_PYTHON = ("PYTHON", "NPY_", "OPENBLAS_", "OMP_", "LD_", "MALLOC_")


class Start(NamedTuple):
    """What is to be run: the console script's arguments, its environment, and the file that hears it."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    folder: str


class Warm:
    """The process that forks, started when it is first needed; one for each process that runs tests."""

    def __init__(self) -> None:
        self._line: Connection | None = None

    def suits(self, environment: dict[str, str]) -> bool:
        """Return whether nothing is asked that a process reads before its first line of Python."""
        asked = environment.items() ^ os.environ.items()
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
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd=ROOT,
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
                        return
                    line.send(pid)
    sys.exit()


def _become(start: Start) -> None:
    os.setsid()
    log = os.open(start.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.chdir(start.folder)
    os.environ.clear()
    os.environ.update(start.environment)
    sys.argv = ["stackmeter", *start.arguments]


def main(descriptor: int) -> None:
    """Run in each forked process what the console script runs."""
    _serve(Connection(descriptor))
    console_script()
