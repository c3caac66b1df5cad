"""How fast the line is, end to end, against its ceilings in the same run. Prints one JSON line.

Real Mosquitto, real `stackmeter run`, real InfluxDB: a backlog is published to the service's persistent session
while the service is away; then the service is started and timed until its state, and InfluxDB, have all of it. The
ceilings are measured between the runs: a bare paho subscriber that acknowledges and drops the same backlog, and
the same number of points as ready line protocol into the same InfluxDB. Runs and ceilings take turns, round after round, each
with servers of its own; what is printed is the median of the rounds, and in `spread` the least and the greatest of each.
Processor time is counted from the first message on, so that the start of the service is not in it.

    .venv/bin/python benchmarks/pipeline.py [--quick] [--rounds N] [--channels N]
"""

import argparse
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from store.influx.sink import InfluxSink
from tests.servers import InfluxDB, Mosquitto, free_port

GATEWAYS = 20
SOURCE_EVERY = 4  # channels; the Hai Phong example has 18 sources on 80 channels
CADENCE = timedelta(seconds=10)
PER_BLOCK = 10_000
# Saving the whole queue at every change, as the durable settings ask, would measure Mosquitto's disk and nothing else.
IN_MEMORY = "autosave_on_changes false\nautosave_interval 3600"


@dataclass(frozen=True)
class Load:
    """So many messages of so many readings, spread over the channels of all gateways in turn."""

    channels: int
    messages: int
    per_message: int

    @property
    def readings(self) -> int:
        return self.messages * self.per_message


def configuration(folder: Path, channels: int) -> Path:
    """Write a plant of register channels, each with a source of its own."""
    folder.mkdir(parents=True)
    each = channels // GATEWAYS
    gateways = "".join(f"          - name: g{g}\n" for g in range(GATEWAYS))
    (folder / "plant.yaml").write_text(
        "parks:\n  - name: park\n    title: Park\n    zone: Asia/Ho_Chi_Minh\n    facilities:\n"
        "      - name: plant\n        title: Plant\n        gateways:\n"
        + gateways
        + "        points: points.csv\n"
        "        sources:\n"
        + "".join(
            f"          - {{name: s{c}, method: electricity-location, factor: vn-grid, inputs: {{energy: c{c}}}}}\n"
            for c in range(0, channels, SOURCE_EVERY)
        )
    )
    rows = "".join(
        f"c{g * each + c},g{g},register,kWh,electricity\n" for g in range(GATEWAYS) for c in range(each)
    )
    (folder / "points.csv").write_text("name,gateway,kind,unit,quantity\n" + rows)
    return folder


def messages(load: Load) -> Iterator[tuple[str, bytes]]:
    """Yield (topic, payload): each message one instant of some channels of one gateway, time going on per gateway."""
    each = load.channels // GATEWAYS
    step = CADENCE * load.per_message / each
    start = datetime.now(UTC) - timedelta(days=20)
    for number in range(load.messages):
        gateway, turn = number % GATEWAYS, number // GATEWAYS
        first = turn * load.per_message
        at = (start + step * turn).strftime("%Y-%m-%dT%H:%M:%SZ")
        readings = [
            {
                "channel": f"c{gateway * each + (first + k) % each}",
                "time": at,
                "value": 1000 + (first + k) // each * 0.25,
                "unit": "kWh",
            }
            for k in range(load.per_message)
        ]
        head = {"boot": "b", "seq": turn + 1}
        body = {**head, **readings[0]} if load.per_message == 1 else {**head, "readings": readings}
        yield f"sm/v1/park/plant/g{gateway}/readings", json.dumps(body).encode()


