"""How fast the core is, and a restatement of a year. Prints one JSON line.

A synthetic plant of registers, rates and levels at cadences of 10 s, 1 min and 15 min; every channel feeds a source, and
every window of 60 s is computed. What is timed is `pieces_and_verdicts`, `spread` and `Engine.emissions`, block by
block, by the processor's time of this process, so that others on the machine count little. `ratio_sort` compares it with
sorting the same readings in the same run. First the activity of every window must be what the readings were made of.

`restate_s` is a dry run over a year of registers at 15 minutes (12 days with --quick), on all cores, with the most memory that
one process took.

    .venv/bin/python benchmarks/engine.py [--quick] [--channels N] [--profile]
"""

import argparse
import cProfile
import json
import platform
import pstats
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plant.arrays import Floats, Readings, Times
from plant.configuration.load import load
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_S
from proof.restate import restate
from proof.restate.request import Request
from rules.catalogue import load_catalogue
from rules.engine import Emissions, Engine
from rules.pieces import ChannelColumns, Runs, pieces_and_verdicts
from rules.windows import Ranges, numbers, spread
from store.state import State

START = 1_735_689_600 * NS_PER_S  # 2025-01-01, UTC
FAR_FUTURE = np.iinfo(np.int64).max // 4
QUARTER_S = 900
CADENCES = (10, 60, 900)  # [s]
PER_BLOCK = 60_000  # readings of one block, about: what keeps its columns in the processor's caches
LEAST_COVERED = 0.9  # of the windows; a channel's last reading is not at the end of the last one
GRID, GAS_NCV, CO2_PERCENT = "vn-grid", 36.0, 12.0
KWH_STEP, GAS_FLOW, STACK_FLOW = 0.25, 120.0, 40_000.0  # per reading [kWh], [Nm3/h], [Nm3/h]


def configuration(folder: Path, channels: int) -> Path:
    """Write a plant: of ten channels, five registers, three gas flows, and a stack's flow and CO2."""
    kinds = [_kind(number) for number in range(channels)]
    points = "".join(f"c{number:06},g,{kind},1h\n" for number, kind in enumerate(kinds))
    (folder / "points.csv").write_text("name,gateway,kind,unit,quantity,max_gap\n" + points)
    sources = []
    for number, kind in enumerate(kinds):
        if kind.startswith("register"):
            sources.append(
                f"{{name: s{number:06}, method: electricity-location, factor: {GRID}, inputs: {{energy: c{number:06}}}}}"
            )
        elif kind.endswith("gas_volume"):
            sources.append(
                f"{{name: s{number:06}, method: fuel-gas-volume, factor: vn-2626-natural-gas, inputs: {{volume: c{number:06}}}, "
                f"parameters: {{ncv: {GAS_NCV}}}}}"
            )
        elif kind.endswith("stack_volume"):
            sources.append(
                f"{{name: s{number:06}, method: stack-co2, inputs: {{flow: c{number:06}, co2: c{number + 1:06}}}}}"
            )
    (folder / "plant.yaml").write_text(
        "parks:\n  - name: park\n    title: Park\n    zone: Asia/Ho_Chi_Minh\n    facilities:\n      - name: plant\n"
        "        title: Plant\n        gateways:\n          - name: g\n        points: points.csv\n        sources:\n"
        + "".join(f"          - {source}\n" for source in sources)
    )
    return folder


def _kind(number: int) -> str:
    """Return kind, unit and quantity of a channel; the last two of ten are one stack."""
    place = number % 10
    if place < 5:
        return "register,kWh,active_energy"
    if place < 8:
        return "rate,Nm3/h,gas_volume"
    return "rate,Nm3/h,stack_volume" if place == 8 else "level,%,co2_concentration"


@dataclass(frozen=True)
class Block:
    """What one pass takes: readings of some channels over some hours, and the windows between them."""

    cadence: int  # [s]
    runs: Runs
    ranges: Ranges
    source: np.ndarray
    window: np.ndarray


