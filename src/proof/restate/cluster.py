"""The same chunks on the workers of a Dask cluster, each of which reads a configuration and a state of its own, the same as ours.

A worker that dies costs its chunk another try, elsewhere and at last here. Who publishes is this process, as ever.
"""

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from plant.documents.problems import ConfigurationError
from proof.restate.request import Chunk, Request
from proof.restate.workers import AHEAD, Differences, Tools, Workers, differences, read_only, tools_at
from store.faults import FileFault
from store.sqlite import one_moment

ANSWERS_WITHIN = "10s"
TRIES = 3  # on other workers, before a chunk is computed here
AGAIN = "what is published is published; the same command goes on where it was"
EXTRA = "restate --cluster takes the extra dask: pip install 'stackmeter[dask]'"


class ClusterAway(Exception):
    """Nobody computes at the address that was given."""


class WorkerDiffers(Exception):
    """A worker reads another configuration, state or version than we do."""


class WorkerPlace(NamedTuple):
    """Where a worker finds configuration and state, and by what it knows that they are ours.

    `row` and `head` are of the ledger's newest row, 0 and b"" where it has none.
    """

    config: str
    database: str
    version: str
    configuration: str
    cursor: int
    row: int
    head: bytes


_turn = Lock()  # a worker may have several threads, and a state's connection is for one
_tools: dict[WorkerPlace, Tools] = {}


def on_cluster(address: str, configuration: str) -> Callable[[Request, int], AbstractContextManager[Workers]]:
    """Return what gives the workers of the Dask scheduler at an address, for the configuration of a hash.

    It raises ClusterAway where nothing answers there, or there are no workers, or the extra is not installed; a chunk raises
    WorkerDiffers.
    """

    @contextmanager
    def workers(request: Request, _chunks: int) -> Iterator[Workers]:
        place = _place(request, configuration)
        with closing(_client(address)) as client:
            threads = sum(client.nthreads().values())
            if not threads:
                raise ClusterAway(
                    f"the scheduler at {address} has no workers: start `dask worker {address}` where configuration and state are"
                )
            yield Workers(lambda chunk, whole: _begun(client, place, chunk, whole), AHEAD * threads)

    return workers


def _client(address: str) -> Any:
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError:
        raise ClusterAway(EXTRA) from None
    untyped: Any = Client
    try:
        return untyped(address, timeout=ANSWERS_WITHIN, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterAway(f"no Dask scheduler answers at {address} ({error})") from error


def _begun(client: Any, place: WorkerPlace, chunk: Chunk, whole: bool) -> Callable[[], Differences]:
    from distributed import KilledWorker  # noqa: PLC0415 - an extra
    from distributed.comm.core import CommClosedError  # noqa: PLC0415 - an extra

    future = client.submit(differences_at, place, chunk, whole, pure=False, retries=TRIES)

    def wait() -> Differences:
        try:
            found: Differences = future.result()
        except KilledWorker:
            found = differences_at(place, chunk, whole)
        except (CancelledError, CommClosedError) as error:
            raise ClusterAway(f"the Dask scheduler was lost: {AGAIN}") from error
        return found

    return wait


def differences_at(place: WorkerPlace, chunk: Chunk, whole: bool) -> Differences:
    """Compute a chunk where a worker is; raise WorkerDiffers where what it reads is not ours."""
    with _turn:
        tools = _tools.get(place)
        if tools is None:
            _tools.clear()
            tools = _tools[place] = _checked(place)
        with one_moment(tools.connection):
            return differences(tools, chunk, whole=whole)


def _checked(place: WorkerPlace) -> Tools:
    where = f"worker on {socket.gethostname()} (process {os.getpid()})"
    if version("stackmeter") != place.version:
        raise WorkerDiffers(
            f"the {where} is Stackmeter {version('stackmeter')}, and this is {place.version}: install the same"
        )
    try:
        tools = tools_at(Path(place.config), Path(place.database))
        found = _standing(tools.connection, place.row)
    except (ConfigurationError, FileFault, OSError, sqlite3.Error) as error:
        raise WorkerDiffers(f"the {where} cannot read {place.config} and {place.database}: {error}") from None
    if tools.plant.hash != place.configuration:
        raise WorkerDiffers(f"the {where} has another configuration in {place.config}: copy ours there")
    if found != (place.cursor, place.row, place.head):
        raise WorkerDiffers(
            f"the {where} has another state in {place.database}: copy ours there (stackmeter backup)"
        )
    return tools


def _place(request: Request, configuration: str) -> WorkerPlace:
    database = request.state / "state.db"
    with closing(read_only(database)) as connection:
        [(newest,)] = connection.execute("SELECT coalesce(max(id), 0) FROM ledger")
        standing = _standing(connection, newest)
    own = (str(request.config.absolute()), str(database.absolute()), version("stackmeter"))
    return WorkerPlace(*own, configuration, *standing)


def _standing(connection: sqlite3.Connection, row: int) -> tuple[int, int, bytes]:
    """Return a state's cursor, and a row of its ledger with its hash: 0 and b"" where it has not got it."""
    [(cursor,)] = connection.execute("SELECT next FROM cursor WHERE name = 'line'")
    found = connection.execute("SELECT id, hash FROM ledger WHERE id = ?", (row,)).fetchone() or (0, b"")
    return int(cursor), int(found[0]), bytes(found[1])
