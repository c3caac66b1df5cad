"""The column types that travel between rooms, and what one of their numbers is in JSON."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from plant.vocabulary import Quality

Floats = NDArray[np.float64]
Times = NDArray[np.int64]  # nanoseconds since 1970, UTC
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


def number(value: float) -> float | None:
    """Return a float that JSON can hold: None where it is unknown."""
    return float(value) if math.isfinite(value) else None


def numbers(values: Floats) -> list[float | None]:
    """Return floats as `number` does, all at once."""
    found = values.astype(object)
    found[~np.isfinite(values)] = None
    return list(found.tolist())


@dataclass(slots=True)
class Readings:
    """Readings as columns of equal length.

    `channel` is the channel's index in the `Plant`, `value` is in the channel's own unit, `boot` numbers the
    gateway's boot (0: none given), `message` is the journal offset that brought the reading.
    """

    channel: NDArray[np.int32]
    time: Times
    value: Floats
    quality: Bytes
    flags: Bytes
    verdict: Bytes
    boot: NDArray[np.int32]
    correction: NDArray[np.int32]
    message: Ints

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Any) -> Self:
        """Return the rows that an index array, a mask or a slice names."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Return all rows of all parts, in their order."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    @classmethod
    def empty(cls) -> Self:
        """Return no readings, with columns of the right type."""
        return cls(
            channel=np.empty(0, np.int32),
            time=np.empty(0, np.int64),
            value=np.empty(0, np.float64),
            quality=np.empty(0, np.uint8),
            flags=np.empty(0, np.uint8),
            verdict=np.empty(0, np.uint8),
            boot=np.empty(0, np.int32),
            correction=np.empty(0, np.int32),
            message=np.empty(0, np.int64),
        )

    @property
    def counting(self) -> Bools:
        """True where quality lets the reading count: good, uncertain or none given."""
        return self.quality <= Quality.UNCERTAIN
