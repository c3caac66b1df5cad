"""What many ask at the same moment is worked out once: 200 dashboards of one park are one sum, not 200."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

from plant.vocabulary import NS_PER_S

# For how long an answer is told again where the state has not changed; it says as of when it is.
FRESH = NS_PER_S
MOST = 500  # questions that are remembered

_Answer = TypeVar("_Answer")


class Shared(Generic[_Answer]):
    """Answers by question, as long as nothing was committed since, and no longer than `FRESH`.

    Who asks while an answer is made waits without a thread, so that a question that is slow to answer holds up no other.

    Parameters
    ----------
    version
        Tells, as a number, which state there is: another one after every commit.
    """

    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version
        self._kept: OrderedDict[Hashable, _Kept[_Answer]] = OrderedDict()

    async def get(self, question: Hashable, as_of: int, make: Callable[[], _Answer]) -> _Answer:
        """Return the answer as of a time [ns UTC] or little before; `make` is called in a thread."""
        arrived, kept = monotonic(), self._place(question)
        async with kept.lock:
            # What was looked at after we came is as new as we could make it.
            if kept.answer is None or kept.looked < arrived:
                return await run_in_threadpool(self._renewed, kept, as_of, make)
            return kept.answer

    def _renewed(self, kept: "_Kept[_Answer]", as_of: int, make: Callable[[], _Answer]) -> _Answer:
        looked, version = (
            monotonic(),
            self._version(),
        )  # before the answer is made: it is never older than it seems
        answer = kept.answer
        if answer is None or kept.version != version or not 0 <= as_of - kept.as_of < FRESH:
            answer = make()
            kept.answer, kept.version, kept.as_of = answer, version, as_of
        kept.looked = looked
        return answer

    def _place(self, question: Hashable) -> "_Kept[_Answer]":
        kept = self._kept.setdefault(question, _Kept())
        self._kept.move_to_end(question)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return kept


class _Kept(Generic[_Answer]):
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.answer: _Answer | None = None
        self.version = self.as_of = 0
        self.looked = 0.0
