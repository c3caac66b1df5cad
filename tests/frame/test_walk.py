"""scripts/walk: what it counts, and that it counts the same each time."""

import importlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import walk as made
from tests.frame.repository import ROOT

SRC = ROOT / "src"


def run(*arguments: str, hash_seed: str = "0") -> str:
    """Return what the script prints to programs and people; what setup says is not among it."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    command = [ROOT / "scripts" / "walk", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def line() -> str:
    return run("--json")


@pytest.fixture(scope="module")
def listed() -> list[list[str]]:
    """The walk of a reading: place and function of each line."""
    return [one.split() for one in run("--list", "reading").splitlines()]


def test_house_walk_programs_get_one_line(line: str) -> None:
    counted = json.loads(line)

    assert line.count("\n") == 1
    assert list(counted) == ["reading", "alert", "totals"]
    for walk in counted.values():
        assert list(walk) == ["functions", "files", "crossings"]
        assert 0 < walk["files"] < walk["functions"]
        assert walk["crossings"] > 0


def test_house_walk_counts_the_same_again_whatever_the_order_of_sets_is(line: str) -> None:
    assert run("--json", hash_seed="13") == line


def test_house_walk_the_list_has_what_was_counted(line: str, listed: list[list[str]]) -> None:
    reading = json.loads(line)["reading"]

    assert len(listed) == reading["functions"]
    assert len({place.partition(":")[0] for place, _ in listed}) == reading["files"]


def test_house_walk_the_list_begins_at_the_line_and_says_where_each_function_stands(
    listed: list[list[str]],
) -> None:
    assert listed[0][1] == "Line.step"
    for place, name in listed:
        path, _, number = place.partition(":")
        first = (ROOT / path).read_text(encoding="utf-8").splitlines()[int(number) - 1]
        assert "lambda" in first or first.lstrip().startswith(("def ", "async def ", "@")), (place, name)


LOWER = """
def numbers(count):
    for number in range(count):
        yield number

def plain():
    class Within:
        pass
    return sum(number for number in [one for one in (1, 2)])

same = lambda value: value
"""
UPPER = """
import functools
from lower_room.lower import numbers, plain, same

def begin():
    list(numbers(5))
    plain()
    plain()
    functools.reduce(lambda a, b: a + b, [1, 2])
    list(map(same, [1, 2]))
"""


@pytest.fixture
def upper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function in a room of its own, which calls what stands in another."""
    for room, body in (("lower_room/lower", LOWER), ("upper_room/upper", UPPER)):
        file = tmp_path / f"{room}.py"
        file.parent.mkdir()
        file.write_text(body)
    monkeypatch.setattr(made, "SRC", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    begin: Callable[[], None] = importlib.import_module("upper_room.upper").begin
    return begin


def test_house_walk_a_crossing_is_a_call_that_enters_another_room(upper: Callable[[], None]) -> None:
    """A generator once, a function each time, the library between and the way back never."""
    walk = made.Walk()
    with walk:
        upper()

    assert [function.name for function in walk.depths] == [
        "begin",
        "numbers",
        "plain",
        "begin.<locals>.<lambda>",
        "<lambda>",
    ]
    assert walk.counted() == {"functions": 5, "files": 2, "crossings": 1 + 2 + 2}


def test_house_walk_two_functions_that_do_the_same_are_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python takes their code for equal, whatever file it stands in."""
    scopes: list[dict[str, Any]] = []
    monkeypatch.setattr(made, "SRC", tmp_path)
    walk = made.Walk()
    for room in ("one", "other"):
        scopes.append({})
        exec(compile("def do(): pass", str(tmp_path / room / "file.py"), "exec"), scopes[-1])
    with walk:
        for scope in scopes:
            scope["do"]()

    assert walk.counted() == {"functions": 2, "files": 2, "crossings": 0}
