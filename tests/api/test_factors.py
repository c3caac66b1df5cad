"""The register as it is told: every row of every factor, and every method."""

import numpy as np
import pytest

from plant.clock import format_time
from plant.vocabulary import NS_PER_DAY
from rules.catalogue import load_catalogue
from tests.api.test_extras import built
from tests.api.test_inventory import MILL, pages, seen_by


@pytest.fixture
def registered(tmp_path):
    api = built(tmp_path)
    yield api
    api.reader.close()
    api.state.close()


def test_every_row_of_every_factor_is_told_as_the_engine_uses_it(registered):
    """Each value is what the register gives at the row's first instant and just before its end."""
    catalogue = load_catalogue(registered.state.path.parent)
    found, _ = pages(registered, "/v1/factors", "factors", 1000)

    assert {one["factor"] for one in found} == set(catalogue.factors)
    for one in found:
        factor = catalogue.factor(one["factor"])
        start = next(int(t) for t in factor.edges if format_time(int(t)) == one["valid_from"])
        later = [int(t) for t in factor.edges if t > start]
        end = start + NS_PER_DAY if one["valid_to"] is None else later[0]
        assert one["valid_to"] in (None, format_time(end))
        for value in one["values"]:
            np.testing.assert_array_equal(
                catalogue.factor_at(one["factor"], np.array([start, end - 1]))[value["name"]], value["value"]
            )
            assert value["unit"] == factor.spec.units[value["name"]]


def test_a_factor_says_whether_it_may_change_where_it_comes_from_and_who_uses_it(registered):
    found = registered.get("/v1/factors", factor="vn-grid")["factors"]

    assert [(one["row"], one["status"], one["provisional"]) for one in found][-2:] == [
        ("vn-grid/2023", "official", False), ("vn-grid/2024", "provisional", True),
    ]  # fmt: skip
    newest = found[-1]
    assert newest["values"] == [{"name": "co2", "value": 0.6592, "unit": "kg/kWh", "uncertainty": None}]
    assert (newest["valid_from"], newest["valid_to"], newest["mark"]) == ("2023-12-31T17:00:00Z", None, "V2")
    assert "letter 1726/BDKH-PTCBT" in newest["source"]
    assert newest["used_by"] == ["hai-phong/foundry/grid", "hai-phong/mill/grid", "hai-phong/mill/grid-2"]
    assert [
        one["row"] for one in registered.get("/v1/factors", factor="vn-grid", provisional="true")["factors"]
    ] == ["vn-grid/2024"]


def test_an_own_factor_is_shown_to_those_who_see_what_uses_it(registered):
    own = "rhein-grid"
    everybody = {one["factor"] for one in registered.get("/v1/factors")["factors"]}
    found = seen_by(registered, MILL).get("/v1/factors")["factors"]

    assert everybody - {one["factor"] for one in found} == {own}
    assert {user for one in found for user in one["used_by"]} == {
        "hai-phong/mill/grid", "hai-phong/mill/grid-2", "hai-phong/mill/boiler",
    }  # fmt: skip


def test_an_interval_is_told_as_its_half_width(registered):
    [row] = registered.get("/v1/factors", factor="rhein-grid")["factors"]

    assert row["values"][0]["uncertainty"] == pytest.approx(
        0.1, rel=1e-12
    )  # the larger half of 0.4 (0.36 to 0.42)


@pytest.mark.parametrize("limit", [1, 9, 1000])
def test_pages_bring_every_row_once(registered, limit):
    found, _ = pages(registered, "/v1/factors", "factors", limit, provisional="false")

    assert found == registered.get("/v1/factors", provisional="false")["factors"]
    assert len({one["row"] for one in found}) == len(found)


def test_methods_say_what_they_take(registered):
    found = {one["method"]: one for one in registered.get("/v1/methods")["methods"]}

    grid = found["electricity-location"]
    assert (grid["scope"], grid["activity"], grid["factor"]) == (2, "energy", ["co2"])
    assert grid["roles"] == [{"role": "energy", "unit": "kWh", "level": False, "required": True}]
    assert list(found) == sorted(found)
