"""What a class A gateway keeps, sends again and gives up, on a clock of the test's own."""

import json
from collections.abc import Iterable

import numpy as np
import pytest

from simulators.message import Address, Message
from simulators.payload import Readings
from simulators.store import AckError, Store, runs

ADDRESS = Address("park", "mill", "g1")
EMPTY = Readings.of(0, np.empty(0, np.int64), np.empty(0))


def message(seq: int) -> Message:
    return Message(ADDRESS, "b7", seq, 0, b"%d" % seq, EMPTY)


def store(numbers: Iterable[int], capacity: int = 100) -> Store:
    kept = Store("b7", capacity)
    for seq in numbers:
        kept.add(message(seq), 0.0)
    return kept


def ack(received_through: int, missing: Iterable[tuple[int, int]] = (), boot: str = "b7") -> bytes:
    ours = {"boot": boot, "received_through": received_through, "missing": [list(pair) for pair in missing]}
    other = {"boot": "b6", "received_through": 9999, "missing": []}
    return json.dumps({"acks": [other, ours], "time": "2026-11-24T05:00:00Z"}).encode()


def due(kept: Store, now: float) -> list[int]:
    return [m.seq for m in kept.due(now)]


def test_what_the_ack_covers_is_forgotten():
    kept = store(range(1, 11))

    kept.acknowledge(ack(8, [(3, 4)]), 1.0)

    assert len(kept) == 4  # 3, 4, 9, 10


def test_what_the_ack_misses_is_sent_again_ten_seconds_after_its_last_sending():
    kept = store(range(1, 11))
    kept.acknowledge(ack(8, [(3, 4)]), 1.0)

    assert due(kept, 9.9) == []
    assert due(kept, 10.0) == [3, 4]


def test_one_message_is_sent_again_with_doubled_spacing():
    kept = store([1, 2])
    kept.acknowledge(ack(2, [(1, 1)]), 0.0)

    assert [now for now in range(200) if due(kept, float(now))] == [10, 30, 70, 150]


def test_a_number_still_missing_after_five_resends_is_given_up():
    kept = store([1, 2])
    kept.acknowledge(ack(2, [(1, 1)]), 0.0)

    sendings = [now for now in range(2000) if due(kept, float(now))]

    assert (len(sendings), kept.given_up, len(kept)) == (5, {1}, 0)


def test_a_number_that_comes_to_be_covered_is_no_longer_given_up():
    kept = store([2])
    kept.acknowledge(ack(2, [(1, 1)]), 0.0)
    assert kept.given_up == {1}

    kept.acknowledge(ack(2), 1.0)

    assert kept.given_up == set()


def test_without_progress_everything_uncovered_is_sent_again():
    kept = store([1, 2, 3])
    kept.acknowledge(ack(1), 4.0)

    assert due(kept, 13.9) == []
    assert due(kept, 14.0) == [2, 3]


def test_an_ack_that_covers_nothing_new_is_no_progress():
    kept = store([1, 2, 3])
    kept.acknowledge(ack(1), 0.0)
    kept.acknowledge(ack(1), 9.0)

    assert due(kept, 10.0) == [2, 3]


def test_after_a_reconnect_everything_above_received_through_is_sent_again():
    kept = store([1, 2, 3])
    kept.acknowledge(ack(1), 9.0)
    kept.reconnected()

    assert due(kept, 10.0) == [2, 3]


def test_a_reconnect_does_not_send_a_message_twice_within_ten_seconds():
    kept = store([1, 2, 3])
    kept.add(message(4), 9.0)
    kept.acknowledge(ack(1), 9.0)
    kept.reconnected()

    assert [due(kept, now) for now in (10.0, 18.9, 19.0)] == [[2, 3], [], [2, 3, 4][2:]]


def test_the_oldest_makes_room_and_is_counted():
    kept = store(range(1, 8), capacity=5)

    assert (len(kept), kept.evicted) == (5, 2)


def test_what_was_thrown_out_is_given_up_when_the_service_misses_it():
    kept = store(range(1, 8), capacity=5)

    kept.acknowledge(ack(7, [(1, 3)]), 1.0)

    assert (kept.given_up, len(kept)) == ({1, 2}, 1)


def test_what_was_lost_with_the_store_is_counted_and_given_up_when_the_service_misses_it():
    kept = store(range(1, 6))
    kept.lose()
    kept.add(message(6), 1.0)

    kept.acknowledge(ack(6, [(2, 5)]), 2.0)

    assert (kept.lost, kept.given_up, len(kept), due(kept, 100.0)) == (5, {2, 3, 4, 5}, 0, [])


def test_an_ack_of_another_boot_covers_nothing():
    kept = store([1, 2])

    kept.acknowledge(ack(2, boot="b5"), 1.0)

    assert (len(kept), kept.heard) == (2, False)


def test_an_absurd_range_is_cut_at_what_was_sent():
    kept = store([1, 2])

    kept.acknowledge(ack(2, [(-(10**15), 10**15)]), 1.0)

    assert len(kept) == 2


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[]", b'{"acks": [{"boot": "b7"}]}', b'{"acks": 3}', b"\xff", b'{"acks": ["x"]}']
)
def test_what_is_no_ack_is_refused(payload):
    with pytest.raises(AckError, match="not an ack"):
        store([1]).acknowledge(payload, 0.0)


def test_numbers_are_told_as_ranges():
    assert runs([5, 1, 2, 3, 9, 8]) == [(1, 3), (5, 5), (8, 9)]
