"""What conditions may ask at an instant, from the state and from the newest readings in memory."""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from alerts.engine.heard import GatewaysHeard
from alerts.engine.reading_pool import ReadingPool, Rows, Sorted
from alerts.judging.conditions import GatewayColumns
from alerts.judging.histories import History
from plant.alert_rules.conditions import OF_CHANNEL
from plant.arrays import Bools, Floats, Ints, Readings, Times
from plant.park import Condition, Plant, Source
from plant.vocabulary import NEVER, NS_PER_HOUR, Kind
from store.blocks import CO2E_T, FIELDS, REVISION, coverage
from store.frame_rows import (
    counting_readings,
    gateways_online,
    hour_blocks,
    last_counting,
    newest_readings,
)
from store.totals.covered_windows import CoveredWindows
from store.totals.running_sums import RunningSums
from store.totals.sums import only_events

WHOLE = 1 - 1e-9  # coverage of a window that is complete, but for rounding
LOADED_AT_ONCE = 1000  # channels, or sources
_OF_CHANNELS = ("value", "age", "absent", *OF_CHANNEL)
_OF_GATEWAYS = ("online", "silence", "skew")


class Memory(Protocol):
    """What a frame needs of a state: the line's own, or one that is only read."""

    @property
    def channel_ids(self) -> Ints:
        """The database id of each channel."""
        ...

    @property
    def source_ids(self) -> Ints:
        """The database id of each source."""
        ...

    @property
    def connection(self) -> sqlite3.Connection:
        """Where to read."""
        ...

    def begun(self) -> Times:
        """Return from when on each source owes windows; the far future of those that were never heard."""
        ...


