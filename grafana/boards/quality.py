"""Data quality and gateways: what comes in, what of it counts, and what is missing."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.boards.overview import totals
from grafana.panels import COVERAGE, NONE_EXPECTED, SHARE, Size, graph, rows, section
from grafana.sources import FACILITIES, PARK, RANGE, Answer, Column, InfluxQL, all_chosen, select
from grafana.texts import Say

OUTCOMES = ("received", "accepted", "late", "duplicate", "quarantined", "rejected")
GATEWAYS = (
    c.FACILITY,
    Column("gateway"),
    Column("online", "boolean"),
    Column("heard_at", "timestamp"),
    Column("silence_s", "number", "s", 0),
    Column("lag_s", "number", "s", 1),
    Column("clock_skew_s", "number", "s", 1),
    Column("source_class"),
)
CAUSES = (
    Column("code"),
    Column("outcome"),
    Column("gateway"),
    Column("path"),
    Column("count", "number", decimals=0),
    Column("last_at", "timestamp"),
    Column("sample.detail"),
)
CHANNELS = (
    c.FACILITY,
    Column("channel"),
    Column("coverage", "number", SHARE, 1),
    *(
        Column(word, "number", decimals=0)
        for word in ("readings", "uncounted", "outliers", "anomalies", "conflicts", "gaps")
    ),
    Column("longest_gap.duration_s", "number", "s", 0),
)
FACTORS = (
    Column("factor"),
    Column("row"),
    Column("status"),
    Column("valid_from", "timestamp"),
    Column("source"),
    Column("used_by"),
)
PER_MINUTE = "suffix: /min"


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    messages = [Column(f"messages.{outcome}", "number", "short", 0) for outcome in OUTCOMES]
    readings = [Column(f"readings.{outcome}", "number", "short", 0) for outcome in OUTCOMES]
    here = {"park": "$park", **c.MOST}
    panels = (
        section(say, "section.messages"),
        rows(
            say, "gateway-messages",
            Answer(
                "/v1/balance", (Column("gateway"), *messages, *readings), RANGE, root="gateways",
                where=all_chosen(["gateway"]),
            ),
            Size(24, 8), steps={"messages.quarantined": NONE_EXPECTED, "messages.rejected": NONE_EXPECTED},
        ),
        rows(
            say,
            "gateways",
            Answer("/v1/gateways", GATEWAYS, here, root="gateways", where=all_chosen(["facility"])),
            Size(24, 7),
        ),
        section(say, "section.readings"),
        graph(say, "readings-per-minute", PER_MINUTE, [_readings(say)], Size(12, 9)),
        graph(say, "uncounted", "short", [_uncounted()], Size(12, 9), stacked=True),
        graph(say, "coverage-by-source", SHARE, [_coverage()], Size(12, 9), share=True),
        rows(
            say, "gaps",
            totals(
                "range", c.FACILITY, c.SOURCE, c.COVERAGE, c.KNOWN_FROM, Column("shares.measured", "number", SHARE, 1), Column("shares.interpolated", "number", SHARE, 1),
                c.SUBSTITUTED, c.MISSING, c.COMPLETE, Column("stale"), level="source", park="$park",
                chosen=("facility",),
            ),
            Size(12, 9), sort="shares.missing", steps={"coverage": COVERAGE},
        ),
        rows(
            say, "channel-quality",
            Answer(
                "/v1/quality/channels", CHANNELS, here | RANGE, root="channels", where=all_chosen(["facility"])
            ),
            Size(24, 9), steps={"coverage": COVERAGE},
        ),
        section(say, "section.refused"),
        rows(say, "quarantine", Answer("/v1/quarantine", CAUSES, c.MOST | RANGE, root="causes"), Size(12, 8), sort="count"),
        rows(
            say, "provisional-factors",
            Answer("/v1/factors", FACTORS, {"provisional": "true", **c.MOST}, root="factors"), Size(12, 8),
        ),
    )  # fmt: skip
    return frame.dashboard(
        say,
        "quality",
        panels,
        variables=[frame.park(say), frame.facility(say, many=True), frame.gateway(say)],
        annotations=[frame.alerts(say)],
    )


def _readings(say: Say) -> InfluxQL:
    query = select('count("value")', "reading", PARK, FACILITIES, every="1m")
    return InfluxQL(query, say("col.readings"))


def _uncounted() -> InfluxQL:
    query = select(
        'count("value")', "reading", PARK, FACILITIES, '"quality" > 1', by=["facility", "channel"], every="1h"
    )
    return InfluxQL(query, "$tag_facility / $tag_channel")


def _coverage() -> InfluxQL:
    query = select(
        'mean("coverage")', "emission", PARK, FACILITIES, by=["facility", "source"], every="$__interval"
    )
    return InfluxQL(query, "$tag_facility / $tag_source")
