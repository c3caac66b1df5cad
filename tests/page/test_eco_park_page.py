"""The page of the eco-park in Chromium, against a running service: exchanges of two tenants, water, waste, criteria and Form B.4."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.end_to_end.gateway import RawGateway
from tests.page.test_month_end_page import FILE, post
from tests.page.viewer import Visit, axe_finds, key_of, page_files, reached_by_keyboard, words_of
from tests.servers import Mosquitto
from tests.service import Service

PATH = "eco-park"
MOST_BYTES = 135_000
TODAY = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).replace(hour=0, minute=0, second=0, microsecond=0)
THIS = TODAY.replace(day=1)
LAST = (THIS - timedelta(days=1)).replace(day=1)  # the month before this one
CHOSEN = f"&park=bac&period={LAST:%Y-%m}"
AMOUNTS = {  # of the last month [t, m3]
    "mill": {"slag": 1200.0},
    "cement": {"slag": 1176.0, "mains": 180_000.0, "inflow": 120_000.0, "reused": 30_000.0},
}
FACTS = {"firms": 60, "firms_recp": 13, "links": 3, "land": 2_680_000}  # nobody entered the other two
PLANT = """\
settings: {window: 1h, max_late: 1200d, record_approval: self}
parks:
  - name: bac
    title: Khu Bắc
    zone: Asia/Ho_Chi_Minh
    exchanges:
      - name: slag
        title: Slag for cement
        type: input-output
        from: {facility: mill, channels: [slag]}
        to: {facility: cement, channels: [slag]}
        tolerance: 0.03
        avoids: {reference: Clinker, amount: 0.9, unit: t, co2e: 850, source: Mix design 4}
    indicators:
      water: {fresh: [cement/mains], inflow: [cement/inflow], reused: [cement/reused]}
      eco_park:
        firms: mill/eco/firms
        firms_recp: mill/eco/firms_recp
        links: mill/eco/links
        firms_in_links: mill/eco/firms_in_links
        land: mill/eco/land
        green_and_infrastructure: mill/eco/green
    facilities:
      - name: mill
        title: Rolling mill
        gateways: [{name: gw-mill}]
        channels:
          - {name: slag, gateway: gw-mill, kind: register, unit: t, quantity: slag, max_gap: 40d, max_rate: 1000}
          - {name: meter, gateway: gw-mill, kind: register, unit: kWh, quantity: electricity, max_rate: 1000}
          - {name: waste/scrap, kind: interval, unit: t, quantity: scrap, entered: true}
          - {name: waste/domestic, kind: interval, unit: t, quantity: waste, entered: true}
          - {name: eco/firms, kind: level, unit: "1", quantity: firms, entered: true}
          - {name: eco/firms_recp, kind: level, unit: "1", quantity: firms, entered: true}
          - {name: eco/links, kind: level, unit: "1", quantity: links, entered: true}
          - {name: eco/firms_in_links, kind: level, unit: "1", quantity: firms, entered: true}
          - {name: eco/land, kind: level, unit: m2, quantity: area, entered: true}
          - {name: eco/green, kind: level, unit: m2, quantity: area, entered: true}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: meter}, factor: vn-grid}
        indicators:
          waste:
            - {channel: waste/scrap, stream: scrap, treatment: recycling}
            - {channel: waste/domestic, stream: domestic waste, treatment: landfill}
      - name: cement
        title: Cement works
        gateways: [{name: gw-cement}]
        channels:
          - {name: slag, gateway: gw-cement, kind: register, unit: t, quantity: slag, max_gap: 40d, max_rate: 1000}
          - {name: mains, gateway: gw-cement, kind: register, unit: m3, quantity: water, max_gap: 40d, max_rate: 1000}
          - {name: inflow, gateway: gw-cement, kind: register, unit: m3, quantity: wastewater, max_gap: 40d, max_rate: 1000}
          - {name: reused, gateway: gw-cement, kind: register, unit: m3, quantity: wastewater, max_gap: 40d, max_rate: 1000}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("eco-park-page")
    (folder / "config").mkdir()
    (folder / "config" / "plant.yaml").write_text(PLANT)
    with (
        Mosquitto() as broker,
        Service(folder, folder / "config", broker.url) as one,
        RawGateway(broker.port) as gateway,
    ):
        one.start()
        for facility, amounts in AMOUNTS.items():
            readings = [
                {
                    "channel": name, "time": at.astimezone(UTC).isoformat(), "value": value,
                    "unit": "t" if name == "slag" else "m3",
                }
                for name, amount in amounts.items()
                for at, value in ((LAST, 5000.0), (THIS, 5000.0 + amount))
            ]  # fmt: skip
            gateway.send(
                f"sm/v1/bac/{facility}/gw-{facility}/readings", {"boot": "b", "seq": 1, "readings": readings}
            )
        gateway.wait()
        enter(one)
        one.drain(2)
        yield one


def enter(service: Service) -> None:
    """Enter facts that hold through the last month, and its waste, and approve them."""
    file = post(service, "/v1/evidence", content=FILE, params={"by": "lan"})["digest"]
    ends = f"{LAST:%Y-%m-%d}", f"{THIS:%Y-%m-%d}"
    rows = [
        f"bac/mill/eco/{name},{day},,{value},{'m2' if name == 'land' else 1},report,{file},"
        for name, value in FACTS.items()
        for day in ends
    ]
    waste = (("scrap", 5400), ("domestic", 300))
    rows += [f"bac/mill/waste/{name},{','.join(ends)},{value},t,slips,{file}," for name, value in waste]
    table = "\n".join(["channel,from,to,value,unit,source,evidence,note", *rows])
    made = post(service, "/v1/records/import", content=table.encode(), params={"numbers": "en", "by": "lan"})
    approved = {"action": "approve", "by": "lan"}
    with ThreadPoolExecutor() as pool:  # taken in one turn of the line
        list(pool.map(lambda one: post(service, f"/v1/records/{one}", json=approved), made["records"]))


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    return {"an": key_of(service, "an", "bac"), "hoa": key_of(service, "hoa", "bac/mill")}


