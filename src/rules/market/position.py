"""How many tonnes somebody is short of, what credits may cover of it, and what the rest costs.

Unknown is NaN and stays NaN: nothing here takes what nobody knows for 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan, nan
from typing import Literal

# How many days before the last trading day somebody is told of a position that is short, and how urgent that is then.
TOLD_BEFORE: Mapping[int, str] = {90: "info", 30: "warning", 7: "critical"}


@dataclass(frozen=True, slots=True)
class Allowances:
    """What is there of allowances of the years that are settled [t]; `granted` is NaN where no grant is known."""

    granted: float
    carried: float = 0.0
    bought: float = 0.0
    sold: float = 0.0

    @property
    def held(self) -> float:
        """What there is to be surrendered: `granted + carried + bought - sold` [t]."""
        return self.granted + self.carried + self.bought - self.sold

    def __add__(self, other: "Allowances") -> "Allowances":
        return Allowances(
            self.granted + other.granted,
            self.carried + other.carried,
            self.bought + other.bought,
            self.sold + other.sold,
        )


@dataclass(frozen=True, slots=True)
class Offsets:
    """How much credits may cover: a share [1] of what was allocated, or of the inventory."""

    share: float
    of: Literal["allocated", "inventory"]


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody stands with the years that are settled; all in tonnes of CO2e but for the exposures [currency]."""

    inventory: float
    allocated: float
    held: float
    gap: float
    surplus: float
    offset_cap: float
    offsets: float
    to_buy: float
    exposure: float
    exposure_without_credits: float


def position(
    inventory: float, allowances: Allowances, credits_held: float, offsets: Offsets | None, price: float
) -> Position:
    """Return where somebody stands.

    `held = granted + carried + bought - sold`; `gap = max(inventory - held, 0)`; `offsets = min(credits, cap, gap)`;
    `to buy = gap - offsets`; `exposure = to buy x price`.

    Parameters
    ----------
    inventory
        Of the years that are settled, NaN where unknown. [t CO2e]
    credits_held
        That are held. [t]
    offsets
        How much of them may be used; None where no rule is known.
    price
        Of an allowance, NaN where none is known. [currency/t]
    """
    gap = _above(inventory, allowances.held)
    base = {"allocated": allowances.granted, "inventory": inventory}
    cap = nan if offsets is None else offsets.share * base[offsets.of]
    used = 0.0 if 0 in (gap, credits_held) else _least(credits_held, cap, gap)
    to_buy = gap - used
    return Position(
        inventory=inventory,
        allocated=allowances.granted,
        held=allowances.held,
        gap=gap,
        surplus=_above(allowances.held, inventory),
        offset_cap=cap,
        offsets=used,
        to_buy=to_buy,
        exposure=0.0 if to_buy == 0 else to_buy * price,
        exposure_without_credits=0.0 if gap == 0 else gap * price,
    )


def settled(
    parts: Sequence[tuple[float, Allowances]], credits_held: float, offsets: Offsets | None, price: float
) -> list[Position]:
    """Return the position of each part that is settled by itself, in order: credits that one uses are gone for the next."""
    found = list[Position]()
    for inventory, allowances in parts:
        found.append(position(inventory, allowances, credits_held, offsets, price))
        credits_held -= found[-1].offsets
    return found


def told_before(today: date, last_trading_day: date, surrender_by: date) -> int | None:
    """Return which of the days of `TOLD_BEFORE` has come, the last of them until what is short must be surrendered; None before and after."""
    left = (last_trading_day - today).days
    reached = [days for days in TOLD_BEFORE if left <= days]
    return min(reached) if reached and today <= surrender_by else None


def _above(amount: float, other: float) -> float:
    over = amount - other
    return over if isnan(over) else max(over, 0.0)


def _least(*amounts: float) -> float:
    return nan if any(isnan(one) for one in amounts) else min(amounts)
