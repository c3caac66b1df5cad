"""Month end: how the park's months stand, what keeps one from being final, what falls due, and what was issued."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.panels import COVERAGE, SHARE, TONNES, Size, rows, section
from grafana.sources import Answer, Column
from grafana.texts import Say

MONTHS = (
    Column("month"),
    Column("status", mapped=True),
    Column("reported_t", "number", TONNES, 3),
    c.COVERAGE,
    c.KNOWN_FROM,
    Column("provisional_share", "number", SHARE, 1),
    Column("unknown"),
    Column("closed_by"),
    Column("despite"),
)
ITEMS = (
    Column("stops", "boolean"),
    Column("kind"),
    Column("about"),
    Column("detail"),
    Column("command"),
)
DUTIES = (Column("due"), Column("title"), Column("form"), Column("mark"), Column("unsure"))
REPORTS = (
    c.PARK,
    Column("number", "number", decimals=0),
    Column("revision", "number", decimals=0),
    Column("form"),
    c.FACILITY,
    Column("periods"),
    Column("language"),
    Column("issued_at", "timestamp"),
    Column("issued_by"),
    Column("status"),
    Column("overtaken_t", "number", TONNES, 3, none="as-issued"),
)


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park"}
    month = {**here, "month": "$month", "language": say.language}
    panels = (
        section(say, "section.months"),
        rows(say, "months", Answer("/v1/periods", MONTHS, here, root="periods"), Size(24, 9), steps={"coverage": COVERAGE}),
        section(say, "section.month"),
        rows(say, "month-items", Answer("/v1/month-end", ITEMS, month, root="items"), Size(24, 9)),
        rows(say, "duties", Answer("/v1/month-end", DUTIES, month, root="duties"), Size(24, 6)),
        section(say, "section.papers"),
        rows(say, "reports", Answer("/v1/reports", REPORTS, root="reports"), Size(24, 8)),
    )  # fmt: skip
    return frame.dashboard(
        say, "month-end", panels, variables=[frame.park(say), frame.month(say)], since="now/M", refresh="5m"
    )
