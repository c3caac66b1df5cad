"""A service that knows two whole years of an invented facility, 2025 and 2026, and whose clock stands in January 2027."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from store.accounting.closing import Decision
from tests.semantics.world import TOKEN, World, ns, reading

CONFIG = Path(__file__).with_name("config")
NOW = ns("2027-01-05T09:00:00+07:00")
STARTS = [ns(f"{year}-{month:02}-01T00:00:00+07:00") for year in (2025, 2026) for month in range(1, 13)] + [
    ns("2027-01-01T00:00:00+07:00")
]
RATES = {  # per month: channel, unit, amount
    ("mill", "grid"): ("kWh", 1000.0),
    ("mill", "gas"): ("Nm3", 250.5),
    ("mill", "diesel"): ("kg", 100_000.0 / 12),
    ("mill", "steam"): ("kg", 5000.0),
    ("mill", "tankers"): ("L", 70.0),
    ("yard", "grid"): ("kWh", 300.0),
}
MONTHS = [f"{year}-{month:02}" for year in (2025, 2026) for month in range(1, 13)]


class Year(World):
    """It has read so many months; `close_months` closes months of the park."""

    def __init__(self, folder: Path, config: Path = CONFIG, months: int = 24) -> None:
        super().__init__(folder, config, NOW)
        self.told: dict[str, int] = {}
        for (facility, channel), (unit, amount) in RATES.items():
            readings = [
                reading(channel, time, place * amount, unit)
                for place, time in enumerate(STARTS[: months + 1])
            ]
            self.tell(facility, *readings)
        self.tell(
            "mill",
            *(
                reading("chiller", time, 2.5 if place == 3 else 0.0, "kg")
                for place, time in enumerate(STARTS[: months + 1])
            ),
        )

    def tell(self, facility: str, *readings: dict[str, Any]) -> None:
        """Let the next message of a facility's gateway arrive."""
        seq = self.told[facility] = self.told.get(facility, 0) + 1
        self.publish(
            {"boot": "b", "seq": seq, "readings": list(readings)}, topic=f"sm/v1/port/{facility}/gw/readings"
        )

    def close_months(self, months: list[str]) -> None:
        """Close months, despite the provisional factor of the grid."""
        for month in months:
            given = {"despite": "the grid's factor is not out yet", "configuration": self.plant.hash}
            self.decide(
                Decision(f"close-{month}", "lan", "final", "port", month, overruled=("provisional",), **given)
            )

    def file(self, form: str, kind: str, **asked: str) -> bytes:
        """Return a filled form."""
        answer = self.ask(f"/v1/forms/{form}.{kind}", **{"park": "port", **asked})
        assert answer.status_code == 200, answer.text
        return answer.content

    def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        """Send a body to the API."""
        return asyncio.run(self._post(path, body, headers))

    async def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        given = {"Authorization": f"Bearer {TOKEN}", **headers}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=given) as client:
            return await client.post(path, json=body)
