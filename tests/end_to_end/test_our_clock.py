"""The machine's clock is two hours behind, and set while the service runs: said at once, and nothing is lost by it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store.access_log import AccessLog
from tests.end_to_end.gateway import RawGateway
from tests.servers import Mosquitto, required, wait_until
from tests.service import CONSOLE_SCRIPT, TOKEN, Service
from tests.warm import console

GATEWAYS = ("gw-1", "gw-2", "gw-3")
READINGS = 5  # of each gateway
CHANNEL = "{{name: energy-{0}, gateway: {0}, kind: interval, unit: kWh, quantity: electricity, period: 1min}}"
PLANT = f"""\
parks:
  - name: park
    title: Park
    zone: UTC
    facilities:
      - name: mill
        title: Mill
        gateways: [{", ".join(f"{{name: {name}}}" for name in GATEWAYS)}]
        channels: [{", ".join(map(CHANNEL.format, GATEWAYS))}]
        sources: [{{name: grid, method: electricity-location, inputs: {{energy: energy-gw-1}}, factor: vn-grid}}]
"""


def behind(folder: Path, offset: str) -> tuple[str, ...]:
    """Return the program whose wall clock goes by the offset in a file, as a machine's that is set while it runs."""
    clock = folder / "clock"
    clock.write_text(offset)
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    settings = {
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1, "DONT_FAKE_MONOTONIC": 1,
    }  # fmt: skip
    return ("env", *(f"{name}={value}" for name, value in settings.items()), *CONSOLE_SCRIPT)


def about_the_clock(service: Service) -> list[str]:
    return [one for one in service.get("/readyz").json()["degradations"] if "clock" in one]


def quarantined(service: Service) -> int:
    causes = service.get("/v1/quarantine").json()["causes"]
    return sum(one["count"] for one in causes if one["code"] == "ts_future")


def replay(service: Service) -> None:
    given = ["--url", f"http://127.0.0.1:{service.port}", "--token", TOKEN]
    done = console("quarantine", "replay", "--code", "ts_future", "--by", "lan", *given)
    assert done.returncode == 0, done.stderr


def test_solid_b11_what_came_while_our_clock_was_behind_counts_once_it_is_set(tmp_path: Path) -> None:
    required("faketime")
    config = tmp_path / "config"
    config.mkdir()
    (config / "plant.yaml").write_text(PLANT)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    with (
        Mosquitto() as broker,
        Service(tmp_path, config, broker.url, program=behind(tmp_path, "-2h")) as service,
        RawGateway(broker.port) as gateways,
    ):
        service.start()
        for name in GATEWAYS:
            readings = [
                {"channel": f"energy-{name}", "time": (now - timedelta(minutes=k)).isoformat(), "value": 60.0, "unit": "kWh"}
                for k in range(READINGS)
            ]  # fmt: skip
            gateways.send(f"sm/v1/park/mill/{name}/readings", {"boot": "b", "seq": 1, "readings": readings})
        gateways.wait()
        service.drain(len(GATEWAYS))
        refused, [told] = quarantined(service), about_the_clock(service)
        (tmp_path / "clock").write_text("+0")
        wait_until(lambda: not about_the_clock(service), "our clock is still in doubt")
        log = AccessLog(service.state / "keys.sqlite")
        wait_until(lambda: bool(log.rows(what="clock.set")), "that the clock was set is not noticed")
        replay(service)
        wait_until(lambda: quarantined(service) == 0, "what was replayed is still refused")
        [total] = service.get("/v1/totals", level="source", period=f"{now:%Y}").json()["totals"]

    assert re.match(  # less than 2 h where the readings waited a minute
        r"this machine's clock seems to be (2 h|11\d min) behind: 3 of 3 gateways are ahead of it", told
    )
    assert refused == len(GATEWAYS)
    assert total["activity"] == pytest.approx(READINGS * 60.0)
