"""How fast conditions are judged. Prints one JSON line.

A plant of 100,000 channels (10,000 with --quick) with a reading a minute. `second_share` is the processor time of judging
once 1,000 conditions that have all channels among them, each a thousandth: the share of each second that it takes if they
are judged every second. Half compare the newest value, the others the mean, the spread and the silence of the last
minutes. `evaluations_per_s` are the (condition, channel) that are judged by it in a second of processor time. `all_s` is
1,000 conditions that each compare the newest value of all channels. A frame of columns in memory answers; what it costs is
in the numbers. First each condition must be true of just the channels that it was made to be true of.

    .venv/bin/python benchmarks/conditions.py [--quick] [--profile]
"""

import argparse
import cProfile
import json
import platform
import pstats
import sys
import time
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from alerts.judging.conditions import GatewayColumns, Judge
from alerts.judging.histories import History
from plant.alert_rules.condition_terms import checked
from plant.alert_rules.conditions import Subject, parse
from plant.alert_rules.terms import Fact
from plant.arrays import Floats, Ints, Times
from plant.park import Bilingual, Channel, Condition, Facility, Gateway, Park, Plant
from plant.units import unit
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Kind

CONDITIONS = 1000
NOW = 1_790_000_040 * NS_PER_S
MINUTES = 16  # of readings kept of each channel
MIX = (
    "value > 50",
    "avg(value, '15min') > 50 and not absent('5min')",
    "value > 50",
    "spread(value, '10min') == 0 and value > 50",
)  # each true where a channel's only value is above 50


@dataclass(frozen=True, slots=True)
class Columns:
    """A frame of channels that are read once a minute, and keep their value."""

    value: Floats
    now: int = NOW

    def latest(self, channels: Ints) -> tuple[Times, Floats]:
        """Return the newest readings."""
        return np.full(len(channels), self.now), self.value[channels]

    def history(self, channels: Ints, span: int) -> History:
        """Return the readings of a span and the one before."""
        times = self.now - NS_PER_MIN * np.arange(min(span // NS_PER_MIN, MINUTES - 1), -1, -1)
        run = np.repeat(np.arange(len(channels)), len(times))
        return History(run, np.tile(times, len(channels)), self.value[channels][run])

    def emission_rate(self, sources: Ints) -> Floats:
        """Return nothing: there is no source."""
        return np.full(len(sources), np.nan)

    def tonnes(self, sources: Ints, start: int, end: int) -> Floats:
        """Return nothing: there is no source."""
        return np.full(len(sources), np.nan if start < end else 0.0)

    def covered(self, sources: Ints, start: int, end: int) -> tuple[Floats, Floats]:
        """Return nothing: there is no source."""
        none = np.zeros(len(sources)) * (end - start)
        return none, none

    def gateways(self, gateways: Ints) -> GatewayColumns:
        """Return nothing: no gateway is asked."""
        unknown = np.full(len(gateways), np.nan)
        return GatewayColumns(unknown, np.full(len(gateways), self.now), unknown)


def plant_of(channels: int) -> Plant:
    """Return a plant of channels and of nothing that emits."""
    unlimited = np.nan
    return Plant(
        parks=(Park("p", "P", ZoneInfo("Asia/Ho_Chi_Minh")),),
        facilities=(Facility("p", "f", "F"),),
        gateways=(Gateway(0, "p", "f", "g"),),
        channels=tuple(
            Channel(
                k, "p", "f", "g", f"c{k}", Kind.LEVEL, unit("%"), "q", unlimited, unlimited, unlimited, NS_PER_HOUR,
                unlimited, 0, False, False, 1.0, "",
            )
            for k in range(channels)
        ),
        sources=(), rules=(), webhooks=(), window=NS_PER_MIN, gwp="AR5", max_late=0, allowed_lateness=0, hash="",
    )  # fmt: skip


def condition(text: str, subjects: range) -> Condition:
    """Return a condition on channels."""
    term = checked(parse(text, Subject.CHANNEL, {}), [Fact("", unit("%"), Kind.LEVEL)])
    none = Bilingual()
    return Condition(
        name="c", subject="channel", subjects=tuple(subjects), expr=text, steps=term.steps, others=(), unit=term.comparisons[0].unit, comparisons=term.comparisons,
        clear=(), every=60 * NS_PER_S, delay=0, hold=0, keep=0, severity="info", labels=(), summary=none,
        description=none, first_action=none, runbook="",
    )  # fmt: skip


def judges(plant: Plant) -> list[Judge]:
    """Return the conditions that part the channels among them."""
    each = len(plant.channels) // CONDITIONS
    return [
        Judge(condition(MIX[k % len(MIX)], range(k * each, (k + 1) * each)), plant) for k in range(CONDITIONS)
    ]


def check(made: list[Judge], frame: Columns) -> None:
    """Stop where a condition is not true of just the channels above 50."""
    for judge in made:
        expected = frame.value[list(judge.condition.subjects)] > 50
        if not np.array_equal(judge.truth(frame).truth, expected.astype(np.float64)):
            sys.exit(f"benchmarks/conditions.py: {judge.condition.expr} is not true of what it was made for")


def seconds(made: list[Judge], frame: Columns, rounds: int) -> float:
    """Return the processor time of judging all once, the least of some rounds."""
    took = []
    for _ in range(rounds):
        began = time.process_time()
        for judge in made:
            judge.truth(frame)
        took.append(time.process_time() - began)
    return min(took)


def measured(channels: int, rounds: int, *, profiled: bool = False) -> dict[str, float]:
    """Return what is measured of a plant of so many channels, in thousands."""
    plant = plant_of(channels)
    frame = Columns(np.random.default_rng(7).integers(0, 100, channels).astype(np.float64))
    made, whole = judges(plant), [Judge(condition("value > 50", range(channels)), plant)]
    check([*made, *whole], frame)
    if profiled:
        with cProfile.Profile() as profile:
            seconds(made, frame, 1)
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(25)
    share = seconds(made, frame, rounds)
    return {
        "channels": channels,
        "conditions": CONDITIONS,
        "evaluations_per_s": round(channels / share),
        "second_share": round(share, 4),
        "all_s": round(seconds(whole, frame, 20 * rounds) * CONDITIONS, 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="10,000 channels and fewer rounds, under 10 s")
    parser.add_argument("--profile", action="store_true", help="print where the time goes, to standard error")
    options = parser.parse_args()
    channels, rounds = (10_000, 3) if options.quick else (100_000, 9)
    found = measured(channels, rounds, profiled=options.profile)
    print(json.dumps({"python": platform.python_version(), "numpy": np.__version__, **found}))


if __name__ == "__main__":
    main()