class LineFrame:
    """A `alerts.judging.conditions.Frame` of the line, inside its transaction; `look` says of which instant.

    The readings of a channel that some condition asks are in memory, over the longest time that it is asked for, at
    about 25 bytes each. An answer is about an instant, made of all that has come until it is given.
    """

    def __init__(
        self,
        plant: Plant,
        memory: Memory,
        conditions: Sequence[Condition],
        heard: GatewaysHeard | None = None,
    ) -> None:
        """Take the conditions that ask; without `heard` gateways are as the state has them at the first question."""
        self._plant, self._memory, self._given = plant, memory, heard
        spans = asked_spans(conditions)
        self._channels = np.array(sorted(spans), np.int64)
        self._place = np.full(len(plant.channels), -1)
        self._place[self._channels] = np.arange(len(self._channels))
        self._span = np.array([spans[channel] for channel in self._channels.tolist()], np.int64)
        self._pool = ReadingPool(len(self._channels), self._load)
        self._covered = CoveredWindows(plant, memory.connection)
        self._clock = 0
        self.look(0)

    def look(self, now: int, clock: int = 0) -> None:
        """Answer about an instant from now on [ns UTC]; readings are kept for what is asked at `clock` and later."""
        self._now, self._clock = now, clock
        self._readings: Sorted | None = None
        self._rates: dict[bytes, Floats] = {}
        self._online: dict[str, bool] | None = None

    @property
    def now(self) -> int:
        """The instant [ns UTC]."""
        return self._now

    def forget(self) -> None:
        """Know only what the state says, as after a rollback."""
        self._pool.forget()
        self._sums.forget()
        self.look(self._now, self._clock)

    def take(self, new: Readings) -> None:
        """Take readings as they came, after they were written to the state."""
        place = self._place[new.channel]
        mine = np.flatnonzero(place >= 0)
        if len(mine):
            self._pool.add(Rows(place[mine], new.time[mine], new.value[mine], new.counting[mine]))

    # --- what a condition asks ------------------------------------------------------------------------------------

    def latest(self, channels: Ints) -> tuple[Times, Floats]:
        """Return time and value of each newest counting reading at or before now; `NEVER` and NaN where none is."""
        return self._settled().latest(self._place[channels], self._now)

    def history(self, channels: Ints, span: int) -> History:
        """Return the counting readings in (now - span, now], and of each channel the last one before."""
        return self._settled().history(self._place[channels], self._now, span)

    def emission_rate(self, sources: Ints) -> Floats:
        """Return the rate in each source's newest complete window at or before now [t/h].

        Complete is what is covered whole. It is unknown where that is older than the longest time that joins two readings
        of the source's inputs. A source of events only owes nothing by silence: its newest window is 0 where none came.
        """
        asked = sources.tobytes()
        if asked not in self._rates:
            parts = [
                sources[at : at + LOADED_AT_ONCE] for at in range(0, max(1, len(sources)), LOADED_AT_ONCE)
            ]
            self._rates[asked] = np.concatenate([self._emission_rate(part) for part in parts])
        return self._rates[asked]

    def tonnes(self, sources: Ints, start: int, end: int) -> Floats:
        """Return what is known of each source's emissions in [start, end) [t], as in its totals; NaN where nothing is."""
        return self._sums.tonnes(sources, start, end)

    def covered(self, sources: Ints, start: int, end: int) -> tuple[Floats, Floats]:
        """Return how many windows each source owes in [start, end), and how much of these is covered [windows]."""
        return self._covered.of(sources, start, end)

    def gateways(self, gateways: Ints) -> GatewayColumns:
        """Return what is known of each gateway."""
        if self._online is None:
            self._online = gateways_online(self._memory.connection)
        names = [self._plant.gateways[k].id for k in gateways.tolist()]
        return GatewayColumns(
            online=np.array(
                [float(self._online[name]) if name in self._online else np.nan for name in names]
            ),
            heard_at=np.minimum(self._heard.at[gateways], self._now),
            skew_s=self._heard.skew(gateways, self._clock),
        )

    # --- where the answers come from ------------------------------------------------------------------------------

    @cached_property
    def _heard(self) -> GatewaysHeard:
        return self._given or GatewaysHeard(self._plant, self._memory.connection)

    @cached_property
    def _sums(self) -> RunningSums:
        return RunningSums(self._plant, self._memory.connection, self._memory.source_ids)

    @cached_property
    def _patience(self) -> Ints:
        return np.array([_patience(self._plant, source) for source in self._plant.sources], np.int64)

    @cached_property
    def _is_quiet(self) -> Bools:
        return np.array([only_events(self._plant, source.index) for source in self._plant.sources], bool)

    def _settled(self) -> Sorted:
        if self._readings is None:
            self._readings = self._pool.settle(self._clock - self._span)
        return self._readings

    def _load(self, places: Ints) -> Rows:
        """Read from the state what is needed of channels."""
        parts = [Rows.empty()]
        for at in range(0, len(places), LOADED_AT_ONCE):
            some = places[at : at + LOADED_AT_ONCE]
            ids = self._memory.channel_ids[self._channels[some]].tolist()
            since = (self._clock - self._span[some]).tolist()
            place, time, value, quality = newest_readings(self._memory.connection, ids, since)
            parts.append(Rows(some[place], time, value, quality <= 1))
        return Rows.concat(parts)

    def _emission_rate(self, sources: Ints) -> Floats:
        found = np.full(len(sources), np.nan)
        quiet = self._is_quiet[sources]
        oldest = self._now - self._patience[sources]
        for since in (
            np.maximum(oldest, self._now - 5 * self._plant.window),
            oldest,
        ):  # mostly the first look finds it
            rows = np.flatnonzero(~quiet & np.isnan(found))
            if len(rows):
                found[rows] = self._rate(sources[rows], WHOLE, since[rows])
        rows = np.flatnonzero(quiet)
        if len(rows):
            newest = self._now // self._plant.window * self._plant.window
            found[rows] = self._rate(sources[rows], 0.0, np.full(len(rows), newest))
        return found

    def _rate(self, sources: Ints, covered: float, since: Times) -> Floats:
        """Return the rate in the newest window of each source that is covered so far and ends at or after a time."""
        row, end, block = self._windows(sources, int(since.min()))
        recent = np.flatnonzero((end <= self._now) & (end >= since[row]))
        row, end, block = row[recent], end[recent], block[recent]
        found = np.full(len(sources), np.nan) if covered else self._of_silence(sources)
        found[row[block[:, REVISION] > 0]] = np.nan
        known = np.flatnonzero(_is_known(block, covered))
        newest = np.full(len(sources), NEVER)
        np.maximum.at(newest, row[known], end[known])
        known = known[end[known] == newest[row[known]]]
        found[row[known]] = block[known, CO2E_T] / (self._plant.window / NS_PER_HOUR)
        return found

    def _windows(self, sources: Ints, since: int) -> tuple[Ints, Times, Floats]:
        """Return the stored windows around a time and after: row in `sources`, end and fields."""
        window, ids = self._plant.window, self._memory.source_ids[sources]
        per_hour = NS_PER_HOUR // window
        stored = hour_blocks(
            self._memory.connection, ids.tolist(), since - window - NS_PER_HOUR, self._now, per_hour
        )
        order = np.argsort(ids)
        row = np.repeat(order[np.searchsorted(ids[order], stored.source)], per_hour)
        end = (stored.hour[:, None] + window * np.arange(1, per_hour + 1)).ravel()
        return row, end, stored.block.reshape(-1, len(FIELDS))

    def _of_silence(self, sources: Ints) -> Floats:
        """Return the rate of sources that owe nothing by silence: 0 once they were heard."""
        begun = self._memory.begun()[sources]
        return np.where(begun <= self._now - self._plant.window, 0.0, np.nan)


