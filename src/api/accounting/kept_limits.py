"""How the limits of a channel were kept over a period: means at reference oxygen, intervals outside, and how far that is known."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, Field

from plant.arrays import Bools, Floats, Times, number, numbers
from plant.clock import PeriodBody, format_time, format_times
from plant.commitments import Standard, StandardRow
from plant.configuration.virtuals import is_level
from plant.park import Plant
from plant.periods import DAY, HOUR, UNITS, starts
from plant.vocabulary import FOREVER, NS_PER_HOUR
from proof.channel_windows import ChannelActivity
from rules.formulas.stack_gas import at_reference_oxygen
from rules.standards.judged import day_means, kept, means

Standing = Literal["in_force", "beside", "to_come", "over"]


class MeansBody(BaseModel):
    """The means of a period, one an hour or a day; null where unknown."""

    times: list[str] = Field(description="where each begins", examples=[["2026-11-24T00:00:00Z"]])
    values: list[float | None] = Field(
        description="in the unit of the channel, at the row's reference oxygen where it has one",
        examples=[[212.4]],
    )


class LimitRowBody(BaseModel):
    """A dated limit of a channel, and how it was kept. Numbers are in the channel's unit."""

    limit: str = Field(examples=["vn-19-2009-nox"])
    row: str = Field(examples=["vn-19-2009-nox/2025-07-01"])
    standing: Standing = Field(
        description="in_force: its alerts page; beside: it holds and is judged, but another one is in force; to_come; over",
        examples=["in_force"],
    )
    standard: str = Field(examples=["QCVN 19:2009/BTNMT"])
    parameter: str = Field(examples=["NOx as NO2"])
    category: str | None = Field(description="null: of all", examples=[None])
    low: float | None = Field(description="the least; null: there is none", examples=[None])
    high: float = Field(description="the most, with all coefficients", examples=[765.0])
    reference_oxygen: float | None = Field(
        description="that it refers to [%]; null: none, readings are judged as they are", examples=[7.0]
    )
    from_: str = Field(serialization_alias="from", validation_alias="from", examples=["2025-06-30T17:00:00Z"])
    to: str | None = Field(description="null: until further notice", examples=[None])
    status: str = Field(description="official, provisional or own", examples=["provisional"])
    mark: str | None = Field(
        description="how a shipped row was seen: V, V2, M or D; null of an own one", examples=["M"]
    )
    source: str = Field(examples=["QCVN 19:2009/BTNMT, table 1, from memory"])
    evidence: str | None = Field(description="of an own row", examples=[None])
    value: float | None = Field(
        description="the newest mean of the period that is known, also of a row to come", examples=[212.4]
    )
    value_at: str | None = Field(
        description="where that hour or day begins", examples=["2026-11-24T02:00:00Z"]
    )
    share: float | None = Field(description="value / high; null of a range", examples=[0.28])
    due: int = Field(
        description="whole hours or days of the period in which it held and the unit ran", examples=[552]
    )
    known: int = Field(description="those whose mean is known", examples=[550])
    coverage: float | None = Field(description="known / due; null where none is due", examples=[0.996])
    outside: int | None = Field(
        description="those outside the limit, above it or below a least; null where none is known",
        examples=[3],
    )
    means: MeansBody | None = Field(default=None, description="where they are asked for")


class StandardBody(BaseModel):
    """The limits of a channel over one averaging time."""

    park: str = Field(examples=["deep-c"])
    facility: str = Field(examples=["chemicals"])
    name: str = Field(description="as the configuration has it", examples=["stack-nox"])
    channel: str = Field(examples=["stack/nox"])
    unit: str = Field(examples=["mg/Nm3@25C"])
    averaging: Literal["hour", "day"] = Field(description="over what a mean is taken", examples=["hour"])
    period: PeriodBody
    not_running: int = Field(
        description="whole hours in which the unit did not run: nothing is due", examples=[4]
    )
    limits: list[LimitRowBody]


