"""Explanations: a window is told with all it was made of, and is made again from just that."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from api.accounting.explain import ExplainBody
from proof.explain.again import recomputed
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, DAY, HOUR, MINUTE, NOON, SECOND, World, reading, rfc3339

PLACE = {"park": "park-a", "facility": "works"}


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = World(Path(folder))
        yield made
        made.close()


def explained(world: World, source: str, at: int) -> Any:
    return world.get("/v1/explain", **PLACE, source=source, at=rfc3339(at))


def everything(world: World) -> None:
    """Let every kind of channel be read around noon: with a jump, a swap, a reset, a hole, bad readings, a late one."""
    world.send(
        *[reading("reg", NOON + m * MINUTE, 100 + m * 0.7) for m in (0, 1, 2, 3, 9, 11)],
        reading("reg", NOON + 4 * MINUTE, 5_000.0),
        *[reading("swapped", NOON + m * MINUTE, 1_000 + m * 0.3) for m in (0, 5, 9)],
        *[reading("swapped", NOON + m * MINUTE, 5 + m * 0.1) for m in (13, 20)],
        *[reading("power", NOON + m * MINUTE + 7 * SECOND, 60 + m / 7, "kW") for m in (0, 1, 2, 3, 5)],
        reading("power", NOON + 90 * SECOND, 61.5, "kW", quality="bad"),
        *[reading("held", NOON + m * MINUTE, 30 + m, "kW") for m in (0, 3, 6)],
        *[reading("quarter", NOON + m * MINUTE, 15 + m, "kWh") for m in (15, 20, 30)],
        *[reading("flow", NOON + m * MINUTE, 6_000 + m, "Nm3/h") for m in (0, 1, 2, 3)],
        *[reading("co2", NOON + s * SECOND, 10 + s / 60, "%") for s in (0, 50, 130, 200)],
    )
    world.send(reading("pulses", NOON, 10), reading("pulses", NOON + MINUTE, 11), boot="b1", seq=1)
    world.send(reading("pulses", NOON + 3 * MINUTE, 0.5), boot="b2", seq=1)
    world.send(reading("diesel", NOON + 10 * MINUTE + 5 * SECOND, 12.5, "L"), boot="b2", seq=2)
    world.send(reading("diesel", NOON + 14 * MINUTE, 3, "L"), boot="b2", seq=4)
    world.send(
        *[reading("gas", NOON + m * MINUTE, 600 + m, "Nm3/h") for m in (0, 1, 2, 3)],
        *[reading("contract", NOON + m * MINUTE, 60 + m, "kW") for m in (0, 1, 2, 3)],
        gateway="gw2",
    )
    world.send(reading("power", NOON + 2 * MINUTE + 20 * SECOND, 75, "kW"))


SOURCES = ("reg", "swapped", "power", "held", "quarter", "flue", "pulses", "diesel", "gas", "contract")


@pytest.mark.parametrize("source", SOURCES)
def test_every_window_is_made_again_to_the_bit_from_what_is_told(world: World, source: str) -> None:
    everything(world)
    published = world.windows(source, NOON - MINUTE, NOON + 25 * MINUTE)

    known = 0
    for minute, (tonnes, coverage) in enumerate(published):
        at = NOON + (minute - 1) * MINUTE
        told = explained(world, source, at)
        assert told["result"]["co2e_t"] == tonnes
        again = told["window"]["recomputed"]
        if told["result"]["revision"] or tonnes is not None:
            assert again == {"co2e_t": tonnes, "same_bits": True}, at
        else:
            assert again["same_bits"] is None
        shares = [one["measured"] + one["interpolated"] for one in told["window"]["inputs"]]
        assert tonnes is None or min(shares) == told["result"]["coverage"]
        assert coverage in {told["result"]["coverage"], None}  # null of a window before the first reading
        known += tonnes is not None
    assert known >= 3


VIRTUAL = """        virtual:
          - {name: rest, unit: kWh, expr: "max(power - held, 0)"}
          - {name: half, unit: MWh, expr: "(rest + contract) * 0.5"}
        sources:
          - {name: rest, method: electricity-location, inputs: {energy: half}, factor: vn-grid}
