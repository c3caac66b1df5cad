"""Months in the terminal: how each stands and how well it is known, what it lacks to be closed, and what waits in it."""

import math
from collections.abc import Iterator
from datetime import tzinfo

from api.accounting.periods import PendingBody, PeriodsBody, PeriodStateBody
from plant.numbers import in_digits
from reports.paper import label
from reports.words import Words
from stackmeter.views import view
from stackmeter.views.tables import Shown


def periods(found: PeriodsBody, as_of: str, zone: tzinfo, words: Words) -> Shown:
    """Return months as a table, and below it what there is to say of them; `as_of` is now, `zone` the clock of times."""
    rows = []
    for one in found.periods:
        since = words.of(label("said.since", time=view.since(one.known_from, as_of, zone)))
        known = in_digits(view.share(one.coverage), words.language)
        provisional = in_digits(_share_up(one.provisional_share), words.language)
        cells = (
            _tonnes(one.reported_t, words),
            known + (f"\n{since}" if one.known_from else ""),
            provisional,
        )
        rows.append((one.park, one.month, words.word("status", one.status), *cells))
    heads = {
        name: words.text(f"head.{name}")
        for name in ("park", "month", "status", "co2e_t", "known", "provisional")
    }
    notes = "\n".join(line for one in found.periods for line in _notes(one, words))
    right = {heads[name] for name in ("co2e_t", "known", "provisional")}
    whole = {heads[name] for name in ("month", "status")}
    return Shown(list(heads.values()), rows, right=right, whole=whole, note=notes)


def change_text(waits: PendingBody, month: str, words: Words) -> str:
    """Return what waits in a month, before somebody lets it be published."""
    approved = words.of(label("said.approved_by", by=waits.approved_by)) if waits.approved_by else ""
    told = {"reported": _tonnes(waits.reported_t, words), "change": _change(waits, words)}
    return words.of(
        label("said.would_be", month=month, **told, hours=_regulated(waits, words), approved=approved)
    )


def _notes(one: PeriodStateBody, words: Words) -> Iterator[str]:
    """Yield what is to be said of a month, below its name; nothing where there is nothing."""
    told = [*_closing(one, words), *_waiting(one.pending_restatement, words)]
    if told:
        yield f"{one.park} {one.month}"
        yield from (f"  {line}" for line in told)


def _closing(one: PeriodStateBody, words: Words) -> Iterator[str]:
    if one.lacks:
        yield words.text("said.cannot_close")
        yield from (f"- {lack.detail}" for lack in one.lacks)
    if one.closed_by:
        gates = ", ".join(words.word("item", gate) for gate in one.overruled)
        though = words.of(label("said.though", gates=gates, despite=one.despite)) if one.overruled else ""
        yield words.of(label("said.closed_by", by=one.closed_by)) + though


def _waiting(waits: PendingBody | None, words: Words) -> Iterator[str]:
    if waits is None:
        return
    told = {"change": _change(waits, words), "hours": _regulated(waits, words)}
    yield words.of(label("said.waits", **told, generation=str(waits.generation)))
    if waits.approved_by:
        yield words.of(label("said.approved_once", by=waits.approved_by))
    elif waits.needs_second:
        yield words.text("said.two")


def _change(waits: PendingBody, words: Words) -> str:
    tonnes = {"t": _tonnes(waits.current_t, words), "delta": _signed(waits.delta_t, words)}
    return words.of(label("said.change", **tonnes, windows=_count(waits.windows, words)))


def _regulated(waits: PendingBody, words: Words) -> str:
    if not waits.regulated_hours:
        return ""
    told = {"delta": _signed(waits.regulated_delta_t, words), "hours": _count(waits.regulated_hours, words)}
    return words.of(label("said.regulated", **told))


def _tonnes(value: float | None, words: Words) -> str:
    return in_digits(view.amount(value), words.language)


def _signed(value: float | None, words: Words) -> str:
    return in_digits(view.signed(value), words.language)


def _count(value: int, words: Words) -> str:
    return in_digits(f"{value:,}", words.language)


def _share_up(value: float | None) -> str:
    """Return a share as per cent, rounded up: what is small does not vanish."""
    return view.UNKNOWN if value is None else f"{math.ceil(value * 1000 - 1e-9) / 10:.1f} %"
