"""Section 4: the three payloads say the same, and the ack says what is held."""

from typing import Any

import pytest

from tests.semantics.world import DAY, MINUTE, NOON, SECOND, World, reading, rfc3339

Ack = list[tuple[str, int, list[list[int]]]]


def acks(world: World) -> Ack:
    """Return (boot, received_through, missing), in the ack's order."""
    return world.line.acknowledgements("park-a/works/gw")


def hear(world: World, *seqs: int, boot: str = "b", at: int = 0) -> None:
    """Let messages without readings come."""
    for seq in seqs:
        world.publish({"boot": boot, "seq": seq, "readings": []}, at=at or world.now)


# --- payloads ----------------------------------------------------------------------------------------------------

HEAD = {"boot": "b", "seq": 1}
TIMES = [NOON, NOON + MINUTE, NOON + 2 * MINUTE]
SINGLE = [
    HEAD | {"seq": 1} | reading("reg", TIMES[0], 1),
    HEAD | {"seq": 2} | reading("reg", TIMES[1], 2, quality="uncertain", correction=3),
    HEAD | {"seq": 3} | reading("reg", TIMES[2], 3, reset=True),
]
BATCH = [HEAD | {"readings": [{k: v for k, v in one.items() if k not in HEAD} for one in SINGLE]}]
COLUMNAR = [
    HEAD
    | {
        "time": [rfc3339(NOON - MINUTE), *map(rfc3339, TIMES)],
        "columns": {
            "reg": {
                "unit": "kWh",
                "values": [None, 1, 2, 3],
                "quality": [None, None, "uncertain", "good"],
                "correction": [None, None, 3, None],
                "reset": [None, False, None, True],
            }
        },
    }
]


@pytest.mark.parametrize("messages", [SINGLE, BATCH, COLUMNAR], ids=["single", "batch", "columnar"])
def test_the_three_forms_say_the_same(world: World, messages: list[Any]) -> None:
    world.publish(*messages)

    found = world.rows("SELECT time, value, quality, flags, correction FROM reading ORDER BY time")
    assert found == [(TIMES[0], 1, 0, 0, 0), (TIMES[1], 2, 1, 0, 3), (TIMES[2], 3, 0, 1, 0)]
    assert world.balance()[0] == {"late": len(messages)}


@pytest.mark.parametrize(
    ("time", "code"),
    [
        ("2026-03-10T12:30:00+07:00", None),
        ("2026-03-10T05:30:00Z", None),
        ("2026-03-10T05:30:00.123456789Z", None),
        ("2026-03-10T05:30:00", "ts_naive"),
        ("2026-03-10T05:30:60Z", "ts_invalid"),
        ("2026-03-10T05:30:00.1234567891Z", "ts_precision"),
        ("2026-03-10T05:30:00Z\0", "ts_invalid"),
        (1773120600, "ts_invalid"),
    ],
)
def test_a_time_is_rfc_3339_with_zone(world: World, time: Any, code: str | None) -> None:
    world.send(reading("reg", NOON, 1) | {"time": time})

    assert world.codes() == ({} if code is None else {code: 1})


@pytest.mark.parametrize("channel", ["reg", "power", "quarter", "diesel"])
def test_bc06_a_reading_without_a_time_of_its_own_feeds_nothing(world: World, channel: str) -> None:
    """The time of arrival never stands for it, whatever the kind of its channel."""
    one = reading(channel, NOON, 1, {"power": "kW", "diesel": "L"}.get(channel, "kWh"))
    world.send({key: value for key, value in one.items() if key != "time"})

    assert (world.balance()[0], world.stored(channel)) == ({"quarantined": 1}, [])


@pytest.mark.parametrize(
    "payload",
    [
        b'{"boot": "b", "seq": 1, "channel": "power", "time": "2026-03-10T05:30:00Z", "value": 1e%s, "unit": "kW"}'
        % (b"9" * 400),
        b'{"boot": "b", "seq": 1, "channel": "power", "time": "2026-03-10T05:30:00Z", "value": 1e-999999999, "unit": "kW"}',
    ],
    ids=["huge exponent", "tiny number"],
)
def test_a_number_that_stops_naive_parsers_ends_as_something(world: World, payload: bytes) -> None:
    world.publish(payload)
    world.send(reading("power", world.now, 1, "kW"))

    assert sum(world.balance()[0].values()) == 2


# --- acks --------------------------------------------------------------------------------------------------------


def test_an_ack_says_what_is_missing_below_what_was_received(world: World) -> None:
    hear(world, 1, 2, 5, 9)

    assert acks(world) == [("b", 9, [[3, 4], [6, 8]])]


def test_a_sequence_starts_at_1(world: World) -> None:
    hear(world, 4)

    assert acks(world) == [("b", 4, [[1, 3]])]


@pytest.mark.parametrize(("ranges", "through"), [(100, 201), (101, 201), (102, 201)])
def test_a_list_cut_at_100_ranges_lowers_received_through(world: World, ranges: int, through: int) -> None:
    hear(world, *range(1, 2 * ranges + 2, 2))

    assert acks(world) == [("b", through, [[k, k] for k in range(2, 201, 2)])]


def test_boots_are_listed_latest_heard_first_duplicates_included(world: World) -> None:
    for step, boot in enumerate(("b1", "b2", "b3", "b1")):
        hear(world, 1, boot=boot, at=world.now + step * SECOND)

    assert [boot for boot, _, _ in acks(world)] == ["b1", "b3", "b2"]


def test_a_boot_is_listed_for_7_days(world: World) -> None:
    hear(world, 1)
    began = world.now

    world.now = began + 7 * DAY
    assert acks(world) == [("b", 1, [])]
    world.now = began + 7 * DAY + 1
    assert acks(world) == []

    hear(world, 1)
    assert acks(world) == [("b", 1, [])]


def test_an_ack_remembers_over_a_restart(world: World) -> None:
    hear(world, 1, 4)
    world.restart()

    assert acks(world) == [("b", 4, [[2, 3]])]


QUARANTINED: list[Any] = [
    {"boot": "b", "seq": 1, "readings": [reading("reg", NOON, 1, "furlong")]},
    {"boot": "b", "seq": 1, "readings": "none"},
    {"boot": "b", "seq": 1},
    {"boot": "b", "seq": 1, "gateway": "another", "readings": []},
    {"boot": "b", "seq": 1, "readings": [reading("reg", NOON - 1000 * DAY, 1)]},
]


@pytest.mark.parametrize("payload", QUARANTINED, ids=["unit", "type", "form", "identity", "time"])
def test_what_is_quarantined_with_a_readable_number_counts_as_received(world: World, payload: Any) -> None:
    world.publish(payload)

    assert world.balance()[0] == {"quarantined": 1}
    assert acks(world) == [("b", 1, [])]


UNREADABLE = [
    b'{"boot": "b", "seq": 2, "readings": [',
    b'{"boot": "b", "seq": 2, "readings": []}'.ljust(300_000),
]


@pytest.mark.parametrize("payload", UNREADABLE, ids=["not decodable", "too large"])
def test_a_number_that_could_not_be_read_stays_missing(world: World, payload: bytes) -> None:
    hear(world, 1, 3)
    world.publish(payload)

    assert acks(world) == [("b", 3, [[2, 2]])]


def test_a_conflict_of_numbers_takes_nothing_back(world: World) -> None:
    world.send(reading("reg", NOON, 1), boot="b", seq=1)
    world.send(reading("reg", NOON + MINUTE, 1), boot="b", seq=1)

    assert acks(world) == [("b", 1, [])]
