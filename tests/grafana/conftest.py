"""Hours of the example's parks, as the service took it: its API and its InfluxDB, for queries to find something in."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import grafana  # noqa: F401  imports the SDK without its warning, before a test module does
from simulators.faults import Faults
from simulators.park import simulate
from tests.end_to_end.asking import wait_for_influx
from tests.frame.repository import ROOT
from tests.servers import InfluxDB, Mosquitto, Prometheus
from tests.service import TOKEN, Service

# It fires at the first reading: what alerts are about is not the matter here.
ALERTS = """
alerts:
  - {name: stack-is-warm, park: nam-cau-kien, facility: mill, channel: stack/temperature, above: 0, severity: warning, summary: Warm}
"""
EXTENT = 2 * 3600.0  # s
NEWER = 60.0  # s: a limit begins when the service starts, and fires for what is read after that


@dataclass(frozen=True)
class Day:
    """The service, the InfluxDB that it wrote to, and the Prometheus that scraped it."""

    service: Service
    influx: InfluxDB
    prometheus: Prometheus


@pytest.fixture(scope="package")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("grafana")
    config = Path(shutil.copytree(ROOT / "config" / "haiphong", folder / "config"))
    (config / "more-alerts.yaml").write_text(ALERTS)
    with (
        Mosquitto() as broker,
        InfluxDB() as influx,
        Service(folder, config, broker.url, influx=influx.url) as service,
    ):
        service.start()
        begin = datetime.now(UTC) - timedelta(seconds=EXTENT)
        simulate(
            config,
            broker.url,
            speed=math.inf,
            duration=EXTENT + NEWER,
            start=begin,
            faults=Faults(duplicate=0.01),
            settle=30.0,
        )
        wait_for_influx(service)
        with Prometheus(service.port, TOKEN) as prometheus:
            yield Day(service, influx, prometheus)
