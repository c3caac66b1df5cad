"""Virtual channels from messages to tonnes, main meters against the meters behind them, and what tenants sell each other."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.totals import boundary
from store import blocks
from tests.semantics.conftest import MEMORY
from tests.semantics.world import GRID, HOUR, MINUTE, NOON, World, reading, rfc3339

CONFIGURATION = Path(__file__).with_name("boundaries")
WORKS = "sm/v1/park-a/works/gw/readings"
SHOP = "sm/v1/park-a/shop/gw/readings"
MARCH_10 = "2026-03-10"


@contextmanager
def fresh() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = World(Path(folder), CONFIGURATION, now=NOON + HOUR)
        yield made
        made.close()


@pytest.fixture
def park() -> Iterator[World]:
    with fresh() as made:
        yield made


def send(world: World, topic: str, *readings: dict[str, Any]) -> None:
    world.publish({"readings": list(readings)}, topic=topic)


def an_hour(world: World) -> None:
    """Main 600 kWh, line-1 a steady 0.3 MW, the shop 240 kWh: 60 kWh stay unallocated. The share is 25 %."""
    send(world, WORKS, reading("main", NOON, 1000), reading("main", NOON + HOUR, 1600))
    send(world, WORKS, *[reading("line-1", NOON + k * 5 * MINUTE, 0.3, "MW") for k in range(13)])
    send(world, WORKS, *[reading("share", NOON + k * 5 * MINUTE, 25, "%") for k in range(13)])
    send(world, SHOP, reading("meter", NOON, 0), reading("meter", NOON + HOUR, 240))


# --- virtual channels ---------------------------------------------------------------------------------------------


def test_a_source_takes_what_a_formula_leaves(park: World) -> None:
    an_hour(park)

    total = park.total("rest", period=MARCH_10)
    assert total["activity"] == pytest.approx(600 - 300, rel=1e-12)
    assert total["co2e_t"] == pytest.approx(300 * GRID, rel=1e-12)
    assert total["complete_until"] == "2026-03-10T06:00:00Z"
    assert total["shares"]["interpolated"] == 0


def test_a_formula_upon_a_formula_multiplies_window_by_window(park: World) -> None:
    an_hour(park)

    windows = park.windows("ours", NOON, NOON + HOUR, "activity")
    assert windows == [(pytest.approx((10 - 5) * 0.25, rel=1e-12), 1.0)] * 60


def test_a_window_has_the_coverage_of_the_least_covered_channel(park: World) -> None:
    send(park, WORKS, reading("main", NOON, 0), reading("main", NOON + 10 * MINUTE, 100))
    half = [reading("line-1", NOON + k * MINUTE // 2, 0.3, "MW") for k in range(4)]
    send(park, WORKS, *half)

    windows = park.windows("rest", NOON, NOON + 3 * MINUTE, "activity")
    assert windows == [
        (pytest.approx(10 - 5, rel=1e-12), 1.0),
        (pytest.approx(10 - 2.5, rel=1e-12), 0.5),
        (None, 0.0),
    ]


def test_division_by_zero_is_unknown(park: World) -> None:
    """`quotient` divides by main - rest, which is the line: 0 while it stands."""
    send(park, WORKS, reading("main", NOON, 0), reading("main", NOON + 2 * MINUTE, 20))
    send(park, WORKS, *[reading("line-1", NOON + k * MINUTE, mw, "MW") for k, mw in enumerate((0, 0, 0.6))])

    windows = park.windows("quotient", NOON, NOON + 2 * MINUTE, "activity")
    assert windows == [(None, 0.0), (pytest.approx(10 * 10 / 5, rel=1e-12), 1.0)]


def test_a_virtual_channel_is_a_series_of_its_windows(park: World) -> None:
    """The line is silent from the second half of its second minute on."""
    send(park, WORKS, reading("main", NOON, 0), reading("main", NOON + 10 * MINUTE, 100))
    send(park, WORKS, *[reading("line-1", NOON + k * MINUTE // 2, 0.3, "MW") for k in range(4)])

    windows = park.activity("rest", NOON, NOON + 3 * MINUTE)
    assert windows == {
        0: (pytest.approx(10 - 5, rel=1e-12), 1.0),
        1: (pytest.approx(10 - 2.5, rel=1e-12), 0.5),
        2: (None, 0.0),
    }


def test_a_virtual_channel_has_no_readings_to_ask_for(park: World) -> None:
    span = {"from_": rfc3339(NOON), "to": rfc3339(NOON + HOUR)}
    told = park.ask("/v1/series", kind="reading", channel="rest", **span)

    assert told.status_code == 422
    assert "rest is a virtual channel, without readings: ask for its activity" in told.text


def test_a_channel_that_falls_silent_is_named_under_the_source(park: World) -> None:
    send(park, WORKS, reading("main", NOON, 0), reading("main", NOON + HOUR, 100))
    send(park, WORKS, reading("line-1", NOON, 0.1, "MW"), reading("line-1", NOON + MINUTE, 0.1, "MW"))

    assert park.total("rest", period=MARCH_10)["stale"] == ["line-1"]


def bits(world: World) -> dict[tuple[str, int], bytes]:
    found = {}
    for source, hour, data in world.rows("SELECT name, hour, block FROM emission JOIN source ON id = source"):
        for place, row in enumerate(blocks.from_bytes(data)):
            if blocks.coverage(row) > 0:
                found[source, hour + place * MINUTE] = row[: blocks.REVISION].tobytes()
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_bits_do_not_depend_on_how_the_messages_come(seed: int) -> None:
    chance = random.Random(seed)
    messages = [
        {"readings": [reading(name, NOON + k * MINUTE // 2, round(size * (1 + chance.random()), 3), unit)]}
        for name, size, unit in (("line-1", 0.2, "MW"), ("share", 20, "%"))
        for k in range(60)
        if chance.random() > 0.1
    ] + [{"readings": [reading("main", NOON + k * MINUTE, k * 9.7)]} for k in range(30)]
    with fresh() as world:
        world.publish(*messages, topic=WORKS)
        expected = bits(world)

    arrival = messages + chance.sample(messages, 15)
    chance.shuffle(arrival)
    with fresh() as world:
        while arrival:
            cut = chance.randint(1, 12)
            world.publish(*arrival[:cut], topic=WORKS)
            arrival = arrival[cut:]
            if chance.random() < 0.1:
                world.restart()
        got = bits(world)

    assert {source for source, _ in expected} == {"rest", "ours", "quotient"}
    assert got == expected


# --- main meters against the meters behind them -------------------------------------------------------------------


def test_a_park_knows_what_no_meter_behind_the_main_one_counts(park: World) -> None:
    an_hour(park)

    [of_park, of_works] = park.get("/v1/boundaries", period=MARCH_10)["boundaries"]
    assert of_park["facility"] is None
    assert of_park["unit"] == "kWh"
    assert of_park["main"]["channel"] == "works/main"
    assert of_park["main"]["amount"] == pytest.approx(600, rel=1e-12)
    assert [one["channel"] for one in of_park["parts"]] == ["works/line-1", "shop/meter"]
    assert [one["amount"] for one in of_park["parts"]] == pytest.approx([300, 240], rel=1e-12)
    assert of_park["parts_amount"] == pytest.approx(540, rel=1e-12)
    assert of_park["unallocated"] == pytest.approx(60, rel=1e-12)
    assert of_park["unallocated_share"] == pytest.approx(0.1, rel=1e-12)
    assert (of_works["facility"], of_works["main"]["channel"]) == ("works", "main")
    assert of_works["unallocated_share"] == pytest.approx(0.5, rel=1e-12)


def test_an_imbalance_is_told_only_where_enough_of_the_period_is_known(park: World) -> None:
    """At one o'clock of a day that began at midnight, an hour is known of thirteen."""
    an_hour(park)
    [day] = park.get("/v1/boundaries", period=MARCH_10, facility="works")["boundaries"]
    assert day["imbalance"] is None
    assert day["main"]["coverage"] == pytest.approx(1 / 13)

    midnight = NOON - 12 * HOUR
    send(park, WORKS, *[reading("line-1", midnight + k * 5 * MINUTE, 0.3, "MW") for k in range(12 * 12)])
    [day] = park.get("/v1/boundaries", period=MARCH_10, facility="works")["boundaries"]
    assert (day["imbalance"], day["worst_channel"]) == (None, "main")

    send(park, WORKS, *[reading("main", midnight + k * HOUR, k * 1000 / 12) for k in range(13)])
    [day] = park.get("/v1/boundaries", period=MARCH_10, facility="works")["boundaries"]
    assert (day["imbalance"], day["main"]["coverage"]) == (True, pytest.approx(1))


