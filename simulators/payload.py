"""Readings as columns, and the native payloads that carry them.

The contract is the service's (docs of the MQTT contract); this is a second implementation of it, on purpose.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]  # nanoseconds since 1970, UTC
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NS_PER_S = 1_000_000_000


class Form(StrEnum):
    """The three native payloads."""

    SINGLE = "single"
    READINGS = "readings"
    COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class Point:
    """What a payload calls a channel, and the unit it gives the values in."""

    channel: str
    unit: str


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings as columns of equal length; `channel` counts in the sender's list of points."""

    channel: NDArray[np.int64]
    time: Times
    value: Floats
    reset: Bools

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Any) -> Self:
        """Return the rows that an index array, a mask or a slice names."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Return all rows of all parts, in their order."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    @classmethod
    def of(cls, channel: int, time: Times, value: Floats, reset: Bools | None = None) -> Self:
        """Return readings of one channel."""
        marks = np.zeros(len(time), np.bool_) if reset is None else reset
        return cls(np.full(len(time), channel, np.int64), time, value, marks)

    def shifted(self, by: int) -> Self:
        """Return the same readings with every time moved by `by` [ns]."""
        return replace(self, time=self.time + by)


def rfc3339(times: Times) -> list[str]:
    """Return times as text with `Z`, as exact as the finest of them needs."""
    moments = times.astype("datetime64[ns]")
    whole = not np.any(times % NS_PER_S)
    texts = np.datetime_as_string(moments, unit="s" if whole else "ns", timezone="UTC")
    return [str(text) for text in texts]


def encode(readings: Readings, points: Sequence[Point], *, boot: str, seq: int, form: Form) -> bytes:
    """Return the payload of one message.

    Raises
    ------
    ValueError
        If `form` is `SINGLE` and there is not exactly one reading.
    """
    head = {"boot": boot, "seq": seq}
    if form is Form.COLUMNS:
        body = _columns(readings, points)
    elif form is Form.READINGS:
        body = {"readings": _objects(readings, points)}
    elif len(readings) == 1:
        body = _objects(readings, points)[0]
    else:
        raise ValueError(f"the single form holds one reading, not {len(readings)}")
    return json.dumps(head | body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _objects(readings: Readings, points: Sequence[Point]) -> list[dict[str, Any]]:
    rows = zip(
        readings.channel.tolist(),
        rfc3339(readings.time),
        readings.value.tolist(),
        readings.reset.tolist(),
        strict=True,
    )
    return [
        {"channel": points[channel].channel, "time": time, "value": value, "unit": points[channel].unit}
        | ({"reset": True} if reset else {})
        for channel, time, value, reset in rows
    ]


def _columns(readings: Readings, points: Sequence[Point]) -> dict[str, Any]:
    times = np.unique(readings.time)
    columns = {
        points[channel].channel: _column(
            readings.take(readings.channel == channel), times, points[channel].unit
        )
        for channel in np.unique(readings.channel).tolist()
    }
    return {"time": rfc3339(times), "columns": columns}


def _column(readings: Readings, times: Times, unit: str) -> dict[str, Any]:
    at = np.searchsorted(times, readings.time)
    values = np.full(len(times), None, object)
    values[at] = readings.value.tolist()
    column = {"unit": unit, "values": values.tolist()}
    if readings.reset.any():
        resets = np.zeros(len(times), np.bool_)
        resets[at] = readings.reset
        column["reset"] = resets.tolist()
    return column
