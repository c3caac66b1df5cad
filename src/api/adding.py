"""What each park adds to a total, and the total that these make: one service and a front over several add alike, to the bit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from api.addends import AddendBody
from api.models import SharesBody
from api.times import parse_time
from plant.arrays import Floats, number, numbers
from plant.clock import format_time
from store.blocks import ACTIVITY, AMOUNTS, CH4_KG, CO2_BIOGENIC_KG, CO2_KG, CO2E_T, N2O_KG
from store.rows import SHARES
from store.totals.due import WHOLE
from store.totals.sums import known_sum

SHARES_OF = slice(len(AMOUNTS), len(AMOUNTS) + len(SHARES))
NOW = len(AMOUNTS) + len(SHARES)
COLUMNS = NOW + 1


@dataclass(frozen=True, slots=True)
class Addend:
    """What a park adds to a total.

    `values` has the columns `AMOUNTS`, the sums of `SHARES` over the `due` windows, and the rate now; None where none of the
    park's sources counts. Times are in ns UTC, `since` is `WHOLE` where all is known from the period's beginning on. `worst`
    is the least covered source that owes a window, its coverage first. `left_out` are tonnes that no total counts, by field.
    """

    park: str
    values: Floats | None
    due: int
    units: frozenset[str]
    now_at: int | None
    now_unknown: tuple[str, ...]
    since: int
    unheard: tuple[str, ...]
    worst: tuple[float, str] | None
    until: int | None
    stale: frozenset[str]
    revision: int
    left_out: Mapping[str, float]

    def body(self) -> AddendBody:
        """Return it as it travels; floats keep their bits."""
        return AddendBody(
            park=self.park,
            values=None if self.values is None else numbers(self.values),
            due=self.due,
            units=sorted(self.units),
            now_at=None if self.now_at is None else format_time(self.now_at),
            now_unknown=list(self.now_unknown),
            known_from=None if self.since == WHOLE else format_time(self.since),
            unheard=list(self.unheard),
            worst_coverage=None if self.worst is None else self.worst[0],
            worst_source=None if self.worst is None else self.worst[1],
            complete_until=None if self.until is None else format_time(self.until),
            stale=sorted(self.stale),
            revision=self.revision,
            left_out={name: number(value) for name, value in self.left_out.items()},
        )

    @classmethod
    def of(cls, body: AddendBody) -> Self:
        """Return what an answer tells; raise ValueError where it cannot be one."""
        if body.values is not None and len(body.values) != COLUMNS:
            raise ValueError(f"park {body.park} adds {len(body.values)} columns, not {COLUMNS}")
        if (body.worst_coverage is None) != (body.worst_source is None):
            raise ValueError(f"park {body.park} names half of its least covered source")
        return cls(
            park=body.park,
            values=None if body.values is None else np.array(body.values, np.float64),
            due=body.due,
            units=frozenset(body.units),
            now_at=_time(body.now_at),
            now_unknown=tuple(body.now_unknown),
            since=_time(body.known_from) or WHOLE,
            unheard=tuple(body.unheard),
            worst=None
            if body.worst_coverage is None or body.worst_source is None
            else (body.worst_coverage, body.worst_source),
            until=_time(body.complete_until),
            stale=frozenset(body.stale),
            revision=body.revision,
            left_out={
                name: np.nan if value is None else value for name, value in sorted(body.left_out.items())
            },
        )


def added(addends: Sequence[Addend], *, with_activity: bool) -> dict[str, Any]:
    """Return the fields of the `TotalBody` that parks make, in the order of their names; what is unknown in all is null."""
    counting = [one.values for one in addends if one.values is not None]
    values = known_sum(np.array(counting)) if counting else np.full(COLUMNS, np.nan)
    units = frozenset[str]().union(*(one.units for one in addends))
    unit = next(iter(units)) if with_activity and len(units) == 1 else None
    due = sum(one.due for one in addends)
    shares = values[SHARES_OF] / due if due else None
    now_at = [one.now_at for one in addends if one.now_at is not None]
    until = [one.until for one in addends if one.until is not None]
    since = max((one.since for one in addends), default=WHOLE)
    worst = [one.worst for one in addends if one.worst is not None]
    return {
        "co2e_t": number(values[CO2E_T]),
        "co2_kg": number(values[CO2_KG]),
        "co2_biogenic_kg": number(values[CO2_BIOGENIC_KG]),
        "ch4_kg": number(values[CH4_KG]),
        "n2o_kg": number(values[N2O_KG]),
        "activity": number(values[ACTIVITY]) if unit else None,
        "activity_unit": unit,
        "now_t_per_h": number(values[NOW]),
        "now_at": format_time(min(now_at)) if now_at else None,
        "now_unknown": [source for one in addends for source in one.now_unknown],
        "coverage": _coverage(shares) if shares is not None else None,
        "shares": _shares(shares) if shares is not None else None,
        "known_from": None if since == WHOLE else format_time(since),
        "unheard": [source for one in addends for source in one.unheard],
        "worst_source": min(worst, key=lambda one: one[0])[1] if worst else None,
        "complete_until": format_time(min(until)) if until else None,
        "stale": sorted(frozenset[str]().union(*(one.stale for one in addends))),
        "revision": max((one.revision for one in addends), default=0),
        **_left_out(addends),
    }


def _left_out(addends: Sequence[Addend]) -> dict[str, float | None]:
    """Return what does not count, of each kind that there is any of."""
    found: dict[str, list[float]] = {}
    for one in addends:
        for name, tonnes in one.left_out.items():
            found.setdefault(name, []).append(tonnes)
    return {name: number(float(known_sum(np.array(tonnes)))) for name, tonnes in found.items()}


def _shares(shares: Floats) -> SharesBody:
    measured, interpolated, substituted = shares.tolist()
    return SharesBody(
        measured=measured, interpolated=interpolated, substituted=substituted, missing=1 - _coverage(shares)
    )


def _coverage(shares: Floats) -> float:
    # Rounding may carry three shares that add to 1 beyond it.
    return float(np.clip(shares.sum(), 0, 1))


def _time(text: str | None) -> int | None:
    return None if text is None else parse_time(text)
