"""How soon the API answers 200 dashboards while readings come in, and whether any of these are lost. Prints one JSON line.

Real Mosquitto, real `stackmeter run`. Each dashboard asks for totals, alerts, a series and gateways every 5 s, beside five live
streams; another process publishes 2,000 messages/s, a reading each. Marked messages are timed until the gateway's ack covers them
(acks go out once a second at the most) and until `GET /v1/totals` has their amount. `lost` is the share of the messages that
were published and are in no outcome of `GET /v1/balance` in the end; `page_weight` is the live page with all its parts, in bytes.

    .venv/bin/python benchmarks/api.py [--quick] [--rate N] [--dashboards N]
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

    api: list[float] = field(default_factory=list)
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
    """Let dashboards ask until a time of the monotonic clock, and streams be open."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(
        base_url=url, headers=HEADERS, limits=limits, timeout=PATIENCE_S, trust_env=False
    ) as api:
        streams = [asyncio.create_task(_stream(api)) for _ in range(STREAMS)]
        await asyncio.gather(*(_dashboard(api, until, times) for _ in range(number)))
        for one in streams:
            one.cancel()
        ended = await asyncio.gather(*streams, return_exceptions=True)
    broken = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
    if broken:
        raise RuntimeError(f"live streams ended: {broken}")


async def _dashboard(api: httpx.AsyncClient, until: float, times: Times) -> None:
    source = f"s{random.randrange(0, CHANNELS, 4)}"
    due = time.monotonic() + random.random() * EVERY_S
    while due < until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        for path, params in _questions(source):
            began = time.monotonic()
            answer = await api.get(path, params=params)
            times.api.append(time.monotonic() - began)
            times.failed += not answer.is_success
        due = max(due + EVERY_S, time.monotonic())


def _questions(source: str) -> Iterator[tuple[str, dict[str, str]]]:
    now = datetime.now(UTC)
    hours = {"from": (now - timedelta(hours=6)).isoformat(), "to": now.isoformat()}
    yield "/v1/totals", {"level": "facility"}
    yield "/v1/alerts", {"status": "open"}
    yield "/v1/series", {"kind": "emission", "facility": "plant", "source": source, "every": "15m", **hours}
    yield "/v1/gateways", {}


async def _stream(api: httpx.AsyncClient) -> None:
    async with api.stream("GET", "/v1/live") as answer:
        answer.raise_for_status()
        async for _ in answer.aiter_bytes():
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
    """Return the bytes of the live page and all its parts."""
    names = [one.name for one in (Path(__file__).resolve().parent.parent / "src/api/page").iterdir()]
    paths = ["/", *(f"/assets/{name}" for name in names if name != "index.html")]
    answers = [api.get(path) for path in paths]
    return sum(len(one.content) for one in answers if one.is_success)


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

    return {
        "api_p50_s": share(times.api, 50),
        "api_p95_s": share(times.api, 95),
        "totals_p99_s": share(times.totals, 99),
        "ingest_p99_s": share(times.ingest, 99),
        "lost": max(0, sent - received) / sent,
        "requests": len(times.api),
        "failed": times.failed,
        "messages": sent,
    }


if __name__ == "__main__":
    main()
