"""How each shard of a cluster stands: who owns it, how far its standby is, what waits, and what is wrong."""

from collections.abc import Iterator

from pydantic import BaseModel

from plant.clock import format_time, parse_instant
from plant.vocabulary import NS_PER_S
from stackmeter.cluster.asking import ShardSeen, WorkerSeen
from store.replicated.log_end import LogEnd

BEHIND_S = 30.0  # so far behind the log, a standby would take that much longer to take over


class StandbyTold(BaseModel):
    """A standby.

    Attributes
    ----------
    machine
        Where it is, "" where the file of shards does not say.
    current
        Whether the log had nothing more when it looked last.
    behind_messages, behind_s
        What it lacks of the log: messages of gateways, and from its last step to the log's [s]; None where nobody can say.
    agreed_step
        The last step after which its ledger's head was the owner's; None where none was compared yet.
    """

    machine: str
    url: str
    current: bool
    behind_messages: int | None
    behind_s: float | None
    agreed_step: int | None


class LogTold(BaseModel):
    """The log of a shard: who has its lease (None: nobody), how many messages of gateways it has, its last step."""

    lease: str | None
    messages: int | None
    step: int | None
    step_at: str | None


class ShardReport(BaseModel):
    """A shard.

    Attributes
    ----------
    owner
        The machines of the workers that say that they own it, or their addresses; one, where all is well.
    log
        None where no settings file names one, or it does not answer.
    waits
        What its owner waits for, or works without.
    wrong
        What is wrong, and what to do where that is not plain; empty where nothing is.
    """

    shard: str
    url: str
    owner: list[str]
    standbys: list[StandbyTold]
    log: LogTold | None
    waits: list[str]
    wrong: list[str]


class ClusterTold(BaseModel):
    """All shards, in the order of their names."""

    shards: list[ShardReport]

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not any(one.wrong for one in self.shards)


def told(seen: ShardSeen) -> ShardReport:
    """Return how a shard stands."""
    end = seen.log.end if seen.log else None
    owners = [one for one in seen.workers if one.owner is not None]
    standbys = [_standby(one, end) for one in seen.workers if one.standby is not None]
    return ShardReport(
        shard=seen.shard.name,
        url=seen.shard.url,
        owner=[_where(one) for one in owners],
        standbys=standbys,
        log=_log(seen),
        waits=[what for one in owners if one.owner for what in (*one.owner.reasons, *one.owner.degradations)],
        wrong=list(_wrong(seen, standbys)),
    )


def _where(one: WorkerSeen) -> str:
    return one.worker.machine or one.worker.url


def _standby(one: WorkerSeen, end: LogEnd | None) -> StandbyTold:
    said = one.standby
    if said is None:
        raise ValueError("it does not stand by")
    messages = None if end is None or end.messages is None else max(0, end.messages - said.messages)
    return StandbyTold(
        machine=one.worker.machine,
        url=one.worker.url,
        current=said.current,
        behind_messages=messages,
        behind_s=_seconds(end, said.step, said.step_at),
        agreed_step=said.agreed_step,
    )


def _seconds(end: LogEnd | None, step: int, at: str | None) -> float | None:
    """Return the time from a step to the last one of the log [s]."""
    if end is None or end.step is None or end.at is None:
        return None
    if step >= end.step:
        return 0.0
    return None if at is None else max(0.0, (end.at - parse_instant(at)) / NS_PER_S)


def _log(seen: ShardSeen) -> LogTold | None:
    if seen.log is None or seen.log.trouble:
        return None
    end = seen.log.end or LogEnd(None, None, None)
    at = None if end.at is None else format_time(end.at)
    return LogTold(lease=seen.log.holder or None, messages=end.messages, step=end.step, step_at=at)


def _wrong(seen: ShardSeen, standbys: list[StandbyTold]) -> Iterator[str]:
    owners = [one for one in seen.workers if one.owner is not None]
    if seen.away:
        yield f"not reached at {seen.shard.url}: {seen.away}"
    if seen.log is not None and seen.log.trouble:
        yield f"its log: {seen.log.trouble}"
    elif seen.log is not None and not seen.log.holder:
        yield "nobody has its lease"
    for one in seen.workers:
        yield from _wrong_with(one, seen)
    if not owners and seen.shard.workers and not any(one.is_no_standby for one in seen.workers):
        yield "no worker says that it owns it: nothing is acknowledged until one does"
    if len(owners) > 1:
        yield f"{' and '.join(map(_where, owners))} both say that they own it; the log lets one append, and the other ends"
    if not standbys and (seen.log is not None or seen.shard.workers[1:]):
        yield "nobody stands by: it waits for its owner's machine if that is lost"
    for standby in standbys:
        if standby.behind_s is not None and standby.behind_s > BEHIND_S:
            yield f"the standby on {standby.machine or standby.url} is {standby.behind_s:,.0f} s behind"


def _wrong_with(one: WorkerSeen, seen: ShardSeen) -> Iterator[str]:
    where = f"on {one.worker.machine}" if one.worker.machine else f"at {one.worker.url}"
    if one.away and one.worker.machine:  # else it is said of the shard's address already
        yield f"the worker {where} does not answer: {one.away}"
    if one.owner is not None and not one.owner.ready:
        yield f"the owner {where} is not ready: {'; '.join(one.owner.reasons)}"
    if one.standby is not None and seen.name and one.standby.shard != seen.name:
        yield f"the worker {where} stands by for shard {one.standby.shard} of the log, and the settings say {seen.name}"
    for why in one.troubles:
        yield f"the standby {where} does not take over: {why}"
