"""The reading half of Alertmanager's API, version 2, so that Grafana's Alertmanager data source shows our alerts.

Only open alerts are told, as an Alertmanager does; their labels, annotations and fingerprints are those of our webhooks.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from alerts.tables.views import AlertView, SilenceView, find_alerts, silences
from alerts.tables.webhook_bodies import body as webhook_body
from alerts.telling.muting import Alert, Test, test_of
from alerts.telling.routing import Router
from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.scope import sees_matchers
from api.problems import InvalidQuery, documented
from plant.alert_rules.matchers import matcher
from plant.alerting import Matcher
from plant.clock import format_time
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN
from store.reader import Reader

Clock = Callable[[], int]  # ns UTC

MOST = 10_000  # open alerts that are told
STILL = 5 * NS_PER_MIN  # after which an alert that fires would be over, were it not told again
KEPT = 5 * NS_PER_DAY  # that a silence is told of after its end
MOST_MATCHERS = 50  # of one question
NOBODY = "nobody"  # the receiver where there is no webhook
MatcherText = Annotated[str, StringConstraints(max_length=300)]
_BARE = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*([^"]*?)\s*')
_TIME = "2026-11-24T05:00:00Z"


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ReceiverBody(_Body):
    """A webhook or a rota."""

    name: str = Field(examples=["shift"])


class AlertStateBody(_Body):
    """Whether an alert is told, and what keeps it from it."""

    state: Literal["active", "suppressed"] = Field(examples=["active"])
    silenced_by: list[str] = Field(examples=[[]])
    inhibited_by: list[str] = Field(description="fingerprints", examples=[[]])
    muted_by: list[str] = Field(examples=[[]])


class GettableAlertBody(_Body):
    """An alert that fires."""

    labels: dict[str, str] = Field(examples=[{"alertname": "mill-grid-rate", "severity": "warning"}])
    annotations: dict[str, str] = Field(examples=[{"summary": "grid emits 5.2 t/h"}])
    starts_at: str = Field(examples=[_TIME])
    ends_at: str = Field(description="when it would be over, were it not told again", examples=[_TIME])
    updated_at: str = Field(examples=[_TIME])
    generator_url: str = Field(
        serialization_alias="generatorURL", examples=["https://stackmeter.example/v1/alerts"]
    )
    fingerprint: str = Field(examples=["9f86d081884c7d65"])
    receivers: list[ReceiverBody]
    status: AlertStateBody


class AlertGroupBody(_Body):
    """Alerts that one receiver is told of together."""

    labels: dict[str, str] = Field(examples=[{"park": "nam-cau-kien"}])
    receiver: ReceiverBody
    alerts: list[GettableAlertBody]


class MatcherBody(_Body):
    """What a label must be."""

    name: str = Field(examples=["facility"])
    value: str = Field(examples=["mill"])
    is_regex: bool = Field(examples=[False])
    is_equal: bool = Field(examples=[True])


class SilenceStateBody(_Body):
    """Whether it lasts."""

    state: Literal["active", "expired"] = Field(examples=["active"])


class GettableSilenceBody(_Body):
    """A silence."""

    id: str = Field(examples=["silence_5d41402abc4b2a76b9719d911017c592"])
    status: SilenceStateBody
    matchers: list[MatcherBody]
    starts_at: str = Field(examples=[_TIME])
    ends_at: str = Field(examples=[_TIME])
    updated_at: str = Field(examples=[_TIME])
    created_by: str = Field(examples=["lan"])
    comment: str = Field(examples=["the stack's probe is cleaned"])


class ClusterBody(_Body):
    """We are alone."""

    status: Literal["disabled"] = Field(default="disabled", examples=["disabled"])
    peers: list[str] = Field(default_factory=list, examples=[[]])


class VersionBody(_Body):
    """Which version this is; most of it is Go's and empty here."""

    version: str = Field(examples=["0.1.0"])
    revision: str = Field(default="", examples=[""])
    branch: str = Field(default="", examples=[""])
    build_user: str = Field(default="", examples=[""])
    build_date: str = Field(default="", examples=[""])
    go_version: str = Field(default="", examples=[""])


class ConfigBody(_Body):
    """Not Alertmanager's: our routes stand in our own configuration."""

    original: str = Field(examples=["# Stackmeter's routes stand in its own configuration.\n"])


class AlertmanagerStatusBody(_Body):
    """That we answer like an Alertmanager."""

    cluster: ClusterBody
    version_info: VersionBody
    config: ConfigBody
    uptime: str = Field(description="since when we answer", examples=[_TIME])


