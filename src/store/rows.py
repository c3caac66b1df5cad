"""What the queries of `store.reader` return."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from plant.arrays import Bools, Floats, Ints, Times
from store.blocks import AMOUNTS, FIELDS, REVISION

SUMMED = FIELDS[:REVISION]  # the amounts, then the shares
SHARES = SUMMED[len(AMOUNTS) :]
OUTCOMES = ("received", "accepted", "late", "duplicate", "quarantined", "rejected")


@dataclass(frozen=True, slots=True)
class Emissions:
    """Emissions of sources as columns of equal length: windows, or sums over an hour, a day or a month.

    `source` is the source's index in the plant, `values` has the columns `SUMMED` (NaN: unknown), `windows`
    counts the windows with coverage above 0.
    """

    source: Ints
    start: Times
    values: Floats
    windows: Ints
    revision: Ints

    def take(self, rows: Bools) -> Self:
        """Return the rows that a mask names."""
        return type(self)(*(getattr(self, one.name)[rows] for one in fields(self)))


@dataclass(frozen=True, slots=True)
class FieldSums:
    """One field of emissions, as columns by source (its index in the plant) and time, with how many windows are covered."""

    source: Ints
    start: Times
    value: Floats  # NaN: unknown
    covered: Floats

    def by_source(self) -> Self:
        """Return them by source, and in their order for each."""
        return self._take(np.argsort(self.source, kind="stable"))

    def of(self, source: int) -> Self:
        """Return those of a source; they are by source."""
        return self._take(slice(*np.searchsorted(self.source, [source, source + 1]).tolist()))

    def _take(self, rows: Ints | slice) -> Self:
        return type(self)(self.source[rows], self.start[rows], self.value[rows], self.covered[rows])


@dataclass(frozen=True, slots=True)
class Newest:
    """Times [ns UTC] of a channel's newest readings, newest first, at most two of each.

    `counting` readings have a quality that counts; `baselines` are those among them that the windows took as such.
    Of a channel that is `away` they are no longer current: its Sparkplug node or device is not there. It is `offline`
    where its gateway said last that it is not there.
    """

    counting: tuple[int, ...]
    baselines: tuple[int, ...]
    away: bool = False
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """What a gateway sent and how it ended, by `OUTCOMES`; codes say why it was refused.

    It is of what came in [start, end) ns UTC; of all that ever came where these are None.
    """

    messages: Mapping[str, int]
    readings: Mapping[str, int]
    codes: Mapping[str, int]
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """What a gateway said of itself last."""

    gateway: str  # park/facility/gateway
    at: int  # ns UTC
    online: bool | None
    count: int


@dataclass(frozen=True, slots=True)
class Outboxes:
    """What waits to be told to others."""

    influx_readings: int
    influx_hours: int
    influx_alerts: int
    webhooks: int
    oldest_webhook: int | None  # ns UTC
