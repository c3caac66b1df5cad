"""A plan in the terminal: the path with its projection, what measures saved, and what moved the tonnes."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel
from rich.console import RenderableType
from rich.text import Text

from api.totals.bridge import BridgeBody
from api.totals.measures import MeasureBody, MeasuresBody
from api.totals.roadmap import RoadmapBody, WayBody, YearBody
from stackmeter.views import view
from stackmeter.views.tables import Shown

WORDS: Mapping[str, str] = {
    "shown": "proven",
    "extrapolated": "not proven",
    "not_shown": "not proven",
    "expected": "expected",
}
MILLION = 1e6


class PlanSeen(BaseModel):
    """The plan of a park or a facility, asked at about one moment; `bridge` is null where none is asked for."""

    roadmap: RoadmapBody
    measures: MeasuresBody
    bridge: BridgeBody | None


def plan_shown(seen: PlanSeen) -> Iterator[RenderableType]:
    """Yield what is shown of a plan, part by part."""
    for way in seen.roadmap.roadmap:
        yield Text("/".join(filter(None, (way.park, way.facility))), style="bold")
        yield _path(way)
    if seen.measures.measures:
        yield _measures(seen.measures)
    if seen.bridge is not None:
        yield _bridge(seen.bridge)


def tonnes(value: float | None) -> str:
    """Return tonnes of a year, a dash where they are unknown."""
    return view.UNKNOWN if value is None else f"{value:,.1f}"


def ranged(amount: float | None, low: float | None, size: float = 1.0) -> str:
    """Return an amount with the half-width of its interval, both divided by `size`."""
    if amount is None:
        return view.UNKNOWN
    width = "" if low is None else f" ± {(amount - low) / size:,.1f}"
    return f"{amount / size:,.1f}{width}"


def _path(way: WayBody) -> Shown:
    heads = ["year", "target t", "budget t", "so far t", "known", "leads to t"]
    rows = [
        (
            str(one.year),
            tonnes(one.target_t),
            tonnes(one.budget_t),
            tonnes(one.actual_t),
            view.share(one.coverage),
            ranged(one.projected_t, one.projected_low_t),
        )
        for one in way.years
    ]
    notes = "\n".join(line for one in way.years for line in _present(one))
    return Shown(heads, rows, right=heads[1:], whole=["year"], note=notes)


def _present(one: YearBody) -> Iterator[str]:
    """Yield what is to be said of the present year: how it is projected, and how fast its budget is used."""
    if one.projection in {"year_is_over", "year_is_to_come"}:
        return
    yield f"{one.year}: {'; '.join(one.why)}"
    burns = [
        f"{value:.2f} over {days} d"
        for days, value in ((1, one.burn_1d), (7, one.burn_7d), (28, one.burn_28d))
        if value is not None
    ]
    if burns:
        yield f"{one.year}: budget used {', '.join(burns)} times as fast as evenly"
    if one.days_to_exhaustion is not None:
        yield f"{one.year}: at the rate of the last 28 days the budget lasts {one.days_to_exhaustion:,.0f} days"


def _measures(found: MeasuresBody) -> Shown:
    heads = ["measure", "is", "saved t", "kWh", "million"]
    rows = []
    for one in found.measures:
        saved = ranged(one.avoided_t, one.low_t)
        if one.effect == "expected" and one.expected_t is not None:
            saved = f"{one.expected_t:,.1f} a year"
        cost = ranged(one.avoided_cost, one.low_cost, MILLION)
        cells = (saved, ranged(one.avoided_kwh, one.low_kwh), f"{cost} {one.currency or ''}".strip())
        rows.append((f"{one.title.en}\nfrom {one.starts}", WORDS[one.effect], *cells))
    shown = found.shown
    total = f"proven together: {ranged(shown.avoided_t, shown.low_t)} t CO2e"
    notes = [line for one in found.measures for line in _why(one)]
    return Shown(heads, rows, right=heads[2:], whole=["is"], note="\n".join([*notes, total]))


def _why(one: MeasureBody) -> Iterator[str]:
    if one.why:
        yield f"{one.name}: {'; '.join(one.why)}"


def _bridge(found: BridgeBody) -> RenderableType:
    title = f"{found.park}/{found.facility} from {found.base_year} to {found.year}"
    if found.why:
        return Text(f"{title}: no bridge: {'; '.join(found.why)}")
    rows = [
        (str(found.base_year), tonnes(found.base_t)),
        ("output", view.signed(found.output_t)),
        ("activity per output", view.signed(found.intensity_t)),
        ("factor", view.signed(found.factor_t)),
        (str(found.year), tonnes(found.now_t)),
    ]
    return Shown([title, "t CO2e"], rows, right=["t CO2e"])
