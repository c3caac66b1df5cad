"""A feed of a whole service to a real FTP server: killed, restarted, sent again; and each file is read back by the format that the circular's files have."""

import json
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.station.words import ZONE
from proof.verify.verify import verify
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from stackmeter.commands.backup import copy
from store.feeds.files import FeedFiles
from tests.end_to_end.asking import rows, wait_for_messages
from tests.notify.feed_servers import PASSWORD, USER, FtpServer
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import TOKEN, Service

SLOTS = 6
CONFIG = """\
parks:
  - name: north
    title: North
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: stack}]
        channels:
          - {name: SO2, gateway: stack, kind: level, unit: mg/Nm3@25C, quantity: so2}
          - {name: PM2.5, gateway: stack, kind: level, unit: ug/Nm3@25C, quantity: dust}
          - {name: main, gateway: stack, kind: register, unit: kWh, quantity: electricity}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: vn-grid}
        feeds:
          - name: department
            station: HP_1
            every: 1min
            delay: 0s
            behind_after: 1min
            channels: {SO2: SO2, "PM2,5": PM2.5}
            to: {url: "ftp://127.0.0.1:PORT/in", user_env: FEED_USER, password_env: FEED_PASSWORD}
      - name: authority
        title: The authority
        gateways: [{name: desk}]
        channels:
          - {name: SO2, gateway: desk, kind: level, unit: mg/Nm3@25C, quantity: so2}
          - {name: PM2.5, gateway: desk, kind: level, unit: ug/Nm3@25C, quantity: dust}
subscriptions:
  - {topic: "logger/{gateway}", format: station-text, park: north, facility: mill}
  - {topic: "authority/{gateway}", format: station-text, park: north, facility: authority}
"""


def publish(server: Mosquitto, topic: str, payloads: list[bytes]) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", server.port)
    client.loop_start()
    for payload in payloads:
        client.publish(topic, payload, qos=1).wait_for_publish(PATIENCE)
    client.disconnect()
    client.loop_stop()


def stamp(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, ZONE):%Y%m%d%H%M%S}"


def told(service: Service, *arguments: str) -> str:
    asked = ["feed", *arguments, "--url", f"http://127.0.0.1:{service.port}", "--token", TOKEN]
    result = CliRunner().invoke(app, asked, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def of_facility(service: Service, facility: str) -> list[tuple[object, ...]]:
    query = (
        "SELECT name, time, value, quality FROM reading JOIN channel ON channel.id = channel WHERE facility = ?"
        " ORDER BY name, time"
    )
    return rows(service, query, facility)


def begin_with(service: Service, slot: int) -> None:
    """Let the feed of a service that is stopped begin with a slot that is over [ns UTC]."""
    file = service.state / "feeds.sqlite"
    with closing(FeedFiles(file)) as files:
        files.looked("department", slot)
    with closing(sqlite3.connect(file)) as files, files:
        files.execute("UPDATE feed SET first = ?1, looked = ?1", (slot,))


def test_each_slot_is_at_the_authority_once_whatever_is_killed(tmp_path: Path) -> None:
    config, there = tmp_path / "config", tmp_path / "ftp" / "in"
    config.mkdir()
    there.mkdir(parents=True)
    environment = {"FEED_USER": USER, "FEED_PASSWORD": PASSWORD}
    first = int(time.time()) // 60 * 60 - SLOTS * 60
    lines = [
        f"SO2\t{10 + n}\tmg/Nm3\t{stamp(first + 60 * n)}\t00\r\nPM2,5\t{n}.5\tug/Nm3\t{stamp(first + 60 * n)}\t01\r\n".encode()
        for n in range(SLOTS)
    ]
    names = [f"HP_1_{stamp(first + 60 * n)}.txt" for n in range(SLOTS)]
    with closing(FtpServer(tmp_path / "ftp")) as ftp, Mosquitto() as server:
        (config / "park.yaml").write_text(CONFIG.replace("PORT", str(ftp.port)))
        with Service(tmp_path, config, server.url, environment=environment) as service:
            service.start()
            publish(server, "logger/stack", lines)
            wait_for_messages(service, SLOTS)
            assert service.term() == 0
            begin_with(service, first * 10**9)

            service.start(crash="feed_after_upload:3", ready=False)
            service.wait_for_end()
            assert sorted(file.name for file in there.iterdir()) == names[:3]
            service.start()
            wait_until(lambda: len(list(there.glob("*.txt"))) >= SLOTS, "the authority lacks files")
            found = {file.name: file.read_bytes() for file in there.iterdir()}
            assert [found[name] for name in names] == [
                one.replace(b"\t%d\tmg" % (10 + n), b"\t%d.0\tmg" % (10 + n)) for n, one in enumerate(lines)
            ]

            publish(server, "authority/desk", [found[name] for name in names])
            wait_for_messages(service, 2 * SLOTS)
            assert of_facility(service, "authority") == of_facility(service, "mill")

            # The slots were over for minutes before the feed began with them.
            behind = "SELECT rule, ended_at IS NOT NULL FROM alert"
            wait_until(lambda: rows(service, behind) == [("feed-behind", 1)], "on-call was not told once")

            (there / names[0]).unlink()
            span = ["--from", f"{datetime.fromtimestamp(first, ZONE).isoformat()}", "--to", f"{datetime.fromtimestamp(first + 60, ZONE).isoformat()}"]  # fmt: skip
            assert (
                told(service, "resend", "department", *span, "--reason", "lost", "--by", "lan").strip()
                == "1 will be sent again"
            )
            wait_until((there / names[0]).exists, "not sent again")
            assert (there / names[0]).read_bytes() == found[names[0]]
            wait_until(lambda: '"waiting":0' in told(service, "status", "--json"), "it still waits")
            shown = json.loads(told(service, "status", "department", "--json"))["files"]
            assert {one["state"] for one in shown if one["name"] in names} == {"delivered"}
            assert "department" in told(service, "status")
            assert 'stackmeter_feed_waiting{feed="department"} 0.0' in service.get("/metrics").text
            assert service.term() == 0
            tried = CliRunner().invoke(
                app, ["feed", "try", "department", "--config", str(config)], env=environment
            )
            assert (tried.exit_code, tried.stdout) == (0, f"ftp://127.0.0.1:{ftp.port}/in takes files\n")
            assert "feeds.sqlite" in copy(service.state, tmp_path / "copy")
    away = CliRunner().invoke(app, ["feed", "try", "department", "--config", str(config)], env=environment)
    assert away.exit_code == 1
    catalogue = load_catalogue(config)
    report = verify(load(config, catalogue, AnySecret()), catalogue, tmp_path / "state")
    assert report.proven, report.findings[:5]
