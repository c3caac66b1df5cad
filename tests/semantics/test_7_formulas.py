"""What plants make of virtual channels: masses of pollutants, own solar power, batteries, refrigerant by charge balance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.semantics.world import HOUR, MINUTE, NOON, SITE, World, reading

PARK, FACILITY = SITE.split("/")
PLANT = f"""
settings: {{window: 60s, gwp: AR5}}
parks:
  - name: {PARK}
    title: Park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: {FACILITY}
        title: Works (invented)
        gateways: [{{name: gw}}]
        channels:
          - {{name: flow, gateway: gw, kind: rate, unit: Nm3@25C/h, quantity: stack-gas, max_gap: 2h}}
          - {{name: nox, gateway: gw, kind: level, unit: mg/Nm3@25C, quantity: nox, max_gap: 2h}}
          - {{name: so2, gateway: gw, kind: level, unit: ppm, quantity: so2, max_gap: 2h}}
          - {{name: solar, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_gap: 2h}}
          - {{name: export, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_gap: 2h}}
          - {{name: charged, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_gap: 2h}}
          - {{name: discharged, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_gap: 2h}}
          - {{name: bought, gateway: gw, kind: event, unit: kg, quantity: refrigerant}}
          - {{name: recovered, gateway: gw, kind: event, unit: kg, quantity: refrigerant}}
          - {{name: stock_before, gateway: gw, kind: event, unit: kg, quantity: refrigerant}}
          - {{name: stock_after, gateway: gw, kind: event, unit: kg, quantity: refrigerant}}
        virtual:
          - {{name: nox_mass, unit: kg, expr: flow * nox}}
          - {{name: so2_mass, unit: kg, expr: 'flow * so2 * quantity(2.619, "kg/Nm3@25C")'}}
          - {{name: own_use, unit: kWh, expr: solar - export}}
          - {{name: battery_loss, unit: kWh, expr: charged - discharged}}
        sources:
          - {{name: cooling, method: refrigerant-charge-balance, parameters: {{gwp: 1924}},
             inputs: {{stock_before: stock_before, bought: bought, stock_after: stock_after, passed_on: recovered}}}}
"""


@pytest.fixture
def works(tmp_path: Path) -> Iterator[World]:
    config, folder = tmp_path / "config", tmp_path / "state"
    config.mkdir()
    folder.mkdir()
    (config / "plant.yaml").write_text(PLANT)
    made = World(folder, config, now=NOON + HOUR)
    yield made
    made.close()


def an_hour_of(world: World, channel: str) -> float:
    found = world.activity(channel, NOON, NOON + HOUR)
    assert {coverage for _, coverage in found.values()} == {1.0}
    return sum(value or 0.0 for value, _ in found.values())


def test_a_pollutants_mass_is_flow_times_concentration(works: World) -> None:
    """40,000 Nm3/h at 180 mg/Nm3, and at 50 ppm of a gas of 2.619 kg/Nm3."""
    works.send(*[reading("flow", NOON + k * HOUR, 40_000, "Nm3@25C/h") for k in range(2)])
    works.send(*[reading("nox", NOON + k * HOUR, 180, "mg/Nm3@25C") for k in range(2)])
    works.send(*[reading("so2", NOON + k * HOUR, 50, "ppm") for k in range(2)])

    assert an_hour_of(works, "nox_mass") == pytest.approx(7.2, rel=1e-12)
    assert an_hour_of(works, "so2_mass") == pytest.approx(40_000 * 50e-6 * 2.619, rel=1e-12)


def test_own_solar_power_and_what_a_battery_loses_are_differences_of_meters(works: World) -> None:
    for name, end in (("solar", 500), ("export", 120), ("charged", 80), ("discharged", 68)):
        works.send(reading(name, NOON, 0), reading(name, NOON + HOUR, end))

    assert an_hour_of(works, "own_use") == pytest.approx(380, rel=1e-12)
    assert an_hour_of(works, "battery_loss") == pytest.approx(12, rel=1e-12)


def test_refrigerant_by_charge_balance_is_what_books_do_not_explain(works: World) -> None:
    """30 kg bought, 12 in stock before, 9 after, 4 recovered: 29 kg leaked, of a gas of GWP 1924."""
    for minute, (name, kg) in enumerate(
        (("bought", 30), ("stock_before", 12), ("stock_after", 9), ("recovered", 4))
    ):
        works.send(reading(name, NOON + minute * MINUTE, kg, "kg"))

    assert works.total("cooling")["co2e_t"] == pytest.approx(29 * 1.924, rel=1e-12)
