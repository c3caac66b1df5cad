"""Scope 2 by the market beside scope 2 by location: certificates matched with a facility's purchased electricity."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from api.models import Scope2Body
from api.totals.accounts import AskedTotals
from api.totals.claims import with_claims
from plant.arrays import Floats, number
from plant.park import Facility, Source
from plant.periods import YEAR, next_year, starts
from plant.units import conversion, unit
from plant.vocabulary import FOREVER, NS_PER_S, SINCE_EVER
from rules.factors.certificates import Certificates, claimable, match
from rules.factors.factor_files import ELECTRICITY
from store.blocks import ACTIVITY, CO2E_T
from store.totals.sums import Period, known_sum, period_sums

RANKS = ("certificate", "contract", "supplier")  # the hierarchy of instruments, best first
KG_PER_T = KWH_PER_MWH = 1000.0
COLUMNS = ("location_t", "market_t", "matched_mwh", "unmatched_mwh")

ONLY = "electricity from the grid only"
EQUAL = "no certificates are configured, so market-based is location-based"
SHARED = "each year's certificates are shared in proportion over the year's consumption as known now"
NO_MIX = "no residual mix is known: what no certificate covers counts at the grid's average"


@dataclass(frozen=True, slots=True)
class Market:
    """What is known of the facilities' purchased electricity.

    `values` has one row per source asked for, with the columns `COLUMNS`, NaN where unknown; `electric` says which
    sources it is of. `offered` [MWh] is what each facility's certificates cover at most in the years that the period
    touches, `residual` its residual factors of those years [kg/kWh], None where one has none; both by park and facility.
    """

    electric: list[bool]
    values: Floats
    offered: dict[tuple[str, str], float]
    residual: dict[tuple[str, str], set[float | None]]
    facilities: dict[tuple[str, str], Facility]  # with all that is claimed for their electricity


def market(asked: AskedTotals) -> Market:
    """Return what scope 2 is by the market."""
    electric = [is_from_grid(asked, source) for source in asked.sources]
    values = np.full((len(electric), len(COLUMNS)), np.nan)
    found = Market(electric, values, {}, {}, with_claims(asked.state) if any(electric) else {})
    rows = [row for row, is_electric in enumerate(electric) if is_electric]
    for site, of_site in groupby(rows, key=lambda row: _site(asked.sources[row])):
        _add_facility(asked, found.facilities[site], list(of_site), found)
    return found


def is_from_grid(asked: AskedTotals, source: Source) -> bool:
    """Return whether a source is of purchased electricity by the grid's factor; what is resold has another scope."""
    return source.scope == 2 and asked.catalogue.basis(source.method) == ELECTRICITY


def scope2_body(asked: AskedTotals, found: Market, rows: list[int], *, single: bool) -> Scope2Body | None:
    """Return the sum of some sources, None where none of them is of electricity from the grid.

    Certificates are a facility's: those of a `single` source are not named.
    """
    electric = [row for row in rows if found.electric[row]]
    if not electric:
        return None
    sites = sorted({_site(asked.sources[row]) for row in electric})
    residual = set().union(*(found.residual[site] for site in sites))
    location, by_market, matched, unmatched = known_sum(found.values[electric]).tolist()
    return Scope2Body(
        location_t=number(location),
        market_t=number(by_market),
        matched_mwh=number(matched),
        unmatched_mwh=number(unmatched),
        certificates_mwh=None if single else sum(found.offered[site] for site in sites),
        residual_factor=residual.pop() if len(residual) == 1 else None,
        method_note="; ".join(_notes(sites, found)),
    )


def _notes(sites: Sequence[tuple[str, str]], found: Market) -> Iterator[str]:
    facilities = [found.facilities[site] for site in sites]
    yield ONLY
    if any(one.certificates for one in facilities):
        yield SHARED
    elif not any(one.residual_factors for one in facilities):
        yield EQUAL
    if any(None in found.residual[site] for site in sites):
        yield NO_MIX


