"""Boundaries: what a main meter leaves unallocated, and what a sum over tenants would count twice.

References
----------
.. [1] GHG Protocol, Corporate Standard, 2004, chapters 3 and 4: what one facility burns and another buys is scope 1 of
   the one and scope 2 of the other; a sum that holds both counts it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats
from plant.park import Source


@dataclass(frozen=True, slots=True)
class Comparison:
    """A main meter against its parts, in its unit; NaN where unknown.

    `imbalance` is None where it cannot be told; `worst` is the place of the least covered, 0 for the main meter.
    """

    parts: float
    unallocated: float
    share: float
    imbalance: bool | None
    worst: int


def compared(amounts: Floats, coverage: Floats, tolerance: float) -> Comparison:
    """Compare a main meter with the meters behind it.

    Parameters
    ----------
    amounts
        Of the main meter and then of its parts, in one unit; NaN where nothing is known.
    coverage
        The known share of the period of each, 0 to 1.
    tolerance
        The share of the main amount that may stay unallocated, more or less.

    Returns
    -------
    Comparison
        `imbalance` is None where an amount is unknown, the main amount is not above 0, or more than `tolerance` of
        the period is missing on a meter: so much could hide an imbalance, or feign one.
    """
    main, behind = float(amounts[0]), amounts[1:]
    known = behind[~np.isnan(behind)]
    parts = float(known.sum()) if len(known) else np.nan
    unallocated = main - parts
    share = unallocated / main if main > 0 else np.nan
    told = len(known) == len(behind) and not np.isnan(share) and bool(coverage.min() >= 1 - tolerance)
    return Comparison(
        parts=parts,
        unallocated=unallocated,
        share=share,
        imbalance=abs(share) > tolerance if told else None,
        worst=int(np.argmin(coverage)),
    )


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
