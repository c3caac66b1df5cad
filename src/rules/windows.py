"""From pieces to windows: how much of each window's amount or mean is known, and how it is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Floats, Ints, Times
from rules.pieces import EVENT, LEVEL, ChannelColumns, Pieces, integral
from rules.validity import bounded

KEY = np.int64(1) << 32  # window numbers lie within ±2^31: 1678 to 2261 at 60 s


@dataclass(frozen=True, slots=True)
class WindowValues:
    """The known windows of channels, sorted by (channel, window); window number = start // window length.

    `value` is the amount of the covered part, or a level's time-weighted mean; `measured` and `interpolated`
    are shares of the window's duration. A window that is not here is unknown, and so is one whose value is NaN, because
    it is not finite: that one is known to have a value, of a size that nobody can count with.
    """

    channel: Ints
    window: Ints
    value: Floats
    measured: Floats
    interpolated: Floats

    def at(self, channel: Ints, window: Ints) -> tuple[Floats, Floats, Floats]:
        """Return value, measured and interpolated share of each (channel, window); unknown is NaN, 0, 0."""
        if not len(self.window):
            return np.full(len(window), np.nan), np.zeros(len(window)), np.zeros(len(window))
        row, here = self.rows(channel, window)
        return (
            np.where(here, self.value[row], np.nan),
            np.where(here, self.measured[row], 0.0),
            np.where(here, self.interpolated[row], 0.0),
        )

    def rows(self, channel: Ints, window: Ints) -> tuple[Ints, Bools]:
        """Return where each (channel, window) stands, and whether it does; there must be any."""
        have, wanted = self.channel * KEY + self.window, channel * KEY + window
        row = np.minimum(np.searchsorted(have, wanted), len(have) - 1)
        return row, have[row] == wanted


@dataclass(frozen=True, slots=True)
class Ranges:
    """Half-open ranges of window numbers by run, sorted and disjoint within a run."""

    run: Ints
    first: Ints
    stop: Ints


def ranges_of(run: Ints, start: Times, end: Times, window: int) -> Ranges:
    """Return the windows that the stretches [start, end) touch, as sorted disjoint ranges by run.

    An empty stretch touches the window it stands in.
    """
    first, stop = start // window, np.maximum((end - 1) // window, start // window) + 1
    order = np.lexsort((first, run))
    run, first, stop = run[order], first[order], stop[order]
    reach = np.maximum.accumulate(run * KEY + stop)  # a run's keys all lie above those of the runs before it
    opens = np.append(True, run[1:] * KEY + first[1:] > reach[:-1]) if len(run) else np.empty(0, bool)
    heads = np.flatnonzero(opens)
    tails = np.append(heads[1:], len(run)) - 1
    return Ranges(run[heads], first[heads], (reach - run * KEY)[tails] if len(run) else stop)


def numbers(ranges: Ranges) -> tuple[Ints, Ints]:
    """Return every (run, window) of the ranges."""
    which, step = _repeat(ranges.stop - ranges.first)
    return ranges.run[which], ranges.first[which] + step


@np.errstate(over="ignore", invalid="ignore")  # what is not finite becomes unknown
def spread(
    pieces: Pieces, ranges: Ranges, channel: NDArray[np.int32], columns: ChannelColumns, window: int
) -> WindowValues:
    """Return the windows of the ranges to which the pieces of the same runs give a value.

    Each piece gives a window its share by time. Shares are added in the pieces' order, so that a window's bits
    do not depend on which other windows are asked for. `channel` names each run's channel. A value that is not finite,
    or too large to be added to others, is NaN and covers nothing.
    """
    piece, number, place = _overlaps(pieces, ranges, window)
    a = np.maximum(pieces.start[piece], number * window)
    b = np.minimum(pieces.end[piece], (number + 1) * window)
    key, slot = _slots(ranges, channel, place)
    value: Floats = np.bincount(slot, _share(pieces, piece, a, b), len(key)).astype(np.float64)
    covered = _covered(pieces, piece, a, b)
    seen, guessed = _by_certainty(covered, pieces.interpolated[piece], slot, len(key))
    of = key // KEY
    level = columns.kind[of] == LEVEL
    hours = (seen + guessed) / 3_600_000_000_000
    value = bounded(value / np.where(level & (hours > 0), hours, 1.0))
    usable = ~np.isnan(value)
    return WindowValues(
        of, key - of * KEY - (KEY >> 1), value, seen / window * usable, guessed / window * usable
    )


def _slots(ranges: Ranges, channel: NDArray[np.int32], place: Ints) -> tuple[Ints, Ints]:
    """Return the keys of the windows at some places among all of the ranges, sorted and once each, and each place's row."""
    run, number = numbers(ranges)
    key = channel[run].astype(np.int64) * KEY + number + (KEY >> 1)
    touched = np.zeros(len(key), bool)
    touched[place] = True
    row = np.cumsum(touched) - 1
    key, slot = key[touched], row[place]
    if (key[1:] > key[:-1]).all():
        return key, slot
    key, inverse = np.unique(key, return_inverse=True)
    return key, inverse[slot]


def _covered(pieces: Pieces, piece: Ints, a: Times, b: Times) -> Ints:
    """Return how much of the stretch [a, b) of itself a piece covers [ns]."""
    if (pieces.covered_from == pieces.start).all():
        return b - a
    return np.maximum(b - np.maximum(a, pieces.covered_from[piece]), 0)


