"""Indicators of places over a period: water, waste, and the criteria of an eco-park."""

import csv
import io
from dataclasses import replace

import pytest

from plant.commitments import Indicators, Quantity, WasteStream
from plant.units import unit
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, Kind
from tests.api.conftest import Api
from tests.api.state import TOKEN, State, channel, ns, plant
from tests.api.test_inventory import MILL, seen_by

NOVEMBER, DECEMBER = ns("2026-11-01T00:00:00+07:00"), ns("2026-12-01T00:00:00+07:00")
PLACE = ("hai-phong", "mill")
AMOUNTS = {"fresh": 180_000.0, "inflow": 120_000.0, "reused": 30_000.0}
WASTE = {
    "reuse": 1200.0,
    "recycling": 5400.0,
    "composting": 300.0,
    "energy": 800.0,
    "incineration": 0.0,
    "landfill": 300.0,
}
FACTS = {
    "firms": 60.0,
    "firms_recp": 13.0,
    "links": 3.0,
    "firms_in_links": 6.0,
    "land": 2.68e6,
    "green_and_infrastructure": 8.308e5,
}
LOAD = {"cod_in": 48_000.0, "cod_out": 6_000.0}
NAMES = [*AMOUNTS, *WASTE, *FACTS, *LOAD]


def quantity(name: str, of: str) -> Quantity:
    return Quantity(6 + NAMES.index(name), name, of)


@pytest.fixture
def told(tmp_path):
    """The mill has meters of water and records of waste; the park's facts are levels that hold a year."""
    base = plant()
    kinds = {
        **dict.fromkeys(AMOUNTS, "m3"),
        **dict.fromkeys(WASTE, "t"),
        **dict.fromkeys(FACTS, "1"),
        **dict.fromkeys(LOAD, "kg"),
    }
    more = tuple(
        channel(
            6 + place, *PLACE, name, Kind.LEVEL if name in FACTS else Kind.REGISTER, unit=unit(kinds[name]),
            max_gap=366 * NS_PER_DAY, hold_last=name in FACTS, entered=name in FACTS,
        )
        for place, name in enumerate(NAMES)
    )  # fmt: skip
    indicators = (
        Indicators("hai-phong", "", facts={name: quantity(name, "1") for name in FACTS}),
        Indicators(
            *PLACE,
            water={name: (quantity(name, "m3"),) for name in AMOUNTS},
            load={name: (quantity(name, "kg"),) for name in LOAD},
            waste=tuple(WasteStream(quantity(name, "t"), f"{name} stream", name) for name in WASTE),
        ),
    )
    made = replace(base, channels=(*base.channels, *more), indicators=indicators)
    api = Api(State(tmp_path / "state.db", made))
    api.as_of = DECEMBER + NS_PER_HOUR
    yield api
    api.reader.close()
    api.state.close()


def count(api, amounts):
    """Let registers count so much in November."""
    for name, amount in amounts.items():
        api.state.reading(6 + NAMES.index(name), NOVEMBER, 0.0)
        api.state.reading(6 + NAMES.index(name), DECEMBER, amount)


def enter(api, facts):
    for name, value in facts.items():
        api.state.reading(6 + NAMES.index(name), NOVEMBER, value)
        api.state.reading(6 + NAMES.index(name), DECEMBER, value)


def places(api, **asked):
    found = api.get("/v1/indicators", **({"period": "2026-11"} | asked))["places"]
    return {one["facility"]: one for one in found}


def test_r55b_water_of_a_month_from_meters(told):
    count(told, AMOUNTS)

    water = places(told)["mill"]["water"]

    assert water["reuse_share"] == pytest.approx(0.25, abs=1e-9)
    assert water["circulation_share"] == pytest.approx(0.14285714285714285, abs=1e-9)
    assert (water["fresh_m3"], water["coverage"]) == (pytest.approx(180_000), pytest.approx(1.0))


