"""Section 1, registers: what each step of a display counts, at the limits and one step beyond them."""

import pytest

from tests.semantics.world import GRID, HOUR, MINUTE, NOON, SECOND, World, reading

SPAN = {"from_": "2026-03-10T12:00:00+07:00", "to": "2026-03-10T15:00:00+07:00"}
MAX_GAP = 30 * MINUTE
COUNTED, UNCOUNTED, OUTLIER, HELD, ANOMALY, RESET, ROLLOVER, BASELINE = range(8)


def show(world: World, channel: str, *displays: tuple[float, float], **more: object) -> None:
    """Let a meter show (minutes after noon, value), each in a message of its own."""
    world.now = NOON + 3 * HOUR
    for minute, value in displays:
        world.send(reading(channel, NOON + int(minute * MINUTE), value, **more))


def verdicts(world: World, channel: str) -> list[int]:
    rows = world.rows(
        "SELECT verdict FROM reading JOIN channel c ON c.id = channel WHERE name = ? ORDER BY time", channel
    )
    return [row[0] for row in rows]


def counted(world: World, source: str) -> float | None:
    """Return the kWh of all windows."""
    amount: float | None = world.total(source, **SPAN)["activity"]
    return amount


def covered(world: World, channel: str, start: float, end: float) -> float:
    """Return the covered share of the minutes from `start` to `end`."""
    windows = world.activity(channel, NOON + int(start * MINUTE), NOON + int(end * MINUTE))
    return sum(coverage for _, coverage in windows.values()) / len(windows)


def test_the_first_reading_is_a_baseline_only(world: World) -> None:
    show(world, "reg", (0, 100))

    assert (verdicts(world, "reg"), counted(world, "reg")) == ([BASELINE], None)


def test_a_register_is_linear_between_neighbours_over_any_gap(world: World) -> None:
    show(world, "reg", (0, 100), (120, 220))

    assert {value for value, _ in world.windows("reg", NOON, NOON + 2 * HOUR)} == {1.0 * GRID}
    assert covered(world, "reg", 0, 120) == 1.0


@pytest.mark.parametrize(("longer", "measured"), [(0, 1.0), (1, 0.0)])
def test_an_interval_longer_than_max_gap_counts_as_interpolated(
    world: World, longer: int, measured: float
) -> None:
    world.now = NOON + 3 * HOUR
    end = NOON + MAX_GAP + longer * SECOND
    world.send(reading("reg", NOON, 100), reading("reg", end, 130))

    shares = world.total("reg", from_="2026-03-10T12:00:00+07:00", to="2026-03-10T12:30:00+07:00")["shares"]
    assert (shares["measured"], shares["interpolated"]) == (measured, 1 - measured)


# --- rule 2: plausible -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "verdict"), [(300.0, COUNTED), (300 * (1 + 0.9e-9), COUNTED), (300 * (1 + 1.2e-9), HELD)]
)
def test_max_rate_is_inclusive_with_its_slack(world: World, step: float, verdict: int) -> None:
    show(world, "reg", (0, 0), (30, step))

    assert verdicts(world, "reg")[-1] == verdict


def test_a_step_down_by_less_than_1e_12_is_no_step(world: World) -> None:
    show(world, "reg", (0, 100), (1, 100 * (1 - 0.9e-12)), (2, 101))

    assert verdicts(world, "reg") == [BASELINE, COUNTED, COUNTED]
    assert counted(world, "reg") == pytest.approx(1, rel=1e-9)


def test_the_ratio_comes_last_and_max_rate_is_of_the_display(world: World) -> None:
    show(world, "ct", (0, 0), (1, 10))  # 10 in a minute are 600 an hour

    assert counted(world, "ct") == 400


# --- rule 3: rollover --------------------------------------------------------------------------------------------


def test_a_rollover_counts_over_the_modulus(world: World) -> None:
    show(world, "reg", (0, 9_995), (1, 3))

    assert (verdicts(world, "reg")[-1], counted(world, "reg")) == (ROLLOVER, 8)


def test_a_rollover_beyond_max_rate_is_none(world: World) -> None:
    show(world, "reg", (0, 9_995), (1, 5.1), (2, 5.2))

    assert (verdicts(world, "reg")[1], counted(world, "reg")) == (ANOMALY, pytest.approx(0.1))


