"""What a battery should do tomorrow, and whose tonnes it held: reckoned from the windows of the meters around it."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from math import gcd
from typing import Literal

import numpy as np

from api.accounting.bills import Meter, source_of
from api.totals.savings import COMPLETE
from plant.arrays import Floats, Times
from plant.commitments import Battery, Billing
from plant.park import Facility, Park, Source
from plant.periods import DAY, UNITS, local_day, local_midnight, time_of_day
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from proof.channel_windows import ChannelActivity
from rules.storage.shifting import DayOfBattery, cheapest, seasonal_load
from rules.storage.tank import TankFlows, tank
from rules.tariffs.register import Tariff
from rules.tariffs.slots import UNKNOWN, Slots
from store.blocks import CO2E_T
from store.reader import Snapshot

WEEKS = 4  # whose same weekday tells tomorrow's load
TANK_DAYS = 7 * WEEKS  # over which it is told what a battery held

NoAdvice = Literal["load_not_known", "price_not_known"]


@dataclass(frozen=True, slots=True)
class Tomorrow:
    """The steps of a day to come: what is known of each, and what a battery should do in them."""

    starts: Times
    end: int
    step: int  # [ns]
    slot: Slots
    price: Floats  # NaN where unknown
    load: Floats  # without the battery, NaN where unknown [kWh]
    intensity: Floats | None  # [t CO2e/kWh]; None: unknown
    shift: DayOfBattery | None
    reason: NoAdvice | None


@dataclass(frozen=True, slots=True)
class TankOfBattery:
    """What a battery took in and gave in [start, end); of its columns the first is tonnes, the second kWh of unknown tonnes."""

    start: int
    end: int
    coverage: float  # share of the windows in which both ways are known [1]
    charged: float  # [kWh]
    drawn: float  # [kWh]
    flows: TankFlows


@dataclass(frozen=True)
class Adviser:
    """Advises one facility's battery in one moment's state; `as_of` [ns UTC] is now."""

    state: Snapshot
    activity: ChannelActivity
    facility: Facility
    park: Park
    billing: Billing
    battery: Battery
    tariff: Tariff
    as_of: int

    @property
    def day(self) -> date:
        """Tomorrow by the park's clock."""
        return local_day(self.as_of, self.park.zone) + timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """The days whose loads tell that of tomorrow, the newest first."""
        return [self.day - timedelta(weeks=week) for week in range(1, WEEKS + 1)]

    @cached_property
    def source(self) -> Source | None:
        """The source whose tonnes are those of the billed energy."""
        return source_of(self.state.plant, self.facility.park, self.facility.name, self.billing.energy)

    def tomorrow(self) -> Tomorrow:
        """Return what the battery should do tomorrow, or why that is not known."""
        zone = self.park.zone
        start, end = self._span(self.day)
        step = gcd(NS_PER_HOUR, *(minute * NS_PER_MIN for minute in self.tariff.spec.edges))
        starts = np.arange(start, end, step, dtype=np.int64)
        slot = self.tariff.hours.at(starts, zone)
        prices = self.tariff.prices
        price = prices.values[prices.rows.at(starts), np.maximum(slot, 0)]
        price = np.where(slot == UNKNOWN, np.nan, price)
        of_day = time_of_day(starts, zone) // step
        load, intensity = self._expected(step)
        load, each = load[of_day], None if intensity is None else intensity[of_day]
        why: NoAdvice | None = None
        if np.isnan(price).any():
            why = "price_not_known"
        elif np.isnan(load).any():
            why = "load_not_known"
        shift = None if why else cheapest(self.battery, load, price, step / NS_PER_HOUR)
        return Tomorrow(starts, end, step, slot, price, load, each, shift, why)

    def held(self) -> TankOfBattery | None:
        """Return what the battery held in the last weeks; None where nothing counts what goes in and out."""
        window = self.state.plant.window
        if self.battery.charged < 0:
            return None
        end = self.as_of // NS_PER_HOUR * NS_PER_HOUR
        start = end - TANK_DAYS * NS_PER_DAY
        starts = np.arange(start, end, window, dtype=np.int64)
        charged, drawn = self._battery(starts)
        known = np.isfinite(charged) & np.isfinite(drawn)
        into, out = (np.where(known, np.maximum(one, 0.0), 0.0) for one in (charged, drawn))
        each = self._tonnes(starts) / self._billed(starts)
        is_told = np.isfinite(each)
        came_in = np.column_stack([np.where(is_told, into * each, 0.0), np.where(is_told, 0.0, into)])
        hours = (starts - start) // NS_PER_HOUR
        edges = np.flatnonzero(np.diff(hours, prepend=-1))
        flows = tank(
            np.add.reduceat(into, edges),
            np.add.reduceat(out, edges),
            np.add.reduceat(came_in, edges, axis=0),
            self.battery.efficiency,
            self.battery.energy,
        )
        return TankOfBattery(start, end, float(known.mean()), float(into.sum()), float(out.sum()), flows)

    def _expected(self, step: int) -> tuple[Floats, Floats | None]:
        """Return the load without the battery [kWh] and its tonnes [t CO2e/kWh] by step of a day's clock."""
        window, zone = self.state.plant.window, self.park.zone
        bins, whole = NS_PER_DAY // step, step // window
        weeks = np.full((WEEKS, bins), np.nan)
        tonnes, energy = np.zeros(bins), np.zeros(bins)
        for week, day in enumerate(self.days):
            starts = np.arange(*self._span(day), window, dtype=np.int64)
            of_day = time_of_day(starts, zone) // step
            billed = self._billed(starts)
            charged, drawn = self._battery(starts)
            load = billed - charged + drawn
            known = np.bincount(of_day, np.isfinite(load), bins)
            due = np.bincount(of_day, minlength=bins)
            mean = np.bincount(of_day, np.nan_to_num(load), bins) / np.maximum(known, 1)
            weeks[week] = np.where(
                known >= np.maximum(due * COMPLETE, 1), np.maximum(mean, 0.0) * whole, np.nan
            )
            told = self._tonnes(starts)
            both = np.isfinite(billed) & np.isfinite(told)
            tonnes += np.bincount(of_day[both], told[both], bins)
            energy += np.bincount(of_day[both], billed[both], bins)
        if not energy.sum() > 0:
            return seasonal_load(weeks), None
        mean_of_all = tonnes.sum() / energy.sum()
        each = np.divide(tonnes, energy, out=np.full(bins, mean_of_all), where=energy > 0)
        return seasonal_load(weeks), each

    def _span(self, day: date) -> tuple[int, int]:
        start = local_midnight(day, self.park.zone)
        return start, int(UNITS[DAY].next(start, self.park.zone))

    def _billed(self, starts: Times) -> Floats:
        return self._read(self.billing.energy, self.billing.energy_scale, starts)

    def _battery(self, starts: Times) -> tuple[Floats, Floats]:
        """Return what went into the battery and what came out [kWh]; 0 where nothing counts it."""
        one = self.battery
        if one.charged < 0:
            return np.zeros(len(starts)), np.zeros(len(starts))
        return (
            self._read(one.charged, one.charged_scale, starts),
            self._read(one.discharged, one.discharged_scale, starts),
        )

    def _read(self, channel: int, scale: float, starts: Times) -> Floats:
        window = self.state.plant.window
        found = Meter.read(self.activity, channel, scale, starts, window)
        return np.where(found.coverage >= COMPLETE, found.amount, np.nan)

    def _tonnes(self, starts: Times) -> Floats:
        """Return the tonnes of the billed energy by window, NaN where unknown [t CO2e]."""
        told, window = np.full(len(starts), np.nan), self.state.plant.window
        if self.source is None:
            return told
        found = self.state.windows([self.source.index], int(starts[0]), int(starts[-1]) + window)
        told[(found.start - starts[0]) // window] = found.values[:, CO2E_T]
        return told
