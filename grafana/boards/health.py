"""Service health: whether the service is ready, what it works without, what waits, and how far InfluxDB is."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.panels import NONE_EXPECTED, Size, graph, metrics, rows
from grafana.sources import READINESS, Answer, Column, InfluxQL, select
from grafana.texts import Say

WAITING = (
    "stackmeter_journal_backlog",
    "stackmeter_influx_waiting_readings",
    "stackmeter_influx_waiting_emissions",
    "stackmeter_webhooks_waiting",
)
TROUBLE = (
    "stackmeter_channel_conflicts",
    "stackmeter_intake_paused",
    "stackmeter_influx_refused_total",
    "stackmeter_qos0_dropped_total",
    "stackmeter_broker_sessions_lost_total",
)
STATE = (
    "stackmeter_ready",
    "stackmeter_broker_connected",
    "stackmeter_broker_connections_total",
    "stackmeter_journal_messages_total",
    "stackmeter_influx_points_total",
)


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    ready = (Column("ready", "boolean"), Column("reasons"), Column("degradations"))
    panels = (
        rows(say, "ready", Answer("/readyz", ready, source=READINESS), Size(24, 5)),
        metrics(say, "state", STATE, Size(8, 8)),
        metrics(say, "waiting", WAITING, Size(8, 8)),
        metrics(say, "trouble", TROUBLE, Size(8, 8), steps=NONE_EXPECTED),
        graph(say, "points", "suffix: /min", [_points(say)], Size(12, 9)),
        graph(say, "revisions", "none", [_revisions()], Size(12, 9)),
    )
    return frame.dashboard(say, "health", panels)


def _points(say: Say) -> InfluxQL:
    return InfluxQL(select('count("value")', "reading", every="1m"), say("col.readings"))


def _revisions() -> InfluxQL:
    return InfluxQL(select('max("revision")', "emission", by=["park"], every="$__interval"), "$tag_park")
