"""Hours that count: for sources under a regulation, clock hours by its rule, beside the live number.

An hour is counted once it is older than `allowed_lateness`, and again whenever a reading changes it. What follows from
it, the hours that are substituted from its value, is computed again as a whole: `rules.american.regulation.substituted` takes all
hours of the source, so the result is a function of the readings alone, whatever came first. Hours of a final month are
computed like all others, and wait for approval where they are not what was published.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ingest.line.evaluate import Evaluated
from ingest.line.recompute import Recompute
from plant import periods
from plant.arrays import Floats, Ints, Readings, Times
from plant.configuration.regulations import MRR
from plant.park import Input, Plant, Regulation, Source
from plant.vocabulary import FOREVER, NS_PER_HOUR, Kind, Quality
from rules.american import regulation as rules
from rules.american.part75.look_back import THREE_YEARS
from rules.american.substitution import Substituted
from rules.engine import Engine
from store.accounting.ledger import Entry
from store.accounting.regulated import RegulatedTable
from store.accounting.regulated_hours import HourInputs, RegulatedHours, RoleHour, overlaid, packed, rows_of
from store.readings.kinds import is_baseline
from store.state import State

MOST_HOURS = 744  # measured at once: a month of windows of each input, about 5 MB
MOST_SOURCES = 2  # counted at once because an hour has passed; the others wait for the line's next step
YEAR = 8760  # [h], the shortest


@dataclass(frozen=True, slots=True)
class MeasuredHours:
    """What readings say of some hours of one source, columns of one length; unknown is NaN."""

    hour: Times
    operating: Floats  # [h]
    load: Floats
    value: dict[str, Floats]  # by role, NaN where the hour has too few readings
    share: dict[str, Floats]
    live_co2e_t: Floats


class RegulatedSources:
    """Counts the hours of all sources that stand under a regulation, inside the line's transaction."""

    def __init__(self, plant: Plant, engine: Engine, state: State) -> None:
        self._plant, self._state = plant, state
        self._sources = [source for source in plant.sources if source.regulation is not None]
        self._zone = {park.name: park.zone for park in plant.parks}
        self._table = RegulatedTable(state.connection, state.closing.frozen)
        self._kernels = HourRecompute(plant, engine, state.connection)
        self._due: dict[int, int] = {}
        self.reload()

    def reload(self) -> None:
        """Look again how far each source is counted, as after a rollback."""
        self._due = {source.index: self._next_due(source) for source in self._sources}

    def take(self, evaluated: Evaluated | None, arrival: int, entry: Entry) -> None:
        """Count the hours that are due at an arrival [ns UTC], and again those that the line's new readings changed.

        `evaluated` is what a micro-batch did, None where there was none; `entry` is for the ledger.
        """
        until, waiting = arrival - self._plant.allowed_lateness, MOST_SOURCES
        for source in self._sources:
            touched = _touched(evaluated, source, self._plant)
            due = self._due[source.index] <= until and waiting > 0
            if due or self._is_news(source, touched):
                waiting -= due
                self._count(source, touched, until, entry)

    def catch_up(self, until: int, entry: Entry) -> None:
        """Count every hour that has ended by a time [ns UTC], however many: somebody decides of what is counted."""
        for source in self._sources:
            while self._due[source.index] <= until:
                self._count(source, np.empty(0, np.int64), until, entry)

    def _is_news(self, source: Source, touched: Times) -> bool:
        """Whether a time lies before the first hour that is not counted yet, or may be of the very first one."""
        due = self._due[source.index]
        if due == FOREVER or not len(touched):
            return bool(len(touched))
        return bool(touched.min() < periods.hour_start(due - 1, self._zone[source.park]))

    def _next_due(self, source: Source) -> int:
        """Return when the first hour that is not counted yet will have ended [ns UTC]."""
        span = self._table.span(self._id(source))
        zone = self._zone[source.park]
        if span is not None:
            return int(periods.next_hour(periods.next_hour(span[1], zone), zone))
        begin = self._begin(source)
        return FOREVER if begin is None else int(periods.next_hour(begin, zone))

    def _begin(self, source: Source) -> int | None:
        """Return the hour in which a source's first reading is, or begins [ns UTC]; None where it has none."""
        first = self._table.first_reading(self._id(source))
        period = max(self._plant.channels[given.channel].period for given in source.inputs)
        return None if first is None else int(periods.hour_start(first - period, self._zone[source.park]))

    def _id(self, source: Source) -> int:
        return int(self._state.source_ids[source.index])

    def _count(self, source: Source, touched: Times, until: int, entry: Entry) -> None:
        hours = self._hours(source, touched, until)
        if len(hours):
            number = self._id(source)
            self._table.write(entry, number, *self._kernels.again(source, number, hours))
            self._table.note_followed(number)
        self._due[source.index] = self._next_due(source)

    def _hours(self, source: Source, touched: Times, until: int) -> Times:
        """Return the hours to count: new ones that are complete, and counted ones that were touched, ascending."""
        zone, span, begin = self._zone[source.park], self._table.span(self._id(source)), self._begin(source)
        if begin is None:
            return np.empty(0, np.int64)
        end = int(periods.hour_start(until, zone))
        if span is None:
            return periods.starts(begin, end, periods.HOUR, zone)[:MOST_HOURS]
        after = int(periods.next_hour(span[1], zone))
        again = np.unique(periods.hour_start(touched, zone)) if len(touched) else touched
        again = again[(again >= span[0]) & (again < after)]
        before = periods.starts(begin, span[0], periods.HOUR, zone)
        new = periods.starts(after, end, periods.HOUR, zone)[:MOST_HOURS]
        return np.unique(np.concatenate([before, again, new]))


