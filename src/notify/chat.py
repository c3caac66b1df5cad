"""Tells an alert in a chat or by mail, through Apprise, which knows some 130 services. It is an extra: `stackmeter[chat]`."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from notify.addresses import Doors, Egress
from notify.guard import Guard
from notify.webhook import TOTAL_TIMEOUT, Attempt, EndpointError
from plant.park import Webhook

LONGEST_BODY = 900  # characters: the shortest limit of the usual services is 1000

_LANGUAGES: Mapping[str, tuple[str, ...]] = {"vi": ("vi",), "en": ("en",), "both": ("vi", "en")}
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
        "more": "và {} cảnh báo khác",
    },
    "en": {
        "severity": "Severity",
        "started_at": "Started",
        "ended_at": "Ended",
        "value": "Value",
        "acknowledge": "Acknowledge",
        "more": "and {} more",
    },
}
# Looks like what it stands for, and is markup or a mention nowhere: Slack's <!here>, @channel, Markdown, HTML.
_HARMLESS = str.maketrans(
    {"<": "‹", ">": "›", "@": "＠", "*": "∗", "`": "ˋ", "~": "∼", "[": "［", "]": "］", "|": "∣", "\\": "∖"}  # noqa: RUF001
)
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # not inside a name such as active_energy
_UNSEEN = frozenset({"xmpp", "xmpps"})  # connect in threads that a guard cannot follow into


class ChatClient:
    """Sends to one service of Apprise, wherever a webhook may go.

    Parameters
    ----------
    endpoint
        Whom to tell, and in which language.
    own
        Doors of ours that are no receiver.
    total_timeout
        For a whole attempt. [s]

    Raises
    ------
    EndpointError
        Apprise is not installed, does not know the URL, or would connect where nobody can check it.
    """

    def __init__(
        self,
        endpoint: Webhook,
        *,
        own: Doors = (),
        total_timeout: float = TOTAL_TIMEOUT,
    ) -> None:
        self.name = endpoint.name
        self._language = endpoint.language
        self._egress = Egress(endpoint.allow_private, own)
        self._total_timeout = total_timeout
        self._apprise = _apprise(endpoint.name)
        self._service = self._apprise.Apprise()
        # Its own lines quote what services answer, and may quote the URL.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        if endpoint.secret.partition("://")[0].lower() in _UNSEEN:
            raise EndpointError(f"webhook {endpoint.name}: the connections of XMPP cannot be checked")
        if not self._service.add(endpoint.secret):
            raise EndpointError(f"webhook {endpoint.name}: Apprise cannot use its url")

    def post(self, _event_id: str, body: bytes, _now: int) -> Attempt:
        """Tell the alert that a body of format `alert` is of; chat services know no ids, so a repetition is seen twice."""
        told = json.loads(body)
        title, text = message(told, self._language)
        kind = self._apprise.NotifyType
        with Guard(self._egress, self._total_timeout) as guard:
            sent = self._service.notify(
                title=title,
                body=text,
                body_format=self._apprise.NotifyFormat.TEXT,
                notify_type=kind.SUCCESS if told["data"]["ended_at"] else kind.WARNING,
            )
        # What was cut may look like an answer that is whole.
        return Attempt() if sent and not guard.passed else Attempt(error=_reason(guard))

    def close(self) -> None:
        """Close nothing: Apprise keeps no connection."""


def _reason(guard: Guard) -> str:
    if guard.passed:
        return "no complete answer in time (Apprise)"
    return f"AddressRefused: {guard.refused}" if guard.refused else "Apprise could not deliver it"


def message(told: Mapping[str, Any], language: str) -> tuple[str, str]:
    """Return title and text of an alert's message in `vi`, `en` or `both`; no name in it becomes a mention or markup.

    Summaries come before facts and facts before descriptions, so that a text that is too long loses the last of these.
    """
    data, languages = told["data"], _LANGUAGES[language]
    heads = [_HEADS[one].get(data["status"], data["status"]) for one in languages]
    title = f"{' / '.join(dict.fromkeys(heads))}: {data['rule']}"
    lines = [*_summaries(data, languages), *_facts(data, languages), *_texts(data, "description", languages)]
    link = data.get("links", {}).get("acknowledge")
    # The link is our own, and of letters that are no markup in an address.
    button = f"\n{_word('acknowledge', languages)}: {link}" if link else ""
    text = "\n".join(map(_harmless, lines))[: LONGEST_BODY - len(button)]
    return _harmless(title), text + button


def _summaries(data: Mapping[str, Any], languages: tuple[str, ...]) -> Iterator[str]:
    """Yield the summary in each language; of a group's worst alert, with how many more there are."""
    more = len(data.get("alerts", ())) - 1
    if more < 1:
        yield from _texts(data, "summary", languages)
        return
    worst = next(one for one in data["alerts"] if one["id"] == data["id"])
    for language in languages:
        count = _WORDS[language]["more"].format(more)
        yield from (f"{text} ({count})" for text in _texts(worst, "summary", (language,)))


def _texts(data: Mapping[str, Any], name: str, languages: tuple[str, ...]) -> list[str]:
    """Return a text in each language, once where it is the same in all."""
    given = data.get("texts", {}).get(name, {})
    found = [given.get(language) or data[name] for language in languages]
    return list(dict.fromkeys(text for text in found if text))


def _facts(data: Mapping[str, Any], languages: tuple[str, ...]) -> Iterator[str]:
    value = None if data["value"] is None else f"{data['value']:.6g} {data['unit']}"
    facts = {**{name: data[name] for name in ("severity", "started_at", "ended_at")}, "value": value}
    for name, given in facts.items():
        if given:
            yield f"{_word(name, languages)}: {given}"


def _word(name: str, languages: tuple[str, ...]) -> str:
    return " / ".join(_WORDS[language][name] for language in languages)


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
