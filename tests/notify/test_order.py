"""What a receiver hears last of some labels is how they stand, however it fails, delays or times out meanwhile."""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from alerts.tables.alerts import Raised, begin, end
from alerts.tables.notices import send
from alerts.tables.webhook_order import fingerprint
from alerts.tables.webhooks import WebhookOutbox
from notify.sender import WebhookSender
from notify.webhook import Attempt, WebhookClient
from plant.alerting import Hours, Rota, Route, Routing, Shift
from plant.park import Plant
from store.sqlite import transaction
from tests.alerts.test_notices import Told
from tests.notify.state import STACK, Bench, endpoint, judged, plant, stood
from tests.servers import RESET, Answer, WebhookReceiver

S = 1_000_000_000
HOUR_S = 3600


@pytest.fixture
def outbox(bench: Bench) -> Iterator[WebhookOutbox]:
    with closing(WebhookOutbox(bench.database)) as found:
        yield found


def heard(bodies: list[bytes]) -> dict[str, str]:
    """Return what somebody who keys by rule and labels heard last of each."""
    found: dict[str, str] = {}
    for body in bodies:
        data = json.loads(body)["data"]
        for one in data.get("alerts", [data]):
            found[fingerprint(one["rule"], one["labels"])] = f"{one['status']} {one['id']}"
    return found


# --- one alert after the other, of the same labels ------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [500, 400, Answer(503, {"Retry-After": "30"}), RESET])
def test_solid_b8_4_an_alert_waits_for_the_end_of_the_one_before_it(
    bench: Bench, webhook_receiver: WebhookReceiver, answer: Answer | int
) -> None:
    """Its end is not taken at first, and meanwhile the limit is passed again: the beginning of that is told after it."""
    told = plant(endpoint(url=f"{webhook_receiver.url}/hook"))
    start = bench.clock.now
    with closing(bench.sender(told)) as sender:
        bench.raise_alert(told, start)
        sender.step()
        webhook_receiver.script(*[answer] * 3)
        [(first,)] = bench.line.execute("SELECT id FROM alert").fetchall()
        before = stood(STACK, told, first)
        judged(bench.line, told, STACK, (False, start + S, 12.0), before=before, now=bench.clock())
        sender.step()
        bench.raise_alert(told, start + 2 * S)
        for _ in range(8):
            bench.clock.move(40)
            sender.step()

    told_of = [json.loads(one.body)["data"] for one in webhook_receiver.requests]
    distinct = list(dict.fromkeys((one["status"], one["id"] == first) for one in told_of))
    assert distinct == [("firing", True), ("resolved", True), ("firing", False)]
    assert bench.waiting() == 0


