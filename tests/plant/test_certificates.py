"""Certificates, residual factors and uncertainties of a configuration, resolved."""

from math import isnan
from pathlib import Path

import pytest

from plant.commitments import Certificate, ResidualFactor
from plant.configuration.load import load
from plant.park import Plant
from plant.vocabulary import NS_PER_S
from tests.plant.catalogue import SmallCatalogue

PARK = """\
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: The Mill
        gateways: [{name: g1}]
        channels:
          - {name: a, gateway: g1, kind: register, unit: kWh, quantity: electricity, uncertainty: 0.005}
          - {name: gas, gateway: g1, kind: register, unit: Nm3, quantity: gas, uncertainty: 0.015}
          - {name: flow, gateway: g1, kind: rate, unit: Nm3/h, quantity: gas, uncertainty: 0.05}
          - {name: co2, gateway: g1, kind: level, unit: "%", quantity: co2, uncertainty: 0.03}
          - {name: b, gateway: g1, kind: register, unit: kWh, quantity: electricity}
        points: more.csv
        sources:
          - {name: by-meter, method: electricity-location, inputs: {energy: a}, factor: grid}
          - {name: by-list, method: electricity-location, inputs: {energy: c}, factor: grid}
          - {name: unknown, method: electricity-location, inputs: {energy: b}, factor: grid}
          - {name: own, method: fuel-gas-volume, inputs: {volume: gas}, factor: gas, parameters: {ncv: 36},
             uncertainty: 0.02}
          - {name: stack, method: stack-co2, inputs: {flow: flow, co2: co2}}
        certificates:
          - {year: 2026, kind: certificate, amount: 1200, evidence: EAC-1, retired: 2026-05-01T00:00:00+07:00}
          - {year: 2025, kind: contract, amount: 0.5, factor: 0.04, evidence: contract 12}
        residual_factors:
          - {year: 2026, factor: 0.71, evidence: mix of 2026}
"""
POINTS = "name,gateway,kind,unit,quantity,uncertainty\nc,g1,register,kWh,electricity,0.01\n"


def plant_of(directory: Path, park: str = PARK) -> Plant:
    (directory / "park.yaml").write_text(park, encoding="utf-8")
    (directory / "more.csv").write_text(POINTS, encoding="utf-8")
    return load(directory, SmallCatalogue(), {})


def test_a_certificate_is_in_kilowatt_hours_and_retired_at_an_instant(tmp_path: Path) -> None:
    [mill] = plant_of(tmp_path).facilities

    assert mill.certificates == (
        Certificate(2026, "certificate", 1_200_000.0, 0.0, 1_777_568_400 * NS_PER_S, "EAC-1"),
        Certificate(2025, "contract", 500.0, 0.04, None, "contract 12"),
    )
    assert mill.residual_factors == (ResidualFactor(2026, 0.71, "mix of 2026"),)


def test_an_activity_is_as_uncertain_as_its_source_says_or_its_only_channel(tmp_path: Path) -> None:
    """The stack's flow and concentration do not say what their product is off by; nor does a meter speak for an NCV."""
    found = {source.name: source.uncertainty for source in plant_of(tmp_path).sources}

    assert {name for name, width in found.items() if isnan(width)} == {"unknown", "stack"}
    assert (found["by-meter"], found["by-list"], found["own"]) == (0.005, 0.01, 0.02)


def test_a_meter_does_not_speak_for_a_parameter(tmp_path: Path) -> None:
    plant = plant_of(tmp_path, PARK.replace(",\n             uncertainty: 0.02", ""))

    assert isnan(next(source for source in plant.sources if source.name == "own").uncertainty)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("amount: 1200", "amount: 1201"),
        ("factor: 0.71", "factor: 0.72"),
        ("uncertainty: 0.02", "uncertainty: 0.03"),
    ],
)
def test_the_hash_tells_what_totals_were_told_with(tmp_path: Path, old: str, new: str) -> None:
    assert plant_of(tmp_path).hash != plant_of(tmp_path, PARK.replace(old, new)).hash
