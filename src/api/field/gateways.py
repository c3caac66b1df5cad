"""Gateways: whether they are online, when they were heard, how their clocks go, and what of their messages is missing."""

from collections.abc import Callable, Sequence
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.seen import within
from api.field.rebirth import EdgeNode, EdgeNodes, nodes_by_gateway
from api.pages import Cursor, Limit, Next, page_of
from api.parameters import Word
from api.problems import documented
from plant.clock import format_time
from plant.park import Gateway, Plant
from plant.vocabulary import NS_PER_S
from store.messages.gateways import BootState, GatewayState, gateway_states
from store.messages.sparkplug import Absence
from store.reader import Reader


class BootBody(BaseModel):
    """What was received of one boot, as its ack says."""

    boot: str = Field(examples=["b7"])
    heard_at: str = Field(description="last", examples=["2026-11-24T05:00:00Z"])
    received_through: int = Field(description="the highest number; see missing", examples=[1042])
    missing: list[tuple[int, int]] = Field(
        description="ranges, both ends included, of numbers below it that did not come",
        examples=[[[980, 983]]],
    )


class AbsentDeviceBody(BaseModel):
    """A device of a Sparkplug edge node that is not there; its channels are stale."""

    node: str = Field(description="group/node", examples=["PlantA/E1"])
    device: str = Field(examples=["MDB 1"])
    online: Literal[False] | None = Field(
        description="false: it died, or its node did; null: nobody knows, because its node was born and it was not yet, or our"
        " own connection to the broker was lost and the node has not spoken since",
        examples=[False],
    )
    since: str = Field(examples=["2026-11-24T05:00:00Z"])


class GatewayBody(BaseModel):
    """A field device that publishes MQTT."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    gateway: str = Field(examples=["substation"])
    online: bool | None = Field(
        description="by its own last word or its last will; null where it never said, or where our own connection to the broker was lost and"
        " a Sparkplug node has not spoken since",
        examples=[True],
    )
    said_at: str | None = Field(description="when it said so", examples=["2026-11-24T05:00:00Z"])
    heard_at: str | None = Field(
        description="when any message of it came last, to the minute where no condition asks of gateways",
        examples=["2026-11-24T05:00:00Z"],
    )
    silence_s: float | None = Field(description="since then [s]", examples=[12.5])
    lag_s: float | None = Field(
        description="least of arrival less reading time in the newest minute heard [s];"
        " null unless a condition asks of gateways",
        examples=[0.4],
    )
    clock_skew_s: float | None = Field(
        description="by how much its clock is behind, transport included: the least such difference of the last ten"
        " minutes [s]; null where nothing came in them, or no condition asks of gateways",
        examples=[0.3],
    )
    source_class: Literal["A", "C"] | None = Field(
        description="A: it numbers its messages, so that what is missing is known, and healed if it sends again (one that"
        " does not is of class B, which we cannot tell); C: it does not; null: nothing came yet",
        examples=["A"],
    )
    boots: list[BootBody] = Field(description="heard in the last 7 days, the newest first, at most 20")
    absent_devices: list[AbsentDeviceBody] = Field(
        description="of its Sparkplug edge nodes, those that are not there"
    )
    sparkplug_nodes: list[str] = Field(
        description="its Sparkplug edge nodes that were ever heard, group/node; empty where it speaks something else",
        examples=[["PlantA/E1"]],
    )
    refused_24h: dict[str, int] = Field(
        description="messages rejected or quarantined in the last 24 hours, by code",
        examples=[{"unit_unknown": 3}],
    )


class GatewaysBody(BaseModel):
    """Gateways by park, facility and name."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    gateways: list[GatewayBody]
    next: Next = None


def routes(reader: Reader, plant: Plant, clock: Callable[[], int], edge_nodes: EdgeNodes | None) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC], without `edge_nodes` no gateway has any."""
    router = APIRouter(
        prefix="/v1", tags=["inventory"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/gateways")
    def gateways(
        caller: Asking, park: Word = None, facility: Word = None, limit: Limit = 100, cursor: Cursor = None
    ) -> GatewaysBody:
        """Return the gateways, and how each does."""
        as_of = clock()
        seen = sorted(within(caller, plant.facilities, plant.gateways, park, facility), key=_place)
        page, following = page_of(seen, _place, limit, cursor, "sss")
        with reader.snapshot() as state:
            known = gateway_states(state.connection, [one.id for one in page], as_of)
            nodes = nodes_by_gateway(state.connection, edge_nodes)
        bodies = [_gateway(one, known[one.id], nodes.get(one.id, ()), as_of) for one in page]
        return GatewaysBody(as_of=format_time(as_of), gateways=bodies, next=following)

    return router


def _place(gateway: Gateway) -> tuple[str, str, str]:
    return gateway.park, gateway.facility, gateway.name


def _gateway(gateway: Gateway, known: GatewayState, nodes: Sequence[EdgeNode], as_of: int) -> GatewayBody:
    heard = known.heard
    return GatewayBody(
        park=gateway.park,
        facility=gateway.facility,
        gateway=gateway.name,
        online=known.online,
        said_at=None if known.said_at is None else format_time(known.said_at),
        heard_at=None if heard is None else format_time(heard),
        silence_s=None if heard is None else max(as_of - heard, 0) / NS_PER_S,
        lag_s=known.lag,
        clock_skew_s=known.skew,
        source_class="A" if known.numbered else None if heard is None else "C",
        boots=[_boot(one) for one in known.boots],
        absent_devices=[_absent(one) for one in known.absent],
        sparkplug_nodes=[one.name for one in nodes],
        refused_24h=dict(known.codes),
    )


def _absent(device: Absence) -> AbsentDeviceBody:
    return AbsentDeviceBody(
        node=device.node,
        device=device.device,
        online=None if device.online is None else False,
        since=format_time(device.since),
    )


def _boot(boot: BootState) -> BootBody:
    return BootBody(
        boot=boot.boot,
        heard_at=format_time(boot.heard),
        received_through=boot.received_through,
        missing=list(boot.missing),
    )
