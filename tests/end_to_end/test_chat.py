"""A running service tells a chat of an alert, in the reader's language and by the reader's clock, and over a kill in its order."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.end_to_end.gateway import RawGateway
from tests.servers import Mosquitto, WebhookReceiver, wait_until
from tests.service import Service

PLANT = """\
parks:
  - name: bac
    title: Khu Bắc
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: water
        title: Xử lý nước thải
        gateways: [{name: gw-1}]
        channels:
          - {name: ph, gateway: gw-1, kind: level, unit: pH, quantity: ph}
          - {name: power, gateway: gw-1, kind: rate, unit: kW, quantity: electricity, max: 1000}
        sources: [{name: grid, method: electricity-location, inputs: {energy: power}, factor: vn-grid}]
alerts:
  - name: ph-high
    facility: water
    channel: ph
    above: 9
    severity: critical
    summary: {vi: Nước quá kiềm, en: The water is too alkaline}
    first_action: {vi: Dừng xả., en: Stop the outflow.}
webhooks:
  - {name: night, kind: apprise, url_env: NIGHT_CHAT, language: vi, zone: Europe/Berlin, allow_private: true}
"""
PUBLIC = "https://sm.example"
# Apprise imports a module that Python is about to drop; it brings a substitute for where it is gone.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def messages(receiver: WebhookReceiver) -> list[tuple[str, list[str]]]:
    """Return title and lines of what was posted to the chat."""
    found = [json.loads(one.body) for one in receiver.requests]
    return [(one["title"], one["message"].splitlines()) for one in found]


def test_solid_c_a_chat_is_told_in_its_language_and_in_order_though_the_service_is_killed(
    tmp_path: Path, webhook_receiver: WebhookReceiver
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "plant.yaml").write_text(PLANT, encoding="utf-8")
    chat = webhook_receiver.url.replace("http://", "json://") + "/hook"
    given = {"NIGHT_CHAT": chat, "STACKMETER_PUBLIC_URL": PUBLIC}

    def ph(value: float, session: RawGateway) -> None:
        reading = {"channel": "ph", "time": datetime.now(UTC).isoformat(), "value": value, "unit": "pH"}
        session.send("sm/v1/bac/water/gw-1/readings", {"readings": [reading]})
        session.wait()

    with (
        Mosquitto() as broker,
        Service(tmp_path, tmp_path / "config", broker.url, environment=given) as service,
        RawGateway(broker.port) as session,
    ):
        service.start()
        ph(9.9, session)
        webhook_receiver.wait_for(1)
        webhook_receiver.script(500)
        ph(7.0, session)
        webhook_receiver.wait_for(2)
        ph(9.6, session)
        wait_until(lambda: len(service.get("/v1/alerts").json()["alerts"]) == 2, "the second alert")
        service.kill()
        service.start()
        wait_until(lambda: "Giá trị: 9,6 pH" in str(messages(webhook_receiver)), "its message")

    told = messages(webhook_receiver)
    title, lines = told[0]
    assert title == "NGHIÊM TRỌNG: Khu Bắc, Xử lý nước thải"
    assert lines[:3] == [
        "Nước quá kiềm", "Ở đâu: Khu Bắc · Xử lý nước thải · gw-1 · ph", "Giá trị: 9,9 pH, trên ngưỡng 9,0 pH",
    ]  # fmt: skip
    assert lines[3].startswith("Từ lúc: ")
    assert lines[3].endswith(("(UTC+01:00)", "(UTC+02:00)"))
    assert "Việc cần làm trước: Dừng xả." in lines
    assert lines[-1].startswith(f"Nhận xử lý hoặc tạm hoãn: {PUBLIC}/a/")
    heads = dict.fromkeys(
        (title.partition(":")[0], lines[2]) for title, lines in told
    )  # an attempt may come twice
    assert list(heads) == [
        ("NGHIÊM TRỌNG", "Giá trị: 9,9 pH, trên ngưỡng 9,0 pH"),
        ("ĐÃ HẾT · Nghiêm trọng", "Giá trị lúc hết: 7 pH, ngưỡng 9 pH"),
        ("NGHIÊM TRỌNG", "Giá trị: 9,6 pH, trên ngưỡng 9,0 pH"),
    ]
