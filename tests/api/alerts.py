"""Alerts of the mill in a state database, and a line that takes what people do with them."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from alerts.engine.alert_actions import AlertActions
from alerts.tables.actions import AlertAction
from api.access.guard import Access
from api.field.rebirth import EdgeNodes
from plant.alert_rules.matchers import matcher
from plant.alerting import Hours, Rota, Route, Routing, Shift
from plant.park import Plant, Webhook
from plant.vocabulary import NS_PER_MIN, NS_PER_S
from rules.catalogue import Register
from store.accounting.closing import Closing
from tests.api.conftest import Api
from tests.api.state import AS_OF, HAI_PHONG, State, plant

ALWAYS = Hours(tuple(range(7)), 0, 24 * 60)
START = AS_OF - 10 * NS_PER_MIN  # 2026-11-24T02:50:30Z
LABELS = {"park": "hai-phong", "facility": "mill", "gateway": "gw1", "channel": "stack"}
TEXTS = {
    "summary": {"vi": "Ống khói có {vượt} ngưỡng", "en": "The stack is <above> its limit"},
    "first_action": {"vi": "Kiểm tra quạt gió.", "en": ""},
    "runbook": "https://example.com/stack",
}


def number(name: str) -> str:
    """Return an alert's id."""
    return f"alert_{name:0<32}"


def routed(*webhooks: str) -> Plant:
    """Return the small plant with routes: critical alerts to a rota, all others to the desk, by park and facility."""
    times = {"group_wait": 0, "group_interval": 0, "repeat_interval": 0, "goes_on": False}
    night = Route("night", (matcher('severity="critical"'),), ("shift",), ("facility",), False, **times)
    rest = Route("rest", (), ("desk",), ("park", "rule"), False, **times)
    shift = Rota("shift", HAI_PHONG, (Shift("lan", ALWAYS),))
    routing = Routing(routes=(night, rest), rotas=(shift,))
    return replace(plant(), routing=routing, webhooks=tuple(Webhook(n, "https://x", "") for n in webhooks))


class Alerts(Api):
    """An API whose line takes actions at once; `asleep` lets them wait."""

    def __init__(
        self,
        state: State,
        access: Access | None = None,
        catalogue: Register | None = None,
        edge_nodes: EdgeNodes | None = None,
    ) -> None:
        self.asleep = False
        self.taken: list[AlertAction] = []
        self.rival: AlertAction | None = None  # taken just before the next one
        super().__init__(state, catalogue, self._take, access, edge_nodes)

    def _take(self, action: AlertAction) -> None:
        self.taken.append(action)
        if self.asleep:
            return
        with closing(sqlite3.connect(self.state.path, isolation_level=None)) as line:
            memory = SimpleNamespace(connection=line, closing=Closing(line, {}))
            for one in filter(None, (self.rival, action)):
                AlertActions(memory).take(one.message(self.as_of), len(self.taken))
        self.rival = None

    def add(self, name: str = "a", **changes: Any) -> str:
        """Store an alert and return its id."""
        row = {
            "id": number(name), "rule": "stack-high", "status": "firing", "severity": "critical", "started_at": START,
            "ended_at": None, "value": 12.5, "limit": 10.0, "unit": "mg/Nm3", "labels": LABELS, "summary": "Too much",
            "description": "", "texts": {}, "muted_by": "",
        } | changes  # fmt: skip
        values = [json.dumps(v) if isinstance(v, dict) else v for v in row.values()]
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        self.state.db.execute(f"INSERT INTO alert ({names}) VALUES ({marks})", values)
        self.state.db.commit()
        return row["id"]

    def act(self, which: str, action: str = "acknowledge", by: str = "lan", **more: Any) -> Any:
        return self.ask(f"/v1/alerts/{which}/actions", "POST", json={"action": action, "by": by, **more})

    def later(self, minutes: float) -> None:
        self.as_of += int(minutes * 60 * NS_PER_S)
