"""Readings as a plain dictionary: what a state that keeps them as rows and blocks must answer, to the bit."""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import fields
from importlib import resources
from typing import Any

import numpy as np

from plant.arrays import Readings
from plant.vocabulary import FOREVER, NS_PER_DAY, NS_PER_HOUR, SINCE_EVER, Flag, Verdict
from store.readings import read, views
from store.readings.by_message import readings_by_message, stored_at
from store.readings.folding import ROUND_EVERY, Folding
from store.readings.kinds import ANY, BASELINE, COUNTING, ReadingKind, verdict_other_than
from store.readings.table import ReadingTable

Row = tuple[Any, ...]  # channel, time, value, quality, flags, verdict, boot, correction, message
JUDGED = verdict_other_than(Verdict.UNCOUNTED)
BASELINES = (0, 4, 5, 6, 7)
KINDS: dict[str, tuple[ReadingKind, Callable[[Row], bool]]] = {
    "any": (ANY, lambda row: True),
    "counting": (COUNTING, lambda row: row[3] <= 1),
    "judged": (JUDGED, lambda row: row[5] != 1),
    "baseline": (BASELINE, lambda row: row[5] in BASELINES),
    "both": (COUNTING & BASELINE, lambda row: row[3] <= 1 and row[5] in BASELINES),
}


