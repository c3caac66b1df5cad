"""What the electricity of a measure's channel cost on average in each step, by the tariff of its facility."""

import numpy as np

from plant.arrays import Floats, Times
from plant.commitments import Billing, Quantity
from plant.park import Channel, Plant
from plant.periods import UNITS
from plant.units import DimensionError, conversion, unit
from proof.channel_windows import ChannelActivity
from rules.catalogue import Register
from rules.tariffs.register import Tariff
from rules.tariffs.slots import UNKNOWN
from store.reader import Snapshot
from store.totals.sums import Period

KWH = unit("kWh")


def kwh_per(symbol: str) -> float | None:
    """Return the kilowatt-hours of a unit, None where it is no unit of energy."""
    try:
        return conversion(unit(symbol), KWH)[0]
    except DimensionError:
        return None


def tariff_of(plant: Plant, energy: Quantity, catalogue: Register | None) -> Tariff | None:
    """Return the tariff of the facility whose electricity a channel counts; None where there is none, or it is another energy."""
    channel = plant.channel(energy.channel)
    billing = next(
        (one.billing for one in plant.facilities if (one.park, one.name) == (channel.park, channel.facility)),
        None,
    )
    if catalogue is None or billing is None or kwh_per(energy.unit) is None:
        return None
    return catalogue.tariff(billing.tariff) if _is_billed(plant, energy, billing) else None


def _is_billed(plant: Plant, energy: Quantity, billing: Billing) -> bool:
    """Return whether a channel counts what is billed: a virtual one says of no energy what it is, and is taken for it."""
    mine, billed = plant.channel(energy.channel), plant.channel(billing.energy)
    return not (
        isinstance(mine, Channel) and isinstance(billed, Channel) and mine.quantity != billed.quantity
    )


def step_prices(
    state: Snapshot, tariff: Tariff, energy: Quantity, starts: Times, level: int, period: Period
) -> Floats | None:
    """Return the mean price of a channel's energy in each step, weighted by what was used when [currency per unit of the energy].

    Parameters
    ----------
    starts
        Of the steps, in order; at least one. [ns UTC]
    level
        Whose unit of the clock a step is.

    Returns
    -------
    Floats or None
        None where a price is not known for all of the energy, or a step used none.
    """
    ends = UNITS[level].next(starts, period.zone)
    found = ChannelActivity(state).windows(energy.channel, int(starts[0]), int(ends[-1]))
    step = np.searchsorted(starts, found.start, side="right") - 1
    used = np.isfinite(found.value) & (found.start < ends[step])
    start, amount, step = found.start[used], found.value[used], step[used]
    slot, prices = tariff.hours.at(start, period.zone), tariff.prices
    price = prices.values[prices.rows.at(start), np.maximum(slot, 0)]
    price = np.where(slot == UNKNOWN, np.nan, price)
    paid = np.bincount(step, np.where(amount == 0, 0.0, amount * price), len(starts))
    sums = np.bincount(step, amount, len(starts))
    per_kwh = kwh_per(energy.unit)
    if per_kwh is None or not (sums > 0).all() or not np.isfinite(paid).all():
        return None
    return paid / sums * per_kwh
