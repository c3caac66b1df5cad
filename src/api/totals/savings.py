"""What a measure saved: its baseline from the stored readings, fitted anew at each question, so that restated data restate it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from api.totals.energy_price import kwh_per, step_prices, tariff_of
from api.totals.series import Steps, activity_columns
from plant.arrays import Floats, Times
from plant.commitments import GASES, Effect, Measure, Quantity, Step
from plant.park import Channel
from plant.periods import DAY, HOUR, MONTH, UNITS, starts
from plant.vocabulary import NS_PER_DAY, Kind
from rules.catalogue import Register
from rules.factors.gases import KG_PER_TONNE
from rules.planning.baseline import (
    Avoided,
    Baseline,
    Limits,
    Shortfall,
    Unfit,
    UnfitBaseline,
    avoided,
    fit,
    fractional_uncertainty,
    outside,
    predicted,
    shortfalls,
)
from store.reader import Snapshot
from store.totals.sums import Period

CONFIDENCE = 0.9  # of a saving's interval, as IPMVP has it
COMPLETE = 0.99  # coverage of a step from which on it is known
EVERY: dict[Step, tuple[int, Literal["1mo", "1d", "1h"]]] = {
    "month": (MONTH, "1mo"),
    "day": (DAY, "1d"),
    "hour": (HOUR, "1h"),
}
_AT_ONCE = 366 * NS_PER_DAY  # of a channel's windows that are computed

Outcome = Literal["shown", "not_shown", "extrapolated", "expected"]
Why = (
    Literal[
        "nothing_measures_it",
        "not_started",
        "no_step_is_over",
        "nothing_known",
        "steps_left_out",
        "outside_the_baseline",
        "interval_holds_zero",
        "no_factor",
    ]
    | Shortfall
    | Unfit
)


@dataclass(frozen=True, slots=True)
class KnownSteps:
    """Energy and drivers of the known steps; `due` is how many there are with those left out."""

    energy: Floats
    drivers: Floats
    start: Times
    due: int
    non_routine: Floats  # what events that are neither driver nor measure used; `energy` is without it


@dataclass(frozen=True, slots=True)
class Saving:
    """What is known of a measure's effect in a stretch of time."""

    outcome: Outcome
    reasons: tuple[Why, ...]
    baseline: Baseline | None = None
    before: KnownSteps | None = None
    after: KnownSteps | None = None
    energy: Avoided | None = None
    tonnes: Avoided | None = None
    fractional: float | None = None  # the short formula of ASHRAE for months
    kwh: Avoided | None = None  # None where it is no unit of energy
    money: Avoided | None = None  # before tax; None where no tariff tells it
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """A measure's known steps, those of the baseline first: what was measured and what the baseline says."""

    start: Times
    measured: Floats
    predicted: Floats

    @property
    def cusum(self) -> Floats:
        """What was used more than the baseline says, summed from the first step on: it falls while something is saved."""
        return np.cumsum(self.measured - self.predicted)


def course(found: Saving) -> Course | None:
    """Return the course of a measure whose baseline is decided, None without one."""
    if found.baseline is None or found.before is None:
        return None
    parts = [found.before, *([found.after] if found.after is not None else [])]
    return Course(
        np.concatenate([one.start for one in parts]),
        np.concatenate([one.energy for one in parts]),
        np.concatenate([predicted(found.baseline, one.drivers) for one in parts]),
    )


def saving(
    state: Snapshot, measure: Measure, period: Period, as_of: int, catalogue: Register | None
) -> Saving:
    """Return what a measure saved in the whole steps of a period that are over and begin after it started."""
    effect = measure.effect
    if effect is None:
        return Saving("expected", ("nothing_measures_it",))
    before = _columns(state, effect, _edges(effect, effect.start, effect.end, period))
    try:
        baseline = fit(before.energy, before.drivers)
    except UnfitBaseline as error:
        return Saving("not_shown", (error.reason,), before=before)
    begins = max(measure.begins, period.start)
    edges = _edges(effect, begins, min(period.end, as_of), period)
    if len(edges) < 2:
        why: Why = "not_started" if as_of < measure.begins else "no_step_is_over"
        return Saving("expected", (why,), baseline, before)
    after = _columns(state, effect, edges)
    if not len(after.energy):
        return Saving("not_shown", ("nothing_known",), baseline, before, after)
    judged = _judged(effect, baseline, before, after, _tonnes_each(state, effect, after.start, catalogue))
    return _priced(state, effect, judged, period, catalogue)


def _priced(
    state: Snapshot, effect: Effect, found: Saving, period: Period, catalogue: Register | None
) -> Saving:
    """Return a saving with what it is in money, where a tariff tells that."""
    tariff, prices = tariff_of(state.plant, effect.energy, catalogue), None
    if tariff is not None and found.after is not None:
        level = EVERY[effect.step][0]
        prices = step_prices(state, tariff, effect.energy, found.after.start, level, period)
    if tariff is None or prices is None or found.baseline is None or found.after is None:
        return found
    money = avoided(found.baseline, found.after.energy, found.after.drivers, CONFIDENCE, prices)
    return replace(found, money=money, currency=tariff.spec.currency)


