"""Section 2: from windows to tonnes, their coverage, their sums, and how far they are complete."""

from typing import Any

import pytest

from tests.semantics.world import (
    DAY,
    GRID,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    World,
    ns,
    reading,
    rfc3339,
    sums,
)

MOLAR_VOLUME = 8.314462618 * 273.15 / 101.325
MINUTE_OF_NOON = {"from_": "2026-03-10T12:00:00+07:00", "to": "2026-03-10T12:01:00+07:00"}


def power(world: World, *readings: tuple[float, float]) -> None:
    """Let the power be read at (minutes after noon, kW)."""
    world.send(*[reading("power", NOON + int(m * MINUTE), kw, "kW") for m, kw in readings])


def facility(world: World, **params: str) -> Any:
    [one] = world.get("/v1/totals", **{"period": "2026-03-10", **params})["totals"]
    return one


# --- methods -----------------------------------------------------------------------------------------------------


def stack(world: World, *, flow: list[tuple[int, float]], co2: list[tuple[int, float]]) -> None:
    """Let flow and CO2 of the flue be read at (seconds after noon, value)."""
    world.send(
        *[reading("flow", NOON + s * SECOND, v, "Nm3/h") for s, v in flow],
        *[reading("co2", NOON + s * SECOND, v, "%") for s, v in co2],
    )


def test_stack_mass_is_volume_times_mean_concentration_of_the_window(world: World) -> None:
    """Not the integral of the product: flow and CO2 rise together."""
    stack(world, flow=[(0, 0), (60, 60_000)], co2=[(0, 0), (60, 12)])

    volume, mean = 30_000 / 60, 6
    mass = volume * mean / 100 * 44.0095 / MOLAR_VOLUME
    assert world.total("flue", **MINUTE_OF_NOON)["co2_kg"] == pytest.approx(mass, rel=1e-12)
    assert pytest.approx(22.4139695, rel=1e-8) == MOLAR_VOLUME


def test_a_source_has_the_coverage_of_its_least_covered_input(world: World) -> None:
    """The volume of the whole minute, times the mean of the half that the analyser saw."""
    stack(world, flow=[(0, 60_000), (60, 60_000)], co2=[(0, 10), (30, 10)])

    total = world.total("flue", **MINUTE_OF_NOON)
    assert total["shares"] == {"measured": 0.5, "interpolated": 0, "substituted": 0, "missing": 0.5}
    assert total["activity"] == pytest.approx(1000, rel=1e-12)


@pytest.mark.parametrize("absent", ["flow", "co2"])
def test_an_unknown_input_makes_the_window_unknown_and_never_zero(world: World, absent: str) -> None:
    stack(world, **{"flow": [(0, 60_000), (60, 60_000)], "co2": [(0, 10), (60, 10)], absent: []})

    total = world.total("flue", **MINUTE_OF_NOON)
    assert (total["co2e_t"], total["co2_kg"], total["coverage"]) == (None, None, 0.0)
    assert world.windows("flue", NOON, NOON + MINUTE) == [(None, 0.0)]


def test_a_window_that_becomes_unknown_again_is_unknown(world: World) -> None:
    stack(world, flow=[(0, 60_000), (60, 60_000)], co2=[(0, 10), (60, 10)])
    assert world.windows("flue", NOON, NOON + MINUTE)[0][1] == 1.0

    world.send(reading("co2", NOON, 10, "%", quality="bad", correction=1))
    assert world.windows("flue", NOON, NOON + MINUTE) == [(None, 0.0)]
    assert world.total("flue", **MINUTE_OF_NOON)["co2e_t"] is None


def test_a_co2_factor_fills_co2_and_leaves_the_other_gases_0(world: World) -> None:
    power(world, (0, 60), (1, 60))

    total = world.total("power", **MINUTE_OF_NOON)
    gases = [total[name] for name in ("co2e_t", "co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg")]
    assert gases == [pytest.approx(GRID, rel=1e-12), pytest.approx(GRID * 1000, rel=1e-12), 0, 0, 0]


