"""The demo: a broker, the service and simulated parks on this machine alone, and a view of their tonnes.

Today's readings so far pass as fast as they can be computed, the last ones at the chosen speed, and from then on the
simulated clock is ours: so there are tonnes to see at once, then meters to watch, and at last the present.
"""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from api.records.bodies import ActBody
from plant.park import Plant
from plant.vocabulary import NS_PER_MIN, NS_PER_S
from simulators.faults import Faults
from simulators.park import Progress, simulate
from simulators.truth import Truth
from stackmeter.broker import HOST, EmbeddedBroker
from stackmeter.client.answers import Unreachable, Unready
from stackmeter.client.calls import Client, Overview
from stackmeter.crash import crash_points
from stackmeter.service import Service
from stackmeter.settings import Settings
from stackmeter.views import view
from store.access_log import Actor
from store.folder import keys_file
from store.keys import NEVER, Keys

CATCH_UP_S = 30.0  # of our time, about as long as the simulated clock takes to reach ours at the chosen speed
LEAST_HISTORY = timedelta(hours=6)
FAULTS = Faults(duplicate=0.01, reorder=0.01)
LIVE_EVERY_S, PLAIN_EVERY_S = 1.0, 2.0
READY_WITHIN_S = 15.0
# What people enter of the example's park: facts of this year, and what the last week's slips say.
FACTS = (("firms", "60", "1"), ("firms_recp", "13", "1"), ("links", "3", "1"), ("firms_in_links", "5", "1"), ("land", "2680000", "m2"), ("green", "830800", "m2"))  # fmt: skip
SLIPS = (("mill/waste/scrap", "288.4"), ("mill/waste/slag", "87.5"), ("foundry/delivery/scrap", "286.9"))  # t
RECORD_COLUMNS = "channel,from,to,value,unit,source,evidence,note"
ENTERS, APPROVES = "lan", "minh"
AHEAD, FOLLOW_S = 500, 1.0  # messages, and how long one waits for the service to be no further behind


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says. None: the packaged example, a temporary directory, until stopped."""

    config: Path | None = None
    state: Path | None = None
    port: int = 8080
    speed: float = 60.0
    seed: int = 1
    duration: float | None = None  # s, of our time


def demo(options: DemoOptions, stop: threading.Event, console: Console) -> int:
    """Run until `stop` is set, `duration` is over or a part fails; return the service's exit code.

    Everything ends in reverse: the meters first, the broker last, so that the service can still acknowledge.

    Raises
    ------
    plant.problems.ConfigurationError, store.folder.FolderInUse, store.state.StateMismatch, OSError
        As `Service` does.
    stackmeter.broker.BrokerError, simulators.publisher.BrokerError
        If the embedded broker does not start, or stops answering.
    """
    with ExitStack() as stack:
        config = options.config or stack.enter_context(as_file(files("stackmeter") / "example"))
        state = options.state or Path(stack.enter_context(TemporaryDirectory(prefix="stackmeter-demo-")))
        broker = stack.enter_context(EmbeddedBroker())
        # Made without the environment: invented tonnes must not reach an InfluxDB that is meant for real ones.
        settings = Settings.model_construct(
            config=config, state=state, broker=broker.url, port=_free_or_any(options.port)
        )
        service = Service(settings, crash_points({}))
        end = stack.enter_context(serving(service))
        console.print(Text("\n".join(_introduction(options, service))), soft_wrap=True)
        client = stack.enter_context(Client(service.server.url, service.token))
        await_ready(client, stop)
        if options.config is None:
            for line in enter_papers(service.server.url, Keys(keys_file(state)), _today(service.plant)):
                console.print(Text(line), soft_wrap=True)
        begun = service.line.next
        pace = SimulatorPace(options.speed, lambda: service.line.next - begun, stop)
        field = stack.enter_context(_simulating(config, broker.url, options.seed, service.plant, pace, stop))
        screen = Screen(console, client, pace, zone_of(service.plant))
        screen.show(stop, options.duration, lambda: end.done() or field.done())
    console.print(Text("stopped" if options.state else "stopped; the temporary state is removed"))
    return end.result()


class SimulatorPace:
    """Called after each simulated message, it holds the simulator back.

    What is older than `fast_until` waits only for the service, so that meters and tonnes stay together; what follows
    keeps the speed.

    Parameters
    ----------
    speed
        Simulated seconds per second from `fast_until` on, until the simulated clock has reached ours.
    taken
        Tells how many messages the service has computed.
    stop
        Ends every wait.
    """

    def __init__(self, speed: float, taken: Callable[[], int], stop: threading.Event) -> None:
        self.speed = speed
        self.fast_until = time.time_ns() - round(min(CATCH_UP_S * speed, 1e9) * NS_PER_S)
        self.simulated = 0  # ns UTC
        self._taken = taken
        self._stop = stop
        self._slowed: float | None = None

    def __call__(self, progress: Progress) -> None:
        """Wait until the next message may follow."""
        self.simulated = progress.simulated
        past = (self.simulated - self.fast_until) / NS_PER_S
        if past > 0:
            self._slowed = self._slowed or time.monotonic()
            self._stop.wait(max(0.0, past / self.speed - (time.monotonic() - self._slowed)))
        else:
            self._follow(progress.messages)

    def _follow(self, sent: int) -> None:
        # Never for long: the simulator sends again what was lost, but not while it waits here.
        give_up = time.monotonic() + FOLLOW_S
        while sent - self._taken() > AHEAD and time.monotonic() < give_up:
            if self._stop.wait(0.01):
                return

    def told(self, zone: tzinfo) -> str:
        """Return where the simulated clock is, and how it runs."""
        if not self.simulated:
            return "meters are starting"
        return (
            f"meters at {datetime.fromtimestamp(self.simulated / NS_PER_S, zone):%H:%M:%S} ({self._mode()})"
        )

    def _mode(self) -> str:
        if self._slowed is None:
            return "history"
        # Each gateway reports once a minute, so the present is never further away than that.
        return "live" if time.time_ns() - self.simulated < NS_PER_MIN else f"{self.speed:g}x"


class Screen:
    """Shows what the API says: a live view on a terminal, else a line every few seconds and the view at the end."""

    def __init__(self, console: Console, client: Client, pace: SimulatorPace, zone: tzinfo) -> None:
        self._console, self._client, self._pace, self._zone = console, client, pace, zone
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._seen: Overview | None = None
        self._asked = 0.0
        self._rate = math.nan  # messages/s

    def show(self, stop: threading.Event, duration: float | None, over: Callable[[], bool]) -> None:
        """Look again and again until `stop`, or for `duration` [s], or until it is `over`."""
        until = time.monotonic() + (math.inf if duration is None else duration)
        every = LIVE_EVERY_S if self._live else PLAIN_EVERY_S
        with self._live or nullcontext():
            while not (stop.wait(max(0.0, min(every, until - time.monotonic()))) or over()):
                # A busy service may answer late; should it have ended, `over` says so.
                with suppress(Unreachable, Unready):
                    self._look()
                if time.monotonic() >= until:
                    break
        if self._seen is not None and self._live is None:
            self._console.print(self._frame(self._seen))

    def _look(self) -> None:
        seen, now = self._client.overview(), time.monotonic()
        if self._seen is not None:
            new = seen.balance.messages.received - self._seen.balance.messages.received
            self._rate = new / (now - self._asked)
        self._seen, self._asked = seen, now
        if self._live:
            self._live.update(self._frame(seen), refresh=True)
        else:
            line = f"{self._told()}: {view.plain(seen, self._zone)}"
            self._console.print(Text(line), soft_wrap=True)

    def _told(self) -> str:
        if math.isnan(self._rate):
            return self._pace.told(self._zone)
        return f"{self._pace.told(self._zone)}, {self._rate:,.{0 if self._rate >= 10 else 1}f} messages/s"

    def _frame(self, seen: Overview) -> Group:
        lines = [*view.readiness(seen.ready), *view.balance(seen.balance), *view.alerts(seen, self._zone)]
        return Group(Text(self._told()), view.tonnes(seen, self._zone), Text("\n".join(lines)))


def key_of(keys: Keys, name: str, role: str) -> str:
    """Make a key for everything, for one who works in a demo."""
    actor = Actor("demo", "command line")
    return keys.create(name, role, [], shared=False, expires=NEVER, now=time.time_ns(), by=actor)[1]


def enter_papers(url: str, keys: Keys, today: date) -> Iterator[str]:
    """Let one enter what no meter of the example sees and another approve it, once in a state; yield what was done."""
    if any(one.name == ENTERS for one in keys.all()):
        return
    papers = list(_papers(today))
    scan = "\n".join(papers).encode()
    with (
        Client(url, key_of(keys, ENTERS, "operator")) as lan,
        Client(url, key_of(keys, APPROVES, "approver")) as minh,
    ):
        digest = lan.hand_in(scan, None).digest
        rows = [RECORD_COLUMNS, *(f"{paper},{digest}," for paper in papers)]
        ids = lan.import_records("\n".join(rows).encode(), {"numbers": "en"}).records
        approval = ActBody.model_validate({"action": "approve"})
        with ThreadPoolExecutor(len(ids), "demo-approver") as pool:  # each waits for the line's next step
            list(pool.map(lambda number: minh.decide_record(number, approval), ids))
    yield f"papers {len(ids)} records (invented), entered by {ENTERS} and approved by {APPROVES}\n"


def _papers(today: date) -> Iterator[str]:
    """Yield what papers say, as the first columns of a table of records."""
    for name, value, unit in FACTS:
        for day in sorted({date(today.year, 1, 1), today}):  # a level is known from one record to the next
            yield f"nam-cau-kien/wastewater/eco/{name},{day},,{value},{unit},the operator's report (invented)"
    for channel, tonnes in SLIPS:
        since = today - timedelta(days=7)
        yield f"nam-cau-kien/{channel},{since},{today},{tonnes},t,the weighbridge's slips (invented)"


def start_of(plant: Plant) -> datetime:
    """Return when the simulation begins: today's first midnight of a park, but hours ago at least."""
    now = datetime.now(UTC)
    hours_ago = (now - LEAST_HISTORY).replace(minute=0, second=0, microsecond=0)
    midnights = [
        now.astimezone(park.zone).replace(hour=0, minute=0, second=0, microsecond=0) for park in plant.parks
    ]
    oldest = now - timedelta(seconds=plant.max_late / NS_PER_S) + timedelta(minutes=1)
    return max(min([hours_ago, *midnights]), oldest)


