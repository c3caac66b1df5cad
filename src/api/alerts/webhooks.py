"""Webhooks: how each endpoint stands, what was tried, what was given up, and sending it again."""

from collections.abc import Callable
from contextlib import closing
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from alerts.tables.webhook_acts import KEPT_DAYS, Delivery, DropEvents, ReplayEvents, kept_since
from alerts.tables.webhooks import Asked, DeadWebhook, EndpointState, WebhookOutbox
from api.access.caller import Asking, Role
from api.access.guard import GUARDED, needs
from api.access.recorder import Recording
from api.once import OnceOnly, refusing_used
from api.problems import InvalidQuery, documented
from api.times import parse_time
from plant.clock import format_time
from plant.park import Plant
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_S

OpenOutbox = Callable[[], WebhookOutbox]
Clock = Callable[[], int]  # ns UTC

Endpoint = Annotated[str | None, Query(max_length=64, description="only of this endpoint")]
Event = Annotated[str | None, Query(max_length=64, description="only this event, a webhook-id")]
AboutAlert = Annotated[
    str | None, Query(max_length=64, description="only events that told of this alert, alone or with others")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="the newest so many")]


class EndpointBody(BaseModel):
    """What became of an endpoint's events, since the state began."""

    endpoint: str = Field(examples=["on-call"])
    configured: bool = Field(description="false: it is in the configuration no more", examples=[True])
    waiting: int = Field(description="events to be delivered yet", examples=[0])
    oldest_s: float | None = Field(description="age of the oldest waiting event [s]", examples=[None])
    delivered: int = Field(description="attempts that were taken", examples=[12])
    failed: int = Field(description="attempts that were not", examples=[1])
    dead: int = Field(description="events that were given up until a replay", examples=[0])
    disabled: bool = Field(description="it answered 410, and gets nothing until a replay", examples=[False])
    last_error: str = Field(description="of the latest attempt; empty where it was taken", examples=[""])
    last_delivered: str | None = Field(examples=["2026-11-24T05:00:00Z"])


class WebhooksBody(BaseModel):
    """All endpoints."""

    webhooks: list[EndpointBody]


class DeliveryBody(BaseModel):
    """One attempt."""

    endpoint: str = Field(examples=["on-call"])
    event: str = Field(description="the webhook-id", examples=["event_672c01f47c3ba86395984d47a7dbfc92"])
    at: str = Field(examples=["2026-11-24T05:00:00Z"])
    status: int | None = Field(description="HTTP status; null: no answer", examples=[503])
    error: str = Field(description="empty where it was taken", examples=["HTTP 503"])
    took_ms: int = Field(examples=[41])


class DeliveriesBody(BaseModel):
    """Attempts, the newest first; the newest 100,000 of the last 90 days are kept."""

    deliveries: list[DeliveryBody]


class DeadBody(BaseModel):
    """An event that was given up."""

    endpoint: str = Field(examples=["on-call"])
    event: str = Field(description="the webhook-id", examples=["event_672c01f47c3ba86395984d47a7dbfc92"])
    alert: str = Field(examples=["alert_1b19524c013be38786387fa559fd5ecd"])
    created: str = Field(examples=["2026-11-24T05:00:00Z"])
    dead: str = Field(description="when it was given up", examples=["2026-11-27T08:36:00Z"])
    attempts: int = Field(examples=[12])
    error: str = Field(description="of the last attempt", examples=["HTTP 503"])


class DeadListBody(BaseModel):
    """Events that were given up, the newest first."""

    dead: list[DeadBody]


class ReplayBody(BaseModel):
    """Which events to send again, under their old ids; at least one of the fields is given."""

    model_config = {"extra": "forbid", "strict": True}

    endpoint: str | None = Field(None, max_length=64, examples=["on-call"])
    event: str | None = Field(None, max_length=64, description="a webhook-id")
    since: str | None = Field(None, max_length=64, description="made at or after, RFC 3339 with zone")
    until: str | None = Field(None, max_length=64, description="made before, RFC 3339 with zone")
    dead_only: bool = Field(False, description="only events that were given up", examples=[True])


class ReplayedBody(BaseModel):
    """What will be sent again."""

    replayed: int = Field(description="events that are due again", examples=[3])
    detail: str = Field(
        "",
        description="what may be missing because it is not kept any more",
        examples=["what was delivered and made before 2026-08-26T05:00:00Z is not kept"],
    )


class DropBody(BaseModel):
    """Which events that were given up to forget; at least one of the fields is given."""

    model_config = {"extra": "forbid", "strict": True}

    endpoint: str | None = Field(None, max_length=64, examples=["on-call"])
    event: str | None = Field(None, max_length=64, description="a webhook-id")
    since: str | None = Field(None, max_length=64, description="made at or after, RFC 3339 with zone")
    until: str | None = Field(None, max_length=64, description="made before, RFC 3339 with zone")


class DroppedBody(BaseModel):
    """What was forgotten."""

    dropped: int = Field(description="events that were given up and are forgotten", examples=[3])


