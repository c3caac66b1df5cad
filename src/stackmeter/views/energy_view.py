"""Bills and advice for batteries in the terminal."""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from rich.console import RenderableType
from rich.text import Text

from api.accounting.advice import BatteryAdviceBody, TankBody
from api.accounting.bills import BillBody, BillSlotBody
from stackmeter.views import view
from stackmeter.views.tables import Shown


def bill_shown(found: BillBody, zone: tzinfo) -> Iterator[RenderableType]:
    """Yield a facility's bill; `zone` is the clock of its times."""
    from_, to = (local_day(text, zone) for text in (found.period.from_, found.until))
    yield Text(f"{found.park}/{found.facility}, {from_} to {to}: {found.title}", style="bold")
    heads = ["slot", "kWh", "known", found.currency, "peak kW", "peak at", "t CO2e"]
    rows = [_slot(one, zone) for one in (*found.slots, found.whole)]
    right = {"kWh", "known", found.currency, "peak kW", "t CO2e"}
    yield Shown(heads, rows, right=right, whole=heads, bold=[len(rows) - 1], note="\n".join(_notes(found)))


def advice_shown(found: BatteryAdviceBody, zone: tzinfo) -> Iterator[RenderableType]:
    """Yield the advice for a facility's battery; `zone` is the clock of its times."""
    one = found.battery
    size = f"{whole(one.energy_kwh)} kWh, {whole(one.power_kw)} kW, {one.efficiency:.0%}"
    yield Text(f"{found.park}/{found.facility}, {found.day}: battery of {size}", style="bold")
    if found.reason is not None:
        yield Text(f"no advice: {found.why}")
    elif not found.stretches:
        yield Text("rest: whatever it does costs as much or more")
    else:
        heads = ["from", "to", "do", "slot", "kWh", "kW", f"{found.currency}/kWh"]
        rows = [
            (
                clock(each.start, zone), clock(each.to, zone), each.action, each.slot,
                whole(each.kwh), whole(each.kw), f"{each.price:,.0f}",
            )
            for each in found.stretches
        ]  # fmt: skip
        yield Shown(heads, rows, right=heads[4:], whole=heads)
    yield Text("\n".join(_sums(found)))


def whole(value: float | None) -> str:
    """Return a number without decimals, a dash where it is unknown."""
    return view.UNKNOWN if value is None else f"{value:,.0f}"


def clock(text: str | None, zone: tzinfo) -> str:
    """Return a time of the API as hour and minute of a clock."""
    return view.UNKNOWN if text is None else f"{datetime.fromisoformat(text).astimezone(zone):%H:%M}"


def local_day(text: str, zone: tzinfo) -> str:
    """Return the day of a time of the API by a clock, with its hour where it is not midnight."""
    at = datetime.fromisoformat(text).astimezone(zone)
    return f"{at:%Y-%m-%d %H:%M}" if at.hour or at.minute else f"{at:%Y-%m-%d}"


def _slot(one: BillSlotBody, zone: tzinfo) -> tuple[str, ...]:
    at = view.UNKNOWN
    if one.peak_at is not None:
        at = f"{datetime.fromisoformat(one.peak_at).astimezone(zone):%d %b %H:%M}"
    numbers = (whole(one.kwh), view.share(one.coverage), whole(one.energy_charge), whole(one.peak_kw))
    return one.slot or "all", *numbers, at, view.amount(one.co2e_t)


def _notes(found: BillBody) -> Iterator[str]:
    if found.reactive is not None:
        one = found.reactive
        factor = view.UNKNOWN if one.cos_phi is None else f"{one.cos_phi:.2f}"
        yield f"reactive energy: {whole(one.charge)} {found.currency} at cos phi {factor}"
    yield f"tax: {whole(found.vat)} {found.currency}"
    yield f"total with tax: {whole(found.total)} {found.currency}"
    if found.unpriced_kwh:
        yield f"{whole(found.unpriced_kwh)} kWh without a price are in no charge"
    if found.source is None:
        yield "no tonnes: no source takes in the billed channel alone"
    if unsettled := [row.row for row in found.rows if row.status == "provisional"]:
        yield f"provisional: {', '.join(unsettled)}; --json says why"


def _sums(found: BatteryAdviceBody) -> Iterator[str]:
    if found.saved is not None:
        yield (
            f"energy costs {whole(found.cost_with)} {found.currency} in place of {whole(found.cost_without)}, before tax:"
            f" {whole(found.saved)} less"
        )
    if found.extra_t is not None:
        yield f"and {view.signed(found.extra_t)} t CO2e"
    yield f"load: mean of {', '.join(found.days)}; shown, and sent to no device"
    if found.tank is not None:
        yield _tank(found.tank)


def _tank(held: TankBody) -> str:
    return (
        f"last 28 days: {whole(held.charged_kwh)} kWh in with {view.amount(held.in_t)} t, {whole(held.drawn_kwh)} kWh out with"
        f" {view.amount(held.drawn_t)} t; {view.amount(held.lost_t)} t of losses stay with the user, {view.amount(held.stored_t)} t"
        " are in it"
    )
