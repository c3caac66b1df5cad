"""What a facility emits in a year, as far as it is known, and where the rest of the year leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import nan
from typing import Literal

import numpy as np

from api.totals.roadmap import CONFIDENCE, months_of
from plant.inventory import counted
from plant.park import Park, Plant, Source
from plant.periods import local_midnight, year_start
from plant.vocabulary import NS_PER_DAY
from rules.planning.projection import LEAST_MONTHS, seasonal
from store.accounting.closing import FROZEN
from store.reader import Snapshot
from store.totals.sums import Period

Rest = Literal["known", "seasonal", "linear", "not_known"]


@dataclass(frozen=True, slots=True)
class YearInventory:
    """A year's tonnes of CO2e; NaN where unknown. `low` and `high` are a 95 % interval, the same where all of it is known."""

    year: int
    amount: float
    low: float
    high: float
    final: float  # of months that are final
    final_months: int
    known_months: int  # that are over and known as a whole, final or not
    rest: Rest  # how the other months are told


def year_inventory(
    state: Snapshot, park: Park, facility: str, scopes: Sequence[int], year: int, as_of: int
) -> YearInventory:
    """Return what the sources of some scopes of a facility emit in a year of the park's clock.

    A final month counts as it was published, another one where it is over and known as a whole; the others are projected by the
    seasons of the year before, else, without an interval, in proportion to the days that are known.
    """
    sources = _sources(state.plant, park.name, facility, scopes)
    start = local_midnight(date(year, 1, 1), park.zone)
    end = local_midnight(date(year + 1, 1, 1), park.zone)
    if not sources or start >= as_of:
        return YearInventory(year, nan, nan, nan, nan, 0, 0, "not_known")
    before = int(year_start(start - 1, park.zone))
    tonnes, is_known = months_of(state, sources, Period(before, end, park.zone), as_of)
    firsts = [
        local_midnight(date(one, month, 1), park.zone) for one in (year - 1, year) for month in range(1, 13)
    ]
    final = np.isin(firsts, _final_months(state, park.name))
    months = np.where(is_known | final, tonnes, np.nan)
    last, this = months[:12], months[12:]
    known = ~np.isnan(this)
    is_final = final[12:] & known
    days = np.diff([*firsts[12:], end]) / NS_PER_DAY
    amount, low, high, rest = _whole(last, this, known, days)
    told = float(this[is_final].sum()) if is_final.any() else nan
    return YearInventory(year, amount, low, high, told, int(is_final.sum()), int(known.sum()), rest)


def _whole(
    last: np.ndarray, this: np.ndarray, known: np.ndarray, days: np.ndarray
) -> tuple[float, float, float, Rest]:
    so_far = float(this[known].sum())
    if known.all():
        return so_far, so_far, so_far, "known"
    if (projected := seasonal(last, this, CONFIDENCE)) is not None:
        return projected.amount, projected.low, projected.high, "seasonal"
    if known.sum() >= LEAST_MONTHS:
        return so_far * float(days.sum() / days[known].sum()), nan, nan, "linear"
    return nan, nan, nan, "not_known"


def _sources(plant: Plant, park: str, facility: str, scopes: Sequence[int]) -> list[Source]:
    inside = [one for one in plant.sources if (one.park, one.facility) == (park, facility)]
    inside.sort(key=lambda one: one.name)
    return [one for one in counted(inside, "facility") if one.scope in scopes]


def _final_months(state: Snapshot, park: str) -> list[int]:
    marks = ", ".join("?" for _ in FROZEN)
    query = f"SELECT start FROM period WHERE park = ? AND status IN ({marks})"
    return [start for (start,) in state.connection.execute(query, (park, *FROZEN))]
