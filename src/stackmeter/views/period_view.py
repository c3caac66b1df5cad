"""Months in the terminal: how each stands and how well it is known, what it lacks to be closed, and what waits in it."""

import math
from collections.abc import Iterator
from datetime import tzinfo

from api.accounting.periods import PendingBody, PeriodsBody, PeriodStateBody
from stackmeter.views import view
from stackmeter.views.tables import Shown


def periods(found: PeriodsBody, as_of: str, zone: tzinfo) -> Shown:
    """Return months as a table, and below it what there is to say of them; `as_of` is now, `zone` the clock of times."""
    rows = []
    for one in found.periods:
        since = f"\nsince {view.since(one.known_from, as_of, zone)}" if one.known_from else ""
        known = f"{view.share(one.coverage)}{since}"
        cells = (view.amount(one.reported_t), known, _share_up(one.provisional_share))
        rows.append((one.park, one.month, one.status, *cells))
    heads = ["park", "month", "status", "t CO2e", "known", "provisional"]
    notes = "\n".join(line for one in found.periods for line in _notes(one))
    return Shown(heads, rows, right={"t CO2e", "known", "provisional"}, whole={"month", "status"}, note=notes)


def _notes(one: PeriodStateBody) -> Iterator[str]:
    """Yield what is to be said of a month, below its name; nothing where there is nothing."""
    told = [*_closing(one), *_waiting(one.pending_restatement)]
    if told:
        yield f"{one.park} {one.month}"
        yield from (f"  {line}" for line in told)


def _closing(one: PeriodStateBody) -> Iterator[str]:
    if one.lacks:
        yield "cannot be closed yet, unless with --despite REASON:"
        yield from (f"- {lack.detail}" for lack in one.lacks)
    if one.closed_by:
        despite = f", though it lacked {', '.join(one.overruled)}: {one.despite}" if one.overruled else ""
        yield f"closed by {one.closed_by}{despite}"


def _waiting(waits: PendingBody | None) -> Iterator[str]:
    if waits is None:
        return
    change = f"{view.amount(waits.current_t)} t ({view.signed(waits.delta_t)} t) in {waits.windows:,} windows"
    hours = (
        f", and {view.signed(waits.regulated_delta_t)} t in {waits.regulated_hours:,} regulated hours"
        if waits.regulated_hours
        else ""
    )
    yield f"waits for approval: it would be {change}{hours}; generation {waits.generation}"
    if waits.approved_by or waits.needs_second:
        yield (
            f"approved by {waits.approved_by}; a second person must too"
            if waits.approved_by
            else "two must approve"
        )


def _share_up(value: float | None) -> str:
    """Return a share as per cent, rounded up: what is small does not vanish."""
    return view.UNKNOWN if value is None else f"{math.ceil(value * 1000 - 1e-9) / 10:.1f} %"
