"""Park overview: tonnes now, today and this month, who emits them, where, and what is wrong."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.panels import (
    COVERAGE,
    SHARE,
    TONNES,
    TONNES_PER_HOUR,
    USED,
    Link,
    Size,
    cell,
    graph,
    number,
    places,
    rows,
)
from grafana.sources import KNOWN, PARK, Answer, Column, InfluxQL, select
from grafana.texts import Say

BUDGET = {"with": "budget"}


def totals(period: str, *columns: Column, level: str = "park", **more: str) -> Answer:
    """Return what asks for the totals of a period."""
    return Answer("/v1/totals", columns, {"level": level, "period": period} | more, root="totals")


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park"}
    panels = (
        number(say, "now", TONNES_PER_HOUR, totals("today", c.NOW, c.NOW_UNKNOWN, **here), Size(6, 5)),
        number(say, "today", TONNES, totals("today", c.TONNES_CO2E, **here), Size(6, 5)),
        number(say, "month", TONNES, totals("month", c.TONNES_CO2E, **here), Size(6, 5)),
        number(
            say,
            "budget-month",
            SHARE,
            totals("month", c.BUDGET_USED, **here, **BUDGET),
            Size(6, 5),
            steps=USED,
            decimals=1,
        ),
        number(
            say,
            "yesterday",
            TONNES,
            totals(
                "today",
                Column("previous.elapsed_co2e_t", "number", TONNES, 3),
                **here,
                **{"with": "previous"},
            ),
            Size(6, 5),
        ),
        number(
            say,
            "coverage-today",
            "percentunit",
            totals("today", c.COVERAGE, c.KNOWN_FROM, **here),
            Size(6, 5),
            steps=COVERAGE,
            decimals=1,
        ),
        number(
            say,
            "coverage-month",
            "percentunit",
            totals("month", c.COVERAGE, c.KNOWN_FROM, **here),
            Size(6, 5),
            steps=COVERAGE,
            decimals=1,
        ),
        number(
            say,
            "complete-until",
            "dateTimeAsIso",
            totals("today", c.COMPLETE, **here),
            Size(6, 5),
            decimals=None,
        ),
        rows(
            say,
            "facilities",
            totals(
                "today",
                c.FACILITY,
                c.NOW,
                c.NOW_UNKNOWN,
                c.TONNES_CO2E,
                c.COVERAGE,
                c.KNOWN_FROM,
                c.UNHEARD,
                c.MISSING,
                c.WORST,
                c.COMPLETE,
                level="facility",
                **here,
            ),
            Size(24, 8),
            links=[Link("facility", "facility", {"park": "$park", "facility": cell("facility")})],
            sort="co2e_t",
            steps={"coverage": COVERAGE},
        ),
        graph(say, "hourly-by-facility", TONNES_PER_HOUR, [_hourly()], Size(14, 9), stacked=True),
        graph(say, "coverage-by-facility", "percentunit", [_coverage()], Size(10, 9), share=True),
        rows(
            say,
            "top-emitters",
            totals(
                "month",
                c.FACILITY,
                c.SOURCE,
                c.SCOPE,
                c.TONNES_CO2E,
                c.COVERAGE,
                c.KNOWN_FROM,
                level="source",
                **here,
            ),
            Size(12, 9),
            links=[
                Link(
                    "source",
                    "stack",
                    {"park": "$park", "facility": cell("facility"), "source": cell("source")},
                )
            ],
            sort="co2e_t",
            steps={"coverage": COVERAGE},
        ),
        places(
            say,
            "map",
            Answer(
                "/v1/facilities",
                (
                    c.FACILITY,
                    Column("title"),
                    Column("coordinates.lat", "number"),
                    Column("coordinates.lon", "number"),
                    Column("sources", "number", decimals=0),
                    Column("channels", "number", decimals=0),
                ),
                {"park": "$park", **c.MOST},
                root="facilities",
            ),
            Size(12, 9),
        ),
        rows(
            say,
            "open-alerts",
            Answer("/v1/alerts", c.ALERT, {"status": "open", **here}, root="alerts"),
            Size(24, 8),
        ),
        rows(
            say,
            "parks",
            totals(
                "today",
                c.PARK,
                c.NOW,
                c.NOW_UNKNOWN,
                c.TONNES_CO2E,
                c.COVERAGE,
                c.KNOWN_FROM,
                c.UNHEARD,
                c.WORST,
                c.COMPLETE,
            ),
            Size(24, 6),
            links=[Link("park", "overview", {"park": cell("park")})],
            sort="co2e_t",
            steps={"coverage": COVERAGE},
        ),
    )
    return frame.dashboard(
        say,
        "overview",
        panels,
        variables=[frame.park(say)],
        annotations=[frame.alerts(say), frame.restatements(say)],
    )


def _hourly() -> InfluxQL:
    return InfluxQL(
        select('sum("co2e_t")', "emission", PARK, KNOWN, by=["facility"], every="1h"), "$tag_facility"
    )


def _coverage() -> InfluxQL:
    query = select('mean("coverage")', "emission", PARK, by=["facility"], every="$__interval")
    return InfluxQL(query, "$tag_facility")
