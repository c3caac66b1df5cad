"""Section 3: each message and each reading ends once, and how; what decides between two readings of one time."""

import json
from itertools import permutations
from typing import Any

import pytest

from alerts.judging.lifecycle import Phase
from store.messages.journal import DUP
from tests.semantics.world import DAY, HOUR, MINUTE, NOON, SECOND, SITE, World, reading, rfc3339

LATE = 15 * MINUTE
GOOD, UNCERTAIN, BAD, CALIBRATING, FAULT = range(5)


def at(world: World, ago: int = 0, value: float = 60, unit: str = "kW", **more: Any) -> dict[str, Any]:
    """Return a reading of so long before now."""
    return reading("power", world.now - ago, value, unit, **more)


# --- precedence, with mixtures -----------------------------------------------------------------------------------

NEW, KNOWN, LATE_NEW, REFUSED = "new", "known", "late", "refused"


@pytest.mark.parametrize(
    ("mixture", "message", "readings"),
    [
        ([NEW], "accepted", {"accepted": 1}),
        ([LATE_NEW], "late", {"late": 1}),
        ([KNOWN], "duplicate", {"duplicate": 1}),
        ([REFUSED], "quarantined", {"quarantined": 1}),
        ([NEW, LATE_NEW], "accepted", {"accepted": 1, "late": 1}),
        ([NEW, KNOWN], "accepted", {"accepted": 1, "duplicate": 1}),
        ([LATE_NEW, KNOWN], "late", {"late": 1, "duplicate": 1}),
        ([REFUSED, KNOWN], "quarantined", {"quarantined": 1, "duplicate": 1}),
        ([REFUSED, LATE_NEW, NEW], "quarantined", {"quarantined": 1, "late": 1, "accepted": 1}),
        ([NEW, NEW], "accepted", {"accepted": 1, "duplicate": 1}),
    ],
    ids=lambda x: "+".join(x) if isinstance(x, list) else None,
)
@pytest.mark.parametrize("numbered", [True, False])
def test_a_message_ends_as_the_first_of_quarantined_accepted_late_duplicate(
    world: World, mixture: list[str], message: str, readings: dict[str, int], numbered: bool
) -> None:
    kinds = {
        NEW: at(world, 0),
        KNOWN: at(world, MINUTE),
        LATE_NEW: at(world, HOUR),
        REFUSED: at(world, 2 * MINUTE, unit="furlong"),
    }
    world.send(kinds[KNOWN], **({"boot": "b", "seq": 1} if numbered else {}))

    world.send(*[kinds[one] for one in mixture], **({"boot": "b", "seq": 2} if numbered else {}))

    messages, counted = world.balance()
    assert {k: n for k, n in messages.items() if n > (k == "accepted")} == (
        {"accepted": 2} if message == "accepted" else {message: 1}
    )
    counted["accepted"] -= 1
    assert {k: n for k, n in counted.items() if n} == readings


def test_the_other_readings_of_a_quarantined_message_count(world: World) -> None:
    world.send(at(world, MINUTE), at(world, 30 * SECOND, unit="furlong"), at(world))

    assert (
        world.total("power", from_="2026-03-10T12:59:00+07:00", to="2026-03-10T13:00:00+07:00")["activity"]
        == 1
    )


def test_a_reading_just_as_old_as_the_allowed_lateness_is_in_time(world: World) -> None:
    world.send(at(world, LATE))
    world.send(at(world, LATE + 1))

    assert world.balance() == ({"accepted": 1, "late": 1}, {"accepted": 1, "late": 1})


def test_a_new_number_and_no_readings_at_all_is_accepted_and_without_a_number_a_duplicate(
    world: World,
) -> None:
    world.send(boot="b", seq=1)
    world.send()
    world.publish(
        {
            "boot": "b",
            "seq": 2,
            "time": [rfc3339(NOON)],
            "columns": {"power": {"unit": "kW", "values": [None]}},
        }
    )

    assert world.balance() == ({"accepted": 2, "duplicate": 1}, {})


