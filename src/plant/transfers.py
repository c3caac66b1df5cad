"""Energy that one facility sells to another: what a sum over both would count twice.

References
----------
.. [1] GHG Protocol, Corporate Standard, 2004, chapters 3 and 4: what one facility burns and another buys is scope 1 of
   the one and scope 2 of the other; a sum that holds both counts it once.
"""

from collections.abc import Sequence

import numpy as np

from plant.arrays import Bools
from plant.park import Source


def is_transfer(sources: Sequence[Source], *, by_park: bool) -> Bools:
    """Return whether each source's emissions are counted in the same territory by the facility that sold to it [1]_.

    Parameters
    ----------
    sources
        All sources that a question is about, whatever scope or method its answers are parted by.
    by_park
        True where each park is a territory of its own, False where all together are one.

    Returns
    -------
    array of bool, by source
        True only where the seller's own sources are among them; alone, or beside strangers, a tenant's bought energy
        is nobody else's.
    """
    there = {(one.park, one.facility) for one in sources if not one.sold_by}
    return np.array([_is_sold_within(one, there, by_park=by_park) for one in sources], bool)


def _is_sold_within(source: Source, there: set[tuple[str, str]], *, by_park: bool) -> bool:
    park, _, facility = source.sold_by.rpartition("/")
    return (park, facility) in there and (park == source.park or not by_park)
