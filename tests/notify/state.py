"""A small plant with two rules and two endpoints, and a state database with nothing in it yet."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from alerts.engine.telling import Teller
from alerts.judging.thresholds import Judgement, State, Transition
from alerts.tables.alerts import apply_judgement
from notify.sender import WebhookSender
from plant.networks import PRIVATE
from plant.park import Bilingual, Channel, Facility, Park, Plant, Source, ThresholdRule, Webhook
from plant.units import unit
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, Kind
from store.sqlite import open_writer, transaction

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_c3RhY2ttZXRlci1zdGFja21ldGVyLXN0YWNr"

STACK = ThresholdRule(
    name="stack-co2",
    park="nam-cau-kien",
    facility="mill",
    channel=0,
    source=-1,
    above=True,
    limit=12.5,
    unit="%",
    severity="critical",
    delay=0,
    summary=Bilingual(en="{channel} at {facility}, {park}: {value} {unit} is above {limit} {unit}"),
    description=Bilingual(en=""),
)
GRID = ThresholdRule(
    name="grid-rate",
    park="nam-cau-kien",
    facility="mill",
    channel=-1,
    source=0,
    above=True,
    limit=2.0,
    unit="t/h",
    severity="warning",
    delay=NS_PER_MIN,
    summary=Bilingual(en="{source} emits {value} {unit}"),
    description=Bilingual(en="Ask the shift leader."),
)


def of_line(number: int) -> ThresholdRule:
    """Return STACK under a name of its own, so that its alerts are others to a receiver."""
    return replace(STACK, name=f"stack-{number}")


def endpoint(name: str = "desk", url: str = "https://receiver.example/hook", secret: str = SECRET) -> Webhook:
    """Return an endpoint, which may be on this machine."""
    return Webhook(name, url, secret, allow_private=PRIVATE)


def plant(*webhooks: Webhook, channel: str = "stack1/co2") -> Plant:
    """Return a plant with one channel, one source and the rules STACK and GRID."""
    return Plant(
        parks=(Park("nam-cau-kien", "Nam Cau Kien", ZoneInfo("Asia/Ho_Chi_Minh")),),
        facilities=(Facility("nam-cau-kien", "mill", "Rolling mill"),),
        gateways=(),
        channels=(
            Channel(
                index=0,
                park="nam-cau-kien",
                facility="mill",
                gateway="gw1",
                name=channel,
                kind=Kind.LEVEL,
                unit=unit("%"),
                quantity="concentration",
                minimum=np.nan,
                maximum=np.nan,
                max_rate=np.nan,
                max_gap=NS_PER_HOUR,
                modulus=np.nan,
                period=0,
                hold_last=False,
                counter_in_gateway=False,
                ratio=1.0,
                serial="",
            ),
        ),
        sources=(
            Source(
                0, "nam-cau-kien", "mill", "grid", 2, "electricity", "electricity-location", "", (), (), "kWh"
            ),
        ),
        rules=(STACK, GRID),
        webhooks=webhooks,
        window=NS_PER_MIN,
        gwp="AR5",
        max_late=45 * 24 * NS_PER_HOUR,
        allowed_lateness=15 * NS_PER_MIN,
        hash="",
    )


def new_state(path: Path) -> sqlite3.Connection:
    """Return the line's connection to a new state database."""
    connection = open_writer(path)
    connection.executescript(resources.files("store").joinpath("schema.sql").read_text())
    return connection


def judgement(*transitions: tuple[bool, int, float], late: tuple[tuple[int, float], ...] = ()) -> Judgement:
    """Return a judgement with these transitions (firing, time, value) and late breaches (time, value)."""
    last = transitions[-1] if transitions else (False, 1, 0.0)
    return Judgement(
        state=State.FIRING if last[0] else State.OK,
        judged=last[1],
        transitions=tuple(Transition(*one) for one in transitions),
        late_time=np.array([t for t, _ in late], np.int64),
        late_value=np.array([v for _, v in late], np.float64),
    )


def judged(
    line: sqlite3.Connection,
    told: Plant,
    rule: ThresholdRule,
    found: Judgement,
    alert: str | None = None,
    *,
    now: int,
    api_url: str = "",
    key: bytes = b"",
) -> str | None:
    """Store a judgement and tell of it, in one transaction as on the line; return the alert that is open afterwards."""
    with transaction(line):
        teller = Teller(told, line, api_url, key)
        is_open = apply_judgement(line, told, rule, found, alert, now=now)
        teller.tell(now)
    return is_open


def raise_alert(
    line: sqlite3.Connection,
    told: Plant,
    *,
    start: int,
    end: int | None = None,
    rule: ThresholdRule = STACK,
    now: int,
) -> None:
    """Let a rule fire at `start`, and resolve at `end` where that is given, in one transaction."""
    transitions = [(True, start, 13.0)] if end is None else [(True, start, 13.0), (False, end, 12.0)]
    judged(line, told, rule, judgement(*transitions), now=now)


class Clock:
    """A clock that begins at the real time and then stands until it is moved."""

    def __init__(self) -> None:
        self.now = time.time_ns()

    def __call__(self) -> int:
        """Return the time [ns UTC]."""
        return self.now

    def move(self, seconds: float) -> None:
        """Go on, or back."""
        self.now += round(seconds * 1e9)


class Bench:
    """A state database, the line's connection to it, and senders on it."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "state.db"
        self.line = new_state(self.database)
        self.clock = Clock()

    def sender(self, told: Plant, crash: Callable[[str], None] = lambda _: None, **options) -> WebhookSender:
        return WebhookSender(self.database, told.webhooks, self.clock, crash, jitter=lambda: 0.5, **options)

    def raise_alert(self, told: Plant, start: int, end: int | None = None, rule=STACK) -> None:
        raise_alert(self.line, told, start=start, end=end, rule=rule, now=self.clock())

    def waiting(self) -> int:
        return self.line.execute(
            "SELECT count(*) FROM webhook WHERE delivered IS NULL AND dead IS NULL"
        ).fetchone()[0]

    def seconds_until_due(self) -> float:
        (due,) = self.line.execute("SELECT due FROM webhook WHERE delivered IS NULL").fetchone()
        return (due - self.clock()) / 1e9


@contextmanager
def running(sender: WebhookSender) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=work) for _, work in sender.workers(stop)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        sender.close()
        assert not any(thread.is_alive() for thread in threads)
