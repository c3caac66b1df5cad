"""From new readings to changed windows: find the stretches they disturb, judge those, and run the methods over them.

Whatever the order, batching or repetition in which readings come, the windows end as the same function of the same
set, bit for bit: only complete stretches with all their context are judged, and only what they disturb is replaced.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest.line.inputs import Inputs
from ingest.line.tail import Tail
from plant.arrays import Bools, Ints, Readings, Times
from plant.park import Plant
from plant.vocabulary import FOREVER, SINCE_EVER, Flag
from rules.engine import Emissions, Engine
from rules.identity import merge
from rules.pieces import EVENT, INTERVAL, REGISTER, ChannelColumns, Pieces, Runs, pieces_and_verdicts
from rules.windows import KEY, Ranges, WindowValues, numbers, ranges_of, spread, with_events
from store.readings.kinds import is_baseline
from store.readings.table import LOOK_BACK, LOOK_ON
from store.records.table import all_stretches, stretches
from store.state import State

BootNames = Callable[[Iterable[int]], Mapping[int, str]]  # of boots by their numbers
OpenHoles = Callable[
    [int, int, int], Sequence[tuple[int, int]]
]  # of a channel, as they reach into [from, to) [ns]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What new readings did: which of them were new, what to write, and the windows that may have changed."""

    fresh: Bools  # by new reading, in order of arrival
    written: Readings  # new, or flagged as in conflict
    rejudged: Readings  # known ones with another verdict
    lost: Readings
    emissions: Emissions


@dataclass(frozen=True, slots=True)
class _Judged:
    """Runs of known and new readings together, after the rules have judged them."""

    runs: Runs
    fresh: Bools
    known: Bools
    changed: Bools
    flagged: Bools
    rejudged: Bools
    lost: Readings
    pieces: Pieces


