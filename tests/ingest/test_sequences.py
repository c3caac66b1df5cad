"""Sequence numbers as runs: what is there, what is missing, and the holes in time."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.sequences import MOST_RANGES, Boot, holes


def boot_of(*seqs):
    boot = Boot([])
    for seq in seqs:
        boot.add([seq], [seq * 10], [seq * 10 + 5])
    return boot


@given(st.lists(st.lists(st.integers(1, 60), max_size=20), max_size=8))
def test_runs_are_the_set_of_numbers_whatever_the_order_and_the_batches(batches):
    """Each number is new exactly once."""
    boot, seen = Boot([]), set()
    for batch in batches:
        came = boot.add(batch, batch, batch)
        for seq, new in zip(batch, came, strict=True):
            assert new == (seq not in seen)
            seen.add(seq)

    assert [n for run in boot.runs for n in range(run.low, run.high + 1)] == sorted(seen)
    assert all(a.high + 1 < b.low for a, b in zip(boot.runs, boot.runs[1:], strict=False))


@given(st.lists(st.lists(st.integers(1, 40), max_size=12), max_size=8))
def test_what_is_stored_after_each_batch_is_what_memory_holds(batches):
    """`gone` and `come` carry the stored runs to the new ones."""
    boot, stored = Boot([]), {}
    for batch in batches:
        boot.add(batch, batch, batch)
        for low in boot.gone:
            del stored[low]
        stored.update(boot.come)
        boot.gone.clear()
        boot.come.clear()

    assert [stored[low] for low in sorted(stored)] == boot.runs


def test_an_acknowledgement_lists_what_is_missing_below_the_highest_number():
    assert boot_of(2, 3, 7).acknowledgement() == (7, [[1, 1], [4, 6]])


def test_an_acknowledgement_of_too_many_gaps_ends_before_the_first_it_cannot_list():
    boot = boot_of(*range(1, 4 * MOST_RANGES, 2))

    through, missing = boot.acknowledgement()

    assert len(missing) == MOST_RANGES
    assert through == missing[-1][1] + 1


def test_a_hole_lies_between_the_readings_on_both_sides_of_it():
    assert holes([boot_of(1, 2, 5)]) == [(25, 50)]


def test_a_boots_missing_start_is_a_hole_from_the_last_message_of_the_boot_before():
    later = Boot([])
    later.add([3], [900], [905])

    assert holes([boot_of(1, 2), later]) == [(25, 900)]


def test_a_closed_sequence_has_no_hole():
    assert holes([boot_of(1, 2, 3), boot_of(1)]) == []
