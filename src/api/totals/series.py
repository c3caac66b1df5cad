"""Time series of readings, activities and emissions, in steps of a park's clock.

A series is of whole steps: `from` is taken back, and `to` on, to the bounds of the steps they lie in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from api.models import Agg, EmissionField, Every, SeriesBody, SeriesBy, SeriesPartBody
from api.problems import InvalidQuery
from api.totals.roll_up import known_fields
from plant.arrays import Floats, Ints, Times, numbers
from plant.clock import format_times
from plant.configuration.virtuals import is_level
from plant.inventory import is_scope_3, is_transfer
from plant.park import Channel, Plant, Source, Virtual
from plant.periods import DAY, HOUR, MONTH, UNITS, starts
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, Kind
from proof.channel_windows import ChannelActivity
from store.blocks import AMOUNTS
from store.reader import Snapshot
from store.rows import FieldSums
from store.totals.beginnings import UNHEARD
from store.totals.due import due_windows, known_since
from store.totals.sums import missing_shares, only_events

MOST_POINTS = 50_000
MOST_READINGS = 5_000_000
MOST_WINDOWS = 600_000  # of a channel, which are computed anew: those of a year and a month
MOST_SUMMED = 5_000_000  # windows or sums of sources that are added up
_FIXED: dict[Every, int] = {"1m": NS_PER_MIN, "15m": 15 * NS_PER_MIN}
_LEVELS: dict[Every, int] = {"1h": HOUR, "1d": DAY, "1mo": MONTH}
_ROUGHLY: dict[Every, int] = {**_FIXED, "1h": NS_PER_HOUR, "1d": NS_PER_DAY, "1mo": 28 * NS_PER_DAY}
# What a step of readings may be told as; the first where nothing is asked for. A counter's mean means nothing.
_AGGREGATES: dict[Kind, tuple[Agg, ...]] = {
    Kind.REGISTER: ("last", "min", "max"),
    Kind.RATE: ("mean", "min", "max", "last"),
    Kind.LEVEL: ("mean", "min", "max", "last"),
    Kind.INTERVAL: ("sum", "mean", "min", "max", "last"),
    Kind.EVENT: ("sum", "mean", "min", "max", "last"),
}
_UNITS: dict[EmissionField, str] = {
    "co2e_t": "t", "co2_kg": "kg", "co2_biogenic_kg": "kg", "ch4_kg": "kg", "n2o_kg": "kg",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a series: `edges` has one more time than there are steps."""

    edges: Times
    every: Every

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def start(self) -> int:
        """The start of the first step."""
        return int(self.edges[0])

    @property
    def end(self) -> int:
        """The end of the last step."""
        return int(self.edges[-1])

    def of(self, times: Times) -> Ints:
        """Return the number of the step that each time lies in."""
        return np.searchsorted(self.edges, times, side="right") - 1