# --- rejected ----------------------------------------------------------------------------------------------------


def test_a_message_is_too_large_from_one_byte_over_256_kib(world: World) -> None:
    fitting = json.dumps({"boot": "b", "seq": 1, "readings": []}).encode()
    world.publish(fitting.ljust(256 * 1024), fitting.ljust(256 * 1024 + 1))

    assert world.balance()[0] == {"accepted": 1, "rejected": 1}
    assert world.codes() == {"too_large": 1}


def test_of_what_is_rejected_topic_size_digest_and_first_kib_are_kept(world: World) -> None:
    world.publish(bytes(300_000))

    [(topic, outcome, code, size, digest, payload)] = world.rows(
        "SELECT topic, outcome, code, size, length(digest), payload FROM quarantine"
    )
    assert (topic, outcome, code) == (f"sm/v1/{SITE}/gw/readings".encode(), "rejected", "too_large")
    assert (size, digest, payload) == (300_000, 16, bytes(1024))


@pytest.mark.parametrize("topic", ["sm/v1/park-a", "sm/v1/park-a/works/gw", "sm/v1/park-a/works/gw/data", "sm/v1//works/gw/readings"])  # fmt: skip
def test_a_topic_outside_the_contract_is_rejected(world: World, topic: str) -> None:
    world.publish({"readings": []}, topic=topic)

    body = world.get("/v1/balance")
    assert (body["messages"]["rejected"], body["codes"]) == (1, {"topic": 1})
    assert body["readings"]["received"] == 0


def test_too_large_comes_before_topic(world: World) -> None:
    world.publish(bytes(300_000), topic="sm/v1/nowhere")

    assert world.get("/v1/balance")["codes"] == {"too_large": 1}


def test_a_retained_message_with_a_time_of_its_own_is_like_any_other(world: World) -> None:
    world.publish({"readings": [at(world)]}, flags=2)

    assert world.balance()[0] == {"accepted": 1}


def test_status_messages_are_no_part_of_the_balance(world: World) -> None:
    world.publish({"online": True}, b"garbage", leaf="status")

    assert world.balance() == ({}, {})
    assert world.rows("SELECT count FROM gateway_status") == [(2,)]


# --- duplicates of what was refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "again"), [(DAY - 1, "duplicate"), (DAY, "quarantined")], ids=["within 24 h", "after 24 h"]
)
@pytest.mark.parametrize("payload", [b"garbage", {"boot": "b", "seq": 1, "readings": [{}]}])
def test_what_was_quarantined_within_24_hours_is_a_duplicate(
    world: World, payload: Any, later: int, again: str
) -> None:
    world.publish(payload)
    world.publish(payload, at=world.now + later)

    assert world.balance()[0] == (
        {"quarantined": 1, "duplicate": 1} if again == "duplicate" else {"quarantined": 2}
    )


def test_24_hours_count_from_what_was_quarantined_not_from_its_duplicate(world: World) -> None:
    for hours in (0, 23, 25):
        world.publish(b"garbage", at=world.now + hours * HOUR)

    assert world.balance()[0] == {"quarantined": 2, "duplicate": 1}


def test_what_was_rejected_within_24_hours_is_a_duplicate(world: World) -> None:
    for hours in (0, 1, 25):
        world.publish(bytes(300_000), at=world.now + hours * HOUR)

    assert world.balance()[0] == {"rejected": 2, "duplicate": 1}


def test_the_same_bytes_on_another_topic_are_no_duplicate(world: World) -> None:
    world.publish(b"garbage")
    world.publish(b"garbage", gateway="gw2")

    assert world.balance("gw2")[0] == {"quarantined": 1}


def test_other_bytes_are_no_duplicate(world: World) -> None:
    world.publish(b"garbage", b"rubbish")

    assert world.balance()[0] == {"quarantined": 2}


