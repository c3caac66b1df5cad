"""Builds a small plant and the state database of it, row by row, as the writer's schema says."""

import sqlite3
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from plant import periods
from plant.park import Channel, Facility, Gateway, Input, Park, Plant, Source
from plant.units import unit
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, Code, Kind, Verdict
from store.blocks import FIELDS, empty, to_bytes
from store.messages.books import OUTCOMES, Books, Tally

HAI_PHONG = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = NS_PER_MIN
SUMMED = FIELDS[:-1]


def ns(text: str) -> int:
    """Return an ISO time as nanoseconds UTC."""
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


TOKEN = "t0p-secret"
MIDNIGHT = ns("2026-11-24T00:00:00+07:00")
AS_OF = ns("2026-11-24T10:00:30+07:00")  # where the clock of the API's tests stands


def channel(index: int, park: str, facility: str, name: str, kind: Kind, **changes: Any) -> Channel:
    symbol = {
        Kind.REGISTER: "kWh",
        Kind.RATE: "kW",
        Kind.LEVEL: "mg/Nm3",
        Kind.INTERVAL: "kWh",
        Kind.EVENT: "kg",
    }[kind]
    given = {
        "index": index, "park": park, "facility": facility, "gateway": "gw1", "name": name, "kind": kind,
        "unit": unit(symbol), "quantity": "", "minimum": np.nan, "maximum": np.nan, "max_rate": np.nan,
        "max_gap": NS_PER_HOUR, "modulus": np.nan, "period": 15 * NS_PER_MIN if kind is Kind.INTERVAL else 0,
        "hold_last": False, "counter_in_gateway": False, "ratio": 1.0, "serial": "",
    }  # fmt: skip
    return Channel(**(given | changes))


def source(index: int, park: str, facility: str, name: str, channels: list[int], **changes: Any) -> Source:
    given = {
        "index": index, "park": park, "facility": facility, "name": name, "scope": 2, "category": "",
        "method": "electricity-location", "factor": "", "parameters": (), "activity_unit": "kWh",
        "inputs": tuple(Input("energy", c, 1.0) for c in channels),
    }  # fmt: skip
    return Source(**(given | changes))


def plant() -> Plant:
    """Two parks in two zones, three facilities, five sources over the five kinds."""
    hp, de = "hai-phong", "rhein"
    channels = (
        channel(0, hp, "mill", "mdb1", Kind.REGISTER),
        channel(1, hp, "mill", "gas", Kind.RATE),
        channel(2, hp, "foundry", "mdb1", Kind.INTERVAL),
        channel(3, hp, "foundry", "refill", Kind.EVENT),
        channel(4, de, "works", "mdb1", Kind.REGISTER),
        channel(5, hp, "mill", "stack", Kind.LEVEL),
    )
    sources = (
        source(0, hp, "mill", "grid", [0]),
        source(1, hp, "mill", "boiler", [1], scope=1, method="fuel", activity_unit="Nm3"),
        source(2, hp, "foundry", "grid", [2]),
        source(3, hp, "foundry", "chiller", [3], scope=1, method="refrigerant", activity_unit="kg"),
        source(4, de, "works", "grid", [4]),
    )
    return Plant(
        parks=(Park(hp, "Hai Phong", HAI_PHONG), Park(de, "Rhein", BERLIN)),
        facilities=(Facility(hp, "mill", ""), Facility(hp, "foundry", ""), Facility(de, "works", "")),
        gateways=(Gateway(0, hp, "mill", "gw1"), Gateway(1, hp, "foundry", "gw1"), Gateway(2, de, "works", "gw1")),
        channels=channels, sources=sources, rules=(), webhooks=(), window=WINDOW, gwp="AR5",
        max_late=45 * 24 * NS_PER_HOUR, allowed_lateness=15 * NS_PER_MIN, hash="",
    )  # fmt: skip


