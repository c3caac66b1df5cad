"""Service health: whether the service is ready, what it works without, what waits, and how far InfluxDB is."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.panels import NONE_EXPECTED, Size, graph, metrics, number, rows, section
from grafana.sources import READINESS, Answer, Column, InfluxQL, PromQL, select
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
        section(say, "section.present"),
        rows(say, "ready", Answer("/readyz", ready, source=READINESS), Size(24, 5)),
        metrics(say, "state", STATE, Size(8, 8)),
        metrics(say, "waiting", WAITING, Size(8, 8)),
        metrics(say, "trouble", TROUBLE, Size(8, 8), steps=NONE_EXPECTED),
        section(say, "section.history"),
        graph(say, "ready-over-time", "short", [PromQL("stackmeter_ready", "{{instance}}")], Size(12, 8), share=True),
        graph(
            say, "waiting-over-time", "short",
            [PromQL(name, say(f"metric.{name}"), ref) for name, ref in zip(WAITING, "ABCD", strict=True)], Size(12, 8),
        ),
        graph(say, "messages-per-minute", "suffix: /min", [PromQL("rate(stackmeter_journal_messages_total[$__rate_interval]) * 60", "{{instance}}")], Size(12, 8)),
        graph(say, "points", "suffix: /min", [_points(say)], Size(12, 8)),
        graph(
            say, "times", "s",
            [_slowest("stackmeter_line_step_seconds", say("line-steps"), "A"), _slowest("stackmeter_api_answer_seconds", say("api-answers"), "B")],
            Size(12, 8),
        ),
        graph(say, "part-failures", "short", [PromQL("sum by (part) (increase(stackmeter_part_failures_total[$__rate_interval]))", "{{part}}")], Size(12, 8), stacked=True),
        section(say, "section.gateways"),
        graph(say, "gateway-up", "short", [PromQL("stackmeter_gateway_up", "{{gateway}}")], Size(8, 8), share=True),
        graph(say, "gateway-silence", "s", [PromQL("stackmeter_gateway_silence_seconds", "{{gateway}}")], Size(8, 8)),
        graph(say, "reading-age", "s", [PromQL("stackmeter_gateway_reading_age_seconds", "{{gateway}}")], Size(8, 8)),
        section(say, "section.machine"),
        number(say, "version", "none", PromQL("stackmeter_build_info", "{{version}}, Python {{python}}"), Size(6, 8), decimals=0),
        number(say, "disk-full", "s", PromQL("stackmeter_disk_full_seconds", say("disk-full")), Size(6, 8), curve="lastNotNull"),
        number(say, "memory", "bytes", PromQL("process_resident_memory_bytes", say("memory")), Size(6, 8), curve="lastNotNull"),
        number(
            say, "processor", "percentunit", PromQL("rate(process_cpu_seconds_total[$__rate_interval])", say("processor")), Size(6, 8),
            curve="lastNotNull",
        ),
    )  # fmt: skip
    return frame.dashboard(say, "health", panels)


def _points(say: Say) -> InfluxQL:
    return InfluxQL(select('count("value")', "reading", every="1m"), say("col.readings"))


def _slowest(histogram: str, legend: str, ref: str) -> PromQL:
    """Return what asks for the time that one in twenty exceeds."""
    rate = f"sum by (le) (rate({histogram}_bucket[$__rate_interval]))"
    return PromQL(f"histogram_quantile(0.95, {rate})", legend, ref)
