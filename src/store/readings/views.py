"""Readings, to be read: the latest of each channel, and what a stretch of them is like."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from plant.arrays import Bools, Readings, Times
from plant.vocabulary import Flag, Verdict
from store.readings.kinds import ANY, COUNTING
from store.readings.read import last_before, newest, pieces


@dataclass(frozen=True, slots=True)
class Latest:
    """A channel's newest reading, whatever its quality."""

    time: int  # ns UTC
    value: float
    quality: int
    flags: int
    verdict: int


@dataclass(frozen=True, slots=True)
class ReadingCounts:
    """How many readings of a channel there are in a stretch, and how many of them are what."""

    readings: int
    uncounted: int
    outliers: int
    held: int
    anomalies: int
    resets: int
    rollovers: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """Stretches without a counting reading: the longest [start, end) ns UTC, and how many are longer than allowed."""

    longest: tuple[int, int] | None
    too_long: int


def latest_readings(connection: sqlite3.Connection, channels: Mapping[int, int]) -> dict[int, Latest]:
    """Return the newest reading of each channel that has one, by index; `channels` is {database id: index}."""
    found = newest(connection, channels, ANY)
    columns = (found.channel, found.time, found.value, found.quality, found.flags, found.verdict)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {channels[number]: Latest(*row) for number, *row in rows}


def reading_counts(connection: sqlite3.Connection, channel: int, start: int, end: int) -> ReadingCounts:
    """Return how a channel's (database id) readings of [start, end) are."""
    counts = np.zeros(len(fields(ReadingCounts)), np.int64)
    for part in pieces(connection, channel, start, end):
        counts += [np.count_nonzero(mask) for mask in _counted(part)]
    return ReadingCounts(*counts.tolist())


def _counted(readings: Readings) -> tuple[Bools, ...]:
    """Return which readings each field of `ReadingCounts` counts."""
    verdicts = (Verdict.OUTLIER, Verdict.HELD, Verdict.ANOMALY, Verdict.RESET, Verdict.ROLLOVER)
    return (
        np.ones(len(readings), bool),
        ~readings.counting,
        *(readings.verdict == verdict for verdict in verdicts),
        (readings.flags & Flag.CONFLICT) != 0,
    )


def reading_gaps(connection: sqlite3.Connection, channel: int, start: int, end: int, allowed: int) -> Gaps:
    """Return the stretches of [start, end) between counting readings of a channel (database id).

    A stretch at an edge goes from or to the edge, and is too long where it is longer than `allowed` [ns] with what it
    has outside of it: the last reading before `start` counts, what comes after `end` is not looked at.
    """
    if start >= end:
        return Gaps(None, 0)
    times = _counting_times(connection, channel, start, end)
    before = last_before(connection, channel, start - 1, COUNTING).time
    bounds = np.concatenate([before if len(before) else [start], times, [end]])
    starts, ends = np.maximum(bounds[:-1], start), bounds[1:]
    longest = int(np.argmax(ends - starts))
    too_long = int(np.count_nonzero(np.diff(bounds) > allowed))
    return Gaps((int(starts[longest]), int(ends[longest])), too_long)


def _counting_times(connection: sqlite3.Connection, channel: int, start: int, end: int) -> Times:
    parts = (part.time[part.counting] for part in pieces(connection, channel, start, end))
    return np.concatenate([np.empty(0, np.int64), *parts])
