"""What stands for a value that was not measured, and by which rule: the EU's MRR.

Part 75 has many rules; they are in `rules.american.part75.missing_data`. Every result says which one made it.

References
----------
.. [1] Commission Implementing Regulation (EU) 2018/2066, article 45(3) and annex VIII, equation 4.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from plant.arrays import Bools, Floats, Ints

NO_RANGE = -1


class Rule(IntEnum):
    """What made a value."""

    MEASURED = 0
    NOT_OPERATING = 1
    OPEN = 2  # unknown as yet: the gap has not closed, or the period has too few values
    BEFORE_AFTER = 3  # mean of the values before and after the gap
    MEAN = 4  # of the look-back in the load range
    PERCENTILE_90 = 5  # or the mean of before and after, whichever is worse; the 10th where low is worse
    PERCENTILE_95 = 6  # likewise; the 5th where low is worse
    EXTREME = 7  # of the look-back: the maximum, or the minimum where low is worse
    POTENTIAL = 8  # the extreme that the monitoring plan states
    MRR_EQUATION_4 = 9  # mean plus twice the standard deviation
    AFTER = 10  # the first value after, where there is none before
    BEFORE = 11  # the last value before, where none came after within the year
    STATED = 12  # by a mass or energy balance that the configuration states, MRR article 45(4)
    NOTHING = 13  # the gap has closed, and no rule gives a value


@dataclass(frozen=True, slots=True)
class Substituted:
    """Values with the gaps filled, and the `Rule` that made each; columns of one length.

    `load_range` is the range whose hours were looked at, -1 where none was. What is still unknown is NaN.
    """

    value: Floats
    rule: Ints
    load_range: Ints


def mrr(
    value: Floats, operating: Bools, *, representative: Bools | None = None, ddof: int = 1
) -> Substituted:
    """Substitute missing concentrations by the MRR: mean plus twice the standard deviation, equation 4 [1]_.

    Parameters
    ----------
    value
        Hourly concentrations of a reporting period, NaN where the hour is not valid, shape (hours,). Flow and other
        parameters are substituted by a mass or energy balance, not by this.
    operating
        Whether the source emitted in the hour, shape (hours,).
    representative
        Hours that mean and deviation are taken over, where the authority agreed to others than the whole period.
    ddof
        1 for the deviation of a sample, 0 for that of a population; the regulation does not say which.

    Returns
    -------
    Substituted
        Shape (hours,); missing hours stay NaN where not more than `ddof` hours are valid. [unit of `value`]
    """
    known = operating & ~np.isnan(value)
    among = value[known if representative is None else known & representative]
    stand_in = among.mean() + 2 * among.std(ddof=ddof) if len(among) > ddof else np.nan
    rule = measured_or(Rule.OPEN if np.isnan(stand_in) else Rule.MRR_EQUATION_4, known, operating)
    filled = np.where(known, value, np.where(operating, stand_in, np.nan))
    return Substituted(filled, rule, np.full(len(value), NO_RANGE))


def measured_or(otherwise: Rule, known: Bools, operating: Bools) -> Ints:
    """Return the rule of hours before anything is substituted: measured, not operating, or `otherwise`."""
    return np.select([known, ~operating], [Rule.MEASURED, Rule.NOT_OPERATING], otherwise).astype(np.int64)


def neighbours(known: Bools) -> tuple[Ints, Ints]:
    """Return the rows of the last known value up to each row, and of the first from it on; -1 and the length for none."""
    rows = np.arange(len(known))
    before = np.maximum.accumulate(np.where(known, rows, -1))
    after = np.minimum.accumulate(np.where(known, rows, len(known))[::-1])[::-1]
    return before, after


def at(value: Floats, row: Ints) -> Floats:
    """Return the values at rows that `neighbours` found, NaN where there is none."""
    return np.append(value, np.nan)[row]
