"""The page of energy in Chromium, against a running service with two months of a works that has a roof, a tariff and a battery."""

import math
import re
from calendar import SUNDAY, Calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, expect

from tests.end_to_end.gateway import RawGateway
from tests.page.viewer import Visit, axe_finds, key_of, page_files, reached_by_keyboard, words_of
from tests.servers import Mosquitto
from tests.service import Service

PATH = "energy"
MOST_BYTES = 140_000
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
TODAY = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
LAST = (TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)  # the month before this one
MONTH, YEAR = f"{LAST:%Y-%m}", f"{LAST:%Y}"
CHOSEN = f"&park=bac&facility=mill&month={MONTH}&year={YEAR}"
LOAD = 100.0  # kW, always
ROOF, OUT = 200.0, 100.0  # kW from 6 to 18, and what of it goes out
# By channel, how much in an hour of the day [kWh, kvarh].
METERS = {
    "incomer": [LOAD] * 24,
    "reactive": [60.0] * 24,
    "roof": [ROOF if 6 <= hour < 18 else 0.0 for hour in range(24)],
    "out": [OUT if 6 <= hour < 18 else 0.0 for hour in range(24)],
    "battery-in": [100.0 if 0 <= hour < 4 else 0.0 for hour in range(24)],
    "battery-out": [90.0 if 17 <= hour < 21 else 0.0 for hour in range(24)],
}
CHANNELS = "\n".join(
    f"          - {{name: {name}, gateway: gw, kind: register, unit: {'kvarh' if name == 'reactive' else 'kWh'},"
    f" quantity: {'reactive-energy' if name == 'reactive' else 'electricity'}, max_gap: 2h, max_rate: 1000}}"
    for name in METERS
)
PLANT = f"""\
settings: {{window: 30min, max_late: 1200d}}
parks:
  - name: bac
    title: Khu Bắc
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Rolling mill
        gateways: [{{name: gw}}]
        channels:
{CHANNELS}
        tariff: {{name: works-contract, energy: incomer, reactive: reactive}}
        battery: {{energy: 400, power: 100, efficiency: 0.9, charged: battery-in, discharged: battery-out}}
        clean_energy: {{load: incomer, generated: roof, exported: out, factor: vn-grid}}
        instruments: [{{name: irec, kind: energy-certificate, title: Roof certificates}}]
        sources:
          - {{name: grid, method: electricity-location, inputs: {{energy: incomer}}, factor: vn-grid}}
      - name: office
        title: Office
        gateways: [{{name: gw-office}}]
        channels:
          - {{name: meter, gateway: gw-office, kind: register, unit: kWh, quantity: electricity, max_rate: 100}}
        tariff: {{name: works-contract, energy: meter}}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("energy-page")
    (folder / "config").mkdir()
    (folder / "config" / "plant.yaml").write_text(PLANT)
    tariffs = (Path(str(files("stackmeter"))) / "example_year" / "works.tariffs.yaml").read_text()
    tariffs = tariffs.replace("    vat: works-vat\n", "    vat: works-vat\n    reactive: vn-reactive\n")
    (folder / "config" / "works.tariffs.yaml").write_text(tariffs)
    with (
        Mosquitto() as broker,
        Service(folder, folder / "config", broker.url) as one,
        RawGateway(broker.port) as gateway,
    ):
        one.start()
        readings = list(told())
        for seq, first in enumerate(range(0, len(readings), 2000), 1):
            said = {"boot": "b1", "seq": seq, "readings": readings[first : first + 2000]}
            gateway.send("sm/v1/bac/mill/gw/readings", said)
        gateway.wait()
        one.drain(1)
        yield one


def told() -> Iterator[dict[str, object]]:
    """Yield what the displays show at each whole hour since the last month began, until today began."""
    hours = int((TODAY - LAST) / timedelta(hours=1))
    for name, each in METERS.items():
        shown = 1000.0
        for hour in range(hours + 1):
            at = (LAST + timedelta(hours=hour)).astimezone(UTC).isoformat()
            unit = "kvarh" if name == "reactive" else "kWh"
            yield {"channel": name, "time": at, "value": round(shown, 3), "unit": unit}
            shown += each[hour % 24]


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    return {"an": key_of(service, "an", "bac"), "hoa": key_of(service, "hoa", "bac/office")}


def facts_of(card: Locator) -> dict[str, str]:
    return dict(zip(card.locator("dt").all_inner_texts(), card.locator("dd").all_inner_texts(), strict=True))


def as_shown(value: float) -> str:
    """Return a number as the page writes it: four digits, at most three decimals."""
    return f"{value:,.{max(0, min(3, 3 - math.floor(math.log10(value))))}f}"


def test_clean_electricity_is_told_over_the_year_and_in_its_own_hour_with_what_it_avoided_apart(
    visit: Visit,
) -> None:
    page = visit("an", query=CHOSEN)
    card = page.get_by_role("region", name=re.compile("^Clean electricity"))
    expect(card.get_by_role("heading", name="Own generation")).to_be_visible()

    facts = facts_of(card)
    assert (facts["Clean over the year"], facts["Clean in its own hour"]) == ("100%", "50%")
    assert facts["Used here"].endswith("50%")
    assert re.fullmatch(r"[\d.]+ t CO₂e", facts["Avoided by own use"])
    assert facts["Avoided by own use"] == facts["Avoided by export"]
    expect(card.get_by_text("Avoided tonnes are in no inventory")).to_be_visible()
    expect(card.get_by_role("row", name=re.compile("^Rolling mill"))).to_be_visible()
    expect(card.get_by_text("holds 0 MWh")).to_be_visible()


def test_a_month_is_billed_by_slot_beside_its_tonnes_with_peak_reactive_charge_and_load_duration(
    visit: Visit,
) -> None:
    page = visit("an", query=CHOSEN)
    card = page.get_by_role("region", name=re.compile("^Electricity of"))
    expect(card.get_by_text("million VND with tax")).to_be_visible()
    rows = {
        row.get_by_role("rowheader").inner_text(): row.get_by_role("cell").all_inner_texts()
        for row in card.locator("[data-key='bill-bac/mill'] > table tbody tr").all()
    }

    days = [day for day in Calendar().itermonthdates(LAST.year, LAST.month) if f"{day:%Y-%m}" == MONTH]
    peak = LOAD * 5 * sum(day.weekday() != SUNDAY for day in days)
    low = LOAD * 6 * len(days)
    normal = LOAD * 24 * len(days) - peak - low
    charge = normal * 1833 + low * 1190 + peak * 3398
    assert [rows[slot][0] for slot in ("normal", "low", "peak")] == [f"{e:,.0f}" for e in (normal, low, peak)]
    assert [rows[slot][2] for slot in ("normal", "low", "peak")] == ["1,833", "1,190", "3,398"]
    assert rows["all"][1:3] == [as_shown(charge / 1e6), f"{charge / LOAD / 24 / len(days):,.0f}"]
    assert re.fullmatch(r"0\.\d{3}", rows["all"][4])
    assert rows["all"][5].startswith("100.0")
    expect(card.get_by_text("cos φ 0.86")).to_be_visible()
    expect(card.get_by_role("img", name="Load duration: Rolling mill")).to_be_visible()
    card.get_by_text("As a table").click()
    expect(card.get_by_role("row", name="100% 100.0")).to_be_visible()


def test_the_battery_is_advised_in_money_and_tonnes_and_its_tank_adds_up(visit: Visit) -> None:
    page = visit("an", query=CHOSEN)
    card = page.get_by_role("region", name="Battery")
    expect(card.get_by_text(re.compile(r"[\d.]+ million VND less, 0\.\d+ t CO₂e more"))).to_be_visible()
    expect(card.get_by_text(re.compile(r"\d\d:\d\d . \d\d:\d\d: charge"))).not_to_have_count(0)
    expect(card.get_by_text("sent to no device")).to_be_visible()
    tonnes = [
        float(row.get_by_role("cell").last.inner_text()) for row in card.locator("table tbody tr").all()
    ]

    assert tonnes[0] > 0
    assert tonnes[0] == pytest.approx(sum(tonnes[1:]), abs=0.02)


def test_another_month_and_place_are_asked_for_and_what_is_unknown_is_a_dash_with_a_reason(
    visit: Visit,
) -> None:
    page = visit("an", language="vi", query=CHOSEN)
    page.get_by_role("combobox", name="Khu hoặc cơ sở").select_option("bac/office")
    card = page.get_by_role("region", name=re.compile("^Tiền điện"))
    expect(card.get_by_text("không rõ tổng")).to_be_visible()
    expect(card.get_by_role("row", name=re.compile("^tất cả")).get_by_role("cell").nth(1)).to_have_text(
        "\N{EN DASH}"
    )
    expect(card.get_by_text("Không có số tấn")).to_be_visible()
    expect(page.get_by_text("Ở đây chưa có cơ sở nào có pin lưu trữ.")).to_be_visible()
    assert "facility=office" in page.url
    assert f"month={MONTH}" in page.url


def test_a_key_for_a_facility_alone_sees_what_is_its_own(visit: Visit) -> None:
    page = visit("hoa", query=f"&month={MONTH}")

    expect(page.get_by_role("region", name=re.compile("^Electricity of"))).to_contain_text("Office")
    assert "Rolling mill" not in page.locator("main").inner_text()


@pytest.mark.parametrize(("language", "width", "scheme"), [("vi", 360, "dark"), ("en", 1440, "light")])
def test_it_fits_is_read_and_goes_by_keyboard(visit: Visit, language: str, width: int, scheme: str) -> None:
    view = {"width": width, "height": 800}
    page = visit("an", language, CHOSEN, viewport=view, is_mobile=width < 640, color_scheme=scheme)
    expect(page.get_by_role("region", name=re.compile("^(Electricity of|Tiền điện)"))).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert reached_by_keyboard(page, 6) >= {"month", "year", "A", "SUMMARY"}
    assert axe_finds(page) == []


def test_every_word_is_there_in_both_languages_and_the_page_weighs_little() -> None:
    words_of("energy")
    assert sum(len(one) for one in page_files("energy", "chosen.js")) < MOST_BYTES
