"""Positions in the terminal: the gap with both ends of its interval, what covers it and what it costs; and what is held."""

from collections.abc import Iterator

from api.market.position_bodies import HoldingBody, PositionBody, PositionsBody, YearInventoryBody
from stackmeter.views import view
from stackmeter.views.tables import Shown

_LINES = (
    ("inventory [t]", "inventory_t"),
    ("gap [t]", "gap_t"),
    ("surplus [t]", "surplus_t"),
    ("credits may cover [t]", "offset_cap_t"),
    ("credits cover [t]", "offsets_t"),
    ("to buy [t]", "to_buy_t"),
)
_REST = {
    "known": "known",
    "seasonal": "the rest by the seasons of the year before",
    "linear": "the rest in proportion to the days that are known: no interval",
    "not_known": "not known",
}


def position(one: PositionBody) -> Shown:
    """Return a facility's position as a table: low end, position, high end; and below it what it rests on."""
    ends = (one.low, one.position, one.high)
    rows = [[name, *(view.amount(getattr(end, field)) for end in ends)] for name, field in _LINES]
    money = [
        ("exposure", [end.exposure for end in ends]),
        ("without credits", [end.exposure_without_credits for end in ends]),
    ]
    rows += [[f"{name} [{one.currency}]", *map(_money, amounts)] for name, amounts in money]
    head = f"{one.park}/{one.facility} {_years(one.years)}"
    return Shown(
        [head, "low", "position", "high"],
        rows,
        right={"low", "position", "high"},
        note="\n".join(_notes(one)),
    )


def holdings(found: PositionsBody) -> Shown:
    """Return what instruments hold as a table."""
    rows = [
        [_name(one), one.kind, f"{one.held:,.3f} {one.unit}", _moved(one), str(one.waiting)]
        for one in found.holdings
    ]
    notes = [f"movement {one.movement} counts no longer: {one.why}" for one in found.impossible]
    heads = ["instrument", "kind", "held", "moved", "waiting"]
    return Shown(heads, rows, right={"held", "waiting"}, note="\n".join(notes))


def _notes(one: PositionBody) -> Iterator[str]:
    held, granted = view.amount(one.held_t), view.amount(one.granted_t)
    moved = f"carried {one.carried_t:,.3f}, bought {one.bought_t:,.3f}, sold {one.sold_t:,.3f}"
    yield f"held {held} t: granted {granted}, {moved}; credits {view.amount(one.credits_t)}"
    if one.not_granted:
        yield f"no approved grant of {_years(one.not_granted)}: what is held is not known"
    yield from map(_of_year, one.inventory)
    if one.price is None:
        yield "no price is known"
    else:
        yield f"{one.price.price:,.0f} {one.currency}/t since {one.price.day} ({one.price.status}): {one.price.source}"
    if one.rule is None:
        yield f"no rule of {one.market} settles these years: nothing is told of credits"
    else:
        unsure = f"; not settled: {', '.join(one.rule.unsure)}" if one.rule.unsure else ""
        yield f"by {one.rule.row} ({one.rule.status}{unsure}); surrender by {one.rule.surrender_by}"


def _of_year(one: YearInventoryBody) -> str:
    months = f"{one.known_months} months known, {one.final_months} of them final"
    return f"{one.year}: {view.amount(one.t)} t, {months}; {_REST[one.rest]}"


def _years(years: list[int]) -> str:
    return f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0])


def _money(amount: float | None) -> str:
    return view.UNKNOWN if amount is None else f"{amount:,.0f}"


def _name(one: HoldingBody) -> str:
    return "/".join(filter(None, (one.park, one.facility, one.instrument)))


def _moved(one: HoldingBody) -> str:
    return ", ".join(f"{act} {amount:,.10g}" for act, amount in one.moved.items())
