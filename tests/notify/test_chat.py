"""Alerts in a chat, through the real Apprise: in the endpoint's language, and without a mention or markup from a name."""

import json
import logging
import sys
from contextlib import closing

import pytest

from alerts.tables.webhook_bodies import body
from notify.chat import ChatClient
from notify.chat_message import LONGEST_BODY, Audience, message
from notify.webhook import EndpointError
from plant.networks import PRIVATE
from plant.park import Webhook
from tests.notify.state import endpoint, plant
from tests.servers import WebhookReceiver

# Apprise imports a module that Python is about to drop; it brings a substitute for where it is gone.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

ALERT = {
    "id": "alert_1b19", "rule": "stack-co2", "status": "firing", "severity": "critical",
    "started_at": "2026-11-24T06:00:00Z", "ended_at": None, "value": 13.25, "limit": 12.5, "unit": "%", "labels": {},
    "summary": "CO2 is above its limit", "description": "Ask the shift leader.",
}  # fmt: skip


def chat(url: str, language: str = "vi") -> Webhook:
    return Webhook("chat", "", url, PRIVATE, kind="apprise", language=language)


def told(language: str, **changes) -> tuple[str, str]:
    return message(json.loads(body("alert", ALERT | changes, "chat", "")), Audience(language), 0)


@pytest.mark.parametrize(
    ("language", "title", "fact"),
    [
        ("vi", "NGHIÊM TRỌNG: stack-co2", "Giá trị: 13,25 %, ngưỡng 12,5 %"),
        ("en", "CRITICAL: stack-co2", "Value: 13.25 %, limit 12.5 %"),
    ],
)
def test_a_chat_is_told_in_its_language(webhook_receiver: WebhookReceiver, bench, language, title, fact):
    url = webhook_receiver.url.replace("http", "json") + "/hook"
    here = plant(chat(url, language))
    bench.line.execute(
        "INSERT INTO webhook (event_id, endpoint, alert, body, created, due) VALUES ('e', 'chat', 'a', ?, 1, 1)",
        (body("alert", ALERT, "chat", ""),),
    )
    with closing(bench.sender(here)) as sender:
        assert sender.step() == 1
        assert sender.statistics()[0].delivered == 1

    (request,) = webhook_receiver.requests
    sent = json.loads(request.body)
    assert (sent["title"], sent["type"]) == (title, "warning")
    lines = sent["message"].splitlines()
    assert (lines[0], lines[-2]) == ("CO2 is above its limit", "Ask the shift leader.")
    assert fact in lines


BOTH = {
    "summary": {"vi": "CO2 vượt ngưỡng", "en": "CO2 is above its limit"},
    "description": {"vi": "Gọi trưởng ca.", "en": "Ask the shift leader."},
}


def test_an_alert_with_both_languages_is_told_in_the_endpoint_s():
    assert told("vi", texts=BOTH)[1].splitlines() == [
        "CO2 vượt ngưỡng", "Giá trị: 13,25 %, ngưỡng 12,5 %", "Từ lúc: 06:00 24/11/2026 (UTC+00:00)", "Gọi trưởng ca.",
        "Quy tắc: stack-co2",
    ]  # fmt: skip
    assert told("en", texts=BOTH)[1].splitlines() == [
        "CO2 is above its limit", "Value: 13.25 %, limit 12.5 %", "Since: 2026-11-24 06:00 (UTC+00:00)",
        "Ask the shift leader.", "Rule: stack-co2",
    ]  # fmt: skip


def test_where_no_language_was_chosen_both_are_told():
    title, text = told(Webhook("chat", "", "").language, texts=BOTH)

    assert title == "NGHIÊM TRỌNG / CRITICAL: stack-co2"
    assert text.splitlines() == [
        "CO2 vượt ngưỡng", "Giá trị: 13,25 %, ngưỡng 12,5 %", "Từ lúc: 06:00 24/11/2026 (UTC+00:00)",
        "CO2 is above its limit", "Value: 13.25 %, limit 12.5 %", "Since: 2026-11-24 06:00 (UTC+00:00)",
        "Gọi trưởng ca.", "Quy tắc: stack-co2", "Ask the shift leader.", "Rule: stack-co2",
    ]  # fmt: skip