def test_solid_b12_messages_without_a_byte_are_duplicates_only_where_the_broker_says_so(world: World) -> None:
    world.publish(b"", b"")
    world.publish(b"")
    world.publish(b"", flags=DUP)
    world.publish(b"", topic="sm/v1/nowhere")
    world.publish(b"", topic="sm/v1/nowhere")

    assert world.balance()[0] == {"quarantined": 3, "duplicate": 1}
    assert world.codes() == {"empty": 3}
    assert world.get("/v1/balance")["codes"] == {"empty": 3, "topic": 2}
    assert world.rows("SELECT count(*) FROM quarantine") == [(5,)]


def test_a_duplicate_within_one_batch_is_one(world: World) -> None:
    world.publish(b"garbage", b"garbage")

    assert world.balance()[0] == {"quarantined": 1, "duplicate": 1}


def test_a_refused_reading_of_a_duplicate_is_a_duplicate(world: World) -> None:
    for _ in range(2):
        world.send(at(world), at(world, MINUTE, unit="furlong"))

    assert world.balance() == (
        {"quarantined": 1, "duplicate": 1},
        {"accepted": 1, "quarantined": 1, "duplicate": 2},
    )


def test_what_is_no_longer_refused_is_no_duplicate_of_what_was(world: World) -> None:
    """Two minutes ahead of its time it was refused; sent again two minutes later it is in time."""
    early = {"readings": [at(world, -3 * MINUTE)]}
    world.publish(early)
    world.publish(early, at=world.now + MINUTE)

    assert world.balance() == ({"quarantined": 1, "accepted": 1}, {"quarantined": 1, "accepted": 1})


# --- sequence numbers --------------------------------------------------------------------------------------------


def test_a_known_number_without_a_new_reading_is_a_duplicate(world: World) -> None:
    world.send(at(world), at(world, MINUTE), boot="b", seq=1)
    world.send(at(world), boot="b", seq=1)

    assert world.balance() == ({"accepted": 1, "duplicate": 1}, {"accepted": 2, "duplicate": 1})


@pytest.mark.parametrize("ago", [MINUTE, HOUR], ids=["in time", "late"])
def test_a_known_number_with_a_new_reading_is_a_conflict_and_the_reading_counts(
    world: World, ago: int
) -> None:
    world.send(at(world), boot="b", seq=1)
    world.send(at(world, ago), boot="b", seq=1)

    assert world.balance()[0] == {"accepted": 1, "quarantined": 1}
    assert world.codes() == {"conflict_seq": 1}
    assert len(world.stored("power")) == 2


def test_the_conflict_again_is_a_duplicate(world: World) -> None:
    world.send(at(world), boot="b", seq=1)
    for _ in range(2):
        world.send(at(world, MINUTE), boot="b", seq=1)

    assert world.balance() == (
        {"accepted": 1, "quarantined": 1, "duplicate": 1},
        {"accepted": 2, "duplicate": 1},
    )


def test_a_known_number_whose_readings_lose_a_conflict_brings_nothing_new(world: World) -> None:
    world.send(at(world, value=60), boot="b", seq=1)
    world.send(at(world, value=50), boot="b", seq=1)

    assert world.balance() == ({"accepted": 1, "duplicate": 1}, {"accepted": 1, "duplicate": 1})


def test_a_known_number_whose_reading_wins_a_conflict_is_a_conflict(world: World) -> None:
    world.send(at(world, value=60), boot="b", seq=1)
    world.send(at(world, value=70), boot="b", seq=1)

    assert world.balance() == ({"accepted": 1, "quarantined": 1}, {"accepted": 2})


def test_a_known_number_in_one_batch_is_known(world: World) -> None:
    one = {"boot": "b", "seq": 1, "readings": [at(world)]}
    world.publish(one, one, {**one, "readings": [at(world, MINUTE)]})

    assert world.balance()[0] == {"accepted": 1, "duplicate": 1, "quarantined": 1}


