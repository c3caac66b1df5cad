"""Which windows sources owe in a period, and from when on a period is known of them (semantics.md section 2).

A source owes windows from its `since` on: the configured one, or where nobody gave one, the beginning of what its first
counting reading tells of. Nobody knows whether it stood there before that, so whatever is told of such a period says
from when on it is known. A configured `since` settles this: before it there was nothing to be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from plant.arrays import Bools, Ints, Times
from plant.park import Plant
from store.totals.beginnings import owed_from

WHOLE = 0  # of `Known.since`: from the period's beginning on


@dataclass(frozen=True, slots=True)
class Due:
    """Per source, the stretch [start, end) of a period in which it owes windows, and how many these are."""

    start: Times
    end: Times
    windows: Ints


@dataclass(frozen=True, slots=True)
class Known:
    """Per source, from when on inside the period it is known [ns UTC], `WHOLE` where from its beginning on.

    An `unheard` one is not known at all: nobody said since when it is there, and nothing was read of it until the period's
    end, or now.
    """

    since: Times
    unheard: Bools

    @classmethod
    def of_nothing(cls) -> Self:
        """Return what is known of no source."""
        return cls(np.empty(0, np.int64), np.empty(0, bool))

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Return what is known of the sources of all parts."""
        return cls(
            np.concatenate([one.since for one in parts]), np.concatenate([one.unheard for one in parts])
        )


def due_windows(plant: Plant, sources: Sequence[int], begins: Times, edges: Times, as_of: int) -> Due:
    """Return the due windows of each source [rows] in each stretch between two edges [columns].

    `begins` is where each begins, see `store.totals.beginnings`.
    """
    window = plant.window
    since = owed_from([plant.sources[source] for source in sources], begins)[:, None]
    end = np.broadcast_to(
        np.maximum(np.minimum(edges[1:], _now(as_of, window)), edges[:-1]), (len(sources), len(edges) - 1)
    )
    start = np.minimum(np.maximum(edges[:-1], since // window * window), end)
    return Due(start, end, (end - start) // window)


def known_since(
    plant: Plant, sources: Sequence[int], begins: Times, start: int, end: int, as_of: int
) -> Known:
    """Return from when on sources are known in [start, end); `begins` as in `due_windows`."""
    nobody_said = np.array([plant.sources[source].since is None for source in sources], bool)
    begins = begins // plant.window * plant.window
    end = min(end, _now(as_of, plant.window))
    late = nobody_said & (begins > start) & (begins < end)
    return Known(np.where(late, begins, WHOLE), nobody_said & (begins >= end) & (end > start))


def _now(as_of: int, window: int) -> int:
    """Return the end of the window around now."""
    return -(-as_of // window) * window
