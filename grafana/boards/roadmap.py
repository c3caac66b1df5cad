"""Net-zero roadmap: the path from the base year, what may be emitted this year, and how fast that is used up."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.boards.overview import BUDGET, totals
from grafana.panels import COVERAGE, SHARE, TONNES, USED, Size, graph, number, rows, section, years
from grafana.sources import KNOWN, PARK, Answer, Column, InfluxQL, select
from grafana.texts import Say

YEAR = Column("year")  # a text, so that it names bars
TARGET = Column("target_t", "number", TONNES, 0)
BUDGETED = Column("budget_t", "number", TONNES, 0)
ACTUAL = Column("actual_t", "number", TONNES, 0)
PROJECTED = Column("projected_t", "number", TONNES, 0)


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park"}
    budget = here | BUDGET
    panels = (
        section(say, "section.emissions"),
        number(say, "range", TONNES, totals("range", c.TONNES_CO2E, **here), Size(6, 5)),
        number(say, "budget-year", TONNES, totals("year", c.BUDGET, **budget), Size(6, 5), decimals=0),
        number(say, "budget-used-year", SHARE, totals("year", c.BUDGET_USED, **budget), Size(6, 5), steps=USED, decimals=1),
        number(say, "coverage-range", SHARE, totals("range", c.COVERAGE, c.KNOWN_FROM, **here), Size(6, 5), steps=COVERAGE, decimals=1),
        section(say, "section.path"),
        years(say, "path", TONNES, _years(YEAR, TARGET, BUDGETED, ACTUAL, PROJECTED), Size(24, 10)),
        graph(say, "burn", TONNES, [_daily('cumulative_sum(sum("co2e_t"))')], Size(12, 9)),
        graph(say, "daily", "suffix: t CO2e/d", [_daily('sum("co2e_t")')], Size(12, 9), stacked=True),
        rows(
            say, "path-table",
            _years(
                YEAR, TARGET, Column("target_source"), Column("target_provisional", "boolean"), BUDGETED, Column("budget_source"),
                ACTUAL, c.COVERAGE, c.KNOWN_FROM, PROJECTED, Column("projection"),
            ),
            Size(24, 8), steps={"coverage": COVERAGE},
        ),
        rows(
            say, "budgets",
            totals("year", c.FACILITY, c.TONNES_CO2E, c.BUDGET, c.BUDGET_USED, c.COVERAGE, c.KNOWN_FROM, level="facility", **budget),
            Size(24, 8), sort="budget_used_share", steps={"budget_used_share": USED, "coverage": COVERAGE},
        ),
    )  # fmt: skip
    return frame.dashboard(
        say,
        "roadmap",
        panels,
        variables=[frame.park(say)],
        annotations=[frame.restatements(say)],
        since="now/y",
        refresh="5m",
    )


def _years(*columns: Column) -> Answer:
    """Return what asks for the years of the park; its facilities follow it."""
    return Answer("/v1/roadmap", columns, {"park": "$park"}, root="roadmap.0.years")


def _daily(expression: str) -> InfluxQL:
    return InfluxQL(select(expression, "emission", PARK, KNOWN, every="1d", zone=frame.ZONE), "$park")
