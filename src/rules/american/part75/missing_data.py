"""Subpart D: what stands for an hour that a monitor of a stack missed.

Columns are consecutive clock hours of one monitor. A gap is a run of operating hours without a quality-assured value;
hours in which the unit did not run neither count in it nor end it. Its length decides the rule, so nothing stands in a
gap that is still open: until it closes, its hours are NaN and marked `Rule.OPEN`.

References
----------
.. [1] 40 CFR 75.31 to 75.37: tiers, periods, and where low is worse (V); the rounding of the mean before and after (V2).
.. [2] 40 CFR 75.31(c), 75.33(c) and appendix C, section 2, from memory (M): a look-back counts the hours of the load
   range, and a range without any borrows from the next higher one that has some.
.. [3] 40 CFR 75.32, equations 8 and 9, from memory (M).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from plant.arrays import Bools, Floats, Ints
from rules.american.part75.look_back import THREE_YEARS, LookBacks, Percentile, looked_back, seen_before
from rules.american.part75.reporting import rounded
from rules.american.substitution import NO_RANGE, Rule, Substituted, at, measured_or, neighbours

AVAILABILITY_HOURS = 8760  # operating hours over which availability is counted
TIER_SLACK = 1e-9  # relative: the tiers are inclusive by this much
LOOKING_BACK = (Rule.MEAN, Rule.PERCENTILE_90, Rule.PERCENTILE_95, Rule.EXTREME)


@dataclass(frozen=True, slots=True)
class Procedure:
    """How one quantity is substituted.

    `look_back` is also how long the initial procedure holds [quality-assured h]. `low_is_worse` turns percentiles and
    extremes round. `decimals`, those of the reported value, round the mean of before and after. `initial` and `standard`
    are the paragraphs of 40 CFR.
    """

    look_back: int
    by_load: bool
    low_is_worse: bool
    decimals: int
    initial: str
    standard: str


def _by_value(standard: str, *, low_is_worse: bool = False) -> Procedure:
    return Procedure(720, False, low_is_worse, 1, "75.31(b)", standard)


def _by_load(decimals: int) -> Procedure:
    return Procedure(2160, True, False, decimals, "75.31(c)", "75.33(c)")


PROCEDURES: Mapping[str, Procedure] = {
    "so2": _by_value("75.33(b)"),
    "co2": _by_value("75.35(d)"),
    "o2": _by_value("75.36(d)", low_is_worse=True),
    "moisture": _by_value("75.37(d)(1)", low_is_worse=True),
    "moisture-nox-rate": _by_value("75.37(d)(2)"),  # 19-3, 19-4 and 19-8: more moisture is more NOx
    "flow": _by_load(-3),
    "nox-concentration": _by_load(1),
    "nox-rate": _by_load(3),
}


@dataclass(frozen=True, slots=True)
class _Missing:
    """The missing hours of closed gaps, columns of one length; clock hours are rows of the record."""

    hour: Ints
    begins: Ints  # clock hour of the gap's first
    length: Ints  # [operating h]
    mean: Floats  # of the values before and after, NaN where none was before
    seen: Ints  # quality-assured hours before the gap


def monitor_availability(known: Bools, operating: Bools) -> Floats:
    """Return the percent monitor data availability at each hour, equations 8 and 9 [3]_.

    `100 quality-assured operating hours / operating hours`, over the latest 8,760 operating hours up to and with the hour
    itself, none more than 26,280 clock hours back; over all there are while there are fewer.

    Parameters
    ----------
    known, operating
        Whether the hour has a quality-assured value, and whether the unit ran, shape (hours,). The record begins at
        certification, or three years before the hours of interest.

    Returns
    -------
    Floats
        Unrounded; NaN before the first operating hour. [%]
    """
    ran = np.append(0, np.cumsum(operating))
    good = np.append(0, np.cumsum(operating & known))
    now = np.arange(1, len(ran))
    begin = np.searchsorted(ran, ran[now] - AVAILABILITY_HOURS, side="left")
    begin = np.maximum(begin, now - THREE_YEARS)
    hours = ran[now] - ran[begin]
    return np.where(hours > 0, 100 * (good[now] - good[begin]) / np.maximum(hours, 1), np.nan)


def substitute(
    value: Floats,
    operating: Bools,
    procedure: Procedure,
    potential: float,
    *,
    load_range: Ints | None = None,
    availability: Floats | None = None,
    earlier: int = 0,
    percentile: Percentile = Percentile.RANK,
) -> Substituted:
    """Substitute missing hours, initially by 75.31 and then by 75.33, 75.35, 75.36 or 75.37 [1]_, [2]_.

    Parameters
    ----------
    value
        Hourly values, NaN where the hour is not quality-assured, shape (hours,). As reported and adjusted for bias, if a
        report is to be recomputed. The record begins at certification, or three years before the first gap of interest.
    operating
        Whether the unit burned fuel in the hour, shape (hours,).
    procedure
        One of `PROCEDURES`.
    potential
        Maximum potential value of the monitoring plan; the minimum one where low is worse. [unit of `value`]
    load_range
        Of each hour, 1 to 10, shape (hours,); None where all loads are one range.
    availability
        Percent monitor data availability of each hour, shape (hours,); None: `monitor_availability` of this record. Each
        hour of a gap has the tier of its own availability: from 95, 90 and 80 on, and below. [%]
    earlier
        Quality-assured hours between certification and the begin of the record. [h]
    percentile
        The rule defines none, so it is a choice. RANK is the default: its result was measured, and EPA's percentile of
        drinking water samples is one of rank (40 CFR 141.80(c)(3), V2).

    Returns
    -------
    Substituted
        Shape (hours,). [unit of `value`]
    """
    known = operating & ~np.isnan(value)
    missing = _missing(value, known, operating)
    share = monitor_availability(known, operating) if availability is None else availability
    ranges = load_range if procedure.by_load and load_range is not None else np.zeros(len(value), np.int64)
    measured = _Measured(value, known, ranges, procedure, percentile)
    wanted = _rules(missing, share[missing.hour], procedure, earlier)
    taken = measured.ranges_for(missing)
    made = _made(wanted, measured.looked_back(missing, wanted, taken), missing.mean, procedure)
    potentially = np.isnan(made)
    result = Substituted(
        np.where(known, value, np.nan),
        measured_or(Rule.OPEN, known, operating),
        np.full(len(value), NO_RANGE),
    )
    result.value[missing.hour] = np.where(potentially, potential, made)
    result.rule[missing.hour] = np.where(potentially, Rule.POTENTIAL, wanted)
    result.load_range[missing.hour] = np.where(np.isin(wanted, LOOKING_BACK) & ~potentially, taken, NO_RANGE)
    return result


@dataclass(frozen=True, slots=True)
class _Measured:
    """What there is to look back at: the known hours of a record, by load range."""

    value: Floats
    known: Bools
    ranges: Ints
    procedure: Procedure
    percentile: Percentile

    def ranges_for(self, missing: _Missing) -> Ints:
        """Return the load range to look back at for each hour: its own, or the next higher one with data [2]_."""
        wanted = self.ranges[missing.hour]
        taken = np.full(len(wanted), NO_RANGE)
        for number in sorted(set(self.ranges[self.known].tolist()), reverse=True):
            first, stop = seen_before(self._hours(number), missing.begins, self.procedure.look_back)
            taken = np.where((wanted <= number) & (stop > first), number, taken)
        return taken

    def looked_back(self, missing: _Missing, rule: Ints, taken: Ints) -> Floats:
        """Return what the rule of each hour finds in its load range; NaN where it finds nothing or does not look."""
        found = np.full(len(rule), np.nan)
        for one in LOOKING_BACK:
            for number in sorted(set(taken[rule == one].tolist()) - {NO_RANGE}):
                rows = (rule == one) & (taken == number)
                hour = self._hours(number)
                found[rows] = looked_back(
                    self.value[hour],
                    hour,
                    missing.begins[rows],
                    self.procedure.look_back,
                    partial(self._statistic, one),
                )
        return found

    def _hours(self, number: int) -> Ints:
        return np.flatnonzero(self.known & (self.ranges == number))

    def _statistic(self, rule: Rule, found: LookBacks) -> Floats:
        low = self.procedure.low_is_worse
        if rule is Rule.MEAN:
            return found.mean()
        if rule is Rule.EXTREME:
            return found.lowest() if low else found.highest()
        percent = 90 if rule is Rule.PERCENTILE_90 else 95
        return found.percentile(100 - percent if low else percent, self.percentile)


def _missing(value: Floats, known: Bools, operating: Bools) -> _Missing:
    """Return the missing hours of all closed gaps."""
    hour = np.flatnonzero(operating)
    before, after = neighbours(known[hour])
    rows = np.flatnonzero(~known[hour] & (after < len(hour)))
    before, after = before[rows], after[rows]
    measured = value[hour]
    return _Missing(
        hour=hour[rows],
        begins=hour[before + 1],
        length=after - before - 1,
        mean=(at(measured, before) + at(measured, after)) / 2,
        seen=np.cumsum(known[hour], dtype=np.int64)[rows],
    )


def _rules(missing: _Missing, availability: Floats, procedure: Procedure, earlier: int) -> Ints:
    """Return which rule makes each missing hour, if there is data for it."""
    short = Rule.MEAN if procedure.by_load else Rule.BEFORE_AFTER
    initial = (missing.seen + earlier < procedure.look_back) & (missing.begins < THREE_YEARS)
    share = availability * (1 + TIER_SLACK)
    return np.select(
        [initial, share >= 95, share >= 90, share >= 80],
        [
            np.full(len(initial), short),
            np.where(missing.length <= 24, short, Rule.PERCENTILE_90),
            np.where(missing.length <= 8, short, Rule.PERCENTILE_95),
            np.full(len(initial), Rule.EXTREME),
        ],
        Rule.POTENTIAL,
    ).astype(np.int64)


def _made(rule: Ints, looked: Floats, mean: Floats, procedure: Procedure) -> Floats:
    """Return each missing hour's value, NaN where its rule has no data or is the potential value itself."""
    reported = rounded(mean, procedure.decimals)
    worse = np.fmin(looked, reported) if procedure.low_is_worse else np.fmax(looked, reported)
    compared = np.isin(rule, (Rule.PERCENTILE_90, Rule.PERCENTILE_95)) & ~np.isnan(looked)
    return np.where(rule == Rule.BEFORE_AFTER, reported, np.where(compared, worse, looked))
