"""Section 1, the other kinds: what of a window is known, at the edges of windows, gaps and holes."""

import pytest

from tests.semantics.world import DAY, HOUR, MINUTE, NOON, SECOND, World, reading

KNOWN_ZERO, UNKNOWN = (0.0, 1.0), (None, 0.0)


def near(minutes: dict[int, tuple[float | None, float]]) -> list[tuple[float | None, float]]:
    """Return windows, rounded to what two implementations must agree on."""
    return [(None if v is None else round(v, 12), round(c, 9)) for v, c in minutes.values()]


# --- which readings count ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", ["bad", "fault", "calibrating"])
def test_a_reading_that_does_not_count_is_as_if_absent_and_stored(world: World, quality: str) -> None:
    world.send(
        reading("power", NOON, 60, "kW"),
        reading("power", NOON + MINUTE, 900, "kW", quality=quality),
        reading("power", NOON + 2 * MINUTE, 60, "kW"),
    )

    assert near(world.activity("power", NOON, NOON + 2 * MINUTE)) == [(1.0, 1.0)] * 2
    assert [value for value, _, _ in world.stored("power")] == [60, 900, 60]


@pytest.mark.parametrize("more", [{}, {"quality": "good"}, {"quality": "uncertain"}, {"quality": None}])
def test_good_uncertain_and_unsaid_count(world: World, more: dict[str, str]) -> None:
    world.send(reading("power", NOON, 60, "kW"), reading("power", NOON + MINUTE, 60, "kW", **more))

    assert near(world.activity("power", NOON, NOON + MINUTE)) == [(1.0, 1.0)]


def test_a_counting_reading_that_turns_bad_by_a_correction_is_taken_back(world: World) -> None:
    world.send(reading("power", NOON, 60, "kW"), reading("power", NOON + MINUTE, 60, "kW"))
    world.send(reading("power", NOON + MINUTE, 60, "kW", quality="bad", correction=1))

    assert near(world.activity("power", NOON, NOON + MINUTE)) == [UNKNOWN]


# --- windows are half-open ---------------------------------------------------------------------------------------


def test_an_event_at_a_window_s_start_belongs_to_it(world: World) -> None:
    world.send(reading("diesel", NOON, 3, "L"))

    assert near(world.activity("diesel", NOON - MINUTE, NOON + MINUTE)) == [KNOWN_ZERO, (3.0, 1.0)]


def test_an_event_a_nanosecond_before_belongs_to_the_window_before(world: World) -> None:
    world.send(reading("diesel", NOON - 1, 3, "L"))

    assert near(world.activity("diesel", NOON - MINUTE, NOON + MINUTE)) == [(3.0, 1.0), KNOWN_ZERO]


def test_an_interval_that_ends_at_noon_belongs_to_the_windows_before(world: World) -> None:
    world.send(reading("quarter", NOON, 15))

    windows = near(world.activity("quarter", NOON - 16 * MINUTE, NOON + MINUTE))
    assert windows == [UNKNOWN, *[(1.0, 1.0)] * 15, UNKNOWN]


# --- interval ----------------------------------------------------------------------------------------------------


def test_overlapping_intervals_add_and_their_coverage_is_the_union(world: World) -> None:
    world.send(reading("quarter", NOON, 15), reading("quarter", NOON + 5 * MINUTE, 30))

    windows = near(world.activity("quarter", NOON - 15 * MINUTE, NOON + 5 * MINUTE))
    assert windows == [*[(1.0, 1.0)] * 5, *[(3.0, 1.0)] * 10, *[(2.0, 1.0)] * 5]


def test_a_time_without_an_interval_is_missing(world: World) -> None:
    world.send(reading("quarter", NOON, 15), reading("quarter", NOON + 20 * MINUTE + 30 * SECOND, 15))

    windows = near(world.activity("quarter", NOON - MINUTE, NOON + 7 * MINUTE))
    assert windows == [(1.0, 1.0), *[UNKNOWN] * 5, (0.5, 0.5), (1.0, 1.0)]


def test_intervals_that_overlap_across_a_hole_cover_what_they_are_of(world: World) -> None:
    """Ends at 12:00, 12:10 and 12:40: 11:45 to 12:10 and 12:25 to 12:40."""
    world.send(*[reading("quarter", NOON + m * MINUTE, 15) for m in (40, 0, 10)])

    windows = world.activity("quarter", NOON - 15 * MINUTE, NOON + 40 * MINUTE)
    assert [m - 15 for m, (_, covered) in windows.items() if covered == 0] == list(range(10, 25))
    assert sum(value or 0 for value, _ in windows.values()) == pytest.approx(45, rel=1e-12)


# --- rate --------------------------------------------------------------------------------------------------------