class State:
    """A state database that a test fills; a channel and a source get the number index + 101."""

    def __init__(self, path: Path, of: Plant) -> None:
        self.path = path
        self.plant = of
        self.db = sqlite3.connect(path)
        self.db.executescript("PRAGMA journal_mode = wal; PRAGMA synchronous = off;")
        self.db.executescript((files("store") / "schema.sql").read_text())
        for item in of.channels:
            self.insert("channel", item.index + 101, item.park, item.facility, item.name)
        for item in of.sources:
            self.insert("source", item.index + 101, item.park, item.facility, item.name, None)

    def insert(self, table: str, *values: Any) -> None:
        """Insert a row by its first columns; the others keep their defaults."""
        columns = [row[1] for row in self.db.execute(f"PRAGMA table_info({table})")][: len(values)]
        names = ", ".join(f'"{name}"' for name in columns)
        self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", values)
        self.db.commit()

    def balance(self, gateway: str, minute: int, book: str, received: int, *ends: int) -> None:
        """Count messages or readings of a minute by how they ended."""
        tally = Tally()
        tally.outcomes.update(
            {(gateway, minute, book, end): count for end, count in zip(OUTCOMES, ends, strict=True)}
        )
        assert received == sum(ends)
        Books(self.db, {}).add(tally)
        self.db.commit()

    def code(self, gateway: str, minute: int, code: str, count: int) -> None:
        """Count refused messages of a minute."""
        tally = Tally()
        tally.codes[gateway, minute, Code(code)] = count
        Books(self.db, {}).add(tally)
        self.db.commit()

    def close(self) -> None:
        self.db.close()

    def begins(self, index: int, time: int) -> None:
        self.db.execute("UPDATE source SET first = ?, begins = ? WHERE id = ?", (time, time, index + 101))
        self.db.commit()

    def reading(
        self, index: int, time: int, value: float, quality: int = 0, verdict: int = Verdict.COUNTED
    ) -> None:
        self.insert("reading", index + 101, time, value, quality, 0, verdict, 0, 0, 0)

    def windows(self, index: int, start: int, rows: np.ndarray, revision: int = 1) -> None:
        """Write consecutive windows (columns `SUMMED`) from `start`, and all sums above them."""
        zone = next(p.zone for p in self.plant.parks if p.name == self.plant.sources[index].park)
        times = start + np.arange(len(rows)) * WINDOW
        hours = periods.hour_start(times, zone)
        for hour in np.unique(hours).tolist():
            self._hour(index, hour, times[hours == hour], rows[hours == hour], revision)
            self._sum(index, periods.DAY, int(periods.day_start(hour, zone)), zone)
            self._sum(index, periods.MONTH, int(periods.month_start(hour, zone)), zone)

    def _hour(self, index: int, hour: int, times: np.ndarray, rows: np.ndarray, revision: int) -> None:
        block = empty(60)
        block[(times - hour) // WINDOW] = np.column_stack([rows, np.full(len(rows), revision)])
        self.insert("emission", index + 101, hour, revision, to_bytes(block))
        covered = block[:, 6:9].sum(axis=1) > 0
        self._total(index, periods.HOUR, hour, block[:, :9], int(covered.sum()), revision)

    def _sum(self, index: int, level: int, start: int, zone: ZoneInfo) -> None:
        end = int(periods.UNITS[level].next(start, zone))
        below = self.db.execute(
            f"SELECT windows, revision, {', '.join(SUMMED)} FROM total"
            " WHERE source = ? AND level = ? AND start >= ? AND start < ? ORDER BY start",
            (index + 101, level - 1, start, end),
        ).fetchall()
        rows = np.array([row[2:] for row in below], float)
        self._total(index, level, start, rows, sum(r[0] for r in below), max(r[1] for r in below))

    def _total(
        self, index: int, level: int, start: int, rows: np.ndarray, windows: int, revision: int
    ) -> None:
        known = [[x for x in column if not np.isnan(x)] for column in rows.T.tolist()]
        sums = [one_by_one(column) if column else None for column in known]
        values = (index + 101, level, start, windows, *sums, revision)
        self.db.execute(f"INSERT OR REPLACE INTO total VALUES ({', '.join('?' * len(values))})", values)
        self.db.commit()


def one_by_one(values: list[float]) -> float:
    """Add from left to right; the built-in sum compensates from Python 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total


def windows(count: int, co2e_t: float, coverage: float = 1.0, activity: float = 1.0) -> np.ndarray:
    """Return windows that are all alike, measured as far as covered; NaN amounts where nothing is covered."""
    row = [co2e_t, co2e_t * 1000, 0.0, 0.0, 0.0, activity, coverage, 0.0, 0.0]
    if coverage == 0:
        row[:6] = [np.nan] * 6
    return np.tile(np.array(row), (count, 1))
