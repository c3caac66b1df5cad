"""What a facility's electricity costs in a month by its tariff, reckoned from the windows of the channels it is billed by."""

from dataclasses import dataclass
from math import isnan, nan

import numpy as np
from pydantic import BaseModel, Field

from api.problems import InvalidQuery
from api.times import period_of
from plant.arrays import Floats, Times, number, numbers
from plant.clock import PeriodBody, format_time
from plant.commitments import Billing
from plant.park import Park, Plant, Source
from plant.vocabulary import NS_PER_S
from proof.channel_windows import ChannelActivity
from rules.catalogue import Register
from rules.tariffs.bill import SHARES, EnergyBill, SlotBill, Stretches, energy_bill, stretches
from rules.tariffs.reactive import cos_phi, reactive_charge
from rules.tariffs.register import Tariff, ToldRow
from store.blocks import CO2E_T
from store.reader import Snapshot

PROVISIONAL = "provisional"


class BillSlotBody(BaseModel):
    """A slot of a tariff in a month, or all of it."""

    slot: str | None = Field(description="null of all slots", examples=["peak"])
    kwh: float | None = Field(description="what is known of it; null: nothing", examples=[125000.0])
    coverage: float | None = Field(description="share of its windows that is known", examples=[0.998])
    interpolated: float | None = Field(
        description="share of its windows that is known by interpolation only", examples=[0.002]
    )
    energy_charge: float | None = Field(
        description="of the known energy, before tax [currency]", examples=[424750000.0]
    )
    average_per_kwh: float | None = Field(
        description="energy_charge over the energy that has a price [currency/kWh]", examples=[3398.0]
    )
    peak_kw: float | None = Field(
        description="greatest mean power of a demand interval that is wholly known", examples=[1240.0]
    )
    peak_at: str | None = Field(description="when that began", examples=["2026-11-12T11:00:00Z"])
    peak_interpolated: bool | None = Field(
        description="a part of that interval is interpolated; null without a peak", examples=[False]
    )
    co2e_t: float | None = Field(
        description="of the source that takes in this channel alone [t CO2e]; null where none does",
        examples=[82.4],
    )


class ReactiveBody(BaseModel):
    """The charge for reactive energy in a month."""

    kvarh: float | None = Field(description="of windows of which both are known", examples=[263393.0])
    kwh: float | None = Field(description="active energy of the same windows", examples=[425000.0])
    coverage: float = Field(description="share of the windows of which both are known", examples=[0.99])
    cos_phi: float | None = Field(description="of the month, in hundredths", examples=[0.85])
    percent: float | None = Field(description="charged of the energy charge [%]", examples=[5.88])
    from_kw: float | None = Field(
        description="nothing is charged while the month's peak is below it", examples=[40.0]
    )
    charge: float | None = Field(description="before tax [currency]; null: unknown", examples=[58800.0])


class LoadBody(BaseModel):
    """A point of the load duration."""

    share: float = Field(description="of the demand intervals that are wholly known", examples=[0.05])
    kw: float | None = Field(description="the load that is reached in at least that share", examples=[1180.0])


class TariffUsedBody(BaseModel):
    """A dated row that a bill rests on: of prices, hours, tax or reactive charge."""

    row: str = Field(examples=["vn-hours/2026-04-22"])
    status: str = Field(description="official, provisional or own", examples=["provisional"])
    mark: str | None = Field(
        description="how a shipped row was seen: V, V2, M or D; null of an own one", examples=["V2"]
    )
    source: str = Field(examples=["Decision 963/QD-BCT of 22 April 2026"])


