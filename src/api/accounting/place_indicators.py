"""What places are told by beside tonnes over a period: amounts of water and waste, their shares, and an eco-park's criteria."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan

import numpy as np
from pydantic import BaseModel, Field

from plant.arrays import number
from plant.clock import PeriodBody, format_time
from plant.commitments import Indicators, Quantity
from plant.park import Park
from plant.periods import local_day
from proof.channel_windows import ChannelActivity
from rules.indicators import criteria
from rules.indicators.criteria import Verdict
from rules.indicators.shares import removed_share, waste_shares, water_shares
from store.totals.sums import Period


class WaterBody(BaseModel):
    """Water of a period, and what of it is used again. A share is null where one of its amounts is unknown."""

    fresh_m3: float | None = Field(description="null: nothing is known of it", examples=[180000.0])
    inflow_m3: float | None = Field(description="wastewater that enters the treatment", examples=[120000.0])
    reused_m3: float | None = Field(examples=[30000.0])
    reuse_share: float | None = Field(description="reused / inflow", examples=[0.25])
    circulation_share: float | None = Field(description="reused / (fresh + reused)", examples=[0.1429])
    coverage: float = Field(description="of the least known of these channels", examples=[0.998])


class WaterLoadBody(BaseModel):
    """What wastewater carries over a period, and what the treatment takes out."""

    cod_in_kg: float | None = Field(description="null: nothing is known of it", examples=[48000.0])
    cod_out_kg: float | None = Field(examples=[6000.0])
    cod_removed_kg: float | None = Field(description="in less out; null where one is", examples=[42000.0])
    cod_removed_share: float | None = Field(description="of what enters", examples=[0.875])
    coverage: float = Field(description="of the least known of these channels", examples=[0.998])


class WasteStreamBody(BaseModel):
    """A stream of waste."""

    channel: str = Field(examples=["waste/scrap"])
    stream: str = Field(examples=["scrap"])
    treatment: str = Field(
        description="reuse, recycling, composting, energy, incineration, landfill or hazardous",
        examples=["recycling"],
    )
    t: float | None = Field(description="null: nothing is known of it", examples=[5400.0])
    coverage: float = Field(examples=[1.0])


class WasteBody(BaseModel):
    """Waste of a period. Total and shares are null where a stream is unknown."""

    streams: list[WasteStreamBody]
    total_t: float | None = Field(examples=[8000.0])
    diverted_share: float | None = Field(
        description="(reuse + recycling + composting) / all", examples=[0.8625]
    )
    with_energy_share: float | None = Field(description="the same with energy", examples=[0.9625])
    landfill_share: float | None = Field(examples=[0.0375])
    coverage: float = Field(description="of the least known stream", examples=[0.998])


class CriterionBody(BaseModel):
    """One criterion of an eco-park."""

    criterion: str = Field(description="recp, links, linked_firms or land", examples=["recp"])
    verdict: Verdict = Field(description="met where the threshold is reached", examples=["met"])
    value: float | None = Field(description="a share, or of links their number", examples=[0.2167])
    threshold: float = Field(examples=[0.2])
    reason: str | None = Field(
        description="of an unknown one: what is lacking", examples=["nothing is known of firms_recp"]
    )


class EcoParkBody(BaseModel):
    """The criteria of an eco-park at the end of the period, or now."""

    row: str = Field(description="the thresholds", examples=["vn-eco-park/2022-07-15"])
    status: str = Field(description="official or provisional", examples=["provisional"])
    mark: str = Field(description="how it was seen: V, V2, M or D", examples=["V2"])
    source: str = Field(examples=["Decree 82/2018, article 42, as a public page has it"])
    facts: dict[str, float | None] = Field(
        description="areas in m2", examples=[{"firms": 60.0, "firms_recp": 13.0}]
    )
    criteria: list[CriterionBody]


class PlaceIndicatorsBody(BaseModel):
    """What a place is told by beside tonnes; null where it has none of it."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(description="null: the park as a whole", examples=[None])
    period: PeriodBody
    until: str = Field(description="the period's end, or now", examples=["2026-11-30T17:00:00Z"])
    water: WaterBody | None
    load: WaterLoadBody | None = None
    waste: WasteBody | None
    eco_park: EcoParkBody | None


@dataclass(frozen=True, slots=True)
class Amount:
    """What is known of a channel over a period: NaN where nothing is; the share of it that is known."""

    value: float
    coverage: float