def test_a_co2e_factor_leaves_the_gases_null(world: World) -> None:
    world.send(*[reading("contract", NOON + m * MINUTE, 60, "kW") for m in (0, 1)], gateway="gw2")
    total = world.total("contract", **MINUTE_OF_NOON)
    gases = [total[name] for name in ("co2e_t", "co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg")]
    assert gases == [pytest.approx(0.0005, rel=1e-12), None, None, None, None]


def test_a_sum_adds_what_is_known(world: World) -> None:
    """The contract's CO2 is unknown, the grid's is known: the facility's is the grid's."""
    power(world, (0, 60), (1, 60))
    world.send(*[reading("contract", NOON + m * MINUTE, 60, "kW") for m in (0, 1)], gateway="gw2")

    total = facility(world)
    assert total["co2e_t"] == pytest.approx(GRID + 0.0005, rel=1e-12)
    assert total["co2_kg"] == pytest.approx(GRID * 1000, rel=1e-12)


def test_f098_a_factor_is_unknown_before_its_first_validity(world: World) -> None:
    """The contract begins at midnight in Hai Phong."""
    midnight = ns("2026-03-10T00:00:00+07:00")
    world.send(*[reading("contract", midnight + m * MINUTE, 60, "kW") for m in (-2, -1, 0, 1)], gateway="gw2")

    windows = world.windows("contract", midnight - 2 * MINUTE, midnight + MINUTE)
    assert windows == [(None, 0.0), (None, 0.0), (pytest.approx(0.0005), 1.0)]


def test_the_default_gwp_set_is_ar5(world: World) -> None:
    """36 MJ/Nm3 of natural gas: 56.1 kg CO2, 1 g CH4 and 0.1 g N2O per GJ."""
    world.send(*[reading("gas", NOON + m * MINUTE, 60_000, "Nm3/h") for m in (0, 1)], gateway="gw2")

    total, energy = world.total("gas", **MINUTE_OF_NOON), 36.0
    assert world.get("/v1/totals")["gwp"] == "AR5"
    assert total["ch4_kg"] == pytest.approx(energy * 0.001, rel=1e-12)
    assert total["co2e_t"] == pytest.approx(energy * (56.1 + 28 * 0.001 + 265 * 0.0001) / 1000, rel=1e-12)


# --- sums --------------------------------------------------------------------------------------------------------


def test_an_hour_is_the_sum_of_its_windows_and_a_day_of_its_hours_to_the_bit(world: World) -> None:
    start = ns("2026-03-10T00:00:00+07:00")
    world.send(*[reading("power", start + k * MINUTE, (k * 37) % 101 / 7, "kW") for k in range(12 * 60 + 1)])
    span = {"from_": "2026-03-10T00:00:00+07:00", "to": "2026-03-10T12:00:00+07:00"}

    minutes = world.get("/v1/series", kind="emission", source="power", every="1m", **span)["values"]
    hours = world.get("/v1/series", kind="emission", source="power", every="1h", **span)["values"]

    assert hours == [sums(minutes[h : h + 60]) for h in range(0, len(minutes), 60)]
    assert world.total("power")["co2e_t"] == sums(hours)
    assert world.total("power", period="2026-03")["co2e_t"] == sums(hours)
    assert world.total("power", **span)["co2e_t"] == sums(hours)


def test_months_and_days_are_of_the_park_s_zone(world: World) -> None:
    """The last minute of February and the first of March in Hai Phong are 16:59 and 17:00 of the 28th, UTC."""
    march = ns("2026-03-01T00:00:00+07:00")
    world.send(*[reading("power", march + m * MINUTE, 60, "kW") for m in (-1, 0, 1)])

    activities = {p: world.total("power", period=p)["activity"] for p in ("2026-02", "2026-03", "2026-02-28", "2026-03-01", "2026")}  # fmt: skip
    assert activities == {"2026-02": 1, "2026-03": 1, "2026-02-28": 1, "2026-03-01": 1, "2026": 2}


