"""docs/examples/gateway.py with either identity that `stackmeter gateway enroll` makes, at the shipped broker."""

import importlib.util
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from tests.broker.production import G1, G2, Production
from tests.broker.test_end_to_end import reading, run
from tests.frame.repository import ROOT
from tests.servers import PATIENCE, required, wait_until
from tests.service import Service


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Production]:
    required("openssl")
    with Production(tmp_path) as made:
        yield made


def example() -> ModuleType:
    specification = importlib.util.spec_from_file_location("gateway", ROOT / "docs/examples/gateway.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_example_is_acknowledged_by_certificate_and_by_password(broker: Production) -> None:
    own = broker.enroll(G1)
    assert own is not None
    broker.enroll(G2, certificate=False)
    broker.reload()
    ca = str(broker.identities.path / "ca.crt")
    secured = {
        G1: (broker.by_certificate, "", ca, str(own / "gateway.crt"), str(own / "gateway.key")),
        G2: (broker.by_password, broker.passwords[G2], ca),
    }
    with Service(broker.folder, broker.folder / "config", broker.url) as service:
        service.start()
        for name, (port, *given) in secured.items():
            kept = broker.folder / f"{name.replace('/', '-')}.db"
            gateway = example().Gateway(name, str(kept), "localhost", port, *given)
            gateway.send(json.loads(reading(1, 100.0))["readings"])
            with closing(sqlite3.connect(kept)) as file:
                wait_until(
                    lambda file=file, gateway=gateway: gateway.tend() or not waiting(file),
                    f"no ack for {name}",
                    PATIENCE,
                )
            gateway.client.disconnect()
            gateway.client.loop_stop()
        url = f"http://127.0.0.1:{service.port}"
        seen = json.loads(run("watch", "--once", "--json", "--url", url))

    assert {one["gateway"]: one["source_class"] for one in seen["gateways"]} == {
        "g1": "A",
        "g2": "A",
        "shelly-7": None,
    }


def waiting(file: sqlite3.Connection) -> int:
    return int(file.execute("SELECT count(*) FROM kept").fetchone()[0])
