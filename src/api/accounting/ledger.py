"""The ledger: every change of a published number, when, why, by whom, under which configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.seen import narrowed, seen_by
from api.pages import Cursor, Next, opened, sealed
from api.parameters import Word
from api.problems import documented
from plant.arrays import number
from plant.clock import format_time
from store.accounting.ledger_views import LedgerEntry, SourceChange, newest_entries
from store.audit import source_names
from store.reader import Reader
from store.totals.sums import known_sum

Names = Mapping[int, tuple[str, str, str]]  # park, facility and name of a source, by its number


class SourceChangeBody(BaseModel):
    """What an entry changed of one source."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    source: str = Field(examples=["grid-1"])
    changes: int = Field(description="windows that changed", examples=[15])
    first_window: str = Field(description="start of the first of them", examples=["2026-11-24T04:45:00Z"])
    last_window: str = Field(description="start of the last of them", examples=["2026-11-24T04:59:00Z"])
    co2e_t_delta: float | None = Field(
        description="by how much the sum of what is known of them changed [t CO2e]; null where nothing was or is",
        examples=[0.012],
    )


class JournalRangeBody(BaseModel):
    """Offsets of the journal, half-open."""

    from_: int = Field(serialization_alias="from", validation_alias="from", examples=[1000])
    to: int = Field(examples=[1032])


class LedgerEntryBody(BaseModel):
    """One transaction that changed published numbers."""

    id: int = Field(examples=[42])
    at: str = Field(examples=["2026-11-24T05:00:00Z"])
    cause: str = Field(description="why, such as readings or restatement", examples=["readings"])
    author: str = Field(description="line, or who decided", examples=["line"])
    configuration: str = Field(
        description="hash of the configuration in force", examples=["5feceb66ffc86f38"]
    )
    journal: JournalRangeBody = Field(description="the messages that it was made of")
    hash: str = Field(description="binds it to the entry before", examples=["6b86b273ff34fce1"])
    changes: int = Field(description="of the sources below", examples=[15])
    co2e_t_delta: float | None = Field(description="of the sources below [t CO2e]", examples=[0.012])
    sources: list[SourceChangeBody] = Field(
        description="those that are asked for and may be seen, also such as are configured no more"
    )


class LedgerBody(BaseModel):
    """Entries, the newest first."""

    entries: list[LedgerEntryBody]
    next: Next = None


def routes(reader: Reader) -> APIRouter:
    """Return the route."""
    router = APIRouter(
        prefix="/v1", tags=["ledger"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/ledger")
    def ledger(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        source: Word = None,
        limit: Annotated[int, Query(ge=1, le=200, description="at most so many")] = 50,
        cursor: Cursor = None,
    ) -> LedgerBody:
        """Return what changed published numbers, the newest first.

        With a filter a page may hold fewer entries than there are: ask on while there is a `next`.
        """
        place = opened(cursor, "i")
        before = None if place is None else int(place[0])
        wanted = (park, facility, source)
        with reader.snapshot() as state:
            names = source_names(state.connection)
            everything = caller.sees_all and wanted == (None, None, None)
            seen = None if everything else _chosen(names, caller, *wanted)
            page = newest_entries(state.connection, before, limit, seen)
        return LedgerBody(
            entries=[_entry(one, names) for one in page.entries],
            next=None if page.before is None else sealed((page.before,)),
        )

    return router


@dataclass(frozen=True, slots=True)
class _Source:
    """A source that ever was, and its number."""

    park: str
    facility: str
    source: str
    number: int


def _chosen(
    names: Names, caller: Caller, park: str | None, facility: str | None, source: str | None
) -> set[int]:
    """Return the numbers of the sources that are asked for and may be seen."""
    every = [_Source(*name, number) for number, name in names.items()]
    found = narrowed(seen_by(caller, every), park=park, facility=facility, source=source)
    return {one.number for one in found}


def _entry(found: LedgerEntry, names: Names) -> LedgerEntryBody:
    entry = found.entry
    deltas = np.array([one.delta for one in found.sources])
    return LedgerEntryBody(
        id=found.id,
        at=format_time(entry.at),
        cause=entry.cause,
        author=entry.actor,
        configuration=entry.configuration,
        journal=JournalRangeBody(**{"from": entry.journal_from, "to": entry.journal_to}),
        hash=found.hash.hex(),
        changes=sum(one.changes for one in found.sources),
        co2e_t_delta=number(float(known_sum(deltas[:, np.newaxis])[0])),
        sources=[_change(one, names) for one in found.sources],
    )


def _change(change: SourceChange, names: Names) -> SourceChangeBody:
    park, facility, source = names[change.source]
    return SourceChangeBody(
        park=park,
        facility=facility,
        source=source,
        changes=change.changes,
        first_window=format_time(change.start),
        last_window=format_time(change.last),
        co2e_t_delta=number(change.delta),
    )