def test_a_boundary_without_readings_is_unknown(park: World) -> None:
    for one in park.get("/v1/boundaries", period="2026-03-09")["boundaries"]:
        assert (one["main"]["amount"], one["parts_amount"], one["unallocated"]) == (None, None, None)
        assert (one["unallocated_share"], one["imbalance"], one["main"]["coverage"]) == (None, None, 0)


def test_a_day_that_has_not_begun_is_unknown(park: World) -> None:
    [one, _] = park.get("/v1/boundaries", period="2026-03-11")["boundaries"]

    assert (one["main"]["amount"], one["main"]["coverage"], one["imbalance"]) == (None, 0, None)


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"park": "park-b"}, "park"),
        ({"facility": "work"}, "facility"),
        ({"name": "steam"}, "name"),
        ({"period": "2026-13"}, "period"),
    ],
)
def test_what_is_not_there_is_refused(park: World, params: dict[str, str], parameter: str) -> None:
    answer = park.ask("/v1/boundaries", **params)

    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_a_question_reads_no_more_than_it_can(park: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "MOST_CHANNEL_DAYS", 4)

    answer = park.ask("/v1/boundaries", period=MARCH_10)
    assert [error["parameter"] for error in answer.json()["errors"]] == ["period"]
    assert park.ask("/v1/boundaries", period=MARCH_10, facility="works").status_code == 200