def test_a_rate_is_a_trapezoid(world: World) -> None:
    world.send(reading("power", NOON, 0, "kW"), reading("power", NOON + 2 * MINUTE, 120, "kW"))

    assert near(world.activity("power", NOON, NOON + 2 * MINUTE)) == [(0.5, 1.0), (1.5, 1.0)]


@pytest.mark.parametrize(("more", "windows"), [(0, [(1.0, 1.0)] * 10), (1, [UNKNOWN] * 10)])
def test_an_interval_longer_than_max_gap_is_missing_as_a_whole(
    world: World, more: int, windows: list[tuple[float, float]]
) -> None:
    world.send(reading("power", NOON, 60, "kW"), reading("power", NOON + 10 * MINUTE + more, 60, "kW"))

    assert near(world.activity("power", NOON, NOON + 10 * MINUTE)) == windows


def test_a_window_of_a_gap_is_known_in_part(world: World) -> None:
    half = 30 * SECOND
    world.send(*[reading("power", NOON + t, 60, "kW") for t in (0, half, half + 20 * MINUTE, 21 * MINUTE)])

    windows = near(world.activity("power", NOON, NOON + 21 * MINUTE))
    assert windows == [(0.5, 0.5), *[UNKNOWN] * 19, (0.5, 0.5)]


def test_a_reading_within_a_gap_makes_it_known(world: World) -> None:
    world.send(reading("power", NOON, 60, "kW"), reading("power", NOON + 20 * MINUTE, 60, "kW"))
    assert near(world.activity("power", NOON, NOON + 20 * MINUTE)) == [UNKNOWN] * 20

    world.send(reading("power", NOON + 10 * MINUTE, 60, "kW"))
    assert near(world.activity("power", NOON, NOON + 20 * MINUTE)) == [(1.0, 1.0)] * 20


def test_a_held_value_holds_to_the_next_reading(world: World) -> None:
    world.send(reading("held", NOON, 60, "kW"), reading("held", NOON + 90 * SECOND, 120, "kW"))

    windows = near(world.activity("held", NOON, NOON + 2 * MINUTE))
    assert windows == [(1.0, 1.0), (0.5, 0.5)]  # and nothing of the next until another has arrived


def test_a_held_value_holds_for_max_gap_at_most(world: World) -> None:
    world.send(reading("held", NOON, 60, "kW"), reading("held", NOON + 15 * MINUTE, 60, "kW"))

    assert near(world.activity("held", NOON, NOON + 15 * MINUTE)) == [*[(1.0, 1.0)] * 10, *[UNKNOWN] * 5]


def test_a_value_that_is_held_counts_nothing_until_the_next_has_arrived(world: World) -> None:
    world.send(reading("held", NOON, 60, "kW"))

    assert near(world.activity("held", NOON, NOON + MINUTE)) == [UNKNOWN]


# --- level -------------------------------------------------------------------------------------------------------


def test_a_level_is_the_time_weighted_mean_of_its_lines(world: World) -> None:
    """10 falling to 4 within 20 s, then 4 for 40 s: 7 for a third and 4 for two thirds."""
    world.send(*[reading("heat", NOON + t * SECOND, v, "°C") for t, v in ((0, 10), (20, 4), (60, 4))])

    assert near(world.activity("heat", NOON, NOON + MINUTE)) == [(5.0, 1.0)]


def test_a_level_is_the_mean_over_the_covered_part_only(world: World) -> None:
    world.send(reading("heat", NOON + 45 * SECOND, 8, "°C"), reading("heat", NOON + MINUTE, 10, "°C"))

    assert near(world.activity("heat", NOON, NOON + MINUTE)) == [(9.0, 0.25)]


def test_a_level_with_one_reading_is_unknown(world: World) -> None:
    world.send(reading("heat", NOON, 8, "°C"))

    assert near(world.activity("heat", NOON - MINUTE, NOON + MINUTE)) == [UNKNOWN] * 2


def test_a_level_over_a_gap_is_missing(world: World) -> None:
    world.send(reading("heat", NOON, 8, "°C"), reading("heat", NOON + 10 * MINUTE + 1, 8, "°C"))

    assert near(world.activity("heat", NOON, NOON + 10 * MINUTE)) == [UNKNOWN] * 10


# --- event and the holes of its gateway's sequence -----------------------------------------------------------------


def filled(world: World, seq: int, minute: float, amount: float = 1, boot: str = "b1") -> None:
    """Let a message tell of one filling."""
    world.send(reading("diesel", NOON + int(minute * MINUTE), amount, "L"), boot=boot, seq=seq)


def test_absence_of_events_is_no_gap(world: World) -> None:
    filled(world, 1, 0)
    filled(world, 2, 30)

    assert {c for _, c in world.activity("diesel", NOON, NOON + 40 * MINUTE).values()} == {1.0}


