"""How two states differ in what their readings are, wherever these lie."""

import sqlite3

from plant.arrays import Readings
from plant.vocabulary import NS_PER_DAY
from store.readings.read import between, channels_read, span

AT_ONCE = 32 * NS_PER_DAY  # of a channel


def readings_apart(one: sqlite3.Connection, other: sqlite3.Connection) -> int:
    """Return how many readings only one of two states has, each as often as it is told otherwise."""
    channels = {*channels_read(one), *channels_read(other)}
    return sum(_apart(one, other, channel) for channel in sorted(channels))


def _apart(one: sqlite3.Connection, other: sqlite3.Connection, channel: int) -> int:
    spans = [found for state in (one, other) if (found := span(state, channel)) is not None]
    if not spans:
        return 0
    first, end = min(start for start, _ in spans), max(last for _, last in spans) + 1
    count = 0
    for start in range(first, end, AT_ONCE):
        stretch = (channel, start, min(start + AT_ONCE, end))
        count += len(_said(between(one, *stretch)) ^ _said(between(other, *stretch)))
    return count


def _said(readings: Readings) -> set[tuple[int | float, ...]]:
    columns = (
        *(readings.time, readings.value.view("i8"), readings.quality, readings.flags, readings.verdict),
        *(readings.boot, readings.correction, readings.message),
    )
    return set(zip(*(column.tolist() for column in columns), strict=True))
