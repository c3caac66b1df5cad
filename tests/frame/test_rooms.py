"""The house: every folder of the source is a room that its first sentence explains, and none is a long shelf; no file is long."""

import ast
import re
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
MOST = 20  # modules
LONGEST = 400  # lines
SHELVES = {"rules/methods": "a method is one file, and there are as many"}
ROOMS = sorted({file.parent for file in SRC.rglob("*.py")})


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(SRC)))
def test_house_1_a_room_says_what_may_live_there_and_is_no_long_shelf(room: Path) -> None:
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    modules = [file.name for file in room.glob("*.py") if file.name != "__init__.py"]

    assert said
    assert len(modules) <= MOST or str(room.relative_to(SRC)) in SHELVES


def test_house_5_no_file_is_longer_than_400_lines() -> None:
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in SRC.rglob("*.py")}

    assert {str(file.relative_to(SRC)) for file, lines in lengths.items() if lines > LONGEST} == set()


def test_only_the_room_of_readings_knows_where_they_lie() -> None:
    asks = re.compile(r"\b(FROM|JOIN|INTO|UPDATE) reading(_block)?\b")
    files = [file for file in SRC.rglob("*.py") if asks.search(file.read_text(encoding="utf-8"))]

    assert {str(file.parent.relative_to(SRC)) for file in files} == {"store/readings"}
