"""The year of a real steel plant, one park of one of two services, comes through the front as its source has it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from simulators.replay import replay
from stackmeter.front.serving import server_of
from tests.cluster.test_front_live import service_of
from tests.end_to_end.test_real_data import REAL, ROOT
from tests.servers import PATIENCE, Mosquitto
from tests.service import TOKEN, Service

TONNES = 632.592519232  # t CO2e
STEEL = ROOT / "config" / "steel-2018"
SHARDS = """\
shards:
  - {{name: steel, url: "http://127.0.0.1:{0}", parks: [gwangyang]}}
  - {{name: other, url: "http://127.0.0.1:{1}", parks: [bac]}}
"""


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_the_real_year_comes_through_the_front(file: Path, tmp_path: Path) -> None:
    own = {"STACKMETER_PARK_TOPICS": "own"}
    with (
        Mosquitto() as broker,
        Service(tmp_path, STEEL, broker.url, client_id="stackmeter-steel", environment=own) as steel,
        service_of(tmp_path / "bac", "bac", broker) as other,
    ):
        for one in (steel, other):
            one.start()
        replay(file, STEEL / "mapping.yaml", broker.url, confirm=PATIENCE)
        (tmp_path / "shards.yaml").write_text(SHARDS.format(steel.port, other.port))
        server = server_of(tmp_path / "shards.yaml", "127.0.0.1", 0)
        server.start()
        [itself] = steel.get("/v1/totals", level="park", period="2018").json()["totals"]
        try:
            told = {level: asked(server.url, level) for level in ("all", "park")}
        finally:
            server.stop()

    assert itself["co2e_t"] == pytest.approx(TONNES, rel=1e-15)
    assert [(one["park"], one["co2e_t"]) for one in told["park"]] == [
        ("bac", None),
        ("gwangyang", itself["co2e_t"]),
    ]
    assert [(one["co2e_t"], one["unheard"]) for one in told["all"]] == [(itself["co2e_t"], ["bac/mill/grid"])]


def asked(url: str, level: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    query = {"level": level, "period": "2018"}
    answer = httpx.get(f"{url}/v1/totals", params=query, headers=headers, trust_env=False, timeout=PATIENCE)
    totals: list[dict[str, Any]] = answer.raise_for_status().json()["totals"]
    return totals