def empty_state(path: str = ":memory:") -> sqlite3.Connection:
    """Return a new state without a plant."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(resources.files("store").joinpath("schema.sql").read_text())
    connection.executemany("INSERT INTO channel VALUES (?, 'p', 'f', ?)", [(k, f"c{k}") for k in (1, 2, 3)])
    return connection


def columns(rows: Iterable[Row]) -> Readings:
    """Return rows as columns."""
    given = list(zip(*rows, strict=True)) or [()] * 9
    pairs = zip(fields(Readings), given, strict=True)
    return Readings(*(np.array(one, getattr(Readings.empty(), name.name).dtype) for name, one in pairs))


def bits(readings: Readings) -> list[bytes]:
    """Return all that readings say."""
    return [np.ascontiguousarray(getattr(readings, name.name)).tobytes() for name in fields(Readings)]


def fold_all(connection: sqlite3.Connection, now: int) -> int:
    """Fold all that is due at a time [ns UTC], whatever the pace; return how many days."""
    folding, found = Folding(connection), 0
    folding.go(now)
    while more := folding.go(now):
        found += more
    return found


def fold_some(folding: Folding, now: int) -> int:
    """Let a fold go twice: whether it is in a round or between two."""
    return folding.go(now) + folding.go(now + ROUND_EVERY)


class Oracle:
    """What was written."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], Row] = {}

    def write(self, rows: Iterable[Row]) -> None:
        self.rows |= {(row[0], row[1]): row for row in rows}

    def of(self, channel: int) -> list[Row]:
        return [row for key, row in sorted(self.rows.items()) if key[0] == channel]

    def check(self, connection: sqlite3.Connection, times: Iterable[int]) -> None:
        """Compare every way to ask for readings, around some times, with what was written."""
        probes = list(times)
        for channel in (1, 2, 3):
            for time in probes:
                self._check_around(connection, channel, time, max(probes))
        self._check_many(connection, probes)
        self._check_messages(connection)

    def _check_around(self, connection: sqlite3.Connection, channel: int, time: int, end: int) -> None:
        mine = self.of(channel)
        for start, stop in ((time, end), (SINCE_EVER, time), (time, read.EVER), (time, time + NS_PER_HOUR)):
            expected = [row for row in mine if start <= row[1] < stop]
            assert bits(read.between(connection, channel, start, stop)) == bits(columns(expected))
            for most in (2, 50_000):
                parts = list(read.pieces(connection, channel, start, stop, most))
                assert all(0 < len(part) <= most for part in parts)
                assert bits(Readings.concat([Readings.empty(), *parts])) == bits(columns(expected))
            assert read.count(connection, channel, start, stop) == len(expected)
            self._check_views(connection, channel, start, stop, expected)
        for kind, holds in KINDS.values():
            before = [row for row in mine if row[1] <= time and holds(row)]
            after = [row for row in mine if time < row[1] <= end and holds(row)]
            for most in (1, 3, 25):
                found = read.last_before(connection, channel, time, kind, most)
                assert bits(found) == bits(columns(before[-most:]))
                found = read.first_after(connection, channel, time, kind, most, end)
                assert bits(found) == bits(columns(after[:most]))
        table = ReadingTable(connection)
        given = (channel, time, time + NS_PER_HOUR, NS_PER_HOUR, 0, 2)
        assert bits(table.stretch(*given).readings) == bits(columns(self._stretch(*given)))
        newest = [row[5] == Verdict.OUTLIER for row in mine[-4:]]
        assert table.outliers(channel, 4) == sum(newest)
        expected_span = (mine[0][1], mine[-1][1]) if mine else None
        assert read.span(connection, channel) == expected_span

    def _stretch(self, channel: int, first: int, last: int, window: int, period: int, on: int) -> list[Row]:
        mine = self.of(channel)
        judged = [row[1] for row in mine if row[5] != 1]
        bases = [row[1] for row in mine if row[5] in BASELINES]
        start, until = SINCE_EVER, FOREVER
        back = [time for time in judged if time < first][-6:]
        if len(back) == 6:
            anchor = [time for time in bases if time <= (back[0] - period) // window * window][-1:]
            start = next(
                (time for at in anchor for time in [t for t in bases if t <= at // window * window][-1:]),
                SINCE_EVER,
            )
        ahead = [time for time in judged if time > last][:on]
        if len(ahead) == on:
            edge = ((ahead[-1] + period) // window + 1) * window + period
            further = [time for time in judged if time > edge][:6]
            until = further[-1] if len(further) == 6 else FOREVER
        return [row for row in mine if start <= row[1] <= until]

    def _check_views(
        self, connection: sqlite3.Connection, channel: int, start: int, end: int, rows: list[Row]
    ) -> None:
        counts = views.reading_counts(connection, channel, start, end)
        verdicts = [row[5] for row in rows]
        named = (Verdict.OUTLIER, Verdict.HELD, Verdict.ANOMALY, Verdict.RESET, Verdict.ROLLOVER)
        assert counts == views.ReadingCounts(
            len(rows), sum(row[3] > 1 for row in rows), *(verdicts.count(one) for one in named),
            sum(bool(row[4] & Flag.CONFLICT) for row in rows),
        )  # fmt: skip

    def _check_many(self, connection: sqlite3.Connection, times: list[int]) -> None:
        asked = (3, 1, 2)
        assert read.channels_read(connection) == sorted({channel for channel, _ in self.rows})
        for kind, holds in KINDS.values():
            mine = {channel: [row for row in self.of(channel) if holds(row)] for channel in asked}
            for most in (1, 2, 21):
                expected = [row for channel in sorted(asked) for row in mine[channel][-most:]]
                assert bits(read.newest(connection, asked, kind, most)) == bits(columns(expected))
                times = zip(
                    *(one.tolist() for one in read.newest_times(connection, asked, kind, most)), strict=True
                )
                assert list(times) == [row[:2] for row in expected]
            firsts = {channel: rows[0][1] for channel, rows in mine.items() if rows}
            assert read.first_times(connection, asked, kind) == firsts
        for time in times:
            expected = []
            for channel in asked:
                mine_ = self.of(channel)
                start = next((row[1] for row in mine_[::-1] if row[1] <= time and row[3] <= 1), time)
                expected += [row for row in mine_ if row[1] >= start]
            assert bits(read.from_counting(connection, asked, [time] * 3)) == bits(columns(expected))

    def _check_messages(self, connection: sqlite3.Connection) -> None:
        wanted = sorted((row[-1], *row[:-1]) for row in self.rows.values())
        found: list[Row] = []
        for part in readings_by_message(connection):
            names = ("message", "channel", "time", "value", "quality", "flags", "boot", "correction")
            found += zip(*(getattr(part, name).tolist() for name in names), strict=True)
        assert [row[0] for row in found] == [row[0] for row in wanted]
        assert _hex(found) == _hex([(*row[:6], *row[7:]) for row in wanted])
        keys = sorted({(1, NS_PER_DAY), *list(self.rows)[::3]})
        assert len(stored_at(connection, keys)) == len({*keys} & {*self.rows})


def _hex(rows: Iterable[Row]) -> list[Row]:
    return sorted((*row[:3], float(row[3]).hex(), *row[4:]) for row in rows)
