"""What people decide of reporting periods, taken by the line at its place among the messages.

open → provisional → final → restated: a provisional month still follows late readings, each change a revision; a final
one does not until somebody approves what waits, and above a share of its tonnes two people must.
"""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np

from plant.park import Plant
from store import blocks
from store.closing import FROZEN, Decision, Pending, Period, Status, changed
from store.emissions import Changes
from store.journal import Message
from store.ledger import Entry
from store.periods import month_of
from store.state import State


class Refusal(Exception):
    """A decision that cannot be taken as things stand; the text says why and what to do."""


class Decisions:
    """Takes decisions inside the line's transaction."""

    def __init__(self, plant: Plant, state: State, clock: Callable[[], int]) -> None:
        self._plant, self._state, self._clock = plant, state, clock
        self._zone_of = {park.name: park.zone for park in plant.parks}

    def take(self, message: Message, offset: int) -> None:
        """Take one decision and note its outcome, `done` or `refused`; whatever it is, the next one is taken."""
        decision = msgspec.json.decode(message.payload, type=Decision)
        start = 0
        try:
            period = self._period(decision)
            start = period.start
            outcome, detail = "done", self._act(decision, period, message.received, offset)
        except Refusal as refusal:
            outcome, detail = "refused", str(refusal)
        self._state.closing.note(
            decision.id, message.received, offset, decision.by, decision.action, decision.park, start, outcome, detail
        )  # fmt: skip

    def _period(self, decision: Decision) -> Period:
        zone = self._zone_of.get(decision.park)
        if zone is None:
            raise Refusal(f"no park {decision.park!r} is configured")
        try:
            start = month_of(decision.month, zone)
        except ValueError:
            raise Refusal(
                f"there is no month {decision.month!r} on our clocks: one is written like 2026-10"
            ) from None
        return self._state.closing.period(decision.park, zone, start)

    def _act(self, decision: Decision, period: Period, now: int, offset: int) -> str:
        match decision.action:
            case "provisional":
                return self._provisional(period)
            case "final":
                return self._final(period, now)
            case "approve":
                return self._approve(decision, period, offset)
        raise Refusal(f"no action {decision.action!r}: provisional, final or approve")

    def _provisional(self, period: Period) -> str:
        if period.status is not Status.OPEN:
            raise Refusal(f"the month is {period.status} already")
        self._state.closing.write(replace(period, status=Status.PROVISIONAL))
        return "provisional: late readings still change it, each change with a revision"

    def _final(self, period: Period, now: int) -> str:
        if period.status in FROZEN:
            raise Refusal(f"the month is {period.status} already")
        if now < period.end:
            raise Refusal("the month is not over yet: close it when it is")
        self._state.closing.write(replace(period, status=Status.FINAL))
        return "final: what would change it waits for approval"

    def _approve(self, decision: Decision, period: Period, offset: int) -> str:
        pending = self._state.closing.pending(period, self._state.emissions.block)
        if period.status not in FROZEN or not pending.windows:
            raise Refusal("nothing waits for approval in this month")
        if decision.generation != period.generation:
            raise Refusal(
                f"what waits has changed since (generation {period.generation}, not {decision.generation}): look again"
            )
        first = period.approved_by if period.approved_generation == period.generation else ""
        if self._needs_two(pending) and not first:
            noted = replace(period, approved_by=decision.by, approved_generation=period.generation)
            self._state.closing.write(noted)
            return (
                f"approved by {decision.by}; the change is so large that a second person must approve it too"
            )
        if self._needs_two(pending) and first == decision.by:
            raise Refusal(f"{first} has approved this already: it takes a second person")
        self._restate(period, ", ".join(filter(None, (first, decision.by))), offset)
        return f"restated by {pending.delta_t:+.9g} t CO2e in {pending.windows} windows"

    def _needs_two(self, pending: Pending) -> bool:
        return pending.above(self._plant.second_approval_above)

    def _restate(self, period: Period, actor: str, offset: int) -> None:
        """Publish what waits, enter it into the ledger, and begin a new generation."""
        closing, emissions = self._state.closing, self._state.emissions
        parts: list[Changes] = []
        for source, hour, block in list(closing.waiting(period)):
            place = np.flatnonzero(changed(emissions.block(source, hour), block))
            start = hour + place * self._plant.window
            fields = block[place, : blocks.REVISION]
            parts.append(emissions.apply(np.full(len(place), source), start, fields, approved=True))
        closing.release(period)
        closing.write(replace(period, status=Status.RESTATED, generation=period.generation + 1))
        changes = Changes.concat(parts)
        if len(changes):
            entry = Entry(self._clock(), "restatement", actor, self._plant.hash, offset, offset + 1)
            self._state.ledger.append(entry, changes)
