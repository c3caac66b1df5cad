"""Takes alerts of other programs, by the webhook that Grafana and Alertmanager send: they are routed and told like our own."""

from collections.abc import Callable, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from alerts.tables.actions import AlertAction, OutsideAlert
from api.access.caller import Asking, Role, signed
from api.access.guard import needs
from api.access.recorder import Recording
from api.accounting.periods import once_taken
from api.alerts.alert_bodies import Who
from api.once import OnceOnly
from api.problems import InvalidQuery, documented, taken_later
from api.times import parse_time
from store.reader import Reader

MOST_ALERTS, LARGEST = 1000, 1 << 20  # of one webhook, and its bytes
MOST_LABELS, LONGEST_LABEL, LONGEST_TEXT = (
    20,
    200,
    4000,
)  # of one alert; what is beyond is cut off, so that it is told all the same
MOST_REASONS = 20  # of those that are not taken
SEVERITIES = ("info", "warning", "critical")
NAMING = ("alertname", "severity", "park", "facility")  # labels that are kept first


class ToldAlertBody(BaseModel):
    """An alert as Grafana and Alertmanager have it."""

    status: Literal["firing", "resolved"] = Field(examples=["firing"])
    labels: dict[str, str] = Field(
        description="alertname, and severity: info, warning (where it is another word) or critical",
        examples=[{"alertname": "Emissions have stopped", "severity": "critical"}],
    )
    annotations: dict[str, str] = Field(
        {}, description="summary, description and runbook_url (https) are kept"
    )
    startsAt: str = Field(examples=["2026-11-24T05:00:00Z"])  # noqa: N815  as they spell it
    endsAt: str | None = Field(None, examples=["2026-11-24T05:30:00Z"])  # noqa: N815


class ToldBody(BaseModel):
    """What Grafana's webhook, or Alertmanager's of version 4, sends; what else is in it is left."""

    receiver: Who | None = Field(
        None, description="with a shared key, who tells; else it is the key's name", examples=["grafana"]
    )
    alerts: list[ToldAlertBody] = Field(min_length=1, max_length=MOST_ALERTS)


class TakenBody(BaseModel):
    """What became of it."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=["1 alerts of grafana"])
    refused: list[str] = Field(
        description="which alerts were not taken, and why; the others were",
        examples=[["alerts.3.startsAt: no time of RFC 3339"]],
    )


def telling(router: APIRouter, reader: Reader, act: Callable[[AlertAction], None]) -> None:
    """Add the route; `act` hands what was told to the line, which takes it in its turn."""

    @router.post(
        "/told-alerts",
        response_model=TakenBody,
        dependencies=[needs(Role.OPERATOR, whole=True)],
        responses={202: taken_later(TakenBody), **documented(403)},
        max_body_size=LARGEST,
    )
    def tell_alerts(caller: Asking, record: Recording, once: OnceOnly, body: ToldBody) -> Any:
        """Take alerts of another program that fire or are over; they are told, acknowledged and silenced like our own.

        One is known again by its labels and `startsAt`, so that it is told once however often it is sent. One that cannot be taken costs itself.
        """
        by = signed(caller, body.receiver if caller.shared else None)
        told, refused = _readable(body.alerts)
        made = AlertAction(once.number(caller, body.model_dump_json()), by, "tell", told=told)
        said = ", ".join(sorted({f"{one.rule} {'is over' if one.ended_at else 'fires'}" for one in told}))
        entry = ("alerts.told", "", "", said)
        outcome, detail = once_taken(reader, once, made.id, lambda: act(made), record, entry)
        taken = TakenBody(id=made.id, outcome=outcome, detail=detail, refused=refused)
        return JSONResponse(taken.model_dump(), 202 if outcome == "waiting" else 200)


def _readable(alerts: Sequence[ToldAlertBody]) -> tuple[tuple[OutsideAlert, ...], list[str]]:
    """Return the alerts that can be taken, and why the others cannot; raise InvalidQuery where none can."""
    told, refused = list[OutsideAlert](), list[tuple[str, str]]()
    for number, one in enumerate(alerts):
        try:
            told.append(_told(number, one))
        except InvalidQuery as error:
            refused += error.errors
    if not told:
        raise InvalidQuery(*refused[:MOST_REASONS])
    return tuple(told), [f"{where}: {why}" for where, why in refused[:MOST_REASONS]]


def _told(number: int, one: ToldAlertBody) -> OutsideAlert:
    kept = sorted(one.labels.items(), key=lambda pair: (pair[0] not in NAMING, pair[0]))[:MOST_LABELS]
    labels = {_plain(name, LONGEST_LABEL): _plain(text, LONGEST_LABEL) for name, text in kept}
    rule, severity = labels.pop("alertname", ""), labels.pop("severity", "")
    if not rule.strip():
        raise InvalidQuery((f"alerts.{number}.labels", "alertname is missing"))
    texts = {
        name: _plain(one.annotations.get(name, ""), LONGEST_TEXT)
        for name in ("summary", "description", "runbook_url")
    }
    is_over = one.status == "resolved"
    return OutsideAlert(
        rule,
        severity if severity in SEVERITIES else "warning",
        labels,
        texts["summary"] or rule,
        texts["description"],
        texts["runbook_url"] if urlsplit(texts["runbook_url"]).scheme == "https" else "",
        _time(number, "startsAt", one.startsAt),
        _time(number, "endsAt", one.endsAt or "") if is_over else 0,
    )


def _time(number: int, name: str, text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise InvalidQuery((f"alerts.{number}.{name}", str(error))) from error


def _plain(text: str, longest: int) -> str:
    """Return a text in one line, without what could turn its direction, cut to a length."""
    return "".join(c if c.isprintable() else " " for c in text[:longest])
