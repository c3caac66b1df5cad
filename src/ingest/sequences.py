"""Sequence numbers: which a gateway's boots have sent, which are missing, and the holes in time they leave."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from store.books import Run

MOST_RANGES = 100  # missing ranges listed in an ack; more lower `received_through`


@dataclass(slots=True)
class Boot:
    """The numbers of one boot, as runs in order, and what of them has yet to be stored."""

    runs: list[Run]
    gone: dict[int, Run] = field(default_factory=dict)
    come: dict[int, Run] = field(default_factory=dict)

    def add(self, seqs: list[int], first: list[int | None], last: list[int | None]) -> list[bool]:
        """Add messages' numbers with the first and last time of their readings [ns]; say which were not there."""
        came: list[bool] = []
        start = 0
        while start < len(seqs):
            stop = start + 1
            while stop < len(seqs) and seqs[stop] == seqs[stop - 1] + 1:
                stop += 1
            if self._insert(_run(seqs[start:stop], first[start:stop], last[start:stop])):
                came += [True] * (stop - start)
            else:  # some of the streak were there
                each = [slice(k, k + 1) for k in range(start, stop)]
                came += [self._insert(_run(seqs[one], first[one], last[one])) for one in each]
            start = stop
        return came

    def date(self, seq: int, first: int | None, last: int | None) -> bool:
        """Note the times [ns] that the message of a known number turned out to have; False where it is not known."""
        at = bisect_right(self.runs, seq, key=lambda run: run.low) - 1
        if at < 0 or seq > self.runs[at].high:
            return False
        run = new = self.runs[at]
        if first is not None and (new.low_time is None or (seq, first) < (new.low_at, new.low_time)):
            new = replace(new, low_time=first, low_at=seq)
        if last is not None and (new.high_time is None or (seq, last) > (new.high_at, new.high_time)):
            new = replace(new, high_time=last, high_at=seq)
        if new != run:
            self._remove(run)
            self.runs[at] = self.come[new.low] = new
        return True

    def _insert(self, new: Run) -> bool:
        """Put a run among the others and join it with its neighbours; False, and nothing done, if they overlap."""
        at = bisect_right(self.runs, new.low, key=lambda run: run.low)
        before = self.runs[at - 1] if at else None
        after = self.runs[at] if at < len(self.runs) else None
        if (before is not None and new.low <= before.high) or (after is not None and after.low <= new.high):
            return False
        start, stop = at, at
        if before is not None and before.high == new.low - 1:
            new, start = _joined(before, new), at - 1
        if after is not None and after.low == new.high + 1:
            new, stop = _joined(new, after), at + 1
        for run in self.runs[start:stop]:
            self._remove(run)
        self.runs[start:stop] = [new]
        self.come[new.low] = new
        return True

    def _remove(self, run: Run) -> None:
        if self.come.pop(run.low, None) is None:
            self.gone[run.low] = run

    def acknowledgement(self) -> tuple[int, list[list[int]]]:
        """Return `received_through` and the missing ranges at or below it."""
        missing: list[list[int]] = []
        through = 0
        for run in self.runs:
            if run.low > through + 1:
                if len(missing) == MOST_RANGES:
                    break
                missing.append([through + 1, run.low - 1])
            through = run.high
        return through, missing


def holes(boots: list[Boot]) -> list[tuple[int, int]]:
    """Return the stretches of time [ns] that lie in open holes of a gateway's sequence.

    A hole lies between the readings of the messages on both sides of it, whichever is earlier to whichever is
    later; at a boot's start, from the last message of the boot before. Messages without readings have no time and
    bound no hole. Boots follow each other by the times of their readings, not by when they were heard; of two that
    begin at once the first given comes first.
    """
    found: list[tuple[int, int]] = []
    last: int | None = None
    is_open = False
    for boot in sorted(filter(_began, boots), key=_began):
        through = 0
        for run in boot.runs:
            is_open |= run.low > through + 1
            through = run.high
            if run.low_time is None or run.high_time is None:
                continue
            if is_open and last is not None:
                found.append((min(last, run.low_time), max(last, run.low_time)))
            last, is_open = run.high_time, False
    return _disjoint(found)


def _began(boot: Boot) -> int:
    """Return the earliest time of a boot's runs [ns], 0 where none has any."""
    return min((run.low_time for run in boot.runs if run.low_time is not None), default=0)


def _run(seqs: Sequence[int], first: Sequence[int | None], last: Sequence[int | None]) -> Run:
    """Return the run of consecutive numbers with the times [ns] of their messages' readings."""
    dated = [k for k, time in enumerate(first) if time is not None]
    if not dated:
        return Run(seqs[0], seqs[-1], None, None)
    low, high = dated[0], dated[-1]
    return Run(seqs[0], seqs[-1], first[low], last[high], seqs[low], seqs[high])


def _joined(one: Run, next_one: Run) -> Run:
    low = one if one.low_time is not None else next_one
    high = next_one if next_one.high_time is not None else one
    return Run(one.low, next_one.high, low.low_time, high.high_time, low.low_at, high.high_at)


def _disjoint(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
