"""Month end as a work: what keeps a park's month from being final, each with where to look and what to type; and what falls due."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.accounting.periods import MONTH, PeriodStateBody, month_state
from api.problems import InvalidQuery, documented
from api.reports.forms import InLanguage
from api.totals.boundary import boundary_bodies
from api.totals.totals import PeriodOf, chosen_period, totals
from api.totals.totals import Query as TotalsQuery
from plant.languages import Language
from plant.park import Park, Plant
from plant.periods import local_day
from plant.suggest import did_you_mean
from reports.duties import due_within
from reports.words import Words
from rules.catalogue import Register
from store.accounting.closing import FROZEN
from store.messages.standing import Gate
from store.reader import Reader, Snapshot
from store.records.table import RecordStanding
from store.records.views import WantedRecords, select

WHOLE = 1 - 1e-9  # of a coverage, but for rounding
MOST = 50  # sources that are named
AHEAD_DAYS = 400  # of duties that are told

Kind = Literal[
    "coverage",
    "sources",
    "known_from",
    "quarantine",
    "provisional",
    "gap",
    "imbalance",
    "record",
    "restatement",
    "close",
]


class MonthItemBody(BaseModel):
    """Something to do before, or with, a month."""

    kind: Kind = Field(examples=["gap"])
    stops: bool = Field(description="it keeps the month from being closed without a reason", examples=[False])
    about: str = Field(examples=["nam-cau-kien/mill/grid"])
    detail: str = Field(examples=["coverage is 91.2 %"])
    link: str = Field(
        description="asks the API for more", examples=["/v1/explain?park=nam-cau-kien&period=2026-10"]
    )
    command: str = Field(examples=["stackmeter explain nam-cau-kien/mill/grid --period 2026-10"])


class DutyBody(BaseModel):
    """Something that falls due."""

    duty: str = Field(examples=["form06"])
    title: str = Field(examples=["Form 06 to the province"])
    due: str = Field(examples=["2027-03-31"])
    form: str | None = Field(description="what it is done with", examples=["form06"])
    source: str = Field(examples=["Decree 06/2022/ND-CP, article 11"])
    mark: str = Field(description="how that was seen", examples=["V2"])
    unsure: list[str] = Field(description="what of it is not certain", examples=[[]])


class MonthEndBody(BaseModel):
    """A month of a park, what is left to do, and what falls due."""

    period: PeriodStateBody
    items: list[MonthItemBody]
    duties: list[DutyBody]


def routes(reader: Reader, plant: Plant, clock: Callable[[], int], catalogue: Register | None) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["reports"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/month-end")
    def month_end(
        caller: Asking,
        park: Annotated[str, Query(max_length=200, examples=["nam-cau-kien"])],
        month: Annotated[str, Query(pattern=MONTH, examples=["2026-10"])],
        language: InLanguage = "en",
    ) -> MonthEndBody:
        """Return what keeps a month from being final, and what else to look at before it is closed, each with its link and command."""
        as_of, one = clock(), _park(plant, caller, park)
        with reader.snapshot() as state:
            body = month_state(state, catalogue, as_of, one, month)
            items = list(_items(state, caller, one, body, as_of))
        return MonthEndBody(period=body, items=items, duties=_duties(as_of, one, language))

    return router


def _waiting_records(
    state: Snapshot, caller: Caller, park: str, start: int, end: int
) -> Iterator[MonthItemBody]:
    """Yield the records that reach into a park's stretch [start, end) and that nobody has approved yet."""
    entered = WantedRecords(park, standing=RecordStanding.ENTERED, start=start, end=end, places=caller.places)
    for one in select(state.connection, entered, None, MOST):
        yield MonthItemBody(
            kind="record",
            stops=False,
            about=f"{one.place} {one.id}",
            detail=f"{one.value:.10g} {one.unit} ({one.source}), entered by {one.entered_by}, waits for approval",
            link=f"/v1/records?park={park}&state=entered",
            command=f"stackmeter record approve {one.id} --by NAME",
        )


def _park(plant: Plant, caller: Caller, name: str) -> Park:
    seen = {park.name: park for park in plant.parks if caller.sees(park.name)}
    if name not in seen:
        raise InvalidQuery(("park", f"no park {name!r}{did_you_mean(name, seen)}"))
    return seen[name]


