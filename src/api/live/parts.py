"""The parts of the live stream, as callers of each sight are told of them."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from fastapi.sse import format_sse_event

from api.access.caller import Caller
from api.access.scope import sees_labels
from api.live.event_ids import EventIds

AFRESH_S = 60.0  # an id is made anew, so that it does not fall behind what is kept while nothing happens to its caller
REPLAYED = 1000  # of what happened to alerts; whoever was away for longer is told that some is missing

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """What a caller is told of a part: how it stands, without its time, whether something happened, and the event."""

    stands: str
    happened: bool
    event: bytes


class ToldBefore:
    """What one stream was told, so that what a caller cannot see does not show by an event that says the same again."""

    def __init__(self) -> None:
        self._stands: dict[str, tuple[str, float]] = {}  # and when that was said

    def needs_afresh(self, name: str) -> bool:
        """Return whether a part is to be told again though nothing changed: of its own clock, so that it shows nothing."""
        return name == "alerts" and time.monotonic() - self._stands[name][1] >= AFRESH_S

    def is_news(self, name: str, text: Text) -> bool:
        """Return whether a text of a part is to be told, and take it for told then."""
        before = self._stands[name][0] if name in self._stands else None
        if text.stands == before and not text.happened and not self.needs_afresh(name):
            return False
        self._stands[name] = (text.stands, time.monotonic())
        return True


@dataclass(slots=True)
class Part:
    """One part of what is seen, and the texts that tell of it, made once for all callers of the same sight."""

    name: str
    version: int
    body: Body
    ids: EventIds
    _texts: dict[tuple[Any, ...], Text] = field(default_factory=dict)

    def text(self, caller: Caller, last: int | None, *, parks: bool = False) -> Text:
        """Return it for a caller who was told of what happened to alerts up to `last`, None: who asks for nothing.

        With `parks` a total of all says what each park adds to it.
        """
        key = (caller.places, last if self.name == "alerts" else None, parks)
        if key not in self._texts:
            is_alerts = self.name == "alerts"
            self._texts[key] = self._alerts(caller, last) if is_alerts else self._made(caller, parks=parks)
        return self._texts[key]

    def _made(self, caller: Caller, *, parks: bool) -> Text:
        stands = self._stands(caller)
        if not parks:
            stands.pop("parks", None)
        return Text(as_json(stands), False, format_sse_event(event=self.name, data_str=self._whole(stands)))

    def _stands(self, caller: Caller) -> Body:
        if caller.sees_all:
            return without_time(self.body)
        if self.name == "health":
            return {"ready": self.body["ready"], "reasons": [], "degradations": []}
        return {key: _visible(value, caller) for key, value in without_time(self.body).items()}

    def _alerts(self, caller: Caller, last: int | None) -> Text:
        newest, kept = self.body["last"], self.body["happened"]
        told = [one for one in kept if last is not None and one["id"] > last and sees_labels(caller, one)]
        known_from = kept[0]["id"] - 1 if len(kept) == REPLAYED else 0
        is_missed = last is not None and not known_from <= last <= newest
        is_open = [one for one in self.body["open"] if sees_labels(caller, one["labels"])]
        stands = {"open": is_open, "more": self.body["more"]}
        happened = {"happened": [_without_number(one) for one in told], "missed": is_missed}
        event = format_sse_event(
            event="alerts",
            data_str=self._whole(stands | happened),
            id=self.ids.sealed(newest, caller.places),
        )
        return Text(as_json(stands), bool(told) or is_missed, event)

    def _whole(self, stands: Body) -> str:
        return as_json({"as_of": self.body["as_of"], **stands})


def _visible(value: Any, caller: Caller) -> Any:
    """Return what a caller may see of a list of rows with park and facility; of anything else, all."""
    if not isinstance(value, list):
        return value
    return [row for row in value if row["park"] and caller.sees(row["park"], row["facility"] or "")]


def without_time(body: Body) -> Body:
    """Return a body without the time of the look."""
    return {key: value for key, value in body.items() if key != "as_of"}


def _without_number(happened: Body) -> Body:
    """Return what happened without its number, which counts what happens to others too."""
    return {key: value for key, value in happened.items() if key != "id"}


def as_json(body: Body) -> str:
    """Return a body as the stream writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
