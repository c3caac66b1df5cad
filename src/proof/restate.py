"""Restate: compute past windows again under today's configuration, show what would change, and publish it on request.

After a factor, a configuration or a method was changed, windows that were computed before keep the numbers they were
published with, until somebody restates them: each changed window gets a revision, and a row of the ledger says who did
it. In a final month nothing changes: what would, waits for approval. The kernels are the line's own.
"""

import json
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from ingest.known.remember import Republished
from ingest.line.recompute import Recompute, fields_of
from ingest.line.regulated import HourRecompute
from plant import periods
from plant.arrays import Bools, Floats, Ints, Times
from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.park import Plant, Source
from plant.vocabulary import NS_PER_HOUR
from proof.restate_hours import HoursDelta, hours_again
from rules.catalogue import load_catalogue
from rules.engine import Engine
from store import blocks
from store.accounting.closing import CO2E, FROZEN, Closing, changed
from store.accounting.ledger import Entry
from store.accounting.regulated import RegulatedTable
from store.accounting.regulated_hours import RegulatedHours
from store.faults import Damaged, told_of
from store.folder import Folder
from store.recording import record
from store.state import REMEDY, State
from store.totals.sums import only_events

WINDOWS_AT_ONCE = 300_000  # of a worker; a window is 80 bytes, and there are a few copies of it
FEW = 4  # chunks that are done before a process has started
AHEAD = 2  # chunks that may wait for the writer, per worker


@dataclass(frozen=True, slots=True)
class Chunk:
    """A month of some sources (indexes, ascending) of one park: [start, end) ns UTC."""

    sources: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Differences:
    """What would change of a chunk: by source index its windows and tonnes before and after; and the windows themselves.

    `source`, `start` [ns UTC] and `fields` are of the windows, and empty in a dry run: they are most of what there is.
    """

    chunk: Chunk
    sums: dict[int, tuple[int, float, float]]
    source: Ints
    start: Times
    fields: Floats


@dataclass(slots=True)
class Delta:
    """What a restatement changes of a source's month [t CO2e]; a window that is unknown on either side adds nothing there."""

    park: str
    facility: str
    source: str
    month: str
    windows: int = 0
    reported_t: float = 0.0
    current_t: float = 0.0
    held: bool = False  # the month is final: it waits for approval

    @property
    def delta_t(self) -> float:
        """What is added to the published tonnes."""
        return self.current_t - self.reported_t


@dataclass(slots=True)
class Report:
    """All that a restatement changes, or would."""

    configuration: str
    chunks: int = 0
    skipped: int = 0  # chunks that an interrupted run had finished
    deltas: dict[tuple[int, int], Delta] = field(default_factory=dict)
    hours: list[HoursDelta] = field(default_factory=list)  # of sources under a regulation

    @property
    def windows(self) -> int:
        """How many windows change."""
        return sum(delta.windows for delta in self.deltas.values())


@dataclass(frozen=True, slots=True)
class Request:
    """What to restate: months [first, last], written 2026-01, and whose; None is all."""

    config: Path
    state: Path
    first: str
    last: str
    park: str | None = None
    facility: str | None = None
    source: str | None = None


def dry_run(request: Request, plant: Plant, progress: Callable[[int, int], None]) -> Report:
    """Return what a restatement would change; nothing is written, and a service may be running."""
    chunks = _chunks(request, plant)
    report = Report(plant.hash, len(chunks))
    path = request.state / "state.db"
    with _sound(path), closing(_read_only(path)) as connection, _workers(request, len(chunks)) as workers:
        frozen = _frozen(connection)
        for number, found in enumerate(_computed(workers, chunks, whole=False), 1):
            _add(report, plant, found, frozen)
            progress(number, len(chunks))
        kernels = _hours_kernels(request, plant, connection)
        report.hours += hours_again(
            connection, plant, kernels, _meant(request, plant), _months(request), None
        )
    return report


