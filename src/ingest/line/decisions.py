"""What people decide of reporting periods, taken by the line at its place among the messages.

open → provisional → final → restated: a provisional month still follows late readings, each change a revision; a final
one does not until somebody approves what waits, and above a share of its tonnes two people must.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from plant.park import Plant
from plant.periods import month_of
from store import blocks
from store.accounting.closing import FROZEN, Decision, DecisionRefused, Period, Status, changed
from store.accounting.ledger import Entry
from store.accounting.pending import Pending
from store.accounting.regulated import RegulatedTable
from store.messages.journal import Message
from store.messages.standing import DESPITE, Gate, Lack, Provisional, lacks, standing
from store.once import KeyUsed, is_noted
from store.reader import Numbers, Snapshot
from store.state import State
from store.totals.emissions import Changes
from store.totals.sums import Period as Stretch


class Decisions:
    """Takes decisions inside the line's transaction."""

    def __init__(
        self, plant: Plant, state: State, clock: Callable[[], int], provisional: Provisional
    ) -> None:
        """Take what tells when a source's factor is provisional."""
        self._plant, self._state, self._clock, self._provisional = plant, state, clock, provisional
        self._zone_of = {park.name: park.zone for park in plant.parks}

    def take(self, message: Message, offset: int) -> None:
        """Take one decision and note its outcome, `done` or `refused`; whatever it is, the next one is taken. One that came before is left."""
        decision = msgspec.json.decode(message.payload, type=Decision)
        start = 0
        try:
            if is_noted(self._state.connection, decision.id):
                return
            period = self._period(decision)
            start = period.start
            outcome, detail = "done", self._act(decision, period, message.received, offset)
        except (DecisionRefused, KeyUsed) as refusal:
            outcome, detail = "refused", str(refusal)
        self._state.closing.note(
            decision.id, message.received, offset, decision.by, decision.action, decision.park, start, outcome, detail
        )  # fmt: skip

    def _period(self, decision: Decision) -> Period:
        zone = self._zone_of.get(decision.park)
        if zone is None:
            raise DecisionRefused(f"no park {decision.park!r} is configured")
        try:
            start = month_of(decision.month, zone)
        except ValueError:
            raise DecisionRefused(
                f"there is no month {decision.month!r} on our clocks: one is written like 2026-10"
            ) from None
        return self._state.closing.period(decision.park, zone, start)

    def _act(self, decision: Decision, period: Period, now: int, offset: int) -> str:
        match decision.action:
            case "provisional":
                return self._take_provisionally(period)
            case "final":
                return self._final(decision, period, now)
            case "approve":
                return self._approve(decision, period, offset)
        raise DecisionRefused(f"no action {decision.action!r}: provisional, final or approve")

    def _take_provisionally(self, period: Period) -> str:
        if period.status is not Status.OPEN:
            raise DecisionRefused(f"the month is {period.status} already")
        self._state.closing.write(replace(period, status=Status.PROVISIONAL))
        return "provisional: late readings still change it, each change with a revision"

    def _final(self, decision: Decision, period: Period, now: int) -> str:
        if period.status in FROZEN:
            raise DecisionRefused(f"the month is {period.status} already")
        if now < period.end:
            raise DecisionRefused("the month is not over yet: close it when it is")
        lacking = self._lacking(decision, period, now)
        overruled = _overruled(decision, lacking)
        despite = decision.despite if overruled else ""
        closed = replace(
            period,
            status=Status.FINAL,
            closed_by=decision.by,
            despite=despite,
            overruled=tuple(one.gate.value for one in overruled),
        )
        self._state.closing.write(closed)
        told = f", though {_told(lacking or overruled)}; {despite!r}" if overruled else ""
        return f"final: what would change it waits for approval{told}"

    def _lacking(self, decision: Decision, period: Period, now: int) -> list[Lack]:
        """Return the gates that a month does not pass.

        Under another configuration than it was decided under nobody can tell any more: what was told then stands, so that a state
        that is made again has the same months closed, whatever sources have come or gone since.
        """
        if decision.configuration != self._plant.hash:
            return _named(decision)
        channels, sources = Numbers("channel", self._plant.channels), Numbers("source", self._plant.sources)
        state = Snapshot(self._state.connection, self._plant, channels, sources)
        month = Stretch(period.start, period.end, self._zone_of[period.park])
        found = standing(state, month, period.park, now, self._provisional)
        return lacks(found, self._plant.closing_coverage)

    def _approve(self, decision: Decision, period: Period, offset: int) -> str:
        pending = self._state.closing.pending(period, self._state.emissions.block)
        if period.status not in FROZEN or not pending.waits:
            raise DecisionRefused("nothing waits for approval in this month")
        if decision.generation != pending.generation:
            raise DecisionRefused(
                f"what waits has changed since (generation {pending.generation}, not {decision.generation}): look again"
            )
        first = period.approved_by if period.approved_generation == pending.generation else ""
        if self._needs_two(pending) and not first:
            noted = replace(period, approved_by=decision.by, approved_generation=pending.generation)
            self._state.closing.write(noted)
            return (
                f"approved by {decision.by}; the change is so large that a second person must approve it too"
            )
        if self._needs_two(pending) and first == decision.by:
            raise DecisionRefused(f"{first} has approved this already: it takes a second person")
        self._restate(period, ", ".join(filter(None, (first, decision.by))), offset)
        return _restated(pending)

    def _needs_two(self, pending: Pending) -> bool:
        return pending.above(self._plant.second_approval_above)

    def _restate(self, period: Period, actor: str, offset: int) -> None:
        """Publish what waits, and enter it into the ledger."""
        closing, emissions = self._state.closing, self._state.emissions
        parts: list[Changes] = []
        for source, hour, block in list(closing.waiting(period)):
            place = np.flatnonzero(changed(emissions.block(source, hour), block))
            start = hour + place * self._plant.window
            fields = block[place, : blocks.REVISION]
            parts.append(emissions.apply(np.full(len(place), source), start, fields, approved=True))
        entry = Entry(self._clock(), "restatement", actor, self._plant.hash, offset, offset + 1)
        table = RegulatedTable(self._state.connection)
        for source, published, waiting in list(closing.waiting_hours(period)):
            table.write(entry, source, published, waiting, approved=True)
        closing.release(period)
        closing.write(replace(period, status=Status.RESTATED))
        if parts and len(changes := Changes.concat(parts)):
            self._state.ledger.append(entry, changes)


def _named(decision: Decision) -> list[Lack]:
    return [Lack(Gate(name), name) for name in decision.overruled]


def _overruled(decision: Decision, lacking: list[Lack]) -> list[Lack]:
    """Return what a month is closed despite; `lacking` are the gates that it does not pass when the decision is taken.

    Gates that the decision names stand, passed since or not, so that what somebody signed follows from the journal alone.
    """
    if lacking and not decision.despite:
        raise DecisionRefused(f"{_told(lacking)}. {DESPITE['en']}")
    named = _named(decision) if decision.despite else []
    untold = [one for one in lacking if one.gate.value not in decision.overruled]
    if named and untold:
        raise DecisionRefused(f"{_told(untold)}. Nobody was told of it when this was decided: look again")
    return named or lacking


def _told(lacking: Sequence[Lack]) -> str:
    return "; ".join(one.detail for one in lacking)


def _restated(pending: Pending) -> str:
    """Return what an approval published, in words."""
    live, hours = pending.live, pending.regulated
    told = [f"{live.delta_t:+.9g} t CO2e in {live.count} windows"] if live.count else []
    if hours.count:
        told.append(f"{hours.delta_t:+.9g} t CO2e in {hours.count} regulated hours")
    return f"restated by {', and '.join(told)}"
