"""Scope 3 is told apart: it is in no sum of scopes, wherever one is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plant.configuration.load import load_with_doubts
from plant.documents.documents import ConfigurationError
from rules.catalogue import load_catalogue
from tests.semantics.world import GRID, HOUR, NOON, World, reading

PLANT = """\
parks:
  - name: park-a
    title: Park A (invented)
    zone: Asia/Ho_Chi_Minh
    budgets: [{year: 2026, t: 100, source: invented}]
    facilities:
      - name: works
        title: Works (invented)
        gateways: [{name: gw}]
        channels:
          - {name: main, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_gap: 1h}
          - {name: resold, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_gap: 1h}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: vn-grid}
          - {name: sold-on, method: electricity-location, scope: 3, scope3_category: 3, inputs: {energy: resold}, factor: vn-grid}
"""
DAY = {"period": "2026-03-10"}


@pytest.fixture
def park(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "plant.yaml").write_text(PLANT, encoding="utf-8")
    made = World(tmp_path, folder, now=NOON + HOUR)
    made.publish(
        {
            "readings": [
                reading(name, NOON + k * HOUR, k * kwh)
                for name, kwh in (("main", 600), ("resold", 50))
                for k in (0, 1)
            ]
        },
        topic="sm/v1/park-a/works/gw/readings",
    )
    yield made
    made.close()


def totals(world: World, **params: str) -> list[Any]:
    return list(world.get("/v1/totals", **{**DAY, **params})["totals"])


@pytest.mark.parametrize("level", ["facility", "park", "all"])
def test_a_sum_of_scopes_leaves_scope_3_out_and_tells_it(park: World, level: str) -> None:
    [one] = totals(park, level=level)
    assert one["co2e_t"] == pytest.approx(600 * GRID, rel=1e-12)
    assert one["scope3_t"] == pytest.approx(50 * GRID, rel=1e-12)

    parted = {row["scope"]: row for row in totals(park, level=level, by="scope")}
    assert {scope: row["co2e_t"] for scope, row in parted.items()} == {2: one["co2e_t"], 3: one["scope3_t"]}
    assert not any("scope3_t" in row for row in parted.values())


def test_a_source_of_scope_3_is_told_as_any(park: World) -> None:
    grid, sold_on = totals(park, level="source")
    assert sold_on["co2e_t"] == pytest.approx(grid["co2e_t"] / 12, rel=1e-12)
    assert "scope3_t" not in sold_on


def test_what_rests_on_a_sum_leaves_it_out_too(park: World) -> None:
    tonnes = pytest.approx(600 * GRID, rel=1e-12)
    [total] = totals(park, level="park", **{"with": "budget"})
    assert total["budget_used_share"] == pytest.approx(total["co2e_t"] / total["budget_t"], rel=1e-12)

    [month] = park.get("/v1/periods")["periods"]
    assert month["reported_t"] == tonnes
    way = park.get("/v1/roadmap")["roadmap"][0]
    assert [year["actual_t"] for year in way["years"]] == [tonnes]


def doubts(folder: Path, text: str) -> list[str]:
    (folder / "plant.yaml").write_text(text, encoding="utf-8")
    found = load_with_doubts(folder, load_catalogue(None), {}).doubts
    return [str(one) for one in found if "scope3_category" in str(one)]


def test_a_category_is_for_scope_3(tmp_path: Path) -> None:
    assert doubts(tmp_path, PLANT) == []
    [told] = doubts(tmp_path, PLANT.replace(" scope3_category: 3,", ""))
    assert "scope3_category, 1 to 15" in told

    for text in ("scope: 2, scope3_category: 3", "scope: 3, scope3_category: 16"):
        with pytest.raises(ConfigurationError, match="scope3_category"):
            doubts(tmp_path, PLANT.replace("scope: 3, scope3_category: 3", text))
