"""Energy: what is drawn from the grid, the demand, the solar power, what a kilowatt-hour stands for and costs, and the battery."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.boards.overview import totals
from grafana.panels import COVERAGE, SHARE, TONNES, Size, graph, number, rows, section
from grafana.sources import FACILITIES, KNOWN, PARK, Answer, Column, InfluxQL, select
from grafana.texts import Say

GRID = "\"method\" = 'electricity-location'"  # its activity is energy from the grid in kWh
KILOWATTS, KILOWATT_HOURS, INTENSITY = "kwatt", "kwatth", "suffix: kg CO2e/kWh"
MEGAWATT_HOURS = "suffix: MWh"
CLEAN = (
    c.FACILITY,
    Column("hourly_share", "number", SHARE, 1),
    Column("annual_share", "number", SHARE, 1),
    Column("load_mwh", "number", MEGAWATT_HOURS, 1),
    Column("clean_mwh", "number", MEGAWATT_HOURS, 1),
    Column("known_hours", "number", decimals=0),
    Column("generation.self_consumed_mwh", "number", MEGAWATT_HOURS, 1),
    Column("generation.exported_mwh", "number", MEGAWATT_HOURS, 1),
    Column("generation.avoided_by_self_consumption_t", "number", TONNES, 3),
    Column("generation.avoided_by_export_t", "number", TONNES, 3),
)
BILLS = (
    c.FACILITY,
    Column("tariff"),
    Column("whole.kwh", "number", KILOWATT_HOURS, 0),
    Column("whole.coverage", "number", SHARE, 1),
    Column("whole.average_per_kwh", "number", decimals=0),
    Column("whole.energy_charge", "number", decimals=0),
    Column("reactive.charge", "number", decimals=0),
    Column("total", "number", decimals=0),
    Column("currency"),
    Column("provisional", "boolean"),
    Column("whole.peak_kw", "number", KILOWATTS, 1),
    Column("whole.peak_at", "timestamp"),
    Column("reactive.cos_phi", "number", decimals=2),
    Column("whole.co2e_t", "number", TONNES, 3),
)
ADVICE = (
    c.FACILITY,
    Column("day"),
    Column("load_kwh", "number", KILOWATT_HOURS, 0),
    Column("charged_kwh", "number", KILOWATT_HOURS, 0),
    Column("discharged_kwh", "number", KILOWATT_HOURS, 0),
    Column("saved", "number", decimals=0),
    Column("currency"),
    Column("extra_t", "number", TONNES, 3),
    Column("why"),
)
TANK = (
    c.FACILITY,
    Column("tank.coverage", "number", SHARE, 1),
    Column("tank.charged_kwh", "number", KILOWATT_HOURS, 0),
    Column("tank.drawn_kwh", "number", KILOWATT_HOURS, 0),
    Column("tank.in_t", "number", TONNES, 3),
    Column("tank.drawn_t", "number", TONNES, 3),
    Column("tank.lost_t", "number", TONNES, 3),
    Column("tank.stored_t", "number", TONNES, 3),
)


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park"}
    advice = {**here, "language": say.language}
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
        section(say, "section.clean"),
        rows(say, "clean", Answer("/v1/clean-energy", CLEAN, here, root="facilities"), Size(24, 6)),
        section(say, "section.bill"),
        rows(
            say, "bills", Answer("/v1/tariff", BILLS, {**here, "period": "$month"}, root="bills"), Size(24, 6),
            steps={"whole.coverage": COVERAGE},
        ),
        section(say, "section.battery"),
        rows(say, "advice", Answer("/v1/advice", ADVICE, advice, root="advice"), Size(24, 5)),
        rows(say, "tank", Answer("/v1/advice", TANK, advice, root="advice"), Size(24, 5)),
    )  # fmt: skip
    return frame.dashboard(
        say,
        "energy",
        panels,
        variables=[frame.park(say), frame.facility(say, many=True), frame.month(say)],
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
