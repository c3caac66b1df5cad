"""Asking the Sparkplug edge nodes behind a gateway for a birth, by hand."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from api.access.caller import Asking, Role
from api.access.guard import GUARDED, needs
from api.access.recorder import Recording
from api.access.seen import seen_by
from api.problems import documented, problem
from plant.park import Plant
from plant.suggest import did_you_mean
from store.messages.sparkplug import node_names
from store.reader import Reader

Name = Annotated[str, Path(max_length=200)]
_RECORDED = 10  # names of nodes in a row of the audit log


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """An edge node, group/node, that was heard, the gateway (park/facility/gateway) that it is, and whether it may be asked."""

    name: str
    gateway: str
    may_be_asked: bool


class EdgeNodes(Protocol):
    """Knows edge nodes by what the configuration says of them, and asks them."""

    def known(self, names: Iterable[str]) -> Sequence[EdgeNode]:
        """Return those of nodes that a subscription takes."""
        ...

    def ask_rebirth(self, name: str) -> bool:
        """Ask a node to be born again; False where there is no connection to the broker."""
        ...


class RebirthBody(BaseModel):
    """Which edge nodes were asked for a birth; that they were born shows in their messages."""

    gateway: str = Field(examples=["nam-cau-kien/mill/line-1"])
    asked: list[str] = Field(description="edge nodes, group/node", examples=[["PlantA/E1"]])
    not_asked: list[str] = Field(
        description="those whose subscription says `rebirth: false`, and those at which the connection to the broker was lost",
        examples=[[]],
    )


def nodes_by_gateway(
    connection: sqlite3.Connection, edge_nodes: EdgeNodes | None
) -> Mapping[str, Sequence[EdgeNode]]:
    """Return the edge nodes that were ever heard, by the gateway that they are."""
    found: defaultdict[str, list[EdgeNode]] = defaultdict(list)
    for one in edge_nodes.known(node_names(connection)) if edge_nodes else ():
        found[one.gateway].append(one)
    return found


def routes(reader: Reader, plant: Plant, edge_nodes: EdgeNodes | None) -> APIRouter:
    """Return the route; without `edge_nodes` no gateway has any."""
    router = APIRouter(
        prefix="/v1",
        tags=["inventory"],
        dependencies=[*GUARDED, needs(Role.OPERATOR)],
        responses=documented(401, 403, 404, 409, 422, 503),
    )

    @router.post("/gateways/{park}/{facility}/{gateway}/rebirth", status_code=202, response_model=RebirthBody)
    def rebirth(
        request: Request, caller: Asking, record: Recording, park: Name, facility: Name, gateway: Name
    ) -> Any:
        """Ask the Sparkplug edge nodes behind a gateway for a birth, once and at once.

        A node whose subscription says `rebirth: false` is not asked: another application is its primary host.
        """
        wanted, path = f"{park}/{facility}/{gateway}", request.url.path
        seen = [one.id for one in seen_by(caller, plant.gateways)]
        if wanted not in seen:
            return problem(path, 404, f"no gateway {wanted[:200]}{did_you_mean(wanted, seen)}")
        with reader.snapshot() as state:
            nodes = nodes_by_gateway(state.connection, edge_nodes).get(wanted, ())
        to_ask = [one.name for one in nodes if one.may_be_asked]
        if edge_nodes is None or not to_ask:
            return problem(path, 409, _why_none(wanted, nodes))
        record("gateway.rebirth", wanted, "", _recorded(to_ask))
        asked = [name for name in to_ask if edge_nodes.ask_rebirth(name)]
        if not asked:
            detail = "no edge node was asked: the service has no connection to the broker"
            return problem(path, 503, detail, headers={"Retry-After": "5"})
        return RebirthBody(
            gateway=wanted, asked=asked, not_asked=[one.name for one in nodes if one.name not in set(asked)]
        )

    return router


def _why_none(gateway: str, nodes: Sequence[EdgeNode]) -> str:
    if nodes:
        return (
            f"the subscription of {gateway} says `rebirth: false`, because another application is the primary host of its"
            " edge nodes: let that one ask, or take the option away"
        )
    return f"no Sparkplug edge node of {gateway} was ever heard: it speaks something else, or has said nothing yet"


def _recorded(names: Sequence[str]) -> str:
    more = f" and {len(names) - _RECORDED} more" if len(names) > _RECORDED else ""
    return f"a birth of {', '.join(names[:_RECORDED])}{more}"
