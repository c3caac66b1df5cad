"""Boots of gateways: their numbers, what of them has come, what an ack says, and which event channels a hole concerns."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from importlib import resources

import numpy as np
import pytest

from ingest.formats.columns import Envelope
from ingest.known import boots as made
from ingest.known.boots import MOST_BOOTS, MOST_BYTES, Boots
from ingest.line.batch import Batch, consecutive
from plant.arrays import Readings
from plant.vocabulary import NS_PER_DAY, NS_PER_S, Kind
from store.messages.boots import ACK_DAYS, BootTable
from store.messages.journal import Message
from tests.rules.test_windows_by_set import channel, plant_of

GW, OTHER = "p/f/g", "p/f/h"
NOW = 1_790_000_000 * NS_PER_S
PLANT = plant_of([channel(0, Kind.RATE), channel(1, Kind.EVENT), channel(2, Kind.EVENT)])


@dataclass
class One:
    """A message: its boot, number, and the times of its readings in seconds."""

    boot: str | None
    seq: int | None
    times: list[int] = field(default_factory=list)
    gateway: str = GW
    received: int = NOW


@pytest.fixture
def table() -> Iterator[BootTable]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(resources.files("store").joinpath("schema.sql").read_text())
        yield BootTable(connection)


@pytest.fixture
def known(table: BootTable) -> Boots:
    return Boots(PLANT, table, lambda: NOW)


def batch_of(*messages: One, undecoded: int = 0) -> Batch:
    """Return a batch; the last messages have no envelope, for they could not be decoded."""
    batch = consecutive(0, [Message(one.received, b"t", b"", 0) for one in messages])
    batch.gateways = [one.gateway for one in messages]
    batch.envelopes = {
        position: Envelope(one.boot, one.seq, 0, 0, True, 0)
        for position, one in enumerate(messages[: len(messages) - undecoded])
    }
    times = [(position, second) for position, one in enumerate(messages) for second in one.times]
    n = len(times)
    batch.position = np.array([position for position, _ in times], np.int64)
    zero = np.zeros(n, np.int64)
    batch.readings = Readings(zero, np.array([second for _, second in times], np.int64), *[zero] * 7)
    return batch


def entered(known: Boots, *messages: One) -> Batch:
    batch = batch_of(*messages)
    known.number(batch)
    known.enter(batch)
    return batch


# --- numbers ------------------------------------------------------------------------------------------------------------


def test_each_boot_of_each_gateway_has_a_number_that_it_keeps(known: Boots, table: BootTable) -> None:
    batch = batch_of(
        One("a", 1),
        One(None, 1),
        One("b", 1),
        One("a", 1, gateway=OTHER),
        One("a", 2),
        One("z", 1),
        undecoded=1,
    )

    assert known.number(batch).tolist() == [1, 0, 2, 3, 1, 0]
    assert known.names([1, 2, 3, 4]) == {1: "a", 2: "b", 3: "a"}
    assert known.number(batch_of(One("c", 1))).tolist() == [4]
    known.forget()
    assert known.number(batch_of(One("c", 1), One("d", 1), One("a", 3))).tolist() == [4, 5, 1]
    assert Boots(PLANT, table, lambda: NOW).number(batch_of(One("e", 1), One("b", 9))).tolist() == [6, 2]


def test_a_boot_was_heard_when_its_newest_message_came(known: Boots, table: BootTable) -> None:
    known.number(
        batch_of(One("a", 1, received=NOW), One("a", 2, received=NOW + 5), One("a", 3, received=NOW + 3))
    )
    assert table.one(GW, "a").heard == NOW + 5
    known.number(batch_of(One("a", 4, received=NOW + 4)))
    assert table.one(GW, "a").heard == NOW + 5


def test_of_more_gateways_than_memory_holds_all_are_read_again(
    known: Boots, table: BootTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "MOST_GATEWAYS", 3)
    for number in range(8):
        known.number(batch_of(One("a", 1, gateway=f"p/f/{number}")))
        assert len(known._gateways) <= 4

    assert known.number(batch_of(One("a", 2, gateway="p/f/0"))).tolist() == [1]


# --- what has come --------------------------------------------------------------------------------------------------------


def test_a_number_is_counted_once_and_repeated_from_then_on(known: Boots) -> None:
    batch = entered(known, One("a", 1), One("a", 2), One("a", 1), One("b", 1), One("a", None), One(None, 5))

    assert (batch.counted, batch.repeated) == ({0, 1, 3}, {2})
    again = entered(known, One("a", 2), One("a", 3))
    assert (again.counted, again.repeated) == ({1}, {0})


def test_a_hole_concerns_the_event_channels_of_its_gateway(known: Boots) -> None:
    """From the last reading before it to the first behind it, whatever the order within a message."""
    assert entered(known, One("a", 1, [12, 10, 11])).disturbed == []
    opened = entered(known, One("a", 3, [40, 30, 35]))
    assert sorted(opened.disturbed) == [(1, 12, 30), (2, 12, 30)]
    assert known.open_holes(1, 0, 100) == [(12, 30)]
    assert known.open_holes(2, 30, 100) == []

    closed = entered(known, One("a", 2, [20]))
    assert (1, 12, 30) in closed.disturbed
    assert known.open_holes(1, 0, 100) == []


def test_a_gateway_without_event_channels_has_no_channels_with_holes(table: BootTable) -> None:
    known = Boots(PLANT, table, lambda: NOW)
    batch = entered(known, One("a", 1, [10], OTHER), One("a", 3, [30], OTHER))

    assert batch.disturbed == []
    assert table.holes(OTHER, 0, 100) == [(10, 30)]


def test_messages_without_readings_bound_no_hole(known: Boots) -> None:
    assert entered(known, One("a", 1, [10]), One("a", 3), One("a", 4, [40])).disturbed == [
        (1, 10, 40),
        (2, 10, 40),
    ]


def test_a_replay_disturbs_every_hole_of_its_gateways_and_gives_messages_their_times(known: Boots) -> None:
    """What was no event channel when a hole opened may be one now."""
    entered(known, One("a", 1, [10]), One("a", 2), One("a", 4, [40]))
    assert known.open_holes(1, 0, 100) == [(10, 40)]

    replayed = batch_of(One("a", 2, [20]))
    replayed.before, replayed.counted = [object()], {0}
    known.enter(replayed)

    assert known.open_holes(1, 0, 100) == [(20, 40)]
    assert {(1, 10, 40), (1, 20, 40)} <= set(replayed.disturbed)
    assert (replayed.counted, replayed.repeated) == ({0}, set())


def test_after_a_rollback_holes_are_found_as_if_it_had_never_been(known: Boots, table: BootTable) -> None:
    """What was rolled back made b the newest boot; it is not, so that the hole before c follows its last reading."""
    entered(known, One("b", 1), One("b", 2, [40]), One("c", 2, [50]))
    assert known.open_holes(1, 0, 100) == [(40, 50)]

    table._connection.execute("BEGIN")
    replayed = batch_of(One("b", 1, [60]))
    replayed.before, replayed.counted = [object()], {0}
    known.enter(replayed)
    table._connection.execute("ROLLBACK")
    known.forget()
    entered(known, One("b", 3, [45]))

    assert known.open_holes(1, 0, 100) == [(45, 50)]


# --- what an ack says -----------------------------------------------------------------------------------------------------


def test_an_ack_lists_boots_latest_first_with_what_is_missing(known: Boots) -> None:
    entered(
        known,
        One("old", 1, received=NOW - 9),
        One("new", 2, received=NOW - 1),
        One("mid", 1, received=NOW - 5),
    )

    assert known.acknowledgements(GW) == [("new", 2, [[1, 1]]), ("mid", 1, []), ("old", 1, [])]
    entered(known, One("old", 2, received=NOW))
    assert known.acknowledgements(GW)[0] == ("old", 2, [])
    assert known.acknowledgements(OTHER) == []


def test_an_ack_leaves_out_boots_that_were_heard_too_long_ago(known: Boots) -> None:
    since = NOW - ACK_DAYS * NS_PER_DAY
    entered(known, One("just", 1, received=since), One("gone", 1, received=since - 1))

    assert [name for name, _, _ in known.acknowledgements(GW)] == ["just"]


def test_an_ack_has_so_many_boots_and_memory_no_more(known: Boots, table: BootTable) -> None:
    entered(known, *(One(f"b{n:03}", 1, received=NOW - 1000 + n) for n in range(MOST_BOOTS + 5)))
    found = [name for name, _, _ in known.acknowledgements(GW)]

    assert found == [f"b{n:03}" for n in range(MOST_BOOTS + 4, 4, -1)]
    assert sorted(known._gateways[GW]) == sorted(found)
    assert [name for name, _, _ in Boots(PLANT, table, lambda: NOW).acknowledgements(GW)] == found


def test_a_boot_that_memory_has_no_more_keeps_its_number_and_what_came_of_it(
    known: Boots, table: BootTable
) -> None:
    entered(known, *(One(f"b{n:03}", 1, received=NOW - 1000 + n) for n in range(MOST_BOOTS + 5)))
    assert "b000" not in known._gateways[GW]
    again = batch_of(One("b000", 1, received=NOW), One("b000", 2, received=NOW))

    assert known.number(again).tolist() == [1, 1]
    known.enter(again)
    assert (again.counted, again.repeated) == ({1}, {0})
    assert known.acknowledgements(GW)[0] == ("b000", 2, [])


def test_an_ack_has_so_many_bytes(known: Boots) -> None:
    messages = [
        One(f"{n:02}" + "x" * 500, seq, received=NOW + n) for n in range(60) for seq in range(1, 260, 2)
    ]
    entered(known, *messages)
    found = known.acknowledgements(GW)
    size = sum(len(made.msgspec.json.encode(told)) for told in found)

    assert 0 < len(found) < 60
    assert size <= MOST_BYTES < size + len(made.msgspec.json.encode(found[-1])) + 1
