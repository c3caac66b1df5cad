"""How soon the API answers 200 dashboards while readings come in, and whether any of these are lost. Prints one JSON line.

Real Mosquitto, real `stackmeter run`. Each dashboard asks for totals, alerts, a series and gateways every 5 s, beside five live
streams; another process publishes 2,000 messages/s, a reading each. Marked messages are timed until the gateway's ack covers them
(acks go out once a second at the most) and until `GET /v1/totals` has their amount (`totals_p99_s`); `totals_answer_p99_s` is what
one answer of it takes. `lost` is the share of the messages that
were published and are in no outcome of `GET /v1/balance` in the end; `page_weight` is the live page with all its parts, in bytes as they travel.

    .venv/bin/python benchmarks/api.py [--quick] [--rate N] [--dashboards N]
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import re
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.latency import (
    CHANNELS,
    GATEWAYS,
    IN_MEMORY,
    PATIENCE_S,
    TOKEN,
    configuration,
    now_text,
    publisher,
    service,
)
from tests.servers import Mosquitto, free_port, wait_until

EVERY_S = 5.0
STREAMS = 5
MARK_EVERY_S = 0.5
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(slots=True)
class Times:
    """What was measured [s], and how many answers were none."""

    api: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # by path
    totals: list[float] = field(default_factory=list)
    ingest: list[float] = field(default_factory=list)
    failed: int = 0


def load(port: int, rate: int, stop: Event, published: Any) -> None:
    """Publish messages of one reading at a rate [messages/s], evenly, until told to stop; say how many."""
    each, sent = CHANNELS // GATEWAYS, 0
    with publisher(port) as client:
        due = time.monotonic()
        while not stop.is_set():
            gateway, turn = sent % GATEWAYS, sent // GATEWAYS
            channel = f"c{gateway * each + turn % each}"
            reading = {"channel": channel, "time": now_text(), "value": 1000 + turn * 0.001, "unit": "kWh"}
            body = {"boot": "b", "seq": turn + 1, **reading}
            last = client.publish(f"sm/v1/park/plant/g{gateway}/readings", json.dumps(body).encode(), qos=1)
            sent, due = sent + 1, due + 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
        last.wait_for_publish(PATIENCE_S)
    published.value = sent


async def dashboards(url: str, number: int, until: float, times: Times) -> None:
    """Let dashboards ask until a time of the monotonic clock, each over a connection of its own, and streams be open."""
    host = httpx.URL(url)
    streams = [asyncio.create_task(_stream(host)) for _ in range(STREAMS)]
    await asyncio.gather(*(_dashboard(host, until, times) for _ in range(number)))
    for one in streams:
        one.cancel()
    ended = await asyncio.gather(*streams, return_exceptions=True)
    broken = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
    if broken:
        raise RuntimeError(f"live streams ended: {broken}")


async def _dashboard(host: httpx.URL, until: float, times: Times) -> None:
    source = f"s{random.randrange(0, CHANNELS, 4)}"
    due = time.monotonic() + random.random() * EVERY_S
    async with _connection(host) as (reader, writer):
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            for path, params in _questions(source):
                began = time.monotonic()
                writer.write(_request(host.copy_with(path=path, params=params)))
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(_LENGTH.findall(head)[0]))
                took = time.monotonic() - began
                times.api[path].append(took)
                times.failed += not head.startswith(b"HTTP/1.1 200 ")
            due = max(due + EVERY_S, time.monotonic())


# 200 clients of httpx would take more of the two cores than the service that they ask.
_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n", re.IGNORECASE)


@asynccontextmanager
async def _connection(host: httpx.URL) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(host.host, host.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def _request(url: httpx.URL) -> bytes:
    target = url.raw_path.decode()
    return f"GET {target} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


def _questions(source: str) -> Iterator[tuple[str, dict[str, str]]]:
    now = datetime.now(UTC)
    hours = {"from": (now - timedelta(hours=6)).isoformat(), "to": now.isoformat()}
    yield "/v1/totals", {"level": "facility"}
    yield "/v1/alerts", {"status": "open"}
    yield "/v1/series", {"kind": "emission", "facility": "plant", "source": source, "every": "15m", **hours}
    yield "/v1/gateways", {}


async def _stream(host: httpx.URL) -> None:
    async with _connection(host) as (reader, writer):
        writer.write(_request(host.copy_with(path="/v1/live")))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"no live stream: {head!r}")
        while await reader.read(65536):
            pass


def mark(port: int, url: str, stop: threading.Event, times: Times) -> None:
    """Publish marked messages one after the other; time each until its ack, and until the totals have its amount."""
    acks: list[float] = []  # when each message was covered

    def on_ack(_client: Any, _data: Any, message: Any) -> None:
        through = max(one["received_through"] for one in json.loads(message.payload)["acks"])
        acks.extend([time.monotonic()] * (through - len(acks)))

    with publisher(port) as client, httpx.Client(base_url=url, headers=HEADERS, trust_env=False) as api:
        client.on_message = on_ack
        client.subscribe("sm/v1/park/marked/g/ack")
        for number in count(1):
            body = {
                "boot": "b",
                "seq": number,
                "channel": "amount",
                "time": now_text(),
                "value": 1.0,
                "unit": "kWh",
            }
            at = time.monotonic()
            client.publish("sm/v1/park/marked/g/readings", json.dumps(body).encode(), qos=1)
            wait_until(partial(_has, api, number), "the totals have it", PATIENCE_S)
            times.totals.append(time.monotonic() - at)
            wait_until(partial(_reached, acks, number), "the ack", PATIENCE_S)
            times.ingest.append(acks[number - 1] - at)
            if stop.wait(MARK_EVERY_S):
                return


def _reached(acks: list[float], number: int) -> bool:
    return len(acks) >= number


def _has(api: httpx.Client, amount: int) -> bool:
    params = {"level": "source", "facility": "marked", "period": "year"}
    [total] = api.get("/v1/totals", params=params).raise_for_status().json()["totals"]
    return float(total["activity"] or 0) >= amount


def page_weight(api: httpx.Client) -> int:
    """Return the bytes of the live page and all its parts, as they travel."""
    names = [one.name for one in (Path(__file__).resolve().parent.parent / "src/api/page").iterdir()]
    paths = ["/", *(f"/assets/{name}" for name in names if name != "index.html")]
    answers = [api.get(path) for path in paths]
    return sum(one.num_bytes_downloaded for one in answers if one.is_success)


@contextmanager
def published(port: int, rate: int) -> Iterator[Any]:
    """Publish in another process meanwhile; the number of messages is there when the block has ended."""
    spawn = multiprocessing.get_context("spawn")
    stop, number = spawn.Event(), spawn.Value("q", 0)
    process = spawn.Process(target=load, args=(port, rate, stop, number))
    process.start()
    try:
        yield number
    finally:
        stop.set()
        process.join(PATIENCE_S)


def _outcomes(api: httpx.Client) -> int:
    messages = api.get("/v1/balance").raise_for_status().json()["messages"]
    return int(messages["received"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="for 10 s in place of 120")
    parser.add_argument("--rate", type=int, default=2000, help="messages/s")
    parser.add_argument("--dashboards", type=int, default=200)
    options = parser.parse_args()
    seconds, times, stop = 10 if options.quick else 120, Times(), threading.Event()
    with tempfile.TemporaryDirectory() as name, Mosquitto(extra=IN_MEMORY) as broker:
        config = configuration(Path(name) / "config", free_port())
        with service(broker, Path(name), config) as api:
            url = str(api.base_url)
            marks = threading.Thread(target=mark, args=(broker.port, url, stop, times), daemon=True)
            with published(broker.port, options.rate) as number:
                marks.start()
                asyncio.run(dashboards(url, options.dashboards, time.monotonic() + seconds, times))
                stop.set()
                marks.join(PATIENCE_S)
            sent = number.value + len(times.totals)
            with suppress(TimeoutError):  # what has no outcome by then is lost
                wait_until(lambda: _outcomes(api) >= sent, "all messages have an outcome", PATIENCE_S)
            received, weight = _outcomes(api), page_weight(api)
    print(json.dumps(_figures(times, sent, received) | {"page_weight": weight}))


def _figures(times: Times, sent: int, received: int) -> dict[str, Any]:
    def share(of: list[float], percent: float) -> float:
        return round(float(np.percentile(of, percent)), 4)

    every = [took for one in times.api.values() for took in one]
    return {
        "api_p50_s": share(every, 50),
        "api_p95_s": share(every, 95),
        "totals_answer_p50_s": share(times.api["/v1/totals"], 50),
        "totals_answer_p99_s": share(times.api["/v1/totals"], 99),
        "totals_p99_s": share(times.totals, 99),
        "ingest_p99_s": share(times.ingest, 99),
        "lost": max(0, sent - received) / sent,
        "requests": len(every),
        "failed": times.failed,
        "messages": sent,
    }


if __name__ == "__main__":
    main()
