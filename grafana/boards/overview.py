"""Park overview: tonnes now, today and this month, who emits them, where, and what is wrong."""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.panels import (
    COVERAGE,
    NONE_EXPECTED,
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
    section,
)
from grafana.sources import KNOWN, PARK, RANGE, Answer, Column, InfluxQL, all_chosen, select
from grafana.texts import Say

BUDGET = {"with": "budget"}


def totals(
    period: str, *columns: Column, level: str = "park", chosen: Sequence[str] = (), **more: str
) -> Answer:
    """Return what asks for the totals of a period, or of the time picker's where that is `range`; of rows, those that are chosen."""
    when = RANGE if period == "range" else {"period": period}
    return Answer(
        "/v1/totals", columns, {"level": level} | when | more, root="totals", where=all_chosen(chosen)
    )


def highest_hour(say: Say, *where: str) -> InfluxQL:
    """Return what asks for tonnes by the clock hour, of scopes 1 and 2."""
    scopes = '"scope" =~ /^[12]$/'
    return InfluxQL(
        select('sum("co2e_t")', "emission", KNOWN, scopes, *where, every="1h"), say("highest-hour")
    )


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park"}
    previous = {"with": "previous"}
    quarter = Size(6, 5)
    panels = (
        section(say, "section.emissions"),
        number(say, "now", TONNES_PER_HOUR, totals("today", c.NOW, c.NOW_UNKNOWN, **here), quarter),
        number(say, "range", TONNES, totals("range", c.TONNES_CO2E, **here), quarter),
        number(say, "previous", TONNES, totals("range", c.PREVIOUS, **here, **previous), quarter),
        number(say, "highest-hour", TONNES_PER_HOUR, highest_hour(say, PARK), quarter, curve="max"),
        number(
            say, "coverage-range", SHARE, totals("range", c.COVERAGE, c.KNOWN_FROM, **here), quarter,
            steps=COVERAGE, decimals=1,
        ),
        number(
            say, "budget-range", SHARE, totals("range", c.BUDGET_USED, **here, **BUDGET), quarter,
            steps=USED, decimals=1,
        ),
        number(say, "complete-until", "dateTimeAsIso", totals("today", c.COMPLETE, **here), quarter, decimals=None),
        number(
            say, "fired", "none",
            InfluxQL(select('count("state")', "alert", PARK, '"state" = 1', every="$__interval"), say("fired")),
            quarter, steps=NONE_EXPECTED, decimals=0, curve="sum",
        ),
        section(say, "section.places"),
        rows(
            say,
            "facilities",
            totals(
                "range",
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
                "range",
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
        section(say, "section.alerts"),
        rows(
            say,
            "open-alerts",
            Answer("/v1/alerts", c.ALERT, {"status": "open", **here}, root="alerts"),
            Size(24, 8),
        ),
        section(say, "section.parks"),
        rows(
            say,
            "parks",
            totals(
                "range",
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
    )  # fmt: skip
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