def park_session(broker: Mosquitto, client_id: str) -> None:
    """Make a persistent session that subscribes, and leave."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id, clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
    )
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe("sm/v1/#", qos=1)
    subscribed.wait(10)
    client.disconnect()
    client.loop_stop()


def publish(broker: Mosquitto, load: Load) -> None:
    """Publish the whole load at QoS 1 and wait for every PUBACK."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "publisher")
    client.max_inflight_messages_set(2000)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    last = None
    for topic, payload in messages(load):
        last = client.publish(topic, payload, qos=1)
        while client._out_messages.__len__() > 5000:  # noqa: SLF001 - paho has no public bound on what it queues
            time.sleep(0.001)
    if last is not None:
        last.wait_for_publish(300)
    while client._out_messages:  # noqa: SLF001
        time.sleep(0.001)
    client.disconnect()
    client.loop_stop()


def bare_subscriber(broker: Mosquitto, load: Load) -> float:
    """Return messages/s of a paho client that only acknowledges."""
    park_session(broker, "bare")
    publish(broker, load)
    left, done = load.messages, threading.Event()

    def on_message(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        nonlocal left
        client.ack(message.mid, message.qos)
        left -= 1
        if not left:
            done.set()

    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        "bare",
        clean_session=False,
        protocol=MQTTProtocolVersion.MQTTv311,
        manual_ack=True,
    )
    client.on_message = on_message
    began = time.monotonic()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    done.wait(600)
    took = time.monotonic() - began
    client.disconnect()
    client.loop_stop()
    return load.messages / took


def ready_lines(influx: InfluxDB, points: int) -> float:
    """Return points/s of line protocol rendered beforehand, through the same client, in the same blocks."""
    start = time.time_ns() - 20 * 86_400 * 1_000_000_000
    blocks = []
    for first in range(0, points, PER_BLOCK):
        lines = (
            f"ready,park=park,facility=plant,channel=c{k % 1000},quantity=electricity value={1000 + k * 0.25},quality=0.0"
            f" {start + k // 1000 * 10_000_000_000}"
            for k in range(first, min(first + PER_BLOCK, points))
        )
        blocks.append("\n".join(lines).encode())
    sink = InfluxSink(influx.url, "", "stackmeter", "stackmeter")
    sink.write(blocks[0])
    began = time.monotonic()
    for block in blocks:
        sink.write(block)
    took = time.monotonic() - began
    sink.close()
    return points / took


@dataclass
class Run:
    """What a run of the service over a backlog took."""

    seconds_to_state: float
    seconds_to_influx: float
    cpu_s: float  # from the first message to the end
    peak_rss_mb: float


