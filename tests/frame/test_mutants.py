"""scripts/mutants: what it changes, what it chooses, and that it tells a mutant that lives from one that is killed."""

import ast
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scripts import mutants as made
from scripts.mutation.changes import Mutant, mutants
from tests.frame.repository import ROOT, text

LISTED = tomllib.loads(text("tests/mutants.toml")).get("mutant", [])


def changes(source: str) -> list[str]:
    return [mutant.change for mutant in mutants("src/a.py", source.encode())]


# --- what is changed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = b < c", ["b < c → (b <= c)"]),
        ("a = b <= c < d", ["b <= c < d → (b < c < d)", "b <= c < d → (b <= c <= d)"]),
        ("a = b is None", ["b is None → (b is not None)"]),
        ("a = b in c", ["b in c → (b not in c)"]),
        ("a = b + c * d", ["b + c * d → (b - c * d)", "c * d → (c / d)"]),
        ("a = b and not c", ["b and not c → (b or not c)", "not c → (c)"]),
        ("a = -b", ["-b → (b)"]),
        ("a = 7", ["7 → 8"]),
        ("a = True", ["True → False"]),
        ("a += b", ["a += b → a -= b", "a += b → pass"]),
        ("a = f(b, c, d)", ["f(b, c, d) → f(c, b, d)"]),
        ("a = max(b, c)", ["max(b, c) → min(b, c)"]),
        ("a = b if c else d", ["b if c else d → (b)", "b if c else d → (d)"]),
        ("f(b)", ["f(b) → pass"]),
        ("a.b = c", ["a.b = c → pass"]),
        ("raise b", ["raise b → pass"]),
        ("if a:\n    b = c", ["a → False", "a → True"]),
        ("def f():\n    return b", ["b → None"]),
        ("def f():\n    return None", []),
    ],
)
def test_a_mutant_is_one_small_change(source: str, expected: list[str]) -> None:
    assert changes(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Text 1 < 2."""',
        "a = b",
        "a: Literal[1] = b",
        "@dataclass(frozen=True)\nclass A:\n    b: int = field(init=False)",
        'log.info("%d", 3)',
        'a = f"{b + 1}"',
    ],
)
def test_texts_annotations_decorators_and_the_log_are_left_alone(source: str) -> None:
    assert changes(source) == []


def test_every_mutant_of_our_own_code_is_python_of_as_many_statements() -> None:
    path = ROOT / "src" / "rules" / "pieces.py"
    source = path.read_bytes()
    statements = sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(source)))
    for mutant in mutants("src/rules/pieces.py", source):
        changed = mutant.applied(source)
        assert changed != source
        assert sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(changed))) == statements
        assert mutant.code == path.read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()


# --- what is chosen -----------------------------------------------------------------------------------------------------


THING = """\
def larger(a, b):
    if a > b:
        return a
    return b


def spare(a):
    return a + 1
"""
TESTS = """\
from room.thing import larger


def test_the_larger_one_is_returned():
    assert larger(1, 2) == 2
    assert larger(2, 1) == 2
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository of one room with one file, one file of tests, and this script."""
    for name, body in (
        ("src/room/__init__.py", ""),
        ("src/room/thing.py", THING),
        ("tests/room/test_thing.py", TESTS),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    shutil.copytree(
        ROOT / "scripts" / "mutation",
        tmp_path / "scripts" / "mutation",
        ignore=shutil.ignore_patterns("*.pyc"),
    )
    shutil.copy(ROOT / "scripts" / "mutants.py", tmp_path / "scripts")
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    return tmp_path


def git(tree: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    subprocess.run(["git", *identity, *arguments], cwd=tree, check=True, capture_output=True)


def commit(tree: Path) -> None:
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "one")


def lines(found: list[Mutant]) -> set[int]:
    return {mutant.line for mutant in found}


def test_a_room_a_file_some_lines_or_what_was_written_since_a_commit(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "ROOT", tree)
    file = tree / "src" / "room" / "thing.py"
    file.write_text(THING.replace("a + 1", "a + 2"))
    commit(tree)
    file.write_text(file.read_text() + "\n\nSPARE = 5\n")

    assert lines(made.chosen(["src/room"])) == lines(made.chosen(["src/room/thing.py"])) == {2, 3, 4, 8, 11}
    assert lines(made.chosen(["src/room/thing.py:2-3"])) == {2, 3}
    assert lines(made.chosen(["src/room/thing.py:8"])) == {8}
    assert lines(made.chosen(["HEAD"])) == {11}
    assert lines(made.chosen(["HEAD~1"])) == {8, 11}
    with pytest.raises(SystemExit, match=r"no such room, file or ref: .*nowhere"):
        made.chosen(["nowhere"])


def test_tests_are_those_that_import_a_module_or_have_its_name_and_those_of_the_whole_line() -> None:
    found = made.test_files(["src/ingest/known/sequences.py", "src/ingest/line/replay.py"], [])

    assert {"tests/ingest/test_sequences.py", "tests/ingest/test_replay.py"} < set(found)
    assert "tests/semantics/test_1_registers.py" in found
    assert "tests/ingest/test_intake.py" not in found
    assert made.test_files(["src/rules/pieces.py"], ["tests/frame/test_mutants.py"]) == [
        "tests/frame/test_mutants.py"
    ]


# --- what comes of it ---------------------------------------------------------------------------------------------------


def test_what_no_test_notices_lives_and_the_working_files_stay_as_they_are(tree: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "scripts.mutants",
        "src/room",
        "--tests",
        "tests/room",
        "--json",
        "--jobs",
        "1",
    ]
    (tree / "tests" / "mutants.toml").write_text(
        '[[mutant]]\nfile = "src/room/thing.py"\ncode = "if a > b:"\nchange = "a > b → (a >= b)"\nreason = "Equal is equal."\n'
    )
    answer = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)

    assert answer.returncode == 1, answer.stderr
    said = json.loads(answer.stdout)
    assert said["known"] == 1
    outcomes = {(one["line"], one["change"]): (one["outcome"], one["tests"]) for one in said["mutants"]}
    assert outcomes == {
        (2, "a > b → True"): ("killed", 1),
        (2, "a > b → False"): ("killed", 1),
        (3, "a → None"): ("killed", 1),
        (4, "b → None"): ("killed", 1),
        (8, "a + 1 → None"): ("lived", 0),
        (8, "a + 1 → (a - 1)"): ("lived", 0),
        (8, "1 → 2"): ("lived", 0),
    }
    killed = next(one for one in said["mutants"] if one["outcome"] == "killed")
    assert killed["test"] == "tests/room/test_thing.py::test_the_larger_one_is_returned"
    assert (tree / "src" / "room" / "thing.py").read_text() == THING


# --- what is known to change nothing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: f"{entry['file']} {entry['change']}")
def test_what_is_known_to_change_nothing_is_still_in_the_code_and_has_a_reason(entry: dict[str, str]) -> None:
    assert set(entry) == {"file", "code", "change", "reason"}
    keys = {mutant.key for mutant in mutants(entry["file"], (ROOT / entry["file"]).read_bytes())}

    assert (entry["file"], entry["code"], entry["change"]) in keys
    assert len(entry["reason"].split()) > 3
