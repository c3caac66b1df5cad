"""What a message in chat or mail says of each thing that is told, in both languages; docs/messages.md shows the same."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerts.engine.raised import filled, numbers_in
from alerts.tables.alerts import Raised, begin, end
from alerts.tables.notices import send
from notify.chat_message import LONGEST_BODY, Audience, message
from plant.alert_rules.rule_library import library
from plant.park import Facility, Park
from plant.places import Places
from plant.vocabulary import NS_PER_MIN, NS_PER_S
from store.sqlite import transaction
from tests.alerts.test_notices import Told
from tests.frame.repository import ROOT
from tests.notify.state import endpoint, new_state

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
PLACES = Places(
    (Park("nam-cau-kien", "KCN Nam Cầu Kiền", HANOI),),
    (Facility("nam-cau-kien", "mill", "Cán thép"), Facility("nam-cau-kien", "foundry", "Xưởng đúc")),
)
NIGHT = 1_795_464_750 * NS_PER_S  # 2026-11-23T20:12:30Z, 03:12:30 in Hanoi
API = "https://sm.example"
KINDS = ("fired", "reminder", "escalated", "resolved", "group", "gateway")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(new_state(tmp_path / "state.db")) as connection:
        yield connection


def raised(
    line: sqlite3.Connection, number: str, use: str, value: float, limit: float, unit: str, **more
) -> str:
    """Let a rule of the library fire, on `channel` of `facility`, `minutes` after the night's first alert."""
    rule, comparison = library()[use], more.get("comparison", ">")
    labels = {"park": "nam-cau-kien", "facility": more.get("facility", "mill"), "gateway": "gw1"}
    if "channel" in more:
        labels["channel"] = more["channel"]
    texts = {
        name: {one: filled(getattr(text, one), {**labels, "unit": unit, **numbers_in(one, value, limit)}) for one in ("vi", "en")}
        for name, text in (("summary", rule.summary), ("description", rule.description), ("first_action", rule.first_action))
    }  # fmt: skip
    made = Raised(
        number, use, rule.severity, NIGHT + more.get("minutes", 0) * NS_PER_MIN, value, limit, unit, labels,
        texts["summary"]["en"], texts["description"]["en"], texts, comparison=comparison,
    )  # fmt: skip
    with transaction(line):
        begin(line, made)
    return number


def over(line: sqlite3.Connection, number: str, minutes: int, value: float) -> str:
    with transaction(line):
        end(line, number, NIGHT + minutes * NS_PER_MIN, value)
    return number


def body(line: sqlite3.Connection, notice: Told, covered=None) -> dict:
    """Return the body that the newest notice has, with links as a service with a public address makes them."""
    with transaction(line):
        send(line, endpoint(), notice, covered or {}, now=NIGHT + 10 * NS_PER_S, api_url=API, key=b"k" * 32)
    (made,) = line.execute("SELECT body FROM webhook ORDER BY id DESC LIMIT 1").fetchone()
    return json.loads(made)


def nox(line: sqlite3.Connection, number: str = "alert_1") -> str:
    return raised(line, number, "stack-limit", 1250.5, 850, "mg/Nm3", channel="stack1/nox")


def of_kind(line: sqlite3.Connection, kind: str) -> dict:
    """Return a body of each kind of notice."""
    first = raised(line, "g", "gateway-silent", 1860, 900, "s") if kind == "gateway" else nox(line)
    notice = Told((first,), labels="{}")
    match kind:
        case "reminder":
            return body(line, replace(notice, repeat=2))
        case "escalated":
            return body(line, replace(notice, escalation="1:boss"))
        case "resolved":
            return body(line, replace(notice, firing=(), resolved=(over(line, first, 147, 610),)))
        case "group":
            near = raised(
                line, "b", "stack-limit-warning", 480, 450, "mg/Nm3", channel="stack1/so2", minutes=4
            )
            still = raised(
                line, "c", "flatline", 0, 0.1, "%", channel="stack1/o2", minutes=-60, comparison="<"
            )
            return body(line, replace(notice, firing=(first, near), resolved=(over(line, still, 3, 0.4),)))
        case "gateway":
            behind = [
                raised(line, f"d{n}", "data-gap", 0, 48, "min", channel=f"mdb{n}/energy", comparison="<")
                for n in range(7)
            ]
            return body(line, notice, {first: behind})
    return body(line, notice)