@dataclass(frozen=True, slots=True)
class KeptLimits:
    """Judges standards as of one moment's state; `as_of` [ns UTC] is now."""

    plant: Plant
    activity: ChannelActivity
    as_of: int

    def body(self, standard: Standard, start: int, end: int, *, with_means: bool) -> StandardBody:
        """Return how limits are kept in the whole hours, or days, of [start, end) [ns UTC] that are over; none that had ended before."""
        channel = self.plant.channel(standard.channel)
        hours = self._hours(standard, start, min(end, self.as_of))
        now = standard.in_force(self.as_of)
        return StandardBody(
            park=standard.park,
            facility=standard.facility,
            name=standard.name,
            channel=channel.name,
            unit=channel.unit.symbol,
            averaging=standard.averaging,
            period=PeriodBody.of(start, end),
            not_running=int((~hours.runs).sum()),
            limits=[
                self._row(hours, row, self._standing(row, is_in_force=place == now), with_means=with_means)
                for place, row in enumerate(standard.rows)
                if row.end > start
            ],
        )

    def _standing(self, row: StandardRow, *, is_in_force: bool) -> Standing:
        if is_in_force:
            return "in_force"
        if row.start > self.as_of:
            return "to_come"
        return "over" if row.end <= self.as_of else "beside"

    def _hours(self, standard: Standard, start: int, end: int) -> "_Hours":
        """Return the whole intervals between two times, with the hours in them."""
        zone = next(park.zone for park in self.plant.parks if park.name == standard.park)
        intervals, hours = (
            _whole(starts(start, end, level, zone), UNITS[level].next, start, end, zone)
            for level in (HOUR if standard.averaging == "hour" else DAY, HOUR)
        )
        if not len(intervals):
            empty = np.empty(0)
            return _Hours(standard, intervals, hours[:0], empty, empty, np.ones(0, bool))
        first, last = (
            int(intervals[0]),
            int(UNITS[DAY if standard.averaging == "day" else HOUR].next(intervals[-1], zone)),
        )
        hours = hours[(hours >= first) & (hours < last)]
        whole = np.diff(np.append(hours, last)) / self.plant.window
        value = self._means(standard.channel, hours, last, whole)
        oxygen = np.full(len(hours), np.nan)
        if standard.oxygen >= 0:
            oxygen = self._means(standard.oxygen, hours, last, whole) * standard.oxygen_scale
        runs = np.ones(len(hours), bool)
        if standard.running >= 0:
            running = self._means(standard.running, hours, last, whole)
            runs = ~(running <= standard.running_above)
            value = np.where(np.isnan(running), np.nan, value)
        return _Hours(standard, intervals, hours, value, oxygen, runs)

    def _means(self, channel: int, hours: Times, end: int, whole: Floats) -> Floats:
        """Return a channel's mean of each hour, in its own unit; of a flow, of its windows' amounts by the hour."""
        windows = self.activity.windows(channel, int(hours[0]), end)
        place = np.searchsorted(hours, windows.start, side="right") - 1
        found, value = self.plant.channel(channel), windows.value
        if not is_level(found):  # amounts of what is covered of each window
            covered = windows.coverage * (self.plant.window / NS_PER_HOUR)
            value = value / np.where(covered > 0, covered, np.nan)
        return means(value, windows.coverage, place, len(hours), whole)

    def _row(
        self, hours: "_Hours", row: StandardRow, standing: Standing, *, with_means: bool
    ) -> LimitRowBody:
        value = hours.judged(row)
        found = kept(value, hours.owed(row), row.low, row.high)
        known = np.flatnonzero(np.isfinite(value))
        newest = int(known[-1]) if len(known) else -1
        share = value[newest] / row.high if newest >= 0 and isnan(row.low) else np.nan
        told: dict[str, Any] = {
            "limit": row.limit,
            "row": row.row,
            "standing": standing,
            "standard": row.standard,
            "parameter": row.parameter,
            "category": row.category or None,
            "low": number(row.low),
            "high": row.high,
            "reference_oxygen": number(row.reference_oxygen),
            "from": format_time(row.start),
            "to": None if row.end >= FOREVER else format_time(row.end),
            "status": row.status,
            "mark": row.mark or None,
            "source": row.source,
            "evidence": row.evidence or None,
            "value": number(value[newest]) if newest >= 0 else None,
            "value_at": format_time(int(hours.intervals[newest])) if newest >= 0 else None,
            "share": number(share),
            "due": found.due,
            "known": found.known,
            "coverage": found.known / found.due if found.due else None,
            "outside": found.outside if found.known else None,
        }
        if with_means:
            told["means"] = MeansBody(times=format_times(hours.intervals), values=numbers(value))
        return LimitRowBody.model_validate(told)


@dataclass(frozen=True, slots=True)
class _Hours:
    """The hours of a standard's intervals: means of the channel and of oxygen [%], and whether the unit ran."""

    standard: Standard
    intervals: Times
    hours: Times
    value: Floats
    oxygen: Floats
    runs: Bools

    def judged(self, row: StandardRow) -> Floats:
        """Return what a row judges, of each interval: an hour without the unit running is unknown."""
        value = self.value
        if self.standard.oxygen >= 0 and not isnan(row.reference_oxygen):
            value = at_reference_oxygen(
                value, self.oxygen, row.reference_oxygen, self.standard.highest_oxygen
            )
        if self.standard.averaging == "hour":
            return np.where(self.runs, value, np.nan)
        day = np.searchsorted(self.intervals, self.hours, side="right") - 1
        return day_means(value, day, len(self.intervals))

    def owed(self, row: StandardRow) -> Bools:
        """Return the intervals in which a row held and the unit ran."""
        holds = (self.intervals >= row.start) & (self.intervals < row.end)
        return holds & self.runs if self.standard.averaging == "hour" else holds


def _whole(
    found: Times, following: Callable[[Times, ZoneInfo], Times], start: int, end: int, zone: ZoneInfo
) -> Times:
    """Return the intervals that lie in [start, end) as a whole."""
    if not len(found):
        return found
    return found[(found >= start) & (following(found, zone) <= end)]
