"""The link to acknowledge an alert by, in what webhooks and chats are told."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from alerts.tables.links import Link, link_key, read_link
from alerts.tables.notices import send
from notify.chat_message import LONGEST_BODY, Audience, message
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from store.sqlite import transaction
from tests.alerts.test_notices import DESK, T0, Told, ended, raised
from tests.notify.state import new_state

KEY = link_key("t")
URL = "https://sm.example"


@pytest.fixture
def line(tmp_path):
    with closing(new_state(tmp_path / "state.db")) as connection:
        yield connection


def told(line, notice: Told, form: str = "alert", now: int = T0, key: bytes = KEY, url: str = URL):
    with transaction(line):
        line.execute("DELETE FROM webhook")
        send(line, replace(DESK, format=form), notice, {}, now=now, api_url=url, key=key)
    return [json.loads(body) for (body,) in line.execute("SELECT body FROM webhook ORDER BY id")]


def read(link: str) -> Link | None:
    address, _, token = link.rpartition("/")
    assert address == f"{URL}/a"
    return read_link(KEY, token)


def test_each_alert_that_fires_has_a_link_of_its_own(line):
    for number in ("a", "b", "c"):
        raised(line, number)
    ended(line, "c", T0 + 1)
    [body] = told(line, Told(("a", "b"), ("c",)))

    links = {one["id"]: one.get("links") for one in body["data"]["alerts"]}
    assert [read(links[number]["acknowledge"]) for number in ("a", "b")] == [
        Link(number, "desk", T0 + 24 * NS_PER_HOUR) for number in ("a", "b")
    ]
    assert links["c"] is None
    assert set(body["data"]["links"]) == {"acknowledge", "alerts"}


@pytest.mark.parametrize("form", ["alertmanager", "alertmanager-api"])
def test_an_alertmanager_has_it_as_an_annotation_and_the_same_labels(line, form):
    raised(line, "a")
    [linked], [bare] = told(line, Told(("a",)), form), told(line, Told(("a",)), form, key=b"")

    one, other = (body["alerts"][0] if form == "alertmanager" else body[0] for body in (linked, bare))
    assert read(one["annotations"].pop("acknowledge")).alert == "a"
    assert one == other


def test_a_notice_that_is_made_again_is_the_same_and_a_later_one_works_as_long(line):
    raised(line, "a")
    first, again, late = (
        told(line, Told(("a",)), now=T0 + minutes * NS_PER_MIN) for minutes in (0, 59, 60 * 24 * 9 + 30)
    )

    assert first == again
    expires = read(late[0]["data"]["links"]["acknowledge"]).expires
    assert expires == T0 + 10 * 24 * NS_PER_HOUR


@pytest.mark.parametrize("missing", [{"key": b""}, {"url": ""}])
def test_without_a_key_or_an_address_there_is_no_link(line, missing):
    raised(line, "a")

    assert "acknowledge" not in json.dumps(told(line, Told(("a",)), **missing))


@pytest.mark.parametrize(
    ("language", "word"), [("vi", "Nhận xử lý hoặc tạm hoãn"), ("en", "Acknowledge or snooze")]
)
def test_a_chat_ends_with_the_link_however_long_the_text_is(line, language, word):
    raised(line, "a")
    [body] = told(line, Told(("a",)))
    link = body["data"]["links"]["acknowledge"]
    body["data"]["alerts"][0]["description"] = "x" * 2000
    _, text = message(body, Audience(language), 0)

    assert len(text) == LONGEST_BODY
    assert text.endswith(f"\n{word}: {link}")
