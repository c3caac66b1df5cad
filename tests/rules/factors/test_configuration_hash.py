"""The hash of a configuration names the numbers that it is calculated with, not only what it says itself."""

from pathlib import Path

import pytest

from plant.configuration.load import load
from rules.catalogue import load_catalogue

PARK = """
parks:
  - name: park
    title: Park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works
        gateways: [{name: gw}]
        channels: [{name: meter, gateway: gw, kind: register, unit: kWh, quantity: electricity}]
        sources: [{name: power, method: electricity-location, factor: own-grid, inputs: {energy: meter}}]
"""
FACTOR = """
zone: Asia/Ho_Chi_Minh
factors:
  - name: own-grid
    title: An own grid
    basis: electricity
    units: {co2: tCO2/MWh}
    rows:
      - {valid_from: 2025-01-01, valid_to: 2026-01-01, values: {co2: 0.66}, source: a letter, evidence: a letter}
      - {valid_from: 2026-01-01, values: {co2: 0.65}, source: a letter, evidence: a letter}
"""


def hash_of(folder: Path, factors: str) -> str:
    folder.mkdir()
    (folder / "park.yaml").write_text(PARK)
    (folder / "factors.yaml").write_text(factors)
    return load(folder, load_catalogue(folder)).hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.65", "0.6500000000000001"),
        ("2026-01-01", "2026-02-01"),
        ("tCO2/MWh", "tCO2e/MWh"),
        ("0.66", "0.67"),
    ],
)
def test_it_changes_with_any_number_or_date_of_a_factor_that_is_used(
    tmp_path: Path, old: str, new: str
) -> None:
    changed = FACTOR.replace(old, new)
    changed = (
        changed.replace("co2: tCO2e", "co2e: tCO2e").replace("{co2: 0", "{co2e: 0")
        if "CO2e" in new
        else changed
    )

    assert hash_of(tmp_path / "one", FACTOR) != hash_of(tmp_path / "two", changed)


def test_it_does_not_change_with_the_words_about_a_factor(tmp_path: Path) -> None:
    assert hash_of(tmp_path / "one", FACTOR) == hash_of(
        tmp_path / "two", FACTOR.replace("a letter", "another letter")
    )