def test_the_load_of_wastewater_and_what_the_treatment_takes_out(told):
    count(told, {"cod_out": LOAD["cod_out"]})
    unknown = places(told)["mill"]["load"]
    assert (unknown["cod_in_kg"], unknown["cod_removed_kg"], unknown["coverage"]) == (None, None, 0.0)
    assert unknown["cod_out_kg"] == pytest.approx(6_000)

    count(told, {"cod_in": LOAD["cod_in"]})
    assert places(told)["mill"]["load"] == pytest.approx(
        {
            "cod_in_kg": 48_000,
            "cod_out_kg": 6_000,
            "cod_removed_kg": 42_000,
            "cod_removed_share": 0.875,
            "coverage": 1.0,
        }
    )


def test_r56a_waste_of_a_month_by_stream_and_treatment(told):
    count(told, WASTE)

    waste = places(told)["mill"]["waste"]

    assert waste["total_t"] == pytest.approx(8000)
    assert waste["diverted_share"] == pytest.approx(0.8625, abs=1e-9)
    assert waste["with_energy_share"] == pytest.approx(0.9625, abs=1e-9)
    assert waste["landfill_share"] == pytest.approx(0.0375, abs=1e-9)
    assert [(one["stream"], one["t"]) for one in waste["streams"][:2]] == [
        ("reuse stream", pytest.approx(1200)), ("recycling stream", pytest.approx(5400)),
    ]  # fmt: skip


def test_a_stream_that_is_unknown_leaves_no_share(told):
    count(told, {name: amount for name, amount in WASTE.items() if name != "landfill"})
    count(told, {"inflow": 10.0, "reused": 5.0})

    mill = places(told)["mill"]

    assert (mill["waste"]["total_t"], mill["waste"]["diverted_share"], mill["waste"]["coverage"]) == (
        None,
        None,
        0.0,
    )
    assert mill["waste"]["streams"][0]["t"] == pytest.approx(1200)
    assert (mill["water"]["reuse_share"], mill["water"]["circulation_share"]) == (pytest.approx(0.5), None)


def test_r56b_criteria_of_an_eco_park(told):
    enter(told, FACTS)

    park = places(told)[None]["eco_park"]

    assert {one["criterion"]: one["verdict"] for one in park["criteria"]} == dict.fromkeys(
        ("recp", "links", "linked_firms", "land"), "met"
    )
    assert park["criteria"][0]["value"] == pytest.approx(0.21666666666666667, abs=1e-9)
    assert (park["row"], park["status"], park["mark"]) == ("vn-eco-park/2022-07-15", "provisional", "V2")


def test_a_criterion_that_is_unknown_says_why(told):
    enter(told, {"firms": 60.0, "firms_recp": 11.0, "land": 2.68e6})

    found = {one["criterion"]: one for one in places(told)[None]["eco_park"]["criteria"]}

    assert found["recp"]["verdict"] == "not_met"
    assert (found["links"]["verdict"], found["links"]["value"]) == ("unknown", None)
    assert found["land"]["reason"] == "nothing is known of green_and_infrastructure"


def test_places_are_told_as_far_as_the_caller_sees_them(told):
    everybody = told.get("/v1/indicators", period="2026-11")
    mill = seen_by(told, MILL).get("/v1/indicators", period="2026-11")

    assert [one["facility"] for one in everybody["places"]] == [None, "mill"]
    assert [one["facility"] for one in mill["places"]] == ["mill"]
    assert mill["only"]


def test_as_csv_a_line_is_a_number(told):
    count(told, AMOUNTS)

    answer = told.ask(
        "/v1/indicators?period=2026-11", headers={"Authorization": f"Bearer {TOKEN}", "Accept": "text/csv"}
    )
    rows = {(one["facility"], one["indicator"]): one for one in csv.DictReader(io.StringIO(answer.text))}

    assert float(rows["mill", "reuse_share"]["value"]) == pytest.approx(0.25)
    assert rows["", "recp"]["verdict"] == "unknown"


def test_what_is_no_period_is_refused(told):
    assert "a period lies between" in told.refused("/v1/indicators", period="0001-01")["period"]
    assert "did you mean mill?" in told.refused("/v1/indicators", facility="mil")["facility"]
