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
from alerts.engine.watch import ALONE
from alerts.engine.watched_rule import WatchedRule
from alerts.judging.lifecycle import Phase
from alerts.judging.truths import Part, Truth
from alerts.tables.alerts import note_late, open_alerts
from alerts.tables.rule_states import StoredState, save_rule_states
from notify.sender import WebhookSender
from plant.alert_rules.alerts import limit
from plant.networks import PRIVATE
from plant.park import Bilingual, Channel, Condition, Facility, Instants, Park, Plant, Source, Webhook
from plant.units import unit
from plant.vocabulary import NEVER, NS_PER_HOUR, NS_PER_MIN, Kind
from store.sqlite import open_writer, transaction

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_c3RhY2ttZXRlci1zdGFja21ldGVyLXN0YWNr"

STACK = limit(
    "stack-co2",
    Instants.READINGS,
    0,
    ">",
    12.5,
    "%",
    severity="critical",
    summary=Bilingual(en="{channel} at {facility}, {park}: {value} {unit} is above {limit} {unit}"),
)
GRID = replace(
    limit(
        "grid-rate",
        Instants.WINDOWS,
        0,
        ">",
        2.0,
        "t/h",
        severity="warning",
        summary=Bilingual(en="{source} emits {value} {unit}"),
        delay=NS_PER_MIN,
    ),
    description=Bilingual(en="Ask the shift leader."),
)


def of_line(number: int) -> Condition:
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


def stood(rule: Condition, told: Plant, alert: str = "", shelved_until: int = NEVER) -> StoredState:
    """Return where a limit stood: with an alert that is open, or shelved until a time [ns UTC]."""
    limit = WatchedRule(rule, told)
    limit.read({}, set(), 0)
    [stored] = limit.stored(ALONE)
    stored = replace(stored, state=Phase.OK, shelved_until=shelved_until)
    return replace(stored, state=Phase.FIRING, firing=True, alert=alert, passed=0) if alert else stored


def judged(
    line: sqlite3.Connection,
    told: Plant,
    rule: Condition,
    *transitions: tuple[bool, int, float],
    before: StoredState | None = None,
    late: tuple[tuple[int, float], ...] = (),
    now: int,
    api_url: str = "",
    key: bytes = b"",
) -> str | None:
    """Let a limit fire and resolve (firing, time, value), and come too late (time, value), and tell of it.

    In one transaction, as on the line; returns the alert that is open afterwards.
    """
    limit = WatchedRule(rule, told)
    with transaction(line):
        teller = Teller(told, line, api_url, key)
        stored = {(rule.name, before.subject): before} if before else {}
        limit.read(stored, open_alerts(line), now)
        for firing, time, value in transitions:
            truth = np.array([float(firing)])
            sides = (np.array([value]), np.array([rule.limit]))
            limit.advance(line, Truth(truth, 1 - truth, Part(">", truth, sides=sides, of=0)), time)
            limit.judged = time
        if late:
            times, values = (np.array(column) for column in zip(*late, strict=True))
            note_late(line, rule, limit.labels[0], times, values, now)
        save_rule_states(line, limit.stored(ALONE))
        teller.tell(now)
    return limit.open[0] or None


def raise_alert(
    line: sqlite3.Connection,
    told: Plant,
    *,
    start: int,
    end: int | None = None,
    rule: Condition = STACK,
    now: int,
) -> None:
    """Let a rule fire at `start`, and resolve at `end` where that is given, in one transaction."""
    transitions = [(True, start, 13.0)] if end is None else [(True, start, 13.0), (False, end, 12.0)]
    judged(line, told, rule, *transitions, now=now)


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