def test_what_tenants_give_each_other_is_told_by_both_meters_and_what_it_avoids_apart(visit: Visit) -> None:
    page = visit("an", query=CHOSEN)
    card = page.get_by_role("region", name="What tenants give each other")
    expect(card.get_by_role("heading", name="Slag for cement")).to_contain_text("both sides agree")
    expect(card.get_by_role("row", name=re.compile("^sent: Rolling mill"))).to_contain_text("1,200 t")
    expect(card.get_by_role("row", name=re.compile("^received: Cement works"))).to_contain_text("1,176 t")
    expect(card.get_by_text("Difference 24.00 t, 2% of what was sent; tolerance 3%.")).to_be_visible()

    avoided = page.get_by_role("region", name="What that is said to avoid")
    expect(avoided.get_by_role("heading", level=3)).to_have_text("Slag for cement: 899.6 t CO₂e")
    expect(avoided.get_by_text("in no total, no position and no inventory")).to_be_visible()


def test_criteria_are_met_not_met_or_unknown_with_what_is_lacking(visit: Visit) -> None:
    page = visit("an", language="vi", query=CHOSEN)
    card = page.get_by_role("region", name="Tiêu chí khu công nghiệp sinh thái")
    verdicts = card.get_by_role("listitem")
    expect(verdicts).to_have_count(4)
    expect(verdicts.nth(0)).to_contain_text("đạt")
    expect(verdicts.nth(0)).to_contain_text("21,6%, yêu cầu: ít nhất 20%")
    expect(verdicts.nth(2)).to_contain_text("không rõ")
    expect(verdicts.nth(2)).to_contain_text("Không có dữ liệu: Doanh nghiệp trong liên kết.")
    expect(verdicts.nth(3)).to_contain_text("Không có dữ liệu: Đất cây xanh và hạ tầng.")
    expect(card.get_by_text("268 ha")).to_be_visible()


def test_water_and_waste_are_told_with_their_shares(visit: Visit) -> None:
    page = visit("an", query=CHOSEN)
    water = page.get_by_role("region", name="Water")
    waste = page.get_by_role("region", name="Waste")
    expect(water.locator("dd")).to_have_text(["25%", "14.2%", "180,000 m³", "120,000 m³", "30,000 m³"])
    expect(waste.locator("dd")).to_have_text(["94.7%", "94.7%", "5.2%", "5,700 t"])
    expect(waste.get_by_text("To the landfill: domestic waste 300.0 t.")).to_be_visible()


def test_a_tenant_sees_its_own_side_alone_and_takes_its_form(visit: Visit) -> None:
    page = visit("hoa", query=f"{CHOSEN}&facility=mill")
    card = page.get_by_role("region", name="What tenants give each other")
    expect(card.get_by_role("heading", name="Slag for cement")).to_contain_text("not told")
    theirs = card.get_by_role("row", name=re.compile("^received"))
    expect(theirs.get_by_role("cell")).to_have_text(
        ["\N{EN DASH}", "another\N{RIGHT SINGLE QUOTATION MARK}s: not shown"]
    )
    expect(page.get_by_text("This key shows its own facilities alone")).to_be_visible()
    assert not re.search("1,176|24.00|899", page.locator("main").inner_text())

    form = page.get_by_role("region", name="Form B.4")
    with page.expect_download() as download:
        form.get_by_role("button", name="Draft: html").click()
    assert b"DRAFT" in Path(download.value.path()).read_bytes()


def test_another_period_and_place_stay_in_the_address(visit: Visit) -> None:
    page = visit("an", query=CHOSEN)
    page.get_by_role("combobox", name="Year or month").select_option(f"{THIS:%Y-%m}")
    card = page.get_by_role("region", name="What tenants give each other")
    expect(card.get_by_text("Nothing is known of a side.")).to_be_visible()
    page.get_by_role("combobox", name="Park or facility").select_option("bac/cement")
    expect(page.get_by_text("The criteria are of the park as a whole")).to_be_visible()
    assert f"period={THIS:%Y-%m}" in page.url
    assert "facility=cement" in page.url


@pytest.mark.parametrize(("language", "width", "scheme"), [("vi", 360, "dark"), ("en", 1440, "light")])
def test_it_fits_is_read_and_goes_by_keyboard(visit: Visit, language: str, width: int, scheme: str) -> None:
    view, query = {"width": width, "height": 800}, f"{CHOSEN}&facility=mill"
    page = visit("an", language, query, viewport=view, is_mobile=width < 640, color_scheme=scheme)
    expect(page.get_by_role("heading", name=re.compile("^Slag for cement: "))).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert reached_by_keyboard(page, 3) >= {"period", "BUTTON"}
    assert axe_finds(page) == []


def test_every_word_is_there_in_both_languages_and_the_page_weighs_little() -> None:
    words_of("eco_park")
    assert sum(len(one) for one in page_files("eco_park", "chosen.js")) < MOST_BYTES
