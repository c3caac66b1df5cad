"""How a park's month is known, and what keeps it from being closed (semantics.md section 2, final months).

One judge for whoever looks before and for the line when it takes the decision.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from plant.arrays import Bools, Floats
from plant.inventory import counted
from plant.park import Source
from store.blocks import CO2E_T
from store.messages.quarantine import open_in
from store.reader import Snapshot
from store.totals.due import WHOLE
from store.totals.sums import Period, SourceSums, source_sums

DESPITE = "Say why it is closed all the same (despite), and the reason is kept and shown"
SLACK = 1e-9  # of a coverage that is enough, but for rounding
_SHOWN = 5  # names in a sentence; the others are counted

# Yields the parts [start, end) of a stretch that a source calculates with a provisional row of its factor, and the row.
Provisional = Callable[[Source, int, int], Iterator[tuple[int, int, str]]]


class Gate(StrEnum):
    """What a month must pass to be closed, unless somebody says why it is closed all the same."""

    COVERAGE = "coverage"
    SOURCES = "sources"
    KNOWN_FROM = "known_from"
    QUARANTINE = "quarantine"
    PROVISIONAL = "provisional"


@dataclass(frozen=True, slots=True)
class Lack:
    """A gate that a month does not pass: what is so, and what to do."""

    gate: Gate
    detail: str


@dataclass(frozen=True, slots=True)
class MonthStanding:
    """What is known of a park's month until now; what one of its facilities sold to another is left out."""

    coverage: float | None  # None where nothing is owed yet
    unknown: tuple[str, ...]  # sources (park/facility/source) of which nothing is known
    late: tuple[str, ...]  # sources without a `since` that begin inside the month
    known_from: int  # ns UTC, `WHOLE` where from its beginning on
    quarantined: int  # messages that are refused as yet
    provisional_t: float  # tonnes that rest on provisional rows of factors
    provisional_share: float  # of all tonnes
    provisional: tuple[str, ...]  # these rows


def standing(
    state: Snapshot, period: Period, park: str, as_of: int, provisional: Provisional
) -> MonthStanding:
    """Return how a park's month stands at `as_of` [ns UTC]."""
    sources = counted([one for one in state.plant.sources if one.park == park], "park")
    sums = source_sums(state, [source.index for source in sources], period, as_of)
    due, rests = int(sums.due.sum()), _provisional(state, sources, sums, period, provisional, as_of)
    tonnes, on_provisional = float(np.nansum(sums.amounts[:, CO2E_T])), float(np.sum([t for _, t in rests]))
    return MonthStanding(
        coverage=float(np.clip(sums.shares.sum() / due, 0, 1)) if due else None,
        unknown=_names(sources, sums.known.unheard | (np.isnan(sums.amounts[:, CO2E_T]) & (sums.due > 0))),
        late=_names(sources, sums.known.since > WHOLE),
        known_from=int(sums.known.since.max(initial=WHOLE)),
        quarantined=open_in(state.connection, park, period.start, period.end),
        provisional_t=on_provisional,
        provisional_share=on_provisional / tonnes if tonnes else 0.0,
        provisional=tuple(sorted({row for row, _ in rests})),
    )


def lacks(found: MonthStanding, needed: float) -> list[Lack]:
    """Return the gates that a month does not pass; `needed` is the least coverage."""
    told = {
        Gate.COVERAGE: _of_coverage(found, needed),
        Gate.SOURCES: _of_sources(found),
        Gate.KNOWN_FROM: _of_beginnings(found),
        Gate.QUARANTINE: _of_quarantine(found),
        Gate.PROVISIONAL: _of_factors(found),
    }
    return [Lack(gate, detail) for gate, detail in told.items() if detail]


def _of_coverage(found: MonthStanding, needed: float) -> str:
    if found.coverage is None:
        return "no source owes a window of it: nothing is known"
    if found.coverage >= needed - SLACK:
        return ""
    # Rounded down, so that what is too little never reads as if it were enough.
    return (
        f"coverage is {np.floor(found.coverage * 1000) / 10:.1f} %, and at least {needed * 100:g} % is asked for:"
        " `stackmeter explain PARK --period MONTH` shows what is missing; have the gateways send it"
    )


def _of_sources(found: MonthStanding) -> str:
    if not found.unknown:
        return ""
    return f"nothing is known of {few(found.unknown)}: have them read, or give each the `since` from which it was there"


def _of_beginnings(found: MonthStanding) -> str:
    if found.known_from == WHOLE:
        return ""
    return (
        f"it is not known from its beginning on, because {few(found.late)} began later: give each its `since`"
    )


def _of_quarantine(found: MonthStanding) -> str:
    if not found.quarantined:
        return ""
    return (
        f"{found.quarantined:,} of its messages are in quarantine: `stackmeter quarantine list` says why;"
        " repair it, then `stackmeter quarantine replay`"
    )


def _of_factors(found: MonthStanding) -> str:
    if not found.provisional:
        return ""
    share = np.ceil(found.provisional_share * 1000) / 10
    return f"{share:.1f} % of its tonnes rest on provisional factors, {few(found.provisional)}: wait for the official ones"


def few(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _names(sources: Sequence[Source], which: Bools) -> tuple[str, ...]:
    return tuple(sorted(sources[row].id for row in np.flatnonzero(which).tolist()))


def _provisional(
    state: Snapshot,
    sources: Sequence[Source],
    sums: SourceSums,
    period: Period,
    provisional: Provisional,
    as_of: int,
) -> list[tuple[str, float]]:
    """Return each provisional row that gave tonnes to a source, and these."""
    found: list[tuple[str, float]] = []
    parts: dict[str, list[tuple[int, int, str]]] = {}  # by factor
    for place, source in enumerate(sources):
        if source.factor not in parts:
            parts[source.factor] = list(provisional(source, period.start, period.end))
        for start, end, row in parts[source.factor]:
            amounts: Floats = sums.amounts[place]
            if (start, end) != (period.start, period.end):
                part = Period(start, end, period.zone)
                amounts = source_sums(state, [source.index], part, as_of).amounts[0]
            if amounts[CO2E_T] != 0 and not np.isnan(amounts[CO2E_T]):
                found.append((row, float(amounts[CO2E_T])))
    return found
