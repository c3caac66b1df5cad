"""docs/formats.md: what it tells a reader to write and to run gives what it says."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from ingest.formats.decoder import formats
from plant.devices.profiles import (
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
from stackmeter.field.device_trials import row_of
from tests.frame.repository import text
from tests.ingest.formats.test_formats import decoded

PAGE = text("docs/formats.md")
WALK = PAGE[: PAGE.index("## Subscriptions")]
MAPPING = text("docs/mapping.md")
EXAMPLES = re.findall(r"```json\n(.*?)```\n\n```yaml\n(.*?)```\n\n```text\n(.*?)```", MAPPING, re.DOTALL)
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
        assert [name for name in part.model_fields if f"`{name}`" not in MAPPING] == []
    for part in (BytesPart, BytePart):
        assert [name for name in part.model_fields if name not in MAPPING] == []


@pytest.mark.parametrize(("payload", "keys", "expected"), EXAMPLES)
def test_field_c2_the_examples_of_mappings_give_what_the_page_shows(
    payload: str, keys: str, expected: str
) -> None:
    options = YAML(typ="safe", pure=True).load(keys)
    _, raw, refusals = decoded("mapping", payload.encode(), options)
    assert refusals == []
    rows = [row_of(raw, row) for row in range(len(raw))]
    assert [f"{one.channel} {one.value!r} {one.unit} at {one.time}" for one in rows] == expected.splitlines()


def test_field_c2_the_example_of_csv_is_read() -> None:
    text_, keys = re.findall(r"```text\n(Logger.*?)```\n\n```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
    options = YAML(typ="safe", pure=True).load(keys)["subscriptions"][0]["options"]
    _, raw, refusals = decoded("csv-lines", text_.encode(), options)
    assert refusals == []
    assert raw.channel == ["mdb1/energy", "mdb1/power", "mdb1/power"]


def test_formats_and_profiles_that_stand_on_the_page_exist() -> None:
    """Not the other way round: `stackmeter formats` and `profile list` have them all, and a new one needs no line here."""
    table = PAGE[PAGE.index("## Formats and their options") : PAGE.index("| option | says |")]
    named = re.findall(r"`([a-z-]+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert len(named) > 1
    assert set(named) <= {*formats(), SPARKPLUG}
    named = re.findall(r"`([a-z0-9-]+)`", PAGE[PAGE.index("## Shipped profiles") : PAGE.index("## One more")])
    assert len(named) > 1
    assert set(named) <= set(profiles(None))


def test_field_c3_what_telegraf_sends_by_the_page_is_read_by_its_subscription() -> None:
    section = PAGE[PAGE.index("## Telegraf") : PAGE.index("## Mappings")]
    [line] = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    [keys] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    [one] = YAML(typ="safe", pure=True).load(keys)["subscriptions"]
    _, raw, refusals = decoded(one["format"], line.encode(), one["options"])
    assert refusals == []
    assert list(zip(raw.channel, raw.value, strict=True)) == [("mdb1/energy", 123456.7), ("mdb1/power", 85.2)]
