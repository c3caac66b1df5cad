"""Changes the code a little, in a copy, and asks the tests whether they notice.

`scripts/mutants` calls this, and `scripts/mutants --help` says how it is used. A mutant is one small change
(`scripts/mutation/changes.py`). It is killed where a test that runs its line fails; where all pass it lives, and either
a test is missing, or the change changes nothing, which `tests/mutants.toml` then says with a reason.

Which lines a test runs is found out by running the tests once with a trace (`scripts/mutation/trials.py`) and kept in
`.mutants_cache`. Of the tests that run a line, those of different names and the quick ones come first, until together
they take `--seconds`.
"""

import argparse
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

from scripts.mutation.changes import Mutant, mutants
from scripts.mutation.trials import IMPORTING, ROOT, Seen, Trial, attempt, copies, preload, watch

KEPT = ROOT / ".mutants_cache"
LISTED = ROOT / "tests" / "mutants.toml"
WHOLE_LINE = "tests/semantics"  # these tests run all of it


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, and what came of it."""

    mutant: Mutant
    trial: Trial


def changed(ref: str) -> dict[str, set[int]]:
    """Return the lines of `src` that were written since the commit that a ref and this tree have in common."""
    base = _git("merge-base", ref, "HEAD").strip()
    lines: dict[str, set[int]] = defaultdict(set)
    file = ""
    for line in _git("diff", "--unified=0", base, "--", "src").splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif (hunk := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)) and file.endswith(".py"):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            lines[file] |= set(range(first, first + count))
    return dict(lines)


def chosen(what: Sequence[str]) -> list[Mutant]:
    """Return the mutants of rooms and files, or of what changed since a ref; `FILE:LINE` and `FILE:FROM-TO` are parts of a file."""
    found: list[Mutant] = []
    for one in what:
        name, _, lines = one.partition(":")
        path = ROOT / name
        if path.exists():
            files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
            first, _, last = lines.partition("-")
            wanted = set(range(int(first), int(last or first) + 1)) if lines else None
            parts = {file.relative_to(ROOT).as_posix(): wanted for file in files}
        else:
            parts = dict(changed(one))
        for file, wanted in parts.items():
            of_file = mutants(file, (ROOT / file).read_bytes()) if (ROOT / file).exists() else []
            found += [mutant for mutant in of_file if wanted is None or wanted & set(mutant.lines)]
    return found


def listed() -> set[tuple[str, str, str]]:
    """Return file, line of code and change of the mutants that change nothing."""
    entries = tomllib.loads(LISTED.read_text(encoding="utf-8")).get("mutant", []) if LISTED.exists() else []
    return {(entry["file"], entry["code"], entry["change"]) for entry in entries}


class Workshop:
    """Processes with a copy of the tree each."""

    def __init__(self, trees: Sequence[Path]) -> None:
        context = get_context("fork")
        free: Queue[Path] = context.Queue()
        for tree in trees:
            free.put(tree)
        self._pool = ProcessPoolExecutor(len(trees), context, _take_tree, (free,))

    def watch(self, test_file: str, files: Sequence[str]) -> "Future[dict[str, Seen]]":
        """Begin to see what a file of tests runs."""
        return self._pool.submit(_watch, test_file, files)

    def attempt(self, mutant: Mutant, mutated: bytes, tests: dict[str, Seen]) -> "Future[Tried]":
        """Begin to try a mutant."""
        return self._pool.submit(_attempt, mutant, mutated, tests)

    def close(self) -> None:
        """Begin nothing more, and wait for what has begun."""
        self._pool.shutdown(cancel_futures=True)


_tree = ROOT  # of a process of the workshop


def _take_tree(free: "Queue[Path]") -> None:
    global _tree  # noqa: PLW0603  # each process has one
    _tree = free.get()


def _watch(test_file: str, files: Sequence[str]) -> dict[str, Seen]:
    return watch(_tree, test_file, files)


def _attempt(mutant: Mutant, mutated: bytes, tests: dict[str, Seen]) -> Tried:
    return Tried(mutant, attempt(_tree, mutant.file, mutated, tests))


def test_files(files: Iterable[str], asked: Sequence[str]) -> list[str]:
    """Return the files of tests to choose from: those asked for, else those of the files' rooms and those that run the whole line.

    Those of a room import one of its files, or are named like one.
    """
    if asked:
        return [test for path in asked for test in _tests_below(path)]
    modules = {file.removeprefix("src/").removesuffix(".py").replace("/", ".") for file in files}
    named = {f"test_{module.rpartition('.')[2]}.py" for module in modules}
    imported = re.compile(rf"\b({'|'.join(map(re.escape, sorted(modules)))})\b")
    rooms = sorted({f"tests/{module.partition('.')[0]}" for module in modules})
    found = [
        test
        for room in rooms
        for test in _tests_below(room)
        if Path(test).name in named or imported.search((ROOT / test).read_text(encoding="utf-8"))
    ]
    return [*found, *_tests_below(WHOLE_LINE)]


def _tests_below(name: str) -> list[str]:
    path = ROOT / name
    found = sorted(path.rglob("test_*.py")) if path.is_dir() else [path] if path.exists() else []
    return [file.relative_to(ROOT).as_posix() for file in found]


def lines_run(workshop: Workshop, tests: Sequence[str], files: Sequence[str]) -> dict[str, Seen]:
    """Return what each test runs of some files; what is known of an unchanged tree is not found out again."""
    KEPT.mkdir(exist_ok=True)
    tree = _digest(
        path for path in sorted([*(ROOT / "src").rglob("*"), *(ROOT / "tests").rglob("*")]) if _counts(path)
    )
    kept = {
        test: KEPT / f"{hashlib.sha256(f'{tree} {files} {_digest([ROOT / test])}'.encode()).hexdigest()}.json"
        for test in tests
    }
    running = {workshop.watch(test, files): test for test in tests if not kept[test].exists()}
    for number, done in enumerate(as_completed(running), 1):
        seen = {test: asdict(one) for test, one in done.result().items()}
        kept[running[done]].write_text(json.dumps(seen), encoding="utf-8")
        _progress(f"{number} of {len(running)} files of tests watched")
    found: dict[str, Seen] = {}
    for test in tests:
        for name, seen in json.loads(kept[test].read_text(encoding="utf-8")).items():
            found[name or f"{IMPORTING}{test}"] = Seen(**seen)
    return found


def tests_of(mutant: Mutant, seen: dict[str, Seen], seconds: float) -> dict[str, Seen]:
    """Return the tests to run, in their order: of the line, else of its statement, else, for what runs at import, of the file."""
    for lines in ({mutant.lines[0]}, {mutant.lines[1]}):
        found = {test: one for test, one in seen.items() if lines & set(one.lines.get(mutant.file, ()))}
        if found:
            break
    if found and not any("::" in test for test in found):
        found = {test: one for test, one in seen.items() if one.lines.get(mutant.file)}
    return _in_order({test: one for test, one in found.items() if "::" in test}, seconds)


def _in_order(found: dict[str, Seen], seconds: float) -> dict[str, Seen]:
    quick_first = sorted(found, key=lambda test: (found[test].cpu, test))
    turns: dict[str, int] = defaultdict(int)
    turn = {}
    for test in quick_first:
        name = test.partition("[")[0]
        turn[test] = turns[name]
        turns[name] += 1
    picked: dict[str, Seen] = {}
    total = 0.0
    for test in sorted(quick_first, key=lambda test: turn[test]):
        if picked and total + found[test].cpu > seconds:
            continue
        picked[test] = found[test]
        total += found[test].cpu
    return picked


def tried(
    workshop: Workshop, sample: Sequence[Mutant], seen: dict[str, Seen], seconds: float, ends: float
) -> Iterator[Tried]:
    """Yield what came of each mutant, until the time is over."""
    sources = {file: (ROOT / file).read_bytes() for file in {mutant.file for mutant in sample}}
    waiting = iter(sample)
    running: set[Future[Tried]] = set()
    lived = done = 0
    while True:
        while len(running) < 2 * (os.cpu_count() or 1) and time.monotonic() < ends:
            mutant = next(waiting, None)
            if mutant is None:
                break
            tests = tests_of(mutant, seen, seconds)
            running.add(workshop.attempt(mutant, mutant.applied(sources[mutant.file]), tests))
        if not running:
            return
        one = next(as_completed(running))
        running.remove(one)
        result = one.result()
        if result.trial.outcome == "lived":
            lived += 1
            print(f"lives: {row(result)}", file=sys.stderr)
        done += 1
        _progress(f"{done} of {len(sample)} mutants tried, {lived} lived")
        yield result


def row(one: Tried) -> str:
    """Return a mutant as people read it."""
    return f"{one.mutant.file}:{one.mutant.line}  {one.mutant.change}  ({one.trial.tests} tests ran)"


def show(results: Sequence[Tried], known: int) -> None:
    """Print a table of what lived."""
    lived = [one for one in results if one.trial.outcome == "lived"]
    for one in sorted(lived, key=lambda one: (one.mutant.file, one.mutant.start)):
        print(row(one))
    share = f", {len(lived) / len(results):.1%}" if results else ""
    print(
        f"{len(results)} mutants tried, {len(lived)} lived{share}; {known} known to change nothing were left out"
    )


def show_json(results: Sequence[Tried], known: int) -> None:
    """Print one line of JSON."""
    rows = [
        {
            "file": one.mutant.file,
            "line": one.mutant.line,
            "code": one.mutant.code,
            "change": one.mutant.change,
            "outcome": one.trial.outcome,
            "test": one.trial.test,
            "tests": one.trial.tests,
        }
        for one in results
    ]
    print(json.dumps({"known": known, "mutants": rows}, ensure_ascii=False))


def _counts(path: Path) -> bool:
    is_test = path.name.startswith("test_") and path.suffix == ".py"
    return (
        path.is_file()
        and not is_test
        and path != LISTED
        and "__pycache__" not in path.parts
        and "node_modules" not in path.parts
    )


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        digest.update(f"{path} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _git(*arguments: str) -> str:
    answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    if answer.returncode:
        raise SystemExit(f"scripts/mutants: no such room, file or ref: {answer.stderr.strip()}")
    return answer.stdout


def _progress(text: str) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{text:<70}", end=end, file=sys.stderr, flush=True)


def main() -> int:
    """Try mutants and print what lived."""
    parser = argparse.ArgumentParser(prog="scripts/mutants")
    parser.add_argument("what", nargs="*", default=["HEAD~1"])
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--tests", nargs="+", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copies are deleted
    ends = time.monotonic() + 60 * options.minutes * len(options.what)
    found = chosen(options.what)
    if not found:
        raise SystemExit("scripts/mutants: there is nothing to change in that")
    known = listed()
    sample = [mutant for mutant in found if mutant.key not in known]
    left_out = len(found) - len(sample)
    random.Random(options.seed).shuffle(sample)  # noqa: S311  # a sample that can be drawn again
    sample = sample[: options.most]
    files = sorted({mutant.file for mutant in found})
    preload()
    with copies(options.jobs) as trees:
        workshop = Workshop(trees)
        try:
            seen = lines_run(workshop, test_files(files, options.tests), files)
            results = list(tried(workshop, sample, seen, options.seconds, ends))
        finally:
            workshop.close()
    (show_json if options.json else show)(results, left_out)
    return any(one.trial.outcome == "lived" for one in results)


if __name__ == "__main__":
    sys.exit(main())
