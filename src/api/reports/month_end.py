"""Month end as a work: what keeps a park's month from being final, each with where to look and what to type; and what falls due."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.accounting.exchanges import exchange_bodies
from api.accounting.periods import MONTH, PeriodStateBody, month_state
from api.parameters import InLanguage
from api.problems import InvalidQuery, documented
from api.totals.boundary import boundary_bodies
from api.totals.totals import PeriodOf, chosen_period, totals
from api.totals.totals import Query as TotalsQuery
from plant.languages import Language
from plant.park import Park, Plant
from plant.periods import local_day
from plant.suggest import did_you_mean
from reports.duties import due_within
from reports.paper import label
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
NUMBERS = {"share", "tolerance", "value", "tonnes"}  # places of texts that numbers stand in

Kind = Literal[
    "coverage",
    "sources",
    "known_from",
    "quarantine",
    "provisional",
    "gap",
    "imbalance",
    "exchange",
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
            body = month_state(state, catalogue, as_of, one, month, language)
            of = chosen_period(state.plant, month, None, None, as_of)
            items = list(_Month(state, caller, body, of, one, as_of, language).items())
        return MonthEndBody(period=body, items=items, duties=_duties(as_of, one, language))

    return router


def _park(plant: Plant, caller: Caller, name: str) -> Park:
    seen = {park.name: park for park in plant.parks if caller.sees(park.name)}
    if name not in seen:
        raise InvalidQuery(("park", f"no park {name!r}{did_you_mean(name, seen)}"))
    return seen[name]


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


@dataclass(frozen=True, slots=True)
class _Month:
    """A park's month in one moment's state, and what is left to do of it, said in a language."""

    state: Snapshot
    caller: Caller
    body: PeriodStateBody
    of: PeriodOf
    park: Park
    as_of: int
    language: Language

    def items(self) -> Iterator[MonthItemBody]:
        """Yield what is left to do, what stops it first."""
        yield from (self._of_gate(one.gate, one.detail) for one in self.body.lacks or ())
        yield from self._gaps()
        yield from self._imbalances()
        yield from self._exchanges()
        yield from self._waiting_records()
        yield from self._decisions()

    def _of_gate(self, gate: Gate, detail: str) -> MonthItemBody:
        kind, link, command = _LOOK[gate]
        names = {"park": self.body.park, "month": self.body.month}
        return self._item(kind, detail, link.format(**names), command.format(**names), stops=True)

    def _gaps(self) -> Iterator[MonthItemBody]:
        """Yield the sources that are not wholly covered, the least covered first."""
        asked = TotalsQuery("source", park=self.body.park, caller=self.caller)
        found = totals(self.state, asked, self.of, self.as_of).totals
        poor = [(one.coverage, one) for one in found if one.coverage is not None and one.coverage < WHOLE]
        poor.sort(key=lambda pair: (pair[0], str(pair[1].facility), str(pair[1].source)))
        for covered, one in poor[:MOST]:
            place = f"{one.park}/{one.facility}/{one.source}"
            query = f"park={one.park}&facility={one.facility}&source={quote(str(one.source))}"
            yield self._item(
                "gap",
                self._say("gap", share=f"{covered * 100:.1f}"),
                f"/v1/explain?{query}&period={self.body.month}",
                f"stackmeter explain {place} --period {self.body.month}",
                about=place,
            )

    def _imbalances(self) -> Iterator[MonthItemBody]:
        """Yield main meters of which more than the tolerance is unallocated, or of which nobody can tell."""
        for balance in self.state.plant.balances:
            if balance.park != self.body.park or not self.caller.sees(balance.park, balance.facility):
                continue
            [told] = boundary_bodies(self.state, [balance], self.of, self.as_of)
            if told.imbalance is False:
                continue
            tolerance = f"{told.tolerance * 100:g}"
            detail = (
                self._say("imbalance.unknown", tolerance=tolerance)
                if told.unallocated_share is None
                else self._say("imbalance", share=f"{told.unallocated_share * 100:.1f}", tolerance=tolerance)
            )
            yield self._item(
                "imbalance",
                detail,
                f"/v1/boundaries?park={balance.park}&name={balance.name}&period={self.body.month}",
                f"stackmeter explain {balance.park} --period {self.body.month}",
                about="/".join(filter(None, (balance.park, balance.facility, balance.name))),
            )

    def _exchanges(self) -> Iterator[MonthItemBody]:
        """Yield exchanges whose two sides differ by more than the tolerance, or of which nobody can tell."""
        plant, park, month = self.state.plant, self.body.park, self.body.month
        mine = [one for one in plant.exchanges if one.park == park]
        for told in exchange_bodies(self.state, mine, self.of(self.park), self.as_of, self.caller):
            if told.is_imbalance is False or told.reason == "hidden":
                continue
            tolerance = f"{told.tolerance * 100:g}"
            detail = (
                self._say("exchange.unknown", tolerance=tolerance)
                if told.is_imbalance is None or told.share is None
                else self._say("exchange", share=f"{told.share * 100:.1f}", tolerance=tolerance)
            )
            yield self._item(
                "exchange",
                detail,
                f"/v1/exchanges?park={park}&name={told.name}&period={month}",
                f"stackmeter exchanges --park {park} --name {told.name} --period {month}",
                about=f"{park}/{told.name}",
            )

    def _waiting_records(self) -> Iterator[MonthItemBody]:
        """Yield the records that reach into the month and that nobody has approved yet."""
        park, whole = self.body.park, self.of(self.park)
        entered = WantedRecords(
            park, standing=RecordStanding.ENTERED, start=whole.start, end=whole.end, places=self.caller.places
        )
        for one in select(self.state.connection, entered, None, MOST):
            said = {"value": f"{one.value:.10g}", "unit": one.unit, "source": one.source}
            yield self._item(
                "record",
                self._say("record", **said, by=one.entered_by),
                f"/v1/records?park={park}&state=entered",
                f"stackmeter record approve {one.id} --by NAME",
                about=f"{one.place} {one.id}",
            )

    def _decisions(self) -> Iterator[MonthItemBody]:
        """Yield what a person can decide of the month."""
        body = self.body
        decide = f"stackmeter decide {body.park} {body.month}"
        if body.pending_restatement is not None:
            detail = self._say("restatement", tonnes=str(body.pending_restatement.delta_t))
            yield self._item("restatement", detail, "/v1/periods", f"{decide} approve --by NAME")
        if body.status not in FROZEN and body.lacks is not None:
            detail = self._say("close.despite" if body.lacks else "close")
            reason = ' --despite "WHY"' if body.lacks else ""
            yield self._item("close", detail, "/v1/periods", f"{decide} final --by NAME{reason}")

    def _say(self, key: str, **values: str) -> str:
        words = Words(self.language)
        if self.language == "vi":
            for name in NUMBERS & values.keys():
                values[name] = values[name].replace(".", ",")
        return words.of(label(f"month.{key}", **values))

    def _item(
        self, kind: Kind, detail: str, link: str, command: str, *, about: str = "", stops: bool = False
    ) -> MonthItemBody:
        return MonthItemBody(
            kind=kind,
            stops=stops,
            about=about or f"{self.body.park} {self.body.month}",
            detail=detail,
            link=link,
            command=command,
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
