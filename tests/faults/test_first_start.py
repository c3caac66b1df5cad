"""A kill at any moment of a first start leaves a state directory that the next start goes on with."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from store.access_log import AccessLog
from store.folder import keys_file
from tests.faults import first_start
from tests.faults.bench import Report
from tests.servers import PATIENCE, required

# Whatever changes the disk; of the last one, of which there are many, not each one is tried unless `--kills` asks for it.
CALLS = ("fdatasync", "fsync", "rename", "unlink", "ftruncate", "mkdir", "pwrite64")
KILLED = -9


def traced(folder: Path, *options: str) -> int:
    """Run a first start under strace; return its exit code."""
    command = [
        required("strace"),
        "-f",
        "-qq",
        *options,
        sys.executable,
        str(first_start.__file__),
        str(folder),
    ]
    return subprocess.run(command, check=False, timeout=PATIENCE, capture_output=True).returncode


def counts(folder: Path) -> dict[str, int]:
    """Return how many calls of each kind a first start makes."""
    trace = folder / "trace"
    assert traced(folder / "whole", "-o", str(trace), "-e", f"trace={','.join(CALLS)}") == 0
    lines = trace.read_text().splitlines()
    return {call: sum(f" {call}(" in line for line in lines) for call in CALLS}


def places(made: dict[str, int], kills: int) -> Iterator[tuple[str, int]]:
    """Yield the calls to die at."""
    for call, count in made.items():
        step = max(1, count // kills) if call == "pwrite64" else 1
        yield from ((call, number) for number in range(1, count + 1, step))


def test_solid_a7_a_first_start_that_is_killed_anywhere_is_gone_on_with(
    tmp_path: Path, kills: int, report: Report
) -> None:
    tried = list(places(counts(tmp_path), kills))

    def folder(at: tuple[str, int]) -> Path:
        return tmp_path / f"{at[0]}-{at[1]}"

    def dies(at: tuple[str, int]) -> bool:
        call, number = at
        inject = (
            "-o",
            "/dev/null",
            "-e",
            f"trace={call}",
            "-e",
            f"inject={call}:signal=SIGKILL:when={number}",
        )
        return traced(folder(at), *inject) == KILLED

    with ThreadPoolExecutor(2) as pool:
        died = sum(pool.map(dies, tried))
    for at in tried:
        end, cursor, token = first_start.started(folder(at))
        assert (end, cursor) == (1, 1), at
        assert first_start.started(folder(at)) == (end, cursor, token), at
        assert AccessLog(keys_file(folder(at))).head() is None, at
    report("first start", tried=len(tried), killed=died)
    assert died > len(tried) // 2
