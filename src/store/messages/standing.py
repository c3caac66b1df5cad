"""How a park's month is known, and what keeps it from being closed (semantics.md section 2, final months).

One judge for whoever looks before and for the line when it takes the decision.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from plant.arrays import Bools, Floats
from plant.inventory import counted
from plant.languages import Language, number_text
from plant.numbers import format_number
from plant.park import Source
from store.blocks import CO2E_T
from store.messages.quarantine import open_in
from store.reader import Snapshot
from store.totals.due import WHOLE
from store.totals.sums import Period, SourceSums, source_sums

DESPITE: Mapping[Language, str] = {
    "en": "Say why it is closed all the same (despite), and the reason is kept and shown",
    "vi": "Hãy nói vì sao vẫn chốt (despite); lý do được lưu và hiển thị",
}
SLACK = 1e-9  # of a coverage that is enough, but for rounding
_SHOWN = 5  # names in a sentence; the others are counted

_NOTHING_OWED = "nothing owed"
_MORE: Mapping[Language, str] = {"en": " and {} more", "vi": " và {} mục khác"}

# Yields the parts [start, end) of a stretch that a source calculates with a provisional row of its factor, and the row.
Provisional = Callable[[Source, int, int], Iterator[tuple[int, int, str]]]


class Gate(StrEnum):
    """What a month must pass to be closed, unless somebody says why it is closed all the same."""

    COVERAGE = "coverage"
    SOURCES = "sources"
    KNOWN_FROM = "known_from"
    QUARANTINE = "quarantine"
    PROVISIONAL = "provisional"


# What is so of a gate that is not passed, and what to do.
_TEXTS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        _NOTHING_OWED: "no source owes a window of it: nothing is known",
        Gate.COVERAGE: "coverage is {share} %, and at least {needed} % is asked for:"
        " `stackmeter explain PARK --period MONTH` shows what is missing; have the gateways send it",
        Gate.SOURCES: "nothing is known of {names}: have them read, or give each the `since` from which it was there",
        Gate.KNOWN_FROM: "it is not known from its beginning on, because {names} began later: give each its `since`",
        Gate.QUARANTINE: "{count} of its messages are in quarantine: `stackmeter quarantine list` says why;"
        " repair it, then `stackmeter quarantine replay`",
        Gate.PROVISIONAL: "{share} % of its tonnes rest on provisional factors, {names}: wait for the official ones",
    },
    "vi": {
        _NOTHING_OWED: "không nguồn nào phải có dữ liệu trong tháng: không rõ gì cả",
        Gate.COVERAGE: "độ phủ dữ liệu là {share} %, cần ít nhất {needed} %:"
        " `stackmeter explain PARK --period MONTH` cho biết thiếu gì; hãy cho gateway gửi lại",
        Gate.SOURCES: "chưa có dữ liệu của {names}: hãy đọc nguồn, hoặc khai `since` là lúc nguồn bắt đầu có",
        Gate.KNOWN_FROM: "không rõ từ đầu tháng, vì {names} bắt đầu muộn hơn: hãy khai `since` cho từng nguồn",
        Gate.QUARANTINE: "{count} bản tin của tháng còn bị cách ly: `stackmeter quarantine list` cho biết lý do;"
        " sửa xong thì `stackmeter quarantine replay`",
        Gate.PROVISIONAL: "{share} % lượng phát thải dựa trên hệ số tạm thời, {names}: hãy chờ hệ số chính thức",
    },
}


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


def lacks(found: MonthStanding, needed: float, language: Language = "en") -> list[Lack]:
    """Return the gates that a month does not pass; `needed` is the least coverage."""
    asked = {
        Gate.COVERAGE: _of_coverage(found, needed, language),
        Gate.SOURCES: {"names": few(found.unknown, language)} if found.unknown else None,
        Gate.KNOWN_FROM: {"names": few(found.late, language)} if found.known_from != WHOLE else None,
        Gate.QUARANTINE: {"count": number_text(found.quarantined, language)} if found.quarantined else None,
        Gate.PROVISIONAL: _of_factors(found, language),
    }
    texts = _TEXTS[language]
    return [
        Lack(gate, texts[gate if values else _NOTHING_OWED].format(**values))
        for gate, values in asked.items()
        if values is not None
    ]


def _of_coverage(found: MonthStanding, needed: float, language: Language) -> dict[str, str] | None:
    if found.coverage is None:
        return {}
    if found.coverage >= needed - SLACK:
        return None
    # Rounded down, so that what is too little never reads as if it were enough.
    return {
        "share": format_number(float(np.floor(found.coverage * 1000) / 10), language, 1),
        "needed": number_text(needed * 100, language),
    }


def _of_factors(found: MonthStanding, language: Language) -> dict[str, str] | None:
    if not found.provisional:
        return None
    share = float(np.ceil(found.provisional_share * 1000) / 10)
    return {"share": format_number(share, language, 1), "names": few(found.provisional, language)}


def few(names: Sequence[str], language: Language = "en") -> str:
    """Return the first of some names, and how many more there are."""
    more = len(names) - _SHOWN
    told = _MORE[language].format(number_text(more, language))
    return ", ".join(names[:_SHOWN]) + (told if more > 0 else "")


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
