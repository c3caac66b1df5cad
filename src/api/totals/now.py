"""How far a source's channels are read, which have fallen silent, and the rate at which it emits now."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Floats
from plant.park import Channel, Plant, Source
from plant.periods import hour_start
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, Kind
from store.blocks import CO2E_T
from store.reader import Snapshot
from store.rows import Newest
from store.totals.sums import Period, only_events, period_sums, source_sums

_AT_LEAST = 5 * NS_PER_MIN  # what "now" is the mean of, where no input is slower
_PATIENCE = 2 * NS_PER_MIN  # no channel is away before it was silent for so long,
_STEPS = 3  # and for so many times as long as it is wont to be
LATELY = 2 * _AT_LEAST  # in which that lies, where the inputs are read up to little before


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a source is read.

    `complete_until` [ns UTC] is the oldest of the newest readings that count, `step` [ns] the longest of the
    last intervals between readings; channels that have fallen silent are `stale` and left out of both.
    """

    complete_until: int | None
    step: int
    stale: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Rates:
    """Mean rates [t CO2e/h], NaN where unknown, and the ends of what they are the mean of [ns UTC]."""

    values: Floats
    at: tuple[int | None, ...]


def freshness(plant: Plant, source: Source, newest: Mapping[int, Newest], as_of: int) -> Freshness:
    """Return how far a source's channels are read; event channels, and those that people enter, owe nothing."""
    channels = [plant.channels[k] for k in _measured(plant, source)]
    stale = tuple(channel for channel in channels if is_stale(channel, newest[channel.index], as_of))
    owing = [channel for channel in channels if not _owes_nothing(channel) and channel not in stale]
    read = [_read(channel, newest[channel.index]) for channel in owing]
    return Freshness(
        min((until for until, _ in read), default=None), max((step for _, step in read), default=0), stale
    )


def rates(
    state: Snapshot,
    sources: Sequence[Source],
    fresh: Sequence[Freshness],
    away: Collection[int],
    as_of: int,
    zone: ZoneInfo,
) -> Rates:
    """Return each source's rate over the last five complete minutes, or its slowest input's last interval.

    Of event sources it is that of the last clock hour. A window without a known amount does not count; one
    that is known in part counts whole. While a channel that it is read from is `away`, nobody knows it.
    """
    values = np.full(len(sources), np.nan)
    at: list[int | None] = [None] * len(sources)
    there = [not any(k in away for k in _measured(state.plant, source)) for source in sources]
    for period, events, rows in _spans(state.plant, sources, fresh, there, as_of, zone):
        values[rows] = _means(state, [sources[row].index for row in rows], period, events)
        for row in rows:
            at[row] = None if np.isnan(values[row]) else period.end
    return Rates(values, tuple(at))


def away(state: Snapshot, newest: Mapping[int, Newest], as_of: int) -> set[int]:
    """Return the channels (of those whose newest readings are given) that nobody knows the present of.

    Their gateway, Sparkplug node or device said that it is not there, or nothing that counts came for longer than they are
    wont to be silent: three times the typical step, 2 min at least, and never longer than makes them stale. Event channels, and
    those that people enter, owe nothing by silence.
    """
    gone = {k for k, one in newest.items() if one.offline or is_stale(state.plant.channels[k], one, as_of)}
    asked = {
        k: one.counting[0]
        for k, one in newest.items()
        if k not in gone
        and not _owes_nothing(state.plant.channels[k])
        and as_of - one.counting[0] > _PATIENCE
    }
    stated = {k: cadence for k in asked if (cadence := state.plant.channels[k].cadence)}
    steps = state.typical_steps({k: time for k, time in asked.items() if k not in stated}) | stated
    return gone | {k for k, step in steps.items() if as_of - asked[k] > _STEPS * step}


def is_stale(channel: Channel, newest: Newest, as_of: int) -> bool:
    """Return whether a channel's newest reading is not current any more.

    That is so where its Sparkplug node or device is away, or nothing that counts came for longer than its `max_gap`,
    of an interval channel two periods; an event channel, and one that people enter, owes nothing.
    """
    if newest.away or _owes_nothing(channel):
        return newest.away
    patience = 2 * channel.period if channel.kind is Kind.INTERVAL else channel.max_gap
    times = newest.baselines if channel.kind is Kind.REGISTER else newest.counting
    return not times or newest.counting[0] < as_of - patience


def _owes_nothing(channel: Channel) -> bool:
    """Whether silence says nothing: no event has come, or nobody has entered a record yet."""
    return channel.kind is Kind.EVENT or channel.entered


def _measured(plant: Plant, source: Source) -> list[int]:
    """Return the channels whose readings decide a source's windows, each once."""
    return list(dict.fromkeys(k for given in source.inputs for k in plant.measured(given.channel)))


def _read(channel: Channel, newest: Newest) -> tuple[int, int]:
    times = newest.baselines if channel.kind is Kind.REGISTER else newest.counting
    if channel.kind is Kind.INTERVAL:
        return times[0], channel.period
    return times[0], times[0] - times[-1]


def _spans(
    plant: Plant,
    sources: Sequence[Source],
    fresh: Sequence[Freshness],
    there: Sequence[bool],
    as_of: int,
    zone: ZoneInfo,
) -> Iterator[tuple[Period, bool, list[int]]]:
    """Yield each stretch that rates are the mean of, whether it is of event sources, and its sources' rows."""
    rows_by_span = defaultdict(list)
    this_hour = int(hour_start(as_of, zone))
    last_hour = int(hour_start(this_hour - 1, zone))
    for row, (source, known) in enumerate(zip(sources, fresh, strict=True)):
        if not there[row]:
            continue
        if only_events(plant, source.index):
            rows_by_span[last_hour, this_hour, True].append(row)
        elif known.complete_until is not None:
            end = known.complete_until // plant.window * plant.window
            start = (end - max(_AT_LEAST, known.step)) // plant.window * plant.window
            rows_by_span[start, end, False].append(row)
    for (start, end, events), rows in rows_by_span.items():
        yield Period(start, end, zone), events, rows


def _means(state: Snapshot, sources: Sequence[int], period: Period, events: bool) -> Floats:
    if events:
        amounts = source_sums(state, sources, period, period.end).amounts[:, CO2E_T]
        return np.asarray(amounts * (NS_PER_HOUR / (period.end - period.start)))
    sums = period_sums(state, sources, period)
    known_hours = np.maximum(sums.windows, 1) * (state.plant.window / NS_PER_HOUR)
    return np.asarray(sums.values[:, CO2E_T] / known_hours)
