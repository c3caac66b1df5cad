"""The demo of an inventory: two whole years of an invented works, from meters and invoices to papers that are issued.

A broker, the service and two people on this machine alone: one enters what papers say, another approves it, closes the months and issues.
"""

import json
import math
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.resources import as_file, files
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from paho.mqtt.client import Client as Gateway
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.accounting.periods import DecisionBody
from api.records.bodies import ActBody
from api.reports.issued import IssueWantedBody
from api.totals.measures import MeasureBody
from plant.numbers import format_number
from stackmeter.broker import HOST, EmbeddedBroker
from stackmeter.client.calls import Client
from stackmeter.commands.papers.papers_client import PapersClient
from stackmeter.commands.plans.plans_client import PlansClient
from stackmeter.crash import crash_points
from stackmeter.demo import APPROVES, ENTERS, RECORD_COLUMNS, await_ready, key_of, serving
from stackmeter.service import Service
from stackmeter.settings import Settings
from stackmeter.views.plan_view import MILLION, WORDS, ranged
from store.folder import keys_file
from store.keys import Keys

PARK, FACILITY = "khu-mau", "xuong-thep"
PLACE = f"{PARK}/{FACILITY}"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
GATEWAY = f"sm/v1/{PLACE}/tu-dien/readings"
METERS = {"meter/electricity": ("kWh", 41_000.0), "meter/gas": ("Nm3", 5_200.0)}  # a day
SAVED = 0.18  # of the compressors' electricity, from July of the second year on
AT_ONCE = 1000  # readings of a message
EXAMPLE_YEARS = (2024, 2025)  # as the configuration has them
# By channel: unit, how much in a quarter, and whose paper says so.
PAPERS = {
    "invoice/electricity": ("kWh", 41_000.0 * 91.3, "EVN invoice (invented)"),
    "invoice/diesel": ("L", 9_000.0, "fuel invoice (invented)"),
    "service/r134a": ("kg", 4.5, "service report (invented)"),
    "delivery/scrap": ("t", 2_600.0, "weighbridge (invented)"),
    "delivery/freight": ("tkm", 310_000.0, "carrier's account (invented)"),
}
FIRST_DISPLAY = 1_000_000.0
QUARTERS = ((1, 4), (4, 7), (7, 10), (10, 13))
DESPITE = "the grid's factor of the year is not published yet"
TO_ISSUE = (
    ("form06", "docx", 2),
    ("iso14064", "docx", 1),
    ("ghg", "docx", 1),
    ("auditor", "xlsx", 1),
)  # form, file, years
TAKEN_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class _Desk:
    """Who is at work: one enters, the other approves; and on which two years."""

    lan: Client
    minh: Client
    papers: PapersClient
    plans: PlansClient
    years: tuple[int, int]


def demo_year(folder: Path, console: Console) -> int:
    """Make the inventory of the last two whole years, and leave the issued papers in a folder; return 0.

    Raises
    ------
    OSError
        The folder cannot be written.
    stackmeter.broker.BrokerError
        The embedded broker does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    this_year = datetime.now(ZONE).year
    with ExitStack() as stack:
        example = stack.enter_context(as_file(files("stackmeter") / "example_year"))
        config = Path(stack.enter_context(TemporaryDirectory(prefix="stackmeter-year-config-")))
        in_years(example, config, (this_year - 2, this_year - 1))
        state = Path(stack.enter_context(TemporaryDirectory(prefix="stackmeter-year-")))
        broker = stack.enter_context(EmbeddedBroker())
        settings = Settings.model_construct(config=config, state=state, broker=broker.url, port=0)
        service = Service(settings, crash_points({}))
        stack.enter_context(serving(service))
        keys, url = Keys(keys_file(state)), service.server.url
        lan, minh = (
            key_of(keys, name, role) for name, role in ((ENTERS, "operator"), (APPROVES, "approver"))
        )
        desk = _Desk(
            stack.enter_context(Client(url, lan)), stack.enter_context(Client(url, minh)),
            stack.enter_context(PapersClient(url, minh)), stack.enter_context(PlansClient(url, minh)),
            (this_year - 2, this_year - 1),
        )  # fmt: skip
        await_ready(desk.lan, Event())
        for line in _told(desk, urlsplit(broker.url).port or 0, folder):
            console.print(Text(line), soft_wrap=True)
        console.print(_sums(desk))
    return 0


def _told(desk: _Desk, port: int, folder: Path) -> Iterator[str]:
    """Do it all, and say what was done."""
    yield f"meters   {_read_meters(desk, port):,} readings of {len(METERS) + 2} meters, one a day, over MQTT"
    ids = _enter(desk)
    yield f"records  {len(ids)} entered by lan from papers, each with its file"
    for number in ids:
        desk.minh.decide_record(number, ActBody.model_validate({"action": "approve"}))
    yield f"records  {len(ids)} approved by minh"
    months = [f"{year}-{month:02}" for year in desk.years for month in range(1, 13)]
    for month in months:
        desk.minh.decide(
            DecisionBody.model_validate({"park": PARK, "month": month, "action": "final", "despite": DESPITE})
        )
    yield f"months   {len(months)} final, although {DESPITE}"
    [measure] = desk.plans.measures(PARK, FACILITY, desk.years[-1], "en").measures
    yield f"measure  {measure.title.en}, from {measure.starts}: {measure_line(measure)}"
    for form, kind, count in TO_ISSUE:
        periods = ",".join(map(str, desk.years[-count:]))
        wanted = {"form": form, "park": PARK, "facility": FACILITY, "periods": periods, "language": "vi"}
        made = desk.papers.issue(IssueWantedBody.model_validate(wanted))
        content, file = desk.papers.report_file(made.id, kind), folder / f"{form}.{kind}"
        file.write_bytes(content)
        found = desk.papers.report_of(f"sha256:{sha256(content).hexdigest()}").report
        stands = (
            "no paper of ours"
            if found is None
            else f"report {found.number}, revision {found.revision}, {found.status}"
        )
        yield f"paper    {file}: {stands}"


def in_years(example: Path, folder: Path, years: tuple[int, int]) -> None:
    """Write the example's configuration for two years into a folder."""
    named = dict(zip(map(str, EXAMPLE_YEARS), map(str, years), strict=True))
    for file in example.iterdir():
        text = file.read_text(encoding="utf-8")
        if file.name == "plant.yaml":
            text = re.sub("|".join(named), lambda found: named[found[0]], text)
        (folder / file.name).write_text(text, encoding="utf-8")


