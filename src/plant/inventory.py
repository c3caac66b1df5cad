"""Which sources a sum holds: none of scope 3, and nothing that one facility sold to another of the same sum.

References
----------
.. [1] GHG Protocol, Corporate Standard, 2004, chapters 3 and 4: what one facility burns and another buys is scope 1 of
   the one and scope 2 of the other; a sum that holds both counts it once. What is emitted by others along the value chain
   is scope 3, which is told apart.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from plant.arrays import Bools
from plant.park import Source

SCOPE_3 = 3
Territory = Literal["facility", "park", "all"]


def is_counted(sources: Sequence[Source], territory: Territory) -> Bools:
    """Return which sources a sum of tonnes holds that is not of one scope [1]_.

    Parameters
    ----------
    sources
        All sources that a question is about, whatever scope or method its answers are parted by.
    territory
        What is counted once: a facility, each park, or all parks together.

    Returns
    -------
    array of bool, by source
    """
    own = ~is_scope_3(sources)
    return own if territory == "facility" else own & ~is_transfer(sources, by_park=territory == "park")


def counted(sources: Sequence[Source], territory: Territory) -> list[Source]:
    """Return the sources that `is_counted`, in their order."""
    return [one for one, is_in in zip(sources, is_counted(sources, territory), strict=True) if is_in]


def is_scope_3(sources: Sequence[Source]) -> Bools:
    """Return which sources are emitted by others along the value chain."""
    return np.array([one.scope == SCOPE_3 for one in sources], bool)


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
