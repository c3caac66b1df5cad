"""Restate: compute past windows again under today's configuration, show what would change, and publish it on request.

After a factor, a configuration or a method was changed, windows that were computed before keep the numbers they were
published with, until somebody restates them: each changed window gets a revision, and a row of the ledger says who did
it. In a final month nothing changes: what would, waits for approval. The kernels are the line's own.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from ingest.known.remember import Republished
from ingest.line.regulated import HourRecompute
from plant.park import Plant
from proof.restate.hours import HoursDelta, hours_again
from proof.restate.report import Report
from proof.restate.request import HOURS, Request, RestatedPart, chunks_of, meant, part_of
from proof.restate.workers import Differences, Tools, Workers, computed, differences, read_only, workers_here
from rules.catalogue import Register, load_catalogue
from rules.engine import Engine
from store.accounting.closing import FROZEN, Closing
from store.accounting.ledger import Entry
from store.accounting.regulated import RegulatedTable
from store.accounting.regulated_hours import RegulatedHours
from store.faults import Damaged, told_of
from store.folder import Folder
from store.messages.journal import Journal
from store.messages.steps import RESTATEMENT, START, RecordedStep, Started, StepLog
from store.recording import record
from store.sqlite import one_moment
from store.state import REMEDY, State

WorkersFor = Callable[[Request, int], AbstractContextManager[Workers]]
"""Gives who computes so many chunks of a request."""


def dry_run(
    request: Request,
    plant: Plant,
    progress: Callable[[int, int], None],
    workers_for: WorkersFor = workers_here,
) -> Report:
    """Return what a restatement would change; nothing is written, and a service may be running."""
    chunks = chunks_of(request, plant)
    report = Report(plant.hash, len(chunks))
    path = request.state / "state.db"
    with _sound(path), closing(read_only(path)) as connection, workers_for(request, len(chunks)) as workers:
        frozen = _frozen(connection)
        for number, found in enumerate(computed(workers, chunks, whole=False), 1):
            report.add(plant, found, frozen)
            progress(number, len(chunks))
        kernels = _hours_kernels(request, plant, connection)
        with one_moment(connection):
            report.hours += hours_again(
                connection, plant, kernels, meant(request, plant), (request.first, request.last), None
            )
    return report


def publish(
    request: Request,
    plant: Plant,
    by: str,
    clock: Callable[[], int],
    progress: Callable[[int, int], None],
    workers_for: WorkersFor = workers_here,
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
    chunks, catalogue = chunks_of(request, plant), load_catalogue(request.config)
    report = Report(plant.hash, len(chunks))
    folder = Folder(request.state)
    try:
        with ExitStack() as opened:
            opened.enter_context(_sound(folder.state))
            state = opened.enter_context(closing(State(folder.state, plant)))
            workers = opened.enter_context(workers_for(request, len(chunks)))
            newest = state.ledger.newest()
            before = f"configuration {newest.configuration}" if newest else ""
            _record(request, clock(), "restate.begun", before, f"configuration {plant.hash}, by {by}")
            key = _key(request, plant)
            report.skipped = _done(state.connection, key)
            frozen = _frozen(state.connection)
            left = chunks[report.skipped :]
            opened.enter_context(_recorded(folder.journal, state))
            republished = Republished(plant, catalogue, state, _start(state, plant, clock()))
            for number, found in enumerate(computed(workers, left, whole=True), report.skipped + 1):
                report.add(plant, found, frozen)
                with _step(state, part_of(request, by, number), clock()) as now:
                    _publish(state, plant, republished, found, by, now, (key, number % len(chunks)))
                progress(number, len(chunks))
            with _step(state, part_of(request, by, HOURS), clock()) as now:
                kernels = HourRecompute(plant, Engine(plant, catalogue), state.connection)
                report.hours += _publish_hours(request, plant, state, by, now, kernels)
        _record(request, clock(), "restate.done", *report.before_and_after())
    finally:
        folder.close()
    return report


def publish_again(plant: Plant, catalogue: Register) -> Callable[[State, RecordedStep], None]:
    """Return what does a recorded part of a restatement again, inside a transaction."""

    def again(state: State, step: RecordedStep) -> None:
        part = msgspec.json.decode(step.detail, type=RestatedPart)
        request = Request(Path(), Path(), part.first, part.last, part.park, part.facility, part.source)
        if part.number == HOURS:
            kernels = HourRecompute(plant, Engine(plant, catalogue), state.connection)
            _publish_hours(request, plant, state, part.by, step.now, kernels)
            return
        chunks = chunks_of(request, plant)
        republished = Republished(plant, catalogue, state, step.now)
        tools = Tools.of(plant, catalogue, state.connection)
        found = differences(tools, chunks[part.number - 1], whole=True)
        mark = (_key(request, plant), part.number % len(chunks))
        _publish(state, plant, republished, found, part.by, step.now, mark)

    return again


@contextmanager
def _recorded(journal: Path, state: State) -> Iterator[None]:
    """Record the steps of a state beside the journal's messages, where there is a journal."""
    if not journal.exists():
        yield
        return
    with closing(Journal(journal)) as opened:
        state.recorder.log = StepLog(opened)
        yield


