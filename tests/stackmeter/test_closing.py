"""Closing a month from the command line, on a running service."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.gateway import RawGateway
from tests.servers import Mosquitto
from tests.service import TOKEN, Service
from tests.warm import console

PLANT = """\
settings: {max_late: 90d}
parks:
  - name: park
    title: Park
    zone: UTC
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: gw}]
        channels: [{name: meter, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 100}]
        sources: [{name: grid, method: electricity-location, inputs: {energy: meter}, factor: vn-grid}]
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    config = tmp_path / "config"
    config.mkdir()
    (config / "plant.yaml").write_text(PLANT)
    with Mosquitto() as broker, Service(tmp_path, config, broker.url) as one:
        one.start()
        with RawGateway(broker.port) as gateway:
            end = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            ends = (end - timedelta(days=1)).replace(day=1), end
            readings: list[dict[str, Any]] = [
                {"channel": "meter", "time": time.isoformat(), "value": 1000.0 + k * 600, "unit": "kWh"}
                for k, time in enumerate(ends)
            ]
            gateway.send("sm/v1/park/mill/gw/readings", {"boot": "b", "seq": 1, "readings": readings})
            gateway.wait()
            one.drain(1)
        yield one


def run(service: Service, *words: str) -> subprocess.CompletedProcess[str]:
    given = ["--url", f"http://127.0.0.1:{service.port}", "--token", TOKEN]
    return console(*words, *given)


def test_solid_b4_a_month_is_closed_from_the_command_line_for_a_reason_that_is_shown(
    service: Service,
) -> None:
    month = f"{datetime.now(UTC).replace(day=1) - timedelta(days=1):%Y-%m}"

    before = run(service, "periods", "park")
    refused = run(service, "decide", "park", month, "final", "--by", "lan")
    in_vietnamese = [
        run(service, "periods", "park", "--language", "vi").stdout,
        run(service, "decide", "park", month, "final", "--by", "lan", "--language", "vi").stderr,
    ]
    done = run(
        service, "decide", "park", month, "final", "--by", "lan", "--despite", "the factor comes in May"
    )
    after = run(service, "periods", "park", "--json")

    said = " ".join(before.stdout.split())
    assert (
        f"park {month} cannot be closed yet, unless with --despite REASON: - 100.0 % of its tonnes rest"
        in said
    )
    assert refused.returncode == 1
    assert "rest on provisional factors, vn-grid/" in refused.stderr
    for told in in_vietnamese:
        assert "100,0 % lượng phát thải dựa trên hệ số tạm thời" in " ".join(told.split())
    assert (done.returncode, "the factor comes in May" in done.stdout) == (0, True)
    [told] = [one for one in json.loads(after.stdout)["periods"] if one["month"] == month]
    assert (told["status"], told["closed_by"], told["despite"]) == ("final", "lan", "the factor comes in May")
    assert (told["coverage"], told["provisional_share"], told["overruled"]) == (1.0, 1.0, ["provisional"])
