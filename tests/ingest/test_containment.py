"""Whatever a message provokes behind its decoding costs itself: it is kept as `fault`, and everything else counts."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ingest.line.batch import Batch
from ingest.line.containment import Pace
from store.accounting.closing import Decision
from store.messages.journal import DECISION, Message
from store.messages.news import News
from store.messages.replays import Replay
from tests.semantics.conftest import MEMORY
from tests.semantics.world import MINUTE, NOON, SECOND, SITE, World, reading

AT = NOON + 50 * MINUTE  # in time, and not in the future
CURSED = 666.0  # a value at which a stage of the line fails
TOPIC = f"sm/v1/{SITE}/gw/readings".encode()


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = World(Path(folder))
        yield made
        made.close()


class Bug(Exception):
    """What no code of ours raises knowingly."""


def cursed(line: Any, place: int) -> None:
    """Let a stage of the line fail at readings of one value: what a bug there would do."""

    def stage(batch: Batch) -> None:
        if CURSED in batch.raw.value:
            raise Bug("this value is cursed")

    line.stages = (*line.stages[:place], stage, *line.stages[place:])


def power(minute: int, value: float, **more: Any) -> dict[str, Any]:
    return reading("power", AT + minute * 10 * SECOND, value, "kW", **more)


@pytest.mark.parametrize("place", [1, 2, 4, 5, 7, 8], ids=str)
def test_solid_a_a_message_at_fault_is_kept_and_the_others_of_its_micro_batch_count(
    world: World, place: int
) -> None:
    cursed(world.line, place)
    numbers = [CURSED if minute in (7, 20) else float(minute) for minute in range(30)]
    world.publish(
        *({"readings": [power(m, v)], "boot": "b", "seq": m + 1} for m, v in enumerate(numbers)),
    )

    assert [value for value, _, _ in world.stored("power")] == [n for n in numbers if n != CURSED]
    assert world.balance() == ({"accepted": 28, "quarantined": 2}, {"accepted": 28, "quarantined": 2})
    assert world.codes() == {"fault": 2}
    [kept] = world.rows("SELECT DISTINCT path, detail, outcome FROM quarantine")
    assert kept == (
        "",
        "tests.ingest.test_containment.Bug: this value is cursed; please report this",
        "quarantined",
    )
    assert [m for (m,) in world.rows("SELECT message FROM quarantine ORDER BY 1")] == [8, 21]


def test_solid_a_the_number_of_a_message_at_fault_is_received(world: World) -> None:
    """It is kept here: its gateway need not send it again."""
    cursed(world.line, 4)
    world.publish(
        *({"readings": [power(m, CURSED if m == 1 else 1.0)], "boot": "b", "seq": m + 1} for m in range(3))
    )

    assert world.line.acknowledgements(f"{SITE}/gw") == [("b", 3, [])]


def test_solid_a_a_message_at_fault_is_not_tried_again_after_a_restart(world: World) -> None:
    cursed(world.line, 4)
    world.send(power(0, 1.0))
    world.send(power(1, CURSED))
    world.restart()
    world.send(power(2, 2.0))

    assert [value for value, _, _ in world.stored("power")] == [1.0, 2.0]
    assert world.codes() == {"fault": 1}


def test_solid_a_the_same_bytes_again_are_a_duplicate(world: World) -> None:
    cursed(world.line, 4)
    for _ in range(3):
        world.send(power(1, CURSED))

    assert world.balance() == ({"quarantined": 1, "duplicate": 2}, {"quarantined": 1, "duplicate": 2})


def test_solid_a_where_even_the_number_cannot_be_entered_the_message_is_kept(world: World) -> None:
    def refusing(_batch: Batch) -> None:
        raise Bug("the number is cursed")

    world.line._aside._stages = (refusing,)
    cursed(world.line, 4)
    world.send(power(1, CURSED), boot="b", seq=1)
    world.send(power(2, 2.0), boot="b", seq=2)

    assert world.codes() == {"fault": 1}
    assert world.line.acknowledgements(f"{SITE}/gw") == [("b", 2, [[1, 1]])]


def test_solid_a_once_the_bug_is_mended_a_replay_takes_what_it_kept(world: World) -> None:
    cursed(world.line, 4)
    world.publish(*({"readings": [power(m, CURSED if m == 1 else 1.0)]} for m in range(3)))
    world.restart()
    world.decide(Replay("r1", "lan", code="fault"))

    assert [value for value, _, _ in world.stored("power")] == [1.0, CURSED, 1.0]
    assert world.balance() == ({"accepted": 3}, {"accepted": 3})


def test_solid_a_a_message_at_fault_in_a_replay_stays_and_the_others_are_taken(world: World) -> None:
    unmapped = [
        reading("later", AT + minute * SECOND, CURSED if minute == 5 else 1.0, "kW") for minute in range(9)
    ]
    world.publish(*({"readings": [one]} for one in unmapped))
    config = world.folder / "config"
    shutil.copytree(world.config, config)
    text = (config / "plant.yaml").read_text()
    (config / "plant.yaml").write_text(
        text.replace("name: power, gateway", "name: later, gateway")
        .replace("source: power", "source: held")
        .replace("energy: power}", "energy: later}")
    )
    world.restart(config)
    cursed(world.line, 4)
    world.decide(Replay("r1", "lan", code="unmapped"))

    assert [value for value, _, _ in world.stored("later")] == [1.0] * 8
    assert world.codes() == {"unmapped": 1}
    [(outcome, detail)] = world.rows("SELECT outcome, detail FROM decision")
    assert outcome == "done"
    assert detail.startswith("messages: 8 accepted")
    assert (
        "left as they were: 1 (tests.ingest.test_containment.Bug: this value is cursed; please report"
        in detail
    )


DECISIONS = {
    "no JSON": (b"$stackmeter/decision", b"\xff\x00"),
    "nothing": (b"$stackmeter/decision", b""),
    "other types": (b"$stackmeter/decision", b'{"id": 1, "by": [], "action": {}}'),
    "of a later version": (b"$stackmeter/tomorrow", b'{"id": "x1", "by": "lan", "action": "conjure"}'),
    "half a character": (b"$stackmeter/decision", rb'{"id": "\ud800", "by": "a", "action": "final", "park": "park-a", "month": "2026-03"}'),
    "a nest": (b"$stackmeter/replay", b"[" * 100_000),
    "no replay": (b"$stackmeter/replay", b'{"id": "x2"}'),
    "no action": (b"$stackmeter/alert", b'{"id": "x3", "action": "acknowledge"}'),
}  # fmt: skip


@pytest.mark.parametrize("given", DECISIONS.values(), ids=DECISIONS)
def test_solid_a_a_decision_that_fails_is_noted_as_refused_and_the_next_is_taken(
    world: World, given: tuple[bytes, bytes]
) -> None:
    topic, payload = given
    world.journal.append([Message(world.now, topic, payload, DECISION)])
    world.decide(Decision("d2", "lan", "provisional", "park-a", "2026-02"))
    world.send(power(0, 1.0))

    assert world.rows("SELECT outcome FROM decision WHERE message = 1") == [("refused",)]
    assert world.rows("SELECT outcome FROM decision WHERE id = 'd2'") == [("done",)]
    assert len(world.stored("power")) == 1


class Deaf:
    """Alert rules, or regulated hours, that fail whatever they are asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        def fail(*_given: Any) -> None:
            if name != "reload":
                self.asked += 1
                raise Bug(name)

        return fail


