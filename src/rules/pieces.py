"""From readings to pieces: stretches of time over which a channel's amount or mean is known.

A channel's pieces are a pure function of the sorted set of its counting readings. Readings come as runs: a run is
a stretch of one channel that starts at an accepted reading or at the channel's first.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Bytes, Floats, Ints, Readings, Times
from plant.park import Channel
from plant.vocabulary import NS_PER_HOUR, Flag, Kind, Verdict
from rules import registers

KINDS = tuple(Kind)
REGISTER, RATE, INTERVAL, LEVEL, EVENT = range(len(KINDS))


@dataclass(frozen=True, slots=True)
class ChannelColumns:
    """What the rules need of every channel, by channel index. Times in ns; NaN means no limit."""

    kind: Bytes  # index into KINDS
    max_gap: Ints
    period: Ints
    hold_last: Bools
    in_gateway: Bools
    ratio: Floats
    max_rate: Floats
    modulus: Floats
    entered: Bools
    swaps: dict[int, Channel]  # only the channels that have swaps
    stretches: dict[
        int, dict[int, int]
    ]  # of the channels that are entered: where each record begins, by its end

    @classmethod
    def of(cls, channels: tuple[Channel, ...]) -> "ChannelColumns":
        """Gather the columns from the configuration."""
        return cls(
            kind=np.array([KINDS.index(c.kind) for c in channels], np.uint8),
            max_gap=np.array([c.max_gap for c in channels], np.int64),
            period=np.array([c.period for c in channels], np.int64),
            hold_last=np.array([c.hold_last for c in channels], bool),
            in_gateway=np.array([c.counter_in_gateway for c in channels], bool),
            ratio=np.array([c.ratio for c in channels], np.float64),
            max_rate=np.array([c.max_rate for c in channels], np.float64),
            modulus=np.array([c.modulus for c in channels], np.float64),
            entered=np.array([c.entered for c in channels], bool),
            swaps={c.index: c for c in channels if c.swaps},
            stretches={c.index: {} for c in channels if c.entered},
        )

    def begins(self, channel: NDArray[np.int32], time: Times) -> Times:
        """Return where the stretch begins that each interval's reading tells of: a period before, or where its record does.

        What is entered and has no approved record tells of nothing: it begins where it ends.
        """
        start = time - self.period[channel]
        if self.stretches:
            for row in np.flatnonzero(self.entered[channel]).tolist():
                end = int(time[row])
                start[row] = self.stretches[int(channel[row])].get(end, end)
        return start


@dataclass(frozen=True, slots=True)
class Pieces:
    """Stretches [start, end) of runs, in time order within a run.

    `first` and `last` are the values at both ends: equal halves of the truth for rates and levels (straight
    lines); for registers, intervals and events `first` holds the whole amount and `line` is False.
    Coverage counts from `covered_from`, which is later than `start` where intervals overlap.
    """

    run: Ints
    start: Times
    end: Times
    covered_from: Times
    first: Floats
    last: Floats
    line: Bools
    interpolated: Bools


@dataclass(frozen=True, slots=True)
class Runs:
    """Sorted readings of several runs: `run` numbers each row's run, `channel` names each run's channel.

    `until` is where a run's readings end because more were not looked at (ns), or the far future where
    they are all there are: swaps after it do not concern the run. `whole` says that no reading comes before.
    """

    run: Ints
    readings: Readings
    channel: NDArray[np.int32]
    until: Times
    whole: Bools

    @property
    def heads(self) -> Ints:
        """The first row of each run."""
        return np.flatnonzero(np.append(True, self.run[1:] != self.run[:-1])) if len(self.run) else self.run


@np.errstate(over="ignore", invalid="ignore")  # a step beyond what a float holds is no finite amount
def pieces_and_verdicts(runs: Runs, columns: ChannelColumns) -> tuple[Pieces, Bytes]:
    """Return all runs' pieces, sorted by (run, start of its reading), and the verdict on every reading."""
    counting = runs.readings.counting
    verdict = np.where(counting, Verdict.COUNTED, Verdict.UNCOUNTED).astype(np.uint8)
    kind = columns.kind[runs.channel[runs.run]] if len(runs.run) else np.empty(0, np.uint8)
    parts = []
    rows = np.flatnonzero(counting & (kind == REGISTER))
    if len(rows):
        register_pieces, verdict[rows] = _register(runs, rows, columns)
        parts.append(register_pieces)
    for code, build in ((RATE, _lines), (LEVEL, _lines), (INTERVAL, _intervals), (EVENT, _events)):
        rows = np.flatnonzero(counting & (kind == code))
        if len(rows):
            parts.append(build(runs, rows, columns))
    anchors = runs.heads[~runs.whole[runs.run[runs.heads]]]
    verdict[anchors] = runs.readings.verdict[anchors]  # judged by what came before the run
    return _joined(parts), verdict