@dataclass(frozen=True)
class Chosen:
    """Which alerts are asked for; each flag false leaves those out. None of ours is ever unprocessed or muted by hours."""

    filters: Annotated[
        list[MatcherText] | None,
        Query(
            alias="filter",
            max_length=MOST_MATCHERS,
            description="matchers, all of which hold",
            examples=[['severity="critical"']],
        ),
    ] = None
    receiver: Annotated[str | None, Query(max_length=200, description="a regular expression")] = None
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True
    muted: bool = True

    def test(self) -> Callable[[GettableAlertBody], bool]:
        """Return a function that says whether an alert is asked for; raise InvalidQuery where it is not written well."""
        labels = test_of(_matcher("filter", text) for text in self.filters or ())
        receivers = _receiver_test(self.receiver)

        def wanted(alert: GettableAlertBody) -> bool:
            status = alert.status
            return (
                (self.active or status.state != "active")
                and (self.silenced or not status.silenced_by)
                and (self.inhibited or not status.inhibited_by)
                and labels(alert.labels)
                and any(receivers({"receiver": one.name}) for one in alert.receivers)
            )

        return wanted


Choice = Annotated[Chosen, Depends()]
_Place = tuple[str, str]  # receiver and group labels as JSON


@dataclass(frozen=True, slots=True)
class _Seen:
    """The open alerts by id, and which of them are in which group."""

    alerts: Mapping[str, GettableAlertBody]
    groups: Mapping[_Place, Sequence[str]]


