"""What many ask at the same moment is worked out once: 200 dashboards of one park are one sum, not 200."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from plant.vocabulary import NS_PER_S

FRESH = (
    NS_PER_S  # for how long an answer is told again where the state has not changed; it says as of when it is
)
MOST = 500  # questions that are remembered

_Answer = TypeVar("_Answer")


class Shared(Generic[_Answer]):
    """Answers by question, as long as nothing was committed since, and no longer than `FRESH`.

    Parameters
    ----------
    version
        Tells, as a number, which state there is: another one after every commit.
    """

    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, _Kept[_Answer]] = OrderedDict()

    def get(self, question: Hashable, as_of: int, make: Callable[[], _Answer]) -> _Answer:
        """Return the answer as of a time [ns UTC] or little before; who asks meanwhile waits for the one that makes it."""
        kept = self._place(question)
        with kept.lock:
            version = self._version()  # before the answer is made, so that it is never older than it seems
            if kept.answer is None or kept.version != version or not 0 <= as_of - kept.as_of < FRESH:
                kept.answer, kept.version, kept.as_of = make(), version, as_of
            return kept.answer

    def _place(self, question: Hashable) -> "_Kept[_Answer]":
        with self._lock:
            kept = self._kept.setdefault(question, _Kept())
            self._kept.move_to_end(question)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return kept


class _Kept(Generic[_Answer]):
    def __init__(self) -> None:
        self.lock = Lock()
        self.answer: _Answer | None = None
        self.version = self.as_of = 0