def test_no_rollover_where_the_meter_could_go_round_in_the_time(world: World) -> None:
    """600 an hour go round 10000 in 16 h 40 min."""
    world.now = NOON + 3 * HOUR
    before, after = NOON - 1000 * MINUTE, NOON
    world.send(reading("reg", before, 9_000), reading("reg", after, 10), reading("reg", after + MINUTE, 11))

    assert verdicts(world, "reg") == [BASELINE, ANOMALY, COUNTED]


def test_a_rollover_just_before_the_meter_could_go_round_counts(world: World) -> None:
    world.now = NOON + 3 * HOUR
    world.send(reading("reg", NOON - 999 * MINUTE, 9_000), reading("reg", NOON, 10))

    assert verdicts(world, "reg") == [BASELINE, ROLLOVER]


def test_a_first_reading_above_the_modulus_makes_no_negative_energy(world: World) -> None:
    """A spike of six digits as the baseline, then the true display: r-b+modulus is far below 0, and no rollover."""
    show(world, "reg", (0, 999_999), (1, 5_000), (2, 5_001))

    assert verdicts(world, "reg") == [BASELINE, ANOMALY, COUNTED]
    assert counted(world, "reg") == 1


# --- rule 1: reset -----------------------------------------------------------------------------------------------


def test_a_stated_reset_counts_what_is_shown_as_interpolated(world: World) -> None:
    world.now = NOON + 3 * HOUR
    world.send(reading("reg", NOON, 500), reading("reg", NOON + 10 * MINUTE, 20, reset=True))

    total = world.total("reg", from_="2026-03-10T12:00:00+07:00", to="2026-03-10T12:10:00+07:00")
    assert total["activity"] == pytest.approx(20, rel=1e-12)
    assert total["shares"]["interpolated"] == 1.0


def test_a_stated_reset_counts_whatever_the_sign(world: World) -> None:
    """The new display is above the old one: without the gateway's word it would be a step of 2."""
    world.now = NOON + 3 * HOUR
    world.send(reading("reg", NOON, 5), reading("reg", NOON + MINUTE, 7, reset=True))

    assert (verdicts(world, "reg")[-1], counted(world, "reg")) == (RESET, 7)


@pytest.mark.parametrize(("shown", "verdict"), [(10 * (1 + 0.9e-9), RESET), (10 * (1 + 1.2e-9), COUNTED)])
def test_a_stated_reset_to_more_than_max_rate_allows_is_none(
    world: World, shown: float, verdict: int
) -> None:
    """It is then tested on: from 5 to a little over 10 is plausible."""
    world.now = NOON + 3 * HOUR
    world.send(reading("reg", NOON, 5), reading("reg", NOON + MINUTE, shown, reset=True))

    assert verdicts(world, "reg")[-1] == verdict


def test_a_reset_to_less_than_nothing_makes_no_negative_energy(world: World) -> None:
    world.now = NOON + 3 * HOUR
    world.send(reading("free", NOON, 5), reading("free", NOON + MINUTE, -7, reset=True))

    assert counted(world, "free") is None


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [("b1", "b2", RESET), ("b1", "b1", HELD), (None, "b2", HELD), ("b1", None, HELD)],
    ids=["two boots", "one boot", "none before", "none after"],
)
def test_a_counter_in_the_gateway_is_reset_by_another_boot(
    world: World, before: str | None, after: str | None, verdict: int
) -> None:
    for seq, (boot, minute, value) in enumerate([(before, 0, 500), (after, 1, 4)], 1):
        envelope = {} if boot is None else {"boot": boot, "seq": seq}
        world.send(reading("pulses", NOON + minute * MINUTE, value), **envelope)

    assert verdicts(world, "pulses")[-1] == verdict


def test_another_boot_is_no_evidence_for_a_counter_in_the_meter(world: World) -> None:
    for boot, minute, value in [("b1", 0, 500), ("b2", 1, 4)]:
        world.send(reading("ct", NOON + minute * MINUTE, value), boot=boot, seq=1)

    assert verdicts(world, "ct")[-1] == HELD


