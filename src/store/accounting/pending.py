"""What waits for approval in a month, as a person sees it: tonnes before and after, and a number that names it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from plant.arrays import Floats
from store import blocks
from store.accounting.regulated_hours import MOVING, RegulatedHours

NOTHING_SEEN = -1  # no generation has this number


@dataclass(frozen=True, slots=True)
class PendingChange:
    """What would become of a period's tonnes of CO2e: published, as they would be, and in how many windows or hours."""

    reported_t: float
    current_t: float
    count: int

    @property
    def delta_t(self) -> float:
        """What approval would add to the published number; NaN where either is unknown."""
        return self.current_t - self.reported_t

    def above(self, share: float) -> bool:
        """Whether the change is above a share of the published tonnes; where either is unknown, it is."""
        is_above = math.isnan(self.reported_t) or not abs(self.delta_t) <= share * abs(self.reported_t)
        return self.count > 0 and is_above


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for approval in a period: of the live number, and of the hours that a regulation counts.

    `generation` names it: whoever sees the same numbers waiting sees the same generation, whatever order they came in.
    """

    live: PendingChange
    regulated: PendingChange
    generation: int

    @property
    def waits(self) -> bool:
        """Whether anything does."""
        return self.live.count + self.regulated.count > 0

    def above(self, share: float) -> bool:
        """Whether either change is above a share of its published tonnes."""
        return self.live.above(share) or self.regulated.above(share)


def change(reported_t: float, delta: float, count: int) -> PendingChange:
    """Return a change of published tonnes by `delta`; where nothing is known, they count as 0."""
    return PendingChange(reported_t, (0.0 if math.isnan(reported_t) else reported_t) + delta, count)


def generation(parts: Iterable[str]) -> int:
    """Return the number that names what waits, 0 to 2**32 - 1, from what is said of its parts, in order."""
    return int.from_bytes(blake2b("\n".join(parts).encode(), digest_size=4).digest())


def said_of_hours(name: str, hours: RegulatedHours) -> Iterator[str]:
    """Yield what names each regulated hour that waits.

    A number that moves with every other hour of its year is left out, else nobody could approve what he has seen.
    """
    for row, one in enumerate(hours.unpacked()):
        moves = any(role.rule == MOVING for role in one.roles.values())
        roles = [
            f"{role} {of.measured:.6g} {of.share:.6g} {of.rule} {0 if of.rule == MOVING else of.counted:.6g}"
            for role, of in sorted(one.roles.items())
        ]
        tonnes = 0 if moves else float(hours.co2e_t[row])
        told = f"{hours.status[row]} {tonnes:.6g} {one.operating:.6g} {one.load:.6g}"
        yield f"{name} {hours.hour[row]} {told} {' '.join(roles)}"


def said_of_block(name: str, hour: int, block: Floats) -> str:
    """Return what names an hour of windows that waits: its sums, to six digits, and how many windows are known.

    Another build may compute another last bit; what a person saw is the same all the same.
    """
    fields = block[:, : blocks.REVISION]
    sums = " ".join(f"{one:.6g}" for one in (np.nansum(fields, axis=0) + 0.0).tolist())
    return f"{name} {hour} {np.count_nonzero(~np.isnan(fields))} {sums}"