def test_a_refused_message_again_with_its_fault_mended_is_a_conflict(world: World) -> None:
    """Its number is known: the first was kept."""
    world.send(at(world, unit="furlong"), boot="b", seq=1)
    world.send(at(world), boot="b", seq=1)

    assert world.codes() == {"unit_unknown": 1, "conflict_seq": 1}
    assert world.balance()[1] == {"quarantined": 1, "accepted": 1}


def test_a_number_without_a_boot_is_no_sequence(world: World) -> None:
    world.send(at(world), seq=1)
    world.send(at(world, MINUTE), seq=1)

    assert world.balance()[0] == {"accepted": 2}


@pytest.mark.parametrize("seq", [0, -1, 1.5, "1", True])
def test_a_number_that_is_none_is_quarantined_as_seq_and_its_readings_count(world: World, seq: Any) -> None:
    world.send(at(world), boot="b", seq=seq)

    assert (world.balance(), world.codes()) == (({"quarantined": 1}, {"accepted": 1}), {"seq": 1})


def test_a_reading_without_a_unit_is_refused(world: World) -> None:
    one = at(world)
    del one["unit"]
    world.send(one)

    assert (world.balance(), world.codes()) == (({"quarantined": 1}, {"quarantined": 1}), {"unit_missing": 1})


# --- two readings of one time ------------------------------------------------------------------------------------

REGISTER = "reg"
RATE = "contract"


def one_of(
    world: World, channel: str, first: dict[str, Any], second: dict[str, Any], *, together: bool
) -> World:
    """Let two readings of one time come, in one message or one after the other."""
    unit, gateway = ("kWh", "gw") if channel == REGISTER else ("kW", "gw2")
    messages = [{"boot": one.pop("boot", "b"), "seq": k, "readings": [reading(channel, world.now, **{"unit": unit, **one})]} for k, one in enumerate((dict(first), dict(second)), 1)]  # fmt: skip
    if together:
        world.publish(*messages, gateway=gateway)
    else:
        for message in messages:
            world.publish(message, gateway=gateway)
    return world


ORDER = [
    pytest.param(REGISTER, {"value": 5}, {"value": 6}, id="a register's smaller value"),
    pytest.param(RATE, {"value": 6}, {"value": 5}, id="else the greater value"),
    pytest.param(RATE, {"value": 5, "quality": "good"}, {"value": 6, "quality": "uncertain"}, id="quality before value"),
    pytest.param(RATE, {"value": 5}, {"value": 6, "quality": "uncertain"}, id="none is as good"),
    pytest.param(RATE, {"value": 5, "quality": "uncertain"}, {"value": 6, "quality": "bad"}, id="uncertain before the rest"),
    pytest.param(RATE, {"value": 6, "quality": "fault"}, {"value": 5, "quality": "bad"}, id="the rest are alike: bad"),
    pytest.param(RATE, {"value": 6, "quality": "fault"}, {"value": 5, "quality": "calibrating"}, id="the rest are alike"),
    pytest.param(RATE, {"value": 5, "quality": "bad", "correction": 1}, {"value": 6}, id="correction before quality"),
    pytest.param(RATE, {"value": 5, "correction": 2}, {"value": 6, "correction": 1}, id="the higher correction"),
    pytest.param(RATE, {"value": 5}, {"value": 6, "correction": -1}, id="a negative correction is lower than none"),
    pytest.param(REGISTER, {"value": 5, "reset": True}, {"value": 5}, id="reset before none"),
    pytest.param(REGISTER, {"value": 4}, {"value": 5, "reset": True}, id="value before reset"),
]  # fmt: skip


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("winner_first", [True, False])
@pytest.mark.parametrize(("channel", "winner", "loser"), ORDER)
def test_f089_one_total_order_decides_and_not_arrival(
    world: World,
    channel: str,
    winner: dict[str, Any],
    loser: dict[str, Any],
    winner_first: bool,
    together: bool,
) -> None:
    first, second = (winner, loser) if winner_first else (loser, winner)
    one_of(world, channel, first, second, together=together)

    names = {"good": GOOD, "uncertain": UNCERTAIN, "bad": BAD, "calibrating": CALIBRATING, "fault": FAULT}
    conflict, reset = 2, int(winner.get("reset", False))
    quality = names[winner.get("quality", "good")]
    assert world.stored(channel) == [(winner["value"], quality, conflict | reset)]
    assert world.rows("SELECT count(*) FROM reading_lost") == [(1,)]
    ends = {"accepted": 1, "duplicate": 1} if winner_first else {"accepted": 2}
    assert world.balance("gw" if channel == REGISTER else "gw2") == (ends, ends)


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_f089_of_three_each_that_beats_what_stood_is_accepted(world: World, arrival: tuple[int, ...]) -> None:
    values = [5, 6, 7]
    for place in arrival:
        world.send(at(world, value=values[place]))

    standing, accepted = -1, 0
    for place in arrival:
        accepted += values[place] > standing
        standing = max(standing, values[place])
    assert world.balance()[1] == {k: n for k, n in (("accepted", accepted), ("duplicate", 3 - accepted)) if n}
    assert world.stored("power") == [(7, GOOD, 2)]
    assert world.rows("SELECT value FROM reading_lost ORDER BY value") == [(5,), (6,)]