class Evaluator:
    """Keeps the newest readings in memory; everything else it asks of the state."""

    def __init__(self, plant: Plant, engine: Engine, state: State) -> None:
        self._plant, self._window = plant, plant.window
        self._columns = ChannelColumns.of(plant.channels)
        self._columns.stretches.update(all_stretches(state.connection, plant))
        self.engine = engine
        self._state = state
        seen = state.readings.seen_channels()
        self._tail = Tail(len(plant.channels), np.isin(state.channel_ids, list(seen)))
        self._inputs = Inputs(plant)
        self._boot_names: BootNames = lambda _numbers: {}

    def take(
        self,
        new: Readings,
        boot_names: BootNames,
        holes: OpenHoles = lambda _channel, _start, _end: (),
        disturbed: Sequence[tuple[int, int, int]] = (),
    ) -> Evaluated:
        """Evaluate new readings, in order of arrival, and write them within the caller's transaction.

        Parameters
        ----------
        new
            `channel` holds indexes of the plant; values are in the channels' units.
        boot_names
            The names of the boots that readings number.
        holes
            Of an event channel, where its gateway's sequence is open. [ns]
        disturbed
            (channel, from, to) where holes of an event channel opened or closed, or a record began that no longer counts. [ns]
        """
        self._boot_names = boot_names
        self._learn(new)
        judged = self._judge(new)
        readings = judged.runs.readings
        written = readings.take((judged.changed & ~judged.known) | judged.flagged)
        rejudged = readings.take(judged.rejudged & judged.known & ~judged.flagged)
        self._write(written, rejudged, judged.lost)
        self._remember(judged.runs)
        by_readings, dirty = self._disturbed(judged, disturbed)
        emissions = self._emissions(judged, by_readings, dirty, holes)
        return Evaluated(judged.fresh, written, rejudged, judged.lost, emissions)

    def forget(self) -> None:
        """Drop what memory holds: the transaction that it belonged to was rolled back."""
        self._tail.forget(np.arange(len(self._columns.kind), dtype=np.int32))
        self._columns.stretches.update(all_stretches(self._state.connection, self._plant))

    def _learn(self, new: Readings) -> None:
        """Know the stretches of the records that new readings are of."""
        if not self._columns.stretches:
            return
        for channel in np.unique(new.channel[self._columns.entered[new.channel]]).tolist():
            self._columns.stretches[channel] = stretches(
                self._state.connection, self._plant.channels[channel]
            )

    def _judge(self, new: Readings) -> _Judged:
        """Put new readings among those around them and judge them all; look further where verdicts still differ."""
        look_on = LOOK_ON
        while True:
            judged, settled = self._judge_within(new, look_on)
            if settled:
                return judged
            look_on *= 4

    def _judge_within(self, new: Readings, look_on: int) -> tuple[_Judged, bool]:
        channels, run_of_new = np.unique(new.channel, return_inverse=True)
        known, run_of_known, whole, until = self._known(channels, run_of_new, new, look_on)
        everything, run = Readings.concat([known, new]), np.concatenate([run_of_known, run_of_new])
        register = self._columns.kind[everything.channel] == REGISTER
        merged = merge(run, everything, len(known), register, self._boot_rank(everything.boot))
        readings, run = everything.take(merged.rows), run[merged.rows]
        stood = merged.rows < len(known)
        flagged = merged.conflict & ((readings.flags & Flag.CONFLICT) == 0)
        readings.flags[flagged] |= np.uint8(Flag.CONFLICT)
        runs = Runs(run, readings, channels, until, whole)
        pieces, verdict = pieces_and_verdicts(runs, self._columns)
        rejudged = (verdict != readings.verdict) & stood
        rejudged, settled = _only_settled(runs, rejudged, merged.changed, is_baseline(readings))
        readings.verdict = np.where(stood & ~rejudged, readings.verdict, verdict)
        lost = everything.take(merged.lost)
        changed = merged.changed | rejudged
        return _Judged(runs, merged.fresh, stood, changed, flagged, rejudged, lost, pieces), settled

    def _known(
        self, channels: NDArray[np.int32], run_of_new: Ints, new: Readings, look_on: int
    ) -> tuple[Readings, Ints, Bools, Times]:
        """Return what is known around the new readings: from memory where it has enough, else from the state."""
        first = np.full(len(channels), FOREVER)
        last = np.full(len(channels), SINCE_EVER)
        np.minimum.at(first, run_of_new, new.time)
        np.maximum.at(last, run_of_new, new.time)
        period = self._columns.period[channels]
        quick = self._tail.covers(channels, first, self._window, period)
        rows, which = self._tail.rows(channels[quick])
        parts, runs = [rows], [np.flatnonzero(quick)[which]]
        whole, until = self._tail.whole[channels], np.full(len(channels), FOREVER)
        for run in np.flatnonzero(~quick).tolist():
            around = (int(first[run]), int(last[run]), look_on)
            parts.append(self._stretch(int(channels[run]), *around))
            runs.append(np.full(len(parts[-1]), run))
            whole[run], until[run] = self._cut
        return Readings.concat(parts), np.concatenate(runs), whole, until

    def _stretch(self, channel: int, first: int, last: int, look_on: int) -> Readings:
        """Read a stretch of a channel from the state; `_cut` then says how it was cut."""
        period = int(self._columns.period[channel])
        number = int(self._state.channel_ids[channel])
        stretch = self._state.readings.stretch(number, first, last, self._window, period, look_on)
        self._cut = (stretch.whole, stretch.until)
        stretch.readings.channel[:] = channel
        return stretch.readings

    def _boot_rank(self, boot: NDArray[np.int32]) -> Ints:
        """Return the place of each boot in the order of names; none comes last."""
        distinct, inverse = np.unique(boot, return_inverse=True)
        known = self._boot_names(distinct.tolist())
        names = [known.get(number, "") for number in distinct.tolist()]
        order = {name: rank for rank, name in enumerate(sorted(set(names) - {""}))}
        return np.array([order.get(name, len(order)) for name in names], np.int64)[inverse]

    def _write(self, written: Readings, rejudged: Readings, lost: Readings) -> None:
        """Write readings under their database ids."""
        for rows, write in (
            (written, self._state.readings.write),
            (rejudged, self._state.readings.set_verdicts),
            (lost, self._state.readings.keep_lost),
        ):
            if len(rows):
                write(replace(rows, channel=self._state.channel_ids[rows.channel].astype(np.int32)))

    def _remember(self, runs: Runs) -> None:
        """Keep the ends of the runs that reach the end of what there is; forget the others' channels."""
        ends = runs.until == FOREVER
        self._tail.forget(runs.channel[~ends])
        mine = ends[runs.run]
        place = np.cumsum(ends) - 1
        channels = runs.channel[ends]
        self._tail.replace(
            channels,
            runs.readings.take(mine),
            place[runs.run[mine]],
            runs.whole[ends],
            self._window,
            self._columns.period[channels],
        )

    def _disturbed(self, judged: _Judged, holes: Sequence[tuple[int, int, int]]) -> tuple[Ranges, Ranges]:
        """Return the windows, by channel, that changed readings may have changed; and those with what holes may have."""
        run, start, end = _disturbed(judged, self._columns)
        channel = judged.runs.channel[run].astype(np.int64)
        by_readings = ranges_of(channel, start, end, self._window)
        if not holes:
            return by_readings, by_readings
        columns = zip((channel, start, end), np.array(holes, np.int64).T, strict=True)
        channel, start, end = (np.append(own, extra) for own, extra in columns)
        return by_readings, ranges_of(channel, start, end, self._window)

    def _emissions(
        self,
        judged: _Judged,
        by_readings: Ranges,
        dirty: Ranges,
        holes: OpenHoles,
    ) -> Emissions:
        """Run the methods of all sources that the dirty windows of channels reach."""
        sources, wanted = self._inputs.reached(dirty)
        parts = self._values(judged, by_readings, wanted, holes)
        values = _sorted_together(parts)
        return self.engine.emissions(*numbers(sources), values)

    def _values(
        self,
        judged: _Judged,
        by_readings: Ranges,
        wanted: Ranges,
        holes: OpenHoles,
    ) -> Iterable[WindowValues]:
        """Return the wanted windows of channels: from what was judged where it has them, else judged anew.

        What was judged has all the context of windows that changed readings disturb, and of no others: a hole may
        be far from them.
        """
        run_of = np.full(len(self._columns.kind), -1)
        run_of[judged.runs.channel] = np.arange(len(judged.runs.channel))
        at_hand = (run_of[wanted.run] >= 0) & _contained(wanted, by_readings)
        mine = _ranges(wanted, at_hand)
        yield self._spread(judged.pieces, replace(mine, run=run_of[mine.run]), judged.runs.channel, holes)
        rest = _ranges(wanted, ~at_hand)
        if len(rest.run):
            runs, ranges = self._context(rest)
            pieces, _ = pieces_and_verdicts(runs, self._columns)
            yield self._spread(pieces, ranges, runs.channel, holes)

    def _spread(
        self,
        pieces: Pieces,
        ranges: Ranges,
        channel: NDArray[np.int32],
        holes: OpenHoles,
    ) -> WindowValues:
        values = spread(pieces, ranges, channel, self._columns, self._window)
        open_holes = self._holes(ranges, channel, holes)
        return with_events(values, ranges, channel, self._columns, open_holes, self._window)

    def _holes(
        self, ranges: Ranges, channel: NDArray[np.int32], holes: OpenHoles
    ) -> Mapping[int, Sequence[tuple[int, int]]]:
        """Return the open holes of the event channels among ranges, as far as these reach."""
        of = channel[ranges.run]
        found = {}
        for event in np.unique(of[self._columns.kind[of] == EVENT]).tolist():
            first, stop = ranges.first[of == event].min(), ranges.stop[of == event].max()
            found[event] = holes(event, int(first) * self._window, int(stop) * self._window)
        return found

    def _context(self, wanted: Ranges) -> tuple[Runs, Ranges]:
        """Gather what is known around wanted windows of channels, one run a range."""
        parts, whole, until = [], [], []
        for channel, first, stop in zip(
            *(c.tolist() for c in (wanted.run, wanted.first, wanted.stop)), strict=True
        ):
            if self._tail.reaches(channel, first * self._window):
                parts.append(self._tail.rows(np.array([channel], np.int32))[0])
                self._cut = (bool(self._tail.whole[channel]), FOREVER)
            else:
                parts.append(self._stretch(channel, first * self._window, stop * self._window, LOOK_ON))
            whole.append(self._cut[0])
            until.append(self._cut[1])
        run = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
        channels = wanted.run.astype(np.int32)
        runs = Runs(run, Readings.concat(parts), channels, np.array(until, np.int64), np.array(whole, bool))
        return runs, replace(wanted, run=np.arange(len(parts)))


