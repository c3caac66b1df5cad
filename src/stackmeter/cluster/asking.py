"""Asks the shards of a cluster how they stand: each worker, the log where the settings name one, and where people are sent."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat

import httpx

from api.models import ReadyBody
from plant.shards.shards_file import Shard, Worker
from stackmeter.client.answers import QuestionRefused, TokenRefused, Unreachable, Unready
from stackmeter.client.calls import Client
from stackmeter.front.standing import trouble
from stackmeter.settings import Settings, load_file
from stackmeter.standby.journal_of_shard import connected
from stackmeter.standby.worker_body import StandbyBody
from store.messages.journal import JournalWaits
from store.replicated.lease import FREE
from store.replicated.log_end import LogEnd, end_of
from store.replicated.log_records import RecordUnreadable
from store.sqlite import StateMismatch

AT_ONCE = 16  # shards that are asked at a time
UNANSWERED = (Unreachable, TokenRefused, Unready, QuestionRefused)


@dataclass(frozen=True, slots=True)
class LogSeen:
    """What the log of a shard says.

    Attributes
    ----------
    holder
        Who has the lease; "" for nobody.
    end
        How far it goes; None where there is no stream yet.
    trouble
        Why it cannot be asked, "" where it was.
    """

    holder: str = ""
    end: LogEnd | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """What a worker says.

    Attributes
    ----------
    owner
        Whether it can do its work, where it owns the shard.
    standby
        How far it is, where it stands by.
    troubles
        Why a standby may not take over.
    away
        Why it does not answer, "" where it does.
    is_no_standby
        Of one that is away: that it wants a key, which a standby does not.
    """

    worker: Worker
    owner: ReadyBody | None = None
    standby: StandbyBody | None = None
    troubles: tuple[str, ...] = ()
    away: str = ""
    is_no_standby: bool = False


@dataclass(frozen=True, slots=True)
class ShardSeen:
    """How a shard was found.

    Attributes
    ----------
    away
        Why people do not reach it at its address, "" where they do.
    name
        Its name in the log; "" where no settings say it.
    log
        None where no settings say that it has one.
    """

    shard: Shard
    away: str
    name: str
    log: LogSeen | None
    workers: tuple[WorkerSeen, ...]

    @property
    def owners_url(self) -> str:
        """Where the owner answers; the shard's address where nobody says that it is the owner."""
        return next((one.worker.url for one in self.workers if one.owner is not None), self.shard.url)


def ask(shards: Sequence[Shard], environment: Mapping[str, str]) -> list[ShardSeen]:
    """Ask all shards, in their order; the keys are in the environment.

    Raises
    ------
    ConfigurationError
        A settings file cannot be used, or the client of a log is missing.
    """
    settings = [None if shard.settings is None else load_file(shard.settings) for shard in shards]
    with ThreadPoolExecutor(AT_ONCE, "cluster") as pool:
        return list(pool.map(_asked, shards, settings, repeat(environment)))


def _asked(shard: Shard, settings: Settings | None, environment: Mapping[str, str]) -> ShardSeen:
    # The log first: whoever follows may be further by then.
    name, log = (settings.shard, _log(settings)) if settings is not None and settings.log else ("", None)
    key = key_of(shard, environment)
    workers = tuple(_worker(one, shard, key) for one in shard.workers or (Worker("", shard.url),))
    away = asyncio.run(_trouble(shard, environment))
    return ShardSeen(shard, away, name, log, workers)


def key_of(shard: Shard, environment: Mapping[str, str]) -> str:
    """Return the viewer's key of a shard, "" where there is none."""
    return environment.get(shard.key_env, "") if shard.key_env else ""


async def _trouble(shard: Shard, environment: Mapping[str, str]) -> str:
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as client:
        return await trouble(client, shard, environment)


def _worker(worker: Worker, shard: Shard, key: str) -> WorkerSeen:
    try:
        with Client(worker.url, key) as client:
            said = client.worker()
    except TokenRefused:
        why = (
            f"it does not take the key in {shard.key_env}" if key else "it wants a viewer's key: see key_env"
        )
        return WorkerSeen(worker, away=why, is_no_standby=True)
    except UNANSWERED as error:
        return WorkerSeen(worker, away=str(error))
    if said.standby is None:
        return WorkerSeen(worker, owner=said)
    return WorkerSeen(worker, standby=said.standby, troubles=tuple(said.reasons[1:]))


def _log(settings: Settings) -> LogSeen:
    try:
        with closing(connected(settings)) as log:
            lease = log.lease()
            holder = FREE if lease is None else lease.holder
            return LogSeen(holder.decode(errors="replace"), end_of(log))
    except (JournalWaits, StateMismatch, RecordUnreadable) as error:
        return LogSeen(trouble=str(error))
