"""Reports as the line knows them: issued where the months that the paper was made from are final and unchanged."""

import msgspec

from plant.park import Plant
from plant.periods import month_of
from store.accounting.closing import FROZEN, DecisionRefused
from store.messages.journal import Message
from store.once import KeyUsed, is_noted
from store.reports import TOPIC, ReportDecision, add_report, month_tonnes, next_number, same_tonnes
from store.state import State


class Reports:
    """Takes decisions to issue inside the line's transaction."""

    def __init__(self, plant: Plant, state: State) -> None:
        self._plant, self._state = plant, state
        self._zones = {park.name: park.zone for park in plant.parks}
        self.takers = {TOPIC: self._take}

    def _take(self, message: Message, offset: int) -> None:
        """Take one decision and note its outcome, `done` or `refused`. One that came before is left."""
        made = msgspec.json.decode(message.payload, type=ReportDecision)
        try:
            if is_noted(self._state.connection, made.id):
                return
            self._check(made)
            add_report(self._state.connection, made, message.received, offset)
            outcome, detail = "done", f"issued: report {made.number}, revision {made.revision}"
        except (DecisionRefused, KeyUsed) as refusal:
            outcome, detail = "refused", str(refusal)
        self._state.closing.note(made.id, message.received, offset, made.by, "report", "", 0, outcome, detail)

    def _check(self, made: ReportDecision) -> None:
        """Refuse a paper that is not of the state as it stands.

        Under another configuration than it was decided under nobody can tell any more: what was told then stands.
        """
        wanted = next_number(
            self._state.connection, made.form, (made.park, made.facility), made.periods, made.language
        )
        if wanted != (made.number, made.revision):
            raise DecisionRefused("another paper was issued meanwhile, which has its number: issue it again")
        if made.configuration != self._plant.hash:
            return
        zone = self._zones.get(made.park)
        if zone is None:
            raise DecisionRefused(f"no park {made.park!r} is configured")
        for month, tonnes in made.tonnes.items():
            start = month_of(month, zone)
            period = self._state.closing.period(made.park, zone, start)
            if period.status not in FROZEN:
                raise DecisionRefused(f"{month} is {period.status}: close it first")
            now = month_tonnes(self._state.connection, self._plant, (made.park, made.facility), start)
            if not same_tonnes(tonnes, now):
                raise DecisionRefused(f"{month} changed while the paper was made: issue it again")