def blocks(plant: Plant, hours: int) -> Iterator[Block]:
    """Yield the same hours of all channels, tens of channels of one cadence at a time."""
    sources = {source.inputs[0].channel: source.index for source in plant.sources}
    tens = np.arange(len(plant.channels)).reshape(-1, 10)
    for place, cadence in enumerate(CADENCES):
        mine = tens[place :: len(CADENCES)]
        count = hours * 3600 // cadence
        each = max(1, PER_BLOCK // (10 * count))
        for first in range(0, len(mine), each):
            yield _block(plant, mine[first : first + each].ravel(), cadence, count, hours, sources)


def _block(
    plant: Plant, channels: np.ndarray, cadence: int, count: int, hours: int, sources: dict[int, int]
) -> Block:
    n = len(channels)
    run = np.repeat(np.arange(n), count)
    step = np.tile(np.arange(count), n)
    place = channels % 10
    level = np.select([place < 5, place < 8, place == 8], [0.0, GAS_FLOW, STACK_FLOW], CO2_PERCENT)
    slope = np.where(place < 5, KWH_STEP, 0.0)
    nothing = np.zeros(len(run), np.uint8)
    readings = Readings(
        channel=channels[run].astype(np.int32),
        time=START + (step * cadence + _phase(channels, cadence)[run]) * NS_PER_S,
        value=level[run] + slope[run] * step,
        quality=nothing,
        flags=nothing,
        verdict=nothing,
        boot=np.zeros(len(run), np.int32),
        correction=np.zeros(len(run), np.int32),
        message=np.zeros(len(run), np.int64),
    )
    first, stop = START // plant.window, (START + hours * NS_PER_HOUR) // plant.window
    runs = Runs(run, readings, channels.astype(np.int32), np.full(n, FAR_FUTURE), np.ones(n, bool))
    ranges = Ranges(np.arange(n), np.full(n, first), np.full(n, stop))
    own = np.array([sources[c] for c in channels.tolist() if c in sources])
    of_sources = Ranges(np.sort(own), np.full(len(own), first), np.full(len(own), stop))
    return Block(cadence, runs, ranges, *numbers(of_sources))


def _phase(channels: np.ndarray, cadence: int) -> np.ndarray:
    """Return how long after the hour a channel is read [s]: hardly any meter is read on the minute."""
    return 1 + channels // 10 * 7 % (cadence - 1)


def compute(block: Block, columns: ChannelColumns, engine: Engine, window: int) -> Emissions:
    """Run what is measured."""
    pieces, _ = pieces_and_verdicts(block.runs, columns)
    values = spread(pieces, block.ranges, block.runs.channel, columns, window)
    return engine.emissions(block.source, block.window, values)


def core(channels: int, hours: int, rounds: int, *, profiled: bool = False) -> dict[str, object]:
    """Measure the core; the median of the rounds is told, and how far the rounds were apart."""
    with tempfile.TemporaryDirectory() as name:
        catalogue = load_catalogue(None)
        plant = load(configuration(Path(name), channels), catalogue)
    engine, columns = Engine(plant, catalogue), ChannelColumns.of(plant.channels)
    work = list(blocks(plant, hours))
    readings = sum(len(b.runs.run) for b in work)
    windows = sum(int((b.ranges.stop - b.ranges.first).sum()) for b in work)
    _check(plant, work, [compute(b, columns, engine, plant.window) for b in work])

    def once(some: list[Block]) -> None:
        for block in some:
            compute(block, columns, engine, plant.window)

    if profiled:
        _profile(once, work)
    took = [_timed(once, work) for _ in range(rounds)]
    sort = [_timed(_sort, work) for _ in range(rounds)]
    by_cadence = {}
    for cadence in CADENCES:
        some = [block for block in work if block.cadence == cadence]
        seconds = min(_timed(once, some) for _ in range(rounds))
        by_cadence[f"{cadence}s"] = round(sum(len(block.runs.run) for block in some) / seconds)
    middle = float(np.median(took))
    return {
        "readings_per_s_core": round(readings / middle),
        "windows_per_s": round(windows / middle),
        "readings": readings,
        "windows": windows,
        "readings_per_s_by_cadence": by_cadence,
        "ratio_sort": round(float(np.median(sort)) / middle, 3),
        "spread_of_rounds": round(float(max(took) / min(took)), 2),
        "mix": f"{channels} channels, a third each at {', '.join(f'{c} s' for c in CADENCES)}; of ten 5 registers, 3 gas "
        f"flows, 1 stack flow, 1 CO2 level; a source to each but CO2; {hours} h; windows of {plant.window // NS_PER_S} s",
    }


def _sort(work: list[Block]) -> None:
    """Sort each block's readings by channel and time: the machine's own speed, to compare with."""
    for block in work:
        np.lexsort((block.runs.readings.time, block.runs.readings.channel))


def _profile(measured: Callable[[list[Block]], None], work: list[Block]) -> None:
    """Print where the time of one round goes, to standard error."""
    with cProfile.Profile() as profile:
        measured(work)
    pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(25)


def _timed(measured: Callable[[list[Block]], None], work: list[Block]) -> float:
    began = time.process_time()
    measured(work)
    return time.process_time() - began


def _check(plant: Plant, work: list[Block], found: list[Emissions]) -> None:
    """Stop where the activity of the covered time is not what the readings were made of."""
    quantity = np.array([plant.channels[source.inputs[0].channel].quantity for source in plant.sources])
    for block, emissions in zip(work, found, strict=True):
        kind = quantity[emissions.source]
        each = KWH_STEP * NS_PER_HOUR / (block.cadence * NS_PER_S)
        per_hour = np.select([kind == "active_energy", kind == "gas_volume"], [each, GAS_FLOW], STACK_FLOW)
        covered: Floats = emissions.measured + emissions.interpolated
        hours = covered * plant.window / NS_PER_HOUR
        expected = np.where(covered > 0, per_hour * hours, np.nan)
        right = np.allclose(emissions.activity, expected, equal_nan=True) and covered.mean() > LEAST_COVERED
        if not right or not (emissions.co2e_t[covered > 0] > 0).all():
            sys.exit("benchmarks/engine.py: the core does not give what its readings were made of")


def restatement(channels: int, days: int) -> dict[str, Any]:
    """Time a dry run of a restatement of a year, or of its first days, on all cores, from a state on disk.

    Registers that are read every 15 minutes, windows of 15 minutes, nothing published before: every window differs. Old readings
    are folded, as a service leaves them.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plant = _yearly(folder / "config", channels)
        state = State(folder / "state.db", plant)
        step = QUARTER_S * NS_PER_S
        time_of = START + step * np.arange(days * 96 + 1)
        for number in state.channel_ids.tolist():
            with state.transaction():
                state.readings.write(_register(number, time_of))
        _fold(state, int(time_of[-1]))
        state.close()
        months = ("2025-01", f"2025-{-(-days // 31):02}") if days < 365 else ("2025-01", "2025-12")
        request = Request(folder / "config", folder, *months)
        began = time.monotonic()
        report = restate.dry_run(request, plant, lambda _done, _of: None)
        took = time.monotonic() - began
    kwh = KWH_STEP * days * 96 * channels
    told = sum(delta.current_t for delta in report.deltas.values())
    if not np.isclose(told, kwh * 0.6592 / 1000, rtol=1e-9):
        sys.exit("benchmarks/engine.py: the restatement does not give what its readings were made of")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "restate_s": round(took, 1),
        "restate_rss_mb": round(max(children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), 1),
        "restate_readings": len(time_of) * channels,
        "restate_windows": report.windows,
    }


def _register(number: int, time: Times) -> Readings:
    """Return what a register shows that counts evenly; `number` is its channel's in the state."""
    nothing = np.zeros(len(time), np.int64)
    small, plain = nothing.astype(np.uint8), nothing.astype(np.int32)
    count = np.arange(len(time), dtype=np.float64) * KWH_STEP
    return Readings(plain + np.int32(number), time, count, small, small, small, plain, plain, nothing + 1)


def _fold(state: State, last: int) -> None:
    """Let readings lie as a service leaves them that has run through them."""
    now = last + 2 * NS_PER_DAY
    state.folding.go(now)
    while state.folding.go(now):
        pass


def _yearly(folder: Path, channels: int) -> Plant:
    """Write and load a plant of registers, a source to each, whose windows are as long as its cadence."""
    folder.mkdir()
    (folder / "points.csv").write_text(
        "name,gateway,kind,unit,quantity,max_gap\n"
        + "".join(f"c{number:06},g,register,kWh,active_energy,1h\n" for number in range(channels))
    )
    (folder / "plant.yaml").write_text(
        "settings: {window: 15min}\n"
        "parks:\n  - name: park\n    title: Park\n    zone: UTC\n    facilities:\n      - name: plant\n"
        "        title: Plant\n        gateways:\n          - name: g\n        points: points.csv\n        sources:\n"
        + "".join(
            f"          - {{name: s{number:06}, method: electricity-location, factor: {GRID}, inputs: {{energy: c{number:06}}}}}\n"
            for number in range(channels)
        )
    )
    return load(folder, load_catalogue(folder))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer hours and rounds, under 50 s")
    parser.add_argument("--channels", type=int, default=1000, help="channels, in tens")
    parser.add_argument("--profile", action="store_true", help="print where the time goes, to standard error")
    options = parser.parse_args()
    hours, rounds = (6, 5) if options.quick else (24, 9)
    found = core(options.channels // 10 * 10, hours, rounds, profiled=options.profile)
    found |= restatement(options.channels, 12 if options.quick else 365)
    print(json.dumps({"python": platform.python_version(), "numpy": np.__version__, **found}))


if __name__ == "__main__":
    main()
