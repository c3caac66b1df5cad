"""The service's side of the process that tells InfluxDB: starts it, hears what it logs and counts, and tells it to end.

Rendering and sending points is as much work as accounting for them. In a process of its own it takes none of the line's time.
"""

import contextlib
import logging
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe

from stackmeter.projection.job import Job
from store.influx.sender import Statistics
from store.replicated.lease import counting

LOOK_S = 0.1  # how often it is looked whether all is to end
WORKER = "stackmeter.projection.worker"


class SenderEnded(Exception):
    """The process that tells InfluxDB ended though nobody had told it to; the text says how."""


class InfluxProcess:
    """Runs it, from one thread; `statistics` may be read from any."""

    def __init__(self, job: Job, sends_until: Callable[[], float] = lambda: math.inf) -> None:
        """`sends_until` says until when it may send [s, `store.replicated.lease.counting`]; there is no process while it may not.

        The process is told of it again and again, and sends nothing after it: where this one is stopped, it hears no more.
        """
        self._job, self._sends_until = job, sends_until
        self.statistics = job.statistics

    def run(self, stop: threading.Event) -> None:
        """Let it send until told to stop, and wait until it has ended; raise SenderEnded where it ends before."""
        while not stop.is_set():
            if self._may_send():
                self._run_once(stop)
            else:
                stop.wait(LOOK_S)

    def _may_send(self) -> bool:
        return counting() < self._sends_until()

    def _run_once(self, stop: threading.Event) -> None:
        ours, theirs = Pipe()
        with ours:
            with theirs:
                process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
                    [sys.executable, "-P", "-m", WORKER, str(theirs.fileno())],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                )
            try:
                with contextlib.suppress(ConnectionError):  # how it ended is told below
                    ours.send(replace(self._job, statistics=self.statistics))
                    self._hear(ours, stop)
            finally:
                ours.close()  # which tells it to end
                code = process.wait()
        if (not stop.is_set() and self._may_send()) or code:
            raise SenderEnded(_told(code))

    def _hear(self, ours: Connection, stop: threading.Event) -> None:
        """Take what it says until it ends, which it is told once, and tell it until when it may send."""
        told: float | None = -math.inf
        while True:
            may_until = self._sends_until()
            until = None if stop.is_set() or may_until <= counting() else may_until
            if told is not None and until != told:
                ours.send(until)
                told = until
            if not ours.poll(LOOK_S):
                continue
            try:
                said: logging.LogRecord | Statistics = ours.recv()
            except EOFError:
                return
            match said:
                case Statistics():
                    self.statistics = said
                case logging.LogRecord():
                    logging.getLogger(said.name).handle(said)


def _told(code: int) -> str:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    return f"the process that tells InfluxDB {how}"