@pytest.mark.parametrize("part", ["_watch", "_regulated"])
def test_solid_a_what_fails_beside_the_tonnes_does_not_stop_them_and_is_stated(
    world: World, part: str
) -> None:
    world.is_rebuilt = False  # no step says that a fault took work back
    deaf = Deaf()
    owner = world.line._following if part == "_watch" else world.line
    before = getattr(owner, part)
    setattr(owner, part, deaf)
    for minute in range(40):
        world.send(power(minute, 1.0))

    assert len(world.stored("power")) == 40
    assert world.balance() == ({"accepted": 40}, {"accepted": 40})
    assert any("Bug" in trouble for trouble in world.line.troubles())
    assert 0 < deaf.asked < 20, "after each time it rests longer"

    setattr(owner, part, before)
    for tick in range(300):
        world.tick(world.now + tick)
    assert world.line.troubles() == []


def test_solid_a_what_the_alert_side_had_done_of_a_step_is_taken_back_with_it(world: World) -> None:
    """Half of a judgement would be worse than none."""
    world.is_rebuilt = False  # no step says that a fault took work back
    see = world.line._following._watch.see

    def half(untold: Sequence[News], now: int) -> None:
        see(untold, now)
        world.state.connection.execute("INSERT INTO late_breach VALUES ('half', 1, 1.0)")
        raise Bug("in the middle")

    world.line._following._watch.see = half  # type: ignore[method-assign]
    world.send(reading("heat", NOON, 500.0, "°C"))

    assert len(world.stored("heat")) == 1
    assert world.rows("SELECT 1 FROM late_breach WHERE rule = 'half'") == []


