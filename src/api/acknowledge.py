"""Acknowledging an alert from the message that told of it: a small page for a phone, without an account.

Looking changes nothing, because chats and mail filters open every link to preview it; only the button does. What a
link is good for is signed into it (`store.links`), so that nothing is kept of links; the line takes the first
acknowledgement and refuses any further one.
"""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import parse_qs
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from api.acknowledge_page import HEADERS, Language, Said, alert_page, plain_page
from api.periods import outcome_of
from api.recorder import Recording
from plant.park import Plant
from store.alert_actions import AlertAction
from store.alert_views import AlertView
from store.alert_views import alert as one_alert
from store.links import PATH, Link, read_link
from store.reader import Reader

Act = Callable[[AlertAction], None]
Clock = Callable[[], int]  # ns UTC
LONGEST_NAME = 100


def routes(reader: Reader, plant: Plant, key: bytes, act: Act, clock: Clock) -> APIRouter:
    """Return the routes.

    Parameters
    ----------
    key
        What links are signed with, from `store.links.link_key`.
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
        return pages.shown(found, language)

    @router.post("/{token}")
    def acknowledge(token: str, language: Spoken, name: GivenName, record: Recording) -> HTMLResponse:
        """Acknowledge the alert of a link; who was first is told to everybody after."""
        link = pages.link(token)
        found = None if link is None else pages.alert(link)
        if link is None or found is None:
            return pages.nothing(language)
        if pages.has_expired(link):
            return pages.expired(language)
        if found.acknowledged_at is not None or found.ended_at is not None:
            return pages.shown(found, language, Said.REFUSED)
        record(
            "alert.acknowledge",
            link.alert,
            found.status,
            f"acknowledge by {name or link.endpoint}, with a link",
        )
        outcome = _acknowledged(reader, act, link, name)
        return pages.shown(pages.alert(link) or found, language, outcome)

    return router


class _Pages:
    def __init__(self, reader: Reader, plant: Plant, key: bytes, clock: Clock) -> None:
        self._reader, self._plant, self._key, self._clock = reader, plant, key, clock

    def link(self, token: str) -> Link | None:
        return read_link(self._key, token)

    def alert(self, link: Link) -> AlertView | None:
        with self._reader.snapshot() as state:
            return one_alert(state.connection, link.alert)

    def has_expired(self, link: Link) -> bool:
        return self._clock() >= link.expires

    def shown(self, alert: AlertView, language: Language, said: Said = Said.NOTHING) -> HTMLResponse:
        status = {Said.WAITING: 202, Said.REFUSED: 409}.get(said, 200)
        return _answer(alert_page(self._plant, alert, language, said), language, status)

    def expired(self, language: Language) -> HTMLResponse:
        return _answer(plain_page("expired", language), language, 410)

    def nothing(self, language: Language) -> HTMLResponse:
        return _answer(plain_page("unknown", language), language, 404)


def _acknowledged(reader: Reader, act: Act, link: Link, name: str) -> Said:
    """Hand an acknowledgement to the line; whoever gives no name is called as the webhook that told them."""
    comment = f"by the link that {link.endpoint} was told"
    made = AlertAction(uuid4().hex, name or link.endpoint, "acknowledge", link.alert, comment)
    act(made)
    outcome, _ = outcome_of(reader, made.id)
    return {"done": Said.DONE, "refused": Said.REFUSED}.get(outcome, Said.WAITING)


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


async def _name(request: Request) -> str:
    """Return the name that a form gives, without what could forge a line or turn the direction of text."""
    fields = parse_qs((await request.body()).decode(errors="replace"))
    given = "".join(c for c in fields.get("by", [""])[0] if c.isprintable())
    return " ".join(given.split())[:LONGEST_NAME]


Spoken = Annotated[Language, Depends(_language)]
GivenName = Annotated[str, Depends(_name)]