@pytest.mark.parametrize("arrival", list(permutations((60, 61, 62))))
def test_f089_in_every_order_a_conflict_is_shown_and_its_tonnes_are_the_winner_s(
    world: World, arrival: tuple[int, ...]
) -> None:
    world.send(at(world, MINUTE))
    for value in arrival:
        world.send(at(world, value=value))

    told = world.get(
        "/v1/explain", park="park-a", facility="works", source="power", at=rfc3339(world.now - MINUTE)
    )
    readings = told["window"]["inputs"][0]["readings"]
    assert [(one["value"], one["conflict"]) for one in readings] == [(60, False), (62, True)]
    assert told["result"]["co2e_t"] == 0.5 * (60 + 62) / 60 * 0.6592 / 1000


def test_the_smaller_boot_wins_and_says_the_same(world: World) -> None:
    """Value and quality are the same: there is no conflict, and nothing new."""
    one_of(world, REGISTER, {"value": 5, "boot": "b2"}, {"value": 5, "boot": "b1"}, together=False)

    assert world.balance() == ({"accepted": 1, "duplicate": 1}, {"accepted": 1, "duplicate": 1})
    assert world.stored(REGISTER) == [(5, GOOD, 0)]
    assert world.rows("SELECT b.boot FROM reading JOIN boot b ON b.id = reading.boot") == [("b1",)]


def test_a_conflict_stays_marked_when_its_winner_comes_again(world: World) -> None:
    for value in (60, 70, 70):
        world.send(at(world, value=value))

    assert world.stored("power") == [(70, GOOD, 2)]


# --- accepted times and ranges -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ago", "code"),
    [(45 * DAY, None), (45 * DAY + 1, "ts_old"), (-120 * SECOND, None), (-120 * SECOND - 1, "ts_future")],
)
def test_times_are_accepted_from_max_late_before_arrival_to_120_s_after(
    world: World, ago: int, code: str | None
) -> None:
    world.send(at(world, ago))

    assert world.codes() == ({} if code is None else {code: 1})
    assert len(world.stored("power")) == (code is None)


@pytest.mark.parametrize(
    ("value", "unit", "code"),
    [
        (1000, "kW", None),
        (1000 * (1 + 0.9e-9), "kW", None),
        (1000 * (1 + 1.2e-9), "kW", "range"),
        (1, "MW", None),
        (1.1, "MW", "range"),
        (0, "kW", None),
        (-1e-300, "kW", "below_min"),
    ],
)
def test_ranges_hold_with_their_slack_in_the_channels_unit(
    world: World, value: float, unit: str, code: str | None
) -> None:
    world.send(at(world, value=value, unit=unit))

    assert world.codes() == ({} if code is None else {code: 1})


