"""Topics that are not native: whose they are, what reads them, and what a configuration may not say of them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.formats.decoder import formats
from ingest.subscriptions import Subscriptions
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from rules.catalogue import load_catalogue
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, NOON, World, reading

PLANTS = """\
subscriptions:
  - {topic: "plants/{gateway}/{line}/data", format: native, park: park-a, facility: works, channel: "{line}"}
  - {topic: "plants/{gateway}/LWT", status: {Online: true, Offline: false}, park: park-a, facility: works}
"""


def configuration(folder: Path, text: str) -> Path:
    shutil.copytree(CONFIGURATION, folder / "config")
    (folder / "config" / "subscriptions.yaml").write_text(text)
    return folder / "config"


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = World(Path(folder), configuration(Path(folder), PLANTS))
        yield made
        made.close()


def problems(folder: Path, text: str) -> list[str]:
    path = configuration(folder, f"subscriptions:\n  - {{{text}}}\n")
    with pytest.raises(ConfigurationError) as error:
        Subscriptions(load(path, load_catalogue(path), {"SEMANTICS_SECRET": "whsec_" + "A" * 40}))
    return [str(problem).removeprefix(f"{path}/subscriptions.yaml:") for problem in error.value.problems]


def test_a_topic_of_another_shape_is_taken_as_what_the_subscription_says(world):
    world.publish({"readings": [reading("energy", NOON, 1.0)]}, topic="plants/gw/reg/data")
    assert world.rows("SELECT name, value FROM reading JOIN channel c ON c.id = channel") == [("reg", 1.0)]


def test_a_last_will_of_another_shape_is_a_status(world):
    world.publish(b"Online", topic="plants/gw/LWT")
    world.publish(b"Offline", topic="plants/gw/LWT")
    world.publish(b"Restarting", topic="plants/gw/LWT")
    assert world.rows("SELECT gateway, online, count FROM gateway_status") == [("park-a/works/gw", None, 3)]


def test_a_topic_of_no_subscription_is_rejected(world):
    world.publish(b"{}", topic="plants/gw/a/b/data")
    assert world.rows("SELECT outcome, code FROM quarantine") == [("rejected", "topic")]


def test_what_the_broker_is_asked_for(world):
    assert Subscriptions(world.plant).filters == ["sm/v1/#", "plants/+/+/data", "plants/+/LWT"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('topic: "a/{gateway}", format: nativ, park: park-a, facility: works', "there is no format nativ; there are"),
        ('topic: "a/{gateway}", format: native, park: park-a, facility: works, options: {x: 1}', "options.x: this format has no options"),
        ('topic: "a/{g}", format: native, park: park-a, facility: works', "{gateway} is no level of the topic"),
        ('topic: "a/{gateway}", format: native, park: park-a, facility: wroks', "did you mean works?"),
        ('topic: "a/b+/c", format: native, park: park-a, facility: works, gateway: gw', "b+ is no level"),
        ('topic: "sm/v1/{gateway}", format: native, park: park-a, facility: works', "which is native"),
        ('topic: "+/{gateway}", format: native, park: park-a, facility: works', "which is native"),
        ('topic: "a/#/b", format: native, park: park-a, facility: works, gateway: gw', "# stands only at the end"),
        ('topic: "a/{gateway}", park: park-a, facility: works', "exactly one of format, profile, status"),
    ],
)  # fmt: skip
def test_what_a_subscription_may_not_say(tmp_path, text, said):
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    assert said in found[0]
    assert found[0].startswith("2: subscriptions[0]")


def test_every_format_is_listed():
    assert "native" in formats()
