"""Alerts and silences: how they stand, what happened to them, and what people do with them."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alerts.tables.actions import AlertAction
from alerts.tables.actions import silence_id as id_of_silence
from alerts.tables.views import AlertView, SilenceView, alert_events, find_alerts, silences
from alerts.tables.views import alert as one_alert
from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import GUARDED, needs
from api.access.recorder import Recorder, Recording
from api.access.scope import sees_labels, sees_matchers
from api.accounting.periods import once_taken
from api.alerts.alert_bodies import (
    ActedBody,
    ActionBody,
    NewSilenceBody,
    OneAlertBody,
    SilencedBody,
    SilencesBody,
    alert_body,
    event_body,
    silence_body,
)
from api.alerts.told import telling
from api.models import AlertsBody, AlertStatus, Severity
from api.once import Once, OnceOnly
from api.problems import InvalidQuery, documented, problem, taken_later
from api.times import parse_time
from plant.alert_rules.matchers import faults
from plant.alerting import LABELS
from plant.clock import format_time
from plant.park import Plant
from plant.suggest import did_you_mean
from store.reader import Reader, Snapshot

Act = Callable[[AlertAction], None]
Clock = Callable[[], int]  # ns UTC

Word = Annotated[str | None, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=1000, description="at most so many")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the answer before")]
Id = Annotated[str, Path(max_length=64, examples=["alert_1b19524c013be38786387fa559fd5ecd"])]

_NEEDS = {"snooze": "until", "assign": "to", "comment": "comment"}
_ONLY_OF = {"until": "snooze", "to": "assign"}


def routes(reader: Reader, plant: Plant, act: Act, clock: Clock) -> APIRouter:
    """Return the routes; `act` hands an action to the line, which takes it in its turn."""
    router = APIRouter(
        prefix="/v1", tags=["alerts"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    _asking(router, reader, plant)
    telling(router, reader, act)
    _acting(router, reader, act)
    _silencing(router, reader, plant, act, clock)
    return router


def _asking(router: APIRouter, reader: Reader, plant: Plant) -> None:
    @router.get("/alerts")
    def alerts(
        caller: Asking,
        status: AlertStatus | None = None,
        park: Word = None,
        facility: Word = None,
        rule: Word = None,
        severity: Severity | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> AlertsBody:
        """Return alerts that are all that is asked for, the newest first; `open` is every status but resolved."""
        after = "" if cursor is None else _opened(cursor)
        with reader.snapshot() as state:
            try:
                page = find_alerts(
                    state.connection, status=status, park=park, facility=facility, rule=rule,
                    severity=severity, places=caller.places, after=after, most=limit,
                )  # fmt: skip
            except (ValueError, OverflowError):
                raise _no_cursor() from None
        if not page.alerts:
            _check_names(plant, caller, park=park, facility=facility, rule=rule)
        return AlertsBody(
            alerts=[alert_body(one) for one in page.alerts], next=_sealed(page.after) if page.after else None
        )

    @router.get("/alerts/{alert_id}", responses=documented(404))
    def alert(request: Request, caller: Asking, alert_id: Id) -> Any:
        """Return one alert with what happened to it and who did it."""
        with reader.snapshot() as state:
            found = _alert(state, caller, alert_id)
            if found is None:
                return _no_alert(request, alert_id)
            events = alert_events(state.connection, alert_id)
        body = OneAlertBody(**alert_body(found).model_dump(), events=[event_body(event) for event in events])
        return JSONResponse(body.model_dump())


def _acting(router: APIRouter, reader: Reader, act: Act) -> None:
    @router.post(
        "/alerts/{alert_id}/actions",
        response_model=ActedBody,
        dependencies=[needs(Role.OPERATOR)],
        responses={202: taken_later(ActedBody), **documented(403, 404, 409)},
    )
    def alert_action(
        request: Request, caller: Asking, record: Recording, once: OnceOnly, alert_id: Id, body: ActionBody
    ) -> Any:
        """Acknowledge, snooze, hand over or comment. Taken in turn among the readings; 202 if not yet."""
        _check_action(body)
        by = signed(caller, body.by)
        with reader.snapshot() as state:
            before = _alert(state, caller, alert_id)
        if before is None:
            return _no_alert(request, alert_id)
        until = 0 if body.until is None else _time(body.until)
        made = AlertAction(
            once.number(caller, body.model_dump_json()),
            by,
            body.action,
            alert_id,
            body.comment,
            body.to or "",
            until,
        )
        said = " ".join(filter(None, (body.action, "by", by, body.to, body.until, body.comment)))
        entry = (f"alert.{body.action}", alert_id, before.status, said)
        outcome, detail = once_taken(reader, once, made.id, lambda: act(made), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, detail)
        with reader.snapshot() as state:
            found = one_alert(state.connection, alert_id)
        if found is None:
            raise RuntimeError("an alert is never forgotten")
        told = ActedBody(id=made.id, outcome=outcome, detail=detail, alert=alert_body(found))
        return JSONResponse(told.model_dump(), 202 if outcome == "waiting" else 200)


def _silencing(router: APIRouter, reader: Reader, plant: Plant, act: Act, clock: Clock) -> None:
    def silenced(
        request: Request, record: Recorder, once: Once, action: AlertAction, entry: tuple[str, str, str, str]
    ) -> Any:
        outcome, detail = once_taken(reader, once, action.id, lambda: act(action), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, detail)
        which = entry[1]
        found = _silence(reader, which)
        told = SilencedBody(
            id=which, outcome=outcome, detail=detail, silence=None if found is None else silence_body(found)
        )
        return JSONResponse(told.model_dump(), 202 if outcome == "waiting" else 200)

    @router.get("/silences")
    def all_silences(
        caller: Asking,
        ended: Annotated[bool, Query(description="those that are over too")] = False,
    ) -> SilencesBody:
        """Return the silences that last, the one that ends first first."""
        with reader.snapshot() as state:
            found = silences(state.connection, 0 if ended else clock())
        return SilencesBody(silences=[silence_body(one) for one in found if sees_matchers(caller, one.match)])

    @router.post(
        "/silences",
        response_model=SilencedBody,
        dependencies=[needs(Role.OPERATOR)],
        responses={202: taken_later(SilencedBody), **documented(403, 409)},
    )
    def silence(
        request: Request, caller: Asking, record: Recording, once: OnceOnly, body: NewSilenceBody
    ) -> Any:
        """Keep alerts that match from being told until a time. Taken in turn among the readings; 202 if not yet.

        A key for some places must name park and facility in `match`, with `=`.
        """
        by = signed(caller, body.by)
        _check_labels(plant, body.match)
        if not sees_matchers(caller, body.match):
            raise HTTPException(
                403, 'your key is for some places only: name park="…" and facility="…" in match'
            )
        made = AlertAction(
            once.number(caller, body.model_dump_json()),
            by,
            "silence",
            comment=body.comment,
            until=_time(body.until),
            match=tuple(body.match),
        )
        said = f"{', '.join(body.match)} until {body.until} by {by}: {body.comment}"
        return silenced(request, record, once, made, ("silence.made", id_of_silence(made.id), "", said))

    @router.delete(
        "/silences/{silence_id}",
        response_model=SilencedBody,
        dependencies=[needs(Role.OPERATOR)],
        responses={202: taken_later(SilencedBody), **documented(403, 404, 409)},
    )
    def unsilence(
        request: Request,
        caller: Asking,
        record: Recording,
        once: OnceOnly,
        silence_id: Id,
        by: Annotated[
            str | None, Query(min_length=1, max_length=100, description="with a shared key: who")
        ] = None,
    ) -> Any:
        """End a silence before its time."""
        name, found = signed(caller, by), _silence(reader, silence_id)
        if found is None or not sees_matchers(caller, found.match):
            return problem(request.url.path, 404, f"there is no silence {silence_id!r}")
        before = f"{', '.join(found.match)} until {format_time(found.finish)}"
        ended = AlertAction(once.number(caller, name), name, "unsilence", silence_id)
        return silenced(request, record, once, ended, ("silence.ended", silence_id, before, f"by {name}"))


def _alert(state: Snapshot, caller: Caller, which: str) -> AlertView | None:
    """Return an alert that the caller may see, None where there is none."""
    found = one_alert(state.connection, which)
    return found if found is not None and sees_labels(caller, found.labels) else None


def _silence(reader: Reader, which: str) -> SilenceView | None:
    with reader.snapshot() as state:
        return next((one for one in silences(state.connection) if one.id == which), None)


def _check_labels(plant: Plant, match: Sequence[str]) -> None:
    """Refuse a matcher that cannot be read, and a label that no alert has: it would silence nothing, or everything."""
    own = (name for condition in plant.conditions for name, _ in condition.labels)
    if wrong := [(f"match[{place}]", what) for place, what in faults(match, {*LABELS, *own})]:
        raise InvalidQuery(*wrong)


def _check_action(body: ActionBody) -> None:
    """Refuse what is missing of an action, and what is of another one."""
    needed = _NEEDS.get(body.action)
    wrong = [
        (name, f"is of {of}") for name, of in _ONLY_OF.items() if getattr(body, name) and of != body.action
    ]
    if needed is not None and not getattr(body, needed):
        wrong.append((needed, f"say it with {body.action}"))
    if wrong:
        raise InvalidQuery(*wrong)


def _check_names(plant: Plant, caller: Caller, **asked: str | None) -> None:
    """Refuse names that are in no configuration: where nothing was found they are rather mistyped than past.

    Rules are of all parks: whoever does not see all of them is not told which there are.
    """
    seen = [one for one in plant.facilities if caller.sees(one.park, one.name)]
    known: dict[str, Iterable[str]] = {
        "park": [one.name for one in plant.parks if caller.sees(one.name)] + [one.park for one in seen],
        "facility": (one.name for one in seen),
    }
    if caller.sees_all:
        known["rule"] = [*(one.name for one in plant.rules), *(one.name for one in plant.conditions)]
    for parameter, name in asked.items():
        if parameter not in known:
            continue
        names = sorted(set(known[parameter]))
        if name is not None and name not in names:
            raise InvalidQuery((parameter, f"no {parameter} {name!r}{did_you_mean(name, names)}"))


def _time(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise InvalidQuery(("until", str(error))) from error


def _no_alert(request: Request, which: str) -> JSONResponse:
    return problem(request.url.path, 404, f"there is no alert {which!r}")


def _sealed(after: str) -> str:
    return base64.urlsafe_b64encode(after.encode()).rstrip(b"=").decode()


def _opened(cursor: str) -> str:
    try:
        after = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise _no_cursor() from None
    if not after:
        raise _no_cursor()
    return after


def _no_cursor() -> InvalidQuery:
    return InvalidQuery(("cursor", "take `next` of the answer before"))