def test_solid_a_memory_after_a_fault_is_what_a_restart_would_read(world: World) -> None:
    """Boots, holes, tails and verdicts that the failed micro-batch had changed are as if it had never been tried."""
    cursed(world.line, 8)
    values = [100.0, 101.0, CURSED, 102.0, 103.0, 104.0]
    for minute, value in enumerate(values):
        both = [
            reading("pulses", NOON + minute * MINUTE, value),
            reading("diesel", NOON + minute * MINUTE, 1.0, "L"),
        ]
        world.send(*both, boot="b", seq=minute + 1)
    told = world.total("pulses")["co2e_t"], world.total("diesel")["co2e_t"]
    world.restart()
    world.send(reading("pulses", NOON + 9 * MINUTE, 106.0), boot="b", seq=7)

    assert told[0] == pytest.approx(4 * 0.6592 / 1000)
    assert world.line.acknowledgements(f"{SITE}/gw") == [("b", 7, [])]


@pytest.mark.parametrize("count", [1, 2, 3, 1000, 20_000])
def test_solid_a_the_one_at_fault_is_found_by_halving(count: int) -> None:
    """What is tried in vain is at most twice the micro-batch, wherever the fault stands."""
    for cursed_at in {0, 1, count // 3, count - 1} & set(range(count)):
        pace, taken, wasted = Pace(20_000), 0, 0
        while True:
            step = min(pace.most, count - taken)
            if not taken <= cursed_at < taken + step:
                taken += step
                pace.passed(step)
            elif step > 1:
                wasted += step
                pace.failed(step)
            else:
                pace.found()
                break
        assert taken == cursed_at
        assert wasted <= 2 * count
        for _ in range(20):
            pace.passed(pace.most)
        assert pace.most == 20_000


def test_solid_a_a_disk_that_fails_is_nobodys_fault(world: World) -> None:
    """It ends the process as before: nothing is quarantined for it."""

    def full(_batch: Batch) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    stages = world.line.stages
    world.line.stages = (*stages, full)
    with pytest.raises(sqlite3.OperationalError):
        world.send(power(0, 1.0))
    world.line.stages = stages
    world.tick(world.now)

    assert world.balance() == ({"accepted": 1}, {"accepted": 1})


def test_solid_a_what_needs_too_much_memory_is_taken_in_smaller_parts(world: World) -> None:
    def greedy(batch: Batch) -> None:
        if len(batch.messages) > 3:
            raise MemoryError

    world.line.stages = (*world.line.stages, greedy)
    world.publish(*({"readings": [power(m, 1.0)]} for m in range(20)))

    assert world.balance() == ({"accepted": 20}, {"accepted": 20})
