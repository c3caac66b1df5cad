"""Restatements: what changed of published numbers and why, what waits for approval, and what came too late to wake anybody."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.panels import TONNES, Size, graph, rows, section
from grafana.sources import Answer, Column, InfluxQL, select
from grafana.texts import Say

ENTRIES = (
    Column("at", "timestamp"),
    Column("cause"),
    Column("author"),
    Column("co2e_t_delta", "number", TONNES, 6),
    Column("changes", "number", decimals=0),
    Column("journal.from", "number", decimals=0),
    Column("journal.to", "number", decimals=0),
    Column("configuration"),
    Column("hash"),
)
WAITING = (
    Column("month"),
    Column("status", mapped=True),
    *(
        Column(f"pending_restatement.{name}", "number", TONNES, 3, none="nothing-waits")
        for name in ("reported_t", "current_t", "delta_t")
    ),
    Column("pending_restatement.needs_second", "boolean", none="nothing-waits"),
    Column("pending_restatement.approved_by", none="nothing-waits"),
)
TOO_LATE = (
    Column("known_at", "timestamp"),
    Column("rule"),
    Column("labels.facility"),
    Column("first", "timestamp"),
    Column("last", "timestamp"),
    Column("count", "number", decimals=0),
    Column("worst", "number"),
    Column("unit"),
)


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park"}
    ledger = {**here, "limit": "200"}
    panels = (
        section(say, "section.restatements"),
        rows(
            say, "restated",
            Answer("/v1/ledger", ENTRIES, ledger, root="entries", where='cause != "readings"'), Size(24, 8),
        ),
        rows(say, "waits-for-approval", Answer("/v1/periods", WAITING, here, root="periods"), Size(24, 7)),
        section(say, "section.history"),
        graph(say, "revisions", "none", [_revisions()], Size(24, 8)),
        rows(say, "ledger", Answer("/v1/ledger", ENTRIES, ledger, root="entries"), Size(24, 9)),
        rows(say, "too-late", Answer("/v1/retroactive", TOO_LATE, c.MOST, root="retroactive"), Size(24, 7)),
    )  # fmt: skip
    return frame.dashboard(
        say,
        "restatements",
        panels,
        variables=[frame.park(say)],
        annotations=[frame.restatements(say)],
        since="now-30d",
    )


def _revisions() -> InfluxQL:
    return InfluxQL(select('max("revision")', "emission", by=["park"], every="$__interval"), "$tag_park")
