"""The life of a condition's alerts: ok, pending, firing, and unknown, which neither begins nor ends one; and when they chatter.

A row is a subject. Nothing here keeps anything: whoever asks keeps the `States`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Bytes, Floats, Times
from plant.vocabulary import NEVER, NS_PER_MIN

CHATTER = 3  # times that a subject fires within `CHATTER_SPAN` to be shelved
CHATTER_SPAN = 10 * NS_PER_MIN
SHELF = 30 * NS_PER_MIN  # how long it is shelved; if it goes on after that, it is told of and shelved again
# By how much our clock may be behind what was judged, and judging waits for it: gateways may be 2 min ahead. If it is further
# behind, it ran ahead before and was put back: judging begins anew from now.
SET_BACK = 3 * NS_PER_MIN


def not_ahead(times: Iterable[int], now: int) -> list[int]:
    """Return times [ns UTC], `NEVER` for those that a clock has written that ran ahead."""
    return [time if time <= now + SET_BACK else NEVER for time in times]


class Phase(IntEnum):
    """Where a subject stands."""

    OK = 0
    PENDING = 1  # true, but not for long enough
    FIRING = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class States:
    """Where the subjects of a condition stand, as columns. Times are ns UTC, `NEVER` where there is none."""

    state: Bytes  # a `Phase`
    since: Times  # when it was entered
    firing: Bools  # whether an alert is open, which outlives an unknown state
    cleared_since: Times  # since when an open alert is over without a break
    fired: NDArray[np.int64]  # [subject, CHATTER]: when it fired last, the newest last
    shelved_until: Times

    @classmethod
    def new(cls, count: int, now: int) -> "States":
        """Return subjects of which nothing is known yet."""
        return cls(
            state=np.full(count, Phase.UNKNOWN, np.uint8),
            since=np.full(count, now, np.int64),
            firing=np.zeros(count, bool),
            cleared_since=np.full(count, NEVER, np.int64),
            fired=np.full((count, CHATTER), NEVER, np.int64),
            shelved_until=np.full(count, NEVER, np.int64),
        )

    def shelved(self, now: int) -> Bools:
        """Return which subjects chatter: nobody is told of their alerts until this ends, and then of those that last."""
        return now < self.shelved_until


def advance(previous: States, truth: Floats, clear: Floats, now: int, hold: int, keep: int) -> States:
    """Return where the subjects stand after a judgement: where `firing` changes an alert begins, or ends.

    Parameters
    ----------
    truth, clear
        Whether the condition is true, and whether it is over: 1, 0, or NaN where that is unknown. While it is true it is
        not over, and while it is unknown neither.
    now
        When it was judged. [ns UTC]
    hold, keep
        How long it must be true before an alert begins, and over before it ends; each without a break. [ns]
    """
    is_true = truth == 1
    waiting = is_true & ~previous.firing
    true_since = np.where(previous.state == Phase.PENDING, previous.since, now)
    begins = waiting & (now - true_since >= hold)
    over = previous.firing & (truth == 0) & (clear == 1)
    over_since = np.where(previous.cleared_since == NEVER, now, previous.cleared_since)
    ends = over & (now - over_since >= keep)
    firing = (previous.firing | begins) & ~ends
    known = np.where(firing, Phase.FIRING, np.where(waiting, Phase.PENDING, Phase.OK))
    state = np.where(np.isnan(truth), Phase.UNKNOWN, known).astype(np.uint8)
    fired, shelved_until = _chattering(previous, begins, now)
    return States(
        state=state,
        since=np.where(state == previous.state, previous.since, now),
        firing=firing,
        cleared_since=np.where(over & ~ends, over_since, NEVER),
        fired=fired,
        shelved_until=shelved_until,
    )


def _chattering(previous: States, begins: Bools, now: int) -> tuple[NDArray[np.int64], Times]:
    """Return when each subject fired last, and until when it is shelved for having fired too often.

    A shelf has an end that no firing puts off, and what was fired before it is not counted after it: else a value that
    flaps for hours would be told of twice, and then never.
    """
    fired, until = previous.fired, previous.shelved_until
    if not begins.any():
        return fired, until
    is_shelved = now < until
    was_shelved = ~is_shelved & (fired[:, -1] < until)
    before = np.where(was_shelved[:, None], NEVER, fired[:, 1:])
    again = np.concatenate([before, np.full((len(fired), 1), now)], axis=1)
    chatters = begins & ~is_shelved & (now - again[:, 0] <= CHATTER_SPAN)
    return np.where(begins[:, None], again, fired), np.where(chatters, now + SHELF, until)