def routes(reader: Reader, plant: Plant, clock: Clock, public_url: str) -> APIRouter:
    """Return the routes; `public_url` is where readers find our API, without a slash at the end, "" gives no link."""
    router = APIRouter(
        prefix="/api/v2", tags=["alertmanager"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    began, routing = clock(), _Routing(plant)

    def seen(caller: Caller) -> _Seen:
        with reader.snapshot() as state:
            views = find_alerts(state.connection, status="open", places=caller.places, most=MOST).alerts
        return _seen(views, routing, clock(), public_url)

    @router.get("/status")
    def alertmanager_status() -> AlertmanagerStatusBody:
        """Return what a data source asks first."""
        return AlertmanagerStatusBody(
            cluster=ClusterBody(),
            version_info=VersionBody(version=version("stackmeter")),
            config=ConfigBody(original="# Stackmeter's routes stand in its own configuration.\n"),
            uptime=format_time(began),
        )

    @router.get("/alerts")
    def alertmanager_alerts(caller: Asking, chosen: Choice) -> list[GettableAlertBody]:
        """Return open alerts, the newest first."""
        return list(filter(chosen.test(), seen(caller).alerts.values()))

    @router.get("/alerts/groups")
    def alertmanager_groups(caller: Asking, chosen: Choice) -> list[AlertGroupBody]:
        """Return open alerts in the groups in which receivers are told of them."""
        test, receivers, found = chosen.test(), _receiver_test(chosen.receiver), seen(caller)
        return [
            AlertGroupBody(
                labels=_named(json.loads(labels)), receiver=ReceiverBody(name=receiver), alerts=mine
            )
            for (receiver, labels), numbers in sorted(found.groups.items())
            if receivers({"receiver": receiver})
            and (mine := list(filter(test, (found.alerts[number] for number in numbers))))
        ]

    @router.get("/silences")
    def alertmanager_silences(
        caller: Asking,
        filters: Annotated[
            list[MatcherText] | None,
            Query(alias="filter", max_length=MOST_MATCHERS, description="matchers of silences"),
        ] = None,
    ) -> list[GettableSilenceBody]:
        """Return silences that last, and those that ended in the last five days."""
        now = clock()
        with reader.snapshot() as state:
            found = silences(state.connection, now - KEPT)
        wanted = [_matcher("filter", text) for text in filters or ()]
        told = [_silence_body(one, now) for one in found if sees_matchers(caller, one.match)]
        return [one for one in told if _has(one, wanted)]

    @router.get("/receivers")
    def alertmanager_receivers(caller: Asking) -> list[ReceiverBody]:
        """Return the webhooks and rotas that alerts go to; to a key for some places, those of its open alerts."""
        names = routing.receivers
        if not caller.sees_all:
            names = sorted({one.name for alert in seen(caller).alerts.values() for one in alert.receivers})
        return [ReceiverBody(name=name) for name in names]

    return router


class _Routing:
    """Who is told of an alert, and in which group."""

    def __init__(self, plant: Plant) -> None:
        webhooks = [webhook.name for webhook in plant.webhooks] or [NOBODY]
        zones = {park.name: park.zone for park in plant.parks}
        self._router = Router(plant.routing, webhooks, zones)
        self.receivers = sorted({*webhooks, *(rota.name for rota in plant.routing.rotas)})

    def groups(self, views: Iterable[AlertView]) -> dict[_Place, list[str]]:
        """Return the ids of the alerts in each group."""
        routed = self._router.routed(Alert(one.id, _own_labels(one), one.started_at) for one in views)
        return {
            (group.receiver, group.labels): [alert.id for alert in mine] for group, mine in routed.values()
        }


def _seen(views: Sequence[AlertView], routing: _Routing, now: int, public_url: str) -> _Seen:
    groups = routing.groups(views)
    told_to: dict[str, list[str]] = {view.id: [] for view in views}
    for (receiver, _), numbers in groups.items():
        for number in numbers:
            told_to[number].append(receiver)
    shapes = {view.id: _shape(view, public_url) for view in views}
    alerts = {
        view.id: GettableAlertBody(
            labels=shapes[view.id]["labels"],
            annotations=shapes[view.id]["annotations"],
            starts_at=format_time(view.started_at),
            ends_at=format_time(now + STILL),
            updated_at=format_time(max(view.started_at, view.acknowledged_at or view.started_at)),
            generator_url=shapes[view.id]["generatorURL"],
            fingerprint=shapes[view.id]["fingerprint"],
            receivers=[ReceiverBody(name=name) for name in sorted(set(told_to[view.id]))],
            status=_state(view, shapes),
        )
        for view in views
    }
    return _Seen(alerts, groups)


def _shape(view: AlertView, public_url: str) -> Any:
    """Return what our webhooks of Alertmanager's format say of an alert."""
    told = {
        "id": view.id,
        "rule": view.rule,
        "status": "firing",
        "severity": view.severity,
        "started_at": format_time(view.started_at),
        "ended_at": None,
        "value": view.value,
        "comparison": view.comparison,
        "limit": view.limit,
        "unit": view.unit,
        "labels": view.labels,
        "summary": view.summary,
        "description": view.description,
        "texts": view.texts,
    }
    shape = json.loads(webhook_body("alertmanager", told, "", public_url))["alerts"][0]
    notes = {"acknowledged_by": view.acknowledged_by, "assigned_to": view.assigned_to}
    shape["annotations"] |= {name: text for name, text in notes.items() if text}
    return shape


def _state(view: AlertView, shapes: Mapping[str, Any]) -> AlertStateBody:
    by = view.muted_by
    inhibited = by in shapes or (view.status == "inhibited" and bool(by))
    return AlertStateBody(
        state="suppressed" if by else "active",
        silenced_by=[by] if by and not inhibited else [],
        inhibited_by=[shapes[by]["fingerprint"] if by in shapes else by] if inhibited else [],
        muted_by=[],
    )


def _silence_body(one: SilenceView, now: int) -> GettableSilenceBody:
    return GettableSilenceBody(
        id=one.id,
        status=SilenceStateBody(state="active" if now < one.finish else "expired"),
        matchers=[_matcher_body(matcher(text)) for text in one.match],
        starts_at=format_time(one.start),
        ends_at=format_time(one.finish),
        updated_at=format_time(one.finish if one.ended_by else one.start),
        created_by=one.actor,
        comment=one.comment,
    )


def _matcher_body(one: Matcher) -> MatcherBody:
    return MatcherBody(
        name=_name(one.label),
        value=one.value,
        is_regex=one.operator in ("=~", "!~"),
        is_equal=one.operator in ("=", "=~"),
    )


def _has(silence: GettableSilenceBody, wanted: Iterable[Matcher]) -> bool:
    """Return whether a silence has a matcher of each wanted label with a value that fits, as Alertmanager looks for them."""
    values = {one.name: one.value for one in silence.matchers}
    return test_of(wanted)(values)


def _own_labels(view: AlertView) -> dict[str, str]:
    return {**view.labels, "rule": view.rule, "severity": view.severity}


def _named(labels: Mapping[str, str]) -> dict[str, str]:
    return {_name(name): text for name, text in labels.items()}


def _name(label: str) -> str:
    """Return the label's name to an Alertmanager: a rule is its alertname."""
    return "alertname" if label == "rule" else label


def _receiver_test(pattern: str | None) -> Test:
    return test_of(() if pattern is None else [_matcher("receiver", f"receiver=~{pattern}")])


def _matcher(parameter: str, text: str) -> Matcher:
    """Return a matcher as Alertmanager takes them, with or without quotes around the value."""
    bare = _BARE.fullmatch(text)
    if bare is not None:
        value = bare[3] if bare[2] in ("=~", "!~") else bare[3].replace("\\", "\\\\")
        text = f'{bare[1]}{bare[2]}"{value}"'
    try:
        found = matcher(text)
    except ValueError as error:
        raise InvalidQuery((parameter, str(error))) from None
    return Matcher(_name(found.label), found.operator, found.value)
