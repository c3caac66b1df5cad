"""The page on which somebody acknowledges an alert: HTML that asks for nothing outside and runs no script."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from hashlib import sha256
from html import escape
from typing import Literal
from urllib.parse import urlsplit

from plant.park import Plant
from plant.vocabulary import NS_PER_S
from store.alert_views import AlertView

Language = Literal["vi", "en"]


class Said(StrEnum):
    """What became of the button."""

    NOTHING = "nothing"
    DONE = "done"
    WAITING = "waiting"
    REFUSED = "refused"


_STYLE = (
    ":root{color-scheme:light dark}body{font:17px/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1rem}"
    "h1{font-size:1.35rem;line-height:1.3;overflow-wrap:anywhere}dt{font-size:.85rem;opacity:.75}"
    "dd{margin:0 0 .7rem;overflow-wrap:anywhere}.s{display:inline-block;border-radius:.3rem;padding:0 .5rem;background:#555;color:#fff}"
    ".critical{background:#b00020}.warning{background:#8a5200}.first,.said{border-left:.3rem solid #06c;padding:.2rem .8rem}"
    "input,button{font:inherit;width:100%;box-sizing:border-box;min-height:3rem;border-radius:.4rem;border:1px solid #777;padding:0 .7rem}"
    "button{background:#0a6b2d;color:#fff;border:0;font-weight:600;margin-top:.8rem}footer{margin-top:2rem;font-size:.9rem}"
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
        "until": "Đã hết lúc", "value": "Giá trị", "limit": "Ngưỡng", "rule": "Quy tắc", "first": "Việc cần làm trước",
        "runbook": "Hướng dẫn xử lý", "assigned": "Giao cho", "acknowledged": "Người nhận xử lý",
        "name": "Tên của bạn (không bắt buộc)", "button": "Tôi nhận xử lý", "at": "{who}, lúc {when}",
        "done": "Đã ghi nhận. Cảnh báo này không được nhắc lại nữa.",
        "waiting": "Đã gửi. Hệ thống sẽ ghi nhận trong giây lát; hãy mở lại trang này.",
        "already": "{who} đã nhận xử lý lúc {when}.", "over": "Cảnh báo này đã hết lúc {when}.",
        "refused": "Hệ thống chưa ghi nhận được; hãy mở lại trang này.",
        "unknown": "Liên kết này không dùng được.", "expired": "Liên kết này đã hết hạn.",
        "ask": "Hãy dùng tin nhắn mới nhất, hoặc hỏi người trực.", "other": "English", "unknown_value": "không rõ",
    },
    "en": {
        "critical": "Critical", "warning": "Warning", "info": "Info", "where": "Where", "since": "Since",
        "until": "Over since", "value": "Value", "limit": "Limit", "rule": "Rule", "first": "What to do first",
        "runbook": "Runbook", "assigned": "Assigned to", "acknowledged": "Acknowledged by",
        "name": "Your name (optional)", "button": "I take care of it", "at": "{who}, at {when}",
        "done": "Noted. This alert is not repeated any more.",
        "waiting": "Sent. It will be noted in a moment; open this page again.",
        "already": "{who} acknowledged this at {when}.", "over": "This alert is over since {when}.",
        "refused": "It could not be noted yet; open this page again.",
        "unknown": "This link does not work.", "expired": "This link has expired.",
        "ask": "Use the newest message, or ask whoever is on call.", "other": "Tiếng Việt", "unknown_value": "unknown",
    },
}  # fmt: skip
_PLACES = ("gateway", "channel", "source")


def alert_page(plant: Plant, alert: AlertView, language: Language, said: Said) -> str:
    """Return the page of an alert as it stands, with the button where it can still be acknowledged."""
    words, zone = _WORDS[language], _zone(plant, alert)
    title = text_in(alert, "summary", language)
    severity = words.get(alert.severity, alert.severity)
    parts = [
        f'<p class="s {escape(alert.severity)}">{escape(severity)}</p><h1>{escape(title)}</h1>',
        *_told(alert, language, zone, said),
        f"<dl>{''.join(_facts(plant, alert, language, zone))}</dl>",
        *_first_action(alert, language),
    ]
    if alert.acknowledged_at is None and alert.ended_at is None and said is Said.NOTHING:
        parts.append(
            f'<form method="post"><label>{words["name"]}<input name="by" maxlength="100" autocomplete="name"></label>'
            f"<button>{words['button']}</button></form>"
        )
    return _document(title, "".join(parts), language)


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
    elif alert.ended_at is not None:
        told = words["over"].format(when=_moment(alert.ended_at, zone, language))
    elif alert.acknowledged_at is not None:
        when = _moment(alert.acknowledged_at, zone, language)
        told = words["already"].format(who=alert.acknowledged_by, when=when)
    elif said is Said.REFUSED:
        told = words["refused"]
    if told:
        yield f'<p class="said">{escape(told)}</p>'


def _facts(plant: Plant, alert: AlertView, language: Language, zone: tzinfo) -> Iterator[str]:
    words = _WORDS[language]
    acknowledged = (
        ""
        if alert.acknowledged_at is None
        else words["at"].format(
            who=alert.acknowledged_by, when=_moment(alert.acknowledged_at, zone, language)
        )
    )
    facts = {
        "where": _where(plant, alert),
        "since": _moment(alert.started_at, zone, language),
        "until": "" if alert.ended_at is None else _moment(alert.ended_at, zone, language),
        "value": _number(alert.value, alert.unit, language) or words["unknown_value"],
        "limit": _number(alert.limit, alert.unit, language),
        "rule": alert.rule,
        "assigned": alert.assigned_to,
        "acknowledged": acknowledged,
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


def _where(plant: Plant, alert: AlertView) -> str:
    """Return where it is, the park and the facility by their titles."""
    park, facility = alert.labels.get("park", ""), alert.labels.get("facility", "")
    titles = [
        next((one.title for one in plant.parks if one.name == park), "") or park,
        next((one.title for one in plant.facilities if (one.park, one.name) == (park, facility)), "")
        or facility,
    ]
    return " · ".join(text for text in (*titles, *(alert.labels.get(name, "") for name in _PLACES)) if text)


def _zone(plant: Plant, alert: AlertView) -> tzinfo:
    return next((park.zone for park in plant.parks if park.name == alert.labels.get("park")), UTC)


def _moment(time: int, zone: tzinfo, language: Language) -> str:
    at = datetime.fromtimestamp(time // NS_PER_S, zone)
    clock = f"{at:%H:%M:%S %d/%m/%Y}" if language == "vi" else f"{at:%Y-%m-%d %H:%M:%S}"
    offset = f"{at:%z}"
    return f"{clock} (UTC{offset[:3]}:{offset[3:5]})"


def _number(value: float | None, unit: str, language: Language) -> str:
    """Return a number with its unit, "" where it is unknown."""
    if value is None:
        return ""
    text = f"{value:.6g}"
    return f"{text.replace('.', ',') if language == 'vi' else text} {unit}".strip()
