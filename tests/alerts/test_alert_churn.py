"""Random changes of everything that alerts depend on, over a real state: no exception, and each alert lives once."""

import random
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from alerts.tables.actions import AlertAction
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from rules.catalogue import load_catalogue
from tests.alerts.clockwork import MIDNIGHT, SECRETS, Clockwork
from tests.semantics.conftest import MEMORY
from tests.semantics.world import HOUR, MINUTE, SECOND, World, reading

STEPS = 120
WEBHOOKS = ("day", "night", "boss")
NAMES = ("ra", "rb", "rc", "rd")  # of rules, each of whatever kind
CHANNELS = ("t0", "t1", "t2")
EXPRESSIONS = (
    'value > 400 and not absent("5min")',
    'avg(value, "3min") > 400',
    "value < 100 or value > 400",
    'absent("4min")',
    'avg(value, "10min") * 3 > 1000',  # not finite where two of 1e308 are
)
LIMITED = (300, 400, 450)
SEVERITIES = ("info", "warning", "critical")
ALONE = """
routes:
  - {match: ['severity="critical"'], receivers: [night, day], group_by: [...], group_wait: 0s, repeat_interval: 20min}
  - {receivers: [day], group_by: [park], group_wait: 1min, group_interval: 5min}
"""
SHIFT = """
rotas:
  - name: shift
    people: [{webhook: day, hours: 00:00-09:10}, {webhook: night, hours: 09:10-24:00}]
    escalate: [{after: 2min, receivers: [boss]}]
routes: [{receivers: [shift, day], group_by: [rule], group_wait: 30s, group_interval: 1min, repeat_interval: 10min}]
"""
DESK = "routes: [{receivers: [day], group_wait: 0s, group_interval: 0s, repeat_interval: 30min}]\n"
ROUTES = ("", DESK, ALONE, SHIFT)
REST = (
    "",
    "inhibit: [{source: ['rule=\"ra\"'], target: ['rule=\"rb\"'], equal: [facility]}]\n",
    "maintenance: [{name: clean, match: ['rule=~\"ra|rc\"'], reason: Probe, hours: 09:05-09:20}]\n",
    "quiet: [{receivers: [day, night], hours: 09:00-09:15}]\n",
)