"""


def test_a_virtual_channel_is_told_by_the_channels_below_it(tmp_path: Path) -> None:
    config, state = tmp_path / "config", tmp_path / "state"
    config.mkdir()
    state.mkdir()
    for file in CONFIGURATION.iterdir():
        (config / file.name).write_text(file.read_text().replace("        sources:\n", VIRTUAL, 1))
    world = World(state, config)
    everything(world)
    told = explained(world, "rest", NOON + MINUTE)
    [given] = told["window"]["inputs"]

    assert told["result"]["co2e_t"] > 0
    assert told["window"]["recomputed"] == {"co2e_t": told["result"]["co2e_t"], "same_bits": True}
    assert (given["kind"], given["formula"], given["readings"]) == ("virtual", "(rest + contract) * 0.5", [])
    assert {one["channel"]: one["kind"] for one in given["made_of"]} == {
        "rest": "virtual",
        "contract": "rate",
    }
    rest, contract = given["made_of"]
    assert rest["value"] == sum(s * one["value"] for s, one in zip((1, -1), rest["made_of"], strict=True))
    assert given["value"] == pytest.approx((rest["value"] + contract["value"]) * 0.5 / 1000, rel=1e-12)
    world.close()


def test_an_answer_alone_is_enough_and_another_reading_in_it_makes_another_number(world: World) -> None:
    everything(world)
    answer = explained(world, "power", NOON + 2 * MINUTE)
    body = ExplainBody.model_validate(answer)
    assert body.window is not None
    at, window = NOON + 2 * MINUTE, world.plant.window
    assert recomputed(body.window, at, window, world.catalogue) == answer["result"]["co2e_t"]

    used = next(one for one in body.window.inputs[0].readings if one.used)
    used.value += 1
    assert recomputed(body.window, at, window, world.catalogue) != answer["result"]["co2e_t"]


def test_a_reading_is_told_with_the_message_that_brought_it(world: World) -> None:
    everything(world)
    told = explained(world, "diesel", NOON + 10 * MINUTE)
    [given] = told["window"]["inputs"]
    [one] = [one for one in given["readings"] if one["used"]]
    message = world._journal_reader.one(one["message"])

    assert (one["time"], one["value"], one["boot"]) == ("2026-03-10T05:10:05Z", 12.5, "b2")
    assert message is not None
    assert b"12.5" in message.payload
    assert (given["channel"], given["gateway"], given["unit"]) == ("diesel", "gw", "L")
    assert [p["name"] for p in told["window"]["parameters"]] == ["density"]


def test_what_quality_or_verdict_keeps_out_is_shown_and_not_used(world: World) -> None:
    everything(world)
    power = explained(world, "power", NOON + MINUTE)["window"]["inputs"][0]["readings"]
    [bad] = [one for one in power if one["quality"] == "bad"]
    register = explained(world, "reg", NOON + 4 * MINUTE)["window"]["inputs"][0]["readings"]
    [outlier] = [one for one in register if one["value"] == 5_000]

    assert (bad["verdict"], bad["used"]) == ("uncounted", False)
    assert (outlier["verdict"], outlier["used"]) == ("outlier", False)


def test_a_late_reading_makes_a_second_revision_with_its_messages(world: World) -> None:
    world.send(reading("power", NOON, 60, "kW"), reading("power", NOON + 2 * MINUTE, 60, "kW"))
    before = explained(world, "power", NOON + MINUTE)["result"]["co2e_t"]
    world.send(reading("power", NOON + MINUTE, 90, "kW"))
    told = explained(world, "power", NOON + MINUTE)

    first, second = told["window"]["history"]
    assert (first["revision"], second["revision"], told["result"]["revision"]) == (1, 2, 2)
    assert first["old"] == {"co2e_t": None, "activity": None}
    assert first["new"]["co2e_t"] == second["old"]["co2e_t"] == before
    assert second["new"]["co2e_t"] == told["result"]["co2e_t"] != before
    assert (second["journal_from"], second["journal_to"]) == (2, 3)
    assert {one["configuration"] for one in (first, second)} == {world.plant.hash}
    assert told["window"]["configuration"] == world.plant.hash


def test_gaps_are_told_with_how_they_were_filled(world: World) -> None:
    """A register bridges 40 minutes, longer than its 30; a rate stops in the middle of a minute."""
    world.send(reading("reg", NOON, 100), reading("reg", NOON + 40 * MINUTE, 120))
    world.send(reading("power", NOON, 60, "kW"), reading("power", NOON + 30 * SECOND, 60, "kW"))
    [bridged] = explained(world, "reg", NOON + MINUTE)["window"]["inputs"]
    [stopped] = explained(world, "power", NOON)["window"]["inputs"]

    assert bridged["gaps"] == [
        {"from": "2026-03-10T05:01:00Z", "to": "2026-03-10T05:02:00Z", "how": "interpolated", "share": 1.0}
    ]
    assert (bridged["measured"], bridged["interpolated"], bridged["missing"]) == (0, 1, 0)
    assert stopped["gaps"] == [
        {"from": "2026-03-10T05:00:30Z", "to": "2026-03-10T05:01:00Z", "how": "missing", "share": 0.5}
    ]
    assert (stopped["measured"], stopped["missing"]) == (0.5, 0.5)


def test_a_hole_in_a_gateways_sequence_is_a_gap_of_its_events(world: World) -> None:
    world.send(reading("diesel", NOON, 1, "L"), boot="b", seq=1)
    world.send(reading("diesel", NOON + 3 * MINUTE, 1, "L"), boot="b", seq=3)
    [given] = explained(world, "diesel", NOON + MINUTE)["window"]["inputs"]

    assert [gap["how"] for gap in given["gaps"]] == ["missing"]
    assert given["holes"] == [{"from": "2026-03-10T05:00:00Z", "to": "2026-03-10T05:03:00Z"}]


def test_factor_method_and_gwp_are_told_with_their_sources(world: World) -> None:
    everything(world)
    shipped = explained(world, "gas", NOON)["window"]
    own = explained(world, "contract", NOON)["window"]
    none = explained(world, "flue", NOON)["window"]

    assert shipped["factor"]["row"].startswith("vn-2626-natural-gas/")
    assert "2626/QD-BTNMT" in shipped["factor"]["source"]
    assert shipped["factor"]["status"] == "official"
    assert shipped["factor"]["mark"]
    values = {one["name"]: (one["value"], one["unit"]) for one in shipped["factor"]["values"]}
    assert values["co2"] == (56.1, "kg/GJ")
    assert own["factor"]["source"] == "Supplier's declaration (invented)"
    assert (own["factor"]["status"], own["factor"]["mark"]) == ("own", None)
    assert (own["factor"]["valid_from"], own["factor"]["valid_to"]) == ("2026-03-09T17:00:00Z", None)
    assert none["factor"] is None
    assert "Scope 2 Guidance" in own["method"]["reference"]
    assert (own["gwp"]["name"], own["gwp"]["potentials"]["CH4"], bool(own["gwp"]["source"])) == (
        "AR5",
        28,
        True,
    )


def test_the_meter_is_that_of_the_window(world: World) -> None:
    everything(world)
    old = explained(world, "swapped", NOON + 5 * MINUTE)["window"]["inputs"][0]["meter"]
    new = explained(world, "swapped", NOON + 15 * MINUTE)["window"]["inputs"][0]["meter"]

    assert (old["ratio"], new["ratio"]) == (2, 3)
    assert [swap["final_old"] for swap in new["swaps"]] == [1010, None]


def test_before_its_first_day_a_factor_has_no_row(world: World) -> None:
    before = NOON - 13 * HOUR
    world.send(*[reading("contract", before + m * MINUTE, 60, "kW") for m in (0, 1)], gateway="gw2")
    told = explained(world, "contract", before)

    assert told["result"]["co2e_t"] is None
    assert told["window"]["factor"]["row"] is None
    assert told["window"]["factor"]["source"] is None
    # An unknown window is not published, so there is nothing to be the same as.
    assert told["window"]["recomputed"] == {"co2e_t": None, "same_bits": None}


def test_a_window_that_was_never_computed_is_unknown(world: World) -> None:
    told = explained(world, "power", NOON - DAY)

    assert (told["result"]["co2e_t"], told["result"]["revision"]) == (None, 0)
    assert told["window"]["history"] == []
    assert told["window"]["inputs"][0]["readings"] == []


def test_a_total_is_told_by_its_parts_down_to_the_window(world: World) -> None:
    """Follow the queries that each answer gives, from the park's month to one minute."""
    everything(world)
    body = world.get("/v1/explain", park="park-a", period="2026-03")
    levels = []
    while body["children"]:
        known = [one for one in body["children"] if one["co2e_t"] is not None]
        child = next((one for one in known if one["name"] in {"works", "power", None}), known[0])
        levels.append(child["level"])
        path, _, query = child["query"].partition("?")
        body = world.get(path, **dict(parse_qsl(query)))
        assert body["result"]["co2e_t"] == child["co2e_t"]
        assert body["result"]["coverage"] == child["coverage"]

    assert levels == ["facility", "source", "day", "hour", "window"]
    assert body["source"] == "power"
    assert body["window"]["recomputed"]["same_bits"] is True


