"""The house: every folder of the source is a room that its first sentence explains, and none is a long shelf."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
MOST = 20  # modules
SHELVES = {"rules/methods": "a method is one file, and there are as many"}
ROOMS = sorted({file.parent for file in SRC.rglob("*.py")})


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(SRC)))
def test_house_1_a_room_says_what_may_live_there_and_is_no_long_shelf(room: Path) -> None:
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    modules = [file.name for file in room.glob("*.py") if file.name != "__init__.py"]

    assert said
    assert len(modules) <= MOST or str(room.relative_to(SRC)) in SHELVES