def test_an_open_hole_is_missing_between_the_readings_on_both_sides(world: World) -> None:
    filled(world, 1, 0.5)
    filled(world, 3, 3.5)

    windows = near(world.activity("diesel", NOON, NOON + 5 * MINUTE))
    assert windows == [(1.0, 0.5), UNKNOWN, UNKNOWN, (1.0, 0.5), KNOWN_ZERO]
    assert world.total("diesel")["activity"] == 2


def test_an_open_hole_lowers_the_coverage_of_totals_and_series(world: World) -> None:
    """Also where none of its windows was ever known: of five minutes three are missing."""
    world.now = NOON + 5 * MINUTE
    filled(world, 1, 0.5)
    filled(world, 3, 3.5)

    assert world.total("diesel")["coverage"] == pytest.approx(2 / 5)
    windows = world.windows("diesel", NOON, NOON + 5 * MINUTE, "activity")
    assert [c for _, c in windows] == pytest.approx([0.5, 0, 0, 0.5, 1])
    assert [value for value, _ in windows] == [1, None, None, 1, 0]

    filled(world, 2, 2)
    assert world.total("diesel")["coverage"] == 1.0


def test_a_hole_that_closes_is_no_gap_any_more(world: World) -> None:
    filled(world, 1, 0.5)
    filled(world, 3, 3.5)
    filled(world, 2, 2)

    windows = near(world.activity("diesel", NOON, NOON + 5 * MINUTE))
    assert windows == [(1.0, 1.0), KNOWN_ZERO, (1.0, 1.0), (1.0, 1.0), KNOWN_ZERO]
    assert world.total("diesel")["coverage"] == 1.0


def test_a_hole_that_closes_in_part_is_missing_in_part(world: World) -> None:
    filled(world, 1, 0)
    filled(world, 4, 4)
    filled(world, 2, 1)

    assert [c for _, c in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))] == [1, 0, 0, 0, 1]


def test_an_event_at_the_edge_of_a_hole_is_an_amount_all_the_same(world: World) -> None:
    """Fillings on whole minutes, and the message between them lost: what was read is known, to the last litre."""
    filled(world, 1, 0, 10)
    filled(world, 3, 2, 20)

    values = [value for value, _ in near(world.activity("diesel", NOON, NOON + 3 * MINUTE))]
    assert values == [10.0, None, 20.0]
    assert world.total("diesel")["activity"] == 30


def test_an_event_within_a_hole_is_an_amount_all_the_same(world: World) -> None:
    """Told by a later message: message 2 is still missing, and another filling of its time may be in it."""
    filled(world, 1, 0.5, 10)
    filled(world, 3, 4.5, 20)
    filled(world, 4, 2.5, 40)

    assert world.total("diesel")["activity"] == 70
    values = [value for value, _ in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))]
    assert values == [10.0, None, 40.0, None, 20.0]


def test_a_hole_lies_from_the_earlier_side_to_the_later(world: World) -> None:
    """The message after the hole tells of an earlier time than the one before it."""
    filled(world, 1, 4.5)
    filled(world, 3, 1.5)

    windows = near(world.activity("diesel", NOON, NOON + 6 * MINUTE))
    assert [c for _, c in windows] == [1, 0.5, 0, 0, 0.5, 1]


def test_a_hole_at_a_boot_s_start_reaches_back_to_the_boot_before(world: World) -> None:
    filled(world, 1, 0.5, boot="b1")
    filled(world, 2, 3.5, boot="b2")

    assert [c for _, c in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))] == [0.5, 0, 0, 0.5, 1]

    filled(world, 1, 3, boot="b2")
    assert {c for _, c in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))} == {1}


def test_a_hole_at_the_start_of_the_first_boot_reaches_back_to_nothing(world: World) -> None:
    filled(world, 5, 3)

    assert {c for _, c in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))} == {1}


def test_f094_a_boot_that_begins_with_1_leaves_no_hole(world: World) -> None:
    filled(world, 1, 0.5, boot="b1")
    filled(world, 1, 3.5, boot="b2")

    assert {c for _, c in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))} == {1}


def test_a_hole_is_of_its_own_gateway_s_event_channels(world: World) -> None:
    filled(world, 1, 0.5)
    filled(world, 3, 3.5)
    world.send(reading("other", NOON, 1, "L"), gateway="gw2", boot="b1", seq=1)

    assert {c for _, c in world.activity("other", NOON, NOON + 5 * MINUTE).values()} == {1}


def test_a_hole_is_none_for_channels_of_other_kinds(world: World) -> None:
    for seq, minute in ((1, 0), (3, 5)):
        world.send(reading("power", NOON + minute * MINUTE, 60, "kW"), boot="b1", seq=seq)

    assert {c for _, c in world.activity("power", NOON, NOON + 5 * MINUTE).values()} == {1}


