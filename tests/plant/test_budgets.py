"""Budgets, targets and places of parks and facilities."""

from pathlib import Path

import pytest

from plant.commitments import Budget, Target
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.park import Coordinates, Plant
from tests.plant.catalogue import SmallCatalogue

PARK = """\
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    coordinates: {lat: 20.9, lon: 106}
    budgets:
      - {year: 2027, t: 900, source: plan 2027, provisional: true}
      - {year: 2026, t: 1000.5, source: plan 2026}
    targets:
      - {year: 2050, t: 0, source: the park's pledge}
      - {year: 2025, t: 1100, source: inventory 2025}
    facilities:
      - name: mill
        title: The Mill
        budgets:
          - {year: 2026, t: 600, source: letter 7, months: [0.05, 0.05, 0.09, 0.09, 0.09, 0.09, 0.09, 0.09, 0.09, 0.09, 0.09, 0.09]}
        gateways: [{name: g1}]
        channels:
          - {name: a, gateway: g1, kind: register, unit: kWh, quantity: electricity}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: a}, factor: grid}
"""


def plant_of(directory: Path, park: str = PARK) -> Plant:
    (directory / "park.yaml").write_text(park, encoding="utf-8")
    return load(directory, SmallCatalogue(), {})


def test_they_are_read_by_year(tmp_path: Path) -> None:
    plant = plant_of(tmp_path)
    [park], [mill] = plant.parks, plant.facilities

    assert park.coordinates == Coordinates(20.9, 106.0)
    assert park.budgets == (
        Budget(2026, 1000.5, "plan 2026"),
        Budget(2027, 900.0, "plan 2027", provisional=True),
    )
    assert park.targets == (Target(2025, 1100.0, "inventory 2025"), Target(2050, 0.0, "the park's pledge"))
    assert mill.budgets == (Budget(2026, 600.0, "letter 7", months=(0.05, 0.05, *[0.09] * 10)),)
    assert mill.coordinates is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("year: 2027", "year: 2026", "2026 has a budget already (first at"),
        ("year: 2050", "year: 2025", "2025 has a target already (first at"),
        ("[0.05, 0.05, 0.09,", "[0.05, 0.05,", "are the shares of twelve months, and add to 1"),
        ("[0.05,", "[0.06,", "are the shares of twelve months, and add to 1"),
        (", source: letter 7", "", "source"),
        ("t: 600", "t: -1", "greater than or equal to 0"),
        ("lat: 20.9", "lat: 106.6", "less than or equal to 90"),
        (", lon: 106", "", "lon"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert PARK.count(old) == 1
    with pytest.raises(ConfigurationError) as refused:
        plant_of(tmp_path, PARK.replace(old, new))

    assert problem in str(refused.value)
    assert "park.yaml:" in str(refused.value)
