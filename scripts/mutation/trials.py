"""Runs tests against a copy of the tree: once to see which lines each test runs, then with a mutant in it.

Each run is a fork of a process that has imported what is no part of Stackmeter, so that it begins at once. The working
files are never touched.
"""

import compileall
import contextlib
import json
import os
import py_compile
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parents[2]
PRELOADED = (
    "numpy",
    "hypothesis.strategies",
    "_hypothesis_pytestplugin",
    "fastapi.openapi.utils",
    "httpx",
    "influxdb_client",
    "msgspec",
    "pydantic_settings",
    "paho.mqtt.client",
    "yaml",
    "rich.console",
    "typer",
    "uvicorn",
)
ARGUMENTS = (
    "-q",
    "-p",
    "no:schemathesis",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)
TIMES = 5  # a test that takes so many times as long as without a mutant does not end
GRACE = 10  # s, on top
ENOUGH = 60  # calls of a function by one test; later ones are not watched, for watching is slow
IMPORTING = ""  # stands for a test: what runs when a file is imported


@dataclass(frozen=True, slots=True)
class Seen:
    """What one test took, and the lines of each file that it ran."""

    cpu: float  # s
    wall: float  # s
    lines: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Trial:
    """How the tests ended: `killed`, `lived` or `endless`, the first test that failed, and how many were to run."""

    outcome: str
    test: str
    tests: int


def preload() -> None:
    """Import what every run needs and no run changes."""
    for name in PRELOADED:
        import_module(name)


@contextlib.contextmanager
def copies(count: int) -> Iterator[list[Path]]:
    """Give copies of the tree as it lies here, with what is not committed."""
    with tempfile.TemporaryDirectory(prefix="stackmeter-mutants-") as name:
        first = Path(name) / "0"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for file in filter(None, listed.split("\0")):
            if (ROOT / file).is_file():
                (first / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / file, first / file)
        for link in (".venv", "tests/node/node_modules"):
            if (ROOT / link).exists():
                (first / link).symlink_to(ROOT / link)
        # By what is in them, not by their time: a mutant may be as long and as old as the one before.
        by_hash = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(first / "src", quiet=2, invalidation_mode=by_hash)
        for number in range(1, count):
            shutil.copytree(first, Path(name) / str(number), symlinks=True)
        yield [Path(name) / str(number) for number in range(count)]


def watch(tree: Path, test_file: str, files: Sequence[str]) -> dict[str, Seen]:
    """Run a file of tests, and return what each one that passed ran of some files of the source."""
    with tempfile.TemporaryDirectory() as name:
        found = Path(name) / "seen.json"
        _forked(tree, lambda: _watch(tree, test_file, files, found), wall=900)
        if not found.exists():
            return {}
        return {test: Seen(*seen) for test, seen in json.loads(found.read_text()).items()}


def attempt(tree: Path, file: str, mutated: bytes, tests: dict[str, Seen]) -> Trial:
    """Run tests, until one fails, with a file of the source changed."""
    path = tree / file
    source = path.read_bytes()
    with tempfile.TemporaryDirectory() as name:
        said = Path(name) / "failed"
        try:
            path.write_bytes(mutated)
            wall = 60 + 2 * TIMES * sum(seen.wall for seen in tests.values())
            ended = _forked(tree, lambda: _attempt(tests, said), wall)
        finally:
            path.write_bytes(source)
        failed = said.read_text() if said.exists() else ""
    outcome = (
        "endless" if ended is None or ended < 0 else "lived" if ended == pytest.ExitCode.OK else "killed"
    )
    return Trial(outcome, failed, len(tests))


