"""Sequence numbers as runs: what is there, what is missing, and the holes in time."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.known.sequences import Boot, Holes, disjoint, holes
from store.messages.boots import MOST_RANGES, BootTable, Run

GATEWAY = "park/works/gw"
EVER = 2**62


@contextmanager
def table() -> Iterator[BootTable]:
    """Give an empty state's table of boots."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(resources.files("store").joinpath("schema.sql").read_text())
        yield BootTable(connection)


def named(boots: BootTable, name: str, number: int = 1) -> Boot:
    """Return a boot as it is stored, a new one where it is not."""
    row = boots.one(GATEWAY, name)
    if row is None:
        boots.hear([(number, GATEWAY, name, 0)])
    return Boot(boots, GATEWAY, name, number, 0, row.began if row else None)


def stored(boots: BootTable, name: str = "b") -> list[Run]:
    return dict(boots.every(GATEWAY)).get(name, [])


def enter(boots: BootTable, *seqs: int) -> None:
    """Let messages come, each with readings from ten times its number on."""
    boot = named(boots, "b")
    for seq in seqs:
        boot.add([seq], [seq * 10], [seq * 10 + 5])
    boots.put(boot.rows())


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(1, 60), max_size=20), st.booleans()), max_size=8))
def test_runs_are_the_set_of_numbers_whatever_the_order_and_the_batches(batches):
    """Each number is new exactly once, whether memory holds the boot or it is read again."""
    with table() as boots:
        boot, seen = named(boots, "b"), set()
        for batch, is_forgotten in batches:
            came = boot.add(batch, batch, batch)
            boots.put(boot.rows())
            for seq, new in zip(batch, came, strict=True):
                assert new == (seq not in seen)
                seen.add(seq)
            if is_forgotten:
                boot = named(boots, "b")
        runs = stored(boots)

    assert [n for run in runs for n in range(run.low, run.high + 1)] == sorted(seen)
    assert all(a.high + 1 < b.low for a, b in pairwise(runs))


MESSAGE = st.tuples(st.sampled_from("abc"), st.integers(1, 12), st.none() | st.integers(0, 50))


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(MESSAGE, max_size=8), st.booleans()), max_size=8))
def test_the_holes_that_are_kept_are_those_of_the_set_and_whatever_moved_was_told(batches):
    """Boots in any order, messages with and without readings, numbers that get their times later."""
    with table() as boots:
        numbers = {name: number for number, name in enumerate("abc", 1)}
        known = {name: named(boots, name, number) for name, number in numbers.items()}
        keeper, open_before = Holes(boots), set[int]()
        for batch, is_forgotten in batches:
            for name, seq, time in batch:
                if not known[name].date(seq, time, time):
                    known[name].add([seq], [time], [time])
            boots.put([row for boot in known.values() for row in boot.rows()])
            told = [hole for boot in known.values() for hole in keeper.settle(boot)]
            kept = disjoint(boots.holes(GATEWAY, -EVER, EVER))
            assert kept == holes(runs for _, runs in boots.every(GATEWAY))
            is_open = {moment for start, end in kept for moment in range(start, end)}
            assert is_open ^ open_before <= {moment for start, end in told for moment in range(start, end)}
            open_before = is_open
            if is_forgotten:
                known = {name: named(boots, name, number) for name, number in numbers.items()}
                keeper.forget()


def test_the_first_reading_behind_missing_numbers_opens_a_hole_though_messages_without_readings_came_between():
    """2 is missing, 3 has no readings and bounds nothing: the hole ends where the readings of 4 begin."""
    with table() as boots:
        keeper, boot = Holes(boots), named(boots, "b")
        told = []
        for seq, time in ((1, 10), (3, None), (4, 40)):
            boot.add([seq], [time], [time])
            boots.put(boot.rows())
            told.append(keeper.settle(boot))

        assert told == [[], [], [(10, 40)]]
        assert boots.holes(GATEWAY, -EVER, EVER) == [(10, 40)]


