"""How soon a reading is in the totals, and how soon whoever is on call is told. Prints one JSON line.

Real Mosquitto, real `stackmeter run`, 10,000 readings/s of other channels meanwhile. Marked readings are published one after
the other: an amount of an event channel, timed until `GET /v1/totals` has it; and a level that passes its limit and comes
back, timed until the webhook's receiver has taken the notice. Each of several levels does so twice, since a limit that is passed
a third time within ten minutes is shelved. Both ends are this process, so the clock is one.

    .venv/bin/python benchmarks/latency.py [--quick] [--rate N]
"""

import argparse
import base64
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.servers import Mosquitto, free_port, wait_until

CHANNELS, GATEWAYS, PER_MESSAGE = 2000, 20, 100
LIMIT = 100.0
MARK_EVERY = 0.3  # s between two marked readings of one kind
MARKS, QUICK_MARKS = 200, 40  # of each kind
MARKS_PER_LEVEL = 4  # twice there and back: once more, and its limit would be shelved
LEVELS = MARKS // MARKS_PER_LEVEL
TOKEN = "token-of-a-benchmark"
PATIENCE_S = 60
IN_MEMORY = "autosave_on_changes false\nautosave_interval 3600"


def configuration(folder: Path, receiver: int) -> Path:
    """Write the plant: registers with a source each, and the marked channels, each level with a limit."""
    folder.mkdir()
    each = CHANNELS // GATEWAYS
    gateways = "".join(f"          - name: g{g}\n" for g in range(GATEWAYS))
    sources = "".join(
        f"          - {{name: s{c}, method: electricity-location, factor: vn-grid, inputs: {{energy: c{c}}}}}\n"
        for c in range(0, CHANNELS, 4)
    )
    levels = "".join(
        f"          - {{name: level{n}, gateway: g, kind: level, unit: kPa, quantity: pressure, max_gap: 1h}}\n"
        for n in range(LEVELS)
    )
    limits = "".join(
        f"  - {{name: high{n}, facility: marked, channel: level{n}, above: {LIMIT}, severity: critical, summary: High}}\n"
        for n in range(LEVELS)
    )
    (folder / "plant.yaml").write_text(
        "parks:\n  - name: park\n    title: Park\n    zone: Asia/Ho_Chi_Minh\n    facilities:\n"
        "      - name: plant\n        title: Plant\n        gateways:\n"
        + gateways
        + "        points: points.csv\n"
        "        sources:\n"
        + sources
        + "      - name: marked\n        title: Marked\n        gateways: [{name: g}]\n"
        "        channels:\n"
        "          - {name: amount, gateway: g, kind: event, unit: kWh, quantity: electricity}\n"
        + levels
        + "        sources:\n"
        "          - {name: amount, method: electricity-location, factor: vn-grid, inputs: {energy: amount}}\n"
        "alerts:\n" + limits + "webhooks:\n"
        f"  - {{name: here, url: 'http://127.0.0.1:{receiver}/', secret_env: LATENCY_SECRET, allow_private: true}}\n"
    )
    rows = "".join(
        f"c{g * each + c},g{g},register,kWh,electricity\n" for g in range(GATEWAYS) for c in range(each)
    )
    (folder / "points.csv").write_text("name,gateway,kind,unit,quantity\n" + rows)
    return folder


class Receiver:
    """Takes webhooks, and when each came."""

    def __init__(self) -> None:
        came: queue.Queue[tuple[float, str]] = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(204)
                self.end_headers()
                came.put((time.monotonic(), json.loads(body)["type"]))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.came = came
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def next(self) -> tuple[float, str]:
        """Return when the next webhook came, and its type."""
        return self.came.get(timeout=PATIENCE_S)


