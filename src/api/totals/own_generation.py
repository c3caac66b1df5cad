"""What a facility generates itself and does not give away, hour by hour, by the channels that its configuration names."""

from dataclasses import dataclass

import numpy as np

from api.totals.savings import amounts
from plant.arrays import Bools, Floats, Times
from plant.commitments import CleanEnergy, Quantity
from store.reader import Snapshot


@dataclass(frozen=True, slots=True)
class OwnGeneration:
    """What was generated and of that exported, of each hour [kWh]; NaN where unknown."""

    generated: Floats
    exported: Floats

    @property
    def known(self) -> Bools:
        """Of which hours both are known."""
        return np.asarray(~(np.isnan(self.generated) | np.isnan(self.exported)))

    @property
    def self_consumed(self) -> float | None:
        """What of it was consumed here, of the hours that are known [kWh]; None without one."""
        own = (self.generated - self.exported)[self.known]
        return float(own.sum()) if len(own) else None


def own_generation(state: Snapshot, clean: CleanEnergy, edges: Times) -> OwnGeneration:
    """Return the own generation of a facility between edges an hour apart [ns UTC]; what is not metered as exported was not."""
    return OwnGeneration(hours_of(state, clean.generated, edges), hours_of(state, clean.exported, edges))


def hours_of(state: Snapshot, quantity: Quantity | None, edges: Times) -> Floats:
    """Return a channel's hours, 0 of one that there is not [kWh]."""
    return np.zeros(len(edges) - 1) if quantity is None else amounts(state, quantity, edges, "hour")