def _judged(
    effect: Effect, baseline: Baseline, before: KnownSteps, after: KnownSteps, tonnes_each: Floats | None
) -> Saving:
    energy = avoided(baseline, after.energy, after.drivers, CONFIDENCE)
    tonnes = None
    if tonnes_each is not None:
        tonnes = avoided(baseline, after.energy, after.drivers, CONFIDENCE, tonnes_each)
    failed: list[Why] = [*shortfalls(baseline, Limits(effect.steps, effect.cv_rmse, effect.t))]
    if abs(energy.amount) <= energy.half_width:
        failed.append("interval_holds_zero")
    is_outside = bool(outside(baseline, after.drivers).any())
    told: list[Why] = ["outside_the_baseline"] if is_outside else []
    told += ["steps_left_out"] if len(after.energy) < after.due else []
    told += ["no_factor"] if tonnes is None else []
    outcome: Outcome = "not_shown" if failed else "extrapolated" if is_outside else "shown"
    expected = float(predicted(baseline, after.drivers).sum())
    share = energy.amount / expected if expected > 0 else 0.0
    of_months = effect.step == "month" and np.isfinite(baseline.cv_rmse)
    return Saving(
        outcome,
        (*failed, *told),
        baseline,
        before,
        after,
        energy,
        tonnes,
        fractional_uncertainty(baseline, len(after.energy), share, CONFIDENCE) if of_months else None,
        _times(energy, kwh_per(effect.energy.unit)),
    )


def _times(one: Avoided, factor: float | None) -> Avoided | None:
    return None if factor is None else Avoided(one.amount * factor, one.half_width * factor)


def _edges(effect: Effect, start: int, end: int, period: Period) -> Times:
    """Return the edges of the whole steps inside [start, end)."""
    level, _ = EVERY[effect.step]
    found = starts(start, end, level, period.zone)
    if not len(found):
        return found
    edges = np.append(found, UNITS[level].next(found[-1:], period.zone))
    return edges[(edges >= start) & (edges <= end)]


def _columns(state: Snapshot, effect: Effect, edges: Times) -> KnownSteps:
    """Return the steps whose energy and drivers are all known, the energy without what is not routine: that is 0 where no record tells of it."""
    quantities = [effect.energy, *effect.drivers]
    values = np.column_stack([amounts(state, one, edges, effect.step) for one in quantities])
    known = np.flatnonzero(~np.isnan(values).any(axis=1))
    events = [np.nan_to_num(amounts(state, one, edges, effect.step, least=0)) for one in effect.non_routine]
    more = sum(events, start=np.zeros(len(values)))[known]
    return KnownSteps(values[known, 0] - more, values[known, 1:], edges[:-1][known], len(values), more)


def amounts(state: Snapshot, quantity: Quantity, edges: Times, step: Step, least: float = COMPLETE) -> Floats:
    """Return a channel's amounts, of a level its means, per step; NaN where less than a least share of it is known."""
    channel = state.plant.channel(quantity.channel)
    values, coverage = [np.empty(0)], [np.empty(0)]
    for part in _parts(edges):
        _, some, covered = activity_columns(state, channel, Steps(part, EVERY[step][1]))
        values.append(some)
        coverage.append(covered)
    amounts, shares = np.concatenate(values), np.concatenate(coverage)
    if isinstance(channel, Channel) and channel.kind is Kind.EVENT:
        # No event is no amount, but before the first one nobody has reported anything.
        is_heard = np.maximum.accumulate(~np.isnan(amounts))
        amounts, shares = np.nan_to_num(amounts), is_heard.astype(np.float64)
    return np.where(shares >= least, amounts * quantity.scale + quantity.offset, np.nan)


def _parts(edges: Times) -> Sequence[Times]:
    """Return edges that together have the steps of all, each over a year at most."""
    found, first = [], 0
    while first < len(edges) - 1:
        last = int(np.searchsorted(edges, edges[first] + _AT_ONCE, side="right")) - 1
        found.append(edges[first : last + 1])
        first = last
    return found


def _tonnes_each(state: Snapshot, effect: Effect, times: Times, catalogue: Register | None) -> Floats | None:
    """Return the tonnes of a unit of energy at each time, by the factor of that time; None where one is not known."""
    if catalogue is None or not effect.factor:
        return None
    values = catalogue.factor_at(effect.factor, times)
    gwp = catalogue.gwp_set(state.plant.gwp)
    weights = {"co2": gwp["CO2"], "co2e": 1.0, "ch4": gwp.methane[1], "n2o": gwp["N2O"]}
    gases = ["co2e"] if "co2e" in values else [name for name in GASES if name in values]
    each = sum((values[gas] * weights[gas] for gas in gases), start=np.zeros(len(times)))
    tonnes = each * effect.per_energy / KG_PER_TONNE
    return None if np.isnan(tonnes).any() else tonnes