def _by_certainty(covered: Ints, interpolated: Bools, slot: Ints, count: int) -> tuple[Floats, Floats]:
    """Return what is covered in each slot, measured and interpolated apart [ns]."""
    if not interpolated.any():
        return _summed(covered, slot, count), np.zeros(count)
    seen = _summed(np.where(interpolated, 0, covered), slot, count)
    return seen, _summed(np.where(interpolated, covered, 0), slot, count)


def _summed(amount: Ints, slot: Ints, count: int) -> Floats:
    return np.bincount(slot, amount, count).astype(np.float64, copy=False)


def _share(pieces: Pieces, piece: Ints, a: Times, b: Times) -> Floats:
    """Return what a piece gives the stretch [a, b) of itself: its amount by time, or the area under its line [unit·h]."""
    duration = pieces.end - pieces.start
    share = np.empty(len(piece))
    turns = np.flatnonzero(pieces.line[1:] != pieces.line[:-1]) + 1  # few: pieces come kind by kind
    edges = [0, *np.searchsorted(piece, turns).tolist(), len(piece)]
    for low, high in pairwise(edges):
        some = slice(low, high)
        p, begin, end = piece[some], a[some], b[some]
        if not len(p):
            continue
        first, length = pieces.first[p], duration[p]
        if pieces.line[p[0]]:
            start, slope = pieces.start[p], (pieces.last[p] - first) / length
            share[some] = integral(
                first + slope * (begin - start), first + slope * (end - start), end - begin
            )
        else:
            share[some] = first * ((end - begin) / length)
    return share


def _overlaps(pieces: Pieces, ranges: Ranges, window: int) -> tuple[Ints, Ints, Ints]:
    """Return every (piece, window number) where a piece touches a window of the ranges of its run.

    The third column is the window's place among all of the ranges, in the order of `numbers`.
    """
    first, last, run = pieces.start // window, (pieces.end - 1) // window, pieces.run * KEY
    low = np.searchsorted(ranges.run * KEY + ranges.stop, run + first, side="right")
    high = np.searchsorted(ranges.run * KEY + ranges.first, run + last, side="right")
    which = None
    if not (high - low == 1).all():
        which, step = _repeat(np.maximum(high - low, 0))
        low, first, last = low[which] + step, first[which], last[which]
    begin, stop = np.maximum(first, ranges.first[low]), np.minimum(last + 1, ranges.stop[low])
    count = stop - begin
    length = ranges.stop - ranges.first
    shift = np.cumsum(length) - length - ranges.first
    again, here = np.repeat(np.arange(len(count)), count), np.arange(count.sum())
    begin -= np.cumsum(count) - count
    number, place = here + begin[again], here + (begin + shift[low])[again]
    return again if which is None else which[again], number, place


def _repeat(counts: Ints) -> tuple[Ints, Ints]:
    """Return, for every item repeated count times, the item's row and the number of the repetition."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)


def with_events(
    values: WindowValues,
    ranges: Ranges,
    channel: NDArray[np.int32],
    columns: ChannelColumns,
    holes: Mapping[int, Sequence[tuple[int, int]]],
    window: int,
) -> WindowValues:
    """Make every window of an event channel known: no event is an amount of 0, and only holes are missing.

    `holes` gives, by channel, the stretches [from, to) in ns in which its gateway's sequence is open. An event that
    came is known also within them: it covers its own instant, so that no window with an amount is called unknown.
    """
    run, number = numbers(ranges)
    rows = columns.kind[channel[run]] == EVENT
    if not rows.any():
        return values
    event, number = channel[run][rows].astype(np.int64), number[rows]
    came, unusable = _came(values, event, number)
    measured = np.ones(len(event))
    for one in np.unique(event).tolist():
        mine = event == one
        measured[mine] = 1 - _within(holes.get(one, ()), number[mine], window) / window
    measured = np.maximum(measured, np.where(np.isnan(came), 0.0, 1 / window))
    measured[unusable] = 0.0
    amount = np.where(measured > 0, np.nan_to_num(came), np.nan)
    others = columns.kind[values.channel] != EVENT
    parts = [
        (values.channel[others], event),
        (values.window[others], number),
        (values.value[others], amount),
        (values.measured[others], measured),
        (values.interpolated[others], np.zeros(len(event))),
    ]
    order = np.lexsort((np.concatenate(parts[1]), np.concatenate(parts[0])))
    return WindowValues(*(np.concatenate(pair)[order] for pair in parts))


def _came(values: WindowValues, event: Ints, number: Ints) -> tuple[Floats, Bools]:
    """Return the amount that came in each window of event channels, NaN where none did; and where it cannot be used."""
    if not len(values.window):
        return np.full(len(event), np.nan), np.zeros(len(event), bool)
    row, here = values.rows(event, number)
    came = np.where(here, values.value[row], np.nan)
    return came, here & np.isnan(came)


def _within(stretches: Sequence[tuple[int, int]], number: Ints, window: int) -> Ints:
    """Return how many ns of each window lie within the stretches, which are disjoint and in order."""
    start, end = np.array([(0, 0), *stretches], np.int64).T
    until = np.cumsum(end - start)  # from the first stretch to the end of each

    def before(time: Ints) -> Ints:
        at = np.searchsorted(start[1:], time)
        return np.asarray(until[at] - np.clip(end[at] - time, 0, None) * (at > 0))

    return before((number + 1) * window) - before(number * window)