def routes(plant: Plant, open_outbox: OpenOutbox, clock: Clock) -> APIRouter:
    """Return the routes; each question opens the outbox anew, and closes it."""
    router = APIRouter(
        prefix="/v1/webhooks",
        tags=["webhooks"],
        dependencies=[*GUARDED, needs(Role.OPERATOR, whole=True)],
        responses=documented(401, 403, 422, 503),
    )

    @router.get("")
    def webhooks() -> WebhooksBody:
        """Return how each endpoint stands."""
        configured = [one.name for one in plant.webhooks]
        with closing(open_outbox()) as outbox:
            found = outbox.endpoints(plant.webhooks)
        names = sorted({*configured, *found})
        states = [found.get(name, EndpointState(name)) for name in names]
        return WebhooksBody(webhooks=[_endpoint(s, s.endpoint in configured, clock()) for s in states])

    @router.get("/deliveries")
    def deliveries(
        endpoint: Endpoint = None, event: Event = None, alert: AboutAlert = None, limit: Limit = 100
    ) -> DeliveriesBody:
        """Return attempts to deliver, the newest first."""
        with closing(open_outbox()) as outbox:
            _check_endpoint(plant, outbox, endpoint)
            found = outbox.deliveries(endpoint, event, limit, alert)
        return DeliveriesBody(deliveries=[_delivery(one) for one in found])

    @router.get("/dead")
    def dead_webhooks(endpoint: Endpoint = None, limit: Limit = 100) -> DeadListBody:
        """Return events that were given up after three days of attempts, the newest first."""
        with closing(open_outbox()) as outbox:
            _check_endpoint(plant, outbox, endpoint)
            found = outbox.dead(endpoint, limit)
        return DeadListBody(dead=[_dead(one) for one in found])

    @router.post("/replay")
    def replay_webhooks(caller: Asking, record: Recording, once: OnceOnly, body: ReplayBody) -> ReplayedBody:
        """Make events due again under their old ids, delivered or given up; it enables an endpoint that answered 410.

        Each alert's events go in their order again. A single event that is replayed is told as it was, though the alert
        may have moved on since. What was delivered is kept for 90 days, and an event that is not kept is refused.
        """
        if not body.model_dump(exclude_defaults=True):
            raise InvalidQuery(("endpoint", "say which events: endpoint, event, since, until or dead_only"))
        since, until = _time("since", body.since), _time("until", body.until)
        with closing(open_outbox()) as outbox:
            _check_endpoint(plant, outbox, body.endpoint)
            done = _once(
                outbox,
                once.number(caller, body.model_dump_json()),
                clock(),
                lambda: record(
                    "webhooks.replayed", body.endpoint or "", "", body.model_dump_json(exclude_unset=True)
                ),
                ReplayEvents(clock(), body.endpoint, body.event, since or 0, until, body.dead_only),
            )
        if body.event is not None and not done.count:
            raise InvalidQuery(
                ("event", f"no such event is kept: what was delivered is, for {KEPT_DAYS} days")
            )
        oldest = kept_since(done.at)
        lacks = not (body.dead_only or body.event) and (since or 0) < oldest
        detail = f"what was delivered and made before {format_time(oldest)} is not kept" if lacks else ""
        return ReplayedBody(replayed=done.count, detail=detail)

    @router.post("/drop")
    def drop_webhooks(caller: Asking, record: Recording, once: OnceOnly, body: DropBody) -> DroppedBody:
        """Forget events that were given up; what waits or was delivered is not touched."""
        if not body.model_dump(exclude_defaults=True):
            raise InvalidQuery(("endpoint", "say which events: endpoint, event, since or until"))
        since, until = _time("since", body.since), _time("until", body.until)
        with closing(open_outbox()) as outbox:
            _check_endpoint(plant, outbox, body.endpoint)
            done = _once(
                outbox,
                once.number(caller, body.model_dump_json()),
                clock(),
                lambda: record(
                    "webhooks.dropped", body.endpoint or "", "", body.model_dump_json(exclude_unset=True)
                ),
                DropEvents(body.endpoint, body.event, since or 0, until),
            )
        return DroppedBody(dropped=done.count)

    return router


def _once(
    outbox: WebhookOutbox, number: str, now: int, note: Callable[[], None], act: ReplayEvents | DropEvents
) -> Asked:
    """Note and do what was not asked under an id before; return what came of it."""
    with refusing_used():
        before = outbox.asked(number)
        if before is not None:
            return before
        note()
        return outbox.once(number, now, act)


def _check_endpoint(plant: Plant, outbox: WebhookOutbox, name: str | None) -> None:
    """Refuse an endpoint that is neither configured nor known from before."""
    if name is None:
        return
    known = {one.name for one in plant.webhooks} | set(outbox.endpoints())
    if name not in known:
        raise InvalidQuery(("endpoint", f"no endpoint {name!r}{did_you_mean(name, sorted(known))}"))


def _time(parameter: str, text: str | None) -> int | None:
    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise InvalidQuery((parameter, str(error))) from error


def _endpoint(state: EndpointState, configured: bool, now: int) -> EndpointBody:
    return EndpointBody(
        endpoint=state.endpoint,
        configured=configured,
        waiting=state.waiting,
        oldest_s=max(now - state.oldest, 0) / NS_PER_S if state.waiting else None,
        delivered=state.delivered,
        failed=state.failed,
        dead=state.dead,
        disabled=state.disabled,
        last_error=state.last_error,
        last_delivered=format_time(state.last_delivered) if state.last_delivered else None,
    )


def _delivery(one: Delivery) -> DeliveryBody:
    return DeliveryBody(
        endpoint=one.endpoint,
        event=one.event_id,
        at=format_time(one.at),
        status=one.status or None,
        error=one.error,
        took_ms=one.took_ms,
    )


def _dead(one: DeadWebhook) -> DeadBody:
    return DeadBody(
        endpoint=one.endpoint,
        event=one.event_id,
        alert=one.alert,
        created=format_time(one.created),
        dead=format_time(one.dead),
        attempts=one.attempts,
        error=one.error,
    )
