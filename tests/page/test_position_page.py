"""The page of the position in Chromium, against a running service: a movement is entered by one person, approved by another, and held."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from playwright.sync_api import Page, expect
from pydantic import BaseModel

from api.market.position_bodies import PositionsBody
from tests.page.test_records_page import PICTURE, file_of
from tests.page.viewer import Visit, axe_finds, key_of, page_files, reached_by_keyboard, words_of
from tests.servers import Mosquitto
from tests.service import Service

PLANT = """\
parks:
  - name: bac
    title: Khu Bắc
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Rolling mill
        market: vn-ets
        channels:
          - {name: invoice/electricity, kind: interval, unit: kWh, quantity: electricity, entered: true}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: invoice/electricity}, factor: vn-grid}
        instruments:
          - {name: quota, kind: allowance}
          - {name: credits, kind: credit, registry: Verra, serials: true}
"""
MOST_BYTES = 135_000
PATH = "position"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("position-page")
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


def example(kind: type[BaseModel]) -> dict[str, Any]:
    """Return what the API's description gives as an example of an answer: those of a position are R51a's."""
    made: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        models = [
            one
            for one in (field.annotation, *get_args(field.annotation))
            if isinstance(one, type) and issubclass(one, BaseModel)
        ]
        value = field.examples[0] if field.examples else example(models[0])
        is_list = get_origin(field.annotation) is list and not field.examples
        made[str(field.alias or field.validation_alias or field.serialization_alias or name)] = (
            [value] if is_list else value
        )
    kind.model_validate(made)
    return made


def told(page: Page) -> None:
    """Let the service tell of the example of a whole position, and its two ends; the last trading day is in 45 days."""
    positions = example(PositionsBody)
    [one] = positions["positions"]
    local = datetime.now(UTC) + timedelta(hours=7)
    one["park"] = positions["holdings"][0]["park"] = "bac"
    one["rule"]["last_trading_day"] = (local + timedelta(days=45)).date().isoformat()
    one["high"] = one["high"] | {
        "inventory_t": 2600.0,
        "gap_t": 646.0,
        "to_buy_t": 59.8,
        "exposure": 7_953_400.0,
    }
    page.route("**/v1/position*", lambda route: route.fulfill(json=positions))
    page.reload()


def test_a_movement_is_entered_by_one_approved_by_another_and_held(visit: Visit, tmp_path: Path) -> None:
    mine = visit("lan")
    form = mine.locator("form[data-do=enter]")
    form.get_by_label("Instrument").select_option("bac/mill/quota")
    form.get_by_label("Day").fill("2026-03-01")
    form.get_by_label("Year").fill("2026")
    form.get_by_label("Amount").fill("1,902.5")
    expect(form.get_by_text("Read as 1,902.5 t")).to_be_visible()
    form.get_by_label("What says so").fill("Decision 699")
    form.get_by_label("Photo or file").set_input_files(file_of(tmp_path, "deed.png", PICTURE))
    form.get_by_role("button", name="Send").click()
    expect(mine.get_by_text("You entered this: another person approves it.")).to_be_visible()
    expect(mine.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    holdings = mine.get_by_role("region", name="What instruments hold")
    quota = holdings.get_by_role("row", name=re.compile("quota"))
    expect(quota).to_contain_text("0 t")

    theirs = visit("minh", language="vi")
    expect(theirs.get_by_text("01/03/2026 · năm 2026")).to_be_visible()
    theirs.get_by_role("button", name=re.compile("^Duyệt")).click()
    expect(theirs.get_by_text("Không có gì chờ duyệt.")).to_be_visible()
    held = theirs.get_by_role("region", name="Đang giữ theo từng loại")
    expect(held.get_by_role("row", name=re.compile("quota"))).to_contain_text("1.902,5 t")

    form.get_by_label("Instrument").select_option("bac/mill/credits")
    expect(form.get_by_label("Year")).to_have_count(0)
    form.get_by_label("Day").fill("2026-03-01")
    form.get_by_label("Amount").fill("600")
    form.get_by_label("Serials").fill("1-600")
    form.get_by_label("What says so").fill("contract 7")
    form.get_by_label("Photo or file").set_input_files(file_of(tmp_path, "deed.png", PICTURE))
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("alert")).to_have_text("Serials are written so: VCS-VN-2024 1-600")
    form.get_by_label("Serials").fill("VN 2024 1-500; VN 2024 501")
    form.get_by_role("button", name="Send").click()
    expect(form.locator(".said")).to_contain_text("Not taken:")
    form.get_by_label("Serials").fill("VN 2024 1-599; VN 2024 601")
    form.get_by_role("button", name="Send").click()
    expect(mine.get_by_text("VN 2024 1-599; VN 2024 601-601")).to_be_visible()


def test_where_a_facility_stands_is_told_with_both_ends_and_what_it_rests_on(visit: Visit) -> None:
    page = visit("an")
    told(page)
    card = page.get_by_role("region", name=re.compile("Rolling mill · 2025 . 2026"))
    expect(card.get_by_text("in 45 days")).to_be_visible()
    rows = {
        row.get_by_role("rowheader").inner_text(): [one.inner_text() for one in row.get_by_role("cell").all()]
        for row in card.get_by_role("row").all()[1:]
    }

    assert rows["Gap t"] == ["446.0", "446.0", "646.0"]
    assert rows["Credits may cover t"] == ["586.2"] * 3
    assert rows["To buy t"] == ["0", "0", "59.80"]
    assert rows["Exposure million VND"] == ["0", "0", "7.953"]
    assert rows["Without credits million VND"] == ["59.32"] * 3
    for text in (
        "1,954 t",
        "600.0 t",
        "133,000 VND/t",
        "in 45 days",
        "credits up to 30% of what was allocated",
    ):
        expect(card.get_by_text(text).first).to_be_visible()
    expect(card.get_by_text("not settled: what that share is of")).to_be_visible()
    expect(card.get_by_text("2026: 1,300 (1,270 to 1,330) t")).to_be_visible()
    expect(page.get_by_text("This key may only look")).to_be_visible()


@pytest.mark.parametrize(("language", "width"), [("vi", 360), ("en", 1440)])
def test_it_fits_is_read_goes_by_keyboard_and_onto_paper(visit: Visit, language: str, width: int) -> None:
    page = visit("lan", language, viewport={"width": width, "height": 800}, is_mobile=width < 640)
    told(page)
    expect(page.get_by_role("region", name=re.compile("2025 . 2026"))).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe_finds(page) == []
    assert reached_by_keyboard(page, 20) >= {"act", "day", "amount", "file"}
    page.emulate_media(media="print")
    expect(page.locator("form[data-do=enter]")).to_be_hidden()
    expect(page.get_by_role("region", name=re.compile("2025 . 2026"))).to_be_visible()


def test_every_word_is_there_in_both_languages_and_the_page_weighs_little() -> None:
    words_of("position")
    assert sum(len(one) for one in page_files("position", "decisions.js", "files.js")) < MOST_BYTES
