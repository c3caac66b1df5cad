"""A running service that knows more than a year of two parks, for pages that look back: told over MQTT in a few seconds."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.end_to_end.gateway import RawGateway
from tests.servers import Mosquitto, wait_until
from tests.service import Service

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS = 440  # so that last year's same month is there
HOURLY_DAYS = 3  # before them, a reading a day
SILENT_HOURS = 40  # since when the foundry's diesel meter says nothing
# park, facility, channel, unit, method and factor of its source if it has one, a day's amount
METERS = (
    ("bac", "mill", "incomer/energy", "kWh", "electricity-location", "vn-grid", 41_000.0),
    ("bac", "mill", "furnace-1/gas", "Nm3", "fuel-gas-volume", "vn-2626-natural-gas", 5_200.0),
    ("bac", "mill", "furnace-2/gas", "Nm3", "fuel-gas-volume", "vn-2626-natural-gas", 3_100.0),
    ("bac", "mill", "ladle/gas", "Nm3", "fuel-gas-volume", "vn-2626-natural-gas", 900.0),
    ("bac", "mill", "product/billets", "t", None, None, 900.0),
    ("bac", "foundry", "incomer/energy", "kWh", "electricity-location", "vn-grid", 17_000.0),
    ("bac", "foundry", "cupola/gas", "Nm3", "fuel-gas-volume", "vn-2626-natural-gas", 1_700.0),
    ("bac", "foundry", "lorries/diesel", "L", "fuel-liquid-volume", "vn-2626-road-diesel", 640.0),
    ("nam", "works", "incomer/energy", "kWh", "electricity-location", "vn-grid", 22_000.0),
    ("nam", "works", "boiler/gas", "Nm3", "fuel-gas-volume", "vn-2626-natural-gas", 2_300.0),
)
BASINS = tuple(f"basin-{n}" for n in range(1, 13))  # of thirteen: whose water may go bad
TITLES = {"mill": "Rolling mill", "foundry": "Foundry", "works": "Works"}
GREW = "furnace-2"  # by half in this month
PARAMETERS = {"Nm3": "parameters: {ncv: 36}, ", "L": "parameters: {density: 0.84}, ", "kWh": ""}
SECRET = {"PAGE_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
ALERTS = """\
alerts:
  - {name: ph-high, park: bac, facility: mill, channel: water/ph, above: 9, severity: critical, summary: The water is too alkaline}
