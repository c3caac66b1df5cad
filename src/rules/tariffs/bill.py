"""What the windows of a month cost by a tariff, by slot: energy, charge, tax, peaks and load duration.

Windows are cut into stretches: those of one demand interval in which slot, price and tax stay the same. A stretch is summed
as a column, so that a month costs as much as its half hours do, whatever the windows. Unknown is not zero: each sum is of
what is known, with the share that is known beside it.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Floats, Ints, Times
from plant.periods import time_of_day
from plant.vocabulary import NS_PER_HOUR
from rules.tariffs.register import Tariff
from rules.tariffs.slots import UNKNOWN, Slots

WHOLE = 1e-9  # of a window: what a stretch may lack and is wholly known still; rounding
SHARES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)  # of the time, at which load duration is told


@dataclass(frozen=True, slots=True)
class Stretches:
    """The stretches of consecutive windows, as columns; the same for all meters of a park and a tariff.

    `slot` is a place in `names`, `UNKNOWN` where no hours are in force; `price` [currency/kWh] and `vat` [1] are NaN where
    unknown. `whole` says that its demand interval is over.
    """

    names: tuple[str, ...]
    window: int  # [ns]
    first: Ints  # its first window's place
    start: Times  # [ns UTC]
    windows: Ints  # how many
    slot: Slots
    price: Floats
    vat: Floats
    whole: Ints


@dataclass(frozen=True, slots=True)
class SlotBill:
    """A slot's part of a bill, or all of it. Numbers are NaN where nothing is known."""

    name: str  # "" of all
    kwh: float
    coverage: float  # known share of its windows [1]
    interpolated: float  # share of its windows that is known by interpolation [1]
    charge: float  # before tax [currency]
    peak: float  # the greatest mean of a wholly known demand interval [kW]
    peak_at: int  # its start [ns UTC], -1 where there is none
    peak_interpolated: bool  # a part of that interval is known by interpolation


@dataclass(frozen=True, slots=True)
class EnergyBill:
    """What the energy of a meter costs.

    `unpriced` is energy of windows for which no price or no hours are in force: it is in `whole`, in no slot and no charge.
    """

    slots: tuple[SlotBill, ...]
    whole: SlotBill
    unpriced: float  # [kWh]
    vat: float  # [currency]; NaN where the tax of any of the charge is unknown
    unknown_intervals: int  # demand intervals that are not wholly known
    duration: Floats  # load that is reached in at least the share `SHARES` of the known demand intervals [kW]


def stretches(tariff: Tariff, starts: Times, window: int, interval: int, zone: ZoneInfo) -> Stretches:
    """Return the stretches of consecutive windows.

    Parameters
    ----------
    tariff
        Its slots change between windows only.
    starts
        Of at least one window, each the end of the one before. [ns UTC]
    window, interval
        How long a window and a demand interval are; intervals begin with the hours of the clock. [ns]
    zone
        The park's clock, by which slots and demand intervals are.
    """
    slot = tariff.hours.at(starts, zone)
    row, vat = tariff.prices.rows.at(starts), tariff.vat.rows.at(starts)
    begun = starts - time_of_day(starts, zone) % interval
    changes = np.zeros(len(starts), bool)
    changes[0] = True
    for column in (slot, row, vat, begun):
        changes[1:] |= column[1:] != column[:-1]
    first = np.flatnonzero(changes)
    prices = tariff.prices.values[row[first], np.maximum(slot[first], 0)]
    return Stretches(
        names=tariff.hours.names,
        window=window,
        first=first,
        start=starts[first],
        windows=np.diff(np.append(first, len(starts))),
        slot=slot[first],
        price=np.where(slot[first] == UNKNOWN, np.nan, prices),
        vat=tariff.vat.values[vat[first]],
        whole=(begun[first] + interval <= starts[-1] + window).astype(np.int64),
    )


def energy_bill(stretch: Stretches, kwh: Floats, coverage: Floats, interpolated: Floats) -> EnergyBill:
    """Return what a meter's windows cost.

    Parameters
    ----------
    stretch
        Of the windows, see `stretches`.
    kwh
        Of each window, NaN where unknown. [kWh]
    coverage, interpolated
        The share of each window that is known, and that is known by interpolation only; 0 where it is unknown. [1]

    Returns
    -------
    EnergyBill
        `charge = sum kWh price`, `vat = sum kWh price rate`.
    """
    energy = np.add.reduceat(np.where(np.isnan(kwh), 0.0, kwh), stretch.first)
    known = np.add.reduceat(coverage, stretch.first)
    guessed = np.add.reduceat(interpolated, stretch.first)
    charge = energy * stretch.price
    hours = stretch.windows * (stretch.window / NS_PER_HOUR)
    is_whole = (known >= stretch.windows * (1 - WHOLE)) & (stretch.whole == 1)
    load = np.where(is_whole, energy / hours, np.nan)
    columns = _Columns(stretch, energy, known, guessed, charge, load)
    is_priced = np.isfinite(charge)
    taxed = (is_priced & (energy != 0) & (known > 0)).nonzero()[0]
    intervals_known = np.isfinite(load)
    return EnergyBill(
        slots=tuple(
            columns.bill(name, (stretch.slot == place) & is_priced)
            for place, name in enumerate(stretch.names)
        ),
        whole=columns.bill("", np.ones(len(energy), bool)),
        unpriced=float(energy[~is_priced].sum()),
        vat=float((charge[taxed] * stretch.vat[taxed]).sum()),
        unknown_intervals=int((~intervals_known).sum()),
        duration=_duration(load[intervals_known]),
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """A meter's sums by stretch."""

    stretch: Stretches
    energy: Floats  # [kWh]
    known: Floats  # [windows]
    guessed: Floats  # [windows]
    charge: Floats  # [currency]
    load: Floats  # [kW]

    def bill(self, name: str, chosen: Ints) -> SlotBill:
        """Return the bill of chosen stretches."""
        rows = np.flatnonzero(chosen)
        due, known = float(self.stretch.windows[rows].sum()), float(self.known[rows].sum())
        nothing = float("nan")
        peak = _greatest(self.load, rows)
        priced = rows[np.isfinite(self.charge[rows]) & (self.known[rows] > 0)]
        return SlotBill(
            name=name,
            kwh=float(self.energy[rows].sum()) if known > 0 else nothing,
            coverage=known / due if due else nothing,
            interpolated=float(self.guessed[rows].sum()) / due if due else nothing,
            charge=float(self.charge[priced].sum()) if len(priced) else nothing,
            peak=nothing if peak < 0 else float(self.load[peak]),
            peak_at=-1 if peak < 0 else int(self.stretch.start[peak]),
            peak_interpolated=peak >= 0 and bool(self.guessed[peak] > 0),
        )


def _greatest(load: Floats, rows: Ints) -> int:
    """Return the first of these rows with the greatest known load, -1 where none is known."""
    known = rows[np.isfinite(load[rows])]
    return int(known[np.argmax(load[known])]) if len(known) else -1


def _duration(load: Floats) -> Floats:
    """Return the load that is reached in at least each share of known intervals, NaN where none is known [kW]."""
    if not len(load):
        return np.full(len(SHARES), np.nan)
    falling = np.sort(load)[::-1]
    places = np.ceil(np.array(SHARES) * len(falling)).astype(np.int64) - 1
    return np.asarray(falling[np.maximum(places, 0)])