def test_a_text_that_is_there_once_is_told_once():
    assert told("both")[1].count("Ask the shift leader.") == 1


def test_a_text_that_is_too_long_loses_descriptions_and_keeps_its_link():
    link = {"acknowledge": "https://stackmeter.example/a/x"}
    text = told("both", texts=BOTH | {"description": {"vi": "x" * 1000, "en": "y" * 1000}}, links=link)[1]

    assert len(text) == LONGEST_BODY
    assert text.endswith("\nNhận xử lý hoặc tạm hoãn / Acknowledge or snooze: https://stackmeter.example/a/x")
    assert "Giá trị: 13,25 %" in text
    assert "Value: 13.25 %" in text


def test_an_end_says_so():
    title, text = told("vi", status="resolved", ended_at="2026-11-24T06:01:30Z", value=None)

    assert title == "ĐÃ HẾT · Nghiêm trọng: stack-co2"
    assert (
        "Kéo dài: 1 phút\nTừ lúc: 06:00 24/11/2026 (UTC+00:00)\nĐến lúc: 06:01 24/11/2026 (UTC+00:00)" in text
    )
    assert "Giá trị lúc hết: không rõ, ngưỡng 12,5 %" in text


def test_a_service_that_refuses_is_a_failure(webhook_receiver: WebhookReceiver, caplog):
    caplog.set_level(logging.DEBUG)
    webhook_receiver.script(500)
    url = webhook_receiver.url.replace("http://", "json://user:canary@") + "/canary"
    with closing(ChatClient(chat(url))) as one:
        result = one.post("event_1", body("alert", ALERT, "chat", ""), 0)

    assert (result.delivered, result.error) == (False, "Apprise could not deliver it")
    assert "canary" not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("notify"))
    assert not [r for r in caplog.records if r.name == "apprise"]


@pytest.mark.parametrize(
    "nasty",
    [
        *(
            "@channel",
            "<!here>",
            "<@U123>",
            "@everyone",
            "*bold*",
            "_italic_",
            "`code`",
            "~gone~",
            "||spoiler||",
        ),
        *(
            "[link](http://evil.example)",
            "<b>b</b>",
            "# head",
            "> quote",
            "- list",
            "a\r\nb",
            "a\u202eb",
            "\\*",
        ),
    ],
)
def test_bw17_no_name_becomes_a_mention_a_link_or_markup(nasty: str):
    title, text = told("en", rule=nasty, summary=nasty, description=nasty, unit=nasty)

    for line in (title, *text.splitlines()):
        assert not set(line) & set("@<>*`~[]|\\\r\n\u202e")
        assert "_italic_" not in line
        assert not line.startswith(("#", "-", "&", "+", "="))
    assert len(text.splitlines()) == 5


def test_an_underscore_inside_a_name_stays():
    assert told("en", summary="mdb1/active_energy")[1].startswith("mdb1/active_energy\n")


def test_a_long_text_is_cut():
    assert len(told("en", description="x" * 5000)[1]) == LONGEST_BODY


def test_a_url_that_apprise_does_not_know_is_refused_at_the_start_and_not_shown():
    with pytest.raises(EndpointError, match="webhook chat") as refused:
        ChatClient(chat("nonsense-canary"))

    assert "canary" not in str(refused.value)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(EndpointError, match=r"pip install 'stackmeter\[chat\]'"):
        ChatClient(chat("json://127.0.0.1/"))


def test_apprise_is_not_imported_where_no_endpoint_uses_it(bench, webhook_receiver, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with closing(bench.sender(plant(endpoint(url=webhook_receiver.url)))) as sender:
        assert sender.step() == 0
