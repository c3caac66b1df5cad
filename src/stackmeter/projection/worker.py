"""The process that tells InfluxDB: carries the outboxes of state.db there until the service says that it is over, or is no more.

Not for people: the service starts it and gives it one end of a connection, over which all that it has to say goes.
"""

import contextlib
import fcntl
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from typing import IO, Any

from stackmeter.crash import crash_points
from stackmeter.projection.job import LOCK, Job
from store.influx.reader import InfluxReader, SourceRevisions
from store.influx.sender import InfluxSender
from store.influx.sink import InfluxSink
from store.replicated.lease import counting

READ_WITHIN_S = 5.0
LOOK_S = 0.1  # between two looks at whether we are alone
WAITS = f"the process of a service that was killed still sends, and is waited for ({LOCK})"

log = logging.getLogger(__name__)


class Voice(QueueHandler):
    """Tells the service things, and what is logged, one at a time."""

    def __init__(self, service: Connection) -> None:
        super().__init__(service)  # type: ignore[arg-type]  # nothing is put on it: `enqueue` tells
        self._service, self._turn = service, threading.Lock()

    def enqueue(self, record: logging.LogRecord) -> None:
        """Tell the service of a line of the log."""
        self.tell(record)

    def tell(self, what: Any) -> None:
        """Tell the service; where it is no more there is nobody to be told."""
        with self._turn, contextlib.suppress(ConnectionError):
            self._service.send(what)


class SendingTime:
    """Until when we may send: the service says so again and again, and where it is stopped it says nothing more.

    Attributes
    ----------
    until
        [s, `store.replicated.lease.counting`]
    """

    def __init__(self) -> None:
        self.until = -math.inf

    def lasts(self) -> bool:
        """Whether we may send now."""
        return counting() < self.until


def main() -> None:
    """Do the job that comes over the connection whose number is the one argument."""
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, signal.SIG_IGN)  # they mean the service, which will say so
    with Connection(int(sys.argv[1])) as service:
        voice = Voice(service)
        logging.basicConfig(level=logging.INFO, handlers=[voice])
        job: Job = service.recv()
        stop, time_left = threading.Event(), SendingTime()
        threading.Thread(target=_end_with, args=(service, stop, time_left), daemon=True).start()
        with _alone(job, voice, stop):
            if not stop.is_set():
                send(job, voice, stop, time_left.lasts)


def send(job: Job, voice: Voice, stop: threading.Event, may_send: Callable[[], bool]) -> None:
    """Send until told to stop, while we may."""
    sink = InfluxSink(job.url, job.token, job.org, job.bucket, may_send=may_send)
    with contextlib.closing(InfluxReader(job.url, job.token, job.bucket, timeout=READ_WITHIN_S)) as reader:
        sender = InfluxSender(
            job.database,
            sink,
            job.names,
            time.time_ns,
            crash_points(os.environ, before=(os.getppid(),)),
            SourceRevisions(reader, job.names),
            job.statistics,
            voice.tell,
            may_send,
        )
        with contextlib.closing(sender):
            sender.run(stop)


def _end_with(service: Connection, stop: threading.Event, time_left: SendingTime) -> None:
    """Hear until when we may send; end when the service says so, or is no more."""
    with contextlib.suppress(EOFError, ConnectionError):
        while (until := service.recv()) is not None:
            time_left.until = until
    stop.set()


@contextlib.contextmanager
def _alone(job: Job, voice: Voice, stop: threading.Event) -> Iterator[None]:
    """Wait for what a service that was killed left behind, and say so: a point that it still sends would land upon a newer one."""
    with (job.database.parent / LOCK).open("wb") as file:
        while not _locked(file) and not stop.is_set():
            voice.tell(replace(job.statistics, last_error=WAITS))
            stop.wait(LOOK_S)
        yield


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main()
