"""Indicators in the terminal: a line a number, with how far it is known, and of criteria whether they are met."""

from collections.abc import Iterator

from api.accounting.indicators import IndicatorsBody
from api.accounting.place_indicators import PlaceIndicatorsBody, WasteBody, WaterBody, WaterLoadBody
from stackmeter.views import view
from stackmeter.views.tables import Shown

_VERDICTS = {"met": "met", "not_met": "not met", "unknown": "unknown"}
_NAMES = {
    "fresh_m3": "fresh water [m3]",
    "inflow_m3": "wastewater treated [m3]",
    "reused_m3": "water used again [m3]",
    "reuse_share": "of the wastewater",
    "circulation_share": "of all water",
    "cod_in_kg": "COD that enters the treatment [kg]",
    "cod_out_kg": "COD that leaves it [kg]",
    "cod_removed_kg": "COD removed [kg]",
    "cod_removed_share": "of the COD that enters",
    "total_t": "waste [t]",
    "diverted_share": "diverted",
    "with_energy_share": "diverted, with energy",
    "landfill_share": "to the landfill",
}
_CRITERIA = {
    "recp": "firms of cleaner production",
    "links": "links of symbiosis",
    "linked_firms": "firms in links",
    "land": "green land and infrastructure",
}


def indicators(found: IndicatorsBody) -> Shown:
    """Return indicators as a table."""
    rows = [row for one in found.places for row in _rows(one)]
    notes = [
        f"{one.eco_park.row} is provisional: {one.eco_park.source}"
        for one in found.places
        if one.eco_park and one.eco_park.status == "provisional"
    ]
    heads = ["place", "indicator", "value", "known", "criterion"]
    return Shown(heads, rows, right={"value", "known"}, note="\n".join(dict.fromkeys(notes)))


def _rows(one: PlaceIndicatorsBody) -> Iterator[list[str]]:
    place = "/".join(filter(None, (one.park, one.facility)))
    parts: list[WaterBody | WaterLoadBody | WasteBody | None] = [one.water, one.load, one.waste]
    for told in (part for part in parts if part):
        for name, text in _NAMES.items():
            if name in type(told).model_fields:
                value = getattr(told, name)
                shown = view.share(value) if name.endswith("_share") else _amount(value)
                yield [place, text, shown, view.share(told.coverage), ""]
    for stream in one.waste.streams if one.waste else ():
        yield [
            place,
            f"{stream.stream}, {stream.treatment} [t]",
            _amount(stream.t),
            view.share(stream.coverage),
            "",
        ]
    for row in one.eco_park.criteria if one.eco_park else ():
        is_share = row.criterion != "links"
        value, least = (view.share(x) if is_share else _amount(x) for x in (row.value, row.threshold))
        said = f"at least {least}: {_VERDICTS[row.verdict]}" + (f", {row.reason}" if row.reason else "")
        yield [place, _CRITERIA[row.criterion], value, "", said]


def _amount(value: float | None) -> str:
    return view.UNKNOWN if value is None else f"{value:,.6g}"