def _add_facility(asked: AskedTotals, facility: Facility, rows: list[int], found: Market) -> None:
    period = asked.periods[facility.park]
    years = [_Year(int(start), period.zone) for start in starts(period.start, period.end, YEAR, period.zone)]
    residual = {one.year: one.co2 for one in facility.residual_factors}
    site = facility.park, facility.name
    found.residual[site] = {residual.get(year.number) for year in years}
    offered = _certificates(facility, [year.number for year in years])
    found.offered[site] = float(claimable(offered, asked.as_of).sum()) / KWH_PER_MWH
    if facility.certificates or residual:
        parts = [_matched(asked, facility, rows, year, residual.get(year.number)) for year in years]
        found.values[rows] = known_sum(np.array(parts))
    else:
        energy = asked.amounts[rows, ACTIVITY] * _kwh(asked, rows) / KWH_PER_MWH
        tonnes = asked.amounts[rows, CO2E_T]
        found.values[rows] = np.column_stack(
            [tonnes, tonnes, np.where(np.isnan(energy), np.nan, 0.0), energy]
        )


class _Year:
    """A calendar year of a park's clock."""

    def __init__(self, start: int, zone: ZoneInfo) -> None:
        self.period = Period(start, int(next_year(start, zone)), zone)
        self.number = datetime.fromtimestamp(start // NS_PER_S, UTC).astimezone(zone).year


def _matched(
    asked: AskedTotals, facility: Facility, rows: list[int], year: _Year, residual: float | None
) -> Floats:
    """Return the columns `COLUMNS` of a facility's sources in the part of a year that is asked for.

    The rest of the year takes its share of the certificates too, and so do sources that nobody asked for.
    """
    whole, period = year.period, asked.periods[facility.park]
    part = Period(max(whole.start, period.start), min(whole.end, period.end), period.zone)
    sources = [asked.sources[row] for row in rows]
    amounts = asked.amounts[rows] if part == period else asked.of(sources, part)
    energy, tonnes = amounts[:, ACTIVITY] * _kwh(asked, rows), amounts[:, CO2E_T]
    consumed = np.append(energy, _rest(asked, facility, whole, np.nansum(energy)))
    with np.errstate(invalid="ignore", divide="ignore"):
        average = tonnes * KG_PER_T / energy  # NaN where nothing was consumed, and then not needed
    factors = np.full(len(rows), residual) if residual is not None else average
    offered = _certificates(facility, [year.number])
    numbers = np.full(len(consumed), year.number)
    outcome = match(consumed, numbers, np.append(factors, 0.0), offered, asked.as_of)
    uncovered = outcome.uncovered[:-1]
    columns = tonnes, outcome.co2[:-1] / KG_PER_T, (energy - uncovered) / KWH_PER_MWH, uncovered / KWH_PER_MWH
    return np.column_stack(columns)


def _rest(asked: AskedTotals, facility: Facility, year: Period, part: float) -> float:
    """Return what the facility took from the grid in a year, beside the part that is asked for [kWh]."""
    sources = [
        one
        for one in asked.state.plant.sources
        if _site(one) == (facility.park, facility.name) and is_from_grid(asked, one)
    ]
    scale = np.array([_scale(one) for one in sources])
    sums = period_sums(asked.state, [one.index for one in sources], year)
    return max(float(np.nansum(sums.values[:, ACTIVITY] * scale)) - part, 0.0)


def _certificates(facility: Facility, years: Sequence[int]) -> Certificates:
    rows = [one for one in facility.certificates if one.year in years]
    return Certificates(
        rank=np.array([RANKS.index(one.kind) for one in rows], np.int64),
        period=np.array([one.year for one in rows], np.int64),
        energy=np.array([one.energy for one in rows], np.float64),
        co2=np.array([one.co2 for one in rows], np.float64),
        retired=np.array([SINCE_EVER if one.retired is None else one.retired for one in rows], np.int64),
        expires=np.full(len(rows), FOREVER),
    )


def _kwh(asked: AskedTotals, rows: Sequence[int]) -> Floats:
    return np.array([_scale(asked.sources[row]) for row in rows])


def _scale(source: Source) -> float:
    """Return the kWh in a source's unit of activity."""
    return conversion(unit(source.activity_unit), unit("kWh"))[0]


def _site(source: Source) -> tuple[str, str]:
    return source.park, source.facility