def _items(
    state: Snapshot, caller: Caller, park: Park, body: PeriodStateBody, as_of: int
) -> Iterator[MonthItemBody]:
    of: PeriodOf = chosen_period(state.plant, body.month, None, None, as_of)
    whole = of(park)
    yield from (_of_gate(one.gate, one.detail, body) for one in body.lacks or ())
    yield from _gaps(state, caller, body, of, as_of)
    yield from _imbalances(state, caller, body, of, as_of)
    yield from _waiting_records(state, caller, park.name, whole.start, whole.end)
    if body.pending_restatement is not None:
        yield _item(
            "restatement",
            body,
            f"{body.pending_restatement.delta_t} t CO2e wait for approval",
            "/v1/periods",
            f"stackmeter decide {body.park} {body.month} approve --by NAME",
        )
    if body.status not in FROZEN and body.lacks is not None:
        reason = ' --despite "WHY"' if body.lacks else ""
        yield _item(
            "close",
            body,
            "every gate is passed: close it"
            if not body.lacks
            else "close it all the same, for a reason that is kept",
            "/v1/periods",
            f"stackmeter decide {body.park} {body.month} final --by NAME{reason}",
        )


_LOOK: dict[Gate, tuple[Kind, str, str]] = {
    Gate.COVERAGE: (
        "coverage",
        "/v1/explain?park={park}&period={month}",
        "stackmeter explain {park} --period {month}",
    ),
    Gate.SOURCES: (
        "sources",
        "/v1/explain?park={park}&period={month}",
        "stackmeter explain {park} --period {month}",
    ),
    Gate.KNOWN_FROM: (
        "known_from",
        "/v1/explain?park={park}&period={month}",
        "stackmeter explain {park} --period {month}",
    ),
    Gate.QUARANTINE: ("quarantine", "/v1/quarantine", "stackmeter quarantine list"),
    Gate.PROVISIONAL: ("provisional", "/v1/factors?provisional=true", "stackmeter restate --help"),
}


def _of_gate(gate: Gate, detail: str, body: PeriodStateBody) -> MonthItemBody:
    kind, link, command = _LOOK[gate]
    names = {"park": body.park, "month": body.month}
    return _item(kind, body, detail, link.format(**names), command.format(**names), stops=True)


def _gaps(
    state: Snapshot, caller: Caller, body: PeriodStateBody, of: PeriodOf, as_of: int
) -> Iterator[MonthItemBody]:
    """Yield the sources that are not wholly covered, the least covered first."""
    found = totals(state, TotalsQuery("source", park=body.park, caller=caller), of, as_of).totals
    poor = [(one.coverage, one) for one in found if one.coverage is not None and one.coverage < WHOLE]
    for covered, one in sorted(poor, key=lambda pair: (pair[0], str(pair[1].facility), str(pair[1].source)))[
        :MOST
    ]:
        place = f"{one.park}/{one.facility}/{one.source}"
        link = f"/v1/explain?park={one.park}&facility={one.facility}&source={quote(str(one.source))}&period={body.month}"
        yield MonthItemBody(
            kind="gap",
            stops=False,
            about=place,
            detail=f"coverage is {covered * 100:.1f} %",
            link=link,
            command=f"stackmeter explain {place} --period {body.month}",
        )


def _imbalances(
    state: Snapshot, caller: Caller, body: PeriodStateBody, of: PeriodOf, as_of: int
) -> Iterator[MonthItemBody]:
    """Yield main meters of which more than the tolerance is unallocated, or of which nobody can tell."""
    here = [
        one for one in state.plant.balances if one.park == body.park and caller.sees(one.park, one.facility)
    ]
    for balance in here:
        link = f"/v1/boundaries?park={body.park}&name={balance.name}&period={body.month}"
        [told] = boundary_bodies(state, [balance], of, as_of)
        if told.imbalance is False:
            continue
        share = (
            "it is not known how much"
            if told.unallocated_share is None
            else f"{told.unallocated_share * 100:.1f} %"
        )
        yield MonthItemBody(
            kind="imbalance",
            stops=False,
            about="/".join(filter(None, (balance.park, balance.facility, balance.name))),
            detail=f"{share} of the main meter is unallocated; {told.tolerance * 100:g} % may be",
            link=link,
            command=f"stackmeter explain {balance.park} --period {body.month}",
        )


def _item(
    kind: Kind, body: PeriodStateBody, detail: str, link: str, command: str, *, stops: bool = False
) -> MonthItemBody:
    return MonthItemBody(
        kind=kind, stops=stops, about=f"{body.park} {body.month}", detail=detail, link=link, command=command
    )


def _duties(as_of: int, park: Park, language: Language) -> list[DutyBody]:
    words = Words(language)
    return [
        DutyBody(
            duty=one.part.key,
            title=words.text(f"duty.{one.part.key}"),
            due=one.due.isoformat(),
            form=one.part.form or None,
            source=one.part.source,
            mark=one.part.mark,
            unsure=list(one.part.unsure),
        )
        for one in due_within(local_day(as_of, park.zone), AHEAD_DAYS)
    ]