def _today(plant: Plant) -> date:
    return datetime.now(zone_of(plant)).date()


def zone_of(plant: Plant) -> tzinfo:
    """Return the clock that all parks share, else UTC."""
    zones = {park.zone for park in plant.parks}
    return zones.pop() if len(zones) == 1 else UTC


@contextmanager
def serving(service: Service) -> Iterator[Future[int]]:
    """Run a service that was made, and wait for its orderly end; yield what ends with it."""
    with ThreadPoolExecutor(1, "demo-service") as pool:
        service.start()
        try:
            yield pool.submit(service.wait)
        finally:
            service.stop()


@contextmanager
def _simulating(
    config: Path, broker: str, seed: int, plant: Plant, pace: SimulatorPace, stop: threading.Event
) -> Iterator[Future[Truth]]:
    """Run the meters until `stop` is set, and raise what ended them before."""
    with ThreadPoolExecutor(1, "demo-field") as pool:
        field = pool.submit(
            simulate,
            config,
            broker,
            speed=math.inf,
            seed=seed,
            faults=FAULTS,
            start=start_of(plant),
            progress=pace,
            stop=stop,
        )
        try:
            yield field
        finally:
            stop.set()
    field.result()


def await_ready(client: Client, stop: threading.Event) -> None:
    """Wait until a service is ready, for `READY_WITHIN_S` at most."""
    give_up = time.monotonic() + READY_WITHIN_S
    while not client.ready().ready and time.monotonic() < give_up:
        stop.wait(0.05)


