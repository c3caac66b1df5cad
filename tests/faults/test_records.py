"""The service is killed at any instant while people enter and approve records and movements: each counts once, and two people stand for it."""

import random
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from plant.configuration.load import load
from proof.verify.verify import verify
from rules.catalogue import load_catalogue
from store.access_log import make
from store.folder import keys_file
from store.keys import NEVER, Keys
from tests.api.keyed import ME
from tests.faults.bench import Report
from tests.faults.invariants import check_rebuild, rows
from tests.semantics.world import GRID
from tests.servers import PATIENCE, Mosquitto
from tests.service import Service

CONFIG = Path(__file__).parents[1] / "semantics" / "entered" / "plant.yaml"
PDF = b"%PDF-1.7\nstartxref\n9\n%%EOF\n"
PEOPLE = ("lan", "minh")
NEW_YEAR = date(2025, 1, 1)
TAKEN = {200, 409}
CREDITS = "park-a/works/credits"
WORKS = "      - name: works\n"
INSTRUMENTS = "        instruments: [{name: credits, kind: credit, registry: Verra, serials: true}]\n"


class Office(threading.Thread):
    """Enters a record of the next day, or buys the next credit, and approves it, one after the other, and asks again until there is an answer."""

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self._service, self._over = service, threading.Event()
        make(keys_file(service.state))
        keys = Keys(keys_file(service.state))
        self._bearers = {
            name: keys.create(name, "approver", (), shared=False, expires=NEVER, now=0, by=ME)[1]
            for name in PEOPLE
        }
        self.amounts: list[float] = []
        self.bought = 0
        self._chance = random.Random(6)
        self.refused: list[int] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            digest = self._ask("lan", "/v1/evidence", "evidence", content=PDF).json()["digest"]
            while not (self._over.is_set() and self.amounts and self.bought):
                if self._chance.random() < 0.5:
                    self._record(len(self.amounts), digest)
                else:
                    self._movement(self.bought, digest)
        except BaseException as error:  # noqa: BLE001  whoever waits for this thread is told
            self.error = error

    def end(self) -> None:
        """Let it come to an end, the service being there."""
        self._over.set()
        self.join(PATIENCE)
        assert self.error is None, self.error
        assert not self.is_alive(), "it still waits for an answer"

    def _record(self, number: int, digest: str) -> None:
        day = NEW_YEAR + timedelta(days=number)
        body = {
            "channel": "park-a/works/invoice/electricity", "from": str(day), "to": str(day + timedelta(days=1)),
            "value": 1000.0 + number, "unit": "kWh", "source": f"invoice {number}", "evidence": digest,
        }  # fmt: skip
        entered = self._ask("lan", "/v1/records", f"enter {number}", json=body)
        assert entered.status_code == 200, entered.text
        self._approve(f"/v1/records/{entered.json()['records'][0]['id']}", str(number))
        self.amounts.append(body["value"])

    def _movement(self, number: int, digest: str) -> None:
        body = {
            "instrument": CREDITS, "act": "bought", "day": str(NEW_YEAR), "amount": 1.0, "source": f"contract {number}",
            "serials": [{"series": "VN", "first": number, "last": number}], "evidence": digest,
        }  # fmt: skip
        entered = self._ask("lan", "/v1/movements", f"buy {number}", json=body)
        assert entered.status_code == 200, entered.text
        self._approve(f"/v1/movements/{entered.json()['movement']['id']}", f"bought {number}")
        self.bought += 1

    def _approve(self, path: str, what: str) -> None:
        """Let who entered it try to approve it, and then somebody else."""
        self.refused.append(self._ask("lan", path, f"alone {what}", json={"action": "approve"}).status_code)
        approved = self._ask("minh", path, f"approve {what}", json={"action": "approve"})
        assert approved.status_code == 200, approved.text

    def _ask(self, who: str, path: str, key: str, **body: Any) -> httpx.Response:
        """Ask with a key of the question's own until it is answered for good."""
        headers = {"Authorization": f"Bearer {self._bearers[who]}", "Idempotency-Key": key.replace(" ", "-")}
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                url = f"http://127.0.0.1:{self._service.port}{path}"
                answer = httpx.post(url, headers=headers, timeout=PATIENCE, trust_env=False, **body)
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code in TAKEN:
                return answer
            assert answer.status_code in {202, 503}, answer.text
            time.sleep(0.05)
        raise TimeoutError(path)


def test_random_kills_lose_no_record_or_movement_count_none_twice_and_let_nobody_approve_their_own(
    tmp_path: Path, kills: int, report: Report
) -> None:
    chance, config, kills = random.Random(5), tmp_path / "config", kills // 2
    config.mkdir()
    (config / CONFIG.name).write_text(
        CONFIG.read_text(encoding="utf-8").replace(WORKS, WORKS + INSTRUMENTS, 1)
    )
    with Mosquitto() as broker, Service(tmp_path, config, f"mqtt://127.0.0.1:{broker.port}") as service:
        service.state.mkdir(mode=0o700)
        office = Office(service)
        office.start()
        for _ in range(kills):
            service.start()
            time.sleep(chance.uniform(0.1, 0.8))
            service.kill()
        service.start()
        office.end()
        total = service.get("/v1/totals", level="source", source="grid", period="2025").json()["totals"][0]
        holdings = service.get("/v1/position").json()["holdings"]
        assert service.term() == 0

        found = rows(
            service.database,
            "SELECT source, standing, entered_by, approved_by, correction FROM record ORDER BY start",
        )
        assert found == [(f"invoice {n}", "approved", "lan", "minh", 0) for n in range(len(office.amounts))]
        moved = rows(
            service.database,
            "SELECT source, standing, entered_by, approved_by FROM movement ORDER BY message",
        )
        assert moved == [(f"contract {n}", "approved", "lan", "minh") for n in range(office.bought)]
        assert [(one["held"], one["waiting"]) for one in holdings] == [(office.bought, 0)]
        assert office.refused == [409] * (len(office.amounts) + office.bought)
        assert total["activity"] == pytest.approx(sum(office.amounts))
        assert total["co2e_t"] == pytest.approx(sum(office.amounts) * GRID)
        catalogue = load_catalogue(config)
        proven = verify(load(config, catalogue, {}), catalogue, service.state)
        assert proven.proven, proven.findings[:5]
        check_rebuild(service, config)
    report(
        "records",
        kills=kills,
        records=len(office.amounts),
        movements=office.bought,
        lost=0,
        double=0,
        alone=0,
    )
