"""Takes alerts of other programs, by the webhook that Grafana and Alertmanager send: they are routed and told like our own."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from alerts.tables.actions import AlertAction, OutsideAlert
from api.access.caller import Asking, Role, signed
from api.access.guard import needs
from api.access.recorder import Recording
from api.accounting.periods import once_taken
from api.alerts.alert_bodies import Instant, Who
from api.once import OnceOnly
from api.problems import InvalidQuery, documented, taken_later
from api.times import parse_time
from store.reader import Reader

MOST_ALERTS, MOST_LABELS = 100, 20
SEVERITIES = ("info", "warning", "critical")

Text = Annotated[str, StringConstraints(max_length=4000)]
Label = Annotated[str, StringConstraints(max_length=200)]


class ToldAlertBody(BaseModel):
    """An alert as Grafana and Alertmanager have it."""

    status: Literal["firing", "resolved"] = Field(examples=["firing"])
    labels: dict[Label, Label] = Field(
        max_length=MOST_LABELS,
        description="alertname, and severity: info, warning (where it is another word) or critical",
        examples=[{"alertname": "Emissions have stopped", "severity": "critical"}],
    )
    annotations: dict[Label, Text] = Field(
        {}, max_length=MOST_LABELS, description="summary, description and runbook_url (https) are kept"
    )
    startsAt: Instant = Field(examples=["2026-11-24T05:00:00Z"])  # noqa: N815  as they spell it
    endsAt: Instant | None = Field(None, examples=["2026-11-24T05:30:00Z"])  # noqa: N815


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


def telling(router: APIRouter, reader: Reader, act: Callable[[AlertAction], None]) -> None:
    """Add the route; `act` hands what was told to the line, which takes it in its turn."""

    @router.post(
        "/told-alerts",
        response_model=TakenBody,
        dependencies=[needs(Role.OPERATOR, whole=True)],
        responses={202: taken_later(TakenBody), **documented(403)},
    )
    def tell_alerts(caller: Asking, record: Recording, once: OnceOnly, body: ToldBody) -> Any:
        """Take alerts of another program that fire or are over; they are told, acknowledged and silenced like our own.

        One is known again by its labels and `startsAt`, so that it is told once however often it is sent.
        """
        by = signed(caller, body.receiver if caller.shared else None)
        told = tuple(_told(number, one) for number, one in enumerate(body.alerts))
        made = AlertAction(once.number(caller, body.model_dump_json()), by, "tell", told=told)
        said = ", ".join(sorted({f"{one.rule} {'is over' if one.ended_at else 'fires'}" for one in told}))
        entry = ("alerts.told", "", "", said)
        outcome, detail = once_taken(reader, once, made.id, lambda: act(made), record, entry)
        taken = TakenBody(id=made.id, outcome=outcome, detail=detail)
        return JSONResponse(taken.model_dump(), 202 if outcome == "waiting" else 200)


def _told(number: int, one: ToldAlertBody) -> OutsideAlert:
    labels = {_plain(name): _plain(text) for name, text in one.labels.items()}
    rule, severity = labels.pop("alertname", ""), labels.pop("severity", "")
    if not rule.strip():
        raise InvalidQuery((f"alerts.{number}.labels", "alertname is missing"))
    texts = {
        name: _plain(one.annotations.get(name, "")) for name in ("summary", "description", "runbook_url")
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


def _plain(text: str) -> str:
    """Return a text in one line, without what could turn its direction."""
    return "".join(c if c.isprintable() else " " for c in text)
