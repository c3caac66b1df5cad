"""Hours that count under a regulation: from window values to valid hours, and what stands for those that are not.

Everything here is a function of all the hours of one source, so that it cannot matter in which order they became known.

References
----------
.. [1] Commission Implementing Regulation (EU) 2018/2066, article 44 (80 % of an hour), article 45(3) and annex VIII,
   equation 4 (concentration), article 45(4) (other parameters).
.. [2] 40 CFR 75.10(d)(1) (quadrants), 75.31 to 75.37 (substitution), appendix C, section 2 (load ranges, from memory, M).
.. [3] 40 CFR 75.24 (out of control) and appendix A, section 7.6, equation A-11 (bias), both from memory, M. Of the roles
   here only flow has a bias factor; SO2 and NOx have one too, CO2 and moisture none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from plant.arrays import Bools, Floats, Ints, Times
from plant.configuration.regulations import CONCENTRATION, FLOW, MRR
from plant.park import Regulation
from plant.vocabulary import NS_PER_HOUR
from rules.american.part75.missing_data import PROCEDURES, Procedure, substitute
from rules.american.substitution import NO_RANGE, Rule, Substituted, measured_or, mrr, neighbours
from rules.hours import QUADRANT, QUADRANTS, SHARE_SLACK, by_quadrants

LOAD_RANGES = 10
LEAST_SHARE = 0.8  # of the readings that an hour could have, by article 44
LIMIT_SLACK = 1e-9  # relative: a mean may end a last bit beyond the number it is the mean of
EXACT = 9  # decimals: EPA rounds a flow to 1,000 scfh, which means nothing in Nm3/h


class Status(IntEnum):
    """How an hour of a source counts."""

    VALID = 0  # every input is
    SUBSTITUTED = 1  # the rule gave a value for every input that was not
    PENDING = 2  # the gap is still open
    UNKNOWN = 3  # the gap has closed, and the rule has no value
    NOT_OPERATING = 4  # the unit did not run: nothing was emitted


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of consecutive hours, shape (hours, windows of an hour); `inside` is False where an hour is shorter."""

    inside: Bools
    running: Bools  # and inside; the unit ran, or nothing says that it did not
    length: int  # ns

    @property
    def operating_hours(self) -> Floats:
        """How long the unit ran in each hour, shape (hours,); [h]."""
        hours: Floats = self.running.sum(axis=1) * (self.length / NS_PER_HOUR)
        return hours


@dataclass(frozen=True, slots=True)
class Means:
    """An input over each hour, shape (hours,): level or rate per hour while the unit ran, and the share of that time known."""

    value: Floats
    share: Floats


@dataclass(frozen=True, slots=True)
class HourlyRecord:
    """Consecutive clock hours of one source, columns of one length.

    `value` is by role, `adjusted`: NaN where the hour is not valid; amounts are per hour of operation. `load` is NaN where nobody
    knows it. `period` numbers the reporting period (the local year) of each hour.
    """

    value: Mapping[str, Floats]
    operating: Bools
    load: Floats
    period: Ints


def running(inside: Bools, load: Floats, above: float) -> Bools:
    """Return the windows in which the unit ran: its load is above a limit, or unknown."""
    return inside & ~(load <= above + abs(above) * LIMIT_SLACK)


def means(value: Floats, coverage: Floats, windows: Windows, *, level: bool) -> Means:
    """Return an input's mean over each hour while the unit ran.

    Parameters
    ----------
    value
        Of each window: a level's mean, or the amount of its covered part; NaN where unknown, shape (hours, windows).
    coverage
        Of each window, 0 to 1.
    windows
        The windows themselves.
    level
        Whether the input is a level; else the result is per hour, `amount / covered time`.
    """
    known = windows.running & ~np.isnan(value) & (coverage > 0)
    covered = np.where(known, coverage, 0.0).sum(axis=1)
    weight = coverage if level else np.ones_like(coverage)
    total = np.where(known, value * weight, 0.0).sum(axis=1)
    time = covered if level else covered * (windows.length / NS_PER_HOUR)
    ran = windows.running.sum(axis=1)
    mean = np.where(covered > 0, total / np.where(covered > 0, time, 1.0), np.nan)
    return Means(mean, np.where(ran > 0, covered / np.maximum(ran, 1), 0.0))


def share_of_readings(hour: Ints, window: Ints, windows: Windows, cadence: int) -> Floats:
    """Return the readings of each hour as a share of those that its operating time could have had [1]_.

    Parameters
    ----------
    hour, window
        Row and column of each counting reading among the windows.
    windows
        The windows themselves.
    cadence
        Time between readings. [ns]
    """
    ran = windows.running[hour, window]
    readings = np.bincount(hour[ran], minlength=len(windows.running))
    possible = windows.running.sum(axis=1) * (windows.length / cadence)
    return np.where(possible > 0, readings / np.where(possible > 0, possible, 1.0), 0.0)


def enough(share: Floats) -> Bools:
    """Return where a mean stands for the hour by article 44: at least 80 %, inclusive [1]_."""
    return share >= LEAST_SHARE * (1 - SHARE_SLACK)