class HourRecompute:
    """Hours under a regulation, from the stored readings and by the rule: for the line, and for whoever checks it.

    Nothing is written here. For one thread; a read-only connection is enough.
    """

    def __init__(self, plant: Plant, engine: Engine, connection: sqlite3.Connection) -> None:
        """Read nothing yet: a plant may have no source under a regulation."""
        self._plant, self._engine, self._connection = plant, engine, connection
        self._zone = {park.name: park.zone for park in plant.parks}
        self._table = RegulatedTable(connection)

    @cached_property
    def _recompute(self) -> Recompute:
        return Recompute(self._plant, self._engine, self._connection)

    def again(self, source: Source, number: int, hours: Times) -> tuple[RegulatedHours, RegulatedHours]:
        """Measure hours again, put them among those that are stored, and apply the rule to all of them.

        Parameters
        ----------
        source, number, hours
            As for `measured`.

        Returns
        -------
        tuple
            The published hours that the rule looked at, and these and the given ones as they should be. What an hour was
            measured as is what waits for approval, where anything does.
        """
        measured, span = self.measured(source, number, hours), self._table.span(number)
        zone = self._zone[source.park]
        # The MRR looks at a year and at what closes its last gap, part 75 three years back; a year more holds any gap.
        year = int(periods.year_start(int(hours[0]), zone))
        back = YEAR if _law(source).rule == MRR else YEAR + THREE_YEARS
        since = int(periods.year_start(year - back * NS_PER_HOUR, zone))
        published, waiting = self._table.hours(number, since)
        everything = merged(overlaid(published, waiting), measured)
        new = self.counted(source, everything)
        # Where the record was cut, its first years lack their own look-back: they stay as they were counted when new.
        cut = span is not None and span[0] < everything.hour[0]
        own = everything.hour >= everything.hour[0] + cut * (back - YEAR) * NS_PER_HOUR
        return published, rows_of(new, np.flatnonzero(own))

    def measured(self, source: Source, number: int, hours: Times) -> MeasuredHours:
        """Return what the stored readings say of clock hours.

        Parameters
        ----------
        source
            A source under a regulation.
        number
            Its database id, for the live number.
        hours
            Starts of clock hours of its park, at least one, ascending. [ns UTC]
        """
        parts = [hours[i : i + MOST_HOURS] for i in range(0, len(hours), MOST_HOURS)]
        return _joined([self._measured(source, number, part) for part in parts])

    def counted(self, source: Source, hours: MeasuredHours) -> RegulatedHours:
        """Return hours as the rule counts them: valid ones, and what stands for the others. Revisions are 0.

        Parameters
        ----------
        source
            A source under a regulation.
        hours
            All hours that the rule may look at, consecutive and in order.
        """
        zone = self._zone[source.park]
        record = rules.HourlyRecord(
            value=rules.adjusted(_law(source), hours.hour, periods.next_hour(hours.hour, zone), hours.value),
            operating=hours.operating > 0,
            load=hours.load,
            period=periods.year_start(hours.hour, zone),
        )
        counted = rules.substituted(_law(source), record)
        return RegulatedHours(
            hour=hours.hour,
            revision=np.zeros(len(hours.hour), np.int64),
            status=rules.statuses(counted, record.operating),
            co2e_t=self._tonnes(source, hours, counted),
            live_co2e_t=hours.live_co2e_t,
            inputs=packed(list(_inputs(hours, counted))),
        )

    # --- from readings to hours -----------------------------------------------------------------------------------

    def _measured(self, source: Source, number: int, hours: Times) -> MeasuredHours:
        """Measure hours from the stored readings; a run of hours without a break is read at once."""
        ends = periods.next_hour(hours, self._zone[source.park])
        breaks = np.flatnonzero(hours[1:] != ends[:-1]) + 1
        runs = zip(np.split(hours, breaks), np.split(ends, breaks), strict=True)
        return _joined([self._measured_run(source, number, start, end) for start, end in runs])

    def _measured_run(self, source: Source, number: int, hours: Times, ends: Times) -> MeasuredHours:
        """Measure consecutive hours."""
        window, law = self._plant.window, _law(source)
        grid = hours[:, np.newaxis] // window + np.arange(NS_PER_HOUR // window)
        inside = grid < (ends // window)[:, np.newaxis]
        channels = sorted({given.channel for given in source.inputs} | ({law.load} - {-1}))
        values = self._recompute.values(np.array(channels, np.int64), int(hours[0]), int(ends[-1]))

        def at(channel: int) -> tuple[Floats, Floats]:
            value, measured, interpolated = values.at(np.full(grid.size, channel), grid.ravel())
            return value.reshape(grid.shape), (measured + interpolated).reshape(grid.shape)

        if law.load < 0:
            windows = rules.Windows(inside, inside, window)
            load = np.full(len(hours), np.nan)
        else:
            level = self._plant.channels[law.load].kind is Kind.LEVEL
            value, coverage = at(law.load)
            per_hour = (
                value if level else value / np.where(coverage > 0, coverage * (window / NS_PER_HOUR), np.nan)
            )
            windows = rules.Windows(inside, rules.running(inside, per_hour, law.running_above), window)
            load = rules.means(value, coverage, windows, level=level).value
        found, shares = {}, {}
        for given in source.inputs:
            found[given.role], shares[given.role] = self._role(source, given, at, windows, hours, ends)
        live = self._table.live(number, int(hours[0]), int(ends[-1]))
        lives = np.array([live.get(hour, np.nan) for hour in hours.tolist()])
        return MeasuredHours(hours, windows.operating_hours, load, found, shares, lives)

    def _role(
        self,
        source: Source,
        given: Input,
        at: Callable[[int], tuple[Floats, Floats]],
        windows: rules.Windows,
        hours: Times,
        ends: Times,
    ) -> tuple[Floats, Floats]:
        """Return an input's hourly values, NaN where the hour has too few readings, and the share that is known."""
        law, channel = _law(source), self._plant.channels[given.channel]
        value, coverage = at(given.channel)
        level = channel.kind is Kind.LEVEL
        mean = rules.means(value * given.scale + given.offset, coverage, windows, level=level)
        share = mean.share
        if law.rule == MRR and not law.cadence:
            return np.where(rules.enough(share), mean.value, np.nan), share
        readings = self._recompute.stretch(given.channel, int(hours[0]), int(ends[-1]) - 1).readings
        row, since = _placed(readings, channel.kind, hours, ends)
        counts = readings.counting & is_baseline(readings) & (row >= 0)
        if law.rule == MRR:
            share = rules.share_of_readings(
                row[counts], since[counts] // windows.length, windows, law.cadence
            )
            return np.where(rules.enough(share), mean.value, np.nan), share
        within = row * NS_PER_HOUR + since
        calibrating = (readings.quality == Quality.CALIBRATING) & (row >= 0)
        seen = rules.quadrants_seen(within[counts], within[calibrating], windows)
        return np.where(seen, mean.value, np.nan), share

    # --- from hours to what counts --------------------------------------------------------------------------------

    def _tonnes(self, source: Source, hours: MeasuredHours, counted: dict[str, Substituted]) -> Floats:
        """Return the tonnes of each hour by the source's own method: 0 where the unit did not run."""
        ran = hours.operating > 0
        levels = {g.role: self._plant.channels[g.channel].kind is Kind.LEVEL for g in source.inputs}
        inputs = {
            role: one.value if levels[role] else one.value * hours.operating for role, one in counted.items()
        }
        return np.where(ran, self._engine.of_inputs(source.index, hours.hour, inputs), 0.0)


def _law(source: Source) -> Regulation:
    if source.regulation is None:
        raise RuntimeError(f"{source.name} stands under no regulation")
    return source.regulation


def _touched(evaluated: Evaluated | None, source: Source, plant: Plant) -> Times:
    """Return times [ns UTC] in all hours of a source that new readings may have changed."""
    if evaluated is None:
        return np.empty(0, np.int64)
    e = evaluated.emissions
    parts: list[Times] = [e.window[e.source == source.index] * plant.window]
    load = -1 if source.regulation is None else source.regulation.load
    if load >= 0:
        # A rate or a level is missing beyond max_gap, so a reading reaches no farther.
        gap = plant.channels[load].max_gap
        steps = np.append(np.arange(-gap, gap, NS_PER_HOUR // 2), gap)
        for readings in (evaluated.written, evaluated.rejudged):
            own = readings.time[readings.channel == load]
            parts.append((own[:, np.newaxis] + steps).ravel())
    return np.concatenate(parts)


def _placed(readings: Readings, kind: Kind, hours: Times, ends: Times) -> tuple[Ints, Times]:
    """Return the row of each reading's hour, -1 for none, and the time since it began; an interval's end is inside."""
    time = readings.time - 1 if kind is Kind.INTERVAL else readings.time
    row = np.searchsorted(hours, time, side="right") - 1
    row = np.where((row >= 0) & (time < ends[row]), row, -1)
    return row, np.where(row >= 0, time - hours[row], 0)


def _joined(parts: list[MeasuredHours]) -> MeasuredHours:
    if len(parts) == 1:
        return parts[0]
    roles = parts[0].value
    return MeasuredHours(
        hour=np.concatenate([p.hour for p in parts]),
        operating=np.concatenate([p.operating for p in parts]),
        load=np.concatenate([p.load for p in parts]),
        value={role: np.concatenate([p.value[role] for p in parts]) for role in roles},
        share={role: np.concatenate([p.share[role] for p in parts]) for role in roles},
        live_co2e_t=np.concatenate([p.live_co2e_t for p in parts]),
    )


def merged(stored: RegulatedHours, new: MeasuredHours) -> MeasuredHours:
    """Return all hours in order of time, the new ones in place of stored ones, with the roles of the new ones."""
    roles = list(new.value)
    kept = rows_of(stored, np.flatnonzero(~np.isin(stored.hour, new.hour)))
    inputs = kept.unpacked()
    absent = RoleHour(np.nan, 0.0, np.nan, 0)  # a role that the source did not have then
    by_role = {role: [one.roles.get(role, absent) for one in inputs] for role in roles}
    old = MeasuredHours(
        hour=kept.hour,
        operating=np.array([one.operating for one in inputs], np.float64),
        load=np.array([one.load for one in inputs], np.float64),
        value={role: np.array([one.measured for one in by_role[role]], np.float64) for role in roles},
        share={role: np.array([one.share for one in by_role[role]], np.float64) for role in roles},
        live_co2e_t=kept.live_co2e_t,
    )
    both = _joined([old, new])
    order = np.argsort(both.hour)
    return MeasuredHours(
        hour=both.hour[order],
        operating=both.operating[order],
        load=both.load[order],
        value={role: column[order] for role, column in both.value.items()},
        share={role: column[order] for role, column in both.share.items()},
        live_co2e_t=both.live_co2e_t[order],
    )


def _inputs(hours: MeasuredHours, counted: dict[str, Substituted]) -> Iterator[HourInputs]:
    """Yield what each hour was counted from."""
    roles = [
        (role, hours.value[role].tolist(), hours.share[role].tolist(), one.value.tolist(), one.rule.tolist())
        for role, one in counted.items()
    ]
    for row, (operating, load) in enumerate(zip(hours.operating.tolist(), hours.load.tolist(), strict=True)):
        yield HourInputs(
            operating,
            load,
            {
                role: RoleHour(value[row], share[row], made[row], rule[row])
                for role, value, share, made, rule in roles
            },
        )
