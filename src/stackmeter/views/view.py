"""What a person sees in the terminal: tables and lines made of the API's answers and of what simulators report."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from api.models import AlertBody, BalanceBody, OutcomesBody, ReadyBody, TotalBody
from plant.vocabulary import NS_PER_S
from proof.restate.hours import HoursDelta
from proof.restate.report import Delta, Report
from simulators import park, replay
from simulators.truth import Truth
from stackmeter.client.calls import Overview
from stackmeter.views.local import local, offset, own_zone
from stackmeter.views.tables import Shown

ENDS = ("accepted", "late", "duplicate", "quarantined", "rejected")
UNKNOWN = "-"
LAST_ALERTS = 5
SHOWN_NAMES = 5  # of a list; the others are counted


@dataclass(frozen=True, slots=True)
class TonnesRow:
    """The tonnes of a facility, of a park (`facility` is None) or of everything; None is unknown.

    Amounts are the sums of the facilities beneath, so that a table adds up though its parts were asked for one after
    another.
    """

    park: str | None
    facility: str | None
    now: float | None  # t/h, of all sources but `now_unknown`
    today: float | None  # t
    month: float | None  # t
    coverage: float | None  # today's
    complete_until: str | None
    today_from: str | None = None  # from when on today's coverage speaks, where not from midnight on
    month_from: str | None = None
    now_unknown: int = 0  # sources whose present rate nobody knows
    unheard: tuple[str, ...] = ()  # sources that are in none of the sums of this month
    today_on: frozenset[str] = frozenset()  # provisional rows of factors that the amount rests on
    month_on: frozenset[str] = frozenset()


def rows(seen: Overview) -> list[TonnesRow]:
    """Return each park and its facilities, and last everything."""
    return [_row(total, seen) for total in sorted(seen.today, key=_place)]


def tonnes(seen: Overview, zone: tzinfo) -> Shown:
    """Return the rows as a table; `zone` is the clock that times are shown on."""
    clock = offset(datetime.fromisoformat(seen.as_of).astimezone(zone)).strip()
    heads = ("per hour", "today", "this month", "coverage", f"complete\nup to ({clock})")
    shown, lines = rows(seen), []
    for row in shown:
        cells = (
            _lines(amount(row.now), f"+{row.now_unknown:,} unknown" if row.now_unknown else ""),
            amount(row.today) + _mark(row.today_on),
            _lines(amount(row.month) + _mark(row.month_on), _since(row.month_from, seen.as_of, zone)),
            _lines(share(row.coverage), _since(row.today_from, seen.as_of, zone)),
        )
        until = moment(row.complete_until, seen.as_of, zone)
        lines.append((_name(row), *cells, until))
    bold = [place for place, row in enumerate(shown) if row.facility is None]
    name, note = f"t CO2e ({seen.gwp})", "\n".join(_captions(shown))
    return Shown([name, *heads], lines, right=heads, bold=bold, note=note)


def _captions(shown: list[TonnesRow]) -> Iterator[str]:
    """Yield what is said below the table of the tonnes."""
    if provisional := sorted(frozenset().union(*(row.today_on | row.month_on for row in shown))):
        yield f"* rests on provisional factors: {', '.join(provisional)}"
    if unheard := sorted(frozenset().union(*(row.unheard for row in shown))):
        yield f"in no sum, because nothing was read of them: {few(unheard)}"


def few(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def restatement(report: Report) -> Shown:
    """Return what a restatement changes, a source's month a row; hours that a regulation counts in rows of their own."""
    deltas = sorted(report.deltas.values(), key=lambda d: (d.month, d.park, d.facility, d.source))
    rows = [_changed(delta, f"{delta.windows:,}") for delta in deltas]
    rows += [_changed(hours, f"{hours.hours:,} hours") for hours in report.hours]
    heads = ["source", "month", "windows", "t CO2e published", "would be", "change", ""]
    return Shown(heads, rows, right={"windows", "t CO2e published", "would be", "change"}, whole={"month"})


def _changed(delta: Delta | HoursDelta, count: str) -> tuple[str, ...]:
    """Return the cells of a change of a source's month."""
    amounts = (amount(delta.reported_t), amount(delta.current_t), signed(delta.delta_t))
    held = "final: waits for approval" if delta.held else ""
    return (f"{delta.park}/{delta.facility}/{delta.source}", delta.month, count, *amounts, held)


