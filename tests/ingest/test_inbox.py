"""Topics that are only looked out for: kept for people to see, bounded, counted, and nobody's readings."""

import json
import tempfile
from pathlib import Path

import pytest

from ingest.subscriptions import Subscriptions
from store.messages import inbox
from tests.ingest.test_replay import configured, holding, replay, started
from tests.semantics.conftest import MEMORY
from tests.semantics.world import MINUTE, NOON, reading

DISCOVER = '  - {topic: "plants/#", discover: true}\n'


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def looking(folder: Path) -> Path:
    """Return a configuration that looks out for everything below plants/."""
    config = configured(folder, "subscriptions")
    with (config / "plant.yaml").open("a") as file:
        file.write("subscriptions:\n" + DISCOVER)
    return config


def message(number: int) -> bytes:
    return json.dumps({"readings": [reading("x", NOON + number * MINUTE, 7.0 * number)]}).encode()


def test_the_newest_of_each_topic_are_kept_and_all_are_counted(folder):
    world = started(folder, looking(folder))
    for number in range(50):
        world.publish(message(number), topic="plants/gw3/meter/data", at=NOON + number * MINUTE)
    world.publish(message(1), topic="plants/other", at=NOON)

    [device, other] = world.get("/v1/inbox")["devices"]

    assert (device["device"], device["gateway"], device["count"]) == ("plants/gw3/meter/data", "", 50)
    assert (device["first_at"], device["last_at"]) == ("2026-03-10T05:00:00Z", "2026-03-10T05:49:00Z")
    assert (other["device"], other["count"]) == ("plants/other", 1)
    assert world.rows(
        "SELECT count(*), min(message) FROM quarantine WHERE topic = ?", b"plants/gw3/meter/data"
    ) == [(20, 31)]
    assert world.rows("SELECT sum(quarantined), sum(received) FROM balance") == [(51, 51)]
    assert world.line.heard == set()
    world.close()


def test_topics_beyond_a_number_are_only_counted(folder, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_TOPICS", 3)
    world = started(folder, looking(folder))
    for number in range(5):
        world.publish(message(number), topic=f"plants/{number}")
    assert len(world.get("/v1/inbox")["devices"]) == 3
    assert world.rows("SELECT sum(quarantined) FROM balance") == [(5,)]
    world.close()


def test_once_configured_what_was_kept_counts(folder):
    """The same as of a service that was right from the start, as far as messages were kept."""
    world, right = started(folder, looking(folder)), started(folder, configured(folder))
    for number in range(25):
        world.publish(message(number), topic="plants/gw3/meter/data", at=NOON + number * MINUTE)
        if number >= 5:
            right.publish(message(number), topic="plants/gw3/meter/data", at=NOON + number * MINUTE)

    world.restart(right.config)
    became = replay(world)

    assert became.messages == {"accepted": 20}
    assert holding(world)["windows"] == holding(right)["windows"]
    assert world.get("/v1/inbox")["devices"] == []
    assert world.rows("SELECT * FROM inbox") == []
    assert world.rows("SELECT gateway, sum(quarantined), sum(accepted) FROM balance GROUP BY 1, book") == [
        ("", 5, 0), ("park-a/works/gw3", 0, 20), ("park-a/works/gw3", 0, 20),
    ]  # fmt: skip
    world.close()
    right.close()


def test_another_subscription_goes_before_it(folder):
    config = configured(folder)
    text = (config / "plant.yaml").read_text()
    (config / "plant.yaml").write_text(text.replace("subscriptions:\n", "subscriptions:\n" + DISCOVER))
    world = started(folder, config)
    world.publish(message(1), topic="plants/gw3/meter/data")
    assert world.rows("SELECT count(*) FROM reading") == [(1,)]
    assert "plants/#" in Subscriptions(world.plant).filters
    world.close()


def test_unknown_channels_and_gateways_are_in_the_inbox(folder):
    world = started(folder, configured(folder))
    for number in range(3):
        world.send(
            reading("reg", NOON + number * MINUTE, 1.0 + number), reading("new/kwh", NOON, 5.0 + number)
        )
        world.send(reading("a", NOON + number * MINUTE, 2.0, "kW"), gateway="gw9")
    world.publish(b"{", topic="sm/v1/a/b/readings")

    known, unknown, malformed = world.get("/v1/inbox")["devices"]

    assert (known["device"], known["configured"], known["count"]) == ("park-a/works/gw", True, 3)
    assert [(v["name"], v["kind"], v["unit"]) for v in known["values"]] == [("new/kwh", "register", "kWh")]
    assert (unknown["device"], unknown["configured"]) == ("park-a/works/gw9", False)
    assert [v["name"] for v in unknown["values"]] == ["a"]
    assert (malformed["device"], malformed["values"]) == ("sm/v1/a/b/readings", [])
    world.close()
