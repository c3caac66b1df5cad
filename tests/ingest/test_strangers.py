"""Gateways that nobody configured: what they cost does not grow with the names that somebody makes up."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.known.strangers import MOST_STRANGERS
from store.messages.inbox import MOST_TOPICS
from store.messages.journal import Message
from store.messages.replays import Replay
from tests.semantics.conftest import MEMORY
from tests.semantics.world import NOON, SITE, World, reading

MANY = MOST_STRANGERS + 300
TABLES = ("balance", "balance_ever", "code", "code_ever", "boot", "sequence", "gateway_status")


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = World(Path(folder))
        yield made
        made.close()


def say(world: World, first: int, end: int) -> None:
    """Let gateways speak that nobody knows: each with readings of a boot of its own, and its status."""
    messages = []
    for number in range(first, end):
        topic = f"sm/v1/{SITE}/made-up-{number}"
        made = {"boot": f"b{number}", "seq": 1, "readings": [reading("reg", NOON, 1.0)]}
        messages.append(Message(world.now, f"{topic}/readings".encode(), json.dumps(made).encode()))
        messages.append(Message(world.now, f"{topic}/status".encode(), b'{"online": true}'))
    world.journal.append(messages)
    while world.line.step():
        pass


def sizes(world: World) -> list[int]:
    return [world.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


def test_solid_a5_names_that_somebody_makes_up_do_not_make_the_books_grow(world: World) -> None:
    world.publish({"readings": [reading("reg", NOON, 1.0)]})
    say(world, 0, MOST_STRANGERS)
    full = sizes(world)
    heard = set(world.line.heard)
    say(world, MOST_STRANGERS, MANY)
    beyond = sizes(world)
    world.restart()
    say(world, MANY, MANY + 100)

    assert [after - before for before, after in zip(full, beyond, strict=True)] == [1, 1, 1, 1, 0, 0, 0]
    assert sizes(world) == beyond, "after a restart too"
    assert f"{SITE}/made-up-0" in heard, "the first ones are acknowledged: what they sent is kept"
    assert not [name for name in world.line.heard if name.startswith(f"{SITE}/made-up-13")]
    nobody = world.rows(
        "SELECT received, quarantined FROM balance_ever WHERE gateway = '' AND book = 'messages'"
    )
    assert nobody == [(2 * 400, 2 * 400)]
    [(kept,)] = world.rows("SELECT count(*) FROM quarantine WHERE gateway = ''")
    assert kept == 2 * 400 <= 20 * MOST_TOPICS
    [(detail,)] = world.rows(
        "SELECT DISTINCT detail FROM quarantine WHERE CAST(topic AS TEXT) LIKE '%made-up-1399/readings'"
    )
    assert detail.startswith(f"no gateway '{SITE}/made-up-1399' is configured, and 1,000 others")
    assert world.stored("reg"), "a gateway that is configured is heard among them"


def test_solid_a5_a_gateway_that_had_no_books_counts_once_it_is_configured(world: World) -> None:
    """What was booked as nobody's is replayed as any other."""
    say(world, 0, MOST_STRANGERS)
    world.journal.append(
        [
            Message(world.now, b"sm/v1/park-a/works/late-one/readings", b'{"readings": []}'),
            Message(world.now, b"x", b"1"),
        ]
    )
    while world.line.step():
        pass
    [(offset,)] = world.rows("SELECT message FROM quarantine WHERE CAST(topic AS TEXT) LIKE '%late-one%'")
    plant = world.config / "plant.yaml"
    config = world.folder / "config"
    shutil.copytree(world.config, config)
    (config / "plant.yaml").write_text(
        plant.read_text().replace(
            "          - name: gw2\n", "          - name: gw2\n          - name: late-one\n"
        )
    )
    world.restart(config)
    world.decide(Replay(id="r1", by="a", messages=[offset]))

    assert world.rows("SELECT count(*) FROM quarantine WHERE message = ?", offset) == [(0,)]
    assert world.rows(
        "SELECT received FROM balance_ever WHERE gateway = ? AND book = 'messages'", f"{SITE}/late-one"
    ) == [(1,)]