@dataclass(frozen=True, slots=True)
class PlaceIndicators:
    """Makes the indicators of one moment's state; `as_of` [ns UTC] is now, `window` [ns] how long windows are."""

    activity: ChannelActivity
    window: int
    as_of: int
    _amounts: dict[tuple[int, int, int], Amount] = field(default_factory=dict)

    def body(self, of: Indicators, park: Park, period: Period) -> PlaceIndicatorsBody:
        """Return a place's indicators in a period, until now where it is not over."""
        until = max(period.start, min(period.end, self.as_of // self.window * self.window))
        return PlaceIndicatorsBody(
            park=of.park,
            facility=of.facility or None,
            period=PeriodBody.of(period.start, period.end),
            until=format_time(until),
            water=self._water(of.water, period.start, until) if of.water else None,
            load=self._load(of.load, period.start, until) if of.load else None,
            waste=self._waste(of, period.start, until) if of.waste else None,
            eco_park=self._eco_park(of.facts, park, period.start, until) if of.facts is not None else None,
        )

    def _water(self, of: Mapping[str, Sequence[Quantity]], start: int, until: int) -> WaterBody:
        sums, coverage = self._sums(of, start, until)
        shares = water_shares(**sums)
        return WaterBody(
            fresh_m3=number(sums["fresh"]),
            inflow_m3=number(sums["inflow"]),
            reused_m3=number(sums["reused"]),
            reuse_share=number(shares.reuse),
            circulation_share=number(shares.circulation),
            coverage=coverage,
        )

    def _load(self, of: Mapping[str, Sequence[Quantity]], start: int, until: int) -> WaterLoadBody:
        sums, coverage = self._sums(of, start, until)
        entered, left = sums["cod_in"], sums["cod_out"]
        return WaterLoadBody(
            cod_in_kg=number(entered),
            cod_out_kg=number(left),
            cod_removed_kg=number(entered - left),
            cod_removed_share=number(removed_share(entered, left)),
            coverage=coverage,
        )

    def _sums(
        self, of: Mapping[str, Sequence[Quantity]], start: int, until: int
    ) -> tuple[dict[str, float], float]:
        """Return what is known of each sum of channels, NaN of one without any, and the least coverage of them all."""
        found = {name: [self._amount(one, start, until) for one in channels] for name, channels in of.items()}
        sums = {name: sum(one.value for one in parts) if parts else nan for name, parts in found.items()}
        return sums, min(one.coverage for parts in found.values() for one in parts)

    def _waste(self, of: Indicators, start: int, until: int) -> WasteBody:
        found = [(one, self._amount(one.amount, start, until)) for one in of.waste]
        amounts: dict[str, float] = {}
        for one, amount in found:
            amounts[one.treatment] = amounts.get(one.treatment, 0.0) + amount.value
        shares = waste_shares(amounts)
        return WasteBody(
            streams=[
                WasteStreamBody(
                    channel=one.amount.name,
                    stream=one.stream,
                    treatment=one.treatment,
                    t=number(amount.value),
                    coverage=amount.coverage,
                )
                for one, amount in found
            ],
            total_t=number(shares.total),
            diverted_share=number(shares.diverted),
            with_energy_share=number(shares.with_energy),
            landfill_share=number(shares.landfill),
            coverage=min(amount.coverage for _, amount in found),
        )

    def _eco_park(self, of: Mapping[str, Quantity], park: Park, start: int, until: int) -> EcoParkBody | None:
        """Return how criteria stand at the end of what is told; None where none were in force."""
        row = criteria.in_force(local_day(max(start, until - 1), park.zone))
        if row is None:
            return None
        facts = {name: self._newest(one, start, until) for name, one in of.items()}
        return EcoParkBody(
            row=criteria.name_of(row),
            status=row.status,
            mark=row.mark or "",
            source=row.source,
            facts={name: number(value) for name, value in facts.items()},
            criteria=[
                CriterionBody(
                    criterion=one.name,
                    verdict=one.verdict,
                    value=number(one.value),
                    threshold=one.threshold,
                    reason=f"nothing is known of {' and '.join(one.lacks)}" if one.lacks else None,
                )
                for one in criteria.judged(row, facts)
            ],
        )

    def _amount(self, of: Quantity, start: int, until: int) -> Amount:
        """Return what is known of an amount; the same channel is asked once."""
        key = of.channel, start, until
        if key not in self._amounts:
            windows = self.activity.windows(of.channel, start, until)
            known = np.isfinite(windows.value)
            due = (until - start) // self.window
            value = float(windows.value[known].sum()) * of.scale if known.any() else nan
            coverage = float(windows.coverage[known].sum()) / due if due else 0.0
            self._amounts[key] = Amount(value, coverage)
        return self._amounts[key]

    def _newest(self, of: Quantity, start: int, until: int) -> float:
        """Return the newest value of a level that a person has entered."""
        windows = self.activity.windows(of.channel, start, until)
        known = np.flatnonzero(np.isfinite(windows.value))
        return float(windows.value[known[-1]]) * of.scale + of.offset if len(known) else nan