# --- alert rules -------------------------------------------------------------------------------------------------


def hot(world: World, ago: int, value: float, **more: Any) -> dict[str, Any]:
    return reading("heat", world.now - ago, value, "°C", **more)


def told(world: World) -> list[tuple[str, float]]:
    return [(one["status"], one["value"]) for one in world.alerts()]


def test_a_newer_reading_beyond_the_limit_fires_and_one_at_the_limit_resolves(world: World) -> None:
    world.now += 5 * MINUTE  # since the limit is configured
    world.send(hot(world, 2 * MINUTE, 400))
    assert told(world) == []
    world.send(hot(world, MINUTE, 401))
    assert told(world) == [("firing", 401)]
    world.send(hot(world, 0, 400))
    assert told(world) == [("resolved", 400)]


@pytest.mark.parametrize("together", [True, False], ids=["one micro-batch", "two"])
def test_an_older_reading_beyond_the_limit_is_a_late_breach_and_wakes_nobody(
    world: World, together: bool
) -> None:
    messages = [{"readings": [hot(world, 0, 300)]}, {"readings": [hot(world, MINUTE, 500)]}]
    if together:
        world.publish(*messages)
    else:
        for one in messages:
            world.publish(one)

    assert told(world) == []
    assert world.rows("SELECT rule, value FROM late_breach") == [("hot", 500)]
    assert world.rows("SELECT count(*) FROM webhook") == [(0,)]


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "newest first"])
def test_the_readings_of_one_message_are_judged_in_the_order_of_their_times(world: World, order: int) -> None:
    world.now += 5 * MINUTE
    world.send(*[hot(world, 2 * MINUTE, 300), hot(world, MINUTE, 500), hot(world, 0, 300)][::order])

    assert told(world) == [("resolved", 300)]


def test_a_reading_that_does_not_count_never_fires(world: World) -> None:
    world.send(hot(world, 0, 500, quality="bad"))

    assert told(world) == []


def test_without_a_counting_reading_within_max_gap_the_state_is_unknown(world: World) -> None:
    def state() -> str:
        return Phase(world.rows("SELECT state FROM rule_state WHERE rule = 'hot'")[0][0]).name.lower()

    world.send(hot(world, 0, 300))
    began = world.now
    world.tick(began + 10 * MINUTE)
    assert state() == "ok"

    world.send(hot(world, 0, 300, quality="bad"))
    world.tick(began + 10 * MINUTE + 1)
    assert state() == "unknown"


def test_an_alert_outlives_an_unknown_state(world: World) -> None:
    world.send(hot(world, 0, 500))
    world.tick(world.now + HOUR)

    assert told(world) == [("firing", 500)]


def test_a_rule_on_windows_judges_a_window_a_minute_after_its_end(world: World) -> None:
    """200 kW are 0.13 t/h, over the limit of 0.1."""
    world.send(*[at(world, -s * SECOND, 200) for s in (0, 60)])
    began = world.now
    world.tick(began + 2 * MINUTE - 1)
    assert told(world) == []

    world.tick(began + 2 * MINUTE)
    assert [one["rule"] for one in world.alerts()] == ["much"]
    assert world.alerts()[0]["value"] == pytest.approx(200 * 0.6592 / 1000)


def test_a_window_that_is_filled_after_it_was_judged_wakes_nobody(world: World) -> None:
    began = world.now
    world.tick(began + 3 * MINUTE)
    world.send(*[reading("power", began + s * SECOND, 200, "kW") for s in (0, 60)])
    world.tick(began + 10 * MINUTE)

    assert told(world) == []
