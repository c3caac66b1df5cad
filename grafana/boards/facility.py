"""Facility: its sources, its gases, its coverage, and the readings of one of its channels."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.boards.overview import totals
from grafana.panels import (
    COVERAGE,
    KILOGRAMS_PER_HOUR,
    TONNES,
    TONNES_PER_HOUR,
    Link,
    Size,
    cell,
    graph,
    number,
    rows,
)
from grafana.sources import CHANNEL, FACILITY, KNOWN, PARK, Answer, Column, InfluxQL, select
from grafana.texts import Say

GASES = ("co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg")

CHANNELS = (
    Column("channel"),
    Column("gateway"),
    Column("quantity"),
    Column("kind"),
    Column("latest.value", "number"),
    Column("unit"),
    Column("latest.quality"),
    Column("latest.time", "timestamp"),
    Column("latest.age_s", "number", "s", 0),
    Column("stale", "boolean"),
)


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park", "facility": "$facility"}
    of_source = {"park": "$park", "facility": "$facility", "source": cell("source")}
    panels = (
        number(
            say,
            "now",
            TONNES_PER_HOUR,
            totals("today", c.NOW, c.NOW_UNKNOWN, level="facility", **here),
            Size(6, 5),
        ),
        number(say, "today", TONNES, totals("today", c.TONNES_CO2E, level="facility", **here), Size(6, 5)),
        number(say, "month", TONNES, totals("month", c.TONNES_CO2E, level="facility", **here), Size(6, 5)),
        number(
            say,
            "coverage-today",
            "percentunit",
            totals("today", c.COVERAGE, c.KNOWN_FROM, level="facility", **here),
            Size(6, 5),
            steps=COVERAGE,
            decimals=1,
        ),
        rows(
            say,
            "sources",
            totals(
                "today",
                c.SOURCE,
                c.SCOPE,
                Column("method"),
                c.NOW,
                c.NOW_UNKNOWN,
                c.TONNES_CO2E,
                Column("activity", "number", decimals=1),
                Column("activity_unit"),
                c.COVERAGE,
                c.KNOWN_FROM,
                c.SUBSTITUTED,
                c.MISSING,
                c.COMPLETE,
                level="source",
                **here,
            ),
            Size(24, 8),
            links=[Link("source", "stack", of_source)],
            sort="co2e_t",
            steps={"coverage": COVERAGE},
        ),
        graph(say, "hourly-by-source", TONNES_PER_HOUR, [_hourly()], Size(14, 9), stacked=True),
        graph(say, "coverage-by-source", "percentunit", [_coverage()], Size(10, 9), share=True),
        graph(
            say,
            "gases",
            KILOGRAMS_PER_HOUR,
            [_gas(say, gas, ref) for gas, ref in zip(GASES, "ABCD", strict=True)],
            Size(12, 9),
        ),
        graph(say, "reading", "none", [_reading()], Size(12, 9)),
        rows(
            say,
            "channels",
            Answer("/v1/channels", CHANNELS, {**here, **c.MOST}, root="channels"),
            Size(24, 9),
        ),
        rows(
            say,
            "open-alerts-facility",
            Answer("/v1/alerts", c.ALERT, {"status": "open", **here}, root="alerts"),
            Size(24, 7),
        ),
    )
    return frame.dashboard(
        say,
        "facility",
        panels,
        variables=[frame.park(say), frame.facility(say), frame.channel(say)],
        annotations=[frame.alerts(say, FACILITY), frame.restatements(say)],
    )


def _hourly() -> InfluxQL:
    query = select('sum("co2e_t")', "emission", PARK, FACILITY, KNOWN, by=["source"], every="1h")
    return InfluxQL(query, "$tag_source")


def _coverage() -> InfluxQL:
    query = select('mean("coverage")', "emission", PARK, FACILITY, by=["source"], every="$__interval")
    return InfluxQL(query, "$tag_source")


def _gas(say: Say, gas: str, ref: str) -> InfluxQL:
    return InfluxQL(
        select(f'sum("{gas}")', "emission", PARK, FACILITY, KNOWN, every="1h"), say(f"col.{gas}"), ref
    )


def _reading() -> InfluxQL:
    return InfluxQL(
        select('mean("value")', "reading", PARK, FACILITY, CHANNEL, every="$__interval"), "$channel"
    )
