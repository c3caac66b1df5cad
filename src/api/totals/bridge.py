"""What moved a facility's tonnes from one year to another: its output, its energy per output, and its factors."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.scope import select_channel, select_sources
from api.parameters import InLanguage
from api.problems import InvalidQuery, documented
from api.reasons import told_reason
from api.times import period_of
from api.totals.roll_up import coverage_of, known_fields, rolled_up, source_columns
from api.totals.savings import COMPLETE, amounts
from plant.arrays import Floats, number
from plant.clock import format_time
from plant.commitments import Quantity
from plant.configuration.virtuals import is_level, window_unit
from plant.inventory import counted
from plant.park import Channel, Plant, Source, Virtual
from plant.periods import MONTH, starts
from rules.planning.bridge import effects
from store.blocks import AMOUNTS, CO2E_T
from store.reader import Reader, Snapshot
from store.totals.sums import Period

Name = Annotated[str, Query(min_length=1, max_length=200)]
BridgedYear = Annotated[int, Query(ge=1990, le=2260, description="of the park's clock")]
Gap = Literal["base_year_not_complete", "year_not_complete", "output_not_known", "not_a_product"]

ACTIVITY = AMOUNTS.index("activity")
_SUMMED = ("base_t", "now_t", "output_t", "intensity_t", "factor_t")


class SourceBridgeBody(BaseModel):
    """A source's part; its three effects add up to the change."""

    source: str = Field(examples=["nam-cau-kien/steel-mill/grid"])
    base_t: float = Field(examples=[350.0])
    now_t: float = Field(examples=[321.75])
    output_t: float = Field(description="more or less was made [t CO2e]", examples=[31.99])
    intensity_t: float = Field(description="more or less activity per output [t CO2e]", examples=[-35.37])
    factor_t: float = Field(description="another factor or mix per activity [t CO2e]", examples=[-24.88])


class BridgeBody(BaseModel):
    """A facility's tonnes of two years and what moved them: base_t and the three effects add up to now_t, without a rest."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["steel-mill"])
    base_year: int = Field(examples=[2024])
    year: int = Field(examples=[2025])
    output_unit: str = Field(examples=["t"])
    base_output: float | None = Field(examples=[100.0])
    now_output: float | None = Field(examples=[110.0])
    base_t: float | None = Field(examples=[350.0])
    now_t: float | None = Field(examples=[321.75])
    output_t: float | None = Field(description="null where reasons says why", examples=[31.99])
    intensity_t: float | None = Field(examples=[-35.37])
    factor_t: float | None = Field(examples=[-24.88])
    sources: list[SourceBridgeBody]
    reasons: list[Gap] = Field(
        description=f"why there is no bridge: a year is not over or less than {COMPLETE:.0%} known, the output of one is not"
        " known or 0, or a source's tonnes are no product: an amount is below 0, or there are tonnes without activity",
        examples=[[]],
    )
    why: list[str] = Field(description="the same in words", examples=[[]])


def routes(reader: Reader, plant: Plant, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["emissions"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/bridge")
    def bridge(
        caller: Asking,
        park: Name,
        facility: Name,
        output: Name,
        base: BridgedYear,
        year: BridgedYear,
        language: InLanguage = "en",
    ) -> BridgeBody:
        """Return what moved a facility's tonnes from a base year to another: output, activity per output, factor.

        `output` is the channel of what it makes. Both years are known as a whole, or there is no bridge.
        """
        as_of = clock()
        if base >= year:
            raise InvalidQuery(("base", "not before year"))
        sources = counted(select_sources(plant, caller, park, facility, None), "facility")
        channel = select_channel(plant, caller, park, facility, output)
        if is_level(channel):
            raise InvalidQuery(("output", "a level; an output is an amount"))
        zone = next(one.zone for one in plant.parks if one.name == park)
        periods = [period_of(str(one), zone, as_of) for one in (base, year)]
        with reader.snapshot() as state:
            before, after = (_year(state, sources, channel, one, as_of) for one in periods)
        bridged, reasons = _bridged(sources, before, after)
        return BridgeBody(
            as_of=format_time(as_of),
            park=park,
            facility=facility,
            base_year=base,
            year=year,
            output_unit=window_unit(channel).symbol,
            base_output=number(before.output),
            now_output=number(after.output),
            **{name: sum(getattr(one, name) for one in bridged) if bridged else None for name in _SUMMED},
            sources=bridged,
            reasons=reasons,
            why=[told_reason(one, language) for one in reasons],
        )

    return router


@dataclass(frozen=True, slots=True)
class _YearOfSources:
    """Tonnes and activity of each source in a year, and the output; NaN where not known as a whole."""

    tonnes: Floats
    activity: Floats
    output: float


def _year(
    state: Snapshot, sources: Sequence[Source], channel: Channel | Virtual, period: Period, as_of: int
) -> _YearOfSources:
    found = source_columns(state, sources, {one.park: period for one in sources}, as_of)
    every = range(len(sources))
    coverage = coverage_of(rolled_up(sources, found.values, every), int(found.due.sum()))
    told = known_fields(sources, found.known, every)
    is_known = period.end <= as_of and (coverage or 0) >= COMPLETE and told["known_from"] is None
    values = found.values[:, [CO2E_T, ACTIVITY]]
    # What was commissioned after the year emitted nothing in it.
    values[[one.since is not None and one.since >= period.end for one in sources]] = 0.0
    edges = np.append(starts(period.start, period.end, MONTH, period.zone), period.end)
    quantity = Quantity(channel.index, channel.name, "")
    output = float(amounts(state, quantity, edges, "month").sum()) if period.end <= as_of else math.nan
    tonnes, activity = values.T if is_known else np.full_like(values.T, np.nan)
    return _YearOfSources(tonnes, activity, output)


def _bridged(
    sources: Sequence[Source], before: _YearOfSources, after: _YearOfSources
) -> tuple[list[SourceBridgeBody], list[Gap]]:
    """Return the parts of the sources, or none and why."""
    gaps: list[Gap] = []
    if not sources or np.isnan(before.tonnes + before.activity).any():
        gaps.append("base_year_not_complete")
    if not sources or np.isnan(after.tonnes + after.activity).any():
        gaps.append("year_not_complete")
    if not (before.output > 0 and after.output > 0):
        gaps.append("output_not_known")
    if gaps:
        return [], gaps
    try:
        return [_source(one, before, after, row) for row, one in enumerate(sources)], []
    except ValueError:
        return [], ["not_a_product"]


def _source(source: Source, before: _YearOfSources, after: _YearOfSources, row: int) -> SourceBridgeBody:
    if any(one.tonnes[row] and not one.activity[row] for one in (before, after)):
        raise ValueError("tonnes without activity have no factor")
    factors = [
        float(one.tonnes[row] / one.activity[row]) if one.activity[row] else None for one in (before, after)
    ]
    known = [one for one in factors if one is not None] or [0.0]
    base, now = (
        (one.output, float(one.activity[row]) / one.output, known[place] if factor is None else factor)
        for one, factor, place in zip((before, after), factors, (0, -1), strict=True)
    )
    output, intensity, factor = effects(base, now)
    return SourceBridgeBody(
        source=source.id,
        base_t=float(before.tonnes[row]),
        now_t=float(after.tonnes[row]),
        output_t=output,
        intensity_t=intensity,
        factor_t=factor,
    )
