"""A restatement on the workers of a Dask cluster: real ones, of which some die; the same bits as one process."""

# ruff: noqa: F811 - fixtures of tests.proof.test_restate

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from distributed import Client
from typer.testing import CliRunner

from proof.restate import restate as work
from proof.restate.cluster import ClusterAway, WorkerDiffers, WorkerPlace, _place, differences_at, on_cluster
from proof.restate.report import Report
from proof.restate.request import Request, chunks_of
from stackmeter.cli import app
from tests.proof.test_restate import LATER, change_contract, config, looked, plant_of, request_of, rows, world  # noqa: F401
from tests.semantics.world import World
from tests.servers import PATIENCE, free_port, wait_until

PUBLISHED = (
    "SELECT source, hour, block FROM emission ORDER BY 1, 2",
    "SELECT id, hash FROM ledger ORDER BY 1",
)


def _begun(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path.cwd(),
    )


class Cluster:
    """A scheduler and two workers, each a process."""

    def __init__(self, folder: Path) -> None:
        self.address = f"tcp://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        self.processes = [
            _begun(
                "distributed.cli.dask_scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                port,
                "--no-dashboard",
                "--no-show",
            )
        ]
        self.workers = [
            _begun(
                "distributed.cli.dask_worker",
                self.address,
                "--nthreads",
                "1",
                "--no-nanny",
                "--no-dashboard",
                "--local-directory",
                str(folder),
            )
            for _ in range(2)
        ]
        self.processes += self.workers

    def size(self) -> int:
        with Client(self.address, timeout="60s", set_as_default=False) as client:
            return len(client.nthreads())

    def close(self) -> None:
        for one in self.processes:
            one.send_signal(signal.SIGKILL)
            one.wait(PATIENCE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with closing(Cluster(tmp_path_factory.mktemp("dask"))) as made:
        wait_until(lambda: made.size() == 2, "the workers did not come")
        yield made


@pytest.fixture
def here(world: World) -> WorkerPlace:
    return _place(request_of(world), plant_of(world.config).hash)


def test_a_dry_run_on_workers_tells_what_one_process_tells(world, config, cluster):
    change_contract(config)
    options = ["2026-03", "--config", str(config), "--state", str(world.folder), "--json"]
    alone = CliRunner().invoke(app, ["restate", *options])
    told = CliRunner().invoke(app, ["restate", *options, "--cluster", cluster.address])

    assert (alone.exit_code, told.exit_code) == (0, 0), told.output
    assert json.loads(told.stdout) == json.loads(alone.stdout)
    assert json.loads(told.stdout)["windows"] > 0


def test_a_wrong_state_configuration_or_version_of_a_worker_is_refused_by_name(world, here):
    [chunk, *_] = chunks_of(request_of(world), plant_of(world.config))
    assert differences_at(here, chunk, True).chunk == chunk
    for changed, why in (
        ({"version": "0.0.1"}, r"is Stackmeter .*, and this is 0\.0\.1"),
        ({"configuration": "another"}, "has another configuration in"),
        ({"cursor": here.cursor + 1}, "has another state in"),
        ({"head": bytes(len(here.head))}, "has another state in"),
        ({"database": "/nowhere/state.db"}, "cannot read .*/nowhere/state.db"),
        ({"config": "/nowhere"}, "cannot read /nowhere"),
    ):
        with pytest.raises(WorkerDiffers, match=why):
            differences_at(here._replace(**changed), chunk, True)


def test_where_nobody_computes_it_says_so(world, config, monkeypatch):
    monkeypatch.setattr("proof.restate.cluster.ANSWERS_WITHIN", "0.2s")
    nowhere = f"tcp://127.0.0.1:{free_port()}"
    with (
        pytest.raises(ClusterAway, match=f"no Dask scheduler answers at {nowhere}"),
        on_cluster(nowhere, "")(request_of(world), 1),
    ):
        pass
    told = CliRunner().invoke(
        app,
        ["restate", "2026-03", "--config", str(config), "--state", str(world.folder), "--cluster", nowhere],
    )
    assert told.exit_code == 3


def test_a_worker_that_is_killed_costs_a_try_and_no_bit(world, config, cluster, tmp_path, monkeypatch):
    """The cluster is smaller afterwards."""
    change_contract(config)
    monkeypatch.setattr("proof.restate.request.WINDOWS_AT_ONCE", 1)  # a chunk for each source
    other = tmp_path / "other"
    subprocess.run(["cp", "-a", world.folder, other], check=True)
    killed: list[int] = []

    def kill_one(done: int, of: int) -> None:
        if not killed:
            killed.append(cluster.workers[0].pid)
            os.kill(cluster.workers[0].pid, signal.SIGKILL)

    alone = publish(Request(config, other, "2026-03", "2026-03"))
    report = publish(request_of(world), on_cluster(cluster.address, plant_of(config).hash), kill_one)

    assert killed
    assert (report.deltas, report.windows) == (alone.deltas, alone.windows)
    world_of = [rows(world, query) for query in PUBLISHED]
    world.folder = other
    assert [rows(world, query) for query in PUBLISHED] == world_of


def test_a_scheduler_that_is_lost_ends_it_with_a_sentence_and_the_same_command_goes_on(
    world, config, cluster, monkeypatch
):
    """Nobody computes after this one."""
    change_contract(config)
    monkeypatch.setattr("proof.restate.request.WINDOWS_AT_ONCE", 1)
    done: list[int] = []

    def lose(number: int, of: int) -> None:
        done.append(number)
        cluster.processes[0].send_signal(signal.SIGKILL)
        cluster.processes[0].wait(PATIENCE)  # else it may still answer

    with pytest.raises(ClusterAway, match=r"the Dask scheduler was lost: .* goes on where it was"):
        publish(request_of(world), on_cluster(cluster.address, plant_of(config).hash), lose)
    assert done
    assert publish(request_of(world)).skipped == done[-1]
    assert looked(world).windows == 0


def publish(
    request: Request,
    workers_for: work.WorkersFor = work.workers_here,
    told: Callable[[int, int], None] = lambda *_: None,
) -> Report:
    return work.publish(request, plant_of(request.config), "lan", lambda: LATER, told, workers_for)