class Configured:
    """A configuration that changes a little at a time."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.rules: dict[str, str] = {name: self._rule(name) for name in NAMES[:2]}
        self.webhooks = set(WEBHOOKS)
        self.channels = set(CHANNELS)
        self.gateway_of = dict.fromkeys(CHANNELS, "gw")
        self.routes, self.rest, self.second_park = "", "", False

    def change(self) -> None:
        """Change one thing, whether or not that leaves a configuration that can be loaded."""
        dice = self.dice
        name = dice.choice(NAMES)
        match dice.randrange(9):
            case 0 | 1 | 2:
                self.rules[name] = self._rule(name)
            case 3:
                self.rules.pop(name, None)
            case 4:
                self.webhooks ^= {dice.choice(WEBHOOKS)}
            case 5:
                self.routes = dice.choice(ROUTES)
            case 6:
                self.rest = dice.choice(REST)
            case 7:
                self.channels ^= {dice.choice(CHANNELS[1:])}
                self.gateway_of[dice.choice(CHANNELS)] = dice.choice(("gw", "gw2"))
            case _:
                self.second_park = not self.second_park

    def _rule(self, name: str) -> str:
        dice = self.dice
        more = f"severity: {dice.choice(SEVERITIES)}, summary: '{name} {{value}} {{limit}}'"
        if dice.random() < 0.4:
            channel, side = dice.choice(CHANNELS), dice.choice(("above", "below"))
            return f"{{name: {name}, park: park-a, facility: works, channel: {channel}, {side}: {dice.choice(LIMITED)}, {more}}}"
        timing = (
            f"every: {dice.choice(('1s', '30s', '60s', '5min'))}, delay: {dice.choice(('0s', '0s', '2min', '20min'))},"
            f" for: {dice.choice(('0s', '0s', '2min'))}, keep_firing_for: {dice.choice(('0s', '0s', '3min'))}"
        )
        if dice.random() < 0.3:
            expr = dice.choice(("silence > 180", "online == 0 or silence > 240"))
            return f"{{name: {name}, expr: '{expr}', each: gateway, {timing}, {more}}}"
        if dice.random() < 0.2:
            return f"{{name: {name}, expr: 'rate_now > 0.01', each: facility, {timing}, {more}}}"
        label = dice.choice(("", "labels: {team: a}, ", "labels: {team: b}, "))
        return f"{{name: {name}, expr: '{dice.choice(EXPRESSIONS)}', {label}{timing}, {more}}}"

    def text(self) -> str:
        """Return it as it is written."""
        channels = "".join(
            f"          - {{name: {name}, gateway: {self.gateway_of[name]}, kind: level, unit: °C, quantity: temperature, max_gap: 10min}}\n"
            for name in sorted(self.channels)
        )
        webhooks = "".join(
            f"  - {{name: {name}, url: 'http://127.0.0.1:9/{name}', secret_env: {name.upper()}, allow_private: true}}\n"
            for name in sorted(self.webhooks)
        )
        rules = "".join(f"  - {rule}\n" for rule in self.rules.values())
        parks = _park("park-a", channels) + (_park("park-b", channels) if self.second_park else "")
        return (
            f"parks:\n{parks}"
            + (f"webhooks:\n{webhooks}" if webhooks else "")
            + (f"alerts:\n{rules}" if rules else "")
            + self.routes
            + self.rest
        )


def _park(name: str, channels: str) -> str:
    return (
        f"  - name: {name}\n    title: Park\n    zone: Asia/Ho_Chi_Minh\n    facilities:\n      - name: works\n"
        "        title: Works\n        gateways: [{name: gw}, {name: gw2}]\n        channels:\n"
        f"{channels}          - {{name: power, gateway: gw2, kind: rate, unit: kW, quantity: electricity, max_gap: 10min}}\n"
        "        sources:\n          - {name: power, method: electricity-location, inputs: {energy: power}, factor: vn-grid}\n"
    )


class Churn:
    """A service, what is done to it, and what must be so whatever is done."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.config = folder / "config"
        self.config.mkdir()
        self.written = Configured(self.dice)
        while not self._can_be_loaded():
            self.written = Configured(self.dice)
        self.begun: dict[str, tuple[str, int]] = {}
        self.plant = Clockwork(folder, self.config, MIDNIGHT + 9 * HOUR)
        self.faults: list[str] = []
        self._listen()
        self.sent: list[dict[str, Any]] = []
        self.started = self.plant.now

    def _can_be_loaded(self) -> bool:
        (self.config / "plant.yaml").write_text(self.written.text())
        try:
            load(self.config, load_catalogue(self.config), SECRETS)
        except ConfigurationError:
            return False
        return True

    def _note_rules(self) -> None:
        """Remember since when each limit or condition is configured; a limit of another channel is another one.

        Of a configuration under which nothing was done before the next one came, nobody knows.
        """
        channels = self.plant.plant.channels  # by an index that any change of the channels may move
        of = {
            rule.name: f"{channels[rule.subjects[0]].park} {channels[rule.subjects[0]].name}"
            for rule in self.plant.plant.rules
        }
        of |= {one.name: "condition" for one in self.plant.plant.conditions}
        self.begun = {
            name: self.begun[name] if self.begun.get(name, ("", 0))[0] == what else (what, self.started)
            for name, what in of.items()
        }

    # --- what is done -----------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Do something."""
        doing: list[tuple[int, Callable[[], None]]] = [
            (30, self._send), (12, self._correct), (6, self._late), (8, self._status), (12, self._act),
            (14, self._configure), (6, self._restart), (8, self._cut), (20, self._wait), (3, self._set_clock),
        ]  # fmt: skip
        self.dice.choices([do for _, do in doing], [often for often, _ in doing])[0]()

    def _reading(self, time: int, **more: Any) -> dict[str, Any]:
        value = self.dice.choice((20, 250, 390, 500, 1e308))
        found = reading(self.dice.choice(CHANNELS), time, value, "°C", **more)
        self.sent.append(found)
        return found

    def _publish(self, *readings: dict[str, Any]) -> None:
        park = self.dice.choice(("park-a", "park-a", "park-b"))
        topic = f"sm/v1/{park}/works/{self.dice.choice(('gw', 'gw2'))}/readings"
        self.plant.publish({"readings": list(readings)}, topic=topic)

    def _send(self) -> None:
        more: list[dict[str, Any]] = [{}, {}, {"quality": "bad"}]
        ahead = self.dice.choice((0, 0, 0, -20 * SECOND, 100 * SECOND))
        count = self.dice.choice((1, 1, 3))
        self._publish(
            *(
                self._reading(self.plant.now + ahead - k * SECOND, **self.dice.choice(more))
                for k in range(count)
            )
        )

    def _correct(self) -> None:
        if self.sent:
            one = self.dice.choice(self.sent[-20:])
            self._publish({**one, "value": self.dice.choice((20, 500)), "correction": len(self.sent)})

    def _late(self) -> None:
        self._publish(self._reading(self.plant.now - self.dice.randrange(1, 20 * HOUR)))

    def _status(self) -> None:
        said = {"online": self.dice.random() < 0.5}
        self.plant.publish(said, gateway=self.dice.choice(("gw", "gw2")), leaf="status")

    def _act(self) -> None:
        alerts = [number for (number,) in self.plant.rows("SELECT id FROM alert")]
        silences = [number for (number,) in self.plant.rows("SELECT id FROM silence")]
        about = self.dice.choice(alerts or ["none"])
        until = self.plant.now + self.dice.choice((-1, 5 * MINUTE, 2 * HOUR))
        number = f"a{self.plant.rows('SELECT count(*) FROM decision')[0][0]}"
        action = self.dice.choice(
            (
                AlertAction(number, "lan", "acknowledge", about),
                AlertAction(number, "lan", "snooze", about, until=until),
                AlertAction(number, "lan", "assign", about, to="minh"),
                AlertAction(number, "lan", "comment", about, "so"),
                AlertAction(number, "lan", "silence", comment="so", until=until, match=('rule="ra"',)),
                AlertAction(number, "lan", "unsilence", self.dice.choice(silences or ["none"])),
            )
        )
        self.plant.journal.append([action.message(self.plant.now)])
        self._run()

    def _run(self) -> None:
        while self.plant.line.step():
            pass

    def _configure(self) -> None:
        before = dict(vars(self.written))
        for name in ("rules", "gateway_of"):
            before[name] = dict(before[name])
        for name in ("webhooks", "channels"):
            before[name] = set(before[name])
        for _ in range(self.dice.randrange(1, 4)):
            self.written.change()
        if not self._can_be_loaded():
            vars(self.written).update(before)
            assert self._can_be_loaded()
            return
        plant = self.plant
        plant._shut()
        Clockwork.__init__(plant, plant.folder, plant.config, plant.now)
        self._listen()
        self.started = plant.now
        if self.dice.random() < 0.5:  # else the next message is the first thing
            plant.line.step()

    def _restart(self) -> None:
        self.plant._shut()
        self.plant._open()
        self._listen()

    def _listen(self) -> None:
        """Hear of every fault that the line contains."""
        self.plant.line._faults.tell = lambda what, error: self.faults.append(f"{what}: {error!r}")  # type: ignore[method-assign]

    def _cut(self) -> None:
        """Take a micro-batch that fails at its end, and again."""

        class Cut(Exception):
            pass

        def cut(_point: str) -> None:
            raise Cut

        self.plant.line._crash = cut
        with suppress(Cut):
            self._send()
        self.plant.line._crash = lambda _point: None
        self._run()

    def _wait(self) -> None:
        for _ in range(self.dice.choice((1, 1, 4, 15))):
            self.plant.tick(self.plant.now + 30 * SECOND)

    def _set_clock(self) -> None:
        by = self.dice.choice((-SECOND, -MINUTE, -20 * MINUTE, -3 * HOUR, 3 * HOUR))
        self.plant.now += by
        if by < 0:
            self.begun = {name: (what, min(at, self.plant.now)) for name, (what, at) in self.begun.items()}
            self.started = min(self.started, self.plant.now)
        self.plant.line.step()

    # --- what must be so ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Find what is wrong with alerts, their events and what was told of them, and faults that the line has contained."""
        assert self.faults == []
        lives = defaultdict(list)
        for alert, kind in self.plant.rows(
            "SELECT alert, kind FROM alert_event WHERE kind IN ('firing', 'resolved') ORDER BY id"
        ):
            lives[alert].append(kind)
        alerts = self.plant.rows("SELECT id, status, started_at, ended_at FROM alert")
        assert {number for number, *_ in alerts} == lives.keys()
        for number, status, started_at, ended_at in alerts:
            assert lives[number] == (["firing"] if ended_at is None else ["firing", "resolved"])
            assert (status == "resolved") == (ended_at is not None)
            assert ended_at is None or ended_at >= started_at
        self._check_beginnings()
        self._check_telling()

    def _check_beginnings(self) -> None:
        """No alert begins before its rule was configured; those of another rule of that name end with the first step."""
        if not self.plant.line._following._watch._is_settled:
            return
        self._note_rules()
        for rule, started_at in self.plant.rows("SELECT rule, started_at FROM alert WHERE ended_at IS NULL"):
            if rule in self.begun:
                assert started_at >= self.begun[rule][1], rule

    def _check_telling(self) -> None:
        """Each webhook hears of each alert's beginning before its end, and of no beginning after that; each id is told once."""
        heard: dict[tuple[str, str], list[str]] = defaultdict(list)
        ids = self.plant.rows("SELECT event_id, endpoint FROM webhook")
        assert len(set(ids)) == len(ids)
        for _, who, _, body in self.plant.bodies():
            data = body["data"]
            for one in data.get("alerts", [data]):
                heard[who, one["id"]].append(one["status"])
        for words in heard.values():
            assert words[0] == "firing"
            assert "firing" not in words[words.index("resolved") if "resolved" in words else len(words) :]

    def settle(self) -> None:
        """Let all that waits be told: silences end, groups' waits and quiet hours pass."""
        for _ in range(2 * 60 * 4):
            self.plant.tick(self.plant.now + MINUTE)
        self.check()
        theirs = self.plant.rows("SELECT alert FROM rule_state WHERE alert <> ''")
        still = self.plant.rows("SELECT id, labels, rule FROM alert WHERE ended_at IS NULL")
        assert {number for number, *_ in still} == {number for (number,) in theirs}


@pytest.mark.parametrize("seed", [*range(4), 119, 246])
def test_solid_a2_whatever_is_changed_each_alert_lives_once_and_nothing_stops(seed: int) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        churn = Churn(Path(folder), seed)
        with closing(_Shutting(churn.plant)):
            for _ in range(STEPS):
                churn.step()
                churn.check()
            churn.settle()


class _Shutting:
    def __init__(self, world: World) -> None:
        self.close = world._shut
