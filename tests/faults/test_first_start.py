"""A kill at any moment of a first start leaves a state directory that the next start goes on with."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from store.access_log import AccessLog
from store.folder import keys_file
from tests.faults import first_start
from tests.faults.bench import Report
from tests.servers import PATIENCE, required

# Whatever changes the disk; of the last one, of which there are many, not each one is tried unless `--kills` asks for it.
CALLS = ("fdatasync", "fsync", "rename", "unlink", "ftruncate", "mkdir", "pwrite64")
KILLED = -9


def traced(folder: Path, tried: Sequence[tuple[str, int]], last: int, *options: str) -> list[int]:
    """Run first starts under strace, each in a process of its own; return their exit codes."""
    own = [sys.executable, str(first_start.__file__), str(folder), str(last)]
    command = [required("strace"), "-f", "-qq", *options, *own]
    told = subprocess.run(
        command, check=True, timeout=PATIENCE, input=json.dumps(tried), stdout=subprocess.PIPE, text=True
    )
    return [int(code) for code in told.stdout.split()]


def counts(folder: Path) -> dict[str, int]:
    """Return how many calls of each kind a first start makes."""
    trace = folder / "trace"
    options = ("-ff", "-o", str(trace), "-e", f"trace={','.join(CALLS)}")
    assert traced(folder, [("whole", 0)], 0, *options) == [0]
    newest = max(folder.glob("trace.*"), key=lambda path: int(path.suffix[1:]))  # of the process of its own
    lines = newest.read_text().splitlines()
    return {call: sum(line.startswith(f"{call}(") for line in lines) for call in CALLS}


def places(made: dict[str, int], kills: int) -> Iterator[tuple[str, int]]:
    """Yield the calls to die at."""
    for call, count in made.items():
        step = max(1, count // kills) if call == "pwrite64" else 1
        yield from ((call, number) for number in range(1, count + 1, step))


def test_solid_a7_a_first_start_that_is_killed_anywhere_is_gone_on_with(
    tmp_path: Path, kills: int, report: Report
) -> None:
    made = counts(tmp_path)
    tried, last = list(places(made, kills)), max(made.values()) + 1

    def folder(at: tuple[str, int]) -> Path:
        return tmp_path / f"{at[0]}-{at[1]}"

    inject = [part for call in CALLS for part in ("-e", f"inject={call}:signal=SIGKILL:when={last}")]
    codes = traced(tmp_path, tried, last, "-o", "/dev/null", "-e", f"trace={','.join(CALLS)}", *inject)
    died = codes.count(KILLED)
    for at in tried:
        end, cursor, token = first_start.started(folder(at))
        assert (end, cursor) == (1, 1), at
        assert first_start.started(folder(at)) == (end, cursor, token), at
        assert AccessLog(keys_file(folder(at))).head() is None, at
    report("first start", tried=len(tried), killed=died)
    assert died > len(tried) // 2
