"""The door for those who carry on: CONTRIBUTING.md tells of the code that there is, and what stands beside it works."""

import re
import sys
import threading
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from plant.vocabulary import NS_PER_MIN
from scripts.third_party import notices
from tests.frame.repository import ROOT, text, yaml
from tests.semantics.world import NOON, World, reading

SRC = ROOT / "src"
CONTRIBUTING = text("CONTRIBUTING.md")
WORKFLOW = yaml(".github/workflows/ci.yml")
[STAGES] = re.findall(r"self\.stages: .*? = \((.*?)\n        \)", text("src/ingest/line/line.py"), re.DOTALL)
IN_ORDER = re.findall(r"self\.([\w.]+),", STAGES)
ROWS = re.findall(r"^\| `([\w.]+)` \| (.*) \| (.*) \|$", CONTRIBUTING, re.MULTILINE)


def words(picture: str) -> list[str]:
    """Return what stands in a picture, each text as it is read."""
    tree = ET.fromstring(text(f"docs/images/{picture}.svg"))
    return ["".join(one.itertext()) for one in tree.iter("{http://www.w3.org/2000/svg}text")]


# --- README


def test_house_9_the_readme_is_short_and_says_what_to_type() -> None:
    assert len(text("README.md").splitlines()) <= 120
    assert re.findall(r"^## (.*)", text("README.md"), re.MULTILINE) == [
        "See it",
        "Run it",
        "Prove it",
        "Where to go",
    ]


def test_house_9_ci_runs_the_readmes_own_test_command() -> None:
    assert re.search(r"^scripts/test  ", text("README.md"), re.MULTILINE)
    assert "\nscripts/test\n" in text(".ci/run")


# --- the house and the line


def test_house_9_the_walk_has_the_stages_of_the_line_in_their_order() -> None:
    assert [stage for stage, _, _ in ROWS] == IN_ORDER


def test_house_9_the_picture_of_the_line_has_its_stages_in_their_order() -> None:
    named = [stage.rpartition(".")[2].lstrip("_").partition("_")[0] for stage in IN_ORDER]

    assert [word for word in words("line") if word in named] == named


def test_house_9_the_picture_of_the_house_has_every_room() -> None:
    rooms = {file.parent.relative_to(SRC) for file in SRC.glob("*/__init__.py")}
    rooms |= {file.parent.relative_to(SRC) for file in SRC.glob("*/*/__init__.py")}
    drawn = re.findall(r"\w+", " ".join(words("house")))

    assert {str(room) for room in rooms if room.name not in drawn} == set()


def test_house_9_the_picture_of_the_house_is_that_of_the_arrows() -> None:
    """Rooms stand the lower, the more rooms are built on them."""
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    floors = [re.findall(r"\w+", layer) for layer in contracts[0]["layers"]]
    tree = ET.fromstring(text("docs/images/house.svg"))
    drawn: dict[str, list[str]] = {}
    for one in tree.iter("{http://www.w3.org/2000/svg}text"):
        for name in one.iter("{http://www.w3.org/2000/svg}tspan"):
            if name.get("class") == "name":
                drawn.setdefault(str(one.get("y")), []).append(str(name.text))
        if one.get("class") == "name":
            drawn.setdefault(str(one.get("y")), []).append(str(one.text))

    found = [[name for name in drawn[y] if name != "simulators"] for y in sorted(drawn, key=int)]
    assert [sorted(floor) for floor in found] == [sorted(floor) for floor in floors]


def test_house_9_what_the_walk_names_is_in_the_file_that_it_names() -> None:
    named = re.findall(r"`(src/[\w/]+\.py)`,? \(?`([\w.]+)`", CONTRIBUTING)
    absent = [
        (file, name)
        for file, name in named
        for part in name.split(".")
        if not re.search(rf"^ *(?:def|class) {part}\b", text(file), re.MULTILINE)
    ]

    assert len(named) > 20
    assert absent == []


