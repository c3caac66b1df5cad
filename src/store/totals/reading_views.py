"""Readings, to be read: the latest of each channel, and what a stretch of them is like."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plant.arrays import Times
from plant.vocabulary import Flag, Verdict

_AT_ONCE = 100_000  # times fetched in one go


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
    rows = connection.execute(
        "SELECT c.value, r.time, r.value, r.quality, r.flags, r.verdict FROM json_each(?) AS c CROSS JOIN reading AS r"
        " ON r.channel = c.value AND r.time = (SELECT max(time) FROM reading WHERE channel = c.value)",
        (json.dumps(list(channels)),),
    )
    return {channels[number]: Latest(*row) for number, *row in rows}


def reading_counts(connection: sqlite3.Connection, channel: int, start: int, end: int) -> ReadingCounts:
    """Return how a channel's (database id) readings of [start, end) are."""
    row = connection.execute(
        "SELECT count(*), total(quality > 1), total(verdict = ?), total(verdict = ?), total(verdict = ?),"
        " total(verdict = ?), total(verdict = ?), total(flags & ? != 0)"
        " FROM reading WHERE channel = ? AND time >= ? AND time < ?",
        (
            Verdict.OUTLIER, Verdict.HELD, Verdict.ANOMALY, Verdict.RESET, Verdict.ROLLOVER, Flag.CONFLICT,
            channel, start, end,
        ),
    ).fetchone()  # fmt: skip
    return ReadingCounts(*map(int, row))


def reading_gaps(connection: sqlite3.Connection, channel: int, start: int, end: int, allowed: int) -> Gaps:
    """Return the stretches of [start, end) between counting readings of a channel (database id).

    A stretch at an edge goes from or to the edge, and is too long where it is longer than `allowed` [ns] with what it
    has outside of it: the last reading before `start` counts, what comes after `end` is not looked at.
    """
    if start >= end:
        return Gaps(None, 0)
    times = _counting_times(connection, channel, start, end)
    before = connection.execute(
        "SELECT max(time) FROM reading WHERE channel = ? AND time < ? AND quality <= 1", (channel, start)
    ).fetchone()[0]
    bounds = np.concatenate([[start if before is None else before], times, [end]])
    starts, ends = np.maximum(bounds[:-1], start), bounds[1:]
    longest = int(np.argmax(ends - starts))
    too_long = int(np.count_nonzero(np.diff(bounds) > allowed))
    return Gaps((int(starts[longest]), int(ends[longest])), too_long)


def _counting_times(connection: sqlite3.Connection, channel: int, start: int, end: int) -> Times:
    rows = connection.execute(
        "SELECT time FROM reading WHERE channel = ? AND time >= ? AND time < ? AND quality <= 1 ORDER BY time",
        (channel, start, end),
    )
    parts = [np.empty(0, np.int64)]
    while part := rows.fetchmany(_AT_ONCE):
        parts.append(np.array(part, np.int64)[:, 0])
    return np.concatenate(parts)
