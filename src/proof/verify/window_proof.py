"""Proves published numbers, by source and month: against the ledger, against their parts, and against the readings."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from ingest.line.recompute import Recompute
from plant import periods
from plant.arrays import Bools, Floats, Ints, Times
from plant.park import Plant, Source
from plant.vocabulary import NS_PER_HOUR
from proof.verify import ledger_proof as said
from proof.verify.findings import Finding, Report, Tell, when
from proof.verify.ledger_proof import Last, bits
from store import audit, blocks
from store.accounting.chain import SUM_FIELDS, hour_sums, parent_of
from store.records.table import stretches
from store.totals.sums import only_events

LEVELS = {periods.HOUR: "hour", periods.DAY: "day", periods.MONTH: "month"}


@dataclass(frozen=True, slots=True)
class _Month:
    """What there is of a month of a source: its windows from `start` on, [windows, fields], and which are stored."""

    of: tuple[int, int]  # the whole month [ns UTC]
    start: int
    end: int
    windows: Floats
    stored: Bools


class WindowProof:
    """Works through sources and months; at most one month of one source is in memory."""

    def __init__(
        self, state: sqlite3.Connection, plant: Plant, recompute: Recompute, last: Last, report: Report
    ) -> None:
        self._state, self._plant, self._recompute = state, plant, recompute
        self._last, self._report = last, report
        self._zones = {park.name: park.zone for park in plant.parks}
        self._index = {(s.park, s.facility, s.name): s for s in plant.sources}
        self._elsewhere = any(one != plant.hash for one in last.configurations)

    def prove(self, tell: Tell) -> None:
        """Prove everything, and tell how far it is."""
        names, spoken = audit.source_names(self._state), self._last.sources()
        for source in sorted(spoken.keys() - names.keys()):
            detail = "the ledger speaks of it, and no such source is stored"
            self._add("published", "differs", f"source {source}", detail)
        months = [
            (source, month) for source in names for month in self._months(source, names[source], spoken)
        ]
        for done, (source, month) in enumerate(months, start=1):
            self._prove_month(source, names[source], *month)
            tell("windows", done, len(months))

    def _months(
        self, source: int, name: tuple[str, str, str], spoken: dict[int, tuple[int, int]]
    ) -> Iterator[tuple[tuple[int, int], int, int]]:
        """Yield the months, on the park's clock, and from when to when anything may be known of a source in each."""
        if name[0] not in self._zones:
            detail = "its park is no longer configured, so nobody knows its clock"
            self._add("totals", "unproven", f"source {'/'.join(name)}", detail)
        found = [span for span in (audit.published_span(self._state, source), spoken.get(source)) if span]
        if (configured := self._index.get(name)) is not None:
            found += self._input_spans(configured)
        if not found or name[0] not in self._zones:
            return
        zone = self._zones[name[0]]
        first = int(periods.hour_start(min(a for a, _ in found), zone))
        last = int(periods.next_hour(max(b for _, b in found), zone))
        for start in periods.starts(first, last, periods.MONTH, zone).tolist():
            end = int(periods.next_month(start, zone))
            yield (start, end), max(start, first), min(end, last)

    def _input_spans(self, source: Source) -> Iterator[tuple[int, int]]:
        measured = {k for given in source.inputs for k in self._plant.measured(given.channel)}
        for channel in (self._plant.channels[k] for k in sorted(measured)):
            span = audit.reading_span(self._state, channel.park, channel.facility, channel.name)
            if span is not None and channel.entered:
                begins = stretches(self._state, channel).values()
                yield min(begins, default=span[0]), span[1]
            elif span is not None:
                times = [swap.time for swap in channel.swaps]
                yield min([span[0] - channel.period, *times]), max([span[1] + channel.period, *times])

    def _prove_month(
        self, number: int, place: tuple[str, str, str], of: tuple[int, int], start: int, end: int
    ) -> None:
        name, source, zone = "/".join(place), self._index.get(place), self._zones[place[0]]
        windows, stored = self._read(number, name, start, end, zone)
        month = _Month(of, start, end, windows, stored)
        self._prove_published(number, name, month)
        self._prove_totals(number, name, month, zone)
        if source is None:
            self._add("recomputed", "unproven", f"source {name}", "it is no longer configured")
        else:
            self._prove_recomputed(number, name, source, month)

    # --- what is stored -------------------------------------------------------------------------------------------

    def _read(self, number: int, name: str, start: int, end: int, zone: ZoneInfo) -> tuple[Floats, Bools]:
        """Return a source's windows, [windows, fields], and which of them are in a stored block."""
        window, count = self._plant.window, (end - start) // self._plant.window
        windows, stored = blocks.empty(count), np.zeros(count, bool)
        hours = periods.starts(start, end, periods.HOUR, zone).tolist()
        ends = dict(zip(hours, [*hours[1:], end], strict=True))
        for hour, revision, data in audit.emission_rows(self._state, number, start, end):
            block = audit.block_of(data, NS_PER_HOUR // window)
            if block is None or hour not in ends:
                row = f"emission {name} hour {when(hour)}"
                self._add("published", "differs", row, "is no block of an hour of the park's clock")
                continue
            if revision != block[:, blocks.REVISION].max():
                row = f"emission {name} hour {when(hour)}"
                detail = f"says revision {revision}, its windows say {block[:, blocks.REVISION].max():.0f}"
                self._add("published", "differs", row, detail)
            first, size = (hour - start) // window, (ends[hour] - hour) // window
            windows[first : first + size], stored[first : first + size] = block[:size], True
        return windows, stored

    def _prove_published(self, number: int, name: str, month: _Month) -> None:
        """Compare co2e_t, activity and revision with what the ledger said last."""
        last = self._last.of(number, month.start, month.end)
        mine = month.windows[:, [blocks.CO2E_T, blocks.ACTIVITY, blocks.REVISION]]
        wrong = bits(mine) != bits(last[:, [said.CO2E_T, said.ACTIVITY, said.REVISION]])
        self._report.checked["published"] += int((mine[:, 2] > 0).sum())
        for place in np.flatnonzero(wrong.any(axis=1)).tolist():
            row = f"emission {name} window {when(month.start + place * self._plant.window)}"
            before, now = last[place, said.REVISION], mine[place, 2]
            if not before:
                detail = f"has revision {now:.0f}, and no row of the ledger speaks of it"
            elif before != now:
                detail = f"has revision {now:.0f}, ledger {last[place, said.ROW]:.0f} gave it {before:.0f}"
            else:
                field = ("co2e_t", "activity")[int(np.argmax(wrong[place, :2]))]
                shown = mine[place, int(field == "activity")], last[place, int(field == "activity")]
                detail = f"has {field} {shown[0]!r}, ledger {last[place, said.ROW]:.0f} said {shown[1]!r}"
            self._add("published", "differs", row, detail)

    # --- sums -----------------------------------------------------------------------------------------------------

    def _prove_totals(self, number: int, name: str, month: _Month, zone: ZoneInfo) -> None:
        """Sum hours from windows, days from stored hours and the month from stored days, and compare."""
        per_hour = NS_PER_HOUR // self._plant.window
        hours = periods.starts(month.start, month.end, periods.HOUR, zone)
        first = (hours - month.start) // self._plant.window
        until = np.append(first[1:], len(month.windows))
        there = month.stored[first]
        pairs = zip(first[there].tolist(), until[there].tolist(), strict=True)
        found = [_padded(month.windows[low:high], per_hour) for low, high in pairs]
        expected = hours[there], hour_sums(np.stack(found)) if found else np.empty((0, len(SUM_FIELDS)))
        for level in LEVELS:
            stored = audit.total_rows(self._state, number, level, *month.of)
            self._compare(level, name, expected, stored)
            if level < periods.MONTH:
                expected = _parents(level + 1, *stored, zone)

    def _compare(
        self, level: int, name: str, expected: tuple[Times, Floats], stored: tuple[Times, Floats]
    ) -> None:
        self._report.checked["totals"] += len(stored[0])
        if np.array_equal(expected[0], stored[0]) and np.array_equal(bits(expected[1]), bits(stored[1])):
            return
        sums, found = (dict(zip(starts.tolist(), rows, strict=True)) for starts, rows in (expected, stored))
        for start in sorted(sums.keys() | found.keys()):
            row = f"total {name} {LEVELS[level]} {when(start)}"
            if start not in found:
                self._add("totals", "differs", row, "is missing; its parts are there")
            elif start not in sums:
                self._add("totals", "differs", row, "is there, and none of its parts is")
            elif len(wrong := np.flatnonzero(bits(found[start]) != bits(sums[start]))):
                field = int(wrong[0])
                detail = f"has {SUM_FIELDS[field]} {_text(found[start][field])}, its parts give {_text(sums[start][field])}"
                self._add("totals", "differs", row, detail)

    # --- from the readings ----------------------------------------------------------------------------------------

    def _prove_recomputed(self, number: int, name: str, source: Source, month: _Month) -> None:
        again = self._recompute.emissions(np.array([source.index]), month.start, month.end)
        fields = np.stack([getattr(again, field) for field in blocks.FIELDS[: blocks.REVISION]], axis=1)
        mine = month.windows[:, : blocks.REVISION]
        expected = self._as_it_would_be(number, name, month)[:, : blocks.REVISION]
        wrong = bits(fields) != bits(expected)
        self._note_waiting(name, month, bits(expected) != bits(mine), expected)
        never = month.windows[:, blocks.REVISION] == 0
        if only_events(self._plant, source.index):
            wrong[never & _as_if_never_computed(fields)] = False
        self._report.checked["recomputed"] += int((~never).sum())
        last = self._last.of(number, month.start, month.end)
        for place in np.flatnonzero(wrong.any(axis=1)).tolist():
            row = f"emission {name} window {when(month.start + place * self._plant.window)}"
            field = int(np.flatnonzero(wrong[place])[0])
            shown = f"{blocks.FIELDS[field]} {_text(expected[place, field])}, recomputed {_text(fields[place, field])}"
            under = self._configuration(last[place])
            detail, kind = f"published {shown}", "differs"
            if under is not None:
                kind = "configuration"
                detail += f"; made under another configuration{under}: stackmeter restate"
            tonnes = (_known(expected[place, blocks.CO2E_T]), _known(fields[place, blocks.CO2E_T]))
            self._add("recomputed", kind, row, detail, *tonnes)

    def _as_it_would_be(self, number: int, name: str, month: _Month) -> Floats:
        """Return the windows of a month with what waits for approval in place of what is published."""
        windows, zone = month.windows.copy(), self._zones[name.partition("/")[0]]
        for hour, data in audit.waiting_rows(self._state, number, month.start, month.end):
            block = audit.block_of(data, NS_PER_HOUR // self._plant.window)
            first = (hour - month.start) // self._plant.window
            if block is None or hour != periods.hour_start(hour, zone):
                row = f"pending_emission {name} hour {when(hour)}"
                self._add("recomputed", "differs", row, "is no block of an hour of the park's clock")
                continue
            part = windows[first : first + len(block)]
            part[:] = block[: len(part)]
        return windows

    def _note_waiting(self, name: str, month: _Month, differs: Bools, expected: Floats) -> None:
        """Say which windows of a final month somebody has yet to approve another number of."""
        for place in np.flatnonzero(differs.any(axis=1)).tolist():
            row = f"emission {name} window {when(month.start + place * self._plant.window)}"
            tonnes = (month.windows[place, blocks.CO2E_T], expected[place, blocks.CO2E_T])
            detail = (
                f"published {_text(tonnes[0])} t, {_text(tonnes[1])} t waits for approval: the month is final"
            )
            self._add("recomputed", "waiting", row, detail, *map(_known, tonnes))

    def _configuration(self, last: Floats) -> str | None:
        """Return which other configuration a window was made under, None where it was this one."""
        if not last[said.REVISION]:
            return " or never made" if self._elsewhere else None
        name = self._last.configurations[int(last[said.CONFIGURATION])]
        return None if name == self._plant.hash else f" ({name[:12]})"

    def _add(self, proof: str, kind: str, row: str, detail: str, *tonnes: float | None) -> None:
        self._report.add(Finding(proof, kind, row, detail, *tonnes))  # type: ignore[arg-type]


def _parents(level: int, start: Times, sums: Floats, zone: ZoneInfo) -> tuple[Times, Floats]:
    """Return starts and sums of the parents of stored children."""
    parent: Ints = periods.UNITS[level].start(start, zone)
    distinct = np.unique(parent)
    rows = [parent_of(level, int(one), start[parent == one], sums[parent == one]) for one in distinct]
    return distinct, np.stack(rows) if rows else np.empty((0, len(SUM_FIELDS)))


def _padded(windows: Floats, per_hour: int) -> Floats:
    """Return an hour's windows as its block has them; an hour that the clock cut short has fewer."""
    if len(windows) == per_hour:
        return windows
    block = blocks.empty(per_hour)
    block[: len(windows)] = windows
    return block


def _as_if_never_computed(fields: Floats) -> Bools:
    """Whether windows of an event source are what a window that was never computed stands for: no event, no hole."""
    nothing = (fields[:, blocks.CO2E_T] == 0) & (fields[:, blocks.MEASURED] == 1)
    unknown = np.isnan(fields[:, blocks.CO2E_T]) & (blocks.coverage(fields) == 0)
    return np.asarray(nothing | unknown)


def _text(value: float) -> str:
    return "unknown" if np.isnan(value) else repr(float(value))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
