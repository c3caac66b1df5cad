"""The whole way: gateways over TLS, the shipped broker, the service as a process, and the commands that look at it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stackmeter.cli import app
from tests.broker.production import G1, Production
from tests.servers import required, wait_until
from tests.service import TOKEN, Service


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Production]:
    required("openssl")
    with Production(tmp_path) as made:
        yield made


def run(*arguments: str, ends: int = 0) -> str:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "250", "STACKMETER_TOKEN": TOKEN})
    assert done.exit_code == ends, done.output
    return done.stdout


def reading(seq: int, value: float) -> bytes:
    now = datetime.now(UTC).isoformat()
    one = {"channel": "main/energy", "time": now, "value": value, "unit": "kWh"}
    return json.dumps({"boot": "b", "seq": seq, "readings": [one]}).encode()


def test_a_reading_over_tls_is_seen_by_watch_and_all_is_well_to_the_doctor(broker: Production) -> None:
    folder = broker.enroll(G1)
    broker.reload()
    config = broker.folder / "config"
    with Service(broker.folder, config, broker.url) as service:
        service.start()
        with broker.with_certificate(folder) as gateway:
            assert gateway.publish(f"sm/v1/{G1}/readings", reading(1, 100.0))
            assert gateway.publish(f"sm/v1/{G1}/readings", b"no JSON")
            url = f"http://127.0.0.1:{service.port}"
            watched = ("watch", "--once", "--json", "--url", url, "--gateway", "g1")
            wait_until(lambda: json.loads(run(*watched))["received"] == {G1: 2}, "not both came")

            seen = json.loads(run(*watched))
            table = run("watch", "--once", "--url", url)
        examined = run(
            "doctor", "--config", str(config), "--state", str(service.state), "--broker", broker.url, "--url", url,
            "--mosquitto-conf", str(broker.folder / "mosquitto.conf"), "--json",
        )  # fmt: skip

    [channel] = seen["channels"]
    assert (channel["latest"]["value"], channel["unit"]) == (100.0, "kWh")
    [one] = seen["gateways"]
    assert one["refused_24h"] == {"not_json": 1}
    assert "1 not_json" in table
    assert "p1/mill/other/energy" in table
    assert "\x1b" not in table
    levels = {check["check"]: check["level"] for check in json.loads(examined)["checks"]}
    del levels["clock"], levels["broker kind"]  # the machine's own affair
    assert set(levels.values()) == {"ok"}, examined


def test_sm06_a_retained_reading_counts_once_however_often_the_service_starts(broker: Production) -> None:
    """Registers 100 and 112 kWh on one retained topic: 12 kWh for ever, though the broker gives the last one each time."""
    broker.enroll(G1, certificate=False)
    broker.reload()
    topic = f"sm/v1/{G1}/readings"
    with Service(broker.folder, broker.folder / "config", broker.url) as service:
        service.start()
        with broker.with_password(G1) as gateway:
            gateway.publish(topic, reading(1, 100.0), retain=True)
            gateway.publish(topic, reading(2, 112.0), retain=True)
        url = f"http://127.0.0.1:{service.port}"
        wait_until(lambda: ends(url)["received"] >= 2, "not both came")
        for restart in range(1, 4):
            service.term()
            service.start()
            wait_until(lambda n=restart: ends(url)["duplicate"] >= n, "the retained one did not come again")

        assert ends(url)["accepted"] == 2
        assert ends(url)["quarantined"] == ends(url)["rejected"] == 0


def ends(url: str) -> dict[str, int]:
    return json.loads(run("status", "--json", "--url", url))["balance"]["readings"]


def test_sm05_a_payload_of_another_gateway_s_name_is_quarantined(broker: Production) -> None:
    broker.enroll(G1, certificate=False)
    broker.reload()
    stolen = json.loads(reading(1, 100.0)) | {"gateway": "g2"}
    with Service(broker.folder, broker.folder / "config", broker.url) as service:
        service.start()
        url = f"http://127.0.0.1:{service.port}"
        with broker.with_password(G1) as gateway:
            gateway.publish(f"sm/v1/{G1}/readings", json.dumps(stolen).encode())
        wait_until(
            lambda: json.loads(run("status", "--json", "--url", url))["balance"]["codes"] != {},
            "nothing refused",
        )

        codes = json.loads(run("status", "--json", "--url", url))["balance"]["codes"]

    assert codes == {"identity_mismatch": 1}
