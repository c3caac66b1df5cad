"""States to prove, made once."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.messages.journal import DECISION
from tests.ingest.test_regulated import CONFIGURATION as UNDER_A_RULE
from tests.ingest.test_regulated import RegulatedWorld, minutes, quarters
from tests.ingest.test_regulated_final import FIRST
from tests.ingest.test_regulated_final import decide as decide_of_march
from tests.ingest.test_regulated_final import story as regulated_story
from tests.semantics.conftest import MEMORY
from tests.semantics.world import DAY, HOUR, MINUTE, NOON, World, reading


def story(world: World) -> None:
    """Everything that can become of a message, a month that was closed, and what waits in it."""
    world.now = NOON + 2 * HOUR
    world.publish({"online": True}, leaf="status")
    for seq in (1, 2, 3, 5, 6, 9):
        at = NOON + seq * 10 * MINUTE
        world.send(
            *[reading("power", at + m * MINUTE, 50 + seq + m / 7, "kW") for m in range(10)],
            *[reading("reg", at + m * MINUTE, 100 + seq * 3 + m * 0.3) for m in range(0, 10, 5)],
            reading("diesel", at, 12.5 + seq, "L"),
            boot="b1", seq=seq,
        )  # fmt: skip
    world.send(
        reading("gas", NOON, 10.0, "Nm3/h"),
        reading("gas", NOON + MINUTE, 11.0, "Nm3/h"),
        gateway="gw2",
        boot="x",
        seq=1,
    )
    world.send(reading("diesel", NOON + 10 * MINUTE, 11.5, "L"), boot="b2", seq=1)  # loses to what is there
    world.send(reading("power", NOON + 11 * MINUTE, 75_000, "W", quality="uncertain"), boot="b2", seq=2)
    for _ in range(2):  # refused, and a duplicate of what was refused
        world.publish(b"{not json")
        world.send(
            reading("nobody", NOON, 1.0),
            reading("reg", NOON + 9 * HOUR, 2.0),
            reading("held", NOON, 4.0, "kW"),
        )
    world.publish(b"x", topic="sm/v1/park-a/nowhere")
    world.publish({"online": False}, leaf="status", gateway="gw2")
    world.tick(NOON + 30 * DAY)
    decision = {"id": "d1", "by": "lan", "action": "final", "park": "park-a", "month": "2026-03"}
    decision |= {"despite": "letter 12", "overruled": ["coverage", "quarantine"]}
    world.publish(decision, topic="$stackmeter/decision", flags=DECISION)
    world.send(reading("reg", NOON + 3 * HOUR, 190.0))
    decision |= {"id": "d2", "action": "approve", "generation": waiting(world)}
    world.publish(decision, topic="$stackmeter/decision", flags=DECISION)


def waiting(world: World) -> int:
    [month] = [one for one in world.get("/v1/periods")["periods"] if one["month"] == "2026-03"]
    return int(month["pending_restatement"]["generation"])


@pytest.fixture(scope="session")
def of_messages() -> Iterator[Path]:
    """A state that nobody touches, with everything that can become of a message."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        world = World(Path(path))
        story(world)
        world.close()
        yield Path(path)


@pytest.fixture(scope="session")
def of_hours() -> Iterator[Path]:
    """A state that nobody touches, with regulated hours of a final month of which some wait."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        world = RegulatedWorld(Path(path), UNDER_A_RULE, NOON)
        regulated_story(world)
        decide_of_march(world, "final")
        world.send(*minutes(FIRST + 1, 11.0), *quarters(FIRST + 1, 11.0))
        world.close()
        yield Path(path)