def steps(start: int, end: int, every: Every, zone: ZoneInfo) -> Steps:
    """Return the whole steps that [start, end) touches.

    Raises
    ------
    InvalidQuery
        There is no time between the two, or too much.
    """
    if start >= end:
        raise InvalidQuery(("to", "not after from"))
    if (end - start) // _ROUGHLY[every] >= MOST_POINTS:
        raise InvalidQuery(
            ("every", f"more than {MOST_POINTS:,} points: take a longer step or a shorter range")
        )
    if every in _FIXED:
        # All offsets of zones are whole quarters, so that these steps lie on every clock alike.
        step = _FIXED[every]
        return Steps(np.arange(start // step * step, -(-end // step) * step + 1, step), every)
    level = _LEVELS[every]
    first = starts(start, end, level, zone)
    return Steps(np.append(first, UNITS[level].next(first[-1:], zone)), every)


def reading_series(state: Snapshot, channel: Channel, steps: Steps, agg: Agg | None = None) -> SeriesBody:
    """Return the mean of a rate's or level's readings, a register's last, the sum of amounts, per step, or `agg` of them.

    Only readings whose quality counts; an interval that ends at a step's start belongs to the step before. Where a step
    has none it is unknown.

    Raises
    ------
    InvalidQuery
        There are too many readings, or `agg` of such means nothing.
    """
    meaningful = _AGGREGATES[channel.kind]
    chosen = agg or meaningful[0]
    if chosen not in meaningful:
        raise InvalidQuery(
            ("agg", f"{chosen} of a {channel.kind} means nothing; it takes {', '.join(meaningful)}")
        )
    early = 1 if channel.kind is Kind.INTERVAL else 0
    sums, counts = np.zeros(len(steps)), np.zeros(len(steps))
    last, least, greatest = (np.full(len(steps), np.nan) for _ in range(3))
    seen = 0
    for part in state.readings(channel.index, steps.start + early, steps.end + early):
        seen += len(part)
        if seen > MOST_READINGS:
            raise InvalidQuery(("from", f"more than {MOST_READINGS:,} readings: take a shorter range"))
        good = part.take(part.counting)
        step = steps.of(good.time - early)
        sums += np.bincount(step, good.value, len(steps))
        counts += np.bincount(step, minlength=len(steps))
        last[step] = good.value  # of several in one step the last assigned stays
        np.fmin.at(least, step, good.value)
        np.fmax.at(greatest, step, good.value)
    known = {
        "mean": sums / np.maximum(counts, 1),
        "sum": sums,
        "last": last,
        "min": least,
        "max": greatest,
    }
    values = np.where(counts > 0, known[chosen], np.nan)
    return _body(steps, channel.unit.symbol, values, np.full(len(steps), np.nan))


def activity_series(state: Snapshot, channel: Channel | Virtual, steps: Steps) -> SeriesBody:
    """Return the sum of a channel's window amounts per step; of a level, the mean weighted by coverage.

    Raises
    ------
    InvalidQuery
        There are too many windows, or steps that they do not fit into.
    """
    unit, values, coverage = activity_columns(state, channel, steps)
    return _body(steps, unit, values, coverage)


def activity_columns(state: Snapshot, channel: Channel | Virtual, steps: Steps) -> tuple[str, Floats, Floats]:
    """Return the unit, values and coverage of `activity_series`, which raises as this does; NaN where unknown."""
    window = state.plant.window
    _on_windows(state.plant, steps)
    if (steps.end - steps.start) // window > MOST_WINDOWS:
        raise InvalidQuery(("to", f"more than {MOST_WINDOWS:,} windows of a channel: take a shorter range"))
    found = ChannelActivity(state).windows(channel.index, steps.start, steps.end)
    known = ~np.isnan(found.value)
    step, value, coverage = steps.of(found.start[known]), found.value[known], found.coverage[known]
    covered = np.bincount(step, coverage, len(steps))
    counts = np.bincount(step, minlength=len(steps))
    if is_level(channel):
        weighted = np.bincount(step, value * coverage, len(steps))
        values = np.divide(weighted, covered, out=np.full(len(steps), np.nan), where=covered > 0)
    else:
        values = np.where(counts > 0, np.bincount(step, value, len(steps)), np.nan)
    return found.unit, values, covered * window / np.diff(steps.edges)


def emission_series(
    state: Snapshot,
    sources: Sequence[Source],
    field: EmissionField,
    steps: Steps,
    as_of: int,
    by: SeriesBy | None = None,
) -> SeriesBody:
    """Return the sum of the sources' emissions per step, its parts, and the mean coverage of their due windows.

    Raises
    ------
    InvalidQuery
        Activities of several sources are asked for, steps that windows do not fit into, or too much of all sources.
    """
    if field == "activity" and len(sources) > 1:
        raise InvalidQuery(("field", "activities of several sources do not add: name one source"))
    _on_windows(state.plant, steps)
    each = (steps.end - steps.start) // state.plant.window if steps.every in _FIXED else len(steps)
    if each * len(sources) > MOST_SUMMED:
        raise InvalidQuery(
            (
                "to",
                f"more than {MOST_SUMMED:,} windows or sums of all sources: take a shorter range, or name one",
            )
        )
    values, covered = np.full(len(steps), np.nan), np.zeros(len(steps))
    numbers = [source.index for source in sources]
    begins = state.begins(numbers)
    due = due_windows(state.plant, numbers, begins, steps.edges, as_of).windows
    known = known_since(state.plant, numbers, begins, steps.start, steps.end, as_of)
    found = _found(state, numbers, field, steps)
    each_amounts = []
    for row, source in enumerate(sources):
        is_quiet = only_events(state.plant, source.index) and begins[row] < UNHEARD
        amounts, shares = _source_steps(
            state, found.of(source.index), source.index, steps, due[row], is_quiet=bool(is_quiet)
        )
        values = _added(values, amounts)
        covered += shares
        each_amounts.append(amounts)
    owed = due.sum(axis=0)
    coverage = np.divide(covered, owed, out=np.full(len(steps), np.nan), where=owed > 0)
    unit = sources[0].activity_unit if field == "activity" else _UNITS[field]
    told = _body(steps, unit, values, np.minimum(coverage, 1))
    more = known_fields(sources, known, range(len(sources)))
    if by is not None:
        more["parts"] = _parts(sources, each_amounts, by)
    return told.model_copy(update=more)


def _parts(sources: Sequence[Source], amounts: Sequence[Floats], by: SeriesBy) -> list[SeriesPartBody]:
    """Return the sums of what totals count of each scope, facility or source, in the order of the sources."""
    left_out = is_transfer(sources, by_park=True)
    if by != "scope":
        left_out = left_out | is_scope_3(sources)
    found: dict[str, Floats] = {}
    for source, values, is_out in zip(sources, amounts, left_out, strict=True):
        if not is_out:
            name = {"scope": str(source.scope), "facility": f"{source.park}/{source.facility}"}.get(
                by, source.id
            )
            found[name] = _added(found[name], values) if name in found else values
    return [SeriesPartBody(name=name, values=numbers(values)) for name, values in found.items()]


def _added(one: Floats, other: Floats) -> Floats:
    """Return the sum of what is known of both."""
    return np.where(np.isnan(one), other, one + np.nan_to_num(other))


def _source_steps(
    state: Snapshot, found: FieldSums, source: int, steps: Steps, due: Ints, *, is_quiet: bool
) -> tuple[Floats, Floats]:
    """Return a source's amounts and covered windows per step, at most the due ones; of a quiet one silence is 0."""
    step = steps.of(found.start)
    known = ~np.isnan(found.value)
    amounts = np.bincount(step[known], found.value[known], len(steps)).astype(np.float64)
    amounts[np.bincount(step[known], minlength=len(steps)) == 0] = np.nan
    if not is_quiet:
        return amounts, np.minimum(np.bincount(step, found.covered, len(steps)), due)
    computed = state.windows([source], steps.start, steps.end)
    step = steps.of(computed.start)
    missing = np.bincount(step, missing_shares(computed), len(steps))
    unknown = np.bincount(step, computed.windows == 0, len(steps))
    amounts[np.isnan(amounts) & (unknown < due)] = 0.0
    return amounts, np.clip(due - missing, 0, due)


def _found(state: Snapshot, sources: Sequence[int], field: EmissionField, steps: Steps) -> FieldSums:
    """Return what is summed, windows or sums of theirs."""
    if steps.every not in _FIXED:
        return state.field_totals(sources, _LEVELS[steps.every], steps.start, steps.end, field)
    found = state.windows(sources, steps.start, steps.end)
    covered = np.nan_to_num(found.values[:, len(AMOUNTS) :]).sum(axis=1)
    return FieldSums(found.source, found.start, found.values[:, AMOUNTS.index(field)], covered).by_source()


def _on_windows(plant: Plant, steps: Steps) -> None:
    if steps.every in _FIXED and _FIXED[steps.every] % plant.window:
        raise InvalidQuery(("every", f"windows of {plant.window / 1e9:g} s do not fit into {steps.every}"))


def _body(steps: Steps, unit: str, values: Floats, coverage: Floats) -> SeriesBody:
    return SeriesBody(
        unit=unit,
        times=format_times(steps.edges[:-1]),
        values=numbers(values),
        coverage=numbers(coverage),
    )
