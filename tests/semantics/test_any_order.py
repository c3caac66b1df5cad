"""The head of the page: the same bits whatever the order, batching, duplication or restart, for sources of every shape.

Beside the evaluator's own property tests this goes by messages: with boots, lost numbers, and sources of two inputs.
"""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from store import blocks
from tests.semantics.conftest import MEMORY
from tests.semantics.world import DAY, MINUTE, NOON, SECOND, World, reading

CHANNELS = {
    "flow": ("Nm3/h", 6_000), "co2": ("%", 10), "power": ("kW", 60), "held": ("kW", 60), "reg": ("kWh", 1),
    "pulses": ("kWh", 1), "swapped": ("kWh", 5), "quarter": ("kWh", 15), "diesel": ("L", 10),
}  # fmt: skip
Sent = dict[str, Any]


def told(chance: random.Random) -> list[Sent]:
    """Return the messages that arrive of a gateway's hour: two boots, one message in eight lost, some readings bad."""
    messages: list[Sent] = []
    for boot, first, last in (("b1", 0, 25), ("b2", 26, 60)):
        seq = 0
        for step in range(first * 2, last * 2):
            seq += 1
            if chance.random() < 0.125:
                continue
            names = chance.sample(list(CHANNELS), chance.randint(0, 4))
            rows = [_reading(name, step, chance) for name in names]
            messages.append({"boot": boot, "seq": seq, "readings": rows})
    return messages


def _reading(name: str, step: int, chance: random.Random) -> dict[str, Any]:
    unit, size = CHANNELS[name]
    time = NOON + step * 30 * SECOND + chance.choice((0, 0, 7)) * SECOND
    value = size * (step + 1) / 10 if unit == "kWh" and name != "quarter" else size * chance.uniform(0.9, 1.1)
    if chance.random() < 0.05:
        value *= 40
    more = {"quality": chance.choice(("bad", "uncertain"))} if chance.random() < 0.1 else {}
    return reading(name, time, round(min(value, 999.0), 3), unit, **more)


@contextmanager
def fresh() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        world = World(Path(folder), now=NOON + DAY)
        yield world
        world.close()


def outcome(world: World) -> dict[tuple[str, int], bytes]:
    """Return the bits of every known window; where events are none, computed or not, it is 0."""
    found = {}
    for source, hour, data in world.rows("SELECT name, hour, block FROM emission JOIN source ON id = source"):
        for place, row in enumerate(blocks.from_bytes(data)):
            quiet = source == "diesel" and row[blocks.ACTIVITY] == 0 and row[blocks.MEASURED] == 1
            if blocks.coverage(row) > 0 and not quiet:
                found[source, hour + place * MINUTE] = row[: blocks.REVISION].tobytes()
    return found


@pytest.mark.parametrize("seed", range(8))
def test_tonnes_are_a_function_of_the_set_of_messages(seed: int) -> None:
    chance = random.Random(seed)
    messages = told(chance)
    with fresh() as world:
        world.publish(*messages)
        expected = outcome(world)
        at_once = world.get("/v1/totals", level="source", period="2026-03-10")["totals"]

    arrival = messages + chance.sample(messages, 20)
    chance.shuffle(arrival)
    with fresh() as world:
        while arrival:
            cut = chance.randint(1, 12)
            world.publish(*arrival[:cut])
            arrival = arrival[cut:]
            if chance.random() < 0.1:
                world.restart()
        got = outcome(world)
        in_pieces = world.get("/v1/totals", level="source", period="2026-03-10")["totals"]

    assert {source for source, _ in expected} >= {"flue", "diesel", "reg", "pulses", "swapped", "quarter"}
    assert got == expected
    for one, other in zip(in_pieces, at_once, strict=True):
        assert {**one, "revision": 0} == {**other, "revision": 0}
