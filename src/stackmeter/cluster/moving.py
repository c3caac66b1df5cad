"""What people do to bring a shard from where it is to where it should be, so that it always has an owner and loses nothing."""

from collections.abc import Iterator

from stackmeter.cluster.placement import Seats


def steps(before: Seats, after: Seats, file: str, settings: str) -> Iterator[str]:
    """Yield in sentences what is to be done; nothing where both are the same.

    Parameters
    ----------
    file, settings
        The file of shards, and the settings file of the shard as it is called there.
    """
    shard, owner, standby = before.shard, before.owner, before.standby
    if after.owner is None:
        return
    start = (
        f"start a worker of {shard}, with a state directory of its own: stackmeter run --settings {settings}"
    )
    if owner is None:
        for machine in after.taken:
            yield f"on {machine}: {start}; name it in {file}"
        return
    if after.owner not in (owner, standby):
        yield from _replaced(shard, standby, after.owner, start, file)
        standby = after.owner
    if after.owner == owner:
        if after.standby is not None and after.standby != standby:
            yield from _replaced(shard, standby, after.standby, start, file)
        return
    if after.standby is not None:
        yield from _started(shard, after.standby, start, file)
        yield f"on {after.standby}: stop that worker again, so that {after.owner} alone stands by"
    yield f"on {owner}: stop the worker of {shard} in order (SIGTERM), and take it out of {file}; {after.owner} owns the shard at once"
    if after.standby is not None:
        yield f"on {after.standby}: start the worker of {shard} again"


def _replaced(shard: str, standby: str | None, other: str, start: str, file: str) -> Iterator[str]:
    yield from _started(shard, other, start, file)
    if standby is not None:
        yield f"on {standby}: stop the worker of {shard}, and take it out of {file}"


def _started(shard: str, machine: str, start: str, file: str) -> Iterator[str]:
    yield f"on {machine}: {start}; name it in {file}"
    yield f"stackmeter cluster status --shards {file}: wait until {shard} is well and {machine} is 0 messages behind"
