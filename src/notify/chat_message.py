"""A message in chat or mail, as somebody reads it on a phone who was asleep: what, where, how bad, since when, what to do first.

It is made of the body of a webhook in our own format, of one alert or of a group.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from notify.chat_words import WORDS
from plant.clock import parse_instant
from plant.languages import (
    LANGUAGES,
    Language,
    clock_text,
    duration_text,
    minute_text,
    passed_text,
    quantity_text,
)
from plant.places import Places

LONGEST_BODY = 900  # characters: the shortest limit of the usual services is 1000
NOWHERE = Places()
MOST_COVERED = 5  # alerts of the same cause that are named

# Looks like what it stands for, and is markup or a mention nowhere: Slack's <!here>, @channel, Markdown, HTML.
_HARMLESS = str.maketrans(
    {"<": "‹", ">": "›", "@": "＠", "*": "∗", "`": "ˋ", "~": "∼", "[": "［", "]": "］", "|": "∣", "\\": "∖"}  # noqa: RUF001
)
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # not inside a name such as active_energy


@dataclass(frozen=True, slots=True)
class Audience:
    """Who reads: `vi`, `en` or `both`, on a clock (None: that of the alert's park), and what the places are called."""

    language: str
    zone: tzinfo | None = None
    places: Places = NOWHERE

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages in the order in which they are told."""
        return tuple(one for one in LANGUAGES if self.language in (one, "both"))

    def clock(self, alert: Mapping[str, Any]) -> tzinfo:
        """Return the clock that an alert's times are told by."""
        return self.zone or self.places.zone(alert["labels"])


def message(told: Mapping[str, Any], audience: Audience, now: int) -> tuple[str, str]:
    """Return title and text of what a webhook's body tells; no name in it becomes a mention or markup.

    What matters most comes first in each language, then the rest of the group, then descriptions: a text that is too long
    loses the last of these. The link stays.

    Parameters
    ----------
    now
        When it is sent, by which a reminder says how long it has lasted. [ns UTC]
    """
    data = told["data"]
    teller = [_Teller(data, audience, language, now) for language in audience.languages]
    # The link is our own, and of letters that are no markup in an address.
    link = data.get("links", {}).get("acknowledge")
    label = " / ".join(one.words["link"] for one in teller)
    button = f"\n{label}: {link}" if link else ""
    text = _Text(LONGEST_BODY - len(button))
    for one in teller:
        text.add(one.core())
    for one in teller:
        text.add_list(one.others(), one.words["more"])
    text.add(_once(one.tail() for one in teller))
    title = " / ".join(dict.fromkeys(one.head() for one in teller))
    return _harmless(f"{title}: {_title_place(data, audience)}"), f"{text}{button}"


class _Text:
    """Lines, as many as there is room for; the first that does not fit is cut, and none follows it."""

    def __init__(self, room: int) -> None:
        self._room, self._lines = room, list[str]()

    def add(self, lines: Iterable[str]) -> None:
        for line in map(_harmless, lines):
            fits = line[: max(0, self._room)]
            self._room -= len(line) + 1
            if fits:
                self._lines.append(fits)

    def add_list(self, lines: Sequence[str], more: str) -> None:
        """Add a heading and whole lines below it; those there is no room for are counted in one."""
        shown = kept = list(lines)
        while len(kept) > 1 and sum(len(line) + 1 for line in shown) > self._room:
            kept = kept[:-1]
            shown = [*kept, more.format(len(lines) - len(kept))] if len(kept) > 1 else [kept[0].rstrip(":")]
        self.add(shown)

    def __str__(self) -> str:
        return "\n".join(self._lines)


class _Teller:
    """Tells one message in one language."""

    def __init__(self, data: Mapping[str, Any], audience: Audience, language: Language, now: int) -> None:
        self.words = WORDS[language]
        self._data, self._audience, self._language, self._now = data, audience, language, now
        all_of = data.get("alerts") or [data]
        self._worst = next(
            one for one in all_of if (one["id"], one["status"]) == (data["id"], data["status"])
        )
        self._others = [one for one in all_of if one is not self._worst]

    def head(self) -> str:
        """Return what kind of message it is and how bad: that alone where an alert is told for the first time."""
        data, words = self._data, self.words
        severity = words.get(str(data["severity"]), str(data["severity"]))
        repeat = data.get("repeat", 0)
        is_escalated = bool(data.get("notice", {}).get("escalation"))
        if data["status"] == "firing" and not is_escalated and not repeat:
            return severity.upper()
        kind = "resolved" if data["status"] == "resolved" else "escalated" if is_escalated else "repeat"
        return f"{words[kind].format(repeat)} · {severity}"

    def core(self) -> Iterator[str]:
        """Yield what must be read: of a group, of its worst alert."""
        yield _text_in(self._worst, "summary", self._language)
        if self._is_unheeded():
            yield self.words["unheeded"].format(self._length(self._worst, self._now))
        yield from (f"{name}: {fact}" for name, fact in self._facts() if fact)

    def others(self) -> list[str]:
        """Return the rest of the group, a line each, below a heading; nothing where it is alone."""
        if not self._others:
            return []
        return [self.words["others"].format(len(self._others)), *map(self._line, self._others)]

    def tail(self) -> Iterator[str]:
        """Yield what may be left out."""
        if self._data["status"] == "firing":
            yield _text_in(self._worst, "description", self._language)
        yield f"{self.words['rule']}: {self._data['rule']}"

    def _is_unheeded(self) -> bool:
        is_again = self._data.get("repeat") or self._data.get("notice", {}).get("escalation")
        return bool(is_again) and self._data["status"] == "firing"

    def _facts(self) -> Iterator[tuple[str, str]]:
        worst, words = self._worst, self.words
        is_over = worst["status"] == "resolved"
        start = parse_instant(worst["started_at"])
        yield words["where"], self._audience.places.text(worst["labels"])
        yield words["last_value" if is_over else "value"], self._value(worst)
        if is_over:
            end = parse_instant(worst["ended_at"])
            yield words["lasted"], self._length(worst, end)
            yield words["since"], self._minute(start)
            yield words["until"], self._minute(end)
            return
        yield words["since"], self._minute(start)
        yield words["covered"].format(worst.get("covered_count")), _named(worst.get("covered", ()))
        yield words["first"], _text_in(worst, "first_action", self._language)

    def _minute(self, time: int) -> str:
        return minute_text(time, self._audience.clock(self._worst), self._language)

    def _value(self, alert: Mapping[str, Any]) -> str:
        value, unit, limit = alert["value"], alert["unit"], alert["limit"]
        if value is None and limit is None:
            return ""
        told = self.words["unknown"] if value is None else quantity_text(value, unit, self._language)
        passed = ""
        if limit is not None:
            comparison = "" if alert["status"] == "resolved" else alert.get("comparison", "")
            passed = passed_text(value, comparison, limit, unit, self._language)
        return f"{told}, {passed}" if passed else told

    def _length(self, alert: Mapping[str, Any], until: int) -> str:
        return duration_text(until - parse_instant(alert["started_at"]), self._language)

    def _line(self, alert: Mapping[str, Any]) -> str:
        """Return one of the others: how bad, what, where if the summary does not say it, and since when."""
        summary, words = _text_in(alert, "summary", self._language), self.words
        elsewhere = set(self._audience.places.parts(self._worst["labels"]))
        where = [
            part
            for part in self._audience.places.parts(alert["labels"])
            if part not in elsewhere and part not in summary
        ]
        if alert["status"] == "resolved":
            when = words["over"].format(self._length(alert, parse_instant(alert["ended_at"])))
        else:
            clock = clock_text(
                parse_instant(alert["started_at"]), self._audience.clock(alert), self._language
            )
            when = words["from"].format(clock)
        place = f" ({', '.join(where)})" if where else ""
        return f"• {words.get(alert['severity'], alert['severity'])}: {summary}{place}, {when}"


def _named(covered: Sequence[Mapping[str, Any]]) -> str:
    """Return the first of the alerts that one stands for, by their subjects; "" where it stands for none."""
    named = [str(one.get("channel") or one.get("source") or one["rule"]) for one in covered[:MOST_COVERED]]
    return ", ".join([*named, "…"] if len(covered) > MOST_COVERED else named)


def _title_place(data: Mapping[str, Any], audience: Audience) -> str:
    """Return the park and the facility; of a group those that all its alerts are in; the rule where there are none."""
    places = [audience.places.titles(one["labels"]) for one in data.get("alerts") or [data]]
    common = [same[0] for same in zip(*places, strict=False) if len(set(same)) == 1]
    return ", ".join(common) or str(data["rule"])


def _text_in(alert: Mapping[str, Any], name: str, language: Language) -> str:
    """Return a text in a language; what was given once is the same in both, "" where there is none."""
    given = alert.get("texts", {}).get(name, {})
    return str(given.get(language) or alert.get(name) or "")


def _once(groups: Iterable[Iterable[str]]) -> list[str]:
    """Return all lines, once where one is the same in both languages."""
    return list(dict.fromkeys(line for group in groups for line in group if line))


def _harmless(text: str) -> str:
    """Return a text as one line without markup."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return _EMPHASIS.sub("＿", line.translate(_HARMLESS)).lstrip("#-+=&! ")  # noqa: RUF001