def said(told: dict, language: str, zone: ZoneInfo | None = None) -> str:
    """Return title and text; the link, which is signed anew for each alert, without its token."""
    title, text = message(told, Audience(language, zone, PLACES), NIGHT + 130 * NS_PER_MIN)
    head, link, token = text.partition(f"{API}/a/")
    return f"{title}\n{head}{link}{'…' if token else ''}"


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_solid_c_each_kind_of_message_says_what_the_documentation_shows(line, kind, language):
    shown = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")

    assert f"```text\n{said(of_kind(line, kind), language)}\n```" in shown


@pytest.mark.parametrize(
    ("language", "facts"),
    [
        ("vi", ["trên ngưỡng 850,0 mg/Nm3", "1.250,5", "03:12 24/11/2026 (UTC+07:00)", "KCN Nam Cầu Kiền · Cán thép · gw1 · stack1/nox"]),
        ("en", ["above 850.0 mg/Nm3", "1,250.5", "2026-11-24 03:12 (UTC+07:00)", "KCN Nam Cầu Kiền · Cán thép · gw1 · stack1/nox"]),
    ],
)  # fmt: skip
def test_solid_c_a_message_has_place_value_limit_since_first_action_and_link(line, language, facts):
    text = said(of_kind(line, "fired"), language)

    first = getattr(library()["stack-limit"].first_action, language)
    for fact in (*facts, first, f"{API}/a/"):
        assert fact in text


def test_solid_c_a_receiver_s_own_clock_goes_before_that_of_the_park(line):
    told = of_kind(line, "fired")

    assert "2026-11-23 21:12 (UTC+01:00)" in said(told, "en", ZoneInfo("Europe/Berlin"))
    assert "2026-11-23 20:12 (UTC+00:00)" in message(told, Audience("en"), NIGHT)[1]  # of no known park


def test_solid_c_a_group_lists_all_its_alerts_and_says_which_are_over(line):
    text = said(of_kind(line, "group"), "en").splitlines()

    heading = text.index("And 2 more:")
    assert text[heading + 1].startswith("• Warning: stack1/so2: ")
    assert text[heading + 1].endswith("since 11-24 03:16")
    assert text[heading + 2].endswith("over after 1 h 3 min")


def test_solid_c_a_group_elsewhere_says_where_and_one_that_is_too_long_counts_what_it_leaves_out(line):
    firing = [nox(line)] + [
        raised(line, f"a{n}", "stack-limit-warning", 480, 450, "mg/Nm3", channel=f"furnace-{n}/sulphur-dioxide", facility="foundry")
        for n in range(30)
    ]  # fmt: skip
    told = body(line, Told(tuple(firing), labels="{}"))

    for language in ("vi", "en", "both"):
        title, text = message(told, Audience(language, None, PLACES), NIGHT)
        listed = sum(row.startswith("• ") for row in text.splitlines())
        left = [row for row in text.splitlines() if row.startswith("… ")]
        assert len(text) <= LONGEST_BODY
        assert title.endswith(": KCN Nam Cầu Kiền")
        assert text.splitlines()[-1].endswith(told["data"]["links"]["acknowledge"])
        if language != "both":
            assert f" {30 - listed} " in left[0]
            assert listed > 2
            assert "(Xưởng đúc)" in text


def test_solid_c_whoever_reads_both_languages_is_told_all_that_matters_in_each(line):
    text = said(of_kind(line, "escalated"), "both")

    for words in ("CHUYỂN CẤP · Nghiêm trọng / ESCALATED · Critical", "chưa ai nhận xử lý", "nobody has acknowledged it",
                  "Việc cần làm trước: ", "What to do first: ", "Nhận xử lý hoặc tạm hoãn / Acknowledge or snooze: "):  # fmt: skip
        assert words in text


def test_solid_c_an_alert_without_value_and_limit_says_nothing_of_them(line):
    told = body(line, Told((raised(line, "x", "gateway-offline", float("nan"), float("nan"), ""),)))

    assert "Value" not in said(told, "en")
    assert "nan" not in said(told, "both").lower()
