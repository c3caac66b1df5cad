"""The service is killed at any instant while people enter and approve records: each counts once, and two people stand for it."""

import random
import shutil
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


class Office(threading.Thread):
    """Enters a record a day and approves it, one after the other, and asks again until there is an answer."""

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
        self.refused: list[int] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            digest = self._ask("lan", "/v1/evidence", "evidence", content=PDF).json()["digest"]
            while not self._over.is_set() or not self.amounts:
                self._one(len(self.amounts), digest)
        except BaseException as error:  # noqa: BLE001  whoever waits for this thread is told
            self.error = error

    def end(self) -> None:
        """Let it come to an end, the service being there."""
        self._over.set()
        self.join(PATIENCE)
        assert self.error is None, self.error
        assert not self.is_alive(), "it still waits for an answer"

    def _one(self, number: int, digest: str) -> None:
        day = NEW_YEAR + timedelta(days=number)
        body = {
            "channel": "park-a/works/invoice/electricity", "from": str(day), "to": str(day + timedelta(days=1)),
            "value": 1000.0 + number, "unit": "kWh", "source": f"invoice {number}", "evidence": digest,
        }  # fmt: skip
        entered = self._ask("lan", "/v1/records", f"enter {number}", json=body)
        assert entered.status_code == 200, entered.text
        path = f"/v1/records/{entered.json()['records'][0]['id']}"
        self.refused.append(self._ask("lan", path, f"alone {number}", json={"action": "approve"}).status_code)
        approved = self._ask("minh", path, f"approve {number}", json={"action": "approve"})
        assert approved.status_code == 200, approved.text
        self.amounts.append(body["value"])

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


def test_random_kills_lose_no_record_count_none_twice_and_let_nobody_approve_their_own(
    tmp_path: Path, kills: int, report: Report
) -> None:
    chance, config, kills = random.Random(5), tmp_path / "config", kills // 2
    config.mkdir()
    shutil.copy(CONFIG, config)
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
        assert service.term() == 0

        found = rows(
            service.database,
            "SELECT source, standing, entered_by, approved_by, correction FROM record ORDER BY start",
        )
        assert found == [(f"invoice {n}", "approved", "lan", "minh", 0) for n in range(len(office.amounts))]
        assert office.refused == [409] * len(office.amounts)
        assert total["activity"] == pytest.approx(sum(office.amounts))
        assert total["co2e_t"] == pytest.approx(sum(office.amounts) * GRID)
        catalogue = load_catalogue(config)
        proven = verify(load(config, catalogue, {}), catalogue, service.state)
        assert proven.proven, proven.findings[:5]
        check_rebuild(service, config)
    report("records", kills=kills, records=len(office.amounts), lost=0, double=0, alone=0)
