"""Facility: its sources, its gases, its coverage, and the readings of one of its channels."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.boards.overview import highest_hour, totals
from grafana.panels import (
    COVERAGE,
    KILOGRAMS_PER_HOUR,
    SHARE,
    TONNES,
    TONNES_PER_HOUR,
    Link,
    Size,
    cell,
    graph,
    number,
    rows,
    section,
)
from grafana.sources import CHANNELS, FACILITY, KNOWN, PARK, SOURCES, Answer, Column, InfluxQL, select
from grafana.texts import Say

GASES = ("co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg")

COLUMNS = (
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
    quarter = Size(6, 5)
    panels = (
        section(say, "section.emissions"),
        number(say, "now", TONNES_PER_HOUR, totals("today", c.NOW, c.NOW_UNKNOWN, level="facility", **here), quarter),
        number(say, "range", TONNES, totals("range", c.TONNES_CO2E, level="facility", **here), quarter),
        number(say, "highest-hour", TONNES_PER_HOUR, highest_hour(say, PARK, FACILITY), quarter, curve="max"),
        number(
            say, "coverage-range", SHARE, totals("range", c.COVERAGE, c.KNOWN_FROM, level="facility", **here), quarter,
            steps=COVERAGE, decimals=1,
        ),
        rows(
            say,
            "sources",
            totals(
                "range",
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
                chosen=("source",),
            ),
            Size(24, 8),
            links=[Link("source", "stack", of_source)],
            sort="co2e_t",
            steps={"coverage": COVERAGE},
        ),
        section(say, "section.hours"),
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
        section(say, "section.channels"),
        rows(
            say,
            "channels",
            Answer("/v1/channels", COLUMNS, {**here, **c.MOST}, root="channels"),
            Size(24, 9),
        ),
        rows(
            say,
            "open-alerts-facility",
            Answer("/v1/alerts", c.ALERT, {"status": "open", **here}, root="alerts"),
            Size(24, 7),
        ),
    )  # fmt: skip
    return frame.dashboard(
        say,
        "facility",
        panels,
        variables=[frame.park(say), frame.facility(say), frame.source(say, many=True), frame.channel(say)],
        annotations=[frame.alerts(say, FACILITY), frame.restatements(say)],
    )


def _hourly() -> InfluxQL:
    query = select('sum("co2e_t")', "emission", PARK, FACILITY, SOURCES, KNOWN, by=["source"], every="1h")
    return InfluxQL(query, "$tag_source")


def _coverage() -> InfluxQL:
    query = select(
        'mean("coverage")', "emission", PARK, FACILITY, SOURCES, by=["source"], every="$__interval"
    )
    return InfluxQL(query, "$tag_source")


def _gas(say: Say, gas: str, ref: str) -> InfluxQL:
    return InfluxQL(
        select(f'sum("{gas}")', "emission", PARK, FACILITY, SOURCES, KNOWN, every="1h"),
        say(f"col.{gas}"),
        ref,
    )


def _reading() -> InfluxQL:
    return InfluxQL(
        select('mean("value")', "reading", PARK, FACILITY, CHANNELS, by=["channel"], every="$__interval"),
        "$tag_channel",
    )
