"""Eco-park: what tenants give each other and what that avoids, water that goes round, waste, and the criteria."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.panels import SHARE, TONNES, Size, rows, section
from grafana.sources import RANGE, Answer, Column
from grafana.texts import Say

CUBIC_METRES, KILOGRAMS, MASS = "suffix: m³", "suffix: kg", "suffix: t"
TITLE, UNIT = Column("title"), Column("unit")
EXCHANGES = (
    TITLE,
    Column("sent.facility"),
    Column("sent.amount", "number", decimals=1),
    Column("received.facility"),
    Column("received.amount", "number", decimals=1),
    UNIT,
    Column("share", "number", SHARE, 1),
    Column("tolerance", "number", SHARE, 1),
    Column("is_imbalance", "boolean"),
    Column("reason", none="known"),
    c.COVERAGE,
)
AVOIDED = (
    TITLE,
    Column("avoided.reference"),
    Column("avoided.amount", "number", decimals=1),
    Column("avoided.unit"),
    Column("avoided.avoided_t", "number", TONNES, 3),
    Column("avoided.source"),
)
PLACE = Column("facility", none="whole-park")
WATER = (
    PLACE,
    Column("water.reuse_share", "number", SHARE, 1),
    Column("water.circulation_share", "number", SHARE, 1),
    Column("water.fresh_m3", "number", CUBIC_METRES, 0),
    Column("water.inflow_m3", "number", CUBIC_METRES, 0),
    Column("water.reused_m3", "number", CUBIC_METRES, 0),
    Column("load.cod_removed_kg", "number", KILOGRAMS, 0),
)
WASTE = (
    PLACE,
    Column("waste.total_t", "number", MASS, 1),
    Column("waste.diverted_share", "number", SHARE, 1),
    Column("waste.with_energy_share", "number", SHARE, 1),
    Column("waste.landfill_share", "number", SHARE, 1),
    Column("waste.coverage", "number", SHARE, 1),
)
CRITERIA = (
    Column("criterion", mapped=True),
    Column("verdict", mapped=True),
    Column("value", "number", decimals=3),
    Column("threshold", "number", decimals=3),
    Column("reason", none="known"),
)


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park"}
    month = {**here, "period": "$month"}
    panels = (
        section(say, "section.criteria"),
        # The park's own place comes before those of its facilities.
        rows(say, "criteria", Answer("/v1/indicators", CRITERIA, month, root="places.0.eco_park.criteria"), Size(24, 7)),
        section(say, "section.exchanges"),
        rows(say, "exchanges", Answer("/v1/exchanges", EXCHANGES, here | RANGE, root="exchanges"), Size(24, 7)),
        rows(say, "avoided", Answer("/v1/exchanges", AVOIDED, here | RANGE, root="exchanges"), Size(24, 6)),
        section(say, "section.round"),
        rows(say, "water-round", Answer("/v1/indicators", WATER, month, root="places"), Size(12, 8)),
        rows(say, "waste", Answer("/v1/indicators", WASTE, month, root="places"), Size(12, 8)),
    )  # fmt: skip
    return frame.dashboard(
        say, "eco-park", panels, variables=[frame.park(say), frame.month(say)], since="now/M", refresh="5m"
    )