def window_rates(
    connection: sqlite3.Connection, source: int, start: int, end: int, window: int
) -> tuple[Times, Floats]:
    """Return end [ns UTC] and emission rate [t/h] of a source's (database id) stored windows in [start, end); NaN: unknown."""
    per_hour = NS_PER_HOUR // window
    stored = hour_blocks(connection, [source], start - NS_PER_HOUR + 1, end, per_hour)
    begin = (stored.hour[:, None] + window * np.arange(per_hour)).ravel()
    inside = (begin >= start) & (begin < end)
    block = stored.block.reshape(-1, len(FIELDS))[inside]
    rate = np.where(coverage(block) > 0, block[:, CO2E_T] / (window / NS_PER_HOUR), np.nan)
    return begin[inside] + window, rate


class PastFrame(LineFrame):
    """A frame of one condition's past: it reads the state from a start on, as far and as much at a time as it is told."""

    def __init__(self, plant: Plant, memory: Memory, condition: Condition, start: int) -> None:
        super().__init__(plant, memory, [condition])
        self._ids: list[int] = memory.channel_ids[self._channels].tolist()
        self._read_until = np.array(
            [
                self._first_needed(number, start - span)
                for number, span in zip(self._ids, self._span.tolist(), strict=True)
            ],
            np.int64,
        )
        self._pool = ReadingPool(len(self._channels), lambda _places: Rows.empty())
        self._pool.settle(start - self._span)

    def _first_needed(self, channel: int, since: int) -> int:
        before = last_counting(self._memory.connection, channel, since)
        return since if before is None else before - 1

    def read_on(self, until: int, most: int) -> int:
        """Read readings up to a time, at most so many; return up to when all of them are there [ns UTC]."""
        for place in np.flatnonzero(self._read_until < until).tolist():
            time, value = counting_readings(
                self._memory.connection, self._ids[place], int(self._read_until[place]), until, most
            )
            self._pool.add(Rows(np.full(len(time), place), time, value, np.ones(len(time), bool)))
            self._read_until[place] = until if len(time) < most else time[-1]
            most -= len(time)
            if not most:
                break
        return int(self._read_until.min(initial=until))


def asked_spans(conditions: Sequence[Condition]) -> dict[int, int]:
    """Return for how long before now conditions ask of each channel [ns], by index; nothing of those that none asks."""
    spans: dict[int, int] = {}
    for condition in conditions:
        for channels, span in asked_readings(condition):
            for channel in channels:
                spans[channel] = max(spans.get(channel, 0), span + condition.every + condition.delay)
    return spans


def asked_readings(condition: Condition) -> Iterator[tuple[Sequence[int], int]]:
    """Yield which channel's readings a condition asks for each of its subjects, and how long before now [ns]."""
    for step in (*condition.steps, *condition.clear):
        if step.name not in _OF_CHANNELS:
            continue
        span = 0 if step.name in ("value", "age", "absent") else step.span or 2 * NS_PER_HOUR
        if step.index >= 0:
            yield condition.others[step.index], span
        elif condition.subject == "channel":
            yield condition.subjects, span


def _patience(plant: Plant, source: Source) -> int:
    """Return how old a source's newest complete window may be [ns]."""
    channels = [plant.channels[k] for given in source.inputs for k in plant.measured(given.channel)]
    longest = (
        2 * c.period if c.kind is Kind.INTERVAL else c.max_gap
        for c in channels
        if c.kind is not Kind.EVENT and not c.entered
    )
    return max(longest, default=0) + plant.window


def _is_known(block: Floats, covered: float) -> Bools:
    of = coverage(block)
    return (of > 0) & (of >= covered) & ~np.isnan(block[:, CO2E_T])
