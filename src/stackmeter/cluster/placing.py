"""Puts together what stackmeter place tells: where shards are, where they should be, why, and what to do for it. It does nothing."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from plant.shards.shards_file import Shards
from stackmeter.cluster.asking import ShardSeen
from stackmeter.cluster.kinds import WeighedBy
from stackmeter.cluster.moving import steps
from stackmeter.cluster.placement import MOST, Seats, loads, place
from stackmeter.cluster.weighing import ShardWeight


class MachineTold(BaseModel):
    """A machine, and what its shards weigh now and then, in parts of the mean; None where a shard's weight is unknown."""

    machine: str
    now: float | None
    then: float | None


class PlacedTold(BaseModel):
    """A shard: what it weighs, its machines now and then, why it moves, and what to do for it, step by step."""

    shard: str
    weight: ShardWeight
    owner: str | None
    standby: str | None
    owner_then: str | None
    standby_then: str | None
    why: list[str]
    steps: list[str]


class PlacementTold(BaseModel):
    """A placement.

    Attributes
    ----------
    by
        By what shards are weighed.
    most
        What a machine may have, in parts of the mean.
    unknown
        Why nothing can be proposed, in sentences; then all stays where it is.
    """

    by: WeighedBy
    most: float
    machines: list[MachineTold]
    shards: list[PlacedTold]
    unknown: list[str]

    @property
    def is_whole(self) -> bool:
        """Whether it could be proposed, and each shard then has an owner and a standby."""
        return not self.unknown and all(one.owner_then and one.standby_then for one in self.shards)


def proposed(
    found: Shards, seen: Sequence[ShardSeen], weights: Sequence[ShardWeight], by: WeighedBy, file: str
) -> PlacementTold:
    """Return where shards should be; `seen` and `weights` are of the shards, in their order, and `file` names them."""
    unknown = list(_unknown(found, seen, weights, by))
    present = [_seats(one, weight.by(by) or 0.0) for one, weight in zip(seen, weights, strict=True)]
    placement = place(present, found.machines)
    then = present if unknown else placement.seats
    why = {} if unknown else placement.why
    told = [
        PlacedTold(
            shard=before.shard,
            weight=weight,
            owner=before.owner,
            standby=before.standby,
            owner_then=after.owner,
            standby_then=after.standby,
            why=list(why.get(before.shard, ())),
            steps=list(steps(before, after, file, _settings(one))),
        )
        for one, weight, before, after in zip(seen, weights, present, then, strict=True)
    ]
    machines = _machines(present, then, found.machines, is_known=not unknown)
    return PlacementTold(by=by, most=MOST, machines=machines, shards=told, unknown=unknown)


def _unknown(
    found: Shards, seen: Sequence[ShardSeen], weights: Sequence[ShardWeight], by: WeighedBy
) -> Iterator[str]:
    if not found.machines:
        yield "the file names no machines: name them with machines, or the workers of each shard"
    for one, weight in zip(seen, weights, strict=True):
        if weight.by(by) is None:
            yield f"nobody can say what {one.shard.name} weighs by {by.value}: {weight.away or 'its service does not know it yet'}"
        if len(one.workers) > 2:
            yield f"{one.shard.name} has three workers, so a move is under way: end it, and take the one that stopped out of the file"


def _seats(seen: ShardSeen, weight: float) -> Seats:
    """Return where a shard is: its owner is the worker that says so, else the first in the file. One that is dead stays where it is."""
    named = [one for one in seen.workers if one.worker.machine]
    ordered = sorted(named, key=lambda one: one.owner is None)
    owner, standby = [*(one.worker.machine for one in ordered), None, None][:2]
    return Seats(seen.shard.name, weight, owner, standby)


def _settings(seen: ShardSeen) -> str:
    return seen.shard.settings.name if seen.shard.settings is not None else f"{seen.shard.name}.toml"


def _machines(
    now: Sequence[Seats], then: Sequence[Seats], machines: Sequence[str], *, is_known: bool
) -> list[MachineTold]:
    before, after = loads(now, machines), loads(then, machines)
    mean = 2 * sum(one.weight for one in now) / max(1, len(machines))

    def share(load: float) -> float | None:
        return load / mean if is_known and mean > 0 else None

    return [
        MachineTold(machine=one, now=share(before.get(one, 0.0)), then=share(after.get(one, 0.0)))
        for one in sorted({*before, *after})
    ]
