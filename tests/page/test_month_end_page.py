"""The page of month end in Chromium, against a running service: what is left to do, closing, and papers that are issued."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.viewer import Visit, axe_finds, key_of, page_files, words_of
from tests.servers import Mosquitto
from tests.service import TOKEN, Service

PATH = "month-end"
MOST_BYTES = 130_000
A4_TEXT_PX = 680  # 210 mm less 15 mm on each side, at 96 to the inch
PLANT = """\
parks:
  - name: bac
    title: Khu Bắc
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Rolling mill
        channels:
          - {name: invoice/electricity, kind: interval, unit: kWh, quantity: electricity, entered: true}
          - {name: invoice/diesel, kind: interval, unit: L, quantity: diesel, entered: true}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: invoice/electricity}, factor: vn-grid}
"""
FILE = b"paper,amount\nEVN 0001234,310000\n"


def post(service: Service, path: str, **given: Any) -> Any:
    return (
        httpx.post(
            f"http://127.0.0.1:{service.port}{path}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
            **given,
        )
        .raise_for_status()
        .json()
    )


def enter(service: Service, channel: str, month: int, *, is_approved: bool = True) -> str:
    """Enter an amount of a month of 2026 as somebody, let somebody else approve it, and return its id."""
    file = post(service, "/v1/evidence", content=FILE, params={"by": "lan"})["digest"]
    said = {
        "channel": f"bac/mill/{channel}", "from": f"2026-{month:02}-01", "to": f"2026-{month + 1:02}-01", "value": 310_000,
        "unit": "kWh" if "elec" in channel else "L", "source": "EVN 0001234", "evidence": file, "by": "lan",
    }  # fmt: skip
    [record] = post(service, "/v1/records", json=said)["records"]
    if is_approved:
        post(service, f"/v1/records/{record['id']}", json={"action": "approve", "by": "minh"})
    return str(record["id"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("month-end-page")
    (folder / "config").mkdir()
    (folder / "config" / "plant.yaml").write_text(f"settings: {{record_approval: self}}\n{PLANT}")
    with Mosquitto() as broker, Service(folder, folder / "config", broker.url) as one:
        one.start()
        for month in (3, 4, 5):
            enter(one, "invoice/electricity", month)
        enter(one, "invoice/diesel", 4, is_approved=False)
        yield one


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    return {
        name: key_of(service, name, "bac", role)
        for name, role in (("minh", "approver"), ("tu", "approver"), ("an", "viewer"))
    }


def close(page: Page, reason: str) -> None:
    page.get_by_label(re.compile("^(Why is it closed|Vì sao vẫn chốt)")).fill(reason)
    page.get_by_role("button", name=re.compile("^(Close the month|Chốt tháng)$")).click()


def test_what_stops_a_month_is_shown_it_is_closed_and_a_paper_of_it_is_issued(visit: Visit) -> None:
    page, other = (visit("minh", language="vi", query="&park=bac&month=2026-03") for _ in range(2))
    expect(page.get_by_role("combobox", name="Tháng")).to_have_value("2026-03")
    stops = page.get_by_role("region", name=re.compile("^Còn cản việc chốt"))
    expect(stops.get_by_role("heading", name=re.compile("^Hệ số tạm thời"))).to_be_visible()
    expect(stops.get_by_text(re.compile("^100,0 % lượng phát thải dựa trên hệ số tạm thời"))).to_be_visible()
    stops.get_by_role("button", name=re.compile("^Xem: Hệ số tạm thời")).click()
    expect(stops.get_by_text(re.compile(r"^vn-grid/\d{4}"))).not_to_have_count(0)
    expect(other.get_by_role("button", name="Chốt tháng")).to_be_visible()

    close(page, "hệ số lưới chưa công bố")
    decide = page.get_by_role("region", name="Chốt và phê duyệt")
    expect(decide.get_by_role("status")).to_have_text("Xong.")
    expect(page.get_by_text("đã chốt · ")).to_contain_text("dù: hệ số lưới chưa công bố")
    expect(page.get_by_text("Không còn gì cản việc chốt.")).to_be_visible()
    close(other, "lần hai")
    expect(other.get_by_text("Chưa nhận: tháng này đã chốt rồi")).to_be_visible()

    papers = page.get_by_role("region", name="Phát hành báo cáo")
    papers.get_by_role("combobox", name="Biểu mẫu").select_option("monthly")
    papers.get_by_role("combobox", name="Kỳ").select_option("2026-03")
    papers.get_by_role("button", name="Xem còn thiếu gì").click()
    expect(papers.get_by_text("Không còn gì cản việc phát hành.")).to_be_visible()
    papers.get_by_role("button", name="Phát hành", exact=True).click()
    expect(papers.get_by_text("Đã phát hành: báo cáo 1, bản 1.")).to_be_visible()

    issued = page.get_by_role("region", name="Báo cáo đã phát hành")
    expect(issued.get_by_text("vẫn đúng")).to_be_visible()
    with page.expect_download() as download:
        issued.get_by_role("button", name="báo cáo 1, bản 1, tệp docx").click()
    digest = sha256(Path(download.value.path()).read_bytes()).hexdigest()
    issued.get_by_text("Mã băm (SHA-256)").click()
    expect(issued.get_by_text(f"sha256:{digest}")).to_be_visible()
    assert download.value.suggested_filename == "monthly-bac-2026-03-r1.docx"


def test_a_large_change_of_a_final_month_takes_two_people(visit: Visit, service: Service) -> None:
    record = enter(service, "invoice/electricity", 7)
    post(
        service,
        "/v1/periods",
        json={"park": "bac", "month": "2026-07", "action": "final", "by": "lan", "despite": "factor"},
    )
    strike = {"action": "strike", "by": "lan", "reason": "counted by the meter"}
    post(service, f"/v1/records/{record}", json=strike)
    first, second = (visit(who, query="&month=2026-07") for who in ("minh", "tu"))
    for page in (first, second):
        expect(page.get_by_text("wait for approval. Two people must approve it.")).to_be_visible()
    first.get_by_role("button", name="Approve the change").click()
    expect(first.get_by_text("Approved; a second person must approve it too.")).to_be_visible()
    first.get_by_role("button", name="Approve the change").click()
    expect(first.get_by_text("minh has approved this already: it takes a second person")).to_be_visible()

    second.get_by_role("button", name="Approve the change").click()
    expect(second.get_by_text("Done.")).to_be_visible()
    expect(second.get_by_text("restated · ")).to_be_visible()


def test_a_form_says_what_it_lacks_and_is_had_as_a_draft(visit: Visit) -> None:
    page = visit("minh", query="&month=2026-05")
    papers = page.get_by_role("region", name="Issue a paper")
    papers.get_by_role("combobox", name="Form").select_option("form06")
    papers.get_by_role("combobox", name="Periods").select_option("2025,2026")
    papers.get_by_role("button", name="See what it lacks").click()

    expect(papers.get_by_text("It cannot be issued yet:")).to_be_visible()
    expect(papers.get_by_text("Give `licence`:")).to_be_visible()
    expect(papers.get_by_text("bac 2026-12")).to_be_visible()
    expect(papers.get_by_role("button", name="Issue it")).to_have_count(0)
    with page.expect_download() as download:
        papers.get_by_role("button", name="Draft as html").click()
    assert b"DRAFT" in Path(download.value.path()).read_bytes()


def test_what_waits_and_what_falls_due_are_listed_with_where_to_go(visit: Visit) -> None:
    page = visit("an", query="&month=2026-04")
    others = page.get_by_role("region", name="Also to look at")
    expect(others.get_by_role("heading", name=re.compile("^Record that waits"))).to_be_visible()
    expect(others.get_by_role("link", name="To the records")).to_have_attribute("href", "/records")
    expect(page.get_by_role("region", name="What falls due").get_by_text("31/03/2027")).to_be_visible()
    expect(page.get_by_text("This key may only look")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^(Close the month|Issue)"))).to_have_count(0)

    page.get_by_role("combobox", name="Month").select_option("2026-06")
    page.get_by_role("button", name=re.compile("^Show: Coverage")).click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Why this number")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Tiếng Việt").click()
    expect(page.get_by_role("heading", name=re.compile("^Độ phủ, bac 2026-06"))).to_be_visible()


def test_a_key_for_a_facility_alone_is_told_that_a_month_is_one_of_a_park(
    visit: Visit, service: Service, keys: dict[str, str]
) -> None:
    keys["hoa"] = key_of(service, "hoa", "bac/mill", "approver")
    page = visit("hoa")

    expect(page.get_by_text("A month is one of a whole park")).to_be_visible()
    expect(page.get_by_role("region", name="Issue a paper")).to_be_visible()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_it_fits_on_a_phone_and_goes_by_keyboard(visit: Visit, language: str) -> None:
    page = visit("minh", language, "&month=2026-05", viewport={"width": 360, "height": 740}, is_mobile=True)
    expect(page.get_by_role("button", name=re.compile("^(Close the month|Chốt tháng)$"))).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe_finds(page) == []
    small = "one => one.getBoundingClientRect().height < 40 && one.offsetParent !== null"
    named = "[...document.querySelectorAll('main button, main input, main select, main a, main summary')]"
    assert page.evaluate(f"{named}.filter({small}).map((one) => one.outerHTML)") == []
    page.get_by_role("combobox", name=re.compile("^(Month|Tháng)")).focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "despite":
            break
    assert page.evaluate("document.activeElement.name") == "despite"


@pytest.mark.parametrize("form", ["circular38", "iso14064"])
def test_a_paper_to_print_is_read_on_a_phone_and_prints_on_a4(
    browser: Browser, service: Service, form: str
) -> None:
    """Its wide tables scroll by themselves on a screen; on paper nothing is cut off at the right."""
    paper = httpx.get(
        f"http://127.0.0.1:{service.port}/v1/forms/{form}.html", params={"park": "bac", "periods": "2026"},
        headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False,
    ).raise_for_status()  # fmt: skip
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.set_content(paper.text)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("[...document.querySelectorAll('.wide')].some((one) => one.scrollWidth > 360)")

    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4_TEXT_PX, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_TEXT_PX
    page.close()


def test_every_word_is_there_in_both_languages_and_the_page_weighs_little() -> None:
    words_of("month_end")
    assert sum(len(one) for one in page_files("month_end")) < MOST_BYTES