def _register(runs: Runs, rows: Ints, columns: ChannelColumns) -> tuple[Pieces, Bytes]:
    """Judge the registers, with their swaps put in as virtual readings, and make a piece of each counted step."""
    meters, origin, ratio = _with_swaps(runs, rows, columns)
    steps = registers.judge(meters)
    to = np.flatnonzero(steps.previous >= 0)
    base = steps.previous[to]
    start, end = meters.time[base], meters.time[to]
    run = runs.run[rows][origin.near[to]]
    gap = columns.max_gap[runs.channel[run]]
    amount = steps.amount[to] * ratio[to]
    instant = end == start  # two virtual readings, or a reading at the instant of a swap
    pieces = Pieces(
        run=run,
        start=start,
        end=end,
        covered_from=start,
        first=amount,
        last=amount,
        line=np.zeros(len(to), bool),
        interpolated=(end - start > gap) | (steps.verdict[to] == Verdict.RESET),
    )
    real = origin.row >= 0
    verdict = np.empty(len(rows), np.uint8)
    verdict[origin.row[real]] = steps.verdict[real]
    return _take(pieces, ~instant), verdict


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a display comes from: its row among the counting rows (-1: virtual), and a row of the same run."""

    row: Ints
    near: Ints


def _with_swaps(
    runs: Runs, rows: Ints, columns: ChannelColumns
) -> tuple[registers.Displays, _Origin, Floats]:
    """Return the registers' displays by meter, swaps as virtual readings, and each display's ratio."""
    channel = runs.channel[runs.run[rows]]
    r = runs.readings
    plain = registers.Displays(
        meter=runs.run[rows] << 16,
        time=r.time[rows],
        value=r.value[rows],
        reset=(r.flags[rows] & Flag.RESET) != 0,
        boot=r.boot[rows],
        in_gateway=columns.in_gateway[channel],
        max_rate=columns.max_rate[channel],
        modulus=columns.modulus[channel],
    )
    here = np.arange(len(rows))
    origin, ratio = _Origin(here, here), columns.ratio[channel]
    if not columns.swaps or not np.isin(channel, list(columns.swaps)).any():
        return plain, origin, ratio
    return _insert_swaps(runs, rows, columns, plain, ratio)


def _insert_swaps(
    runs: Runs, rows: Ints, columns: ChannelColumns, plain: registers.Displays, ratio: Floats
) -> tuple[registers.Displays, _Origin, Floats]:
    """Cut each swapped channel's rows into its meters' and add what the old one showed last and the new one first."""
    run = runs.run[rows]
    meter, max_rate, modulus, ratio = (
        plain.meter.copy(),
        plain.max_rate.copy(),
        plain.modulus.copy(),
        ratio.copy(),
    )
    virtual: list[tuple[int, int, float, float, float, float, int]] = []
    starts = np.flatnonzero(np.append(True, run[1:] != run[:-1]))
    for lo, hi in zip(starts.tolist(), [*starts[1:].tolist(), len(run)], strict=True):
        channel = columns.swaps.get(int(runs.channel[run[lo]]))
        if channel is None:
            continue
        facts = (channel.max_rate, channel.modulus, channel.ratio)
        for number, swap in enumerate(channel.swaps, start=1):
            new = (
                facts[0] if swap.max_rate is None else swap.max_rate,
                facts[1] if swap.modulus is None else swap.modulus,
                facts[2] if swap.ratio is None else swap.ratio,
            )
            at = lo + int(np.searchsorted(plain.time[lo:hi], swap.time, side="left"))
            number_of_meter = int(run[lo]) << 16
            seen = swap.time <= runs.until[run[lo]] and (at > lo or runs.whole[run[lo]])
            if seen and not np.isnan(swap.final_old):
                virtual.append((number_of_meter | (number - 1), swap.time, swap.final_old, *facts, lo))
            if seen:
                virtual.append((number_of_meter | number, swap.time, swap.first_new, *new, lo))
            meter[at:hi], max_rate[at:hi], modulus[at:hi], ratio[at:hi] = number_of_meter | number, *new
            facts = new
    return _merged(plain, meter, max_rate, modulus, ratio, virtual)


def _merged(
    plain: registers.Displays,
    meter: Ints,
    max_rate: Floats,
    modulus: Floats,
    ratio: Floats,
    virtual: list[tuple[int, int, float, float, float, float, int]],
) -> tuple[registers.Displays, _Origin, Floats]:
    """Sort real and virtual displays together; at one instant the virtual one comes first."""
    n, extra = len(meter), len(virtual)
    v = np.array(virtual, np.float64).reshape(extra, 7)
    v_meter = np.array([x[0] for x in virtual], np.int64)
    v_time = np.array([x[1] for x in virtual], np.int64)
    near = np.append(np.arange(n), v[:, 6].astype(np.int64))
    all_meter, all_time = np.append(meter, v_meter), np.append(plain.time, v_time)
    is_real = np.append(np.ones(n, np.int8), np.zeros(extra, np.int8))
    order = np.lexsort((is_real, all_time, all_meter))
    displays = registers.Displays(
        meter=all_meter[order],
        time=all_time[order],
        value=np.append(plain.value, v[:, 2])[order],
        reset=np.append(plain.reset, np.zeros(extra, bool))[order],
        boot=np.append(plain.boot, np.zeros(extra, np.int32))[order],
        in_gateway=np.append(plain.in_gateway, np.zeros(extra, bool))[order],
        max_rate=np.append(max_rate, v[:, 3])[order],
        modulus=np.append(modulus, v[:, 4])[order],
    )
    row = np.append(np.arange(n), np.full(extra, -1))[order]
    return displays, _Origin(row, near[order]), np.append(ratio, v[:, 5])[order]


def _lines(runs: Runs, rows: Ints, columns: ChannelColumns) -> Pieces:
    """Rates and levels: straight lines between neighbours, or the last value held; a longer gap is missing."""
    run, time, value = runs.run[rows], runs.readings.time[rows], runs.readings.value[rows]
    channel = runs.channel[run]
    scaled = value * columns.ratio[channel]
    pair = np.flatnonzero(run[1:] == run[:-1])
    gap, hold = columns.max_gap[channel[pair]], columns.hold_last[channel[pair]]
    start, end = time[pair], time[pair + 1]
    end = np.where(hold, np.minimum(end, start + gap), end)
    pieces = Pieces(
        run=run[pair],
        start=start,
        end=end,
        covered_from=start,
        first=scaled[pair],
        last=np.where(hold, scaled[pair], scaled[pair + 1]),
        line=np.ones(len(pair), bool),
        interpolated=columns.entered[channel[pair]],
    )
    return _take(pieces, end - start <= gap)


def _intervals(runs: Runs, rows: Ints, columns: ChannelColumns) -> Pieces:
    """Each reading's amount over the period that ends at it; overlapping periods add, their coverage does not.

    Of what is entered, how much is known, and when it was is not: it is spread evenly, and interpolated.
    """
    run, end = runs.run[rows], runs.readings.time[rows]
    channel = runs.channel[run]
    start = columns.begins(channel, end)
    covered_from = start.copy()
    same = run[1:] == run[:-1]
    covered_from[1:] = np.where(same, np.maximum(start[1:], end[:-1]), start[1:])
    amounts = _amounts(run, start, end, covered_from, runs.readings.value[rows] * columns.ratio[channel])
    return _take(replace(amounts, interpolated=columns.entered[channel]), start < end)


def _events(runs: Runs, rows: Ints, columns: ChannelColumns) -> Pieces:
    """Put the whole amount at its instant, as a piece of one nanosecond that covers nothing by itself."""
    run, time = runs.run[rows], runs.readings.time[rows]
    amount = runs.readings.value[rows] * columns.ratio[runs.channel[run]]
    return _amounts(run, time, time + 1, time + 1, amount)


def _amounts(run: Ints, start: Times, end: Times, covered_from: Times, amount: Floats) -> Pieces:
    no = np.zeros(len(run), bool)
    return Pieces(run, start, end, covered_from, amount, amount, no, no)


def _take(p: Pieces, rows: Bools) -> Pieces:
    if rows.all():
        return p
    return Pieces(
        p.run[rows], p.start[rows], p.end[rows], p.covered_from[rows], p.first[rows], p.last[rows], p.line[rows],
        p.interpolated[rows],
    )  # fmt: skip


def _joined(parts: list[Pieces]) -> Pieces:
    if not parts:
        none, nothing, no = np.empty(0, np.int64), np.empty(0), np.empty(0, bool)
        return Pieces(none, none, none, none, nothing, nothing, no, no)
    if len(parts) == 1:
        return parts[0]
    return Pieces(*(np.concatenate([getattr(p, name) for p in parts]) for name in Pieces.__slots__))


def integral(first: Floats, last: Floats, duration: Ints) -> Floats:
    """Return the area under straight lines [unit·h]."""
    return (first + last) / 2 * (duration / NS_PER_HOUR)
