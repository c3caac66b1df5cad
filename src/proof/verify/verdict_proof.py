"""Proves what the rules made of readings: the verdict of each, and which are marked as in conflict."""

import sqlite3

import numpy as np

from ingest.line.recompute import RecomputedChannels
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY, Flag, Verdict
from proof.verify.findings import Finding, Kind, Report, Tell, when
from store import audit

AT_ONCE = 32 * NS_PER_DAY  # of a channel, with its context
MARKS = Flag.RESET | Flag.CONFLICT


class VerdictProof:
    """Works through the channels; a month of one is in memory."""

    def __init__(
        self,
        state: sqlite3.Connection,
        plant: Plant,
        recompute: RecomputedChannels,
        report: Report,
        *,
        always: bool,
    ) -> None:
        """Take whether this configuration has judged readings `always`; another one may have judged otherwise."""
        self._state, self._plant, self._recompute, self._report = state, plant, recompute, report
        self._kind: Kind = "differs" if always else "configuration"

    def prove(self, tell: Tell) -> None:
        """Prove everything, and tell how far it is."""
        for channel in self._plant.channels:
            name = f"{channel.park}/{channel.facility}/{channel.name}"
            span = audit.reading_span(self._state, channel.park, channel.facility, channel.name)
            for start in range(span[0], span[1] + 1, AT_ONCE) if span else ():
                self._prove(channel.index, name, start, min(start + AT_ONCE, (span or (0, 0))[1] + 1))
            tell("verdicts", channel.index + 1, len(self._plant.channels))
        self._prove_marks()
        self._prove_beginnings()

    def _prove(self, channel: int, name: str, start: int, end: int) -> None:
        readings, verdict = self._recompute.judged(channel, start, end)
        for row in np.flatnonzero(readings.verdict != verdict).tolist():
            shown = [_word(int(one)) for one in (readings.verdict[row], verdict[row])]
            detail = f"verdict is {shown[0]}, the rules say {shown[1]}"
            self._add(self._kind, f"reading {name} {when(int(readings.time[row]))}", detail)

    def _prove_marks(self) -> None:
        """Check that a reading is marked as in conflict where, and only where, one that lost to it is kept."""
        lost = "EXISTS (SELECT 1 FROM reading_lost AS l WHERE l.channel = r.channel AND l.time = r.time)"
        marked = f"r.flags & {int(Flag.CONFLICT)}"
        for where, detail in (
            (f"{marked} AND NOT {lost}", "is marked as in conflict, and nothing that lost to it is kept"),
            (f"NOT {marked} AND r.time IN (SELECT time FROM reading_lost) AND {lost}", "another lost to it, and it is not marked as in conflict"),
            (f"r.flags & ~{int(MARKS)}", "has marks that there are not"),
        ):  # fmt: skip
            self._say("reading", where, detail)
        winner = "EXISTS (SELECT 1 FROM reading AS w WHERE w.channel = r.channel AND w.time = r.time)"
        self._say("reading_lost", f"NOT {winner}", "lost to a reading that is not there")
        self._say("reading_lost", f"r.flags & ~{int(MARKS)}", "has marks that there are not")

    def _prove_beginnings(self) -> None:
        """Check that each source begins with the first counting reading of its channels."""
        query = "SELECT park, facility, name, begins FROM source"
        stored = {tuple(name): begins for *name, begins in self._state.execute(query)}
        for source in self._plant.sources:
            key = (source.park, source.facility, source.name)
            channels = {k for given in source.inputs for k in self._plant.measured(given.channel)}
            times = [time for channel in channels if (time := self._begins(channel)) is not None]
            expected = min(times, default=None)
            if key in stored and stored[key] != expected:
                shown = ["nothing" if time is None else when(time) for time in (stored[key], expected)]
                detail = f"begins is {shown[0]}, its readings say {shown[1]}"
                self._add(self._kind, f"source {'/'.join(key)}", detail)

    def _begins(self, channel: int) -> int | None:
        one = self._plant.channels[channel]
        row = self._state.execute(
            "SELECT time FROM reading WHERE quality <= 1 AND channel ="
            " (SELECT id FROM channel WHERE park = ? AND facility = ? AND name = ?) ORDER BY time LIMIT 1",
            (one.park, one.facility, one.name),
        ).fetchone()
        return None if row is None else int(row[0]) - one.period

    def _say(self, table: str, where: str, detail: str) -> None:
        rows = self._state.execute(
            f"SELECT c.park || '/' || c.facility || '/' || c.name, r.channel, r.time FROM {table} AS r"
            f" LEFT JOIN channel AS c ON c.id = r.channel WHERE {where} ORDER BY r.channel, r.time"
        )
        for name, number, time in rows:
            self._add("differs", f"{table} {name or number} {when(time)}", detail)

    def _add(self, kind: Kind, row: str, detail: str) -> None:
        self._report.add(Finding("readings", kind, row, detail))


def _word(verdict: int) -> str:
    return Verdict(verdict).name.lower() if verdict in set(Verdict) else str(verdict)