@contextmanager
def chunks_progress() -> Iterator[Callable[[int, int], None]]:
    """Give what to call with (chunks done, chunks in all)."""
    with _bar("{task.completed:,} of {task.total:,} chunks") as bar:
        task = bar.add_task("computing", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


@contextmanager
def steps_progress() -> Iterator[Callable[[int, int], None]]:
    """Give what to call with (steps done again, steps in all)."""
    with _bar("{task.completed:,} of {task.total:,} steps") as bar:
        task = bar.add_task("doing again", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


@contextmanager
def hours_progress() -> Iterator[Callable[[int, int], None]]:
    """Give what to call with (hours done, hours in all)."""
    with _bar("{task.completed:,} of {task.total:,} hours") as bar:
        task = bar.add_task("", total=0)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def signed(tonnes: float | None) -> str:
    """Return a change of tonnes with its sign."""
    return UNKNOWN if tonnes is None else f"{tonnes:+,.3f}"


def plain(seen: Overview, zone: tzinfo) -> str:
    """Return everything on one line."""
    row = rows(seen)[-1]
    return (
        f"{amount(row.now)} t/h{_and_unknown(row.now_unknown)}, {amount(row.today)} t today,"
        f" {_words(amount(row.month), 't this month', _since(row.month_from, seen.as_of, zone))},"
        f" {_words(share(row.coverage), 'covered', _since(row.today_from, seen.as_of, zone))}, complete up to {moment(row.complete_until, seen.as_of, zone)}"
    )


def readiness(ready: ReadyBody) -> Iterator[str]:
    """Yield why the service is not ready and what it works without; nothing where all is well."""
    yield from (f"not ready: {reason}" for reason in ready.reasons)
    yield from (f"degraded: {what}" for what in ready.degradations)


def balance(books: BalanceBody) -> Iterator[str]:
    """Yield both balances as sums, and the codes of what was refused."""
    yield f"messages {_ends(books.messages)}"
    yield f"readings {_ends(books.readings)}"
    if books.codes:
        yield "refused  " + ", ".join(f"{count:,} {code}" for code, count in books.codes.items())


def alerts(seen: Overview, zone: tzinfo) -> Iterator[str]:
    """Yield the alerts that fire and the last that did, a line each."""
    for alert in seen.alerts[:LAST_ALERTS]:
        since = local(alert.started_at, zone)
        until = f" to {local(alert.ended_at, zone)}" if alert.ended_at else ""
        value = f"{_short(alert.value)} {alert.unit}, limit {_short(alert.limit)}"
        yield f"{alert.status:8} {alert.severity:8} {alert.rule} at {_where(alert)}: {value}, {since}{until}"
    if more := len(seen.alerts[LAST_ALERTS:]):
        yield f"and {more} more at {seen.url}/v1/alerts"


def channel_totals(truth: Truth) -> Shown:
    """Return what a simulation's channels truly measured."""
    rows = []
    for total in truth.totals():
        name = f"{total.park}/{total.facility}/{total.channel}"
        unit = f"mean, {total.amount_unit}" if total.kind == "level" else total.amount_unit
        amount = UNKNOWN if math.isnan(total.amount) else f"{total.amount:,.3f}"
        rows.append((name, f"{total.readings:,}", amount, unit))
    return Shown(["channel", "readings", "true total", ""], rows, right={"readings", "true total"})


def simulation_lines(truth: Truth) -> Iterator[str]:
    """Yield what became of a simulation's messages."""
    fates = ", ".join(f"{count:,} {fate}" for fate, count in truth.messages.items())
    yield f"messages: {fates}; {truth.readings:,} readings delivered"


@contextmanager
def simulation_progress(duration: float | None) -> Iterator[Callable[[park.Progress], None]]:
    """Give what a simulation of `duration` [s, simulated] tells how far it is; shown on a terminal."""
    with _bar("{task.description}") as bar:
        task = bar.add_task("starting", total=duration)
        first: int | None = None

        def tell(at: park.Progress) -> None:
            nonlocal first
            first = first or at.simulated
            done, clock = (
                (at.simulated - first) / NS_PER_S,
                datetime.fromtimestamp(at.simulated / NS_PER_S, own_zone()),
            )
            bar.update(
                task, completed=done, description=f"{clock:%Y-%m-%d %H:%M:%S %Z}, {at.readings:,} readings"
            )

        yield tell


@contextmanager
def replay_progress() -> Iterator[Callable[[replay.Progress], None]]:
    """Give what a replay tells how far it is; shown on a terminal."""
    with _bar("{task.completed:,.0f} of {task.total:,.0f} messages") as bar:
        task = bar.add_task("", total=0)
        yield lambda at: bar.update(task, completed=at.sent, total=at.total)


@contextmanager
def import_progress(readings: int) -> Iterator[Callable[[int], None]]:
    """Give what an import tells how many readings it has sent, of so many; shown on a terminal."""
    with _bar("{task.completed:,.0f} of {task.total:,.0f} readings") as bar:
        task = bar.add_task("", total=readings)
        yield lambda sent: bar.update(task, completed=sent)


@contextmanager
def files_progress(files: int) -> Iterator[Callable[[int], None]]:
    """Give what to call with how many files were handed in, of so many; shown on a terminal."""
    with _bar("{task.completed:,} of {task.total:,} files") as bar:
        task = bar.add_task("", total=files)
        yield lambda done: bar.update(task, completed=done)


def _bar(text: str) -> Progress:
    return Progress(
        TextColumn(text),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def replay_lines(summary: replay.Summary) -> Iterator[str]:
    """Yield what a replay did."""
    yield f"{summary.readings:,} readings of {summary.rows:,} rows in {summary.messages:,} messages"
    yield f"{summary.duplicates:,} messages sent twice, {summary.resent:,} sent again on request"
    if summary.span is not None:
        yield f"from {summary.span[0]} to {summary.span[1]}"
    yield from (f"sum of {column}: {amount!r}" for column, amount in summary.sums.items())
    if summary.uncovered is not None:
        yield f"{summary.uncovered:,} messages not acknowledged by a service"
    yield f"took {summary.seconds:,.1f} s"


def share(value: float | None) -> str:
    """Return a share as per cent, rounded down: 100 % is only what is whole."""
    return UNKNOWN if value is None else f"{math.floor(value * 1000 + 1e-9) / 10:.1f} %"


def since(time: str | None, as_of: str, zone: tzinfo) -> str:
    """Return a time of the API as short as it can be told after "since": 30 Nov, or 10:05 where it is of today."""
    if time is None:
        return ""
    at, now = (datetime.fromisoformat(text).astimezone(zone) for text in (time, as_of))
    if at.date() == now.date() and (at.hour or at.minute):
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}" if at.year == now.year else f"{at.day} {at:%b %Y}"


def moment(time: str | None, as_of: str, zone: tzinfo) -> str:
    """Return a time of the API on a zone's clock, with its date unless that is today's."""
    if time is None:
        return UNKNOWN
    at, now = (datetime.fromisoformat(text).astimezone(zone) for text in (time, as_of))
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def _place(total: TotalBody) -> tuple[bool, str, str]:
    """Return what puts each park before its facilities, and everything last."""
    return total.park is None, total.park or "", total.facility or ""


def _row(total: TotalBody, seen: Overview) -> TonnesRow:
    today, month = _facilities(seen.today, total), _facilities(seen.month, total)
    return TonnesRow(
        total.park,
        total.facility,
        _known_sum(one.now_t_per_h for one in today),
        _known_sum(one.co2e_t for one in today),
        _known_sum(one.co2e_t for one in month),
        total.coverage,
        total.complete_until,
        total.known_from,
        max((one.known_from for one in month if one.known_from), default=None),
        sum(len(one.now_unknown) for one in today),
        tuple(name for one in month for name in one.unheard),
        _provisional(today),
        _provisional(month),
    )


def _facilities(among: Iterable[TotalBody], total: TotalBody) -> list[TotalBody]:
    """Return the facilities that a total is of."""
    wanted = (total.park, total.facility)
    return [one for one in among if one.facility and _is_in((one.park, one.facility), wanted)]


def _is_in(place: tuple[str | None, ...], wanted: tuple[str | None, ...]) -> bool:
    return all(name in (None, own) for name, own in zip(wanted, place, strict=True))


def _provisional(totals: Iterable[TotalBody]) -> frozenset[str]:
    factors = (factor for total in totals for factor in total.factors or [])
    return frozenset(factor.row for factor in factors if factor.status == "provisional")


def _since(time: str | None, as_of: str, zone: tzinfo) -> str:
    return f"since {since(time, as_of, zone)}" if time else ""


def _and_unknown(sources: int) -> str:
    return f" + {sources:,} source{'s' * (sources > 1)} unknown" if sources else ""


def _lines(*parts: str) -> str:
    return "\n".join(filter(None, parts))


def _words(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _mark(provisional: frozenset[str]) -> str:
    return "*" if provisional else ""


def _known_sum(amounts: Iterable[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _name(row: TonnesRow) -> str:
    return f"  {row.facility}" if row.facility else row.park or "all"


def amount(tonnes: float | None) -> str:
    """Return tonnes, a dash where they are unknown."""
    return UNKNOWN if tonnes is None else f"{tonnes:,.3f}"


def _short(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4g}"


def _ends(outcomes: OutcomesBody) -> str:
    counts = outcomes.model_dump()
    return f"{outcomes.received:,} = " + " + ".join(f"{counts[end]:,} {end}" for end in ENDS)


def _where(alert: AlertBody) -> str:
    return "/".join(
        alert.labels[key] for key in ("park", "facility", "channel", "source") if key in alert.labels
    )
