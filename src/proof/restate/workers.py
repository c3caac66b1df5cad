"""What would change of each chunk, computed by processes that only read the state: on this machine, or on others (see `cluster`)."""

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Self

import numpy as np

from ingest.line.recompute import Recompute, fields_of
from plant.arrays import Bools, Floats, Ints, Times
from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.park import Plant
from plant.vocabulary import NS_PER_HOUR
from proof.restate.request import Chunk, Request
from rules.catalogue import Register, load_catalogue
from rules.engine import Engine
from store import blocks
from store.accounting.closing import CO2E, changed
from store.sqlite import one_moment, uri
from store.totals.sums import only_events

FEW = 4  # chunks that are done before a process has started
AHEAD = 2  # chunks that may wait for the writer, per worker

Begin = Callable[["Chunk", bool], Callable[[], "Differences"]]
"""Begins a chunk, whole or its sums alone, and returns what waits for it."""


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


@dataclass(frozen=True, slots=True)
class Tools:
    """What computes windows of a state again, by a connection that reads it."""

    plant: Plant
    connection: sqlite3.Connection
    recompute: Recompute
    ids: dict[int, int]  # source index → database id
    quiet: frozenset[int]  # sources of events alone

    @classmethod
    def of(cls, plant: Plant, catalogue: Register, connection: sqlite3.Connection) -> Self:
        """Return the tools for a state's connection."""
        rows = connection.execute("SELECT park, facility, name, id FROM source")
        ids = {(park, facility, name): number for park, facility, name, number in rows}
        return cls(
            plant,
            connection,
            Recompute(plant, Engine(plant, catalogue), connection),
            {s.index: ids[key] for s in plant.sources if (key := (s.park, s.facility, s.name)) in ids},
            frozenset(s.index for s in plant.sources if only_events(plant, s.index)),
        )


@dataclass(frozen=True, slots=True)
class Workers:
    """Who computes, and how many chunks are to be begun ahead of the writer."""

    begin: Begin
    ahead: int


_tools: list[Tools] = []  # of a worker process, once it is set up


@contextmanager
def workers_here(request: Request, chunks: int) -> Iterator[Workers]:
    """Give a process for each core, where there is work for them; each loads the configuration once."""
    given, cores = (str(request.config), str(request.state / "state.db")), os.cpu_count() or 1
    pool = (
        ThreadPoolExecutor(1, initializer=_set_up, initargs=given)
        if chunks <= FEW
        else ProcessPoolExecutor(cores, get_context("spawn"), _set_up, given)
    )
    with pool:
        yield Workers(lambda chunk, whole: pool.submit(_differences, chunk, whole).result, AHEAD * cores)


def _set_up(config: str, database: str) -> None:
    _tools[:] = [tools_at(Path(config), Path(database))]


def tools_at(config: Path, database: Path) -> Tools:
    """Return the tools for a configuration and a state in files."""
    catalogue = load_catalogue(config)
    plant = load(config, catalogue, AnySecret())
    return Tools.of(plant, catalogue, read_only(database))


def _differences(chunk: Chunk, whole: bool) -> Differences:
    """Compute a chunk in a worker, from the state of one moment."""
    with one_moment(_tools[0].connection):
        return differences(_tools[0], chunk, whole=whole)


def differences(tools: Tools, chunk: Chunk, *, whole: bool) -> Differences:
    """Compute a chunk and keep what differs from what is published, or its sums alone."""
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


def _count(tools: Tools, source: Ints, stored: Floats, fields: Floats) -> Bools:
    """Return which windows differ in a way that counts: one that nobody computed, of events that never came, is none."""
    never = stored[:, blocks.REVISION] == 0
    silent = np.isin(source, list(tools.quiet)) & ~(np.abs(fields[:, CO2E]) > 0)
    with_revision = np.concatenate([fields, stored[:, blocks.REVISION :]], axis=1)
    nothing: Bools = never & (silent | np.isnan(fields[:, CO2E]))
    return changed(stored, with_revision) & ~nothing


def _stored(tools: Tools, chunk: Chunk, source: Ints, start: Times) -> Floats:
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
        for hour, data in rows:
            block = blocks.block_of(data, per_hour)
            if block is not None:  # else it is had again by being restated
                begin = np.searchsorted(start[mine], hour)
                result[mine[begin : begin + per_hour]] = block
    return result


def computed(workers: Workers, chunks: Sequence[Chunk], *, whole: bool) -> Iterator[Differences]:
    """Yield results in the order of chunks, a bounded number of them ahead."""
    waiting: deque[Callable[[], Differences]] = deque()
    for chunk in chunks:
        waiting.append(workers.begin(chunk, whole))
        if len(waiting) > workers.ahead:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


def read_only(database: Path) -> sqlite3.Connection:
    """Return a connection to a state that only reads it."""
    return sqlite3.connect(
        uri(database, "ro"), uri=True, timeout=30, isolation_level=None, check_same_thread=False
    )
