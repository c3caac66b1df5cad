"""Few files may be open: the API holds fewer connections, parts that fail for want of one are tried again, and the log stays small."""

import contextlib
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.bench import Bench, patched
from tests.faults.invariants import check_all
from tests.faults.truth import Truth, trial
from tests.servers import wait_until

CONNECTIONS = 120  # that somebody opens and leaves
LARGEST_LOG = 300_000  # bytes


def limited(files: int) -> tuple[str, ...]:
    """Return a program that is the console script and may open so many files."""
    return patched(f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))")


@contextlib.contextmanager
def crowd(port: int) -> Iterator[None]:
    """Keep connections to the API open for the block, of those that are taken."""
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            with contextlib.suppress(OSError):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        yield


@pytest.mark.parametrize("files", [48, 64, 110])
def test_solid_a7_few_open_files_stop_neither_line_nor_intake_nor_fill_the_log(
    tmp_path: Path, files: int
) -> None:
    truth = trial(200, seed=74)
    with Bench(tmp_path, program=limited(files)) as bench:
        crowded(bench, truth)
        bench.service.drain(200)
        settled(bench, truth, files)


def test_solid_a7_fewer_open_files_than_it_needs_lose_nothing_for_the_next_start(tmp_path: Path) -> None:
    truth = trial(200, seed=74)
    few = tmp_path / "few"
    few.touch()
    limit = f"import os, resource; os.path.exists({str(few)!r}) and resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))"
    with Bench(tmp_path, program=patched(limit)) as bench:
        crowded(bench, truth)
        few.unlink()
        bench.service.term()
        bench.service.start()
        bench.service.drain(200)
        settled(bench, truth, 32)


def crowded(bench: Bench, truth: Truth) -> None:
    """Start the service, and send what there is while many others have connections to its API."""
    bench.service.start(ready=False)
    wait_until(lambda: "API at " in bench.service.log() or not bench.service.running, "it does not start")
    bench.service.wait_until_ready()  # before its first subscription the broker keeps nothing for it
    with crowd(bench.service.port):
        bench.field.send(truth.messages)
    assert bench.service.running, bench.service.log()[-2000:]
    bench.service.wait_until_ready()


def settled(bench: Bench, truth: Truth, files: int) -> None:
    """Assert that everything was counted once, and that the log says why something failed, and not without end."""
    assert f"may have {files} files open" in bench.service.log()
    assert len(bench.service.log()) < LARGEST_LOG
    check_all(bench, truth)


def test_solid_a7_the_limit_of_open_files_is_raised_as_far_as_it_may_be(tmp_path: Path) -> None:
    soft = patched("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 2000))")
    with Bench(tmp_path, program=soft) as bench:
        bench.service.start()

        assert resource.prlimit(bench.service.pid, resource.RLIMIT_NOFILE) == (900, 2000)
        assert "files open" not in bench.service.log()
