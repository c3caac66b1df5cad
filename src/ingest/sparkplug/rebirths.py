"""When edge nodes that lack a birth are asked for one: at once, then ever more seldom until they are born, and a few at a time."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

FIRST_WAIT_S, LONGEST_WAIT_S = 10.0, 600.0  # between two requests to one node
MOST_A_SECOND = 50  # nodes: a birth is much, and all of a plant's nodes lack one when we connect


@dataclass(slots=True)
class _Asked:
    at: float  # s
    wait: float  # s until the next request

    @property
    def is_over(self) -> float:
        """Return when the node may be asked again [s]."""
        return self.at + self.wait


class Rebirths:
    """Asks one node after the other; one thread calls it.

    Parameters
    ----------
    ask
        Asks a node, group/node, and says whether that went out.
    """

    def __init__(self, ask: Callable[[str], bool]) -> None:
        self._ask = ask
        self._asked: dict[str, _Asked] = {}
        self._last = 0.0  # s

    def tend(self, unborn: AbstractSet[str], now: float) -> None:
        """Ask those of the nodes that lack a birth whose time has come [s, of a clock that nobody sets]."""
        due = [name for name in unborn if (asked := self._asked.get(name)) is None or now >= asked.is_over]
        room = min(int((now - self._last) * MOST_A_SECOND), MOST_A_SECOND)
        for name in sorted(due)[:room]:
            if self._ask(name):
                asked = self._asked.get(name)
                wait = FIRST_WAIT_S if asked is None else min(2 * asked.wait, LONGEST_WAIT_S)
                self._asked[name], self._last = _Asked(now, wait), now
        # A node that was born a moment ago is not asked at once: it may be one that never says what it lacks.
        self._asked = {name: one for name, one in self._asked.items() if name in unborn or now < one.is_over}
