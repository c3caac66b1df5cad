"""Boundaries: what a main meter leaves unallocated, and what a sum over tenants would count twice.

References
----------
.. [1] GHG Protocol, Corporate Standard, 2004, chapters 3 and 4: what one facility burns and another buys is scope 1 of
   the one and scope 2 of the other; a sum that holds both counts it once.
"""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats


@dataclass(frozen=True, slots=True)
class MeterComparison:
    """A main meter against its parts, in its unit; NaN where unknown.

    `imbalance` is None where it cannot be told; `worst` is the place of the least covered, 0 for the main meter.
    """

    parts: float
    unallocated: float
    share: float
    imbalance: bool | None
    worst: int


def compared(amounts: Floats, coverage: Floats, tolerance: float) -> MeterComparison:
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
    MeterComparison
        `imbalance` is None where an amount is unknown, the main amount is not above 0, or more than `tolerance` of
        the period is missing on a meter: so much could hide an imbalance, or feign one.
    """
    main, behind = float(amounts[0]), amounts[1:]
    known = behind[~np.isnan(behind)]
    parts = float(known.sum()) if len(known) else np.nan
    unallocated = main - parts
    share = unallocated / main if main > 0 else np.nan
    told = len(known) == len(behind) and not np.isnan(share) and bool(coverage.min() >= 1 - tolerance)
    return MeterComparison(
        parts=parts,
        unallocated=unallocated,
        share=share,
        imbalance=abs(share) > tolerance if told else None,
        worst=int(np.argmin(coverage)),
    )