def test_another_boot_without_a_step_down_is_an_ordinary_step(world: World) -> None:
    for boot, minute, value in [("b1", 0, 500), ("b2", 1, 504)]:
        world.send(reading("pulses", NOON + minute * MINUTE, value), boot=boot, seq=1)

    assert (verdicts(world, "pulses")[-1], counted(world, "pulses")) == (COUNTED, 4)


# --- rule 4: outlier, anomaly, held ------------------------------------------------------------------------------


def test_an_implausible_last_reading_is_held_and_nothing_counts_for_it(world: World) -> None:
    show(world, "reg", (0, 100), (1, 101), (2, 5_000))

    assert verdicts(world, "reg") == [BASELINE, COUNTED, HELD]
    assert counted(world, "reg") == 1
    assert world.total("reg", **SPAN)["complete_until"] is None  # stale by then
    world.now = NOON + 3 * MINUTE
    assert world.total("reg", **SPAN)["complete_until"] == "2026-03-10T05:01:00Z"


@pytest.mark.parametrize("spike", [5_000.0, 3.0], ids=["up", "down"])
def test_a_spike_is_an_outlier_and_the_step_over_it_counts(world: World, spike: float) -> None:
    show(world, "reg", (0, 5_100 - 5_000), (1, spike), (2, 102))

    assert verdicts(world, "reg") == [BASELINE, OUTLIER, COUNTED]
    assert counted(world, "reg") == pytest.approx(2, rel=1e-12)
    assert covered(world, "reg", 0, 2) == 1.0


@pytest.mark.parametrize(("spikes", "verdict"), [(5, OUTLIER), (6, ANOMALY)])
def test_five_counting_readings_are_looked_at(world: World, spikes: int, verdict: int) -> None:
    """Spikes that agree with each other; the true display is back after five of them, or after six."""
    frozen = [(1 + k, 5_000.0) for k in range(spikes)]
    show(world, "reg", (0, 100), *frozen, (1 + spikes, 101))

    assert verdicts(world, "reg")[1] == verdict


def test_readings_that_do_not_count_are_not_looked_at(world: World) -> None:
    """Five bad ones between the spike and the true display."""
    world.now = NOON + 3 * HOUR
    show(world, "reg", (0, 100), (1, 5_000))
    show(world, "reg", *[(2 + k, 5_000) for k in range(5)], quality="bad")
    show(world, "reg", (7, 101))

    assert verdicts(world, "reg") == [BASELINE, OUTLIER, *[UNCOUNTED] * 5, COUNTED]


def test_a_rollover_does_not_explain_a_spike(world: World) -> None:
    """Of the next readings one may be plausible from b only without a rollover: 9995 → 3 would be one."""
    show(world, "reg", (0, 9_995), (1, 5_000), (2, 3), (3, 4))

    assert verdicts(world, "reg") == [BASELINE, OUTLIER, ROLLOVER, COUNTED]
    assert counted(world, "reg") == pytest.approx(9, rel=1e-12)


def test_a_jump_that_goes_on_is_an_anomaly_with_a_gap(world: World) -> None:
    show(world, "reg", (0, 100), (10, 5_000), (11, 5_001))

    assert verdicts(world, "reg") == [BASELINE, ANOMALY, COUNTED]
    assert counted(world, "reg") == 1
    assert covered(world, "reg", 0, 10) == 0.0


def test_a_jump_is_settled_with_fewer_than_five_readings_after_it(world: World) -> None:
    show(world, "reg", (0, 100), (1, 5_000), (2, 5_001))
    assert verdicts(world, "reg") == [BASELINE, ANOMALY, COUNTED]

    show(world, "reg", (3, 101))
    assert verdicts(world, "reg") == [BASELINE, OUTLIER, OUTLIER, COUNTED]
    assert counted(world, "reg") == pytest.approx(1, rel=1e-12)


def test_a_jump_followed_by_another_is_an_outlier(world: World) -> None:
    show(world, "reg", (0, 100), (1, 5_000), (2, 8_000), (3, 8_001))

    assert verdicts(world, "reg") == [BASELINE, OUTLIER, ANOMALY, COUNTED]


