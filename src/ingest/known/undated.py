"""Says what changed without a date: what windows keep, and how much hangs on it."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from plant import periods
from plant.park import Plant, Source
from plant.vocabulary import FOREVER, NS_PER_S
from rules.engine import Engine
from rules.remembering import Remembered
from rules.terms import FACTOR, GWP, METHOD, Change, Numbers


@dataclass(frozen=True, slots=True)
class Effects:
    """Asks a state what is published of sources."""

    plant: Plant
    connection: sqlite3.Connection

    def published(self, source: Source, start: int, end: int) -> str:
        """Return how many windows of [start, end) [ns UTC] are published, and with how much."""
        windows, tonnes, _ = self.sum(source, start, end)
        return f"{windows:,} windows" + (f" with {tonnes:.4g} t" if windows else "")

    def sum(self, source: Source, start: int, end: int) -> tuple[int, float, int]:
        """Return the windows with anything known in [start, end) [ns UTC], by whole hours, their tonnes, and the last of these hours."""
        windows, tonnes, last = self.connection.execute(
            "SELECT sum(windows), sum(co2e_t), max(start) FROM total JOIN source ON source.id = source WHERE park = ? AND facility = ?"
            " AND name = ? AND level = ? AND start >= ? AND start < ?",
            (source.park, source.facility, source.name, periods.HOUR, start, end),
        ).fetchone()
        return windows or 0, tonnes or 0.0, last or 0

    def time(self, source: Source, at: int) -> str:
        """Return a time on the clock of a source's park, as a configuration may give it."""
        zone = next((park.zone for park in self.plant.parks if park.name == source.park), ZoneInfo("UTC"))
        return datetime.fromtimestamp(at // NS_PER_S, zone).isoformat()


def undated(plant: Plant, methods: Numbers, found: Remembered, connection: sqlite3.Connection) -> list[str]:
    """Return, for people, what windows keep that is configured otherwise now, and what it concerns."""
    return list(_told(plant, methods, found, Effects(plant, connection))) if found.changes else []


def _told(plant: Plant, methods: Numbers, found: Remembered, effects: Effects) -> Iterator[str]:
    old, new = Engine(found.plant, found.methods), Engine(plant, methods)
    for change in found.changes:
        source = plant.sources[change.source]
        parameters = methods.methods[source.method].parameters
        unit = next((f" {one.unit}" for one in parameters if one.name == change.what and one.unit != "1"), "")
        windows, tonnes, last = effects.sum(source, change.start, change.end)
        would = tonnes * _ratio(source, last, old, new)
        about = f", about {would:.4g} t by the new one" if np.isfinite(would) and windows else ""
        until = (
            "until it is loaded" if change.end >= FOREVER else f"before {effects.time(source, change.end)}"
        )
        dated = (
            ""
            if change.what in (METHOD, GWP)
            else f"Give it that time or another as valid_from{_where(change)}, or p"
        )
        yield (
            f"{source.id}: {change.what} is {change.given}{unit} and was {change.kept}{unit}, without a date:"
            f" {effects.published(source, change.start, change.end)} {until} keep {change.kept}{about}."
            f" {dated or 'P'}ublish the past by it: stackmeter restate"
        )


def _where(change: Change) -> str:
    return " in its factor's file" if change.what == FACTOR else ""


def _ratio(source: Source, hour: int, old: Engine, new: Engine) -> float:
    """Return how much more a unit of activity of an hour is by the new terms, NaN where it takes more than one input to say."""
    if len(source.inputs) > 1:
        return float("nan")
    at, one = np.array([hour]), {source.inputs[0].role: np.ones(1)}
    before, after = (float(engine.of_inputs(source.index, at, one)[0]) for engine in (old, new))
    return after / before if before else float("nan")
