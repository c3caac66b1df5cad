"""What conditions may ask at an instant, from the state and from the newest readings in memory."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from ingest.heard import GatewaysHeard
from ingest.reading_pool import ReadingPool, Rows, Sorted
from plant.arrays import Bools, Floats, Ints, Readings, Times
from plant.park import Condition, Plant, Source
from plant.vocabulary import NS_PER_HOUR, Kind
from rules.conditions import NEVER, GatewayColumns
from rules.histories import History
from store.blocks import CO2E_T, FIELDS, REVISION, coverage
from store.frame_rows import gateways_online, hour_blocks, newest_readings
from store.running_sums import RunningSums
from store.sums import only_events

WHOLE = 1 - 1e-9  # coverage of a window that is complete, but for rounding
LOADED_AT_ONCE = 1000  # channels, or sources
_OF_CHANNELS = (
    "value", "age", "absent", "avg", "max_over", "min_over", "sum_over", "delta", "rate", "spread", "count", "hour_mean",
)  # fmt: skip
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

    def first_readings(self) -> Times:
        """Return when each source had its first reading."""
        ...


class LineFrame:
    """A `rules.conditions.Frame` of the line, inside its transaction; `look` says of which instant.

    The readings of a channel that some condition asks are in memory, over the longest time that it is asked for, at
    about 25 bytes each. An answer is about an instant, made of all that has come until it is given.
    """

    def __init__(self, plant: Plant, memory: Memory, conditions: Sequence[Condition]) -> None:
        self._plant, self._memory = plant, memory
        spans = asked_spans(conditions)
        self._channels = np.array(sorted(spans), np.int64)
        self._place = np.full(len(plant.channels), -1)
        self._place[self._channels] = np.arange(len(self._channels))
        self._span = np.array([spans[channel] for channel in self._channels.tolist()], np.int64)
        self._pool = ReadingPool(len(self._channels), self._load)
        self._sums = RunningSums(plant, memory.connection, memory.source_ids)
        asks_gateways = any(
            step.name in _OF_GATEWAYS for one in conditions for step in (*one.steps, *one.clear)
        )
        self._heard = GatewaysHeard(plant, memory.connection) if asks_gateways else None
        self._patience = np.array([_patience(plant, source) for source in plant.sources], np.int64)
        self._is_quiet = np.array([only_events(plant, source.index) for source in plant.sources], bool)
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
        if self._heard is not None:
            self._heard.forget()
        self.look(self._now, self._clock)

    def take(self, new: Readings) -> None:
        """Take readings as they came, after they were written to the state."""
        place = self._place[new.channel]
        mine = np.flatnonzero(place >= 0)
        if len(mine):
            self._pool.add(Rows(place[mine], new.time[mine], new.value[mine], new.counting[mine]))

    def hear(self, gateways: Sequence[str], received: Times, position: Ints, time: Times) -> None:
        """Take the gateways of a micro-batch's messages and their arrival, and of each reading its message and its time."""
        if self._heard is not None:
            self._heard.take(gateways, received, position, time)

    # --- what a condition asks ------------------------------------------------------------------------------------

    def latest(self, channels: Ints) -> tuple[Times, Floats]:
        """Return time and value of each newest counting reading at or before now; `NEVER` and NaN where none is."""
        known, place = self._settled(), self._place[channels]
        if not len(known.time):
            return np.full(len(channels), NEVER), np.full(len(channels), np.nan)
        row = known.after(place, self._now) - 1
        found = row >= known.bounds[place]
        return np.where(found, known.time[row], NEVER), np.where(found, known.value[row], np.nan)

    def history(self, channels: Ints, span: int) -> History:
        """Return the counting readings in (now - span, now], and of each channel the last one before."""
        known, place = self._settled(), self._place[channels]
        stop = known.after(place, self._now)
        first = known.after(place, self._now - span)
        first -= first > known.bounds[place]
        count = stop - first
        run = np.repeat(np.arange(len(channels)), count)
        rows = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(len(run))
        return History(run, known.time[rows], known.value[rows])

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

    def gateways(self, gateways: Ints) -> GatewayColumns:
        """Return what is known of each gateway."""
        if self._online is None:
            self._online = gateways_online(self._memory.connection)
        if self._heard is None:
            raise RuntimeError("no condition asks of gateways")
        names = [self._plant.gateways[k].id for k in gateways.tolist()]
        return GatewayColumns(
            online=np.array(
                [float(self._online[name]) if name in self._online else np.nan for name in names]
            ),
            heard_at=np.minimum(self._heard.at[gateways], self._now),
            skew_s=self._heard.skew(gateways, self._clock),
        )

    # --- where the answers come from ------------------------------------------------------------------------------

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
        first = self._memory.first_readings()[sources]
        return np.where(first <= self._now - self._plant.window, 0.0, np.nan)


def asked_spans(conditions: Sequence[Condition]) -> dict[int, int]:
    """Return for how long before now conditions ask of each channel [ns], by index; nothing of those that none asks."""
    spans: dict[int, int] = {}
    for condition in conditions:
        for channels, span in _asked(condition):
            for channel in channels:
                spans[channel] = max(spans.get(channel, 0), span + condition.every + condition.delay)
    return spans


def _asked(condition: Condition) -> Iterator[tuple[Sequence[int], int]]:
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
        2 * c.period if c.kind is Kind.INTERVAL else c.max_gap for c in channels if c.kind is not Kind.EVENT
    )
    return max(longest, default=0) + plant.window


def _is_known(block: Floats, covered: float) -> Bools:
    of = coverage(block)
    return (of > 0) & (of >= covered) & ~np.isnan(block[:, CO2E_T])
