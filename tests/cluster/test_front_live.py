"""The live page over two services that run: what both emit, one of them killed and started again, and an alert of either."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, expect

from api.serve import Server
from stackmeter.front.serving import server_of
from tests.end_to_end.gateway import RawGateway
from tests.page.conftest import browser  # noqa: F401 - a fixture
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import TOKEN, Service

PLANT = """\
parks:
  - name: {name}
    title: Khu {name}
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{{name: gw}}]
        channels: [{{name: meter, gateway: gw, kind: interval, unit: kWh, quantity: electricity, period: 1min}}]
        sources: [{{name: grid, method: electricity-location, inputs: {{energy: meter}}, factor: vn-grid}}]
"""
SHARDS = """\
shards:
  - {{name: north, url: "http://127.0.0.1:{bac}", parks: [bac], key_env: FRONT_KEY}}
  - {{name: south, url: "http://127.0.0.1:{nam}", parks: [nam]}}
"""
KWH = {"bac": 1_000.0, "nam": 2_345.6}


class Running(NamedTuple):
    """A front, and the services behind it by their parks."""

    server: Server
    services: dict[str, Service]
    client: httpx.Client

    def get(self, path: str) -> Any:
        return self.client.get(path).json()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shards")
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto())
        services = {name: stack.enter_context(service_of(folder / name, name, broker)) for name in KWH}
        gateway = stack.enter_context(RawGateway(broker.port))
        for one in services.values():
            one.start()
        for name, value in KWH.items():
            reading = {
                "channel": "meter",
                "time": datetime.now(UTC).isoformat(),
                "value": value,
                "unit": "kWh",
            }
            gateway.send(f"sm/v1/{name}/mill/gw/readings", {"boot": "b", "seq": 1, "readings": [reading]})
        gateway.wait()
        for one in services.values():
            one.drain(1)
        (folder / "shards.yaml").write_text(
            SHARDS.format(**{name: one.port for name, one in services.items()})
        )
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setenv("FRONT_KEY", TOKEN)
        patched.setattr("stackmeter.front.standing.EVERY_S", 0.2)
        patched.setattr("stackmeter.front.live.AGAIN_S", 0.2)
        server = server_of(folder / "shards.yaml", "127.0.0.1", 0)
        server.start()
        stack.callback(server.stop)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        client = httpx.Client(
            base_url=server.url, headers=headers, trust_env=False, verify=False, timeout=PATIENCE
        )
        yield Running(server, services, stack.enter_context(client))


def service_of(folder: Path, name: str, broker: Mosquitto) -> Service:
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "plant.yaml").write_text(PLANT.format(name=name))
    own = {"STACKMETER_PARK_TOPICS": "own"}
    return Service(folder, folder / "config", broker.url, client_id=f"stackmeter-{name}", environment=own)


def parts_of(running: Running, *wanted: str) -> dict[str, Any]:
    """Return the first of each part of the live stream that is wanted, and the id of the alerts'."""
    found: dict[str, Any] = {}
    name = ""
    with running.client.stream("GET", "/v1/live") as answer:
        for line in answer.iter_lines():
            key, _, value = line.partition(": ")
            name = value if key == "event" else name
            if key == "data":
                found.setdefault(name, json.loads(value))
            if key == "id":
                found["id"] = value
            if {*wanted, "id"} <= found.keys():
                return found
    raise AssertionError(f"the stream ended after {sorted(found)}")


def test_the_stream_tells_of_all_shards_as_one_service_would(running: Running) -> None:
    told = parts_of(running, "plant", "totals", "hours", "gateways", "health", "alerts")
    [of_all] = running.get("/v1/totals?level=all")["totals"]
    parks = [one.get("/v1/totals", level="park").json()["totals"][0] for one in running.services.values()]

    assert [(one["name"], one["title"]) for one in told["plant"]["parks"]] == [
        ("bac", "Khu bac"),
        ("nam", "Khu nam"),
    ]
    assert told["plant"]["you"] == {"name": "token", "role": "admin", "shared": True}
    [whole] = [one for one in told["totals"]["today"] if one["park"] is None]
    assert whole["co2e_t"] == of_all["co2e_t"] == parks[0]["co2e_t"] + parks[1]["co2e_t"]
    assert {one["park"] for one in told["gateways"]["gateways"]} == set(KWH)
    hours = {one["park"]: one["co2e_t"] for one in told["hours"]["rows"] if one["facility"] is None}
    assert hours[None] == [
        None if None in (a, b) else a + b for a, b in zip(hours["bac"], hours["nam"], strict=True)
    ]
    assert any(hours[None])
    assert (told["health"]["ready"], told["alerts"]["missed"]) == (True, False)


def test_a_page_shows_all_and_what_is_unknown_while_a_shard_is_away(
    running: Running,
    browser: Browser,  # noqa: F811 - the fixture
) -> None:
    page = browser.new_page()
    page.goto(f"{running.server.url}/?lang=en#key={TOKEN}")
    [of_all] = running.get("/v1/totals?level=all")["totals"]
    today, rows = page.locator("[data-key=today]"), page.locator("[data-key=places] tbody tr.park")
    expect(today).to_contain_text(f"{of_all['co2e_t']:.3f}"[:4])
    expect(rows).to_have_count(2)

    running.services["nam"].kill()

    expect(page.locator("[data-key=health]")).to_contain_text("shard south is away since")
    expect(today).to_contain_text("unknown")
    expect(rows.nth(1)).to_contain_text("unknown")
    told = running.get("/v1/totals?level=park")["totals"]
    assert [(one["park"], one["co2e_t"] is None, "away" in one) for one in told] == [
        ("bac", False, False),
        ("nam", True, True),
    ]
    assert running.get("/v1/totals?level=all")["totals"][0]["co2e_t"] is None
    wait_until(lambda: running.get("/readyz")["degradations"], "it is not seen to be away")
    assert 'stackmeter_front_shard_up{shard="south"} 0.0' in running.client.get("/metrics").text

    running.services["nam"].start()

    expect(page.locator("[data-key=health]")).not_to_contain_text("away", timeout=PATIENCE * 1000)
    expect(today).not_to_contain_text("unknown")
    assert running.get("/v1/totals?level=all")["totals"][0]["co2e_t"] == of_all["co2e_t"]
    page.close()
