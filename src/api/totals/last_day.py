"""The last 24 hours of each park and its facilities, hour by hour, as a chart shows them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from api.totals.series import Steps, emission_series, steps
from plant.arrays import Floats, number
from plant.inventory import counted
from plant.park import Park, Source
from plant.periods import HOUR
from plant.vocabulary import NS_PER_DAY
from store.reader import Snapshot
from store.rows import SUMMED
from store.totals.due import due_windows

HOURS = 24
_SUBSTITUTED = SUMMED.index("substituted")


def last_day(state: Snapshot, as_of: int) -> list[dict[str, Any]]:
    """Return a row for all (park null) where several parks share one clock, for each park and each facility.

    Each has, of the last 24 clock hours, the one under way included: `times` (starts, RFC 3339), `co2e_t` [t CO2e],
    and as shares of the due windows `coverage` and `substituted`; null is unknown. `known_from` is as in totals. What facilities sold to each other
    is not in a row that holds both, as in their total.
    """
    plant = state.plant
    parks = [park for park in plant.parks if any(one.park == park.name for one in plant.sources)]
    rows = []
    if len(parks) > 1 and len({park.zone for park in parks}) == 1:
        own = counted(plant.sources, "all")
        rows.append(_row(state, (None, None), own, _hours(parks[0], as_of), as_of))
    for park in parks:
        hours = _hours(park, as_of)
        sources = [one for one in plant.sources if one.park == park.name]
        rows.append(_row(state, (park.name, None), counted(sources, "park"), hours, as_of))
        for facility in sorted({one.facility for one in sources}):
            within = counted([one for one in sources if one.facility == facility], "facility")
            rows.append(_row(state, (park.name, facility), within, hours, as_of))
    return rows


def _hours(park: Park, as_of: int) -> Steps:
    hours = steps(as_of - NS_PER_DAY, as_of + 1, "1h", park.zone)
    return replace(hours, edges=hours.edges[-HOURS - 1 :])


def _row(
    state: Snapshot,
    place: tuple[str | None, str | None],
    sources: Sequence[Source],
    hours: Steps,
    as_of: int,
) -> dict[str, Any]:
    series = emission_series(state, sources, "co2e_t", hours, as_of)
    substituted = _substituted(state, [one.index for one in sources], hours, as_of)
    return {
        "park": place[0],
        "facility": place[1],
        "times": series.times,
        "co2e_t": series.values,
        "coverage": series.coverage,
        "known_from": series.known_from,
        "substituted": [number(share) for share in substituted.tolist()],
    }


def _substituted(state: Snapshot, sources: Sequence[int], hours: Steps, as_of: int) -> Floats:
    """Return the substituted share of each hour's due windows, NaN where none is due."""
    stored = state.totals(sources, HOUR, hours.start, hours.end)
    put_in = np.bincount(hours.of(stored.start), stored.values[:, _SUBSTITUTED], len(hours))
    owed = due_windows(state.plant, sources, state.begins(sources), hours.edges, as_of).windows.sum(axis=0)
    return np.asarray(np.divide(put_in, owed, out=np.full(len(hours), np.nan), where=owed > 0))