def test_the_hole_before_the_next_boot_begins_where_the_last_reading_of_this_one_is_by_now():
    """Though nothing else of this boot moves: its last run is one message longer."""
    with table() as boots:
        keeper, one, other = Holes(boots), named(boots, "a", 1), named(boots, "b", 2)
        told = []
        for boot, seq, time in ((one, 1, 10), (other, 2, 40), (one, 2, 20)):
            boot.add([seq], [time], [time])
            boots.put(boot.rows())
            told.append(keeper.settle(boot))

        assert told == [[], [(10, 40)], [(10, 40), (20, 40)]]
        assert boots.holes(GATEWAY, -EVER, EVER) == [(20, 40)]


def test_the_times_of_a_message_that_came_with_none_are_those_of_its_run_from_then_on():
    """Whatever joins the run afterwards, and whether memory holds it or it is read again."""
    with table() as boots:
        boot = named(boots, "b")
        boot.add([1, 2], [None, None], [None, None])
        assert boot.date(1, 10, 15)
        assert boot.last == Run(1, 2, 10, 15, 1, 1)
        boot.add([3], [30], [35])
        boots.put(boot.rows())

        assert boot.last == Run(1, 3, 10, 35, 1, 3)
        assert stored(boots) == [Run(1, 3, 10, 35, 1, 3)]
        assert not boot.date(4, 40, 45)


def test_of_several_messages_of_a_run_the_lowest_number_gives_its_first_time_and_the_highest_its_last():
    with table() as boots:
        boot = named(boots, "b")
        boot.add([1, 2, 3], [None] * 3, [None] * 3)
        found = []
        for seq, first, last in ((2, 20, 25), (3, 5, 30), (1, 50, 60), (1, 40, 70), (3, 4, 33), (2, 1, 99)):
            boot.date(seq, first, last)
            found.append((boot.last.low_time, boot.last.low_at, boot.last.high_time, boot.last.high_at))

        assert found == [
            (20, 2, 25, 2),
            (20, 2, 30, 3),
            (50, 1, 30, 3),
            (40, 1, 30, 3),
            (40, 1, 33, 3),
            (40, 1, 33, 3),
        ]


def test_holes_are_asked_for_as_far_as_they_reach():
    with table() as boots:
        enter(boots, 1, 3, 5, 7)
        Holes(boots).settle(boot := named(boots, "b"))
        boot.moved |= {1, 3, 5, 7}
        Holes(boots).settle(boot)

        assert boots.holes(GATEWAY, -EVER, EVER) == [(15, 30), (35, 50), (55, 70)]
        assert boots.holes(GATEWAY, 30, 51) == [(35, 50)]
        assert boots.holes(GATEWAY, 15, 16) == [(15, 30)]


def test_an_acknowledgement_lists_what_is_missing_below_the_highest_number():
    with table() as boots:
        enter(boots, 2, 3, 7)

        assert boots.received(GATEWAY, "b") == (7, [[1, 1], [4, 6]])


@pytest.mark.parametrize("first", [1, 2])
def test_an_acknowledgement_of_too_many_gaps_ends_before_the_first_it_cannot_list(first):
    with table() as boots:
        enter(boots, *range(first, 4 * MOST_RANGES, 2))
        through, missing = boots.received(GATEWAY, "b")

    assert len(missing) == MOST_RANGES
    assert through == missing[-1][1] + 1


def runs_of(*seqs: int) -> list[Run]:
    with table() as boots:
        enter(boots, *seqs)
        return stored(boots)


def test_a_hole_lies_between_the_readings_on_both_sides_of_it():
    assert holes([runs_of(1, 2, 5)]) == [(25, 50)]


def test_a_boots_missing_start_is_a_hole_from_the_last_message_of_the_boot_before():
    assert holes([runs_of(1, 2), [Run(3, 3, 900, 905, 3, 3)]]) == [(25, 900)]


def test_a_closed_sequence_has_no_hole():
    assert holes([runs_of(1, 2, 3), runs_of(1)]) == []
