"""Proves how months stand: by the decisions that were done, each of which is a message of the journal."""

import json
import sqlite3

import msgspec

from plant import periods
from plant.park import Plant
from proof.verify.findings import Finding, Report, when
from store.accounting.closing import Decision, Status
from store.accounting.pending import NOTHING_SEEN
from store.messages.journal import JournalReader

WRITTEN = (
    "finish", "status", "approved_by", "approved_generation", "closed_by", "despite", "overruled",
)  # fmt: skip
_Written = dict[str, str | int | None]  # by WRITTEN; None where nobody can say


class DecisionProof:
    """Follows the decisions of each month, in their order."""

    def __init__(
        self, state: sqlite3.Connection, plant: Plant, journal: JournalReader, report: Report
    ) -> None:
        self._state, self._journal, self._report = state, journal, report
        self._zones = {park.name: park.zone for park in plant.parks}
        self._published = {
            int(offset)
            for table in ("ledger", "regulated_ledger")
            for (offset,) in state.execute(
                f"SELECT journal_from FROM {table} WHERE cause = 'restatement' AND journal_to = journal_from + 1"
            )
        }

    def prove(self) -> None:
        """Name every month that stands otherwise than its decisions say."""
        expected, stored = self._expected(), self._stored()
        for park, start in sorted(expected.keys() | stored.keys()):
            row = f"period {park} {self._month(park, start)}"
            mine, other = stored.get((park, start)), expected.get((park, start))
            if mine is None or other is None:
                self._add(
                    row,
                    "is missing; it was decided of" if mine is None else "is there, and nobody decided of it",
                )
                continue
            for name in WRITTEN:
                if other[name] not in {None, mine[name]}:
                    self._add(row, f"{name} is {_word(mine[name])}, its decisions say {_word(other[name])}")

    def _stored(self) -> dict[tuple[str, int], _Written]:
        rows = self._state.execute(f"SELECT park, start, {', '.join(WRITTEN)} FROM period")
        return {(park, start): dict(zip(WRITTEN, said, strict=True)) for park, start, *said in rows}

    def _expected(self) -> dict[tuple[str, int], _Written]:
        found: dict[tuple[str, int], _Written] = {}
        rows = self._state.execute(
            "SELECT message, action, actor, park, start FROM decision WHERE outcome = 'done' AND park != '' ORDER BY message"
        )
        for message, action, actor, park, start in rows:
            if park in self._zones:
                untouched = (self._end(park, start), Status.OPEN, "", NOTHING_SEEN, "", "", "[]")
                before = found.setdefault((park, start), dict(zip(WRITTEN, untouched, strict=True)))
                before.update(self._changes(message, action, actor))
        return found

    def _end(self, park: str, start: int) -> int | None:
        try:
            return int(periods.next_month(start, self._zones[park]))
        except (OverflowError, ValueError):
            return None

    def _add(self, row: str, detail: str) -> None:
        self._report.add(Finding("messages", "differs", row, detail))

    def _changes(self, message: int, action: str, actor: str) -> _Written:
        """Return what a decision writes into its month."""
        if action == Status.FINAL:
            return {"status": action, "closed_by": actor, **_despite(self._decision(message))}
        if action != "approve":
            return {"status": action}
        if message in self._published:
            return {"status": Status.RESTATED}
        made = self._decision(message)
        return {"approved_by": actor, "approved_generation": None if made is None else made.generation}

    def _decision(self, message: int) -> Decision | None:
        """Return what the journal says of a decision; None where it does not have it."""
        found = self._journal.one(message)
        try:
            return None if found is None else msgspec.json.decode(found.payload, type=Decision)
        except msgspec.MsgspecError:
            return None

    def _month(self, park: str, start: int) -> str:
        try:
            return periods.month_text(start, self._zones[park])
        except (KeyError, OverflowError, ValueError):
            return when(start)


def _despite(made: Decision | None) -> _Written:
    """Return why a month was closed all the same; a reason that names no gate only the line could judge."""
    if made is None or (made.despite and not made.overruled):
        return {"despite": None, "overruled": None}
    if not made.despite:
        return {"despite": "", "overruled": "[]"}
    return {"despite": made.despite, "overruled": json.dumps(made.overruled)}


def _word(value: str | int | None) -> str:
    return "nothing" if value in {None, ""} else str(value)
