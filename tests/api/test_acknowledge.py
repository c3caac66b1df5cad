"""The link in a message: what it shows, what it does, and what it never does."""

import base64
import hashlib
import json
import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from urllib.parse import urlsplit

import msgspec
import pytest

from alerts.tables.actions import AlertAction
from alerts.tables.links import Link, acknowledge_link, link_key, read_link
from alerts.tables.notices import save_group, send
from alerts.telling.groups import Group
from alerts.telling.groups import Told as Told_
from api.accounting import periods
from plant.vocabulary import NS_PER_DAY, NS_PER_S
from tests.alerts.test_notices import Told
from tests.api.alerts import LABELS, START, TEXTS, Alerts, number, routed
from tests.api.state import AS_OF, TOKEN, State

KEY = link_key(TOKEN)
VI = {"Accept-Language": "vi-VN,vi;q=0.9,en;q=0.8"}
NO_HEADERS: dict[str, str] = {}


@pytest.fixture
def api(tmp_path):
    state = State(tmp_path / "state.db", routed("desk", "lan"))
    made = Alerts(state)
    yield made
    made.reader.close()
    state.close()


class Page(HTMLParser):
    """The words of a page, what it asks for outside, and what is in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def link(which: str, now: int = AS_OF, key: bytes = KEY) -> str:
    return acknowledge_link("", key, which, "lan", now)


def page(answer) -> Page:
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text)


def look(api, path: str, headers=NO_HEADERS):
    return api.ask(path, headers=headers)


def press(api, path: str, name: str = "", headers=NO_HEADERS, do: str = "acknowledge"):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return api.ask(path, "POST", headers={**form, **headers}, data={"by": name, "do": do})


def chosen(told: Page) -> list[str | None]:
    """Return what the buttons of a page do."""
    return [value for name, value in told.attributes if name == "value"]


def grouped(api, *told: str, endpoints: tuple[str, ...] = ("lan",), name: str = "/night:{}") -> None:
    """Note that a receiver was told of some alerts in one group."""
    group = Group("shift", "/night", "{}", told={one: Told_(START, START, endpoints) for one in told})
    save_group(api.state.db, "shift", name, msgspec.json.encode(group))
    api.state.db.commit()


# --- the link itself


def test_a_link_says_what_it_is_for_and_until_when():
    made = acknowledge_link("https://sm.example/", KEY, number("a"), "lan", AS_OF)

    assert re.fullmatch(r"https://sm\.example/a/[A-Za-z0-9_-]{100,200}", made)
    assert read_link(KEY, made.rpartition("/")[2]) == Link(number("a"), "lan", AS_OF + NS_PER_DAY)


def test_a_link_is_the_same_whenever_it_is_made_of_the_same():
    assert link(number("a")) == link(number("a"))
    others = [
        link(number("b")),
        link(number("a"), AS_OF + NS_PER_S),
        link(number("a"), key=link_key("other")),
    ]
    assert len({link(number("a")), *others}) == 4


def test_no_byte_of_a_link_can_be_changed():
    token = link(number("a")).rpartition("/")[2]
    signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

    for place in range(len(signed)):
        forged = bytearray(signed)
        forged[place] ^= 1
        assert read_link(KEY, base64.urlsafe_b64encode(forged).rstrip(b"=").decode()) is None


@pytest.mark.parametrize("token", ["", "x", "=", "ả", "-" * 43, "A" * 5000, "../v1/alerts"])
def test_what_is_no_link_is_none(token):
    assert read_link(KEY, token) is None


def test_the_key_of_links_is_not_the_token():
    assert TOKEN.encode() not in KEY
    assert len(KEY) == 32


# --- looking


def test_a_look_shows_what_where_since_when_and_what_to_do_first(api):
    told = page(look(api, link(api.add(texts=TEXTS))))

    for expected in (
        "The stack is <above> its limit", "Hai Phong · mill · gw1 · stack", "2026-11-24 09:50:30 (UTC+07:00)", "12.5 mg/Nm3",
        "10 mg/Nm3", "Critical", "Kiểm tra quạt gió.", "I take care of it",
    ):  # fmt: skip
        assert expected in told.text
    assert told.tags.count("form") == 1
    assert chosen(told) == ["acknowledge", "snooze-1", "snooze-4", "snooze-12"]


def test_a_look_changes_nothing_however_often(api):
    path = link(api.add())

    assert {look(api, path).status_code for _ in range(3)} == {200}
    assert api.taken == []


def test_the_page_speaks_the_readers_language_and_changes_it(api):
    path = link(api.add(texts=TEXTS))

    told = page(look(api, path, VI))
    assert "Ống khói có {vượt} ngưỡng" in told.text
    assert "12,5 mg/Nm3" in told.text
    assert "09:50:30 24/11/2026 (UTC+07:00)" in told.text
    assert ("href", "?lang=en") in told.attributes
    assert "I take care of it" in page(look(api, f"{path}?lang=en", VI)).text
    assert look(api, f"{path}?lang=vi").headers["content-language"] == "vi"


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("fr", "en"), ("vi", "vi"), ("en, vi;q=0.5", "en"), ("en;q=0.2, vi;q=0.3", "vi"), ("vi;q=x", "en")],
)  # fmt: skip
def test_a_browser_says_which_language_it_likes(api, header, language):
    assert look(api, "/a/none", {"Accept-Language": header}).headers["content-language"] == language


def test_what_a_chat_adds_to_the_address_is_not_refused(api):
    assert look(api, f"{link(api.add())}?fbclid=1&fbclid=2").status_code == 200


def test_the_page_asks_nothing_of_anybody_and_is_not_kept(api):
    answer = look(api, link(api.add(texts=TEXTS)))
    told = page(answer)

    assert not {"script", "img", "iframe", "object", "base"} & set(told.tags)
    assert not [value for name, value in told.attributes if name == "src"]
    assert not {name for name, _ in told.attributes if name.startswith("on") or name == "style"}
    style = re.search(r"<style>(.*?)</style>", answer.text)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_names_of_the_configuration_and_of_people_are_only_text(api):
    evil = "<script>alert(1)</script>\"'><img src=x>"
    which = api.add(
        rule=evil, severity=evil, unit=evil, labels={**LABELS, "channel": evil}, summary=evil, description=evil,
        texts={"first_action": {"vi": evil, "en": evil}, "runbook": "javascript:alert(1)"},
    )  # fmt: skip
    path = link(which)

    for answer in (look(api, path), press(api, path, evil), look(api, path)):
        told = page(answer)
        assert not {"script", "img"} & set(told.tags)
        assert "javascript" not in answer.text
        assert told.text.count("<script>") >= 5


# --- the button


def test_the_link_that_a_webhook_was_told_is_the_one_that_works(api):
    which = api.add()
    with closing(sqlite3.connect(api.state.path)) as line:
        desk = api.state.plant.webhooks[0]
        send(line, desk, Told((which,)), {}, now=AS_OF, api_url="https://sm.example", key=KEY)
        (body,) = line.execute("SELECT body FROM webhook").fetchone()
    address = urlsplit(json.loads(body)["data"]["links"]["acknowledge"])

    assert address.netloc == "sm.example"
    assert press(api, address.path).status_code == 200
    assert api.get(f"/v1/alerts/{which}")["acknowledged_by"] == "desk"


def test_the_button_acknowledges_once_and_tells_everybody_after_who_did(api):
    which = api.add()
    path = link(which)

    first = press(api, path, "  Nguyễn\u202e\n Lan ")
    api.later(5)
    second = press(api, path, "minh")

    assert (first.status_code, second.status_code) == (200, 409)
    assert "not repeated any more" in page(first).text
    assert "Nguyễn Lan acknowledged this at 2026-11-24 10:00:30 (UTC+07:00)." in page(second).text
    assert len(api.taken) == 1
    assert "Nguyễn Lan" in page(look(api, path)).text
    for answer in (first, second):
        assert "form" not in page(answer).tags
    assert chosen(page(look(api, path))) == ["snooze-1", "snooze-4", "snooze-12"]
    told = api.get(f"/v1/alerts/{which}")
    assert (told["status"], told["acknowledged_by"]) == ("acknowledged", "Nguyễn Lan")
    assert told["events"][0]["detail"] == {"comment": "by the link that lan was told"}


def test_whoever_gives_no_name_is_called_as_the_webhook_that_told_them(api):
    which = api.add()
    press(api, link(which))

    assert api.get(f"/v1/alerts/{which}")["acknowledged_by"] == "lan"


def test_of_two_at_the_same_moment_the_line_takes_one_and_the_other_is_told(api):
    which = api.add()
    api.rival = AlertAction("first", "minh", "acknowledge", which)

    answer = press(api, link(which), "lan")

    assert answer.status_code == 409
    assert "minh acknowledged this at" in page(answer).text
    assert api.get(f"/v1/alerts/{which}")["acknowledged_by"] == "minh"


def test_of_an_alert_that_is_over_nothing_is_acknowledged(api):
    path = link(api.add(ended_at=START + 60 * NS_PER_S, status="resolved"))

    answer = press(api, path, "lan")

    assert (answer.status_code, api.taken) == (409, [])
    assert "over since 2026-11-24 09:51:30" in page(answer).text
    assert "form" not in page(look(api, path)).tags


def test_what_the_line_has_not_come_to_is_said_so(api, monkeypatch):
    monkeypatch.setattr(periods, "WAIT_S", 0)
    path, api.asleep = link(api.add()), True

    answer = press(api, path, "lan", VI)

    assert answer.status_code == 202
    assert "Đã gửi" in page(answer).text


# --- snoozing


@pytest.mark.parametrize(("do", "until"), [("snooze-1", "11:00:30"), ("snooze-4", "14:00:30")])
def test_solid_c_an_alert_is_snoozed_from_the_phone_and_the_page_says_until_when(api, do, until):
    which = api.add()

    answer = press(api, link(which), "Lan", do=do)

    assert answer.status_code == 200
    assert (
        f"Snoozed until 2026-11-24 {until} (UTC+07:00). If it still fires then, it is told again."
        in page(answer).text
    )
    told = api.get(f"/v1/alerts/{which}")
    assert (told["status"], told["acknowledged_by"]) == ("firing", None)
    [event] = told["events"]
    assert (event["kind"], event["by"], event["detail"]["comment"]) == (
        "snoozed",
        "Lan",
        "by the link that lan was told",
    )
    again = page(look(api, link(which), VI))
    assert "Tạm hoãn đến" in again.text
    assert chosen(again)[0] == "acknowledge"
    api.later(5 * 60)
    assert "Snoozed until" not in page(look(api, link(which))).text


def test_solid_c_somebody_who_acknowledged_may_be_woken_later(api):
    path = link(api.add())
    press(api, path, "Lan")

    assert press(api, path, "Lan", do="snooze-12").status_code == 200
    assert [one.action for one in api.taken] == ["acknowledge", "snooze"]


@pytest.mark.parametrize("do", ["snooze-0", "snooze-999", "snooze", "silence", "", "acknowledge "])
def test_solid_c_a_link_does_nothing_else_whatever_is_asked(api, do):
    answer = press(api, link(api.add()), "Lan", do=do or " ")

    assert (answer.status_code, api.taken) == (409, [])


def test_solid_c_of_an_alert_that_is_over_nothing_is_snoozed(api):
    path = link(api.add(ended_at=START + 60 * NS_PER_S, status="resolved"))

    assert press(api, path, "Lan", do="snooze-1").status_code == 409
    assert api.taken == []


# --- the rest of the group


def test_solid_c_the_page_lists_the_rest_of_the_group_each_with_a_link_that_works_as_long(api):
    first, second = api.add(), api.add("b", summary="<i>b</i> is hot", severity="warning")
    api.add("c", summary="Elsewhere")
    grouped(api, first, second, api.add("d", summary="Over", ended_at=START, status="resolved"))
    api.later(60)

    told = page(look(api, link(first)))
    assert "Other alerts of the group" in told.text
    assert "Warning: <i>b</i> is hot" in told.text
    assert "i" not in told.tags
    assert "Elsewhere" not in told.text
    assert "Over" not in told.text
    [address] = [value for name, value in told.attributes if name == "href" and value.startswith("/a/")]
    assert read_link(KEY, address.rpartition("/")[2]) == Link(second, "lan", AS_OF + NS_PER_DAY)
    assert press(api, address, "Lan").status_code == 200
    assert api.get(f"/v1/alerts/{second}")["acknowledged_by"] == "Lan"


def test_solid_c_a_link_shows_no_alert_that_its_webhook_was_not_told_of(api):
    first = api.add()
    grouped(api, first, api.add("b", summary="Of others"), endpoints=("boss",))
    api.state.db.execute("INSERT INTO alert_group VALUES ('x', 'y', X'7B7B')")  # a row that nobody can read
    api.state.db.commit()

    assert "Of others" not in page(look(api, link(first))).text


def test_solid_c_a_gateway_s_page_names_what_it_explains(api):
    which = api.add(summary="gw1 is silent")
    for name in range(25):
        api.add(f"d{name:02}x", summary=f"<b>{name}</b> lacks readings", status="inhibited", muted_by=which)

    told = page(look(api, link(which)))
    assert "Alerts of the same cause, not told on their own" in told.text
    assert "<b>3</b> lacks readings" in told.text
    assert "… and more" in told.text
    assert "b" not in told.tags


# --- links that do not work


def test_an_expired_link_says_so_and_nothing_else(api):
    path = link(api.add(summary="Secret"))
    api.as_of += NS_PER_DAY - 1
    assert look(api, path).status_code == 200
    api.as_of += 1

    for answer in (look(api, path), press(api, path, "lan")):
        assert answer.status_code == 410
        assert "expired" in page(answer).text
        assert "Secret" not in answer.text
    assert api.taken == []


def test_a_link_that_we_did_not_sign_tells_nothing_whatever_is_wrong_with_it(api):
    which = api.add(summary="Secret")
    good = link(which)
    paths = [
        link(which, key=link_key("another token")), link(number("unknown")), f"{good}x", good[:-1], "/a/none", "/a/%C3%A1)",
        f"/a/{TOKEN}", "/a/" + "A" * 1000,
    ]  # fmt: skip

    pages = {(a.status_code, a.text) for path in paths for a in (look(api, path), press(api, path, "lan"))}

    assert len(pages) == 1
    assert next(iter(pages))[0] == 404
    assert api.taken == []


def test_nothing_else_is_open_because_of_it(api):
    path = link(api.add())

    for closed in (
        "/a",
        "/a/",
        "/a/x/y",
        "/a/../v1/alerts",
        "/a//v1/alerts",
        f"{path}/actions",
        "/v1/alerts",
    ):
        assert (closed, look(api, closed).status_code) == (closed, 401)
    for method in ("PUT", "DELETE", "PATCH"):
        assert api.ask(path, method, headers={}).status_code == 405
    assert api.taken == []


def test_a_flood_of_words_is_cut(api):
    which = api.add()
    assert press(api, link(which), "x" * 5000).status_code == 200
    assert api.get(f"/v1/alerts/{which}")["acknowledged_by"] == "x" * 100
    assert press(api, link(api.add("b")), "x" * 70_000).status_code == 413
