"""What of its own generation each facility of a paper consumed in a year, by the function that answers GET /v1/clean-energy."""

from collections.abc import Iterator

import numpy as np

from api.totals.claims import KWH_PER_MWH
from api.totals.own_generation import own_generation
from plant.park import Facility
from plant.vocabulary import NS_PER_HOUR
from reports.facts import OwnPowerFact
from store.reader import Snapshot
from store.totals.sums import Period


def own_power_facts(
    state: Snapshot, place: tuple[str, str], year: str, of: Period, as_of: int
) -> Iterator[OwnPowerFact]:
    """Yield it of a facility, or of each of a park where the second name is "", until now [ns UTC]; one that says nothing of generation too."""
    park, name = place
    for one in state.plant.facilities:
        if one.park == park and name in ("", one.name):
            yield _fact(state, one, year, of, as_of)


def _fact(state: Snapshot, one: Facility, year: str, of: Period, as_of: int) -> OwnPowerFact:
    place, title = f"{one.park}/{one.name}", one.title or one.name
    until = max(min(of.end, as_of // NS_PER_HOUR * NS_PER_HOUR), of.start)
    clean = one.clean_energy
    if clean is None or clean.generated is None or until == of.start:
        return OwnPowerFact(place, title, year, None, 0, 0)
    found = own_generation(state, clean, np.arange(of.start, until + 1, NS_PER_HOUR, dtype=np.int64))
    consumed = found.self_consumed
    mwh = None if consumed is None else consumed / KWH_PER_MWH
    return OwnPowerFact(place, title, year, mwh, int(found.known.sum()), len(found.known))