def service(broker: Mosquitto, folder: Path, config: Path, load: Load, influx: InfluxDB | None) -> Run:
    """Publish the load while the service is away, then time it from its first message."""
    state, port = folder / "state", free_port()
    shutil.rmtree(state, ignore_errors=True)
    park_session(broker, "stackmeter")
    publish(broker, load)
    command = [
        str(Path(sys.executable).parent / "stackmeter"), "run", "--config", str(config), "--state", str(state),
        "--broker", broker.url, "--port", str(port), "--log-level", "warning",
    ]  # fmt: skip
    if influx is not None:
        command += ["--influx", influx.url]
    process = subprocess.Popen(
        command, env={**os.environ, "STACKMETER_TOKEN": "token-of-a-benchmark"}, start_new_session=True
    )
    try:
        began = _until(state, "SELECT 1 FROM cursor", "state.db", lambda _: _journalled(state) > 1)
        cpu = _cpu(process.pid)
        end = load.messages + 1
        to_state = _until(state, "SELECT next FROM cursor", "state.db", lambda found: found >= end) - began
        to_influx = _until(state, _WAITING, "state.db", lambda found: found == 0) - began if influx else 0.0
        cpu, peak = _cpu(process.pid) - cpu, _peak(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    return Run(to_state, to_influx, cpu, peak)


_WAITING = "SELECT (SELECT count(*) FROM influx_reading) + (SELECT count(*) FROM influx_emission)"


def _until(state: Path, query: str, file: str, good: Callable[[int], bool]) -> float:
    """Look into the service's database, from outside, until it says so; return when that was."""
    while True:
        found = _asked(state / file, query)
        if found is not None and good(found):
            return time.monotonic()
        time.sleep(0.05)


def _journalled(state: Path) -> int:
    return _asked(state / "journal.db", "SELECT coalesce(max(first + count), 0) FROM journal") or 0


def _asked(file: Path, query: str) -> int | None:
    """Return the first number of the answer, None where there is no such database yet."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as connection:
            return int(connection.execute(query).fetchone()[0])
    except (sqlite3.OperationalError, TypeError):
        return None


def _session(leader: int) -> Iterator[Path]:
    """Yield the folder in /proc of each process of a session."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(folder.name)) == leader:
                yield folder


def _cpu(leader: int) -> float:
    """Return the processor time [s] of a session's processes."""
    ticks = 0
    for folder in _session(leader):
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _peak(leader: int) -> float:
    """Return the sum of the most memory [MB] that each of a session's processes had."""
    found = 0
    for folder in _session(leader):
        status = (folder / "status").read_text()
        found += int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    return found / 1024


Figures = dict[str, float]


def one_round(folder: Path, config: Path, many: Load, single: Load) -> Figures:
    """Measure runs and ceilings once, in turn."""
    with InfluxDB() as influx:
        with Mosquitto(extra=IN_MEMORY) as broker:
            into_influx = service(broker, folder, config, many, influx)
        influx_ceiling = ready_lines(influx, many.readings)
    with Mosquitto(extra=IN_MEMORY) as broker:
        into_state = service(broker, folder, config, many, None)
    with Mosquitto(extra=IN_MEMORY) as broker:
        paho_ceiling = bare_subscriber(broker, single)
    with Mosquitto(extra=IN_MEMORY) as broker:
        one_each = service(broker, folder, config, single, None)
    with_influx = many.readings / into_influx.seconds_to_influx
    singles = single.messages / one_each.seconds_to_state
    return {
        "readings_per_s": many.readings / into_state.seconds_to_state,
        "readings_per_s_influx": with_influx,
        "messages_per_s": singles,
        "influx_ceiling": influx_ceiling,
        "paho_ceiling": paho_ceiling,
        "ratio_influx": with_influx / influx_ceiling,
        "ratio_paho": singles / paho_ceiling,
        "cpu_us_per_reading": into_influx.cpu_s / many.readings * 1e6,
        "cpu_us_per_message": one_each.cpu_s / single.messages * 1e6,
        "peak_rss_mb": max(r.peak_rss_mb for r in (into_state, into_influx, one_each)),
    }


def _readable(name: str, value: float) -> float:
    return round(value, 3 if name.startswith("ratio") else 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two rounds of smaller loads, about two minutes")
    parser.add_argument("--rounds", type=int, help="5 unless told")
    parser.add_argument("--channels", type=int, default=2000, help="channels of the throughput runs")
    options = parser.parse_args()
    size = 1 if options.quick else 2
    many, single = Load(options.channels, 2400 * size, 100), Load(options.channels, 20_000 * size, 1)
    wide = Load(100_000, 1600 * size, 100)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = configuration(folder / "config", options.channels)
        rounds = [
            one_round(folder, config, many, single)
            for _ in range(options.rounds or (2 if options.quick else 5))
        ]
        with Mosquitto(extra=IN_MEMORY) as broker:
            at_size = service(broker, folder, configuration(folder / "wide", wide.channels), wide, None)
    columns = {key: [figures[key] for figures in rounds] for key in rounds[0]}
    columns["peak_rss_mb"].append(at_size.peak_rss_mb)
    medians = {key: _readable(key, median(column)) for key, column in columns.items()}
    told = {
        **medians,
        "peak_rss_mb": round(max(columns["peak_rss_mb"]), 1),
        "spread": {key: [_readable(key, found) for found in (min(c), max(c))] for key, c in columns.items()},
        "rounds": len(rounds),
        "channels": {"throughput": options.channels, "memory": wide.channels},
        "self_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
