"""Acknowledging or snoozing an alert from the message that told of it: a small page for a phone, without an account.

Looking changes nothing, because chats and mail filters open every link to preview it; only its buttons do. What a
link is good for is signed into it (`alerts.tables.links`), so that nothing is kept of links; the line takes the first
acknowledgement and refuses any further one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from alerts.tables.actions import AlertAction
from alerts.tables.links import LIFE, PATH, Link, acknowledge_link, read_link
from alerts.tables.views import AlertView, explained_by, told_with
from alerts.tables.views import alert as one_alert
from api.access.recorder import Recording
from api.accounting.periods import outcome_of
from api.alerts.acknowledge_page import HEADERS, MOST_LISTED, SNOOZES, Around, Said, alert_page, plain_page
from plant.languages import Language
from plant.park import Plant
from plant.places import Places
from plant.vocabulary import NS_PER_HOUR
from store.reader import Reader

Act = Callable[[AlertAction], None]
Clock = Callable[[], int]  # ns UTC
LONGEST_NAME = 100
ACKNOWLEDGE = "acknowledge"
_CHOICES = {ACKNOWLEDGE: 0, **{f"snooze-{hours}": hours for hours in SNOOZES}}


def routes(reader: Reader, plant: Plant, key: bytes, act: Act, clock: Clock) -> APIRouter:
    """Return the routes.

    Parameters
    ----------
    key
        What links are signed with, from `alerts.tables.links.link_key`.
    act
        Hands an action to the line, which takes it in its turn.
    """
    router = APIRouter(prefix=PATH.rstrip("/"), default_response_class=HTMLResponse, include_in_schema=False)
    pages = _Pages(reader, plant, key, clock)

    # What a chat adds to an address to follow its readers is nothing that we refuse.
    @router.get("/{token}")
    def look(token: str, language: Spoken) -> HTMLResponse:
        """Show the alert of a link, with a button; nothing changes."""
        link = pages.link(token)
        found = None if link is None else pages.alert(link)
        if link is None or found is None:
            return pages.nothing(language)
        if pages.has_expired(link):
            return pages.expired(language)
        return pages.shown(link, found, language)

    @router.post("/{token}")
    def act_on(token: str, language: Spoken, asked: AskedFor, record: Recording) -> HTMLResponse:
        """Acknowledge or snooze the alert of a link; who was first to acknowledge is told to everybody after."""
        link = pages.link(token)
        found = None if link is None else pages.alert(link)
        if link is None or found is None:
            return pages.nothing(language)
        if pages.has_expired(link):
            return pages.expired(language)
        is_taken = asked.do == ACKNOWLEDGE and found.acknowledged_at is not None
        if is_taken or found.ended_at is not None or asked.do not in _CHOICES:
            return pages.shown(link, found, language, Said.REFUSED)
        what, who = asked.do.partition("-")[0], asked.name or link.endpoint
        record(f"alert.{what}", link.alert, found.status, f"{what} by {who}, with a link")
        outcome = _done(reader, act, link, who, _CHOICES[asked.do], clock())
        return pages.shown(link, pages.alert(link) or found, language, outcome)

    return router


class _Pages:
    def __init__(self, reader: Reader, plant: Plant, key: bytes, clock: Clock) -> None:
        self._reader, self._key, self._clock = reader, key, clock
        self._places = Places(plant.parks, plant.facilities)

    def link(self, token: str) -> Link | None:
        return read_link(self._key, token)

    def alert(self, link: Link) -> AlertView | None:
        with self._reader.snapshot() as state:
            return one_alert(state.connection, link.alert)

    def has_expired(self, link: Link) -> bool:
        return self._clock() >= link.expires

    def shown(
        self, link: Link, alert: AlertView, language: Language, said: Said = Said.NOTHING
    ) -> HTMLResponse:
        status = {Said.WAITING: 202, Said.REFUSED: 409}.get(said, 200)
        page = alert_page(self._places, alert, language, said, self._clock(), self._around(link))
        return _answer(page, language, status)

    def _around(self, link: Link) -> Around:
        """Return what the webhook of a link was told together with its alert; their links work as long as that one."""
        with self._reader.snapshot() as state:
            group = told_with(state.connection, link.alert, link.endpoint, MOST_LISTED + 1)
            explained = explained_by(state.connection, link.alert, MOST_LISTED + 1)
        made = link.expires - LIFE
        return Around(
            [(one, acknowledge_link("", self._key, one.id, link.endpoint, made)) for one in group], explained
        )

    def expired(self, language: Language) -> HTMLResponse:
        return _answer(plain_page("expired", language), language, 410)

    def nothing(self, language: Language) -> HTMLResponse:
        return _answer(plain_page("unknown", language), language, 404)


def _done(reader: Reader, act: Act, link: Link, who: str, hours: int, now: int) -> Said:
    """Hand an acknowledgement, or a snooze of so many hours, to the line; whoever gives no name is called as the webhook."""
    what, until = ("snooze", now + hours * NS_PER_HOUR) if hours else (ACKNOWLEDGE, 0)
    comment = f"by the link that {link.endpoint} was told"
    made = AlertAction(uuid4().hex, who, what, link.alert, comment, until=until)
    act(made)
    outcome, _ = outcome_of(reader, made.id)
    done = Said.SNOOZED if hours else Said.DONE
    return {"done": done, "refused": Said.REFUSED}.get(outcome, Said.WAITING)


def _answer(page: str, language: Language, status: int) -> HTMLResponse:
    return HTMLResponse(page, status, {**HEADERS, "Content-Language": language})


def _language(request: Request, lang: str = "") -> Language:
    """Return the language that was chosen on the page, else the one of ours that the browser likes best."""
    if lang in ("vi", "en"):
        return "vi" if lang == "vi" else "en"
    liked = {"vi": 0.0, "en": 0.0}
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag, _, weight = part.partition(";")
        name = tag.strip().split("-")[0]
        if name in liked:
            liked[name] = max(liked[name], _weight(weight.strip()))
    return "vi" if liked["vi"] > liked["en"] else "en"


def _weight(text: str) -> float:
    """Return the number of `q=0.8`; 1 where nothing is said, 0 where it cannot be read."""
    if not text:
        return 1.0
    return float(text[2:]) if re.fullmatch(r"q=[01](\.[0-9]{1,3})?", text) else 0.0


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a form asks for: one of _CHOICES, where it is a form of ours, and whoever says so."""

    do: str
    name: str


async def _asked(request: Request) -> _Asked:
    """Return what a form gives, the name without what could forge a line or turn the direction of text."""
    fields = parse_qs((await request.body()).decode(errors="replace"))
    given = "".join(c for c in fields.get("by", [""])[0] if c.isprintable())
    name = " ".join(given.split())[:LONGEST_NAME]
    return _Asked(fields.get("do", [ACKNOWLEDGE])[0], name)


Spoken = Annotated[Language, Depends(_language)]
AskedFor = Annotated[_Asked, Depends(_asked)]
