"""How soon the API answers about long times. Prints one JSON line.

A state with a year of daily sums of 1,000 sources and a month of minutes of one channel, served by the real API over HTTP. Asked
are a year by day of all sources together, a year by day of each one, and the channel's month of readings by the minute, one after
the other by one caller. The state is written directly, without a line: only reading is measured.

    .venv/bin/python benchmarks/series.py [--quick] [--sources N]
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np

sys.path.pop(0)  # in this folder api.py would be taken for the room
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from api.app import create_app
from api.health import Health
from api.serve import Server
from benchmarks.pipeline import SOURCE_EVERY, configuration
from plant.arrays import Readings
from plant.configuration.load import load
from plant.park import Plant
from plant.periods import DAY, MONTH
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, NS_PER_S
from rules.catalogue import load_catalogue
from store.reader import Reader
from store.state import State

SOURCES, QUICK_SOURCES = 1000, 100
ROUNDS = 30  # of each question
TOKEN = "token-of-a-benchmark"
ZONE_OFFSET = timedelta(hours=7)  # of Asia/Ho_Chi_Minh, all year
FIRST = datetime(2025, 1, 1, tzinfo=UTC) - ZONE_OFFSET
END = datetime(2026, 1, 1, tzinfo=UTC) - ZONE_OFFSET


def ns(moment: datetime) -> int:
    """Return a time as ns UTC."""
    return int(moment.timestamp()) * NS_PER_S


def write(path: Path, plant: Plant) -> None:
    """Write the year's sums and the month's readings."""
    with closing(State(path, plant)) as state:
        days = ns(FIRST) + NS_PER_DAY * np.arange((END - FIRST).days)
        months = [ns(datetime(2025, month, 1, tzinfo=UTC) - ZONE_OFFSET) for month in range(1, 13)]
        windows = NS_PER_DAY // plant.window
        rows = [
            (source, level, start, windows * days_in, *[1.0 + start % 7] * 6, windows * days_in, 0, 0, 1)
            for source in state.source_ids.tolist()
            for level, starts, days_in in ((DAY, days.tolist(), 1), (MONTH, months, 30))
            for start in starts
        ]
        with state.transaction():
            state.connection.executemany(f"INSERT INTO total VALUES ({', '.join('?' * 14)})", rows)
            state.connection.execute("UPDATE source SET first = ?, begins = ?", (ns(FIRST), ns(FIRST)))
            state.readings.write(_month(int(state.channel_ids[0])))
        later = ns(END) + 7 * NS_PER_DAY
        state.folding.go(later)  # looks for what is to be folded
        while state.folding.go(later):
            pass


def _month(channel: int) -> Readings:
    count = 31 * 24 * 60
    nothing = np.zeros(count, np.uint8)
    return Readings(
        channel=np.full(count, channel, np.int32),
        time=ns(END) - NS_PER_DAY * 31 + NS_PER_MIN * np.arange(count),
        value=1000.0 + 0.25 * np.arange(count, dtype=np.float64),
        quality=nothing,
        flags=nothing,
        verdict=nothing,
        boot=np.zeros(count, np.int32),
        correction=np.zeros(count, np.int32),
        message=np.arange(count, dtype=np.int64),
    )


def asked(client: httpx.Client, questions: list[dict[str, str]]) -> list[float]:
    """Return how long each answer takes [s]."""
    took = []
    for question in questions:
        began = time.monotonic()
        client.get("/v1/series", params=question).raise_for_status()
        took.append(time.monotonic() - began)
    return took


def p99(times: list[float]) -> float:
    return round(float(np.quantile(times, 0.99)), 4)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SOURCES} sources")
    parser.add_argument("--sources", type=int, help=f"{SOURCES} unless told")
    options = parser.parse_args()
    sources = options.sources or (QUICK_SOURCES if options.quick else SOURCES)
    with tempfile.TemporaryDirectory() as name:
        config = configuration(Path(name) / "config", sources * SOURCE_EVERY)
        plant = load(config, load_catalogue(config))
        write(Path(name) / "state.db", plant)
        reader = Reader(Path(name) / "state.db", plant)
        app = create_app(
            reader,
            plant,
            TOKEN,
            health=Health,
            metrics=dict,
            clock=lambda: ns(END),
            decide=lambda _: None,
            rate_limit=10**9,
        )
        server = Server(app, "127.0.0.1", 0)
        server.start()
        year = {"kind": "emission", "every": "1d", "from": FIRST.isoformat(), "to": END.isoformat()}
        month = {"from": (END - timedelta(days=31)).isoformat(), "to": END.isoformat()}
        reading = {
            "kind": "reading",
            "channel": "c0",
            "park": "park",
            "facility": "plant",
            "every": "1m",
            **month,
        }
        with httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        ) as client:
            together = asked(client, [{**year, "facility": "plant"}] * ROUNDS)
            each = asked(client, [{**year, "source": source.name} for source in plant.sources])
            readings = asked(client, [reading] * ROUNDS)
        server.stop()
        reader.close()
    print(
        json.dumps(
            {
                "year_by_day_p99_s": p99(together),
                "year_by_day_of_one_p99_s": p99(each),
                "month_of_readings_p99_s": p99(readings),
                "sources": len(plant.sources),
            }
        )
    )


if __name__ == "__main__":
    main()
