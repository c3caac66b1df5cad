"""A small configuration with every kind of channel, and a made-up excerpt in the format of the real data."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

YAML = """\
settings: {max_late: 40d, gwp: AR5}
parks:
  - name: trang-due
    title: An invented park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: An invented rolling mill
        gateways: [{name: g1}, {name: g2}]
        points: mill.csv
        swaps: [{channel: pump/energy, time: "2026-01-01T00:00:00+07:00", first_new: 0, ratio: 3}]
        channels:
          - {name: mdb/energy, gateway: g1, kind: register, unit: kWh, quantity: electricity, max_rate: 3000, modulus: 100000, ratio: 40}
          - {name: gas, gateway: g1, kind: interval, unit: Nm3, quantity: natural-gas, period: 15min}
          - {name: diesel, gateway: g1, kind: event, unit: L, quantity: diesel, max: 20000}
          - {name: stack/flow, gateway: g2, kind: rate, unit: Nm3/h, quantity: flow, min: 0, max: 40000, max_gap: 10min}
          - {name: stack/co2, gateway: g2, kind: level, unit: "%", quantity: co2, min: 0, max: 25}
          - {name: steam, gateway: g2, kind: rate, unit: t/h, quantity: steam, hold: last}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: mdb/energy}, factor: vn-grid}
"""
POINTS = """\
name;gateway;kind;unit;quantity;max_rate;serial
solar/energy;g2;register;kWh;solar;200;4711
pump/energy;g2;register;kWh;electricity;90;4712
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Give a configuration directory."""
    (tmp_path / "park.yaml").write_text(YAML)
    (tmp_path / "mill.csv").write_text(POINTS, encoding="utf-8-sig")
    return tmp_path


@pytest.fixture
def steel(tmp_path: Path) -> Path:
    """Give 200 rows in the real file's format: byte-order mark, CRLF, midnight last in the day that it ends."""
    path = tmp_path / "steel.csv"
    ends = [datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * (row + 1)) for row in range(200)]
    labels = [end - timedelta(days=1) if end.hour == end.minute == 0 else end for end in ends]
    rows = [f"{label:%d/%m/%Y %H:%M},{3 + row % 7 / 100:g},2.95,0,0" for row, label in enumerate(labels)]
    text = "\r\n".join(["date,Usage_kWh,Lagging_kVarh,Leading_kVarh,CO2(tCO2)", *rows, ""])
    path.write_bytes(text.encode("utf-8-sig"))
    return path