def _ranges(ranges: Ranges, rows: Bools) -> Ranges:
    return Ranges(ranges.run[rows], ranges.first[rows], ranges.stop[rows])


def _contained(wanted: Ranges, dirty: Ranges) -> Bools:
    """Whether each wanted range lies within a dirty one of its channel."""
    if not len(dirty.run):
        return np.zeros(len(wanted.run), bool)
    at = np.searchsorted(dirty.run * KEY + dirty.first, wanted.run * KEY + wanted.first, side="right") - 1
    at = np.maximum(at, 0)
    inside = (dirty.first[at] <= wanted.first) & (wanted.stop <= dirty.stop[at])
    return np.asarray((dirty.run[at] == wanted.run) & inside)


def _sorted_together(parts: Iterable[WindowValues]) -> WindowValues:
    every = list(parts)
    if len(every) == 1:
        return every[0]
    columns = [np.concatenate([getattr(p, name) for p in every]) for name in WindowValues.__slots__]
    order = np.lexsort((columns[1], columns[0]))
    return WindowValues(*(column[order] for column in columns))


def _only_settled(runs: Runs, rejudged: Bools, came: Bools, baseline: Bools) -> tuple[Bools, bool]:
    """Trust verdicts of a cut run only up to where the old and the new ones agree on a baseline again.

    Returns the rows that are truly judged anew, and whether every cut run came to agree well before its end.
    """
    cut = np.flatnonzero(runs.until < FOREVER)
    rejudged = rejudged.copy()
    heads = np.append(runs.heads, len(runs.run))
    for run in cut.tolist():
        lo, hi = heads[run], heads[run + 1]
        came_last = lo + int(np.flatnonzero(came[lo:hi])[-1]) if came[lo:hi].any() else lo
        agreed = np.flatnonzero(~rejudged[came_last:hi] & ~came[came_last:hi] & baseline[came_last:hi])
        counting_left = np.cumsum(runs.readings.counting[came_last:hi][::-1])[::-1]
        agreed = agreed[counting_left[agreed] > LOOK_BACK]
        if not len(agreed):
            return rejudged, False
        rejudged[came_last + int(agreed[0]) : hi] = False
    return rejudged, True


