"""Tells an alert in a chat or by mail, through Apprise, which knows some 130 services. It is an extra: `stackmeter[chat]`.

Apprise speaks to its service by itself: the URL is the operator's own, and is not checked as a webhook's is.
"""

import json
import logging
import re
from importlib import import_module
from typing import Any

from notify.webhook import Attempt, EndpointError
from plant.park import Webhook

LONGEST_BODY = 900  # characters: the shortest limit of the usual services is 1000

_HEADS = {
    "vi": {"firing": "CẢNH BÁO", "resolved": "ĐÃ HẾT"},
    "en": {"firing": "FIRING", "resolved": "RESOLVED"},
}
_WORDS = {
    "vi": {
        "severity": "Mức độ",
        "started_at": "Bắt đầu",
        "ended_at": "Kết thúc",
        "value": "Giá trị",
        "acknowledge": "Nhận xử lý",
    },
    "en": {
        "severity": "Severity",
        "started_at": "Started",
        "ended_at": "Ended",
        "value": "Value",
        "acknowledge": "Acknowledge",
    },
}
# Looks like what it stands for, and is markup or a mention nowhere: Slack's <!here>, @channel, Markdown, HTML.
_HARMLESS = str.maketrans(
    {"<": "‹", ">": "›", "@": "＠", "*": "∗", "`": "ˋ", "~": "∼", "[": "［", "]": "］", "|": "∣", "\\": "∖"}  # noqa: RUF001
)
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # not inside a name such as active_energy


class ChatClient:
    """Sends to one service of Apprise.

    Raises
    ------
    EndpointError
        Apprise is not installed, or does not know the URL.
    """

    def __init__(self, endpoint: Webhook) -> None:
        self.name = endpoint.name
        self._language = endpoint.language
        self._apprise = _apprise(endpoint.name)
        self._service = self._apprise.Apprise()
        # Its own lines quote what services answer, and may quote the URL.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        if not self._service.add(endpoint.secret):
            raise EndpointError(f"webhook {endpoint.name}: Apprise cannot use its url")

    def post(self, _event_id: str, body: bytes, _now: int) -> Attempt:
        """Tell the alert that a body of format `alert` is of; chat services know no ids, so a repetition is seen twice."""
        title, text = message(json.loads(body), self._language)
        kind = self._apprise.NotifyType
        sent = self._service.notify(
            title=title,
            body=text,
            body_format=self._apprise.NotifyFormat.TEXT,
            notify_type=kind.SUCCESS if json.loads(body)["data"]["ended_at"] else kind.WARNING,
        )
        return Attempt() if sent else Attempt(error="Apprise could not deliver it")

    def close(self) -> None:
        """Close nothing: Apprise keeps no connection."""


def message(told: dict[str, Any], language: str) -> tuple[str, str]:
    """Return title and text of an alert's message in a language; no name in it becomes a mention, a link or markup."""
    data, words = told["data"], _WORDS[language]
    title = f"{_HEADS[language].get(data['status'], data['status'])}: {data['rule']}"
    value = None if data["value"] is None else f"{data['value']:.6g} {data['unit']}"
    lines = {**{name: data[name] for name in ("severity", "started_at", "ended_at")}, "value": value}
    facts = [f"{words[name]}: {given}" for name, given in lines.items() if given]
    texts = [text for text in (data["summary"], data["description"]) if text]
    link = data.get("links", {}).get("acknowledge")
    button = (
        f"\n{words['acknowledge']}: {link}" if link else ""
    )  # our own, and of letters that are no markup in an address
    text = "\n".join(map(_harmless, [*texts, *facts]))[: LONGEST_BODY - len(button)]
    return _harmless(title), text + button


def _harmless(text: str) -> str:
    """Return a text as one line without markup."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return _EMPHASIS.sub("＿", line.translate(_HARMLESS)).lstrip("#-+=&! ")  # noqa: RUF001


def _apprise(name: str) -> Any:
    try:
        return import_module("apprise")
    except ImportError as error:
        raise EndpointError(
            f"webhook {name}: kind apprise needs an extra: pip install 'stackmeter[chat]'"
        ) from error
