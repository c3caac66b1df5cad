"""Which machine owns each shard and which stands by: what is placed stays, but for what has no place or is too much for its machine.

A shard weighs the same on both of its machines, for a standby does the owner's work. Ties go by rendezvous hashing of the names, so the
answer depends on nothing but what is asked.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

MOST = 1.10  # times the mean that a machine may have


@dataclass(frozen=True, slots=True)
class Seats:
    """A shard, what it weighs, and the machines of its owner and its standby; None where there is none."""

    shard: str
    weight: float
    owner: str | None = None
    standby: str | None = None

    @property
    def taken(self) -> tuple[str, ...]:
        """The machines that it is on."""
        return tuple(one for one in (self.owner, self.standby) if one is not None)


@dataclass(frozen=True, slots=True)
class Placement:
    """The shards as they are to be, in the order of their names, and why each that changes does, by its name."""

    seats: tuple[Seats, ...]
    why: Mapping[str, tuple[str, ...]]


def loads(seats: Sequence[Seats], machines: Collection[str]) -> dict[str, float]:
    """Return what each machine has, those included that are not among the machines any more."""
    found = dict.fromkeys(machines, 0.0)
    for one in seats:
        for machine in one.taken:
            found[machine] = found.get(machine, 0.0) + one.weight
    return found


def place(present: Sequence[Seats], machines: Collection[str]) -> Placement:
    """Return where shards should be that are somewhere now.

    A seat moves only where its machine is not among the machines, or has more than `MOST` times the mean and another has room. Where
    an owner moves, its standby becomes the owner, and the machine that it moves to stands by.
    """
    planned = _Planned(present, machines)
    planned.leave()
    planned.fill()
    planned.level()
    seats = tuple(planned.seats[name] for name in sorted(planned.seats))
    return Placement(seats, {name: tuple(why) for name, why in sorted(planned.why.items())})


class _Planned:
    """A placement in the making."""

    def __init__(self, present: Sequence[Seats], machines: Collection[str]) -> None:
        self.seats = {one.shard: one for one in sorted(present, key=lambda one: one.shard)}
        self.why: dict[str, list[str]] = {}
        self._machines = sorted(machines)
        self._mean = 2 * sum(one.weight for one in present) / max(1, len(self._machines))

    def leave(self) -> None:
        """Leave the machines that are not there any more; a standby that stays is the owner then."""
        for one in list(self.seats.values()):
            gone = [machine for machine in one.taken if machine not in self._machines]
            for machine in gone:
                self._note(one, f"{machine} is not among the machines any more")
            stays = [machine for machine in one.taken if machine not in gone]
            self._set(one, [*stays, None, None][:2])

    def fill(self) -> None:
        """Give each shard an owner and a standby, the heaviest first."""
        for one in sorted(self.seats.values(), key=lambda one: (-one.weight, one.shard)):
            if one.owner is None and one.shard not in self.why:
                self._note(one, "it is on no machine yet")
            elif one.standby is None and one.shard not in self.why:
                self._note(one, "it has no standby")
            while (now := self.seats[one.shard]).taken != (now.owner, now.standby):
                machine = next(self._with_room(now), None) or self._emptiest(now)
                if machine is None:
                    break
                self._set(now, [*now.taken, machine, None][:2])

    def level(self) -> None:
        """Move seats from machines that have too much to such that have room, as few as can be."""
        while any(self._relieve(machine) for machine in self._heaviest()):
            pass

    def _heaviest(self) -> list[str]:
        """Return the machines that have too much, the fullest first."""
        now = self._loads()
        return sorted(
            (one for one in self._machines if now[one] > self._most), key=lambda one: (-now[one], one)
        )

    def _relieve(self, machine: str) -> bool:
        """Move one seat from a machine, the lightest that is enough, else the heaviest that fits; return whether there was one."""
        excess = self._loads()[machine] - self._most
        here = [one for one in self.seats.values() if machine in one.taken and one.weight > 0]
        movable = [one for one in here if next(self._with_room(one), None) is not None]
        if not movable:
            return False

        def rank(one: Seats) -> tuple[bool, float, bool, str]:
            enough = one.weight >= excess
            return not enough, one.weight if enough else -one.weight, one.owner == machine, one.shard

        chosen = min(movable, key=rank)
        times = self._loads()[machine] / self._mean
        self._note(chosen, f"{machine} has {times:.2f} times the mean, more than {MOST:.2f}")
        stays = [one for one in chosen.taken if one != machine]
        self._set(chosen, [*stays, next(self._with_room(chosen))])
        return True

    def _with_room(self, one: Seats) -> Iterator[str]:
        now = self._loads()
        return (
            machine
            for machine in self._ranked(one.shard)
            if machine not in one.taken and now[machine] + one.weight <= self._most
        )

    def _emptiest(self, one: Seats) -> str | None:
        now = self._loads()
        free = [machine for machine in self._ranked(one.shard) if machine not in one.taken]
        return min(free, key=lambda machine: now[machine], default=None)

    def _ranked(self, shard: str) -> list[str]:
        """Return the machines in the order in which a shard would have them."""
        return sorted(self._machines, key=lambda one: blake2b(f"{shard}/{one}".encode()).digest())

    def _loads(self) -> dict[str, float]:
        return loads(list(self.seats.values()), self._machines)

    @property
    def _most(self) -> float:
        return MOST * self._mean

    def _set(self, one: Seats, taken: Sequence[str | None]) -> None:
        owner, standby = taken
        self.seats[one.shard] = replace(one, owner=owner, standby=standby)

    def _note(self, one: Seats, why: str) -> None:
        self.why.setdefault(one.shard, []).append(why)
