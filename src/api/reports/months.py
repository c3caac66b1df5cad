"""How the months of a paper stand: which are final, who closed them, and what is open."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from api.access.caller import Caller
from api.accounting.periods import PeriodStateBody, month_state
from plant import periods
from plant.park import Park
from plant.periods import month_text
from reports.facts import MonthFact, OpenFact, PeriodFacts
from rules.catalogue import Register
from store.accounting.closing import FROZEN
from store.reader import Snapshot
from store.totals.sums import Period


@dataclass(frozen=True, slots=True)
class StandingMonths:
    """Periods whose months say how they stand, and what is open of them."""

    periods: tuple[PeriodFacts, ...]
    open: tuple[OpenFact, ...]


def months_of(period: Period, zone: ZoneInfo) -> list[str]:
    """Return the months that a period touches, 2025-10 and so on."""
    return [
        month_text(int(start), zone)
        for start in periods.starts(period.start, period.end, periods.MONTH, zone)
    ]


def month_facts(
    state: Snapshot,
    catalogue: Register,
    caller: Caller,
    park: Park,
    as_of: int,
    found: Sequence[PeriodFacts],
) -> StandingMonths:
    """Return periods with their months' standing. Why a month is not final is told to those who see the whole park."""
    bodies = {
        month.month: month_state(state, catalogue, as_of, park, month.month)
        for period in found
        for month in period.months
    }
    told = tuple(
        replace(period, months=tuple(_month(one, bodies[one.month]) for one in period.months))
        for period in found
    )
    is_shown = caller.sees(park.name)
    return StandingMonths(told, tuple(_open(bodies.values(), is_shown=is_shown)))


def _month(month: MonthFact, body: PeriodStateBody) -> MonthFact:
    waiting = body.pending_restatement.delta_t if body.pending_restatement else None
    return replace(
        month,
        status=body.status,
        closed_by=body.closed_by or "",
        despite=body.despite or "",
        waiting_t=waiting,
    )


def _open(bodies: Iterable[PeriodStateBody], *, is_shown: bool) -> Iterator[OpenFact]:
    for body in bodies:
        if body.status in FROZEN:
            continue
        lacks = ["not_over"] if body.lacks is None else [one.gate.value for one in body.lacks]
        why = tuple(lacks) if is_shown and lacks else ("not_closed",)
        yield OpenFact("month", f"{body.park} {body.month}", why)
