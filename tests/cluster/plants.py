"""Parks of shards: each one mill with a meter, named by a letter."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

PARK = """\
settings: {{max_late: 20000d, allowed_lateness: 20000d}}
parks:
  - name: {park}
    title: Park {park}
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{{name: gw}}]
        channels:
          - {{name: energy, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 90000, max_gap: 3min}}
        sources:
          - {{name: register, method: electricity-location, inputs: {{energy: energy}}, factor: vn-grid}}
"""
START = datetime(2026, 1, 21, 12, 54, tzinfo=UTC)


def write_plant(folder: Path, *parks: str) -> Path:
    """Write a configuration of some parks, a file for each; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for park in parks:
        text = PARK.format(park=park)
        # Settings are of a folder, and stand in one of its files.
        (folder / f"{park}.yaml").write_text(text if park == parks[0] else text.partition("\n")[2])
    return folder


def reading(park: str, minute: int) -> tuple[str, bytes]:
    """Return topic and payload of a park's reading of a minute; no two parks count alike."""
    value = minute * (ord(park) / 7.0)
    when = (START + timedelta(minutes=minute)).isoformat()
    told = {"channel": "energy", "time": when, "value": value, "unit": "kWh"}
    return f"sm/v1/{park}/mill/gw/readings", json.dumps(told).encode()


def minute_of(payload: bytes) -> int:
    """Return the minute of a reading."""
    when = datetime.fromisoformat(json.loads(payload)["time"])
    return (when - START) // timedelta(minutes=1)