@pytest.fixture
def walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the files that two readings of a meter, and the question for the totals, really pass."""
    monkeypatch.setenv("SEMANTICS_SECRET", "whsec_" + "A" * 40)
    passed: set[str] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            passed.add(frame.f_code.co_filename)

    world = World(tmp_path)
    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        for minute, value in ((0, 100.0), (5, 160.0)):
            world.send(reading("reg", NOON + minute * NS_PER_MIN, value), boot="b", seq=minute + 1)
        world.get("/v1/totals")
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
        world.close()
    return {str(Path(one).relative_to(SRC.parent)) for one in passed if Path(one).is_relative_to(SRC)}


def test_house_9_a_reading_passes_the_files_that_the_walk_names(walked: set[str]) -> None:
    told = {file for *_, cell in ROWS for file in re.findall(r"`(src/[\w/]+\.py)`", cell)}

    assert len(told) > 15
    assert told - walked == set()


def test_house_9_a_question_for_the_totals_passes_the_files_that_the_walk_names(walked: set[str]) -> None:
    [told] = re.findall(r"^\*\*And to an answer\.\*\*(.*?)^##", CONTRIBUTING, re.MULTILINE | re.DOTALL)
    files = set(re.findall(r"`(src/[\w/]+\.py)`", told))

    assert len(files) > 5
    assert files - walked - {"src/api/models.py"} == set()  # it has shapes, and no function


# --- recipes, templates, workflow


def test_house_9_every_recipe_names_a_test() -> None:
    _, _, recipes = CONTRIBUTING.partition("## How to add")
    parts = re.findall(r"^### (.*?)\n(.*?)(?=^##)", recipes, re.MULTILINE | re.DOTALL)
    lacking = [title for title, body in parts if not re.search(r"`tests/[\w/]+\.py`", body)]

    assert {title.rpartition(" ")[2] for title, _ in parts} >= {
        "method",
        "format",
        "profile",
        "library",
        "route",
        "configuration",
    }
    assert lacking == []


def test_house_9_the_workflow_runs_what_everybody_runs_and_pins_what_it_uses() -> None:
    steps = WORKFLOW["jobs"]["run"]["steps"]

    assert steps[-1] == {"run": ".ci/run"}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one["uses"]) for one in steps if "uses" in one)


def test_house_9_before_a_commit_the_same_is_checked_as_in_ci() -> None:
    [repository] = yaml(".pre-commit-config.yaml")["repos"]
    [hook] = repository["hooks"]

    assert repository["repo"] == "local"
    assert hook["entry"].split() == ["env", "UV_OFFLINE=1", "scripts/check"]


@pytest.mark.parametrize("file", sorted((ROOT / ".github").rglob("*.md")), ids=lambda file: file.stem)
def test_house_9_a_template_names_files_that_exist(file: Path) -> None:
    named = re.findall(r"\b(?:docs/)?[\w-]+\.md\b|\bscripts/\w+", file.read_text(encoding="utf-8"))

    assert [one for one in named if not (ROOT / one).exists()] == []


# --- releasing


def test_house_9_the_changelog_begins_with_the_version_of_the_project() -> None:
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]

    assert re.findall(r"^## \[(.*?)\]", text("CHANGELOG.md"), re.MULTILINE)[:1] == [version]


def test_house_9_third_party_notices_have_version_licence_and_text_of_each_package_once() -> None:
    told = list(
        notices(
            '{"components": [{"name": "httpx"}, {"name": "no-such-package"}, {"name": "stackmeter"}, {"name": "httpx"}]}'
        )
    )

    assert len(told) == 2
    assert re.search(r"^httpx [\d.]+: BSD-3-Clause$", told[0], re.MULTILINE)
    assert "Redistribution and use in source and binary forms" in told[0]
    assert "no-such-package: not part of an installation on this system" in told[1]