# --- what tenants sell each other ---------------------------------------------------------------------------------


def totals(world: World, **params: str) -> list[Any]:
    return list(world.get("/v1/totals", period=MARCH_10, **params)["totals"])


def test_what_one_tenant_sells_another_counts_once_in_the_park(park: World) -> None:
    an_hour(park)
    shop, works = totals(park, level="facility")
    assert shop["co2e_t"] == pytest.approx(240 * GRID, rel=1e-12)
    assert "excluded_transfers_t" not in shop

    for level in ("park", "all"):
        [one] = totals(park, level=level)
        assert one["co2e_t"] == works["co2e_t"]
        assert one["excluded_transfers_t"] == shop["co2e_t"]
        assert one["worst_source"].startswith(("works", "park-a/works"))


def test_a_month_of_the_park_is_what_its_total_is(park: World) -> None:
    """Whoever approves a change of a month sees the tonnes that the park reports."""
    an_hour(park)

    [month] = park.get("/v1/periods")["periods"]
    [total] = park.get("/v1/totals", level="park", period="2026-03")["totals"]
    assert total["excluded_transfers_t"] > 0
    assert month["reported_t"] == pytest.approx(total["co2e_t"], rel=1e-12)


def test_alone_a_tenants_bought_energy_is_nobody_elses(park: World) -> None:
    an_hour(park)

    [shop] = totals(park, level="park", facility="shop")
    assert shop["co2e_t"] == pytest.approx(240 * GRID, rel=1e-12)
    assert "excluded_transfers_t" not in shop


def test_a_transfer_is_left_out_also_where_the_totals_are_parted(park: World) -> None:
    """What the seller burns may be of another scope than what the tenant buys."""
    an_hour(park)
    [every] = totals(park, level="park")

    parted = totals(park, level="park", by="method")
    assert sum(one["co2e_t"] or 0 for one in parted) == pytest.approx(every["co2e_t"], rel=1e-12)
    assert [one.get("excluded_transfers_t") for one in parted if one["method"] == "electricity-location"] == [
        every["excluded_transfers_t"]
    ]
