"""What the steps of a cumulative register mean: counted, rolled over, reset, an outlier, or an anomaly.

The verdicts are a pure function of the sorted counting readings of one meter. Plausible steps, which is
nearly all of them, are judged as columns; only an implausible step is followed one by one.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Bytes, Floats, Ints, Times
from plant.vocabulary import NS_PER_HOUR, Verdict

SAME_VALUE = 1e-12  # relative: closer values are the same reading
LIMIT_SLACK = 1e-9  # relative: a limit is inclusive by this much
LOOK_AHEAD = 5  # counting readings that may yet explain an implausible step


@dataclass(frozen=True, slots=True)
class Displays:
    """Counting readings of registers, sorted by (meter, time); one meter's rows are contiguous.

    `max_rate` [unit/h] and `modulus` [unit] are NaN where the meter has none. `reset` is the gateway's word,
    `boot` its boot (0: none given), `in_gateway` whether the counter lives in the gateway's memory.
    """

    meter: Ints
    time: Times
    value: Floats
    reset: Bools
    boot: NDArray[np.int32]
    in_gateway: Bools
    max_rate: Floats
    modulus: Floats


@dataclass(frozen=True, slots=True)
class RegisterSteps:
    """The verdict on each display, and for accepted ones the row they step from and what the step counts.

    `previous` is -1 and `amount` NaN where nothing counts; amounts are of the display, before any ratio.
    """

    verdict: Bytes
    previous: Ints
    amount: Floats


def judge(displays: Displays) -> RegisterSteps:
    """Return the verdicts of semantics.md section 1 (register) for all meters at once."""
    n = len(displays.time)
    before = np.arange(n, dtype=np.int64) - 1
    verdict, amount = _classify(displays, before, np.arange(n))
    first = np.ones(n, bool)
    first[1:] = displays.meter[1:] != displays.meter[:-1]
    verdict[first], amount[first] = Verdict.BASELINE, np.nan
    steps = RegisterSteps(verdict, np.where(first | (verdict == _IMPLAUSIBLE), -1, before), amount)
    implausible = np.flatnonzero(verdict == _IMPLAUSIBLE)
    if len(implausible):
        _follow(displays, steps, implausible, first)
    return steps


_IMPLAUSIBLE = 255


def _classify(d: Displays, base: Ints, row: Ints) -> tuple[Bytes, Floats]:
    """Judge the steps base → row by the rules 1 to 3; what none of them explains is implausible.

    No rule counts less than nothing: a first display above the modulus, say, was no meter that rolled over.
    """
    b, r = d.value[base], d.value[row]
    step, bare_limit = r - b, _limit(d, base, row)
    limit = bare_limit * (1 + LIMIT_SLACK)
    below = step < -SAME_VALUE * np.maximum(np.abs(b), np.abs(r))
    plausible = ~below & (step <= limit)
    verdict = np.where(plausible, np.uint8(Verdict.COUNTED), np.uint8(_IMPLAUSIBLE))
    amount = np.where(plausible, np.maximum(step, 0.0), np.nan)
    rare = np.flatnonzero(below | d.reset[row])  # only these can be a reset or a rollover
    if len(rare):
        base, row, r, step, bare_limit = base[rare], row[rare], r[rare], step[rare], bare_limit[rare]
        limit, below = limit[rare], below[rare]
        new_boot = (
            d.in_gateway[row] & (d.boot[row] != 0) & (d.boot[base] != 0) & (d.boot[row] != d.boot[base])
        )
        reset = (d.reset[row] | (below & new_boot)) & (r >= 0) & (r <= limit)
        rolled = step + d.modulus[row]
        over = below & (bare_limit < d.modulus[row]) & (rolled >= 0) & (rolled <= limit) & ~reset
        verdict[rare[reset]], amount[rare[reset]] = Verdict.RESET, r[reset]
        verdict[rare[over]], amount[rare[over]] = Verdict.ROLLOVER, rolled[over]
    return verdict, amount


def _limit(d: Displays, base: Ints, row: Ints) -> Floats:
    """Return the most that the display may move from base to row; without max_rate, anything."""
    unlimited = np.isnan(d.max_rate[row])
    rate = np.where(unlimited, 0.0, d.max_rate[row])
    return np.where(unlimited, np.inf, rate * ((d.time[row] - d.time[base]) / NS_PER_HOUR))


def _without_evidence(d: Displays) -> Displays:
    """Return the displays such that only rule 2 can accept a step."""
    no = np.zeros(len(d.time), bool)
    return replace(d, reset=no, in_gateway=no, modulus=np.full(len(d.time), np.nan))


def _follow(d: Displays, steps: RegisterSteps, implausible: Ints, first: Bools) -> None:
    """Settle every implausible step in order; consecutive steps from an accepted row stand as first judged."""
    plain = _without_evidence(d)
    ends = np.append(np.flatnonzero(first)[1:], len(first))
    settled = 0
    for row in implausible.tolist():
        if row >= settled:
            end = int(ends[np.searchsorted(ends, row, side="right")])
            settled = _settle(d, plain, steps, row, end)


def _settle(d: Displays, plain: Displays, steps: RegisterSteps, row: int, end: int) -> int:
    """Settle an implausible row and what hangs on it; return the row after the next accepted one."""
    base = row - 1
    while row < end:
        ahead = np.arange(row + 1, min(row + 1 + LOOK_AHEAD, end))
        back = ahead[_classify(plain, np.full(len(ahead), base), ahead)[0] == Verdict.COUNTED]
        if len(back):
            _refuse(steps, slice(row, int(back[0])), Verdict.OUTLIER)
            return _accept(d, steps, base, int(back[0]))
        if not len(ahead):
            _refuse(steps, slice(row, end), Verdict.HELD)
            return end
        if _classify(plain, np.array([row]), ahead[:1])[0][0] == Verdict.COUNTED:
            _refuse(steps, slice(row, row + 1), Verdict.ANOMALY)
            return row + 1
        _refuse(steps, slice(row, row + 1), Verdict.OUTLIER)
        row += 1
        if _classify(d, np.array([base]), np.array([row]))[0][0] != _IMPLAUSIBLE:
            return _accept(d, steps, base, row)
    return end


def _refuse(steps: RegisterSteps, rows: slice, verdict: Verdict) -> None:
    """Let nothing count for the steps to these rows."""
    steps.verdict[rows], steps.previous[rows], steps.amount[rows] = verdict, -1, np.nan


def _accept(d: Displays, steps: RegisterSteps, base: int, row: int) -> int:
    """Count the step base → row over what lies between; return the row after it."""
    verdict, amount = _classify(d, np.array([base]), np.array([row]))
    steps.verdict[row], steps.previous[row], steps.amount[row] = verdict[0], base, amount[0]
    return row + 1