def publish(
    request: Request, plant: Plant, by: str, clock: Callable[[], int], progress: Callable[[int, int], None]
) -> Report:
    """Publish what a restatement changes, a chunk a transaction. An interrupted run goes on where it was.

    The audit log says that it begins and what it has changed; only what is recorded is begun.

    Raises
    ------
    store.folder.FolderInUse
        The service runs: the state has one writer.
    store.recording.NotRecorded
        The audit log cannot be written; of what was not begun nothing was done.
    """
    chunks, catalogue = _chunks(request, plant), load_catalogue(request.config)
    report = Report(plant.hash, len(chunks))
    folder = Folder(request.state)
    try:
        with (
            _sound(folder.state),
            closing(State(folder.state, plant)) as state,
            _workers(request, len(chunks)) as workers,
        ):
            newest = state.ledger.newest()
            before = f"configuration {newest.configuration}" if newest else ""
            _record(request, clock(), "restate.begun", before, f"configuration {plant.hash}, by {by}")
            key = json.dumps(
                [plant.hash, request.first, request.last, request.park, request.facility, request.source]
            )
            report.skipped = _done(state.connection, key)
            frozen = _frozen(state.connection)
            left = chunks[report.skipped :]
            republished = Republished(plant, catalogue, state, clock())
            for number, found in enumerate(_computed(workers, left, whole=True), report.skipped + 1):
                _add(report, plant, found, frozen)
                _publish(
                    state,
                    plant,
                    republished,
                    found,
                    by,
                    clock(),
                    (key, number if number < len(chunks) else 0),
                )
                progress(number, len(chunks))
            report.hours += _publish_hours(request, plant, state, by, clock())
        _record(request, clock(), "restate.done", *_before_and_after(report))
    finally:
        folder.close()
    return report


def _record(request: Request, at: int, what: str, old: str, new: str) -> None:
    whose = "/".join(filter(None, (request.park, request.facility, request.source))) or "everything"
    record(request.state, at, what, f"{request.first} to {request.last} of {whose}", old, new)


def _before_and_after(report: Report) -> tuple[str, str]:
    """Return the tonnes of the windows that differed, as they were published and as they are or wait for approval."""
    deltas = report.deltas.values()
    old, new = sum(one.reported_t for one in deltas), sum(one.current_t for one in deltas)
    held = sum(one.windows for one in deltas if one.held)
    hours = sum(one.hours for one in report.hours)
    held_hours = sum(one.hours for one in report.hours if one.held)
    return (
        f"{old:.9g} t CO2e in {report.windows} windows",
        f"{new:.9g} t CO2e, {held} windows of it wait for approval, {hours} regulated hours differed, {held_hours} of them wait for approval",
    )


# --- what to compute


def _chunks(request: Request, plant: Plant) -> list[Chunk]:
    """Return the work, month by month, so that every chunk has about as many windows."""
    found: list[Chunk] = []
    for park in plant.parks:
        mine = [s.index for s in _meant(request, plant) if s.park == park.name]
        start, end = (periods.month_of(text, park.zone) for text in (request.first, request.last))
        while mine and start <= end:
            following = int(periods.next_month(start, park.zone))
            most = max(1, WINDOWS_AT_ONCE * plant.window // (following - start))
            found += (Chunk(tuple(mine[i : i + most]), start, following) for i in range(0, len(mine), most))
            start = following
    return found


def _meant(request: Request, plant: Plant) -> list[Source]:
    return [source for source in plant.sources if _is_meant(request, source)]


def _months(request: Request) -> tuple[str, str]:
    return request.first, request.last


def _is_meant(request: Request, source: Source) -> bool:
    wanted = ((request.park, source.park), (request.facility, source.facility), (request.source, source.name))
    return all(name is None or name == its for name, its in wanted)


def _frozen(connection: sqlite3.Connection) -> set[tuple[str, int]]:
    return {(p.park, p.start) for p in Closing(connection, {}).periods() if p.status in FROZEN}


@contextmanager
def _sound(path: Path) -> Iterator[None]:
    """Raise store.faults.FileFault where the state cannot be read or written inside."""
    with told_of(path, REMEDY):
        try:
            yield
        except BrokenExecutor as error:  # which has logged why it cannot begin
            raise Damaged(f"{path} cannot be read as a whole: {REMEDY}") from error


# --- workers: processes that only read


@dataclass(frozen=True, slots=True)
class _Tools:
    plant: Plant
    connection: sqlite3.Connection
    recompute: Recompute
    ids: dict[int, int]  # source index → database id
    quiet: frozenset[int]  # sources of events alone


_tools: list[_Tools] = []  # of a worker process, once it is set up


def _workers(request: Request, chunks: int) -> Executor:
    """Return a process for each core, where there is work for them; each loads the configuration once."""
    given = (str(request.config), str(request.state / "state.db"))
    if chunks <= FEW:
        return ThreadPoolExecutor(1, initializer=_set_up, initargs=given)
    return ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _set_up, given)


