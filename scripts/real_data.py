"""Replays a year of real data through the running service, again and again worse, and compares its tonnes to the file.

What is expected is the file's own sum, in decimals, times the factor of `config/steel-2018`; nothing of the service has
a part in it. `scripts/real-data` calls this.
"""

import argparse
import csv
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from simulators.replay import Progress, replay
from stackmeter.broker import EmbeddedBroker
from tests.end_to_end.asking import ask, wait_for_influx
from tests.readings import readings_in
from tests.servers import InfluxDB, Mosquitto
from tests.service import Service

CONFIG = Path(__file__).parents[1] / "config" / "steel-2018"
T_PER_KWH = Decimal("0.6592") / 1000
TOLERANCE = 1e-9  # relative
PATIENCE = 120.0  # s until everything sent is acknowledged, and InfluxDB knows it
AWAY = 0.5  # s between a kill and the start after it

# Mosquitto as we ship it syncs its store to disk at each change, some 200 messages a second. Here the broker is not among
# those that are killed, so it may do with less; else a message for each reading would take minutes.
BROKER = "autosave_interval 100"

IN_ORDER = "Mosquitto, in order"
WITH_KILLS = "Mosquitto, shuffled, 10 % duplicates, 3 SIGKILLs of the service"
EMBEDDED = "embedded broker"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file itself says."""

    rows: int
    kwh: Decimal
    year: str

    @property
    def tonnes(self) -> Decimal:
        """The electricity's emissions [tCO2e]."""
        return self.kwh * T_PER_KWH


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one replay, beside what it has to be."""

    run: str
    name: str
    unit: str
    expected: float
    found: float

    @property
    def difference(self) -> float:
        """How far off it is, relative to what is expected; from 0, how far it is."""
        return abs(self.found - self.expected) / (abs(self.expected) or 1.0)

    @property
    def good(self) -> bool:
        """Whether that is little enough; NaN is not."""
        return self.difference <= TOLERANCE

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        named = {name: getattr(self, name) for name in ("run", "name", "unit", "expected", "found", "good")}
        return named | {"difference": self.difference}


class Victim(Protocol):
    """What is killed and comes back with what it had on disk."""

    def kill(self) -> None:
        """End as a power cut would."""
        ...

    def start(self) -> None:
        """Come back; return once it is ready."""
        ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """How one replay is made: `kills` are shares of the replay and what dies there."""

    run: str
    shuffle: int | None = None
    duplicates: float = 0.0
    readings_per_message: int | None = None
    kills: Sequence[tuple[float, Victim]] = ()


def facts_of(file: Path) -> Facts:
    """Add the file up, row by row, without a float; raises ValueError where it holds no single year."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    years = {row["date"].split("/")[2][:4] for row in rows}
    if len(years) != 1:
        raise ValueError(
            f"{file}: expected the rows of one year, not of {', '.join(sorted(years)) or 'none'}"
        )
    return Facts(len(rows), sum((Decimal(row["Usage_kWh"]) for row in rows), Decimal(0)), years.pop())


class Kills:
    """Kills servers in the middle of a replay, and brings each back while the replay goes on."""

    def __init__(self, kills: Sequence[tuple[float, Victim]]) -> None:
        self._left = list(kills)
        self._pool = ThreadPoolExecutor(1)
        self._return: Future[None] | None = None

    def __call__(self, progress: Progress) -> None:
        """Kill whatever is due, once what died before is back."""
        while self._left and progress.sent >= self._left[0][0] * progress.total:
            _, victim = self._left.pop(0)
            self.wait()
            victim.kill()
            self._return = self._pool.submit(_start_later, victim)

    def wait(self) -> None:
        """Wait until everything is back; raises what kept it from coming back."""
        if self._return is not None:
            self._return.result()


def _start_later(victim: Victim) -> None:
    time.sleep(AWAY)
    victim.start()


