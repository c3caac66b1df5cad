"""Counts what one reading, one alert and one question pass by in today's code: functions, files, crossings of rooms.

`scripts/walk` calls this. Line, journal, state and API are the real ones, in a directory that is deleted again, by a clock
that stands; Python itself says which functions are called (`sys.setprofile`). There is no broker, no server and no thread
of the service; points for InfluxDB are put into their outbox, and nobody sends them.

Each walk is over a plant of its own, of one park, facility, gateway, channel (a power meter), source and limit, which has
taken five readings before:

reading
    One message of one reading, in our own format, from the journal to the committed state: `Line.step`.
alert
    Three such messages one after the other; the third is above the limit, and an alert fires. Nobody is configured to
    be told of it.
totals
    One `GET /v1/totals` from the ASGI call to the end of the answer, asked before, with a reading since.

function
    A `def`, `async def` or `lambda` in a file of `src`; each counts once, however often it is called. Bodies of modules
    and classes, comprehensions, and what libraries and `dataclass` make are no functions of ours.
file
    A file of `src` in which one of these functions stands.
crossing
    A call that enters another room; each call counts, the way back does not. A room is a folder of `src`: `ingest/line`
    is one, `ingest/known` another. The caller is the nearest function of ours on the stack, whatever library is between;
    where there is none, nothing is crossed. A generator is called when it is first asked; that it goes on is no call.

Everything is walked twice in one process and counted the second time: imports, and what is kept for all, do not count.
"""

import argparse
import asyncio
import dis
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import cache
from inspect import CO_OPTIMIZED
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType
from typing import NamedTuple

import httpx

from alerts.tables.links import link_key
from api.app import create_app
from api.health import Health
from plant.configuration.load import load
from proof.works import Configured, Links, whole_line
from rules.catalogue import load_catalogue
from store.messages.journal import Journal, JournalReader, Message
from store.reader import Reader
from store.state import State

SRC = Path(__file__).resolve().parents[1] / "src"
PLANT = """\
parks:
  - name: park
    title: Park (invented)
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works (invented)
        gateways: [{name: gw}]
        channels:
          - {name: power, gateway: gw, kind: rate, unit: kW, quantity: electricity, min: 0, max: 1000, max_gap: 10min}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: power}, factor: vn-grid}
alerts:
  - {name: much, facility: works, channel: power, above: 400, severity: warning, summary: Much power}
"""
TOKEN = "sixteen characters at least"  # noqa: S105  # of nobody: no socket is opened
URL = "http://api"
TOPIC = b"sm/v1/park/works/gw/readings"
FIRST = datetime(2026, 3, 10, 5, tzinfo=UTC)  # noon in the park
MINUTE = 60  # s
NS = 1_000_000_000
BELOW, ABOVE = 300.0, 500.0  # kW
BEFORE = 5  # readings before a walk
TOTALS = "/v1/totals"
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}


