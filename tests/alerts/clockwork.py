"""A service whose clock goes on in steps of half a minute, for tests of who hears of which alert when."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from alerts.tables.actions import AlertAction
from plant.configuration.load import load
from proof.works import Links
from rules.catalogue import load_catalogue
from tests.semantics.world import HOUR, MINUTE, SECOND, World, ns, reading

MIDNIGHT = ns("2026-03-10T00:00:00+07:00")  # a Tuesday begins
TICK = 30 * SECOND
KEY = b"a key for links"
BEHIND = 60  # channels behind the gateway gw
PLACE = f"""
parks:
  - name: park-a
    title: Park A (invented)
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works (invented)
        gateways: [{{name: gw}}, {{name: gw2}}]
        channels:
{"".join(f"          - {{name: t{n}, gateway: gw, kind: level, unit: °C, quantity: temperature, max_gap: 1d}}{chr(10)}" for n in range(BEHIND))}
          - {{name: power, gateway: gw2, kind: rate, unit: kW, quantity: electricity, max_gap: 10min}}
        sources:
          - {{name: power, method: electricity-location, inputs: {{energy: power}}, factor: vn-grid}}
webhooks:
  - {{name: day, url: "http://127.0.0.1:9/1", secret_env: DAY, allow_private: true}}
  - {{name: night, url: "http://127.0.0.1:9/2", secret_env: NIGHT, allow_private: true}}
  - {{name: boss, url: "http://127.0.0.1:9/3", secret_env: BOSS, allow_private: true}}
"""
SECRETS = {name: f"whsec_{name[0] * 40}" for name in ("DAY", "NIGHT", "BOSS")}
LIMITS = """
alerts:
  - {name: hot, facility: works, channel: t0, above: 400, severity: critical, summary: The flue is too hot}
  - {name: warm, facility: works, channel: t1, above: 100, severity: warning, summary: The hall is warm}
"""
ROTA = """
rotas:
  - name: shift
    people: [{webhook: day, hours: 07:00-19:00}, {webhook: night, hours: 19:00-07:00}]
    escalate: [{after: 10min, receivers: [boss]}]
routes:
  - {receivers: [shift], group_wait: 0s, group_interval: 0s, repeat_interval: 1h}
"""
DESK = """
routes:
  - {receivers: [day], group_wait: 0s, group_interval: 0s, repeat_interval: 1d}
"""


class Clockwork(World):
    """A service whose clock goes on in steps of half a minute; times are those of the park's clock, 30:00 the next day's 06:00."""

    def __init__(self, folder: Path, config: Path, now: int) -> None:
        self.folder, self.config, self.now = folder, config, now
        self.catalogue = load_catalogue(config)
        self.plant = load(config, self.catalogue, SECRETS)
        self._open()

    links = Links("https://sm.example", KEY)

    def configure(self, written: str) -> None:
        """Start it again under another configuration."""
        self._shut()
        write(self.config, written)
        Clockwork.__init__(self, self.folder, self.config, self.now)

    def at(self, clock: str, **values: float) -> None:
        """Let time pass up to `clock`; then let a message bring values of channels of gw."""
        hour, minute = clock.split(":")
        then = MIDNIGHT + int(hour) * HOUR + int(minute) * MINUTE
        while self.now < then:
            self.tick(min(self.now + TICK, then))
        if values:
            self.send(*(reading(channel, then, value, "°C") for channel, value in values.items()))

    def act(self, action: str, rule: str, by: str = "lan") -> None:
        [(about,)] = self.rows("SELECT id FROM alert WHERE rule = ? AND ended_at IS NULL", rule)
        number = f"a{self.rows('SELECT count(*) FROM decision')[0][0]}"
        self.journal.append([AlertAction(number, by, action, about=about).message(self.now)])
        while self.line.step():
            pass
        assert self.rows("SELECT outcome FROM decision WHERE id = ?", number) == [("done",)]

    def bodies(self) -> list[tuple[int, str, str, dict]]:
        """Return when each webhook was queued, for whom, its alert or group, and its body."""
        rows = self.rows("SELECT created, endpoint, alert, body FROM webhook ORDER BY id")
        return [(at, who, about, json.loads(body)) for at, who, about, body in rows]

    def told(self) -> list[str]:
        """Return `clock webhook: alerts` of every notice in order, with its number of repeat or its step of escalation."""
        return [f"{clock(at)} {who}: {said(body['data'])}" for at, who, _, body in self.bodies()]


def clock(at: int) -> str:
    minutes, seconds = divmod((at - MIDNIGHT) // SECOND, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")


def said(data: dict) -> str:
    alerts = data.get("alerts", [data])
    words = [f"{one['rule']} {one['status']}" for one in alerts]
    for place, one in enumerate(alerts):
        if one["status"] == "resolved":  # whatever is over says how long it lasted
            lasted = ns(one["ended_at"]) - ns(one["started_at"])
            assert one["duration_s"] == lasted / SECOND
            words[place] += f" after {lasted // MINUTE}min"
    notice = data.get("notice", {"repeat": 0, "escalation": ""})
    more = [f"repeat {notice['repeat']}"] if notice["repeat"] else []
    more += [notice["escalation"]] if notice["escalation"] else []
    return ", ".join(words) + (f" ({', '.join(more)})" if more else "")


def write(config: Path, written: str) -> None:
    config.mkdir(exist_ok=True)
    (config / "plant.yaml").write_text(PLACE + written)


Started = Callable[[str, str], Clockwork]
EITHER_WAY = pytest.mark.parametrize("routes", ["", DESK], ids=["without routes", "with routes"])
