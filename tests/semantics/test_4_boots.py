"""A gateway that names boot after boot: what an ack holds, what is known of old boots, and what all of them cost."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ingest.known.boots import MOST_BOOTS, MOST_BYTES, Boots
from tests.semantics.world import DAY, HOUR, MINUTE, NOON, SECOND, SITE, World, reading

GATEWAY = f"{SITE}/gw"
MANY = 20_000


def named(world: World, *numbers: int, seq: int = 2) -> None:
    """Let a message come from each of these boots, of a second later than the one before; its first never comes."""
    sent = [(k, reading("diesel", NOON + (k - MANY) * SECOND + seq, 1, "L")) for k in numbers]
    world.publish(*({"boot": f"boot-{k:06d}", "seq": seq, "readings": [one]} for k, one in sent))


def work(world: World, call: Callable[[], Any]) -> int:
    """Return how many steps of the interpreter and of SQLite something takes."""
    steps = 0

    def count(frame: Any, event: str, _argument: object) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count

    def sqlite_steps() -> int:
        nonlocal steps
        steps += 1
        return 0

    world.state.connection.set_progress_handler(sqlite_steps, 1)
    before = sys.gettrace()
    sys.settrace(count)
    try:
        call()
    finally:
        sys.settrace(before)
        world.state.connection.set_progress_handler(None, 1)
    return steps


def test_solid_a3_after_20000_boots_an_ack_is_small_and_costs_what_it_did(world: World) -> None:
    named(world, *range(2 * MOST_BOOTS))
    early = work(world, lambda: named(world, 2 * MOST_BOOTS))
    early_ack = work(world, lambda: world.line.acknowledgements(GATEWAY))

    named(world, *range(2 * MOST_BOOTS + 1, MANY))
    late = work(world, lambda: named(world, MANY))
    late_ack = work(world, lambda: world.line.acknowledgements(GATEWAY))

    assert (late / early, late_ack / early_ack) == (pytest.approx(1, abs=0.3), pytest.approx(1, abs=0.3))
    acks = world.line.acknowledgements(GATEWAY)
    assert len(acks) == MOST_BOOTS
    assert acks[0] == (f"boot-{MANY:06d}", 2, [[1, 1]])
    assert len(json.dumps(acks)) < MOST_BYTES


def test_solid_a3_a_start_reads_none_of_the_boots_that_ever_were(world: World) -> None:
    named(world, 1)
    few = work(world, lambda: Boots(world.plant, world.state.boots, lambda: world.now).acknowledgements(""))
    named(world, *range(2, 1000))
    many = work(world, lambda: Boots(world.plant, world.state.boots, lambda: world.now).acknowledgements(""))

    assert many == few


def test_solid_a3_a_round_of_acks_asks_the_state_only_for_what_is_new(world: World) -> None:
    """500 gateways that named 200 boots each."""
    gateways = [f"park/works/g{k}" for k in range(500)]
    boots = [(gateway, f"b{k}", world.now - k) for gateway in gateways for k in range(200)]
    with world.state.transaction():
        world.state.connection.executemany("INSERT INTO boot (gateway, boot, heard) VALUES (?, ?, ?)", boots)
        world.state.connection.executemany(
            "INSERT INTO sequence (gateway, boot, low, high) VALUES (?, ?, 1, 7)", [one[:2] for one in boots]
        )
    known = Boots(world.plant, world.state.boots, lambda: world.now)
    asked: list[str] = []
    world.state.connection.set_trace_callback(asked.append)

    first = [known.acknowledgements(gateway) for gateway in gateways]
    first_asked = len(asked)
    again = [known.acknowledgements(gateway) for gateway in gateways]

    world.state.connection.set_trace_callback(None)
    assert (first_asked, len(asked)) == (500 * (1 + MOST_BOOTS), first_asked)
    assert first == again == [[(f"b{k}", 7, []) for k in range(MOST_BOOTS)]] * 500
    for table in ("boot", "sequence"):  # no message brought them
        world.rows(f"DELETE FROM {table}")


def test_solid_a3_an_ack_is_bounded_by_bytes_too(world: World) -> None:
    """Names as long as they may be, of characters that take four bytes, each with as many ranges as an ack lists."""
    for k in range(60):
        world.publish(
            *(
                {"boot": f"{k:02d}".rjust(64, "\U0001d51f"), "seq": 10**15 + 2 * n, "readings": []}
                for n in range(120)
            ),
            at=world.now + k,
        )

    acks = world.line.acknowledgements(GATEWAY)

    assert acks[0][0].endswith("59")
    assert MOST_BYTES - 5000 < len(json.dumps(acks, ensure_ascii=False).encode()) <= MOST_BYTES + 2000
    assert len(acks) < MOST_BOOTS


def test_solid_a3_what_an_old_boot_sent_stays_known_and_it_is_listed_again_when_it_speaks(
    world: World,
) -> None:
    named(world, *range(3 * MOST_BOOTS))
    world.restart()
    assert "boot-000000" not in {boot for boot, _, _ in world.line.acknowledgements(GATEWAY)}

    world.now += MINUTE
    named(world, 0)
    assert world.line.acknowledgements(GATEWAY)[0] == ("boot-000000", 2, [[1, 1]])
    assert world.balance()[0] == {"late": 3 * MOST_BOOTS, "duplicate": 1}

    world.now += MINUTE
    named(world, 0, seq=1)
    assert world.line.acknowledgements(GATEWAY)[0] == ("boot-000000", 2, [])
    assert world.rows("SELECT count(*), count(DISTINCT boot) FROM boot") == [(3 * MOST_BOOTS,) * 2]


def test_solid_a3_boots_are_forgotten_by_acks_after_a_week_and_by_holes_never(world: World) -> None:
    """A hole that opened weeks ago closes when what was missing comes."""
    span = {"start": NOON, "end": NOON + HOUR}
    for minute, seq in ((0, 1), (30, 3)):
        world.send(reading("diesel", NOON + minute * MINUTE, 1, "L"), boot="old", seq=seq)
    assert [coverage for _, coverage in world.activity("diesel", **span).values()].count(0.0) == 29

    world.now += 20 * DAY
    assert world.line.acknowledgements(GATEWAY) == []
    world.restart()
    world.send(reading("diesel", NOON + 10 * MINUTE, 1, "L"), boot="old", seq=2)

    assert {coverage for _, coverage in world.activity("diesel", **span).values()} == {1.0}
    assert world.line.acknowledgements(GATEWAY) == [("old", 3, [])]


@pytest.mark.parametrize(("letters", "codes"), [(64, {}), (65, {"bad_id": 1})])
def test_solid_a3_a_boots_name_is_bounded_and_what_it_brought_counts(
    world: World, letters: int, codes: dict[str, int]
) -> None:
    world.send(reading("diesel", world.now, 1, "L"), boot="x" * letters, seq=1)

    assert (world.codes(), world.balance()[1]) == (codes, {"accepted": 1})
    assert len(world.line.acknowledgements(GATEWAY)) == (not codes)
