"""Water: what is taken in and let out, and what the wastewater is like."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.boards.facility import COLUMNS
from grafana.panels import Size, graph, number, rows, section
from grafana.sources import FACILITIES, PARK, Answer, InfluxQL, all_chosen, select
from grafana.texts import Say

CUBIC_METRES = "suffix: m³"
# InfluxDB knows no units: by the names that the example gives. Registers of volume end in volume, in m3.
VOLUME = '"quantity" =~ /^(water|wastewater)$/', '"channel" =~ /volume$/'
FLOW = '"quantity" =~ /^(water|wastewater)$/', '"channel" !~ /volume$/'
LIKE = "acidity", "cod", "bod", "suspended-solids", "ammonium", "nitrogen", "phosphorus", "colour"
CONTENTS = f'"quantity" =~ /^({"|".join(LIKE)})$/'


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    names = ", ".join(f"'{one}'" for one in ("water", "wastewater", *LIKE))
    volume = _readings('spread("value")', *VOLUME, every="1h")
    panels = (
        section(say, "section.amounts"),
        number(say, "water-volume", CUBIC_METRES, volume, Size(24, 6), decimals=0, curve="sum"),
        graph(say, "water-per-hour", CUBIC_METRES, [volume], Size(12, 9), stacked=True),
        graph(say, "water-flow", "none", [_readings('mean("value")', *FLOW)], Size(12, 9)),
        section(say, "section.contents"),
        graph(say, "water-contents", "none", [_readings('mean("value")', CONTENTS)], Size(24, 9)),
        rows(
            say, "channels",
            Answer(
                "/v1/channels", (c.FACILITY, *COLUMNS), {"park": "$park", **c.MOST}, root="channels",
                where=f"{all_chosen(['facility'])} && quantity IN ({names})",
            ),
            Size(24, 9),
        ),
    )  # fmt: skip
    return frame.dashboard(
        say,
        "water",
        panels,
        variables=[frame.park(say), frame.facility(say, many=True)],
        annotations=[frame.alerts(say, FACILITIES)],
    )


def _readings(expression: str, *where: str, every: str = "$__interval") -> InfluxQL:
    counting = '"quality" <= 1'
    by = ["facility", "channel"]
    return InfluxQL(
        select(expression, "reading", PARK, FACILITIES, *where, counting, by=by, every=every),
        "$tag_facility / $tag_channel",
    )
