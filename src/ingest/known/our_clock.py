"""Whether it is our own clock that is wrong: where most gateways are ahead of it, it is we who are behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plant.arrays import Times
from plant.park import Plant
from plant.vocabulary import NEVER, NS_PER_HOUR, NS_PER_MIN

LATELY = 20 * NS_PER_MIN  # a gateway's clock is known for so long after it was heard
_FEWEST = 2  # gateways that can outvote us


@dataclass(frozen=True, slots=True)
class Doubt:
    """How many gateways heard lately send readings of the future, and how far these are ahead of our clock [ns], in the middle."""

    heard: int
    ahead: int
    behind: int
    at: int  # ns UTC, by our clock


class OurClock:
    """Remembers, in memory alone, which gateways are ahead. `doubt` may be read from any thread."""

    def __init__(self, plant: Plant) -> None:
        self._index = {gateway.id: gateway.index for gateway in plant.gateways}
        self._heard = np.full(len(plant.gateways), NEVER)
        self._seen_ahead = np.full(len(plant.gateways), NEVER)
        self._ahead = np.zeros(len(plant.gateways), np.int64)
        self.doubt = Doubt(0, 0, 0, NEVER)

    def take(
        self, gateways: Sequence[str], received: Times, spoke: Sequence[int], ahead: Mapping[int, int]
    ) -> None:
        """Take a micro-batch: of each message its gateway and arrival, which have readings, and which are how far ahead [ns]."""
        of = np.array([self._index.get(gateways[position], -1) for position in spoke], np.int64)
        at = received[np.array(spoke, np.int64)][of >= 0]
        if not len(at):
            return
        self._heard[of[of >= 0]] = at
        for position, by in sorted(ahead.items()):
            place = self._index.get(gateways[position], -1)
            if place >= 0:
                self._seen_ahead[place], self._ahead[place] = received[position], by
        self._count(int(at[-1]))

    def _count(self, now: int) -> None:
        heard = np.abs(now - self._heard) <= LATELY
        ahead = heard & (np.abs(now - self._seen_ahead) <= LATELY)
        behind = int(np.median(self._ahead[ahead])) if ahead.any() else 0
        self.doubt = Doubt(int(heard.sum()), int(ahead.sum()), behind, now)

    def told(self, now: int) -> list[str]:
        """Return what is wrong with our clock by all appearances at a time [ns UTC], in a sentence."""
        doubt = self.doubt
        if abs(now - doubt.at) > LATELY:
            return []
        repair = "set it while the service runs, then `stackmeter quarantine replay --code ts_future`"
        behind = _duration(doubt.behind)
        if doubt.ahead >= _FEWEST and 2 * doubt.ahead > doubt.heard:
            told = f"this machine's clock seems to be {behind} behind: {doubt.ahead} of {doubt.heard} gateways are ahead of it, and their readings are refused; {repair}"
            return [told]
        if doubt.ahead == doubt.heard == 1:
            told = f"the one gateway that was heard lately is {behind} ahead of this machine's clock, and its readings are refused: one of the two clocks is wrong; if it is this machine's, {repair}"
            return [told]
        return []


def _duration(ns: int) -> str:
    if ns < 2 * NS_PER_HOUR - NS_PER_MIN:
        return f"{round(ns / NS_PER_MIN)} min"
    return f"{round(ns / NS_PER_HOUR, 1):g} h"