def test_a_facility_is_the_sum_of_its_sources_by_name(world: World) -> None:
    power(world, (0, 71.3), (1, 71.3))
    world.send(reading("held", NOON, 13.7, "kW"), reading("held", NOON + MINUTE, 0, "kW"))
    world.send(reading("quarter", NOON + MINUTE, 0.3))
    stack(world, flow=[(0, 6_000), (60, 6_000)], co2=[(0, 10), (60, 10)])

    sources = world.get("/v1/totals", level="source", period="2026-03-10")["totals"]
    assert [one["source"] for one in sources] == sorted(one["source"] for one in sources)
    known = [one["co2e_t"] for one in sources if one["co2e_t"] is not None]
    assert len(known) == 4
    assert facility(world)["co2e_t"] == sums(known)


def test_a_total_includes_open_windows(world: World) -> None:
    world.now = NOON + 30 * SECOND
    power(world, (0, 60), (0.5, 60))

    assert world.total("power")["activity"] == pytest.approx(0.5)


# --- coverage of a total -----------------------------------------------------------------------------------------


def test_coverage_is_the_mean_from_the_first_reading_to_as_of(world: World) -> None:
    world.now = NOON + 10 * MINUTE
    power(world, (0, 60), (6, 60))

    assert world.total("power")["coverage"] == pytest.approx(0.6)


def test_coverage_is_the_mean_from_the_start_of_the_period_where_the_first_reading_is_earlier(
    world: World,
) -> None:
    world.now = NOON + 10 * MINUTE
    world.send(reading("power", NOON - DAY, 60, "kW"))
    power(world, (0, 60), (6, 60))

    assert world.total("power")["coverage"] == pytest.approx(6 / (12 * 60 + 10))


def test_coverage_is_the_mean_to_the_end_of_the_period_where_that_is_earlier(world: World) -> None:
    world.now = NOON + 2 * DAY
    power(world, (0, 60), (6, 60))

    assert world.total("power")["coverage"] == pytest.approx(6 / (12 * 60))


def test_coverage_of_a_facility_weighs_source_windows_alike_and_names_the_worst(world: World) -> None:
    """Power owes ten minutes and has six; gas owes four and has one."""
    world.now = NOON + 10 * MINUTE
    power(world, (0, 60), (6, 60))
    world.send(*[reading("gas", NOON + m * MINUTE, 60, "Nm3/h") for m in (6, 7)], gateway="gw2")

    total = facility(world)
    assert total["coverage"] == pytest.approx(7 / 14)
    assert total["worst_source"] == "gas"


def test_a_period_before_the_first_reading_owes_nothing(world: World) -> None:
    power(world, (0, 60), (1, 60))

    total = world.total("power", period="2026-03-09")
    assert (total["coverage"], total["shares"], total["co2e_t"]) == (None, None, None)


# --- complete_until and stale --------------------------------------------------------------------------------------


def complete(world: World, source: str) -> tuple[str | None, list[str]]:
    total = world.total(source)
    return total["complete_until"], total["stale"]


@pytest.mark.parametrize(
    ("source", "channel", "unit", "patience"),
    [
        ("power", "power", "kW", 10 * MINUTE),
        ("reg", "reg", "kWh", 30 * MINUTE),
        ("free", "free", "kWh", 24 * HOUR),
        ("quarter", "quarter", "kWh", 30 * MINUTE),
    ],
    ids=["rate", "register", "register of default", "interval"],
)
def test_a_channel_is_stale_from_a_nanosecond_beyond_its_patience(
    world: World, source: str, channel: str, unit: str, patience: int
) -> None:
    world.send(reading(channel, NOON, 1, unit))

    world.now = NOON + patience + 1  # first, for an answer may be told again within a second
    assert complete(world, source) == (None, [channel])
    world.now -= 1
    assert complete(world, source) == (rfc3339(NOON).replace(".000000000", ""), [])


def test_complete_until_is_the_oldest_of_the_channels_that_are_not_stale(world: World) -> None:
    stack(world, flow=[(0, 6_000), (60, 6_000)], co2=[(0, 10), (30, 10)])

    world.now = NOON + 2 * MINUTE
    assert complete(world, "flue") == ("2026-03-10T05:00:30Z", [])
    world.now = NOON + 6 * MINUTE  # CO2 has a max_gap of five minutes, flow one of ten
    assert complete(world, "flue") == ("2026-03-10T05:01:00Z", ["co2"])