def _start(state: State, plant: Plant, now: int) -> int:
    """Record under which configuration what follows is done, as a service does that begins; return when [ns UTC]."""
    state.take_under(plant.hash)
    follows = state.step > 1 or state.cursor == 1
    started = Started(plant.hash, version("stackmeter"), follows=follows)
    with state.transaction():
        state.recorder.begin()
        state.recorder.end(RecordedStep(START, now, state.cursor, msgspec.json.encode(started)), matters=True)
    return now


@contextmanager
def _step(state: State, part: RestatedPart, now: int) -> Iterator[int]:
    """Do a part of a restatement as a step, in a transaction; gives its time [ns UTC]."""
    with state.transaction():
        state.recorder.begin()
        yield now
        state.recorder.end(RecordedStep(RESTATEMENT, now, state.cursor, msgspec.json.encode(part)))


def _key(request: Request, plant: Plant) -> str:
    """Return by what an interrupted run is known again."""
    return json.dumps(
        [plant.hash, request.first, request.last, request.park, request.facility, request.source]
    )


def _record(request: Request, at: int, what: str, old: str, new: str) -> None:
    whose = "/".join(filter(None, (request.park, request.facility, request.source))) or "everything"
    record(request.state, at, what, f"{request.first} to {request.last} of {whose}", old, new)


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


def _publish(
    state: State,
    plant: Plant,
    republished: Republished,
    found: Differences,
    by: str,
    now: int,
    mark: tuple[str, int],
) -> None:
    """Publish a chunk's differences, and note how far the run has come."""
    republished.note(found.chunk.sources, found.chunk.start, found.chunk.end)
    changes = state.emissions.apply(state.source_ids[found.source], found.start, found.fields)
    if len(changes):
        entry = Entry(now, "restatement", by, plant.hash, state.cursor, state.cursor)
        state.ledger.append(entry, changes)
    _note_first(state, plant.window, found)
    state.connection.execute("INSERT OR REPLACE INTO meta VALUES ('restate', ?)", (json.dumps(mark),))


def _publish_hours(
    request: Request, plant: Plant, state: State, by: str, now: int, kernels: HourRecompute
) -> list[HoursDelta]:
    """Publish what differs of regulated hours; done again, nothing differs."""
    connection, table = state.connection, RegulatedTable(state.connection, state.closing.frozen)
    entry = Entry(now, "restatement", by, plant.hash, state.cursor, state.cursor)

    def write(source: int, old: RegulatedHours, new: RegulatedHours) -> None:
        table.write(entry, source, old, new)
        table.note_restated(source)

    months = (request.first, request.last)
    return list(hours_again(connection, plant, kernels, meant(request, plant), months, write))


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
