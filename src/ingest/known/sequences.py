"""Sequence numbers: which of a gateway's boots have come, and the holes in time that missing ones leave.

A hole lies between the readings of the messages on both sides of it, whichever is earlier to whichever is later; at a
boot's start, from the last reading of the boot before. Messages without readings have no time and bound no hole. Boots
follow each other by the times of their readings, not by when they were heard: by the first reading of the lowest number
that has any; of two that begin at once names decide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from store.messages.boots import BootTable, Dated, Hole, Run

_ABOVE_ALL = 2**63 - 1


@dataclass(slots=True)
class Boot:
    """The numbers of one boot: the last run in memory, the others in the state, and what of them has yet to be stored."""

    table: BootTable
    gateway: str
    name: str
    number: int
    heard: int  # ns UTC
    began: int | None  # ns UTC
    waiting: dict[int, Run] = field(default_factory=dict)  # runs to store, by their first number
    moved: set[int] = field(
        default_factory=set
    )  # first numbers of runs that are new, or begin or end elsewhere
    is_longer: bool = False  # the last reading is a later one
    closed: list[Hole] = field(default_factory=list)  # that removed runs had ended
    _last: Run | None = None
    _is_read: bool = False

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
        run, _ = self._around(seq)
        if run is None or seq > run.high:
            return False
        new = run
        if first is not None and (new.low_time is None or (seq, first) < (new.low_at, new.low_time)):
            new = replace(new, low_time=first, low_at=seq)
        if last is not None and (new.high_time is None or (seq, last) > (new.high_at, new.high_time)):
            new = replace(new, high_time=last, high_at=seq)
        if new != run:
            self._put(new)
            self.moved.add(new.low)
        return True

    def rows(self) -> list[tuple[str, str, Run]]:
        """Return what has yet to be stored, which the caller does."""
        waiting = [(self.gateway, self.name, run) for run in self.waiting.values()]
        self.waiting.clear()
        return waiting

    @property
    def last(self) -> Run | None:
        """The run with the highest numbers."""
        if not self._is_read:
            self._last, self._is_read = self.table.last(self.gateway, self.name), True
        return self._last

    def _around(self, seq: int) -> tuple[Run | None, Run | None]:
        """Return the last run that begins at or below a number, and the first one above it."""
        last = self.last
        if last is None or seq >= last.low:
            return last, None
        self.table.put(self.rows())
        return self.table.around(self.gateway, self.name, seq)

    def _insert(self, new: Run) -> bool:
        """Put a run among the others and join it with its neighbours; False, and nothing done, if they overlap."""
        before, after = self._around(new.low)
        if (before is not None and new.low <= before.high) or (after is not None and after.low <= new.high):
            return False
        if after is not None and after.low == new.high + 1:
            new = _joined(new, after)
            self._drop(after)
        is_next = before is not None and before.high == new.low - 1
        if before is not None and is_next:
            new = _joined(before, new)
        if before is not None and is_next and after is None and before.low_time is not None:
            self.is_longer = True  # as nearly always: the next message of the last run
        else:
            self.moved.add(new.low)
        self._put(new)
        return True

    def _put(self, run: Run) -> None:
        self.waiting[run.low] = run
        if self._last is None or run.high >= self._last.high:
            self._last = run

    def _drop(self, run: Run) -> None:
        hole = self.table.drop(self.gateway, self.name, run.low)
        if hole is not None:
            self.closed.append(hole)


@dataclass(slots=True)
class Holes:
    """Keeps, beside each run that is stored, the hole that it ends. Only what a change may have moved is looked at."""

    table: BootTable
    _newest: dict[str, str] = field(
        default_factory=dict
    )  # the boot of each gateway that no other one follows

    def forget(self) -> None:
        """Remember nothing."""
        self._newest.clear()

    def settle(self, boot: Boot) -> list[Hole]:
        """Find anew the holes that what came of a boot may have moved, once that is stored; return what opened or closed."""
        concerned = self._next_to_moved(boot) if boot.moved else []
        if boot.moved or boot.is_longer:
            concerned += self._first_of_next(boot)
        moved = boot.closed
        for one in {(one.boot, one.run.low): one for one in concerned}.values():
            moved += self._find(boot.gateway, one)
        boot.moved, boot.is_longer, boot.closed = set(), False, []
        return moved

    def _next_to_moved(self, boot: Boot) -> list[Dated]:
        """Return the runs whose hole may be another after some runs of a boot moved; note where it begins now."""
        table, gateway, name = self.table, boot.gateway, boot.name
        found = [one for low in boot.moved for one in table.dated_from(gateway, name, low, 2)]
        first = table.dated_from(gateway, name, 0, 1)
        began = first[0].run.low_time if first else None
        if began != boot.began:
            found += [*first, *self._first_of_next(boot)]
            table.begin(boot.number, began)
            boot.began = began
            self._newest.pop(gateway, None)
        return found

    def _first_of_next(self, boot: Boot) -> list[Dated]:
        """Return the first run with readings of the boot that follows one."""
        if boot.began is None or self._newest.get(boot.gateway) == boot.name:
            return []
        following = self.table.next_to(boot.gateway, boot.began, boot.name, before=False)
        if following is None:
            self._newest[boot.gateway] = boot.name
            return []
        return self.table.dated_from(boot.gateway, following, 0, 1)

    def _find(self, gateway: str, one: Dated) -> list[Hole]:
        """Note the hole that a run ends now; return the one of before and this one where they differ."""
        hole = self._hole(gateway, one)
        if hole == one.hole:
            return []
        self.table.set_hole(gateway, one.boot, one.run.low, hole)
        return [stretch for stretch in (one.hole, hole) if stretch is not None]

    def _hole(self, gateway: str, one: Dated) -> Hole | None:
        before = self.table.dated_before(gateway, one.boot, one.run.low)
        if before is not None:
            return _between(before.run, one.run)
        began = one.run.low_time or 0  # of its boot: it is the first
        earlier = self.table.next_to(gateway, began, one.boot, before=True)
        before = self.table.dated_before(gateway, earlier, _ABOVE_ALL) if earlier is not None else None
        if earlier is None or before is None:
            return None
        is_open = one.run.low > 1 or self.table.last(gateway, earlier) != before.run
        return _between(before.run, one.run) if is_open else None


def holes(boots: Iterable[Sequence[Run]]) -> list[Hole]:
    """Return the stretches of time [ns] that lie in open holes, from all runs of a gateway's boots, these by name."""
    found: list[Hole] = []
    last: Run | None = None
    is_open = False
    for runs in sorted(filter(_is_dated, boots), key=_began):
        through = 0
        for run in runs:
            is_open |= run.low > through + 1
            through = run.high
            if run.low_time is None:
                continue
            hole = _between(last, run) if is_open and last is not None else None
            found += [hole] if hole is not None else []
            last, is_open = run, False
    return disjoint(found)


def disjoint(stretches: Iterable[Hole]) -> list[Hole]:
    """Return the same time as stretches in order, of which none touches the next."""
    joined: list[Hole] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _is_dated(runs: Sequence[Run]) -> bool:
    return any(run.low_time is not None for run in runs)


def _began(runs: Sequence[Run]) -> int:
    """Return the time of a boot's first reading [ns], by the order of its numbers."""
    return next(run.low_time for run in runs if run.low_time is not None)


def _between(before: Run, after: Run) -> Hole | None:
    """Return the time between two runs with readings, None where there is none."""
    if before.high_time is None or after.low_time is None or before.high_time == after.low_time:
        return None
    return min(before.high_time, after.low_time), max(before.high_time, after.low_time)


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