def _free_or_any(port: int) -> int:
    """Return the port, or 0 where somebody has it."""
    with suppress(OSError), socket.create_server((HOST, port)):
        return port
    return 0


def _introduction(options: DemoOptions, service: Service) -> Iterator[str]:
    plant, url = service.plant, service.server.url
    if options.port not in {0, service.server.port}:
        yield f"port {options.port} is taken: the API has {service.server.port} instead"
    yield f"API    {url}"
    yield f"token  {service.token}"
    yield f"page   {url}/#key={service.token}"
    yield f"wall   {url}/?display=wall#key={service.token}"
    yield f"try    curl -H 'Authorization: Bearer {service.token}' {url}/v1/totals"
    yield (
        f"meters {sum(not one.entered for one in plant.channels)} channels of {len(plant.facilities)} facilities in {len(plant.parks)} parks;"
        " every reading is simulated"
    )
    yield (
        f"       today so far passes at once, the last {CATCH_UP_S * options.speed / 60:g} min at {options.speed:g}x,"
        " then they are live"
    )
    yield f"faults {FAULTS.duplicate:.0%} of messages sent twice, {FAULTS.reorder:.0%} out of order"
    yield (
        f"late   is what comes more than {plant.allowed_lateness / NS_PER_MIN:g} min after its time, as today so far"
        " does; it counts all the same"
    )
    yield "       Ctrl-C stops everything\n"
