"""The page of records in Chromium, against a running service: entered by one person, approved by another, and counted."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.page.viewer import Visit, axe_finds, key_of, page_files, words_of
from tests.servers import Mosquitto
from tests.service import TOKEN, Service

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
          - {name: lab/cod, kind: level, unit: mg/L, quantity: cod, entered: true}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: invoice/electricity}, factor: vn-grid}
"""
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)
MOST_BYTES = 120_000
PATH = "records"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("records-page")
    (folder / "config").mkdir()
    (folder / "config" / "plant.yaml").write_text(PLANT)
    with Mosquitto() as broker, Service(folder, folder / "config", broker.url) as one:
        one.start()
        yield one


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    return {
        name: key_of(service, name, "bac", role)
        for name, role in (("lan", "operator"), ("minh", "approver"), ("an", "viewer"))
    }


def file_of(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def enter(page: Page, file: Path, *, amount: str, source: str, from_: str, to: str) -> None:
    vietnamese = page.evaluate("document.documentElement.lang") == "vi"
    labels = ("Từ ngày", "Đến trước ngày", "Lượng", "Chứng từ", "Ảnh hoặc tệp", "Gửi") if vietnamese else (
        "From", "To (not part of it)", "Amount", "What says so", "Photo or file", "Send")  # fmt: skip
    page.get_by_label(labels[0]).fill(from_)
    page.get_by_label(labels[1]).fill(to)
    page.get_by_label(labels[2]).fill(amount)
    page.get_by_label(labels[3]).fill(source)
    page.get_by_label(labels[4]).set_input_files(file)
    page.get_by_role("button", name=labels[5], exact=True).click()


def total(service: Service, month: str) -> Any:
    [one] = httpx.get(
        f"http://127.0.0.1:{service.port}/v1/totals", params={"level": "source", "period": month},
        headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False,
    ).raise_for_status().json()["totals"]  # fmt: skip
    return one


def test_one_enters_and_another_approves_and_it_counts(
    visit: Visit, service: Service, tmp_path: Path
) -> None:
    mine = visit("lan")
    enter(
        mine,
        file_of(tmp_path, "bill.png", PICTURE),
        amount="310,000",
        source="EVN 0001234",
        from_="2026-03-01",
        to="2026-04-01",
    )

    expect(mine.get_by_text("It counts once another person has approved it.")).to_be_visible()
    expect(mine.get_by_text("You entered this: another person approves it.")).to_be_visible()
    expect(mine.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    assert total(service, "2026-03")["co2e_t"] is None

    theirs = visit("minh", language="vi")
    expect(theirs.get_by_role("heading", name=re.compile("^Chờ duyệt"))).to_contain_text("1")
    expect(theirs.get_by_text("từ 01/03/2026 đến trước 01/04/2026")).to_be_visible()
    theirs.get_by_role("button", name=re.compile("^Xem tệp")).click()
    picture = theirs.get_by_role("img", name="EVN 0001234")
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.naturalWidth") == 1
    theirs.get_by_role("button", name=re.compile("^Duyệt")).click()

    expect(theirs.get_by_text("Không có gì chờ duyệt.")).to_be_visible()
    assert total(service, "2026-03")["activity"] == pytest.approx(310_000, rel=1e-12)

    theirs.get_by_role("button", name=re.compile("^Gạch bỏ")).click()
    theirs.get_by_label("Vì sao?").fill("sai số công tơ")
    theirs.get_by_role("dialog").get_by_role("button", name="Gạch bỏ").click()
    expect(theirs.get_by_text("minh: sai số công tơ")).to_be_visible()
    assert total(service, "2026-03")["co2e_t"] is None


def test_a_number_is_read_as_the_language_writes_it_and_shown_before_it_is_sent(visit: Visit) -> None:
    page = visit("lan", language="vi")
    page.get_by_label("Lượng").fill("1.234,5")
    expect(page.get_by_text("Đọc là 1.234,5 kWh")).to_be_visible()
    page.get_by_label("Lượng").fill("1,234.5")
    expect(page.get_by_text("Không phải số viết theo tiếng Việt")).to_be_visible()

    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("Read as 1,234.5 kWh")).to_be_visible()
    page.get_by_label("Amount").fill("1.234")
    expect(page.get_by_text("Read as 1.234 kWh")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "content", "amount", "why"),
    [
        ("bill.pdf", b"no file of that kind", "5", "Not taken:"),
        ("bill.png", PICTURE, "-5", "Not taken:"),
        ("bill.png", PICTURE, "many", "Not a number"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    visit: Visit, tmp_path: Path, name: str, content: bytes, amount: str, why: str
) -> None:
    page = visit("lan")
    enter(
        page, file_of(tmp_path, name, content), amount=amount, source="x", from_="2025-03-01", to="2025-04-01"
    )

    expect(page.locator("form .said")).to_contain_text(why)
    expect(page.get_by_text("Nothing waits for approval.")).to_be_visible()


def test_a_level_has_no_end(visit: Visit, tmp_path: Path) -> None:
    page = visit("lan")
    page.get_by_role("combobox", name="What").select_option(label="Rolling mill: lab/cod [mg/L]")
    expect(page.get_by_label("Unit")).to_have_value("mg/L")
    expect(page.get_by_label("To (not part of it)")).to_have_count(0)
    page.get_by_label("From (it holds until the next one)").fill("2026-03-01")
    page.get_by_label("Amount").fill("80")
    page.get_by_label("What says so").fill("Lab 7")
    page.get_by_label("Photo or file").set_input_files(file_of(tmp_path, "lab.png", PICTURE))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("from 01/03/2026 on")).to_be_visible()

    page.get_by_role("button", name=re.compile("^Withdraw")).click()
    expect(page.get_by_text("Nothing waits for approval.")).to_be_visible()


def test_who_may_only_look_is_told_so(visit: Visit) -> None:
    page = visit("an")

    expect(page.get_by_text("This key may only look")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^(Approve|Strike|Send)"))).to_have_count(0)


def test_a_wrong_key_is_told_and_a_right_one_opens_it(visit: Visit, keys: dict[str, str]) -> None:
    page = visit("lan")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Key").fill("sm_wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("This key is not accepted.")).to_be_visible()

    page.get_by_label("Key").fill(keys["lan"])
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Enter", exact=True)).to_be_visible()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_it_fits_on_a_phone(visit: Visit, language: str) -> None:
    page = visit("lan", language, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    expect(page.locator("form button.main")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe_finds(page) == []
    small = "one => one.getBoundingClientRect().height < 40 && one.offsetParent !== null"
    assert (
        page.evaluate(
            f"[...document.querySelectorAll('main button, main input, main select')].filter({small}).map((one) => one.outerHTML)"
        )
        == []
    )


def test_every_word_is_there_in_both_languages_and_the_page_weighs_little() -> None:
    words_of("records")
    assert sum(len(one) for one in page_files("records", "decisions.js")) < MOST_BYTES
