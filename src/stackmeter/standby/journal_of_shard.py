"""The journal as the settings want it: here alone, or in a replicated log too; and who owns it."""

import logging
import os
import socket
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from plant.documents.problems import ConfigurationError, Problem
from stackmeter.settings import Settings
from store.messages.journal import Journal, JournalWaits
from store.replicated.journal import ReplicatedJournal
from store.replicated.log_records import OwnerRecord
from store.replicated.servers import look_at

if TYPE_CHECKING:
    from store.replicated.nats_log import NatsLog

PATIENCE_S, RETRY_S = 60.0, 0.5
Made = TypeVar("Made")
EXTRA = "a log takes the extra cluster: pip install 'stackmeter[cluster]'"


log = logging.getLogger(__name__)


class LogUnsafe(Exception):
    """The log would lose what it says it has."""


def open_journal(
    settings: Settings, path: Path, crash: Callable[[str], None], ended: Callable[[Exception], None]
) -> Journal:
    """Return the journal, ours from now on; `ended` is told when it can be ours no longer: Fenced, or LogLost.

    Raises
    ------
    LogUnsafe
        The log's servers do not write before they answer, or are too few.
    StateMismatch
        The log, or what stands in it, is not what the journal here goes with.
    store.messages.journal.JournalWaits
        The log does not answer.
    """
    if not settings.log:
        return Journal(path)
    journal = patiently(lambda: open_replicated(settings, path, crash))
    journal.on_end = ended
    try:
        owner = OwnerRecord(_name(), version("stackmeter"), time.time_ns())
        patiently(lambda: journal.own(owner))
    except BaseException:
        journal.close()
        raise
    return journal


def open_replicated(
    settings: Settings, path: Path, crash: Callable[[str], None] = lambda _point: None
) -> ReplicatedJournal:
    """Return the journal of who owns or follows, as it stands here; raise as `open_journal`."""
    check_servers(settings)
    found = connected(settings)
    try:
        return ReplicatedJournal(path, found, crash)
    except BaseException:
        found.close()
        raise


def check_servers(settings: Settings) -> None:
    """Raise LogUnsafe where the log's servers do not write before they answer, or are too few."""
    servers = look_at(settings.log_monitoring, settings.log_replicas)
    if servers.unsafe:
        raise LogUnsafe(f"the log is refused: {'; '.join([*servers.unsafe, *servers.away])}")


def connected(settings: Settings) -> "NatsLog":
    """Return the log that the settings name; raise ConfigurationError without its client."""
    try:
        from store.replicated.nats_log import NatsLog  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigurationError([Problem("settings", 0, "log", EXTRA)]) from None
    return NatsLog(settings.log_servers, settings.shard, settings.log_replicas)


def patiently(work: Callable[[], Made]) -> Made:
    """Do some work, again for a while where the log does not answer: it may have lost a server together with the owner before."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return work()
        except JournalWaits as error:
            if time.monotonic() > until:
                raise
            log.warning("%s; it is asked again", error)
            time.sleep(RETRY_S)


def _name() -> str:
    """Return what no other process is called."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex}"