class Works:
    """The line, its journal and state, and the API over them; a reading arrives each minute."""

    def __init__(self, folder: Path) -> None:
        """Make all of them anew in an empty directory."""
        (folder / "plant.yaml").write_text(PLANT, encoding="utf-8")
        catalogue = load_catalogue(folder)
        plant = load(folder, catalogue)
        self._now, journal, state_file = (
            int(FIRST.timestamp()) * NS,
            folder / "journal.db",
            folder / "state.db",
        )
        with ExitStack() as opened:
            self._journal = opened.enter_context(closing(Journal(journal)))
            state = opened.enter_context(closing(State(state_file, plant)))
            messages = opened.enter_context(closing(JournalReader(journal)))
            reader = opened.enter_context(closing(Reader(state_file, plant)))
            self.close = opened.pop_all().close
        links = Links(URL, link_key(TOKEN))
        self._line = whole_line(
            Configured(plant, catalogue), state, messages, self._clock, links, project=True
        )
        self._app = create_app(
            reader,
            plant,
            TOKEN,
            health=Health,
            metrics=dict,
            clock=self._clock,
            decide=lambda _decision: None,
            catalogue=catalogue,
            public_url=URL,
        )

    def _clock(self) -> int:
        return self._now

    def arrive(self, power: float) -> None:
        """Let a minute pass, and one message of one reading arrive in the journal."""
        self._now += MINUTE * NS
        time = datetime.fromtimestamp(self._now // NS, UTC).isoformat()
        reading = {"channel": "power", "time": time, "value": power, "unit": "kW"}
        self._journal.append([Message(self._now, TOPIC, json.dumps({"readings": [reading]}).encode(), 0)])

    def step(self) -> None:
        """Let the line take what has arrived, and commit it."""
        if self._line.step() != 1:
            raise SystemExit("scripts/walk: the line should have taken one message, and did not")

    def take(self, power: float) -> None:
        """Let a reading arrive, and the line take it."""
        self.arrive(power)
        self.step()

    def ask(self, path: str) -> httpx.Response:
        """Ask the API."""
        return asyncio.run(self._ask(path))

    async def _ask(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
            return await client.get(path)


class Function(NamedTuple):
    """A function of ours: where it stands below `src`, and its name with those of what it stands in."""

    file: str
    line: int
    name: str

    @property
    def room(self) -> str:
        """The folder of its file."""
        return self.file.rpartition("/")[0]


class Walk:
    """What is called while it is entered, in this thread and in those that begin then.

    `depths` has the functions in the order of their first call, and how many calls of ours were open below it.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.depths: dict[Function, int] = {}
        self.crossings = 0

    def __enter__(self) -> None:
        """Begin to watch, or go on."""
        threading.setprofile(self._take)
        sys.setprofile(self._take)

    def __exit__(self, *_: object) -> None:
        """Watch no longer."""
        sys.setprofile(None)
        threading.setprofile(None)

    def _take(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or frame.f_lasti > _start(frame.f_code):  # a generator or coroutine goes on
            return
        called = _function(frame.f_code)
        if called is None:
            return
        callers = list(_callers(frame))
        self.depths.setdefault(called, len(callers))
        self.crossings += bool(callers) and callers[0].room != called.room

    def counted(self) -> dict[str, int]:
        """Return functions, files and crossings."""
        files = {function.file for function in self.depths}
        return {"functions": len(self.depths), "files": len(files), "crossings": self.crossings}


def _callers(frame: FrameType) -> Iterator[Function]:
    """Yield the functions of ours below a frame on the stack, the nearest first."""
    below = frame.f_back
    while below is not None:
        if (function := _function(below.f_code)) is not None:
            yield function
        below = below.f_back


def _function(code: CodeType) -> Function | None:
    """Return whose code it is, None where it is no function of ours."""
    is_function = code.co_flags & CO_OPTIMIZED and code.co_name not in COMPREHENSIONS
    return _named(code.co_filename, code.co_firstlineno, code.co_qualname) if is_function else None


@cache  # not by the code itself: to Python two functions that do the same are equal, whatever their files
def _named(path: str, line: int, name: str) -> Function | None:
    file = Path(path)
    return Function(file.relative_to(SRC).as_posix(), line, name) if file.is_relative_to(SRC) else None


@cache
def _start(code: CodeType) -> int:
    """Return where a function's code begins; a frame that is beyond it when it is entered was entered before."""
    return next(step.offset for step in dis.get_instructions(code) if step.opname == "RESUME")


def a_reading(works: Works) -> Walk:
    """Walk with one reading."""
    works.arrive(BELOW)
    walk = Walk()
    with walk:
        works.step()
    return walk


def an_alert(works: Works) -> Walk:
    """Walk with three readings until an alert fires."""
    walk = Walk()
    for power in (BELOW, BELOW, ABOVE):
        works.arrive(power)
        with walk:
            works.step()
    [alert] = works.ask("/v1/alerts").json()["alerts"]
    if alert["status"] != "firing":
        raise SystemExit(f"scripts/walk: the alert should be firing, and is {alert['status']}")
    return walk


def the_totals(works: Works) -> Walk:
    """Walk with one question, asked before and answered anew."""
    works.ask(TOTALS)
    works.take(BELOW)
    walk = Walk()
    with walk:
        answer = works.ask(TOTALS)
    [total] = answer.json()["totals"]
    if not total["co2e_t"]:
        raise SystemExit(f"scripts/walk: the totals should have a number of tonnes: {total}")
    return walk


WALKS: dict[str, tuple[str, Callable[[Works], Walk]]] = {
    "reading": ("one reading through the line", a_reading),
    "alert": ("three readings until an alert fires", an_alert),
    "totals": (f"GET {TOTALS}", the_totals),
}


def walks() -> dict[str, Walk]:
    """Return each walk, made in works of its own."""
    made = {}
    for name, (_, walk) in WALKS.items():
        with TemporaryDirectory() as folder, closing(Works(Path(folder))) as works:
            for _reading in range(BEFORE):
                works.take(BELOW)
            made[name] = walk(works)
    return made


def show(counted: dict[str, dict[str, int]]) -> None:
    """Print what was counted as a table."""
    print(f"{'walked':<38}{'functions':>11}{'files':>8}{'crossings of rooms':>21}")
    for name, counts in counted.items():
        print(f"{WALKS[name][0]:<38}{counts['functions']:>11}{counts['files']:>8}{counts['crossings']:>21}")


def show_list(walk: Walk) -> None:
    """Print the functions in order of their first call, each a step to the right of its caller."""
    places = [f"src/{function.file}:{function.line}" for function in walk.depths]
    width = max(map(len, places)) + 2
    for place, (function, depth) in zip(places, walk.depths.items(), strict=True):
        print(f"{place:<{width}}{'  ' * depth}{function.name}")


def main() -> None:
    """Walk and print."""
    parser = argparse.ArgumentParser(
        prog="scripts/walk", description="Count what one reading, one alert and one question pass by."
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--json", action="store_true", help="print one line of JSON for programs instead of a table"
    )
    what.add_argument(
        "--list", choices=WALKS, help="print the functions of one walk, in the order of their first call"
    )
    options = parser.parse_args()
    walks()
    made = walks()
    counted = {name: walk.counted() for name, walk in made.items()}
    if options.list:
        show_list(made[options.list])
    elif options.json:
        print(json.dumps(counted))
    else:
        show(counted)


if __name__ == "__main__":
    main()
