"""Energy: what is drawn from the grid, the demand, the solar power, and what a kilowatt-hour stands for."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.boards.overview import totals
from grafana.panels import SHARE, TONNES, Size, graph, number, rows, section
from grafana.sources import FACILITIES, KNOWN, PARK, Column, InfluxQL, select
from grafana.texts import Say

GRID = "\"method\" = 'electricity-location'"  # its activity is energy from the grid in kWh
KILOWATTS, KILOWATT_HOURS, INTENSITY = "kwatt", "kwatth", "suffix: kg CO2e/kWh"


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    panels = (
        section(say, "section.energy"),
        number(
            say, "grid-energy", KILOWATT_HOURS, _grid('sum("activity")', every="$__interval"), Size(12, 5),
            decimals=0, curve="sum",
        ),
        number(
            say, "grid-coverage", SHARE, _grid('mean("coverage")', every="$__interval", known=False), Size(12, 5),
            decimals=1, curve="mean",
        ),
        section(say, "section.power"),
        graph(say, "demand", KILOWATTS, [_grid('sum("activity") * 4', every="15m")], Size(12, 9)),
        graph(say, "energy-per-hour", KILOWATT_HOURS, [_grid('sum("activity")', every="1h")], Size(12, 9), stacked=True),
        graph(say, "load", KILOWATTS, [_power("electricity")], Size(12, 9)),
        graph(say, "solar", KILOWATTS, [_power("solar")], Size(12, 9)),
        section(say, "section.emissions"),
        graph(say, "intensity", INTENSITY, [_intensity()], Size(12, 9)),
        rows(
            say,
            "scope2",
            totals(
                "range", c.FACILITY, Column("scope2.location_t", "number", TONNES, 3), Column("scope2.market_t", "number", TONNES, 3),
                Column("scope2.matched_mwh", "number", "suffix: MWh", 1), Column("scope2.unmatched_mwh", "number", "suffix: MWh", 1),
                c.COVERAGE, c.KNOWN_FROM, level="facility", park="$park", **{"with": "scope2"},
                chosen=("facility",),
            ),
            Size(12, 9),
        ),
    )  # fmt: skip
    return frame.dashboard(
        say,
        "energy",
        panels,
        variables=[frame.park(say), frame.facility(say, many=True)],
        annotations=[frame.alerts(say, FACILITIES)],
    )


def _grid(expression: str, *, every: str = "", known: bool = True) -> InfluxQL:
    where = (PARK, FACILITIES, GRID, *((KNOWN,) if known else ()))
    return InfluxQL(
        select(expression, "emission", *where, by=["facility", "source"], every=every),
        "$tag_facility / $tag_source",
    )


def _power(quantity: str) -> InfluxQL:
    """Return what asks for power in kW: InfluxDB knows no units, so that it goes by the name that the example gives."""
    where = (
        PARK,
        FACILITIES,
        f"\"quantity\" = '{quantity}'",
        '"channel" =~ /active_power$/',
        '"quality" <= 1',
    )
    return InfluxQL(
        select('mean("value")', "reading", *where, by=["facility", "channel"], every="$__interval"),
        "$tag_facility / $tag_channel",
    )


def _intensity() -> InfluxQL:
    expression = 'sum("co2e_t") * 1000 / sum("activity")'
    return InfluxQL(
        select(expression, "emission", PARK, FACILITIES, GRID, KNOWN, by=["facility", "source"], every="1h"),
        "$tag_facility / $tag_source",
    )