def now_text() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextmanager
def publisher(port: int) -> Iterator[mqtt.Client]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(2000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def load(port: int, rate: int, stop: threading.Event) -> None:
    """Publish registers at a rate [readings/s], evenly, until told to stop."""
    each, pause = CHANNELS // GATEWAYS, PER_MESSAGE / rate
    with publisher(port) as client:
        due, turn = time.monotonic(), 0
        while not stop.wait(max(0.0, due - time.monotonic())):
            gateway, at = turn % GATEWAYS, now_text()
            readings = [
                {"channel": f"c{gateway * each + k}", "time": at, "value": 1000 + turn * 0.01, "unit": "kWh"}
                for k in range(PER_MESSAGE)
            ]
            body = {"boot": "b", "seq": turn // GATEWAYS + 1, "readings": readings}
            client.publish(f"sm/v1/park/plant/g{gateway}/readings", json.dumps(body).encode(), qos=1)
            turn, due = turn + 1, due + pause


def mark(client: mqtt.Client, channel: str, value: float, unit: str) -> float:
    """Publish one marked reading, and return when."""
    body = {"channel": channel, "time": now_text(), "value": value, "unit": unit}
    at = time.monotonic()
    client.publish("sm/v1/park/marked/g/readings", json.dumps(body).encode(), qos=1)
    return at


def to_total(client: mqtt.Client, api: httpx.Client, count: int) -> list[float]:
    """Return how long each amount took until the totals had it [s]."""
    took = []
    for number in range(1, count + 1):
        at = mark(client, "amount", 1.0, "kWh")
        while _amount(api) < number:
            time.sleep(0.01)
        took.append(time.monotonic() - at)
        time.sleep(MARK_EVERY * number % MARK_EVERY)
    return took


def _amount(api: httpx.Client) -> float:
    params = {"level": "source", "facility": "marked", "period": "year"}
    [total] = api.get("/v1/totals", params=params).json()["totals"]
    return float(total["activity"] or 0)


def to_webhook(client: mqtt.Client, receiver: Receiver, count: int) -> list[float]:
    """Return how long each passing of a limit, there and back, took until it was told [s]."""
    took = []
    for number in range(count):
        rises = number % 2 == 0
        at = mark(client, f"level{number // MARKS_PER_LEVEL}", 2 * LIMIT if rises else LIMIT / 2, "kPa")
        came, kind = receiver.next()
        if kind != ("alert.firing" if rises else "alert.resolved"):
            raise RuntimeError(f"{kind} was told where the other was to be")
        took.append(came - at)
        time.sleep(MARK_EVERY)
    return took


@contextmanager
def service(broker: Mosquitto, folder: Path, config: Path) -> Iterator[httpx.Client]:
    """Run the service; give a client of its API."""
    port = free_port()
    secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
    command = [
        str(Path(sys.executable).parent / "stackmeter"), "run", "--config", str(config), "--state", str(folder / "state"),
        "--broker", broker.url, "--port", str(port), "--log-level", "warning",
    ]  # fmt: skip
    environment = {**os.environ, "STACKMETER_TOKEN": TOKEN, "LATENCY_SECRET": secret}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as api:
            wait_until(
                lambda: process.poll() is not None or _ready(api), "the service is not ready", PATIENCE_S
            )
            if process.poll() is not None:
                raise RuntimeError(f"the service ended with {process.returncode}")
            yield api
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def _ready(api: httpx.Client) -> bool:
    try:
        return api.get("/readyz").is_success
    except httpx.TransportError:
        return False


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_MARKS} marks of each kind in place of {MARKS}, under 50 s",
    )
    parser.add_argument("--rate", type=int, default=10_000, help="readings/s of other channels")
    options = parser.parse_args()
    count = QUICK_MARKS if options.quick else MARKS
    receiver, stop = Receiver(), threading.Event()
    with tempfile.TemporaryDirectory() as name, Mosquitto(extra=IN_MEMORY) as broker:
        folder = Path(name)
        config = configuration(folder / "config", receiver.port)
        with service(broker, folder, config) as api, publisher(broker.port) as client:
            threading.Thread(target=load, args=(broker.port, options.rate, stop), daemon=True).start()
            began, before = time.monotonic(), _received(api)
            totals = to_total(client, api, count)
            webhooks = to_webhook(client, receiver, count)
            rate = (_received(api) - before) / (time.monotonic() - began)
            stop.set()
    figures = {
        f"{name}_{label}_s": round(float(np.percentile(took, share)), 3)
        for name, took in (("to_total", totals), ("to_webhook", webhooks))
        for label, share in (("p50", 50), ("p99", 99))
    }
    print(json.dumps({**figures, "readings_per_s": round(rate), "marks": count}))


def _received(api: httpx.Client) -> int:
    return int(api.get("/v1/balance").json()["readings"]["received"])


if __name__ == "__main__":
    main()
