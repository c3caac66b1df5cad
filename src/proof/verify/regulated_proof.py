"""Proves the hours that a regulation counts: against their ledger, and from the stored readings by the line's kernels.

What readings say of an hour stands for itself. What is substituted follows from all hours of its source: from what they
were measured as. An hour that was ever counted under another configuration may have been measured under it, so what is
stored of it is what the others are proven from, and it is compared with the readings by itself. Of a final month what
waits for approval stands for the hour; the published number is proven against the ledger alone.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.line.regulated import HourRecompute, MeasuredHours
from plant import periods
from plant.arrays import Bools, Floats, Ints, Times
from plant.park import Plant, Source
from proof.verify.findings import Finding, Report, Tell, when
from proof.verify.ledger_proof import bits
from rules.american.regulation import Status
from rules.american.substitution import Rule
from store import audit
from store.accounting.regulated import CHANGE, digest, restated_sources
from store.accounting.regulated_hours import (
    HourInputs,
    RegulatedHours,
    RoleHour,
    overlaid,
    regulated_hours,
    rows_of,
    waiting_hours,
)

CO2E_T, STATUS, REVISION, ROW, OTHER, IS_OTHER = range(
    6
)  # of what the ledger said last: columns of `LastSaid.of`
COLUMNS = 6
NO_OTHER = -1.0
ABSENT = RoleHour(np.nan, 0.0, np.nan, 0)  # a role that the source did not have then


class LastSaid:
    """What the ledger said last of each hour of one source; about 200 bytes an hour.

    Columns: co2e_t, status, revision (0: nothing was said), the ledger's row, the number of the newest configuration
    other than the one given (`NO_OTHER` for none), and whether what was said last was said under that.
    """

    def __init__(self) -> None:
        self._place: dict[int, int] = {}
        self._rows = _nothing(64)
        self._inputs: dict[int, bytes] = {}

    def apply(self, row: int, records: NDArray[np.void], other: int | None) -> Iterator[str]:
        """Apply the changes of a row of the ledger, `other` being its configuration if that is another; yield mistakes."""
        places = self._places(records["hour"].tolist())
        before = self._rows[places]
        jumps = records["revision"] != before[:, REVISION] + 1
        old = records["old_co2e_t"].astype(np.float64)
        for change in np.flatnonzero(jumps | (bits(old) != bits(before[:, CO2E_T]))).tolist():
            start, revision = when(int(records["hour"][change])), records["revision"][change]
            detail = (
                f"follows revision {before[change, REVISION]:.0f}"
                if jumps[change]
                else f"its old tonnes are not the new ones of regulated_ledger {before[change, ROW]:.0f}"
            )
            yield f"source {records['source'][change]}, hour {start}, revision {revision}: {detail}"
        count = len(records)
        newest = before[:, OTHER] if other is None else np.full(count, other)
        said = [records["new_co2e_t"], records["status"], records["revision"], np.full(count, row)]
        self._rows[places] = np.stack([*said, newest, np.full(count, other is not None)], axis=1)
        self._inputs.update(zip(records["hour"].tolist(), records["inputs"].tolist(), strict=True))

    def of(self, hours: Times) -> Floats:
        """Return what was said of hours by their starts, [hours, columns]."""
        found = _nothing(len(hours))
        for row, hour in enumerate(hours.tolist()):
            if hour in self._place:
                found[row] = self._rows[self._place[hour]]
        return found

    def counted_from(self, hours: Times, inputs: Sequence[bytes]) -> Bools:
        """Whether each hour was counted from the `inputs` that are stored of it."""
        pairs = zip(hours.tolist(), inputs, strict=True)
        return np.array([digest(stored) == self._inputs.get(hour) for hour, stored in pairs], bool)

    @property
    def hours(self) -> Times:
        """The hours that anything was said of, ascending [ns UTC]."""
        return np.array(sorted(self._place), np.int64)

    def _places(self, hours: list[int]) -> Ints:
        places = [self._place.setdefault(hour, len(self._place)) for hour in hours]
        while len(self._rows) < len(self._place):
            self._rows = np.concatenate([self._rows, _nothing(len(self._rows))])
        return np.array(places, np.int64)


@dataclass(frozen=True, slots=True)
class _Record:
    """All hours of the park's clock from the first to the last that is stored of a source; columns of one length.

    `measured` and `counted` are what is stored, [hours, fields], where `legible` says that it can be read; of hours that
    are `waiting` what is stored as they would be.
    """

    hour: Times
    legible: Bools
    waiting: Bools
    measured: Floats
    counted: Floats
    said: Floats


class RegulatedProof:
    """Works through the sources; the hours of one source are in memory, and what the ledger said last of all."""

    def __init__(
        self, state: sqlite3.Connection, plant: Plant, kernels: HourRecompute, report: Report
    ) -> None:
        self._state, self._plant, self._kernels, self._report = state, plant, kernels, report
        self._index = {(s.park, s.facility, s.name): s for s in plant.sources}
        self._zones = {park.name: park.zone for park in plant.parks}
        self._configurations: list[str] = []
        self._restated = restated_sources(state)

    def prove(self, tell: Tell) -> None:
        """Prove everything, and tell how far it is."""
        said, names = self._listen(), audit.source_names(self._state)
        for source in sorted(said.keys() - names.keys()):
            detail = "the ledger of regulated hours speaks of it, and no such source is stored"
            self._add("published", "differs", f"source {source}", detail)
        for done, (number, place) in enumerate(names.items(), start=1):
            stored, spoken = regulated_hours(self._state, number), said.get(number, LastSaid())
            waiting = waiting_hours(self._state, number)
            name = "/".join(place)
            self._prove_published(name, stored, spoken)
            self._note_waiting(name, stored, waiting)
            known = overlaid(stored, waiting)
            if len(known.hour):
                self._prove_source(number, name, self._index.get(place), known, waiting.hour, spoken)
            tell("regulated hours", done, len(names))

    # --- what was said --------------------------------------------------------------------------------------------

    def _listen(self) -> dict[int, LastSaid]:
        """Follow the ledger and return what it said last, by source; changes that do not follow are findings."""
        said: dict[int, LastSaid] = {}
        for row in audit.ledger_rows(self._state, "regulated_ledger"):
            name = f"regulated_ledger {row.id}"
            if len(row.changes) % CHANGE.itemsize:
                self._add("ledger", "differs", name, "its changes are no whole number of records")
                continue
            records = np.frombuffer(row.changes, CHANGE)
            other = self._number(row.entry.configuration)
            for source in np.unique(records["source"]).tolist():
                mine = records[records["source"] == source]
                for wrong in said.setdefault(source, LastSaid()).apply(row.id, mine, other):
                    self._add("ledger", "differs", name, wrong)
        return said

    def _number(self, configuration: str) -> int | None:
        """Return the number of another configuration, None for the one given."""
        if configuration == self._plant.hash:
            return None
        if configuration not in self._configurations:
            self._configurations.append(configuration)
        return self._configurations.index(configuration)

    def _prove_published(self, name: str, stored: RegulatedHours, spoken: LastSaid) -> None:
        """Compare tonnes, status and revision with what the ledger said last."""
        last = spoken.of(stored.hour)
        mine = np.stack([stored.co2e_t, stored.status, stored.revision], axis=1)
        wrong = bits(mine) != bits(last[:, [CO2E_T, STATUS, REVISION]])
        other = ~spoken.counted_from(stored.hour, stored.inputs)
        self._report.checked["published"] += len(mine)
        for place in np.flatnonzero(wrong.any(axis=1) | other).tolist():
            row, before = last[place, ROW], last[place, REVISION]
            if not before:
                detail = f"has revision {mine[place, 2]:.0f}, and no row of its ledger speaks of it"
            elif wrong[place, 2]:
                detail = f"has revision {mine[place, 2]:.0f}, regulated_ledger {row:.0f} gave it {before:.0f}"
            elif wrong[place, 1]:
                words = _shown("status", mine[place, 1]), _shown("status", last[place, STATUS])
                detail = f"has status {words[0]}, regulated_ledger {row:.0f} said {words[1]}"
            elif not wrong[place, 0]:
                detail = f"what it was counted from is not what regulated_ledger {row:.0f} was told of"
            else:
                shown = _shown("co2e_t", mine[place, 0]), _shown("co2e_t", last[place, CO2E_T])
                detail = f"has co2e_t {shown[0]}, regulated_ledger {row:.0f} said {shown[1]}"
            self._add("published", "differs", _row(name, int(stored.hour[place])), detail)
        for hour in np.setdiff1d(spoken.hours, stored.hour).tolist():
            detail = "is missing; its ledger speaks of it"
            self._add("published", "differs", _row(name, hour), detail)

    # --- from the readings ----------------------------------------------------------------------------------------

    def _prove_source(
        self,
        number: int,
        name: str,
        source: Source | None,
        stored: RegulatedHours,
        waiting: Times,
        spoken: LastSaid,
    ) -> None:
        self._report.checked["recomputed"] += len(stored.hour)
        if source is None or source.regulation is None:
            why = "is no longer configured" if source is None else "stands under no regulation any more"
            detail = f"it {why}: {len(stored.hour):,} regulated hours"
            self._add("recomputed", "unproven", f"source {name}", detail)
            return
        roles = [given.role for given in source.inputs]
        record = self._record(source, name, roles, stored, waiting, spoken)
        again = self._kernels.measured(source, number, record.hour)
        measured = _measured_fields(again)
        as_stored = record.legible & (record.said[:, OTHER] != NO_OTHER)
        given = np.where(as_stored[:, np.newaxis], record.measured, measured)
        made = self._kernels.counted(source, _with_fields(again, given))
        follows = number in self._restated
        self._compare(name, roles, record, measured, _counted_fields(made, made.unpacked(), roles), follows)

    def _record(
        self,
        source: Source,
        name: str,
        roles: list[str],
        stored: RegulatedHours,
        waiting: Times,
        spoken: LastSaid,
    ) -> _Record:
        """Return what is stored of a source; hours that are missing or cannot be read are findings."""
        first, last = int(stored.hour[0]), int(stored.hour[-1])
        hour = periods.starts(first, last + 1, periods.HOUR, self._zones[source.park])
        inputs = [self._legible(name, stored, row) for row in range(len(stored.hour))]
        on_clock = np.isin(stored.hour, hour)
        for start in stored.hour[~on_clock].tolist():
            self._add("recomputed", "differs", _row(name, start), "is no hour of the park's clock")
        for start in np.setdiff1d(np.setdiff1d(hour, stored.hour), spoken.hours).tolist():
            self._add("recomputed", "differs", _row(name, start), "is missing; those around it are there")
        rows = np.array([one is not None for one in inputs], bool) & on_clock
        kept = [one for one, keep in zip(inputs, rows.tolist(), strict=True) if one is not None and keep]
        legible = np.isin(hour, stored.hour[rows])
        measured, counted = (
            np.zeros((len(hour), 3 + 2 * len(roles))),
            np.zeros((len(hour), 2 + 2 * len(roles))),
        )
        measured[legible] = [_measured_row(one, roles) for one in kept]
        counted[legible] = _counted_fields(rows_of(stored, np.flatnonzero(rows)), kept, roles)
        waits, said = np.isin(hour, waiting), spoken.of(hour)
        if self._configurations:  # what waits was counted since, under any of them; no ledger says which
            said[waits, OTHER], said[waits, IS_OTHER] = len(self._configurations) - 1, 1
        return _Record(hour, legible, waits, measured, counted, said)

    def _legible(self, name: str, stored: RegulatedHours, row: int) -> HourInputs | None:
        """Return what an hour was counted from, None where that cannot be read."""
        try:
            return msgspec.msgpack.decode(stored.inputs[row], type=HourInputs)
        except (msgspec.DecodeError, UnicodeDecodeError):
            where = _row(name, int(stored.hour[row]))
            self._add("recomputed", "differs", where, "what it was counted from cannot be read")
            return None

    def _note_waiting(self, name: str, published: RegulatedHours, waiting: RegulatedHours) -> None:
        """Say which hours of a final month somebody has yet to approve another number of."""
        before = dict(zip(published.hour.tolist(), published.co2e_t.tolist(), strict=True))
        for hour, tonnes in zip(waiting.hour.tolist(), waiting.co2e_t.tolist(), strict=True):
            old = before.get(hour, np.nan)
            shown = _shown("co2e_t", old), _shown("co2e_t", tonnes)
            detail = f"published {shown[0]} t, {shown[1]} t waits for approval: the month is final"
            self._add("recomputed", "waiting", _row(name, hour), detail, _known(old), _known(tonnes))

    def _compare(
        self, name: str, roles: list[str], record: _Record, measured: Floats, counted: Floats, follows: bool
    ) -> None:
        """Name every hour that readings or the rule make another one; where it `follows`, it may be about to become so."""
        names = [*_measured_names(roles), *_counted_names(roles)]
        mine = np.concatenate([record.measured, record.counted], axis=1)
        expected = np.concatenate([measured, counted], axis=1)
        wrong = (bits(mine) != bits(expected)) & record.legible[:, np.newaxis]
        for place in np.flatnonzero(wrong.any(axis=1)).tolist():
            field = int(np.flatnonzero(wrong[place])[0])
            shown = [f"{_shown(names[field], one[place, field])}" for one in (mine, expected)]
            what = "waiting" if record.waiting[place] else "published"
            detail = f"{what} {names[field]} {shown[0]}, recomputed {shown[1]}"
            is_measured = field < measured.shape[1]
            under, kind = self._under(record.said[place], measured=is_measured), "differs"
            if follows and not is_measured:
                kind, under = (
                    "waiting",
                    "; others were restated, and it follows when the next hour is counted",
                )
            elif under:
                kind = "configuration"
            tonnes = (_known(mine[place, -1]), _known(expected[place, -1]))
            self._add("recomputed", kind, _row(name, int(record.hour[place])), detail + under, *tonnes)

    def _under(self, said: Floats, *, measured: bool) -> str:
        """Say which other configuration may have made an hour so, "" where none may."""
        if said[OTHER] == NO_OTHER or not (measured or said[IS_OTHER]):
            return ""
        return f"; made under another configuration ({self._configurations[int(said[OTHER])][:12]})"

    def _add(self, proof: str, kind: str, row: str, detail: str, *tonnes: float | None) -> None:
        self._report.add(Finding(proof, kind, row, detail, *tonnes))  # type: ignore[arg-type]


# --- fields, as columns of numbers


def _measured_names(roles: list[str]) -> list[str]:
    per_role = [f"{role} {what}" for role in roles for what in ("measured", "share")]
    return ["roles of other inputs", "operating", "load", *per_role]


def _counted_names(roles: list[str]) -> list[str]:
    per_role = [f"{role} {what}" for role in roles for what in ("counted", "rule")]
    return [*per_role, "status", "co2e_t"]


def _measured_row(one: HourInputs, roles: list[str]) -> list[float]:
    mine = [one.roles.get(role, ABSENT) for role in roles]
    others = len(one.roles.keys() - set(roles))
    return [others, one.operating, one.load, *(x for role in mine for x in (role.measured, role.share))]


def _measured_fields(hours: MeasuredHours) -> Floats:
    """Return what was measured, [hours, `_measured_names`]."""
    per_role = [column for role in hours.value for column in (hours.value[role], hours.share[role])]
    return np.stack([np.zeros(len(hours.hour)), hours.operating, hours.load, *per_role], axis=1)


def _with_fields(hours: MeasuredHours, fields: Floats) -> MeasuredHours:
    """Return hours that were measured as `_measured_fields` has it."""
    return replace(
        hours,
        operating=fields[:, 1],
        load=fields[:, 2],
        value={role: fields[:, 3 + 2 * k] for k, role in enumerate(hours.value)},
        share={role: fields[:, 4 + 2 * k] for k, role in enumerate(hours.value)},
    )


def _counted_fields(hours: RegulatedHours, inputs: list[HourInputs], roles: list[str]) -> Floats:
    """Return what counts, [hours, `_counted_names`]."""
    mine = [[one.roles.get(role, ABSENT) for role in roles] for one in inputs]
    per_role = [[x for role in one for x in (role.counted, role.rule)] for one in mine]
    columns = np.array(per_role, np.float64).reshape(len(inputs), 2 * len(roles))
    return np.concatenate([columns, np.stack([hours.status, hours.co2e_t], axis=1)], axis=1)


def _nothing(hours: int) -> Floats:
    rows = np.zeros((hours, COLUMNS))
    rows[:, CO2E_T], rows[:, OTHER] = np.nan, NO_OTHER
    return rows


def _row(name: str, hour: int) -> str:
    return f"regulated_hour {name} {when(hour)}"


def _shown(name: str, value: float) -> str:
    words = Status if name == "status" else Rule if name.endswith(" rule") else None
    if words is not None and value in {int(one) for one in words}:
        return words(int(value)).name.lower()
    return "unknown" if np.isnan(value) else repr(float(value))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
