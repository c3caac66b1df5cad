"""The live page in Chromium, against a running service that is fed by messages."""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from alerts.tables.links import acknowledge_link, link_key
from api.live.page import assets
from tests.end_to_end.gateway import RawGateway
from tests.page.viewer import BESIDE, Viewer, axe_finds, key_of
from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import TOKEN, Service

PLANT = """\
parks:
  - name: bac
    title: Khu Bắc
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Rolling mill
        gateways: [{name: gw-1}]
        channels:
          - {name: power, gateway: gw-1, kind: rate, unit: kW, quantity: electricity, min: 0, max_gap: 10min}
          - {name: ph, gateway: gw-1, kind: level, unit: pH, quantity: ph}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: power}, factor: vn-grid}
      - name: foundry
        title: Foundry
        gateways: [{name: gw-2}]
        channels: [{name: power, gateway: gw-2, kind: rate, unit: kW, quantity: electricity, min: 0}]
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: power}, factor: vn-grid}
  - name: nam
    title: Khu Nam
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works
        gateways: [{name: gw-3}]
        channels: [{name: power, gateway: gw-3, kind: rate, unit: kW, quantity: electricity, min: 0}]
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: power}, factor: vn-grid}
alerts:
  - name: ph-high
    park: bac
    facility: mill
    channel: ph
    above: 9
    severity: critical
    summary: The water is too alkaline
  - {name: ph-low, park: bac, facility: mill, channel: ph, below: 2, severity: critical, summary: The water is too sour}
  - {name: ph-absurd, park: bac, facility: mill, channel: ph, below: 1, severity: warning, summary: Probably the probe}
webhooks: [{name: desk, url: "http://127.0.0.1:9/", secret_env: PAGE_SECRET, allow_private: true}]
routes: [{receivers: [desk], group_wait: 0s, group_interval: 0s}]
"""
SECRET = {"PAGE_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
HOURS = 5  # of readings, one a minute, up to now
MOST_BYTES = 120_000  # of what the first number needs
UNKNOWN = "\N{EN DASH}"


class Field:
    """The meters of the mill."""

    def __init__(self, session: RawGateway) -> None:
        self._session = session
        self._seq = 0

    def history(self) -> None:
        """Send a thousand kW for hours, but for half an hour in the middle, of which nothing is known."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        minutes = [m for m in range(HOURS * 60, -1, -1) if not 120 < m < 150]
        self.send(*(self.reading("power", 1000.0, now - timedelta(minutes=m)) for m in minutes))

    def power(self, value: float) -> None:
        self.send(self.reading("power", value))

    def ph(self, value: float) -> None:
        self.send(self.reading("ph", value, unit="pH"))

    def reading(
        self, channel: str, value: float, at: datetime | None = None, unit: str = "kW"
    ) -> dict[str, Any]:
        at = at or datetime.now(UTC)
        return {"channel": channel, "time": at.isoformat(), "value": value, "unit": unit}

    def send(self, *readings: dict[str, Any]) -> None:
        self._seq += 1
        message = {"boot": "b1", "seq": self._seq, "readings": list(readings)}
        self._session.send("sm/v1/bac/mill/gw-1/readings", message)
        self._session.wait()

    def online(self, *, yes: bool) -> None:
        self._session.send("sm/v1/bac/mill/gw-1/status", json.dumps({"online": yes}).encode(), retain=True)
        self._session.wait()


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as server:
        yield server


@pytest.fixture(scope="module")
def service(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "config").mkdir()
    (folder / "config" / "plant.yaml").write_text(PLANT)
    with Service(folder, folder / "config", broker.url, environment=SECRET) as one:
        one.start()
        yield one


@pytest.fixture(scope="module")
def field(broker: Mosquitto, service: Service) -> Iterator[Field]:
    with RawGateway(broker.port) as session:
        meters = Field(session)
        meters.history()
        meters.online(yes=True)
        service.drain(1)
        yield meters


@pytest.fixture
def visit(browser: Browser, service: Service, field: Field) -> Iterator[Callable[..., Viewer]]:
    """Give what opens a browser of its own; at the end nobody may have complained or asked anybody else."""
    opened: list[tuple[BrowserContext, Viewer]] = []

    def visit(**options: Any) -> Viewer:
        context = browser.new_context(**({"locale": "en-GB", "timezone_id": "America/Lima"} | options))
        opened.append((context, Viewer(context, service)))
        return opened[-1][1]

    yield visit
    for context, viewer in opened:
        context.close()
        assert viewer.complaints == []
        assert [one.url for one in viewer.requests if not one.url.startswith(viewer.url)] == []


def number(text: str | None) -> float:
    return float((text or "").replace(",", ""))


# --- what it weighs and asks for


def first_files() -> list[str]:
    """Return the files that the page itself names; those of a view come when it is looked at."""
    return re.findall(r"/assets/([\w.]+)", assets()["index.html"].content.decode())


def test_the_page_weighs_little():
    found = assets()

    assert sum(len(found[name].content) for name in ["index.html", *first_files()]) < MOST_BYTES
    assert sum(len(one.packed) for one in found.values()) < MOST_BYTES  # with every view, as it travels


def test_the_first_number_needs_the_files_and_one_stream(visit):
    viewer = visit()
    viewer.live()

    asked = [one.url.removeprefix(viewer.url).partition("#")[0] for one in viewer.requests]
    assert sorted(asked) == sorted(["/?lang=en", "/v1/live", *(f"/assets/{name}" for name in first_files())])


def test_a_file_travels_packed_where_it_may_and_is_the_same(visit):
    url = visit().url + "/assets/text.js"
    plain, packed = (httpx.get(url, headers={"Accept-Encoding": one}) for one in ("identity", "gzip"))

    assert packed.content == plain.content == assets()["text.js"].content
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2
    assert httpx.get(url, headers={"If-None-Match": plain.headers["etag"]}).status_code == 304


def test_the_policy_lets_nothing_in_but_our_own_files(visit):
    viewer = visit()
    answer = viewer.page.goto(viewer.url)
    page = viewer.page

    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert page.locator("script:not([src])").count() + page.locator("[style], [onclick]").count() == 0


# --- the key


def test_a_key_in_the_address_leaves_it_at_once_and_is_kept_for_this_tab_only(visit):
    page = visit().live()

    assert "key" not in page.evaluate("location.href")
    assert page.evaluate("[sessionStorage['stackmeter.key'], localStorage['stackmeter.key'] ?? null]") == [
        TOKEN,
        None,
    ]
    assert page.context.cookies() == []
    page.reload()
    expect(page.locator(".hero .today .value")).to_be_visible()


def test_somebody_without_a_key_is_asked_for_it_and_may_have_it_remembered(visit):
    viewer = visit()
    page = viewer.page
    page.goto(f"{viewer.url}/?lang=en")
    page.get_by_label("Key", exact=True).fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_have_text("This key is not accepted.")
    page.get_by_label("Key", exact=True).fill(TOKEN)
    page.get_by_label("Remember on this display").check()
    page.get_by_role("button", name="Open").click()

    expect(page.locator(".hero .today .value")).to_be_visible()
    assert page.evaluate("localStorage['stackmeter.key']") == TOKEN
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key", exact=True)).to_be_visible()
    assert page.evaluate(
        "[localStorage['stackmeter.key'] ?? null, sessionStorage['stackmeter.key'] ?? null]"
    ) == [None, None]


def test_a_key_of_one_facility_shows_that_facility_alone(visit, service, field):
    field.ph(9.6)  # an alert of the mill, which is not for this key
    wait_until(lambda: service.get("/v1/alerts", status="open").json()["alerts"], "the alert fires")
    viewer = visit()
    page = viewer.open("?lang=en", key=key_of(service, "foundry", "bac/foundry"))

    expect(page.get_by_role("heading", level=1)).to_have_text("Khu Bắc")
    expect(page.locator(".hero .today .value")).to_be_visible()
    expect(page.locator(".places tbody tr")).to_have_count(1)
    expect(page.locator(".places tbody tr th")).to_contain_text("Foundry")
    expect(page.locator(".gateways li b")).to_have_text(["gw-2"])
    expect(page.get_by_text("No open alert")).to_be_visible()
    expect(page.locator(".hero .today")).to_contain_text("unknown")  # nothing of the mill is in the sum
    shown = page.locator("body").inner_text()
    assert [word for word in ("Rolling mill", "Khu Nam", "Works", "gw-1", "alkaline") if word in shown] == []
    told = page.evaluate(
        """async (key) => {
            const answer = await fetch('/v1/totals', { headers: { Authorization: `Bearer ${key}` } });
            return (await answer.json()).totals.map((one) => one.facility);
        }""",
        page.evaluate("sessionStorage['stackmeter.key']"),
    )
    assert told == ["foundry"]
    field.ph(7.0)
    wait_until(lambda: not service.get("/v1/alerts", status="open").json()["alerts"], "the alert is over")


# --- the numbers


def test_the_numbers_are_those_of_the_api(visit, service):
    page = visit().live("?lang=en&park=bac")
    [mill] = [one for one in service.get("/v1/totals").json()["totals"] if one["facility"] == "mill"]

    row = page.get_by_role("row", name=re.compile("Rolling mill"))
    assert number(row.locator("td").nth(1).inner_text()) == pytest.approx(mill["co2e_t"], rel=0.01)
    expect(row).to_contain_text("% known")


def test_values_move_by_themselves(visit, field):
    page = visit().live("?lang=en&park=bac")
    now = page.locator(".hero .now .value")
    before = now.inner_text()

    def moved() -> bool:
        field.power(50_000.0)
        page.wait_for_timeout(200)
        return page.locator(".hero .now .value").inner_text() != before

    wait_until(moved, "the value does not move", 100)


def test_what_is_unknown_is_a_dash_and_a_word_never_0(visit):
    page = visit().live("?lang=en&park=nam")

    expect(page.locator(".hero .today .value")).to_have_text(UNKNOWN)
    expect(page.locator(".hero .today")).to_contain_text("unknown")
    row = page.get_by_role("row", name=re.compile("Works"))
    expect(row.locator("td .value").first).to_have_text(UNKNOWN)
    expect(row.locator("td").first).to_contain_text("unknown")


def test_hours_show_gaps_as_gaps_and_incomplete_ones_hatched(visit):
    page = visit().live("?lang=en&park=bac")

    assert page.locator(".chart .gap").count() >= 24 - HOURS - 2
    assert page.locator(".chart .hour.incomplete").count() >= 1
    assert "url(" in page.locator(".chart .hour.incomplete").first.evaluate(
        "one => getComputedStyle(one).fill"
    )
    page.get_by_text("As a table").click()
    expect(page.get_by_role("cell", name="no data").first).to_be_visible()


def test_a_number_says_how_it_is_known_by_words_and_by_its_line(visit):
    page = visit().live()
    kinds = page.evaluate(
        """async () => {
            const { trust } = await import('/assets/draw.js');
            const shares = { measured: 1, interpolated: 0, substituted: 0, missing: 0 };
            return [trust(1, shares), trust(1, { ...shares, missing: 0.1 }), trust(1, { ...shares, substituted: 0.1 }),
                    trust(0, shares), trust(null, shares), trust(1, null)];
        }"""
    )
    assert kinds == ["measured", "incomplete", "substituted", "measured", "unknown", "incomplete"]

    lines = page.evaluate(
        """['measured', 'incomplete', 'substituted', 'unknown'].map((kind) => {
            const one = document.createElement('span');
            one.className = 'value';
            one.dataset.trust = kind;
            document.body.append(one);
            const { textDecorationLine, textDecorationStyle } = getComputedStyle(one);
            return `${textDecorationLine} ${textDecorationStyle}`;
        })"""
    )
    assert lines == ["none solid", "underline dashed", "underline wavy", "none solid"]


def told_by(service: Service) -> dict[str, Any]:
    """Return the first of each event that the service streams."""
    first: dict[str, Any] = {}
    headers, name = {"Authorization": f"Bearer {TOKEN}"}, ""
    url = f"http://127.0.0.1:{service.port}/v1/live"
    with httpx.stream("GET", url, headers=headers, timeout=PATIENCE, trust_env=False) as answer:
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            name = value if field == "event" else name
            if field == "data":
                first.setdefault(name, json.loads(value))
            if set(first) >= {"plant", "totals", "hours", "gateways", "health", "alerts"}:
                break
    return first


LOOK = """one => {
    const { textDecorationLine, textDecorationStyle, fontStyle } = getComputedStyle(one);
    return `${textDecorationLine} ${textDecorationStyle} ${fontStyle}`;
}"""
QUALITIES = [
    # quality of a total, the shares that are so, its look, what is read out, what stands beside it
    ("measured", {"measured": 1.0}, "none solid normal", None, "100% known"),
    ("incomplete", {"measured": 0.75, "missing": 0.25}, "underline dashed normal", "incomplete", "75% known"),
    ("substituted", {"measured": 0.9, "substituted": 0.1}, "underline wavy italic", "substituted", "10% substituted"),
]  # fmt: skip


@pytest.mark.parametrize(("quality", "given", "look", "word", "beside"), QUALITIES)
def test_totals_that_are_not_measured_look_and_read_otherwise(
    visit, service, quality, given, look, word, beside
):
    events = told_by(service)
    shares = dict.fromkeys(("measured", "interpolated", "substituted", "missing"), 0.0) | given
    for rows in (events["totals"]["today"], events["totals"]["month"]):
        for row in rows:
            row.update(co2e_t=2.0, coverage=1 - shares["missing"], shares=shares, now_t_per_h=0.1, stale=[])
            row.update(known_from=None, unheard=[], now_unknown=[])
    for row in events["hours"]["rows"]:
        hours = len(row["times"])
        row.update(co2e_t=[1.0] * hours, coverage=[1 - shares["missing"]] * hours)
        row.update(substituted=[shares["substituted"]] * hours, known_from=None)
    page = visit().told("?lang=en&park=bac", events)

    mill = page.get_by_role("row", name=re.compile("Rolling mill"))
    for place in (page.locator(".hero .today"), page.locator(".hero .month"), mill):
        number = place.locator(f".value[data-trust={quality}]").first
        assert number.evaluate(LOOK) == look
        expect(place).to_contain_text(beside)
    reads = f"Explain Rolling mill, This month: 2.000{f', {word}' if word else ''}"
    expect(mill.get_by_role("button", name=reads, exact=True)).to_be_visible()
    scope2 = mill.locator("td").nth(4)  # not pressed, so that the word stands in it
    expect(scope2).to_have_text(f"2.000{word or ''}")
    drawn = page.locator(f".chart .hour.{quality}")
    expect(drawn).to_have_count(24)
    assert ("url(" in drawn.first.evaluate("one => getComputedStyle(one).fill")) == (quality != "measured")
    page.get_by_text("As a table").click()
    expect(page.locator(".day td").nth(1)).to_contain_text(beside)


@pytest.mark.parametrize(
    ("language", "month", "unheard"),
    [
        ("en", "99.8% known since 2 Jun", "nothing was read of 2 sources"),
        ("vi", re.compile("có dữ liệu 99,8 ?% kể từ 02/06"), "chưa có dữ liệu của 2 nguồn"),
    ],
)
def test_solid_b3_a_month_that_was_empty_for_days_says_so_on_page_and_wall(
    visit, service, language, month, unheard
):
    events = told_by(service)
    events["plant"]["as_of"] = events["totals"]["as_of"] = "2026-06-30T05:00:00Z"
    shares = {"measured": 0.998, "interpolated": 0.0, "substituted": 0.0, "missing": 0.002}
    for row in events["totals"]["month"]:
        row.update(co2e_t=413.0, coverage=0.998, shares=shares, known_from="2026-06-01T17:00:00Z")
        row.update(unheard=["bac/mill/a", "bac/mill/b"])
    for row in events["totals"]["today"]:
        row.update(known_from=None, unheard=[])
    for query in ("", "&display=wall"):
        page = visit().told(f"?lang={language}&park=bac{query}", events)

        expect(page.locator(".hero .month")).to_contain_text(month)
        expect(page.locator(".hero .month")).to_contain_text(unheard)
        expect(page.locator(".hero .today")).not_to_contain_text(unheard)


def test_solid_b2_a_gateway_that_goes_offline_takes_its_rate_with_it(visit, field):
    """The foundry was never heard; the mill's meter is read every minute."""
    page = visit().live("?lang=en&park=bac")
    now = page.locator(".hero .now")
    field.power(1000.0)
    expect(now).to_contain_text("+ 1 source unknown")
    expect(now.locator(".value")).not_to_have_text(UNKNOWN)
    try:
        field.online(yes=False)

        expect(now.locator(".value")).to_have_text(UNKNOWN, timeout=PATIENCE * 1000)
        expect(now).to_contain_text("+ 2 sources unknown")
        expect(page.get_by_role("row", name=re.compile("Rolling mill"))).to_contain_text("+ 1 source unknown")
    finally:
        field.online(yes=True)
    expect(now).to_contain_text("+ 1 source unknown", timeout=PATIENCE * 1000)


@pytest.mark.parametrize(("language", "lacks"), [("en", "+ 5 sources unknown"), ("vi", "+ 5 nguồn không rõ")])
def test_solid_b2_page_and_wall_say_how_many_sources_the_present_rate_lacks(visit, service, language, lacks):
    events = told_by(service)
    for row in events["totals"]["today"]:
        row.update(now_t_per_h=12.5, stale=[], now_unknown=[f"bac/mill/{k}" for k in range(5)])
    for query in ("", "&display=wall"):
        page = visit().told(f"?lang={language}&park=bac{query}", events)

        expect(page.locator(".hero .now")).to_contain_text(lacks)
        expect(page.locator(".hero .now .value[data-trust=incomplete]")).to_be_visible()


def test_a_number_explains_itself_down_to_factor_and_readings(visit):
    page = visit().live("?lang=en&park=bac")
    page.get_by_role("button", name=re.compile("Explain Rolling mill, Today")).click()
    dialog = page.get_by_role("dialog", name="Why this number")
    dialog.get_by_role("button", name="grid").click()
    dialog.get_by_role("button", name="the newest whole window").click()

    expect(dialog).to_contain_text("vn-grid")
    expect(dialog).to_contain_text("AR5")
    expect(dialog).to_contain_text("to the bit")
    assert dialog.locator(".input tr").count() >= 1
    dialog.get_by_role("button", name="Back").click()
    expect(dialog).to_contain_text("What it is made of")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


# --- alerts and gateways


def test_an_alert_appears_is_acknowledged_with_a_name_and_snoozed(visit, field, service):
    page = visit().live("?lang=en&park=bac")
    expect(page.get_by_text("No open alert")).to_be_visible()
    field.ph(7.0)
    field.ph(9.6)
    alert = page.locator(".alert")
    expect(alert).to_contain_text("The water is too alkaline", timeout=30_000)
    expect(alert).to_contain_text("Critical")
    expect(page.locator(".announce")).to_contain_text("The water is too alkaline")

    alert.get_by_role("button", name=re.compile("Acknowledge")).click()
    page.get_by_role("dialog", name="Who are you?").get_by_role("textbox").fill("Lan")
    page.get_by_role("button", name="Go on").click()
    expect(alert).to_contain_text("acknowledged by Lan", timeout=30_000)

    alert.get_by_text("Snooze").click()
    alert.get_by_role("button", name="for 1 hour").click()
    expect(alert).to_contain_text("snoozed until", timeout=30_000)
    [kept] = service.get("/v1/alerts", status="open").json()["alerts"]
    assert (kept["acknowledged_by"], kept["snoozed_until"] is not None) == ("Lan", True)

    field.ph(7.0)
    expect(page.get_by_text("No open alert")).to_be_visible(timeout=30_000)


def test_an_alert_is_reached_and_acknowledged_with_the_keyboard_alone(visit, field):
    page = visit().live("?lang=en&park=bac")
    field.ph(9.8)
    alert = page.locator(".alert")
    expect(alert).to_be_visible(timeout=30_000)

    button = alert.get_by_role("button", name="Acknowledge: The water is too alkaline")
    for _ in range(40):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    expect(button).to_be_focused()
    assert button.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"  # it shows where one is
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Who are you?")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("Lan")
    page.keyboard.press("Enter")

    expect(alert).to_contain_text("acknowledged by Lan", timeout=30_000)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")  # and one goes on from there
    field.ph(7.0)
    expect(page.get_by_text("No open alert")).to_be_visible(timeout=30_000)


def test_solid_c_the_page_of_a_message_snoozes_on_a_phone_and_leads_to_the_rest_of_the_group(
    visit, field, service
):
    viewer = visit(
        locale="vi-VN", viewport={"width": 360, "height": 740}, is_mobile=True, java_script_enabled=False
    )
    page = viewer.page
    field.ph(7.0)
    field.ph(0.5)
    wait_until(lambda: len(service.get("/v1/alerts", status="open").json()["alerts"]) == 2, "both alerts")
    open_ = {one["rule"]: one["id"] for one in service.get("/v1/alerts", status="open").json()["alerts"]}
    address = acknowledge_link(viewer.url, link_key(TOKEN), open_["ph-low"], "desk", time.time_ns())

    def is_told() -> bool:
        page.goto(address)
        return page.get_by_role("link", name="Probably the probe").count() == 1

    wait_until(is_told, "the group")
    expect(page.get_by_role("heading", level=1)).to_have_text("The water is too sour")
    page.get_by_role("button", name="4 giờ").click()
    expect(page.get_by_text("Đã tạm hoãn đến")).to_be_visible()
    page.get_by_role("link", name="Probably the probe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Probably the probe")
    page.get_by_role("textbox").fill("Lan")
    page.get_by_role("button", name="Tôi nhận xử lý").click()
    expect(page.get_by_text("Đã ghi nhận")).to_be_visible()
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["width"] <= 360

    kept = {one["rule"]: one for one in service.get("/v1/alerts", status="open").json()["alerts"]}
    assert kept["ph-low"]["snoozed_until"] is not None
    assert kept["ph-absurd"]["acknowledged_by"] == "Lan"
    field.ph(7.0)
    wait_until(lambda: not service.get("/v1/alerts", status="open").json()["alerts"], "their end")


def test_a_gateway_that_says_good_bye_is_offline(visit, field):
    page = visit().live("?lang=en&park=bac")
    gateway = page.locator(".gateways li", has_text="gw-1")
    expect(gateway).to_contain_text("online · newest reading")
    field.online(yes=False)
    expect(gateway).to_contain_text("offline", timeout=30_000)
    field.online(yes=True)
    expect(gateway).to_contain_text("online", timeout=30_000)


def of_edge_nodes(service: Service, **you: Any) -> dict[str, Any]:
    """Return what is streamed where the edge nodes of gw-1 may be asked for a birth."""
    events = told_by(service)
    for one in events["gateways"]["gateways"]:
        one["rebirth"] = one["gateway"] == "gw-1"
    events["plant"]["you"] |= you
    return events


@pytest.mark.parametrize(
    ("language", "button", "said"),
    [
        ("en", "Ask for a birth", "Asked for a birth: G/E"),
        ("vi", "Yêu cầu khai báo lại (birth)", "Đã yêu cầu khai báo lại: G/E"),
    ],
)
def test_field_b6_a_birth_is_asked_for_with_the_keyboard_alone(visit, service, language, button, said):
    viewer = visit()
    page = viewer.told(f"?lang={language}", of_edge_nodes(service))
    body = {"gateway": "bac/mill/gw-1", "asked": ["G/E"], "not_asked": []}
    page.route("**/rebirth", lambda route: route.fulfill(status=202, json=body))
    expect(page.locator(".gateways button")).to_have_count(1)
    pressed = page.get_by_role("button", name=f"{button}: gw-1")
    for _ in range(60):
        page.keyboard.press("Tab")
        if pressed.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")

    expect(page.locator(".gateways li", has_text="gw-1").get_by_role("status")).to_have_text(said)
    [asked] = [one for one in viewer.requests if one.url.endswith("/rebirth")]
    assert (asked.method, asked.url) == ("POST", f"{viewer.url}/v1/gateways/bac/mill/gw-1/rebirth")


def test_field_b6_why_no_birth_was_asked_for_is_told_by_the_service(visit, service):
    page = visit().told("?lang=en", of_edge_nodes(service))
    page.get_by_role("button", name="Ask for a birth: gw-1").click()

    expect(page.locator(".gateways").get_by_role("status")).to_contain_text(
        "no Sparkplug edge node of bac/mill/gw-1 was ever heard"
    )


@pytest.mark.parametrize(("query", "role"), [("?lang=en", "viewer"), ("?lang=en&display=wall", "admin")])
def test_field_b6_who_may_only_look_has_no_button_for_it(visit, service, query, role):
    page = visit().told(query, of_edge_nodes(service, role=role))

    expect(page.locator(".gateways li", has_text="gw-1")).to_be_visible()
    expect(page.locator(".gateways button")).to_have_count(0)


# --- languages, modes, sizes


def test_the_language_switches_and_is_remembered(visit):
    page = visit(locale="vi-VN").live("")
    expect(page.get_by_role("heading", name="Hôm nay")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "vi"
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Today")).to_be_visible()


def test_numbers_are_written_as_the_language_does_and_times_by_the_parks_clock(visit):
    page = visit().live("?lang=vi")
    written = page.evaluate(
        """async () => {
            const { number, share, moment, age } = await import('/assets/text.js');
            return [number(1234.56), number(12345.6), number(0), number(null), share(0.99999), share(null),
                    moment('2026-11-24T16:59:59Z', 'Asia/Ho_Chi_Minh', Date.parse('2026-11-24T15:00:00Z')), age(125000)];
        }"""
    )

    assert written == ["1.235", "12.346", "0,000", UNKNOWN, "99,9%", UNKNOWN, "23:59:59", "2 phút"]


def test_solid_b9_a_time_of_another_year_says_the_year_on_the_parks_clock(visit):
    """A factor in force since 2022 is not "in force from 10/10"; and the same day of another year is another day."""
    page = visit().live("?lang=en")
    asked = [
        ("2022-10-09T17:00:00Z", "2026-11-24T15:00:00Z"),
        ("2022-11-24T15:00:00Z", "2026-11-24T15:00:00Z"),
        ("2025-12-31T16:59:59Z", "2026-01-01T00:00:00Z"),  # the last second of 2025 in Hai Phong
        ("2025-12-31T17:00:00Z", "2026-01-02T00:00:00Z"),  # the first one of 2026
        ("2026-10-09T17:00:00Z", "2026-11-24T15:00:00Z"),
    ]
    written = page.evaluate(
        """async (asked) => {
            const { moment } = await import('/assets/text.js');
            return asked.map(([text, now]) => moment(text, 'Asia/Ho_Chi_Minh', Date.parse(now)));
        }""",
        asked,
    )

    assert written == [
        "10/10/2022 00:00:00",
        "24/11/2022 22:00:00",
        "31/12/2025 23:59:59",
        "01/01 00:00:00",
        "10/10 00:00:00",
    ]


def test_a_phone_needs_no_sideways_scrolling_and_has_room_for_a_thumb(visit):
    page = visit(viewport={"width": 360, "height": 740}, has_touch=True).live("?lang=vi")

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    label = "one => getComputedStyle(one, '::before').content"  # in place of the table's head
    assert page.locator(".places td").first.evaluate(label) == '"Hiện tại, t CO₂e/giờ"'
    page.get_by_text("Dạng bảng").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(".hero .today button.why, .places button.why").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.get_by_role("dialog").evaluate("one => one.scrollWidth - one.clientWidth") <= 0
    page.keyboard.press("Escape")
    boxes = [one.bounding_box() for one in page.locator("nav button, .tools button").all()]
    assert all(box is not None and box["height"] >= 40 for box in boxes)


def test_a_wall_display_is_dark_takes_no_clicks_and_turns_its_pages(visit):
    viewer = visit(viewport={"width": 1920, "height": 1080})
    viewer.page.clock.install()
    page = viewer.live("?display=wall&lang=en")

    assert page.locator("button, a, summary, input, details").count() == 0
    assert page.evaluate("getComputedStyle(document.body).cursor") == "none"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body")
    sizes = page.evaluate(
        """['.hero .value', '.places .value', '.places th', '#app'].map((one) => parseFloat(getComputedStyle(document.querySelector(one)).fontSize))"""
    )
    assert all(size >= least for size, least in zip(sizes, (80, 26, 17, 20), strict=True)), sizes
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(6, 10, 9)"
    hidden = page.evaluate(
        "[document.documentElement, document.querySelector('main')]"
        ".map((one) => [one.scrollHeight - one.clientHeight, one.scrollWidth - one.clientWidth])"
    )
    assert hidden == [[0, 0], [0, 0]]  # nobody can scroll there
    titles = []
    for _ in range(4):
        titles.append(page.get_by_role("heading", level=1).inner_text())
        page.clock.run_for(16_000)
    assert titles == ["All parks", "Khu Bắc", "Khu Nam", "All parks"]


def an_alert(number: int) -> dict[str, Any]:
    return {
        "id": f"alert_{number}", "severity": "critical", "status": "firing", "summary": "stack/nox: hour mean 529.8, limit 350",
        "labels": {"park": "bac", "facility": "mill", "gateway": "gw-1", "channel": "stack/nox"}, "value": 529.8, "limit": 350.0,
        "unit": "mg/Nm3", "started_at": "2026-11-24T05:00:00Z", "acknowledged_at": None, "acknowledged_by": None,
        "assigned_to": None, "snoozed_until": None, "texts": {"first_action": {"vi": "Kiểm tra lọt khí.", "en": ""}},
    }  # fmt: skip


def test_on_a_small_wall_display_no_card_is_cut_off_however_much_there_is_to_tell(visit, service):
    events = told_by(service)
    [one] = [one for one in events["gateways"]["gateways"] if one["gateway"] == "gw-1"]
    events["gateways"]["gateways"] = [one | {"gateway": f"gw-{n}"} for n in range(12)]
    events["alerts"]["open"] = [an_alert(1), an_alert(2)]
    page = visit(viewport={"width": 1280, "height": 720}).told("?display=wall&lang=vi", events)

    expect(page.locator(".alert")).to_have_count(2)
    cards = page.locator("main .card, main .tile").all()
    boxes = [card.bounding_box() for card in cards]
    bottom = page.locator("main").evaluate("one => one.getBoundingClientRect().bottom")
    assert len(boxes) == 8
    assert all(box is not None and box["y"] + box["height"] <= bottom for box in boxes)
    ends = page.locator(".gateways").evaluate("one => one.getBoundingClientRect().bottom")
    lines = [line.bounding_box() for line in page.locator(".gateways li").all()]
    right = page.locator(".gateways").evaluate("one => one.getBoundingClientRect().right")
    shown = [line for line in lines if line is not None and line["x"] < right]
    assert shown  # each of them whole
    assert all(line["y"] + line["height"] <= ends for line in shown)


@pytest.mark.parametrize(("height", "language"), [(720, "vi"), (1080, "en")])
def test_solid_c_a_wall_display_counts_what_does_not_fit(visit, service, height, language):
    events = told_by(service)
    [one] = [one for one in events["gateways"]["gateways"] if one["gateway"] == "gw-1"]
    events["gateways"]["gateways"] = [one | {"gateway": f"gw-{n}"} for n in range(80)]
    events["alerts"]["open"] = [an_alert(n) for n in range(30)]
    page = visit(viewport={"width": height * 16 // 9, "height": height}).told(
        f"?display=wall&lang={language}", events
    )

    for card, all_of in ((".alerts", 30), (".gateways", 80)):
        seen = page.locator(f"{card} li:visible").all()
        bottom = page.locator(card).evaluate("one => one.getBoundingClientRect().bottom")
        note = page.locator(f"{card} .beyond")
        more = {"vi": f"+ {all_of - len(seen)} mục khác", "en": f"+ {all_of - len(seen)} more"}[language]
        expect(note).to_have_text(more)
        assert (box := note.bounding_box()) is not None
        assert box["y"] + box["height"] <= bottom
        lowest = [box["y"] + box["height"] for line in seen if (box := line.bounding_box()) is not None]
        assert len(lowest) == len(seen)
        assert seen
        assert max(lowest) <= bottom
    assert page.locator("main").evaluate("one => one.scrollHeight - one.clientHeight") <= 0


def test_a_table_stays_inside_its_card_in_both_languages(visit, service):
    events = told_by(service)
    for park in events["plant"]["parks"]:
        for facility in park["facilities"]:
            facility["title"] = "Wastewater plant of the park"
    for language in ("en", "vi"):
        page = visit(viewport={"width": 1280, "height": 860}).told(f"?lang={language}", events)
        assert page.locator(".places").evaluate("one => one.scrollWidth - one.clientWidth") <= 0


def test_dark_and_light_follow_the_system(visit):
    paper = {
        scheme: visit(color_scheme=scheme).live().evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }

    assert paper == {"light": "rgb(244, 246, 244)", "dark": "rgb(13, 20, 18)"}


@pytest.mark.parametrize(("scheme", "display"), [("light", "desk"), ("dark", "desk"), ("dark", "wall")])
def test_axe_finds_nothing(visit, scheme, display):
    page = visit(color_scheme=scheme).live(f"?lang=en&display={display}")

    assert axe_finds(page) == []
    page.evaluate("document.body.append(document.createElement('button'))")
    assert "button-name" in {one.partition(":")[0] for one in axe_finds(page)}  # it looks


def test_ages_go_by_the_clock_of_the_service_wherever_the_viewers_stands(visit):
    viewer = visit()
    viewer.page.clock.install(time=datetime.now(UTC) + timedelta(hours=3))
    shown = viewer.live().locator(".clock").inner_text()

    now = datetime.now(UTC) + timedelta(hours=7)
    off = (int(shown[:2]) * 60 + int(shown[3:5]) - now.hour * 60 - now.minute) % (24 * 60)
    assert min(off, 24 * 60 - off) < 5  # min


def test_a_display_takes_a_newer_page_by_itself(visit):
    viewer = visit()
    versions = iter(["v1", "v1", "v2", "v2"])

    def plant(route: Route) -> None:
        told = {"as_of": "2026-11-24T05:00:00Z", "page": next(versions, "v2"), "gwp": "AR5", "parks": []}
        body = f"event: plant\ndata: {json.dumps(told)}\n\n"
        route.fulfill(body=body, content_type="text/event-stream")

    viewer.page.route("**/v1/live", plant)
    viewer.open("?display=wall&lang=en")
    with viewer.page.expect_navigation(timeout=30_000):
        expect(viewer.page.get_by_text("This key shows no park.")).to_be_visible()

    expect(viewer.page.get_by_text("This key shows no park.")).to_be_visible()


def test_every_word_that_the_page_says_is_there_in_both_languages():
    code = {name: one.content.decode() for name, one in assets().items() if name.endswith(".js")}
    english, vietnamese, _ = re.split(r"  vi: \{|// Words of a page", code["text.js"], maxsplit=2)
    words = [set(re.findall(r"(?:^|[,{\s])(\w+): '", part)) for part in (english, vietnamese)]
    said = {
        word
        for name, text in code.items()
        if not name.startswith(BESIDE)
        for word in re.findall(r"say\('(\w+)'", text)
    }
    # What the API calls by a name of its own, and what tables and facts are headed by.
    said |= {"critical", "warning", "info", "silenced", "inhibited", "official", "provisional", "own"}
    said |= {
        word
        for name in ("alert.js", "place.js", "points.js")
        for word in re.findall(r"(?:name: |fact\()'([a-zA-Z_]+)'", code[name])
        if word not in {"co2", "others"}
    }
    of = {
        "unit_": ("day", "week", "month", "year", "range"),
        "by_": ("facility", "source", "scope", "gas"),
        "every": ("1h", "1d", "1mo"),
        "did_": re.findall(r"'(\w+)'", re.findall(r"KINDS = \[(.*)\]", code["alert.js"])[0]),
    }
    said |= {f"{first}{last}" for first, each in of.items() for last in each}

    assert words[0] == words[1]
    assert words[0] >= said


# --- without a mouse, and for those who do not see


def test_all_can_be_reached_by_keys(visit):
    page = visit().live("?lang=en&park=bac")
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
            )
        )

    assert reached[:6] == ["Skip to the figures", "All parks", "Khu Bắc", "Khu Nam", "Tiếng Việt", "Sign out"]
    assert any(one.startswith("Explain Khu Bắc, Today") for one in reached)
    while not page.evaluate("document.activeElement.dataset.do === 'explain'"):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.do") == "explain"  # the focus comes back


def test_the_focus_stays_where_it_is_while_values_move(visit, field):
    page = visit().live("?lang=en&park=bac")
    button = page.get_by_role("button", name=re.compile("Explain Khu Bắc, Today"))
    button.focus()
    before = page.locator(".hero .today").inner_text()

    def moved() -> bool:
        field.power(80_000.0)
        page.wait_for_timeout(200)
        return page.locator(".hero .today").inner_text() != before

    wait_until(moved, "the value does not move", 100)
    assert page.evaluate("document.activeElement.dataset.do") == "explain"


def test_everything_has_a_role_and_a_name(visit):
    page = visit().live("?lang=en&park=bac")

    for name in ("Now", "Today", "This month", "The last 24 hours", "Open alerts", "Gateways", "Facilities"):
        expect(page.get_by_role("heading", name=re.compile(f"^{name}"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("of 24 hours are known"))).to_be_visible()
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("navigation", name="Park")).to_be_visible()
    # Numbers that move are no live region: a screen reader would never fall silent.
    assert page.locator("main [aria-live], main [role=status]").count() == 0


def test_nothing_moves_for_those_who_do_not_want_it(visit):
    page = visit(reduced_motion="reduce").live()

    assert (
        page.evaluate("getComputedStyle(document.querySelector('.hero .value')).transitionDuration") == "0s"
    )


# --- when the service is away; last, because it is ended


def test_a_lost_stream_is_said_numbers_age_and_it_comes_back_where_it_was(visit, service, field):
    viewer = visit()
    page = viewer.live("?lang=en&park=bac")
    field.ph(9.7)
    expect(page.locator(".alert")).to_contain_text("too alkaline", timeout=30_000)
    assert service.term() == 0

    expect(page.get_by_role("alert")).to_contain_text("No connection since", timeout=30_000)
    expect(page.locator("#app.aged")).to_be_visible()
    expect(page.locator(".hero .today .value")).not_to_have_text(UNKNOWN)  # what was known stays, marked
    sent = len(viewer.requests)
    service.start()

    expect(page.get_by_role("alert")).to_have_count(0, timeout=60_000)
    expect(page.locator("#app.aged")).to_have_count(0)
    again = [one for one in viewer.requests[sent:] if one.url.endswith("/v1/live")]
    assert len(again[-1].headers["last-event-id"]) == 32
    expect(page.locator(".alert")).to_contain_text("too alkaline")