def _disturbed(judged: _Judged, columns: ChannelColumns) -> tuple[Ints, Times, Times]:
    """Return (run, start, end) of the time that each changed reading disturbs.

    Between two neighbouring baselines that stand as they stood, with nothing changed between them, nothing moves.
    """
    runs, time = judged.runs, judged.runs.readings.time
    row = np.flatnonzero(judged.changed)
    if not len(row):
        return row, row, row
    heads = np.append(runs.heads, len(time))
    run = runs.run[row]
    stands = ~judged.changed & is_baseline(runs.readings)
    place = np.arange(len(time))
    before = np.maximum.accumulate(np.where(stands, place, -1))[row]
    after = np.minimum.accumulate(np.where(stands, place, len(time))[::-1])[::-1][row]
    lo, hi = heads[run], heads[run + 1] - 1
    first_fact, last_fact = _swap_reach(runs, columns)
    start = np.where(before >= lo, time[np.maximum(before, lo)], np.minimum(time[lo], first_fact[run]))
    end = np.where(after <= hi, time[np.minimum(after, hi)], np.maximum(time[hi], last_fact[run]))
    kind = columns.kind[runs.channel[run]]
    own = (kind == EVENT) | (kind == INTERVAL)
    start = np.where(own, columns.begins(runs.channel[run], time[row]), start)
    return run, start, np.where(own, time[row], end)


def _swap_reach(runs: Runs, columns: ChannelColumns) -> tuple[Times, Times]:
    """Return the first and the last instant at which a swap of each run's channel concerns it."""
    first, last = np.full(len(runs.channel), FOREVER), np.full(len(runs.channel), SINCE_EVER)
    for run in np.flatnonzero(np.isin(runs.channel, list(columns.swaps))).tolist():
        times = [s.time for s in columns.swaps[int(runs.channel[run])].swaps if s.time <= runs.until[run]]
        if times:
            first[run] = times[0] if runs.whole[run] else FOREVER
            last[run] = times[-1]
    return first, last
