"""The page of the plan in Chromium, against a running service with two years of the example works, in which a measure starts in July."""

import re
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from stackmeter.demo_year import AT_ONCE, GATEWAY, in_years, meter_readings
from tests.end_to_end.gateway import RawGateway
from tests.page.viewer import Visit, axe_finds, key_of, page_files, reached_by_keyboard, words_of
from tests.servers import Mosquitto, wait_until
from tests.service import Service

PATH = "plan"
MOST_BYTES = 140_000
LAST = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).year - 1
WORKS = f"&park=khu-mau&facility=xuong-thep&year={LAST}"

PLAN = f"""\
    budgets: [{{year: {LAST}, t: 14000, source: test}}, {{year: {LAST + 1}, t: 13000, source: test}}]
    targets: [{{year: {LAST - 1}, t: 14000, source: test}}, {{year: {LAST + 4}, t: 0, source: test}}]
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("plan-page")
    config = folder / "config"
    config.mkdir()
    in_years(Path(str(files("stackmeter"))) / "example_year", config, (LAST - 1, LAST))
    plant = config / "plant.yaml"
    lines = plant.read_text().replace("    facilities:\n", f"{PLAN}    facilities:\n", 1).splitlines()
    # What papers tell is left out: nobody enters any here.
    of_papers = ("name: lorries", "name: chillers", "name: scrap")
    plant.write_text("\n".join(line for line in lines if not any(one in line for one in of_papers)))
    with (
        Mosquitto() as broker,
        Service(folder, config, broker.url) as one,
        RawGateway(broker.port) as gateway,
    ):
        one.start()
        readings = meter_readings((LAST - 1, LAST))
        for seq, first in enumerate(range(0, len(readings), AT_ONCE), 1):
            gateway.send(GATEWAY, {"boot": "b1", "seq": seq, "readings": readings[first : first + AT_ONCE]})
        gateway.wait()
        wait_until(lambda: measure_of(one)["effect"] == "shown", "the measure is shown")
        yield one


def measure_of(service: Service) -> dict[str, object]:
    [found] = service.get("/v1/measures", year=str(LAST)).json()["measures"]
    return dict(found)


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    return {
        "an": key_of(service, "an", "khu-mau"),
        "hoa": key_of(service, "hoa", "khu-mau/xuong-thep"),
    }


def test_a_measure_that_starts_in_july_is_told_in_energy_money_and_tonnes_with_how_far_it_is_known(
    visit: Visit, service: Service
) -> None:
    page = visit("an", query=WORKS)
    measures = page.get_by_role("region", name=f"Measures in {LAST}")
    expect(measures.get_by_role("heading", level=3)).to_have_text(re.compile("Leaks mended.* · proven$"))
    saved = re.compile(r"Saved: [\d,.]+ ± [\d,.]+ kWh · [\d.]+ ± [\d.]+ million VND · [\d.]+ ± [\d.]+ t CO₂e")
    expect(measures.get_by_text(saved)).to_be_visible()
    expect(measures.get_by_text("Proven together:")).to_be_visible()
    measures.get_by_text("Course").click()
    expect(measures.get_by_role("img", name=re.compile("^What was used more"))).to_be_visible()

    expect(page.get_by_role("region", name="The path").get_by_role("img")).to_be_visible()
    expect(page.get_by_role("region", name="What moved the tonnes").get_by_role("img")).to_be_visible()


def test_where_the_year_leads_is_told(visit: Visit) -> None:
    """A year's projection is that of R50c."""
    page = visit("an", query=WORKS)
    year = {
        "year": LAST + 1, "target_t": None, "budget_t": 12_000.0, "actual_t": 5185.0, "coverage": 1.0, "projected_t": 10811.976,
        "projected_low_t": 10703.36, "projected_high_t": 10920.592, "burn_1d": 1.04, "burn_7d": None, "burn_28d": 1.0381,
        "days_to_exhaustion": 18.18, "why": ["by the months of the last year, with its interval"],
    }  # fmt: skip
    roads = {"roadmap": [{"park": "khu-mau", "facility": "xuong-thep", "years": [year]}]}
    page.route("**/v1/roadmap*", lambda route: route.fulfill(json=roads))
    page.reload()
    expect(page.get_by_text(f"{LAST + 1} leads to 10,812 (10,703 to 10,921) t CO₂e.")).to_be_visible()
    burn = page.get_by_role("region", name=f"Budget of {LAST + 1}")
    expect(burn.get_by_text("1.04 \N{MULTIPLICATION SIGN} evenly").first).to_be_visible()
    expect(burn.get_by_text("18 days")).to_be_visible()


def test_a_key_for_a_facility_alone_sees_what_is_its_own(visit: Visit) -> None:
    page = visit("hoa", query=f"&year={LAST}")

    expect(page.get_by_text("Proven together:")).to_be_visible()
    expect(page.get_by_role("region", name="The path")).to_have_count(0)


def test_another_year_month_and_place_are_asked_for_and_stay_in_the_address(visit: Visit) -> None:
    page = visit("an", language="vi", query=WORKS)
    page.get_by_role("combobox", name="Năm của các biện pháp").select_option(str(LAST + 1))
    measures = page.get_by_role("region", name=f"Các biện pháp trong năm {LAST + 1}")
    expect(measures.get_by_role("heading", level=3)).to_contain_text("chưa chứng minh")
    expect(measures.get_by_text("sau khi bắt đầu không có dữ liệu")).to_be_visible()
    expect(page.get_by_text("năm chưa kết thúc, hoặc có độ phủ dưới 99 %")).to_be_visible()
    page.get_by_role("combobox", name="Khu hoặc cơ sở").select_option("khu-mau/")
    expect(page.get_by_text("Phần này là của từng cơ sở")).to_be_visible()
    expect(
        page.get_by_role("region", name=f"Hạn ngạch năm {LAST + 1}").get_by_text("13.000 t")
    ).to_be_visible()
    assert f"year={LAST + 1}" in page.url
    assert "facility" not in page.url


@pytest.mark.parametrize(("language", "width"), [("vi", 360), ("en", 1440)])
def test_it_fits_is_read_and_goes_by_keyboard(visit: Visit, language: str, width: int) -> None:
    page = visit("an", language, WORKS, viewport={"width": width, "height": 800}, is_mobile=width < 640)
    expect(page.get_by_role("region", name=re.compile("^(Measures in|Các biện pháp)"))).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe_finds(page) == []
    assert reached_by_keyboard(page, 12) >= {"year", "output", "SUMMARY"}


def test_every_word_is_there_in_both_languages_and_the_page_weighs_little() -> None:
    words_of("plan")
    assert sum(len(one) for one in page_files("plan", "chosen.js")) < MOST_BYTES
