"""Several shards checked before they run: what two of them would both get is refused, in a sentence that names both."""

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from ingest.subscriptions import Subscriptions
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.shards.shards_file import Shard, load_shards
from plant.topics import overlap
from rules.catalogue import load_catalogue
from stackmeter.cli import app

PLANT = """\
parks:
  - name: {park}
    title: Park
    zone: UTC
    facilities:
      - name: mill
        title: Mill
        gateways: [{{name: gw}}]
        channels: [{{name: meter, gateway: gw, kind: interval, unit: kWh, quantity: electricity, period: 1min}}]
        sources: [{{name: grid, method: electricity-location, inputs: {{energy: meter}}, factor: vn-grid}}]
"""
OWN = {"park_topics": "own"}


class Folders:
    """Writes shards as people do: a folder, a settings file, and a file that names all."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.file = root / "shards.yaml"
        self._shards: list[dict[str, object]] = []

    def add(self, name: str, park: str, topic: str = "", **settings: object) -> Path:
        """Write a shard, and what the file of shards says of it; return its folder."""
        folder = self._root / name
        folder.mkdir()
        parts = PLANT.format(park=park)
        if topic:
            kind = "sparkplug" if topic.startswith("spBv1.0") else "senml-json"
            parts += f'subscriptions: [{{topic: "{topic}", format: {kind}, park: {park}, facility: mill, gateway: gw}}]\n'
        (folder / "plant.yaml").write_text(parts)
        lines = [
            f"{key} = {json.dumps(value)}"
            for key, value in {"client_id": f"stackmeter-{name}", **OWN, **settings}.items()
        ]
        (self._root / f"{name}.toml").write_text("\n".join(lines))
        self._shards.append(
            {
                "name": name,
                "url": f"https://{name}.example",
                "parks": [park],
                "folder": name,
                "settings": f"{name}.toml",
            }
        )
        self.file.write_text(json.dumps({"shards": self._shards}))
        return folder

    def checked(self) -> Result:
        """Return what `stackmeter check` says of them."""
        return check("--shards", str(self.file))


def check(*arguments: str, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, ["check", *arguments], env=env)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_shards_that_share_nothing_are_good(folders: Folders) -> None:
    folders.add("north", "a", "spBv1.0/north/#", sparkplug_host="north")
    folders.add("south", "b", "spBv1.0/south/#", sparkplug_host="south")
    result = folders.checked()

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        "2 shards: no two of them would get the same",
    )


REFUSED = {
    "a park": (("north", "a", "", {}), ("south", "a", "", {}), "park a stands twice"),
    "a topic": (("north", "a", "site/+/data", {}), ("south", "b", "site/{gw}/#", {}), "so that each topic is of one shard"),
    "a Sparkplug group": (("north", "a", "spBv1.0/{group}/#", {}), ("south", "b", "spBv1.0/g/#", {}), "so that each topic is of one shard"),
    "a client id": (("north", "a", "", {"client_id": "x"}), ("south", "b", "", {"client_id": "x"}), "client id x is that of"),
    "the id of a connection": (
        ("north", "a", "", {"client_id": "x"}), ("south", "b", "", {"client_id": "x-sparkplug"}), "client id x-sparkplug is that of"
    ),
    "all topics": (("north", "a", "", {}), ("south", "b", "", {"park_topics": "all"}), "set park_topics to own in both"),
    "the default client id": (("north", "a", "", {"client_id": "stackmeter"}), ("south", "b", "", {}), "needs a client_id of its own"),
    "a Sparkplug host": (("north", "a", "spBv1.0/a/#", {}), ("south", "b", "spBv1.0/b/#", {}), "sparkplug_host stackmeter is that of"),
}  # fmt: skip


@pytest.mark.parametrize("named", REFUSED)
def test_what_two_shards_would_both_get_is_refused(folders: Folders, named: str) -> None:
    one, other, said = REFUSED[named]
    for name, park, topic, settings in (one, other):
        folders.add(name, park, topic, **settings)
    result = folders.checked()

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_refusal_names_both_folders(folders: Folders) -> None:
    north, south = folders.add("north", "a", "site/+/data"), folders.add("south", "a", "site/b/#")
    result = check(str(north), str(south))

    assert result.exit_code == 2
    taken, too = f"site/b/# takes topics that site/+/data of {north} takes", f"too ({north}/plant.yaml:11)"
    assert result.stderr.splitlines() == [
        f"{south}: park a is in {north}, too: a park is of one shard, so take it out of one",
        f"{south}/plant.yaml:11: subscriptions[0].topic: {taken}, {too}: narrow one of them, so that each topic is of one shard",
    ]


def test_of_folders_alone_it_is_said_what_was_not_checked(folders: Folders) -> None:
    both = [str(folders.add(name, name)) for name in ("north", "south")]
    result = check(*both, "--json")
    told = json.loads(result.stdout)

    assert result.exit_code == 0
    assert [one["folder"] for one in told["shards"]] == both
    assert told["unchecked"][0].startswith(
        f"client ids, brokers and park_topics are not known of {', '.join(both)}"
    )


def test_shards_at_brokers_of_their_own_may_share_topics(folders: Folders) -> None:
    folders.add("north", "a", "site/#", broker="mqtt://one:1883,mqtt://two:1883")
    folders.add("south", "b", "site/#", broker="mqtt://three:1883")

    assert folders.checked().exit_code == 0
    folders.add("west", "c", "site/#", broker="mqtt://four:1883,mqtt://two:1883")
    assert "site/# of north" in folders.checked().stderr


def test_the_settings_of_others_are_not_those_of_this_environment(folders: Folders) -> None:
    folders.add("north", "a")
    folders.add("south", "b")

    assert check("--shards", str(folders.file), env={"STACKMETER_CLIENT_ID": "here"}).exit_code == 0


def test_a_shard_has_the_parks_that_the_file_says(folders: Folders) -> None:
    folder = folders.add("north", "a")
    (folder / "plant.yaml").write_text(PLANT.format(park="b"))
    result = folders.checked()

    assert result.stderr.splitlines() == [
        f"{folder}: has no park a, which the file of shards says it has: correct one of them",
        f"{folder}: has the park b, which the file of shards does not name: add it there",
    ]


def test_a_file_of_shards_says_who_has_what(tmp_path: Path) -> None:
    file = tmp_path / "shards.yaml"
    file.write_text(
        "shards:\n"
        "  - {name: south, url: 'https://south.example/', parks: [d, c], key_env: SOUTH}\n"
        "  - {name: north, url: 'https://north.example', parks: [a], folder: north}\n"
    )

    assert load_shards(file) == (
        Shard("north", "https://north.example", ("a",), folder=tmp_path / "north"),
        Shard("south", "https://south.example", ("c", "d"), "SOUTH"),
    )


def test_what_a_file_of_shards_has_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "shards.yaml"
    file.write_text(
        "shards:\n"
        "  - {name: south, url: 'https://south.example', parks: [a]}\n"
        "  - {name: south, url: 'https://south.example/', parks: [a]}\n"
    )
    with pytest.raises(ConfigurationError) as refused:
        load_shards(file)

    assert [(one.line, one.path) for one in refused.value.problems] == [
        (3, "shards[1].name"), (3, "shards[1].parks"), (3, "shards[1].url"),
    ]  # fmt: skip


def test_a_shard_without_a_folder_is_said_not_to_be_checked(folders: Folders) -> None:
    folders.add("north", "a")
    shards = json.loads(folders.file.read_text())["shards"]
    away = {"name": "south", "url": "https://south.example", "parks": ["b"]}
    folders.file.write_text(json.dumps({"shards": [*shards, away]}))
    told = folders.checked()
    folders.file.write_text(json.dumps({"shards": [away]}))

    assert (
        told.stdout.splitlines()[-1]
        == "warning: the file of shards names no folder of south, so nothing is known of them"
    )
    assert folders.checked().exit_code == 2


def test_a_shard_subscribes_to_its_own_parks_alone(folders: Folders) -> None:
    plant = load(folders.add("north", "a", "site/#"), load_catalogue(None))
    own, all_of_them = Subscriptions(plant, own=True), Subscriptions(plant)
    topics = [
        b"sm/v1/a/mill/gw/readings",
        b"site/x",
        b"sm/v1/b/mill/gw/readings",
        b"sm/v1/ab",
        b"sm/v1/\xff/x",
    ]

    assert (own.filters, all_of_them.filters) == (["sm/v1/a/#", "site/#"], ["sm/v1/#", "site/#"])
    assert [own.is_foreign(topic) for topic in topics] == [False, False, True, True, True]
    assert not any(all_of_them.is_foreign(topic) for topic in topics)


FILTERS = st.builds(
    lambda levels, end: [*levels, *end],
    st.lists(st.sampled_from("ab+"), min_size=1, max_size=3),
    st.sampled_from([[], ["#"]]),
)
EVERY = [[*levels] for size in range(1, 5) for levels in product("ab", repeat=size)]


def takes(wanted: list[str], levels: list[str]) -> bool:
    """Whether a filter takes a topic, as MQTT 5 says it in section 4.7."""
    if wanted == ["#"]:
        return True
    if not wanted or not levels:
        return wanted == levels
    return wanted[0] in ("+", levels[0]) and takes(wanted[1:], levels[1:])


@given(one=FILTERS, other=FILTERS)
def test_filters_overlap_where_a_topic_fits_both(one: list[str], other: list[str]) -> None:
    shared = any(takes(one, levels) and takes(other, levels) for levels in EVERY)

    assert overlap("/".join(one), "/".join(other)) == shared
