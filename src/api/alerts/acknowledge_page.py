"""The page on which somebody acknowledges an alert: HTML that asks for nothing outside and runs no script."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from hashlib import sha256
from html import escape
from typing import Literal
from urllib.parse import urlsplit

from alerts.tables.views import AlertView
from plant.languages import Language, moment_text, passed_text, quantity_text
from plant.places import Places


class Said(StrEnum):
    """What became of the button."""

    NOTHING = "nothing"
    DONE = "done"
    SNOOZED = "snoozed"
    WAITING = "waiting"
    REFUSED = "refused"


_STYLE = (
    ":root{color-scheme:light dark}body{font:17px/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1rem}"
    "h1{font-size:1.35rem;line-height:1.3;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:1.2rem 0 .3rem}ul{padding-left:1.2rem}dt{font-size:.85rem;opacity:.75}"
    "dd{margin:0 0 .7rem;overflow-wrap:anywhere}.s{display:inline-block;border-radius:.3rem;padding:0 .5rem;background:#555;color:#fff}"
    ".critical{background:#b00020}.warning{background:#8a5200}.first,.said{border-left:.3rem solid #06c;padding:.2rem .8rem;margin-bottom:.8rem}.first h2{margin-top:.3rem}"
    "input,button{font:inherit;width:100%;box-sizing:border-box;min-height:3rem;border-radius:.4rem;border:1px solid #777;padding:0 .7rem}"
    "button{background:#0a6b2d;color:#fff;border:0;font-weight:600;margin-top:.8rem}"
    "fieldset{border:0;padding:0;margin:1rem 0 0;display:flex;gap:.5rem}legend{font-size:.85rem;opacity:.75}"
    "fieldset button{background:#555;margin:0}li{margin-bottom:.6rem;overflow-wrap:anywhere}footer{margin-top:2rem;font-size:.9rem}"
)
_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}

_WORDS: dict[Language, dict[str, str]] = {
    "vi": {
        "critical": "Nghiêm trọng", "warning": "Cảnh báo", "info": "Thông tin", "where": "Ở đâu", "since": "Từ lúc",
        "until": "Đã hết lúc", "value": "Giá trị", "rule": "Quy tắc", "first": "Việc cần làm trước",
        "runbook": "Hướng dẫn xử lý", "assigned": "Giao cho", "acknowledged": "Người nhận xử lý",
        "name": "Tên của bạn (không bắt buộc)", "button": "Tôi nhận xử lý", "at": "{who}, lúc {when}",
        "snooze": "Tạm hoãn", "hour": "{} giờ", "snoozed": "Tạm hoãn đến", "others": "Cảnh báo khác cùng nhóm",
        "explained": "Cảnh báo cùng nguyên nhân, không báo riêng", "more": "… và các cảnh báo khác",
        "rests": "Đã tạm hoãn đến {when}. Nếu lúc đó cảnh báo vẫn còn, hệ thống sẽ báo lại.",
        "done": "Đã ghi nhận. Cảnh báo này không được nhắc lại nữa.",
        "waiting": "Đã gửi. Hệ thống sẽ ghi nhận trong giây lát; hãy mở lại trang này.",
        "already": "{who} đã nhận xử lý lúc {when}.", "over": "Cảnh báo này đã hết lúc {when}.",
        "refused": "Hệ thống chưa ghi nhận được; hãy mở lại trang này.",
        "unknown": "Liên kết này không dùng được.", "expired": "Liên kết này đã hết hạn.",
        "ask": "Hãy dùng tin nhắn mới nhất, hoặc hỏi người trực.", "other": "English", "unknown_value": "không rõ",
    },
    "en": {
        "critical": "Critical", "warning": "Warning", "info": "Info", "where": "Where", "since": "Since",
        "until": "Over since", "value": "Value", "rule": "Rule", "first": "What to do first",
        "runbook": "Runbook", "assigned": "Assigned to", "acknowledged": "Acknowledged by",
        "name": "Your name (optional)", "button": "I take care of it", "at": "{who}, at {when}",
        "snooze": "Snooze", "hour": "{} h", "snoozed": "Snoozed until", "others": "Other alerts of the group",
        "explained": "Alerts of the same cause, not told on their own", "more": "… and more",
        "rests": "Snoozed until {when}. If it still fires then, it is told again.",
        "done": "Noted. This alert is not repeated any more.",
        "waiting": "Sent. It will be noted in a moment; open this page again.",
        "already": "{who} acknowledged this at {when}.", "over": "This alert is over since {when}.",
        "refused": "It could not be noted yet; open this page again.",
        "unknown": "This link does not work.", "expired": "This link has expired.",
        "ask": "Use the newest message, or ask whoever is on call.", "other": "Tiếng Việt", "unknown_value": "unknown",
    },
}  # fmt: skip
SNOOZES = (1, 4, 12)  # h
MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Around:
    """What is shown beside an alert: the other alerts of its group, each with the address of its own page, and those that it explains."""

    group: Sequence[tuple[AlertView, str]] = ()
    explained: Sequence[AlertView] = ()


def alert_page(
    places: Places, alert: AlertView, language: Language, said: Said, now: int, around: Around
) -> str:
    """Return the page of an alert as it stands at a time [ns UTC], with the buttons for what can still be done."""
    words, zone = _WORDS[language], places.zone(alert.labels)
    title = text_in(alert, "summary", language)
    severity = words.get(alert.severity, alert.severity)
    parts = [
        f'<p class="s {escape(alert.severity)}">{escape(severity)}</p><h1>{escape(title)}</h1>',
        *_told(alert, language, zone, said),
        f"<dl>{''.join(_facts(places, alert, language, now))}</dl>",
        *_first_action(alert, language),
        *(_form(alert, language) if alert.ended_at is None and said is Said.NOTHING else ()),
        *_listed("others", [_linked(*one, language) for one in around.group], language),
        *_listed(
            "explained", [escape(text_in(one, "summary", language)) for one in around.explained], language
        ),
    ]
    return _document(title, "".join(parts), language)


def _form(alert: AlertView, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    yield f'<form method="post"><label>{words["name"]}<input name="by" maxlength="100" autocomplete="name"></label>'
    if alert.acknowledged_at is None:
        yield f'<button name="do" value="acknowledge">{words["button"]}</button>'
    yield f"<fieldset><legend>{words['snooze']}</legend>"
    yield from (f'<button name="do" value="snooze-{h}">{words["hour"].format(h)}</button>' for h in SNOOZES)
    yield "</fieldset></form>"


def _linked(alert: AlertView, address: str, language: Language) -> str:
    severity = _WORDS[language].get(alert.severity, alert.severity)
    text = f"{severity}: {text_in(alert, 'summary', language)}"
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def _listed(heading: str, items: Sequence[str], language: Language) -> Iterator[str]:
    """Yield a list of what is HTML already, at most MOST_LISTED of it."""
    if items:
        words = _WORDS[language]
        shown = [*items[:MOST_LISTED], *([words["more"]] if len(items) > MOST_LISTED else [])]
        yield f"<h2>{words[heading]}</h2><ul>{''.join(f'<li>{one}</li>' for one in shown)}</ul>"


def plain_page(what: Literal["unknown", "expired"], language: Language) -> str:
    """Return a page that says why a link does not work, and nothing else."""
    words = _WORDS[language]
    return _document(words[what], f"<h1>{words[what]}</h1><p>{words['ask']}</p>", language)


def text_in(alert: AlertView, name: str, language: Language) -> str:
    """Return a text of an alert in a language, in the other one where only that is given; "" where there is none."""
    given = alert.texts.get(name)
    if isinstance(given, dict):
        told = str(given.get(language) or next((text for text in given.values() if text), ""))
    else:
        told = str(given or "")
    return told or {"summary": alert.summary, "description": alert.description}.get(name, "")


def _told(alert: AlertView, language: Language, zone: tzinfo, said: Said) -> Iterator[str]:
    words, told = _WORDS[language], ""
    if said in (Said.DONE, Said.WAITING):
        told = words[said]
    elif said is Said.SNOOZED:
        told = words["rests"].format(when=moment_text(alert.snoozed_until, zone, language))
    elif alert.ended_at is not None:
        told = words["over"].format(when=moment_text(alert.ended_at, zone, language))
    elif alert.acknowledged_at is not None:
        when = moment_text(alert.acknowledged_at, zone, language)
        told = words["already"].format(who=alert.acknowledged_by, when=when)
    elif said is Said.REFUSED:
        told = words["refused"]
    if told:
        yield f'<p class="said">{escape(told)}</p>'


def _facts(places: Places, alert: AlertView, language: Language, now: int) -> Iterator[str]:
    words, zone = _WORDS[language], places.zone(alert.labels)
    is_snoozed = alert.ended_at is None and alert.snoozed_until > now
    acknowledged = (
        ""
        if alert.acknowledged_at is None
        else words["at"].format(
            who=alert.acknowledged_by, when=moment_text(alert.acknowledged_at, zone, language)
        )
    )
    facts = {
        "where": places.text(alert.labels),
        "since": moment_text(alert.started_at, zone, language),
        "until": "" if alert.ended_at is None else moment_text(alert.ended_at, zone, language),
        "value": _numbers(alert, language),
        "rule": alert.rule,
        "assigned": alert.assigned_to,
        "acknowledged": acknowledged,
        "snoozed": moment_text(alert.snoozed_until, zone, language) if is_snoozed else "",
    }
    for name, fact in facts.items():
        if fact:
            yield f"<dt>{words[name]}</dt><dd>{escape(fact)}</dd>"
    if description := text_in(alert, "description", language):
        yield f"<dd>{escape(description)}</dd>"


def _first_action(alert: AlertView, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    if first := text_in(alert, "first_action", language):
        yield f'<section class="first"><h2>{words["first"]}</h2><p>{escape(first)}</p></section>'
    runbook = alert.texts.get("runbook")
    if isinstance(runbook, str) and urlsplit(runbook).scheme == "https":
        yield f'<p><a rel="noreferrer" href="{escape(runbook)}">{words["runbook"]}</a></p>'


def _document(title: str, content: str, language: Language) -> str:
    words, other = _WORDS[language], "en" if language == "vi" else "vi"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{content}</main>"
        f'<footer><a href="?lang={other}" lang="{other}">{words["other"]}</a></footer></body></html>'
    )


def _numbers(alert: AlertView, language: Language) -> str:
    """Return the value and which limit it passed: 9.9 pH, above 9.0 pH."""
    unknown = _WORDS[language]["unknown_value"]
    value = unknown if alert.value is None else quantity_text(alert.value, alert.unit, language)
    passed = text_in(alert, "passed", language)
    if not passed and alert.limit is not None:
        passed = passed_text(alert.value, alert.comparison, alert.limit, alert.unit, language)
    return f"{value}, {passed}" if passed else value