def quadrants_seen(time: Times, calibrating: Times, windows: Windows) -> Bools:
    """Return the hours with a reading in each quadrant in which the unit ran [2]_; see `rules.hours.by_quadrants`.

    Parameters
    ----------
    time, calibrating
        Of counting readings, and of readings that were calibrations: hour's row times an hour, plus the time since the
        hour began. [ns]
    windows
        The windows themselves.
    """
    count, per_hour = windows.running.shape
    burned = np.zeros((count, QUADRANTS), bool)
    for quadrant in range(QUADRANTS):
        first = quadrant * QUADRANT // windows.length
        stop = min(-(-(quadrant + 1) * QUADRANT // windows.length), per_hour)
        burned[:, quadrant] = windows.running[:, first:stop].any(axis=1)
    maintained = np.bincount(calibrating // NS_PER_HOUR, minlength=count) > 0
    return by_quadrants(time, combusting=burned, maintenance=maintained)


def adjusted(
    regulation: Regulation, start: Times, end: Times, value: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Return hourly values without those of monitors out of control, and with the flow adjusted for bias [3]_.

    Parameters
    ----------
    regulation
        With the stretches out of control, and the factors of bias.
    start, end
        Of each hour. [ns UTC]
    value
        By role, NaN where the hour has too few readings, shape (hours,).

    Returns
    -------
    dict
        By role: NaN where the hour is not valid; an hour is not if a stretch out of control touches it. A flow has the
        factor that is in force when the hour begins. [units of `value`]
    """
    factor = np.append(1.0, [one.factor for one in regulation.bias])
    in_force = factor[np.searchsorted([one.start for one in regulation.bias], start, side="right")]
    found = {role: column * in_force if role == FLOW else column.copy() for role, column in value.items()}
    for stretch in regulation.out_of_control:
        touched = (start < stretch.end) & (end > stretch.start)
        for role, column in found.items():
            if stretch.role in {"", role}:
                column[touched] = np.nan
    return found


def substituted(regulation: Regulation, record: HourlyRecord) -> dict[str, Substituted]:
    """Return, by role, the values that count: the valid ones, and by the rule what stands for the others [1]_, [2]_.

    A gap that no valid hour has closed is open: its hours are NaN and marked `Rule.OPEN`.
    """
    stated = dict(regulation.substitute)
    if regulation.rule == MRR:
        return {
            role: _by_mrr(role, value, record, stated.get(role, np.nan))
            for role, value in record.value.items()
        }
    ranges = load_ranges(record.load, regulation.load_maximum)
    return {
        role: substitute(
            value, record.operating, _procedure(role, regulation), stated[role], load_range=ranges
        )
        for role, value in record.value.items()
    }


def load_ranges(load: Floats, maximum: float) -> Ints | None:
    """Return the load range of each hour, ten equal ones up to the maximum load [2]_; None where there is no maximum.

    A range has its upper bound. A load above the maximum, and one that nobody knows, are in the tenth: flow rises with
    load, so that the result errs high.
    """
    if np.isnan(maximum):
        return None
    place = np.ceil(load / maximum * LOAD_RANGES * (1 - LIMIT_SLACK))
    return np.clip(np.where(np.isnan(place), LOAD_RANGES, place), 1, LOAD_RANGES).astype(np.int64)


def statuses(by_role: Mapping[str, Substituted], operating: Bools) -> Ints:
    """Return the `Status` of each hour: that of the input that is known worst."""
    rules = np.stack([one.rule for one in by_role.values()])
    is_not_operating = ~operating
    conditions = [is_not_operating, *((rules == r).any(axis=0) for r in (Rule.NOTHING, Rule.OPEN))]
    conditions.append((rules != Rule.MEASURED).any(axis=0))
    words = [Status.NOT_OPERATING, Status.UNKNOWN, Status.PENDING, Status.SUBSTITUTED]
    return np.select(conditions, [int(word) for word in words], int(Status.VALID)).astype(np.int64)


def _by_mrr(role: str, value: Floats, record: HourlyRecord, stated: float) -> Substituted:
    known = record.operating & ~np.isnan(value)
    missing = record.operating & ~known & _closed(known, record.operating)
    filled = np.where(known, value, np.nan)
    rule = measured_or(Rule.OPEN, known, record.operating)
    if role != CONCENTRATION:
        filled[missing] = stated
        rule[missing] = Rule.NOTHING if np.isnan(stated) else Rule.STATED
        return Substituted(filled, rule, np.full(len(value), NO_RANGE))
    for period in np.unique(record.period[missing]).tolist():
        inside = record.period == period
        by_equation = mrr(value[inside], record.operating[inside])
        rows = missing[inside]
        filled[inside & missing] = by_equation.value[rows]
        rule[inside & missing] = by_equation.rule[rows]
    return Substituted(filled, rule, np.full(len(value), NO_RANGE))


def _closed(known: Bools, operating: Bools) -> Bools:
    """Return the hours that a known operating hour comes after."""
    closed = np.zeros(len(known), bool)
    rows = np.flatnonzero(operating)
    _, after = neighbours(known[rows])
    closed[rows] = after < len(rows)
    return closed


def _procedure(role: str, regulation: Regulation) -> Procedure:
    """Return how a role is substituted: never so that a missing value lowers the emission."""
    procedure = replace(PROCEDURES[role], low_is_worse=role in regulation.low_is_worse)
    return replace(procedure, decimals=EXACT) if procedure.by_load else procedure
