"""Proves what the rules made of readings: the verdict of each, and which are marked as in conflict."""

import sqlite3

import numpy as np

from ingest.line.recompute import RecomputedChannels
from plant.arrays import Times
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY, SINCE_EVER, Flag, Verdict
from proof.verify.findings import Finding, Kind, Report, Tell, when
from store import audit
from store.readings.block_rows import unreadable_blocks
from store.readings.kinds import COUNTING
from store.readings.lost import channels_lost, lost_flags
from store.readings.read import EVER, channels_read, first_times, pieces
from store.readings.rows import unreadable_rows
from store.records.table import stretches

AT_ONCE = 32 * NS_PER_DAY  # of a channel, with its context
MARKS = Flag.RESET | Flag.CONFLICT
NO_SUCH_MARKS = "has marks that there are not"


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
        names = {
            number: "/".join(name)
            for number, *name in self._state.execute("SELECT id, park, facility, name FROM channel")
        }
        for number in sorted({*channels_read(self._state), *channels_lost(self._state)}):
            self._prove_marks_of(number, names.get(number, str(number)))
        for number, time in unreadable_rows(self._state):
            self._say(f"reading {names.get(number, number)}", np.array([time]), "cannot be read")
        for number, start, reason in unreadable_blocks(self._state):
            self._say(f"reading_block {names.get(number, number)}", np.array([start]), reason)

    def _prove_marks_of(self, number: int, name: str) -> None:
        lost, flags = lost_flags(self._state, number)
        won = np.zeros(len(lost), bool)
        for part in pieces(self._state, number, SINCE_EVER, EVER):
            won |= np.isin(lost, part.time)
            marked, is_winner = (part.flags & Flag.CONFLICT) != 0, np.isin(part.time, lost)
            for wrong, detail in (
                (marked & ~is_winner, "is marked as in conflict, and nothing that lost to it is kept"),
                (~marked & is_winner, "another lost to it, and it is not marked as in conflict"),
                ((part.flags & ~np.uint8(MARKS)) != 0, NO_SUCH_MARKS),
            ):
                self._say(f"reading {name}", part.time[wrong], detail)
        self._say(f"reading_lost {name}", lost[~won], "lost to a reading that is not there")
        self._say(f"reading_lost {name}", lost[(flags & ~int(MARKS)) != 0], NO_SUCH_MARKS)

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
        number = audit.channel_number(self._state, one.park, one.facility, one.name)
        if number is None:
            return None
        if one.entered:
            return next(iter(stretches(self._state, one).values()), None)
        first = first_times(self._state, [number], COUNTING).get(number)
        return None if first is None else first - one.period

    def _say(self, what: str, times: Times, detail: str) -> None:
        for time in times.tolist():
            self._add("differs", f"{what} {when(time)}", detail)

    def _add(self, kind: Kind, row: str, detail: str) -> None:
        self._report.add(Finding("readings", kind, row, detail))


def _word(verdict: int) -> str:
    return Verdict(verdict).name.lower() if verdict in set(Verdict) else str(verdict)