def _set_up(config: str, database: str) -> None:
    catalogue = load_catalogue(Path(config))
    plant = load(Path(config), catalogue, AnySecret())
    connection = _read_only(Path(database))
    rows = connection.execute("SELECT park, facility, name, id FROM source")
    ids = {(park, facility, name): number for park, facility, name, number in rows}
    _tools[:] = [
        _Tools(
            plant,
            connection,
            Recompute(plant, Engine(plant, catalogue), connection),
            {s.index: ids[key] for s in plant.sources if (key := (s.park, s.facility, s.name)) in ids},
            frozenset(s.index for s in plant.sources if only_events(plant, s.index)),
        )
    ]


def _differences(chunk: Chunk, whole: bool) -> Differences:
    """Compute a chunk and keep what differs from what is published, or its sums alone. Runs in a worker."""
    tools = _tools[0]
    known = np.array([source for source in chunk.sources if source in tools.ids], np.int64)
    emissions = tools.recompute.emissions(known, chunk.start, chunk.end)
    fields, start = fields_of(emissions), emissions.window * tools.plant.window
    stored = _stored(tools, chunk, emissions.source, start)
    rows = np.flatnonzero(_count(tools, emissions.source, stored, fields))
    source = emissions.source[rows]
    sums = {
        one: (
            int(mine.sum()),
            float(np.nansum(stored[rows[mine], CO2E])),
            float(np.nansum(fields[rows[mine], CO2E])),
        )
        for one in np.unique(source).tolist()
        for mine in (source == one,)
    }
    kept = slice(None) if whole else slice(0)
    return Differences(chunk, sums, source[kept], start[rows][kept], fields[rows[kept]])


def _count(tools: _Tools, source: Ints, stored: Floats, fields: Floats) -> Bools:
    """Return which windows differ in a way that counts: one that nobody computed, of events that never came, is none."""
    never = stored[:, blocks.REVISION] == 0
    silent = np.isin(source, list(tools.quiet)) & ~(np.abs(fields[:, CO2E]) > 0)
    with_revision = np.concatenate([fields, stored[:, blocks.REVISION :]], axis=1)
    nothing: Bools = never & (silent | np.isnan(fields[:, CO2E]))
    return changed(stored, with_revision) & ~nothing


def _stored(tools: _Tools, chunk: Chunk, source: Ints, start: Times) -> Floats:
    """Return the published fields of windows, those never computed empty."""
    per_hour = NS_PER_HOUR // tools.plant.window
    result = blocks.empty(len(source))
    for one in chunk.sources:
        if one not in tools.ids:
            continue
        mine = np.flatnonzero(source == one)
        rows = tools.connection.execute(
            "SELECT hour, block FROM emission WHERE source = ? AND hour >= ? AND hour < ?",
            (tools.ids[one], chunk.start, chunk.end),
        )
        for hour, block in rows:
            begin = np.searchsorted(start[mine], hour)
            result[mine[begin : begin + per_hour]] = blocks.from_bytes(block)
    return result


