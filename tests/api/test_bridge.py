"""What moved a facility's tonnes from one year to another, and when nobody can say."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from plant.periods import MONTH, month_of
from plant.vocabulary import NS_PER_HOUR, Kind
from tests.api.conftest import Api
from tests.api.state import BERLIN, State, channel, plant, source
from tests.api.test_inventory import MILL, seen_by

YEARS = {"park": "rhein", "facility": "works", "output": "product", "base": 2024, "year": 2025}
GRID, OVEN = 4, 5  # sources
GOLDEN = {GRID: [(500.0, 350.0), (495.0, 321.75)]}  # R50d: activity and tonnes of the two years
OUTPUTS = (100.0, 110.0)


@pytest.fixture
def make(tmp_path):
    made = []

    def make(given=GOLDEN, outputs=OUTPUTS, **changes):
        base = plant()
        product = channel(6, "rhein", "works", "product", Kind.REGISTER)
        oven = source(OVEN, "rhein", "works", "oven", [4], scope=1)
        more = (replace(oven, **changes),) if OVEN in given else ()
        of = replace(
            base, channels=(*base.channels, product), sources=(*base.sources, *more), window=NS_PER_HOUR
        )
        api = Api(State(tmp_path / "state.db", of))
        made.append(api)
        api.as_of = month_of("2026-02", BERLIN)
        for index, years in given.items():
            api.state.begins(index, month_of("2024-01", BERLIN))
            for year, amounts in zip((2024, 2025), years, strict=True):
                if amounts:
                    fill(api.state, index, year, *amounts)
        display = 0.0
        for year, amount in zip((2024, 2025, 2026), (*outputs, 0.0), strict=True):
            api.state.reading(6, month_of(f"{year}-01", BERLIN), display)
            display += amount
        return api

    yield make
    for api in made:
        api.reader.close()
        api.state.close()


def fill(state, index, year, activity, tonnes):
    edges = [month_of(f"{year}-{month:02}", BERLIN) for month in range(1, 13)]
    edges.append(month_of(f"{year + 1}-01", BERLIN))
    for start, end in pairwise(edges):
        hours = (end - start) // NS_PER_HOUR
        row = np.array([[tonnes / 12, 0.0, 0.0, 0.0, 0.0, activity / 12, hours, 0.0, 0.0]])
        state._total(index, MONTH, start, row, hours, 1)


def effects_of(told):
    return [told[name] for name in ("output_t", "intensity_t", "factor_t")]


def test_r50d_the_bridge_of_a_facility_has_no_rest(make):
    told = make().get("/v1/bridge", **YEARS)

    assert effects_of(told) == pytest.approx(
        [31.993425761852055, -35.367091352147, -24.876334409704963], abs=1e-9
    )
    assert [told[name] for name in ("base_t", "now_t", "base_output", "now_output")] == pytest.approx(
        [350.0, 321.75, 100.0, 110.0]
    )
    assert (told["output_unit"], told["reasons"]) == ("kWh", [])


def test_sources_add_up_and_one_that_is_new_is_more_activity_per_output(make):
    oven = [None, (10.0, 30.0)]
    api = make({**GOLDEN, OVEN: oven}, since=month_of("2025-01", BERLIN))
    told = api.get("/v1/bridge", **YEARS)
    parts = {one["source"]: one for one in told["sources"]}

    assert effects_of(parts["rhein/works/oven"]) == [0, pytest.approx(30.0), 0]
    assert sum(effects_of(told)) == pytest.approx(told["now_t"] - told["base_t"], abs=1e-9)
    assert told["now_t"] == pytest.approx(321.75 + 30)


@pytest.mark.parametrize(
    ("given", "outputs", "years", "reasons"),
    [
        ({GRID: [None, GOLDEN[GRID][1]]}, OUTPUTS, {}, ["base_year_not_complete"]),
        ({GRID: [GOLDEN[GRID][0], None]}, OUTPUTS, {}, ["year_not_complete"]),
        (GOLDEN, (0.0, 110.0), {}, ["output_not_known"]),
        (GOLDEN, OUTPUTS, {"year": 2026}, ["year_not_complete", "output_not_known"]),
        ({GRID: [(500.0, -350.0), (495.0, 321.75)]}, OUTPUTS, {}, ["not_a_product"]),
        ({GRID: [(0.0, 350.0), (495.0, 321.75)]}, OUTPUTS, {}, ["not_a_product"]),
    ],
)
def test_what_is_not_known_as_a_whole_has_no_bridge(make, given, outputs, years, reasons):
    told = make(given, outputs).get("/v1/bridge", **YEARS | years)

    assert told["reasons"] == reasons
    assert (told["sources"], told["base_t"], effects_of(told)) == ([], None, [None, None, None])


def test_a_question_that_means_nothing_is_refused(make):
    api = make()
    for wrong, said in (
        ({"base": 2025}, "not before year"),
        ({"output": "prodct"}, "unknown"),
        ({"facility": "mill", "park": "hai-phong", "output": "stack"}, "a level; an output is an amount"),
    ):
        refused = api.ask("/v1/bridge", params=YEARS | wrong)
        assert refused.status_code == 422
        assert said in refused.text
    assert seen_by(api, MILL).ask("/v1/bridge", params=YEARS).status_code == 422