"""
ROUTES = """\
webhooks: [{name: desk, url: "http://127.0.0.1:9/", secret_env: PAGE_SECRET, allow_private: true}]
routes: [{receivers: [desk], group_wait: 0s, group_interval: 0s}]
"""


def plant() -> str:
    """Return the configuration."""
    lines = ["settings: {window: 1h, max_late: 1200d}", "parks:"]
    for park, title, at in (
        ("bac", "Khu Bắc", "{lat: 20.93, lon: 106.62}"),
        ("nam", "Khu Nam", "{lat: 20.82, lon: 106.75}"),
    ):
        lines += [f"  - name: {park}", f"    title: {title}", "    zone: Asia/Ho_Chi_Minh"]
        lines += [f"    coordinates: {at}", "    facilities:"]
        for facility in dict.fromkeys(one[1] for one in METERS if one[0] == park):
            lines += [f"      - name: {facility}", f"        title: {TITLES[facility]}"]
            lines += [f"        gateways: [{{name: gw-{facility}}}]", "        channels:"]
            mine = [one for one in METERS if one[:2] == (park, facility)]
            lines += [
                f"          - {{name: {channel}, gateway: gw-{facility}, kind: register, unit: {unit},"
                f" quantity: {quantity(unit)}, max_gap: 26h, max_rate: {amount:.0f}}}"
                for _, _, channel, unit, _, _, amount in mine
            ]
            if facility == "mill":
                lines += [
                    f"          - {{name: water/{name}, gateway: gw-mill, kind: level, unit: pH, quantity: ph, max_gap: 15min}}"
                    for name in ("ph", *(f"basin-{n}" for n in range(1, 14)))
                ]
                lines += [
                    "        standards:",
                    "          - {name: basin-13, channel: water/basin-13, rows: [{limit: vn-40-2011-ph, column: B}]}",
                ]
            lines += ["        sources:"]
            lines += [
                f"          - {{name: {channel.partition('/')[0]}, method: {method}, {PARAMETERS[unit]}"
                f"inputs: {{{role(unit)}: {channel}}}, factor: {factor}}}"
                for _, _, channel, unit, method, factor, _ in mine
                if method
            ]
    basins = [
        f"  - {{name: basin-{n}-high, park: bac, facility: mill, channel: water/basin-{n}, above: 9, severity: warning,"
        f" summary: Basin {n} is too alkaline}}\n"
        for n in range(1, 14)
    ]
    return "\n".join(lines) + "\n" + ALERTS + "".join(basins) + ROUTES


def quantity(unit: str) -> str:
    return {"kWh": "electricity", "Nm3": "natural-gas", "L": "diesel", "t": "product"}[unit]


def role(unit: str) -> str:
    return "energy" if unit == "kWh" else "volume"


class Year:
    """The service, and what its meters say."""

    def __init__(self, service: Service, sessions: dict[str, RawGateway]) -> None:
        self.service = service
        self._sessions = sessions
        self._seq = 0

    def tell(self, park: str, facility: str, readings: list[dict[str, Any]]) -> None:
        """Send readings of a facility's meters."""
        session = self._sessions[facility]
        for first in range(0, len(readings), 2000):
            self._seq += 1
            told = {"boot": "b1", "seq": self._seq, "readings": readings[first : first + 2000]}
            session.send(f"sm/v1/{park}/{facility}/gw-{facility}/readings", told)
        session.wait()

    def water(self, value: float, names: tuple[str, ...] = ("ph",)) -> None:
        """Let the mill's water have a pH now."""
        now = datetime.now(UTC).isoformat()
        self.tell(
            "bac",
            "mill",
            [{"channel": f"water/{name}", "time": now, "value": value, "unit": "pH"} for name in names],
        )

    def history(self) -> None:
        """Tell all days until now: the furnace grew, a meter fell silent."""
        now = datetime.now(ZONE)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        month = today.replace(day=1)
        times = [today - timedelta(days=day) for day in range(DAYS, HOURLY_DAYS, -1)]
        times += [
            today - timedelta(days=HOURLY_DAYS) + timedelta(hours=h) for h in range(24 * (HOURLY_DAYS + 1))
        ]
        times = [*(time for time in times if time < now), now]
        for facility in TITLES:
            readings = []
            for _, of, channel, unit, _, _, amount in METERS:
                if of != facility:
                    continue
                last = now - timedelta(hours=SILENT_HOURS if channel == "lorries/diesel" else 0)
                shown = 1e6
                before = times[0]
                for time in times:
                    season = 1 + 0.2 * math.sin(time.timetuple().tm_yday / 58)
                    grown = 1.5 if channel.startswith(GREW) and time > month else 1.0
                    weekend = 0.6 if time.weekday() > 4 else 1.0
                    shown += amount * season * grown * weekend * (time - before) / timedelta(days=1)
                    before = time
                    if time <= last:
                        said = {"channel": channel, "time": time.isoformat(), "value": round(shown, 3)}
                        readings.append(said | {"unit": unit})
            self.tell(park_of(facility), facility, readings)
            status = f"sm/v1/{park_of(facility)}/{facility}/gw-{facility}/status"
            self._sessions[facility].send(status, b'{"online": true}', retain=True)
            self._sessions[facility].wait()
        times = [now - timedelta(minutes=m) for m in range(120, 0, -5)]
        acid = [7.2 + 0.3 * math.sin(place / 3) for place in range(len(times))]
        said = zip(times, acid, strict=True)
        readings = [{"channel": "water/ph", "time": t.isoformat(), "value": v, "unit": "pH"} for t, v in said]
        self.tell("bac", "mill", readings)
        self.water(7.2, ("ph", *(f"basin-{n}" for n in range(1, 14))))
        self.service.drain(1)


def park_of(facility: str) -> str:
    return next(one[0] for one in METERS if one[1] == facility)


@contextmanager
def year(folder: Path) -> Iterator[Year]:
    """Run the service with its history."""
    (folder / "config").mkdir()
    (folder / "config" / "plant.yaml").write_text(plant())
    with (
        Mosquitto() as broker,
        Service(folder, folder / "config", broker.url, environment=SECRET) as service,
        RawGateway(broker.port) as mill,
        RawGateway(broker.port) as foundry,
        RawGateway(broker.port) as works,
    ):
        service.start()
        made = Year(service, {"mill": mill, "foundry": foundry, "works": works})
        made.history()
        wait_until(lambda: service.get("/v1/totals").json()["totals"][0]["coverage"], "today is known")
        yield made