def test_a_true_jump_counts_where_max_rate_allows_it_later(world: World) -> None:
    """A display that froze and caught up: 60 in a minute are too much, over ten minutes they are not."""
    show(world, "reg", (0, 100), (1, 160), (2, 160), (6, 160))

    assert verdicts(world, "reg") == [BASELINE, OUTLIER, OUTLIER, COUNTED]
    assert counted(world, "reg") == pytest.approx(60, rel=1e-12)


def test_without_max_rate_any_step_up_counts_and_none_down(world: World) -> None:
    show(world, "free", (0, 100), (1, 1e9), (2, 50), (3, 51))

    assert verdicts(world, "free") == [BASELINE, COUNTED, ANOMALY, COUNTED]
    assert counted(world, "free") == pytest.approx(1e9 - 100 + 1, rel=1e-12)


@pytest.mark.parametrize(("outliers", "told"), [(20, False), (21, True)])
def test_more_than_20_outliers_among_50_readings_are_a_channel_conflict(
    world: World, outliers: int, told: bool
) -> None:
    world.now = NOON + 3 * HOUR
    high = set(range(1, 2 * outliers, 2))
    show(world, "reg", *[(k, 5_000 if k in high else 100 + 0.01 * k) for k in range(50)])

    assert verdicts(world, "reg").count(OUTLIER) == outliers
    assert bool(world.line.conflicts) is told


def test_any_order_gives_the_verdicts_of_the_set(world: World) -> None:
    displays = [(0, 100), (1, 101), (2, 5_000), (3, 102), (4, 9_990), (5, 9_991), (6, 3), (7, 4)]
    show(world, "reg", *displays[::-1])

    assert verdicts(world, "reg") == [BASELINE, COUNTED, OUTLIER, COUNTED, ANOMALY, COUNTED, ANOMALY, COUNTED]


# --- swaps: 12:10 (final 1010, then 5, ratio 3) and 12:30 (final unknown, then 0); the ratio is 2 at first ---------


def swapped(world: World, *displays: tuple[float, float]) -> list[tuple[float, float]]:
    """Return amount and coverage of the minutes from noon on."""
    show(world, "swapped", *displays)
    return [(v or 0.0, c) for v, c in world.activity("swapped", NOON, NOON + 40 * MINUTE).values()]


def test_f092_a_swap_is_two_readings_at_its_instant(world: World) -> None:
    """Up to 12:10 from 1000 to the final 1010, twice; from the first 5 to 15 within ten minutes, three times."""
    minutes = swapped(world, (0, 1_000), (20, 15))

    assert sum(v for v, _ in minutes[:10]) == pytest.approx(20, rel=1e-12)
    assert sum(v for v, _ in minutes[10:20]) == pytest.approx(30, rel=1e-12)


def test_a_reading_at_the_instant_of_a_swap_is_the_new_meters(world: World) -> None:
    minutes = swapped(world, (0, 1_000), (10, 5), (20, 15))

    assert verdicts(world, "swapped") == [BASELINE, COUNTED, COUNTED]
    assert sum(v for v, _ in minutes) == pytest.approx(20 + 30, rel=1e-12)


def test_an_unknown_final_value_is_a_gap(world: World) -> None:
    """Read at 12:20 and 12:40; the meter was swapped at 12:30, and nobody read the old one."""
    minutes = swapped(world, (20, 15), (40, 8))

    assert {c for _, c in minutes[20:30]} == {0.0}
    assert {c for _, c in minutes[30:40]} == {1.0}
    assert sum(v for v, _ in minutes[30:40]) == pytest.approx(8 * 3, rel=1e-12)


def test_no_look_ahead_crosses_a_swap(world: World) -> None:
    """The old meter's last reading is a jump; what the new one shows would have been plausible after 20."""
    swapped(world, (20, 15), (29, 5_000), (31, 20), (32, 21))

    assert verdicts(world, "swapped")[1] == HELD


def test_max_rate_of_the_display_holds_over_a_swap(world: World) -> None:
    """600 an hour are 10 a minute: from the first display 0 at 12:30 to 11 at 12:31 is too much."""
    swapped(world, (20, 15), (31, 11))

    assert verdicts(world, "swapped")[-1] == HELD
