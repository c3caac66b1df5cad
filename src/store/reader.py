"""Reads state.db: one consistent snapshot at a time, by the plant's numbers, without ever blocking the writer."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

import numpy as np

from plant.arrays import Bools, Floats, Ints, Readings, Times
from plant.inventory import is_counted
from plant.park import Channel, Plant, Source
from plant.periods import MONTH
from plant.vocabulary import NS_PER_HOUR
from store.accounting.closing import Closing
from store.accounting.regulated_hours import RegulatedHours, regulated_hours
from store.blocks import REVISION, block_of, coverage, empty
from store.frame_rows import hour_blocks
from store.messages.balances import balances, balances_ever
from store.messages.presence import TypicalSteps, gone, quiet_since
from store.messages.sparkplug import channels_away
from store.readings.kinds import BASELINE, COUNTING
from store.readings.read import newest_times, pieces
from store.rows import SHARES, SUMMED, Balance, Emissions, FieldSums, GatewayStatus, Newest, Outboxes
from store.totals.beginnings import begins_of


class Reader:
    """Opens snapshots of a state database that a writer may be changing at the same time."""

    def __init__(self, path: Path, plant: Plant) -> None:
        self.plant, self.folder = plant, path.parent
        self._uri = f"{path.absolute().as_uri()}?mode=ro"
        self._steps = TypicalSteps()
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._channels = Numbers("channel", plant.channels)
        self._sources = Numbers("source", plant.sources)
        self._watching: sqlite3.Connection | None = None
        self._watch = Lock()

    def version(self) -> int:
        """Return a number that is another one after every commit of the writer.

        Raises
        ------
        sqlite3.Error
            The database is not there, or not readable.
        """
        with self._watch:
            if self._watching is None:
                self._watching = self._opened()
            return int(self._watching.execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def snapshot(self) -> Iterator["Snapshot"]:
        """Give the state as it is now; keep the time inside short, for it holds back the writer's checkpoints.

        Raises
        ------
        sqlite3.Error
            The database is not there, or not readable.
        """
        connection = self._connection()
        try:
            connection.execute("BEGIN")
            yield Snapshot(connection, self.plant, self._channels, self._sources, self._steps)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)

    def close(self) -> None:
        """Close the connections that no snapshot holds."""
        while (connection := self._take()) is not None:
            connection.close()
        with self._watch:
            if self._watching is not None:
                self._watching.close()
                self._watching = None

    def _connection(self) -> sqlite3.Connection:
        return self._take() or self._opened()

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(self._uri, uri=True, timeout=5, isolation_level=None, check_same_thread=False)

    def _take(self) -> sqlite3.Connection | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None


class Numbers:
    """The database's numbers of what the plant configures, kept for as long as no new one was given."""

    def __init__(self, table: str, items: Sequence[Channel] | Sequence[Source]) -> None:
        self._table = table
        self._index = {(item.park, item.facility, item.name): item.index for item in items}
        self._known: tuple[int, dict[int, int]] = (0, {})

    def ids(self, connection: sqlite3.Connection, wanted: Sequence[int]) -> dict[int, int]:
        """Return {id: index} of those wanted indexes that the database knows."""
        known = self._current(connection)
        return {known[index]: index for index in wanted if index in known}

    def _current(self, connection: sqlite3.Connection) -> dict[int, int]:
        newest = connection.execute(f"SELECT coalesce(max(id), 0) FROM {self._table}").fetchone()[0]
        if newest != self._known[0]:
            rows = connection.execute(f"SELECT id, park, facility, name FROM {self._table}")
            ids = {self._index.get(tuple(name)): number for number, *name in rows}
            self._known = (newest, {index: number for index, number in ids.items() if index is not None})
        return self._known[1]


