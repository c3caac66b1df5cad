"""The page of the city in Chromium: our park, one that another Stackmeter tells of, and one that nobody answers for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.gateway import RawGateway
from tests.page.viewer import axe_finds, key_of, page_files, words_of
from tests.servers import Mosquitto, wait_until
from tests.service import TOKEN, Service

MOST_BYTES = 110_000
PLANT = """\
parks:
  - name: {name}
    title: {title}
    zone: Asia/Ho_Chi_Minh
    coordinates: {{lat: {lat}, lon: 106.7}}
    facilities:
      - name: mill
        title: Mill
        gateways: [{{name: gw}}]
        channels: [{{name: meter, gateway: gw, kind: interval, unit: kWh, quantity: electricity, period: 1min}}]
        sources: [{{name: grid, method: electricity-location, inputs: {{energy: meter}}, factor: vn-grid}}]
"""
MEMBERS = """\
members:
  - {{name: nam, title: Khu Nam, url: "http://127.0.0.1:{port}", key_env: NAM_KEY, coordinates: {{lat: 20.7, lon: 106.7}}}}
  - {{name: xa, title: Khu Xa, url: "http://127.0.0.1:1", key_env: NAM_KEY}}
"""


def running(folder: Path, name: str, title: str, lat: float, broker: Mosquitto, **more: Any) -> Service:
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "plant.yaml").write_text(PLANT.format(name=name, title=title, lat=lat))
    return Service(folder, folder / "config", broker.url, client_id=name, **more)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("city")
    with Mosquitto() as broker, running(folder / "nam", "nam", "Khu Nam", 20.7, broker) as member:
        ours = running(folder / "bac", "bac", "Khu Bắc", 20.9, broker, environment={"NAM_KEY": TOKEN})
        with ours as service, RawGateway(broker.port) as gateway:
            member.start()
            now = datetime.now(UTC).isoformat()
            reading = {"channel": "meter", "time": now, "value": 1_000.0, "unit": "kWh"}
            gateway.send("sm/v1/nam/mill/gw/readings", {"boot": "b", "seq": 1, "readings": [reading]})
            gateway.wait()
            member.drain(1)
            (folder / "bac" / "config" / "members.yaml").write_text(MEMBERS.format(port=member.port))
            service.start()
            wait_until(lambda: all(one["heard_at"] or one["trouble"] for one in told(service)), "not asked")
            yield service


def told(service: Service) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = service.get("/v1/members").json()["members"]
    return members


def opened(browser: Browser, service: Service, language: str, key: str = TOKEN, **options: Any) -> Page:
    page = browser.new_context(**options).new_page()
    page.goto(f"http://127.0.0.1:{service.port}/city?lang={language}#key={key}")
    return page


def test_each_park_is_shown_with_what_is_known_of_it_and_a_sum_that_says_of_how_many(
    browser: Browser, city: Service
) -> None:
    page = opened(browser, city, "en")

    rows = page.locator("[data-key=members] tbody tr")
    expect(rows).to_have_count(3)
    expect(page.locator("[data-key=sum]")).to_contain_text("of 1 of 3 parks")
    nam = next(one for one in told(city) if one["park"] == "nam")
    assert f"{nam['co2e_t']:.3f}" in rows.nth(1).inner_text()
    expect(rows.nth(2)).to_contain_text("not heard yet")
    expect(page.locator("[data-key=map]")).to_contain_text("Khu Nam")
    page.context.close()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_it_fits_on_a_phone_and_axe_finds_nothing(browser: Browser, city: Service, language: str) -> None:
    page = opened(browser, city, language, viewport={"width": 360, "height": 740}, is_mobile=True)
    expect(page.locator("[data-key=members]")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe_finds(page) == []
    page.context.close()


def test_a_key_for_one_park_alone_is_told_that_it_may_not(browser: Browser, city: Service) -> None:
    page = opened(browser, city, "en", key_of(city, "an", "bac"))

    expect(page.get_by_role("alert")).to_be_visible()
    page.context.close()


def test_every_word_is_there_in_both_languages_and_the_page_weighs_little() -> None:
    words_of("city")
    assert sum(len(one) for one in page_files("city")) < MOST_BYTES
