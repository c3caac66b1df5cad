"""Deliveries: how each webhook stands, what was tried, and what was given up."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.panels import NONE_EXPECTED, Size, graph, rows, section
from grafana.sources import Answer, Column, PromQL
from grafana.texts import Say

ENDPOINTS = (
    Column("endpoint"),
    Column("configured", "boolean"),
    Column("waiting", "number", decimals=0),
    Column("oldest_s", "number", "s", 0, none="nothing-waits"),
    Column("delivered", "number", decimals=0),
    Column("failed", "number", decimals=0),
    Column("dead", "number", decimals=0),
    Column("disabled", "boolean"),
    Column("last_error"),
    Column("last_delivered", "timestamp"),
)
ATTEMPTS = (
    Column("at", "timestamp"),
    Column("endpoint"),
    Column("status", "number", decimals=0, none="no-answer"),
    Column("error"),
    Column("took_ms", "number", "ms", 0),
    Column("event"),
)
GIVEN_UP = (
    Column("endpoint"),
    Column("created", "timestamp"),
    Column("dead", "timestamp"),
    Column("attempts", "number", decimals=0),
    Column("error"),
    Column("alert"),
    Column("event"),
)


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    delivered, failed = (
        PromQL(
            f"sum by (endpoint) (increase({name}[$__rate_interval]))", f"{{{{endpoint}}}}: {say(word)}", ref
        )
        for name, word, ref in (
            ("stackmeter_webhooks_delivered_total", "col.delivered", "A"),
            ("stackmeter_webhooks_failed_total", "col.failed", "B"),
        )
    )
    panels = (
        section(say, "section.endpoints"),
        rows(
            say, "endpoints", Answer("/v1/webhooks", ENDPOINTS, root="webhooks"), Size(24, 7),
            steps={"failed": NONE_EXPECTED, "dead": NONE_EXPECTED},
        ),
        rows(say, "given-up", Answer("/v1/webhooks/dead", GIVEN_UP, c.MOST, root="dead"), Size(24, 7)),
        section(say, "section.history"),
        graph(say, "attempts-over-time", "short", [delivered, failed], Size(12, 9), stacked=True),
        graph(say, "webhooks-waiting", "short", [PromQL("stackmeter_webhooks_waiting", say("webhooks-waiting"))], Size(12, 9)),
        rows(say, "attempts", Answer("/v1/webhooks/deliveries", ATTEMPTS, c.MOST, root="deliveries"), Size(24, 9)),
    )  # fmt: skip
    return frame.dashboard(say, "deliveries", panels)