def test_parts_add_up_to_the_total(world: World) -> None:
    everything(world)
    hour = {"from_": "2026-03-10T12:00:00+07:00", "to": "2026-03-10T13:00:00+07:00"}
    body = world.get("/v1/explain", **PLACE, source="power", **hour)

    total = 0.0
    for child in body["children"]:
        total += child["co2e_t"] or 0.0
    assert (len(body["children"]), total) == (60, body["result"]["co2e_t"])
    assert body["result"]["co2e_t"] == world.total("power", **hour)["co2e_t"]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"park": "park-b"}, 404, "park-b"),
        ({**PLACE, "source": "powr"}, 404, "did you mean power?"),
        ({"park": "park-a", "source": "power"}, 422, "facility"),
        ({"facility": "works"}, 422, "park"),
        ({**PLACE, "source": "power", "from_": "2026-03-10T05:00:01Z", "to": "2026-03-10T05:01:00Z"}, 422, "grid"),
        ({**PLACE, "source": "power", "from_": "2026-03-10T05:01:00Z", "to": "2026-03-10T05:00:00Z"}, 422, "not after"),
        ({**PLACE, "source": "power", "from_": "2026-03-10T05:01:00Z"}, 422, "together"),
        ({**PLACE, "source": "power", "at": "2026-03-10T05:01:00"}, 422, "at"),
        ({**PLACE, "source": "power", "at": "2026-03-10T05:01:00Z", "period": "today"}, 422, "either"),
        ({**PLACE, "at": "2026-03-10T05:01:00Z"}, 422, "source"),
        ({**PLACE, "periode": "today"}, 422, "periode"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_is_a_problem(
    world: World, query: dict[str, str], status: int, said: str
) -> None:
    answer = world.ask("/v1/explain", **query)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.text