def test_solid_b8_4_an_event_that_fails_holds_up_its_own_labels_alone(
    bench: Bench, outbox: WebhookOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once it is given up, the next of its labels goes."""
    heard: list[str] = []

    def post(_client: WebhookClient, event_id: str, _body: bytes, _now: int) -> Attempt:
        heard.append(event_id)
        return Attempt(400, "HTTP 400") if event_id == "event_alert_1_over" else Attempt(204)

    monkeypatch.setattr(WebhookClient, "post", post)
    story = Story(bench, random.Random(1))
    with closing(bench.sender(plant(endpoint("desk")))) as sender:
        story.tell(firing=[story.begin("a")])
        story.tell(resolved=[story.end("a")])
        story.tell(firing=[story.begin("a")])
        story.tell(firing=[story.begin("b")])
        sender.step()
        assert heard == ["event_alert_1", "event_alert_3", "event_alert_1_over"]
        for _ in range(11):
            bench.clock.move(30 * HOUR_S)
            sender.step()

    assert heard[3:] == [*["event_alert_1_over"] * 11, "event_alert_2"]
    assert [one.event_id for one in outbox.dead()] == ["event_alert_1_over"]


# --- a receiver that does anything --------------------------------------------------------------------------------------------


class Receiver:
    """Takes, refuses, or takes and does not answer; what comes a second time under its id it drops, as the contract asks."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.quiet = False
        self.taken: list[bytes] = []
        self._ids: set[str] = set()

    def post(self, event_id: str, body: bytes, _now: int) -> Attempt:
        """Answer at random."""
        fate = 9 if self.quiet else self._dice.randrange(10)
        if fate < 3:
            return Attempt(error="ConnectError")
        if fate < 5:
            return Attempt(self._dice.choice((500, 400, 404)), "HTTP")
        if fate == 5:
            return Attempt(503, "HTTP 503", retry_after=self._dice.randrange(1, 120) * S)
        if event_id not in self._ids:
            self._ids.add(event_id)
            self.taken.append(body)
        return Attempt(error="no complete answer in time") if fate == 6 else Attempt(204)

    def close(self) -> None:
        """Close nothing."""


class Story:
    """Alerts of a few labels that come and go, told alone or in groups that share some of them."""

    def __init__(self, bench: Bench, dice: random.Random) -> None:
        self.bench, self.dice, self.count, self.notices = bench, dice, 0, 0
        self.open: dict[str, str] = {}  # by label
        self.untold: list[str] = []  # that are over
        self.state: dict[str, str] = {}  # by fingerprint

    def step(self) -> None:
        """Let some alerts begin and some end, and tell of them in one notice or in several, of some ends later."""
        changed = self.dice.sample("abcd", self.dice.randrange(1, 4))
        firing, resolved = [], self.untold
        self.untold = []
        for label in changed:
            was = label in self.open
            if was:
                late = self.dice.random() < 0.2
                (self.untold if late else resolved).append(self.end(label))
            if not was or self.dice.random() < 0.5:
                firing.append(self.begin(label))
        self.tell(firing, resolved, self.dice.choice(("", "/a:{}", "/b:{}")))

    def finish(self) -> None:
        """Tell of the ends that are to be told of yet."""
        self.tell(resolved=self.untold)

    def begin(self, label: str) -> str:
        """Let an alert begin and return its id."""
        self.count += 1
        number, severity = f"alert_{self.count}", self.dice.choice(("warning", "critical"))
        labels, start = {"channel": label}, self.bench.clock() + self.count
        with transaction(self.bench.line):
            begin(self.bench.line, Raised(number, "hot", severity, start, 5.0, 4.0, "", labels, "Hot", ""))
        self.open[label] = number
        self.state[fingerprint("hot", labels)] = f"firing {number}"
        return number

    def end(self, label: str) -> str:
        """Let the alert of a label end and return its id."""
        number = self.open.pop(label)
        with transaction(self.bench.line):
            end(self.bench.line, number, self.bench.clock(), 1.0)
        self.state[fingerprint("hot", {"channel": label})] = f"resolved {number}"
        return number

    def tell(self, firing: Sequence[str] = (), resolved: Sequence[str] = (), group: str = "") -> None:
        """Queue notices: of the group, or of each alert alone."""
        self.notices += 1
        notice = Told(tuple(firing), tuple(resolved), id=f"event_{self.notices}", group=group)
        each = [replace(notice, firing=(), resolved=(one,), id=f"event_{one}_over") for one in resolved]
        each += [replace(notice, firing=(one,), resolved=(), id=f"event_{one}") for one in firing]
        with transaction(self.bench.line):
            for one in [notice] if group else each:
                send(self.bench.line, endpoint("desk"), one, {}, now=self.bench.clock(), api_url="")


@pytest.mark.parametrize("seed", range(12))
def test_solid_b8_4_the_last_word_is_the_state(bench: Bench, outbox: WebhookOutbox, seed: int) -> None:
    """Also where somebody replays what was given up, or what he likes, where the clock goes back, and after restarts."""
    dice = random.Random(seed)
    story, receiver = Story(bench, dice), Receiver(dice)
    bench.line.execute("PRAGMA synchronous = OFF")
    told = plant(endpoint("desk"))
    with ExitStack() as stack:
        sender = _sender(bench, told, receiver, stack)
        for _ in range(60):
            story.step()
            bench.clock.move(dice.choice((0, 1, 7, 60, 600, -3)))
            sender.step()
            if dice.random() < 0.1:
                bench.clock.move(80 * HOUR_S)  # patience is over for what failed often enough
            if dice.random() < 0.1:
                _replay(bench, outbox, receiver, dice)
            if dice.random() < 0.1:
                sender = _sender(bench, told, receiver, stack)
            _check_held(bench)
        story.finish()
        receiver.quiet = True
        for _ in range(20):
            bench.clock.move(30 * HOUR_S)
            sender.step()

    assert bench.waiting() == 0
    rows = bench.line.execute("SELECT DISTINCT fingerprint FROM webhook_about WHERE state = 2").fetchall()
    given_up = {one for (one,) in rows}
    assert len(given_up) < len(story.state)
    last = heard(receiver.taken)
    assert {one: last.get(one) for one in story.state if one not in given_up} == {
        one: word for one, word in story.state.items() if one not in given_up
    }


def _sender(bench: Bench, told: Plant, receiver: Receiver, stack: ExitStack) -> WebhookSender:
    sender = stack.enter_context(closing(bench.sender(told)))
    sender._couriers[0]._client = receiver
    return sender


def _check_held(bench: Bench) -> None:
    """What triggers note of each event is what its older events say."""
    wrong = bench.line.execute(
        "SELECT id FROM webhook WHERE delivered IS NULL AND dead IS NULL"
        " AND held <> EXISTS (SELECT 1 FROM webhook_held WHERE webhook = webhook.id)"
    ).fetchall()
    assert not wrong


def _replay(bench: Bench, outbox: WebhookOutbox, receiver: Receiver, dice: random.Random) -> None:
    """Tell again: the receiver has lost what it took, as it would where somebody replays."""
    ids = [one for (one,) in bench.line.execute("SELECT event_id FROM webhook").fetchall()]
    receiver._ids.clear()
    if dice.random() < 0.5:
        outbox.replay(bench.clock(), dead_only=True)
    else:
        outbox.replay(bench.clock(), event_id=dice.choice(ids))


# --- two receivers that stand for one webhook ---------------------------------------------------------------------------------


def test_solid_b8_4_an_end_is_told_once_though_two_receivers_stand_for_the_webhook(
    bench: Bench, webhook_receiver: WebhookReceiver
) -> None:
    """The second one tells later; in between the limit is passed again, and somebody silences that."""
    every_day = Hours(tuple(range(7)), 0, 1440)
    rota = Rota("shift", plant().parks[0].zone, (Shift("desk", every_day),))
    route = Route("/", (), ("desk", "shift"), ("rule",), False, 0, 0, 10**18, False)
    told = replace(
        plant(endpoint(url=f"{webhook_receiver.url}/hook")), routing=Routing(routes=(route,), rotas=(rota,))
    )
    start = bench.clock.now
    with closing(bench.sender(told)) as sender:
        bench.raise_alert(told, start, start + S)
        bench.raise_alert(told, start + 2 * S)
        [(first,), (second,)] = bench.line.execute("SELECT id FROM alert ORDER BY started_at").fetchall()
        with transaction(bench.line):
            for receiver, group in (("desk", "x"), ("shift", "y")):
                notice = Told((), (first,), id=f"event_{receiver}", receiver=receiver, group=group)
                send(bench.line, told.webhooks[0], notice, {}, now=bench.clock(), api_url="")
        sender.step()

    words = [
        (one["status"], one["id"])
        for request in webhook_receiver.requests
        for one in json.loads(request.body)["data"].get("alerts", [])
    ]
    assert words.count(("resolved", first)) == 1
    assert ("firing", second) in words
