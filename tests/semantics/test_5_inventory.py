"""Section 5: what the API tells beside totals, with what the line itself has written."""

from collections import defaultdict

import pytest

from tests.semantics.world import HOUR, MINUTE, NOON, SITE, World, reading, rfc3339

GATEWAY = f"{SITE}/gw"


@pytest.fixture
def busy(world: World) -> World:
    """Messages 1, 2, 5 and 6 of a boot, of which the last corrects the second; one of an unknown unit, one of no JSON."""
    for number, minutes in ((1, [0, 1]), (2, [2, 3]), (5, [4, 5])):
        readings = [reading("reg", NOON + m * MINUTE, 100 + m) for m in minutes]
        world.send(
            *readings, *[reading("power", NOON + m * MINUTE, 60, "kW") for m in minutes], boot="b", seq=number
        )
    world.send(reading("power", NOON + 3 * MINUTE, 90, "kW", correction=1), boot="b", seq=6)
    world.send(reading("power", NOON + 6 * MINUTE, 60, "parsec"))
    world.publish(b"\xff{no json")
    world.publish({"online": False}, leaf="status")
    return world


def test_a_gateway_is_told_as_it_behaved(busy: World) -> None:
    found = {one["gateway"]: one for one in busy.get("/v1/gateways")["gateways"]}

    gateway = found["gw"]
    assert (gateway["online"], gateway["source_class"], gateway["silence_s"]) == (False, "A", 0.0)
    assert [(one["boot"], one["received_through"], one["missing"]) for one in gateway["boots"]] == [
        ("b", 6, [[3, 4]])
    ]
    assert gateway["refused_24h"] == busy.codes() == {"bad_utf8": 1, "unit_unknown": 1}
    assert found["gw2"]["heard_at"] is None


def test_a_channel_shows_what_was_read_last(busy: World) -> None:
    found = {one["channel"]: one for one in busy.get("/v1/channels", limit="1000")["channels"]}

    latest = found["power"]["latest"]
    assert (latest["time"], latest["value"], latest["quality"]) == (
        rfc3339(NOON + 5 * MINUTE)[:19] + "Z",
        60.0,
        "good",
    )
    assert found["reg"]["latest"]["value"] == 105.0
    assert found["power"]["stale"] is True  # max_gap 10 min, and it is an hour later
    assert found["reg"]["used_by"] == ["reg"]


def test_what_was_refused_is_there_byte_by_byte(busy: World) -> None:
    kept = {one["code"]: one for one in busy.get("/v1/quarantine/messages", gateway=GATEWAY)["messages"]}

    assert set(kept) == {"bad_utf8", "unit_unknown"}
    assert busy.ask(f"/v1/quarantine/{kept['bad_utf8']['message']}").content == b"\xff{no json"
    assert [(one["code"], one["count"]) for one in busy.get("/v1/quarantine")["causes"]] == [
        ("bad_utf8", 1), ("unit_unknown", 1),
    ]  # fmt: skip


def test_the_changes_of_the_ledger_add_up_to_what_is_published(busy: World) -> None:
    entries = busy.get("/v1/ledger")["entries"]
    by_source: dict[str, float] = defaultdict(float)
    for entry in entries:
        for one in entry["sources"]:
            by_source[one["source"]] += one["co2e_t_delta"] or 0.0
        assert entry["configuration"] == busy.plant.hash

    totals = busy.get("/v1/totals", level="source", period="2026-03-10")["totals"]
    published = {one["source"]: one["co2e_t"] for one in totals if one["co2e_t"]}
    assert set(published) == {"reg", "power"}
    assert {name: tonnes for name, tonnes in by_source.items() if tonnes} == pytest.approx(
        published, rel=1e-9
    )


def test_the_quality_of_a_channel_is_that_of_its_windows(busy: World) -> None:
    """Five minutes of an hour are measured; the corrected reading is a conflict, and nothing came after."""
    span = {"from_": rfc3339(NOON), "to": rfc3339(NOON + HOUR)}
    [found] = busy.get("/v1/quality/channels", channel="power", **span)["channels"]

    assert found["coverage"] == pytest.approx(5 / 60, rel=1e-9)
    assert (found["readings"], found["conflicts"], found["gaps"]) == (6, 1, 1)
    assert found["longest_gap"]["duration_s"] == 55 * 60
    [works] = busy.get("/v1/quality", **span)["facilities"]
    assert works["refused"] == {}  # they came an hour later