def _computed(workers: Executor, chunks: Sequence[Chunk], *, whole: bool) -> Iterator[Differences]:
    """Yield results in the order of chunks, a bounded number of them ahead."""
    waiting: deque[Future[Differences]] = deque()
    for chunk in chunks:
        waiting.append(workers.submit(_differences, chunk, whole))
        if len(waiting) > AHEAD * (os.cpu_count() or 1):
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


# --- the writer


def _publish(
    state: State,
    plant: Plant,
    republished: Republished,
    found: Differences,
    by: str,
    now: int,
    mark: tuple[str, int],
) -> None:
    """Publish a chunk's differences, and note how far the run has come, in one transaction."""
    with state.transaction():
        republished.note(found.chunk.sources, found.chunk.start, found.chunk.end)
        changes = state.emissions.apply(state.source_ids[found.source], found.start, found.fields)
        if len(changes):
            entry = Entry(now, "restatement", by, plant.hash, state.cursor, state.cursor)
            state.ledger.append(entry, changes)
        _note_first(state, plant.window, found)
        state.connection.execute("INSERT OR REPLACE INTO meta VALUES ('restate', ?)", (json.dumps(mark),))


def _publish_hours(request: Request, plant: Plant, state: State, by: str, now: int) -> list[HoursDelta]:
    """Publish what differs of regulated hours, in one transaction; done again, nothing differs."""
    connection, table = state.connection, RegulatedTable(state.connection, state.closing.frozen)
    entry = Entry(now, "restatement", by, plant.hash, state.cursor, state.cursor)
    kernels = _hours_kernels(request, plant, connection)

    def write(source: int, old: RegulatedHours, new: RegulatedHours) -> None:
        table.write(entry, source, old, new)
        table.note_restated(source)

    with state.transaction():
        return list(hours_again(connection, plant, kernels, _meant(request, plant), _months(request), write))


def _hours_kernels(request: Request, plant: Plant, connection: sqlite3.Connection) -> HourRecompute:
    return HourRecompute(plant, Engine(plant, load_catalogue(request.config)), connection)


def _note_first(state: State, window: int, found: Differences) -> None:
    """Let sources begin earlier that were configured after their channels had been read."""
    sources = np.unique(found.source)
    earliest = np.array([found.start[found.source == source].min() for source in sources], np.int64)
    earlier = earliest + window <= state.first_readings()[sources]
    if earlier.any():
        state.note_first_readings(sources[earlier], earliest[earlier])


def _done(connection: sqlite3.Connection, key: str) -> int:
    """Return how many chunks an interrupted run of the same request has published."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'restate'").fetchone()
    before, number = json.loads(row[0]) if row else ("", 0)
    return int(number) if before == key else 0


def _add(report: Report, plant: Plant, found: Differences, frozen: set[tuple[str, int]]) -> None:
    for one, (windows, reported_t, current_t) in found.sums.items():
        source = plant.sources[one]
        zone = next(park.zone for park in plant.parks if park.name == source.park)
        delta = report.deltas.setdefault(
            (one, found.chunk.start),
            Delta(
                source.park,
                source.facility,
                source.name,
                periods.month_text(found.chunk.start, zone),
                held=(source.park, found.chunk.start) in frozen,
            ),
        )
        delta.windows += windows
        delta.reported_t += reported_t
        delta.current_t += current_t


def as_json(report: Report) -> dict[str, Any]:
    """Return a report for programs."""
    return {
        "configuration": report.configuration,
        "windows": report.windows,
        "deltas": [asdict(delta) | {"delta_t": delta.delta_t} for delta in report.deltas.values()],
        "regulated": [asdict(delta) | {"delta_t": delta.delta_t} for delta in report.hours],
    }


def _read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30, check_same_thread=False
    )