@contextmanager
def bar(console: Console, run: str) -> Iterator[Callable[[Progress], None]]:
    """Give what draws a replay's progress, where a terminal is there to see it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
        task = bars.add_task(run)
        yield lambda progress: bars.update(task, completed=progress.sent, total=progress.total)


def send(file: Path, broker: str, conditions: Conditions, console: Console) -> None:
    """Replay the file until the service has acknowledged all of it."""
    kills = Kills(conditions.kills)
    with bar(console, conditions.run) as draw:

        def each(progress: Progress) -> None:
            draw(progress)
            kills(progress)

        summary = replay(
            file,
            CONFIG / "mapping.yaml",
            broker,
            shuffle=conditions.shuffle,
            duplicates=conditions.duplicates,
            readings_per_message=conditions.readings_per_message,
            confirm=PATIENCE,
            progress=each,
        )
        kills.wait()
    if summary.uncovered:
        raise TimeoutError(f"{conditions.run}: {summary.uncovered} messages were never acknowledged")


@contextmanager
def running(broker: str, influx: str | None = None) -> Iterator[Service]:
    """Give a service that runs on a state directory of its own, empty and gone afterwards."""
    with (
        TemporaryDirectory(prefix="stackmeter-") as folder,
        Service(Path(folder), CONFIG, broker, influx=influx) as service,
    ):
        service.start()
        yield service


def told_by_service(service: Service, run: str, facts: Facts) -> list[Figure]:
    """Return the figures that the API gives."""
    (total,) = ask(service, "/v1/totals", period=facts.year, level="source")["totals"]
    readings = len(readings_in(service.database))
    return [
        Figure(run, "readings held", "", facts.rows, readings),
        Figure(run, "electricity", "kWh", float(facts.kwh), _float(total["activity"])),
        Figure(run, "emissions", "tCO2e", float(facts.tonnes), _float(total["co2e_t"])),
    ]


def told_by_influx(influx: InfluxDB, run: str, facts: Facts) -> list[Figure]:
    """Return the same as the sums of InfluxDB's measurement `emission`."""
    found: Any = influx.query('SELECT sum("activity"), sum("co2e_t") FROM "emission"')
    _, kwh, tonnes = found[0]["values"][0] if found else (0, None, None)
    return [
        Figure(run, "electricity in InfluxDB", "kWh", float(facts.kwh), _float(kwh)),
        Figure(run, "emissions in InfluxDB", "tCO2e", float(facts.tonnes), _float(tonnes)),
    ]


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def prove_mosquitto(
    file: Path, facts: Facts, console: Console, *, with_influx: bool, with_kills: bool
) -> list[Figure]:
    """Prove a replay through Mosquitto, from nothing on."""
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(extra=BROKER))
        influx = stack.enter_context(InfluxDB()) if with_influx else None
        service = stack.enter_context(running(broker.url, influx.url if influx else None))
        conditions = Conditions(IN_ORDER)
        if with_kills:
            kills: list[tuple[float, Victim]] = [(0.2, service), (0.5, service), (0.8, service)]
            kills += [(0.35, influx)] if influx else []
            run = WITH_KILLS + (", 1 of InfluxDB" if influx else "")
            conditions = Conditions(run, 1, 0.1, 1, sorted(kills, key=lambda kill: kill[0]))
        send(file, broker.url, conditions, console)
        figures = told_by_service(service, conditions.run, facts)
        if influx:
            wait_for_influx(service, PATIENCE)
            figures += told_by_influx(influx, conditions.run, facts)
        return figures


def prove_embedded(file: Path, facts: Facts, console: Console) -> list[Figure]:
    """Prove a replay through the embedded broker, from nothing on."""
    with EmbeddedBroker() as broker, running(broker.url) as service:
        send(file, broker.url, Conditions(EMBEDDED), console)
        return told_by_service(service, EMBEDDED, facts)


def prove(file: Path, facts: Facts, console: Console, *, influx: bool) -> tuple[list[Figure], list[str]]:
    """Return all figures that can be had here, and what cannot be proven here and why."""
    figures: list[Figure] = []
    unproven = []
    no_influx, no_broker = _absent("influxd", "nginx"), _absent("mosquitto")
    if influx and no_influx:
        unproven.append(f"the sums of InfluxDB, and its SIGKILL: {no_influx}")
    if no_broker:
        unproven.append(f"everything through Mosquitto: {no_broker}")
    for with_kills in () if no_broker else (False, True):
        figures += prove_mosquitto(
            file, facts, console, with_influx=influx and not no_influx, with_kills=with_kills
        )
    return figures + prove_embedded(file, facts, console), unproven


def _absent(*programs: str) -> str:
    absent = [program for program in programs if shutil.which(program) is None]
    return f"{' and '.join(absent)} not installed (scripts/servers says how)" if absent else ""


def print_table(facts: Facts, figures: Sequence[Figure], unproven: Sequence[str]) -> None:
    """Print the figures for people."""
    print(
        f"{facts.rows:,} rows of {facts.year}, {facts.kwh:,} kWh, {facts.tonnes:,} tCO2e at 0.6592 tCO2/MWh"
    )
    for run, of_run in groupby(figures, key=lambda figure: figure.run):
        print(f"\n{run}\n  {'':32}{'expected':>18}{'found':>22}{'relative difference':>22}")
        for one in of_run:
            name = f"{one.name} [{one.unit}]" if one.unit else one.name
            verdict = "" if one.good else "  OFF"
            print(f"  {name:32}{one.expected:18,.12g}{one.found:22,.13g}{one.difference:22.1e}{verdict}")
    for line in unproven:
        print(f"\nnot proven: {line}")


def main() -> int:
    """Run the proof; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/real-data", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="steel_industry_2018.csv of UCI dataset 851")
    parser.add_argument(
        "--without-influx", action="store_true", help="prove what needs no InfluxDB, and no more"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs instead of a table")
    given = parser.parse_args()
    try:
        facts = facts_of(given.file)
    except OSError as error:
        parser.error(f"cannot read {given.file}: {error.strerror}")
    except (ValueError, ArithmeticError, LookupError) as error:
        parser.error(f"{given.file} is no file of steel_industry_2018.csv's kind: {error!r}")
    figures, unproven = prove(given.file, facts, Console(stderr=True), influx=not given.without_influx)
    good = not unproven and all(figure.good for figure in figures)
    if given.json:
        rows = [figure.to_json() for figure in figures]
        print(json.dumps({"good": good, "rows": facts.rows, "figures": rows, "unproven": unproven}, indent=1))
    else:
        print_table(facts, figures, unproven)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