class Snapshot:
    """Queries of one moment's state; channels and sources are indexes in the plant. See `Reader.snapshot`."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        plant: Plant,
        channels: Numbers,
        sources: Numbers,
        steps: TypicalSteps | None = None,
    ) -> None:
        self.plant = plant
        self._steps = steps or TypicalSteps()
        self._connection = connection
        self._channels = channels
        self._sources = sources
        self._held: _Held | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        """What other modules of the room ask of the same moment, such as `alerts.tables.views`."""
        return self._connection

    def channel_ids(self, channels: Sequence[int]) -> dict[int, int]:
        """Return {database id: index} of those channels that the state knows, for other modules of the room."""
        return self._channels.ids(self._connection, channels)

    def source_ids(self, sources: Sequence[int]) -> dict[int, int]:
        """Return {database id: index} of those sources that the state knows."""
        return self._sources.ids(self._connection, sources)

    def begins(self, sources: Sequence[int]) -> Times:
        """Return where each source begins, see `store.totals.beginnings` [ns UTC]; `UNHEARD` where nothing was read of it."""
        ids = self._sources.ids(self._connection, sources)
        number_of = {index: number for number, index in ids.items()}
        numbers = np.array([number_of.get(source, -1) for source in sources], np.int64)
        return begins_of(self._connection, numbers)

    def totals(self, sources: Sequence[int], level: int, start: int, end: int) -> Emissions:
        """Return the sums of a level (1 hour, 2 day, 3 month) that start in [start, end), by source and time."""
        ids = self._sources.ids(self._connection, sources)
        rows = self._all(
            f"SELECT source, start, windows, revision, {', '.join(SUMMED)} FROM total"
            " WHERE source IN (SELECT value FROM json_each(?)) AND level = ? AND start >= ? AND start < ?"
            " ORDER BY source, start",
            _json(ids), level, start, end,
        )  # fmt: skip
        return Emissions(
            source=np.array([ids[row[0]] for row in rows], np.int64),
            start=_column(rows, 1),
            values=np.array([row[4:] for row in rows], np.float64).reshape(-1, len(SUMMED)),
            windows=_column(rows, 2),
            revision=_column(rows, 3),
        )

    def field_totals(self, sources: Sequence[int], level: int, start: int, end: int, field: str) -> FieldSums:
        """Return one of `SUMMED` of the sums of a level that start in [start, end), by source and time."""
        ids = self._sources.ids(self._connection, sources)
        rows = self._all(
            f"SELECT source, start, {SUMMED[SUMMED.index(field)]}, {' + '.join(SHARES)} FROM total"
            " WHERE source IN (SELECT value FROM json_each(?)) AND level = ? AND start >= ? AND start < ?"
            " ORDER BY source, start",
            _json(ids), level, start, end,
        )  # fmt: skip
        return FieldSums(
            np.array([ids[row[0]] for row in rows], np.int64),
            _column(rows, 1),
            np.array([row[2] for row in rows], np.float64),
            np.array([row[3] for row in rows], np.float64),
        ).by_source()

    def regulated(self, source: int, start: int, end: int) -> RegulatedHours:
        """Return the hours of a source that were counted under its regulation and start in [start, end)."""
        number = next(iter(self._sources.ids(self._connection, [source])), 0)
        return regulated_hours(self._connection, number, start, end)

    def windows(self, sources: Sequence[int], start: int, end: int) -> Emissions:
        """Return the computed windows that start in [start, end), by source and time."""
        if self._held is not None and self._held.has(sources, start, end):
            return self._held.part(sources, start, end)
        ids, window = self._sources.ids(self._connection, sources), self.plant.window
        stored = hour_blocks(self._connection, ids, start - NS_PER_HOUR + 1, end, NS_PER_HOUR // window)
        time = stored.hour[:, None] + window * np.arange(stored.block.shape[1])
        computed = stored.block[:, :, REVISION] > 0
        row, place = np.nonzero(computed & (time >= start) & (time < end))
        fields = stored.block[row, place]
        source = np.array([ids[number] for number in stored.source.tolist()], np.int64)
        return Emissions(
            source=source[row],
            start=time[row, place],
            values=fields[:, :REVISION],
            windows=(coverage(fields) > 0).astype(np.int64),
            revision=fields[:, REVISION].astype(np.int64),
        )

    def have_windows(self, sources: Sequence[int], start: int, end: int) -> Bools:
        """Return which sources have computed windows that start in [start, end), however long that is."""
        at_hand = self._held is not None and self._held.has(sources, start, end)
        if at_hand or end - start <= 2 * NS_PER_HOUR:
            return np.isin(sources, self.windows(sources, start, end).source)
        edges = (start, start + NS_PER_HOUR), (end - NS_PER_HOUR, end)
        at_edges = [np.isin(sources, self.windows(sources, *edge).source) for edge in edges]
        return at_edges[0] | at_edges[1] | self._have_hours(sources, start, end - NS_PER_HOUR)

    def _have_hours(self, sources: Sequence[int], start: int, end: int) -> Bools:
        """Return which sources have an hour of windows that starts in [start, end)."""
        ids = self._sources.ids(self._connection, sources)
        rows = self._all(
            "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM emission WHERE source = value AND hour >= ? AND hour <= ?)",
            _json(ids), start, end,
        )  # fmt: skip
        return np.isin(sources, [ids[number] for (number,) in rows])

    def hold_windows(self, sources: Sequence[int], start: int, end: int) -> None:
        """Read windows once that several questions about this moment are about; `windows` answers these from memory."""
        self._held = _Held(frozenset(sources), start, end, self.windows(sources, start, end))

    def readings(self, channel: int, start: int, end: int, chunk: int = 50_000) -> Iterator[Readings]:
        """Yield a channel's readings with start <= time < end in time order, at most `chunk` at once."""
        for number in self._channels.ids(self._connection, [channel]):
            for part in pieces(self._connection, number, start, end, chunk):
                yield replace(part, channel=np.full(len(part), channel, np.int32))

    def newest(self, channels: Sequence[int]) -> dict[int, Newest]:
        """Return the newest readings of each channel, also of those that have none."""
        ids = self._channels.ids(self._connection, channels)
        counting, baselines = (
            _times(*newest_times(self._connection, ids, kind, 2)) for kind in (COUNTING, COUNTING & BASELINE)
        )
        away = channels_away(self._connection, ids)
        quiet = self._offline(ids)
        found = {
            index: Newest(
                counting.get(number, ()), baselines.get(number, ()), number in away, number in quiet
            )
            for number, index in ids.items()
        }
        return {channel: found.get(channel, Newest((), ())) for channel in channels}

    def typical_steps(self, newest: Mapping[int, int]) -> dict[int, int]:
        """Return the median of the last steps between the counting readings of channels [ns], of those that have several.

        `newest` is the time of each one's newest [ns UTC].
        """
        ids = self._channels.ids(self._connection, list(newest))
        found = self._steps.of(self._connection, {number: newest[index] for number, index in ids.items()})
        return {ids[number]: step for number, step in found.items()}

    def _offline(self, ids: Mapping[int, int]) -> set[int]:
        """Return those channels (database ids, of the given ids and indexes) whose gateway is offline."""
        said = gone(self._connection)
        if not said:
            return set()
        of = ((number, self.plant.channels[index]) for number, index in ids.items())
        named = ((number, f"{one.park}/{one.facility}/{one.gateway}") for number, one in of)
        return quiet_since(self._connection, {number: said[name] for number, name in named if name in said})

    def balance(self, start: int, end: int, gateway: str | None = None) -> dict[str, Balance]:
        """Return each gateway's balance over [start, end) ns UTC, see `store.messages.balances`."""
        return balances(self._connection, start, end, gateway)

    def balance_ever(self, gateway: str | None = None) -> dict[str, Balance]:
        """Return each gateway's balance over all that ever came, by gateway ('': none said)."""
        return balances_ever(self._connection, gateway)

    def closing(self) -> Closing:
        """Return the reporting periods, to be read."""
        park_of = {park.name: park.zone for park in self.plant.parks}
        known = [source.index for source in self.plant.sources]
        ids = self._sources.ids(self._connection, known)
        places = {number: self.plant.sources[index].park for number, index in ids.items()}
        is_in = is_counted(self.plant.sources, "park")
        apart = [number for number, index in ids.items() if not is_in[index]]
        return Closing(
            self._connection, {number: (park, park_of[park]) for number, park in places.items()}, apart
        )

    def block(self, source: int, hour: int) -> Floats:
        """Return the published block of an hour; `source` is a database id here, as it is to `closing`."""
        rows = self._all("SELECT block FROM emission WHERE source = ? AND hour = ?", source, hour)
        windows = NS_PER_HOUR // self.plant.window
        found = block_of(rows[0][0], windows) if rows else None
        return empty(windows) if found is None else found

    def months(self, park: str) -> list[int]:
        """Return the starts of the months in which any source of a park has emissions [ns UTC]."""
        rows = self._all(
            "SELECT DISTINCT start FROM total WHERE level = ? AND source IN (SELECT id FROM source WHERE park = ?)",
            MONTH, park,
        )  # fmt: skip
        return [int(row[0]) for row in rows]

    def decision(self, number: str) -> tuple[str, str] | None:
        """Return outcome and detail of a decision, None while the line has not taken it."""
        rows = self._all("SELECT outcome, detail FROM decision WHERE id = ?", number)
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def gateways(self) -> list[GatewayStatus]:
        """Return what each gateway's status said last, by gateway."""
        rows = self._all("SELECT gateway, at, online, count FROM gateway_status ORDER BY gateway")
        return [
            GatewayStatus(name, at, None if on is None else bool(on), count) for name, at, on, count in rows
        ]

    def cursor(self) -> dict[str, int]:
        """Return, by name, the first journal offset that is not yet part of this state."""
        return dict(self._all("SELECT name, next FROM cursor"))

    def outboxes(self) -> Outboxes:
        """Return what waits for InfluxDB and for webhooks."""
        row = self._all(
            "SELECT (SELECT coalesce(sum(count), 0) FROM influx_reading), (SELECT count(*) FROM influx_emission),"
            " (SELECT count(*) FROM influx_alert), count(*), min(created) FROM webhook WHERE delivered IS NULL AND dead IS NULL"
        )[0]
        return Outboxes(*row)

    def _all(self, query: str, *values: Any) -> list[Any]:
        return self._connection.execute(query, values).fetchall()


@dataclass(frozen=True, slots=True)
class _Held:
    """Windows in memory: all those of some sources that start in [start, end)."""

    sources: frozenset[int]
    start: int
    end: int
    windows: Emissions

    def has(self, sources: Sequence[int], start: int, end: int) -> bool:
        return self.start <= start and end <= self.end and self.sources.issuperset(sources)

    def part(self, sources: Sequence[int], start: int, end: int) -> Emissions:
        inside = (self.windows.start >= start) & (self.windows.start < end)
        return self.windows.take(inside & np.isin(self.windows.source, sources))


def _times(channel: Ints, time: Times) -> dict[int, tuple[int, ...]]:
    """Return the times of each channel, given by channel and time, newest first."""
    found: dict[int, tuple[int, ...]] = {}
    for number, one in zip(channel.tolist(), time.tolist(), strict=True):
        found[number] = (one, *found.get(number, ()))
    return found


def _column(rows: Sequence[Any], index: int) -> Ints:
    return np.array([row[index] for row in rows], np.int64)


def _json(ids: Mapping[int, int]) -> str:
    return json.dumps(list(ids))