def test_a_reading_that_does_not_count_completes_nothing(world: World) -> None:
    power(world, (0, 60))
    world.send(reading("power", NOON + MINUTE, 60, "kW", quality="bad"))
    world.now = NOON + 2 * MINUTE

    assert complete(world, "power") == ("2026-03-10T05:00:00Z", [])


def test_event_channels_have_no_part_in_it(world: World) -> None:
    world.send(reading("diesel", NOON, 1, "L"))

    assert complete(world, "diesel") == (None, [])


def test_a_register_that_is_held_is_complete_to_its_last_accepted_baseline(world: World) -> None:
    world.send(*[reading("reg", NOON + m * MINUTE, v) for m, v in ((0, 1), (1, 2), (2, 9_000))])
    world.now = NOON + 3 * MINUTE

    assert complete(world, "reg") == ("2026-03-10T05:01:00Z", [])


# --- now_t_per_h ---------------------------------------------------------------------------------------------------


def now(world: World, source: str) -> tuple[float | None, str | None]:
    total = world.total(source)
    return total["now_t_per_h"], total["now_at"]


def test_now_is_the_mean_of_the_last_five_complete_minutes(world: World) -> None:
    """600 kW up to the third minute, 60 from then on; read up to the middle of the tenth."""
    world.send(*[reading("held", NOON + m * MINUTE, 600 if m < 3 else 60, "kW") for m in range(10)])
    world.send(reading("held", NOON + 9 * MINUTE + 30 * SECOND, 60, "kW"))
    world.now = NOON + 10 * MINUTE

    rate, at = now(world, "held")
    assert rate == pytest.approx(60 * GRID, rel=1e-12)
    assert at is not None
    assert at[:16] == "2026-03-10T05:09"


def test_now_takes_just_five_minutes(world: World) -> None:
    """The first of the five is another than the rest, and the one before is left out."""
    kilowatts = [1e3, 1e3, 1e3, 600, 60, 60, 60, 60]
    world.send(*[reading("held", NOON + m * MINUTE, kw, "kW") for m, kw in enumerate(kilowatts)])
    world.send(reading("held", NOON + 8 * MINUTE, 60, "kW"))
    world.now = NOON + 9 * MINUTE

    assert now(world, "held") == (pytest.approx((600 + 4 * 60) / 5 * GRID, rel=1e-12), "2026-03-10T05:08:00Z")


def test_now_of_a_register_read_every_quarter_is_that_of_the_last_quarter(world: World) -> None:
    world.send(*[reading("reg", NOON + q * 15 * MINUTE, v) for q, v in enumerate((0, 100, 125))])
    world.now = NOON + 40 * MINUTE

    assert now(world, "reg") == (pytest.approx(100 * GRID, rel=1e-12), "2026-03-10T05:30:00Z")


def test_now_of_a_quarter_hourly_interval_is_that_of_the_last_quarter(world: World) -> None:
    world.send(*[reading("quarter", NOON + q * 15 * MINUTE, v) for q, v in enumerate((100, 25))])
    world.now = NOON + 20 * MINUTE

    assert now(world, "quarter") == (pytest.approx(100 * GRID, rel=1e-12), "2026-03-10T05:15:00Z")


def test_now_of_events_is_that_of_the_last_clock_hour(world: World) -> None:
    world.send(*[reading("diesel", NOON + m * MINUTE, 10, "L") for m in (-30, 10, 20, 65)])
    world.now = NOON + 70 * MINUTE

    tonnes = 20 * 0.84 * 43 / 1000 * (74.1 + 0.003 * 28 + 0.0006 * 265) / 1000
    assert now(world, "diesel") == (pytest.approx(tonnes, rel=1e-9), "2026-03-10T06:00:00Z")


def test_now_above_the_source_is_the_sum(world: World) -> None:
    power(world, *[(m, 60) for m in range(10)])
    world.send(*[reading("held", NOON + m * MINUTE, 90, "kW") for m in range(10)])
    world.now = NOON + 10 * MINUTE

    assert facility(world)["now_t_per_h"] == pytest.approx(150 * GRID, rel=1e-12)


def test_now_of_a_stale_source_is_null(world: World) -> None:
    power(world, *[(m, 60) for m in range(10)])
    world.now = NOON + HOUR

    assert now(world, "power") == (None, None)
