"""Hours that count under a regulation, as rows of the state: those that are published, and those that wait for approval."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from plant.arrays import Floats, Ints, Times
from plant.vocabulary import FOREVER, SINCE_EVER

# The rule (rules.substitution.Rule) whose number each hour of the year moves until the year is over: equation 4.
MOVING = 9


class RoleHour(msgspec.Struct, array_like=True, frozen=True):
    """One input of one hour; levels and rates per hour of operation, in the unit of the role."""

    measured: float  # as the monitor gave it; NaN where the hour has too few readings
    share: float  # of the operating time, or of the possible readings, that is known
    counted: float  # what stands under the rule; NaN where nothing does
    rule: int  # what made `counted`, as rules.substitution.Rule


class HourInputs(msgspec.Struct, array_like=True, frozen=True):
    """What an hour was counted from."""

    operating: float  # [h]
    load: float  # in the load channel's unit; NaN where nobody knows it
    roles: dict[str, RoleHour]


@dataclass(frozen=True, slots=True)
class RegulatedHours:
    """Hours of one source in order of time, columns of one length; unknown is NaN."""

    hour: Times
    revision: Ints
    status: Ints
    co2e_t: Floats
    live_co2e_t: Floats
    inputs: Sequence[bytes]  # see `unpacked`

    def unpacked(self) -> list[HourInputs]:
        """Return what each hour was counted from."""
        decode = msgspec.msgpack.Decoder(HourInputs).decode
        return [decode(packed) for packed in self.inputs]


def packed(inputs: Sequence[HourInputs]) -> list[bytes]:
    """Return the inverse of `RegulatedHours.unpacked`."""
    encode = msgspec.msgpack.Encoder().encode
    return [encode(one) for one in inputs]


def regulated_hours(
    connection: sqlite3.Connection, source: int, start: int = SINCE_EVER, end: int = FOREVER
) -> RegulatedHours:
    """Return the counted hours of a source (by database id) that start in [start, end) [ns UTC]."""
    rows = connection.execute(
        "SELECT hour, revision, status, co2e_t, live_co2e_t, inputs FROM regulated_hour"
        " WHERE source = ? AND hour >= ? AND hour < ? ORDER BY hour",
        (source, start, end),
    ).fetchall()
    return _columns(rows)


def _columns(rows: Sequence[Sequence[Any]]) -> RegulatedHours:
    return RegulatedHours(
        hour=np.array([row[0] for row in rows], np.int64),
        revision=np.array([row[1] for row in rows], np.int64),
        status=np.array([row[2] for row in rows], np.int64),
        co2e_t=np.array([row[3] for row in rows], np.float64),
        live_co2e_t=np.array([row[4] for row in rows], np.float64),
        inputs=[row[5] for row in rows],
    )


def waiting_hours(
    connection: sqlite3.Connection, source: int, start: int = SINCE_EVER, end: int = FOREVER
) -> RegulatedHours:
    """Return the hours of a source that wait for approval, as they would be, without a revision."""
    rows = connection.execute(
        "SELECT hour, 0, status, co2e_t, live_co2e_t, inputs FROM pending_regulated"
        " WHERE source = ? AND hour >= ? AND hour < ? ORDER BY hour",
        (source, start, end),
    ).fetchall()
    return _columns(rows)


def overlaid(published: RegulatedHours, waiting: RegulatedHours) -> RegulatedHours:
    """Return hours in order of time as they would be: what waits in the place of what is published."""
    if not len(waiting.hour):
        return published
    kept = rows_of(published, np.flatnonzero(~np.isin(published.hour, waiting.hour)))
    both = RegulatedHours(
        np.concatenate([kept.hour, waiting.hour]),
        np.concatenate([kept.revision, waiting.revision]),
        np.concatenate([kept.status, waiting.status]),
        np.concatenate([kept.co2e_t, waiting.co2e_t]),
        np.concatenate([kept.live_co2e_t, waiting.live_co2e_t]),
        [*kept.inputs, *waiting.inputs],
    )
    return rows_of(both, np.argsort(both.hour))


def rows_of(hours: RegulatedHours, places: Ints) -> RegulatedHours:
    """Return some of the hours."""
    return RegulatedHours(
        hours.hour[places],
        hours.revision[places],
        hours.status[places],
        hours.co2e_t[places],
        hours.live_co2e_t[places],
        [hours.inputs[place] for place in places.tolist()],
    )