class BillBody(BaseModel):
    """A facility's electricity in a month."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    tariff: str = Field(examples=["vn-manufacturing-22kv"])
    title: str = Field(examples=["Manufacturing in Viet Nam, 22 kV to below 110 kV"])
    currency: str = Field(examples=["VND"])
    period: PeriodBody
    until: str = Field(
        description="what is told reaches to here: the month's end, or now", examples=["2026-11-30T17:00:00Z"]
    )
    provisional: bool = Field(description="it rests on a row that is provisional", examples=[True])
    slots: list[BillSlotBody]
    whole: BillSlotBody = Field(description="all slots, and energy without a price")
    unpriced_kwh: float = Field(
        description="energy in the sum, but in no slot: no price or no hours were in force", examples=[0.0]
    )
    reactive: ReactiveBody | None = Field(description="null where the facility has no reactive channel")
    vat: float | None = Field(
        description="tax on both charges [currency]; null where any of it is unknown", examples=[111971600.0]
    )
    total: float | None = Field(
        description="both charges with tax [currency]; null where a price, a tax or the reactive charge is unknown",
        examples=[1511616600.0],
    )
    demand_interval_s: int = Field(description="over which power is averaged", examples=[1800])
    unknown_intervals: int = Field(description="demand intervals that are not wholly known", examples=[2])
    load_duration: list[LoadBody]
    source: str | None = Field(
        description="whose tonnes stand beside the energy: the one that takes in the billed channel alone",
        examples=["nam-cau-kien/mill/grid"],
    )
    rows: list[TariffUsedBody]


@dataclass(frozen=True, slots=True)
class Bills:
    """Makes the bills of one moment's state; `as_of` [ns UTC] is now."""

    state: Snapshot
    catalogue: Register
    as_of: int
    activity: ChannelActivity

    def bill(self, facility: str, billing: Billing, park: Park, month: str | None) -> BillBody:
        """Return a facility's bill of a month of its park's clock, until now where it is not over.

        Raises
        ------
        InvalidQuery
            The month lies in no year that can be counted, or has not begun.
        """
        try:
            period = period_of(month or "month", park.zone, self.as_of)
        except ValueError as error:
            raise InvalidQuery(("period", str(error))) from error
        window = self.state.plant.window
        until = min(period.end, self.as_of // window * window)
        starts = np.arange(period.start, until, window, dtype=np.int64)
        if not len(starts):
            raise InvalidQuery(("period", "has not begun: no window of it is over"))
        tariff = self.catalogue.tariff(billing.tariff)
        stretch = stretches(tariff, starts, window, billing.demand_interval, park.zone)
        meter = Meter.read(self.activity, billing.energy, billing.energy_scale, starts, window)
        energy = energy_bill(stretch, meter.amount, meter.coverage, meter.interpolated)
        source = source_of(self.state.plant, park.name, facility, billing.energy)
        tonnes = self._tonnes(source, starts, window, stretch)
        reactive = self._reactive(tariff, billing, starts, meter, energy.whole)
        used = tariff.used(starts)
        vat, total = _with_tax(energy, reactive, tariff, starts)
        return BillBody(
            park=park.name,
            facility=facility,
            tariff=tariff.spec.name,
            title=tariff.spec.title,
            currency=tariff.spec.currency,
            period=PeriodBody.of(period.start, period.end),
            until=format_time(until),
            provisional=any(one.status == PROVISIONAL for one in used),
            slots=[
                _slot(one, one.kwh, tonnes[stretch.slot == place]) for place, one in enumerate(energy.slots)
            ],
            whole=_slot(energy.whole, energy.whole.kwh - energy.unpriced, tonnes),
            unpriced_kwh=energy.unpriced,
            reactive=reactive,
            vat=number(vat),
            total=number(total),
            demand_interval_s=billing.demand_interval // NS_PER_S,
            unknown_intervals=energy.unknown_intervals,
            load_duration=[
                LoadBody(share=share, kw=kw)
                for share, kw in zip(SHARES, numbers(energy.duration), strict=True)
            ],
            source=source.id if source else None,
            rows=[_told(one) for one in used],
        )

    def _reactive(
        self, tariff: Tariff, billing: Billing, starts: Times, active: "Meter", whole: SlotBill
    ) -> ReactiveBody | None:
        """Return the charge for reactive energy, of windows of which both energies are known; None without such a channel."""
        if billing.reactive < 0 or tariff.reactive is None:
            return None
        window = self.state.plant.window
        meter = Meter.read(self.activity, billing.reactive, billing.reactive_scale, starts, window)
        both = np.isfinite(active.amount) & np.isfinite(meter.amount)
        kwh, kvarh = (float(one.amount[both].sum()) if both.any() else nan for one in (active, meter))
        table = tariff.reactive.tables[int(tariff.reactive.rows.at(int(starts[-1])))]
        factor = cos_phi(kwh, kvarh)
        return ReactiveBody(
            kvarh=number(kvarh),
            kwh=number(kwh),
            coverage=float(np.minimum(active.coverage, meter.coverage)[both].sum() / len(starts)),
            cos_phi=number(factor),
            percent=number(table.percent(factor)) if table else None,
            from_kw=table.from_kw if table else None,
            charge=number(reactive_charge(table, factor, whole.peak, whole.charge)) if table else None,
        )

    def _tonnes(self, source: Source | None, starts: Times, window: int, stretch: Stretches) -> Floats:
        """Return a source's tonnes by stretch, NaN where nothing is known [t CO2e]."""
        if source is None:
            return np.full(len(stretch.first), np.nan)
        found = self.state.windows([source.index], int(starts[0]), int(starts[-1]) + window)
        place, tonnes = (found.start - starts[0]) // window, found.values[:, CO2E_T]
        known = np.isfinite(tonnes)
        row = np.searchsorted(stretch.first, place[known], side="right") - 1
        sums = np.bincount(row, tonnes[known], len(stretch.first))
        return np.where(np.bincount(row, minlength=len(stretch.first)) > 0, sums, np.nan)


def source_of(plant: Plant, park: str, facility: str, channel: int) -> Source | None:
    """Return the source that takes in a channel alone, None where none or more than one does."""
    found = [
        one
        for one in plant.sources
        if (one.park, one.facility) == (park, facility) and [i.channel for i in one.inputs] == [channel]
    ]
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Meter:
    """A channel's windows on a grid without holes, in the unit of bills; NaN and coverage 0 where unknown."""

    amount: Floats
    coverage: Floats
    interpolated: Floats

    @classmethod
    def read(
        cls, activity: ChannelActivity, channel: int, scale: float, starts: Times, window: int
    ) -> "Meter":
        """Return a channel's windows; `starts` follow each other by `window` [ns], `scale` is kWh or kvarh per unit."""
        found = activity.windows(channel, int(starts[0]), int(starts[-1]) + window)
        place = (found.start - starts[0]) // window
        amount, coverage, interpolated = np.full(len(starts), np.nan), *np.zeros((2, len(starts)))
        amount[place] = found.value * scale
        known = np.isfinite(found.value)
        coverage[place[known]] = found.coverage[known]
        interpolated[place[known]] = found.interpolated[known]
        return cls(amount, coverage, interpolated)


def _with_tax(
    energy: EnergyBill, reactive: ReactiveBody | None, tariff: Tariff, starts: Times
) -> tuple[float, float]:
    """Return the tax on both charges, and all that is to be paid; NaN where any of it is unknown [currency]."""
    charge = 0.0
    if reactive is not None:
        charge = nan if reactive.charge is None else reactive.charge
    rate = float(tariff.vat.values[int(tariff.vat.rows.at(int(starts[-1])))])
    vat = energy.vat + (charge * rate if charge else 0.0)
    is_known = energy.unpriced == 0 and not isnan(energy.whole.charge)
    return vat if is_known else nan, energy.whole.charge + charge + vat if is_known else nan


def _slot(one: SlotBill, priced: float, tonnes: Floats) -> BillSlotBody:
    """Return a slot as it is told; `priced` is its energy that has a price [kWh], `tonnes` are its stretches'."""
    known = tonnes[np.isfinite(tonnes)]
    has_peak = one.peak_at >= 0
    return BillSlotBody(
        slot=one.name or None,
        kwh=number(one.kwh),
        coverage=number(one.coverage),
        interpolated=number(one.interpolated),
        energy_charge=number(one.charge),
        average_per_kwh=number(one.charge / priced) if priced > 0 else None,
        peak_kw=number(one.peak),
        peak_at=format_time(one.peak_at) if has_peak else None,
        peak_interpolated=one.peak_interpolated if has_peak else None,
        co2e_t=float(known.sum()) if len(known) else None,
    )


def _told(one: ToldRow) -> TariffUsedBody:
    return TariffUsedBody(row=one.row, status=one.status, mark=one.mark or None, source=one.source)
