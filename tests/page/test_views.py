"""The page over time and places in Chromium, against a service that knows more than a year."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.page.viewer import Viewer, axe_finds, key_of
from tests.page.year import BASINS, GREW, SILENT_HOURS, ZONE, Year, year
from tests.servers import wait_until

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
MOST_CLICKS = 3
UNKNOWN = "\N{EN DASH}"
NOW = datetime.now(ZONE)
LAST = NOW.replace(day=1) - timedelta(days=1)
WHOLE = LAST.replace(day=1) - timedelta(days=1)  # a day of a month of which all is known
MONTH = f"{WHOLE:%Y-%m}"
# Of the first days of a month too little is known to tell what grew in it.
GREW_IN = (NOW if NOW.day > 1 else NOW - timedelta(days=1)).strftime("%Y-%m")


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    with year(tmp_path_factory.mktemp("views")) as made:
        yield made


@pytest.fixture(scope="module")
def alarm(past: Year) -> None:
    """Thirteen alerts of one facility."""
    past.water(9.6, ("ph", *BASINS))
    wait_until(
        lambda: len(past.service.get("/v1/alerts", status="open").json()["alerts"]) == 13, "all alerts fire"
    )


Visit = Callable[..., Viewer]


@pytest.fixture
def visit(browser: Browser, past: Year) -> Iterator[Visit]:
    """Give what opens a browser of its own; at the end nobody may have complained or asked anybody else."""
    opened: list[tuple[BrowserContext, Viewer]] = []

    def visit(**options: Any) -> Viewer:
        given = {"locale": "en-GB", "timezone_id": "America/Lima", "viewport": DESK} | options
        opened.append((context := browser.new_context(**given), Viewer(context, past.service)))
        return opened[-1][1]

    yield visit
    for context, viewer in opened:
        context.close()
        assert viewer.complaints == []
        assert [one.url for one in viewer.requests if not one.url.startswith(viewer.url)] == []


def looked_at(page: Page) -> Page:
    """Return the page once its view is there."""
    expect(page.locator(".looking[aria-busy=false]")).to_be_visible()
    return page


def row(past: Year, **query: str) -> dict[str, Any]:
    [one] = past.service.get("/v1/totals", **query).json()["totals"]
    return dict(one)


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


# --- an operator's ten questions (docs/operator.md), each answered by at most three clicks

WORDS = {
    "en": {
        "day": "Day", "month": "Month", "year": "Year", "before": "Before:", "sources": "Sources", "scopes": "Scopes", "all": "All alerts",
        "against": "Against the period before", "yearAgo": "Against the year before", "grew": "Grew most", "silent": "silent since", "gateway": "online", "course": "What happened",
        "told": "Who was told", "now": "Present value", "ackAll": "Acknowledge all 12", "explain": "Explain", "parts": "What it is made of", "scope": "Scope 1", "who": "Go on", "by": "acknowledged by Lan",
    },
    "vi": {
        "day": "Ngày", "month": "Tháng", "year": "Năm", "before": "Trước:", "sources": "Nguồn", "scopes": "Phạm vi", "all": "Mọi cảnh báo",
        "against": "So với kỳ trước", "yearAgo": "So với năm trước", "grew": "Tăng nhiều nhất", "silent": "im lặng từ", "gateway": "trực tuyến", "course": "Diễn biến",
        "told": "Ai đã được báo", "now": "Giá trị hiện tại", "ackAll": "Nhận xử lý cả 12", "explain": "Giải thích", "parts": "Gồm những phần nào", "scope": "Phạm vi 1", "who": "Tiếp tục", "by": "Lan đã nhận xử lý",
    },
}  # fmt: skip


class Asking:
    """Somebody who has a question, in a language; every press is counted."""

    def __init__(self, page: Page, language: str) -> None:
        self.page = page
        self.words = WORDS[language]
        self.clicks = 0

    def press(self, found: Locator) -> None:
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS
        found.click()

    def link(self, word: str, *, inside: str = "main") -> None:
        name = re.compile(f"^{re.escape(self.words.get(word, word))}")
        self.press(self.page.locator(inside).get_by_role("link", name=name).first)

    def sees(self, inside: str, *words: str) -> None:
        for word in words:
            expect(self.page.locator(inside).first).to_contain_text(self.words.get(word, word))


@pytest.fixture(params=[("en", DESK, "light"), ("vi", PHONE, "dark")], ids=["desk", "phone"])
def asking(request: pytest.FixtureRequest, visit: Visit) -> Asking:
    language, size, scheme = request.param
    page = visit(viewport=size, color_scheme=scheme).live(f"?lang={language}&park=bac")
    return Asking(page, language)


def test_question_1_how_much_yesterday_against_the_day_before(asking, past):
    asking.link("day")
    asking.link("before")

    yesterday = (NOW - timedelta(days=1)).strftime("%Y-%m-%d")
    looked_at(asking.page)
    assert f"period={yesterday}" in asking.page.url
    asking.sees(".against", "against", "%")
    told = row(past, period=yesterday, level="park", park="bac")
    shown = asking.page.locator(".hero .today .value").inner_text()
    if asking.words is WORDS["vi"]:
        shown = shown.replace(".", "").replace(",", ".")
    assert number(shown) == pytest.approx(told["co2e_t"], rel=0.01)


def test_question_2_how_much_this_month_against_as_long_a_part_of_before_and_of_last_year(asking):
    asking.link("month")

    looked_at(asking.page)
    asking.sees(".hero", "against", "yearAgo")
    expect(asking.page.locator(".against .note a")).to_have_count(2)


def test_question_3_which_source_grew_most_this_month(asking):
    asking.page.goto(
        f"{asking.page.url.partition('?')[0]}?lang={asking.page.evaluate('document.documentElement.lang')}&park=bac&period={GREW_IN}"
    )
    asking.link("sources")

    looked_at(asking.page)
    asking.sees("[data-key=parts-table]", "grew", GREW)


def test_question_4_which_meter_is_silent_since_when(asking):
    asking.press(asking.page.locator(".hero").get_by_role("link", name="lorries/diesel"))

    looked_at(asking.page)
    asking.sees("[data-key=facts]", "silent")
    # Its last reading is that of a full hour.
    expect(asking.page.locator("[data-key=facts]")).to_contain_text(
        re.compile(rf"({SILENT_HOURS}|{SILENT_HOURS + 1}) (h|giờ)")
    )


def test_question_5_is_the_gateway_of_that_meter_there(asking):
    asking.press(asking.page.locator(".hero").get_by_role("link", name="lorries/diesel"))
    asking.press(looked_at(asking.page).get_by_role("link", name="gw-foundry").first)

    expect(asking.page.get_by_role("heading", level=1)).to_have_text("gw-foundry")
    asking.sees("[data-key=facts]", "gateway")


def test_question_6_how_much_of_what_did_a_source_burn(asking, past):
    asking.link("month")
    asking.link("before")
    asking.link("sources")

    looked_at(asking.page)
    asking.sees("[data-key='bac/mill/furnace-1']", "Nm3")


def test_question_7_what_is_of_which_scope_this_year(asking, past):
    asking.link("year")
    asking.link("scopes")

    looked_at(asking.page)
    asking.sees("[data-key=parts-table]", "scope")
    expect(asking.page.locator(".chart .p1").first).to_be_attached()


def test_question_8_why_is_the_number_what_it_is(asking):
    asking.press(
        asking.page.get_by_role("button", name=re.compile(f"^{asking.words['explain']} Khu Bắc")).first
    )

    expect(asking.page.get_by_role("dialog")).to_contain_text(asking.words["parts"])


def test_question_9_what_did_the_alert_do(asking, alarm):
    asking.link("all")
    asking.press(looked_at(asking.page).get_by_role("link", name="The water is too alkaline").first)

    looked_at(asking.page)
    asking.sees("[data-key=one]", "now", "9")
    asking.sees("[data-key=happened]", "course")
    asking.sees("[data-key=told]", "told", "desk")
    expect(asking.page.locator(".chart .limit")).to_be_attached()
    tops = [
        float(one)
        for one in re.findall(
            r"[ML][\d.]+ ([\d.]+)", asking.page.locator(".chart .curve").get_attribute("d") or ""
        )
    ]
    assert min(tops) < float(
        asking.page.locator(".chart .limit").get_attribute("y1") or 0
    )  # it passes the limit


def test_question_10_many_alerts_of_one_cause_are_taken_at_once(asking, past, alarm):
    """The tonnes stand first, however many there are."""
    assert (box := asking.page.locator(".hero .today").bounding_box()) is not None
    assert box["y"] + box["height"] < 740
    expect(asking.page.locator(".alert.group")).to_have_count(1)
    if asking.words is WORDS["vi"]:  # they can be taken only once
        return
    asking.press(asking.page.get_by_role("button", name=asking.words["ackAll"]))
    asking.page.get_by_role("dialog").get_by_role("textbox").fill("Lan")
    asking.page.get_by_role("button", name=asking.words["who"]).click()

    expect(asking.page.locator(".alert.group.taken")).to_be_visible(timeout=30_000)
    taken = past.service.get("/v1/alerts", status="acknowledged").json()["alerts"]
    assert [one["acknowledged_by"] for one in taken] == ["Lan"] * 12


# --- where one is


def test_an_address_says_it_all_and_shows_the_same_to_whoever_opens_it(visit):
    page = visit().live("?lang=en")
    page.get_by_role("link", name="Month", exact=True).click()
    page.get_by_role("navigation", name="Park").get_by_role("link", name="Khu Bắc").click()
    looked_at(page).locator(".by").get_by_role("link", name="Sources").click()
    looked_at(page)
    sent = page.url
    shown = page.locator(".hero .today .value").inner_text()

    assert sent.partition("?")[2] == f"park=bac&period={NOW:%Y-%m}&by=source&lang=en"
    theirs = visit(locale="vi-VN")
    other = theirs.open("?" + sent.partition("?")[2])
    expect(other.locator(".hero .today .value")).to_have_text(shown)
    expect(other.locator(".by [aria-current]")).to_have_text("Sources")


def test_back_leads_back_and_a_button_of_language_changes_the_address(visit):
    page = visit().live("?lang=en&park=bac")
    page.locator(".places").get_by_role("link", name="Rolling mill").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rolling mill")
    page.get_by_role("button", name="Tiếng Việt").click()
    assert page.url.endswith("lang=vi")
    page.go_back()

    expect(page.get_by_role("heading", level=1)).to_have_text("Khu Bắc")
    expect(page.locator(".hero .now")).to_be_visible()


def test_periods_are_reached_by_keys(visit):
    page = visit().open("?lang=en&park=bac&period=2025-11-24")
    looked_at(page)
    for key, expected in (("ArrowLeft", "2025-11-23"), ("ArrowRight", "2025-11-24")):
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(f"period={expected}&"))
    page.locator(".periods a").first.focus()
    for key, expected in (("w", "2025-W48"), ("m", "2025-11"), ("y", "2025"), ("d", "2025-01-01")):
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(f"period={expected}&"))
        page.locator(".periods a").first.focus()


def test_a_range_is_chosen_by_its_days(visit):
    page = visit().open(f"?lang=en&park=bac&period={MONTH}-01..{MONTH}-10")
    looked_at(page).get_by_label("From").fill(f"{MONTH}-03")
    page.get_by_label("Until").fill(f"{MONTH}-05")
    page.get_by_role("button", name="Show").click()

    expect(page).to_have_url(re.compile(f"period={MONTH}-03..{MONTH}-05&"))
    expect(page.locator(".chosen")).to_contain_text(re.compile(rf"3\W+5 {WHOLE:%b}"))
    expect(looked_at(page).locator(".chart g:has(> .part)")).to_have_count(3)


def test_periods_are_those_of_the_calendar_and_of_the_parks_clock(visit):
    """ISO weeks, months of any length, a day of 23 hours."""
    page = visit().live("?lang=en")
    found = page.evaluate(
        """async () => {
            const { periodOf, moved, yearBefore, midnight, span } = await import('/assets/address.js');
            const of = (text) => periodOf(text), text = (one) => one?.text ?? null;
            const paris = span(of('2026-03-29'), 'Europe/Paris', Date.parse('2026-06-01T00:00:00Z'), 60000);
            const part = span(of('2026-11'), 'Asia/Ho_Chi_Minh', Date.parse('2026-11-10T05:00:30Z'), 60000);
            return [text(moved(of('2026-W01'), -1)), text(yearBefore(of('2026-W48'))), text(moved(of('2026-03'), -1)), text(yearBefore(of('2028-02-29'))),
                text(moved(of('2026-11-01..2026-11-10'), -1)), text(of('2026-13')), text(of('2026-11-10..2026-11-01')), text(of('x')),
                new Date(midnight(Date.UTC(2026, 10, 24), 'Asia/Ho_Chi_Minh')).toISOString(), (paris.to - paris.from) / 3600000,
                new Date(part.before.from).toISOString(), new Date(part.before.to).toISOString(), part.every];
        }"""
    )

    assert found == [
        "2025-W52", "2025-W48", "2026-02", "2027-02-28", "2026-10-22..2026-10-31", None, None, None,
        "2026-11-23T17:00:00.000Z", 23, "2026-09-30T17:00:00.000Z", "2026-10-10T05:00:00.000Z", "1d",
    ]  # fmt: skip


# --- the numbers


@pytest.mark.parametrize("by", ["facility", "source", "scope"])
def test_a_place_says_what_the_api_does_and_its_bars_add_up_to_it(visit, past, by):
    page = looked_at(visit().open(f"?lang=en&park=bac&period={MONTH}&by={by}"))
    level, parted = ("park", "scope") if by == "scope" else (by, "none")
    told = past.service.get("/v1/totals", period=MONTH, level=level, by=parted, park="bac").json()["totals"]

    shown = page.locator("[data-key=parts-table] tbody tr td:nth-of-type(2)").all_inner_texts()
    assert sorted(map(number, shown)) == pytest.approx(sorted(one["co2e_t"] for one in told), rel=0.01)
    page.get_by_text("As a table").click()
    columns = page.locator("[data-key=chart] thead th").count() - 2
    cells = page.locator("[data-key=chart] tbody td").all_inner_texts()
    known = [number(text) for place, text in enumerate(cells) if place % (columns + 1) < columns]
    assert sum(known) == pytest.approx(row(past, period=MONTH, level="park", park="bac")["co2e_t"], rel=0.01)


def test_a_facility_is_told_per_unit_of_what_it_makes(visit, past):
    end = datetime.now(ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = f"{end - timedelta(days=1):%Y-%m}"
    page = looked_at(visit().open(f"?lang=en&park=bac&facility=mill&period={last}"))
    page.locator("[data-key=per]").get_by_role("link", name="product/billets").click()
    shown = page.locator("[data-key=per] .figure")
    expect(shown).to_have_text(re.compile("t/t$"))

    tonnes = row(past, period=last, level="facility", facility="mill")["co2e_t"]
    asked = {"kind": "activity", "every": "1mo", "from": f"{last}-01T00:00:00+07:00", "to": end.isoformat()}
    of = {"park": "bac", "facility": "mill", "channel": "product/billets"}
    [made] = past.service.get("/v1/series", **asked, **of).json()["values"]
    assert number(shown.inner_text()) == pytest.approx(tonnes / made, rel=1e-3)
    assert page.locator("[data-key=per] tbody tr").count() >= 28
    expect(page).to_have_url(re.compile("per=product"))  # the view can be sent


def test_gases_are_told_apart(visit, past):
    page = looked_at(visit().open(f"?lang=en&park=bac&period={MONTH}&by=gas"))
    told = row(past, period=MONTH, level="park", park="bac")

    expect(page.locator(".legend.parts li")).to_have_text(["CO₂", "Other gases as CO₂e"])
    cells = page.locator("[data-key=parts-table] tbody tr td:nth-of-type(1)").all_inner_texts()
    expected = [told[name] for name in ("co2_kg", "ch4_kg", "n2o_kg", "co2_biogenic_kg")]
    assert [number(one) for one in cells] == pytest.approx(expected, abs=0.5)


def test_what_was_not_measured_then_has_not_grown(visit):
    """Of that month of the year before nothing is known: no percentage is told, and why."""
    month = NOW - timedelta(days=130)
    page = looked_at(visit().open(f"?lang=en&park=bac&period={month:%Y-%m}"))

    expect(page.locator("[data-key=beforeThat] .value")).to_contain_text("%")
    expect(page.locator("[data-key=yearAgo] .value")).to_have_text(UNKNOWN)
    expect(page.locator("[data-key=yearAgo]")).to_contain_text("nothing was read of 7 sources")


def test_places_with_coordinates_are_on_a_map(visit, past):
    page = looked_at(visit().open(f"?lang=en&period={MONTH}"))
    told = past.service.get("/v1/totals", period=MONTH, level="park").json()["totals"]

    shown = page.get_by_role("img", name=re.compile("^Map: Khu Bắc .* Khu Nam"))
    expect(shown).to_be_visible()
    sizes = [float(one.get_attribute("r") or 0) ** 2 for one in shown.locator(".spot").all()]
    assert sizes[1] / sizes[0] == pytest.approx(told[1]["co2e_t"] / told[0]["co2e_t"], rel=0.01)
    page.locator("[data-key=map]").get_by_role("link", name="Khu Nam").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Khu Nam")


def test_energy_stands_beside_the_tonnes(visit, past):
    page = looked_at(visit().open(f"?lang=en&park=bac&facility=mill&period={MONTH}"))
    [grid] = [
        one
        for one in past.service.get("/v1/totals", period=MONTH, level="source", facility="mill").json()[
            "totals"
        ]
        if one["source"] == "incomer"
    ]

    amounts = page.locator(".amounts li")
    expect(amounts.filter(has_text="kWh")).to_contain_text(
        f"{grid['activity']:,.0f} kWh = {grid['activity'] * 0.0036:,.0f} GJ"
    )
    expect(amounts.filter(has_text="Nm3")).to_be_visible()


def test_the_silent_meter_is_named_where_the_number_lacks_it(visit):
    page = looked_at(visit().open(f"?lang=en&park=bac&facility=foundry&period={NOW:%Y-%m-%d}"))

    expect(page.locator(".hero .silent")).to_contain_text("1 channel is silent: lorries/diesel since")
    page.locator(".hero .silent").get_by_role("link", name="lorries/diesel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("lorries/diesel")


def test_a_number_of_before_the_silence_lacks_nothing(visit):
    page = looked_at(visit().open(f"?lang=en&park=bac&facility=foundry&period={MONTH}"))

    expect(page.locator(".hero .today .value")).to_be_visible()
    expect(page.locator(".hero .silent, [data-key=parts-table] .silent")).to_have_count(0)


def test_a_number_of_a_period_explains_itself(visit):
    page = looked_at(visit().open(f"?lang=en&park=bac&facility=mill&period={MONTH}"))
    page.get_by_role("button", name=re.compile("^Explain furnace-1")).click()

    dialog = page.get_by_role("dialog", name="Why this number")
    expect(dialog).to_contain_text("Rolling mill")
    expect(dialog).to_contain_text("furnace-1")
    expect(dialog.locator(".figure .value")).to_be_visible()


def test_a_key_of_one_facility_shows_that_facility_alone(visit, past):
    page = looked_at(
        visit().open(f"?lang=en&period={MONTH}", key=key_of(past.service, "foundry", "bac/foundry"))
    )

    told = past.service.get("/v1/totals", period=MONTH, facility="foundry").json()["totals"][0]
    assert number(page.locator(".hero .today .value").inner_text()) == pytest.approx(told["co2e_t"], rel=0.01)
    assert "Rolling mill" not in page.locator("body").inner_text()


def test_what_is_not_there_is_said(visit):
    viewer = visit()
    page = viewer.open(f"?lang=en&park=bac&facility=nowhere&period={MONTH}")

    expect(page.get_by_role("alert")).to_contain_text("nowhere")


def test_dashes_are_for_more_than_the_share_that_was_chosen(visit):
    page = visit().live("?lang=en")
    kinds = """async () => {
        const { trust } = await import('/assets/draw.js');
        return [0.009, 0.011, 0.06].map((missing) => trust(1, { substituted: 0, missing }));
    }"""
    assert page.evaluate(kinds) == ["measured", "incomplete", "incomplete"]
    page.goto(f"{page.url}&dashes=5")
    expect(page.locator(".hero .today .value")).to_be_visible()

    assert page.evaluate(kinds) == ["measured", "measured", "incomplete"]


def test_a_column_has_one_scale_of_decimals(visit):
    page = visit().live("?lang=en")
    scales = page.evaluate(
        """async () => {
            const { scale } = await import('/assets/draw.js');
            return [[1234.5, 0.5], [12.3, 4], [0.004], [90000, 3], [null], []].map(scale);
        }"""
    )
    assert scales == [2, 2, 3, 1, 0, 0]
    for column in (2, 3):
        shown = page.locator(f".places td:nth-of-type({column}) .value").all_inner_texts()
        assert len({len(one.partition(".")[2]) for one in shown if one != UNKNOWN}) == 1


# --- taken along


def saved(page: Page, name: str) -> bytes:
    with page.expect_download() as waited:
        page.get_by_role("button", name=name, exact=False).first.click()
    return Path(waited.value.path()).read_bytes()


def test_tables_and_charts_are_taken_along(visit, past):
    page = looked_at(visit().open(f"?lang=en&park=bac&period={MONTH}&by=source"))

    rows = list(csv.DictReader(io.StringIO(saved(page, "CSV: Sources").decode())))
    assert {one["source"] for one in rows} >= {"incomer", "furnace-1", "lorries"}
    assert {"co2e [t]", "coverage [1]", "factors", "previous_co2e [t]", "from", "gwp"} <= set(rows[0])
    steps = list(csv.reader(io.StringIO(saved(page, "CSV: Tonnes").decode())))
    assert len(steps) == WHOLE.day + 1
    assert "bac/mill/furnace-1 [t]" in steps[0]
    assert saved(page, "XLSX: Sources")[:2] == b"PK"
    drawing = saved(page, "SVG: Tonnes").decode()
    assert f"Khu Bắc, {WHOLE:%B %Y}" in drawing
    assert "Asia/Ho_Chi_Minh" in drawing
    assert 'fill="rgb(42, 125, 98)"' in drawing
    named = page.locator(".legend.parts li").all_inner_texts()
    assert len(named) == 6
    assert all(f">{name.strip()}</text>" in drawing for name in named)
    assert saved(page, "PNG: Tonnes")[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_table_of_the_page_itself_is_taken_along_and_text_is_no_formula(visit):
    page = looked_at(visit().open(f"?lang=en&park=bac&facility=foundry&period={MONTH}"))
    rows = list(csv.DictReader(io.StringIO(saved(page, "CSV: Channels").decode())))

    assert [one["Channel"] for one in rows] == ["cupola/gas", "incomer/energy", "lorries/diesel"]
    told = page.evaluate(
        """async () => (await import('/assets/files.js')).table([['=1+1', 'a"b,c', -1.5, null]])"""
    )
    assert told == '\'=1+1,"a""b,c",-1.5,\r\n'


def test_on_paper_nothing_is_there_to_be_pressed(visit):
    page = looked_at(visit(color_scheme="dark").open(f"?lang=en&park=bac&period={MONTH}"))
    page.emulate_media(media="print")

    pressed = ".take button, .tools button, .actions button, .periods > a, .by a, summary, header nav a"
    assert page.locator(pressed).count() > 10
    assert [one.inner_text() for one in page.locator(pressed).all() if one.is_visible()] == []
    expect(page.locator(".chart.tall")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_channel_shows_its_limits_and_its_means_against_the_one_in_force(visit, past):
    """Of yesterday three hours of a pH of 7 are known, and one of 9.5."""
    start = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    minutes = [start + timedelta(minutes=at) for at in range(0, 241, 10)]
    readings = [
        {"channel": "water/basin-13", "time": at.isoformat(), "value": 9.5 if at.hour == 1 else 7.0, "unit": "pH"} for at in minutes
    ]  # fmt: skip
    past.tell("bac", "mill", readings)
    asked = {
        "park": "bac",
        "name": "basin-13",
        "from": start.isoformat(),
        "to": (start + timedelta(days=1)).isoformat(),
    }
    wait_until(
        lambda: past.service.get("/v1/limits", **asked).json()["standards"][0]["limits"][0]["known"] == 4,
        "four hours are known",
    )

    page = looked_at(
        visit().open(f"?lang=en&park=bac&facility=mill&channel=water/basin-13&period={start:%Y-%m-%d}")
    )

    cells = page.locator("[data-key='limits-basin-13'] tbody tr").first.locator("th, td")
    told = [" ".join(one.split()) for one in cells.all_inner_texts()]
    assert told[:3] == ["vn-40-2011-ph/2025-09-01 provisional", "in force", f"5.5 {UNKNOWN} 9"]
    assert told[4] == "1"
    expect(page.locator("[data-key='limits-basin-13-curve'] svg")).to_be_visible()


# --- looks

VIEWS = {
    "place": f"park=bac&period={MONTH}&by=source",
    "facility": f"park=bac&facility=foundry&period={MONTH}",
    "source": "park=bac&facility=mill&source=furnace-2&period=2026&by=gas",
    "channel": f"park=bac&facility=foundry&channel=lorries/diesel&period={MONTH}",
    "level": "park=bac&facility=mill&channel=water/ph",
    "limits": "park=bac&facility=mill&channel=water/basin-13",
    "gateway": "park=bac&facility=mill&gateway=gw-mill",
    "alerts": "alerts=all",
}


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_legible_named_and_fits_everywhere(visit, alarm, view):
    """Each on a phone and at a desk, in both languages, light and dark; every other one the other way round."""
    schemes = ("light", "dark") if list(VIEWS).index(view) % 2 else ("dark", "light")
    for language, size, scheme in zip(("vi", "en"), (PHONE, DESK), schemes, strict=True):
        page = looked_at(visit(viewport=size, color_scheme=scheme).open(f"?lang={language}&{VIEWS[view]}"))

        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert axe_finds(page) == []
        assert page.locator("main [data-key] h2, main h1, header h1").count() >= 2
        page.context.close()


@pytest.mark.parametrize("view", ["place", "channel"])
def test_nothing_moves_while_a_view_is_loaded(visit, view):
    viewer = visit()
    viewer.context.add_init_script(
        "window.moved = 0; new PerformanceObserver((all) => all.getEntries().forEach((one) => { window.moved += one.value; }))"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    page = looked_at(viewer.open(f"?lang=en&{VIEWS[view]}"))
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    assert page.evaluate("window.moved") < 0.02
