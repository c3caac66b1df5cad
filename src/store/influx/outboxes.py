"""What waits in the InfluxDB outboxes of state.db, as batches of lines that fill a request."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Floats, Ints, Times
from plant.vocabulary import NS_PER_HOUR
from store import blocks
from store.influx import lines
from store.influx.doubts import ToldHour, hours_told

LINES_PER_REQUEST = 10_000


class SeriesKeys(Protocol):
    """The series keys of what state.db knows by number; see `store.influx.lines.PointNames`."""

    def reading_prefix(self, channel_id: int) -> bytes:
        """Return what the lines of a channel begin with."""
        ...

    def emission_prefix(self, source_id: int) -> bytes:
        """Return what the lines of a source begin with."""
        ...


@dataclass(frozen=True, slots=True)
class PointBatch:
    """Points to send, no two with one key, and how to forget the outbox rows that they came from."""

    blocks: Iterable[bytes]
    points: int
    forget: str
    rows: Sequence[tuple[Any, ...]]
    last_reading: int = 0  # id of the last row of readings
    hours: Callable[[], Sequence[ToldHour]] = tuple  # that its points lie in, but for alerts

    def __bool__(self) -> bool:
        return bool(self.rows)


NOTHING = PointBatch((), 0, "", ())


class PointOutboxes:
    """Reads them; for one thread."""

    def __init__(self, connection: sqlite3.Connection, names: SeriesKeys) -> None:
        self._connection, self._names = connection, names

    def readings(self, after: int) -> PointBatch:
        """Return readings behind a row, first in, first out; the later of two with one channel and time."""
        rows = self._some(
            "SELECT id, readings, count FROM influx_reading WHERE id > ? ORDER BY id",
            (after,),
            size=lambda row: row[2],
        )
        columns = zip(*map(blocks.unpack_readings, [b"", *(row[1] for row in rows)]), strict=True)
        channel, at, value, quality = map(np.concatenate, columns)
        newest = last_of_each(channel, at)
        ids, key = np.unique(channel, return_inverse=True)
        prefixes = [self._names.reading_prefix(number) for number in ids.tolist()]
        rendered = (
            lines.reading_lines(prefixes, key[part], at[part], value[part], quality[part])
            for part in (newest[i : i + LINES_PER_REQUEST] for i in range(0, len(newest), LINES_PER_REQUEST))
        )
        return PointBatch(
            rendered,
            len(newest),
            "DELETE FROM influx_reading WHERE id = ?",
            [(row[0],) for row in rows],
            rows[-1][0] if rows else after,
            lambda: hours_told("reading", channel, at),
        )

    def emissions(self) -> PointBatch:
        """Return hours that have changed windows, each of these as it is now."""
        rows = self._some(
            # CROSS keeps SQLite from walking through all emissions to find the few in the outbox.
            "SELECT source, hour, generation, dirty, block FROM influx_emission CROSS JOIN emission USING (source, hour)",
            (),
            size=lambda row: row[3].bit_count(),
            opened=partial(_opened_hour, self._windows_of_an_hour()),
        )
        windows = [_dirty_windows(hour, dirty, block) for _, hour, _, dirty, block in rows]
        prefixes = [self._names.emission_prefix(row[0]) for row in rows]
        key = np.repeat(np.arange(len(rows)), [len(start) for start, _ in windows])
        start = np.concatenate([np.empty(0, np.int64), *(start for start, _ in windows)])
        fields = np.concatenate([blocks.empty(0), *(fields for _, fields in windows)])
        return PointBatch(
            [lines.emission_lines(prefixes, key, start, fields)],
            len(start),
            # A window that changed since the rows were read must be sent again.
            "DELETE FROM influx_emission WHERE source = ? AND hour = ? AND generation = ?",
            [row[:3] for row in rows],
            hours=lambda: [ToldHour("emission", *row[:2]) for row in rows],
        )

    def alerts(self) -> PointBatch:
        """Return the lines of alerts, the later of two with one series and time."""
        rows = self._some("SELECT id, line FROM influx_alert ORDER BY id", (), size=lambda _row: 1)
        newest = {_key_of_line(line): line for _, line in rows}
        block = "".join(f"{line.rstrip()}\n" for line in newest.values()).encode()
        return PointBatch(
            [block], len(newest), "DELETE FROM influx_alert WHERE id = ?", [row[:1] for row in rows]
        )

    def _windows_of_an_hour(self) -> int | None:
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'window'").fetchone()
        return NS_PER_HOUR // row[0] if row else None

    def _some(
        self,
        query: str,
        given: tuple[int, ...],
        size: Callable[[tuple[Any, ...]], int],
        opened: Callable[[tuple[Any, ...]], tuple[Any, ...] | None] = lambda row: row,
    ) -> list[tuple[Any, ...]]:
        """Return the first rows that fill a request together; `opened` returns a row's content, None where it cannot be read."""
        with closing(self._connection.execute(query, given)) as rows:
            return list(_filling((row for row in map(opened, rows) if row is not None), size))


def _opened_hour(windows: int | None, row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    block = blocks.block_of(row[-1], windows)
    return None if block is None else (*row[:-1], block)


def _filling(
    rows: Iterable[tuple[Any, ...]], size: Callable[[tuple[Any, ...]], int]
) -> Iterator[tuple[Any, ...]]:
    total = 0
    for row in rows:
        yield row
        total += size(row)
        if total >= LINES_PER_REQUEST:
            return


def last_of_each(channel: NDArray[np.int32], time: Times) -> Ints:
    """Return, in order, the rows that no later row has channel and time in common with."""
    order = np.lexsort((time, channel))
    follows = (channel[order][1:] == channel[order][:-1]) & (time[order][1:] == time[order][:-1])
    return np.sort(order[np.append(~follows, np.ones(min(1, len(order)), bool))])


def _dirty_windows(hour: int, dirty: int, block: Floats) -> tuple[Times, Floats]:
    """Return start [ns UTC] and fields of the windows of an hour whose bit is set."""
    window = np.flatnonzero(dirty >> np.arange(63) & 1)
    return hour + window * (NS_PER_HOUR // len(block)), block[window]


def _key_of_line(line: str) -> tuple[str, str]:
    """Return the series key and the time of a line."""
    series, _fields = re.split(r"(?<!\\) ", line.strip(), maxsplit=1)
    return series, line.strip().rsplit(" ", 1)[1]