def test_a_hole_told_by_messages_of_other_channels_is_one_for_events(world: World) -> None:
    for seq, minute in ((1, 0), (3, 5)):
        world.send(reading("power", NOON + minute * MINUTE, 60, "kW"), boot="b1", seq=seq)

    assert {c for _, c in world.activity("diesel", NOON, NOON + 5 * MINUTE).values()} == {0}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (1, 0, 3, 2)])
def test_holes_are_a_function_of_the_set_of_messages(world: World, order: tuple[int, ...]) -> None:
    """b1 lost its second message, b2 its first; whichever boot is heard first, the same time is missing."""
    told = [(1, 0.5, "b1"), (3, 2.5, "b1"), (2, 5.5, "b2"), (3, 6.5, "b2")]
    for place in order:
        seq, minute, boot = told[place]
        filled(world, seq, minute, boot=boot)

    windows = near(world.activity("diesel", NOON, NOON + 8 * MINUTE))
    assert [c for _, c in windows] == [0.5, 0, 0, 0, 0, 0.5, 1, 1]


@pytest.mark.parametrize("arrival", [NOON + 4 * MINUTE, NOON + HOUR], ids=["at once", "an hour later"])
@pytest.mark.parametrize("empty", [2, 4], ids=["before the hole", "after it"])
def test_a_message_without_readings_has_no_time_of_its_own(world: World, empty: int, arrival: int) -> None:
    """Message 3 is lost, 2 or 4 says nothing: the hole lies between the readings around both, whenever they came."""
    world.now = arrival
    filled(world, 1, 0.5)
    if empty == 4:
        filled(world, 2, 1.5)
    world.send(boot="b1", seq=empty)
    if empty == 2:
        filled(world, 4, 2.5)
    filled(world, 5, 3.5)

    missing = [c for _, c in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))]
    assert missing == {2: [0.5, 0, 0.5, 1, 1], 4: [1, 0.5, 0, 0.5, 1]}[empty]


def test_a_hole_at_a_boot_s_start_goes_on_over_messages_without_readings(world: World) -> None:
    filled(world, 1, 0.5, boot="b1")
    world.send(boot="b2", seq=2)
    filled(world, 3, 3.5, boot="b2")

    assert [c for _, c in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))] == [0.5, 0, 0, 0.5, 1]


def test_a_hole_survives_a_restart(world: World) -> None:
    filled(world, 1, 0.5)
    filled(world, 3, 3.5)
    world.restart()
    filled(world, 4, 4.5)

    assert [c for _, c in near(world.activity("diesel", NOON, NOON + 5 * MINUTE))] == [0.5, 0, 0, 0.5, 1]


# --- the same reading --------------------------------------------------------------------------------------------


def test_two_units_of_one_value_are_one_reading(world: World) -> None:
    """700 Wh become 0.7000000000000001 kWh."""
    world.send(reading("quarter", NOON, 0.7))
    world.send(reading("quarter", NOON, 700, "Wh"))

    assert world.balance()[1] == {"late": 1, "duplicate": 1}
    assert [flags for _, _, flags in world.stored("quarter")] == [0]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("channel", "kept"), [("reg", 0.7), ("quarter", 700 * 0.001)])
def test_the_total_order_picks_whose_bits_stay(world: World, channel: str, kept: float, first: int) -> None:
    both = [reading(channel, NOON, 0.7), reading(channel, NOON, 700, "Wh")]
    for one in (both[first], both[1 - first]):
        world.send(one)

    assert [value for value, _, _ in world.stored(channel)] == [kept]


def test_a_payload_in_another_unit_becomes_the_channel_s(world: World) -> None:
    world.send(reading("power", NOON, 0.06, "MW"), reading("power", NOON + MINUTE, 60_000, "W"))

    assert near(world.activity("power", NOON, NOON + MINUTE)) == [(1.0, 1.0)]


def test_a_register_of_another_unit_is_judged_in_the_channel_s(world: World) -> None:
    """9.995 MWh to 3 kWh is a rollover of 10000 kWh."""
    world.now = NOON + 3 * HOUR
    world.send(reading("reg", NOON, 9.995, "MWh"), reading("reg", NOON + MINUTE, 3))

    assert near(world.activity("reg", NOON, NOON + MINUTE)) == [(8.0, 1.0)]


def test_readings_of_long_ago_are_judged_as_those_of_now(world: World) -> None:
    world.send(*[reading("power", NOON - 40 * DAY + k * MINUTE, 60, "kW") for k in range(3)])

    assert near(world.activity("power", NOON - 40 * DAY, NOON - 40 * DAY + 2 * MINUTE)) == [(1.0, 1.0)] * 2
