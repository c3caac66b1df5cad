"""What of totals people have entered: its share, the part that nobody checked, what waits for approval, and gaps between records."""

from collections.abc import Sequence

from api.models import RecordedSourceBody, RecordsOfTotalBody
from api.totals.budgets import PeriodOf
from plant.arrays import Floats, number
from plant.clock import PeriodBody, format_time
from plant.park import Channel, Source
from store.blocks import CO2E_T
from store.reader import Snapshot
from store.records.table import Record, RecordStanding, approved
from store.records.views import WantedRecords, select
from store.totals.sums import Period, source_sums

MOST_GAPS = 100  # of a source that are told
MOST_WAITING = 100_000  # records of a channel that are looked through

Span = tuple[int, int]


def records_of_total(
    state: Snapshot,
    sources: Sequence[Source],
    values: Floats,
    rows: Sequence[int],
    period: PeriodOf,
    as_of: int,
) -> RecordsOfTotalBody:
    """Return what people have entered of the total of some rows of `sources`, whose amounts `values` has, a row each."""
    parks = {one.name: one for one in state.plant.parks}
    told, entered, unchecked = [], 0.0, 0.0
    known = False
    for row in rows:
        channels = _entered_channels(state, sources[row])
        if not channels:
            continue
        span = period(parks[sources[row].park])
        body, spans = _source(state, sources[row], channels, span, as_of)
        told.append(body)
        if (tonnes := number(values[row, CO2E_T])) is not None:
            known, entered = True, entered + tonnes
        unchecked += sum(_tonnes(state, sources[row], span, one, as_of) for one in spans)
    every = [tonnes for row in rows if (tonnes := number(values[row, CO2E_T])) is not None]
    total = sum(every)
    return RecordsOfTotalBody(
        entered_t=entered if known else None,
        entered_share=entered / total if total else None,
        self_approved_t=unchecked if known else None,
        self_approved_share=unchecked / total if total else None,
        sources=told,
    )


def _entered_channels(state: Snapshot, source: Source) -> list[Channel]:
    taken = {k for given in source.inputs for k in state.plant.measured(given.channel)}
    return [one for one in (state.plant.channels[k] for k in sorted(taken)) if one.entered]


def _source(
    state: Snapshot, source: Source, channels: Sequence[Channel], span: Period, as_of: int
) -> tuple[RecordedSourceBody, list[Span]]:
    """Return what is told of a source, and over which spans nobody checked what was entered."""
    owed = (span.start, max(span.start, min(span.end, as_of)))
    gaps, unchecked, count = list[Span](), list[Span](), 0
    waiting: list[Record] = []
    for channel in channels:
        stretches = _stretches(list(approved(state.connection, channel).values()), as_of)
        inside = [(one, _cut(stretch, owed)) for one, stretch in stretches]
        known = [(one, stretch) for one, stretch in inside if stretch[0] < stretch[1]]
        count += len(known)
        unchecked += [stretch for one, stretch in known if one.is_unchecked]
        gaps += _without(owed, [stretch for _, stretch in known])
        wanted = WantedRecords(channel.park, channel.facility, channel.name, RecordStanding.ENTERED)
        waiting += select(state.connection, wanted, None, MOST_WAITING)
    oldest = min((one.entered_at for one in waiting), default=None)
    body = RecordedSourceBody(
        source=f"{source.park}/{source.facility}/{source.name}",
        records=count,
        waiting=len(waiting),
        oldest_waiting_at=None if oldest is None else format_time(oldest),
        gaps=[PeriodBody.of(*gap) for gap in _joined(gaps)[:MOST_GAPS]],
    )
    return body, _joined(unchecked)


def _stretches(records: Sequence[Record], as_of: int) -> list[tuple[Record, Span]]:
    """Return each record with its stretch; a level's goes on to the next one, the last one's to now."""
    following = [*(one.start for one in records[1:]), as_of][: len(records)]
    return [
        (one, (one.start, after if one.is_level else one.finish))
        for one, after in zip(records, following, strict=True)
    ]


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return what spans cover together, in order and disjoint."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _without(whole: Span, spans: Sequence[Span]) -> list[Span]:
    """Return what of a whole no span covers, in order."""
    found, at = [], whole[0]
    for start, end in _joined(spans):
        if start > at:
            found.append((at, start))
        at = end
    return [*found, (at, whole[1])] if at < whole[1] else found


def _cut(stretch: Span, owed: Span) -> Span:
    return max(stretch[0], owed[0]), min(stretch[1], owed[1])


def _tonnes(state: Snapshot, source: Source, span: Period, part: Span, as_of: int) -> float:
    window = state.plant.window
    period = Period(part[0] // window * window, -(-part[1] // window) * window, span.zone)
    return number(source_sums(state, [source.index], period, as_of).amounts[0, CO2E_T]) or 0.0