class Watcher:
    """A plugin of pytest that notes which lines of some files each test runs, its fixtures included."""

    def __init__(self, tree: Path, files: Sequence[str]) -> None:
        self._names = {str(tree / file): file for file in files}
        self._local: dict[str, Callable[[FrameType, str, object], Any]] = {}
        self._lines: dict[str, set[int]] = {}
        self._shared: dict[str, set[int]] = {
            file: set() for file in files
        }  # by fixtures of more than one test
        self._begun = 0.0, 0.0
        self._passed: set[str] = set()
        self.seen: dict[str, tuple[float, float, dict[str, list[int]]]] = {}
        self._begin()

    def _begin(self) -> None:
        self._calls: dict[CodeType, int] = {}
        self._lines = {file: set() for file in self._names.values()}
        self._local = {path: _noting(self._lines[file].add) for path, file in self._names.items()}
        self._begun = time.process_time(), time.monotonic()

    def called(self, frame: FrameType, _event: str, _argument: object) -> Any:
        """Note lines of what was called where it stands in one of the files."""
        code = frame.f_code
        note = self._local.get(code.co_filename)
        if note is None:
            return None
        self._calls[code] = calls = self._calls.get(code, 0) + 1
        return note if calls <= ENOUGH else None

    def _end(self, test: str) -> None:
        cpu, wall = time.process_time() - self._begun[0], time.monotonic() - self._begun[1]
        every = {file: found | self._shared[file] for file, found in self._lines.items()}
        lines = {file: sorted(found) for file, found in every.items() if found}
        if lines:
            self.seen[test] = cpu, wall, lines

    def pytest_collection_finish(self) -> None:
        """Keep what was imported so far apart: it belongs to no test."""
        self._end(IMPORTING)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch one test."""
        self._begin()
        sys.settrace(self.called)
        result = yield
        self._end(item.nodeid)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Keep what is made once for several tests: it belongs to all that follow."""
        before = {file: set(found) for file, found in self._lines.items()}
        result = yield
        if fixturedef.scope != "function":
            for file, found in self._lines.items():
                self._shared[file] |= found - before[file]
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what failed or was skipped: it says nothing of a mutant."""
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid)

    def passed(self) -> dict[str, tuple[float, float, dict[str, list[int]]]]:
        """Return what was seen of tests that passed, and of importing."""
        return {test: seen for test, seen in self.seen.items() if test in self._passed or test == IMPORTING}


def _noting(add: Callable[[int], None]) -> Callable[[FrameType, str, object], Any]:
    def note(frame: FrameType, _event: str, _argument: object) -> Any:
        add(frame.f_lineno)
        return note

    return note


class Judge:
    """A plugin of pytest that runs tests in a given order, ends a test that takes too long, and names what failed."""

    def __init__(self, tests: dict[str, Seen], said: Path) -> None:
        self._order = {test: number for number, test in enumerate(tests)}
        self._tests, self._said = tests, said

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Bring the tests in order."""
        items.sort(key=lambda item: self._order.get(item.nodeid, len(self._order)))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Give a test its time on the processor: Linux ends the process that takes more."""
        seen = self._tests.get(item.nodeid)
        most = time.process_time() + GRACE + TIMES * (seen.cpu if seen else 0)
        resource.setrlimit(resource.RLIMIT_CPU, (int(most), resource.RLIM_INFINITY))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name the first test that failed."""
        if report.failed:
            self._said.write_text(report.nodeid)


def _watch(tree: Path, test_file: str, files: Sequence[str], found: Path) -> int:
    watcher = Watcher(tree, files)
    sys.settrace(watcher.called)
    code = pytest.main([*ARGUMENTS, test_file], plugins=[watcher])
    sys.settrace(None)
    found.write_text(json.dumps(watcher.passed()))
    return code


def _attempt(tests: dict[str, Seen], said: Path) -> int:
    if not tests:
        return pytest.ExitCode.OK
    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate, Phase.target], database=None)
    settings.load_profile("mutants")  # what fails need not be made small
    return pytest.main([*ARGUMENTS, "-x", "--hypothesis-seed=0", *tests], plugins=[Judge(tests, said)])


def _forked(tree: Path, run: Callable[[], int], wall: float) -> int | None:
    """Return with what a run in a copy ended, negative for a signal; None where it had to be ended."""
    child = os.fork()
    if child == 0:
        _run_in(tree, run)
    ends = time.monotonic() + wall
    status = None
    try:
        while status is None and time.monotonic() < ends:
            done, ended = os.waitpid(child, os.WNOHANG)
            status = ended if done else None
            time.sleep(0 if done else 0.02)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # it, or what it has started and left
        if status is None:
            os.waitpid(child, 0)
    return None if status is None else os.waitstatus_to_exitcode(status)


def _run_in(tree: Path, run: Callable[[], int]) -> None:
    """Run in a copy, in this process, which ends with it."""
    code = 70
    try:
        os.setsid()
        os.chdir(tree)
        ours = {str(ROOT), str(ROOT / "src"), "", str(Path(__file__).parent.parent)}
        sys.path[:] = [str(tree / "src"), str(tree), *(path for path in sys.path if path not in ours)]
        for name in [name for name in sys.modules if name.partition(".")[0] in {"scripts", "tests"}]:
            del sys.modules[name]
        os.environ |= {"PYTHONPATH": f"{tree / 'src'}:{tree}"}
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        code = int(run())
    finally:
        os._exit(code)
