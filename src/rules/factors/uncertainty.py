"""How far a sum may be off: error propagation, approach 1 of the IPCC, over columns of estimates."""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Combined:
    """Per total: tonnes, those among them whose uncertainty is known, and the half-width of these.

    `half_width` is of a 95 % interval around `covered`, NaN where nothing is covered. [t]
    """

    tonnes: Floats
    covered: Floats
    half_width: Floats


def half_width(value: float, low: float, high: float) -> float:
    """Return the half-width of an interval around a value, relative to it: the larger half where they differ.

    NaN where the interval or the value is unknown, and where the value is 0.
    """
    return max(value - low, high - value) / value if value else float("nan")


def combine(tonnes: Floats, total: Ints, count: int, term: Ints, cause: Ints, relative: Floats) -> Combined:
    """Return the uncertainty of totals whose terms are products of uncertain things [1]_.

    A term is an amount of one gas: activity times factor. In a product the relative half-widths add in quadrature,
    `U = sqrt(U_1^2 + ... + U_n^2)`, equation 3.1 of [1]_; in a sum the absolute ones,
    `U = sqrt((U_1 x_1)^2 + ... + (U_n x_n)^2) / |x_1 + ... + x_n|`, equation 3.2. Both hold for independent errors, so
    terms that share a cause are first added up with it: what one factor is wrong by, it is wrong by in every source
    that uses it (fully correlated). Errors of different causes are independent, those of one source's gases share
    its activity. With one cause each for activity and factor this is

    `U_total = sqrt(sum_s (sum_i x_i U_s)^2 + sum_f (sum_i x_i U_f)^2)`.

    Parameters
    ----------
    tonnes
        Of each term; NaN is unknown and counts nowhere. [t]
    total, count
        The number of the total that each term belongs to, and how many totals there are.
    term, cause, relative
        One entry per cause of a term: the term's place, a number per cause, and the relative half-width of its 95 %
        interval, NaN where it is unknown. A term with an unknown cause, or without any, is not covered; it is never
        taken as exact.

    Returns
    -------
    Combined
        Shape (count,) each.

    References
    ----------
    .. [1] IPCC, "2006 Guidelines for National Greenhouse Gas Inventories", volume 1, chapter 3.
    """
    causes_of = np.bincount(term, minlength=len(tonnes))
    known = np.isfinite(tonnes)
    covered = known & (causes_of > 0) & (_sums(np.isnan(relative), term, len(tonnes)) == 0)
    used = covered[term]
    number = int(cause.max(initial=0)) + 1
    keys, place = np.unique(total[term[used]] * number + cause[used], return_inverse=True)
    shared = _sums(tonnes[term[used]] * relative[used], place, len(keys))
    variance = _sums(shared**2, keys // number, count)
    has_any = np.bincount(total[covered], minlength=count) > 0
    return Combined(
        tonnes=_sums(tonnes[known], total[known], count),
        covered=_sums(tonnes[covered], total[covered], count),
        half_width=np.where(has_any, np.sqrt(variance), np.nan),
    )


def _sums(weights: Floats | Bools, number: Ints, count: int) -> Floats:
    """Return the sum of the weights of each number, 0 for one that does not occur."""
    return np.bincount(number, weights=weights, minlength=count).astype(np.float64)
