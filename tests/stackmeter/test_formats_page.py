"""docs/formats.md: what it tells a reader to write and to run gives what it says."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.formats.decoder import formats
from plant.profiles import (
    BytePart,
    BytesPart,
    MappingPart,
    ProfilePart,
    ReadingPart,
    SectionPart,
    profiles,
)
from plant.topics import SPARKPLUG
from stackmeter.cli import app
from tests.frame.repository import text

PAGE = text("docs/formats.md")
WALK = PAGE[: PAGE.index("## Subscriptions")]
BLOCKS = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", WALK, re.MULTILINE | re.DOTALL)


def lines(output: str) -> list[str]:
    return [line.rstrip() for line in output.splitlines() if line.strip()]


def test_the_walk_through_gives_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written, and commands run, in the order of the page."""
    monkeypatch.chdir(tmp_path)
    commands = 0
    for kind, name, content in BLOCKS:
        if kind != "console":
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
            continue
        command, _, shown = content.partition("\n")
        result = CliRunner().invoke(
            app, command.removeprefix("$ stackmeter ").split(), env={"COLUMNS": "120"}
        )
        assert lines(result.output) == lines(shown), f"{command}\n{result.output}"
        commands += 1
    assert commands == 4


def test_every_key_of_a_profile_stands_on_the_page() -> None:
    for part in (ProfilePart, MappingPart, SectionPart, ReadingPart):
        assert [name for name in part.model_fields if f"`{name}`" not in PAGE] == []
    for part in (BytesPart, BytePart):
        assert [name for name in part.model_fields if name not in PAGE] == []


def test_formats_and_profiles_that_stand_on_the_page_exist() -> None:
    """Not the other way round: `stackmeter formats` and `profile list` have them all, and a new one needs no line here."""
    table = PAGE[PAGE.index("## Formats and their options") : PAGE.index("| option | says |")]
    named = re.findall(r"`([a-z-]+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert len(named) > 1
    assert set(named) <= {*formats(), SPARKPLUG}
    named = re.findall(r"`([a-z0-9-]+)`", PAGE[PAGE.index("## Shipped profiles") : PAGE.index("## One more")])
    assert len(named) > 1
    assert set(named) <= set(profiles(None))