def meter_readings(years: tuple[int, int]) -> list[dict[str, Any]]:
    """Return what the meters show at each midnight of two years.

    The compressors follow the billets, with a scatter of their own, and take less from July of the second year on.
    """
    first, last = date(years[0], 1, 1), date(years[1] + 1, 1, 1)
    days = [first + timedelta(days=day) for day in range((last - first).days)]
    billets = [_billets(place, day, 60 if day.year == years[0] else 45) for place, day in enumerate(days)]
    part = [1 - SAVED * (day >= date(years[1], 7, 1)) for day in days]
    compressors = [
        (900 + 14.5 * made + 150 * math.sin(place * 7.7)) * left
        for place, (made, left) in enumerate(zip(billets, part, strict=True))
    ]
    amounts = {channel: (unit, [amount] * len(days)) for channel, (unit, amount) in METERS.items()}
    amounts |= {"meter/compressors": ("kWh", compressors), "meter/billets": ("t", billets)}
    midnights = [datetime(day.year, day.month, day.day, tzinfo=ZONE) for day in (*days, last)]
    return [
        {"channel": channel, "time": at.astimezone(UTC).isoformat(), "value": round(shown, 3), "unit": unit}
        for channel, (unit, each) in amounts.items()
        for at, shown in zip(midnights, accumulate(each, initial=FIRST_DISPLAY), strict=True)
    ]


def _billets(place: int, day: date, swing: float) -> float:
    """Return what is made on a day [t]: more in spring and autumn, less on Sundays."""
    season = swing * math.sin(4 * math.pi * day.timetuple().tm_yday / 365)
    return (320 + season + 35 * math.sin(place * 2.3)) * (0.55 if day.weekday() == 6 else 1.0)


def measure_line(one: MeasureBody) -> str:
    """Return what a measure saved, with how far that is known."""
    energy = ranged(one.avoided_kwh, one.low_kwh, 1000.0)
    money = ranged(one.avoided_cost, one.low_cost, MILLION)
    return f"{WORDS[one.effect]}, {energy} MWh, {money} million {one.currency}, {ranged(one.avoided_t, one.low_t)} t CO2e"


def _read_meters(desk: _Desk, port: int) -> int:
    """Let the meters tell what they showed at each midnight; return how many readings that are."""
    readings = meter_readings(desk.years)
    gateway = Gateway(CallbackAPIVersion.VERSION2, client_id="tu-dien")
    gateway.connect(HOST, port)
    gateway.loop_start()
    for seq, first in enumerate(range(0, len(readings), AT_ONCE), 1):
        told = {"boot": "b1", "seq": seq, "readings": readings[first : first + AT_ONCE]}
        gateway.publish(GATEWAY, json.dumps(told), qos=1).wait_for_publish(TAKEN_WITHIN_S)
    gateway.disconnect()
    gateway.loop_stop()
    give_up = time.monotonic() + TAKEN_WITHIN_S
    while (taken := desk.lan.balance().readings).accepted + taken.late < len(readings):
        if time.monotonic() > give_up:
            raise TimeoutError(f"the service has not taken the meters' readings within {TAKEN_WITHIN_S:g} s")
        time.sleep(0.2)
    return len(readings)


def _enter(desk: _Desk) -> list[str]:
    """Enter a record of each quarter and channel, as one table; return their ids."""
    rows = [RECORD_COLUMNS]
    for year in desk.years:
        for number, (first, end) in enumerate(QUARTERS, 1):
            until = date(year, end, 1) if end <= 12 else date(year + 1, 1, 1)
            for channel, (unit, amount, source) in PAPERS.items():
                said = f"{source} {year}/{number}"
                scan = f"paper,{said}\nchannel,{channel}\namount,{amount:.1f} {unit}\n".encode()
                digest = desk.lan.hand_in(scan, None).digest
                rows.append(
                    f"{PLACE}/{channel},{date(year, first, 1)},{until},{amount:.1f},{unit},{said},{digest},"
                )
    return desk.lan.import_records("\n".join(rows).encode(), {"numbers": "en"}).records


def _sums(desk: _Desk) -> Table:
    """Return the tonnes by year and scope."""
    table = Table("year", "scope 1 [t CO2e]", "scope 2 [t CO2e]", "scope 3 [t CO2e]", "coverage", title=PLACE)
    for year in desk.years:
        found = desk.minh.totals("facility", str(year), by="scope").totals
        by_scope = {one.scope: one for one in found}
        tonnes = [by_scope[scope].co2e_t for scope in (1, 2, 3)]
        cells = ["unknown" if one is None else format_number(one, "en", 1) for one in tonnes]
        covered = min(one.coverage or 0.0 for one in found)
        table.add_row(str(year), *cells, f"{covered:.1%}")
    return table
