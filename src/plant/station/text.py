"""Makes the station's file of the readings of its slots: the bytes that an authority gets, one line a parameter.

`SO2<TAB>35.2<TAB>mg/Nm3<TAB>20261130120000<TAB>00`, each line ended by CR LF. What the format `station-text` reads, written.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats, Ints, Readings, Times
from plant.station.feed import Feed
from plant.station.words import STATUS, TIME, WORST
from plant.vocabulary import Quality

_CODES = tuple(STATUS)  # in the order of WORST
_WORST = np.array([WORST[quality] for quality in sorted(Quality)], np.int64)
_NOTHING = -1


@dataclass(frozen=True, slots=True)
class SlotValues:
    """What a line says, by slot: a number in the channel's unit, NaN where there is none, and the place of its status."""

    value: Floats
    status: Ints


def station_files(
    feed: Feed, slots: Times, readings: Mapping[int, Readings], before: Mapping[int, float]
) -> list[bytes]:
    """Return the file of each slot, b"" of a slot in which nothing was read and nothing is told of what is missing.

    Parameters
    ----------
    slots
        Where they begin, ascending [ns UTC].
    readings
        By channel, in order of time: all that lie in these slots.
    before
        The last counting value of a channel before the first slot, where there is one.
    """
    lines = [
        _with_last(said, before.get(line.channel, math.nan)) if feed.missing == "last-with-02" else said
        for line in feed.lines
        for said in (_values(feed, slots, readings.get(line.channel, Readings.empty())),)
    ]
    return ["".join(_lines(feed, int(slot), lines, row)).encode() for row, slot in enumerate(slots)]


def _values(feed: Feed, slots: Times, found: Readings) -> SlotValues:
    """Return of each slot the mean or the last of what counts, else of what there is, and the worst status."""
    row = np.searchsorted(slots, found.time, "right") - 1
    inside = (row >= 0) & np.isfinite(found.value)
    inside[inside] &= found.time[inside] < slots[row[inside]] + feed.every
    row, found = row[inside], found.take(inside)
    status = np.full(len(slots), _NOTHING)
    np.maximum.at(status, row, _WORST[found.quality])
    value = _chosen(feed, len(slots), row, found.value)
    counts = found.counting
    counted = _chosen(feed, len(slots), row[counts], found.value[counts])
    return SlotValues(np.where(np.isnan(counted), value, counted), status)


def _chosen(feed: Feed, slots: int, row: Ints, value: Floats) -> Floats:
    """Return the mean, or the last, of values by slot; NaN where there is none."""
    if feed.value == "last":
        last = np.full(slots, np.nan)
        last[row] = value  # of several, numpy leaves the last
        return last
    count = np.bincount(row, minlength=slots)
    total = np.bincount(row, value, minlength=slots)
    mean: Floats = np.divide(total, count, out=np.full(slots, np.nan), where=count > 0)
    return mean


def _with_last(said: SlotValues, before: float) -> SlotValues:
    """Return it with the last value before, as a fault, wherever nothing was read."""
    known = np.concatenate([[before], said.value])
    place = np.maximum.accumulate(np.where(np.isnan(known), 0, np.arange(len(known))))
    missing = said.status == _NOTHING
    return SlotValues(
        np.where(missing, known[place][1:], said.value), np.where(missing, WORST[Quality.FAULT], said.status)
    )


def _lines(feed: Feed, slot: int, lines: Sequence[SlotValues], row: int) -> Iterator[str]:
    time = feed.stamped(slot).strftime(TIME)
    for line, said in zip(feed.lines, lines, strict=True):
        value = float(said.value[row]) * line.scale + line.offset
        if math.isfinite(value):
            cells = (line.symbol, number_text(value, feed), line.unit, time, _CODES[said.status[row]])
            yield feed.delimiter.join(cells) + "\r\n"


def number_text(value: float, feed: Feed) -> str:
    """Return a number with as many digits as it needs, one behind the decimal sign at least and `feed.digits` at most."""
    text = f"{value:.{feed.digits}f}".rstrip("0")
    text = f"{text}0" if text.endswith(".") else text
    text = "0.0" if text == "-0.0" else text
    return text.replace(".", feed.decimal)


def channels_of(feed: Feed) -> list[int]:
    """Return the channels that a feed asks, each once."""
    return list(dict.fromkeys(line.channel for line in feed.lines))
