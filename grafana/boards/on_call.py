"""Alerts and on-call: what is open, who has it, what is silenced, and how it came."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.panels import NONE_EXPECTED, Size, alert_groups, graph, number, rows, section
from grafana.sources import PARK, RULES, Answer, Column, InfluxQL, select
from grafana.texts import Say


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park"}
    told = (
        Column("acknowledged_by"),
        Column("assigned_to"),
        Column("snoozed_until", "timestamp"),
        Column("muted_by"),
    )
    after = (
        Column("ended_at", "timestamp"),
        Column("duration_s", "number", "s", 0),
        Column("acknowledged_by"),
    )
    panels = (
        section(say, "section.alerts"),
        number(say, "fired", "none", _fired(), Size(6, 8), steps=NONE_EXPECTED, decimals=0, curve="sum"),
        rows(
            say, "open-and-on-call",
            Answer("/v1/alerts", (*c.ALERT, *told), {"status": "open", **here}, root="alerts"), Size(18, 8),
        ),
        alert_groups(say, "groups", Size(12, 9)),
        rows(
            say, "silences",
            Answer(
                "/v1/silences",
                [Column("match"), Column("start", "timestamp"), Column("until", "timestamp"), Column("by"), Column("comment")],
                root="silences",
            ),
            Size(12, 9),
        ),
        section(say, "section.history"),
        graph(say, "transitions", "none", [_transitions()], Size(24, 8)),
        rows(
            say, "resolved-alerts",
            Answer("/v1/alerts", (*c.ALERT, *after), {"status": "resolved", **here}, root="alerts"), Size(24, 9),
        ),
    )  # fmt: skip
    return frame.dashboard(
        say, "on-call", panels, variables=[frame.park(say), frame.rule(say)], annotations=[frame.alerts(say)]
    )


def _fired() -> InfluxQL:
    return InfluxQL(
        select('count("state")', "alert", PARK, RULES, '"state" = 1', by=["severity"], every="$__interval"),
        "$tag_severity",
    )


def _transitions() -> InfluxQL:
    return InfluxQL(
        select('max("state")', "alert", PARK, RULES, by=["facility", "rule"], every="1m"),
        "$tag_facility / $tag_rule",
    )
