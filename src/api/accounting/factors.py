"""The register of factors and methods: every number that a total may rest on, and where it comes from."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.seen import seen_by
from api.pages import Cursor, Limit, Next, page_of
from api.parameters import Word
from api.problems import documented
from plant.arrays import number
from plant.catalogue import MethodSpec
from plant.clock import format_time
from plant.park import Plant
from rules.catalogue import Register
from rules.factors.factors import Factor

OWN = "own"
PROVISIONAL = "provisional"


class FactorValueBody(BaseModel):
    """One number of a factor's row."""

    name: str = Field(examples=["co2"])
    value: float = Field(examples=[0.6592])
    unit: str = Field(examples=["kg/kWh"])
    uncertainty: float | None = Field(
        description="half-width of its 95 % interval, relative; null where unknown", examples=[0.05]
    )


class FactorRowBody(BaseModel):
    """A dated row of a factor."""

    factor: str = Field(examples=["vn-grid"])
    row: str = Field(description="the row's id", examples=["vn-grid/2024"])
    basis: str = Field(description="what it is per", examples=["electricity"])
    values: list[FactorValueBody]
    valid_from: str = Field(examples=["2023-12-31T17:00:00Z"])
    valid_to: str | None = Field(
        description="not part of it; null: until further notice", examples=["2024-12-31T17:00:00Z"]
    )
    status: str = Field(description="official, provisional or own", examples=["provisional"])
    provisional: bool = Field(description="its number may still change", examples=[True])
    mark: str | None = Field(
        description="how a shipped value was seen: V, V2, M or D; null of an own one", examples=["V2"]
    )
    source: str = Field(description="where its values stand", examples=["letter 1726/BDKH-PTCBT"])
    used_by: list[str] = Field(
        description="sources that take the factor, as park/facility/source",
        examples=[["nam-cau-kien/mill/grid-1"]],
    )


class FactorsBody(BaseModel):
    """Dated rows of factors, by factor and time."""

    factors: list[FactorRowBody]
    next: Next = None


class RoleBody(BaseModel):
    """One input of a method."""

    role: str = Field(examples=["energy"])
    unit: str = Field(description="the unit that the method takes it in", examples=["kWh"])
    level: bool = Field(description="a mean over the window; else an amount", examples=[False])
    required: bool = Field(examples=[True])


class ParameterBody(BaseModel):
    """A number that a source gives its method."""

    parameter: str = Field(examples=["ncv"])
    unit: str = Field(examples=["MJ/Nm3"])
    default: float | None = Field(description="null: required", examples=[None])


class MethodBody(BaseModel):
    """How emissions are calculated from activities."""

    method: str = Field(examples=["electricity-location"])
    title: str = Field(examples=["Purchased electricity, location-based"])
    scope: int = Field(examples=[2])
    reference: str = Field(examples=["GHG Protocol Scope 2 Guidance"])
    roles: list[RoleBody]
    activity: str = Field(description="the role whose amount is a source's activity", examples=["energy"])
    factor: list[str] = Field(description="what its factor must give", examples=[["co2"]])
    parameters: list[ParameterBody]


class MethodsBody(BaseModel):
    """Methods by name."""

    methods: list[MethodBody]


def routes(plant: Plant, catalogue: Register) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["register"], dependencies=GUARDED, responses=documented(401, 422))

    @router.get("/factors")
    def factors(
        caller: Asking,
        factor: Word = None,
        provisional: Annotated[bool | None, Query(description="only such that are, or are not")] = None,
        limit: Limit = 1000,
        cursor: Cursor = None,
    ) -> FactorsBody:
        """Return the factors: their numbers, how long each holds, where it comes from, and which sources use it.

        An own factor is shown to those who may see everything, or a source that uses it.
        """
        rows = (
            row
            for row in _factor_rows(plant, catalogue, caller)
            if factor in (None, row.factor) and provisional in (None, row.provisional)
        )
        page, following = page_of(rows, lambda row: (row.factor, row.valid_from), limit, cursor, "ss")
        return FactorsBody(factors=page, next=following)

    @router.get("/methods")
    def methods(_: Asking) -> MethodsBody:
        """Return the methods that sources may name."""
        return MethodsBody(methods=[_method(spec) for _, spec in sorted(catalogue.methods.items())])

    return router


def _factor_rows(plant: Plant, catalogue: Register, caller: Caller) -> Iterator[FactorRowBody]:
    users = _users(plant, caller)
    for name in sorted(catalogue.factors):
        factor = catalogue.factor(name)
        for entry in range(len(factor.ids)):
            is_shown = caller.sees_all or name in users or factor.statuses[entry] != OWN
            if factor.ids[entry] and is_shown:
                yield _row(factor, entry, users.get(name, []))


def _users(plant: Plant, caller: Caller) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for source in seen_by(caller, plant.sources):
        if source.factor:
            found[source.factor].append(f"{source.park}/{source.facility}/{source.name}")
    return {name: sorted(sources) for name, sources in found.items()}


def _row(factor: Factor, entry: int, users: list[str]) -> FactorRowBody:
    edges = factor.edges.tolist()
    status, mark = str(factor.statuses[entry]), str(factor.marks[entry])
    return FactorRowBody(
        factor=factor.spec.name,
        row=str(factor.ids[entry]),
        basis=factor.basis,
        values=[
            FactorValueBody(
                name=name,
                value=float(factor.columns[name][entry]),
                unit=unit,
                uncertainty=number(factor.uncertainty[name][entry]) if name in factor.uncertainty else None,
            )
            for name, unit in factor.spec.units.items()
        ],
        valid_from=format_time(edges[entry - 1]),
        valid_to=format_time(edges[entry]) if entry < len(edges) else None,
        status=status,
        provisional=status == PROVISIONAL,
        mark=mark or None,
        source=str(factor.sources[entry]),
        used_by=users,
    )


def _method(spec: MethodSpec) -> MethodBody:
    return MethodBody(
        method=spec.name,
        title=spec.title,
        scope=spec.scope,
        reference=spec.reference,
        roles=[
            RoleBody(role=role.name, unit=role.unit, level=role.level, required=role.required)
            for role in spec.roles
        ],
        activity=spec.activity,
        factor=list(spec.factor),
        parameters=[
            ParameterBody(parameter=one.name, unit=one.unit, default=one.default) for one in spec.parameters
        ],
    )
